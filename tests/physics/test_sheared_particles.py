"""Sheared, driven particles: energy, momentum, a boundary that is nowhere, and the balance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import smear_in_time, stress_balance
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.external import AffineFlow, Kolmogorov
from glasscade.particles.dynamics import Motion, State, run
from glasscade.particles.observables import (
    energy,
    find_bonds,
    forces,
    smeared_stress,
    virial_stress,
)
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres

MIXTURE = binary_spheres(core=0.2)
TABLE = PairTable.from_mixture(MIXTURE)
RATE = 0.5
WAVE = {2: Kolmogorov(0.3, (0, 1), (1.0, 0.5)), 3: Kolmogorov(0.3, (0, 1, 1), (1.0, 0.5, 0.0))}


def relaxed(number, dim, seed=3):
    """A short quench, past the first contacts."""
    state, cell = random_mixture(number, 0.95 if dim == 2 else 0.7, dim, seed, realisation=0)
    return State(run(state, TABLE, cell, 0.0, 0.02, 0, [100])[0], state.species), cell


def moved(cell, time):
    return AffineFlow.simple_shear(RATE, cell.dim).moved(cell, time)


@pytest.mark.parametrize("dim", [2, 3])
def test_energy_changes_by_friction_driving_and_strain(dim):
    """dE/dt = m Σ F·(f - F) + rate σ_xy: the residual of one step is of first order in dt."""
    start, cell = relaxed(400, dim)
    motion = Motion(mobility=0.5, external=WAVE[dim], shear_rate=RATE)
    bonds = find_bonds(start.positions, start.species, TABLE, cell)
    push = forces(bonds)
    driving = np.sum(push * (WAVE[dim].at(cell, start.positions) - push))
    power = 0.5 * driving + RATE * virial_stress(bonds)[0, 1]
    steps = 0.04 * 0.5 ** np.arange(5)
    residuals = []
    for dt in steps:
        after = run(start, TABLE, cell, 0.0, dt, 0, [1], motion=motion)[0]
        change = energy(find_bonds(after, start.species, TABLE, moved(cell, dt))) - energy(bonds)
        residuals.append(abs(change / dt - power))
    slope = np.polyfit(np.log(steps), np.log(residuals), 1)[0]
    # Contacts that open or close within a step leave terms of second order.
    assert slope == pytest.approx(1.0, abs=0.1)
    assert residuals[-1] < 0.02 * abs(power)


@pytest.mark.parametrize("dim", [2, 3])
def test_the_centre_of_mass_only_follows_the_flow(dim):
    """ΣF = 0: the mean of x moves by rate·t times the mean of y, other components not at all."""
    start, cell = relaxed(300, dim)
    dt, steps = 0.03, 100
    after = run(start, TABLE, cell, 0.0, dt, 0, [steps], motion=Motion(0.7, shear_rate=RATE))[0]
    mean, expected = after.mean(axis=0), start.positions.mean(axis=0)
    expected[0] += RATE * dt * steps * expected[1]
    # A hundred steps of round-off of coordinates of order 30, averaged over the particles.
    assert mean == pytest.approx(expected, abs=1e-12)
    assert np.abs(after - start.positions).max() > 1.0


def stress_across(positions, species, cell, waves=8):
    """Stress in modes along y, e^{-iq·x}, of the bonds: its profile across the cell."""
    q = np.zeros((waves, cell.dim), dtype=np.int64)
    q[:, 1] = np.arange(waves)
    both = np.concatenate([np.eye(waves), -1j * np.eye(waves)])
    real, imaginary = np.split(
        smeared_stress(find_bonds(positions, species, TABLE, cell), cell, q, both), 2
    )
    return real - 1j * imaginary


def test_the_sheared_boundary_is_nowhere():
    """A shift of all particles, or another cell of the same lattice, changes nothing else.

    A particle shifted by c moves faster by rate·c_y. The profile of the stress is shifted along,
    through the boundary, without a step there.
    """
    start, cell = relaxed(400, 2)
    dt, steps, shift = 0.03, 60, np.array([0.3, 0.45]) * cell.matrix[0, 0]
    motion = Motion(shear_rate=RATE)

    def end(positions, rest):
        state = State(positions, start.species)
        return run(state, TABLE, rest, 1e-3, dt, 4, [steps], motion=motion)[0]

    plain, now = end(start.positions, cell), moved(cell, steps * dt)
    carried = shift + np.array([RATE * steps * dt * shift[1], 0.0])
    shifted = end(start.positions + shift, cell)
    # Round-off of coordinates of order 20, 4e-15, enlarged by 60 steps of repelling cores.
    assert shifted - carried == pytest.approx(plain, abs=1e-11)
    for turns in (1, -2):
        leaning = Cell(cell.matrix @ np.array([[1.0, turns], [0.0, 1.0]]))
        assert end(start.positions, leaning) == pytest.approx(plain, abs=1e-11)
    profile, other = (stress_across(x, start.species, now) for x in (plain, shifted))
    phases = np.exp(2j * np.pi * np.arange(len(profile)) * 0.45)
    scale = np.abs(profile[0]).max()
    assert other * phases[:, None, None] / scale == pytest.approx(profile / scale, abs=1e-10)
    # Particles at the boundary have not been left behind: the strain is seen in all of them.
    assert np.abs(profile[1:]).max() > 1e-3 * scale


def balance_of_run(start, cell, dt, motion):
    """The balance of a run in time, smeared: its tilt goes from 0.45 to 0.85."""
    steps = np.linspace(0, round(0.8 / dt), 11).astype(int)
    frames = run(start, TABLE, cell, 0.0, dt, 0, steps, motion=motion)
    cells = [moved(cell, step * dt).matrix for step in steps]
    data = xr.Dataset(
        {
            "position": (("time", "particle", "axis"), frames),
            "species": (("particle",), start.species),
            "cell": (("time", "row", "vector"), np.array(cells)),
        },
        coords={"time": steps * dt},
    )
    balance = stress_balance(
        data,
        MIXTURE,
        0.6,
        mobility=motion.mobility,
        external=motion.external,
        flow=AffineFlow.simple_shear(RATE, 2),
        functions=TestFunctions.bumps(2, 1, 1, seed=1),
    )
    return smear_in_time(balance)


def test_a_sheared_and_driven_run_closes_its_balance_in_time():
    state, square = random_mixture(24, 0.95, 2, seed=3, realisation=0)
    cell = Cell(square.matrix @ np.array([[1.0, 0.45], [0.0, 1.0]]))
    start = State(run(state, TABLE, cell, 0.0, 0.01, 0, [100])[0], state.species)
    motion = Motion(mobility=0.6, external=WAVE[2], shear_rate=RATE)
    steps = np.array([0.04, 0.02, 0.01])
    runs = [balance_of_run(start, cell, dt, motion) for dt in steps]
    residuals = [np.abs(balance["residual"].values).max() for balance in runs]
    slope = np.polyfit(np.log(steps), np.log(residuals), 1)[0]
    # The Euler step is of first order; contacts that change and the splines leave a few per cent.
    assert slope == pytest.approx(1.0, abs=0.1)
    # None of the terms that are new here could be left out, or have another factor.
    both = np.abs(runs[-1]["source"] + runs[-1]["transport"])
    for term in ("N_ni", "N_flux", "shear_flux", "shear_ni"):
        assert both.sel(term=term).max() > 10.0 * residuals[-1]
