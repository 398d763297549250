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


def rolled_structure_function(
    values: np.ndarray, shifts: np.ndarray, q: float, order: int
) -> float:
    """The definition, with numpy's roll."""
    axes = tuple(range(values.ndim))
    means = []
    for shift in shifts:
        ahead = np.roll(values, tuple(-shift), axes)
        behind = np.roll(values, tuple(shift), axes)
        difference = ahead - values if order == 1 else ahead - 2.0 * values + behind
        means.append(np.mean(np.abs(difference) ** q))
    return float(np.mean(means) ** (1.0 / q))


@pytest.mark.parametrize(("cell", "shape"), GRIDS)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("q", [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0], [1.0, 2.5, 7.0]])
def test_agrees_with_rolled_arrays(
    cell: Cell, shape: tuple[int, ...], order: int, q: list[float], rng: np.random.Generator
) -> None:
    values = rng.standard_normal(shape)
    separations = np.array([0.4, 0.8, 1.4])
    moments = increment_moments(values, cell, separations, np.array(q), order)
    for column, separation in enumerate(separations):
        shifts = grid_shifts(separation, cell, shape)
        expected = [rolled_structure_function(values, shifts, power, order) for power in q]
        # Sums of at most 10^4 terms in another order: round-off only.
        np.testing.assert_allclose(moments.norm[:, column], expected, rtol=1e-12)


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


def test_a_constant_field_has_no_exponent() -> None:
    with pytest.raises(DataError, match="not constant"):
        increment_moments(np.ones(10), Cell.cubic(1.0, 1), np.array([0.2]), np.ones(1))
