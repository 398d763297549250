"""Noise in the balance of particles: the martingale step by step, the Itô source on average."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.balance import MARTINGALE, Budget, currents
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.particles.dynamics import State, run
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Mixture
from glasscade.transforms import point_modes

T = 0.05


class Particles:
    """σ_ℓ[φ] and its terms for points, (phi, c) each."""

    def __init__(self, mixture, cell, species, ell, counts):
        self.cell, self.species, self.counts = cell, species, counts
        self.table = PairTable.from_mixture(mixture)
        self.one_hot = (species == np.arange(mixture.species)[:, None]).astype(float)
        self.functions = TestFunctions.bumps(cell.dim, 1, 1, seed=1)
        self.budget = Budget(mixture, cell, counts, self.functions)
        self.filter = GAUSSIAN.filter(cell, counts, ell)
        self.own = OneParticleBudget(self.budget, self.filter, mixture.species, T)

    def force(self, x):
        return forces(find_bonds(x, self.species, self.table, self.cell))

    def balance(self, x, velocity=None):
        """The balance and the Itô source; `velocity` (N, d) makes the current of the noise."""
        vectors = [self.force(x)] + ([] if velocity is None else [velocity])
        rows = np.concatenate([np.ones((1, len(x))), *(v.T for v in vectors)])
        modes = point_modes(x, self.one_hot[:, None] * rows, self.cell, self.counts)
        d = self.cell.dim
        noise = None if velocity is None else modes[:, 1 + d :]
        state = currents(
            modes[:, 0], modes[:, 1 : 1 + d], self.filter, self.budget.field, T, noise=noise
        )
        return self.budget.balance(state), self.own.of(modes[:, 0]).ito


def test_noisy_trajectory_closes_pathwise_at_order_one_half():
    """Σ_n (Δσ_n - dt Σ terms_n - I dt), the noise of each step put through as a current.

    What is left of an Euler step has zero mean and variance ~ dt², of t/dt steps t·dt.
    """
    rng = np.random.default_rng(7)
    cell, time = Cell.cubic(3.0, 1), 0.02
    mixture = Mixture.single(Gaussian(1.0, width=0.5))
    system = Particles(mixture, cell, np.zeros(6, dtype=np.int64), 0.3, (24,))
    start = cell.cartesian(rng.random((6, 1)))
    steps, noises = np.array([4, 8, 16, 32]), 64
    left = np.empty((2, steps.size, noises, 2))
    for n, count in enumerate(steps):
        dt = time / count
        for noise in range(noises):
            x, total = start, np.zeros((2, 2, 1))
            before = system.balance(x)[0].stress
            for _ in range(count):
                velocity = np.sqrt(2.0 * T / dt) * rng.normal(size=x.shape)
                balance, ito = system.balance(x, velocity)
                term = balance.source + balance.transport
                driven = term[balance.terms.index(MARTINGALE)]
                total += dt * np.array([balance.rate + ito, balance.rate + ito - driven])
                x = x + dt * (velocity - system.force(x))
            left[:, n, noise] = (system.balance(x)[0].stress - before - total)[..., 0]
    closed, without = np.sqrt(np.mean(left**2, axis=(2, 3)))
    slope = np.polyfit(np.log(steps), np.log(closed), 1)[0]
    # 128 squares give each point to 1/sqrt(256), and the slope over three octaves to 0.04
    assert slope == pytest.approx(-0.5, abs=0.15)
    # without its martingale a trajectory is open by sqrt(t), whatever the step
    assert closed[-1] < 0.2 * without[-1]
    assert without[-1] == pytest.approx(without[0], rel=0.5)  # 128 squares: 0.09 each


def test_ito_source_is_needed_for_the_mean_drift_of_some_hundred_particles():
    """256 disks, one step, opposite noises in pairs so that the martingale cancels."""
    mixture = binary_spheres(core=0.02)  # as good as a kink, whose Itô source grows as 1/ℓ
    state, cell = random_mixture(256, 0.95, 2, seed=3, realisation=0)
    [positions] = run(state, PairTable.from_mixture(mixture), cell, 0.0, 0.01, 0, [100])
    state = State(positions, state.species)
    ell, dt, pairs = 0.2, 1e-5, 60
    counts = cell.counts_up_to(GAUSSIAN.band(2) / ell)
    system = Particles(mixture, cell, state.species, ell, counts)
    balance, ito = system.balance(positions)
    still = positions - dt * system.force(positions)
    rng = np.random.default_rng(9)
    change = []
    for _ in range(pairs):
        kick = np.sqrt(2.0 * T * dt) * rng.normal(size=positions.shape)
        both = [system.balance(still + sign * kick)[0].stress for sign in (1, -1)]
        change.append((0.5 * (both[0] + both[1]) - balance.stress) / dt)
    drift, error = np.mean(change, axis=0), np.std(change, axis=0, ddof=1) / np.sqrt(pairs)
    # six values: four standard errors of 60 pairs are exceeded by chance in 1e-3 of all seeds;
    # the next order in dt is a hundred times smaller
    assert np.max(np.abs(drift - balance.rate - ito) / error) < 4.0
    diagonal = [0, 2]
    assert np.min(np.abs(drift - balance.rate)[0, diagonal] / error[0, diagonal]) > 20.0
