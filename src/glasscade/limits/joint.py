"""Paths on which temperature and scale go to zero together, ℓ ∝ T^α, through a table over both.

A path starts at the smallest T and the smallest ℓ of a sweep, which is as near as the table comes
to the limit, and leads away from it,

    ℓ(T) = ℓ_0 (T/T_0)^α,

up to the largest T at which ℓ(T) is still within the table. Scales between those of the table are
interpolated by a cubic spline in ln ℓ at each T. How far that may err is what it changes when every
second scale is left out, over 2^p - 1 with p = 3: one order less than splines of smooth data have,
for tables whose spacing only just resolves the crossover at ℓ ~ width of a layer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from glasscade.limits.extrapolation import POINTS, Limit, extrapolate, inherited

Real = npt.NDArray[np.float64]

ALPHAS = (0.5, 1.0)
"""Slower than the width of a layer at a kink of V, which is ∝ T, and in proportion to it."""
ORDER = 3
"""Order of the interpolation that its error estimate relies on."""
FEWEST_SCALES = 5
"""Every second of which are three, that a spline needs to be more than a line."""
SLACK = 1e-9
"""Round-off in ℓ(T) must not drop the ends of a table."""


def path(alpha: float, temperature: Real, ell: Real) -> Real:
    """ℓ at every temperature, NaN where the path is outside the table.

    Parameters
    ----------
    alpha : float
    temperature : (n,)
        Positive, increasing.
    ell : (m,)
        Scales of the table, positive, increasing.

    Returns
    -------
    (n,)
    """
    scale = ell[0] * (temperature / temperature[0]) ** alpha
    return np.where(scale <= (1.0 + SLACK) * ell[-1], scale, np.nan)


def between(ell: Real, values: Real, at: float) -> tuple[float, float]:
    """A value between the scales of a table, and what interpolation leaves open.

    Parameters
    ----------
    ell : (m,)
        Positive, increasing.
    values : (m,)
        NaN at scales that are not known.
    at : float

    Returns
    -------
    float, float
        NaN outside the known scales, or where these are fewer than `FEWEST_SCALES`.
    """
    known = np.isfinite(values)
    x, y = np.log(ell[known]), values[known]
    if not (x.size >= FEWEST_SCALES and x[0] - SLACK <= np.log(at) <= x[-1] + SLACK):
        return np.nan, np.nan
    u = float(np.clip(np.log(at), x[0], x[-1]))
    value = float(CubicSpline(x, y)(u))
    ends = (0, x.size - 1)
    halves = [np.unique([*ends, *range(first, x.size, 2)]) for first in (0, 1)]
    changes = [abs(float(CubicSpline(x[half], y[half])(u)) - value) for half in halves]
    return value, max(changes) / (2**ORDER - 1)


def limit_along(temperature: Real, values: Real, errors: Real, level: float) -> Limit:
    """The limit T → 0 of values along a path, those of one deterministic run at each T.

    Parameters
    ----------
    temperature, values, errors : (n,)
        T increasing; NaN where the path is outside the table. The errors are of one kind at every
        T and do not cancel.
    level : float

    Returns
    -------
    Limit
        NaN where fewer than `POINTS` values are known.
    """
    known = np.isfinite(values)
    if np.count_nonzero(known) < POINTS:
        return Limit(np.nan, np.nan, np.nan, np.nan, np.nan, 1)
    x, y = temperature[known], values[known]
    limit = extrapolate(x, y[np.newaxis], level, deterministic=True)
    return limit.widened(inherited(x, errors[known]))
