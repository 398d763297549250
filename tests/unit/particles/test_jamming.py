"""Rattlers, packing fractions, and small packings at the jamming point."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles import jamming
from glasscade.particles.jamming import decompress, measure, packing_fraction, rattlers_of
from glasscade.particles.observables import find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Harmonic, Mixture

SPHERES = PairTable.from_mixture(binary_spheres(0.1))
ONE = PairTable.from_mixture(Mixture.single(Harmonic(1.0, 1.0, 0.1)))
GAP = 0.02


def triangular(rows):
    """Disks on a triangular lattice, closer than their diameter by GAP, and its cell."""
    a = 1.0 - GAP
    cell = Cell(rows * a * np.array([[1.0, 0.5], [0.0, np.sqrt(0.75)]]))
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(rows), indexing="ij"), -1)
    return cell.cartesian(grid.reshape(-1, 2) / rows), cell


def test_lattice_has_the_numbers_that_can_be_written_down():
    positions, cell = triangular(6)
    found = measure(positions, np.zeros(36, dtype=np.int64), ONE, cell)
    a = 1.0 - GAP
    area = a**2 * np.sqrt(0.75)
    # Round-off of sums of 108 bonds.
    assert found.packing_fraction == pytest.approx(np.pi / 4.0 / area, rel=1e-13)
    assert found.coordination == 6.0
    assert found.rattlers == 0.0
    assert found.energy == pytest.approx(3.0 * 0.5 * GAP**2, rel=1e-12)
    # Three bonds a particle, each with the virial r V' = -a GAP: p = -tr σ/(2 |Ω|).
    assert found.pressure == pytest.approx(3.0 * a * GAP / (2.0 * area), rel=1e-12)
    assert found.isostatic == pytest.approx(4.0 - 2.0 / 36.0, rel=1e-14)


def test_rattlers_are_found_one_behind_the_other():
    """A particle with two contacts is free, and so is one held by three of which one is free."""
    positions, cell = triangular(6)
    # Without two neighbours of one site their common neighbours keep four or five contacts.
    keep = np.setdiff1d(np.arange(36), [14, 15, 20, 21])
    bonds = find_bonds(positions[keep], np.zeros(32, dtype=np.int64), ONE, cell)
    assert not rattlers_of(bonds, 2).any()
    # A disk in the hole that touches two others, and one that touches it and two more.
    chain = find_bonds(
        np.array([[2.0, 2.0], [2.9, 2.0], [3.8, 2.0]]), np.zeros(3, dtype=np.int64), ONE, cell
    )
    assert rattlers_of(chain, 2).all()
    pair = np.concatenate([positions[keep], [cell.cartesian(np.array([2.5, 2.5]) / 6.0)]])
    held = find_bonds(pair, np.zeros(33, dtype=np.int64), ONE, cell)
    assert np.flatnonzero(rattlers_of(held, 2)).tolist() in ([], [32])


def test_packing_fraction_is_that_of_the_mixture():
    for dim, expected in ((1, 1.3), (2, 0.9), (3, 0.7)):
        state, cell = random_mixture(64, expected, dim, seed=1, realisation=0)
        assert packing_fraction(state.species, SPHERES, cell) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", [0])
def test_small_packings_jam_isostatically(seed):
    state, cell = random_mixture(64, 0.88, 2, seed, realisation=0)
    packings, point = decompress(state.positions, state.species, SPHERES, cell, 1e-5, 1e-5)
    last = packings[-1]
    # Of 64 disks φ_J scatters by 0.01 and lies some 0.01 below that of many (O'Hern et al. 2003).
    assert 0.80 < point < 0.86
    assert 0.0 < last.packing_fraction - point < 1e-5
    # One contact more than degrees of freedom, two if a second closes at so small a pressure.
    bearing = 64 * (1.0 - last.rattlers)
    assert 0.0 <= 0.5 * bearing * (last.coordination - last.isostatic) < 1.5
    # p ~ φ - φ_J where φ_J is known to a tenth of the distance; contacts close meanwhile, and
    # make p/(φ - φ_J) rise by a tenth per decade at most.
    excess = np.array([p.packing_fraction - point for p in packings])
    pressure = np.array([p.pressure for p in packings])
    near = (excess > 1e-4) & (excess < 1e-2)
    slope = np.polyfit(np.log(excess[near]), np.log(pressure[near]), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)


def test_a_start_below_jamming_is_refused():
    state, cell = random_mixture(64, 0.6, 2, seed=1, realisation=0)
    with pytest.raises(ConfigError, match=r"^packing_fraction: 0\.6 is below jamming"):
        decompress(state.positions, state.species, SPHERES, cell)


def test_a_pressure_that_rises_does_not_stop_the_approach():
    def packing(fraction, pressure):
        return jamming.Packing(np.zeros((1, 2)), Cell.cubic(1.0, 2), fraction, pressure, 1, 4, 0)

    jammed = [packing(0.88, 1e-3), packing(0.87, 2e-3)]
    # The last step again, since two pressures that rise estimate nothing.
    assert jamming._next(jammed, -np.inf, 1e-6, 1e-6) == pytest.approx(0.86, rel=1e-14)
