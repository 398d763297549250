"""What densities do by the spectral solver, against exact solutions and conservation laws."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.external import Kolmogorov
from glasscade.fields import spectral
from glasscade.fields.initial import smooth_density
from glasscade.fields.line import Bumps, cole_hopf
from glasscade.fields.linear import normal_modes, spinodal
from glasscade.fields.spectral import evolve
from glasscade.force import ForceField
from glasscade.potentials import GEM, Cone, FreeCone, Gaussian, Mixture
from glasscade.transforms import grid_to_modes, modes_at_points, modes_to_grid

GEM4 = Mixture.single(GEM(1.0, width=1.0, exponent=4.0))
UNLIKE = Gaussian(1.1, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
CRITICAL = 2.0 * np.pi / 5.096
"""Wavelength of the clusters of GEM-4 in the plane."""


def counts_of(modes):
    return tuple((n - 1) // 2 for n in modes.shape[1:])


# --- Small waves ----------------------------------------------------------------------------------


WAVES = {
    "line": (Cell.cubic(6.0, 1), GEM4, (1.0,), (9,), (4,)),
    "plane": (Cell.cubic(4.0 * CRITICAL, 2), GEM4, (1.0,), (9, 9), (4, 0)),
    "plane tilted": (Cell.sheared(4.0 * CRITICAL, 2, 0.3), GEM4, (1.0,), (9, 9), (3, -2)),
    "space": (Cell.cubic(4.0, 3), GEM4, (1.0,), (6, 6, 6), (2, 2, 2)),
    "space tilted": (Cell.sheared(4.0, 3, 0.2), GEM4, (1.0,), (6, 6, 6), (3, 2, 1)),
    "mixture": (Cell.sheared(4.0, 2, 0.3), PAIR, (1.0, 0.6), (7, 7), (2, 1)),
}


@pytest.mark.parametrize("name", WAVES)
@pytest.mark.parametrize("side", [0.7, 1.3], ids=["below", "above"])
def test_small_waves_grow_and_decay_at_the_rates_of_the_linear_theory(name, side):
    """On both sides of the temperature at which this wave neither grows nor decays."""
    cell, mixture, means, counts, index = WAVES[name]
    k = np.array(np.linalg.norm(cell.reciprocal(np.array(index, dtype=float))))
    neutral = normal_modes(k, means, mixture, 0.0, cell.dim).rates[-1] / k**2
    assert neutral > 0.0
    temperature = side * float(neutral)
    rates, vectors = normal_modes(k, means, mixture, temperature, cell.dim)
    assert (rates[-1] > 0.0) == (side < 1.0)
    field = ForceField(mixture, cell, counts)
    there, amplitude = tuple(m + i for m, i in zip(counts, index, strict=True)), 1e-5 * cell.volume
    opposite = tuple(m - i for m, i in zip(counts, index, strict=True))
    for rate, vector in zip(rates, vectors.T, strict=True):
        density = np.zeros((len(means), *(2 * m + 1 for m in counts)), dtype=complex)
        density[(slice(None), *counts)] = np.array(means) * cell.volume
        density[(slice(None), *there)] = density[(slice(None), *opposite)] = amplitude * vector
        time = float(1.0 / np.abs(rate))
        final = evolve(density, field, temperature, [time], 1e-13)[0]
        growth = np.vdot(vector, final[(slice(None), *there)]) / np.vdot(vector, vector) / amplitude
        # second order in the amplitude: 1e-10, and the tolerance relative to it: 1e-8 a step
        assert np.log(growth.real) / time == pytest.approx(rate, rel=1e-6)


def test_a_fluid_below_its_spinodal_freezes_and_one_above_becomes_uniform():
    cell = Cell.cubic(CRITICAL, 2)
    density = grid_to_modes(smooth_density((32, 32), 1.0, 0.02, 1)[np.newaxis], cell)
    field = ForceField(GEM4, cell, counts_of(density))
    critical = spinodal([1.0], GEM4, 2).temperature

    def ripple(modes):
        return float(np.ptp(modes_to_grid(modes, cell, (31, 31))[0]))

    frozen = evolve(density, field, 0.95 * critical, [60.0], 1e-4)[0]
    fluid = evolve(density, field, 1.05 * critical, [20.0], 1e-4)[0]
    assert ripple(frozen) > 10.0 * ripple(density)
    assert ripple(fluid) < 0.1 * ripple(density)


# --- Exact solutions ------------------------------------------------------------------------------


LONG = Cell.cubic(12.0, 1)
BUMPS = Bumps((5.0, 7.0), (0.3, 0.35), (0.4, 0.6))
WARM, PLACES = 0.05, np.linspace(3.0, 9.0, 61)


def error_of_cone(points, tolerance, times, g):
    """The largest error of ρ at the given times against Cole-Hopf; mass is far from the ends."""
    x = np.arange(points) * 12.0 / points
    density = grid_to_modes(BUMPS.density(x)[np.newaxis], LONG)
    cone = Mixture.single(FreeCone(0.5 * g, reach=6.0))
    field = ForceField(cone, LONG, counts_of(density))
    history = evolve(density, field, WARM, times, tolerance)
    values = modes_at_points(history[:, 0], PLACES[:, np.newaxis], LONG)
    exact = np.array([cole_hopf(PLACES, time, BUMPS, g, WARM)[0] for time in times])
    return np.abs(values - exact).max()


def test_two_shocks_merge_as_cole_hopf_says():
    """Collapse, collision at t = 4 and one shock; M = 1."""
    # a few steps of the tolerance, which is relative to the mean density of 1/12
    assert error_of_cone(384, 1e-11, [1.0, 3.0, 6.0], 1.0) < 1e-11
    assert error_of_cone(384, 1e-7, [1.0, 3.0, 6.0], 1.0) < 1e-7


def test_a_repulsion_spreads_as_cole_hopf_says():
    # 5e-12 of the mass comes to lie beyond the reach of the potential
    assert error_of_cone(192, 1e-11, [0.5], -1.0) < 2e-11


def test_error_of_a_shock_falls_as_its_distance_from_the_poles_says(monkeypatch):
    """ρ = sech²(gMx/4T) gM²/8T has poles at ix, x = 2πT/gM: errors fall as exp(-k_max x)."""
    monkeypatch.setattr(spectral, "TAIL", np.inf)
    points = np.array([64, 96, 128, 192])
    errors = [error_of_cone(n, 1e-9, [6.0], 1.0) for n in points]
    slope = np.polyfit(np.pi * points / 12.0, np.log(errors), 1)[0]
    # the poles are double, so that a factor k slows the fall: by 1/k, of k = 17 to 50
    assert -slope == pytest.approx(2.0 * np.pi * WARM, rel=0.15)


@pytest.mark.parametrize("strength", [1.0, -1.0], ids=["attraction", "repulsion"])
def test_cone_without_noise_moves_mass_along_exact_paths(strength):
    """u = -F obeys u_t + u u_x = a u, a = 2gM/L: x = x₀ + u₀ s, s = (e^{at} - 1)/a, till shocks."""
    length, n = 6.0, 512
    cell = Cell.cubic(length, 1)
    q, x0 = 2.0 * np.pi / length, np.linspace(0.0, length, 200, endpoint=False)
    contrast, rate = 0.5, 2.0 * strength
    start = 1.0 + contrast * np.cos(q * x0)
    u0 = -2.0 * strength * contrast / q * np.sin(q * x0)  # F' = 2g(ρ - M/L)
    grid = np.arange(n) * length / n
    density = grid_to_modes(1.0 + contrast * np.cos(q * grid)[np.newaxis], cell)
    field = ForceField(Mixture.single(Cone(strength, period=length)), cell, counts_of(density))
    times = [0.1, 0.25]
    for time, modes in zip(times, evolve(density, field, 0.0, times, 1e-11), strict=True):
        s = (np.exp(rate * time) - 1.0) / rate
        x = (x0 + u0 * s)[:, np.newaxis]
        exact = start / (1.0 - 2.0 * strength * contrast * np.cos(q * x0) * s)
        assert np.ptp(exact) > 1.1 * np.ptp(start) or strength < 0.0
        # the tolerance; the tail left out is smaller
        np.testing.assert_allclose(modes_at_points(modes[0], x, cell), exact, rtol=1e-9)


def test_without_interaction_a_gradient_force_ends_in_the_boltzmann_distribution():
    """f = -U', U = (A/k) cos(kx + φ): ρ → exp(-U/T) of unit mean."""
    cell, temperature, force = Cell.cubic(5.0, 1), 0.4, Kolmogorov(0.5, (1,), (1.0,), 0.3)
    density = grid_to_modes(smooth_density((64,), 1.0, 0.3, 2)[np.newaxis], cell)
    field = ForceField(Mixture.single(Gaussian(0.0, 1.0)), cell, counts_of(density))
    # ten times the slowest relaxation 1/Tk² for each factor of ten thousand
    final = evolve(density, field, temperature, [50.0], 1e-9, force.modes(cell, (31,)))[0]
    x, k = np.arange(63) * 5.0 / 63, 2.0 * np.pi / 5.0
    expected = np.exp(-0.5 / k * np.cos(k * x + 0.3) / temperature)
    expected /= np.mean(expected)  # spectrally accurate
    np.testing.assert_allclose(modes_to_grid(final, cell, (63,))[0], expected, rtol=1e-8)


