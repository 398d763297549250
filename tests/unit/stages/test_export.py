"""Trajectories of states for other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import studies
from glasscade.config import SYSTEM
from glasscade.errors import ConfigError, DataError
from glasscade.io import read_dataset, write_dataset
from glasscade.particles.trajectory import read_trajectory
from glasscade.stages import export, simulate

GLASS = studies.GLASS


def state(folder: Path, system: dict[str, object]) -> Path:
    job = {"system": system, "seed": 1, "temperatures": [0.01], "realisations": [2, 3]}
    simulate.run(job, folder / "state.nc")
    return folder / "state.nc"


def test_a_trajectory_holds_what_the_state_does(tmp_path: Path) -> None:
    source = state(tmp_path, GLASS)
    export.run(source, 3, tmp_path / "trajectory.nc")
    found, expected = read_trajectory(tmp_path / "trajectory.nc"), read_dataset(source)
    positions = expected["position"].sel(realisation=3).values
    np.testing.assert_array_equal(found.positions, positions)
    assert found.steps.tolist() == SYSTEM.validate_python(GLASS).save_steps
    np.testing.assert_array_equal(found.times, expected["time"].values)
    np.testing.assert_array_equal(found.species, np.repeat([0, 1], 8))
    # Box lengths and angles round by a few units in the last place.
    np.testing.assert_allclose(found.cell.matrix, expected["cell"].values, rtol=1e-14, atol=1e-14)


def test_positions_that_are_not_known_are_refused(tmp_path: Path) -> None:
    source = state(tmp_path, GLASS)
    spoilt = read_dataset(source)
    spoilt["position"][:] = np.nan
    write_dataset(spoilt, source, {}, "glasscade.io")
    with pytest.raises(DataError, match="variable position holds no finite number"):
        export.run(source, 3, tmp_path / "trajectory.nc")


def test_other_programs_open_what_is_written(tmp_path: Path) -> None:
    from MDAnalysis.coordinates.TRJ import NCDFReader
    from ovito.io import import_file

    source, written = state(tmp_path, GLASS), tmp_path / "trajectory.nc"
    export.run(source, 2, written)
    expected = read_dataset(source).sel(realisation=2)
    positions, times = expected["position"].values, expected["time"].values
    pipeline = import_file(written)
    frames = [pipeline.compute(frame) for frame in range(pipeline.num_frames)]
    for found, position in zip(frames, positions, strict=True):
        np.testing.assert_array_equal(found.particles.positions[:, :2], position)
    assert [frame.attributes["time"] for frame in frames] == times.tolist()
    with NCDFReader(written) as reader:
        snapshots = [(each.time, each.positions[:, :2].copy()) for each in reader]
    assert [time for time, _ in snapshots] == times.tolist()
    # It keeps positions in single precision.
    np.testing.assert_allclose([x for _, x in snapshots], positions, rtol=2.0**-24)


def test_a_realisation_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--realisation: 0 is not in .*which holds \[2, 3\]"):
        export.run(state(tmp_path, GLASS), 0, tmp_path / "trajectory.nc")


def test_densities_have_no_trajectory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="position"):
        export.run(state(tmp_path, studies.FIELD["system"]), 0, tmp_path / "trajectory.nc")


def test_a_cell_that_changes_in_time_is_refused(tmp_path: Path) -> None:
    source = state(tmp_path, GLASS | {"shear_rate": 2.0})
    with pytest.raises(ConfigError, match="under shear the cell changes in time"):
        export.run(source, 2, tmp_path / "trajectory.nc")
