"""Trajectories on disk: AMBER-convention NetCDF3, 64-bit offset, double precision.

The convention (AMBER NetCDF trajectory 1.0) asks for three coordinate columns, an angstrom and a
picosecond, cell lengths and angles: MDAnalysis, OVITO and VMD then open the file. In fewer
dimensions the columns left over are zero and the box is one l0 thick. The true units stand in
the attribute `real_units`; the cell matrix, the species and the steps in variables of our own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import netcdf_file

from glasscade import __version__
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError, one_line

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LENGTH_UNIT = "l0"
TIME_UNIT = "l0^2/(mu V0)"
_VARIABLES = (
    "coordinates", "time", "cell_lengths", "cell_angles", "cell_matrix", "species", "step"
)  # fmt: skip
UNREADABLE = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
)
"""What scipy raises of files that are truncated, damaged or something else."""
_LARGEST_STEP = 2**31
_CONVENTION = {
    "Conventions": "AMBER",
    "ConventionVersion": "1.0",
    "program": "glasscade",
    "programVersion": __version__,
    "real_units": f"length {LENGTH_UNIT}, time {TIME_UNIT}",
}
# Lengths in double precision come back to a few units in the last place, angles in degrees too.
_BOX_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Frames of one run.

    Attributes
    ----------
    positions
        (n_frames, N, d) unwrapped, in l0.
    times, steps
        (n_frames,) time in l0^2/(mu V0), and step numbers.
    species
        (N,) species of each particle.
    cell
        The cell of all frames.
    attributes
        What else the file should say, as text: parameters, seed, versions.
    """

    positions: Real
    times: Real
    steps: Integers
    species: Integers
    cell: Cell
    attributes: Mapping[str, str] = field(default_factory=dict)


def box_parameters(cell: Cell) -> tuple[Real, Real]:
    """Lengths a, b, c and angles alpha (b, c), beta (a, c), gamma (a, b) in degrees."""
    vectors = np.eye(3)
    vectors[: cell.dim, : cell.dim] = cell.matrix.T
    lengths = np.linalg.norm(vectors, axis=1)
    unit = vectors / lengths[:, None]
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = np.clip([unit[i] @ unit[j] for i, j in pairs], -1.0, 1.0)
    return lengths, np.degrees(np.arccos(cosines))


