"""Potentials given as a function in numpy or as a table, by piecewise polynomials.

Between the radii where V is not smooth, V is interpolated by a spline of degree 5 on equidistant
knots. Its pieces go into the row of the compiled kind TABULATED, so that V', V'' and V''' are the
exact derivatives of the tabulated V and finding a piece costs one product.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import factorial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, make_interp_spline

from glasscade.errors import ConfigError
from glasscade.potentials import kernels
from glasscade.potentials.base import Potential, Real, register

PIECES = (64, 128, 256, 512, 1024, 2048)
"""Numbers of pieces of a segment, tried until V is met to `ACCURACY` midway between knots."""
ACCURACY = 1e-13
ROUGH = 1e-9
"""Relative error of V beyond which it cannot be smooth where it is said to be."""
PANELS = 16
"""Panels of quadrature in each segment: the jumps of V^(5) at the knots of a table of 40 entries
then cost 1e-13 of the largest value of a transform; 4 panels would cost 1e-10."""
FEWEST = 8
NOT_LEVEL = 0.15
"""Largest V' at the cutoff, as a fraction of that between the two knots before it: 0 for a V that
ends like the square of the distance to it and negative for higher powers, but 1 for a V cut off."""


class Sampled(Potential):
    """A potential given by a V(r) in numpy: a subclass needs `profile`, `cutoff` and `kinks`."""

    kind: ClassVar[int] = kernels.TABULATED
    ends_checked: ClassVar[bool] = False
    """Whether V and V' are known to vanish at the cutoff: between the entries of a table its
    spline waves too much to tell."""

    @abstractmethod
    def profile(self, r: Real) -> Real:
        """V(r) for an array of distances from 0 to the cutoff, where V and V' vanish."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """Radii where V or one of its first five derivatives jumps, ending with the cutoff."""
        return (self.cutoff,)

    @property
    def breaks(self) -> tuple[float, ...]:
        edges = pairwise((0.0, *self.kinks))
        return tuple(r for low, high in edges for r in np.linspace(low, high, PANELS + 1)[1:])

    @cached_property
    def parameters(self) -> Real:
        """The row of `kernels.TABULATED`.

        Raises
        ------
        ConfigError
            If V is not finite, not smooth between the kinks, or V or V' do not vanish at the
            cutoff.
        """
        kinks = (0.0, *self.kinks)
        scale = float(np.max(np.abs(self._sample(np.linspace(0.0, self.cutoff, PIECES[0] + 1)))))
        header, coefficients = [float(len(self.kinks))], []
        position = 1 + 3 * len(self.kinks)
        for low, high in pairwise(kinks):
            pieces = self._segment(low, high, scale)
            header += [high, len(pieces) / (high - low), float(position)]
            position += pieces.size
            coefficients.append(pieces.ravel())
        row = np.concatenate([header, *coefficients])
        row.setflags(write=False)
        return row

    def _sample(self, r: Real) -> Real:
        values = np.asarray(self.profile(r), dtype=np.float64)
        if not np.all(np.isfinite(values)):
            raise ConfigError(f"potential '{self.name}': V(r) must be finite from 0 to the cutoff")
        return values

    def _segment(self, low: float, high: float, scale: float) -> Real:
        """Coefficients (pieces, 6) between two kinks, in powers of the distance from a knot."""
        last = high == self.cutoff
        for count in PIECES:
            knots = np.linspace(low, high, count + 1)
            values = self._sample(knots)
            spline = _spline(knots, values, level=last)
            middle = 0.5 * (knots[1:] + knots[:-1])
            error = float(np.max(np.abs(spline(middle) - self._sample(middle))))
            if error <= ACCURACY * scale:
                break
        if last and not self.ends_checked:
            _check_end(knots, values, scale, f"potential '{self.name}'")
        if error > ROUGH * scale:
            raise ConfigError(
                f"potential '{self.name}': V(r) is not smooth between {low:g} and {high:g}, "
                "declare in `kinks` where it is not"
            )
        orders = range(kernels.DEGREE + 1)
        return np.stack([spline(knots[:-1], nu=n) / factorial(n) for n in orders], axis=-1)


