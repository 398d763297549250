"""Densities that evolve: the states of a system of kind `field` at one temperature.

All temperatures start from one density. Each is solved on a grid as fine as its layers ask for,
and stored on the finest, which adds modes that are zero; a density that concentrates at T = 0 is
stored as a measure, of points with weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import TIME, cell_variable, variable
from glasscade.analysis.snapshots import MEASURE, REPRESENTATION
from glasscade.config import FieldSystem
from glasscade.config.evolution import MeasureKeys
from glasscade.fields import finite_volume, line, measures, spectral
from glasscade.fields.measures import Measure
from glasscade.force import ForceField
from glasscade.potentials import Cone, FreeCone
from glasscade.stages.gridded import on_grid
from glasscade.transforms import Modes, grid_to_modes, modes_to_grid

Real = npt.NDArray[np.float64]


def evolved(
    system: FieldSystem, temperature: float, seed: int, times: Sequence[float]
) -> xr.Dataset:
    """The state at the given times, the first of which is 0."""
    if temperature == 0.0 and system.measure is not None:
        return _measure(system, system.measure, seed, times)
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
    # One species: the force of all is that of each.
    drive = None if system.drive is None else system.drive.modes(system.cell, counts)
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
        system.drive,
    )
    return grid_to_modes(history, system.cell)


def _measure(
    system: FieldSystem, keys: MeasureKeys, seed: int, times: Sequence[float]
) -> xr.Dataset:
    points = (keys.points,) * system.dimension
    start = system.start.on_grid(points, system.cell, seed)[np.newaxis]
    measure = measures.sampled(start, system.cell, keys.points)
    frames = list(_on_line(system, measure, times) or _anywhere(system, keys, measure, times))
    position, force = (np.array(values)[np.newaxis] for values in zip(*frames, strict=True))
    lead = ("realisation", "time", "particle", "axis")
    weight = variable(("particle",), measure.weight, "1", "mass of the density at a point")
    weight.attrs[REPRESENTATION] = MEASURE
    return xr.Dataset(
        {
            "position": variable(lead, position, "l0", "places of the measure, not wrapped"),
            "force": variable(lead, -force, "V0/l0", "-F, the physical force"),
            "weight": weight,
            "species": variable(("particle",), measure.species, "1", "species, from 0"),
            "cell": cell_variable(system.cell),
        },
        coords={"realisation": [0], "time": ("time", np.asarray(times), TIME)},
    )


Frames = Iterable[tuple[Real, Real]]
"""Positions and forces F at each time."""


def _on_line(system: FieldSystem, measure: Measure, times: Sequence[float]) -> Frames | None:
    """The exact solution of a cone on a line without external force; None for anything else."""
    [[potential]] = system.mixture.table
    if not isinstance(potential, Cone | FreeCone) or system.dimension > 1 or system.external:
        return None
    g = 2.0 * potential.strength
    period = potential.period if isinstance(potential, Cone) else np.inf
    path = line.sticky(measure.position[:, 0], measure.weight, g, times, period)
    # As of the mixture, whose cone has a reach: a few points of almost no mass lie beyond it.
    force = measures.Force(system.mixture, system.cell)
    places = (x[:, np.newaxis] for x in path)
    return [(x, force(replace(measure, position=x))) for x in places]


def _anywhere(
    system: FieldSystem, keys: MeasureKeys, measure: Measure, times: Sequence[float]
) -> Frames:
    return measures.evolve(
        measure,
        system.mixture,
        system.cell,
        times,
        system.tolerance * system.length,
        external=system.drive,
        merge=keys.merge or None,
    )
