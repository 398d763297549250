"""Coarse-graining: one set of invariants for every kernel, and the identities of the cumulant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import (
    GAUSSIAN,
    KERNELS,
    Compact,
    cumulant,
    cumulant_by_increments,
    grid_weights,
    measured_band,
    mollify,
    register,
)
from glasscade.errors import ConfigError
from glasscade.transforms import grid_to_modes, modes_to_grid
from kernel_invariants import CHECKS

LINE = Cell.cubic(10.0, 1)
TILTED = Cell.sheared(4.0, 2, 0.3)
ROUND_OFF = 1e-12  # relative; the requirement on the identities below


@pytest.fixture(params=KERNELS.values(), ids=KERNELS.keys())
def kernel(request):
    return request.param


@pytest.fixture(params=[1, 2, 3], ids="{}d".format)
def dim(request):
    return request.param


@pytest.mark.parametrize("check", CHECKS)
def test_kernel_holds(kernel, dim, check):
    check(kernel, dim)


@pytest.mark.parametrize("name", ["wendland_c6", "bump"])
def test_the_known_bands_are_those_of_the_transform(name, dim):
    kernel = KERNELS[name]
    assert type(kernel).known_bands[dim] == kernel.band(dim)
    # the spacing of the table; another machine may round to the next point of it
    assert measured_band(kernel, dim) == pytest.approx(kernel.band(dim), abs=0.011)


class Quartic(Compact):
    """(1 - s²)^6 on a ball: five derivatives."""

    name = "quartic"

    def shape(self, s):
        return (1.0 - s * s) ** 6


class Negative(Quartic):
    """Of higher order, hence with negative lobes."""

    name = "negative"

    def shape(self, s):
        return (1.0 - s * s) ** 6 * (1.0 - 2.0 * s * s)


class CutShort(Quartic):
    """Its transform is dropped where it is not yet small."""

    name = "cut_short"
    z_max = 15.0


class WrongTransform(Quartic):
    """The transform of a wider kernel."""

    name = "wrong_transform"

    def transform(self, z, dim):
        return super().transform(1.001 * z, dim)


class WrongMoment(Quartic):
    """Scaled by its radius instead of its second moment."""

    name = "wrong_moment"

    def profile(self, r, dim):
        return super().profile(2.0 * r, dim) * 2.0**dim


@contextmanager
def registered(kernel) -> Iterator[None]:
    register(kernel)
    try:
        yield
    finally:
        del KERNELS[kernel.name]


@pytest.mark.parametrize("check", CHECKS)
def test_a_class_of_one_formula_is_a_kernel(dim, check):
    with registered(Quartic):
        check(KERNELS["quartic"], dim)


def check_all(name, dim):
    for check in CHECKS:
        check(KERNELS[name], dim)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Negative, "it is negative somewhere"),
        (CutShort, "Ĝ beyond the band is not the transform of G"),
        (WrongTransform, "is not the transform of G"),
        (WrongMoment, "its second moment is not 1"),
    ],
)
def test_a_wrong_kernel_is_caught(wrong, message, dim):
    with registered(wrong), pytest.raises(AssertionError, match=message):
        check_all(wrong.name, dim)


def test_a_name_is_given_once():
    with pytest.raises(ConfigError, match="the name 'gaussian' is taken by Gaussian"):
        register(type(GAUSSIAN))


def test_filter_acts_on_the_wavevectors_of_the_sheared_cell(kernel):
    filter_ = kernel.filter(TILTED, (3, 3), 0.5)
    p = 2.0 * np.pi * np.linalg.inv(TILTED.matrix).T @ np.array([1.0, -2.0])
    expected = kernel.transform(np.array([0.5 * np.linalg.norm(p)]), 2)[0]
    assert filter_[3 + 1, 3 - 2] == pytest.approx(expected, rel=ROUND_OFF)
    assert filter_[3, 3] == pytest.approx(1.0, abs=ROUND_OFF)


def test_mollified_field_is_the_average_over_the_profile(kernel):
    # f = 1 + cos(p·x), p of the tilted cell, averaged over the plane in polar coordinates
    ell, shape = 0.4, (5, 6)
    p, x = TILTED.reciprocal(np.array([2.0, 1.0])), TILTED.grid(shape)
    edge = ell * kernel.radius(2)
    node, weight = np.polynomial.legendre.leggauss(120)
    r = 0.5 * edge * (node + 1.0)
    dr = 0.5 * edge * weight * kernel.profile(r / ell, 2) / ell**2 * r * 2.0 * np.pi / 64
    angle = 2.0 * np.pi * np.arange(64) / 64
    shift = np.outer(r, np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ p)
    expected = np.einsum("xyra,r->xy", 1.0 + np.cos((x @ p)[..., None, None] + shift), dr)
    smooth = mollify(1.0 + np.cos(x @ p), kernel, ell, TILTED)
    np.testing.assert_allclose(
        smooth, expected, rtol=0.0, atol=1e-12
    )  # the quadrature has converged


def test_gradient_and_mollification_commute(kernel, rng):
    # the gradient of a trigonometric sum by hand, mollified, against that of its mollified sum
    ell, shape = 0.3, (13, 13)
    x = TILTED.grid(shape)
    indices, amplitudes = rng.integers(-6, 7, (5, 2)), rng.normal(size=5)
    p = TILTED.reciprocal(indices.T.astype(float)).T
    value = np.einsum("m,xym->xy", amplitudes, np.sin(x @ p.T))
    slope = np.einsum("m,xym->xy", amplitudes * p[:, 0], np.cos(x @ p.T))
    smooth = grid_to_modes(mollify(value, kernel, ell, TILTED), TILTED)
    gradient = modes_to_grid(1j * TILTED.wavevectors((6, 6))[0] * smooth, TILTED, shape)
    np.testing.assert_allclose(
        mollify(slope, kernel, ell, TILTED),
        gradient,
        rtol=0.0,
        atol=ROUND_OFF * np.abs(slope).max(),
    )


@pytest.mark.parametrize(("cell", "m"), [(LINE, 40), (TILTED, 6)], ids=["1d", "2d tilted"])
def test_cumulant_equals_its_form_in_increments(kernel, cell, m, rng):
    # 3M+1 points: products keep no aliases at or below M, the modes both forms share
    counts, shape = (m,) * cell.dim, (3 * m + 1,) * cell.dim
    f, g = grid_to_modes(rng.normal(size=(2, *(2 * m + 1,) * cell.dim)), cell)
    filter_ = kernel.filter(cell, counts, 0.5)
    direct = cumulant(f, g, filter_, cell)
    increments = cumulant_by_increments(
        modes_to_grid(f, cell, shape),
        modes_to_grid(g, cell, shape),
        grid_weights(filter_, cell, shape),
    )
    assert np.abs(direct).max() > 1e-2
    np.testing.assert_allclose(
        grid_to_modes(increments, cell, counts),
        direct,
        rtol=0.0,
        atol=ROUND_OFF * np.abs(direct).max(),
    )


@pytest.mark.parametrize(("cell", "m"), [(LINE, 60), (TILTED, 24)], ids=["1d", "2d tilted"])
def test_cumulant_of_a_field_with_itself_is_not_negative(kernel, cell, m):
    # one smooth spot: far from it τ is zero, so that any negative lobe of a kernel shows
    counts, shape = (m,) * cell.dim, (2 * m + 1,) * cell.dim
    spot = GAUSSIAN.filter(cell, counts, 0.4).astype(complex)

    def lowest(filter_):
        tau = modes_to_grid(cumulant(spot, spot, filter_, cell), cell, shape)
        return tau.min() / tau.max()

    # the square of the spot has no modes beyond those kept: only round-off is left
    assert lowest(kernel.filter(cell, counts, 0.6)) > -1e-13
    # a sharp cut in wavenumber is no average, and its cumulant does change sign
    k = np.linalg.norm(cell.wavevectors(counts), axis=0)
    assert lowest((k < 5.0).astype(float)) < -1e-2


@pytest.mark.parametrize(("cell", "m"), [(LINE, 30), (TILTED, 8)], ids=["1d", "2d tilted"])
def test_germano_identity_of_the_gaussian(cell, m, rng):
    counts = (m,) * cell.dim
    f, g = grid_to_modes(rng.normal(size=(2, *(2 * m + 1,) * cell.dim)), cell)
    fine, test, both = (GAUSSIAN.filter(cell, counts, ell) for ell in (0.3, 0.4, 0.5))
    nested = cumulant(f, g, fine, cell) * test + cumulant(f * fine, g * fine, test, cell)
    whole = cumulant(f, g, both, cell)
    np.testing.assert_allclose(nested, whole, rtol=0.0, atol=ROUND_OFF * np.abs(whole).max())


def test_grid_weights_are_the_kernel(kernel):
    # on a line, resolved: the weight at r is G_ℓ(r) dx
    n, ell = 601, 0.8
    weights = grid_weights(kernel.filter(LINE, (300,), ell), LINE, (n,))
    r = np.minimum(np.arange(n), n - np.arange(n)) * (10.0 / n)
    # modes beyond k ell = 150 are dropped, where the largest Ĝ left (bump) is 1e-9
    np.testing.assert_allclose(
        weights, kernel.profile(r / ell, 1) / ell * (10.0 / n), rtol=0.0, atol=1e-8 * weights.max()
    )
    assert weights.sum() == pytest.approx(1.0, abs=1e-13)
