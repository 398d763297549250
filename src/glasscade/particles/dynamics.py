"""Overdamped Brownian particles, Eq. 1: dx_a = -F_a dt + sqrt(2T) dB_a.

F_a = Σ_b ∇V_{s_a s_b}(x_a - x_b) is *minus* the force. Euler-Maruyama:

    x_a(t + dt) = x_a(t) - F_a dt + sqrt(2 T dt) η_a ,

with standard normals η that depend on (seed, particle, step) alone: the same realisation at every
temperature. At T = 0 this is steepest descent with the same dt. Force, noise and step of a block of
256 particles are computed together; a block's result depends on nothing another block
computes in the same step, so that any number of threads gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.particles.forces import make_law
from glasscade.particles.neighbours import arrange, find, make_grid, wrap
from glasscade.particles.noise import check_counters
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import UNIT_BALL
from glasscade.particles.stability import stability_limit
from glasscade.particles.steps import Clock, Swarm, advance_parallel, advance_serial

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]

# Cost of a rebuild per particle in listed pairs, measured; a descent moves like this temperature.
_RENEWAL = 90.0
_COLDEST = 1e-4
# Below this many particles a step is shorter than the start of a parallel loop is worth.
# The choice depends on N alone: it must not depend on the number of threads.
_PARALLEL_FROM = 4096


@dataclass(frozen=True, eq=False)
class State:
    """Particles at one step: unwrapped `positions` (N, d), `species` (N,), and the step number."""

    positions: Real
    species: Integers
    step: int = 0


class _Engine:
    """Positions in list order, their neighbour list, and the rules of one run."""

    def __init__(
        self, state: State, table: PairTable, cell: Cell, temperature: float, dt: float, seed: int
    ) -> None:
        number, dim = state.positions.shape
        skin = choose_skin(number, dim, number / cell.volume, table.reach, temperature, dt)
        self.step = state.step
        self.species_count = table.species
        self.limit2 = np.where(table.cutoff > 0.0, table.cutoff + skin, 0.0) ** 2
        self.grid = make_grid(cell, table.reach + skin, number)
        self.law = make_law(table)
        self.clock = Clock(dt, math.sqrt(2.0 * temperature * dt), seed, 0.25 * skin**2)
        ids = np.arange(number, dtype=np.uint32)
        images = np.zeros((number, dim), dtype=np.int64)
        positions = np.array(state.positions, dtype=np.float64, order="C")
        self._rebuild(ids, state.species.astype(np.int64), images, positions)

    def _rebuild(self, ids: Indices, species: Integers, images: Integers, positions: Real) -> None:
        """Wrap, sort in space and list the neighbours; `images` and `positions` are overwritten."""
        number, dim = positions.shape
        wrap(positions, images, self.grid)
        found = find(positions, species, self.limit2, self.grid)
        self.packed = arrange(found, species, self.species_count)
        order = self.packed.source
        self.swarm = Swarm(ids[order], species[order], images[order], positions[order])
        self.buffers = np.empty((2, number + self.packed.ghost_source.size, dim))
        self.buffers[self.step % 2, :number] = self.swarm.reference

    def _current(self) -> Real:
        """Positions now, in list order and in the images of the last rebuild."""
        return self.buffers[self.step % 2, : self.swarm.ids.size]

    def unwrapped(self) -> Real:
        """Positions now, in the order and the images of the start, shape (N, d)."""
        out = np.empty_like(self.swarm.reference)
        out[self.swarm.ids] = self._current() + self.swarm.images @ self.grid.matrix.T
        return out

    def advance(self, last: int) -> None:
        """Run to step `last`, renewing the list whenever a particle has used up half the skin."""
        while self.step < last:
            arguments = (self.step, last, self.buffers, self.swarm, self.packed, self.law)
            if self.swarm.ids.size < _PARALLEL_FROM:
                self.step = advance_serial(*arguments, self.clock)
            else:
                self.step = advance_parallel(*arguments, self.clock, numba.get_num_threads())
            with np.errstate(over="ignore", invalid="ignore"):
                drift2 = np.sum((self._current() - self.swarm.reference) ** 2, axis=1)
            if not np.all(np.isfinite(drift2)):
                raise StabilityError(
                    f"particles: positions are no longer finite at step {self.step} with "
                    f"dt = {self.clock.dt:g}, use a smaller dt"
                )
            if drift2.max() > self.clock.drift_limit2:
                swarm = self.swarm
                self._rebuild(swarm.ids, swarm.species, swarm.images, self._current().copy())


def choose_skin(
    number: int, dim: int, density: float, reach: float, temperature: float, dt: float
) -> float:
    """Width added to the cutoffs that costs least: a thin skin is renewed often, a thick one long.

    A list lasts until the fastest of N Brownian particles has gone half a skin, about
    (skin/2)^2/(4 T dt ln N) steps. Only the speed depends on it, and the last bits.
    """
    skins = reach * np.linspace(0.1, 1.5, 57)
    listed = density * UNIT_BALL[dim] * (reach + skins) ** dim
    spread2 = 4.0 * max(temperature, _COLDEST) * dt * math.log(number + 1.0)
    renewals = np.minimum(spread2 / (0.5 * skins) ** 2, 1.0)
    return float(skins[np.argmin(listed + _RENEWAL * renewals)])


def simulate(
    state: State,
    table: PairTable,
    cell: Cell,
    temperature: float,
    dt: float,
    seed: int,
    save_steps: Sequence[int] | Integers,
) -> Iterator[tuple[int, Real]]:
    """Iterate over (step, unwrapped positions (N, d) in the order of `state`) at `save_steps`.

    Parameters
    ----------
    state
        Start; its `step` is where the noise goes on from.
    temperature
        T = k_B T/V0 >= 0; 0 is steepest descent.
    dt
        Time step, in l0^2/(mu V0).
    seed
        Names the realisation of the noise, in [0, 2^32).
    save_steps
        Increasing step numbers, none before `state.step`.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    StabilityError
        If dt is not below `stability_limit`, or, during the iteration, if a position is no longer
        finite.
    """
    steps = np.asarray(save_steps, dtype=np.int64)
    _check_state(state, table, cell)
    _check_run(state, cell, temperature, seed, steps)
    limit = stability_limit(state.positions, state.species, table, cell)
    if not 0.0 < dt < limit:
        raise StabilityError(f"dt: {dt:g} is outside (0, {limit:.6g}), use a dt in that range")
    engine = _Engine(state, table, cell, float(temperature), float(dt), int(seed))
    return _frames(engine, steps)


def run(
    state: State,
    table: PairTable,
    cell: Cell,
    temperature: float,
    dt: float,
    seed: int,
    save_steps: Sequence[int] | Integers,
) -> Real:
    """Positions at `save_steps`, shape (len(save_steps), N, d): `simulate` in one array."""
    frames = simulate(state, table, cell, temperature, dt, seed, save_steps)
    return np.stack([positions for _, positions in frames])


def _frames(engine: _Engine, steps: Integers) -> Iterator[tuple[int, Real]]:
    """Run from one saved step to the next."""
    for step in steps:
        engine.advance(int(step))
        yield int(step), engine.unwrapped()


def _check_state(state: State, table: PairTable, cell: Cell) -> None:
    """Refuse positions and species that do not fit the cell and the pair table."""
    shape = state.positions.shape
    if len(shape) != 2 or shape[0] == 0 or shape[1] != cell.dim:
        raise ConfigError(f"positions: the shape must be (N, {cell.dim}), not {shape}")
    if state.species.shape != shape[:1]:
        raise ConfigError(f"species: the shape must be {shape[:1]}, not {state.species.shape}")
    if state.species.min() < 0 or state.species.max() >= table.species:
        raise ConfigError(
            f"species: numbers must lie in [0, {table.species}), "
            f"not [{state.species.min()}, {state.species.max()}]"
        )
    if not np.all(np.isfinite(state.positions)):
        raise ConfigError("positions: every coordinate must be a finite number")


def _check_run(state: State, cell: Cell, temperature: float, seed: int, steps: Integers) -> None:
    """Refuse temperatures, seeds and output steps that make no run."""
    if not 0.0 <= temperature < math.inf:
        raise ConfigError(f"temperature: {temperature:g} is outside [0, inf)")
    if steps.ndim != 1 or steps.size == 0 or steps[0] < state.step or np.any(np.diff(steps) <= 0):
        raise ConfigError(f"save_steps: they must increase, from {state.step} or later")
    check_counters(state.species.size, int(steps[-1]), seed, cell.dim)
