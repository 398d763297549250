"""Energy, forces and stresses against finite differences and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.particles.observables import (
    closest_approach,
    energy,
    find_bonds,
    forces,
    smeared_stress,
    virial_rate,
    virial_stress,
)
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Harmonic, Mixture

MIXTURES = {
    "spheres": binary_spheres(0.1),
    "sharp spheres": binary_spheres(0.0, strength=2.0),
    "unlike kinds": Mixture(
        (
            (Harmonic(1.0, 1.0, 0.1), Gaussian(0.7, 0.3)),
            (Gaussian(0.7, 0.3), Harmonic(-0.5, 1.3, 0.2)),
        )
    ),
}
CELLS = {
    "square": Cell.cubic(6.0, 2),
    "tilted": Cell.sheared(6.0, 2, 0.4),
    "tilted cube": Cell(np.array([[4.0, 1.5, -1.0], [0.0, 4.0, 1.0], [0.0, 0.0, 5.0]])),
    "one image is not enough": Cell.sheared(1.1, 2, 0.3),
}
STEP = 1e-5


@pytest.fixture(params=MIXTURES.values(), ids=MIXTURES.keys())
def mixture(request):
    return request.param


@pytest.fixture
def table(mixture):
    return PairTable.from_mixture(mixture)


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


@pytest.fixture
def particles(cell, rng):
    """Forty particles anywhere, also outside the cell, and their species."""
    return cell.cartesian(3.0 * rng.random((40, cell.dim)) - 1.0), rng.integers(0, 2, 40)


def energy_at(positions, species, table, cell):
    return energy(find_bonds(positions, species, table, cell))


def central_difference(function, step=STEP):
    """f'(0) by the fourth-order formula, error step^4 and round-off 1e-16/step."""
    f = [function(k * step) for k in (-2, -1, 1, 2)]
    return (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * step)


# A difference costs 1e-16 U/STEP of round-off, and a pair whose V'' jumps within the step
# V'' STEP: 1e-5 here is a margin of ten over either, and 1e-4 of a typical force.
DIFFERENCE = 1e-5


def test_energy_is_the_sum_over_all_images(particles, mixture, table, cell):
    positions, species = particles
    wrapped = cell.wrap(positions)
    total = 0.0
    for image in itertools.product(range(-4, 5), repeat=cell.dim):
        shift = cell.matrix @ np.array(image, dtype=float)
        r = np.linalg.norm(wrapped[:, None] - wrapped[None, :] - shift, axis=-1)
        if not any(image):
            np.fill_diagonal(r, np.inf)
        for a, b, potential in mixture.pairs():
            inside = (r < potential.cutoff) & (species[:, None] == a) & (species[None, :] == b)
            total += 0.5 * np.sum(potential.value(r[inside]))
    assert energy_at(positions, species, table, cell) == pytest.approx(total, rel=1e-12)


def test_bonds_hold_the_derivatives_of_the_potential_of_their_pair(particles, mixture, table, cell):
    positions, species = particles
    bonds = find_bonds(positions, species, table, cell)
    total = 0
    for a, b, potential in mixture.pairs():
        mine = (species[bonds.first] == a) & (species[bonds.second] == b)
        total += np.count_nonzero(mine)
        r = bonds.distance[mine]
        # The same compiled functions: equal to the bit.
        np.testing.assert_array_equal(bonds.value[mine], potential.value(r))
        np.testing.assert_array_equal(bonds.slope[mine], potential.slope(r))
        np.testing.assert_array_equal(bonds.curvature[mine], potential.curvature(r))
        np.testing.assert_array_equal(bonds.third[mine], potential.third(r))
    assert total == bonds.distance.size > 10


def test_quotients_by_the_distance_lose_no_digits_where_particles_meet():
    """g = V'/r, g'/r and V'''/r of a Gaussian, by which y_i y_j is multiplied."""
    cell, strength, width = Cell.cubic(8.0, 1), 0.7, 1.2
    table = PairTable.from_mixture(Mixture.single(Gaussian(strength, width)))
    for distance in (0.0, 1e-12, 1e-5, 0.3, 2.0):
        bonds = find_bonds(np.array([[0.0], [distance]]), np.zeros(2, dtype=int), table, cell)
        near = np.argmin(bonds.distance)
        u = (bonds.distance[near] / width) ** 2
        g = -2.0 * strength / width**2 * np.exp(-u)
        found = (bonds.slope_over_distance, bonds.bending, bonds.third_over_distance)
        y2 = bonds.distance[near] ** 2
        expected = (g * y2, -2.0 * g * u, -2.0 * g * u * (3.0 - 2.0 * u))
        # Round-off of V''.
        assert [values[near] * y2 for values in found] == pytest.approx(expected, abs=1e-15)
        assert np.all(np.isfinite(found))