def test_interaction_does_not_move_the_centre_and_an_external_force_does():
    """d/dt ∫xρ = ∫ρf, all interactions cancelling; a drop well inside the cell."""
    cell, n = Cell.cubic(12.0, 1), 192
    x = np.arange(n) * 12.0 / n - 6.0
    drop = np.array([np.exp(-((x - 0.2) ** 2)), 0.5 * np.exp(-1.5 * x**2)])
    density = grid_to_modes(drop, cell)
    field = ForceField(PAIR, cell, counts_of(density))
    forces = [Kolmogorov(0.3, (1,), (1.0,), 1.0), Kolmogorov(-0.1, (1,), (1.0,), 1.4)]
    drive = np.array([force.modes(cell, counts_of(density)) for force in forces])
    f = np.array([force.at(cell, x[:, np.newaxis] + 6.0)[:, 0] for force in forces])
    times = np.linspace(0.0, 1.0, 17)
    for outside, strength in ((None, 0.0), (drive, 1.0)):
        rho = modes_to_grid(evolve(density, field, 0.05, times, 1e-10, outside), cell, (n,))
        centre = np.sum(rho * x, axis=(1, 2)) * 12.0 / n
        power = strength * np.sum(rho * f, axis=(1, 2)) * 12.0 / n
        # trapezoid with Romberg's first two corrections: errors of order dt⁶ = 6e-8
        sums = [np.sum(power[::s]) - 0.5 * (power[0] + power[-1]) for s in (1, 2, 4)]
        fine, middle, coarse = (s / 16.0 * total for s, total in zip((1, 2, 4), sums, strict=True))
        better, good = (4.0 * fine - middle) / 3.0, (4.0 * middle - coarse) / 3.0
        expected = (16.0 * better - good) / 15.0
        assert abs(expected) >= 0.05 * strength
        # the drop ends 1e-9 above zero at the edges of the cell
        assert centre[-1] - centre[0] == pytest.approx(expected, abs=1e-7)


