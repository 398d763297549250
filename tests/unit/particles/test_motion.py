"""Mobility, integrators, external forces and shear against numpy; threads and checkpoints."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.external import Active, AffineFlow, Kolmogorov, Sum
from glasscade.particles.dynamics import Motion, State, run, simulate
from glasscade.particles.noise import normals
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.particles.stability import stability_limit

TABLE = PairTable.from_mixture(binary_spheres(0.1))
LATER = "leimkuhler-matthews"
FLOW = {2: Kolmogorov(0.5, (0, 2), (1.0, 0.0), 0.3), 3: Kolmogorov(0.5, (0, 1, -2), (1.0, 0, 0))}
ACTIVE = Sum((Active(0.4, 0.3, 0.5, 2.5, seed=3, kind="isotropic"), FLOW[2]))
MOTIONS = {
    "mobility": Motion(mobility=0.6),
    "two noises": Motion(integrator=LATER),
    "force": Motion(external=ACTIVE, mobility=1.3),
    "force for one species": Motion(external=(Sum(()), ACTIVE)),
    "shear": Motion(shear_rate=0.9),
    "shear backwards": Motion(shear_rate=-0.9, mobility=0.5),
    "all": Motion(0.7, LATER, FLOW[2], 0.6),
}
CELLS = {
    "square": Cell.cubic(9.0, 2),
    "tilted": Cell(np.array([[9.0, 3.6], [0.0, 8.0]])),
    "one image is not enough": Cell.sheared(1.1, 2, 0.3),
}


def reference(state, cell, temperature, dt, seed, steps, motion):
    """All bonds anew at every step, in the cell that the flow has carried along."""
    x, dim = state.positions.copy(), cell.dim
    flow = AffineFlow.simple_shear(motion.shear_rate, dim)
    external = motion.external if isinstance(motion.external, tuple) else (motion.external,) * 2
    for step in range(state.step, state.step + steps):
        now = flow.moved(cell, step * dt)
        push = -forces(find_bonds(x, state.species, TABLE, now))
        for s, force in enumerate(external):
            if force is not None:
                push[state.species == s] += force.at(now, x[state.species == s])
        noise = normals(np.arange(len(x)), step, seed, dim)
        if motion.integrator == LATER:
            noise = 0.5 * (noise + normals(np.arange(len(x)), step + 1, seed, dim))
        kick = np.sqrt(2.0 * motion.mobility * temperature * dt) * noise
        x = x + motion.mobility * push * dt + x @ flow.gradient.T * dt + kick
    return x


def follow(cell, motion, rng, number=80):
    """Largest difference between engine and reference; 60 steps strain by up to one."""
    positions = cell.cartesian(3.0 * rng.random((number, cell.dim)) - 1.0)
    state = State(positions, np.arange(number) % 2, step=7)
    dt = 0.5 * stability_limit(positions, state.species, TABLE, cell) / motion.mobility
    found = run(state, TABLE, cell, 0.02, dt, 3, [7, 67], motion=motion)
    assert found[0] == pytest.approx(positions, abs=1e-13)
    return np.abs(found[1] - reference(state, cell, 0.02, dt, 3, 60, motion)).max()


# No wavevector of the random force fits into the smallest cell.
CASES = [
    pytest.param(motion, cell, id=f"{name} {where}")
    for name, motion in MOTIONS.items()
    for where, cell in CELLS.items()
    if cell.volume > 4.0 or not isinstance(motion.external, Sum | tuple)
]


@pytest.mark.parametrize(("motion", "cell"), CASES)
def test_engine_follows_the_reference(motion, cell, rng):
    # Round-off of positions of order 100 is 1e-14; cores repel, which may enlarge it a hundredfold.
    assert follow(cell, motion, rng, 20 if cell.volume < 4.0 else 80) < 1e-11


def test_engine_follows_the_reference_in_three_dimensions(rng):
    cell = Cell(np.array([[5.0, 1.5, -1.0], [0.0, 4.5, 0.0], [0.0, 0.0, 5.0]]))
    assert follow(cell, Motion(0.7, LATER, FLOW[3], 0.6), rng) < 1e-11


# Few waves of a random force, in cells of many particles.
STIRRED = Motion(1.3, external=(Sum(()), Active(0.4, 0.3, 0.2, 0.5, seed=3)))


@pytest.mark.parametrize("motion", [MOTIONS["all"], STIRRED], ids=["all", "force"])
def test_threads_and_restarts_leave_every_bit(motion):
    """From both loops, serial and parallel, and with two threads for the latter."""
    for number, threads in ((500, (1,)), (4100, (1, 2))):
        state, cell = random_mixture(number, 0.9, 2, seed=1, realisation=0)
        saved, found = [], []
        for count in threads:
            numba.set_num_threads(count)
            frames = simulate(
                state,
                TABLE,
                cell,
                0.01,
                0.02,
                3,
                [0, 30, 45, 60],
                motion=motion,
                checkpoint_steps=15,
                save=saved.append,
            )
            found.append([positions for _, positions in frames])
        assert np.array_equal(found[0], found[-1])
        assert [point.step for point in saved[:3]] == [15, 30, 45]  # none at the last step
        for point, left in zip(saved[:3], ([30, 45, 60], [45, 60], [60]), strict=True):
            again = run(point, TABLE, cell, 0.01, 0.02, 3, left, motion=motion, checkpoint_steps=15)
            assert np.array_equal(again, found[0][-len(left) :])


def test_checkpoints_are_needed_for_the_same_bits():
    """The comparison above would say nothing if the order of the list did not matter."""
    state, cell = random_mixture(500, 0.9, 2, seed=1, realisation=0)
    with_them = run(state, TABLE, cell, 0.01, 0.02, 3, [60], checkpoint_steps=15)
    without = run(state, TABLE, cell, 0.01, 0.02, 3, [60])
    assert not np.array_equal(with_them, without)
    # As above: round-off, enlarged by cores that repel.
    assert with_them == pytest.approx(without, abs=1e-11)


def test_mobility_divides_the_largest_step():
    state, cell = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    limit = stability_limit(state.positions, state.species, TABLE, cell) / 4.0
    motion = Motion(mobility=4.0)
    run(state, TABLE, cell, 0.0, 0.99 * limit, 3, [1], motion=motion)
    with pytest.raises(StabilityError, match=rf"dt: .* is outside \(0, {limit:.6g}\)"):
        run(state, TABLE, cell, 0.0, limit, 3, [1], motion=motion)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"mobility": 0.0}, r"mobility: 0 is outside \(0, inf\)"),
        ({"mobility": np.nan}, r"mobility: nan is outside \(0, inf\)"),
        ({"integrator": "heun"}, "integrator: 'heun' must be one of euler-maruyama, leimkuhler"),
        ({"shear_rate": np.inf}, "shear_rate: inf must be finite"),
        ({"external": ACTIVE, "shear_rate": 0.1}, "external: under shear a force must not depend"),
        ({"external": (ACTIVE,)}, "external: 1 forces were given for 2 species"),
        ({"external": FLOW[3]}, "external.wave: .* must have 2 components"),
    ],
)
def test_bad_motions_are_refused(keys, message):
    state, cell = random_mixture(10, 0.9, 2, seed=1, realisation=0)
    with pytest.raises(ConfigError, match=message):
        simulate(state, TABLE, cell, 0.0, 0.01, 1, [1], motion=Motion(**keys))


@pytest.mark.parametrize("matrix", [[[5.0, 0.0], [1.0, 5.0]], [[5.0]]], ids=["leaning x", "line"])
def test_cells_that_cannot_be_sheared_are_refused(matrix):
    cell = Cell(np.array(matrix))
    state = State(np.zeros((1, cell.dim)), np.zeros(1, dtype=np.int64))
    with pytest.raises(ConfigError, match=r"to be sheared it needs|no shear in one dimension"):
        simulate(state, TABLE, cell, 0.0, 0.01, 1, [1], motion=Motion(shear_rate=0.1))


def test_the_last_step_of_two_noises_must_have_a_successor():
    state, cell = random_mixture(10, 0.9, 2, seed=1, realisation=0)
    late = dataclasses.replace(state, step=2**32 - 2)
    simulate(late, TABLE, cell, 0.0, 0.01, 1, [2**32 - 1])
    with pytest.raises(ConfigError, match="steps: 4294967296 is outside"):
        simulate(late, TABLE, cell, 0.0, 0.01, 1, [2**32 - 1], motion=Motion(integrator=LATER))


def test_negative_distances_of_checkpoints_are_refused():
    state, cell = random_mixture(10, 0.9, 2, seed=1, realisation=0)
    with pytest.raises(ConfigError, match="checkpoint_steps: -1 is below 0"):
        simulate(state, TABLE, cell, 0.0, 0.01, 1, [1], checkpoint_steps=-1)
