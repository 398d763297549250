from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError, ResolutionError
from glasscade.regularity.powers import CHUNK, check_orders, check_tiles, power_means

EVERY = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0, 9.0])


def tile_means(values: np.ndarray, dim: int, tiles: int) -> np.ndarray:
    """The definition: means of each tile, leading axes averaged over, shape (t_1, ..., t_d)."""
    lead = values.ndim - dim
    split = [part for n in values.shape[lead:] for part in (tiles, n // tiles)]
    axes = (*range(lead), *range(lead + 1, lead + 2 * dim, 2))
    return values.reshape(*values.shape[:lead], *split).mean(axis=axes)


@pytest.mark.parametrize(
    ("shape", "dim", "tiles"),
    [((2 * CHUNK + 6,), 1, 1), ((2 * CHUNK + 6,), 1, 2), ((3, 8, 12), 2, 4), ((2, 6, 4, 8), 3, 2)],
)
@pytest.mark.parametrize("q", [EVERY, [1.0, 2.0], [2.0], [3.0, 1.0], [0.0], [8.0, -0.25, 2.5]])
def test_means_agree_with_numpy(
    shape: tuple[int, ...], dim: int, tiles: int, q: list[float], rng: np.random.Generator
) -> None:
    values = 0.5 + rng.random(shape)
    mean, square = power_means(values, dim, np.array(q), tiles, floor=-np.inf)
    for row, order in enumerate(q):
        power = np.log(values) if order == 0.0 else values**order
        # Sums of 2000 values between 0.5 and 1.5 and up to nine products: round-off. Logarithms
        # of both signs cancel to a mean of some hundredths.
        np.testing.assert_allclose(mean[row], tile_means(power, dim, tiles), rtol=1e-12)
        expected = 1.0 if order == 0.0 else np.mean(power**2)
        assert square[row] == pytest.approx(expected, rel=1e-12)


def test_a_zero_makes_orders_up_to_zero_infinite_in_its_tile() -> None:
    values = np.array([1.0, 2.0, 0.0, 2.0])
    q = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    mean, square = power_means(values, 1, q, 2, floor=-np.inf)
    assert np.all(np.isnan(mean[:3, 1]))
    assert np.all(np.isfinite(mean[:3, 0]))
    np.testing.assert_allclose(mean[3:, 1], [0.5**0.5, 1.0], rtol=1e-15)
    assert np.isnan(square[0])


@pytest.mark.parametrize("special", [None, 0.0, 5e-324, 1e-310, np.inf, np.nan])
def test_mean_logarithm_of_numbers_of_any_size(
    special: float | None, rng: np.random.Generator
) -> None:
    """From the smallest to the largest there are, and what has no significand of full length."""
    values = 10.0 ** rng.uniform(-307.0, 308.0, CHUNK + 5)
    if special is not None:
        values[CHUNK // 3] = special
    mean, _ = power_means(values, 1, np.array([0.0, 1e-3]), 1, floor=-1.0)
    with np.errstate(divide="ignore"):
        mean_of_logs = np.mean(np.log(values))
    expected = mean_of_logs if np.isfinite(mean_of_logs) else np.nan
    # Numbers of order 700 that cancel to some ten, each sum and logarithm rounded.
    np.testing.assert_allclose(mean[0, 0], expected, rtol=1e-13)


def test_moments_below_the_floor_do_not_exist() -> None:
    q = np.array([-1.0, -0.99, 1.0])
    mean, square = power_means(np.ones((4, 4)), 2, q, 1, floor=-1.0)
    np.testing.assert_array_equal(np.isnan(mean[:, 0, 0]), [True, False, False])
    np.testing.assert_array_equal(np.isnan(square), [True, False, False])


@pytest.mark.parametrize("q", [[], [-1.01], [9.5], [1.0, np.inf], [np.nan], [2.0, 2.0]])
def test_other_orders_are_refused(q: list[float]) -> None:
    with pytest.raises(ConfigError, match="q: orders must be distinct numbers from -1 to 9"):
        check_orders(q)


@pytest.mark.parametrize(("tiles", "points"), [(0, (4, 4)), (3, (6, 4)), (8, (4,))])
def test_tiles_of_unequal_size_are_refused(tiles: int, points: tuple[int, ...]) -> None:
    with pytest.raises(ResolutionError, match=rf"tiles: {tiles} tiles .* divide the grid points"):
        check_tiles(tiles, points, "grid points")
