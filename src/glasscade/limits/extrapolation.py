"""Extrapolation of y(x) to x → 0⁺, with an interval that says how far to trust it.

How a quantity approaches its limit is not known beforehand, so forms of three parameters compete,

    quadratic     a + b x + c x²         analytic corrections, of order one, two, or both
    power         a + b x^p              any other single correction, p free within `ORDERS`
    logarithm     a + b / ln(x₀/x)       a marginal correction, x₀ free within `OUTER`

and the slowest member of either of the last two, p or x₀ at its bound: noise may hide p or x₀, and
then says nothing against it. The limit is a. (ln x itself has none; its inverse is the slowest
approach to one. Data that it fits as well as a power law have not shown their limit.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from glasscade.errors import ConfigError
from glasscade.regularity.fits import interval

Real = npt.NDArray[np.float64]

POINTS = 4
"""The smallest x that enter a fit: one more than the parameters of a form."""
FORMS = ("quadratic", "power", "slowest power", "logarithm", "slowest logarithm")
LOGARITHMIC = np.array(["logarithm" in form for form in FORMS])
ORDERS = (0.25, 4.0)
"""Range of the free order p in a + b x^p."""
OUTER = (2.0, 64.0)
"""Range of x₀ in a + b/ln(x₀/x), over the largest x of the fit."""
PLAUSIBLE = 0.05
"""A form counts if its weight is at least this fraction of the largest."""
SAFETY = 2.0
"""A change of the limit by one point or one order is taken twice, as an estimate of its error."""
SEARCH = 1e-5
"""What the search for p and x₀ leaves open, relative to the range of y."""
ACROSS = ("A_minus_B", "H")
"""Differences of a limit in ℓ, whose window is that of A, and one in T, whose window they have."""
GRID = np.linspace(0.0, 1.0, 25)
ZOOMS = 5
"""Refinements of the grid of p or x₀, each by 12: to 6e-6 in their logarithm."""


@dataclass(frozen=True)
class Limit:
    """A value, its confidence interval, and the range of x it was fitted on.

    Attributes
    ----------
    value, low, high : float
    fit_low, fit_high : float
        Range of x.
    realisations : int
    statistical, systematic : float
        The two parts of the half-width, which combine in quadrature: what more realisations
        would narrow, and what they would not. NaN where they are not known apart.
    weight_log : float
        Weight of the logarithm in the value, NaN where nothing was extrapolated.
    """

    value: float
    low: float
    high: float
    fit_low: float
    fit_high: float
    realisations: int
    statistical: float = np.nan
    systematic: float = np.nan
    weight_log: float = np.nan

    @classmethod
    def around(
        cls,
        value: float,
        statistical: float,
        systematic: float,
        window: tuple[float, float],
        realisations: int,
        weight_log: float = np.nan,
    ) -> Limit:
        """A value with the interval of its two parts."""
        half = float(np.hypot(statistical, systematic))
        ends = (value - half, value + half, *window)
        return cls(value, *ends, realisations, statistical, systematic, weight_log)

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
            float(np.hypot(self.statistical, other.statistical)),
            float(np.hypot(self.systematic, other.systematic)),
            float(np.fmax(self.weight_log, other.weight_log)),
        )

    def plus(self, other: Limit) -> Limit:
        """The sum of two limits, as `minus`."""
        return self.minus(replace(other, value=-other.value, low=-other.high, high=-other.low))

    def widened(self, systematic: float = 0.0, statistical: float = 0.0) -> Limit:
        """The same with more independent uncertainty, added in quadrature."""
        half = float(np.hypot(self.half_width, np.hypot(systematic, statistical)))
        return replace(
            self,
            low=self.value - half,
            high=self.value + half,
            statistical=float(np.hypot(self.statistical, statistical)),
            systematic=float(np.hypot(self.systematic, systematic)),
        )

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return 0.5 * (self.high - self.low)


def unknown(realisations: int) -> Limit:
    """A limit of which there is neither value nor interval."""
    return Limit(np.nan, np.nan, np.nan, np.nan, np.nan, realisations)


ENDS = (
    "value",
    "low",
    "high",
    "fit_low",
    "fit_high",
    "statistical",
    "systematic",
    "weight_log",
)
"""What is written of a limit: fields of `Limit`."""


def extrapolate(x: Real, y: Real, level: float, deterministic: bool) -> Limit:
    """The limit of y at x → 0 from the `POINTS` smallest x, averaged over `FORMS`.

    Every form is fitted to the mean over the n realisations. Its weight is the likelihood, by
    Student's t, of the residual r that it leaves,

        w = [1 + t²/(n-1)]^{-n/2},     t² = r²/(s² + r₀²),

    with s² the variance over realisations of the mean of r, and r₀ the smallest residual of any
    form, since none need be exact. Without randomness s = 0 and n = 2. Forms below `PLAUSIBLE` of
    the best are dropped, and the others give the value by their weights.

    Weights make the value, they do not narrow the interval: its systematic part is the largest,
    over the forms that count, of the distance of their limits from the value, of twice what each
    limit changes when one point is left out or the quadratic is given a cubic term, and, where
    there are more points, of what it changes when the window moves up by one; of these changes
    only what exceeds their own standard error, in quadrature, since noise is in the other part.
    Points on no smooth curve, because the smallest x is still far from the limit, or on one that a
    power law and a logarithm fit alike, thus give a wide interval rather than a wrong one. The
    statistical part is the studentised scatter over realisations of the limit, by the jackknife,
    the largest of the forms that count. The two are added in quadrature.

    Parameters
    ----------
    x : (n_x,)
        Positive, increasing.
    y : (n, n_x)
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
    count, near = len(y), x[:POINTS]
    means = y.mean(axis=0, keepdims=True)
    if count > 1:  # and those without one realisation each
        means = np.concatenate([means, (y.sum(axis=0) - y) / (count - 1)])
    every, residuals = fits(near, means[:, :POINTS])
    changes_of = _changes(x, means, every)
    limits, changes = every[0], changes_of[0]
    weights = _weights(residuals[0], y[:, :POINTS])
    counted = weights > 0.0
    value = float(weights @ limits)
    statistical = np.full(limits.shape, 0.0 if deterministic else np.inf)
    if count > 1:
        statistical = _jackknife(limits, every[1:], level)
        noise = np.sqrt(count - 1) * np.std(changes_of[1:], axis=0)
        changes = np.sqrt(np.maximum(changes**2 - noise**2, 0.0))
    search = SEARCH * float(np.ptp(means[0, :POINTS]))
    apart = np.abs(limits - value) + search
    systematic = np.maximum(apart, np.max(np.abs(changes), axis=0))
    return Limit.around(
        value,
        float(np.max(statistical[counted])),
        float(np.max(systematic[counted])),
        (float(near[0]), float(near[-1])),
        count,
        float(weights[LOGARITHMIC].sum()),
    )


