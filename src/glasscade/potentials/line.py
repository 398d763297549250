"""Potentials on a periodic line, long-ranged with a neutralising background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from glasscade.errors import ConfigError
from glasscade.potentials import kernels
from glasscade.potentials.base import Potential, Real, check_range, register
from glasscade.radial import graded

ROUND_OFF = 1e-15
SMALLEST_ORDER = 0.1


@register
@dataclass(frozen=True)
class Cone(Potential):
    """V = strength (|x| - x²/period) on a periodic line: V' jumps at 0 and is smooth elsewhere.

    The quadratic term is the neutralising background without which no periodic cone exists.
    A positive strength attracts. One dimension only.
    """

    name: ClassVar[str] = "cone"
    kind: ClassVar[int] = kernels.CONE
    dimensions: ClassVar[tuple[int, ...]] = (1,)
    period: float

    def __post_init__(self) -> None:
        check_range("period", self.period, 0.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(1.0, period=5.0), cls(-1.0, period=5.0)

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.period])

    @property
    def cutoff(self) -> float:
        return 0.5 * self.period

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """As for every potential, here in closed form.

        With a = period/2 and z = ka:
        T = 2 strength a² (1 - sin z/z)/z²,  L = 2 strength a² (2 sin z - z cos z - z)/z³.
        """
        self.check_dimension(dim)
        a = self.cutoff
        z = np.abs(k) * a
        small = z < 0.5
        safe = np.where(small, 1.0, z)
        across = np.where(small, _series(z, _cone_across), (1.0 - np.sin(safe) / safe) / safe**2)
        closed = (2.0 * np.sin(safe) - safe * np.cos(safe) - safe) / safe**3
        along = np.where(small, _series(z, _cone_along), closed)
        scale = 2.0 * self.strength * a * a
        return scale * across, scale * along


@register
@dataclass(frozen=True)
class Riesz(Potential):
    """V' = -strength (r^{s-2} - r a^{s-3}) with the order s and a = period/2: V_hat ~ k^{-s}.

    The Riesz gas on a periodic line, V = -strength r^{s-1}/(s-1) on the infinite one, where
    V_hat = -2 strength cos(πs/2) Γ(s-1) k^{-s}: the logarithm at s = 1, the cone at s = 2. The
    background makes V' vanish at the far side of the box; what it does to V_hat there falls as
    k^{-4}. A positive strength repels at every order (Cone(g) is Riesz(-g, 2)). Below s = 2 the
    force is not bounded, which densities bear and particles do not. One dimension only.
    """

    name: ClassVar[str] = "riesz"
    kind: ClassVar[int] = kernels.RIESZ
    dimensions: ClassVar[tuple[int, ...]] = (1,)
    order: float
    period: float

    def __post_init__(self) -> None:
        check_range("period", self.period, 0.0)
        if not SMALLEST_ORDER <= self.order < 3.0:
            raise ConfigError(
                f"potential.order: {self.order:g} must be at least {SMALLEST_ORDER:g} and below 3"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        orders = (SMALLEST_ORDER, 0.5, 1.0, 1.6, 2.0, 2.7)
        return (*(cls(1.0, order=s, period=5.0) for s in orders), cls(-0.5, order=1.0, period=3.0))

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.order, self.cutoff])

    @property
    def cutoff(self) -> float:
        return 0.5 * self.period

    @property
    def breaks(self) -> tuple[float, ...]:
        """Panels shrink towards 0 until the integral of rV' ~ r^{s-1} is round-off."""
        least = self.cutoff * ROUND_OFF ** (1.0 / self.order)
        return (*graded(0.0, self.cutoff, least), self.cutoff)

    @property
    def bounded(self) -> bool:
        return self.order >= 2.0


SERIES_TERMS = 8
"""At z = 1/2 the next term is below 1e-17."""


def _series(z: Real, coefficient: Callable[[int], float]) -> Real:
    terms = [coefficient(m) * z ** (2 * m) for m in range(SERIES_TERMS)]
    return np.asarray(sum(terms))


def _factorial(n: int) -> float:
    return float(np.prod(np.arange(1.0, n + 1.0)))


def _cone_across(m: int) -> float:
    """Coefficient of z^{2m} in (1 - sin z/z)/z²."""
    return float((-1) ** m / _factorial(2 * m + 3))


def _cone_along(m: int) -> float:
    """Coefficient of z^{2m} in (2 sin z - z cos z - z)/z³."""
    sign = -((-1) ** m)
    return sign * (2.0 / _factorial(2 * m + 3) - 1.0 / _factorial(2 * m + 2))
