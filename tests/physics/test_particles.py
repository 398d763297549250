"""Brownian particles against exact results, and a quench of the glass."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.particles.dynamics import State, run
from glasscade.particles.observables import closest_approach, energy, find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.schedule import log_spaced
from glasscade.particles.spheres import binary_spheres

SPHERES = PairTable.from_mixture(binary_spheres(0.1))


def bonds_at(positions, state, cell):
    return find_bonds(positions, state.species, SPHERES, cell)


@pytest.mark.parametrize("dim", [2, 3])
def test_energy_falls_by_the_square_of_the_velocity(dim):
    """dE/dt = -Σ|v|²: the residual of one step is of first order in dt."""
    state, cell = random_mixture(400, 0.95 if dim == 2 else 0.7, dim, seed=3, realisation=0)
    start = State(run(state, SPHERES, cell, 0.0, 0.02, 0, [100])[0], state.species)
    bonds = bonds_at(start.positions, state, cell)
    power = np.sum(forces(bonds) ** 2)
    steps = 0.04 * 0.5 ** np.arange(5)
    residuals = []
    for dt in steps:
        moved = run(start, SPHERES, cell, 0.0, dt, 0, [1])[0]
        rate = (energy(bonds_at(moved, state, cell)) - energy(bonds)) / dt
        residuals.append(abs(rate + power) / power)
    slope = np.polyfit(np.log(steps), np.log(residuals), 1)[0]
    # Contacts that open or close within a step leave terms of second order.
    assert slope == pytest.approx(1.0, abs=0.1)
    assert residuals[-1] < 0.02


def test_momentum_is_conserved():
    """ΣF = 0, so that the centre of mass moves by the noise alone, and not at all at T = 0."""
    state, cell = random_mixture(500, 0.95, 2, seed=5, realisation=0)
    moved = run(state, SPHERES, cell, 0.0, 0.04, 0, [500])[0] - state.positions
    # 500 steps of round-off 1e-17 each, against single displacements of order one.
    assert np.all(np.abs(moved.mean(axis=0)) < 1e-13)
    assert np.abs(moved).max() > 0.5


def test_descent_converges_at_first_order_in_dt():
    """Positions at a fixed time from the same start: error ~ dt against the smallest step."""
    state, cell = random_mixture(100, 0.95, 2, seed=6, realisation=0)
    relaxed = State(run(state, SPHERES, cell, 0.0, 0.02, 0, [100])[0], state.species)
    divisions = np.array([10, 20, 40, 80])
    exact = run(relaxed, SPHERES, cell, 0.0, 0.4 / 5120, 0, [5120])[0]
    errors = [
        np.sqrt(np.mean((run(relaxed, SPHERES, cell, 0.0, 0.4 / n, 0, [n])[0] - exact) ** 2))
        for n in divisions
    ]
    slope = np.polyfit(np.log(0.4 / divisions), np.log(errors), 1)[0]
    # The reference's own error, 1/64 of the smallest, shifts the slope by 0.01.
    assert slope == pytest.approx(1.0, abs=0.05)


def test_quench_of_the_glass():
    """N = 500 at φ = 0.95 from T = ∞: energy falls at every output, and the packing is jammed."""
    state, cell = random_mixture(500, 0.95, 2, seed=1, realisation=0)
    steps = log_spaced(40_000, 38, onset=2.0)
    frames = run(state, SPHERES, cell, 0.0, 0.05, 0, steps)
    bonds = [bonds_at(positions, state, cell) for positions in frames]
    energies = np.array([energy(b) for b in bonds])
    assert np.all(np.diff(energies) < 0.0)
    # Jammed, far above φ_J = 0.843: energy stays, and every particle has d + 1 contacts on average.
    assert energies[-1] > 1e-4 * energies[0]
    assert 2.0 * len(bonds[-1].first) / 500 > 4.0
    # Forces on particles have relaxed a thousandfold.
    speeds = [np.sqrt(np.mean(forces(b) ** 2)) for b in bonds]
    assert speeds[-1] < 1e-3 * speeds[0]
    # The rounded core, 0.1, is entered from random positions but lies far below what relaxes.
    assert closest_approach(bonds[0]) < 0.1
    assert closest_approach(bonds[-1]) > 0.5