def quadratic_limits(x: Real, y: Real) -> Real:
    """The quadratic limit of every row of y (..., n) from its `POINTS` smallest x."""
    return _quadratic(x[:POINTS], y[..., :POINTS])[0]


def inherited(x: Real, errors: Real) -> float:
    """What errors of y of one form at every x, which do not cancel, are in the quadratic limit.

    Parameters
    ----------
    x, errors : (n,)
        The limit is a weighted sum of y at the `POINTS` smallest x.
    """
    weights = quadratic_limits(x, np.eye(POINTS))
    return float(np.sum(np.abs(weights * errors[:POINTS])))


def fits(x: Real, y: Real) -> tuple[Real, Real]:
    """Limits and residuals of all forms.

    Parameters
    ----------
    x : (n,) or (..., n)
        Positive, increasing.
    y : (..., n)

    Returns
    -------
    (..., form), (..., form, n)
        In the order of `FORMS`.
    """
    depth = -np.log(x / x[..., -1:])[..., np.newaxis, :]

    def power(order: Real) -> Real:
        return np.exp(-depth * order[..., np.newaxis])

    def logarithm(outer: Real) -> Real:
        return 1.0 / (depth + np.log(outer)[..., np.newaxis])

    parts = [
        _quadratic(x, y),
        _family(y, power, ORDERS),
        _line(power(np.array(ORDERS[:1]))[..., 0, :], y),
        _family(y, logarithm, OUTER),
        _line(logarithm(np.array(OUTER[1:]))[..., 0, :], y),
    ]
    return np.stack([part[0] for part in parts], -1), np.stack([part[1] for part in parts], -2)


def _quadratic(x: Real, y: Real) -> tuple[Real, Real]:
    """Limits and residuals of a + bx + cx², linear in y."""
    design = (x / x[..., -1:])[..., np.newaxis] ** np.arange(3)
    coefficients = np.linalg.pinv(design) @ y[..., np.newaxis]
    return coefficients[..., 0, 0], y - (design @ coefficients)[..., 0]


