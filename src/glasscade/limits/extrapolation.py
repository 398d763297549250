"""Extrapolation of y(x) to x → 0⁺, with an interval that says how far to trust it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import stdtrit

from glasscade.errors import ConfigError
from glasscade.regularity.fits import jackknife

Real = npt.NDArray[np.float64]

POINTS = 4
"""The smallest x that enter a fit: one more than the parameters of either form."""
ORDERS = (0.25, 4.0)
"""Range of the free order p in a + b x^p."""


@dataclass(frozen=True)
class Limit:
    """A value, its confidence interval, and the range of x it was fitted on."""

    value: float
    low: float
    high: float
    fit_low: float
    fit_high: float
    realisations: int

    def minus(self, other: Limit) -> Limit:
        """The difference of two limits, their intervals combined in quadrature.

        For independent errors; for limits of the same data the interval is too wide rather than
        too narrow unless the errors are opposite.
        """
        value = self.value - other.value
        half = float(np.hypot(self.half_width, other.half_width))
        return Limit(
            value,
            value - half,
            value + half,
            min(self.fit_low, other.fit_low),
            max(self.fit_high, other.fit_high),
            min(self.realisations, other.realisations),
        )

    def plus(self, other: Limit) -> Limit:
        """The sum of two limits, as `minus`."""
        return self.minus(replace(other, value=-other.value, low=-other.high, high=-other.low))

    def widened(self, half: float) -> Limit:
        """The same with one more independent uncertainty, added in quadrature."""
        both = float(np.hypot(self.half_width, half))
        return replace(self, low=self.value - both, high=self.value + both)

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.high - self.low)


def extrapolate(x: Real, y: Real, level: float, deterministic: bool) -> Limit:
    """The limit of y at x → 0 from the `POINTS` smallest x.

    Two forms compete: the quadratic a + bx + cx², right for analytic corrections of order one or
    two, and the power law a + b x^p of free order, right for any other single correction. The
    value is that of the form which leaves the smaller residual. The systematic part of the
    interval is the largest of: the difference between the two forms; what the quadratic limit
    changes when any one point is left out; where there are more points, what it changes when the
    window moves up by one. Points on no smooth curve, because the smallest x is still far from
    the limit, thus give a wide interval rather than a wrong one. The statistical part is the
    studentised scatter over realisations of the limit of the form for which it is larger: noise
    decides which form fits better, and the order of the power law amplifies it. The two parts
    are added in quadrature.

    Parameters
    ----------
    x : (n,)
        Positive, increasing.
    y : (realisations, n)
    level : float
        Confidence level of the statistical part.
    deterministic : bool
        Whether the system has no randomness; then there is no statistical part.

    Raises
    ------
    ConfigError
        If there are fewer than `POINTS` points.
    """
    if x.size < POINTS:
        raise ConfigError(f"an extrapolation needs {POINTS} values of x > 0, there are {x.size}")
    near, values = x[:POINTS], y[:, :POINTS]
    mean = values.mean(axis=0)
    quadratic, quadratic_residual = _quadratic(near, mean)
    power, power_residual = _power(near, mean)
    value = power if power_residual < quadratic_residual else quadratic
    half = max(abs(power - quadratic), _leaving_one_out(near, mean, quadratic))
    if x.size > POINTS:
        moved, _ = _quadratic(x[1 : POINTS + 1], y[:, 1 : POINTS + 1].mean(axis=0))
        half = max(half, abs(moved - quadratic))
    if not deterministic:
        half = float(np.hypot(half, _statistical(near, values, level)))
    return Limit(value, value - half, value + half, float(near[0]), float(near[-1]), len(y))


def quadratic_limits(x: Real, y: Real) -> Real:
    """The quadratic limit of every row of y (..., n) from its `POINTS` smallest x."""
    rows = y[..., :POINTS].reshape(-1, POINTS)
    return np.array([_quadratic(x[:POINTS], row)[0] for row in rows]).reshape(y.shape[:-1])


def _leaving_one_out(x: Real, y: Real, quadratic: float) -> float:
    """Largest change of the quadratic limit when one point is left out."""
    others = [_quadratic(np.delete(x, i), np.delete(y, i))[0] for i in range(x.size)]
    return float(np.max(np.abs(np.array(others) - quadratic)))


def _statistical(x: Real, y: Real, level: float) -> float:
    """Half-width over realisations of the limit of either form, the larger.

    By the jackknife: for the quadratic, linear in y, its pseudo-values are the limits of the
    single realisations; the power law, not linear, is thus fitted to means alone, whose noise is
    that of its limit.
    """
    if len(y) == 1:
        return np.inf

    def half(form: Callable[[Real, Real], tuple[float, float]]) -> float:
        return float(jackknife(lambda rows: form(x, rows.mean(axis=0))[0], y, level))

    return max(half(_quadratic), half(_power))


def _quadratic(x: Real, y: Real) -> tuple[float, float]:
    """Limit and residual norm of a + bx + cx²."""
    return _linear_fit(np.stack([np.ones_like(x), x, x * x], axis=1), y)


def _power(x: Real, y: Real) -> tuple[float, float]:
    """Limit and residual norm of a + b x^p, the order found by a bounded search."""

    def design(order: float) -> Real:
        return np.stack([np.ones_like(x), (x / x[-1]) ** order], axis=1)

    best = minimize_scalar(lambda p: _linear_fit(design(p), y)[1], bounds=ORDERS, method="bounded")
    return _linear_fit(design(float(best.x)), y)


def _linear_fit(design: Real, y: Real) -> tuple[float, float]:
    scaled = design / np.max(np.abs(design), axis=0)
    coefficients = np.linalg.lstsq(scaled, y, rcond=None)[0]
    return float(coefficients[0]), float(np.linalg.norm(y - scaled @ coefficients))


def slope(x: Real, y: Real, level: float) -> Limit:
    """d ln|y| / d ln x by least squares, with the t-interval of the residuals.

    Raises
    ------
    ConfigError
        If there are fewer than three points, since two leave no residual.
    """
    if x.size < 3:
        raise ConfigError(f"a slope with an interval needs 3 points, there are {x.size}")
    u, v = np.log(x), np.log(np.abs(y))
    centred = u - u.mean()
    value = float(v @ centred / (centred @ centred))
    residual = v - v.mean() - value * centred
    degrees = x.size - 2
    error = float(np.sqrt(residual @ residual / degrees / (centred @ centred)))
    half = _student(level, degrees) * error
    return Limit(value, value - half, value + half, float(x[0]), float(x[-1]), 1)


def _student(level: float, degrees: int) -> float:
    return float(stdtrit(degrees, 0.5 * (1.0 + level)))
