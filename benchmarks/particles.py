"""The particle engine against LAMMPS, its threads, its cost with size and its memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from statistics import median

import lammps_peer
import numba
import numpy as np
import numpy.typing as npt
from lammps_peer import System
from rows import Row

from glasscade.cell import Cell
from glasscade.particles.dynamics import State, run, simulate
from glasscade.particles.lennard_jones import DENSITY, LARGE, binary_lennard_jones
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import DIAMETERS, binary_spheres
from glasscade.particles.stability import stability_limit
from glasscade.potentials import LennardJones, Mixture

Real = npt.NDArray[np.float64]

SPHERES = binary_spheres(0.2)
GLASS = binary_lennard_jones(0.88)
PACKING = 0.90
RUNS = 5
LIMIT = 600.0
"""Bytes per particle."""
CALLS = 1000


def table_of(system: System) -> PairTable:
    return PairTable.from_mixture(SPHERES if system.style == "harmonic/cut" else GLASS)


@cache
def spheres(number: int, dim: int) -> System:
    """Harmonic spheres quenched from random positions, then at T = 1e-4."""
    state, cell = random_mixture(number, PACKING, dim, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    dt = 0.9 * stability_limit(state.positions, state.species, table, cell)
    quenched = run(state, table, cell, 0.0, dt, 1, [1500])[0]
    warm = run(State(quenched, state.species), table, cell, 1e-4, 0.05, 1, [2000])[0]
    rows = np.array([[[1.0, 0.5 * (a + b)] for b in DIAMETERS] for a in DIAMETERS])
    return System(warm, state.species, np.diag(cell.matrix), rows, 1e-4, 0.05)


@cache
def glass(number: int) -> System:
    """The binary Lennard-Jones glass quenched from random positions, then at T = 0.1."""
    side = float(np.sqrt(number / DENSITY))
    cell, table = Cell.cubic(side, 2), PairTable.from_mixture(GLASS)
    places = np.random.default_rng(1).random((number, 2)) * side
    species = (np.arange(number) >= round(number * LARGE)).astype(np.int64)
    # The largest stable step is so short because of the caps, in which no particle stays.
    dt = 1e-5
    quenched = run(State(places, species), table, cell, 0.0, dt, 1, [4000])[0]
    warm = run(State(quenched, species), table, cell, 0.1, dt, 1, [2000])[0]
    rows = np.array([[lennard_jones_row(GLASS, a, b) for b in range(2)] for a in range(2)])
    return System(warm, species, np.array([side, side]), rows, 0.1, dt)


def lennard_jones_row(mixture: Mixture, a: int, b: int) -> list[float]:
    pair = mixture.table[a][b]
    assert isinstance(pair, LennardJones)
    radii = [pair.inner * pair.diameter, pair.outer * pair.diameter]
    return [pair.strength, pair.diameter, *radii]


def tiled(system: System, repeats: tuple[int, ...]) -> System:
    """Copies of a system side by side, which noise makes differ within a few steps."""
    corners = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1)
    shifts = corners.reshape(-1, len(repeats)) * system.sides
    places = (system.positions % system.sides) + shifts[:, None]
    return System(
        places.reshape(-1, len(repeats)),
        np.tile(system.species, len(shifts)),
        system.sides * np.array(repeats),
        system.rows,
        system.temperature,
        system.dt,
    )


def disks(number: int) -> System:
    """2D spheres, beyond 16,384 as copies of those."""
    repeats = {131072: (2, 4), 1048576: (8, 8)}.get(number)
    return tiled(spheres(16384, 2), repeats) if repeats else spheres(number, 2)


def balls(number: int) -> System:
    """3D spheres, beyond 16,384 as copies of those."""
    return tiled(spheres(16384, 3), (2, 2, 2)) if number == 131072 else spheres(number, 3)


def engine(system: System, steps: int) -> Callable[[], object]:
    """More steps of ours at every call, the first of which makes the list."""
    cell = Cell(np.diag(system.sides))
    state = State(system.positions, system.species)
    ends = np.arange(1, CALLS + 1) * steps
    frames: Iterator[object] = simulate(
        state, table_of(system), cell, system.temperature, system.dt, 5, ends
    )
    return lambda: next(frames)


def peer(system: System, steps: int, noise: str) -> Callable[[], object]:
    """More steps of LAMMPS at every call."""
    simulation = lammps_peer.start(system, noise)
    return lambda: lammps_peer.advance(simulation, steps)


def seconds(*works: Callable[[], object]) -> list[float]:
    """Median seconds of pieces of work done in turn, after one run of each."""
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(RUNS):
        for work, record in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            record.append(time.perf_counter() - start)
    return [median(record) for record in times]


def against_lammps() -> list[Row]:
    """Million particle-steps per second on one core, beside either noise of LAMMPS."""
    cases = (
        ("2d-harmonic", disks(4096), 24e6, 3.0),
        ("2d-harmonic", disks(16384), 24e6, 3.0),
        ("2d-harmonic", disks(131072), 24e6, 2.8),
        ("3d-harmonic", balls(16384), 15e6, 2.5),
        ("3d-harmonic", balls(131072), 15e6, 2.2),
        ("2d-lj", glass(16384), 10e6, 2.0),
    )
    return [row for name, system, work, goal in cases for row in compared(name, system, work, goal)]


def compared(name: str, system: System, work: float, goal: float) -> list[Row]:
    """Two rows: against gaussian noise, to which the goal applies, and against uniform noise."""
    numba.set_num_threads(1)
    number = len(system.positions)
    steps = int(work / number)
    noises = ("gaussian", "uniform")
    times = seconds(engine(system, steps), *(peer(system, steps, noise) for noise in noises))
    ours, *others = (1e-6 * number * steps / t for t in times)
    rows = []
    for noise, theirs, least in zip(noises, others, (goal, 1.0), strict=True):
        label = f"LAMMPS fix brownian, {noise} noise, skin {system.skin}, 1 process"
        size = f"N = {number}, {noise}"
        rows.append(Row(name_of(name), size, 1, ours, theirs, label, ours / theirs, least))
    return rows


def name_of(name: str) -> str:
    return f"particles-{name} (M particle-steps/s)"


def threads() -> list[Row]:
    """Two threads against one, and against two processes of LAMMPS."""
    rows = []
    for number, goal in ((16384, 3.0), (131072, 2.8)):
        system = disks(number)
        steps = int(24e6 / number)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "system.npz"
            system.save(path)
            one, two, mpi = threads_in_turn(system, steps, path)
        one, two, mpi = (1e-6 * number * steps / t for t in (one, two, mpi))
        size = f"N = {number}"
        speed = "particles-threads (M particle-steps/s)"
        rows.append(Row(speed, size, 2, two, one, "one thread", two / one, 1.65))
        label = f"LAMMPS fix brownian, gaussian noise, skin {system.skin}, 2 MPI processes"
        name = name_of("2d-harmonic")
        rows.append(Row(name, f"{size}, 2 threads", 2, two, mpi, label, two / mpi, goal))
    return rows


def threads_in_turn(system: System, steps: int, path: Path) -> tuple[float, float, float]:
    """Median seconds of one thread, of two, and of LAMMPS in two processes."""
    advance = engine(system, steps)
    advance()
    times: tuple[list[float], ...] = ([], [], [])
    for _ in range(RUNS):
        for count in (1, 2):
            numba.set_num_threads(count)
            start = time.perf_counter()
            advance()
            times[count - 1].append(time.perf_counter() - start)
        times[2].append(two_processes(path, steps))
    numba.set_num_threads(1)
    return median(times[0]), median(times[1]), median(times[2])


def two_processes(path: Path, steps: int) -> float:
    """Seconds of a run of LAMMPS in two processes, without its set-up."""
    mpiexec = str(Path(sys.executable).with_name("mpiexec"))
    command = [mpiexec, "-n", "2", sys.executable, lammps_peer.__file__, str(path), str(steps)]
    result = subprocess.run([*command, "gaussian"], capture_output=True, text=True, check=True)
    return float(result.stdout)


def cost_with_size() -> list[Row]:
    """Nanoseconds per particle and step of large systems, against 1.5 and 1.7 times 4096's."""
    numba.set_num_threads(1)
    sizes = (4096, 131072, 1048576)
    steps = [int(24e6 / number) for number in sizes]
    times = seconds(*(engine(disks(n), m) for n, m in zip(sizes, steps, strict=True)))
    small, *large = (1e9 * t / (n * m) for t, n, m in zip(times, sizes, steps, strict=True))
    return [
        Row(
            "particles-cost (ns)",
            f"N = {number}, 2D harmonic",
            1,
            cost,
            factor * small,
            f"{factor} times N = 4096",
            factor * small / cost,
            1.0,
        )
        for number, cost, factor in zip(sizes[1:], large, (1.5, 1.7), strict=True)
    ]


