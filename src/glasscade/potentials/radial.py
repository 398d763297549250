"""Pair potentials as small frozen classes on top of the compiled `kernels`.

Each class declares its integer kind, its parameters, the range beyond which it is zero, and the
radii where V' is not smooth. The transform of W_ij(y) = y_i ∂_jV(y) is exact where it is known in
closed form and by quadrature otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.potentials import kernels
from glasscade.radial import Table, table_size, virial_transform

Real = npt.NDArray[np.float64]

TABLES_PER_OCTAVE = 4
"""Tables of a transform reach to powers of 2^(1/4): at most a fifth longer than needed."""


@dataclass(frozen=True)
class Potential(ABC):
    """A radial pair potential V(r), bounded and with bounded slope.

    `strength` is in units of V₀; its sign decides between repulsion (> 0 for the decaying
    potentials) and attraction.
    """

    kind: ClassVar[int]
    strength: float

    @property
    @abstractmethod
    def parameters(self) -> Real:
        """The row of four parameters of the compiled kernels."""

    @property
    @abstractmethod
    def cutoff(self) -> float:
        """The radius beyond which V' is zero, or below round-off."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """Radii between which V' is smooth, ending with the cutoff."""
        return (self.cutoff,)

    def value(self, r: Real) -> Real:
        """V(r) for an array of distances."""
        return self._each(kernels.value, r)

    def slope(self, r: Real) -> Real:
        """V'(r), zero at r = 0."""
        return self._each(kernels.slope, r)

    def curvature(self, r: Real) -> Real:
        """V''(r), away from the kinks of V'."""
        return self._each(kernels.curvature, r)

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """(T, L) of W_hat_ij(k) = T δ_ij + (L - T) k_i k_j/k²; V_hat = -T.

        Directly by quadrature for few wavevectors, through a table for many.
        """
        k_max = float(np.max(k, initial=0.0))
        if k.size <= table_size(self.cutoff, k_max):
            return virial_transform(self.slope, self.breaks, k, dim)
        # Rounded up, so that wavevectors shifted by a little share a table.
        octaves = np.log2(max(k_max, 1.0 / self.cutoff))
        rounded = 2.0 ** (np.ceil(TABLES_PER_OCTAVE * octaves) / TABLES_PER_OCTAVE)
        both = _virial_table(self, dim, float(rounded))(k)
        return both[..., 0], both[..., 1]

    def _each(self, kernel: Callable[[int, float, Real], float], r: Real) -> Real:
        parameters = self.parameters
        values = [kernel(self.kind, x, parameters) for x in np.ravel(r)]
        return np.array(values).reshape(np.shape(r))


@lru_cache(maxsize=64)
def _virial_table(potential: Potential, dim: int, k_max: float) -> Table:
    """(T, L) of a potential against k, kept since a balance asks for it at many shifts of k."""
    return Table(
        lambda k: np.stack(virial_transform(potential.slope, potential.breaks, k, dim), axis=-1),
        reach=potential.cutoff,
        k_max=k_max,
    )


@dataclass(frozen=True)
class Harmonic(Potential):
    """Soft spheres, V = strength/2 (1 - r/diameter)² inside the diameter.

    Inside `core`, V' is linear in r, so that it is continuous at contact with itself: without
    this the smeared interaction of every particle with itself leaves a plateau in the budgets.
    """

    kind: ClassVar[int] = kernels.HARMONIC
    diameter: float
    core: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.core < self.diameter:
            raise ConfigError(
                f"potential.core: {self.core} must lie between 0 and the diameter {self.diameter}"
            )

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.diameter, self.core, 0.0])

    @property
    def cutoff(self) -> float:
        return self.diameter

    @property
    def breaks(self) -> tuple[float, ...]:
        return (self.core, self.diameter) if self.core > 0.0 else (self.diameter,)


@dataclass(frozen=True)
class Gaussian(Potential):
    """The Gaussian core, V = strength exp(-(r/width)²): smooth at every distance."""

    kind: ClassVar[int] = kernels.GAUSSIAN
    width: float

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.width, 0.0, 0.0])

    @property
    def cutoff(self) -> float:
        """r² exp(-r²) is 5e-18 of its maximum at 6.5 widths."""
        return 6.5 * self.width

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """T = -V_hat, L = -(V_hat + k V_hat'), V_hat = strength (√π width)^d e^{-(k width)²/4}."""
        u = 0.25 * (k * self.width) ** 2
        with np.errstate(under="ignore"):
            transform = self.strength * (np.sqrt(np.pi) * self.width) ** dim * np.exp(-u)
            return -transform, -transform * (1.0 - 2.0 * u)


@dataclass(frozen=True)
class Cone(Potential):
    """V = strength (|x| - x²/period) on a periodic line: V' jumps at 0 and is smooth elsewhere.

    The quadratic term is the neutralising background without which no periodic cone exists.
    A positive strength attracts. One dimension only.
    """

    kind: ClassVar[int] = kernels.CONE
    period: float

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.period, 0.0, 0.0])

    @property
    def cutoff(self) -> float:
        return 0.5 * self.period

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """As for every potential, here in closed form.

        With a = period/2 and z = ka:
        T = 2 strength a² (1 - sin z/z)/z²,  L = 2 strength a² (2 sin z - z cos z - z)/z³.
        """
        if dim != 1:
            raise ConfigError("potential.kind: 'cone' is defined in one dimension only")
        a = self.cutoff
        z = np.abs(k) * a
        small = z < 0.5
        safe = np.where(small, 1.0, z)
        across = np.where(small, _series(z, _cone_across), (1.0 - np.sin(safe) / safe) / safe**2)
        closed = (2.0 * np.sin(safe) - safe * np.cos(safe) - safe) / safe**3
        along = np.where(small, _series(z, _cone_along), closed)
        scale = 2.0 * self.strength * a * a
        return scale * across, scale * along


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
