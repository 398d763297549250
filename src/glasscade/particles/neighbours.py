"""Neighbours of every particle in a periodic cell, straight or tilted.

The cell is cut into a grid of sub-cells, padded on every side by copies of the sub-cells across
the boundary. Particles in the copies are *ghosts*: a source particle plus a box vector. All
searches and sums then run over plain differences of positions, without minimum images, and
hold for any tilt and for ranges beyond half the box (every image counts).

`find` gives the full list (each pair from both ends) in an order that follows space.
`arrange` packs it for the force loop: blocks of 256 particles, the particles of a block sorted by
their number of neighbours, and the k-th neighbours of a block stored side by side. The blocks
depend on positions alone, not on the number of threads: sums come out the same to the bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.jit import inner, jit

BLOCK = 256
_CELLS_PER_PARTICLE = 4

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]
Types = npt.NDArray[np.uint16]


class Grid(NamedTuple):
    """Sub-cells of a periodic cell: `counts` per axis inside, `margin` ghost layers a side."""

    matrix: Real
    inverse: Real
    counts: Integers
    margin: Integers
    cells: int


class Found(NamedTuple):
    """Full neighbour list over particles sorted by sub-cell.

    `order[k]` is the particle at place k. Its neighbours are the places
    `entries[start[k]:start[k + 1]]`; a place >= N is the ghost `place - N`, the particle at
    `ghost_source` moved by `ghost_shift`.
    """

    order: Indices
    start: Integers
    entries: Indices
    ghost_source: Indices
    ghost_shift: Real


class Candidates(NamedTuple):
    """What a search looks at, by columns; coordinates beyond d are zero."""

    x: Real
    y: Real
    z: Real
    place: Indices
    species: Types


class Packed(NamedTuple):
    """The list in blocks: neighbour k of the block's first m_k lanes, then neighbour k + 1, ...

    `counts` falls within each block, so that m_k is the number of counts above k; `entries` of
    block b begin at `block_start[b]`; `types` are s_a S + s_b. `source` has the particle of each
    place before packing.
    """

    source: Indices
    counts: Indices
    block_start: Integers
    entries: Indices
    types: Types
    ghost_source: Indices
    ghost_shift: Real


def make_grid(cell: Cell, reach: float, number: int) -> Grid:
    """Sub-cells at least `reach` wide where the cell allows it, a few per particle at most."""
    inverse = np.ascontiguousarray(np.linalg.inv(cell.matrix), dtype=np.float64)
    heights = 1.0 / np.linalg.norm(inverse, axis=1)
    most = np.ceil((_CELLS_PER_PARTICLE * number) ** (1.0 / cell.dim))
    counts = np.clip(np.floor(heights / reach), 1.0, most)
    margin = np.ceil(reach * counts / heights)
    return Grid(
        np.ascontiguousarray(cell.matrix),
        inverse,
        counts.astype(np.int64),
        margin.astype(np.int64),
        int(np.prod(counts)),
    )


@jit
def wrap(positions: Real, images: Integers, grid: Grid) -> None:
    """Move `positions` (N, d) into the cell, counting the box vectors taken off in `images`."""
    number, dim = positions.shape
    crossed = np.empty(dim, np.int64)
    for i in range(number):
        for a in range(dim):
            s = 0.0
            for c in range(dim):
                s += grid.inverse[a, c] * positions[i, c]
            crossed[a] = np.int64(np.floor(s))
        for a in range(dim):
            # Untouched inside the cell, so that wrapping twice changes no bit.
            if crossed[a] != 0:
                images[i, a] += crossed[a]
                for c in range(dim):
                    positions[i, c] -= grid.matrix[c, a] * crossed[a]


@jit
def _sub_cells(positions: Real, grid: Grid) -> Integers:
    """Row-major index of the sub-cell of every wrapped position."""
    number, dim = positions.shape
    index = np.empty(number, np.int64)
    for i in range(number):
        flat = 0
        for a in range(dim):
            s = 0.0
            for c in range(dim):
                s += grid.inverse[a, c] * positions[i, c]
            k = np.int64(np.floor(s * grid.counts[a]))
            # Round-off can leave a wrapped position at s = -1e-17 or s = 1.
            flat = flat * grid.counts[a] + min(max(k, 0), grid.counts[a] - 1)
        index[i] = flat
    return index


@jit
def _counting_sort(keys: Integers, bins: int) -> tuple[Integers, Indices]:
    """First place of every key, and the stable order of the items by key."""
    start = np.zeros(bins + 1, np.int64)
    for key in keys:
        start[key + 1] += 1
    for k in range(bins):
        start[k + 1] += start[k]
    place = start[:-1].copy()
    order = np.empty(keys.size, np.uint32)
    for i in range(keys.size):
        order[place[keys[i]]] = i
        place[keys[i]] += 1
    return start, order


@jit
def _home_cell(padded: Integers, grid: Grid, image: Integers) -> int:
    """Sub-cell that a padded one copies; `image` is set to the box vectors between them."""
    flat = 0
    for a in range(padded.size):
        inside = padded[a] - grid.margin[a]
        image[a] = np.int64(np.floor(inside / grid.counts[a]))
        flat = flat * grid.counts[a] + inside - image[a] * grid.counts[a]
    return flat


@jit
def _next_cell(cell: Integers, limits: Integers) -> None:
    """Advance a row-major counter with `limits` per axis."""
    for a in range(cell.size - 1, -1, -1):
        cell[a] += 1
        if cell[a] < limits[a]:
            return
        cell[a] = 0


@jit
def _pad(start: Integers, number: int, grid: Grid) -> tuple[Integers, Indices, Indices, Real]:
    """Places in every padded sub-cell (start, places), and the ghosts' sources and shifts."""
    dim = grid.counts.size
    limits = grid.counts + 2 * grid.margin
    padded_start = np.zeros(np.prod(limits) + 1, np.int64)
    cell = np.zeros(dim, np.int64)
    image = np.zeros(dim, np.int64)
    for flat in range(padded_start.size - 1):
        home = _home_cell(cell, grid, image)
        padded_start[flat + 1] = padded_start[flat] + start[home + 1] - start[home]
        _next_cell(cell, limits)
    total = padded_start[-1]
    places = np.empty(total, np.uint32)
    source = np.empty(total - number, np.uint32)
    shift = np.empty((total - number, dim))
    cell[:] = 0
    ghost = 0
    for flat in range(padded_start.size - 1):
        home = _home_cell(cell, grid, image)
        is_ghost = np.any(image != 0)
        for k in range(start[home + 1] - start[home]):
            place = start[home] + k
            if is_ghost:
                source[ghost] = place
                for c in range(dim):
                    shift[ghost, c] = 0.0
                    for a in range(dim):
                        shift[ghost, c] += grid.matrix[c, a] * image[a]
                place = number + ghost
                ghost += 1
            places[padded_start[flat] + k] = place
        _next_cell(cell, limits)
    return padded_start, places, source, shift