# --- Conservation and dissipation -----------------------------------------------------------------


SYSTEMS = {
    "line": (Cell.cubic(6.0, 1), (80,)),
    "plane tilted": (Cell.sheared(4.0, 2, 0.3), (24, 26)),
}


def free_energy(density, field, temperature):
    """½ Σ_ss' ∫∫ρ_s V_ss' ρ_s' + T Σ_s ∫ρ_s ln ρ_s."""
    cell, shape = field.cell, tuple(4 * m + 1 for m in counts_of(density))
    energy = 0.0
    for a, b, v in PAIR.pairs():
        squares = np.sum(field.wavevectors**2, axis=0)
        v_hat = v.strength * (np.sqrt(np.pi) * v.width) ** cell.dim
        v_hat = v_hat * np.exp(-squares * v.width**2 / 4)
        energy += 0.5 * np.sum(v_hat * np.conj(density[a]) * density[b]).real / cell.volume
    rho = modes_to_grid(density, cell, shape)
    return energy + temperature * cell.volume * np.sum(rho * np.log(rho)) / rho[0].size


def dissipation(density, field, temperature):
    """Σ_s ∫|j_s|²/ρ_s, j_s = -ρ_s F_s - T∇ρ_s."""
    cell, shape = field.cell, tuple(4 * m + 1 for m in counts_of(density))
    rho = modes_to_grid(density, cell, shape)[:, np.newaxis]
    force = modes_to_grid(field.force(density), cell, shape)
    slope = modes_to_grid(1j * field.wavevectors * density[:, np.newaxis], cell, shape)
    j = -rho * force - temperature * slope
    return cell.volume * np.sum(j**2 / rho) / rho[0, 0].size


@pytest.mark.parametrize("temperature", [0.0, 0.1])
@pytest.mark.parametrize("name", SYSTEMS)
def test_free_energy_falls_at_the_rate_of_dissipation(name, temperature):
    cell, counts = SYSTEMS[name]
    shape = tuple(2 * m + 1 for m in counts)
    values = [smooth_density(shape, mean, 0.2, seed) for mean, seed in ((1.0, 1), (0.5, 2))]
    density = grid_to_modes(np.array(values), cell)
    field = ForceField(PAIR, cell, counts)
    dt = 0.005
    saved = evolve(density, field, temperature, dt * np.arange(9), 1e-10)
    energies = np.array([free_energy(rho, field, temperature) for rho in saved])
    rates = np.array([dissipation(rho, field, temperature) for rho in saved])
    assert rates.min() > 1e-2
    # Simpson's rule over pairs of intervals: order dt⁴, (rate·dt)⁴ = 1e-6 for the fastest waves
    lost = dt / 3.0 * (rates[:-2:2] + 4.0 * rates[1::2] + rates[2::2])
    np.testing.assert_allclose(-np.diff(energies[::2]), lost, rtol=1e-5)
