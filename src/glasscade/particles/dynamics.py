"""Overdamped Brownian particles, Eq. 1: dx_a = m(-F_a + f) dt + Γx_a dt + sqrt(2mT) dB_a.

F_a = Σ_b ∇V_{s_a s_b}(x_a - x_b) is *minus* the force, m the mobility in units of μ, f an external
force and Γ = rate e_x e_y a shear that moves the cell too. Euler-Maruyama, for trajectories:

    x_a(t + dt) = x_a(t) + m(-F_a + f) dt + Γx_a dt + sqrt(2 m T dt) η_a ,

with standard normals η that depend on (seed, particle, step) alone: the same realisation at every
temperature. At T = 0 this is steepest descent with the same dt. Leimkuhler-Matthews, for stationary
averages, of second order in dt, has (η_n + η_{n+1})/2 in place of η_n (Appl. Math. Res. Express
2013, 34). Force, noise and step of a block of 256 particles are computed together; a block's result
depends on nothing another block computes in the same step, so that any number of threads gives the
same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numba
import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.external import External
from glasscade.particles.forces import make_law
from glasscade.particles.neighbours import Grid, arrange, find, make_grid, wrap
from glasscade.particles.noise import check_counters
from glasscade.particles.pairs import PairTable
from glasscade.particles.shear import MovingCell
from glasscade.particles.spheres import UNIT_BALL
from glasscade.particles.stability import stability_limit
from glasscade.particles.steps import Clock, Swarm, advance_parallel, advance_serial
from glasscade.particles.waves import Waves, make_waves

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]
Integrator = Literal["euler-maruyama", "leimkuhler-matthews"]

INTEGRATORS: tuple[Integrator, ...] = get_args(Integrator)

# Cost of a rebuild in listed pairs, measured: for each particle, and for each pair that is tried.
_RENEWAL = 70.0
_TRIAL = 0.8
# A descent moves like this temperature.
_COLDEST = 1e-4
# Below this many particles a step is shorter than the start of a parallel loop is worth.
# The choice depends on N alone: it must not depend on the number of threads.
PARALLEL_FROM = 4096


@dataclass(frozen=True, eq=False)
class State:
    """Particles at one step.

    Attributes
    ----------
    positions
        (N, d), wrapped or not.
    species
        (N,), from 0.
    step
        Number of the step, on which noise and strain depend.
    images
        (N, d) box vectors by which `positions` are short of the unwrapped ones, in the most upright
        cell of the step; none by default. Checkpoints have them.
    """

    positions: Real
    species: Integers
    step: int = 0
    images: Integers | None = None


@dataclass(frozen=True, eq=False)
class Motion:
    """How particles move, besides temperature and step.

    Attributes
    ----------
    mobility
        m > 0, in units of μ: multiplies forces, external ones too, and T.
    integrator
        "euler-maruyama" for trajectories, "leimkuhler-matthews" for stationary averages.
    external
        f, one for all species or one for each; a bound on dt does not look at it.
    shear_rate
        Rate of Γ = rate e_x e_y, by which the cell moves too. External waves must not depend on x
        then, since no others are periodic in each cell and at rest.

    Raises
    ------
    ConfigError
        If a number is out of range or the integrator unknown.
    """

    mobility: float = 1.0
    integrator: Integrator = "euler-maruyama"
    external: External = None
    shear_rate: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.mobility < math.inf:
            raise ConfigError(f"mobility: {self.mobility:g} is outside (0, inf)")
        if self.integrator not in INTEGRATORS:
            raise ConfigError(
                f"integrator: {self.integrator!r} must be one of {', '.join(INTEGRATORS)}"
            )
        if not math.isfinite(self.shear_rate):
            raise ConfigError(f"shear_rate: {self.shear_rate:g} must be finite")


_PLAIN = Motion()


class _Rules(NamedTuple):
    """What one run does at every step."""

    motion: Motion
    temperature: float
    dt: float
    seed: int


class _Engine:
    """Positions in list order, their neighbour list, and the rules of one run."""

    def __init__(self, state: State, table: PairTable, cell: Cell, rules: _Rules) -> None:
        number, dim = state.positions.shape
        motion, dt = rules.motion, rules.motion.mobility * rules.dt
        self.dt = rules.dt
        self.step = state.step
        self.cell = MovingCell(cell, motion.shear_rate * rules.dt)
        skin = choose_skin(
            number,
            dim,
            number / cell.volume,
            table.reach,
            rules.temperature,
            dt,
            abs(self.cell.strain_step),
        )
        self.species_count = table.species
        self.limit2 = np.where(table.cutoff > 0.0, table.cutoff + skin, 0.0) ** 2
        self.law = make_law(table)
        self.waves = static_waves(motion, table.species, cell)
        doubled = motion.integrator == "leimkuhler-matthews"
        self.clock = Clock(
            dt,
            math.sqrt(2.0 * rules.temperature * dt) * (0.5 if doubled else 1.0),
            doubled,
            rules.seed,
            skin,
            table.reach,
            self.cell.strain_step,
            state.step,
        )
        self.turns = self.cell.turns(state.step)
        self.grid = self._new_grid(number)
        images = np.zeros((number, dim)) if state.images is None else state.images
        self._rebuild(
            np.arange(number, dtype=np.uint32),
            state.species.astype(np.int64),
            np.array(images, dtype=np.int64, order="C"),
            np.array(state.positions, dtype=np.float64, order="C"),
        )

    def _new_grid(self, number: int) -> Grid:
        """Sub-cells of the cell as it is now, in its most upright form."""
        matrix = self.cell.matrix(self.step, self.turns)
        return make_grid(Cell(matrix), self.clock.reach + self.clock.skin, number)

    def _stand_up(self, images: Integers) -> None:
        """Take the most upright cell; `images` are counted in its box vectors from then on."""
        turns = self.cell.turns(self.step)
        images[:, :1] += (turns - self.turns) * images[:, 1:2]
        self.turns = turns

    def _rebuild(self, ids: Indices, species: Integers, images: Integers, positions: Real) -> None:
        """Wrap, sort in space and list the neighbours; `images` and `positions` are overwritten."""
        number, dim = positions.shape
        if self.clock.strain_step != 0.0:
            self._stand_up(images)
            self.grid = self._new_grid(number)
        wrap(positions, images, self.grid)
        found = find(positions, species, self.limit2, self.grid)
        self.packed = arrange(found, species, self.species_count)
        order = self.packed.source
        self.swarm = Swarm(ids[order], species[order], images[order], positions[order])
        self.clock = self.clock._replace(listed=self.step)
        self.buffers = np.empty((2, number + self.packed.ghost_source.size, dim))
        self.buffers[self.step % 2, :number] = self.swarm.reference

    def _current(self) -> Real:
        """Positions now, in list order and in the images of the last rebuild."""
        return self.buffers[self.step % 2, : self.swarm.ids.size]

    def unwrapped(self) -> Real:
        """Positions now, in the order and the images of the start, shape (N, d)."""
        matrix = self.cell.matrix(self.step, self.turns)
        out = np.empty_like(self.swarm.reference)
        out[self.swarm.ids] = self._current() + self.swarm.images @ matrix.T
        return out

    def checkpoint(self) -> State:
        """The state now, from which a run goes on to the same bits as this one.

        The list is made anew from the particles in the order of the start, as it will be then.
        """
        order = np.argsort(self.swarm.ids)
        species, images = self.swarm.species[order], self.swarm.images[order]
        self._stand_up(images)
        state = State(self._current()[order], species, self.step, images)
        self._rebuild(self.swarm.ids[order], species, images.copy(), state.positions.copy())
        return state

    def advance(self, last: int) -> None:
        """Run to step `last`, renewing the list whenever a particle has used up half the skin."""
        while self.step < last:
            fixed = (self.swarm, self.packed, self.law, self.waves, self.clock)
            arguments = (self.step, last, self.buffers, *fixed)
            if self.swarm.ids.size < PARALLEL_FROM:
                self.step, left = advance_serial(*arguments)
            else:
                self.step, left = advance_parallel(*arguments, numba.get_num_threads())
            if left:
                swarm, positions = self.swarm, self._current().copy()
                if not np.all(np.isfinite(positions)):
                    raise StabilityError(
                        f"particles: positions are no longer finite at step {self.step} with "
                        f"dt = {self.dt:g}, use a smaller dt"
                    )
                self._rebuild(swarm.ids, swarm.species, swarm.images, positions)


def static_waves(motion: Motion, species: int, cell: Cell) -> Waves:
    """The external force of a motion, which under shear must be at rest.

    Raises
    ------
    ConfigError
        If it depends on x under shear, or does not fit the cell or the number of species.
    ResolutionError
        If the cell has no wavevector of the force.
    """
    waves = make_waves(motion.external, species, cell)
    if motion.shear_rate != 0.0 and np.any(waves.indices[:, 0] != 0):
        raise ConfigError(
            "external: under shear a force must not depend on x, since its waves would be carried "
            "along; use a wave whose first integer is 0"
        )
    return waves


def choose_skin(
    number: int,
    dim: int,
    density: float,
    reach: float,
    temperature: float,
    dt: float,
    strain_step: float = 0.0,
) -> float:
    """Width added to the cutoffs that costs least: a thin skin is renewed often, a thick one long.

    A list lasts until the fastest of N Brownian particles has gone half a skin, about
    (skin/2)^2/(4 T dt ln N) steps, or a strain of skin/reach. Only the speed depends on it, and the
    last bits.
    """
    skins = reach * np.geomspace(0.02, 1.5, 87)
    listed = density * UNIT_BALL[dim] * (reach + skins) ** dim
    # Sub-cells are as wide as the pairs are long.
    renewal = _RENEWAL + _TRIAL * density * (3.0 * (reach + skins)) ** dim
    spread2 = 4.0 * max(temperature, _COLDEST) * dt * math.log(number + 1.0)
    renewals = np.minimum(spread2 / (0.5 * skins) ** 2 + strain_step * reach / skins, 1.0)
    return float(skins[np.argmin(listed + renewal * renewals)])


def simulate(
    state: State,
    table: PairTable,
    cell: Cell,
    temperature: float,
    dt: float,
    seed: int,
    save_steps: Sequence[int] | Integers,
    *,
    motion: Motion = _PLAIN,
    checkpoint_steps: int = 0,
    save: Callable[[State], None] | None = None,
) -> Iterator[tuple[int, Real]]:
    """Iterate over (step, unwrapped positions (N, d) in the order of `state`) at `save_steps`.

    Parameters
    ----------
    state
        Start; its `step` is where noise and strain go on from.
    cell
        The cell; under shear that of step 0. A sheared run has moved it to
        ``AffineFlow.simple_shear(rate, d).moved(cell, step * dt)``.
    temperature
        T = k_B T/V0 >= 0; 0 is steepest descent.
    dt
        Time step, in l0^2/(mu V0).
    seed
        Names the realisation of the noise, in [0, 2^32).
    save_steps
        Increasing step numbers, none before `state.step`.
    motion
        Mobility, integrator, external force and shear.
    checkpoint_steps
        At every multiple of this, but for the last step, the list is made anew in an order that
        does not depend on the past; 0 is never. The last bits depend on it.
    save
        Called with the state there, once the positions of that step have been handed out: a run
        that starts from it, with the other arguments unchanged, has the bits of this one.

    Raises
    ------
    ConfigError
        If an argument is out of range.
    StabilityError
        If dt is not below `stability_limit` over the mobility, or, during the iteration, if a
        position is no longer finite.
    """
    steps = np.asarray(save_steps, dtype=np.int64)
    _check_state(state, table, cell)
    _check_run(state, cell, temperature, seed, steps, motion)
    if checkpoint_steps < 0:
        raise ConfigError(f"checkpoint_steps: {checkpoint_steps} is below 0")
    if state.images is None:  # what has been a start already goes on as it began
        _check_step(state, table, cell, dt, motion)
    rules = _Rules(motion, float(temperature), float(dt), int(seed))
    engine = _Engine(state, table, cell, rules)
    return _frames(engine, steps, checkpoint_steps, save)


def run(
    state: State,
    table: PairTable,
    cell: Cell,
    temperature: float,
    dt: float,
    seed: int,
    save_steps: Sequence[int] | Integers,
    *,
    motion: Motion = _PLAIN,
    checkpoint_steps: int = 0,
) -> Real:
    """Positions at `save_steps`, shape (len(save_steps), N, d): `simulate` in one array."""
    frames = simulate(
        state,
        table,
        cell,
        temperature,
        dt,
        seed,
        save_steps,
        motion=motion,
        checkpoint_steps=checkpoint_steps,
    )
    return np.stack([positions for _, positions in frames])


def _frames(
    engine: _Engine, steps: Integers, every: int, save: Callable[[State], None] | None
) -> Iterator[tuple[int, Real]]:
    """Run from one saved step to the next, with checkpoints between them and behind them."""
    first, last = engine.step, int(steps[-1])
    stops = set(range(first + every - first % every, last, every)) if every else set()
    wanted = set(steps.tolist())
    for step in sorted(stops | wanted):
        engine.advance(step)
        if step in wanted:
            yield step, engine.unwrapped()
        if step in stops:
            state = engine.checkpoint()
            if save is not None:
                save(state)


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


def _check_step(state: State, table: PairTable, cell: Cell, dt: float, motion: Motion) -> None:
    """Refuse a time step with which the pairs of a state are not surely stable."""
    if motion.shear_rate != 0.0 and math.isfinite(dt):
        moving = MovingCell(cell, motion.shear_rate * dt)
        cell = Cell(moving.matrix(state.step, moving.turns(state.step)))
    limit = stability_limit(state.positions, state.species, table, cell) / motion.mobility
    if not 0.0 < dt < limit:
        raise StabilityError(f"dt: {dt:g} is outside (0, {limit:.6g}), use a dt in that range")


def _check_run(
    state: State, cell: Cell, temperature: float, seed: int, steps: Integers, motion: Motion
) -> None:
    """Refuse temperatures, seeds and output steps that make no run."""
    if not 0.0 <= temperature < math.inf:
        raise ConfigError(f"temperature: {temperature:g} is outside [0, inf)")
    if steps.ndim != 1 or steps.size == 0 or steps[0] < state.step or np.any(np.diff(steps) <= 0):
        raise ConfigError(f"save_steps: they must increase, from {state.step} or later")
    doubled = motion.integrator == "leimkuhler-matthews"  # which looks one step ahead
    check_counters(state.species.size, int(steps[-1]) + doubled, seed, cell.dim)
