"""Stage 0: compile every kernel once, before jobs start in parallel and all compile the same.

The workflow does so before its first job, for the processor it runs on itself. On a cluster a job
may find itself on another one, together with many more: the first of them compiles, the others
wait. Processes on any number of computers agree by a lock file, since the folder may be shared.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import numpy as np

from glasscade.budget.balance import Budget, currents, source_map
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.fields import finite_volume, measures, spectral
from glasscade.force import ForceField
from glasscade.io import write_text
from glasscade.jit import WARM
from glasscade.particles.dynamics import PARALLEL_FROM
from glasscade.particles.dynamics import run as run_particles
from glasscade.particles.listed import ListedForces
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import noise_seed, random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import FreeCone, Gaussian, Mixture
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.transforms import grid_to_modes

LOG = logging.getLogger("glasscade")
MIXTURE = binary_spheres(core=0.1)
LIFE_SIGN = 5.0
"""Seconds after which whoever compiles says again that it does."""
SILENCE = 120.0
"""Seconds without a sign of life after which it is taken to have been killed. Network file systems
may show the times of a file as they were a minute ago."""
PAUSE = 0.5
"""Seconds between two looks at the lock."""


def once(marker: Path = WARM) -> None:
    """Compile all kernels, unless that has been done; wait, while another process is doing it.

    Parameters
    ----------
    marker : Path
        The note that stands for compiled kernels.
    """
    lock = marker.with_suffix(".lock")
    marker.parent.mkdir(parents=True, exist_ok=True)
    seen, since = None, time.monotonic()
    while not marker.exists():
        if _taken(lock):
            with _signs_of_life(lock):
                if not marker.exists():
                    run(marker)
            return
        sign = _last_sign(lock)
        if sign != seen:
            seen, since = sign, time.monotonic()
        elif time.monotonic() - since > SILENCE:
            LOG.warning("%s: whoever compiled here is gone, the lock is removed", lock)
            lock.unlink(missing_ok=True)
        time.sleep(PAUSE)


def _taken(lock: Path) -> bool:
    """Take the lock if nobody has it: of several that make a file, one succeeds."""
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def _last_sign(lock: Path) -> int | None:
    """Time of the last sign of life; only changes count, clocks of computers differ."""
    try:
        return lock.stat().st_mtime_ns
    except FileNotFoundError:
        return None


@contextmanager
def _signs_of_life(lock: Path) -> Iterator[None]:
    """Touch the lock now and then until the block ends, and remove it."""
    done = Event()

    def touch() -> None:
        while not done.wait(LIFE_SIGN):
            with suppress(FileNotFoundError):
                os.utime(lock)

    thread = Thread(target=touch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        lock.unlink(missing_ok=True)


def run(output: Path) -> None:
    """Call each kernel on a small example and leave a note of how long it took."""
    start = time.monotonic()
    for dim in (1, 2, 3):
        _structure(dim)
        _budget(dim)
    for dim in (2, 3):
        _particles(dim, 64)
    _particles(2, PARALLEL_FROM)  # steps that threads share
    _fields()
    message = f"kernels compiled or found in the cache in {time.monotonic() - start:.1f} s"
    LOG.info(message)
    write_text(message + "\n", output)


def _structure(dim: int) -> None:
    field = np.random.default_rng(dim).standard_normal((16,) * dim)
    cell = Cell.cubic(1.0, dim)
    increment_moments(field, cell, np.array([0.125, 0.25]), np.arange(1.0, 7.0))
    wavelet_moments(field, cell, 1, np.arange(1.0, 7.0))


def _budget(dim: int) -> None:
    counts = (2,) * dim
    functions = TestFunctions.bumps(dim, 1, 1, seed=1)
    budget = Budget(MIXTURE, Cell.cubic(8.0, dim), counts, functions)
    density = np.zeros((MIXTURE.species, *(5,) * dim), dtype=np.complex128)
    force_density = np.zeros((MIXTURE.species, dim, *(5,) * dim), dtype=np.complex128)
    state = currents(density, force_density, np.ones((5,) * dim), budget.field, 0.1)
    budget.balance(state)
    budget.field.force(density)  # of one species or none, ρ is contiguous: another signature
    # Box totals and maps have kernels of their own.
    totals = TestFunctions.bumps(dim, 0, 0, seed=1)
    Budget(MIXTURE, Cell.cubic(8.0, dim), counts, totals).balance(state)
    source_map(state, "Q_flux", MIXTURE, Cell.cubic(8.0, dim), (9,) * dim)


def _fields() -> None:
    """Of a line: these kernels take flat arrays, or points of three components."""
    cell, density = Cell.cubic(8.0, 1), np.ones((1, 8))
    core, cone = (Mixture.single(v) for v in (Gaussian(1.0, width=1.0), FreeCone(1.0, reach=2.0)))
    modes = grid_to_modes(density, cell)
    spectral.evolve(modes, ForceField(core, cell, (3,)), 0.1, [0.01], 1e-3)
    finite_volume.evolve(density, core, cell, 0.1, [0.01], 1e-3)
    measure = measures.sampled(density, cell, per_axis=2)
    list(measures.evolve(measure, cone, cell, [0.0, 0.1], 1e-3, merge=0.1))
    measures.direct_force(measure, core, cell)


def _particles(dim: int, number: int) -> None:
    state, cell = random_mixture(number, 0.9, dim, seed=1, realisation=0)
    table = PairTable.from_mixture(MIXTURE)
    [positions] = run_particles(state, table, cell, 0.1, 0.01, noise_seed(1, 0), [1])
    forces(find_bonds(positions, state.species, table, cell))
    listed = ListedForces(state.species, table, cell)
    listed.forces(positions)
    listed.energy(positions)
