"""The cluster's exact forms against quadrature, and its profile against the field equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, simpson, trapezoid
from scipy.interpolate import CubicSpline
from scipy.special import ellipe, hyp2f1, j0

from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.errors import ResolutionError
from glasscade.fields.cluster import (
    flux,
    mean_distance,
    plane_cluster,
    plane_dissipation,
    plane_flux,
    stationary_profile,
    thermal_dissipation,
)
from glasscade.force import ForceField
from glasscade.potentials import Cone, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

MASS, LENGTH, STRENGTH = 1.5, 2.0, 0.8
HIGHEST = STRENGTH * MASS * LENGTH / (2.0 * np.pi**2)
POINTS = 2048
X = np.arange(POINTS) * LENGTH / POINTS - 0.5 * LENGTH


@pytest.fixture(params=KERNELS.values(), ids=KERNELS.keys())
def kernel(request):
    return request.param


def profile(temperature):
    return stationary_profile(X, MASS, LENGTH, STRENGTH, temperature)


@pytest.mark.parametrize("temperature", [0.01, 0.03, 0.07, 0.95 * HIGHEST])
def test_profile_is_stationary_and_has_the_mass(temperature):
    """T∂ρ + ρF = 0, with F from the density by the transform of the potential."""
    density = profile(temperature)
    # the trapezoid rule is exact for a resolved periodic function
    assert density.mean() * LENGTH == pytest.approx(MASS, rel=1e-9)
    cell, counts = Cell.cubic(LENGTH, 1), (POINTS // 2 - 1,)
    modes = grid_to_modes(density[np.newaxis], cell, counts)
    field = ForceField(Mixture.single(Cone(STRENGTH, LENGTH)), cell, counts)
    slope = modes_to_grid(1j * field.wavevectors * modes, cell, (POINTS,))[0]
    attraction = density * modes_to_grid(field.force(modes)[0], cell, (POINTS,))[0]
    current = temperature * slope + attraction
    assert np.abs(attraction).max() > 0.01
    # the profile's relative tolerance 1e-12, raised by the wavenumbers of the peak and by shooting
    np.testing.assert_allclose(current, 0.0, rtol=0.0, atol=1e-8 * np.abs(attraction).max())


def test_profile_tends_to_that_of_the_line_as_the_temperature_falls():
    """Without the background ρ = gM²/4T sech²(gMx/2T); the background changes it by O(T)."""
    temperatures = 0.02 / 2.0 ** np.arange(3)
    errors = []
    for temperature in temperatures:
        density = profile(temperature)
        assert np.argmax(density) == POINTS // 2
        peak = STRENGTH * MASS**2 / (4.0 * temperature)
        line = peak / np.cosh(STRENGTH * MASS * X / (2.0 * temperature)) ** 2
        errors.append(np.abs(density - line).max() / peak)
    orders = np.diff(np.log(errors)) / np.diff(np.log(temperatures))
    # the next order in T/gML = 0.008 ... 0.002
    np.testing.assert_allclose(orders, 1.0, rtol=0.0, atol=0.05)
    assert errors[-1] < 0.02


@pytest.mark.parametrize("temperature", [0.0, -0.01, HIGHEST, 1.0])
def test_a_temperature_without_a_cluster_is_refused(temperature):
    with pytest.raises(ResolutionError, match=rf"temperature: .* admits no cluster.*{HIGHEST:.4g}"):
        stationary_profile(X, MASS, LENGTH, STRENGTH, temperature)


def thermal_source(temperature):
    """-2T∫B[∂ρ,∂ρ] = T∫W''(y) C(y) dy, C(y) = ∫ρ(x)ρ(x+y)dx.

    On the period W = yV' = g(|y| - 2y²/L) has kinks at 0 and at L/2: W'' = 2g(δ_0 + δ_{L/2} - 2/L).
    """
    rho = profile(temperature)
    dx = LENGTH / POINTS
    here, opposite = (np.sum(rho * np.roll(rho, shift)) * dx for shift in (0, POINTS // 2))
    return 2.0 * STRENGTH * temperature * (here + opposite - 2.0 * MASS**2 / LENGTH)


def test_thermal_dissipation_is_right_to_first_order_in_temperature():
    temperatures = 0.08 / 2.0 ** np.arange(5)
    exact = np.array([thermal_source(t) for t in temperatures])
    forms = np.array([thermal_dissipation(MASS, LENGTH, STRENGTH, t) for t in temperatures])
    errors = np.abs(exact - forms)
    orders = np.diff(np.log(errors)) / np.diff(np.log(temperatures))
    assert errors[-1] < 1e-3 * exact[-1]
    # what is left out is of second order; the third bends the slope
    assert orders[-1] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("ell", [0.02, 0.05, 0.08])
def test_flux_is_the_quadrature_of_its_integral(kernel, ell):
    """g²M³ ∫G_ℓ [(2C-1) - 2x/L] [(2C-1) - 4x/L] dx, C the cumulative distribution of G_ℓ."""
    x = np.linspace(-8.0, 8.0, 16_001)
    weight = kernel.profile(np.abs(x), 1)
    sign = 2.0 * cumulative_simpson(weight, x=x, initial=0.0) - 1.0
    slant = 2.0 * x * ell / LENGTH
    expected = STRENGTH**2 * MASS**3 * simpson(weight * (sign - slant) * (sign - 2 * slant), x=x)
    # Simpson's rule on 16000 intervals
    assert flux(MASS, LENGTH, STRENGTH, kernel, ell) == pytest.approx(expected, rel=1e-10)


def test_mean_distance_of_two_draws(kernel):
    x = np.linspace(-8.0, 8.0, 16_001)
    below = cumulative_simpson(kernel.profile(np.abs(x), 1), x=x, initial=0.0)
    expected = 2.0 * simpson(below * (1.0 - below), x=x)
    assert mean_distance(kernel) == pytest.approx(expected, rel=1e-10)
    if kernel.name == "gaussian":
        assert mean_distance(kernel) == pytest.approx(2.0 / np.sqrt(np.pi), rel=1e-12)


# -- in the plane

FINE = np.linspace(0.0, 25.0, 5001)
"""Radii in T/(gM): ρ is 1e-10 of its maximum at the last."""
TEMPERATURE = 0.03


def plane_profile():
    """ρ on fine radii, in natural units of the cluster, and these units of length and density."""
    r, rho = plane_cluster(MASS, STRENGTH, TEMPERATURE)
    length = TEMPERATURE / (STRENGTH * MASS)
    unit = MASS / length**2
    spline = CubicSpline(r / length, np.log(rho / unit))
    return np.exp(spline(FINE))


def test_plane_cluster_is_stationary_and_has_the_mass():
    """ln ρ + V*ρ/T is constant, with the mean of |x - y| over rings: 2(r + s)E(m)/π."""
    rho = plane_profile()
    # the trapezoid rule: h² = 2.5e-5 times the curvature of what is integrated
    assert trapezoid(2.0 * np.pi * FINE * rho, FINE) == pytest.approx(1.0, abs=3e-6)
    some = FINE[1:3000:100]
    r, s = np.meshgrid(some, FINE, indexing="ij")
    distance = 2.0 / np.pi * (r + s) * ellipe(4.0 * r * s / (r + s) ** 2)
    potential = trapezoid(distance * 2.0 * np.pi * s * rho, FINE, axis=1)
    constant = np.log(rho[1:3000:100]) + potential
    assert np.ptp(potential) > 10.0
    assert np.ptp(constant) < 1e-4


def test_plane_dissipation_is_that_of_the_transform_of_the_profile():
    """T g ∫∫ρρ'/|x-y| = T g ∫ρ_hat² dk: Q_thermal by parts, ∇²|x| = 1/|x|."""
    rho = plane_profile()
    k = np.linspace(0.0, 10.0, 401)
    transform = trapezoid(2.0 * np.pi * FINE * rho * j0(np.outer(k, FINE)), FINE, axis=1)
    expected = STRENGTH**2 * MASS**3 * trapezoid(transform**2, k)
    # the trapezoid rule: h² times slopes at k = 0, zero, and at the radii as above
    assert plane_dissipation(MASS, STRENGTH) == pytest.approx(expected, rel=1e-5)


def test_plane_flux_is_exact_for_the_gaussian_and_near_for_the_others(kernel):
    """E[u·u'] of Gaussians with correlation 1/2 is π/8 ₂F₁(½, ½; 2; ¼)."""
    gaussian = STRENGTH**2 * MASS**3 * np.pi / 8.0 * hyp2f1(0.5, 0.5, 2.0, 0.25)
    found = plane_flux(MASS, STRENGTH, kernel)
    if kernel.name == "gaussian":
        assert found == pytest.approx(gaussian, rel=1e-12)
    assert found == pytest.approx(gaussian, rel=0.01)
    # no kernel has the profile of the cluster
    assert 0.003 < 1.0 - plane_dissipation(MASS, STRENGTH) / found < 0.012
