"""Densities that evolve: the states of a system of kind `field` at one temperature.

All temperatures start from one density. Each is solved on a grid as fine as its layers ask for,
and stored on the finest, which adds modes that are zero; a density that concentrates at T = 0 is
stored as a measure, of points with weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import TIME, cell_variable, variable
from glasscade.config import FieldSystem
from glasscade.external import each_species
from glasscade.fields import finite_volume, spectral
from glasscade.force import ForceField
from glasscade.stages.gridded import on_grid
from glasscade.transforms import Modes, grid_to_modes, modes_to_grid

Real = npt.NDArray[np.float64]


def evolved(
    system: FieldSystem, temperature: float, seed: int, times: Sequence[float]
) -> xr.Dataset:
    """The state at the given times, the first of which is 0."""
    if temperature == 0.0 and system.measure:
        return _measure(system, seed, times)
    shape = system.solved_shape(temperature)
    start = system.start.on_grid(shape, system.cell, seed)[np.newaxis]
    solve = {"spectral": _spectral, "finite_volume": _finite_volume}[system.scheme]
    history = solve(system, start, temperature, times)
    values = modes_to_grid(history, system.cell, system.shape)
    return on_grid(system, values[np.newaxis], [0], np.asarray(times))


def _spectral(
    system: FieldSystem, start: Real, temperature: float, times: Sequence[float]
) -> Modes:
    counts = tuple((n - 1) // 2 for n in start.shape[1:])
    field = ForceField(system.mixture, system.cell, counts)
    external = system.motion.external
    # One species: the force of all is that of each.
    drive = None if external is None else external.modes(system.cell, counts)
    modes = grid_to_modes(start, system.cell)
    return spectral.evolve(modes, field, temperature, times, system.tolerance, drive)


def _finite_volume(
    system: FieldSystem, start: Real, temperature: float, times: Sequence[float]
) -> Modes:
    history = finite_volume.evolve(
        start,
        system.mixture,
        system.cell,
        temperature,
        times,
        system.tolerance,
        each_species(system.motion.external, 1),
    )
    return grid_to_modes(history, system.cell)
