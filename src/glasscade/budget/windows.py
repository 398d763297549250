"""Windows in time ψ(t), by which a balance is smeared over a run, and the quadrature for it.

    ψσ |_{t0}^{t1} - ∫ψ̇ σ dt = Σ_X ∫ψ (source + transport) dt                     (Eqs. 20, 41)

for φ(x)ψ(t): with ψ = 1 it is the change of stress, with ψ that vanishes at both ends the boundary
has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def quadrature_weights(times: Real) -> Real:
    """w with Σ_t w_t f(t) = ∫f dt from the first time to the last, of fourth order in the spacing.

    The integral of the cubic spline through all values (not-a-knot), at any spacing; of a parabola
    or a straight line through three values or two.
    """
    degree = min(DEGREE, len(times) - 1)
    # In units of the length: the spline is exact for 1, and round-off of large times is left out.
    length = times[-1] - times[0]
    unit = (times - times[0]) / length
    spline = make_interp_spline(unit, np.eye(len(times)), k=degree)
    return np.asarray(length * spline.integrate(0.0, 1.0))


def every_second(number: int) -> npt.NDArray[np.int64]:
    """Positions of every second of so many times, with both ends."""
    return np.unique([*range(0, number, 2), number - 1])