def _family(
    y: Real, basis: Callable[[Real], Real], bounds: tuple[float, float]
) -> tuple[Real, Real]:
    """Limits and residuals of a + b g(x), g → 0, the one parameter of g found by search.

    A grid over the logarithm of the parameter, then finer ones around the best point, for all
    series at once.
    """
    low, high = (np.full(y.shape[:-1], np.log(bound)) for bound in bounds)
    for _ in range(ZOOMS):
        grid = low[..., np.newaxis] + (high - low)[..., np.newaxis] * GRID
        limits, residuals = _line(basis(np.exp(grid)), y[..., np.newaxis, :])
        best = np.argmin(np.sum(residuals**2, axis=-1), axis=-1)[..., np.newaxis]
        low = np.take_along_axis(grid, np.maximum(best - 1, 0), -1)[..., 0]
        high = np.take_along_axis(grid, np.minimum(best + 1, GRID.size - 1), -1)[..., 0]
    chosen = np.take_along_axis(residuals, best[..., np.newaxis], -2)[..., 0, :]
    return np.take_along_axis(limits, best, -1)[..., 0], chosen


def _line(g: Real, y: Real) -> tuple[Real, Real]:
    """Limits and residuals of a + b g by least squares."""
    mean_g, mean_y = g.mean(axis=-1), y.mean(axis=-1)
    g_, y_ = g - mean_g[..., np.newaxis], y - mean_y[..., np.newaxis]
    b = np.sum(g_ * y_, axis=-1) / np.sum(g_ * g_, axis=-1)
    return mean_y - b * mean_g, y_ - b[..., np.newaxis] * g_


def _weights(residuals: Real, values: Real) -> Real:
    """Weight of every form, zero below `PLAUSIBLE` of the best; the others add up to one."""
    count = max(len(values), 2)
    size = np.linalg.norm(residuals, axis=-1)
    round_off = 4.0 * np.finfo(float).eps * float(np.max(np.abs(values)))
    least = max(float(np.min(size)), round_off, np.finfo(float).tiny)
    error = np.full(size.shape, least)
    if len(values) > 1:
        along = residuals / np.maximum(size, least)[:, np.newaxis]
        error = np.hypot(error, np.std(values @ along.T, axis=0, ddof=1) / np.sqrt(count))
    t = size / error
    weights = (1.0 + t * t / (count - 1)) ** (-0.5 * count)
    weights[weights < PLAUSIBLE * weights.max()] = 0.0
    return np.asarray(weights / weights.sum())


def _changes(x: Real, y: Real, limits: Real) -> Real:
    """By how much the limits (..., form) of every row of y (..., n) change, (..., change, form).

    When a point is left out, three parameters through three points, and when the quadratic is given
    a cubic term, four through four: both are taken `SAFETY` times. When the window moves up by one,
    where there are more points: farther from the limit, this is too large rather than too small.
    """
    near, values = x[:POINTS], y[..., :POINTS]
    kept = np.array([np.delete(np.arange(POINTS), i) for i in range(POINTS)])
    cubic = limits.copy()
    cubic[..., FORMS.index("quadratic")] = values @ _to_zero(near)
    others = [fits(near[kept], values[..., kept])[0], cubic[..., np.newaxis, :]]
    changes = SAFETY * (np.concatenate(others, axis=-2) - limits[..., np.newaxis, :])
    if x.size == POINTS:
        return changes
    moved = fits(x[1 : POINTS + 1], y[..., 1 : POINTS + 1])[0] - limits
    return np.concatenate([changes, moved[..., np.newaxis, :]], axis=-2)


def _to_zero(x: Real) -> Real:
    """Weights of Lagrange's polynomial through all points at x = 0: Π_j x_j/(x_j - x_i)."""
    others = [np.delete(x, i) for i in range(x.size)]
    return np.array([np.prod(o / (o - own)) for o, own in zip(others, x, strict=True)])


def _jackknife(whole: Real, without: Real, level: float) -> Real:
    """Half-width of the studentised interval, from pseudo-values.

    For the quadratic, linear in y, these are the limits of the single realisations; the other
    forms, not linear, are thus fitted to means alone, whose noise is that of their limit.
    """
    count = len(without)
    return interval(count * whole - (count - 1) * without, level).half_width


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
    half = float(stdtrit(degrees, 0.5 * (1.0 + level))) * error
    return Limit.around(value, 0.0, half, (float(x[0]), float(x[-1])), 1)
