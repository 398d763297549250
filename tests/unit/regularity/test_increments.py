from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError, ResolutionError
from glasscade.regularity.increments import directions, grid_shifts, increment_moments

GRIDS = [
    (Cell.cubic(3.0, 1), (37,)),
    (Cell.cubic(3.0, 2), (32, 27)),
    (Cell.sheared(3.0, 2, 0.3), (24, 30)),
    (Cell.cubic(3.0, 3), (12, 9, 10)),
]


def rolled_means(
    values: np.ndarray, shifts: np.ndarray, q: float, order: int, tiles: int
) -> np.ndarray:
    """The definition, with numpy's roll: means over tiles, (s, t_1, ..., t_d)."""
    axes = tuple(range(values.ndim))
    split = [part for n in values.shape for part in (tiles, n // tiles)]
    means = []
    for shift in shifts:
        # An increment belongs to its centre, half a shift (rounded down) ahead of its first point.
        half = shift // 2 if order == 1 else shift
        ahead = np.roll(values, tuple(half - shift if order == 1 else -shift), axes)
        behind = np.roll(values, tuple(half), axes)
        difference = np.abs(ahead - behind if order == 1 else ahead - 2.0 * values + behind)
        power = np.log(difference) if q == 0.0 else difference**q
        means.append(power.reshape(split).mean(axis=tuple(range(1, 2 * values.ndim, 2))))
    return np.array(means)


@pytest.mark.parametrize(("cell", "shape"), GRIDS)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    "q", [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 1.0], [3.0, 0.0], [-0.5, 0.0, 0.5, 7.0, 8.0, 9.0]]
)
def test_agrees_with_rolled_arrays(
    cell: Cell, shape: tuple[int, ...], order: int, q: list[float], rng: np.random.Generator
) -> None:
    values = rng.standard_normal(shape)
    separations = np.array([0.4, 0.8, 1.4])
    moments = increment_moments(values, cell, separations, np.array(q), order)
    for column, separation in enumerate(separations):
        shifts = grid_shifts(separation, cell, shape)
        expected = [rolled_means(values, shifts, power, order, 1).mean() for power in q]
        # Sums of at most 10^4 terms in another order: round-off only, but for logarithms, whose
        # sums cancel.
        np.testing.assert_allclose(moments.mean[:, column].ravel(), expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("cell", "shape", "tiles"),
    [
        (Cell.cubic(3.0, 1), (36,), 3),
        (Cell.cubic(3.0, 2), (32, 28), 4),
        (Cell.sheared(3.0, 2, 0.3), (24, 30), 6),
        (Cell.cubic(3.0, 3), (12, 9, 15), 3),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_an_increment_belongs_to_the_tile_of_its_centre(
    cell: Cell, shape: tuple[int, ...], tiles: int, order: int, rng: np.random.Generator
) -> None:
    values = rng.standard_normal(shape)
    separations = np.array([0.4, 1.3])
    q = np.array([1.0, 2.5, 7.0])
    moments = increment_moments(values, cell, separations, q, order, tiles)
    for column, separation in enumerate(separations):
        shifts = grid_shifts(separation, cell, shape)
        expected = [rolled_means(values, shifts, power, order, tiles).mean(axis=0) for power in q]
        np.testing.assert_allclose(moments.mean[:, column], expected, rtol=1e-12)  # round-off
    whole = increment_moments(values, cell, separations, q, order)
    np.testing.assert_allclose(moments.norm, whole.norm, rtol=1e-13)
    np.testing.assert_allclose(moments.square, whole.square, rtol=1e-13)


def test_squares_are_exact_up_to_third_order_and_along_the_leading_direction(
    rng: np.random.Generator,
) -> None:
    cell, shape = Cell.cubic(3.0, 2), (24, 24)
    values = rng.standard_normal(shape)
    q = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 0.0])
    square = increment_moments(values, cell, np.array([1.0]), q).square[:, 0]
    shifts = grid_shifts(1.0, cell, shape)
    exact = [rolled_means(values, shifts, 2.0 * power, 1, 1).mean() for power in q[:3]]
    np.testing.assert_allclose(square[:3], exact, rtol=1e-12)  # round-off
    leading = np.argmax(rolled_means(values, shifts, 6.0, 1, 1))
    along = shifts[leading : leading + 1]
    for row, power in ((3, 4.0), (4, 6.0)):
        share = (
            rolled_means(values, along, power, 1, 1).mean() ** 2
            / rolled_means(values, along, 2.0 * power, 1, 1).mean()
        )
        whole = rolled_means(values, shifts, power, 1, 1).mean() ** 2
        assert square[row] == pytest.approx(whole / share, rel=1e-12)
    assert square[5] == 1.0


def test_the_participation_of_a_spike_is_that_of_two_points() -> None:
    spike = np.zeros((32, 32))
    spike[5, 9] = 3.0
    moments = increment_moments(spike, Cell.cubic(1.0, 2), np.array([0.25]), np.arange(1.0, 10.0))
    # |δ| = 3 at two of 1024 points, in every direction.
    np.testing.assert_allclose(moments.participation, 2.0 / 1024.0, rtol=1e-12)


