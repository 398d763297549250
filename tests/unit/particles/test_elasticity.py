"""Hessians, affine forces and Born terms against finite differences; the modulus by two routes."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.elasticity import (
    affine_forces,
    born_modulus,
    hessian,
    modulus_at_rest,
    modulus_by_strain,
    simple_shear,
    strained_stress,
)
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import fire
from glasscade.particles.observables import energy, find_bonds, forces, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Mixture

BELLS = PairTable.from_mixture(Mixture.single(Gaussian(1.0, 0.7)))
SPHERES = PairTable.from_mixture(binary_spheres(0.1))
CELLS = {"tilted": Cell.sheared(9.0, 2, 0.3), "cube": Cell.cubic(9.2, 3)}
DIRECTIONS = {
    "shear": simple_shear,
    "expansion": np.eye,
    "any": lambda dim: np.arange(float(dim * dim)).reshape(dim, dim) / dim,
}
STEP = 1e-5


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


@pytest.fixture(params=DIRECTIONS.values(), ids=DIRECTIONS.keys())
def direction(request, cell):
    return request.param(cell.dim)


@pytest.fixture
def positions(cell, rng):
    return cell.cartesian(rng.random((60, cell.dim)))


def bonds_of(positions, cell, direction=None, gamma=0.0):
    """Bells, which are smooth, after an affine strain."""
    strain = np.eye(cell.dim) + gamma * (np.zeros(()) if direction is None else direction)
    species = np.zeros(len(positions), dtype=np.int64)
    return find_bonds(positions @ strain.T, species, BELLS, Cell(strain @ cell.matrix))


def difference(function, step=STEP):
    """f'(0), error step^4 f^(5)/30 and round-off 1e-16 f/step."""
    f = [function(k * step) for k in (-2, -1, 1, 2)]
    return (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * step)


def test_hessian_is_the_derivative_of_the_forces(positions, cell, rng):
    k = hessian(bonds_of(positions, cell))
    motion = rng.standard_normal(positions.shape)
    expected = difference(lambda s: forces(bonds_of(positions + s * motion, cell)))
    # Round-off 1e-15/STEP, and as much of the scheme.
    np.testing.assert_allclose(k @ motion.ravel(), expected.ravel(), atol=1e-8)
    # Blocks that images of one pair share are added in another order.
    assert abs(k - k.T).max() < 1e-14
    # Translations cost nothing.
    assert np.abs(k @ np.ones(motion.size)).max() < 1e-13


def test_affine_forces_are_the_derivative_of_the_forces_with_strain(positions, cell, direction):
    found = affine_forces(bonds_of(positions, cell), direction)

    def pulled_back(gamma):
        """∂U/∂u, with u the motion besides the affine one."""
        return forces(bonds_of(positions, cell, direction, gamma))

    np.testing.assert_allclose(found, difference(pulled_back), atol=1e-8)


def test_born_term_by_two_more_routes(positions, cell, direction):
    """The second derivative of the energy under affine strain, and the first of the stress."""
    found = born_modulus(bonds_of(positions, cell), direction, cell.volume) * cell.volume

    def strained(gamma):
        return energy(bonds_of(positions, cell, direction, gamma))

    def stress(gamma):
        virial = virial_stress(bonds_of(positions, cell, direction, gamma))
        strain = np.eye(cell.dim) + gamma * direction
        return np.sum(virial * (direction @ np.linalg.inv(strain)))

    step = 2e-3
    u = [strained(k * step) for k in (-2, -1, 0, 1, 2)]
    second = (-u[0] + 16.0 * u[1] - 30.0 * u[2] + 16.0 * u[3] - u[4]) / (12.0 * step**2)
    # Of fourth order: step^4 times a sixth derivative of some 1e3 times the second; round-off of
    # the energy of 1e-14 over step², 1e-9.
    assert second == pytest.approx(found, rel=1e-6)
    assert difference(stress) == pytest.approx(found, rel=1e-8)


@pytest.mark.parametrize(("number", "packing_fraction", "dim"), [(200, 0.95, 2), (150, 0.8, 3)])
def test_modulus_is_the_slope_of_the_stress(number, packing_fraction, dim):
    """A packing with rattlers: Born term less the non-affine part, and strained, relaxed stress."""
    state, cell = random_mixture(number, packing_fraction, dim, seed=4, realisation=0)
    listed = ListedForces(state.species, SPHERES, cell)
    rest = fire(listed, state.positions, 1e-13).positions
    shear = simple_shear(dim)
    found = modulus_at_rest(listed, rest, shear)
    slope = modulus_by_strain(listed, rest, shear, 1e-6, 1e-13)
    # Forces of 1e-13 on particles leave 1e-6 of the stress of a strain of 1e-6; contacts that
    # open or close within it less.
    assert slope == pytest.approx(found, rel=1e-5)
    born = born_modulus(find_bonds(rest, state.species, SPHERES, cell), shear, cell.volume)
    # Not the affine one: what is given back is of the same order.
    assert 0.05 * born < found < 0.8 * born
    assert listed.cell is cell


def test_a_strain_that_leaves_no_cell_is_refused():
    listed = ListedForces(np.zeros(2, dtype=np.int64), BELLS, Cell.cubic(9.0, 2))
    with pytest.raises(ConfigError, match=r"^gamma: -1 leaves no cell"):
        strained_stress(listed, np.zeros((2, 2)), np.eye(2), -1.0, 1e-6)
