"""Finite volumes against exact answers: layers of the cone and their merger, waves, diffusion."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.fields.cluster import stationary_profile
from glasscade.fields.finite_volume import evolve
from glasscade.fields.free_energy import FreeEnergy
from glasscade.fields.line import Bumps, cole_hopf, sticky
from glasscade.potentials import Cone, FreeCone, Gaussian, Mixture

G, LENGTH = 2.0, 4.0
LINE = Cell.cubic(LENGTH, 1)
CONE = Mixture.single(FreeCone(0.5 * G, reach=2.0))  # V = g|x|/2 for what is narrower than 2
START = Bumps((-0.5, 0.5), (0.1, 0.1), (0.6, 0.4))
TIMES = (0.4, 0.8, 2.5)  # two layers that move, their merger, one layer at rest
FREE = Mixture.single(Gaussian(0.0, width=1.0))


def edges(n, length=LENGTH):
    """Edges of the volumes, of which the middle one is centred at the origin."""
    return (np.arange(n + 1) - n // 2 - 0.5) * length / n


def moving(n, temperature, times=TIMES, tolerance=1e-4):
    """Averages over volumes that evolve from two bumps."""
    density = np.diff(START.below(edges(n))) * n / LENGTH
    return evolve(density[np.newaxis], CONE, LINE, temperature, times, tolerance)[:, 0]


def exact(n, temperature, time):
    """The same from Cole and Hopf: the mass in each volume is the step of w/g."""
    _, w = cole_hopf(edges(n), time, START, G, temperature)
    return np.diff(w) / G * n / LENGTH


def dissipation(density, temperature):
    """∫Q^thermal dx = Tg∫ρ²dx on the line."""
    return temperature * G * np.sum(density**2, axis=-1) * LENGTH / density.shape[-1]


def test_layers_of_the_cone_converge_to_cole_hopf_while_they_move_and_merge():
    temperature, sizes = 0.02, (400, 800, 1600)
    errors = []
    for n in sizes:
        found = moving(n, temperature, tolerance=2e-6)
        errors.append(
            [
                0.5 * np.sum(np.abs(rho - exact(n, temperature, t))) * LENGTH / n
                for t, rho in zip(TIMES, found, strict=True)
            ]
        )
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    # h/T = 0.5, 0.25, 0.125: the next terms are those of h⁴, and errors in time of a hundred steps
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.35)
    assert np.max(errors[-1]) < 2e-3  # of the mass in a wrong place


@pytest.mark.parametrize(("temperature", "n"), [(0.02, 128), (2e-3, 1080), (2e-4, 10_800)])
def test_dissipation_in_the_layer_is_the_same_over_two_decades_of_temperature(temperature, n):
    """g²M³/12 at every T, the anomaly, from smooth data through a collapse; h < T/2."""
    cell, start = Cell.cubic(1.0, 1), Bumps((0.0,), (0.05,), (1.0,))
    mixture = Mixture.single(FreeCone(0.5 * G, reach=0.5))
    density = np.diff(start.below(edges(n, 1.0))) * n
    found = evolve(density[np.newaxis], mixture, cell, temperature, [1.0], 1e-2)[0, 0]
    # At rest sums over sech⁴ with h < T are exact to 1e-9, as those of the trapezoid rule are. At
    # T = 0.02 e^{-12} of the mass lies beyond half the reach, and e^{-12} of the rest moves: the
    # rate is (gM/4)²/T. E, flat at rest and known to 1e-14, leaves 1e-7 and some h/T in ρ.
    dissipated = temperature * G * np.mean(found**2)
    assert dissipated == pytest.approx(G**2 / 12.0, rel=1e-4 if temperature > 0.01 else 1e-5)


def test_repulsive_cone_has_no_anomaly():
    mixture = Mixture.single(FreeCone(-0.5 * G, reach=2.0))
    start = Bumps((0.0,), (0.05,), (0.2,))
    density = np.diff(start.below(edges(1024))) * 1024 / LENGTH
    for temperature in (1e-2, 1e-3):
        found = evolve(density[np.newaxis], mixture, LINE, temperature, [1.0], 1e-4)[0, 0]
        _, w = cole_hopf(edges(1024), 1.0, start, -G, temperature)
        np.testing.assert_allclose(found, np.diff(w) / -G * 1024 / LENGTH, rtol=0.0, atol=2e-2)
        # a rarefaction spreads to ρ = 1/gt: Q = T g M/(gt), of order T
        assert dissipation(found, temperature) < 1.1 * temperature * 0.2


def test_at_zero_temperature_the_mass_moves_as_sticky_particles_do_before_they_meet():
    """Sound data until just before the first shock, against the exact map of the mass."""
    start, time, n = Bumps((0.0,), (0.25,), (1.0,)), 0.2, 512
    density = np.diff(start.below(edges(n))) * n / LENGTH
    found = evolve(density[np.newaxis], CONE, LINE, 0.0, [time], 1e-4)[0, 0]
    # x - gt(m(x) - M/2): increasing until gtρ = 1, here 0.64
    below = start.below(edges(n)[:-1])
    places = sticky(edges(n)[:-1], np.diff(start.below(edges(n))), G, [time])[0]
    reached = np.interp(edges(n), edges(n)[:-1] - G * time * (below - 0.5), below)
    assert places.shape == (n,)
    # the largest density is 4.4; second order with h = 0.03 of the width, third at the crest
    np.testing.assert_allclose(found, np.diff(reached) * n / LENGTH, rtol=0.0, atol=0.03)


def test_cluster_of_the_periodic_cone_is_the_exact_profile():
    """With the neutralising background, and on averages over volumes of a profile of width T."""
    length, temperature, errors = 1.0, 0.02, []
    for n in (128, 256, 512):
        x = np.abs(np.arange(16 * n) + 0.5 - 8 * n) / (16 * n)  # midpoints of sixteenths
        profile = stationary_profile(x, 1.0, length, 1.0, temperature)
        density = np.mean(np.roll(profile, 8).reshape(n, 16), axis=1)
        aside = np.roll(density, n // 16) + np.roll(density, -n // 16)
        start = 0.5 * density + 0.25 * aside
        cell, mixture = Cell.cubic(length, 1), Mixture.single(Cone(1.0, period=length))
        found = evolve(start[np.newaxis], mixture, cell, temperature, [3.0], 1e-3)[0, 0]
        xi = FreeEnergy(mixture, cell, (n,), temperature).chemical_potential(found[np.newaxis])[0]
        # E, flat at rest, is known to 1e-14 of terms of order one: the root of this, with some room
        assert np.sqrt(np.mean(found * (xi - np.mean(found * xi)) ** 2)) < 1e-5
        errors.append(np.abs(found - density).max() / density.max())
    assert errors[-1] < 1e-3
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("strength", [1.0, -0.02])
def test_small_waves_grow_and_decay_at_the_rates_of_the_linear_theory(strength):
    """σ(k) = -k²(T + ρ V_hat(k)) within 1e-3, and its sign, in two dimensions."""
    cell, temperature, width, n = Cell.cubic(3.0, 2), 0.01, 0.4, 96
    mixture = Mixture.single(Gaussian(strength, width=width))
    k = 2.0 * np.pi / 3.0
    v_hat = strength * np.pi * width**2 * np.exp(-0.25 * (k * width) ** 2)
    rate = -(k**2) * (temperature + 2.0 * v_hat)
    assert rate * strength < 0.0
    wave = np.cos(k * cell.grid((n, n))[..., 1])
    density = 2.0 + 1e-4 * wave[np.newaxis]
    time = 0.3 / abs(rate)
    found = evolve(density, mixture, cell, temperature, [time], 1e-11)[0, 0]
    amplitude = 2.0 * np.mean(found * wave)
    # volumes: k² becomes (2 sin(kh/2)/h)², 1 - (kh)²/12 = 1 - 4e-4
    measured = np.log(amplitude / 1e-4) / time
    assert measured == pytest.approx(rate, rel=1e-3)
    # tolerance and nonlinear terms, 1e-11 and 1e-8 of the density, over those of the wave
    assert measured == pytest.approx(rate * np.sinc(1.0 / n) ** 2, rel=2e-5)


def test_diffusion_is_that_of_gaussians_in_three_dimensions():
    cell, shape, temperature, time = Cell(np.diag([2.0, 2.2, 1.8])), (40, 44, 36), 0.05, 0.1
    bumps = Bumps((0.0,), (0.2,), (1.0,))
    start, expected = (
        np.einsum("i,j,k->ijk", *(np.diff(b.below(edges(n, n / 20.0))) * 20.0 for n in shape))
        for b in (bumps, bumps.diffused(time, temperature))
    )
    found = evolve(start[np.newaxis], FREE, cell, temperature, [time], 1e-3)[0, 0]
    # h² ∂⁴ρ T t/12 in three directions: (h/σ)²/16·... 3·3 (h/σ)² (Tt/σ²)/12, with h/σ = 0.22
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=5e-3 * expected.max())
