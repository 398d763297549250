"""Potentials on a periodic line, long-ranged with a neutralising background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy.special import gamma

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

    @property
    def singularity(self) -> float:
        return 2.0

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

    def directional(self, s: Real, dim: int) -> Real:
        """S as for every potential: T = 2S/k in one dimension."""
        return 0.5 * s * self.virial(s, dim)[0]


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

    @property
    def singularity(self) -> float:
        return self.order

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """As for every potential, in closed form from |k| a = `FAR` on.

        T = 2S/k,  L = -2 strength a^s [sin z/z - (s-1) J/z - ∫_0^1 x² cos(zx) dx],
        with z = ka and J of `_power_sine`.
        """
        self.check_dimension(dim)
        z = np.abs(k) * self.cutoff
        across, along = np.empty(z.shape), np.empty(z.shape)
        far = z >= FAR
        across[~far], along[~far] = super().virial(np.abs(k)[~far], dim)
        y = z[far]
        power, sine = _power_sine(y, self.order - 1.0), np.sin(y)
        scale = -2.0 * self.strength * self.cutoff**self.order
        across[far] = scale / y * (power - (sine - y * np.cos(y)) / y**2)
        background = ((y * y - 2.0) * sine + 2.0 * y * np.cos(y)) / y**3
        along[far] = scale * ((sine - (self.order - 1.0) * power) / y - background)
        return across, along

    def directional(self, s: Real, dim: int) -> Real:
        """S as for every potential, in closed form from |s| a = `FAR` on."""
        self.check_dimension(dim)
        z = s * self.cutoff
        values, far = np.empty(z.shape), np.abs(z) >= FAR
        values[~far] = super().directional(s[~far], dim)
        y = np.abs(z[far])
        bracket = _power_sine(y, self.order - 1.0) - (np.sin(y) - y * np.cos(y)) / y**2
        scale = -self.strength * self.cutoff ** (self.order - 1.0)
        values[far] = np.sign(z[far]) * scale * bracket
        return values


FAR = 50.0
TAIL_TERMS = 24
"""From |k| a = 50 on the 24th term of the asymptotic series below is 24!/50^24 = 1e-17."""


def _power_sine(z: Real, m: float) -> Real:
    """J = ∫_0^1 x^{m-1} sin(zx) dx for -1 < m < 2 and z >= `FAR`.

    The integral up to infinity is Γ(m) sin(πm/2) z^{-m}; what lies beyond 1 is Im e^{iz} (i/z)
    Σ_n (m-1)(m-2)...(m-n) (i/z)^n, by parts.
    """
    if m < 0.5:  # the same without the pole of Γ at 0
        whole = 0.5 * np.pi / (gamma(1.0 - m) * np.cos(0.5 * np.pi * m))
    else:
        whole = gamma(m) * np.sin(0.5 * np.pi * m)
    term = np.exp(1j * z) * 1j / z
    beyond = term.copy()
    for n in range(1, TAIL_TERMS):
        term *= (m - n) * 1j / z
        beyond += term
    return np.asarray(whole * z**-m - beyond.imag)


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
