"""The force field of a density against sums over points and against quadrature in real space."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.signal import convolve

from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, point_modes

CELL = Cell.sheared(3.0, 2, 0.3)
LIKE, UNLIKE, OTHER = Gaussian(1.0, 0.5), Gaussian(-0.7, 0.6), Gaussian(0.4, 0.45)
MIXTURE = Mixture(((LIKE, UNLIKE), (UNLIKE, OTHER)))


def evaluate(modes, x, cell):
    """Σ_p f_hat(p) exp(ip·x)/|Ω| at points x of shape (N, d)."""
    counts = tuple((n - 1) // 2 for n in modes.shape[-cell.dim :])
    waves = np.exp(1j * np.tensordot(x, cell.wavevectors(counts), axes=1))
    axes = tuple(range(-cell.dim, 0))
    return np.sum(modes[..., np.newaxis, :, :] * waves, axis=axes).real / cell.volume


def test_force_of_points_is_the_sum_of_pair_slopes(rng):
    points = rng.uniform(0.0, 3.0, (2, 4, 2))
    # V_hat of width 0.45 falls to exp(-(k·0.45)²/4) = 1e-15 at k = 26, M = 13
    counts = (14, 14)
    density = np.array([point_modes(x, np.ones(len(x)), CELL, counts) for x in points])
    forces = ForceField(MIXTURE, CELL, counts).force(density)
    probe = rng.uniform(0.0, 3.0, (5, 2))
    images = CELL.cartesian(np.array(list(itertools.product(range(-3, 4), repeat=2)), dtype=float))
    for species, (first, second) in enumerate(MIXTURE.table):
        expected = np.zeros((5, 2))
        for potential, sources in zip((first, second), points, strict=True):
            dx = (probe[:, None, None] - sources[None, :, None] + images).reshape(5, -1, 2)
            r = np.linalg.norm(dx, axis=-1, keepdims=True)
            expected += np.sum(potential.slope(r) * dx / r, axis=1)
        # the truncation above, times 29² modes of slope k = 26
        np.testing.assert_allclose(
            evaluate(forces[species], probe, CELL).T, expected, rtol=0.0, atol=1e-11
        )


def test_force_of_a_potential_with_a_kink_against_quadrature(rng):
    potential = Harmonic(1.3, diameter=1.0, core=0.2)
    density = grid_to_modes(1.0 + rng.random((7, 7)), CELL)
    force = ForceField(Mixture.single(potential), CELL, (3, 3)).force(density[np.newaxis])[0]
    x = rng.uniform(0.0, 3.0, (2, 2))
    # F(x) = ∫ V'(r) ŷ ρ(x - y) dy in polar coordinates, nodes to round-off for |k| rc < 10
    node, weight = np.polynomial.legendre.leggauss(24)
    r = np.concatenate([0.1 * (node + 1.0), 0.2 + 0.4 * (node + 1.0)])
    dr = np.concatenate([0.1 * weight, 0.4 * weight])
    angle = 2.0 * np.pi * np.arange(48) / 48
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    y = r[:, None, None] * unit
    measure = (dr * potential.slope(r) * r)[:, None, None] * unit * (2.0 * np.pi / 48)
    for point, computed in zip(x, evaluate(force, x, CELL).T, strict=True):
        rho = evaluate(density, (point - y).reshape(-1, 2), CELL).reshape(48, 48)
        expected = np.einsum("ra,rai->i", rho, measure)
        np.testing.assert_allclose(computed, expected, rtol=0.0, atol=1e-13)


def test_force_density_is_the_product_species_by_species_and_adds_up_to_zero(rng):
    density = grid_to_modes(1.0 + rng.random((2, 9, 9)), CELL)
    field = ForceField(MIXTURE, CELL, (4, 4))
    forces, both = field.force(density), field.force_density(density)
    for species, component in np.ndindex(2, 2):
        exact = convolve(density[species], forces[species, component], mode="same", method="direct")
        np.testing.assert_allclose(
            both[species, component], exact / CELL.volume, rtol=0.0, atol=1e-13
        )
    totals = both[:, :, 4, 4]  # ∫ρ_s F_s
    assert np.max(np.abs(totals)) > 1e-3
    assert np.sum(totals, axis=0) == pytest.approx(0.0, abs=1e-13)  # action and reaction
