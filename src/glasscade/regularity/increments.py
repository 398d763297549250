"""Structure functions on a periodic grid, first and second order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError
from glasscade.jit import jit
from glasscade.regularity.moments import Moments, check_field
from glasscade.regularity.powers import (
    CHUNK,
    HIGHEST,
    LOW,
    Counts,
    Orders,
    add_high_powers,
    add_low_powers,
    check_orders,
    check_tiles,
    three_tiles,
)

Real = npt.NDArray[np.float64]
Shifts = npt.NDArray[np.int64]

CACHE = 2**20
"""Bytes of rows that the shifts of one batch reach from a row: about the second cache."""

BALANCE = 4
"""Batches for each of several threads, at least, so that none waits long for the last."""


def increment_moments(
    values: Real,
    cell: Cell,
    separations: Real,
    q: Real,
    order: int = 1,
    tiles: int = 1,
    threads: int = 1,
) -> Moments:
    """S_q(r) = <|f(x+r/2) - f(x-r/2)|^q> ~ r^{q xi_q}, or with f(x+r) - 2f(x) + f(x-r).

    The mean runs over all grid points and over directions (1D: one; 2D: eight at equal angles;
    3D: the thirteen to neighbouring lattice points). Each separation vector is rounded to the
    grid; the scale returned is the geometric mean of the lengths after rounding. An increment
    belongs to the tile of its centre x (half a spacing off where r is odd). Moments of these
    scalars exist for q > -1.

    First-order increments saturate at 0 and 1, second-order ones at 0 and 2, and are biased well
    inside: what the grid cannot hold is missing from <δf²> as a constant, relatively ∝ r^{-2H},
    and the box adds a correction ∝ (r/L)^{2-2H}. `expected_norm` gives the bias of a fractional
    field. On step-like fields increments are exact.

    Parameters
    ----------
    values : (n_1, ..., n_d)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell, straight or sheared.
    separations : (n,)
        Increasing lengths r (in l0), from one grid spacing to half the width of the cell.
    q : (m,)
        Orders, from -1 to 9; all whole orders up to 6 cost one pass.
    order : {1, 2}
        First or second difference.
    tiles : int
        Tiles per axis, a divisor of every n_i.
    threads : int
        Threads that share the shifts; the result does not depend on their number.

    Raises
    ------
    ResolutionError
        If a separation is below the grid spacing or above half the width of the cell, or the
        tiles do not divide the grid.
    ConfigError
        If `order` is neither 1 nor 2, or an order q is not allowed.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    Besov regularity as defined by Hernández-García before Eq. 45.

    `square` is exact for q = 1, 2, 3, whose squares are among the powers summed anyway. For other
    orders it is measured along one direction of each separation, the one that contributes most
    to the highest order, and scaled by the means: <δ^{2q}> = <δ^q>² · (<δ^{2q}>/<δ^q>²) there.
    """
    if order not in (1, 2):
        raise ConfigError(f"order: increments are of order 1 or 2, not {order}")
    name = "increments" if order == 1 else "second_increments"
    orders = check_orders(q)
    field = check_field(values, cell.dim, name)
    check_tiles(tiles, field.shape, "grid points")
    lengths = check_separations(np.asarray(separations, dtype=np.float64), cell, field.shape)
    groups = [grid_shifts(length, cell, field.shape) for length in lengths]
    vectors = [cell.cartesian(group / np.array(field.shape)) for group in groups]
    scale = np.array([np.exp(np.mean(np.log(np.linalg.norm(v, axis=1)))) for v in vectors])
    mean, square = shift_means(field, groups, orders, order, tiles, threads)
    return Moments(name, scale, orders, mean, square, 0.0)


def directions(dim: int) -> Real:
    """Unit vectors spread over half of all directions (r and -r give one average), (m, d)."""
    if dim == 2:
        angles = np.pi * np.arange(8) / 8
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = np.array(np.meshgrid(*[[-1, 0, 1]] * dim, indexing="ij")).reshape(dim, -1).T
    # The lattice points come in the order of their digits: those after the centre are one half.
    half = steps[len(steps) // 2 + 1 :]
    return np.asarray(half / np.linalg.norm(half, axis=1, keepdims=True))


def grid_shifts(length: float, cell: Cell, shape: tuple[int, ...]) -> Shifts:
    """Distinct integer shifts nearest to vectors of one length in all directions, (m, d)."""
    ideal = cell.fractional(length * directions(cell.dim)) * np.array(shape)
    shifts = np.rint(ideal).astype(np.int64)
    # A shift and its opposite give one average: rounding may have made a pair of them.
    leading = np.take_along_axis(shifts, np.argmax(shifts != 0, axis=1)[:, None], axis=1)
    return np.asarray(np.unique(np.sign(leading) * shifts, axis=0))


def check_separations(separations: Real, cell: Cell, shape: tuple[int, ...]) -> Real:
    """The separations, refused unless a grid and its periodic cell hold them.

    Raises
    ------
    ResolutionError
        If one is below the grid spacing or above half the width of the cell.
    """
    spacing = float(np.max(np.linalg.norm(cell.matrix, axis=0) / np.array(shape)))
    limit = 0.5 * cell.smallest_width
    # Separations often are multiples of the spacing: round-off must not refuse the first.
    if np.any(separations < spacing * (1.0 - 1e-12)) or np.any(separations > limit):
        raise ResolutionError(
            f"separations: must lie between the grid spacing {spacing:.6g} and half the width "
            f"of the cell {limit:.6g}, not {separations.min():.6g} to {separations.max():.6g}"
        )
    return separations


def shift_means(
    field: Real, groups: list[Shifts], q: Real, order: int, tiles: int, threads: int = 1
) -> tuple[Real, Real]:
    """`mean` and `square` of differences by integer shifts, averaged over those of each group.

    Parameters
    ----------
    field : (n_1, ..., n_d)
    groups : list of n arrays (s, d)
        Shifts in grid points.
    q, order, tiles, threads
        As in `increment_moments`.

    Returns
    -------
    (m, n, t_1, ..., t_d), (m, n)
    """
    orders = Orders(q, floor=-1.0)
    shifts, sizes = np.concatenate(groups), [len(group) for group in groups]
    padded, margin = _padded(field, shifts)
    each = _means(padded, margin, shifts, order, tiles, orders, False, threads)
    along = each.reshape(len(shifts), -1, orders.columns).mean(axis=1)
    mean, whole = orders.select(_grouped(each, sizes)), _grouped(along, sizes)
    doubled = np.isin(q, (1.0, 2.0, 3.0))
    square = np.empty((q.size, len(groups)))
    square[doubled] = whole[:, (2.0 * q[doubled]).astype(np.int64) - 1].T
    if not np.all(doubled):
        starts = np.cumsum([0, *sizes[:-1]])
        witness = starts + [
            int(np.argmax(part[:, orders.leading])) for part in _split(along, sizes)
        ]
        squares = _means(padded, margin, shifts[witness], order, 1, orders, True, threads)
        own = orders.squares(squares.reshape(len(groups), orders.columns))
        with np.errstate(divide="ignore", invalid="ignore"):  # no difference at all: refused later
            share = np.square(orders.select(along[witness])) / own
            estimate = np.square(orders.select(whole)) / share
        square[~doubled] = estimate[~doubled]
        square[q == 0.0] = 1.0
    return mean, square


def _split(values: Real, sizes: list[int]) -> list[Real]:
    return np.split(values, np.cumsum(sizes)[:-1])


def _grouped(values: Real, sizes: list[int]) -> Real:
    """Means over the first axis within groups of consecutive rows."""
    return np.array([part.mean(axis=0) for part in _split(values, sizes)])


def _padded(field: Real, shifts: Shifts) -> tuple[Real, int]:
    """The field on three axes, the last repeated on both sides as far as shifts reach, and that.

    Inner loops are contiguous then, and never wrap.
    """
    margin = int(np.abs(shifts[:, -1]).max())
    volume = field.reshape((1,) * (3 - field.ndim) + field.shape)
    return np.pad(volume, ((0, 0), (0, 0), (margin, margin)), mode="wrap"), margin


def _means(
    padded: Real,
    margin: int,
    shifts: Shifts,
    order: int,
    tiles: int,
    orders: Orders,
    squared: bool,
    threads: int,
) -> Real:
    """<|difference|^q>, or <(difference²)^q>, over tiles, shape (s, t_1, ..., t_d, columns)."""
    dim = shifts.shape[1]
    three = np.pad(shifts, ((0, 0), (3 - dim, 0)))
    partition = three_tiles(tiles, dim)
    sums = np.empty((len(three), *partition, orders.columns))
    batches = _batches(padded, three, BALANCE * threads if threads > 1 else 1)

    def work(batch: Shifts) -> Real:
        chosen, highest, others = three[batch], orders.highest, orders.others
        return _sum_shifts(padded, margin, chosen, order, partition, highest, others, squared)

    with ThreadPoolExecutor(threads) as pool:
        for batch, found in zip(batches, pool.map(work, batches), strict=True):
            sums[batch] = found
    points = padded.shape[0] * padded.shape[1] * (padded.shape[2] - 2 * margin)
    return sums.reshape(len(three), *(tiles,) * dim, -1) * (tiles**dim / points)


def _batches(padded: Real, shifts: Shifts, fewest: int) -> list[Shifts]:
    """Indices of shifts in the order of rows, split so that the rows of a batch stay in cache.

    And further, where there would be large ones among only a few, for threads to share.
    """
    by_row = np.lexsort(shifts.T[::-1])
    row = shifts[by_row, 0] * padded.shape[1] + shifts[by_row, 1]
    rows = max(1, CACHE // padded[0, 0].nbytes)
    near = np.split(by_row, np.flatnonzero(np.diff(row // rows)) + 1)
    most = -(-len(shifts) // fewest)
    return [part for batch in near for part in np.array_split(batch, -(-len(batch) // most))]


@jit
def _sum_shifts(
    padded: Real,
    margin: int,
    shifts: Shifts,
    order: int,
    tiles: Counts,
    highest: int,
    others: Real,
    squared: bool,
) -> Real:
    """Σ|difference|^q, or Σ(difference²)^q, over each tile, shape (s, t_1, t_2, t_3, columns)."""
    rows, columns, stride = padded.shape
    flat = padded.reshape(padded.size)
    n = stride - 2 * margin
    width = n // tiles[2]
    size = min(width, CHUNK)
    zero, buffer, scratch = np.zeros(size), np.empty(size), np.empty(size)
    sums = np.zeros((len(shifts), tiles[0], tiles[1], tiles[2], HIGHEST + others.size))
    tile_of_row = np.arange(rows) * tiles[0] // rows
    tile_of_column = np.arange(columns) * tiles[1] // columns
    high_too = highest > LOW or others.size > 0
    for i in range(rows):
        for j in range(columns):
            for t in range(tiles[2]):
                for start in range(t * width, (t + 1) * width, size):
                    length = min(size, (t + 1) * width - start)
                    for s in range(len(shifts)):
                        a, b, c = shifts[s, 0], shifts[s, 1], shifts[s, 2]
                        # Row i is that of the first point, for order 2 of the middle one. The
                        # centre of a first difference is half a shift ahead of it.
                        row, column, first = i, j, margin + start
                        if order == 1:
                            row = _wrapped(i + a // 2, rows)
                            column = _wrapped(j + b // 2, columns)
                            first -= c // 2
                        there = _wrapped(i + a, rows) * columns + _wrapped(j + b, columns)
                        low = (i * columns + j) * stride + first
                        high = there * stride + first + c
                        into = sums[s, tile_of_row[row], tile_of_column[column], t]
                        if order == 1 and not squared:
                            add_low_powers(flat, low, flat, high, length, highest, into)
                        if order == 1 and (squared or high_too):
                            _first_difference(
                                flat[low : low + length],
                                flat[high : high + length],
                                squared,
                                buffer,
                            )
                        if order == 2:
                            back = _wrapped(i - a, rows) * columns + _wrapped(j - b, columns)
                            behind = back * stride + first - c
                            _second_difference(
                                flat[behind : behind + length],
                                flat[low : low + length],
                                flat[high : high + length],
                                squared,
                                buffer,
                            )
                        if order == 2 or squared:
                            add_low_powers(zero, 0, buffer, 0, length, highest, into)
                        if high_too:
                            add_high_powers(buffer[:length], highest, others, scratch, into)
    return sums


@jit
def _wrapped(index: int, size: int) -> int:
    """An index less than one period off: a remainder would take as long as many sums."""
    if index < 0:
        return index + size
    return index - size if index >= size else index


@jit
def _first_difference(low: Real, high: Real, squared: bool, out: Real) -> None:
    for k in range(low.size):
        difference = abs(high[k] - low[k])
        out[k] = difference * difference if squared else difference


@jit
def _second_difference(behind: Real, here: Real, ahead: Real, squared: bool, out: Real) -> None:
    for k in range(here.size):
        difference = abs(ahead[k] - here[k] + (behind[k] - here[k]))
        out[k] = difference * difference if squared else difference