def test_moments_that_do_not_exist_or_meet_a_zero_are_nan(rng: np.random.Generator) -> None:
    cell, q = Cell.cubic(1.0, 1), np.array([-1.0, -0.5, 0.0, 1.0])
    norm = increment_moments(rng.standard_normal(32), cell, np.array([0.25]), q).norm[:, 0]
    np.testing.assert_array_equal(np.isnan(norm), [True, False, False, False])
    step = np.repeat([0.0, 1.0], 16)
    norm = increment_moments(step, cell, np.array([0.25]), q).norm[:, 0]
    np.testing.assert_array_equal(np.isnan(norm), [True, True, True, False])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_directions_are_isotropic_and_cover_one_half(dim: int) -> None:
    units = directions(dim)
    assert len(units) == {1: 1, 2: 8, 3: 13}[dim]
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), 1.0, rtol=1e-15)
    # Isotropy of second order: <u_i u_j> = δ_ij/d, exact by the cubic symmetry of the sets.
    np.testing.assert_allclose(units.T @ units / len(units), np.eye(dim) / dim, atol=1e-15)
    opposite = np.linalg.norm(units[:, None] + units[None, :], axis=-1)
    assert opposite.min() > 0.1


@pytest.mark.parametrize(("cell", "shape"), GRIDS)
def test_shifts_have_the_length_asked_for(cell: Cell, shape: tuple[int, ...]) -> None:
    lengths = np.linalg.norm(
        cell.cartesian(grid_shifts(1.2, cell, shape) / np.array(shape)), axis=1
    )
    # Rounding moves each coordinate by at most half a spacing.
    limit = 0.5 * np.sum(np.linalg.norm(cell.matrix, axis=0) / np.array(shape))
    assert np.abs(lengths - 1.2).max() <= limit


def test_the_scale_is_the_mean_length_after_rounding(rng: np.random.Generator) -> None:
    cell = Cell.cubic(16.0, 2)
    moments = increment_moments(rng.standard_normal((16, 16)), cell, np.array([1.0]), np.ones(1))
    # At one spacing the eight directions round to two sides and two diagonals.
    assert moments.scale[0] == pytest.approx(np.sqrt(np.sqrt(2.0)), rel=1e-14)


def test_orders_of_smooth_fields_saturate() -> None:
    cell = Cell.cubic(1.0, 1)
    wave = np.sin(2.0 * np.pi * np.arange(4096) / 4096)
    r = np.array([1, 2, 4]) / 4096
    for order, saturated in ((1, 1.0), (2, 2.0)):
        norm = increment_moments(wave, cell, r, np.array([2.0]), order).norm[0]
        slopes = np.diff(np.log(norm)) / np.log(2.0)
        # Exact norms ∝ sin(πr)^order: the slope is low by (πr)² <= 1e-5 (cancellation: 1e-9).
        np.testing.assert_allclose(slopes, saturated, atol=3e-5)


@pytest.mark.parametrize("separation", [0.09, 0.51])
def test_separations_outside_the_grid_are_refused(separation: float) -> None:
    with pytest.raises(ResolutionError, match=r"between the grid spacing 0.1 and half .* 0.5"):
        increment_moments(np.arange(10.0), Cell.cubic(1.0, 1), np.array([separation]), np.ones(1))


def test_separations_that_round_to_one_another_are_refused() -> None:
    with pytest.raises(DataError, match="distinct on this grid"):
        increment_moments(np.arange(10.0), Cell.cubic(1.0, 1), np.array([0.2, 0.21]), np.ones(1))


def test_other_orders_of_difference_are_refused() -> None:
    with pytest.raises(ConfigError, match="order 1 or 2, not 3"):
        increment_moments(np.arange(10.0), Cell.cubic(1.0, 1), np.array([0.2]), np.ones(1), 3)


def test_differences_that_vanish_everywhere_are_refused() -> None:
    wave = np.tile([0.0, 1.0], 8)
    with pytest.raises(DataError, match="not constant"):
        increment_moments(wave, Cell.cubic(16.0, 1), np.array([2.0]), np.array([1.0, 4.0]))


def test_tiles_that_do_not_divide_the_grid_are_refused(rng: np.random.Generator) -> None:
    values = rng.standard_normal((16, 12))
    with pytest.raises(ResolutionError, match=r"tiles: 8 tiles .* grid points \(16, 12\)"):
        increment_moments(values, Cell.cubic(1.0, 2), np.array([0.25]), np.ones(1), tiles=8)


@pytest.mark.parametrize("order", [1, 2])
def test_the_number_of_threads_changes_no_bit(order: int, rng: np.random.Generator) -> None:
    values, cell = rng.standard_normal((64, 48)), Cell(np.diag([4.0, 3.0]))
    separations, q = np.array([0.2, 0.5, 1.0]), np.array([-0.5, 1.0, 3.0, 8.0])
    one, three = (
        increment_moments(values, cell, separations, q, order, 2, threads) for threads in (1, 3)
    )
    np.testing.assert_array_equal(one.mean, three.mean)
    np.testing.assert_array_equal(one.square, three.square)
