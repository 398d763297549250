"""GSD files of HOOMD-blue, through the package gsd of the extra `interop`.

Numbers are in single precision. Velocities that are zero in every frame are those of a file that
has none, and forces are looked for among what was logged (`particles/.../forces`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade.errors import UNREADABLE, DataError, one_line
from glasscade.interop.frames import SINGLE, Choice, Frame, Frames

Real = npt.NDArray[np.float64]


def read(path: Path, choice: Choice) -> Frames:
    """The wanted frames of a GSD file.

    Raises
    ------
    DataError
        If gsd is not installed, the file is missing, truncated or no GSD, or frames hold different
        particles.
    """
    try:
        import gsd.hoomd
    except ImportError:
        raise DataError(
            f"{path}: reading GSD needs the package gsd: pip install 'glasscade[interop]'"
        ) from None
    if not path.is_file():
        raise DataError(f"{path}: this file is missing")
    try:
        with gsd.hoomd.open(str(path), "r") as file:
            frames = [_frame(path, number, file[number]) for number in choice.of(len(file))]
    except UNREADABLE as error:
        detail = one_line(str(error), 100)
        raise DataError(f"{path}: truncated, or no GSD file of HOOMD ({detail})") from None
    if not any(np.any(frame.velocities) for frame in frames):
        frames = [replace(frame, velocities=None) for frame in frames]
    return Frames(path, tuple(frames))


def _frame(path: Path, number: int, stored: Any) -> Frame:
    box, particles = np.asarray(stored.configuration.box, dtype=np.float64), stored.particles
    if box.shape != (6,) or particles.position is None:
        raise DataError(f"{path}: frame {number} has no box or no positions")
    x, y, z, xy, xz, yz = box
    if stored.configuration.dimensions == 2 and z == 0.0:
        z = 1.0
    # Tilts are factors: the second box vector is (xy y, y, 0).
    cell = np.array([[x, xy * y, xz * z], [0.0, y, yz * z], [0.0, 0.0, z]])
    positions = np.asarray(particles.position, dtype=np.float64)
    images = np.asarray(particles.image, dtype=np.float64)
    # The box of HOOMD has its middle at the origin.
    unwrapped = positions + images @ cell.T + cell @ np.full(3, 0.5)
    velocities = np.asarray(particles.velocity, dtype=np.float64)
    names = [str(name) for name in particles.types]
    if np.any(particles.typeid >= len(names)):
        raise DataError(f"{path}: frame {number}: a typeid is beyond the {len(names)} types")
    forces = next((stored.log[key] for key in sorted(stored.log) if _is_force(key)), None)
    return Frame(
        positions=unwrapped,
        types=np.array(names)[particles.typeid],
        cell=cell,
        step=int(stored.configuration.step),
        time=None,
        velocities=velocities,
        forces=None if forces is None else np.asarray(forces, dtype=np.float64),
        unwrapped=True,
        # Of a position in a box about the origin, and of the box vectors that separate images.
        resolution=2.0 * SINGLE * float(np.abs(cell).sum(axis=1).max()),
        force_resolution=0.0 if forces is None else SINGLE * float(np.max(np.abs(forces))),
    )


def _is_force(key: str) -> bool:
    """Whether a logged quantity is the forces on particles."""
    return key.startswith("particles/") and key.rpartition("/")[2] in ("force", "forces")
