"""Limits of series whose limit is known, exactly and in noise, and slopes of power laws."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.limits.extrapolation import (
    FORMS,
    ORDERS,
    OUTER,
    POINTS,
    Limit,
    extrapolate,
    fits,
    quadratic_limits,
    slope,
)
from glasscade.limits.verdicts import equal

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


@pytest.mark.parametrize("outer", [2.5, 10.0, 60.0])
@pytest.mark.parametrize("amplitude", [1.0, -2.0])
def test_a_logarithm_has_its_constant_as_limit(outer, amplitude):
    limit = exact(lambda x: 0.3 + amplitude / np.log(outer * X[POINTS - 1] / x))
    # x₀ is found to 6e-6 in its logarithm, to which the limit is as sensitive
    assert limit.value == pytest.approx(0.3, abs=2e-5)
    assert limit.low <= 0.3 <= limit.high
    assert limit.weight_log > 0.999
    # with x₀ near either bound it is out of reach from another window, which counts as doubt
    if outer == 10.0:
        assert limit.half_width < 1e-3


@pytest.mark.parametrize("order", [0.3, 0.5, 1.0, 2.0])
def test_a_series_of_one_form_leaves_the_others_no_weight(order):
    limit = exact(lambda x: 1.0 + x**order)
    assert limit.weight_log == 0.0
    # the spread over the search for p
    assert limit.half_width < 1e-4


def test_series_of_another_form_lie_within_their_interval():
    # neither form: a logarithm, a root beside a linear term, all powers
    for y in (lambda x: 1.0 + x * np.log(x), lambda x: 1.0 + x**0.5 - x, lambda x: np.exp(-3 * x)):
        limit = exact(y)
        assert limit.low <= 1.0 <= limit.high
        assert limit.half_width < np.ptp(y(X))


def mixtures(count):
    """Series of limit 0 and of two or more corrections, the second of a tenth of the first."""
    rng = np.random.default_rng(12)
    u = X / X[POINTS - 1]
    for _ in range(count):
        p, q, c = rng.uniform(0.4, 2.5), rng.uniform(0.5, 2.0), 0.1 * rng.normal()
        yield u**p * (1.0 + c * u**q)
        series = rng.normal(size=6) * rng.uniform(0.02, 0.5) ** np.arange(6)
        yield sum(a * u ** (k + 1) for k, a in enumerate(series))
        yield u**p / (1.0 + 0.3 * u**p)
        yield u * np.log(rng.uniform(1.0, 10.0) / u)


def test_intervals_hold_the_limits_of_series_with_several_corrections():
    """No form is exact here: the interval is an estimate of the error of the best."""
    limits = [extrapolate(X, y[np.newaxis], LEVEL, deterministic=True) for y in mixtures(50)]
    # measured: 0.99 of 4 x 200 other series; an estimate from one change is no strict bound
    assert np.mean([limit.low <= 0.0 <= limit.high for limit in limits]) >= 0.95


def test_an_approach_too_slow_to_be_seen_is_not_called_converged():
    """A logarithm beside a linear term: no form, x₀ anywhere; its limit is 1, far off the data."""
    for outer in (3.0, 10.0, 40.0):
        y = 1.0 + 1.0 / np.log(outer * X[POINTS - 1] / X) + 0.01 * X / X[POINTS - 1]
        for noise in (0.0, 1e-3, 1e-2):
            rows = y + noise * np.random.default_rng(4).normal(size=(6, X.size))
            limit = extrapolate(X, rows if noise else y[np.newaxis], LEVEL, noise == 0.0)
            # Wrong would be "holds" within a tenth of the distance that is still to go.
            distance = y[0] - 1.0
            assert equal(limit, 1.0, 0.1 * distance) != "violated"
            assert equal(limit, y[0], 0.1 * distance) != "holds"


def test_where_a_logarithm_fits_as_well_the_interval_holds_its_limit():
    """Noise hides which of the two it is: both count, and the verdict is inconclusive."""
    rng = np.random.default_rng(8)
    y = 1.0 + X**0.3 + 0.01 * rng.normal(size=(6, X.size))
    limits, residuals = fits(X[:POINTS], y[:, :POINTS].mean(axis=0))
    logarithm = FORMS.index("logarithm")
    limit = extrapolate(X, y, LEVEL, deterministic=False)
    assert 0.1 < limit.weight_log < 0.9
    assert limit.low <= limits[logarithm] <= limit.high
    assert equal(limit, 1.0, 0.05) == "inconclusive"
    assert np.linalg.norm(residuals[logarithm]) < 0.02


@pytest.mark.parametrize(
    ("form", "y"),
    [
        ("quadratic", 0.3 - X + 2.0 * X**2),
        ("power", 0.3 + X**0.7),
        ("slowest power", 0.3 + X ** ORDERS[0]),
        ("logarithm", 0.3 + 1.0 / np.log(5.0 * X[3] / X)),
        ("slowest logarithm", 0.3 + 1.0 / np.log(OUTER[1] * X[3] / X)),
    ],
)
def test_each_form_fits_its_own_series(form, y):
    limits, residuals = fits(X[:4], y[:4])
    assert limits.shape == (len(FORMS),)
    assert residuals.shape == (len(FORMS), 4)
    number = FORMS.index(form)
    # 1e-5: the search for p or x₀
    assert limits[number] == pytest.approx(0.3, abs=2e-5)
    np.testing.assert_allclose(residuals[number], 0.0, rtol=0.0, atol=1e-6)


def test_searched_forms_are_the_best_of_a_fine_scan():
    y = np.array([1.0, 0.7, 0.55, 0.1])
    _, residuals = fits(X[:4], y)
    for form, basis in (
        ("power", [(X[:4] / X[3]) ** p for p in np.geomspace(*ORDERS, 2000)]),
        ("logarithm", [1.0 / np.log(o * X[3] / X[:4]) for o in np.geomspace(*OUTER, 2000)]),
    ):
        scan = min(np.polynomial.polynomial.polyfit(g, y, 1, full=True)[1][0][0] for g in basis)
        # a scan is never better, and worse by the square of its spacing
        assert np.sum(residuals[FORMS.index(form)] ** 2) == pytest.approx(scan, rel=1e-5)


def test_quadratic_limits_are_those_of_every_row(rng):
    y = rng.normal(size=(2, 3, 6))
    expected = np.polynomial.polynomial.polyfit(X[:4], y[..., :4].reshape(6, 4).T, 2)[0]
    np.testing.assert_allclose(quadratic_limits(X, y), expected.reshape(2, 3), rtol=1e-10)


TRUTHS = {  # every form, least favourable ones among them, whose order or x₀ noise hides
    "constant": lambda x: 1.0 + 0.0 * x,
    "quadratic": lambda x: 1.0 + 0.5 * x - 2.0 * x * x,
    "root": lambda x: 1.0 + x**0.5,
    "logarithm": lambda x: 1.0 + 0.3 / np.log(1.0 / x),
    "slow logarithm": lambda x: 1.0 + 0.3 / np.log(5.0 / x),
}


@pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS.keys())
@pytest.mark.parametrize(
    ("noise", "common", "points"), [(1e-3, 0.0, 4), (1e-2, 0.0, 6), (1e-3, 1e-2, 6)]
)
def test_intervals_cover_the_limit_in_noise(truth, noise, common, points):
    """Noise of its own at every x, or common to all x of a realisation, as of an initial state."""
    rng, x, studies, realisations = np.random.default_rng(3), X[:points], 100, 6
    covered, widths, errors = 0, [], []
    for _ in range(studies):
        y = truth(x) + noise * rng.normal(size=(realisations, points))
        y += common * rng.normal(size=(realisations, 1))
        limit = extrapolate(x, y, LEVEL, deterministic=False)
        covered += limit.low <= 1.0 <= limit.high
        widths.append(limit.half_width)
        errors.append(abs(limit.value - 1.0))
    # at least nominal, within three binomial standard deviations of 100 studies: 0.81
    assert covered / studies >= LEVEL - 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / studies)
    # and not by being wide without measure; t is 2.0, and forms differ where noise hides which
    assert np.median(widths) < 12.0 * np.sqrt(np.mean(np.square(errors)))


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
    assert np.isnan([difference.statistical, difference.systematic]).all()  # not known apart
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


def test_the_parts_of_an_interval_combine_each_for_itself():
    first = Limit.around(3.0, 0.3, 0.4, (0.1, 0.8), 6, 0.2)
    assert (first.low, first.high) == pytest.approx((2.5, 3.5))
    second = Limit.around(1.0, 0.4, 0.3, (0.1, 0.4), 4)
    for both in (first.minus(second), first.plus(second)):
        assert (both.statistical, both.systematic) == pytest.approx((0.5, 0.5))
        assert both.half_width == pytest.approx(np.hypot(0.5, 0.5))
        assert both.weight_log == 0.2  # the larger of those that are known
    wider = first.widened(systematic=0.3, statistical=0.4)
    assert (wider.statistical, wider.systematic) == pytest.approx((0.5, 0.5))
    assert wider.half_width == pytest.approx(np.hypot(0.5, 0.5))


def test_points_on_no_smooth_curve_widen_the_interval():
    y = np.array([1.0, 0.4, 0.9, 0.5])
    whole = np.polynomial.polynomial.polyfit(X[:4], y, 2)[0]
    others = [
        np.polynomial.polynomial.polyfit(np.delete(X[:4], i), np.delete(y, i), 2)[0]
        for i in range(4)
    ]
    limit = extrapolate(X[:4], y[np.newaxis], LEVEL, deterministic=True)
    assert limit.half_width >= 2.0 * np.max(np.abs(np.array(others) - whole)) - 1e-9  # round-off
    assert limit.half_width > 1.0


def test_a_window_that_moves_up_widens_the_interval():
    # the four smallest points lie on a straight line, and the fifth does not
    y = 1.0 + X
    y[4] += 0.1
    moved = np.polynomial.polynomial.polyfit(X[1:5], y[1:5], 2)[0]
    four, six = (extrapolate(X[:n], y[np.newaxis, :n], LEVEL, deterministic=True) for n in (4, 6))
    assert four.value == six.value == pytest.approx(1.0, abs=1e-5)  # the search for the order
    assert four.half_width < 1e-4
    assert six.half_width >= abs(moved - 1.0) - 1e-5


def test_noise_is_no_systematic_part():
    """What four noisy points of a constant change is their noise, which more of them reduce."""
    rng = np.random.default_rng(6)
    few, many = (
        np.median(
            [
                extrapolate(X, 0.1 * rng.normal(size=(n, X.size)), LEVEL, False).half_width
                for _ in range(15)
            ]
        )
        for n in (6, 24)
    )
    # 1/√4, and t of 5 degrees against that of 23: 2.02/1.71
    assert many / few == pytest.approx(0.5 * 1.71 / 2.02, rel=0.4)
