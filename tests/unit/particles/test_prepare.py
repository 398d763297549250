"""Random initial states: composition, packing fraction, seeding."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.particles.prepare import noise_seed, random_mixture
from glasscade.particles.spheres import binary_spheres


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
