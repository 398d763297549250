from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from glasscade.errors import ConfigError, DataError
from glasscade.regularity import fits
from glasscade.regularity.fits import exponents, interval, local_slopes, power_law
from glasscade.regularity.moments import Moments

SCALE = 0.1 * 2.0 ** np.arange(8)


def moments_of(norm: np.ndarray, estimator: str = "wavelets", offset: float = 0.0) -> Moments:
    q = np.array([1.0, 3.0])
    mean = norm ** q[:, np.newaxis]
    return Moments(estimator, SCALE, q, mean, mean**2, offset)


def test_local_slopes_of_a_power_law() -> None:
    middle, slopes = local_slopes(SCALE, np.array([2.0 * SCALE**0.3, SCALE**-1.5]))
    np.testing.assert_allclose(middle, SCALE[:-1] * np.sqrt(2.0), rtol=1e-14)
    np.testing.assert_allclose(slopes, np.array([[0.3], [-1.5]]) * np.ones(7), atol=1e-13)


def test_power_law_returns_the_slope_and_the_window_it_used() -> None:
    fit = power_law(SCALE, np.array([2.0 * SCALE**0.3, SCALE**-1.5]), 0.3, 5.0)
    np.testing.assert_allclose(fit.slope, [0.3, -1.5], atol=1e-13)  # round-off
    assert (fit.low, fit.high, fit.points) == (0.4, 3.2, 4)
    assert fit.decades == pytest.approx(np.log10(8.0), rel=1e-14)


def test_power_law_agrees_with_polyfit_on_scattered_points(rng: np.random.Generator) -> None:
    norm = np.exp(rng.standard_normal(8))
    expected = np.polyfit(np.log(SCALE), np.log(norm), 1)[0]
    assert power_law(SCALE, norm, 0.1, 12.8).slope == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("points", "half"), [(3, 2), (4, 2), (7, 4)])
def test_halves_see_a_bend(points: int, half: int) -> None:
    norm = np.maximum(1.0, SCALE / SCALE[half - 1]) ** 0.8
    fit = power_law(SCALE, norm, SCALE[0], SCALE[points - 1])
    assert fit.lower_slope == pytest.approx(0.0, abs=1e-14)
    # An odd number of points shares the middle one, where the bend lies.
    expected = np.polyfit(
        np.log(SCALE[points - half : points]), np.log(norm[points - half : points]), 1
    )
    assert fit.upper_slope == pytest.approx(expected[0], rel=1e-12)
    assert fit.upper_slope > 0.7


def test_the_ends_of_a_window_survive_round_off() -> None:
    assert power_law(SCALE, SCALE, 0.3 - 0.2, (0.1 + 0.2) / 3.0 * 4.0).points == 3


def test_windows_with_two_points_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"window: 0.15 to 0.5 holds 2 of the scales 0.1 to 12.8"):
        power_law(SCALE, SCALE, 0.15, 0.5)


def test_interval_is_students(rng: np.random.Generator) -> None:
    samples = rng.standard_normal((5, 2))
    result = interval(samples, 0.9)
    low, high = stats.t.interval(0.9, 4, samples.mean(axis=0), stats.sem(samples, axis=0))
    np.testing.assert_allclose(result.value - result.half_width, low, rtol=1e-10)
    np.testing.assert_allclose(result.value + result.half_width, high, rtol=1e-10)


def test_one_sample_says_nothing_about_its_error() -> None:
    result = interval(np.array([[0.3, 0.5]]), 0.95)
    np.testing.assert_array_equal(result.value, [0.3, 0.5])
    np.testing.assert_array_equal(result.half_width, [np.inf, np.inf])


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_levels_lie_between_zero_and_one(level: float) -> None:
    with pytest.raises(ConfigError, match="lies between 0 and 1"):
        interval(np.zeros(3), level)


def test_exponents_combine_scatter_and_window_in_quadrature(rng: np.random.Generator) -> None:
    slopes = 0.3 + 0.02 * rng.standard_normal((5, 2, 1))
    bend = np.where(SCALE > 1.0, (SCALE / 1.0) ** 0.1, 1.0)
    ensemble = [moments_of(bend * SCALE**slope, "gradients", 1.0) for slope in slopes]
    result = exponents(ensemble, (0.1, 12.8), 0.95)
    fits = [power_law(SCALE, moments.norm, 0.1, 12.8) for moments in ensemble]
    expected = interval(np.array([fit.slope for fit in fits]) + 1.0, 0.95)
    change = np.mean([fit.upper_slope - fit.lower_slope for fit in fits], axis=0)
    np.testing.assert_allclose(result.value, expected.value, rtol=1e-13)
    np.testing.assert_allclose(result.statistical, expected.half_width, rtol=1e-10)
    np.testing.assert_allclose(result.systematic, 0.5 * np.abs(change), rtol=1e-10)
    half_width = np.sqrt(result.statistical**2 + result.systematic**2)
    np.testing.assert_allclose(result.ci_high - result.value, half_width, rtol=1e-10)
    np.testing.assert_allclose(result.value - result.ci_low, half_width, rtol=1e-10)
    assert result.systematic.min() > 0.03  # the bend is in the interval
    assert result.flag == ("outside", "outside")
    assert (result.low, result.points, result.realisations) == (0.1, 8, 5)
    assert result.decades == pytest.approx(np.log10(128.0), rel=1e-12)


def test_one_realisation_has_an_infinite_interval() -> None:
    result = exponents([moments_of(np.array([SCALE**0.3, SCALE**0.4]))], (0.1, 12.8), 0.95)
    np.testing.assert_allclose(result.value, [0.3, 0.4], atol=1e-13)
    assert np.all(np.isneginf(result.ci_low))
    assert np.all(np.isposinf(result.ci_high))
    assert result.flag == ("inside", "inside")


def test_an_ensemble_needs_realisations() -> None:
    with pytest.raises(DataError, match="no realisation"):
        exponents([], (0.1, 12.8), 0.95)


def test_realisations_of_an_ensemble_are_alike() -> None:
    norm = np.array([SCALE**0.3, SCALE**0.4])
    with pytest.raises(DataError, match="differ in estimator, scales or orders"):
        exponents([moments_of(norm), moments_of(norm, "gradients")], (0.1, 12.8), 0.95)


def test_the_jackknife_of_a_mean_is_its_interval(rng):
    samples = rng.normal(size=(7, 3))
    half = fits.jackknife(lambda rows: rows.mean(axis=0), samples, 0.9)
    # Pseudo-values of a mean are the samples, up to round-off.
    np.testing.assert_allclose(half, fits.interval(samples, 0.9).half_width, rtol=1e-12)
