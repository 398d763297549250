"""Listed forces against sums over bonds, with the list kept and renewed, in cells that deform."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.particles.listed import ListedForces
from glasscade.particles.observables import energy, find_bonds, forces, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Harmonic, Mixture

TABLES = {
    "spheres": PairTable.from_mixture(binary_spheres(0.1)),
    "unlike kinds": PairTable.from_mixture(
        Mixture(
            (
                (Harmonic(1.0, 1.0, 0.1), Gaussian(0.7, 0.3)),
                (Gaussian(0.7, 0.3), Harmonic(-0.5, 1.3, 0.2)),
            )
        )
    ),
}
CELLS = {
    "line": Cell.cubic(60.0, 1),
    "tilted": Cell.sheared(17.0, 2, 0.4),
    "tilted cube": Cell(np.array([[6.0, 1.5, -1.0], [0.0, 6.0, 1.0], [0.0, 0.0, 7.0]])),
    "one image is not enough": Cell.sheared(1.1, 2, 0.3),
}
NUMBER = 300
"""More than one block."""


@pytest.fixture(params=TABLES.values(), ids=TABLES.keys())
def table(request):
    return request.param


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


@pytest.fixture
def particles(cell, rng):
    """Particles anywhere, also outside the cell, and their species."""
    number = NUMBER if cell.volume > 2.0 else 40
    return cell.cartesian(3.0 * rng.random((number, cell.dim)) - 1.0), rng.integers(0, 2, number)


def check(listed, positions, table):
    """Forces, energy and virial are those of the bonds, up to the round-off of other orders."""
    bonds = find_bonds(positions, listed.species, table, listed.cell)
    # Sums of up to 300 forces of one, in the cell of many images; the total of 1e5 pairs.
    np.testing.assert_allclose(listed.forces(positions), forces(bonds), rtol=0.0, atol=3e-12)
    found, virial = listed.energy_and_virial(positions)
    assert found == listed.energy(positions)
    assert found == pytest.approx(energy(bonds), rel=1e-12)
    expected = virial_stress(bonds)
    assert virial == pytest.approx(expected, rel=1e-11, abs=1e-12 * np.abs(expected).max())


def test_sums_are_those_over_bonds(particles, table, cell):
    positions, species = particles
    check(ListedForces(species, table, cell), positions, table)


def test_list_is_kept_while_nobody_has_used_up_half_the_skin(particles, table, cell, rng):
    positions, species = particles
    listed = ListedForces(species, table, cell, skin=0.2)
    direction = rng.standard_normal(positions.shape)
    direction /= np.linalg.norm(direction, axis=1).max()
    expected = 0
    for distance in (0.0, 0.05, 0.099, 0.101, 0.2, 0.5):
        # 0.2 is 0.099 from where the list was made at 0.101.
        expected += distance in (0.0, 0.101, 0.5)
        check(listed, positions + distance * direction, table)
        assert listed.renewals == expected


def test_images_do_not_matter(particles, table, cell, rng):
    positions, species = particles
    listed = ListedForces(species, table, cell)
    moved = positions + rng.integers(-2, 3, positions.shape) @ cell.matrix.T
    # Positions of up to 200 lose a few 1e-14; stiffness and number of neighbours make it 1e-11.
    np.testing.assert_allclose(listed.forces(moved), listed.forces(positions), rtol=0.0, atol=1e-11)


def test_the_same_calls_give_the_same_bits(particles, table, cell, rng):
    positions, species = particles
    path = [positions + 0.05 * k * rng.standard_normal(positions.shape) for k in range(5)]
    one, two = (ListedForces(species, table, cell) for _ in range(2))
    for x in path:
        np.testing.assert_array_equal(one.forces(x), two.forces(x))
    # After a renewal nothing of what came before is left.
    late = ListedForces(species, table, cell)
    one.renew(path[2])
    np.testing.assert_array_equal(one.forces(path[2]), late.forces(path[2]))
    assert one.energy(path[2]) == late.energy(path[2])


def test_cell_deforms_with_its_particles(table, rng):
    cell, sheared = Cell.cubic(17.0, 2), Cell.sheared(17.0, 2, 0.05)
    species = rng.integers(0, 2, NUMBER)
    positions = cell.cartesian(3.0 * rng.random((NUMBER, 2)) - 1.0)
    listed = ListedForces(species, table, cell)
    listed.forces(positions)
    moved = listed.deform(sheared, positions)
    np.testing.assert_allclose(moved[:, 0], positions[:, 0] + 0.05 * positions[:, 1], atol=1e-13)
    np.testing.assert_allclose(moved[:, 1], positions[:, 1], atol=1e-13)
    assert listed.cell is sheared
    check(listed, moved, table)


@pytest.mark.parametrize(
    ("species", "skin", "message"),
    [
        ([], None, r"species: the shape must be \(N,\), N > 0, not \(0,\)"),
        ([0, 2], None, r"species: numbers must lie in \[0, 2\), not \[0, 2\]"),
        ([0, 1], 0.0, r"skin: 0 is outside \(0, inf\)"),
    ],
)
def test_what_makes_no_list_is_refused(species, skin, message):
    with pytest.raises(ConfigError, match=message):
        ListedForces(np.array(species, dtype=np.int64), TABLES["spheres"], Cell.cubic(5.0, 2), skin)


def test_positions_that_do_not_fit_are_refused():
    listed = ListedForces(np.array([0, 1]), TABLES["spheres"], Cell.cubic(5.0, 2))
    with pytest.raises(ConfigError, match=r"positions: the shape must be \(2, 2\), not \(3, 2\)"):
        listed.forces(np.zeros((3, 2)))
    with pytest.raises(StabilityError, match="positions are no longer finite"):
        listed.forces(np.array([[0.0, np.nan], [1.0, 1.0]]))
    with pytest.raises(ConfigError, match="cell: it must have 2 dimensions, not 3"):
        listed.deform(Cell.cubic(5.0, 3), np.zeros((2, 2)))
