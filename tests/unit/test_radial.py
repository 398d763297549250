"""Transforms of radial functions against closed forms and against plane waves in Cartesian form."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import j1

from glasscade.radial import (
    GRADING,
    SURFACE,
    Table,
    affine_transform,
    directional_transform,
    graded,
    isotropic,
    isotropic_slope,
    radial_nodes,
    scalar_transform,
    transverse,
    transverse_slope,
    virial_transform,
)

DIMS = (1, 2, 3)
# From k = 0 to phases that need several panels of quadrature.
K = np.array([0.0, 1e-3, 0.5, 3.0, 17.0, 39.0, 300.0, 700.0])


@pytest.mark.parametrize("dim", DIMS)
def test_ball_has_its_closed_transform(dim):
    z = K[1:]
    expected = {
        1: 2.0 * np.sin(z) / z,
        2: 2.0 * np.pi * j1(z) / z,
        3: 4.0 * np.pi * (np.sin(z) - z * np.cos(z)) / z**3,
    }[dim]
    computed = scalar_transform(np.ones_like, (1.0,), K, dim)
    assert computed[0] == pytest.approx(SURFACE[dim] / dim, rel=1e-14)
    # Gauss-Legendre is exact to round-off of the volume, 4; the closed form in 3D cancels
    # by 1e-16/z², which at z = 1e-3 is 1e-10 of it
    np.testing.assert_allclose(computed[2:], expected[1:], rtol=0.0, atol=1e-13)
    assert computed[1] == pytest.approx(expected[0], rel=1e-9)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("k_max", [1.0, 10.0, 60.0])
def test_gaussian_over_a_long_range_has_its_closed_transform(dim, k_max):
    # the widest smooth function in use: 6.5 widths in one piece; round-off of π^{3/2}
    k = np.linspace(0.0, k_max, 50)
    computed = scalar_transform(lambda r: np.exp(-r * r), (6.5,), k, dim)
    expected = np.pi ** (0.5 * dim) * np.exp(-0.25 * k * k)
    np.testing.assert_allclose(computed, expected, rtol=0.0, atol=2e-14)


@pytest.mark.parametrize("dim", DIMS)
def test_jump_at_a_break_costs_no_accuracy(dim):
    # a cap of height one inside 0.3 on a smooth parabola up to 1: a jump at the break
    def bump(r):
        return np.where(r < 0.3, 2.0 - r * r, 1.0 - r * r)

    whole = scalar_transform(bump, (0.3, 1.0), K, dim)
    parts = 0.3**dim * scalar_transform(np.ones_like, (1.0,), 0.3 * K, dim) + scalar_transform(
        lambda r: 1.0 - r * r, (1.0,), K, dim
    )
    np.testing.assert_allclose(whole, parts, rtol=0.0, atol=1e-13)  # round-off of a volume of 4


def _virial_by_plane_waves(slope, breaks, k, dim):
    """(T, L) as ∫ dy y_i² V'(r)/r cos(k y_x), i across and along k: no Bessel functions."""
    x, w = np.polynomial.legendre.leggauss(400)
    panels = list(pairwise((0.0, *breaks)))
    r = np.concatenate([a + 0.5 * (b - a) * (x + 1.0) for a, b in panels])
    dr = np.concatenate([0.5 * (b - a) * w for a, b in panels])
    if dim == 2:
        angle = 2.0 * np.pi * np.arange(1200) / 1200
        u, du = np.cos(angle), np.full(1200, 2.0 * np.pi / 1200)
    else:
        u, du = x, 2.0 * np.pi * w
    wave = np.cos(k * np.outer(r, u))
    radial = dr * slope(r) * r**dim
    return radial @ wave @ (du * (1.0 - u * u)) / (dim - 1), radial @ wave @ (du * u * u)


@pytest.mark.parametrize("dim", [2, 3])
def test_virial_tensor_equals_its_definition(dim):
    def slope(r):
        return np.where(r < 0.3, -r / 0.3, (r - 1.0) / 0.7)

    across, along = virial_transform(slope, (0.3, 1.0), K, dim)
    expected = np.array([_virial_by_plane_waves(slope, (0.3, 1.0), k, dim) for k in K]).T
    np.testing.assert_allclose(
        [across, along], expected, rtol=0.0, atol=1e-13
    )  # values of order one


