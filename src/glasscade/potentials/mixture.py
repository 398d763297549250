"""One potential for each pair of species: budgets and forces sum over pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.potentials.base import Potential


@dataclass(frozen=True)
class Mixture:
    """V_ss' for species s, s' as a symmetric square table of potentials."""

    table: tuple[tuple[Potential, ...], ...]

    def __post_init__(self) -> None:
        size = len(self.table)
        if any(len(row) != size for row in self.table):
            raise ConfigError("potential: the table of species pairs must be square")
        if any(self.table[a][b] != self.table[b][a] for a in range(size) for b in range(a)):
            raise ConfigError("potential: V must be the same for a pair of species in either order")

    @classmethod
    def single(cls, potential: Potential) -> Mixture:
        """The table of a one-species system."""
        return cls(((potential,),))

    @property
    def species(self) -> int:
        """Number of species."""
        return len(self.table)

    @property
    def cutoff(self) -> float:
        """The longest range of all pairs."""
        return max(potential.cutoff for _, _, potential in self.pairs())

    def pairs(self) -> Iterator[tuple[int, int, Potential]]:
        """All ordered pairs (s, s', V_ss')."""
        for a, row in enumerate(self.table):
            for b, potential in enumerate(row):
                yield a, b, potential

    def distinct(self) -> tuple[list[Potential], npt.NDArray[np.int64]]:
        """The potentials that differ, and which of them acts in each pair, (S, S)."""
        potentials = list(dict.fromkeys(potential for _, _, potential in self.pairs()))
        which = np.empty((self.species, self.species), dtype=np.int64)
        for a, b, potential in self.pairs():
            which[a, b] = potentials.index(potential)
        return potentials, which