def test_forces_are_the_gradient_of_the_energy(particles, table, cell):
    positions, species = particles
    found = forces(find_bonds(positions, species, table, cell))
    for a, i in itertools.product((0, 7, 23), range(cell.dim)):

        def displaced(amount, a=a, i=i):
            moved = positions.copy()
            moved[a, i] += amount
            return energy_at(moved, species, table, cell)

        assert found[a, i] == pytest.approx(central_difference(displaced), abs=DIFFERENCE)


def test_forces_add_up_to_zero(particles, table, cell):
    found = forces(find_bonds(*particles, table, cell))
    # Round-off of sums of 40 forces of order one.
    assert np.all(np.abs(found.sum(axis=0)) < 1e-13)
    assert np.abs(found).max() > 0.1


def test_virial_is_the_derivative_of_the_energy_with_strain(particles, table, cell):
    positions, species = particles
    found = virial_stress(find_bonds(positions, species, table, cell))
    for i, j in itertools.product(range(cell.dim), repeat=2):

        def strained(amount, i=i, j=j):
            deformation = np.eye(cell.dim)
            deformation[i, j] += amount
            sheared = Cell(deformation @ cell.matrix)
            return energy_at(positions @ deformation.T, species, table, sheared)

        assert found[i, j] == pytest.approx(central_difference(strained), abs=10 * DIFFERENCE)


def test_virial_rate_is_its_derivative_along_the_descent(particles, table, cell):
    positions, species = particles
    bonds = find_bonds(positions, species, table, cell)
    velocity = -forces(bonds)

    def stress_at(time):
        return virial_stress(find_bonds(positions + time * velocity, species, table, cell))

    # No particle moves more than 2e-7, or one of some thousand pairs would cross a jump of V''.
    # Round-off of a stress of up to 1e3 is then 1e-13/1e-7 times the largest velocity.
    fastest = np.abs(velocity).max()
    expected = central_difference(stress_at, 1e-7 / fastest)
    assert virial_rate(bonds) == pytest.approx(expected, abs=DIFFERENCE * fastest)


def test_smeared_stress_with_phi_one_is_the_virial(particles, table, cell):
    bonds = find_bonds(*particles, table, cell)
    q = np.zeros((1, cell.dim), dtype=np.int64)
    smeared = smeared_stress(bonds, cell, q, np.ones((1, 1), dtype=np.complex128))
    assert smeared[0] == pytest.approx(virial_stress(bonds), rel=1e-13, abs=1e-13)


def test_smeared_stress_is_the_line_integral_over_the_bonds(particles, table, cell, rng):
    positions, species = particles
    q = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=cell.dim)))
    c = rng.standard_normal((2, len(q))) + 1j * rng.standard_normal((2, len(q)))
    bonds = find_bonds(positions, species, table, cell)
    expected = np.zeros((2, cell.dim, cell.dim))
    nodes, weights = np.polynomial.legendre.leggauss(24)
    for node, weight in zip(0.5 * (nodes + 1.0), 0.5 * weights, strict=True):
        x = bonds.start + node * bonds.separation
        phi = (c @ np.exp(1j * cell.reciprocal(q.T.astype(float)).T @ x.T)).real
        y, g = bonds.separation, bonds.slope_over_distance
        expected += weight * np.einsum("fp,p,pi,pj->fij", phi, g, y, y)
    # 24 nodes integrate phases of up to 2π·2·√3 to round-off.
    assert smeared_stress(bonds, cell, q, c) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_smeared_stress_is_local():
    """A bump of the test function far from the only bond sees nothing, one around it everything."""
    cell = Cell.cubic(20.0, 2)
    table = PairTable.from_mixture(binary_spheres(0.1))
    positions = np.array([[4.9, 5.0], [5.4, 5.0]])
    bonds = find_bonds(positions, np.zeros(2, dtype=np.int64), table, cell)
    q = np.array(list(itertools.product(range(-12, 13), repeat=2)))
    width = 0.1
    c = np.exp(-2.0 * (np.pi * width * np.linalg.norm(q, axis=1)) ** 2).astype(complex)
    here, away = (c * np.exp(-2j * np.pi * q @ centre) for centre in ([0.255, 0.25], [0.8, 0.7]))
    near, far = smeared_stress(bonds, cell, q, np.stack([here, away]) / np.sum(c).real)
    # The bump falls to exp(-(0.0125/0.1)^2/2) = 0.992 at the ends of the bond, to exp(-25) far off.
    assert near == pytest.approx(virial_stress(bonds), rel=0.01, abs=1e-12)
    assert np.abs(far).max() < 1e-8 * np.abs(near).max()


def test_closest_approach():
    cell = Cell.cubic(10.0, 2)
    table = PairTable.from_mixture(binary_spheres(0.1))
    positions = np.array([[0.1, 5.0], [9.8, 5.0], [5.0, 5.0], [5.0, 5.9]])
    species = np.zeros(4, dtype=np.int64)
    bonds = find_bonds(positions, species, table, cell)
    assert closest_approach(bonds) == pytest.approx(0.3, rel=1e-14)
    assert closest_approach(find_bonds(positions[1:3], species[1:3], table, cell)) == np.inf