def test_virial_in_one_dimension_is_the_cosine_transform():
    # V' = -1 on (0, 1): L = -2 ∫ y cos ky dy and T = -2 ∫ sin ky dy / k
    across, along = virial_transform(lambda r: -np.ones_like(r), (1.0,), K[2:], 1)
    k = K[2:]
    np.testing.assert_allclose(across, -2.0 * (1.0 - np.cos(k)) / k**2, rtol=0.0, atol=1e-13)
    expected = -2.0 * (np.sin(k) / k + (np.cos(k) - 1.0) / k**2)
    np.testing.assert_allclose(along, expected, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("dim", [2, 3])
def test_transverse_average_is_smooth_where_its_series_takes_over(dim):
    z = np.array([0.0, 0.9e-4, 1.1e-4, 1e-2])
    series = 1.0 / dim - z**2 / (2 * dim * (dim + 2)) + z**4 / (8 * dim * (dim + 2) * (dim + 4))
    # next term of the series 2e-15 at z = 0.01; spherical Bessel functions err by a few 1e-16
    np.testing.assert_allclose(transverse(z, dim), series, rtol=0.0, atol=5e-15)


@pytest.mark.parametrize("reach", [1.0, 7.0])
def test_table_reproduces_a_band_limited_function(reach):
    # sin(kR)/(kR) is the transform of a box of range R; the step of the table is 0.1/R and an
    # 8th-order spline of it errs by (0.1/π)^8 = 1e-12 at most, measured 2e-14
    table = Table(lambda k: np.sinc(k * reach / np.pi), reach=reach, k_max=50.0 / reach)
    k = np.linspace(0.0, 50.0 / reach, 4001)
    np.testing.assert_allclose(table(k), np.sinc(k * reach / np.pi), rtol=0.0, atol=1e-13)


def test_table_of_an_odd_function_holds_for_either_sign():
    # k sinc(k) = sin k, of range 1; one column even, so that both must not be mixed up
    table = Table(lambda k: np.stack([np.sin(k), np.sin(0.5 * k)], axis=-1), 1.0, 40.0, parity=-1)
    k = np.linspace(-40.0, 40.0, 4001)
    # the spline of `test_table_reproduces_a_band_limited_function`
    expected = np.stack([np.sin(k), np.sin(0.5 * k)], axis=-1)
    np.testing.assert_allclose(table(k), expected, rtol=0.0, atol=1e-13)
    # next to 0 an even continuation would err by the slope there
    even = Table(np.sin, 1.0, 40.0)
    assert np.max(np.abs(even(np.array([0.05])) - np.sin(0.05))) > 1e-3


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize(
    ("function", "slope"),
    [(isotropic, isotropic_slope), (transverse, transverse_slope)],
    ids=["isotropic", "transverse"],
)
def test_slopes_of_the_angular_averages(function, slope, dim):
    z, h = np.array([0.01, 0.5, 2.0, 9.0, 40.0]), 2e-3
    near, far = (function(z + n * h, dim) - function(z - n * h, dim) for n in (1, 2))
    difference = (8.0 * near - far) / (12.0 * h)
    # h⁴/30 and 1e-16/h; spherical Bessel functions err by a few 1e-16
    np.testing.assert_allclose(slope(z, dim), difference, rtol=0.0, atol=1e-12)
    assert slope(np.zeros(1), dim) == 0.0
    assert np.array_equal(slope(-z, dim), -slope(z, dim))
    assert np.array_equal(function(-z, dim), function(z, dim))


@pytest.mark.parametrize("dim", DIMS)
def test_affine_transform_of_a_linear_slope_is_closed(dim):
    # V' = r inside the unit ball: T = -V_hat of V = (r² - 1)/2, whose k-derivative is known from
    # T' = (L - T)/k; here it is free of cancellation down to small k
    k = np.array([1e-6, 1e-3, 0.7, 5.0, 90.0])
    across, along = affine_transform(lambda r: r, (1.0,), k, dim)
    T, L = virial_transform(lambda r: r, (1.0,), k, dim)
    np.testing.assert_allclose(k * across, L - T, rtol=0.0, atol=1e-14)  # round-off of T
    # at small k: t' = -z/(d(d+2)), Λ' = -z/d, integrated with r^{d+2}
    moment = SURFACE[dim] / (dim + 4.0)
    assert across[0] == pytest.approx(-moment * k[0] / (dim * (dim + 2.0)), rel=1e-10)
    assert along[0] == pytest.approx(-3.0 * moment * k[0] / (dim * (dim + 2.0)), rel=1e-10)


def test_directional_transform_of_a_constant_slope_is_closed():
    s = np.array([-30.0, -0.1, 0.0, 1e-3, 2.0, 300.0])
    one, two = (directional_transform(np.ones_like, (0.4, 1.0), s, dim) for dim in (1, 2))
    safe = np.where(s == 0.0, 1.0, s)
    expected = np.where(s == 0.0, 0.0, (1.0 - np.cos(s)) / safe)
    np.testing.assert_allclose(one, expected, rtol=0.0, atol=1e-13)
    # ∫ r sin(rs) dr, whose closed form cancels by 1e-16/s²
    expected = (np.sin(safe) - safe * np.cos(safe)) / safe**2
    far = np.abs(s) > 0.05
    np.testing.assert_allclose(two[far], expected[far], rtol=0.0, atol=1e-13)


# Distances from a point other than 0 lose what a negative power needs.
@pytest.mark.parametrize(
    ("singular", "smooth", "power"),
    [(0.0, 2.0, -0.9), (0.0, 2.0, -0.5), (0.0, 2.0, 0.5), (2.0, 0.0, 0.5), (2.0, 0.0, 1.5)],
)
def test_graded_panels_integrate_a_singular_power(power, singular, smooth):
    gap = 2.0 * 1e-15 ** (1.0 / (power + 1.0))
    inner = graded(singular, smooth, gap)
    assert list(inner) == sorted(inner)
    assert min(abs(r - singular) for r in inner) <= gap
    r, w = radial_nodes((*inner, 2.0), 0.0)
    exact = 2.0 ** (power + 1.0) / (power + 1.0)
    # 32 nodes on panels of ratio GRADING err by 6e-15, and the innermost panel by 1e-15/(power+1)
    assert np.sum(w * np.abs(r - singular) ** power) == pytest.approx(exact, rel=1e-13)
    r, w = radial_nodes((2.0,), 0.0)  # without them
    if power < 1.0:
        assert np.sum(w * np.abs(r - singular) ** power) != pytest.approx(exact, rel=1e-7)


def test_panels_shrink_by_the_grading():
    inner = np.array(graded(1.0, 3.0, 1e-4))
    assert np.all(inner > 1.0)
    np.testing.assert_allclose(np.diff(np.log(inner - 1.0)), np.log(GRADING), rtol=1e-10)
    assert inner[-1] == pytest.approx(1.0 + 2.0 / GRADING, rel=1e-15)
