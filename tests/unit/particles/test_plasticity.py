"""D²_min, centre and participation of displacements that are known."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.plasticity import centre, d2_min, participation

CELLS = {
    "square": Cell.cubic(9.0, 2),
    "tilted": Cell.sheared(9.0, 2, 0.3),
    "tilted cube": Cell.sheared(5.0, 3, 0.2),
}
RADIUS = 1.8
NUMBER = 150


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


@pytest.fixture
def positions(cell, rng):
    return cell.cartesian(rng.random((NUMBER, cell.dim)))


def reference(before, displacement, cell, radius):
    """D²_min by least squares, with nearest images: the radius is below half the cell."""
    found = np.zeros(len(before))
    for a, own in enumerate(before):
        y = cell.minimum_image(before - own)
        near = np.linalg.norm(y, axis=1) < radius
        near[a] = False
        if np.sum(near) > 0:
            u = displacement[near] - displacement[a]
            affine = np.linalg.lstsq(y[near], u, rcond=None)[0]
            found[a] = np.mean(np.sum((u - y[near] @ affine) ** 2, axis=1))
    return found


def test_d2_min_is_the_residual_of_a_least_squares_fit(cell, positions, rng):
    displacement = 0.1 * rng.standard_normal(positions.shape)
    found = d2_min(positions, displacement, cell, RADIUS)
    # Round-off of a small least-squares problem.
    expected = reference(positions, displacement, cell, RADIUS)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def test_d2_min_does_not_depend_on_images(cell, positions, rng):
    displacement = 0.1 * rng.standard_normal(positions.shape)
    images = cell.cartesian(rng.integers(-2, 3, positions.shape).astype(float))
    moved = d2_min(positions + images, displacement, cell, RADIUS)
    # Positions a few cells away have lost three bits.
    expected = d2_min(positions, displacement, cell, RADIUS)
    np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-15)


def test_d2_min_of_a_field_that_is_affine_around_a_particle_is_zero(rng):
    """Particles in the middle of a large cell, so that no neighbour is an image."""
    cell = Cell.cubic(50.0, 2)
    positions = 20.0 + 8.0 * rng.random((NUMBER, 2))
    displacement = positions @ np.array([[0.1, 0.3], [-0.2, 0.05]]) + 0.7
    # Displacements of order 10 cancel to 16 digits, squared.
    assert np.max(d2_min(positions, displacement, cell, RADIUS)) < 1e-26


def test_one_particle_that_moves_alone_stands_out(positions, cell):
    displacement = np.zeros_like(positions)
    displacement[7, 0] = 0.5
    found = d2_min(positions, displacement, cell, RADIUS)
    assert np.argmax(found) == 7
    far = np.linalg.norm(cell.minimum_image(positions - positions[7]), axis=1) > RADIUS
    assert np.all(found[far] == 0.0)


def test_the_centre_is_that_of_the_weights_across_the_boundary(cell):
    corner = cell.cartesian(np.array([[0.98] * cell.dim, [0.06] * cell.dim]))
    found = centre(corner, np.array([1.0, 1.0]), cell)
    # Exact by symmetry, up to round-off.
    np.testing.assert_allclose(found, cell.cartesian(np.full(cell.dim, 0.02)), atol=1e-13)
    np.testing.assert_allclose(centre(corner, np.array([0.0, 2.0]), cell), corner[1], atol=1e-13)


def test_participation_counts_the_particles_that_move(rng):
    one, all_ = np.zeros((NUMBER, 2)), np.full((NUMBER, 2), 0.3)
    one[3] = [0.1, -0.2]
    half = all_ * (np.arange(NUMBER) < NUMBER // 2)[:, np.newaxis]
    # Round-off of sums.
    assert participation(one) == pytest.approx(1.0 / NUMBER, rel=1e-13)
    assert participation(all_) == pytest.approx(1.0, rel=1e-13)
    assert participation(half) == pytest.approx(0.5, rel=1e-13)
    assert np.isnan(participation(np.zeros((NUMBER, 2))))


def test_what_has_no_neighbourhood_or_centre_is_refused(positions, cell):
    with pytest.raises(ConfigError, match=r"radius: 0 is outside \(0, inf\)"):
        d2_min(positions, positions, cell, 0.0)
    with pytest.raises(ConfigError, match="none may be negative, and one must be positive"):
        centre(positions, np.zeros(NUMBER), cell)
