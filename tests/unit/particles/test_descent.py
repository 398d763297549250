"""Adaptive descent: exact relaxation of a pair, orders of step and path, outputs, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles import descent
from glasscade.particles.descent import descend, walk
from glasscade.particles.listed import ListedForces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Harmonic, Mixture

TABLE = PairTable.from_mixture(binary_spheres(0.2))
OVERLAP = 0.3
"""Of the pair, whose diameter is 1."""


@pytest.fixture
def pair():
    """Two disks of diameter 1 that overlap; they part as exp(-2t), by V'' = 1 from both sides."""
    table = PairTable.from_mixture(Mixture.single(Harmonic(1.0, 1.0, 0.1)))
    forces = ListedForces(np.zeros(2, np.int64), table, Cell.cubic(6.0, 2))
    return forces, np.array([[1.0, 1.0], [2.0 - OVERLAP, 1.0]])


@pytest.fixture
def quench():
    """Forces and positions of 30 disks at random."""
    state, cell = random_mixture(30, 0.95, 2, 1, 0)
    return ListedForces(state.species, TABLE, cell), state.positions


def overlap(positions):
    return 1.0 - (positions[1, 0] - positions[0, 0])


def errors(pair, accuracy):
    """Of the overlap, its path and its energy, at the worst of all steps."""
    forces, start = pair
    found = []
    for at in walk(start, forces, 1e-8, accuracy):
        left = OVERLAP * np.exp(-2.0 * at.time)
        # Both go half of what the overlap loses: the path is 1/sqrt(2) of that.
        gone = (OVERLAP - left) / np.sqrt(2.0)
        energy = 0.5 * (OVERLAP**2 - left**2)
        found.append([overlap(at.positions) - left, at.path - gone, at.dissipated - energy])
    return np.max(np.abs(found), axis=0)


def test_a_pair_parts_exponentially_to_the_order_of_the_method(pair):
    accuracies = np.array([1e-4, 1e-5, 1e-6, 1e-7])
    measured = np.array([errors(pair, accuracy) for accuracy in accuracies])
    # A local error of order 3 held at a tolerance leaves a global one ~ tolerance^{2/3}. Steps that
    # grow by factors scatter about that: a quarter of the exponent is granted.
    slopes = np.polyfit(np.log(accuracies), np.log(measured), 1)[0]
    np.testing.assert_allclose(slopes, 2.0 / 3.0, atol=1.0 / 6.0)
    assert np.all(measured[-1] < 5e-5)


@pytest.mark.parametrize("stages", [2, 3, 8, 40])
def test_the_local_error_of_any_number_of_stages_is_of_third_order(pair, stages):
    forces, start = pair
    at = next(walk(start, forces, 1e-8, 1e-6))
    steps = np.array([0.02, 0.01])
    local, estimated = [], []
    for h in steps:
        after, estimate = descent._step(at, h, stages, forces)
        local.append(abs(overlap(after.positions) - OVERLAP * np.exp(-2.0 * h)))
        estimated.append(estimate)
    # Halving divides by 8, up to the next order: 2h = 0.04 relative.
    assert local[0] / local[1] == pytest.approx(8.0, rel=0.06)
    assert estimated[0] / estimated[1] == pytest.approx(8.0, rel=0.06)


@pytest.mark.parametrize("stages", [2, 5, 20, 100])
def test_a_step_as_long_as_its_stages_allow_is_stable(stages):
    """|R(z)| <= 1 on the whole interval of the real axis, and R(z) = e^z to second order."""
    first, others = descent._stages(stages)
    z = -np.linspace(0.0, descent._longest(stages), 2001)
    before, now = np.ones_like(z), 1.0 + first * z
    for mu, nu, slope, rest in others:
        ahead = (1.0 - mu - nu) + mu * now + nu * before + z * (slope * now + rest)
        before, now = now, ahead
    # Round-off of the recursion grows as stages squared.
    assert np.max(np.abs(now)) <= 1.0 + stages**2 * 1e-15
    assert descent._count(0.999 * descent._longest(stages)) == stages
    near = 1e-3 / stages**2
    short = -np.array([near])
    before, now = np.ones(1), 1.0 + first * short
    for mu, nu, slope, rest in others:
        before, now = now, (1.0 - mu - nu) + mu * now + nu * before + short * (slope * now + rest)
    # The third order of the method is not that of the exponential: z³/6 at most remains.
    assert abs(now[0] - np.exp(short[0])) < near**3 + stages**2 * 1e-15


def test_energy_falls_by_what_is_dissipated_to_the_order_of_the_method(quench):
    forces, start = quench
    defects = []
    for accuracy in (1e-4, 1e-6):
        found = descend(start, forces, 1e-5, accuracy, 8)
        assert np.all(np.diff(found.energy) < 0.0)
        defects.append(np.max(np.abs(found.energy[0] - found.energy - found.dissipated)))
    # 100^{2/3} = 22; contacts that close within a step, where F has a kink, cost up to half of it.
    assert defects[0] / defects[1] > 10.0
    assert defects[1] < 1e-4 * found.dissipated[-1]


def test_more_outputs_represent_the_path_to_second_order(quench):
    """The trapezoid rule of the unit velocity, at the outputs, gives the displacement."""
    forces, start = quench
    defects = []
    for intervals in (8, 32):
        found = descend(start, forces, 1e-5, 1e-5, intervals)
        assert found.positions.shape == (intervals + 1, 30, 2)
        np.testing.assert_array_equal(found.positions[0], start)
        units = [-forces.forces(x) for x in found.positions] / found.speed[:, None, None]
        gone = np.trapezoid(units, found.path, axis=0)
        defects.append(np.linalg.norm(gone - (found.positions[-1] - start)))
    # 4² = 16, less what kinks cost, which are met between outputs by chance: a half.
    assert defects[0] / defects[1] > 8.0


def test_outputs_are_states_that_the_descent_passes(quench):
    forces, start = quench
    found = descend(start, forces, 1e-5, 1e-5, 4)
    passed = list(walk(start, forces, 1e-5, 1e-5))
    for time, speed, positions in zip(found.time, found.speed, found.positions, strict=True):
        point = next(point for point in passed if point.time == time)
        np.testing.assert_array_equal(positions, point.positions)
        assert speed == point.speed


def test_outputs_begin_where_the_particles_are_slowest_before_an_event():
    """A periodic row of two disks, one hardly off the row: it first settles, and then slips."""
    table = PairTable.from_mixture(Mixture.single(Harmonic(1.0, 1.0, 0.1)))
    cell = Cell(np.array([[1.7, 0.0], [0.0, 6.0]]))
    forces = ListedForces(np.zeros(2, np.int64), table, cell)
    start = np.array([[0.0, 3.0], [0.845, 3.0 + 1e-5]])
    found = descend(start, forces, 1e-8, 1e-7, 8)
    speeds = [point.speed for point in walk(start, forces, 1e-8, 1e-7)]
    assert found.speed[0] == pytest.approx(min(speeds[: int(np.argmax(speeds))]), rel=1e-12)
    assert found.time[0] == found.path[0] == found.dissipated[0] == 0.0
    # By then it is in the middle to a part of the 0.005 it was off, but has not slipped.
    row, off = (found.positions[0, 1] - found.positions[0, 0]) - [0.85, 0.0]
    assert abs(row) < 0.0005
    assert off < 0.001


def test_the_end_is_at_rest_and_the_same_calls_give_the_same_bits(quench):
    forces, start = quench
    first, second = (descend(start, forces, 1e-5, 1e-4, 3) for _ in range(2))
    assert np.max(np.abs(forces.forces(first.positions[-1]))) < 1e-5
    np.testing.assert_array_equal(first.positions, second.positions)


def test_particles_at_rest_have_gone_nowhere(pair):
    forces, start = pair
    apart = start + np.array([[0.0, 0.0], [2.0 * OVERLAP, 0.0]])
    points = list(walk(apart, forces, 1e-8, 1e-6))
    assert len(points) == 1
    assert points[0].path == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 1e-6, 4), r"tolerance: 0 is outside \(0, inf\)"),
        ((1e-6, np.inf, 4), r"accuracy: inf is outside \(0, inf\)"),
        ((1e-6, 1e-6, 0), "intervals: 0 must be at least 1"),
    ],
)
def test_what_makes_no_descent_is_refused(pair, arguments, message):
    forces, start = pair
    with pytest.raises(ConfigError, match=message):
        descend(start, forces, *arguments)


def test_a_descent_that_does_not_end_says_so(pair, monkeypatch):
    forces, start = pair
    monkeypatch.setattr(descent, "_MOST_STEPS", 3)
    with pytest.raises(ConvergenceError, match="after 3 steps of the descent, above 1e-08"):
        list(walk(start, forces, 1e-8, 1e-6))


def test_more_intervals_than_steps_are_refused(pair):
    forces, start = pair
    with pytest.raises(ConvergenceError, match="fewer than the 900 intervals asked for"):
        descend(start, forces, 1e-3, 1e-3, 900)
