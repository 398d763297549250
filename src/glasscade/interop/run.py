"""From the frames of a file to a run in units of the potential, with its measured velocities.

With a length ℓ₀, an energy V₀ and a mobility μ in units of the file, positions are divided by ℓ₀,
times by ℓ₀²/(μV₀), velocities by μV₀/ℓ₀ and forces by V₀/ℓ₀: overdamped particles then follow Eq. 1
of the theory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.interop.frames import Frame, Frames
from glasscade.particles.observables import Bonds, find_bonds, forces
from glasscade.particles.pairs import PairTable

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SAME_CELL = 1e-6
"""Largest change of a box vector, relative to the largest, that is rounding and no deformation."""
FLAT = 1e-6
"""Largest spread of the third coordinate in two dimensions, relative to the side."""


@dataclass(frozen=True)
class Units:
    """ℓ₀, V₀ and μ in units of the file, and the time of one step where it counts steps alone."""

    length: float = 1.0
    energy: float = 1.0
    mobility: float = 1.0
    step: float | None = None

    @property
    def time(self) -> float:
        """ℓ₀²/(μV₀)."""
        return self.length**2 / (self.mobility * self.energy)


@dataclass(frozen=True, eq=False)
class Run:
    """Particles at increasing times, in units of the potential.

    Attributes
    ----------
    path
        The file.
    positions
        (n, N, d), unwrapped.
    times
        (n,) the first as in the file.
    species
        (N,) from 0.
    cell
        The one cell of all times.
    velocities, forces
        (n, N, d), or None.
    resolution, force_resolution
        Rounding of a coordinate and of a component of a force in the file.
    velocities_from
        Where velocities come from, for labels.
    """

    path: Path
    positions: Real
    times: Real
    species: Integers
    cell: Cell
    velocities: Real | None
    forces: Real | None
    resolution: float
    force_resolution: float
    velocities_from: str = "those of the file"


# What is not finite is found at the end, wherever it came from.
@np.errstate(all="ignore")
def convert(frames: Frames, dim: int, species: Mapping[str, int], units: Units) -> Run:
    """The frames as one run.

    Parameters
    ----------
    dim
        2 or 3; in two dimensions particles lie in a plane z = const.
    species
        The number of the species of every type in the file.

    Raises
    ------
    DataError
        If a type has no species, times are missing or do not increase, the particles lie in no
        plane, or the cell changes.
    """
    path, each = frames.path, frames.each
    cell = _cell(frames, dim)
    positions = np.array([frame.positions[:, :dim] for frame in each])
    if not all(frame.unwrapped for frame in each):
        positions = _unwrapped(positions, cell)
    if dim == 2:
        _require_flat(frames, cell)
    rate = units.length / units.time
    run = Run(
        path=path,
        positions=positions / units.length,
        times=_times(frames, units),
        species=_species(path, each[0], species),
        cell=Cell(cell.matrix / units.length),
        velocities=_stacked([frame.velocities for frame in each], dim, rate),
        forces=_stacked([frame.forces for frame in each], dim, units.energy / units.length),
        resolution=max(frame.resolution for frame in each) / units.length,
        force_resolution=max(frame.force_resolution for frame in each)
        * units.length
        / units.energy,
    )
    arrays = (run.positions, run.times, run.velocities, run.forces)
    if not all(np.all(np.isfinite(array)) for array in arrays if array is not None):
        raise DataError(f"{path}: its numbers are too large for the units given")
    return run


def _cell(frames: Frames, dim: int) -> Cell:
    """The cell of the first frame, which all must have."""
    first = frames.each[0].cell
    if np.any(first[:dim, dim:]) or np.any(first[dim:, :dim]):
        raise DataError(f"{frames.path}: the box is tilted out of the plane of {dim} dimensions")
    for number, frame in enumerate(frames.each):
        change = np.abs(frame.cell - first)[:dim, :dim]
        if change.max() > SAME_CELL * np.abs(first[:dim, :dim]).max():
            raise DataError(
                f"{frames.path}: the box of frame {number} of those chosen is not that of the "
                "first; choose frames of one box, with first and last"
            )
    try:
        return Cell(first[:dim, :dim])
    except ConfigError as error:
        raise DataError(f"{frames.path}: {error}") from None


def _unwrapped(positions: Real, cell: Cell) -> Real:
    """Positions that go on beyond the cell: no particle moves half a cell between two frames."""
    steps = cell.minimum_image(np.diff(positions, axis=0))
    return np.concatenate([positions[:1], positions[:1] + np.cumsum(steps, axis=0)])


def _require_flat(frames: Frames, cell: Cell) -> None:
    heights = np.array([frame.positions[:, 2] for frame in frames.each])
    spread = float(np.ptp(heights))
    if spread > FLAT * cell.smallest_width:
        raise DataError(
            f"{frames.path}: z spreads over {spread:g}, which is no run in two dimensions; "
            "system.dimensions may be 3"
        )


def _times(frames: Frames, units: Units) -> Real:
    """In units of the potential, increasing."""
    if all(frame.time is not None for frame in frames.each) and units.step is None:
        times = np.array([frame.time for frame in frames.each], dtype=np.float64)
    elif units.step is not None and all(frame.step is not None for frame in frames.each):
        times = units.step * np.array([frame.step for frame in frames.each], dtype=np.float64)
    elif units.step is None:
        raise DataError(
            f"{frames.path}: its times are missing, it counts steps at most; give system.dt, the "
            "time of one step"
        )
    else:
        raise DataError(f"{frames.path}: it counts no steps; leave out system.dt")
    if np.any(np.diff(times) <= 0.0):
        raise DataError(f"{frames.path}: its times must increase from frame to frame")
    return times / units.time


def _species(path: Path, frame: Frame, species: Mapping[str, int]) -> Integers:
    unknown = sorted(set(frame.types.tolist()) - set(species))
    if unknown:
        raise DataError(
            f"{path}: type {unknown[0]} has no species; system.species knows {', '.join(species)}"
        )
    return np.array([species[name] for name in frame.types.tolist()], dtype=np.int64)


def _stacked(parts: list[Real | None], dim: int, unit: float) -> Real | None:
    """Vectors of all frames, None unless every frame has them."""
    known = [part[:, :dim] for part in parts if part is not None]
    return np.array(known) / unit if len(known) == len(parts) else None


def require_forces(run: Run, table: PairTable) -> None:
    """Forces of the file must be those of the potential, to the precision of the file.

    A coordinate wrong by δ changes the pull of a bond by at most 2δ√d (|V''| + |V'|/r), and a
    component of a force has its own rounding. Where V'' jumps, as where soft spheres begin to
    touch, this holds as well, V' being continuous.

    Raises
    ------
    DataError
        If they are not, with the largest difference.
    """
    if run.forces is None:
        return
    for frame, (positions, given) in enumerate(zip(run.positions, run.forces, strict=True)):
        bonds = find_bonds(positions, run.species, table, run.cell)
        exact, allowed = -forces(bonds), _allowed(bonds, run)
        excess = np.max(np.abs(given - exact) / allowed[:, np.newaxis])
        if excess > 1.0:
            difference = float(np.max(np.abs(given - exact)))
            scale = float(np.max(np.abs(exact)))
            raise DataError(
                f"{run.path}: the forces of frame {frame} of those chosen are not those of the "
                f"potential: they differ by up to {difference:.3g} where the largest is "
                f"{scale:.3g} and the precision of the file allows {float(allowed.max()):.1g}; "
                "correct potential, species or units, or give system.forces: ignore where they "
                "hold more than the potential, as those of a thermostat"
            )


def _allowed(bonds: Bonds, run: Run) -> Real:
    """What the rounding of the file may do to the force on each particle, (N,)."""
    stiff = np.abs(bonds.curvature) + np.abs(bonds.slope_over_distance)
    ends = np.concatenate([bonds.first, bonds.second])
    each = np.bincount(ends, np.tile(stiff, 2), minlength=bonds.number)
    pulls = np.bincount(ends, np.tile(np.abs(bonds.slope), 2), minlength=bonds.number)
    # Bonds that the rounding opens or closes are as stiff as the stiffest, V''' doubles it all.
    dim = run.cell.dim
    moved = 2.0 * np.sqrt(dim) * run.resolution * 2.0 * (each + np.max(stiff, initial=0.0))
    return np.asarray(moved + 2.0 * run.force_resolution + 1e-12 * pulls + 1e-300)


def odd(run: Run) -> Run:
    """Without its last frame if there is an even number: every second one then ends with it."""
    if len(run.times) % 2 == 1 or len(run.times) < 3:
        return run
    return _chosen(run, slice(0, -1))


def _chosen(run: Run, which: slice) -> Run:
    return replace(
        run,
        positions=run.positions[which],
        times=run.times[which],
        velocities=None if run.velocities is None else run.velocities[which],
        forces=None if run.forces is None else run.forces[which],
    )


def with_velocities(run: Run) -> Run:
    """A run with velocities: those of the file, else differences, half-way between two frames.

        v = (x_{n+1} - x_n)/Δt   at   (x_{n+1} + x_n)/2 ,

    of second order in Δt where motion is smooth.

    Raises
    ------
    DataError
        If there are neither velocities nor two frames.
    """
    if run.velocities is not None:
        return run
    if len(run.times) < 2:
        raise DataError(f"{run.path}: there are no velocities, and one frame has no differences")
    times, positions = run.times, run.positions
    velocities = np.diff(positions, axis=0) / np.diff(times)[:, np.newaxis, np.newaxis]
    return replace(
        run,
        positions=0.5 * (positions[1:] + positions[:-1]),
        times=0.5 * (times[1:] + times[:-1]),
        velocities=velocities,
        forces=None,
        velocities_from="differences of positions, half-way between two frames",
    )
