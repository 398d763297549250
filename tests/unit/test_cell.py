"""The periodic cell: coordinates, nearest images and the reciprocal lattice of its strain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError

CELLS = {
    "line": Cell.cubic(3.0, 1),
    "tilted": Cell.sheared(2.0, 2, 0.3),
    "oblique": Cell(np.array([[2.0, 1.5], [0.0, 1.0]])),
    "triclinic": Cell(np.array([[2.0, 0.6, 0.2], [0.0, 1.8, -0.3], [0.0, 0.0, 2.2]])),
}
ROUND_OFF = 1e-14  # coordinates below 10, a handful of additions and products


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


def test_coordinates_round_trip_and_wrapping_moves_by_box_vectors(cell, rng):
    x = rng.uniform(-5.0, 5.0, (200, cell.dim))
    np.testing.assert_allclose(cell.cartesian(cell.fractional(x)), x, rtol=0.0, atol=ROUND_OFF)
    wrapped = cell.fractional(cell.wrap(x))
    moved = cell.fractional(x) - wrapped
    assert wrapped.min() >= 0.0
    assert wrapped.max() < 1.0
    np.testing.assert_allclose(moved, np.rint(moved), rtol=0.0, atol=ROUND_OFF)
    assert np.abs(moved).max() > 0.5  # some points did lie outside


def test_a_point_just_below_zero_is_wrapped_inside():
    # -1e-18 - floor(-1e-18) rounds to 1, which is outside
    s = Cell.cubic(3.0, 1).fractional(Cell.cubic(3.0, 1).wrap(np.array([[-1e-18]])))
    assert 0.0 <= s.item() < 1.0


def test_minimum_image_is_the_nearest_one_within_half_the_smallest_width(cell, rng):
    dx = rng.uniform(-5.0, 5.0, (400, cell.dim))
    shifts = cell.cartesian(np.array(list(itertools.product(range(-6, 7), repeat=cell.dim))))
    distance = np.array([np.linalg.norm(point + shifts, axis=-1).min() for point in dx])
    safe = distance < 0.5 * cell.smallest_width
    assert safe.sum() > 50
    image = cell.minimum_image(dx)
    np.testing.assert_allclose(
        np.linalg.norm(image, axis=-1)[safe], distance[safe], rtol=0.0, atol=ROUND_OFF
    )


def test_smallest_width_is_the_volume_over_the_largest_face(cell):
    a = cell.matrix.T  # rows are now the box vectors; faces are spanned by d-1 of them
    if cell.dim == 3:
        faces = np.linalg.norm(np.cross(a, np.roll(a, 1, axis=0)), axis=1)
    else:
        faces = np.linalg.norm(a, axis=1) if cell.dim == 2 else np.ones(1)
    assert cell.smallest_width == pytest.approx(cell.volume / faces.max(), rel=1e-14)


def test_geometry_of_simple_shear():
    cell = Cell.sheared(2.0, 2, 0.3)
    np.testing.assert_array_equal(cell.matrix[:, 1], [0.6, 2.0])  # columns are the box vectors
    assert cell.volume == pytest.approx(4.0, rel=1e-15)
    # the faces across x lie at distance L/sqrt(1 + strain²), those across y at L
    assert cell.smallest_width == pytest.approx(2.0 / np.sqrt(1.09), rel=1e-15)
    assert not cell.is_cubic
    assert Cell.cubic(2.0, 3).is_cubic


def test_plane_waves_are_periodic_and_centred(cell):
    p = cell.wavevectors((2,) * cell.dim)
    assert p.shape == (cell.dim, *(5,) * cell.dim)
    np.testing.assert_array_equal(p[(slice(None), *(2,) * cell.dim)], 0.0)
    turns = np.tensordot(cell.matrix.T, p, axes=1) / (2.0 * np.pi)
    expected = np.array(np.meshgrid(*[np.arange(-2, 3)] * cell.dim, indexing="ij"))
    np.testing.assert_allclose(turns, expected, rtol=0.0, atol=ROUND_OFF)


def test_counts_hold_every_wavevector_below_the_limit(cell):
    k_max = 15.0
    counts = cell.counts_up_to(k_max)
    wide = tuple(m + 4 for m in counts)
    p = np.linalg.norm(cell.wavevectors(wide), axis=0)
    inside = tuple(slice(4, 4 + 2 * m + 1) for m in counts)
    assert np.sum(p <= k_max) == np.sum(p[inside] <= k_max)
    # and not many more: two less along each axis lose some
    tight = tuple(slice(4 + 2, 4 + 2 * m - 1) for m in counts)
    assert np.sum(p[tight] <= k_max) < np.sum(p <= k_max)


def test_grid_points_are_cartesian_with_fractional_coordinates_on_a_lattice():
    grid = Cell.sheared(2.0, 2, 0.3).grid((4, 8))
    assert grid.shape == (4, 8, 2)
    np.testing.assert_allclose(grid[1, 2], [0.5 + 0.25 * 0.6, 0.25 * 2.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), "must be d×d, d = 1, 2 or 3"),
        (np.eye(4), "must be d×d, d = 1, 2 or 3"),
        (np.diag([1.0, -1.0]), "right-handed"),
        (np.array([[np.nan]]), "finite"),
        (np.array([[1.0, 2.0], [2.0, 4.0]]), "right-handed"),
    ],
)
def test_impossible_cells_are_refused(matrix, message):
    with pytest.raises(ConfigError, match=message):
        Cell(matrix)


def test_the_matrix_of_a_cell_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Cell.cubic(1.0, 2).matrix[0, 0] = 2.0
