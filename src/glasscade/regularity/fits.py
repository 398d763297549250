"""Power laws over stated windows, and statistics of independent samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from glasscade.errors import ConfigError

Real = npt.NDArray[np.float64]


FEWEST_POINTS = 3
"""A line through two points fits always and says nothing about a power law."""


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


@dataclass(frozen=True, eq=False)
class Interval:
    """Mean of independent samples with the half-width of its confidence interval."""

    value: Real
    half_width: Real


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


def inside(scale: Real, window: tuple[float, float]) -> slice:
    """The positions of the scales of a window, ends included.

    Parameters
    ----------
    scale : (n,)
        Increasing lengths.
    window : (low, high)

    Raises
    ------
    ConfigError
        If fewer than three scales lie in the window.
    """
    low, high = window
    # Both ends often are computed as multiples of a grid spacing: round-off must not drop them.
    chosen = np.flatnonzero((scale >= low * (1.0 - 1e-9)) & (scale <= high * (1.0 + 1e-9)))
    if chosen.size < FEWEST_POINTS:
        raise ConfigError(
            f"window: {low:.6g} to {high:.6g} holds {chosen.size} of the scales {scale.min():.6g} "
            f"to {scale.max():.6g}, and a fit needs {FEWEST_POINTS}; widen it or add scales"
        )
    return slice(int(chosen[0]), int(chosen[-1]) + 1)


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
    chosen = inside(scale, (low, high))
    x, y = np.log(scale[chosen]), np.log(norm[..., chosen])
    half = (x.size + 1) // 2
    return PowerLaw(
        slope=_slope(x, y),
        lower_slope=_slope(x[:half], y[..., :half]),
        upper_slope=_slope(x[-half:], y[..., -half:]),
        low=float(scale[chosen][0]),
        high=float(scale[chosen][-1]),
        points=x.size,
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


def pseudo_values(statistic: Callable[[Real], npt.ArrayLike], samples: Real) -> Real:
    """n θ - (n-1) θ_i, θ_i being the statistic of all samples but one, (n, ...).

    Their mean is the statistic without its bias of order 1/n. For functions of means they are
    independent to leading order, as the samples are (Quenouille and Tukey's jackknife).

    Parameters
    ----------
    statistic : callable
        From samples (m, ...) to numbers of one shape, for m = n and n - 1.
    samples : (n, ...)
        Independent samples along the first axis, at least two.
    """
    count, whole = len(samples), np.asarray(statistic(samples))
    without = [np.asarray(statistic(np.delete(samples, i, axis=0))) for i in range(count)]
    return np.asarray(count * whole - (count - 1) * np.array(without))


def jackknife(statistic: Callable[[Real], npt.ArrayLike], samples: Real, level: float) -> Real:
    """Half-width of the studentised interval of a statistic of several independent samples.

    That of its `pseudo_values`. For functions of means, as ratios or exponents: each sample alone
    might be too noisy for them.
    """
    return interval(pseudo_values(statistic, samples), level).half_width


def _slope(x: Real, y: Real) -> Real:
    """Least-squares slope of y (..., n) against x (n,)."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))
