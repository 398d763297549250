"""Minimisers reach force balance, at minima, and say so when they do not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles.elasticity import hessian
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import conjugate_gradients, fire, largest_force, stiffest
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Mixture

SPHERES = PairTable.from_mixture(binary_spheres(0.1))
METHODS = pytest.mark.parametrize("minimise", [fire, conjugate_gradients])


def spheres(number, packing_fraction, dim, seed=2):
    state, cell = random_mixture(number, packing_fraction, dim, seed, realisation=0)
    return ListedForces(state.species, SPHERES, cell), state.positions


@METHODS
@pytest.mark.parametrize(("dim", "packing_fraction"), [(1, 1.2), (2, 0.95), (3, 0.8)])
def test_forces_balance(minimise, dim, packing_fraction):
    listed, start = spheres(200, packing_fraction, dim)
    found = minimise(listed, start, 1e-12)
    bonds = find_bonds(found.positions, listed.species, SPHERES, listed.cell)
    # The force of the result itself, by other sums: round-off of some 1e-15.
    assert found.force == pytest.approx(largest_force(forces(bonds)), abs=1e-14)
    assert found.force < 1e-12
    # At a minimum and not at a saddle: no eigenvalue below the round-off of the stiffest, 3.
    assert np.linalg.eigvalsh(hessian(bonds).toarray()).min() > -1e-13
    # Contacts bear 1e10 times what is left on particles.
    assert np.abs(bonds.slope).mean() > 1e-2


def test_a_thousand_particles_come_to_rest_in_some_thousand_evaluations():
    listed, start = spheres(1000, 1.0, 2)
    found = fire(listed, start, 1e-12)
    # Some 2000 for this start; a scheme that creeps, as descent does, takes a hundred times more.
    assert found.evaluations < 6000
    # Steps are short against the skin: the list is not made anew for each.
    assert listed.renewals < 0.1 * found.evaluations


@METHODS
def test_bells_that_bend_downwards_come_apart(minimise):
    """Two repelling Gaussians close to the top: all curvature is negative, and they still part."""
    cell = Cell.cubic(6.0, 2)
    listed = ListedForces(
        np.zeros(2, dtype=np.int64),
        PairTable.from_mixture(Mixture.single(Gaussian(1.0, 0.5))),
        cell,
    )
    found = minimise(listed, np.array([[3.0, 3.0], [3.1, 3.02]]), 1e-9)
    # The force of a pair, 8 r exp(-4 r²), is 1e-9 at r = 2.44.
    separation = cell.minimum_image(found.positions[1] - found.positions[0])
    assert np.linalg.norm(separation) > 2.4


def test_quadratic_basin_is_that_of_scipy():
    """Close to a packing all methods meet in its minimum."""
    listed, start = spheres(100, 1.0, 2)
    rest = fire(listed, start, 1e-13).positions
    moved = rest + 1e-4 * np.random.default_rng(1).standard_normal(rest.shape)
    moved += np.mean(rest - moved, axis=0)
    reference = scipy.optimize.minimize(
        lambda x: listed.energy(x.reshape(rest.shape)),
        moved.ravel(),
        jac=lambda x: listed.forces(x.reshape(rest.shape)).ravel(),
        method="CG",
        options={"gtol": 1e-8},
    ).x.reshape(rest.shape)
    # Forces of 1e-8 over the softest mode, 1e-2 here, for scipy.
    np.testing.assert_allclose(reference, rest, atol=1e-5)
    for minimise in (fire, conjugate_gradients):
        np.testing.assert_allclose(minimise(listed, moved, 1e-13).positions, rest, atol=1e-9)


def test_bound_on_the_stiffness_is_one():
    listed, start = spheres(100, 1.0, 2)
    for x in (start, fire(listed, start, 1e-10).positions):
        bonds = find_bonds(x, listed.species, SPHERES, listed.cell)
        largest = np.linalg.eigvalsh(hessian(bonds).toarray()).max()
        # Never below. Above, a factor of d from taking pairs as stiff in all directions, and one
        # of 2 from the degrees: the largest eigenvalue of a Laplacian exceeds each of them.
        assert largest <= stiffest(listed, x) < 4.0 * largest


@METHODS
def test_giving_up_is_said(minimise):
    listed, start = spheres(100, 1.0, 2)
    with pytest.raises(ConvergenceError, match=r"^tolerance: .* after 50 evaluations, not below"):
        minimise(listed, start, 1e-12, most=50)


@METHODS
def test_a_tolerance_must_be_positive(minimise):
    listed, start = spheres(100, 1.0, 2)
    with pytest.raises(ConfigError, match=r"^tolerance: 0 is outside \(0, inf\)"):
        minimise(listed, start, 0.0)


@METHODS
def test_the_start_is_left_alone(minimise):
    listed, start = spheres(100, 1.0, 2)
    before = start.copy()
    minimise(listed, start, 1e-3)
    np.testing.assert_array_equal(start, before)
