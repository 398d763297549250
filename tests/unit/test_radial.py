"""Transforms of radial functions against closed forms and against plane waves in Cartesian form."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import j1

from glasscade.radial import SURFACE, Table, scalar_transform, transverse, virial_transform

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
