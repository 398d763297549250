"""Power laws over stated windows, and intervals over independent realisations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from glasscade.errors import ConfigError, DataError
from glasscade.regularity.moments import DOMAINS, Moments

Real = npt.NDArray[np.float64]
Flag = Literal["inside", "outside"]

FEWEST_POINTS = 3
"""A line through two points fits always and says nothing about the power law."""


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Slope of ln norm against ln scale over the window used.

    Attributes
    ----------
    slope, lower_slope, upper_slope : (...)
        From all points, and from the lower and the upper half of them.
    low, high : float
        Smallest and largest scale used (in l0).
    points : int
        Number of scales used.
    """

    slope: Real
    lower_slope: Real
    upper_slope: Real
    low: float
    high: float
    points: int

    @property
    def decades(self) -> float:
        """Length of the window used, log10(high/low)."""
        return float(np.log10(self.high / self.low))


@dataclass(frozen=True, eq=False)
class Interval:
    """Mean of independent samples with the half-width of its confidence interval."""

    value: Real
    half_width: Real


@dataclass(frozen=True, eq=False)
class Exponents:
    """Exponents xi_q of one ensemble with intervals, the window, and where not to trust them.

    Attributes
    ----------
    estimator : str
        A key of `DOMAINS`.
    q, value, ci_low, ci_high : (m,)
        Orders, exponents, and the interval that combines both parts below in quadrature.
    statistical, systematic : (m,)
        Half-width from the scatter of realisations; half the difference of the exponents of
        the upper and the lower half of the window.
    flag : (m,) tuple of str
        `inside` or `outside` the estimator's domain.
    low, high, decades : float
        The window used.
    points, realisations : int
        Numbers of scales and of independent realisations.
    """

    estimator: str
    q: Real
    value: Real
    ci_low: Real
    ci_high: Real
    statistical: Real
    systematic: Real
    flag: tuple[Flag, ...]
    low: float
    high: float
    decades: float
    points: int
    realisations: int


def local_slopes(scale: Real, norm: Real) -> tuple[Real, Real]:
    """d ln norm / d ln scale between neighbouring scales: a plateau shows a power law.

    Parameters
    ----------
    scale : (n,)
        Increasing lengths.
    norm : (..., n)
        Positive norms.

    Returns
    -------
    (n-1,), (..., n-1)
        Geometric means of neighbouring scales, and the slopes there.
    """
    slopes = np.diff(np.log(norm)) / np.diff(np.log(scale))
    return np.sqrt(scale[1:] * scale[:-1]), slopes


def power_law(scale: Real, norm: Real, low: float, high: float) -> PowerLaw:
    """Least-squares slope of ln norm against ln scale over low <= scale <= high.

    Parameters
    ----------
    scale : (n,)
        Increasing lengths.
    norm : (..., n)
        Positive norms.
    low, high : float
        The window, ends included.

    Raises
    ------
    ConfigError
        If fewer than three scales lie in the window.
    """
    # Both ends often are computed as multiples of a grid spacing: round-off must not drop them.
    chosen = (scale >= low * (1.0 - 1e-9)) & (scale <= high * (1.0 + 1e-9))
    points = int(chosen.sum())
    if points < FEWEST_POINTS:
        raise ConfigError(
            f"window: {low:.6g} to {high:.6g} holds {points} of the scales {scale.min():.6g} to "
            f"{scale.max():.6g}, and a fit needs {FEWEST_POINTS}; widen it or add scales"
        )
    x, y = np.log(scale[chosen]), np.log(norm[..., chosen])
    half = (points + 1) // 2
    return PowerLaw(
        slope=_slope(x, y),
        lower_slope=_slope(x[:half], y[..., :half]),
        upper_slope=_slope(x[-half:], y[..., -half:]),
        low=float(scale[chosen][0]),
        high=float(scale[chosen][-1]),
        points=points,
    )


