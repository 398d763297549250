"""Paths on which temperature and scale go to zero together, ℓ ∝ T^α, through a table over both.

A path starts at the smallest T and the smallest ℓ of a sweep, which is as near as the table comes
to the limit, and leads away from it,

    ℓ(T) = ℓ_0 (T/T_0)^α,

up to the largest T at which ℓ(T) is still within the table. Scales between those of the table are
interpolated by a cubic spline in ln ℓ at each T. How far that may err in the middle of an interval
is the larger of two estimates:

- how far off its ends would be, were they not in the table, over 2^p - 1 with p = 2: splines are of
  order 4, but a spacing of octaves only just resolves the crossover at ℓ ~ width of a layer; half
  of that at an end of the table, which is missed by an extrapolation;
- the largest difference there from a monotone interpolant, of lower order.

For crossovers as wide as 1/(1 + ℓ/w) in octaves this holds the error everywhere, for e^{-ℓ/w} in 97
of 100 places.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline, PchipInterpolator

from glasscade.limits.extrapolation import POINTS, Limit, extrapolate, inherited, unknown

Real = npt.NDArray[np.float64]

ALPHAS = (0.5, 1.0)
"""Slower than the width of a layer at a kink of V, which is ∝ T, and in proportion to it."""
ORDER = 2
"""Order of the interpolation that its error estimate relies on."""
INSIDE = 17
"""Points of an interval at which interpolants are compared."""
FEWEST_SCALES = 5
"""Without one of which a spline still has the four that make it a cubic."""
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


def between(ell: Real, values: Real, at: float) -> tuple[Real, Real]:
    """Values between the scales of a table, and what interpolation leaves open.

    Parameters
    ----------
    ell : (m,)
        Positive, increasing.
    values : (..., m)
        Known at the same scales, NaN at others.
    at : float

    Returns
    -------
    (...), (...)
        NaN outside the known scales, or where these are fewer than `FEWEST_SCALES`.
    """
    known = np.isfinite(values).all(axis=tuple(range(values.ndim - 1)))
    x, y = np.log(ell[known]), values[..., known]
    if not (x.size >= FEWEST_SCALES and x[0] - SLACK <= np.log(at) <= x[-1] + SLACK):
        unknown = np.full(values.shape[:-1], np.nan)
        return unknown, unknown
    u = float(np.clip(np.log(at), x[0], x[-1]))
    right = int(np.clip(np.searchsorted(x, u), 1, x.size - 1))
    left, spline = right - 1, CubicSpline(x, y, axis=-1)
    inside = np.linspace(x[left], x[right], INSIDE)
    with np.errstate(over="ignore"):  # it takes harmonic means of slopes, which may be all but zero
        monotone = PchipInterpolator(x, y, axis=-1)
    other = np.abs(spline(inside) - monotone(inside)).max(axis=-1)
    off = np.max([_left_out(x, y, left), _left_out(x, y, right), other], axis=0)
    # Zero at the scales of the table, as the error itself.
    part = (u - x[left]) / (x[right] - x[left])
    return np.asarray(spline(u)), np.asarray(4.0 * part * (1.0 - part) * off)


def _left_out(x: Real, y: Real, node: int) -> Real:
    """What it says of the spline by how much that through all other nodes misses one."""
    others = CubicSpline(np.delete(x, node), np.delete(y, node, axis=-1), axis=-1)
    missed = np.abs(others(x[node]) - y[..., node]) / (2**ORDER - 1)
    return np.asarray(0.5 * missed if node in (0, x.size - 1) else missed)


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
        return unknown(1)
    x, y = temperature[known], values[known]
    limit = extrapolate(x, y[np.newaxis], level, deterministic=True)
    return limit.widened(inherited(x, errors[known]))
