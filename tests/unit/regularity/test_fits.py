from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from glasscade.errors import ConfigError
from glasscade.regularity import fits
from glasscade.regularity.fits import inside, interval, local_slopes, power_law

SCALE = 0.1 * 2.0 ** np.arange(8)


def test_local_slopes_of_a_power_law() -> None:
    middle, slopes = local_slopes(SCALE, np.array([2.0 * SCALE**0.3, SCALE**-1.5]))
    np.testing.assert_allclose(middle, SCALE[:-1] * np.sqrt(2.0), rtol=1e-14)
    np.testing.assert_allclose(slopes, np.array([[0.3], [-1.5]]) * np.ones(7), atol=1e-13)


def test_power_law_returns_the_slope_and_the_window_it_used() -> None:
    fit = power_law(SCALE, np.array([2.0 * SCALE**0.3, SCALE**-1.5]), 0.3, 5.0)
    np.testing.assert_allclose(fit.slope, [0.3, -1.5], atol=1e-13)  # round-off
    assert (fit.low, fit.high, fit.points) == (0.4, 3.2, 4)


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
        inside(SCALE, (0.15, 0.5))


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


def test_the_jackknife_of_a_mean_is_its_interval(rng):
    samples = rng.normal(size=(7, 3))
    half = fits.jackknife(lambda rows: rows.mean(axis=0), samples, 0.9)
    # Pseudo-values of a mean are the samples, up to round-off.
    np.testing.assert_allclose(half, fits.interval(samples, 0.9).half_width, rtol=1e-12)


def test_pseudo_values_take_away_a_bias_of_order_one_over_n(rng):
    # The plug-in variance is low by 1/n: its pseudo-values have the mean of the unbiased one.
    samples = rng.normal(size=9)
    pseudo = fits.pseudo_values(lambda rows: np.var(rows), samples)
    assert pseudo.mean() == pytest.approx(np.var(samples, ddof=1), rel=1e-12)
