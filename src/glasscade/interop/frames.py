"""The frames of a file as they stand in it, in its own units, with three columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasscade.errors import DataError

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]

SINGLE = 2.0**-24
"""Relative rounding of a number in single precision."""


@dataclass(frozen=True)
class Choice:
    """Which frames of a file are wanted: numbers `first`, `first + stride`, ... up to `last`.

    Frames are counted from 0; without `last` to the end.
    """

    first: int = 0
    last: int | None = None
    stride: int = 1

    def holds(self, number: int) -> bool:
        """Whether a frame is wanted."""
        return not (number < self.first or self.ended(number)) and (
            (number - self.first) % self.stride == 0
        )

    def ended(self, number: int) -> bool:
        """Whether this frame and all behind it are not wanted."""
        return self.last is not None and number > self.last

    @property
    def count(self) -> int:
        """How many frames are wanted, of a choice that names the last."""
        if self.last is None:
            raise ValueError("a choice without a last frame has no count")
        return max(0, self.last - self.first + self.stride) // self.stride

    def of(self, count: int) -> list[int]:
        """The numbers of the wanted frames out of so many."""
        return [number for number in range(count) if self.holds(number)]


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, its particles in the order of their labels.

    Attributes
    ----------
    positions
        (N, 3).
    types
        (N,) names of the types of particles.
    cell
        (3, 3) box vectors as columns.
    step, time
        None where the file does not say.
    velocities, forces
        (N, 3), or None.
    unwrapped
        Whether positions go on beyond the cell.
    resolution, force_resolution
        How far a number in the file may be from the one it was written for.
    labels
        (N,) numbers of the particles, or None.
    """

    positions: Real
    types: Words
    cell: Real
    step: int | None
    time: float | None
    velocities: Real | None
    forces: Real | None
    unwrapped: bool
    resolution: float
    force_resolution: float = 0.0
    labels: Integers | None = None


@dataclass(frozen=True, eq=False)
class Frames:
    """The wanted frames of a file, which hold the same particles.

    Attributes
    ----------
    path
        The file, for sentences about it.
    each
        In the order of the file, at least one.
    """

    path: Path
    each: tuple[Frame, ...]

    def __post_init__(self) -> None:
        if not self.each:
            raise DataError(f"{self.path}: no frame is left by first, last and stride")
        for number, frame in enumerate(self.each):
            self._check(number, frame)

    def _check(self, number: int, frame: Frame) -> None:
        first, where = self.each[0], f"{self.path}: frame {number} of those chosen"
        if len(frame.types) != len(first.types):
            raise DataError(
                f"{where} has {len(frame.types)} particles, the first has {len(first.types)}"
            )
        same = np.array_equal(frame.types, first.types)
        if frame.labels is not None and first.labels is not None:
            same = same and np.array_equal(frame.labels, first.labels)
        if not same:
            raise DataError(f"{where} does not hold the particles and types of the first")
        for name, there in _parts(frame).items():
            if there != _parts(first)[name]:
                raise DataError(f"{where} has {'' if there else 'no '}{name}, unlike the first")
        shape = (len(frame.types), 3)
        arrays = {"position": frame.positions, "velocity": frame.velocities, "force": frame.forces}
        for name, array in arrays.items():
            if array is not None and array.shape != shape:
                raise DataError(
                    f"{where}: its {name} array has the shape {array.shape}, not {shape}"
                )
            if array is not None and not np.all(np.isfinite(array)):
                raise DataError(f"{where}: a {name} is not a finite number")
        if frame.time is not None and not np.isfinite(frame.time):
            raise DataError(f"{where}: its time is not a finite number")
        if not np.all(np.isfinite(frame.cell)) or not 0.0 < np.linalg.det(frame.cell) < np.inf:
            raise DataError(f"{where}: its box vectors {frame.cell.T.tolist()} span no box")


def _parts(frame: Frame) -> dict[str, bool]:
    """What a frame has or has not: where only some have it, it would be missed without a word."""
    return {
        "velocities": frame.velocities is not None,
        "forces": frame.forces is not None,
        "unwrapped positions": frame.unwrapped,
    }
