"""From a state file to the modes of ρ_s and ρ_s F_s, whatever the state is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.particles.observables import Bonds, find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Mixture
from glasscade.stages.arrays import cell_of
from glasscade.transforms import Modes, grid_to_modes, point_modes

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One realisation at one time.

    Attributes
    ----------
    realisation, time : positions along the dimensions of the file
    density : (S, modes)
    force_density : (S, d, modes)
    bonds : Bonds or None
        The pairs of particles that interact; None for gridded densities.
    """

    realisation: int
    time: int
    density: Modes
    force_density: Modes
    bonds: Bonds | None = None


class Snapshots:
    """The snapshots of a state, computed one after the other.

    Parameters
    ----------
    state : Dataset
    mixture : Mixture
    counts : (M_1, ..., M_d)
        Highest modes that are needed of points. Gridded densities keep all they have, since the
        product ρF mixes modes.
    """

    def __init__(self, state: xr.Dataset, mixture: Mixture, counts: tuple[int, ...]) -> None:
        self._state = state
        self._source: _Fields | _Points
        if "density" in state:
            self._source = _Fields(state, mixture)
        else:
            self._source = _Points(state, mixture, counts)

    def __len__(self) -> int:
        return int(self._state.sizes["realisation"] * self._state.sizes["time"])

    def __iter__(self) -> Iterator[Snapshot]:
        for realisation in range(self._state.sizes["realisation"]):
            for time in range(self._state.sizes["time"]):
                yield self.at(realisation, time)

    @property
    def are_points(self) -> bool:
        """Whether ℓ = 0 is a sum over bonds rather than a balance of smooth densities."""
        return isinstance(self._source, _Points)

    def at(self, realisation: int, time: int) -> Snapshot:
        """One snapshot."""
        return self._source.at(realisation, time)


class _Fields:
    """Densities on a grid."""

    def __init__(self, state: xr.Dataset, mixture: Mixture) -> None:
        self._density = state["density"].values
        self._cell = cell_of(state)
        counts = tuple((size - 1) // 2 for size in self._density.shape[-self._cell.dim :])
        self._field = ForceField(mixture, self._cell, counts)

    def at(self, realisation: int, time: int) -> Snapshot:
        density = grid_to_modes(self._density[realisation, time], self._cell)
        return Snapshot(realisation, time, density, self._field.force_density(density))


class _Points:
    """Particles of several species, whose forces are sums over pairs; ∇V(0) = 0."""

    def __init__(self, state: xr.Dataset, mixture: Mixture, counts: tuple[int, ...]) -> None:
        self._position = state["position"].values
        self._species = state["species"].values.astype(np.int64)
        self._cell: Cell = cell_of(state)
        self._table = PairTable.from_mixture(mixture)
        self._counts = counts
        one_hot = self._species == np.arange(mixture.species)[:, np.newaxis]
        self._weights: Real = one_hot * state["weight"].values

    def at(self, realisation: int, time: int) -> Snapshot:
        position = self._position[realisation, time]
        bonds = find_bonds(position, self._species, self._table, self._cell)
        force = self._weights[:, np.newaxis] * forces(bonds).T
        rows = np.concatenate([self._weights[:, np.newaxis], force], axis=1)
        modes = point_modes(position, rows, self._cell, self._counts)
        return Snapshot(realisation, time, modes[:, 0], modes[:, 1:], bonds)
