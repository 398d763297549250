"""Initial states: composition, packing fraction and seeding of random ones; quenches, cooling."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.particles.dynamics import State, run
from glasscade.particles.observables import energy, find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import cool, noise_seed, quench, random_mixture
from glasscade.particles.spheres import binary_spheres

SPHERES = PairTable.from_mixture(binary_spheres(0.1))


@pytest.mark.parametrize("dim", [2, 3])
def test_composition_and_packing_fraction(dim):
    state, cell = random_mixture(400, 0.95, dim, seed=1, realisation=0)
    radii = np.where(state.species == 0, 0.5, 0.7)
    ball = {2: np.pi, 3: 4.0 * np.pi / 3.0}[dim]
    assert np.bincount(state.species).tolist() == [200, 200]
    assert np.sum(ball * radii**dim) / cell.volume == pytest.approx(0.95, rel=1e-13)
    assert cell.is_cubic
    s = cell.fractional(state.positions)
    assert s.min() >= 0.0
    assert s.max() < 1.0
    # Four standard errors of the mean of 400 uniform numbers.
    assert np.all(np.abs(s.mean(axis=0) - 0.5) < 4.0 / np.sqrt(12.0 * 400))


def test_each_realisation_is_its_own_and_comes_back():
    first, _ = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    again, _ = random_mixture(100, 0.9, 2, seed=1, realisation=0)
    other, _ = random_mixture(100, 0.9, 2, seed=1, realisation=1)
    reseeded, _ = random_mixture(100, 0.9, 2, seed=2, realisation=0)
    assert np.array_equal(first.positions, again.positions)
    assert not np.any(first.positions == other.positions)
    assert not np.any(first.positions == reseeded.positions)


def test_noise_seeds_differ_and_fit_32_bits():
    seeds = {noise_seed(seed, realisation) for seed in range(20) for realisation in range(20)}
    assert len(seeds) == 400
    assert max(seeds) < 2**32
    assert max(seeds) > 2**31


def test_diameters_are_additive():
    table = binary_spheres(0.05).table
    assert [[v.cutoff for v in row] for row in table] == [[1.0, 1.2], [1.2, 1.4]]
    assert all(v.core == 0.05 for row in table for v in row)


@pytest.mark.parametrize("number", [0, -2, 7])
def test_half_of_each_size_needs_an_even_number(number):
    with pytest.raises(ConfigError, match=f"number: {number} is not a positive even number"):
        random_mixture(number, 0.9, 2, seed=1, realisation=0)


@pytest.mark.parametrize("fraction", [0.0, -1.0, np.nan])
def test_packing_fraction_must_be_positive(fraction):
    with pytest.raises(ConfigError, match=r"packing_fraction: .* is outside"):
        random_mixture(10, fraction, 2, seed=1, realisation=0)


def energy_of(state, cell):
    return energy(find_bonds(state.positions, state.species, SPHERES, cell))


@pytest.mark.parametrize("method", ["descent", "fire", "conjugate_gradients"])
def test_a_quench_comes_to_rest(method):
    state, cell = random_mixture(100, 1.1, 2, seed=3, realisation=0)
    rest = quench(state, SPHERES, cell, method, 1e-6)
    bonds = find_bonds(rest.positions, state.species, SPHERES, cell)
    assert np.linalg.norm(forces(bonds), axis=1).max() < 1e-6
    assert energy(bonds) < energy_of(state, cell)
    np.testing.assert_array_equal(rest.species, state.species)


def test_only_descent_is_the_dynamics_at_zero_temperature():
    """It ends where small steps end, the minimisers elsewhere.

    From t = 2 on, since at first the paths of different steps part too.
    """
    start, cell = random_mixture(100, 1.1, 2, seed=3, realisation=0)
    state = State(run(start, SPHERES, cell, 0.0, 0.02, 0, [100])[0], start.species)
    finer = run(state, SPHERES, cell, 0.0, 0.02, 0, [100_000])[0]
    descended, fired = (quench(state, SPHERES, cell, m, 1e-8) for m in ("descent", "fire"))
    # In one minimum, forces of 1e-8 over the softest mode, some 1e-2, apart.
    np.testing.assert_allclose(descended.positions, finer, atol=1e-5)
    # Another is as far as particles move from random positions.
    assert np.abs(fired.positions - finer).max() > 0.1


def test_slow_cooling_ends_lower_than_a_quench():
    """Minima are deeper the slower they are reached (Sastry, Debenedetti and Stillinger 1998)."""
    gains = []
    for realisation in range(8):
        start, cell = random_mixture(100, 1.0, 2, seed=5, realisation=realisation)
        noise = noise_seed(5, realisation)
        cooled = cool(start, SPHERES, cell, (2e-3, 0.0), 2e-6, 0.05, noise, stages=20)
        at_once, slowly = (quench(state, SPHERES, cell, "fire", 1e-8) for state in (start, cooled))
        gains.append(energy_of(at_once, cell) - energy_of(slowly, cell))
    # Two standard errors.
    assert np.mean(gains) > 2.0 * np.std(gains, ddof=1) / np.sqrt(8.0)


def test_cooling_goes_through_the_stages_in_time():
    """The same as runs one after the other, at the middle of each stage, with one noise."""
    state, cell = random_mixture(64, 1.0, 2, seed=5, realisation=0)
    found = cool(state, SPHERES, cell, (0.3, 0.1), 0.1, 0.05, seed=9, stages=2)
    middle = run(state, SPHERES, cell, 0.25, 0.05, 9, [20])[0]
    end = run(State(middle, state.species, 20), SPHERES, cell, 0.15, 0.05, 9, [40])[0]
    np.testing.assert_array_equal(found.positions, end)
    assert found.step == 40


@pytest.mark.parametrize(
    ("temperatures", "rate", "message"),
    [
        ((0.1, 0.2), 1.0, r"^temperatures: they must fall"),
        ((0.1, -0.1), 1.0, r"^temperatures: they must fall"),
        ((0.2, 0.1), 0.0, r"^rate: 0 is outside \(0, inf\)"),
    ],
)
def test_cooling_that_does_not_cool_is_refused(temperatures, rate, message):
    state, cell = random_mixture(64, 1.0, 2, seed=5, realisation=0)
    with pytest.raises(ConfigError, match=message):
        cool(state, SPHERES, cell, temperatures, rate, 0.05, seed=9)


@pytest.mark.parametrize(
    ("method", "tolerance", "message"),
    [
        ("newton", 1e-6, r"^method: there is no newton; it is one of descent, fire, conj"),
        ("descent", 0.0, r"^tolerance: 0 is outside \(0, inf\)"),
    ],
)
def test_quenches_that_do_not_exist_are_refused(method, tolerance, message):
    state, cell = random_mixture(64, 1.0, 2, seed=5, realisation=0)
    with pytest.raises(ConfigError, match=message):
        quench(state, SPHERES, cell, method, tolerance)
