"""Initial states: random positions (T = ∞), quenches of these or of liquids, slow cooling.

A liquid in equilibrium at a parent temperature is `nulls.liquid`, a packing without pressure
`jamming.decompress`. Of the quenches steepest descent alone is the dynamics of this theory at
T = 0: `fire` and `conjugate_gradients` take other paths to other minima.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.descent import walk
from glasscade.particles.dynamics import State, run
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import Minimum, conjugate_gradients, fire
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import side

Integers = npt.NDArray[np.int64]

MINIMISERS: dict[str, Callable[[ListedForces, np.ndarray, float], Minimum]] = {
    "fire": fire,
    "conjugate_gradients": conjugate_gradients,
}
DESCENT = "descent"
ACCURACY = 1e-4
"""Largest local error of a coordinate in a step of a descent, in l0."""


def random_mixture(
    number: int, packing_fraction: float, dim: int, seed: int, realisation: int
) -> tuple[State, Cell]:
    """Particles of `DIAMETERS`, half of each, uniformly at random in a cube.

    Parameters
    ----------
    number
        N, even; the first half is the small species 0.
    packing_fraction
        φ, see `spheres.side`.
    dim
        1, 2 or 3.
    seed, realisation
        Together they name the positions.

    Raises
    ------
    ConfigError
        If N is odd or not positive, or φ is not positive.
    """
    cell = Cell.cubic(side(number, packing_fraction, dim), dim)
    return random_state((number // 2, number // 2), cell, seed, realisation), cell


def random_state(counts: Sequence[int], cell: Cell, seed: int, realisation: int) -> State:
    """So many particles of each species, in the order of their species, uniformly at random."""
    random = np.random.default_rng([seed, realisation])
    species = species_in_order(counts)
    return State(cell.cartesian(random.random((species.size, cell.dim))), species)


def species_in_order(counts: Sequence[int]) -> Integers:
    """The species (N,) of so many particles of each, the first ones first."""
    return np.repeat(np.arange(len(counts)), counts)


def noise_seed(seed: int, realisation: int) -> int:
    """The 32-bit seed of the noise of one realisation, the same at every temperature."""
    return int(np.random.SeedSequence([seed, realisation]).generate_state(1)[0])


def quench(state: State, table: PairTable, cell: Cell, method: str, tolerance: float) -> State:
    """The minimum of U into which a state falls at once, T = 0.

    Parameters
    ----------
    state, table, cell
        The start, for example random or a liquid.
    method : str
        "descent", the dynamics at T = 0 as `descent.walk` follows it; "fire" or
        "conjugate_gradients", faster and to another minimum.
    tolerance : float
        It ends at max_a |F_a| below this, in V0/l0. A descent slows down as t^{-0.9}, and in a
        finite cell exponentially in the end.

    Raises
    ------
    ConfigError
        If there is no such method or the tolerance is not positive.
    ConvergenceError
        If the forces do not fall below the tolerance.
    """
    if method not in (DESCENT, *MINIMISERS):
        known = ", ".join((DESCENT, *MINIMISERS))
        raise ConfigError(f"method: there is no {method}; it is one of {known}")
    if not tolerance > 0.0:
        raise ConfigError(f"tolerance: {tolerance:g} is outside (0, inf)")
    listed = ListedForces(state.species, table, cell)
    if method == DESCENT:
        *_, end = walk(state.positions, listed, tolerance, ACCURACY)
        return State(end.positions, state.species)
    rest = MINIMISERS[method](listed, state.positions, tolerance)
    return State(rest.positions, state.species)


def cool(
    state: State,
    table: PairTable,
    cell: Cell,
    temperatures: tuple[float, float],
    rate: float,
    dt: float,
    seed: int,
    stages: int = 50,
) -> State:
    """A slow quench: Brownian dynamics while T falls linearly in time, dT/dt = -rate.

    T is constant in each of the stages, of equal length, and lies at the middle of what it falls
    through meanwhile.

    Parameters
    ----------
    state : State
        The liquid it starts from, in equilibrium at the first temperature.
    temperatures : (float, float)
        First and last, in V0/k_B; the last may be 0.
    rate : float
        In mu V0²/(k_B l0²).
    dt, seed
        Time step and seed of the noise, which goes on from `state.step`.
    stages : int

    Raises
    ------
    ConfigError
        If the temperatures do not fall or the rate is not positive.
    """
    first, last = temperatures
    if not first > last >= 0.0:
        raise ConfigError(
            f"temperatures: they must fall and not below 0, not {first:g} to {last:g}"
        )
    if not rate > 0.0:
        raise ConfigError(f"rate: {rate:g} is outside (0, inf)")
    steps = max(round((first - last) / (rate * dt * stages)), 1)
    for stage in range(stages):
        temperature = first + (last - first) * (stage + 0.5) / stages
        end = state.step + steps
        positions = run(state, table, cell, temperature, dt, seed, [end])[0]
        state = State(positions, state.species, end)
    return state
