"""One-particle budgets against balances of single particles, exact results, and noise."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.balance import TERMS, Budget, currents
from glasscade.budget.operator import VirialTable, bilinear
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import point_modes

UNLIKE = Gaussian(0.7, width=0.15)
MIXTURE = Mixture(
    ((Harmonic(1.3, diameter=1.0), UNLIKE), (UNLIKE, Harmonic(0.9, diameter=0.8, core=0.2)))
)
T = 0.3
W, FLUX, THERMAL = TERMS.index("W"), TERMS.index("Q_flux"), TERMS.index("Q_thermal")


class System:
    """Particles of two species on a cell, and their budgets at one scale."""

    def __init__(self, cell, counts, ell, mixture=MIXTURE):
        self.cell, self.counts, self.mixture = cell, counts, mixture
        self.functions = TestFunctions.bumps(cell.dim, count=2, sharpness=1, seed=4)
        self.budget = Budget(mixture, cell, counts, self.functions)
        self.filter = GAUSSIAN.filter(cell, counts, ell)
        self.one = OneParticleBudget(self.budget, self.filter, mixture.species, T)

    def density(self, positions, species):
        """Σ_a exp(-ip·x_a) of each species."""
        weights = np.array([species == s for s in range(self.mixture.species)], dtype=float)
        return point_modes(positions, weights, self.cell, self.counts)

    def at_rest(self, density):
        """The balance of particles that feel no force."""
        shape = (*density.shape[:1], self.cell.dim, *density.shape[1:])
        still = np.zeros(shape, dtype=complex)
        return self.budget.balance(currents(density, still, self.filter, self.budget.field, T))


def crowd(dim, rng, number=5):
    """Overlapping particles of two species in a small tilted cell."""
    cell = Cell.cubic(2.5, 1) if dim == 1 else Cell.sheared(2.5, 2, 0.3)
    system = System(cell, {1: (20,), 2: (9, 10)}[dim], ell=0.2)
    return system, cell.cartesian(rng.random((number, dim))), np.arange(number) % 2


SPARSE = {  # cell, modes, scale, positions
    "1d": (Cell.cubic(12.0, 1), (64,), 0.25, [[0.3], [4.1], [8.4]]),
    "2d tilted": (Cell.sheared(7.0, 2, 0.3), (42, 44), 0.3, [[0.0, 0.0], [3.5, 0.0], [1.7, 3.5]]),
}


@pytest.mark.parametrize(("cell", "counts", "ell", "positions"), SPARSE.values(), ids=SPARSE.keys())
def test_far_apart_particles_have_nothing_but_self_pairs(cell, counts, ell, positions):
    system = System(cell, counts, ell)
    density = system.density(np.array(positions), np.array([0, 1, 0]))
    balance, pairs = system.at_rest(density), system.one.of(density)
    term = balance.source + balance.transport
    scale = np.abs(pairs.resolved).max()
    assert scale > 1e-2
    # smeared particles 2.5 beyond the range overlap by exp(-2.5²/2ℓ²) = 8e-16, less in 1D; the
    # modes end at |Ĝ| = exp(-(37·0.3)²/4) = 4e-14, relative to terms of order one
    close = {"rtol": 0.0, "atol": 1e-12}
    np.testing.assert_allclose(term[W], pairs.resolved, **close)
    np.testing.assert_allclose(term[W] + term[FLUX], 0.0, **close)
    np.testing.assert_allclose(balance.source[THERMAL] + pairs.ito, 0.0, **close)


@pytest.mark.parametrize("dim", [1, 2])
def test_self_pairs_are_the_sum_over_particles_alone(dim, rng):
    system, positions, species = crowd(dim, rng)
    alone = [
        system.at_rest(system.density(positions[a : a + 1], species[a : a + 1]))
        for a in range(len(positions))
    ]
    resolved = sum(balance.source[W] + balance.transport[W] for balance in alone)
    thermal = sum(balance.source[THERMAL] for balance in alone)
    pairs = system.one.of(system.density(positions, species))
    # round-off of at most 400 modes, and the 1e-13 of the point sums
    np.testing.assert_allclose(pairs.resolved, resolved, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(pairs.ito, -thermal, rtol=0.0, atol=1e-12)
    everything = system.at_rest(system.density(positions, species))
    # particles that overlap have more than that: the sum is no budget of the whole
    assert np.abs(everything.source[W] + everything.transport[W] - resolved).max() > 0.1
    assert np.abs(everything.source[THERMAL] - thermal).max() > 0.1


@pytest.mark.parametrize("dim", [1, 2])
def test_ito_source_leaves_the_thermal_source_of_unlike_particles(dim, rng):
    """Q_thermal + I = -2T Σ_{a≠b} Σ_k B[∂_kG_a, ∂_kG_b], pair by pair."""
    system, positions, species = crowd(dim, rng)
    p = system.cell.wavevectors(system.counts)
    slopes = []
    for x, s in zip(positions, species, strict=True):
        smooth = system.density(x[np.newaxis], s[np.newaxis]) * system.filter
        slopes.append(1j * p * smooth[:, np.newaxis])
    table = VirialTable.build(system.mixture, system.cell, system.counts, system.functions.q)
    gradients = [[(k, dim + k) for k in range(dim)]]
    parts = [
        bilinear(np.concatenate([left, right], axis=1), table, gradients)[0]
        for a, left in enumerate(slopes)
        for b, right in enumerate(slopes)
        if a != b
    ]
    expected = system.functions.smear(-2.0 * T * sum(parts))
    density = system.density(positions, species)
    remaining = system.at_rest(density).source[THERMAL] + system.one.of(density).ito
    scale = np.abs(expected).max()
    assert scale > 0.1
    # round-off of at most 400 modes in each of 20 pairs
    np.testing.assert_allclose(remaining, expected, rtol=0.0, atol=1e-12 * scale)


@pytest.mark.parametrize("ell", [0.05, 0.07, 0.1])
def test_ito_source_of_a_kink_diverges_and_of_a_rounded_core_does_not(ell):
    """I = -T ∫W''(y) (G*G)(y) dy in 1D, with W = yV' = -ε(|y| - y²/r_c) or -κy² near y = 0."""
    epsilon, core = 1.3, 0.8

    def ito(potential):
        system = System(Cell.cubic(2.5, 1), (500,), ell, Mixture.single(potential))
        return system.one.of(system.density(np.array([[0.4]]), np.array([0]))).ito[0, 0]

    kink = epsilon * T * (1.0 / (np.sqrt(np.pi) * ell) - 2.0)
    # tails of G*G beyond the range, exp(-r²/4ℓ²) at r = 1: 1e-11 at the largest ℓ
    assert ito(Harmonic(epsilon, diameter=1.0)) == pytest.approx(kink, abs=1e-9)
    kappa = epsilon * (1.0 - core) / core
    # the same beyond the core, at r = 0.8: 1e-7, and V' bends there
    assert ito(Harmonic(epsilon, diameter=1.0, core=core)) == pytest.approx(
        2.0 * T * kappa, abs=20.0 * np.exp(-((core / (2.0 * ell)) ** 2)) + 1e-10
    )


