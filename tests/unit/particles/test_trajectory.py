"""Trajectories come back to the bit and follow the convention; bad files say what is wrong."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
from scipy.io import netcdf_file

from glasscade.cell import Cell
from glasscade.errors import DataError
from glasscade.particles.trajectory import (
    Trajectory,
    box_parameters,
    read_trajectory,
    write_trajectory,
)


@pytest.fixture(params=[2, 3])
def trajectory(request, rng):
    cell = Cell.sheared(7.0, request.param, 0.3)
    return Trajectory(
        positions=100.0 * rng.standard_normal((4, 9, request.param)),
        times=np.array([0.0, 0.1, 0.2, 0.5]),
        steps=np.array([0, 10, 20, 50]),
        species=np.arange(9) % 2,
        cell=cell,
        attributes={"parameters": '{"temperature": 0.001}', "seed": "4294967295"},
    )


@pytest.fixture
def path(tmp_path, trajectory):
    target = tmp_path / "deep" / "run.nc"
    write_trajectory(target, trajectory)
    return target


def rewrite(path, **changes):
    """Write the file again with some variables replaced, or left out where None is given."""
    with netcdf_file(path, "r", mmap=False) as old:
        dimensions, variables = dict(old.dimensions), dict(old.variables)
    with netcdf_file(path, "w", version=2) as new:
        new.Conventions = "AMBER"
        for name, size in dimensions.items():
            new.createDimension(name, size)
        for name, variable in variables.items():
            values = changes.get(name, variable[:])
            if values is not None:
                copy = new.createVariable(name, variable.typecode(), variable.dimensions)
                copy[:] = values


def test_everything_comes_back_to_the_bit(path, trajectory):
    back = read_trajectory(path)
    for name in ("positions", "times", "steps", "species"):
        assert np.array_equal(getattr(back, name), getattr(trajectory, name)), name
        assert getattr(back, name).dtype == getattr(trajectory, name).dtype, name
    assert np.array_equal(back.cell.matrix, trajectory.cell.matrix)
    assert trajectory.attributes.items() <= back.attributes.items()


def test_file_follows_the_convention(path, trajectory):
    assert path.read_bytes()[:4] == b"CDF\x02"  # classic format, 64-bit offsets
    with netcdf_file(path, "r", mmap=False) as file:
        assert (file.Conventions, file.ConventionVersion) == (b"AMBER", b"1.0")
        assert file.dimensions["frame"] is None
        assert file.dimensions["spatial"] == 3
        coordinates = file.variables["coordinates"]
        assert coordinates.dimensions == ("frame", "atom", "spatial")
        assert coordinates.typecode() == "d"
        assert coordinates.units == b"angstrom"
        assert coordinates.real_units == b"l0"
        assert file.variables["time"].units == b"picosecond"
        assert file.variables["cell_lengths"].units == b"angstrom"
        assert file.variables["cell_angles"].units == b"degree"
        assert file.variables["spatial"][:].tobytes() == b"xyz"
        assert file.variables["cell_spatial"][:].tobytes() == b"abc"
        assert file.variables["cell_angular"][:].tobytes() == b"alphabeta gamma"
        beyond = coordinates[:][..., trajectory.cell.dim :]
        assert np.all(beyond == 0.0)


def test_ovito_opens_it(path, trajectory):
    """Positions to the bit, the box to the rounding of its angles; species and steps as well."""
    from ovito.io import import_file  # here: it takes a second

    pipeline = import_file(path)
    dim = trajectory.cell.dim
    box = np.eye(3)
    box[:dim, :dim] = trajectory.cell.matrix
    assert pipeline.num_frames == len(trajectory.times)
    for frame, (time, step) in enumerate(zip(trajectory.times, trajectory.steps, strict=True)):
        data = pipeline.compute(frame)
        assert np.array_equal(data.particles.positions[:, :dim], trajectory.positions[frame])
        assert np.all(data.particles.positions[:, dim:] == 0.0)
        assert np.array_equal(data.particles.particle_types, trajectory.species)
        # Its vectors are columns too. cos(90°) in double precision is 6e-17, times a length.
        np.testing.assert_allclose(data.cell[:, :3], box, rtol=1e-14, atol=1e-14)
        assert (data.attributes["time"], data.attributes["step"]) == (time, step)


def test_mdanalysis_opens_it(path, trajectory):
    """Everything as its numbers in single precision allow."""
    from MDAnalysis.coordinates.TRJ import NCDFReader

    dim, single = trajectory.cell.dim, 2.0**-24  # the relative rounding of one number
    box = np.eye(3)
    box[:dim, :dim] = trajectory.cell.matrix
    with NCDFReader(path) as reader:
        assert (reader.units["length"], reader.units["time"]) == ("Angstrom", "ps")
        assert reader.trjfile.real_units == b"length l0, time l0^2/(mu V0)"
        assert (reader.n_frames, reader.n_atoms) == trajectory.positions.shape[:2]
        for frame, snapshot in enumerate(reader):
            assert snapshot.time == trajectory.times[frame]
            found = snapshot.positions
            np.testing.assert_allclose(found[:, :dim], trajectory.positions[frame], rtol=single)
            assert np.all(found[:, dim:] == 0.0)
            # From lengths and angles by cosines and a root: some roundings.
            vectors = snapshot.triclinic_dimensions
            np.testing.assert_allclose(vectors, box.T, rtol=8.0 * single, atol=8.0 * single)


def test_box_of_a_sheared_cell():
    lengths, angles = box_parameters(Cell.sheared(2.0, 2, 1.0))
    # b = (2, 2): length 2√2 at 45° to a; the third vector is a unit normal.
    assert lengths == pytest.approx([2.0, 2.0 * np.sqrt(2.0), 1.0], rel=1e-14)
    assert angles == pytest.approx([90.0, 90.0, 45.0], rel=1e-14)


def test_a_failed_write_leaves_the_earlier_file(path, trajectory, monkeypatch):
    def full_disk(*_):
        raise OSError("no space left")

    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_trajectory(path, trajectory)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.nc: this file is missing"):
        read_trajectory(tmp_path / "nowhere.nc")


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.2, 0.6, 0.95, 0.999])
def test_a_truncated_file_is_refused(path, kept):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(DataError, match=r"run\.nc: (truncated or not NetCDF3|variable .* missing)"):
        read_trajectory(path)


def test_another_format_is_refused(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    with pytest.raises(DataError, match="truncated or not NetCDF3"):
        read_trajectory(path)


def test_another_convention_is_refused(path):
    with netcdf_file(path, "a", mmap=False) as file:
        file.Conventions = "CF-1.8"
    with pytest.raises(DataError, match="not an AMBER trajectory"):
        read_trajectory(path)


@pytest.mark.parametrize("name", ["coordinates", "time", "cell_matrix", "species"])
def test_a_missing_variable_is_named(path, name):
    rewrite(path, **{name: None})
    with pytest.raises(DataError, match=f"variable {name} is missing"):
        read_trajectory(path)


def test_nan_is_refused_in_either_direction(path, trajectory):
    broken = trajectory.positions.copy()
    broken[1, 2, 0] = np.nan
    columns = np.zeros((4, 9, 3))
    columns[..., : trajectory.cell.dim] = broken
    rewrite(path, coordinates=columns)
    with pytest.raises(DataError, match="a position or a time is not a finite number"):
        read_trajectory(path)
    with pytest.raises(DataError, match="a position or a time is not a finite number"):
        write_trajectory(path, dataclasses.replace(trajectory, positions=broken))


def test_a_box_that_contradicts_the_matrix_is_refused(path):
    rewrite(path, cell_lengths=np.full((4, 3), 5.0))
    with pytest.raises(DataError, match="lengths and angles are not those of the cell matrix"):
        read_trajectory(path)


def test_a_matrix_that_is_no_box_is_refused(path, trajectory):
    rewrite(path, cell_matrix=np.zeros((trajectory.cell.dim,) * 2))
    with pytest.raises(DataError, match="the cell matrix describes no box"):
        read_trajectory(path)


def test_arrays_that_do_not_fit_are_refused(tmp_path, trajectory):
    with pytest.raises(DataError, match="do not fit times, steps and species"):
        write_trajectory(
            tmp_path / "x.nc", dataclasses.replace(trajectory, times=trajectory.times[1:])
        )


def test_a_box_the_convention_cannot_hold_is_refused(tmp_path, trajectory):
    matrix = trajectory.cell.matrix.copy()
    matrix[1, 0] = 0.5
    with pytest.raises(DataError, match="first box vector must lie along x"):
        write_trajectory(tmp_path / "x.nc", dataclasses.replace(trajectory, cell=Cell(matrix)))


def test_steps_beyond_the_format_are_refused(tmp_path, trajectory):
    steps = trajectory.steps + 2**31
    with pytest.raises(DataError, match=r"steps must lie in \[0, 2\^31\)"):
        write_trajectory(tmp_path / "x.nc", dataclasses.replace(trajectory, steps=steps))