@jit
def _candidates(
    positions: Real,
    species: Integers,
    order: Indices,
    places: Indices,
    source: Indices,
    shift: Real,
) -> Candidates:
    """Position, place and species of everything in the padded grid, in its order."""
    number, dim = positions.shape
    where = np.zeros((3, places.size))
    kinds = np.empty(places.size, np.uint16)
    for q in range(places.size):
        place = np.int64(places[q])
        ghost = place - number
        i = order[source[ghost]] if ghost >= 0 else order[place]
        kinds[q] = species[i]
        for c in range(dim):
            where[c, q] = positions[i, c]
            if ghost >= 0:
                where[c, q] += shift[ghost, c]
    return Candidates(where[0], where[1], where[2], places, kinds)


@jit
def _stencil(grid: Grid) -> Integers:
    """Offsets, in the padded grid, of the rows of sub-cells around a sub-cell."""
    dim = grid.counts.size
    limits = 2 * grid.margin + 1
    limits[dim - 1] = 1
    rows = np.empty(np.prod(limits), np.int64)
    cell = np.zeros(dim, np.int64)
    for k in range(rows.size):
        flat = 0
        for a in range(dim - 1):
            flat = (flat + cell[a] - grid.margin[a]) * (grid.counts[a + 1] + 2 * grid.margin[a + 1])
        rows[k] = flat
        _next_cell(cell, limits)
    return rows


@jit
def _grown(entries: Indices, needed: np.int64) -> Indices:
    """`entries` with room for at least `needed`."""
    if needed <= entries.size:
        return entries
    larger = np.empty(2 * needed, np.uint32)
    larger[: entries.size] = entries
    return larger


@inner
def _keep_near(
    own: int,
    first: Integers,
    end: Integers,
    candidates: Candidates,
    limits: Real,
    entries: Indices,
    used: np.int64,
) -> np.int64:
    """Append the candidates of all rows closer to `own` than their limit; returns the new `used`.

    Row k are the candidates first[k]..end[k].
    """
    x, y, z = candidates.x[own], candidates.y[own], candidates.z[own]
    place = candidates.place[own]
    kept = np.uint64(used)
    for row in range(first.size):
        for q in range(np.uint64(first[row]), np.uint64(end[row])):
            dx, dy, dz = candidates.x[q] - x, candidates.y[q] - y, candidates.z[q] - z
            near = dx * dx + dy * dy + dz * dz < limits[np.uint64(candidates.species[q])]
            # Written always, kept if near: a branch would be mispredicted too often.
            entries[kept] = candidates.place[q]
            kept += np.uint64(near & (candidates.place[q] != place))
    return np.int64(kept)