def test_ito_source_is_the_drift_of_free_noisy_particles(rng):
    """E[Δσ_ℓ[φ]]/dt = Q_thermal + I for particles that only diffuse, x += sqrt(2T dt) ξ."""
    system, positions, species = crowd(2, rng)
    draws, dt = 2000, 1e-6
    step = np.sqrt(2.0 * T * dt) * rng.normal(size=(draws, *positions.shape))

    def stress(x):
        smooth = system.density(x, species) * system.filter
        stress = bilinear(smooth[:, np.newaxis], system.table, [[(0, 0)]])[0]
        return system.functions.smear(stress)

    system.table = VirialTable.build(system.mixture, system.cell, system.counts, system.functions.q)
    start = stress(positions)
    # ξ and -ξ together: the martingale, of order sqrt(dt), cancels in every pair of draws
    samples = [0.5 * (stress(positions + d) + stress(positions - d)) - start for d in step]
    drift = np.mean(samples, axis=0) / dt
    error = np.std(samples, axis=0, ddof=1) / np.sqrt(draws) / dt
    density = system.density(positions, species)
    thermal = system.at_rest(density)
    ito = system.one.of(density).ito
    diffusion = thermal.source[THERMAL] + thermal.transport[THERMAL]
    # nine values: four standard errors are exceeded by chance in 6e-4 of all seeds; the next
    # order in time, dt T k⁴, is 1e-2 of an error
    assert np.max(np.abs(drift - diffusion - ito) / error) < 4.0
    # and the Itô source is seen: without it the balance would be far off
    assert np.max(np.abs(drift - diffusion) / error) > 20.0
