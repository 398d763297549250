"""Neighbour lists against brute force, in straight, tilted, thin and small cells."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.particles.neighbours import BLOCK, arrange, find, make_grid, wrap

CELLS = {
    "line": Cell.cubic(30.0, 1),
    "square": Cell.cubic(9.0, 2),
    "tilted": Cell.sheared(9.0, 2, 0.7),
    "oblique": Cell(np.array([[11.0, 3.0], [-2.0, 5.0]])),
    "smaller than the range": Cell.sheared(1.3, 2, 0.4),
    "cube": Cell.cubic(5.0, 3),
    "tilted cube": Cell(np.array([[5.0, 1.5, -2.0], [0.0, 4.0, 1.0], [0.0, 0.0, 6.0]])),
}
LIMITS = np.array([[1.0, 1.2], [1.2, 1.4]])


def configuration(cell, rng, number=120):
    """Two species: half of the particles anywhere, half in a cluster."""
    s = rng.random((number, cell.dim))
    s[: number // 2] = 0.97 + 0.1 * s[: number // 2]
    positions = cell.wrap(cell.cartesian(s))
    return positions, rng.integers(0, 2, number)


def brute_force(positions, species, limit2, cell):
    """All (a, b, image) with |x_a - x_b - h·image|^2 < limit2, images counted one by one."""
    found = set()
    for image in itertools.product(range(-4, 5), repeat=cell.dim):
        shift = cell.matrix @ np.array(image, dtype=float)
        apart = positions[:, None] - positions[None, :] - shift
        near = np.sum(apart**2, axis=-1) < limit2[species[:, None], species[None, :]]
        if not any(image):
            np.fill_diagonal(near, False)
        found |= {(a, b, image) for a, b in np.argwhere(near)}
    return found


def listed(found, cell):
    """The pairs (a, b, image) of a full list; ghosts are turned back into images."""
    number = found.order.size
    images = np.rint(cell.fractional(found.ghost_shift)).astype(int)
    pairs = []
    for k in range(number):
        for place in found.entries[found.start[k] : found.start[k + 1]].astype(int):
            ghost = place - number
            other = place if ghost < 0 else found.ghost_source[ghost]
            image = (0,) * cell.dim if ghost < 0 else tuple(images[ghost])
            pairs.append((found.order[k], found.order[other], image))
    return pairs


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_list_is_that_of_brute_force(cell, rng):
    positions, species = configuration(cell, rng)
    grid = make_grid(cell, 1.4, len(positions))
    pairs = listed(find(positions, species, LIMITS**2, grid), cell)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute_force(positions, species, LIMITS**2, cell)


def test_species_without_interaction_are_not_listed(rng):
    cell = Cell.cubic(6.0, 2)
    positions, species = configuration(cell, rng)
    limit2 = np.array([[0.0, 1.0], [1.0, 0.0]])
    pairs = listed(find(positions, species, limit2, make_grid(cell, 1.0, 120)), cell)
    assert pairs
    assert all(species[a] != species[b] for a, b, _ in pairs)


@pytest.mark.parametrize("number", [1, 100, BLOCK, BLOCK + 1, 700])
def test_packed_list_holds_the_same_neighbours(number, rng):
    cell = Cell.sheared(np.sqrt(number), 2, 0.3)
    positions, species = cell.wrap(rng.random((number, 2)) * 100.0), rng.integers(0, 2, number)
    found = find(positions, species, LIMITS**2, make_grid(cell, 1.4, number))
    packed = arrange(found, species, 2)
    where = np.concatenate([packed.source, packed.source[packed.ghost_source]])
    pairs = []
    for block in range(packed.block_start.size - 1):
        first = block * BLOCK
        counts = packed.counts[first : first + BLOCK].astype(int)
        assert np.all(np.diff(counts) <= 0)
        begin = packed.block_start[block]
        for k in range(counts[0]):
            lanes = np.sum(counts > k)
            a = packed.source[first : first + lanes]
            b = where[packed.entries[begin : begin + lanes]]
            types = packed.types[begin : begin + lanes]
            assert np.array_equal(types, 2 * species[a] + species[b])
            pairs += list(zip(a, b, strict=True))
            begin += lanes
        assert begin == packed.block_start[block + 1]
    assert sorted(pairs) == sorted((a, b) for a, b, _ in listed(found, cell))


@pytest.mark.parametrize("name", ["tilted", "tilted cube"])
def test_wrapping_counts_images_and_is_idempotent(name, rng):
    cell = CELLS[name]
    start = 100.0 * rng.standard_normal((200, cell.dim))
    positions, images = start.copy(), np.zeros((200, cell.dim), dtype=np.int64)
    grid = make_grid(cell, 1.0, 200)
    wrap(positions, images, grid)
    s = cell.fractional(positions)
    # Round-off of coordinates of size 400 in units of the cell.
    assert np.all((s > -1e-13) & (s < 1.0 + 1e-13))
    assert np.allclose(positions + images @ cell.matrix.T, start, rtol=0.0, atol=1e-12)
    again, once = positions.copy(), images.copy()
    wrap(again, images, grid)
    inside = np.all((s >= 0.0) & (s < 1.0), axis=1)
    assert np.array_equal(again[inside], positions[inside])
    assert np.array_equal(images[inside], once[inside])


def test_positions_on_the_faces_of_the_cell_are_listed():
    cell = Cell.cubic(3.0, 2)
    positions = np.array([[0.0, 0.0], [np.nextafter(3.0, 0.0), 0.0], [0.0, 2.5], [-1e-17, 1.0]])
    species = np.zeros(4, dtype=np.int64)
    wrap(positions, np.zeros((4, 2), dtype=np.int64), make_grid(cell, 1.2, 4))
    limit2 = np.array([[1.44]])
    pairs = listed(find(positions, species, limit2, make_grid(cell, 1.2, 4)), cell)
    assert set(pairs) == brute_force(positions, species, limit2, cell)
    assert len(pairs) > 0