def _spline(r: Real, values: Real, level: bool) -> BSpline:
    """The spline through the values; `level` makes V and V' zero at the last of them."""
    if not level:
        return make_interp_spline(r, values, k=kernels.DEGREE)
    ends = [np.repeat(r[side], kernels.DEGREE + 1) for side in (0, -1)]
    # One knot more than without a condition on the slope.
    knots = np.concatenate([ends[0], r[3:-2], ends[1]])
    values = np.append(values[:-1], 0.0)
    conditions: Any = (None, [(1, 0.0)])
    return make_interp_spline(r, values, k=kernels.DEGREE, t=knots, bc_type=conditions)


def _check_end(r: Real, values: Real, scale: float, culprit: str) -> None:
    """Refuse V or V' that do not vanish at the last distance.

    V' is that of the parabola through the last three values.

    Raises
    ------
    ConfigError
        One sentence that begins with the culprit.
    """
    if abs(values[-1]) > ROUGH * scale:
        raise ConfigError(
            f"{culprit}: V must vanish at the last distance, where it is {values[-1]:g}; shift it"
        )
    far, near = np.diff(values[-3:]) / np.diff(r[-3:])
    end = near + (near - far) * (r[-1] - r[-2]) / (r[-1] - r[-3])
    if abs(end) > ROUGH * scale / r[-1] and end * far > NOT_LEVEL * far**2:
        raise ConfigError(
            f"{culprit}: V' must vanish at the last distance, where it is {end:g}; cut V smoothly"
        )


@register
@dataclass(frozen=True)
class Tabulated(Sampled):
    """A user's own V: strength times the spline of degree 5 through `energy` at `distance`.

    Distances increase, from 0 or from where the core is capped: below the first, V' is linear in
    r. V and V' must vanish at the last. The arrays are kept as tuples.
    """

    name: ClassVar[str] = "tabulated"
    ends_checked: ClassVar[bool] = True
    distance: tuple[float, ...]
    energy: tuple[float, ...]

    @classmethod
    def from_arrays(cls, distance: ArrayLike, energy: ArrayLike, strength: float = 1.0) -> Self:
        """The potential of two arrays of one length."""
        r, values = (np.asarray(x, dtype=np.float64) for x in (distance, energy))
        return cls(strength, tuple(r.ravel().tolist()), tuple(values.ravel().tolist()))

    def __post_init__(self) -> None:
        r, values = np.array(self.distance), np.array(self.energy)
        if r.size != values.size or r.size < FEWEST:
            raise ConfigError(
                f"potential.distance: its {r.size} entries must be at least {FEWEST} and as many "
                f"as the {values.size} of potential.energy"
            )
        if not (np.all(np.isfinite(r)) and np.all(np.isfinite(values))):
            raise ConfigError("potential.distance: every distance and energy must be finite")
        if r[0] < 0.0 or np.any(np.diff(r) <= 0.0):
            raise ConfigError("potential.distance: distances must increase, from 0 or above")
        _check_end(r, values, float(np.max(np.abs(values))), "potential.energy")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        bell, steep = np.linspace(0.0, 1.5, 61), np.linspace(0.6, 1.4, 41) ** 1.1
        return (
            cls.from_arrays(bell, (1.0 - (bell / 1.5) ** 2) ** 4, strength=-0.7),
            cls.from_arrays(steep, (1.0 / steep - 1.0 / steep[-1]) ** 4),
        )

    @property
    def core_radius(self) -> float:
        return self.distance[0]

    @property
    def cutoff(self) -> float:
        return self.distance[-1]

    @property
    def kinks(self) -> tuple[float, ...]:
        first = self.distance[0]
        return (first, self.cutoff) if first > 0.0 else (self.cutoff,)

    def profile(self, r: Real) -> Real:
        """The spline through the table, and its core below the first distance."""
        first = self.distance[0]
        inside = self._through(np.maximum(r, first))
        if first > 0.0:
            stiffness = self._through(first, nu=1) / first
            inside += 0.5 * stiffness * (np.minimum(r, first) ** 2 - first**2)
        return np.asarray(self.strength * inside)

    @cached_property
    def _through(self) -> BSpline:
        return _spline(np.array(self.distance), np.array(self.energy), level=True)
