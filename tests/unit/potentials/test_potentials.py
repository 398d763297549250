"""Every pair potential through one fixture: slopes, curvatures, virial transforms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0, j1, spherical_jn

from glasscade.errors import ConfigError
from glasscade.potentials import Cone, Gaussian, Harmonic

POTENTIALS = {
    "harmonic": Harmonic(1.3, diameter=1.4),
    "harmonic, rounded core": Harmonic(1.3, diameter=1.4, core=0.3),
    "gaussian": Gaussian(0.8, width=0.7),
    "cone": Cone(1.0, period=5.0),
    "repulsive cone": Cone(-1.0, period=5.0),
}
ALLOWED = [
    pytest.param(potential, dim, id=f"{name} {dim}d")
    for name, potential in POTENTIALS.items()
    for dim in ((1,) if isinstance(potential, Cone) else (1, 2, 3))
]
SURFACE = {1: 2.0, 2: 2.0 * np.pi, 3: 4.0 * np.pi}
ISOTROPIC = {1: np.cos, 2: j0, 3: lambda z: np.sinc(z / np.pi)}
# of (y·e)² e^{-ik·y}/r² over directions, e across k (e = k in 1D), for z > 0
ACROSS = {
    1: lambda z: np.sinc(z / np.pi),
    2: lambda z: j1(z) / z,
    3: lambda z: spherical_jn(1, z) / z,
}
# Small, ordinary, large; the first two straddle the switch of the cone to its series.
K = 2.0 * np.pi / 5.0 * np.array([0.1, 0.2, 1.0, 4.0, 31.0])


@pytest.fixture(params=POTENTIALS.values(), ids=POTENTIALS.keys())
def potential(request):
    return request.param


def radii_away_from(potential, margin):
    """Distances within the range, none closer than `margin` to a kink."""
    r = np.linspace(0.05, 1.1 * potential.cutoff, 97)
    if isinstance(potential, Cone):  # periodic: it has no outside
        r = r[r < potential.cutoff]
    kinks = np.array(potential.breaks)
    return r[np.abs(r[:, np.newaxis] - kinks).min(axis=1) > margin]


def central(function, r, h=1e-3):
    """Fourth-order central difference: error h⁴/30 of the fifth derivative, 1e-16/h round-off."""
    near, far = function(r + h) - function(r - h), function(r + 2 * h) - function(r - 2 * h)
    return (8.0 * near - far) / (12.0 * h)


def test_slope_and_curvature_are_derivatives_of_the_value(potential):
    r = radii_away_from(potential, 3e-3)
    # the Gaussian's fifth derivative is below 1e3: 1e-10 from either error, with a margin
    np.testing.assert_allclose(potential.slope(r), central(potential.value, r), rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(
        potential.curvature(r), central(potential.slope, r), rtol=0.0, atol=1e-9
    )


def test_value_and_slope_are_continuous_at_the_breaks(potential):
    if isinstance(potential, Cone):
        edges = (potential.cutoff,)  # V' vanishes at the far side of the box
        assert potential.slope(np.array(edges)) == pytest.approx(0.0, abs=1e-14)
        return
    for edge in potential.breaks:
        below, above = np.array([edge * (1 - 1e-12)]), np.array([edge * (1 + 1e-12)])
        assert potential.value(above) == pytest.approx(potential.value(below), abs=1e-11)
        assert potential.slope(above) == pytest.approx(potential.slope(below), abs=1e-11)


def test_no_self_force_and_the_sign_of_the_strength(potential):
    assert potential.slope(np.array([0.0])) == 0.0
    attracts = potential.slope(np.array([0.5 * potential.cutoff])).item() > 0.0
    assert attracts == (potential == POTENTIALS["cone"])


def transform(potential, dim, k, integrand):
    """S_d ∫ integrand(r) dr by adaptive quadrature between the breaks, at k > 0."""
    edges = (0.0, *potential.breaks)
    parts = [
        quad(integrand, low, high, args=(k,), epsabs=1e-13, epsrel=1e-13, limit=400)[0]
        for low, high in pairwise(edges)
    ]
    return SURFACE[dim] * sum(parts)


@pytest.mark.parametrize(("potential", "dim"), ALLOWED)
def test_virial_transform_against_adaptive_quadrature(potential, dim):
    def slope(r):
        return potential.slope(np.array(r)).item()

    def across(r, k):
        return slope(r) * r**dim * ACROSS[dim](k * r)

    def trace(r, k):
        return slope(r) * r**dim * ISOTROPIC[dim](k * r)

    T, L = potential.virial(K, dim)
    # 1e-12: accuracy of the adaptive quadrature for transforms of order one to ten
    for k, t, el in zip(K, T, L, strict=True):
        assert t == pytest.approx(transform(potential, dim, k, across), abs=1e-12)
        # tr W_hat = (d-1) T + L is the transform of r V'
        total = (dim - 1) * t + el
        assert total == pytest.approx(transform(potential, dim, k, trace), abs=3e-12)


@pytest.mark.parametrize(("potential", "dim"), ALLOWED)
def test_transform_of_the_value_is_minus_the_transverse_part(potential, dim):
    edge = potential.value(np.array(potential.cutoff)).item()  # a constant exerts no force

    def value(r, k):
        return (potential.value(np.array(r)).item() - edge) * r ** (dim - 1) * ISOTROPIC[dim](k * r)

    T, _ = potential.virial(K, dim)
    for k, t in zip(K, T, strict=True):
        assert -t == pytest.approx(transform(potential, dim, k, value), abs=1e-12)


@pytest.mark.parametrize(("potential", "dim"), ALLOWED)
def test_parts_agree_at_zero_wavenumber_and_are_linked_by_one_derivative(potential, dim):
    # W_hat_ij = -∂(k_j V_hat)/∂k_i, so that L = d(kT)/dk
    at_zero = potential.virial(np.zeros(1), dim)
    assert at_zero[0] == pytest.approx(at_zero[1], rel=1e-13)
    k = np.linspace(0.3, 12.0, 40)
    derivative = central(lambda x: x * potential.virial(x, dim)[0], k)
    # (h range)⁴/30 of values below 40, and round-off of them over h
    np.testing.assert_allclose(potential.virial(k, dim)[1], derivative, rtol=0.0, atol=2e-10)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_table_for_many_wavevectors_equals_quadrature_for_few(dim):
    potential = Harmonic(1.3, diameter=1.4, core=0.3)
    k = np.random.default_rng(7).uniform(0.0, 60.0, 3000)
    few = [potential.virial(part, dim) for part in np.split(k, 30)]
    direct = np.concatenate(few, axis=-1)
    # the spline of the table, 1e-13 of the largest value
    np.testing.assert_allclose(
        potential.virial(k, dim), direct, rtol=0.0, atol=1e-13 * np.abs(direct).max() + 1e-14
    )


def test_gaussian_is_negligible_beyond_its_cutoff():
    potential = Gaussian(1.0, width=0.7)
    r = np.linspace(0.0, 2.0, 2001) * potential.cutoff
    virial = np.abs(r * potential.slope(r))
    assert virial[r >= potential.cutoff].max() < 1e-16 * virial.max()


def test_a_core_outside_the_sphere_is_refused():
    with pytest.raises(ConfigError, match=r"potential\.core: 1\.4 must lie between 0 and the diam"):
        Harmonic(1.0, diameter=1.4, core=1.4)
    with pytest.raises(ConfigError, match=r"potential\.core: -0\.1 must lie between"):
        Harmonic(1.0, diameter=1.4, core=-0.1)


def test_a_cone_beyond_one_dimension_is_refused():
    with pytest.raises(ConfigError, match="'cone' is defined in one dimension only"):
        Cone(1.0, period=5.0).virial(K, 2)
