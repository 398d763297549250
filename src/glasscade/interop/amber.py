"""AMBER NetCDF3 trajectories, ours among them, in the precision in which they were written.

Read are `coordinates`, `time`, `cell_lengths` and `cell_angles`, `velocities` and `forces` with
their `scale_factor`, and, which the convention does not know, types from `species` (ours) or `type`
(LAMMPS) and the exact `cell_matrix` and `step` of our own files. Numbers are taken as they stand,
whatever unit the convention made the writer name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import netcdf_file

from glasscade.errors import UNREADABLE, DataError, one_line
from glasscade.interop.frames import SINGLE, Choice, Frame, Frames

Real = npt.NDArray[np.float64]

DOUBLE = 2.0**-53
_TYPES = ("species", "type", "atom_types")


class _File:
    """The variables of a file, scaled, with the rounding of each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Real] = {}
        self._single: set[str] = set()
        with netcdf_file(path, "r", mmap=False) as file:
            conventions = getattr(file, "Conventions", b"")
            if b"AMBER" not in bytes(conventions).replace(b",", b" ").split():
                raise DataError(f"{path}: this is not an AMBER trajectory (attribute Conventions)")
            for name, variable in file.variables.items():
                if variable.typecode() != "c":
                    scale = getattr(variable, "scale_factor", 1.0)
                    self.values[name] = np.array(variable[:], dtype=np.float64) * scale
                    if variable.typecode() == "f":
                        self._single.add(name)

    def at(self, name: str, frame: int, shape: tuple[int, ...]) -> Real | None:
        """A variable in one frame, None where there is none."""
        values = self.values.get(name)
        if values is None:
            return None
        if values.ndim == 0 or values.shape[1:] != shape:
            raise DataError(
                f"{self.path}: {name} has the shape {values.shape} and must be (frames, "
                f"{', '.join(map(str, shape))})"
            )
        if frame >= len(values):
            raise DataError(f"{self.path}: truncated: {name} has {len(values)} frames")
        return np.asarray(values[frame])

    def rounding(self, name: str) -> float:
        """How far a number may be from the one it was written for."""
        if name not in self.values:
            return 0.0
        finite = self.values[name][np.isfinite(self.values[name])]
        epsilon = SINGLE if name in self._single else DOUBLE
        return epsilon * float(np.max(np.abs(finite), initial=0.0))


def read(path: Path, choice: Choice) -> Frames:
    """The wanted frames of an AMBER trajectory.

    Raises
    ------
    DataError
        If the file is missing, truncated or of another format, or lacks coordinates or a box.
    """
    try:
        file = _File(path)
    except FileNotFoundError:
        raise DataError(f"{path}: this file is missing") from None
    except UNREADABLE as error:
        detail = one_line(str(error), 100)
        raise DataError(f"{path}: truncated, or not NetCDF3 ({detail})") from None
    for name in ("coordinates", "cell_lengths", "cell_angles"):
        if name not in file.values:
            raise DataError(f"{path}: variable {name} is missing; there are {sorted(file.values)}")
    shape = file.values["coordinates"].shape
    if len(shape) != 3 or shape[2] != 3:
        raise DataError(f"{path}: coordinates has the shape {shape}, not (frames, atoms, 3)")
    count = shape[0]
    return Frames(path, tuple(_frame(file, number) for number in choice.of(count)))


def _frame(file: _File, number: int) -> Frame:
    particles = file.values["coordinates"].shape[1:2]
    positions = file.at("coordinates", number, (*particles, 3))
    assert positions is not None  # the caller has looked
    time, step = file.at("time", number, ()), file.at("step", number, ())
    return Frame(
        positions=positions,
        types=_types(file, number, particles[0]),
        cell=_cell(file, number),
        step=None if step is None else int(_whole(file, "step", step)),
        time=None if time is None else float(time),
        velocities=file.at("velocities", number, (*particles, 3)),
        forces=file.at("forces", number, (*particles, 3)),
        # The convention does not say; displacements of more than half a box are not looked for.
        unwrapped=False,
        resolution=file.rounding("coordinates"),
        force_resolution=file.rounding("forces"),
    )


def _types(file: _File, number: int, count: int) -> npt.NDArray[np.str_]:
    """Names of types, all '1' if the file has none."""
    name = next((name for name in _TYPES if name in file.values), None)
    if name is None:
        return np.full(count, "1")
    values = file.values[name]
    values = values[number] if values.ndim == 2 and number < len(values) else values
    if values.shape != (count,):
        raise DataError(f"{file.path}: {name} has {values.size} entries for {count} particles")
    return _whole(file, name, values).astype(np.int64).astype(np.str_)


def _whole(file: _File, name: str, values: Real) -> Real:
    """Values that are whole numbers."""
    if not np.all((np.abs(values) < 2.0**53) & (values == np.rint(values))):
        raise DataError(f"{file.path}: {name} holds something that is no whole number")
    return values


def _cell(file: _File, number: int) -> Real:
    """Box vectors as columns, the first along x and the second in the xy plane."""
    lengths, angles = file.at("cell_lengths", number, (3,)), file.at("cell_angles", number, (3,))
    assert lengths is not None
    assert angles is not None  # the caller has looked
    a, b, c = lengths
    # Of right angles, cosines are exactly zero.
    alpha, beta, gamma = np.where(angles == 90.0, 0.0, np.cos(np.radians(angles)))
    height = np.sqrt(max(0.0, 1.0 - gamma**2))
    yz = (alpha - beta * gamma) / height if height > 0.0 else np.nan
    z = np.sqrt(max(0.0, 1.0 - beta**2 - yz**2))
    cell = np.array([[a, b * gamma, c * beta], [0.0, b * height, c * yz], [0.0, 0.0, c * z]])
    exact = file.values.get("cell_matrix")
    if exact is None:
        return cell
    dim = len(exact) if exact.ndim == 2 else 0
    if exact.shape != (dim, dim) or not 1 <= dim <= 3:
        raise DataError(f"{file.path}: cell_matrix has the shape {exact.shape}, not (d, d)")
    if not np.allclose(cell[:dim, :dim], exact, rtol=0.0, atol=1e-6 * float(np.abs(exact).max())):
        raise DataError(f"{file.path}: the cell lengths and angles are not those of cell_matrix")
    cell[:dim, :dim] = exact
    return cell
