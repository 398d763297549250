"""Modes of ρ_s and ρ_sF_s of any state, particles against sums over pairs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.potentials import Cone, Gaussian, Harmonic, Mixture
from glasscade.stages.arrays import cell_variable, variable
from glasscade.stages.snapshots import Snapshots
from glasscade.transforms import grid_to_modes

CELL = Cell.sheared(3.0, 2, 0.3)
UNLIKE = Gaussian(0.7, width=0.2)
MIXTURE = Mixture(((Harmonic(1.3, 1.0, 0.1), UNLIKE), (UNLIKE, Harmonic(0.9, 1.2, 0.1))))
COUNTS = (4, 5)


def points(positions, species, weights, cell=CELL):
    return xr.Dataset(
        {
            "position": variable(
                ("realisation", "time", "particle", "axis"), positions, "l0", "positions"
            ),
            "species": variable(("particle",), species, "1", "species"),
            "weight": variable(("particle",), weights, "1", "weight"),
            "cell": cell_variable(cell),
        }
    )


@pytest.fixture
def state(rng):
    """Seven particles of two species, two realisations at three times, some outside the cell."""
    positions = CELL.cartesian(rng.uniform(-1.0, 2.0, (2, 3, 7, 2)))
    return points(positions, np.array([0, 1, 1, 0, 0, 1, 0]), np.ones(7))


def test_modes_of_particles_are_sums_of_plane_waves_and_of_pair_forces(state):
    series = Snapshots(state, MIXTURE, COUNTS)
    assert series.are_points
    assert len(series) == 6
    snapshot = series.at(1, 2)
    x, species = state["position"].values[1, 2], state["species"].values
    images = CELL.cartesian(np.array(list(itertools.product(range(-3, 4), repeat=2)), dtype=float))
    force = np.zeros((7, 2))
    for a, b in itertools.product(range(7), repeat=2):
        y = CELL.minimum_image(x[a] - x[b]) + images
        r = np.linalg.norm(y, axis=1)
        y, r = y[r > 0.0], r[r > 0.0]
        slope = MIXTURE.table[species[a]][species[b]].slope(r)
        force[a] += np.sum(slope[:, np.newaxis] * y / r[:, np.newaxis], axis=0)
    assert np.abs(force).max() > 0.1
    wave = np.exp(-1j * np.tensordot(x, CELL.wavevectors(COUNTS), axes=1))
    for s in range(2):
        mine = species == s
        # the tolerance of the point sums, 1e-13, of seven particles
        np.testing.assert_allclose(
            snapshot.density[s], wave[mine].sum(axis=0), rtol=0.0, atol=1e-11
        )
        for axis in range(2):
            expected = np.tensordot(force[mine, axis], wave[mine], axes=1)
            np.testing.assert_allclose(
                snapshot.force_density[s, axis], expected, rtol=0.0, atol=1e-11
            )
    assert snapshot.bonds is not None
    assert snapshot.bonds.number == 7


def test_forces_of_particles_add_up_to_zero(state):
    for snapshot in Snapshots(state, MIXTURE, COUNTS):
        total = snapshot.force_density[(..., *COUNTS)].sum(axis=0)  # the mode k = 0 is the middle
        np.testing.assert_allclose(total, 0.0, rtol=0.0, atol=1e-12)


def test_snapshots_come_by_realisation_and_time(state):
    labels = [(s.realisation, s.time) for s in Snapshots(state, MIXTURE, COUNTS)]
    assert labels == list(itertools.product(range(2), range(3)))


def test_a_single_heavy_point_feels_no_force():
    line = Cell.cubic(4.0, 1)
    alone = points(np.full((1, 1, 1, 1), 1.3), np.array([0]), np.array([2.5]), line)
    snapshot = Snapshots(alone, Mixture.single(Cone(1.0, period=4.0)), (6,)).at(0, 0)
    k = line.wavevectors((6,))[0]
    np.testing.assert_allclose(snapshot.density[0], 2.5 * np.exp(-1.3j * k), rtol=1e-12)
    # the sums of two weights share a transform: round-off of the other one
    np.testing.assert_allclose(snapshot.force_density, 0.0, rtol=0.0, atol=1e-14)


def test_gridded_densities_keep_all_their_modes(rng):
    density = 1.0 + rng.random((1, 2, 2, 10, 12))
    dims = ("realisation", "time", "species", "x", "y")
    state = xr.Dataset(
        {"density": variable(dims, density, "l0^-2", "density"), "cell": cell_variable(CELL)}
    )
    series = Snapshots(state, MIXTURE, (1, 1))  # of points alone fewer modes would do
    assert not series.are_points
    snapshot = series.at(0, 1)
    modes = grid_to_modes(density[0, 1], CELL)
    assert modes.shape == (2, 9, 11)
    np.testing.assert_array_equal(snapshot.density, modes)
    expected = ForceField(MIXTURE, CELL, (4, 5)).force_density(modes)
    np.testing.assert_array_equal(snapshot.force_density, expected)
    assert snapshot.bonds is None
