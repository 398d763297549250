"""Transforms: conventions, round trips, products free of aliasing, point sums."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
from scipy.signal import convolve

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.transforms import (
    PaddedGrid,
    good_size,
    grid_to_modes,
    irfftn,
    modes_to_grid,
    point_modes,
    product,
    rfftn,
    truncate,
)

CASES = {
    "1d": (Cell.cubic(3.0, 1), (7,)),
    "2d": (Cell.sheared(2.0, 2, 0.3), (4, 5)),
    "3d": (Cell(np.array([[2.0, 0.6, 0.2], [0.0, 1.8, -0.3], [0.0, 0.0, 2.2]])), (2, 3, 4)),
}
ROUND_OFF = 1e-13  # of values of order one, a few hundred points


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def random_modes(rng, counts, cell, batch=()):
    return grid_to_modes(rng.random((*batch, *(2 * m + 1 for m in counts))), cell)


@pytest.mark.parametrize("extra", [0, 1, 4])
def test_round_trip_on_grids_of_either_parity(case, rng, extra):
    cell, counts = case
    modes = random_modes(rng, counts, cell, batch=(2,))
    grid = modes_to_grid(modes, cell, tuple(2 * m + 1 + extra for m in counts))
    np.testing.assert_allclose(grid_to_modes(grid, cell, counts), modes, rtol=0.0, atol=ROUND_OFF)


def test_modes_are_integrals_against_plane_waves(case):
    cell, counts = case
    index = np.array([1, -2, 2][: cell.dim])
    p = cell.reciprocal(index.astype(float))
    shape = tuple(2 * m + 1 for m in counts)
    modes = grid_to_modes(np.cos(cell.grid(shape) @ p + 0.4), cell)
    expected = np.zeros(shape, dtype=complex)
    expected[tuple(np.array(counts) + index)] = 0.5 * cell.volume * np.exp(0.4j)
    expected[tuple(np.array(counts) - index)] = 0.5 * cell.volume * np.exp(-0.4j)
    np.testing.assert_allclose(modes, expected, rtol=0.0, atol=ROUND_OFF)


def test_parseval(case, rng):
    cell, counts = case
    values = rng.random(tuple(2 * m + 1 for m in counts))
    modes = grid_to_modes(values, cell)
    square = np.sum(np.abs(modes) ** 2) / cell.volume
    assert square == pytest.approx(cell.volume * np.mean(values**2), rel=ROUND_OFF)


def test_product_is_the_exact_convolution(case, rng):
    cell, counts = case
    f, g = random_modes(rng, counts, cell), random_modes(rng, counts, cell)
    expected = convolve(f, g, mode="same", method="direct") / cell.volume
    np.testing.assert_allclose(product(f, g, cell), expected, rtol=0.0, atol=ROUND_OFF)
    # on the grid that just holds the factors the product is aliased: the test has teeth
    shape = tuple(2 * m + 1 for m in counts)
    aliased = modes_to_grid(f, cell, shape) * modes_to_grid(g, cell, shape)
    assert np.max(np.abs(grid_to_modes(aliased, cell) - expected)) > 1e-3


def test_truncation_keeps_the_central_modes(case, rng):
    cell, counts = case
    fewer = tuple(m - 1 for m in counts)
    grid = rng.random(tuple(2 * m + 1 for m in counts))
    kept = truncate(grid_to_modes(grid, cell), cell.dim, fewer)
    # round-off: the library transforms more or fewer columns at a time
    np.testing.assert_allclose(
        kept, grid_to_modes(grid, cell, fewer), rtol=0.0, atol=1e-15 * cell.volume
    )


def test_point_sums_equal_the_direct_sum(case, rng):
    cell, counts = case
    positions = rng.uniform(-5.0, 5.0, (17, cell.dim))  # most of them outside the cell
    weights = rng.normal(size=(2, 17))
    waves = np.exp(-1j * np.tensordot(positions, cell.wavevectors(counts), axes=1))
    # the tolerance asked of the library is 1e-13 of the sum of weights; a factor 10 of margin
    np.testing.assert_allclose(
        point_modes(positions, weights, cell, counts),
        np.tensordot(weights, waves, axes=1),
        rtol=0.0,
        atol=1e-12 * np.abs(weights).sum(axis=-1).max(),
    )


@pytest.mark.parametrize("shape", [(9,), (6, 8), (5, 6, 7)])
def test_half_spectra_agree_with_scipy(rng, shape):
    batch = rng.random((2, *shape))
    axes = tuple(range(1, batch.ndim))
    half = rfftn(batch, len(shape))
    np.testing.assert_allclose(half, scipy.fft.rfftn(batch, axes=axes), rtol=0.0, atol=ROUND_OFF)
    np.testing.assert_allclose(irfftn(half, shape), batch, rtol=0.0, atol=ROUND_OFF)


@pytest.mark.parametrize("n", [1, 17, 97, 1021])
def test_good_sizes_are_not_smaller_and_have_small_factors(n):
    size = good_size(n)
    assert n <= size <= 1.25 * n
    for factor in (2, 3, 5, 7, 11):
        while size % factor == 0:
            size //= factor
    assert size == 1


def test_a_grid_too_coarse_for_its_modes_is_refused(rng):
    cell = Cell.cubic(1.0, 2)
    with pytest.raises(ResolutionError, match=r"holds modes up to \(3, 4\), not \(4, 4\)"):
        grid_to_modes(rng.random((8, 9)), cell, (4, 4))
    modes = random_modes(rng, (3, 4), cell)
    with pytest.raises(ResolutionError, match=r"shape \(7, 8\) cannot hold modes up to \(3, 4\)"):
        modes_to_grid(modes, cell, (7, 8))


@pytest.mark.parametrize("order", ["C", "F"])
def test_product_of_several_fields_in_any_order_of_memory(order, rng):
    cell, counts = Cell.sheared(2.0, 2, 0.3), (3, 4)
    f, *others = (random_modes(rng, counts, cell) for _ in range(5))
    several = np.array(np.array(others).reshape(2, 2, 7, 9), order=order)
    expected = [product(f, g, cell) for g in others]
    np.testing.assert_array_equal(product(f, several, cell).reshape(4, 7, 9), expected)
    with pytest.raises(ValueError, match="product: f must be one field of 2 axes"):
        product(several, f, cell)


def test_padded_grid_gives_the_same_products_again_and_again(case, rng):
    """Its buffers keep nothing from one product to the next."""
    cell, counts = case
    grid = PaddedGrid(cell, counts)
    first, second = np.empty(grid.shape), np.empty(grid.shape)
    half = np.empty(grid.half_shape, dtype=complex)
    for _ in range(2):
        f, g = random_modes(rng, counts, cell), random_modes(rng, counts, cell)
        np.testing.assert_array_equal(grid.mirrored(grid.halved(f)), f)
        grid.to_grid(grid.halved(f), first)
        grid.to_grid(grid.halved(g), second)
        grid.to_modes(first * second, half)
        both = grid.mirrored(grid.scale * half)
        np.testing.assert_allclose(both, product(f, g, cell), rtol=0.0, atol=ROUND_OFF)
