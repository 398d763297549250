"""Extrapolation of y(x) to x → 0⁺, with an interval that says how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import stdtrit

from glasscade.errors import ConfigError
from glasscade.regularity.fits import interval

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

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.high - self.low)


def extrapolate(x: Real, y: Real, level: float, deterministic: bool) -> Limit:
    """The limit of y at x → 0 from the `POINTS` smallest x.

    Two forms compete: the quadratic a + bx + cx², right for analytic corrections of order one or
    two, and the power law a + b x^p of free order, right for any other single correction. The
    value is that of the form which leaves the smaller residual. The systematic part of the
    interval is the difference between the two forms or, where there are more points, what the
    quadratic limit changes when the window moves up by one point, if that is larger. The
    studentised scatter of the quadratic limits of the realisations is the statistical part;
    the two are added in quadrature.

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
    half = abs(power - quadratic)
    if x.size > POINTS:
        moved, _ = _quadratic(x[1 : POINTS + 1], y[:, 1 : POINTS + 1].mean(axis=0))
        half = max(half, abs(moved - quadratic))
    if not deterministic:
        each = np.array([_quadratic(near, row)[0] for row in values])
        half = float(np.hypot(half, interval(each, level).half_width))
    return Limit(value, value - half, value + half, float(near[0]), float(near[-1]), len(y))


def _quadratic(x: Real, y: Real) -> tuple[float, float]:
    """Limit and residual norm of a + bx + cx²."""
    return _linear_fit(np.stack([np.ones_like(x), x, x * x], axis=1), y)


def _power(x: Real, y: Real) -> tuple[float, float]:
    """Limit and residual norm of a + b x^p, the order found by a bounded search."""

    def design(order: float) -> Real:
        return np.stack([np.ones_like(x), (x / x[-1]) ** order], axis=1)

    best = minimize_scalar(
        lambda p: _linear_fit(design(p), y)[1], bounds=ORDERS, method="bounded"
    )
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