@jit
def find(positions: Real, species: Integers, limit2: Real, grid: Grid) -> Found:
    """All neighbours with |x_a - x_b|^2 < limit2[s_a, s_b] of wrapped `positions` (N, d)."""
    number, dim = positions.shape
    home_start, order = _counting_sort(_sub_cells(positions, grid), grid.cells)
    padded_start, places, source, shift = _pad(home_start, number, grid)
    candidates = _candidates(positions, species, order, places, source, shift)
    rows = _stencil(grid)
    first, end = np.empty_like(rows), np.empty_like(rows)
    half = grid.margin[dim - 1]
    start = np.zeros(number + 1, np.int64)
    entries = np.empty(16 * number, np.uint32)
    used = np.int64(0)
    cell = np.zeros(dim, np.int64)
    for home in range(grid.cells):
        flat = 0
        for a in range(dim):
            flat = flat * (grid.counts[a] + 2 * grid.margin[a]) + cell[a] + grid.margin[a]
        _next_cell(cell, grid.counts)
        members = home_start[home + 1] - home_start[home]
        if members == 0:
            continue
        for k in range(rows.size):
            first[k] = padded_start[flat + rows[k] - half]
            end[k] = padded_start[flat + rows[k] + half + 1]
        entries = _grown(entries, used + members * np.sum(end - first))
        for member in range(members):
            own = padded_start[flat] + member
            limits = limit2[candidates.species[own]]
            used = _keep_near(own, first, end, candidates, limits, entries, used)
            start[home_start[home] + member + 1] = used
    return Found(order, start, entries[:used].copy(), source, shift)


@jit
def _lane_order(start: Integers) -> Indices:
    """Old place of every new one: blocks as they are, inside each block most neighbours first."""
    number = start.size - 1
    old = np.empty(number, np.uint32)
    for first in range(0, number, BLOCK):
        lanes = min(BLOCK, number - first)
        counts = start[first + 1 : first + lanes + 1] - start[first : first + lanes]
        most = counts.max()
        _, order = _counting_sort(most - counts, most + 1)
        for lane in range(lanes):
            old[first + lane] = first + np.int64(order[lane])
    return old


@jit
def arrange(found: Found, species: Integers, species_count: int) -> Packed:
    """Pack a list into blocks, with the particles of a block sorted by their neighbour counts."""
    number = found.order.size
    old = _lane_order(found.start)
    new = np.empty(number, np.uint32)
    counts = np.empty(number, np.uint32)
    kinds = np.empty(number + found.ghost_source.size, np.uint16)
    for k in range(number):
        new[old[k]] = k
        counts[k] = found.start[np.int64(old[k]) + 1] - found.start[old[k]]
        kinds[k] = species[found.order[k]]
    for g in range(found.ghost_source.size):
        kinds[number + g] = kinds[found.ghost_source[g]]
    blocks = (number + BLOCK - 1) // BLOCK
    block_start = np.zeros(blocks + 1, np.int64)
    entries = np.empty(found.entries.size, np.uint32)
    types = np.empty(found.entries.size, np.uint16)
    used = 0
    for block in range(blocks):
        first = block * BLOCK
        lanes = min(BLOCK, number - first)
        neighbour = 0
        while True:
            while lanes > 0 and counts[first + lanes - 1] <= neighbour:
                lanes -= 1
            if lanes == 0:
                break
            for lane in range(lanes):
                own = old[first + lane]
                place = found.entries[found.start[own] + neighbour]
                entries[used + lane] = new[place] if place < number else place
                types[used + lane] = kinds[own] * species_count + kinds[place]
            used += lanes
            neighbour += 1
        block_start[block + 1] = used
    ghost_source = new[found.ghost_source]
    source = found.order[old]
    return Packed(source, counts, block_start, entries, types, ghost_source, found.ghost_shift)


@inner
def move_ghosts(positions: Real, packed: Packed, number: int, strain: float) -> None:
    """Copy the ghosts' sources, moved by their box vectors, behind the N particles.

    Box vectors are those of the last rebuild, to which the strain since then is applied.
    """
    for g in range(packed.ghost_source.size):
        for c in range(positions.shape[1]):
            source = np.uint64(packed.ghost_source[g])
            positions[number + g, c] = positions[source, c] + packed.ghost_shift[g, c]
    if strain != 0.0:
        for g in range(packed.ghost_source.size):
            positions[number + g, 0] += strain * packed.ghost_shift[g, 1]
