"""Limits of series whose limit is known, exactly and in noise, and slopes of power laws."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.limits.extrapolation import POINTS, Limit, extrapolate, quadratic_limits, slope

X = 0.01 * 2.0 ** np.arange(6)
LEVEL = 0.9


def exact(y, x=X):
    """The limit of a series without scatter."""
    return extrapolate(x, y(x)[np.newaxis], LEVEL, deterministic=True)


@pytest.mark.parametrize("coefficients", [(0.3, 0.0, 0.0), (0.3, -2.0, 0.0), (-1.5, 0.7, 4.0)])
def test_a_quadratic_series_has_its_constant_as_limit(coefficients):
    a, b, c = coefficients
    limit = exact(lambda x: a + b * x + c * x * x)
    # round-off of a fit to four points, amplified by the norm of the extrapolation (about 5)
    assert limit.value == pytest.approx(a, abs=1e-13)
    assert limit.low <= limit.value <= limit.high
    assert (limit.fit_low, limit.fit_high, limit.realisations) == (X[0], X[POINTS - 1], 1)


@pytest.mark.parametrize("order", [0.3, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("amplitude", [1.0, -2.0])
def test_a_power_law_has_its_constant_as_limit(order, amplitude):
    limit = exact(lambda x: 0.3 + amplitude * x**order)
    # the search stops at 1e-5 in the order, and the limit is less sensitive than that
    assert limit.value == pytest.approx(0.3, abs=1e-5)
    assert limit.low <= 0.3 <= limit.high


def test_the_interval_of_an_exact_series_is_the_difference_of_the_forms_and_windows():
    def y(x):
        return 0.3 + x**0.5

    quadratic, moved = (
        np.polynomial.polynomial.polyfit(X[i : i + 4], y(X[i : i + 4]), 2)[0] for i in (0, 1)
    )
    four, six = exact(y, X[:4]), exact(y)
    assert four.half_width == pytest.approx(abs(quadratic - 0.3), abs=1e-5)  # as above
    assert six.half_width == pytest.approx(max(four.half_width, abs(moved - quadratic)), abs=1e-5)
    assert six.half_width > 0.01
    # a pure quadratic leaves the power law wrong, so that no interval is empty
    assert exact(lambda x: 1.0 + x - 5.0 * x * x).half_width > 1e-4


def test_series_of_another_form_lie_within_their_interval():
    # neither form: a logarithm, a root beside a linear term, all powers
    for y in (lambda x: 1.0 + x * np.log(x), lambda x: 1.0 + x**0.5 - x, lambda x: np.exp(-3 * x)):
        limit = exact(y)
        assert limit.low <= 1.0 <= limit.high
        assert limit.half_width < np.ptp(y(X))


def test_quadratic_limits_are_those_of_every_row(rng):
    y = rng.normal(size=(2, 3, 6))
    expected = np.polynomial.polynomial.polyfit(X[:4], y[..., :4].reshape(6, 4).T, 2)[0]
    np.testing.assert_allclose(quadratic_limits(X, y), expected.reshape(2, 3), rtol=1e-10)


TRUTHS = {  # both forms, and the least favourable one: a root whose order noise hides
    "constant": lambda x: 1.0 + 0.0 * x,
    "quadratic": lambda x: 1.0 + 0.5 * x - 2.0 * x * x,
    "root": lambda x: 1.0 + x**0.5,
}


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS.keys())
@pytest.mark.parametrize(
    ("noise", "common", "points"), [(1e-3, 0.0, 4), (1e-2, 0.0, 6), (1e-3, 1e-2, 6)]
)
def test_intervals_cover_the_limit_in_noise(truth, noise, common, points):
    """Noise of its own at every x, or common to all x of a realisation, as of an initial state."""
    rng, x, studies, realisations = np.random.default_rng(3), X[:points], 150, 6
    covered, widths, errors = 0, [], []
    for _ in range(studies):
        y = truth(x) + noise * rng.normal(size=(realisations, points))
        y += common * rng.normal(size=(realisations, 1))
        limit = extrapolate(x, y, LEVEL, deterministic=False)
        covered += limit.low <= 1.0 <= limit.high
        widths.append(limit.half_width)
        errors.append(abs(limit.value - 1.0))
    # at least nominal, within three binomial standard deviations of 150 studies: 0.83
    assert covered / studies >= LEVEL - 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / studies)
    # and not by being wide without measure; t is 2.0, and two forms differ where noise is low
    bias = abs(exact(truth, x).high - 1.0)
    assert np.median(widths) < 6.0 * np.sqrt(np.mean(np.square(errors))) + 2.0 * bias


def test_one_realisation_of_a_random_system_has_no_finite_interval(rng):
    limit = extrapolate(X, rng.normal(size=(1, 6)), LEVEL, deterministic=False)
    assert limit.half_width == np.inf


def test_too_few_points_are_refused():
    with pytest.raises(ConfigError, match=r"needs 4 values of x > 0, there are 3"):
        extrapolate(X[:3], np.ones((1, 3)), LEVEL, deterministic=True)
    with pytest.raises(ConfigError, match=r"needs 3 points, there are 2"):
        slope(X[:2], np.ones(2), LEVEL)


def test_differences_and_widenings_add_in_quadrature():
    first = Limit(3.0, 2.7, 3.3, 0.1, 0.8, 6)
    second = Limit(1.0, 0.6, 1.4, 0.05, 0.4, 4)
    difference = first.minus(second)
    assert difference.value == pytest.approx(2.0)
    assert (difference.low, difference.high) == pytest.approx((1.5, 2.5))  # hypot(0.3, 0.4)
    assert (difference.fit_low, difference.fit_high, difference.realisations) == (0.05, 0.8, 4)
    wider = first.widened(0.4)
    assert (wider.value, wider.low, wider.high) == pytest.approx((3.0, 2.5, 3.5))
    assert (wider.fit_low, wider.fit_high, wider.realisations) == (0.1, 0.8, 6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_slope_of_a_power_law_is_its_exponent(sign):
    limit = slope(X, sign * 0.3 * X**1.7, LEVEL)
    assert limit.value == pytest.approx(1.7, abs=1e-13)  # round-off
    assert limit.half_width < 1e-12
    assert (limit.fit_low, limit.fit_high) == (X[0], X[-1])


def test_interval_of_a_slope_covers_as_often_as_it_says(rng):
    studies = 2000
    limits = [
        slope(X[:4], X[:4] * np.exp(0.05 * rng.normal(size=4)), LEVEL) for _ in range(studies)
    ]
    covered = np.mean([limit.low <= 1.0 <= limit.high for limit in limits])
    # exact for normal noise: three binomial standard deviations of 2000 studies, 0.020
    assert covered == pytest.approx(LEVEL, abs=0.020)


def test_points_on_no_smooth_curve_widen_the_interval():
    y = np.array([1.0, 0.4, 0.9, 0.5])
    whole = np.polynomial.polynomial.polyfit(X[:4], y, 2)[0]
    others = [
        np.polynomial.polynomial.polyfit(np.delete(X[:4], i), np.delete(y, i), 2)[0]
        for i in range(4)
    ]
    limit = extrapolate(X[:4], y[np.newaxis], LEVEL, deterministic=True)
    assert limit.half_width >= np.max(np.abs(np.array(others) - whole)) - 1e-9  # round-off
    assert limit.half_width > 1.0


def test_a_window_that_moves_up_widens_the_interval():
    # the four smallest points lie on a straight line, and the fifth does not
    y = 1.0 + X
    y[4] += 0.1
    moved = np.polynomial.polynomial.polyfit(X[1:5], y[1:5], 2)[0]
    limit = extrapolate(X, y[np.newaxis], LEVEL, deterministic=True)
    assert limit.value == pytest.approx(1.0, abs=1e-5)  # the search for the order
    assert limit.half_width == pytest.approx(abs(moved - 1.0), rel=1e-6)
    assert limit.half_width > 0.01
