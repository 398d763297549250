"""Beside the workflow: the trajectory of one realisation for OVITO, VMD or MDAnalysis."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glasscade.analysis.arrays import cell_of
from glasscade.errors import ConfigError, DataError
from glasscade.io import read_dataset, require_known
from glasscade.particles.trajectory import Trajectory, write_trajectory

NEEDED = "position", "species", "step", "cell"


def run(state: Path, realisation: int, output: Path) -> None:
    """Write the particles of one realisation of a state file in the AMBER convention.

    Raises
    ------
    ConfigError
        If the state does not hold the realisation, or its cell changes in time.
    DataError
        If the state cannot be read or does not hold particles.
    """
    dataset = read_dataset(state)
    missing = set(NEEDED) - set(map(str, dataset.variables))
    if missing:
        raise DataError(
            f"{state}: it holds no trajectory of simulated particles (no {min(missing)}); states "
            "of models of kind glass do"
        )
    require_known(dataset, state, *NEEDED)
    known = [int(number) for number in dataset["realisation"].values]
    if realisation not in known:
        raise ConfigError(f"--realisation: {realisation} is not in {state}, which holds {known}")
    if "time" in dataset["cell"].dims:
        raise ConfigError(
            f"{state}: under shear the cell changes in time, but a trajectory has one for all times"
        )
    chosen = dataset.sel(realisation=realisation)
    trajectory = Trajectory(
        positions=chosen["position"].values,
        times=chosen["time"].values,
        steps=chosen["step"].values.astype(np.int64),
        species=chosen["species"].values.astype(np.int64),
        cell=cell_of(dataset),
        attributes={name: str(value) for name, value in dataset.attrs.items()},
    )
    write_trajectory(output, trajectory)
