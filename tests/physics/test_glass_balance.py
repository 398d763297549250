"""The stress balance along trajectories of the particle glass, and its limit at small scale."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.balance import TERMS, Budget, currents
from glasscade.budget.operator import VirialTable, bilinear
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.particles.dynamics import Motion, State, run
from glasscade.particles.observables import find_bonds, forces, virial_rate, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.transforms import point_modes

MIXTURE = binary_spheres(core=0.2)
TABLE = PairTable.from_mixture(MIXTURE)


class Smeared:
    """σ_ℓ, its sources and its Itô source at one scale: traces over d, for φ = 1."""

    def __init__(
        self,
        cell: Cell,
        species: np.ndarray,
        ell: float,
        temperature: float,
        mobility: float = 1.0,
    ) -> None:
        self.cell, self.species, self.temperature = cell, species, temperature
        self.mobility = mobility
        # A Gaussian has fallen to 1e-9 of itself there.
        self.counts = cell.counts_up_to(1.25 * GAUSSIAN.band(cell.dim) / ell)
        self.filter = GAUSSIAN.filter(cell, self.counts, ell)
        self.functions = TestFunctions.bumps(cell.dim, 1, 1, seed=1)
        self.budget = Budget(MIXTURE, cell, self.counts, self.functions)
        self.one_hot = (species == np.arange(MIXTURE.species)[:, None]).astype(float)
        self.own = OneParticleBudget(
            self.budget, self.filter, MIXTURE.species, temperature, mobility
        )

    def __call__(self, positions: np.ndarray) -> tuple[float, dict[str, float]]:
        bonds = find_bonds(positions, self.species, TABLE, self.cell)
        one_hot = self.one_hot[:, np.newaxis]
        rows = np.concatenate([one_hot, one_hot * forces(bonds).T], axis=1)
        modes = point_modes(positions, rows, self.cell, self.counts)
        state = currents(
            modes[:, 0],
            modes[:, 1:],
            self.filter,
            self.budget.field,
            self.temperature,
            mobility=self.mobility,
        )
        balance = self.budget.balance(state)
        sources = {
            term: self.trace(source[0])
            for term, source in zip(TERMS, balance.source + balance.transport, strict=True)
        }
        sources["Ito"] = self.trace(self.own.of(modes[:, 0]).ito[0])
        return self.trace(balance.stress[0]), sources

    def stresses(self, configurations: list[np.ndarray]) -> np.ndarray:
        """σ_ℓ alone, of many configurations in one pass."""
        densities = [point_modes(x, self.one_hot, self.cell, self.counts) for x in configurations]
        fields = np.stack(densities, axis=1) * self.filter
        table = VirialTable.build(MIXTURE, self.cell, self.counts, self.functions.q)
        modes = bilinear(fields, table, [[(i, i)] for i in range(len(configurations))])
        return np.array([self.trace(stress[0]) for stress in self.functions.smear(modes)])

    def trace(self, components: np.ndarray) -> float:
        """tr/d from the components (xx, xy, yy)."""
        return 0.5 * float(components[0] + components[2])


@pytest.fixture(scope="module")
def start() -> tuple[State, Cell]:
    """A short quench, past the first contacts, of N = 24 disks."""
    state, cell = random_mixture(24, 0.95, 2, seed=3, realisation=0)
    [positions] = run(state, TABLE, cell, 0.0, 0.01, 0, [100])
    return State(positions, state.species), cell


def residual(start, dt: float, stride: int, steps: int) -> float:
    """Δσ_ℓ minus the time integral of all sources by the trapezoid rule."""
    state, cell = start
    smeared = Smeared(cell, state.species, 0.5, 0.0)
    times = np.arange(0, steps + 1, stride)
    history = [smeared(x) for x in run(state, TABLE, cell, 0.0, dt, 0, times)]
    stress = [sigma for sigma, _ in history]
    rate = [sum(sources.values()) for _, sources in history]
    return abs(stress[-1] - stress[0] - np.trapezoid(rate, times * dt))


def test_athermal_closure_is_of_second_order_in_the_output_spacing(start):
    # Steps of 2.5e-4 put the floor of the time stepping far below the error of the trapezoids.
    spacing = np.array([400, 800, 1600])
    errors = [residual(start, 2.5e-4, int(stride), 4800) for stride in spacing]
    slope = np.polyfit(np.log(spacing), np.log(errors), 1)[0]
    # Of second order, up to the next order of the rule at spacings of 0.1 to 0.4.
    assert slope == pytest.approx(2.0, abs=0.15)


def test_athermal_closure_has_a_floor_of_first_order_in_dt(start):
    dt = np.array([0.02, 0.01, 0.005])
    errors = [residual(start, h, 2, round(1.2 / h)) for h in dt]
    slope = np.polyfit(np.log(dt), np.log(errors), 1)[0]
    # Of first order, up to the next, a relative h times the stiffness of several contacts.
    assert slope == pytest.approx(1.0, abs=0.1)


def test_the_thermal_residual_is_a_martingale(start):
    """One Euler step from one state with many noises: zero mean, and the variance of noise."""
    state, cell = start
    temperature, dt, noises = 0.05, 1e-4, 400
    smeared = Smeared(cell, state.species, 0.5, temperature)
    before, sources = smeared(state.positions)
    after = [run(state, TABLE, cell, temperature, dt, seed, [1])[0] for seed in range(noises)]
    residuals = smeared.stresses(after) - before - dt * sum(sources.values())
    moves = 1e-4 * np.eye(state.positions.size).reshape(-1, *state.positions.shape)
    ahead, behind = (smeared.stresses([*(state.positions + m)]) for m in (moves, -moves))
    gradient = (ahead - behind) / 2e-4
    variance = 2.0 * temperature * dt * np.sum(gradient**2)
    # Four standard errors of a mean and of a variance of normal numbers.
    assert abs(residuals.mean()) < 4.0 * np.sqrt(variance / noises)
    assert residuals.var(ddof=1) == pytest.approx(variance, rel=4.0 * np.sqrt(2.0 / noises))


@pytest.mark.parametrize("mobility", [1.0, 0.3])
def test_the_drift_of_the_stress_needs_the_ito_source(start, mobility):
    """Mean over noises of one step; opposite noises in pairs, so that the martingale cancels."""
    state, cell = start
    temperature, dt, pairs = 0.05, 1e-4, 200
    smeared, motion = Smeared(cell, state.species, 0.5, temperature, mobility), Motion(mobility)
    before, sources = smeared(state.positions)

    def moved(temperature: float, seed: int) -> np.ndarray:
        return run(state, TABLE, cell, temperature, dt, seed, [1], motion=motion)[0]

    still = moved(0.0, 0)
    kicks = [moved(temperature, seed) - still for seed in range(pairs)]
    ahead, behind = (smeared.stresses([still + sign * kick for kick in kicks]) for sign in (1, -1))
    change = 0.5 * (ahead + behind) - before
    drift, error = np.mean(change) / dt, np.std(change, ddof=1) / dt / np.sqrt(pairs)
    # Four standard errors; the next order in dt is a hundred times smaller.
    assert abs(drift - sum(sources.values())) < 4.0 * error
    assert abs(sources["Ito"]) > 20.0 * error


@pytest.fixture(scope="module")
def patch() -> tuple[np.ndarray, np.ndarray, Cell]:
    """9 disks near a square lattice of spacing 0.6, species as on a chessboard, and a gap."""
    random = np.random.default_rng(5)
    sites = np.stack(np.meshgrid(*2 * [np.arange(3)], indexing="ij"), axis=-1).reshape(-1, 2)
    positions = 0.6 * sites + random.uniform(-0.004, 0.004, sites.shape)
    return positions, sites.sum(axis=1) % 2, Cell.cubic(2.8, 2)


def test_sources_become_those_of_the_virial_at_the_order_of_the_kernel(patch):
    positions, species, cell = patch
    bonds = find_bonds(positions, species, TABLE, cell)
    ells = np.array([0.03, 0.025, 0.02])
    # V'' jumps at the core and at the cutoff; every pair, spread by ℓ, is four ℓ away from both.
    cutoff = TABLE.cutoff[species[bonds.first], species[bonds.second]]
    assert min(np.min(cutoff - bonds.distance), np.min(bonds.distance - 0.2)) > 4.0 * ells[0]
    stress, rate = [], []
    for ell in ells:
        sigma, sources = Smeared(cell, species, float(ell), 0.0)(positions)
        stress.append(abs(sigma - 0.5 * np.trace(virial_stress(bonds))))
        rate.append(abs(sources["W"] + sources["Q_flux"] - 0.5 * np.trace(virial_rate(bonds))))
    for errors in (stress, rate):
        slope = np.polyfit(np.log(ells), np.log(errors), 1)[0]
        # An even kernel is of second order; the fourth-order term is about (ℓ/0.2)², 2 % of it.
        assert slope == pytest.approx(2.0, abs=0.05)
