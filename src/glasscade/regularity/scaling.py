"""The norm of an ensemble against scale as curves of ln norm: slopes, and ranges of one slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from glasscade.regularity.fits import FEWEST_POINTS, interval
from glasscade.regularity.moments import Moments

Real = npt.NDArray[np.float64]
Range = slice
"""Neighbouring scales, by their positions."""

PLATEAU = 0.03
"""How far a local slope may lie from the slope of a scaling range, where chance allows no more."""
CHANCE = 0.99
"""Level at which chance alone keeps all local slopes of a power law within what is allowed."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Exact norms of fractional fields on the grid of the data, by the same estimator.

    Attributes
    ----------
    hurst : (h,)
        Increasing exponents H.
    norm : (h, m, n)
        E[|.|^q]^{1/q} for the orders and scales of the moments, in any unit.
    """

    hurst: Real
    norm: Real


@dataclass(frozen=True, eq=False)
class Curve:
    """ln norm of one order against ln scale, as many times as there are independent samples.

    Every statistic below is linear in the curve, so that its values over the rows of `y` are
    independent samples of it.

    Attributes
    ----------
    x : (n,)
        ln scale.
    y : (r, n)
        Pseudo-values of ln norm minus offset·ln scale: its slope is the exponent. NaN where a
        moment does not exist.
    weight : (n,)
        Weights of the least squares.
    hurst, expected : (h,), (h, n)
        Exponents H, and the same for the exact norms of fractional fields; empty if not known.
    """

    x: Real
    y: Real
    weight: Real
    hurst: Real
    expected: Real

    def slopes(self, window: Range) -> Real:
        """Weighted least-squares slope over a range, (r,)."""
        return self.y[:, window] @ self._functional(window)

    def halves(self, window: Range) -> tuple[Real, Real]:
        """Slopes of the lower and the upper half of a range, which share a middle scale."""
        points = window.stop - window.start
        half = (points + 1) // 2
        return (
            self.slopes(slice(window.start, window.start + half)),
            self.slopes(slice(window.stop - half, window.stop)),
        )

    def of(self, y: Real) -> Curve:
        """Other curves (r, n) at the same scales."""
        return replace(self, y=y)

    def local(self) -> Real:
        """Slopes between neighbouring scales, (r, n-1)."""
        return np.asarray(np.diff(self.y) / np.diff(self.x))

    def corrected(self, window: Range) -> tuple[Curve, float]:
        """The curve without what grid and box do to a fractional field of its own exponent.

        S(H), the slope of a fractional field over the range, differs from H. The exponent is the
        H with S(H) as measured; beyond the H that are known nothing is taken away.

        Returns
        -------
        The curve, whose slope over the range is that H, and S(H) - H.
        """
        if self.hurst.size == 0:
            return self, 0.0
        expected = self.expected[:, window] @ self._functional(window)
        hurst = float(np.interp(np.mean(self.slopes(window)), expected, self.hurst))
        each = [np.interp(hurst, self.hurst, column) for column in self.expected.T]
        excess = np.array(each) - hurst * self.x
        curve = self.of(self.y - excess)
        return curve, float(excess[window] @ self._functional(window))

    def _functional(self, window: Range) -> Real:
        """What takes a curve to its slope: a(x) with Σa = 0, Σ a x = 1."""
        x, weight = self.x[window], self.weight[window]
        a = weight * (x - np.average(x, weights=weight))
        return np.asarray(a / (a @ x))

    def is_plateau(self, window: Range) -> bool:
        """Whether the local slopes of a range agree with its slope.

        Each to within `PLATEAU`, or to within what chance allows: Student's t at the level at
        which all of them together stay inside it with the probability `CHANCE` (Bonferroni).
        """
        curve, _ = self.corrected(window)
        local = curve.local()[:, window.start : window.stop - 1]
        away = local - curve.slopes(window)[:, np.newaxis]
        allowed = np.full(local.shape[1], PLATEAU)
        if len(away) > 1:
            level = 1.0 - (1.0 - CHANCE) / local.shape[1]
            allowed = np.maximum(allowed, interval(away, level).half_width)
        return bool(np.all(np.abs(away.mean(axis=0)) <= allowed))

    def scaling_range(self, search: Range) -> Range | None:
        """The longest plateau within a range; of equally long ones that at the smallest scales."""
        ends = combinations(range(search.start, search.stop + 1), 2)
        windows = [slice(i, j) for i, j in ends if j - i >= FEWEST_POINTS]
        windows = [w for w in windows if np.all(np.isfinite(self.y[:, w]))]
        windows.sort(key=lambda w: (self.x[w.start] - self.x[w.stop - 1], w.start))
        return next((w for w in windows if self.is_plateau(w)), None)


def curves(samples: Sequence[Moments], search: Range, expected: Expected | None) -> list[Curve]:
    """The curve of every order.

    Averages |.|^q are pooled over samples, each divided by its own overall amplitude, so that none
    outweighs the others. The logarithm of an average of few values lies low; the jackknife takes
    away most of what pooling leaves of that. A single sample is its own curve.

    Parameters
    ----------
    samples : sequence of Moments
        Independent samples, alike in estimator, scales and orders.
    search : slice
        The scales over which amplitudes are compared.
    expected : Expected, optional
    """
    first = samples[0]
    x = np.log(first.scale)
    norms = np.log([moments.norm for moments in samples])
    weight = np.exp(-0.5 * first.dim * (x - x[0]))
    tilt = first.offset * x
    result = []
    for order, q in enumerate(first.q):
        hurst = np.empty(0) if expected is None else expected.hurst
        known = np.empty((0, x.size)) if expected is None else np.log(expected.norm[:, order])
        rows = _pooled(norms[:, order], float(q), search)
        result.append(Curve(x, rows + tilt, weight, hurst, known + tilt))
    return result


def _pooled(logarithms: Real, q: float, search: Range) -> Real:
    """Pseudo-values of ln <|.|^q>^{1/q} over samples, from ln norms (r, n) of each.

    Each sample counts relative to its own amplitude. Without one sample, the average is that of
    all minus its share: the jackknife (`fits.pseudo_values`) needs no loop.
    """
    count = len(logarithms)
    relative = logarithms - logarithms[:, search].mean(axis=1, keepdims=True)
    if count == 1 or q == 0.0:
        return relative
    power = np.exp(q * relative)
    total = power.sum(axis=0)
    whole, without = np.log(total / count), np.log((total - power) / (count - 1))
    return np.asarray((count * whole - (count - 1) * without) / q)
