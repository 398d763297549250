"""From a state file to the modes of ρ_s and ρ_s F_s, whatever the state is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from glasscade.force import ForceField
from glasscade.potentials import Mixture
from glasscade.stages.arrays import cell_of
from glasscade.transforms import Modes, grid_to_modes, point_modes


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One realisation at one time.

    Attributes
    ----------
    realisation, time : positions along the dimensions of the file
    density : (S, modes)
    force_density : (S, d, modes)
    """

    realisation: int
    time: int
    density: Modes
    force_density: Modes


class Snapshots:
    """The snapshots of a state, computed one after the other."""

    def __init__(self, state: xr.Dataset, mixture: Mixture, counts: tuple[int, ...]) -> None:
        self._state = state
        self._cell = cell_of(state)
        self._counts = counts
        self._field = ForceField(mixture, self._cell, counts)

    def __len__(self) -> int:
        return int(self._state.sizes["realisation"] * self._state.sizes["time"])

    def __iter__(self) -> Iterator[Snapshot]:
        for realisation in range(self._state.sizes["realisation"]):
            for time in range(self._state.sizes["time"]):
                yield self.at(realisation, time)

    @property
    def has_fine_grained_balance(self) -> bool:
        """Whether ℓ = 0 makes sense: for densities, not for points."""
        return "density" in self._state

    def at(self, realisation: int, time: int) -> Snapshot:
        """One snapshot."""
        if self.has_fine_grained_balance:
            values = self._state["density"].values[realisation, time]
            density = grid_to_modes(values, self._cell, self._counts)
            return Snapshot(realisation, time, density, self._field.force_density(density))
        position = self._state["position"].values[realisation, time]
        weight = self._state["weight"].values[np.newaxis]
        density = point_modes(position, weight, self._cell, self._counts)
        # A single point feels no force, ∇V(0) = 0, though its smeared density does.
        return Snapshot(realisation, time, density, np.zeros_like(density[:, np.newaxis]))
