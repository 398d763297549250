from __future__ import annotations

import itertools

import numpy as np
import pytest
import pywt

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.regularity.wavelets import (
    TAPS,
    WAVELET,
    atom,
    centre,
    coefficients,
    stationary,
    wavelet_moments,
)


@pytest.mark.parametrize(("shape", "levels"), [((64,), 3), ((16, 16), 1), ((32, 32), 2)])
def test_moments_are_those_of_the_decimated_transform_from_all_origins(
    shape: tuple[int, ...], levels: int, rng: np.random.Generator
) -> None:
    values, q = rng.standard_normal(shape), np.array([1.0, 2.0, 3.0])
    moments = wavelet_moments(values, Cell.cubic(3.0, len(shape)), levels, q)
    blocks: list[list[np.ndarray]] = [[] for _ in range(levels)]
    axes = tuple(range(len(shape)))
    for shift in itertools.product(range(2**levels), repeat=len(shape)):
        moved = pywt.wavedecn(
            np.roll(values, shift, axes), WAVELET, mode="periodization", level=levels
        )
        for j in range(1, levels + 1):
            blocks[j - 1].extend(part.ravel() for part in moved[-j].values())
    for j in range(1, levels + 1):
        d = 2.0 ** (-0.5 * len(shape) * j) * np.abs(np.concatenate(blocks[j - 1]))
        mean = np.array([np.mean(d**order) for order in q])
        # Round-off of sums of thousands of terms.
        np.testing.assert_allclose(moments.norm[:, j - 1], mean ** (1.0 / q), rtol=1e-11)
        np.testing.assert_allclose(
            moments.square[:, j - 1], [np.mean(d ** (2.0 * order)) for order in q], rtol=1e-11
        )
    spacing = 3.0 / shape[0]
    np.testing.assert_allclose(moments.scale, spacing * 2.0 ** np.arange(1, levels + 1), rtol=1e-15)


def test_cubic_polynomials_are_the_first_to_be_seen() -> None:
    # Three vanishing moments: away from the jump at the boundary x² has no details, x³ has.
    x = np.arange(1024.0) / 1024.0
    details = [
        pywt.wavedec(x**p, WAVELET, mode="periodization", level=1)[1][10:-10] for p in (2, 3)
    ]
    assert np.abs(details[0]).max() < 1e-10  # accuracy of the library's filters
    assert np.abs(details[1]).min() > 1e-10
    assert pywt.Wavelet(WAVELET).dec_len == TAPS


def test_block_norms_of_white_noise_fall_as_the_square_root_of_the_volume() -> None:
    values = np.random.default_rng(3).standard_normal((512, 512))
    moments = wavelet_moments(values, Cell.cubic(512.0, 2), 4, np.array([2.0]))
    # Orthonormal coefficients of white noise are white: norm = 2^{-j}, scale = 2^j. The coarsest
    # level has 3072 of them, so its norm scatters by 1/√6144 = 0.013; four times that.
    np.testing.assert_allclose(moments.norm[0] * moments.scale, 1.0, atol=0.052)


