"""What an exponent is, what its interval holds, and why there is none where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.errors import ConfigError, DataError
from glasscade.regularity.exponents import (
    ANSWERED,
    DECISIVE,
    FEWEST_VALUES,
    FLAGS,
    LARGEST_CORRECTION,
    Exponents,
    exponents,
)
from glasscade.regularity.fits import interval
from glasscade.regularity.moments import DOMAINS, Moments
from glasscade.regularity.scaling import Expected, curves

SCALE = 0.1 * 2.0 ** np.arange(8)
Q = np.array([1.0, 3.0])
WINDOW = (0.1, 12.8)
VOLUME = 1e6
HURST = np.linspace(-2.0, 4.0, 61)
EXACT = Expected(HURST, np.array([[SCALE**h] * 2 for h in HURST]))
"""Fractional fields that need no correction."""


def moments(norm: np.ndarray, estimator: str = "wavelets", offset: float = 0.0) -> Moments:
    """A sample of given norms (order, scale), all of whose values are equal."""
    mean = norm ** Q[:, np.newaxis]
    return Moments(estimator, SCALE, Q, mean[..., np.newaxis], mean**2, offset)


def power(*slopes: float, estimator: str = "wavelets", offset: float = 0.0) -> list[Moments]:
    """Samples that are power laws of these exponents, for both orders."""
    return [moments(np.array([SCALE ** (s - offset)] * 2), estimator, offset) for s in slopes]


def fit(samples: list[Moments], **changed: object) -> Exponents:
    keys = {"window": WINDOW, "level": 0.95, "volume": VOLUME, "expected": EXACT} | changed
    return exponents(samples, **keys)  # type: ignore[arg-type]


def test_power_laws_give_their_exponents_over_the_whole_window() -> None:
    gradients = Expected(HURST, EXACT.norm / SCALE)
    result = fit(power(0.3, 0.3, 0.3, offset=1.0, estimator="gradients"), expected=gradients)
    np.testing.assert_allclose(result.value, 0.3, rtol=1e-12)
    np.testing.assert_allclose(result.local, 0.3, rtol=1e-11)
    np.testing.assert_allclose(result.ci_high - result.ci_low, 0.0, atol=1e-12)
    assert result.flag == ("trusted", "trusted")
    assert (result.low, result.points, result.samples) == (0.1, 8, 3)
    assert result.decades == pytest.approx(np.log10(128.0), rel=1e-12)
    np.testing.assert_allclose(result.middle, SCALE[:-1] * np.sqrt(2.0), rtol=1e-14)


def test_the_interval_is_students_over_pseudo_values() -> None:
    samples = power(0.28, 0.31, 0.33, 0.30, 0.27)
    result = fit(samples)
    search = slice(0, 8)
    for order, curve in enumerate(curves(samples, search, None)):
        expected = interval(curve.slopes(search), 0.95)
        assert result.value[order] == pytest.approx(expected.value, rel=1e-10)
        assert result.statistical[order] == pytest.approx(expected.half_width, rel=1e-10)
    # Straight lines: the halves of the range differ by round-off alone.
    np.testing.assert_allclose(result.ci_high - result.value, result.statistical, rtol=1e-9)


def test_a_bend_beyond_chance_widens_the_interval() -> None:
    bend = np.exp(0.007 * np.log(SCALE) ** 2)
    samples = [replace(m, mean=m.mean * (bend ** Q[:, None])[..., None]) for m in power(0.3, 0.31)]
    samples = [replace(m, square=m.mean[..., 0] ** 2) for m in samples]
    result = fit(samples, window=(0.2, 6.4))
    lower, upper = curves(samples, slice(1, 7), None)[1].halves(slice(1, 7))
    change = interval(upper - lower, 0.95)
    expected = 0.5 * (abs(change.value) - change.half_width)
    assert expected > 0.0
    assert result.systematic[1] == pytest.approx(expected, rel=1e-9)
    assert result.ci_high[1] - result.value[1] == pytest.approx(
        np.hypot(result.statistical[1], expected), rel=1e-9
    )


def test_a_deterministic_sample_has_the_change_over_the_range_for_its_interval() -> None:
    bend = np.exp(0.007 * np.log(SCALE) ** 2)
    sample = moments(np.array([bend * SCALE**0.3] * 2))
    result = fit([sample], window=(0.2, 6.4), deterministic=True)
    halves = curves([sample], slice(1, 7), None)[1].halves(slice(1, 7))
    assert result.ci_high[1] - result.value[1] == pytest.approx(
        0.5 * abs(halves[1] - halves[0])[0], rel=1e-9
    )
    assert np.all(result.statistical == 0.0)


def test_one_random_sample_has_no_finite_interval() -> None:
    result = fit(power(0.3))
    assert np.all(np.isposinf(result.ci_high))
    assert np.all(np.isneginf(result.ci_low))


def bent(low: float, high: float, at: float) -> list[Moments]:
    """Power laws of one exponent below a scale and another above it."""
    norm = np.where(at > SCALE, (SCALE / at) ** low, (SCALE / at) ** high)
    return [moments(np.array([norm] * 2))] * 3


def test_the_range_is_found_and_reported() -> None:
    result = fit(bent(1.5, 0.2, at=SCALE[2]))
    assert (result.low, result.high, result.points) == (SCALE[2], SCALE[7], 6)
    np.testing.assert_allclose(result.value, 0.2, rtol=1e-10)
    assert result.flag == ("trusted", "trusted")
    # All local slopes are kept, those outside the range too.
    np.testing.assert_allclose(result.local[1], [1.5] * 2 + [0.2] * 5, rtol=1e-10)


def test_less_than_a_decade_decides_nothing() -> None:
    result = fit(bent(1.5, 0.2, at=SCALE[4]), window=(0.4, 12.8))
    assert (result.low, result.high) == (SCALE[4], SCALE[7])
    assert result.flag == ("short", "short")
    np.testing.assert_allclose(result.value, 0.2, rtol=1e-10)
    assert "short" in ANSWERED
    assert "short" not in DECISIVE


def test_no_plateau_is_no_exponent() -> None:
    norm = np.exp(0.5 * np.log(SCALE / 20.0) ** 2 * -1.0)
    result = fit([moments(np.array([norm] * 2))] * 3, window=(0.1, 3.2))
    assert result.flag == ("smooth", "smooth")  # all slopes exceed 1 here
    norm = np.exp(0.2 * np.log(SCALE) ** 2)
    result = fit([moments(np.array([norm] * 2))] * 3)
    assert result.flag == ("no_range", "no_range")
    assert np.all(np.isnan(result.value))
    assert np.all(np.isfinite(result.raw))


def test_smooth_fields_have_the_exponent_one() -> None:
    result = fit(power(2.4, 2.4, 2.4))
    assert result.flag == ("smooth", "smooth")
    np.testing.assert_array_equal([result.value, result.ci_low, result.ci_high], 1.0)


def test_smooth_is_what_lies_above_one_with_its_interval() -> None:
    assert fit(power(1.05, 1.1, 1.15)).flag == ("trusted", "trusted")
    assert fit(power(1.09, 1.1, 1.11)).flag == ("smooth", "smooth")


@pytest.mark.parametrize(
    ("estimator", "slope", "flag"),
    [
        ("increments", -0.01, "below"),
        ("increments", 0.4, "trusted"),
        ("leaders", -0.2, "below"),
        ("wavelets", -1.5, "below"),
        ("gradients", -1.7, "trusted"),
        ("gradients", 1.0, "above"),
    ],
)
def test_an_estimator_outside_its_domain_says_so(estimator: str, slope: float, flag: str) -> None:
    result = fit(power(*[slope] * 3, estimator=estimator))
    assert result.flag == (flag, flag)
    assert np.all(np.isnan(result.value) == (flag != "trusted"))
    assert DOMAINS[estimator].holds(slope) is (flag == "trusted")


@pytest.mark.parametrize(("factor", "flag"), [(0.9, "trusted"), (1.1, "biased")])
def test_corrections_are_made_up_to_a_limit(factor: float, flag: str) -> None:
    excess = factor * LARGEST_CORRECTION
    known = Expected(HURST, np.array([[SCALE ** (h + excess)] * 2 for h in HURST]))
    result = fit(power(0.3, 0.3, 0.3), expected=known)
    assert result.flag == (flag, flag)
    np.testing.assert_allclose(result.correction, excess, rtol=1e-9)
    np.testing.assert_allclose(result.raw, 0.3, rtol=1e-12)
    if flag == "trusted":
        np.testing.assert_allclose(result.value, 0.3 - excess, rtol=1e-10)


def test_without_exact_norms_the_bias_is_unknown() -> None:
    assert fit(power(0.3, 0.3, 0.3), expected=None).flag == ("biased", "biased")


def test_orders_that_bend_where_the_third_does_not_are_marked() -> None:
    norm = np.array([np.exp(0.1 * np.log(SCALE) ** 2), SCALE**0.3])
    result = fit([moments(norm)] * 3)
    assert result.flag == ("curved", "trusted")


@pytest.mark.parametrize(("values", "flag"), [(1.01, "trusted"), (0.99, "unresolved")])
def test_a_moment_must_be_carried_by_enough_values(values: float, flag: str) -> None:
    samples = power(0.3, 0.3)
    number = len(samples) * VOLUME / SCALE[-1]  # at the largest scale, in one dimension
    share = values * FEWEST_VALUES / number
    thin = [replace(m, square=m.square / np.array([[1.0], [share]])) for m in samples]
    assert fit(thin).flag == ("trusted", flag)


def test_a_moment_that_does_not_exist_is_unresolved() -> None:
    samples = power(0.3, 0.3)
    gone = [replace(m, q=np.array([-1.0, 3.0]), mean=_without_first(m.mean)) for m in samples]
    result = fit(gone)
    assert result.flag == ("unresolved", "trusted")
    assert np.isnan(result.value[0])


def _without_first(mean: np.ndarray) -> np.ndarray:
    changed = mean.copy()
    changed[0] = np.nan
    return changed


def test_every_flag_has_a_meaning() -> None:
    assert set(FLAGS) >= ANSWERED
    assert DECISIVE <= ANSWERED


def test_an_ensemble_needs_samples_that_are_alike() -> None:
    with pytest.raises(DataError, match="no sample"):
        fit([])
    with pytest.raises(DataError, match="differ in estimator, scales or orders"):
        fit([*power(0.3), *power(0.3, estimator="gradients", offset=1.0)])


def test_order_three_decides_on_the_range() -> None:
    samples = [replace(m, q=np.array([1.0, 2.0])) for m in power(0.3, 0.3)]
    with pytest.raises(ConfigError, match=r"order 3 must be among the orders, not only \[1.0, 2.0"):
        fit(samples)
