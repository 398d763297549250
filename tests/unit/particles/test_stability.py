"""The bound on the time step against the largest eigenvalue of the Hessian."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.particles.dynamics import State, run
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.particles.stability import stability_limit
from glasscade.potentials import Harmonic, Mixture

SPHERES = binary_spheres(0.1)


def hessian(positions, species, table, cell):
    """∂F_a/∂x_b by central differences, (N d, N d)."""
    size = positions.size
    out = np.empty((size, size))
    for k in range(size):
        sides = []
        for sign in (-1.0, 1.0):
            moved = positions.copy()
            moved.flat[k] += sign * 1e-6
            sides.append(forces(find_bonds(moved, species, table, cell)).ravel())
        out[k] = (sides[1] - sides[0]) / 2e-6
    return 0.5 * (out + out.T)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("steps", [0, 400])
def test_stability_limit_bounds_the_hessian(dim, steps):
    state, cell = random_mixture(60, 0.95 if dim == 2 else 0.8, dim, seed=2, realisation=0)
    table = PairTable.from_mixture(SPHERES)
    relaxed = State(run(state, table, cell, 0.0, 0.02, 0, [steps])[-1], state.species)
    largest = np.linalg.eigvalsh(hessian(relaxed.positions, state.species, table, cell)).max()
    limit = stability_limit(relaxed.positions, state.species, table, cell)
    assert limit <= 2.0 / largest
    # A Laplacian bound by degrees is lost by the transverse directions: a factor d and some.
    assert limit > 2.0 / largest / (2.0 * dim)


def test_isolated_particles_are_granted_a_dense_neighbourhood():
    """Without contacts, κ = 1/d² = 1 and six neighbours: 2/(2·6·1)."""
    table = PairTable.from_mixture(Mixture.single(Harmonic(1.0, 1.0, 0.1)))
    positions, species = np.array([[1.0, 1.0], [5.0, 5.0]]), np.zeros(2, dtype=np.int64)
    assert stability_limit(positions, species, table, Cell.cubic(9.0, 2)) == pytest.approx(
        1.0 / 6.0
    )


def test_clusters_lower_the_limit():
    """Twenty particles in mutual contact: k = 19 each, 2/(2·19)."""
    table = PairTable.from_mixture(Mixture.single(Harmonic(1.0, 1.0, 0.1)))
    positions = 4.0 + 0.3 * np.random.default_rng(1).random((20, 2))
    species = np.zeros(20, dtype=np.int64)
    assert stability_limit(positions, species, table, Cell.cubic(9.0, 2)) == pytest.approx(1.0 / 19)


def test_no_interaction_no_limit():
    table = PairTable.from_mixture(Mixture.single(Harmonic(0.0, 1.0, 0.1)))
    positions, species = np.zeros((3, 2)), np.zeros(3, dtype=np.int64)
    assert stability_limit(positions, species, table, Cell.cubic(9.0, 2)) == np.inf