def write_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write to a temporary name beside `path`, then rename: a file is whole or absent.

    Raises
    ------
    DataError
        If the arrays do not fit together, hold NaN, or the box cannot be expressed by lengths and
        angles (its first vector must lie along x, its second in the xy plane).
    """
    _check(path, trajectory)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with netcdf_file(temporary, "w", version=2) as file:
            _fill(file, trajectory)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


# A box whose size overflows is not that of its lengths and angles.
@np.errstate(all="ignore")
def read_trajectory(path: Path) -> Trajectory:
    """Read a file of `write_trajectory` into memory.

    Raises
    ------
    DataError
        If the file is missing, truncated or of another format, lacks a variable, holds NaN, or its
        lengths and angles are not those of its cell matrix.
    """
    values, attributes = _load(path)
    for name in _VARIABLES:
        if name not in values:
            raise DataError(f"{path}: variable {name} is missing; the file has {sorted(values)}")
    try:
        cell = Cell(values["cell_matrix"])
    except ConfigError as error:
        raise DataError(f"{path}: the cell matrix describes no box ({error})") from None
    frames = len(values["coordinates"]) if values["coordinates"].ndim == 3 else -1
    shapes = [values[name].shape for name in ("coordinates", "cell_lengths", "cell_angles")]
    if [shape[-1:] for shape in shapes] != [(3,)] * 3 or shapes[1:] != [(frames, 3)] * 2:
        raise DataError(f"{path}: coordinates and boxes of the shapes {shapes} do not fit together")
    box = np.concatenate([values["cell_lengths"], values["cell_angles"]], axis=-1)
    if not np.allclose(box, np.concatenate(box_parameters(cell)), rtol=_BOX_TOLERANCE, atol=0.0):
        raise DataError(f"{path}: the cell lengths and angles are not those of the cell matrix")
    for name in ("step", "species"):
        if not np.all((np.abs(values[name]) < _LARGEST_STEP) & (values[name] % 1.0 == 0.0)):
            raise DataError(f"{path}: {name} holds something that is no whole number")
    trajectory = Trajectory(
        np.ascontiguousarray(values["coordinates"][..., : cell.dim]),
        values["time"],
        values["step"].astype(np.int64),
        values["species"].astype(np.int64),
        cell,
        attributes,
    )
    _check(path, trajectory)
    return trajectory


def _check(path: Path, trajectory: Trajectory) -> None:
    """Refuse arrays of the wrong shape, NaN, and boxes that the convention cannot hold."""
    frames, number, dim = trajectory.positions.shape
    shapes = (trajectory.times.shape, trajectory.steps.shape, trajectory.species.shape)
    if shapes != ((frames,), (frames,), (number,)) or dim != trajectory.cell.dim or frames == 0:
        raise DataError(
            f"{path}: {frames} frames of {number} particles in {dim}D do not fit times, steps and "
            f"species of the shapes {shapes} and a cell in {trajectory.cell.dim}D"
        )
    if not (np.all(np.isfinite(trajectory.positions)) and np.all(np.isfinite(trajectory.times))):
        raise DataError(f"{path}: a position or a time is not a finite number")
    if not 0 <= trajectory.steps.min() <= trajectory.steps.max() < _LARGEST_STEP:
        raise DataError(f"{path}: steps must lie in [0, 2^31)")
    if np.any(np.tril(trajectory.cell.matrix, -1)):
        raise DataError(
            f"{path}: the first box vector must lie along x and the second in the xy plane"
        )


def _fill(file: netcdf_file, trajectory: Trajectory) -> None:
    """Dimensions, variables and attributes of the convention, then our own."""
    frames, number, dim = trajectory.positions.shape
    for name, text in {**trajectory.attributes, **_CONVENTION}.items():
        setattr(file, name, text)
    sizes = {"spatial": 3, "atom": number, "cell_spatial": 3, "cell_angular": 3, "label": 5}
    for name, size in {"frame": None, **sizes, "dimension": dim}.items():
        file.createDimension(name, size)
    _label(file, "spatial", ("spatial",), ["x", "y", "z"])
    _label(file, "cell_spatial", ("cell_spatial",), ["a", "b", "c"])
    angles = [list(name.ljust(5)) for name in ("alpha", "beta", "gamma")]
    _label(file, "cell_angular", ("cell_angular", "label"), angles)
    coordinates = np.zeros((frames, number, 3))
    coordinates[..., :dim] = trajectory.positions
    lengths, degrees = (np.tile(row, (frames, 1)) for row in box_parameters(trajectory.cell))
    length, time = ("angstrom", LENGTH_UNIT), ("picosecond", TIME_UNIT)
    _store(file, "time", "d", ("frame",), trajectory.times, time)
    _store(file, "coordinates", "d", ("frame", "atom", "spatial"), coordinates, length)
    _store(file, "cell_lengths", "d", ("frame", "cell_spatial"), lengths, length)
    _store(file, "cell_angles", "d", ("frame", "cell_angular"), degrees, ("degree", "degree"))
    matrix, square = trajectory.cell.matrix, ("dimension", "dimension")
    _store(file, "cell_matrix", "d", square, matrix, (LENGTH_UNIT, LENGTH_UNIT))
    _store(file, "species", "i", ("atom",), trajectory.species, ("1", "1"))
    _store(file, "step", "i", ("frame",), trajectory.steps, ("1", "1"))


def _label(
    file: netcdf_file,
    name: str,
    dimensions: tuple[str, ...],
    characters: list[str] | list[list[str]],
) -> None:
    """A variable of single characters."""
    file.createVariable(name, "c", dimensions)[:] = np.array(characters, dtype="S1")


def _store(
    file: netcdf_file,
    name: str,
    code: str,
    dimensions: tuple[str, ...],
    values: npt.NDArray[np.float64] | Integers,
    units: tuple[str, str],
) -> None:
    """A variable with the units the convention demands and the real ones."""
    variable = file.createVariable(name, code, dimensions)
    variable[:] = values
    for attribute, text in zip(("units", "real_units"), units, strict=True):
        setattr(variable, attribute, text)


def _load(path: Path) -> tuple[dict[str, Real], dict[str, str]]:
    """All variables in native byte order, and the attributes of the file."""
    try:
        with netcdf_file(path, "r", mmap=False) as file:
            if getattr(file, "Conventions", b"") != b"AMBER":
                raise DataError(f"{path}: this is not an AMBER trajectory (attribute Conventions)")
            values = {
                name: np.array(variable[:], dtype=np.float64)
                for name, variable in file.variables.items()
                if variable.typecode() != "c"
            }
            stored = file._attributes  # type: ignore[attr-defined]  # no public way lists them
            texts = {name: text for name, text in stored.items() if isinstance(text, bytes)}
            attributes = {name: text.decode() for name, text in texts.items()}
    except FileNotFoundError:
        raise DataError(f"{path}: this file is missing; run the stage that writes it") from None
    except UNREADABLE as error:
        detail = one_line(str(error), 100)
        raise DataError(
            f"{path}: truncated or not NetCDF3 ({detail}); delete it, it will be computed again"
        ) from None
    return values, attributes
