"""The balance along joint paths, on tables whose limits are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from budget_data import integrated
from glasscade.limits.joint import ALPHAS
from glasscade.stages.joint import DIFFERENCE, FOLLOWED, SUM, joint, limit_of

TEMPERATURES = [0.0, *(1e-4 * 2.0 ** np.arange(8))]
ELLS = [0.0, *(1e-3 * 2.0 ** np.arange(10))]
LEVEL, WIDTH, SHOCKS = 0.9, 4.0, 1.0 / 12.0
ANSWER = -0.7
"""What all terms together tend to."""


def tag(kernel, phi):
    return 1.0 + 0.1 * kernel + 0.5 * phi


def share(T, ell):
    """Of the dissipation of a layer of width 4T the part that heat has at the scale ℓ."""
    width = WIDTH * xr.where(T > 0.0, T, 1.0)
    return xr.where(T > 0.0, width / (width + ell), 0.0)


def thermal(T, ell, kernel, phi):
    return tag(kernel, phi) * SHOCKS * share(T, ell)


def flux(T, ell, kernel, phi):
    return tag(kernel, phi) * SHOCKS * (1.0 - share(T, ell)) * (1.0 - 0.3 * ell)


def w(T, ell, kernel, phi):
    total = tag(kernel, phi) * ANSWER * (1.0 + 2.0 * T) / (1.0 + ell**2)
    return total - thermal(T, ell, kernel, phi) - flux(T, ell, kernel, phi)


TERMS = {"W": w, "Q_flux": flux, "Q_thermal": thermal}


@pytest.fixture(scope="module")
def found():
    return joint(integrated(TEMPERATURES, ELLS, TERMS), LEVEL)


def test_all_terms_tend_to_the_same_on_every_path_by_every_kernel_and_function(found):
    assert tuple(found["followed"].values) == FOLLOWED
    for alpha in ALPHAS:
        for k in range(2):
            for f in range(3):
                limit = limit_of(found.assign_coords(realisation=[0]), alpha, SUM, k, f)
                assert limit.low <= tag(k, f) * ANSWER <= limit.high
                # ℓ² ∝ T or T² and T: quadratic but for terms of fourth order in ℓ
                assert limit.value == pytest.approx(tag(k, f) * ANSWER, rel=1e-5)
                assert limit.half_width < 1e-3


def test_a_difference_at_one_scale_knows_nothing_of_how_scales_approach_zero():
    """Both sums carry a logarithm, of which no limit is sharp."""

    def rough(T, ell, kernel, phi):
        return w(T, ell, kernel, phi) + 0.5 / np.log(4.0 / xr.where(ell > 0.0, ell, 1e-9))

    limits = joint(integrated(TEMPERATURES, ELLS, TERMS | {"W": rough}), LEVEL)
    limits = limits.assign_coords(realisation=[0])
    for alpha in ALPHAS:
        assert limit_of(limits, alpha, SUM).half_width > 1e-3
        difference = limit_of(limits, alpha, DIFFERENCE)
        assert difference.low <= 0.0 <= difference.high
        assert difference.half_width < 1e-4


def test_the_split_depends_on_the_path(found):
    """ℓ ∝ T keeps ℓ/T = 10 and the share 4/14; ℓ ∝ T^½ leaves it all to the flux."""
    limits = found.assign_coords(realisation=[0])
    heat, across = (limit_of(limits, 1.0, name) for name in ("Q_thermal", "Q_flux"))
    assert heat.value == pytest.approx(SHOCKS * 4.0 / 14.0, rel=1e-4)  # nodes of the table
    assert across.value == pytest.approx(SHOCKS * 10.0 / 14.0, rel=1e-4)
    heat, across = (limit_of(limits, 0.5, name) for name in ("Q_thermal", "Q_flux"))
    assert heat.low <= 0.0 <= heat.high < 0.4 * SHOCKS
    assert across.low <= SHOCKS <= across.high


def test_values_between_the_scales_are_within_their_errors(found):
    T = np.array(TEMPERATURES[1:])
    for a, alpha in enumerate(ALPHAS):
        ell = 1e-3 * (T / T[0]) ** alpha
        np.testing.assert_allclose(found["path_ell"].values[a, 1:], ell, rtol=1e-14)
        row = found.isel(alpha=a, kernel=1, phi=2).sel(followed="Q_thermal")
        exact = tag(1, 2) * SHOCKS * WIDTH * T / (WIDTH * T + ell)
        wrong = np.abs(row["along"].values[1:] - exact)
        assert np.all(wrong <= row["along_error"].values[1:] + 1e-13)
    assert np.isnan(found["path_ell"].values[:, 0]).all()
    assert np.isnan(found["along"].isel(temperature=0)).all()


def test_a_kernel_follows_the_path_of_the_first_where_it_resolves_it():
    """The second kernel lacks the two smallest scales, and of a path what is below the third."""

    def hidden(formula):
        return lambda T, ell, kernel, phi: xr.where(
            (kernel == 1) & (ell > 0.0) & (ell < 0.003), np.nan, formula(T, ell, kernel, phi)
        )

    data = integrated(TEMPERATURES, ELLS, {name: hidden(f) for name, f in TERMS.items()})
    along = joint(data, LEVEL)["along"].sel(followed=SUM, alpha=1.0).isel(phi=0)
    known = np.isfinite(along.transpose("kernel", "temperature").values[:, 1:])
    assert known[0].all()
    np.testing.assert_array_equal(known[1], [False, False, *[True] * 6])


def test_external_forces_are_among_all_terms():
    terms = TERMS | {"N_ni": lambda T, ell, kernel, phi: 3.0 * tag(kernel, phi) + 0.0 * T * ell}
    limit = limit_of(
        joint(integrated(TEMPERATURES, ELLS, terms), LEVEL).assign_coords(realisation=[0]), 1.0, SUM
    )
    assert limit.value == pytest.approx(3.0 + ANSWER, rel=1e-5)


def test_a_table_with_too_few_scales_has_no_limits():
    found = joint(integrated(TEMPERATURES, [0.0, 0.1, 0.2, 0.4], TERMS), LEVEL)
    assert np.isnan(found["along_limit"].sel(end="value")).all()
