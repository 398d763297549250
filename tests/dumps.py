"""Trajectories as other programs write them, for the tests of what reads them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import netcdf_file

from glasscade.cell import Cell

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def columns(vectors: Real) -> Real:
    """With zeros in the columns that are left over."""
    return np.pad(vectors, [(0, 0)] * (vectors.ndim - 1) + [(0, 3 - vectors.shape[-1])])


def box(cell: Cell) -> Real:
    """Box vectors in three dimensions, one unit thick."""
    matrix = np.eye(3)
    matrix[: cell.dim, : cell.dim] = cell.matrix
    return matrix


def lammps_text(
    positions: Real,
    steps: Integers,
    types: Integers,
    cell: Cell,
    times: Real | None = None,
    digits: str = ".17g",
    corner: float = 0.0,
    wrapped: bool = False,
    **more: Real,
) -> str:
    """A dump with `xu yu zu`, or `x y z ix iy iz`, and further vectors such as v or f.

    Rows are in another order in every frame, as LAMMPS may write them.
    """
    h = box(cell)
    corners = np.array([np.zeros(3), h[:, 1], h[:, 2], h[:, 1] + h[:, 2]])
    low, high = corners.min(axis=0), (corners + h[:, 0]).max(axis=0)
    low, high = low + corner, high + corner
    high[2] = corner + h[2, 2]
    tilts = (h[0, 1], h[0, 2], h[1, 2])
    lines: list[str] = []
    for n, step in enumerate(steps):
        vectors = {"x": positions[n], **{name: values[n] for name, values in more.items()}}
        names = [f"{axis}u" for axis in "xyz"]
        extra = [""] * len(types)
        if wrapped:
            images = np.floor(cell.fractional(positions[n])).astype(int)
            vectors["x"] = positions[n] - images @ cell.matrix.T
            names = ["x", "y", "z", "ix", "iy", "iz"]
            extra = [" ".join(map(str, row)) for row in columns(images)]
        names += [f"{name}{axis}" for name in more for axis in "xyz"]
        table = {name: columns(values) for name, values in vectors.items()}
        table["x"] = table["x"] + corner
        lines += [] if times is None else ["ITEM: TIME", repr(float(times[n]))]
        lines += ["ITEM: TIMESTEP", str(int(step)), "ITEM: NUMBER OF ATOMS", str(len(types))]
        lines.append("ITEM: BOX BOUNDS xy xz yz pp pp pp")
        lines += [f"{a:.17g} {b:.17g} {t:.17g}" for a, b, t in zip(low, high, tilts, strict=True)]
        lines.append(f"ITEM: ATOMS id type {' '.join(names)}")
        for atom in np.random.default_rng(n).permutation(len(types)):
            first, *rest = (
                " ".join(f"{x:{digits}}" for x in values[atom]) for values in table.values()
            )
            words = [str(atom + 1), str(types[atom]), first, extra[atom], *rest]
            lines.append(" ".join(word for word in words if word))
    return "\n".join(lines) + "\n"


def write_text(path: Path, text: str) -> Path:
    """As text, or compressed where the suffix says so."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def write_gsd(
    path: Path,
    positions: Real,
    steps: Integers,
    types: Integers,
    cell: Cell,
    velocities: Real | None = None,
    forces: Real | None = None,
) -> Path:
    """A GSD file as HOOMD writes it: wrapped about the origin, with images."""
    import gsd.hoomd

    h = box(cell)
    with gsd.hoomd.open(str(path), "w") as file:
        for n, step in enumerate(steps):
            frame = gsd.hoomd.Frame()
            frame.configuration.step = int(step)
            frame.configuration.dimensions = cell.dim
            flat = cell.dim == 2
            tilts = [h[0, 1] / h[1, 1], h[0, 2] / h[2, 2], h[1, 2] / h[2, 2]]
            frame.configuration.box = [h[0, 0], h[1, 1], 0.0 if flat else h[2, 2], *tilts]
            fractional = cell.fractional(positions[n])
            images = np.floor(fractional)
            frame.particles.N = len(types)
            frame.particles.position = columns(cell.cartesian(fractional - images - 0.5))
            frame.particles.image = columns(images)
            frame.particles.types = ["A", "B"]
            frame.particles.typeid = types
            if velocities is not None:
                frame.particles.velocity = columns(velocities[n])
            if forces is not None:
                frame.log["particles/md/pair/Pair/forces"] = columns(forces[n])
            file.append(frame)
    return path


def write_amber(path: Path, code: str = "f", scale: float = 1.0, **variables: Any) -> Path:
    """An AMBER trajectory without any variables of our own, in single precision by default."""
    with netcdf_file(path, "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        file.program, file.programVersion = "test", "1"
        count = variables["coordinates"].shape[1]
        for name, size in {"frame": None, "spatial": 3, "atom": count}.items():
            file.createDimension(name, size)
        for name in ("cell_spatial", "cell_angular"):
            file.createDimension(name, 3)
        shapes = {
            "time": ("frame",),
            "coordinates": ("frame", "atom", "spatial"),
            "velocities": ("frame", "atom", "spatial"),
            "forces": ("frame", "atom", "spatial"),
            "cell_lengths": ("frame", "cell_spatial"),
            "cell_angles": ("frame", "cell_angular"),
            "type": ("frame", "atom"),
        }
        units = {"time": "picosecond", "coordinates": "angstrom", "cell_lengths": "angstrom"}
        units |= {"cell_angles": "degree", "velocities": "angstrom/picosecond"}
        for name, values in variables.items():
            kind = "d" if name.startswith("cell") else "i" if name == "type" else code
            variable = file.createVariable(name, kind, shapes[name])
            variable[:] = values / scale if name == "velocities" else values
            variable.units = units.get(name, "kilocalorie/mole/angstrom")
            if name == "velocities":
                variable.scale_factor = np.array([scale])
    return path
