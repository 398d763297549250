from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError, DataError
from glasscade.regularity.moments import (
    DOMAINS,
    VERDICT_ESTIMATOR,
    Moments,
    check_field,
    check_orders,
    norms,
)


def test_norms_agree_with_pow(rng: np.random.Generator) -> None:
    magnitude = np.abs(rng.standard_normal((7, 9)))
    q = np.array([1.0, 1.5, 2.0, 3.0, 5.0, 6.0, 7.25])
    expected = [np.mean(magnitude**order) ** (1.0 / order) for order in q]
    # Round-off of 63 terms and seven products.
    np.testing.assert_allclose(norms(magnitude, q), expected, rtol=1e-14)


def test_shapes_must_agree() -> None:
    with pytest.raises(DataError, match=r"shape \(2, 3\) do not belong to 2 orders and 4 scales"):
        Moments("increments", np.arange(1.0, 5.0), np.array([1.0, 2.0]), np.ones((2, 3)), 0.0)


@pytest.mark.parametrize("scale", [[1.0, 1.0, 2.0], [2.0, 1.0, 3.0], [0.0, 1.0, 2.0]])
def test_scales_must_increase(scale: list[float]) -> None:
    with pytest.raises(DataError, match="positive, increasing and distinct"):
        Moments("increments", np.array(scale), np.array([1.0]), np.ones((1, 3)), 0.0)


@pytest.mark.parametrize("norm", [0.0, -1.0, np.nan, np.inf])
def test_norms_must_have_a_logarithm(norm: float) -> None:
    with pytest.raises(DataError, match="ln norm has no slope"):
        Moments("increments", np.array([1.0, 2.0]), np.array([1.0]), np.array([[1.0, norm]]), 0.0)


@pytest.mark.parametrize("q", [[], [0.5], [1.0, np.inf], [np.nan]])
def test_orders_are_at_least_one(q: list[float]) -> None:
    with pytest.raises(ConfigError, match="orders must be finite and at least 1"):
        check_orders(q)


def test_a_field_fits_its_cell() -> None:
    with pytest.raises(DataError, match="2 axes does not fit a 3D cell"):
        check_field(np.ones((4, 4)), 3, "increments")


def test_a_field_is_finite() -> None:
    with pytest.raises(DataError, match="not finite"):
        check_field(np.array([1.0, np.nan]), 1, "increments")


@pytest.mark.parametrize(
    ("estimator", "xi", "flag"),
    [
        ("increments", -0.1, "outside"),
        ("increments", 0.02, "edge"),
        ("increments", 1 / 3, "edge"),
        ("increments", 0.5, "inside"),
        ("increments", 0.95, "edge"),
        ("increments", 1.0, "outside"),
        ("second_increments", 1.9, "edge"),
        ("second_increments", 2.0, "outside"),
        ("gradients", -1.5, "inside"),
        ("gradients", 0.9, "edge"),
        ("gradients", 1.0, "outside"),
        ("wavelets", 1 / 3, "inside"),
        ("wavelets", -1.3, "edge"),
        ("wavelets", -1.6, "outside"),
        ("wavelets", 2.8, "edge"),
        ("wavelets", 3.0, "outside"),
        ("wavelets", np.nan, "outside"),
    ],
)
def test_estimates_are_flagged(estimator: str, xi: float, flag: str) -> None:
    assert DOMAINS[estimator].flag(xi) == flag


def test_the_estimator_of_verdicts_is_trusted_on_both_sides_of_one_third() -> None:
    domain = DOMAINS[VERDICT_ESTIMATOR]
    assert domain.trusted_low < 0.0
    assert domain.trusted_high > 1.0
