"""Gases are uniform, liquids in equilibrium, and shuffled phases keep pairs and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.dynamics import State, run
from glasscade.particles.nulls import ideal_gas, liquid, shuffled_phases
from glasscade.particles.observables import energy, find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.regularity.fits import interval
from glasscade.transforms import grid_to_modes, modes_to_grid, point_modes

TABLE = PairTable.from_mixture(binary_spheres(core=0.1))
LEVEL = 0.999
CELLS = {1: Cell.cubic(3.0, 1), 2: Cell.sheared(2.0, 2, 0.3), 3: Cell.cubic(2.0, 3)}
SHAPES = {1: (257,), 2: (33, 33), 3: (17, 17, 17)}


@pytest.fixture(params=CELLS, ids="{}d".format)
def cell(request):
    return CELLS[request.param]


# Gas


def test_a_gas_has_the_species_it_is_given_anywhere_in_the_cell(cell, rng):
    species = np.repeat([0, 1], [1000, 3000])
    gas = ideal_gas(species, cell, rng)
    np.testing.assert_array_equal(gas.species, species)
    s = cell.fractional(gas.positions)
    assert s.shape == (4000, cell.dim)
    assert s.min() >= 0.0
    assert s.max() < 1.0
    # counts in eighths of each axis: χ² of seven degrees of freedom, of which 35 is one in 10⁵
    for axis in s.T:
        count = np.bincount((8.0 * axis).astype(int), minlength=8)
        assert np.sum((count - 500.0) ** 2 / 500.0) < 35.0


def test_a_gas_has_no_structure(rng):
    """S(k) = 1 at every k: |ρ(k)|²/N of many gases is exponentially distributed, of mean 1."""
    cell, number, gases = CELLS[2], 50, 400
    species = np.zeros(number, dtype=np.int64)
    factors = np.array(
        [structure_factor(ideal_gas(species, cell, rng), cell) for _ in range(gases)]
    )
    # of each wavevector the mean over gases has the error 1/√400; five of them for 40 in all
    assert np.max(np.abs(factors.mean(axis=0) - 1.0)) < 5.0 / np.sqrt(gases)


def structure_factor(state, cell, counts=(4, 4)):
    """|ρ(k)|²/N of all particles at one of each pair of wavevectors other than 0."""
    modes = point_modes(state.positions, np.ones(len(state.positions)), cell, counts)
    flat = np.abs(modes.ravel()) ** 2 / len(state.positions)
    return flat[: flat.size // 2]


def test_a_gas_comes_back_with_its_seed():
    first, again, other = (
        ideal_gas(np.zeros(20, int), CELLS[2], np.random.default_rng(seed)).positions
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


# Shuffled phases


@pytest.fixture
def pattern(cell, rng):
    """Modes of two species that are alike in part, and far from Gaussian."""
    shape = SHAPES[cell.dim]
    first = np.exp(rng.standard_normal(shape))
    second = first + rng.exponential(size=shape)
    return np.array([grid_to_modes(f, cell) for f in (first, second)])


def test_pairs_and_mean_stay(cell, pattern, rng):
    shuffled = shuffled_phases(pattern, cell, rng)
    top = np.max(np.abs(pattern))
    for a, b in ((0, 0), (1, 1), (0, 1)):
        before, after = (f[a] * np.conj(f[b]) for f in (pattern, shuffled))
        # round-off
        np.testing.assert_allclose(after, before, rtol=0.0, atol=1e-13 * top**2)
    middle = (slice(None), *(n // 2 for n in pattern.shape[1:]))
    np.testing.assert_array_equal(shuffled[middle], pattern[middle])
    assert np.max(np.abs(shuffled - pattern)) > 0.1 * np.max(np.abs(pattern[0, 0]))


def test_fields_stay_real(cell, pattern, rng):
    shuffled = shuffled_phases(pattern, cell, rng)
    opposite = np.conj(np.flip(shuffled, axis=tuple(range(1, shuffled.ndim))))
    top = np.max(np.abs(shuffled))
    np.testing.assert_allclose(shuffled, opposite, rtol=0.0, atol=1e-14 * top)  # round-off


def test_triple_correlations_go(cell, pattern, rng):
    """<δρ³>/<δρ²>^{3/2} of the pattern, far from zero, averages to zero over shuffles."""

    def skewness(modes):
        values = modes_to_grid(modes, cell, SHAPES[cell.dim])
        deviation = values - values.mean()
        return np.mean(deviation**3) / np.mean(deviation**2) ** 1.5

    before = skewness(pattern[0])
    found = interval(
        np.array([skewness(shuffled_phases(pattern, cell, rng)[0]) for _ in range(20)]), LEVEL
    )
    assert before > 1.0
    assert abs(found.value) <= found.half_width < 0.5 * before


def test_phases_come_back_with_their_seed(cell, pattern):
    first, again, other = (
        shuffled_phases(pattern, cell, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.max(np.abs(first - other)) > 0.0


# Liquid: small systems, many of them, at the temperature of the default study

NUMBER, DENSITY, TEMPERATURE, DT, DURATION = 32, 0.95, 0.1, 0.05, 50.0


def starts(count):
    return [random_mixture(NUMBER, DENSITY, 2, seed=3, realisation=r) for r in range(count)]


def energy_of(positions, state, cell):
    return energy(find_bonds(positions, state.species, TABLE, cell)) / NUMBER


def test_a_liquid_is_in_equilibrium_after_its_duration():
    """Its energy is that after twice the duration, on average over independent liquids."""
    change, first = [], []
    steps = round(DURATION / DT)
    for seed, (state, cell) in enumerate(starts(30)):
        frames = run(state, TABLE, cell, TEMPERATURE, DT, seed, [steps, 2 * steps])
        before, after = (energy_of(np.array(frame), state, cell) for frame in frames)
        change.append(after - before)
        first.append(before)
    drift, mean = interval(np.array(change), LEVEL), interval(np.array(first), LEVEL)
    assert abs(drift.value) <= drift.half_width
    # sharp enough to tell: random positions are farther from equilibrium than five half-widths
    random = np.mean([energy_of(state.positions, state, cell) for state, cell in starts(30)])
    assert random - mean.value > 5.0 * drift.half_width


def test_a_liquid_forgets_where_it_started():
    """From random positions and from a relaxed packing: the same S(k) and the same energy."""
    differences, energies = [], []
    for seed, (state, cell) in enumerate(starts(30)):
        packing = State(
            np.array(list(run(state, TABLE, cell, 0.0, DT, 0, [400]))[-1]), state.species
        )
        hot = liquid(state, TABLE, cell, TEMPERATURE, DT, DURATION, 2 * seed)
        cold = liquid(packing, TABLE, cell, TEMPERATURE, DT, DURATION, 2 * seed + 1)
        factors = [structure_factor(State(x, state.species), cell) for x in (hot, cold)]
        # rings of growing |k|, so that few numbers are compared
        order = np.argsort(np.linalg.norm(cell.wavevectors((4, 4)).reshape(2, -1), axis=0)[:40])
        rings = [[part.mean() for part in np.split(each[order], [4, 10, 20])] for each in factors]
        differences.append(np.subtract(*rings))
        energies.append([energy_of(x, state, cell) for x in (packing.positions, hot, cold)])
    found = interval(np.array(differences), LEVEL)
    assert np.all(np.abs(found.value) <= found.half_width)
    packed, hot, cold = np.array(energies).T
    assert abs(interval(hot - cold, LEVEL).value) <= interval(hot - cold, LEVEL).half_width
    # the packing is far away from both
    assert interval(hot - packed, LEVEL).value > 5.0 * interval(hot - packed, LEVEL).half_width


def test_a_liquid_is_a_function_of_its_seed():
    [(state, cell)] = starts(1)
    first, again, other = (
        liquid(state, TABLE, cell, TEMPERATURE, DT, 1.0, seed) for seed in (1, 1, 2)
    )
    assert first.shape == state.positions.shape
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)


def test_there_is_no_liquid_without_temperature():
    [(state, cell)] = starts(1)
    with pytest.raises(ConfigError, match=r"^temperature: a liquid needs one above 0, not 0"):
        liquid(state, TABLE, cell, 0.0, DT, 1.0, 1)
