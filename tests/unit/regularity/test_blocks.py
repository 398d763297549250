"""Blocks of one large sample, wide against its correlation length."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.regularity.blocks import FEWEST_REALISATIONS, blocks, correlation_length, independent
from glasscade.regularity.moments import Moments
from glasscade.regularity.synthetic import fractional
from glasscade.transforms import grid_to_modes, modes_to_grid

CELL = Cell.cubic(16.0, 2)


def moments(tiles: tuple[int, ...]) -> Moments:
    """Numbers that all differ, on tiles."""
    mean = np.arange(1.0, 1.0 + 2 * 3 * np.prod(tiles)).reshape(2, 3, *tiles)
    scale, q = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0])
    return Moments("gradients", scale, q, mean, mean.reshape(2, 3, -1)[..., 0], 1.0)


@pytest.mark.parametrize("ell", [0.5, 1.0, 2.0])
def test_smoothed_noise_is_correlated_over_its_filter(ell: float) -> None:
    cell = Cell.cubic(64.0, 2)
    noise = np.random.default_rng(3).standard_normal((512, 512))
    modes = grid_to_modes(noise, cell)
    smooth = modes_to_grid(modes * GAUSSIAN.filter(cell, (255, 255), ell), cell, (512, 512))
    # G*G of two Gaussians of variance ell²/2 per axis is exp(-r²/2ell²), which is 0.1 at
    # ell √(2 ln 10), to one shell of 0.125. At ell = 2 the cell holds some 160 independent areas
    # and a shell seven: C there scatters by 0.03 and r, where dC/dr = 0.2/ell, by 0.07 of itself.
    expected = ell * np.sqrt(2.0 * np.log(10.0))
    assert correlation_length(smooth, cell) == pytest.approx(expected, abs=0.2 * expected + 0.125)


def test_a_fractional_field_is_correlated_over_the_whole_cell() -> None:
    field = fractional((256, 256), 0.8, np.random.default_rng(1))
    assert correlation_length(field, CELL) > 0.25 * CELL.smallest_width


def test_white_noise_is_not_correlated_beyond_a_grid_spacing() -> None:
    noise = np.random.default_rng(2).standard_normal((128, 128))
    assert correlation_length(noise, CELL) <= 16.0 / 128


@pytest.mark.parametrize(
    ("length", "count"), [(0.9, 64), (1.0, 64), (1.1, 16), (2.1, 4), (4.0, 4), (4.1, 1)]
)
def test_tiles_are_joined_until_they_hold_two_correlation_lengths(
    length: float, count: int
) -> None:
    whole = moments((8, 8))
    found = blocks(whole, CELL, length)
    assert len(found) == count
    means = [block.mean.reshape(2, 3, -1) for block in found]
    assert all(mean.shape[-1] == (64 if count == 1 else 1) for mean in means)
    # Blocks are of equal size: their average is that of the whole, up to round-off.
    together = np.mean([mean.mean(axis=-1) for mean in means], axis=0)
    np.testing.assert_allclose(together, whole.mean.mean(axis=(2, 3)), rtol=1e-14)


def test_blocks_are_neighbouring_tiles() -> None:
    whole = moments((4, 4))
    found = blocks(whole, CELL, 4.0)
    expected = [
        whole.mean[..., i : i + 2, j : j + 2].mean(axis=(2, 3)) for i in (0, 2) for j in (0, 2)
    ]
    for block, mean in zip(found, expected, strict=True):
        np.testing.assert_allclose(block.mean[..., 0, 0], mean, rtol=1e-14)


def test_odd_numbers_of_tiles_are_one_block_if_they_are_too_narrow() -> None:
    assert len(blocks(moments((3, 3)), CELL, 1.0)) == 9
    assert len(blocks(moments((3, 3)), CELL, 3.0)) == 1


def test_many_realisations_need_no_blocks() -> None:
    ensemble = [moments((4, 4))] * FEWEST_REALISATIONS
    assert independent(ensemble, CELL, [0.1]) == ensemble
    assert len(independent(ensemble[:2], CELL, [0.1, 4.0])) == 2 * 4  # the longest length decides
    assert len(independent(ensemble[:2], CELL, [np.inf])) == 2