def interval(samples: Real, level: float) -> Interval:
    """Studentised mean of independent samples: mean ± t_{n-1} s / √n.

    One sample gives an infinite interval, never one of no width.

    Parameters
    ----------
    samples : (n, ...)
        Independent samples along the first axis.
    level : float
        Confidence level between 0 and 1.

    Raises
    ------
    ConfigError
        If the level does not lie between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise ConfigError(f"level: a confidence level lies between 0 and 1, not {level}")
    n = len(samples)
    mean = np.asarray(np.mean(samples, axis=0))
    if n == 1:
        return Interval(mean, np.full_like(mean, np.inf))
    t = stdtrit(n - 1, 0.5 * (1.0 + level))
    return Interval(mean, np.asarray(t * np.std(samples, axis=0, ddof=1) / np.sqrt(n)))


def jackknife(statistic: Callable[[Real], npt.ArrayLike], samples: Real, level: float) -> Real:
    """Half-width of the studentised interval of a statistic of several independent samples.

    From the pseudo-values n θ - (n-1) θ_i, θ_i being the statistic of all samples but one. For
    functions of means, as ratios or exponents: each sample alone might be too noisy for them.

    Parameters
    ----------
    statistic : callable
        From samples (m, ...) to numbers of one shape, for m = n and n - 1.
    samples : (n, ...)
        Independent samples along the first axis, at least two.
    level : float
        Confidence level between 0 and 1.
    """
    count, whole = len(samples), np.asarray(statistic(samples))
    without = [np.asarray(statistic(np.delete(samples, i, axis=0))) for i in range(count)]
    return interval(count * whole - (count - 1) * np.array(without), level).half_width


def exponents(
    realisations: Sequence[Moments], window: tuple[float, float], level: float
) -> Exponents:
    """xi_q of an ensemble: one fit per realisation, then statistics over realisations.

    The half-width of the interval is ``√(statistical² + systematic²)``: the scatter of
    realisations (independent samples; grid points are not) and the dependence on the window,
    half the difference between the mean exponents of its upper and its lower half. Chance
    alone makes the latter non-zero, so intervals are wider than their level demands: on six
    fractional fields at 95 %, the statistical part covers 95 % and both together 98-99 %.
    High orders on few points lie low, because ln<|d|^q> does (q = 6, 1D, 2^12 points: -0.014).

    Parameters
    ----------
    realisations : sequence of Moments
        Independent fields, same estimator, scales and orders.
    window : (low, high)
        Range of scales (in l0) of the fit.
    level : float
        Confidence level of the statistical part.

    Raises
    ------
    DataError
        If there is no realisation, or they differ in estimator, scales or orders.
    ConfigError
        If the window holds fewer than three scales, or the level is not between 0 and 1.
    """
    first = _common(realisations)
    norm = np.array([moments.norm for moments in realisations])
    fit = power_law(first.scale, norm, *window)
    statistics = interval(fit.slope + first.offset, level)
    systematic = 0.5 * np.abs(np.mean(fit.upper_slope - fit.lower_slope, axis=0))
    half_width = np.hypot(statistics.half_width, systematic)
    domain = DOMAINS[first.estimator]
    return Exponents(
        estimator=first.estimator,
        q=first.q,
        value=statistics.value,
        ci_low=statistics.value - half_width,
        ci_high=statistics.value + half_width,
        statistical=statistics.half_width,
        systematic=systematic,
        flag=tuple("inside" if domain.holds(float(xi)) else "outside" for xi in statistics.value),
        low=fit.low,
        high=fit.high,
        decades=fit.decades,
        points=fit.points,
        realisations=len(realisations),
    )


def _slope(x: Real, y: Real) -> Real:
    """Least-squares slope of y (..., n) against x (n,)."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))


def _common(realisations: Sequence[Moments]) -> Moments:
    """The first of several moments, refused unless all share estimator, scales and orders."""
    if not realisations:
        raise DataError("exponents: there is no realisation to fit")
    first = realisations[0]
    for other in realisations[1:]:
        same = (
            other.estimator == first.estimator
            and np.array_equal(other.scale, first.scale)
            and np.array_equal(other.q, first.q)
        )
        if not same:
            raise DataError("exponents: realisations differ in estimator, scales or orders")
    return first
