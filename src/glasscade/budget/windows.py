"""Windows in time ψ(t), by which a balance is smeared over a run, and the quadrature for it.

    ψσ |_{t0}^{t1} - ∫ψ̇ σ dt = Σ_X ∫ψ (source + transport) dt                     (Eqs. 20, 41)

for φ(x)ψ(t): with ψ = 1 it is the change of stress, with ψ that vanishes at both ends the boundary
has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.interpolate import make_interp_spline

from glasscade.errors import ConfigError

Real = npt.NDArray[np.float64]

POWER = 4
"""Bumps have three continuous derivatives, as many as leave a rule of fourth order its order."""
DEGREE = 3


@dataclass(frozen=True, eq=False)
class TimeWindows:
    """A family of windows ψ(t) = (1 - s²)^m for |s| < 1, s = (t - centre)/width, zero elsewhere.

    Attributes
    ----------
    names : labels, the first is "one" for ψ = 1
    centres, widths : (n,)
        In time; the width is half the support, infinite for ψ = 1.
    power : m >= 2
    """

    names: tuple[str, ...]
    centres: Real
    widths: Real
    power: int

    @classmethod
    def bumps(
        cls, centres: Sequence[float] = (), widths: Sequence[float] = (), power: int = POWER
    ) -> TimeWindows:
        """ψ = 1 and a bump at each centre, of half-width `widths`, named window1, window2, ...

        A bump with its support inside the run has no boundary term.

        Raises
        ------
        ConfigError
            If there are not as many widths as centres, a width is not positive, a number is not
            finite, or the power is below two, where ψ̇ jumps.
        """
        if len(centres) != len(widths):
            raise ConfigError(f"widths: {len(widths)} do not fit {len(centres)} centres")
        numbers = np.array([*centres, *widths], dtype=np.float64)
        if not np.all(np.isfinite(numbers)) or np.any(numbers[len(centres) :] <= 0.0):
            raise ConfigError("widths: they must be positive, and all centres and widths finite")
        if power < 2:
            raise ConfigError(f"power: {power} must be at least 2, so that ψ̇ does not jump")
        names = ("one", *(f"window{n + 1}" for n in range(len(centres))))
        return cls(
            names,
            np.concatenate([[0.0], numbers[: len(centres)]]),
            np.concatenate([[np.inf], numbers[len(centres) :]]),
            power,
        )

    def values(self, times: Real) -> Real:
        """ψ(t), (n, times)."""
        _, rest = self._scaled(times)
        return np.asarray(rest**self.power)

    def slopes(self, times: Real) -> Real:
        """ψ̇(t), (n, times)."""
        s, rest = self._scaled(times)
        slope = -2.0 * self.power * s * rest ** (self.power - 1)
        return np.asarray(slope / self.widths[:, np.newaxis])

    def _scaled(self, times: Real) -> tuple[Real, Real]:
        """s and 1 - s², zero outside the support."""
        s = (times - self.centres[:, np.newaxis]) / self.widths[:, np.newaxis]
        return s, np.maximum(1.0 - s * s, 0.0)


def quadrature_weights(windows: TimeWindows, times: Real) -> tuple[Real, Real]:
    """w, v of shape (n, times) with Σ_t w_t f(t) = ∫ψf dt and Σ_t v_t f(t) = ∫ψ̇f dt over the run.

    f is the cubic spline through all values (not-a-knot), at any spacing, a parabola or a straight
    line through three values or two; of fourth order in the spacing. Its products with ψ and ψ̇ are
    polynomials between the times and the ends of windows, and are integrated exactly, however
    narrow a window is.

    Raises
    ------
    ConfigError
        If a window has no time in common with the run.
    """
    first, last = times[0], times[-1]
    low, high = windows.centres - windows.widths, windows.centres + windows.widths
    for name, outside in zip(windows.names, (high <= first) | (low >= last), strict=True):
        if outside:
            raise ConfigError(f"windows: {name} lies outside the run, {first:g} to {last:g}")
    degree = min(DEGREE, len(times) - 1)
    # In units of the length: the spline is exact for 1, and round-off of large times is left out.
    length = last - first
    basis = make_interp_spline((times - first) / length, np.eye(len(times)), k=degree)
    edges = np.unique(np.clip(np.concatenate([times, low, high]), first, last))
    x, w = np.polynomial.legendre.leggauss((degree + 2 * windows.power) // 2 + 1)
    value, slope = np.zeros((2, len(windows.names), len(times)))
    for start, stop in pairwise(edges):
        nodes = start + 0.5 * (stop - start) * (x + 1.0)
        shares = 0.5 * (stop - start) * w[:, np.newaxis] * basis((nodes - first) / length)
        value += windows.values(nodes) @ shares
        slope += windows.slopes(nodes) @ shares
    return value, slope


def every_second(number: int) -> npt.NDArray[np.int64]:
    """Positions of every second of so many times, with both ends."""
    return np.unique([*range(0, number, 2), number - 1])
