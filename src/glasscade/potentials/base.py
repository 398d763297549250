"""What every pair potential provides, and the registry of them by name.

A potential is a small frozen class. It declares its name, the dimensions it is defined in, its
range, the radii at which quadrature is split, and a few examples of itself; `register` enters it
into `POTENTIALS`, and the shared tests put the examples of every entry through all invariants. Its
derivatives come from the compiled `kernels`, either from a kind of its own or, for a V(r) written
in numpy, from the piecewise polynomial of `glasscade.potentials.sampled`. Its transforms come from
quadrature unless it knows better.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.potentials import kernels
from glasscade.radial import (
    Table,
    affine_transform,
    directional_transform,
    table_size,
    virial_transform,
)

Real = npt.NDArray[np.float64]

LIPSCHITZ = 3.0
"""s of V_hat ~ k^{-s} from which V'' is bounded."""
CONTACT = 1e-6
"""Distance, in ranges of V, whose V' has the sign of that at contact."""
TABLES_PER_OCTAVE = 4
"""Tables of a transform reach to powers of 2^(1/4): at most a fifth longer than needed."""


@dataclass(frozen=True)
class Potential(ABC):
    """A radial pair potential V(r).

    `strength` is in units of V₀; its sign decides between repulsion (> 0 for all potentials but
    the cones) and attraction.
    """

    name: ClassVar[str]
    """The word by which configurations and `POTENTIALS` know it."""
    kind: ClassVar[int]
    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)
    """Dimensions of space in which it is defined."""

    strength: float

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Self, ...]:
        """A few representative instances, which the shared tests look at."""

    @property
    @abstractmethod
    def parameters(self) -> Real:
        """The row of parameters of the compiled kernels."""

    @property
    @abstractmethod
    def cutoff(self) -> float:
        """The radius beyond which V' is zero, or below round-off."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """Radii between which V is smooth and 32 nodes resolve it, ending with the cutoff."""
        return (self.cutoff,)

    @property
    def jumps(self) -> tuple[float, ...]:
        """The breaks at which V' jumps: none, unless a potential says so."""
        return ()

    @property
    def core_radius(self) -> float:
        """Radius below which V is not the law it stands for but bounded or rounded; 0 if none."""
        return 0.0

    @property
    def bounded(self) -> bool:
        """Whether V and V' are finite at every distance, as particles need it."""
        return True

    @property
    def singularity(self) -> float:
        """s of V_hat ~ k^{-s} on a line at large k: 2 where V' jumps at r = 0; inf if smooth."""
        return np.inf

    @property
    def collapses(self) -> bool:
        """Whether V attracts at contact with a force that is not Lipschitz there, V_hat ~ k^{-s<3}.

        Points then meet in finite time. Otherwise the flux of a density that starts bounded
        vanishes by theorem, and with it what heat leaves as T → 0 (docs/theory.md).
        """
        if self.singularity >= LIPSCHITZ:
            return False
        return float(self.slope(np.array([CONTACT * self.cutoff]))[0]) > 0.0

    def value(self, r: Real) -> Real:
        """V(r) for an array of distances."""
        return self._derivative(0, r)

    def slope(self, r: Real) -> Real:
        """V'(r), zero at r = 0."""
        return self._derivative(1, r)

    def curvature(self, r: Real) -> Real:
        """V''(r), away from the kinks of V'."""
        return self._derivative(2, r)

    def third(self, r: Real) -> Real:
        """V'''(r), away from the kinks of V' and V'', zero at r = 0."""
        return self._derivative(3, r)

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """(T, L) of W_hat_ij(k) = T δ_ij + (L - T) k_i k_j/k²; V_hat = -T.

        Directly by quadrature for few wavevectors, through a table for many.

        Raises
        ------
        ConfigError
            If the potential is not defined in this dimension.
        """
        both = self._transform("virial", k, dim)
        return both[..., 0], both[..., 1]

    def affine(self, k: Real, dim: int) -> tuple[Real, Real]:
        """(dT/dk, dL/dk) of the same T and L, odd in k, by the same ways and with its errors."""
        both = self._transform("affine", k, dim)
        return both[..., 0], both[..., 1]

    def directional(self, s: Real, dim: int) -> Real:
        """S(s) = ∫ V'(r) sin(rs) r^{d-1} dr, odd in s, by the same ways and with its errors."""
        return self._transform("directional", s, dim)

    def check_dimension(self, dim: int) -> None:
        """Refuse a dimension in which the potential is not defined."""
        if dim not in self.dimensions:
            numbers = ", ".join(map(str, self.dimensions))
            allowed = "one dimension" if numbers == "1" else f"the dimensions {numbers}"
            raise ConfigError(f"potential.kind: '{self.name}' is defined in {allowed} only")

    def _derivative(self, order: int, r: Real) -> Real:
        flat = np.array(r, dtype=np.float64).ravel()
        return kernels.sample(order, self.kind, flat, self.parameters).reshape(np.shape(r))

    def _transform(self, name: str, k: Real, dim: int) -> Real:
        self.check_dimension(dim)
        k_max = float(np.max(np.abs(k), initial=0.0))
        if k.size <= table_size(self.cutoff, k_max):
            return _TRANSFORMS[name].function(self, k, dim)
        # Rounded up, so that wavevectors shifted by a little share a table.
        octaves = np.log2(max(k_max, 1.0 / self.cutoff))
        rounded = 2.0 ** (np.ceil(TABLES_PER_OCTAVE * octaves) / TABLES_PER_OCTAVE)
        return _table(self, name, dim, float(rounded))(k)


Kind = TypeVar("Kind", bound=type[Potential])

POTENTIALS: dict[str, type[Potential]] = {}
"""The potentials by name."""


def register(potential: Kind) -> Kind:
    """Class decorator that enters a potential into `POTENTIALS`.

    Raises
    ------
    ConfigError
        If the name is taken.
    """
    if potential.name in POTENTIALS:
        taken = POTENTIALS[potential.name].__qualname__
        raise ConfigError(f"potential.kind: the name '{potential.name}' is taken by {taken}")
    POTENTIALS[potential.name] = potential
    return potential


def check_range(key: str, value: float, low: float, high: float = np.inf) -> None:
    """Refuse a parameter outside low < value < high.

    Raises
    ------
    ConfigError
        One sentence that names the key.
    """
    if not low < value < high:
        raise ConfigError(f"potential.{key}: {value:g} is outside ({low:g}, {high:g})")


class _Transform(NamedTuple):
    """A transform of a potential: its parity in k, and how it is computed for few of them."""

    parity: int
    function: Callable[[Potential, Real, int], Real]


def _by_quadrature(
    transform: Callable[..., tuple[Real, Real]],
) -> Callable[[Potential, Real, int], Real]:
    def both(potential: Potential, k: Real, dim: int) -> Real:
        return np.stack(transform(potential.slope, potential.breaks, k, dim), axis=-1)

    return both


def _directional(potential: Potential, s: Real, dim: int) -> Real:
    return directional_transform(potential.slope, potential.breaks, s, dim)


_TRANSFORMS: dict[str, _Transform] = {
    "virial": _Transform(1, _by_quadrature(virial_transform)),
    "affine": _Transform(-1, _by_quadrature(affine_transform)),
    "directional": _Transform(-1, _directional),
}


@lru_cache(maxsize=64)
def _table(potential: Potential, name: str, dim: int, k_max: float) -> Table:
    """A transform against k, kept since a balance asks for it at many shifts of k."""
    parity, function = _TRANSFORMS[name]
    return Table(
        lambda k: function(potential, k, dim), reach=potential.cutoff, k_max=k_max, parity=parity
    )