def memory() -> list[Row]:
    """Largest resident memory of a run, beyond that of a small one, per particle."""
    cases = (("2D", disks(131072)), ("2D", disks(1048576)), ("3D", balls(131072)))
    rows = []
    for name, system in cases:
        number = len(system.positions)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "system.npz"
            system.save(path)
            command = [sys.executable, __file__, str(path)]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
        used = float(result.stdout) / number
        size = f"N = {number}, {name} harmonic"
        rows.append(
            Row("particles-memory (bytes)", size, 1, used, LIMIT, "limit", LIMIT / used, 1.0)
        )
    return rows


BENCHMARKS = (against_lammps, threads, cost_with_size, memory)


def peak(path: Path) -> int:
    """Bytes of resident memory that loading and running a system takes at most."""
    numba.set_num_threads(1)
    small = System(
        np.random.default_rng(1).random((5000, 2)) * 80.0,
        np.arange(5000) % 2,
        np.array([80.0, 80.0]),
        np.ones((2, 2, 2)),
        1e-4,
        0.05,
    )
    engine(small, 2)()
    before = status("VmRSS")
    advance = engine(System.load(path), 200)
    advance()
    return status("VmHWM") - before


def status(name: str) -> int:
    """An entry of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return 1024 * int(value.split()[0])
    raise KeyError(name)


if __name__ == "__main__":
    print(peak(Path(sys.argv[1])))
