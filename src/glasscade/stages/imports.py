"""States out of the trajectories of other programs, one realisation for each file."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import xarray as xr

from glasscade.analysis.arrays import TIME, cell_variable, progress, variable
from glasscade.config import TrajectorySystem
from glasscade.errors import DataError
from glasscade.interop.reading import read
from glasscade.interop.run import SAME_CELL, Run, convert, odd, require_forces, with_velocities
from glasscade.particles.observables import closest_approach, find_bonds
from glasscade.particles.pairs import PairTable

LOG = logging.getLogger("glasscade")
SAME_SIDE = 1e-3
"""Largest difference of the side of the cell from the configured one, of a rounded density."""
SAME_TIME = 1e-9
"""The same of times of several files, of the last."""


def imported(system: TrajectorySystem, temperature: float, realisations: list[int]) -> xr.Dataset:
    """The runs of one block at one temperature, in units of the potential.

    Raises
    ------
    DataError
        If a file cannot be read, is not the configured system, or does not fit the others.
    """
    paths = [system.path(temperature, realisation) for realisation in realisations]
    runs = [_run(system, path) for path in progress(paths, "files")]
    first = runs[0]
    for run in runs[1:]:
        _require_alike(first, run)
    lead = ("realisation", "time", "particle")
    variables = {
        "position": variable(
            (*lead, "axis"), np.array([run.positions for run in runs]), "l0", "unwrapped positions"
        ),
        "species": variable(("particle",), first.species, "1", "species, from 0"),
        "weight": variable(("particle",), np.ones(system.number), "1", "particles counted"),
        "cell": cell_variable(first.cell),
    }
    if system.dynamics == "other":
        velocities = np.array([run.velocities for run in runs])
        name = f"velocities, {first.velocities_from}"
        variables["velocity"] = variable((*lead, "axis"), velocities, "mu V0/l0", name)
    state = xr.Dataset(
        variables, coords={"realisation": realisations, "time": ("time", first.times, TIME)}
    )
    return state.assign_attrs(
        files=", ".join(map(str, paths)), sha256=", ".join(_digest(path) for path in paths)
    )


def _run(system: TrajectorySystem, path: Path) -> Run:
    """One file, as far as the configuration wants it, found to be the configured system."""
    frames = read(path, system.choice, system.format)
    run = convert(frames, system.dimension, system.species, system.units)
    _require_system(system, run)
    table = PairTable.from_mixture(system.mixture)
    if system.forces == "compare":
        require_forces(run, table)
    _warn_of_cores(system, run, table)
    return odd(with_velocities(run) if system.dynamics == "other" else run)


def _require_system(system: TrajectorySystem, run: Run) -> None:
    """The particles and the cell are those of the configuration."""
    counts = tuple(np.bincount(run.species, minlength=system.mixture.species).tolist())
    if counts != system.counts_of_species:
        raise DataError(
            f"{run.path}: it holds {counts} particles of the species, system.number and "
            f"system.composition make {system.counts_of_species}"
        )
    side = run.cell.volume ** (1.0 / system.dimension)
    if abs(side - system.length) > SAME_SIDE * side:
        raise DataError(
            f"{run.path}: its box is as large as one of side {side:.6g}, system.composition makes "
            f"{system.length:.6g}; correct the density there, or system.length_unit"
        )
    if len(run.times) < 3:
        raise DataError(f"{run.path}: {len(run.times)} frames are too few, there must be 3")


def _warn_of_cores(system: TrajectorySystem, run: Run, table: PairTable) -> None:
    """Where particles come closer than the rounded cores, the file knew another potential."""
    closest = min(
        closest_approach(find_bonds(x, run.species, table, run.cell))
        for x in (run.positions[0], run.positions[-1])
    )
    if closest < system.extrapolates_below:
        LOG.warning(
            "%s: particles come as close as %.3g, into the core %.3g of the potential, where its "
            "forces are not those of an unrounded one",
            run.path,
            closest,
            system.extrapolates_below,
        )


def _require_alike(first: Run, run: Run) -> None:
    """Realisations share their times, their species and their cell."""
    same_times = len(run.times) == len(first.times) and np.allclose(
        run.times, first.times, rtol=0.0, atol=SAME_TIME * abs(first.times[-1])
    )
    cells = run.cell.matrix, first.cell.matrix
    checks = {
        "times": same_times,
        "particles": np.array_equal(run.species, first.species),
        "box vectors": np.allclose(*cells, rtol=0.0, atol=SAME_CELL * np.abs(cells[1]).max()),
    }
    for name, same in checks.items():
        if not same:
            raise DataError(f"{run.path}: its {name} are not those of {first.path}")


def _digest(path: Path) -> str:
    """What tells the content of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
