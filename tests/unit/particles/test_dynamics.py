"""The fast engine against ten lines of numpy, reproducibility to the bit, and refusals."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numba
import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.particles import dynamics
from glasscade.particles.dynamics import (
    Motion,
    State,
    choose_skin,
    run,
    simulate,
)
from glasscade.particles.lennard_jones import binary_lennard_jones
from glasscade.particles.noise import normals
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.particles.stability import stability_limit
from glasscade.potentials import Gaussian, Harmonic, LennardJones, Mixture

SPHERES = binary_spheres(0.1)
MIXTURES = {
    "spheres": SPHERES,
    "sharp spheres": binary_spheres(0.0),
    "spheres of unlike strength": Mixture(
        (
            (Harmonic(1.0, 1.0, 0.1), Harmonic(0.5, 1.2, 0.2)),
            (Harmonic(0.5, 1.2, 0.2), Harmonic(2.0, 1.4, 0.1)),
        )
    ),
    "Lennard-Jones": binary_lennard_jones(0.88),
    "Lennard-Jones of unlike caps": Mixture(
        (
            (LennardJones(1.0, 1.0, 0.9), LennardJones(0.5, 0.8, 0.7)),
            (LennardJones(0.5, 0.8, 0.7), LennardJones(0.7, 1.2, 1.0)),
        )
    ),
    "unlike kinds": Mixture(
        (
            (Harmonic(1.0, 1.0, 0.1), Gaussian(0.7, 0.3)),
            (Gaussian(0.7, 0.3), Harmonic(1.0, 1.3, 0.2)),
        )
    ),
}
CELLS = {
    "line": Cell.cubic(60.0, 1),
    "square": Cell.cubic(9.0, 2),
    "tilted": Cell.sheared(9.0, 2, 0.4),
    "tilted cube": Cell(np.array([[5.0, 1.5, -1.0], [0.0, 4.5, 1.0], [0.0, 0.0, 5.0]])),
    "one image is not enough": Cell.sheared(1.1, 2, 0.3),
}


def euler_maruyama(state, table, cell, temperature, dt, seed, steps):
    """The reference: all bonds anew at every step."""
    x, dim = state.positions.copy(), cell.dim
    for step in range(state.step, state.step + steps):
        noise = normals(np.arange(len(x)), step, seed, dim)
        drift = forces(find_bonds(x, state.species, table, cell))
        x += -drift * dt + np.sqrt(2.0 * temperature * dt) * noise
    return x


def particles(cell, rng, number):
    """Particles anywhere, also outside the cell."""
    return State(cell.cartesian(3.0 * rng.random((number, cell.dim)) - 1.0), np.arange(number) % 2)


@pytest.mark.parametrize("temperature", [0.0, 0.02])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES.keys())
def test_engine_follows_the_reference(mixture, cell, temperature, rng):
    table = PairTable.from_mixture(mixture)
    number = 20 if cell.volume < 4.0 else 80
    state = dataclasses.replace(particles(cell, rng, number), step=7)
    # Enough steps for several renewals of the list at the higher temperature.
    dt, steps = 0.5 * stability_limit(state.positions, state.species, table, cell), 60
    found = run(state, table, cell, temperature, dt, 3, [7, 8, 7 + steps])
    expected = euler_maruyama(state, table, cell, temperature, dt, 3, steps)
    # Round-off of positions of order 100 is 1e-14; cores repel, which may enlarge it a hundredfold.
    assert found[0] == pytest.approx(state.positions, abs=1e-13)
    assert found[1] == pytest.approx(
        euler_maruyama(state, table, cell, temperature, dt, 3, 1), abs=1e-13
    )
    assert found[2] == pytest.approx(expected, abs=1e-11)


def test_lists_are_renewed(rng):
    """The comparison above would hold without renewals only if nothing moved."""
    state, cell = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    engine = dynamics._Engine(state, table, cell, dynamics._Rules(Motion(), 0.1, 0.02, 3))
    first = engine.packed
    engine.advance(60)
    assert engine.packed is not first


@pytest.mark.parametrize(
    ("mixture", "dim", "steps"),
    [("spheres", 2, 40), ("spheres", 3, 40), ("Lennard-Jones", 2, 5)],
)
def test_any_number_of_threads_gives_the_same_bits(mixture, dim, steps):
    state, cell = random_mixture(6000, 0.9 if dim == 2 else 0.6, dim, seed=1, realisation=0)
    table = PairTable.from_mixture(MIXTURES[mixture])
    dt = min(0.02, 0.5 * stability_limit(state.positions, state.species, table, cell))
    found = []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        found.append(run(state, table, cell, 0.01, dt, 3, [steps]))
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("number", [500, 6000])
def test_output_times_do_not_change_a_bit(number):
    state, cell = random_mixture(number, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    sparse = run(state, table, cell, 0.01, 0.02, 3, [41])
    dense = run(state, table, cell, 0.01, 0.02, 3, np.arange(42))
    assert np.array_equal(dense[-1], sparse[-1])


def test_a_run_goes_on_where_another_stopped():
    state, cell = random_mixture(300, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    halfway, end = run(state, table, cell, 0.01, 0.02, 3, [20, 40])
    resumed = State(halfway, state.species, step=20)
    # The list is renewed at another step: sums are rounded in another order.
    assert run(resumed, table, cell, 0.01, 0.02, 3, [40])[0] == pytest.approx(end, abs=1e-11)


def test_noise_is_the_same_at_every_temperature():
    state, cell = random_mixture(300, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    dt = 0.02
    still = run(state, table, cell, 0.0, dt, 3, [1])[0]
    noises = []
    for temperature in (1e-1, 1e-4):
        moved = run(state, table, cell, temperature, dt, 3, [1])[0]
        noises.append((moved - still) / np.sqrt(2.0 * temperature * dt))
    # Positions of order 20 are rounded to 4e-15, divided by an amplitude of 2e-3.
    assert noises[0] == pytest.approx(noises[1], abs=1e-11)
    assert noises[0] == pytest.approx(normals(np.arange(300), 0, 3, 2), abs=1e-11)


def test_a_step_beyond_the_limit_is_refused():
    state, cell = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    limit = stability_limit(state.positions, state.species, table, cell)
    run(state, table, cell, 0.0, 0.99 * limit, 3, [1])
    for dt in (limit, 10.0, -0.1, np.nan):
        with pytest.raises(StabilityError, match=rf"dt: .* is outside \(0, {limit:.6g}\)"):
            simulate(state, table, cell, 0.0, dt, 3, [1])


def test_positions_that_run_away_are_noticed():
    state, cell = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    frames = simulate(state, table, cell, 1.7e308, 0.01, 3, [0, 100])
    assert next(frames)[0] == 0
    with pytest.raises(StabilityError, match=r"no longer finite at step 1 with dt = 0\.01"):
        next(frames)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": -0.1}, "temperature: -0.1 is outside"),
        ({"temperature": np.inf}, "temperature: inf is outside"),
        ({"seed": -1}, "seed: -1 is outside"),
        ({"save_steps": []}, "save_steps: they must increase, from 5 or later"),
        ({"save_steps": [4, 6]}, "save_steps: they must increase, from 5 or later"),
        ({"save_steps": [6, 6]}, "save_steps: they must increase, from 5 or later"),
        ({"save_steps": [2**32]}, "steps: 4294967296 is outside"),
    ],
)
def test_bad_runs_are_refused(changes, message):
    state, cell = random_mixture(10, 0.9, 2, seed=1, realisation=0)
    arguments = {
        "state": dataclasses.replace(state, step=5),
        "table": PairTable.from_mixture(SPHERES),
        "cell": cell,
        "temperature": 0.0,
        "dt": 0.01,
        "seed": 1,
        "save_steps": [5, 6],
    }
    with pytest.raises(ConfigError, match=message):
        simulate(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.zeros((10, 3))}, r"positions: the shape must be \(N, 2\)"),
        ({"positions": np.zeros((0, 2))}, r"positions: the shape must be \(N, 2\)"),
        ({"positions": np.full((10, 2), np.nan)}, "positions: every coordinate must be"),
        ({"species": np.zeros(9, dtype=np.int64)}, "species: the shape must be"),
        ({"species": np.full(10, 2)}, r"species: numbers must lie in \[0, 2\)"),
        ({"species": np.full(10, -1)}, r"species: numbers must lie in \[0, 2\)"),
    ],
)
def test_bad_states_are_refused(changes, message):
    state, cell = random_mixture(10, 0.9, 2, seed=1, realisation=0)
    bad = dataclasses.replace(state, **changes)
    with pytest.raises(ConfigError, match=message):
        simulate(bad, PairTable.from_mixture(SPHERES), cell, 0.0, 0.01, 1, [1])


def test_skin_grows_with_the_noise():
    skins = [choose_skin(2000, 2, 0.8, 1.4, temperature, 0.04) for temperature in (0, 1e-2, 1e-1)]
    assert skins[0] < skins[1] < skins[2]


CACHED = """
from numba.core.registry import CPUDispatcher
from glasscade.particles import dynamics, forces, neighbours, noise, observables, pairs
from glasscade.particles import prepare, spheres, steps
state, cell = prepare.random_mixture(500, 0.9, 2, 1, 0)
large, wide = prepare.random_mixture(5000, 0.9, 2, 1, 0)
table = pairs.PairTable.from_mixture(spheres.binary_spheres(0.1))
dynamics.run(state, table, cell, 0.01, 0.02, 3, [3])
dynamics.run(large, table, wide, 0.01, 0.02, 3, [3])
modules = (dynamics, forces, neighbours, noise, observables, pairs, steps)
compiled = {f for m in modules for f in vars(m).values() if isinstance(f, CPUDispatcher)}
print(sum(sum(f.stats.cache_hits.values()) for f in compiled))
print(sum(sum(f.stats.cache_misses.values()) for f in compiled))
"""


def test_a_second_process_compiles_nothing():
    exec(CACHED, {})
    result = subprocess.run(
        [sys.executable, "-c", CACHED], capture_output=True, text=True, check=True
    )
    hits, misses = (int(line) for line in result.stdout.split())
    assert hits > 5
    assert misses == 0
