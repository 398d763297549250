"""Fluctuations of the density: structure factors, their orders in dt, moments, against particles.

The linear fluctuating equation has the structure factor 1/(1 + ρV_hat(k)/T) on the grid too, the
scheme that of dt; both follow here from the code's own linear maps, free of statistics. What the
full equation does is then sampled.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from glasscade.cell import Cell
from glasscade.fields.fluctuating import ACCURATE, FluctuatingDean
from glasscade.force import potential_hat
from glasscade.particles.dynamics import Motion, State, run
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import point_modes

IDEAL = Mixture.single(Gaussian(0.0, width=1.0))
CORE = Mixture.single(Gaussian(1.0, width=1.0))


def wavenumbers(n, side, dim):
    """|k| on all modes of a grid, and the largest |k_i|."""
    k = np.meshgrid(*[2.0 * np.pi * np.fft.fftfreq(n, side / n)] * dim, indexing="ij")
    return np.linalg.norm(k, axis=0), np.max(np.abs(k), axis=0)


def gaussian_hat(k, dim, width=1.0):
    return (np.sqrt(np.pi) * width) ** dim * np.exp(-0.25 * (k * width) ** 2)


def limit(shape, mixture, cell, temperature, density):
    """The largest dt that `simulate` would take at a uniform density (S,)."""
    scheme = FluctuatingDean(shape, mixture, cell, temperature, 1.0, 0)
    return ACCURATE / scheme.rate(uniform(density, shape))


def uniform(density, shape):
    return np.multiply.outer(np.asarray(density, dtype=float), np.ones(shape))


def snapshots(scheme, density, wait, number, every):
    """Densities at every so many steps, from a uniform start."""
    state, step = scheme.advance(uniform(density, scheme.shape), 0, wait), wait
    scheme.cut = 0
    for _ in range(number):
        state = scheme.advance(state, step, step + every)
        step += every
        yield state


# --- linear maps ----------------------------------------------------------------------------------


class Linear:
    """R and B of δρ(+dt) = R δρ + B W about a uniform density of so many particles that it is one.

    Both are measured on the code, on the eight cells of a line; R and B Bᵀ are circulant.
    """

    particles, n, side, temperature = 1e12, 8, 4.0, 0.7

    def __init__(self, x):
        """With dt·rate = x of the fastest mode."""
        cell, shape = Cell.cubic(self.side, 1), (self.n,)
        dx = self.side / self.n
        density = [self.particles / dx]
        mixture = Mixture.single(Gaussian(2.0 / density[0], width=0.8))
        k = wavenumbers(self.n, self.side, 1)[0]
        self.exact = 1.0 / (1.0 + 2.0 * gaussian_hat(k, 1, 0.8) / self.temperature)
        grid = (2.0 / dx * np.sin(0.5 * k * dx)) ** 2
        self.rates = self.temperature * grid / self.exact
        self.dt = x / self.rates.max()
        scheme = FluctuatingDean(shape, mixture, cell, self.temperature, self.dt, 0)
        base, quiet = uniform(density, shape), np.zeros((2, 1, self.n), dtype=np.float32)
        pushed = base.copy()
        pushed[0, 0] *= 1.0 + 1e-6
        column = (scheme.step(pushed, quiet) - base)[0] / (pushed - base)[0, 0]
        self.r = np.fft.fft(column).real
        rows = []
        for which in np.ndindex(quiet.shape):
            noise = quiet.copy()
            noise[which] = 1.0
            rows.append((scheme.step(base, noise) - base)[0])
        # <δρ δρ> in units of its ideal value ρ/dx
        self.b = np.fft.fft(np.transpose(rows) @ np.array(rows)[:, 0]).real / (density[0] / dx)

    def after(self, steps):
        """Structure factor so many steps after a uniform start."""
        powers = self.r ** (2 * steps)
        return self.b[1:] * (1.0 - powers[1:]) / (1.0 - self.r[1:] ** 2)


def test_structure_factor_of_the_steady_state_is_exact_to_third_order():
    """S/S_exact = 1/(1 - x³/(8 - 8x + 4x²)), x = dt·rate of the mode."""
    fractions, errors = np.array([0.5, 0.25, 0.125]), []
    for fraction in fractions:
        linear = Linear(fraction)
        x = linear.dt * linear.rates[1:]
        steady = linear.b[1:] / (1.0 - linear.r[1:] ** 2) / linear.exact[1:]
        # of noise among 1e12 particles, and of a push of 1e-6, so much is not linear
        np.testing.assert_allclose(
            steady, 1.0 / (1.0 - x**3 / (8.0 - 8.0 * x + 4.0 * x**2)), rtol=1e-6
        )
        errors.append(steady.max() - 1.0)
    slopes = np.diff(np.log(errors)) / np.diff(np.log(fractions))
    # x³/8 (1 + x + ...): the next order bends the slope by less than x
    assert slopes == pytest.approx(3.0, abs=0.5)
    assert slopes[-1] == pytest.approx(3.0, abs=0.25)
    # what the limit on dt promises
    assert errors[0] == pytest.approx(0.0256, abs=1e-4)


def test_growth_of_fluctuations_and_decay_of_the_mean_are_exact_to_second_order():
    errors, counts = [], np.array([16, 32, 64])
    time = 2 * Linear(0.5).dt
    for count in counts:
        linear = Linear(0.5 * 2 / count)
        assert linear.dt * count == pytest.approx(time)
        decay = np.exp(-linear.rates[1:] * time)
        grown = linear.exact[1:] * (1.0 - decay**2)
        errors.append(
            [
                np.abs(linear.after(count) / grown - 1.0).max(),
                np.abs(linear.r[1:] ** count - decay).max(),
            ]
        )
    slopes = np.diff(np.log(errors), axis=0) / np.diff(np.log(1.0 / counts))[:, np.newaxis]
    # the third order, that of the steady state, has a share of 3 x in the error at λt = 1
    assert slopes[-1] == pytest.approx([2.0, 2.0], abs=0.1)


# --- the noise depends on the density -------------------------------------------------------------


def cumulants(laplacian, start, time, variance):
    """Of the linear equation with noise of a variance linear in ρ, to the third, after `time`.

    m' = Lm,  C' = LC + CLᵀ + A(m),  κ'_ijk = Σ_l (L_il κ_ljk + A_ij,l C_lk) and permutations.
    """
    n = len(start)

    def derivative(_, y):
        m, c, kappa = y[:n], y[n : n + n * n].reshape(n, n), y[n + n * n :].reshape(n, n, n)
        one = np.einsum("il,ljk->ijk", laplacian, kappa) + np.einsum("ijl,lk->kij", variance, c)
        total = one + one.transpose(1, 2, 0) + one.transpose(2, 0, 1)
        grown = laplacian @ c
        return np.concatenate(
            [laplacian @ m, (grown + grown.T + variance @ m).ravel(), total.ravel()]
        )

    y = np.concatenate([start, np.zeros(n * n + n**3)])
    y = solve_ivp(derivative, (0.0, time), y, method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    return y[:n], y[n : n + n * n].reshape(n, n), y[n + n * n :].reshape(n, n, n)


def test_one_step_has_the_cumulants_of_the_equation_to_third_order():
    """An ideal gas on a ring of three cells, averaged over the normals by Gauss-Hermite.

    A local error of third order is a global one of second, in the weak sense.
    """
    start = np.array([400.0, 520.0, 330.0])
    ahead = np.roll(np.eye(3), 1, axis=1)
    gradient = ahead - np.eye(3)
    laplacian = -gradient.T @ gradient
    # of the face ahead of i: 2T times the mean, through D
    variance = np.einsum("fi,fj,fl->ijl", gradient, gradient, np.eye(3) + ahead)
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    weights = weights / weights.sum()
    errors, times = [], np.array([0.04, 0.02, 0.01])
    for dt in times:
        scheme = FluctuatingDean((3,), IDEAL, Cell.cubic(3.0, 1), 1.0, dt, 0)
        rows, weight = [], []
        for which in itertools.product(range(4), repeat=6):
            noise = nodes[list(which)].astype(np.float32).reshape(2, 1, 3)
            rows.append(scheme.step(start[np.newaxis], noise)[0])
            weight.append(np.prod(weights[list(which)]))
        found, weight = np.array(rows), np.array(weight)
        mean = weight @ found
        off = found - mean
        second = np.einsum("w,wi,wj->ij", weight, off, off)
        third = np.einsum("w,wi,wj,wk->ijk", weight, off, off, off)
        exact = cumulants(laplacian, start, dt, variance)
        errors.append(
            [np.abs(a - b).max() for a, b in zip((mean, second, third), exact, strict=True)]
        )
        # the third is due to the multiplicative noise alone, and far above its error
        assert errors[-1][2] < 0.5 * np.abs(exact[2]).max()
    slopes = np.diff(np.log(errors), axis=0) / np.diff(np.log(times))[:, np.newaxis]
    # the next order bends the slope, half as much where dt is half
    assert slopes[0] == pytest.approx([3.0, 3.0, 3.0], abs=0.25)
    assert slopes[1] == pytest.approx([3.0, 3.0, 3.0], abs=0.125)


def test_an_ideal_gas_has_the_fluctuations_of_poisson():
    """S = 1, variance and third cumulant N: independent particles, at twenty in a cell."""
    n, particles = 256, 20.0
    cell, wait = Cell.cubic(float(n), 1), 4000
    dt = 0.5 * limit((n,), IDEAL, cell, 1.0, [particles])
    scheme = FluctuatingDean((n,), IDEAL, cell, 1.0, dt, 3)
    states = np.array([state[0] for state in snapshots(scheme, [particles], wait, 500, 20)])
    off = states - particles
    # the slow long waves leave about one in three cells independent in each of the 500
    error = 1.0 / np.sqrt(states.size / 3.0)
    assert off.mean() == pytest.approx(0.0, abs=1e-10)
    # of x = 0.25 at the fastest mode the discrete S is 0.25 % above one, on average 0.1 %
    assert np.mean(off**2) / particles == pytest.approx(1.001, abs=4.0 * np.sqrt(2.0) * error)
    spread = np.sqrt(6.0 * particles + 18.0) * error
    assert np.mean(off**3) / particles == pytest.approx(1.0, abs=4.0 * spread)
    assert scheme.cut == 0


# --- interacting ----------------------------------------------------------------------------------


def in_bins(spectra, expected, k, edges, inside):
    """Mean of S/S_expected in bins of |k|."""
    ratio = spectra / expected
    return [
        float(np.mean(ratio[(k > low) & (k <= high) & inside]))
        for low, high in itertools.pairwise(edges)
    ]


@pytest.mark.parametrize(
    ("dim", "n", "side", "number"), [(1, 128, 32.0, 4000), (2, 48, 24.0, 1200)]
)
def test_structure_factor_of_a_dense_gaussian_core(dim, n, side, number):
    """Within 3 % of 1/(1 + ρV_hat/T) where |k_i| <= π/2dx, at ρ r_c^d = 50 and T = 1."""
    density, shape, cell = 50.0, (n,) * dim, Cell.cubic(side, dim)
    dt = 0.5 * limit(shape, CORE, cell, 1.0, [density])
    scheme = FluctuatingDean(shape, CORE, cell, 1.0, dt, 5)
    spectra = np.zeros(shape)
    for state in snapshots(scheme, [density], 1000, number, 8):
        spectra += np.abs(np.fft.fftn(state[0])) ** 2
    spectra *= scheme.volume / (number * density * n**dim)
    k, largest = wavenumbers(n, side, dim)
    edge = 0.5 * np.pi / (side / n)
    inside = (k > 0.0) & (largest <= edge * (1.0 + 1e-9))
    expected = 1.0 / (1.0 + density * gaussian_hat(k, dim))
    edges = np.linspace(0.0, edge * np.sqrt(dim) * (1.0 + 1e-9), 5)
    ratios = in_bins(spectra, expected, k, edges, inside)
    # the standard error is 0.9 % in the first bin, whose waves are the slowest, and 0.5 % beyond
    assert ratios == pytest.approx([1.0] * 4, abs=0.03)


def test_partial_structure_factors_of_a_mixture_are_those_of_the_matrix():
    """<ρ_a ρ_b*>/|Ω| = (ρ⁻¹ + V_hat/T)⁻¹ for two species."""
    n, side, temperature, number, density = 96, 24.0, 0.8, 3000, np.array([60.0, 30.0])
    unlike = Gaussian(0.07, width=0.9)
    table = (Gaussian(0.1, width=1.0), unlike), (unlike, Gaussian(0.12, width=0.8))
    mixture = Mixture(table)
    cell = Cell.cubic(side, 1)
    dt = 0.5 * limit((n,), mixture, cell, temperature, density)
    scheme = FluctuatingDean((n,), mixture, cell, temperature, dt, 8)
    spectra = np.zeros((2, 2, n))
    for state in snapshots(scheme, density, 2000, number, 8):
        modes = np.fft.fft(state)
        spectra += np.einsum("ak,bk->abk", modes, modes.conj()).real
    spectra *= scheme.volume**2 / (number * side)
    k, _ = wavenumbers(n, side, 1)
    hats = np.array([[v.strength * gaussian_hat(k, 1, v.width) for v in row] for row in table])
    inverse = np.diag(1.0 / density)[..., np.newaxis] + hats / temperature
    expected = np.linalg.inv(inverse.transpose(2, 0, 1)).transpose(1, 2, 0)
    own = np.sqrt(np.einsum("aak->ak", expected))
    # longer waves of the composition are too slow to be sampled here
    edges = np.linspace(1.3, 0.5 * np.pi * n / side * (1.0 + 1e-9), 5)
    # each in units of the geometric mean of its own two: S_ab may pass through zero
    off = (spectra - expected) / (own[:, np.newaxis] * own)
    for low, high in itertools.pairwise(edges):
        found = off[:, :, (k > low) & (k <= high)].mean(axis=-1)
        # standard errors from 2 % in the first bin to 0.6 % in the last
        np.testing.assert_allclose(found, 0.0, rtol=0.0, atol=0.06)
    # and they are coupled: S_ab is far from zero
    assert np.min((expected[0, 1] / (own[0] * own[1]))[k > 1.3]) < -0.3


# --- against particles ----------------------------------------------------------------------------


def with_errors(spectra, exact, bins=3, blocks=8):
    """Mean of S/exact in bins of modes, and its standard error from blocks of snapshots."""
    parts = np.array_split(np.array(spectra) / exact, blocks)
    means = np.array([[b.mean() for b in np.array_split(p.mean(axis=0), bins)] for p in parts])
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(blocks)


def test_particles_and_field_have_one_structure_factor_at_lower_density():
    """Ten harmonic spheres per diameter on a line: a cell of half a diameter holds five."""
    side, n, number, modes = 12.0, 24, 120, slice(1, 7)
    cell, density, spheres = Cell.cubic(side, 1), number / side, Harmonic(1.0, diameter=1.0)
    mixture, k = Mixture.single(spheres), 2.0 * np.pi * np.arange(n)[np.newaxis, modes] / side
    exact = 1.0 / (1.0 + density * potential_hat(spheres, k))
    dt = 0.5 * limit((n,), mixture, cell, 1.0, [density])
    scheme = FluctuatingDean((n,), mixture, cell, 1.0, dt, 7)
    field = [
        np.abs(np.fft.fft(state[0])[modes]) ** 2 * scheme.volume**2 / number
        for state in snapshots(scheme, [density], 1000, 1500, 10)
    ]
    positions = side * np.random.default_rng(1).random((number, 1))
    start = State(positions, np.zeros(number, dtype=np.int64))
    motion, table = Motion(integrator="leimkuhler-matthews"), PairTable.from_mixture(mixture)
    frames = run(start, table, cell, 1.0, 0.01, 3, range(500, 6500, 10), motion=motion)
    ones = np.ones((1, number))
    points = [np.abs(point_modes(x, ones, cell, (6,))[0, 6:][modes]) ** 2 / number for x in frames]
    (one, error), (other, spread) = with_errors(field, exact), with_errors(points, exact)
    # of the slowest bin: 18 and 60 units of time hold some hundred independent values of a mode
    assert np.hypot(error, spread).max() < 0.08
    # four standard errors
    assert np.all(np.abs(one - other) < 4.0 * np.hypot(error, spread))