@pytest.mark.parametrize("letter", ["a", "d"])
@pytest.mark.parametrize("level", [1, 3])
def test_atoms_are_what_coefficients_are_products_with(
    letter: str, level: int, rng: np.random.Generator
) -> None:
    values = rng.standard_normal(64)
    parts = pywt.wavedec(values, WAVELET, mode="periodization", level=level)
    ours = [np.roll(atom(letter, level, 64), k * 2**level) @ values for k in range(64 // 2**level)]
    # The filters of the library are orthonormal to 1e-11.
    np.testing.assert_allclose(ours, parts[0 if letter == "a" else 1], atol=1e-9)


@pytest.mark.parametrize(("dim", "n", "levels"), [(1, 256, 5), (2, 48, 3), (3, 24, 2)])
def test_the_stationary_transform_is_that_of_the_library(
    dim: int, n: int, levels: int, rng: np.random.Generator
) -> None:
    smooth = rng.standard_normal((n,) * dim)
    for level, block in enumerate(stationary(smooth, levels), start=1):
        parts = pywt.swtn(smooth, WAVELET, level=1, start_level=level - 1)[0]
        smooth = parts.pop("a" * dim)
        for ours, (word, part) in zip(block, parts.items(), strict=True):
            placed = np.roll(part, [round(centre(letter, level)) for letter in word], range(dim))
            # Sums of six numbers of order 1 for each axis: round-off.
            np.testing.assert_allclose(ours, 2.0 ** (-0.5 * dim * level) * placed, atol=1e-13)


@pytest.mark.parametrize(("dim", "n", "levels"), [(1, 256, 4), (2, 48, 2)])
def test_coefficients_of_a_point_are_placed_around_it(dim: int, n: int, levels: int) -> None:
    """Over all places of a point, the centre of energy of its coefficients is where it is."""
    places = list(itertools.product(range(2**levels), repeat=dim))
    distance, total = np.zeros((levels, dim)), np.zeros((levels, 1))
    for place in places:
        point = np.zeros((n,) * dim)
        point[place] = 1.0
        for level, block in enumerate(coefficients(point, levels)):
            moved, energy = _centre(block, 2.0 ** (level + 1), 0.5, place, n)
            distance[level] += moved
            total[level] += energy
    # A cube of 2^j grid points holds the centre of its wavelet, hence to half its side.
    half = 0.5 * 2.0 ** np.arange(1, levels + 1)[:, np.newaxis]
    assert np.all(np.abs(distance / total) <= half)
    point = np.zeros((n,) * dim)
    point[(5,) * dim] = 1.0
    for block in stationary(point, levels):
        moved, energy = _centre(block, 1.0, 0.0, (5,) * dim, n)
        # Centres are rounded to half a grid spacing; orientations differ in theirs.
        np.testing.assert_array_less(np.abs(moved / energy), 0.6)


def _centre(
    block: np.ndarray, side: float, middle: float, place: tuple[int, ...], n: int
) -> tuple[np.ndarray, float]:
    """Σ of distances from a place along each axis, weighted with energies, and these."""
    energy = np.sum(np.square(block), axis=0)
    centres = (np.arange(energy.shape[0]) + middle) * side
    distance = []
    for axis, origin in enumerate(place):
        share = energy.sum(axis=tuple(a for a in range(energy.ndim) if a != axis))
        distance.append(share @ ((centres - origin + n / 2) % n - n / 2))
    return np.array(distance), float(energy.sum())


@pytest.mark.parametrize(
    ("n", "levels", "tiles", "tile"), [(256, 5, 8, (6,)), (256, 5, 4, (2,)), (64, 3, 4, (3, 1))]
)
def test_a_bump_is_seen_in_its_tile(n: int, levels: int, tiles: int, tile: tuple[int, ...]) -> None:
    side, dim = n // tiles, len(tile)
    x = [(np.arange(n) - (t + 0.5) * side + n / 2) % n - n / 2 for t in tile]
    for j in range(1, levels + 1):
        # A level sees wavelengths from s_j to 2 s_j best.
        bump = np.exp(-0.5 * sum(np.square(y) for y in np.ix_(*x)) / (0.3 * 2.0**j) ** 2)
        moments = wavelet_moments(bump, Cell.cubic(1.0, dim), levels, np.array([2.0]), tiles)
        share = moments.mean[0, j - 1] / moments.mean[0, j - 1].sum()
        assert np.unravel_index(np.argmax(share), share.shape) == tile
        # Most of what it carries, at the coarsest level too, where a tile is one coefficient wide.
        assert share[tile] > 0.3


@pytest.mark.parametrize(("dim", "n", "levels", "tiles"), [(1, 256, 4, 8), (2, 64, 3, 4)])
def test_tiles_of_equal_size_average_to_the_whole(
    dim: int, n: int, levels: int, tiles: int, rng: np.random.Generator
) -> None:
    values, q = rng.standard_normal((n,) * dim), np.array([-0.5, 0.0, 1.0, 2.5, 6.0, 9.0])
    cell = Cell.cubic(1.0, dim)
    whole, parts = (wavelet_moments(values, cell, levels, q, t) for t in (1, tiles))
    assert parts.mean.shape == (6, levels, *(tiles,) * dim)
    np.testing.assert_allclose(parts.norm, whole.norm, rtol=1e-12)  # round-off
    np.testing.assert_allclose(parts.square, whole.square, rtol=1e-12)
    assert np.all((whole.participation > 0.0) & (whole.participation <= 1.0))


def test_every_coefficient_is_placed_once(rng: np.random.Generator) -> None:
    values = rng.standard_normal((32, 32))
    parts = pywt.wavedecn(values, WAVELET, mode="periodization", level=2)
    for j, placed in enumerate(coefficients(values, 2), start=1):
        expected = np.concatenate([part.ravel() for part in parts[-j].values()])
        np.testing.assert_array_equal(np.sort(placed.ravel()), np.sort(2.0**-j * expected))


def test_orders_that_do_not_exist_are_nan(rng: np.random.Generator) -> None:
    q = np.array([-1.0, -0.9, 0.0, 2.0])
    norm = wavelet_moments(rng.standard_normal(64), Cell.cubic(1.0, 1), 2, q).norm
    np.testing.assert_array_equal(np.isnan(norm[:, 0]), [True, False, False, False])


def test_tiles_without_as_many_coefficients_are_refused(rng: np.random.Generator) -> None:
    values, cell = rng.standard_normal((64, 64)), Cell.cubic(1.0, 2)
    message = r"tiles: 16 tiles per axis do not divide the coefficients of level 3 \(8, 8\)"
    with pytest.raises(ResolutionError, match=message):
        wavelet_moments(values, cell, 3, np.ones(1), 16)


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        (Cell.cubic(1.0, 2), (64, 128)),
        (Cell(np.diag([1.0, 2.0])), (64, 64)),
        (Cell.sheared(1.0, 2, 0.1), (64, 64)),
    ],
)
def test_cells_that_are_not_square_are_refused(
    cell: Cell, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    with pytest.raises(ResolutionError, match="equal orthogonal sides"):
        wavelet_moments(rng.standard_normal(shape), cell, 2, np.ones(1))


@pytest.mark.parametrize(("n", "levels"), [(100, 3), (64, 4), (64, 0)])
def test_sizes_that_do_not_hold_the_levels_are_refused(
    n: int, levels: int, rng: np.random.Generator
) -> None:
    with pytest.raises(ResolutionError, match=f"levels: {levels} levels need .* not {n};"):
        wavelet_moments(rng.standard_normal(n), Cell.cubic(1.0, 1), levels, np.ones(1))
