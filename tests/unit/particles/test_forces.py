"""The vectorised force loops against sums over bonds, and which tables take which."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.particles import forces as module
from glasscade.particles.forces import block_forces, make_law, new_work
from glasscade.particles.lennard_jones import binary_lennard_jones
from glasscade.particles.neighbours import BLOCK, arrange, find, make_grid
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Harmonic, LennardJones, Mixture

UNLIKE_CAPS = Mixture(
    (
        (LennardJones(1.0, 1.0, 0.95), LennardJones(0.5, 0.8, 0.6)),
        (LennardJones(0.5, 0.8, 0.6), LennardJones(0.7, 1.2, 1.0)),
    )
)
UNLIKE_CORES = Mixture(
    (
        (Harmonic(1.0, 1.0, 0.2), Harmonic(1.0, 1.2, 0.3)),
        (Harmonic(1.0, 1.2, 0.3), Harmonic(1.0, 1.4, 0.2)),
    )
)
MIXTURES = {
    "harmonic": (binary_spheres(0.2), module._HARMONIC),
    "Lennard-Jones": (binary_lennard_jones(0.88), module._LENNARD_JONES),
    "unlike caps": (UNLIKE_CAPS, module._LENNARD_JONES),
    "unlike cores": (UNLIKE_CORES, module._ANY_KIND),
    "another kind": (Mixture.single(Gaussian(1.0, 0.5)), module._ANY_KIND),
}
CELLS = {2: Cell.sheared(22.0, 2, 0.3), 3: Cell.cubic(8.0, 3)}


def listed_forces(positions, species, table, cell):
    """-F by the loops of the engine, in the order of `positions`."""
    number, dim = positions.shape
    limit2 = np.where(table.cutoff > 0.0, table.cutoff + 0.1, 0.0) ** 2
    grid = make_grid(cell, table.reach + 0.1, number)
    packed = arrange(find(positions, species, limit2, grid), species, table.species)
    own = positions[packed.source]
    everyone = np.concatenate([own, own[packed.ghost_source] + packed.ghost_shift])
    law, force, work = make_law(table), np.empty((dim, BLOCK)), new_work(dim)
    out = np.empty_like(positions)
    for block, first in enumerate(range(0, number, BLOCK)):
        lanes = own[first : first + BLOCK]
        block_forces(block, lanes, everyone, packed, law, force, work)
        out[packed.source[first : first + BLOCK]] = force[:, : len(lanes)].T
    return out


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("name", MIXTURES)
def test_loops_agree_with_bonds(name, dim, rng):
    """At random positions: some pairs lie in the cap, in the quartic and beyond the end."""
    table, cell = PairTable.from_mixture(MIXTURES[name][0]), CELLS[dim]
    positions = cell.cartesian(rng.random((500, dim)))
    species = np.arange(500) % table.species
    found = listed_forces(positions, species, table, cell)
    expected = -forces(find_bonds(positions, species, table, cell))
    # Round-off of some forty terms, and of r in s^13: 1e-14 of the largest, which is in a cap.
    assert found == pytest.approx(expected, abs=1e-13 * np.abs(expected).max())


def test_roots_from_single_precision_are_those_of_doubles(rng):
    u = 10.0 ** rng.uniform(-30.0, 30.0, 1000)
    found = np.array([module._inverse_root(x) for x in u])
    # Four roundings of 1.1e-16: the last step leaves the cube of 3e-7.
    assert found == pytest.approx(1.0 / np.sqrt(u), rel=4.5e-16)


@pytest.mark.parametrize("name", MIXTURES)
def test_tables_take_their_path(name):
    mixture, path = MIXTURES[name]
    assert make_law(PairTable.from_mixture(mixture)).path == path


def test_lennard_jones_cut_otherwise_takes_the_general_path():
    """The loop knows one shape for all pairs."""
    table = PairTable.from_mixture(binary_lennard_jones(0.88))
    parameters = table.parameters.copy()
    parameters[0, 0, 6] *= 1.01
    assert make_law(dataclasses.replace(table, parameters=parameters)).path == module._ANY_KIND


@pytest.mark.parametrize("kind", ["harmonic", "Lennard-Jones"])
def test_species_that_do_not_interact_exert_nothing(kind, rng):
    table = PairTable.from_mixture(MIXTURES[kind][0])
    cutoff = table.cutoff * np.array([[1.0, 0.0], [0.0, 1.0]])
    apart = dataclasses.replace(table, cutoff=cutoff)
    assert make_law(apart).path == MIXTURES[kind][1]
    positions, species = CELLS[2].cartesian(rng.random((500, 2))), np.arange(500) % 2
    found = listed_forces(positions, species, apart, CELLS[2])
    expected = -forces(find_bonds(positions, species, apart, CELLS[2]))
    # As above.
    assert found == pytest.approx(expected, abs=1e-13 * np.abs(expected).max())
