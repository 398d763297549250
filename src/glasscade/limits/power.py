"""How many realisations would decide a verdict that is inconclusive.

If the present value μ is the truth, the mean of n realisations is normal about μ with the standard
error s/√n, and its interval has the half-width

    h = [(t_{n-1} s'/√n)² + b²]^{1/2},      (n-1) s'²/s² ~ χ²_{n-1},

with s from the present statistical part and the systematic part b as it is: more realisations of
the same scales do not narrow it. The chance of a decision follows by averaging normal
probabilities over the χ² of s' (for b = 0 this is the noncentral t).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtr, stdtrit

from glasscade.limits.extrapolation import Limit

Real = npt.NDArray[np.float64]
Claim = Literal["equal", "at_least", "at_most"]

POWER = 0.9
"""Chance of a decision that is asked for."""
MOST = 100_000
"""Beyond this no number of realisations is named."""
QUANTILES = 64
"""Points of the χ² distribution."""


def n_to_decide(
    limit: Limit, reference: float, tolerance: float, level: float, claim: Claim = "equal"
) -> float:
    """The smallest n for which a verdict would be decided with the chance `POWER`.

    Parameters
    ----------
    limit : Limit
        With its statistical and systematic parts.
    reference, tolerance : float
        As in the verdict.
    level : float
        Confidence level of the statistical part.
    claim : str
        Value = reference, >= reference - tolerance, or <= reference + tolerance.

    Returns
    -------
    float
        At least 2. Infinite if no number up to `MOST` would do: there is no finite interval or
        nothing random, the systematic part alone reaches across the margin, or the value lies too
        near to the edge of the margin. NaN if the scatter is not known, as from one realisation.
    """
    if not np.isfinite(limit.value) or np.isnan(limit.half_width) or limit.statistical == 0.0:
        return np.inf
    if not (np.isfinite(limit.statistical) and np.isfinite(limit.systematic)):
        return np.nan
    edges = _edges(limit.value, reference, tolerance, claim)
    if np.min(np.abs(edges)) <= limit.systematic:
        return np.inf
    count = limit.realisations
    scatter = limit.statistical * np.sqrt(count) / stdtrit(count - 1, 0.5 * (1.0 + level))

    def decides(n: int) -> bool:
        return chance(n, edges, float(scatter), limit.systematic, level) >= POWER

    return _smallest(decides)


def for_all(numbers: Iterable[float]) -> float:
    """How many decide several verdicts: the largest, infinite if one is, else NaN if one is."""
    known = list(numbers)
    return np.inf if np.inf in known else float(np.max(known))


def chance(n: int, edges: Real, scatter: float, systematic: float, level: float) -> float:
    """Chance that the interval of n realisations lies between the edges, or beyond one of them.

    Parameters
    ----------
    n : int
        Realisations, at least 2.
    edges : (2,)
        Distance of the lower and of the upper edge of what holds from the true value.
    scatter : float
        Standard deviation over realisations.
    systematic, level : float
    """
    tail = (np.arange(QUANTILES) + 0.5) / QUANTILES
    spread = np.sqrt(chdtri(n - 1, tail) / (n - 1))
    error = scatter / np.sqrt(n)
    half = np.hypot(stdtrit(n - 1, 0.5 * (1.0 + level)) * error * spread, systematic)
    low, high = edges
    inside = ndtr((high - half) / error) - ndtr((low + half) / error)
    below, above = ndtr((low - half) / error), ndtr(-(high + half) / error)
    return float(np.mean(np.maximum(inside, 0.0) + below + above))


def _edges(value: float, reference: float, tolerance: float, claim: Claim) -> Real:
    low, high = reference - tolerance - value, reference + tolerance - value
    return np.array(
        [-np.inf if claim == "at_most" else low, np.inf if claim == "at_least" else high]
    )


def _smallest(decides: Callable[[int], bool]) -> float:
    """The smallest n from 2 to `MOST` that decides, by doubling and halving; infinite for none."""
    high = 2
    while not decides(high):
        high *= 2
        if high > MOST:
            return np.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return float(high)
