"""Exponents of known densities from made-up norms."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.stages.flux import norm_exponent, smeared_exponent
from made_up_norms import ELLS, made_up_norms

LEVEL = 0.9


def exponent(limits: xr.Dataset, quantity: str, s: float, order: int = 0) -> float:
    return norm_exponent(limits, quantity, order, 0.3, s, LEVEL).value


def test_each_norm_has_its_own_power_and_order() -> None:
    limits = made_up_norms(flux=0.7, product=0.4, gradient=0.0, smeared=1.5)
    # round-off
    assert exponent(limits, "pointwise", 1.0) == pytest.approx(0.7, abs=1e-12)
    assert exponent(limits, "product", 1.0) == pytest.approx(0.4, abs=1e-12)
    # the second order is made ten times as steep
    assert exponent(limits, "pointwise", 1.0, order=1) == pytest.approx(7.0, abs=1e-11)
    assert smeared_exponent(limits, 0.3, LEVEL).value == pytest.approx(1.5, abs=1e-12)


def test_the_product_is_corrected_where_the_force_has_a_bounded_gradient() -> None:
    limits = made_up_norms(flux=0.7, product=0.4, gradient=-0.1, smeared=1.5)
    assert exponent(limits, "product", 1.0) == pytest.approx(0.4, abs=1e-12)  # round-off
    assert exponent(limits, "product", 2.0) == pytest.approx(0.5, abs=1e-12)
    assert exponent(limits, "pointwise", 2.0) == pytest.approx(0.7, abs=1e-12)


def test_only_the_realisations_of_the_exponent_and_the_scales_that_are_known_enter() -> None:
    limits = made_up_norms(flux=0.7, product=0.4, gradient=0.0, smeared=1.5)
    limit = norm_exponent(limits, "pointwise", 0, 0.6, 1.0, LEVEL)
    assert limit.value == pytest.approx(0.7 + 0.3, abs=1e-12)
    assert (limit.fit_low, limit.fit_high, limit.realisations) == (ELLS[1], ELLS[-1], 3)
    limits["flux_norm"][:, 1] = np.nan
    assert norm_exponent(limits, "pointwise", 0, 0.6, 1.0, LEVEL).fit_low == ELLS[2]
