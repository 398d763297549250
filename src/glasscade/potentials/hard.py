"""Steep cores: Lennard-Jones and inverse powers, cut smoothly and capped.

Smeared densities overlap at every distance, so V must be bounded. Below `cap` it is continued as
the even polynomial a₀ + a₂r² + a₄r⁴ with V, V' and V'' continuous at the cap: V then is smooth at
r = 0 and repels at every distance down to it. A core with V' linear in r, as soft spheres have,
would leave a jump of V'' just where it is largest. The cap must lie below the closest approach of
particles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from glasscade.potentials import kernels
from glasscade.potentials.base import Potential, Real, check_range, register
from glasscade.radial import graded

UNCAPPED = [0.0] * 4
"""Cap, a₀, a₂ and a₄ of a row that has none."""


@register
@dataclass(frozen=True)
class LennardJones(Potential):
    """V = 4 strength (s¹² - s⁶) + shift, s = diameter/r, cut smoothly from 2 to 2.5 diameters.

    There it is the quartic of Barbot et al., Phys. Rev. E 97, 033001 (2018), C₀ + C₁x + ... + C₄x⁴
    with x = r - 2 diameter: V, V' and V'' are continuous at x = 0 and vanish at the end; the shift
    makes V itself continuous. Capped below `cap`.
    """

    name: ClassVar[str] = "lennard_jones"
    kind: ClassVar[int] = kernels.LENNARD_JONES
    inner: ClassVar[float] = 2.0
    outer: ClassVar[float] = 2.5

    diameter: float
    cap: float

    def __post_init__(self) -> None:
        check_range("strength", self.strength, 0.0)
        check_range("diameter", self.diameter, 0.0)
        check_range("cap", self.cap, 0.0, self.diameter)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(1.0, diameter=1.0, cap=0.8), cls(0.5, diameter=0.8, cap=0.3)

    @property
    def parameters(self) -> Real:
        start, end = self.inner * self.diameter, self.outer * self.diameter
        uncut = np.array([self.strength, self.diameter, *UNCAPPED, np.inf, np.inf, *[0.0] * 6])
        value, c1, bend = _derivatives(self.kind, start, uncut)
        width, c2 = end - start, 0.5 * bend
        c3 = -(3.0 * c1 + 4.0 * c2 * width) / (3.0 * width**2)
        c4 = (c1 + c2 * width) / (2.0 * width**3)
        c0 = -width * (c1 + width * (c2 + width * (c3 + width * c4)))
        cut = [start, end, c0 - value, c0, c1, c2, c3, c4]
        return _capped(self.kind, self.cap, np.array([*uncut[:6], *cut]))

    @property
    def core_radius(self) -> float:
        return self.cap

    @property
    def cutoff(self) -> float:
        return self.outer * self.diameter

    @property
    def breaks(self) -> tuple[float, ...]:
        return (*_panels(self.cap, self.inner * self.diameter), self.cutoff)


@register
@dataclass(frozen=True)
class InversePower(Potential):
    """V = strength (s^exponent + c₀ + c₂/s² + c₄/s⁴), s = diameter/r, cut smoothly at `reach`.

    The even polynomial makes V, V' and V'' vanish at `reach`, as is usual for polydisperse glass
    formers (Ninarello et al., Phys. Rev. X 7, 021039 (2017), for the exponent 12). Capped below
    `cap`.
    """

    name: ClassVar[str] = "inverse_power"
    kind: ClassVar[int] = kernels.INVERSE_POWER

    diameter: float
    cap: float
    reach: float
    exponent: float = 12.0

    def __post_init__(self) -> None:
        check_range("diameter", self.diameter, 0.0)
        check_range("reach", self.reach, 0.0)
        check_range("cap", self.cap, 0.0, self.reach)
        check_range("exponent", self.exponent, 0.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (
            cls(1.0, diameter=1.0, cap=0.7, reach=1.25),
            cls(0.5, diameter=0.8, cap=0.1, reach=2.0, exponent=2.5),
        )

    @property
    def parameters(self) -> Real:
        n, x = self.exponent, self.reach / self.diameter
        cut = x**-n * np.array(
            [-(n + 2.0) * (n + 4.0), 2.0 * n * (n + 4.0) / x**2, -n * (n + 2.0) / x**4]
        )
        row = np.array([self.strength, self.diameter, *UNCAPPED, self.reach, n, *(cut / 8.0)])
        return _capped(self.kind, self.cap, row)

    @property
    def core_radius(self) -> float:
        return self.cap

    @property
    def cutoff(self) -> float:
        return self.reach

    @property
    def breaks(self) -> tuple[float, ...]:
        return _panels(self.cap, self.reach)


def _derivatives(kind: int, r: float, row: Real) -> list[float]:
    """[V, V', V''] at one distance."""
    return [kernels.sample(order, kind, np.array([r]), row).item() for order in range(3)]


def _capped(kind: int, cap: float, row: Real) -> Real:
    """A row with the cap and the even polynomial that has its V, V' and V'' there."""
    value, slope, curvature = _derivatives(kind, cap, row)
    a4 = (curvature - slope / cap) / (8.0 * cap**2)
    a2 = 0.25 * (3.0 * slope / cap - curvature)
    a0 = value - cap**2 * (a2 + cap**2 * a4)
    return np.concatenate([row[:2], [cap, a0, a2, a4], row[6:]])


def _panels(cap: float, end: float) -> tuple[float, ...]:
    """Radii from the cap to `end` between which an inverse power is smooth enough."""
    return (cap, *(r for r in graded(0.0, end, cap) if r > cap), end)
