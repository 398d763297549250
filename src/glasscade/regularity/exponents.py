"""Besov exponents with intervals, the range they hold in, and why there is none where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, DataError
from glasscade.regularity.fits import inside, interval
from glasscade.regularity.moments import DOMAINS, Moments, average
from glasscade.regularity.scaling import Curve, Expected, Range, curves

Real = npt.NDArray[np.float64]
Flag = Literal[
    "trusted", "smooth", "short", "curved", "biased", "unresolved", "below", "above", "no_range"
]

LARGEST_CORRECTION = 0.02
"""Largest correction for grid and box that is made. It is exact for Gaussian fields alone; where
more would be needed the exponent is refused."""
FEWEST_VALUES = 10.0
"""Fewest values that must carry an average |.|^q at every scale of a range. Where the expectation
is infinite 1/(1 - a) values carry it, however many there are (a < 1 the index of its tail)."""
CRITICAL_ORDER = 3.0
"""The order of the criterion, ξ_3 <= 1/3; scaling ranges are those of this order."""
SHORTEST_DECADES = 1.0
"""Ranges below one decade decide nothing."""
FLAGS: dict[Flag, str] = {
    "trusted": "measured over a scaling range of a decade or more",
    "smooth": "all local slopes exceed 1, up to which a Besov exponent counts",
    "short": "measured over less than a decade, which decides nothing",
    "curved": "over the scaling range of order 3 the local slopes of this order are no plateau",
    "biased": "grid and box bias this estimator by more than is corrected, or by an unknown amount",
    "unresolved": "the moment does not exist, or too few values carry its average",
    "below": "below what this estimator can see",
    "above": "above what this estimator can see",
    "no_range": "no plateau of the local slopes in the range searched",
}
ANSWERED: frozenset[Flag] = frozenset({"trusted", "smooth", "short", "curved"})
"""Flags of exponents that are given; of the others only the raw slope is."""
DECISIVE: frozenset[Flag] = frozenset({"trusted", "smooth"})
"""Flags of exponents on which a verdict may rest."""


@dataclass(frozen=True, eq=False)
class Exponents:
    """Exponents ξ_q of one ensemble.

    Attributes
    ----------
    estimator : str
        A key of `DOMAINS`.
    q : (m,)
        Orders.
    value, ci_low, ci_high : (m,)
        Exponents with their intervals; NaN where the flag is not of `ANSWERED`.
    statistical, systematic : (m,)
        Parts of the half-width, added in quadrature.
    raw, correction : (m,)
        The slope over the range as measured, and what was taken from it for grid and box.
    flag : (m,) of str
        Keys of `FLAGS`.
    middle : (n-1,)
        Geometric means of neighbouring scales (in l0).
    local, local_half : (m, n-1)
        Corrected slopes between neighbouring scales, all of them, and their half-widths.
    low, high : float
        The scaling range; where there is none, the range searched.
    points, samples : int
        Numbers of scales in the range and of independent samples.
    """

    estimator: str
    q: Real
    value: Real
    ci_low: Real
    ci_high: Real
    statistical: Real
    systematic: Real
    raw: Real
    correction: Real
    flag: tuple[Flag, ...]
    middle: Real
    local: Real
    local_half: Real
    low: float
    high: float
    points: int
    samples: int

    @property
    def decades(self) -> float:
        """Length of the range, log10(high/low)."""
        return float(np.log10(self.high / self.low))


def exponents(
    samples: Sequence[Moments],
    window: tuple[float, float],
    level: float,
    volume: float,
    expected: Expected | None = None,
    deterministic: bool = False,
) -> Exponents:
    """ξ_q of an ensemble of independent samples.

    1. *Curve.* Averages |.|^q are pooled over samples and jackknifed (`scaling.curves`).
    2. *Scaling range.* The longest plateau of the local slopes of order 3 within the window
       (`Curve.is_plateau`), for all orders.
    3. *Exponent.* Slope of ln norm by least squares with weights s^{-d/2}: midway between equal
       ones and those of independent values, of which a volume holds s^{-d}.
    4. *Correction.* The fractional field on the same grid and in the same box that has this slope
       has the exponent ξ (`Curve.corrected`). More than `LARGEST_CORRECTION` is refused.
    5. *Interval.* Student's t over the pseudo-values, and in quadrature half the difference
       between the halves of the range, as far as it exceeds its own interval. A deterministic
       sample has no scatter: half that difference is all.

    Parameters
    ----------
    samples : sequence of Moments
        Independent samples, alike in estimator, scales and orders, with order 3 among them.
    window : (low, high)
        Where a scaling range is looked for (in l0).
    level : float
        Confidence level.
    volume : float
        Volume of one sample (in l0^d): how many independent values of each scale it holds.
    expected : Expected, optional
        For the correction; without it exponents are flagged `biased`.
    deterministic : bool
        Whether the one sample is all there is.

    Raises
    ------
    DataError
        If there is no sample, or they differ in estimator, scales or orders.
    ConfigError
        If the window holds fewer than three scales, order 3 is missing, or the level does not lie
        between 0 and 1.
    """
    first = _common(samples)
    search = inside(first.scale, window)
    lead = np.flatnonzero(first.q == CRITICAL_ORDER)
    if lead.size == 0:
        raise ConfigError(f"q: order 3 must be among the orders, not only {first.q.tolist()}")
    each = curves(samples, search, expected)
    found = each[int(lead[0])].scaling_range(search)
    chosen = search if found is None else found
    carried = _values_that_carry(samples, chosen, volume)
    resolved = np.full(first.q.size, True) if deterministic else carried >= FEWEST_VALUES
    fits = [_fit(curve, chosen, level, deterministic) for curve in each]
    flags = [
        _flag(first.estimator, curve, fit, search, found, ok, None if deterministic else level)
        for curve, fit, ok in zip(each, fits, resolved, strict=True)
    ]
    return _result(first, fits, flags, chosen, len(samples))


@dataclass(frozen=True, eq=False)
class _Fit:
    """One order over one range; `known` if the correction is."""

    value: float
    statistical: float
    systematic: float
    raw: float
    correction: float
    known: bool
    local: Real
    local_half: Real


def _fit(curve: Curve, window: Range, level: float, deterministic: bool) -> _Fit:
    corrected, correction = curve.corrected(window)
    mean = interval(corrected.slopes(window), level)
    lower, upper = corrected.halves(window)
    change = interval(upper - lower, level)
    local = interval(corrected.local(), level)
    chance = 0.0 if deterministic else float(change.half_width)
    return _Fit(
        value=float(mean.value),
        statistical=0.0 if deterministic else float(mean.half_width),
        systematic=0.5 * max(0.0, abs(float(change.value)) - chance),
        raw=float(np.mean(curve.slopes(window))),
        correction=correction,
        known=curve.hurst.size > 0,
        local=local.value,
        local_half=np.zeros_like(local.value) if deterministic else local.half_width,
    )


def _flag(
    estimator: str,
    curve: Curve,
    fit: _Fit,
    search: Range,
    found: Range | None,
    resolved: bool,
    level: float | None,
) -> Flag:
    """What is known of an exponent; the level of its intervals is None if deterministic."""
    domain = DOMAINS[estimator]
    if not resolved:
        return "unresolved"
    if _is_smooth(curve, search, level):
        return "smooth"
    if found is None:
        return "no_range"
    if fit.raw <= domain.low or fit.raw >= domain.high:
        return "below" if fit.raw <= domain.low else "above"
    if not fit.known or abs(fit.correction) > LARGEST_CORRECTION:
        return "biased"
    if not curve.is_plateau(found):
        return "curved"
    x = curve.x[found]
    # A decade of octaves may fall short of one by round-off alone.
    long = x[-1] - x[0] >= SHORTEST_DECADES * np.log(10.0) * (1.0 - 1e-9)
    return "trusted" if long else "short"


def _is_smooth(curve: Curve, search: Range, level: float | None) -> bool:
    """Whether every local slope of the range searched exceeds 1, with its interval if it has one.

    Uncorrected: beyond 1 the correction of estimators that end there says nothing.
    """
    local = curve.local()[:, search.start : search.stop - 1]
    low = local.mean(axis=0)
    if level is not None:
        low = low - interval(local, level).half_width
    return bool(np.all(low > 1.0))


def _values_that_carry(samples: Sequence[Moments], window: Range, volume: float) -> Real:
    """Fewest values (m,) that carry <|.|^q> over the scales of a range, NaN counting as none.

    (Σw)²/Σw² of w = |.|^q, counting as many values as volumes s^d fit into the samples.
    """
    pooled = average(samples)
    number = len(samples) * volume / pooled.scale**pooled.dim
    carried = np.nan_to_num(pooled.participation) * number
    return np.asarray(carried[:, window].min(axis=1))


def _common(samples: Sequence[Moments]) -> Moments:
    """The first of several moments, refused unless all share estimator, scales and orders."""
    if not samples:
        raise DataError("exponents: there is no sample to fit")
    first = samples[0]
    for other in samples[1:]:
        same = (
            other.estimator == first.estimator
            and np.array_equal(other.scale, first.scale)
            and np.array_equal(other.q, first.q)
        )
        if not same:
            raise DataError("exponents: samples differ in estimator, scales or orders")
    return first


def _result(
    first: Moments, fits: list[_Fit], flags: list[Flag], window: Range, samples: int
) -> Exponents:
    values = np.array([fit.value for fit in fits])
    statistical = np.array([fit.statistical for fit in fits])
    systematic = np.array([fit.systematic for fit in fits])
    half = np.hypot(statistical, systematic)
    given = np.array([flag in ANSWERED for flag in flags])
    smooth = np.array([flag == "smooth" for flag in flags])
    # Increments of a smooth field are of order r, not less: its Besov exponent is 1.
    value = np.where(smooth, 1.0, np.where(given, values, np.nan))
    half = np.where(smooth, 0.0, np.where(given, half, np.nan))
    scale = first.scale
    return Exponents(
        estimator=first.estimator,
        q=first.q,
        value=value,
        ci_low=value - half,
        ci_high=value + half,
        statistical=statistical,
        systematic=systematic,
        raw=np.array([fit.raw for fit in fits]),
        correction=np.array([fit.correction for fit in fits]),
        flag=tuple(flags),
        middle=np.sqrt(scale[1:] * scale[:-1]),
        local=np.array([fit.local for fit in fits]),
        local_half=np.array([fit.local_half for fit in fits]),
        low=float(scale[window][0]),
        high=float(scale[window][-1]),
        points=window.stop - window.start,
        samples=samples,
    )
