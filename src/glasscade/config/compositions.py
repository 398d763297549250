"""Keys of what a system of particles is made of: its potentials, its species, its density."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from glasscade.config.base import Closed, Positive
from glasscade.config.potentials import PairPotentialKeys, smooth_below
from glasscade.errors import ConfigError
from glasscade.particles.lennard_jones import DENSITY, LARGE, binary_lennard_jones
from glasscade.particles.spheres import binary_spheres, side
from glasscade.potentials import Mixture, Potential


class BinarySpheresKeys(Closed):
    """A 50:50 mixture of soft spheres of diameters 1 and 1.4.

    V_ab = strength/2 (1 - r/d_ab)² for r < d_ab = (d_a + d_b)/2, with V' linear inside the core.
    """

    kind: Literal["binary_spheres"]
    packing_fraction: float = Field(
        gt=0.0, le=2.0, description="volume of all spheres over that of the cell, overlaps twice"
    )
    core: float = Field(
        gt=0.0,
        lt=1.0,
        description="radius of the rounded core; below the closest approach of a relaxed packing",
    )
    strength: Positive = Field(1.0, description="in units of V₀")

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        return binary_spheres(self.core, self.strength)

    @property
    def smallest_core(self) -> float:
        """Radius below which the potentials are smooth."""
        return self.core

    def counts(self, number: int) -> tuple[int, ...]:
        """Particles of each species.

        Raises
        ------
        ConfigError
            If the number is odd.
        """
        if number % 2 == 1:
            raise ConfigError(f"number: {number} must be even, half of the spheres are small")
        return (number // 2, number // 2)

    def length(self, number: int, dim: int) -> float:
        """Side of the cell."""
        return side(number, self.packing_fraction, dim)


class BinaryLennardJonesKeys(Closed):
    """The binary Lennard-Jones glass of Lançon and of Falk and Langer: large and small particles.

    σ_LL = 2 sin(π/5), σ_SS = 2 sin(π/10), σ_LS = 1; ε_LL = ε_SS = strength/2, ε_LS = strength;
    N_L : N_S = (1 + √5)/4; cut smoothly between 2σ and 2.5σ, capped below cap·σ.
    """

    kind: Literal["binary_lennard_jones"]
    number_density: Positive = Field(
        DENSITY, description="particles per volume; the published two-dimensional one by default"
    )
    cap: float = Field(
        0.75,
        gt=0.0,
        lt=1.0,
        description="radius of the capped core in units of σ of each pair, below any approach",
    )
    strength: Positive = Field(1.0, description="in units of V₀")

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        return binary_lennard_jones(self.cap, self.strength)

    @property
    def smallest_core(self) -> float:
        """Radius below which the potentials are smooth."""
        return min(potential.core_radius for _, _, potential in self.mixture.pairs())

    def counts(self, number: int) -> tuple[int, ...]:
        """Particles of each species, large ones first."""
        return _shares(number, (LARGE, 1.0 - LARGE))

    def length(self, number: int, dim: int) -> float:
        """Side of the cell."""
        return float((number / self.number_density) ** (1.0 / dim))


class PairsKeys(Closed):
    """Any mixture: one potential for each pair of species."""

    kind: Literal["pairs"]
    potentials: tuple[tuple[PairPotentialKeys, ...], ...] = Field(
        min_length=1,
        description="lower triangle of the table of pairs: row s holds V_s0 ... V_ss",
    )
    fractions: tuple[Positive, ...] = Field(
        (1.0,), description="shares of the species in the number of particles, of sum 1"
    )
    number_density: Positive = Field(description="particles per volume")

    @model_validator(mode="after")
    def _triangle(self) -> Self:
        rows = [len(row) for row in self.potentials]
        if rows != list(range(1, len(self.fractions) + 1)):
            raise ValueError(
                f"potentials must have {len(self.fractions)} rows, one for each of fractions, of "
                f"1, 2, ... entries, not rows of {rows}"
            )
        if abs(sum(self.fractions) - 1.0) > 1e-9:
            raise ValueError(f"fractions must have the sum 1, not {sum(self.fractions):.10g}")
        return self

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        species = range(len(self.potentials))

        def pair(a: int, b: int) -> Potential:
            keys = self.potentials[max(a, b)][min(a, b)]
            # Whether the range fits the cell is for the system to say.
            return keys.mixture(np.inf).table[0][0]

        return Mixture(tuple(tuple(pair(a, b) for b in species) for a in species))

    @property
    def smallest_core(self) -> float:
        """Radius below which the potentials are smooth."""
        return min(smooth_below(potential) for row in self.potentials for potential in row)

    def counts(self, number: int) -> tuple[int, ...]:
        """Particles of each species."""
        return _shares(number, self.fractions)

    def length(self, number: int, dim: int) -> float:
        """Side of the cell."""
        return float((number / self.number_density) ** (1.0 / dim))


CompositionKeys = Annotated[
    BinaryLennardJonesKeys | BinarySpheresKeys | PairsKeys, Field(discriminator="kind")
]


def _shares(number: int, fractions: tuple[float, ...]) -> tuple[int, ...]:
    """Whole numbers of sum `number` nearest to the fractions: cumulated shares are rounded."""
    ends = np.rint(number * np.cumsum(fractions)).astype(int)
    return tuple(int(n) for n in np.diff(ends, prepend=0))
