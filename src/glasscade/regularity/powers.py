"""Averages of |x|^q over tiles of the cell: the arithmetic all estimators share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, ResolutionError
from glasscade.jit import jit

Real = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

LOWEST, HIGHEST = -1, 9
"""Orders allowed. Whole orders from 1 are reached by multiplication, all others by `pow`."""
LOW = 6
"""Powers 1 to 6 are summed in one pass, 7 to 9 in another."""
CHUNK = 1024
"""Values summed at once: they and their partners stay in the processor's first cache."""
FACTORS = 512
"""Numbers below 2 whose product is below the largest one."""
SIGNIFICAND, BIAS = np.uint64(52), np.uint64(1023)
"""Bits of a significand, and what is added to an exponent."""
FRACTION, ONE = np.uint64(2**52 - 1), np.uint64(1023 * 2**52)
"""The bits of a significand, and those of 1."""
LN_2 = float(np.log(2.0))


def check_orders(q: npt.ArrayLike) -> Real:
    """The orders q as an array, refused unless distinct and from -1 to 9.

    Raises
    ------
    ConfigError
        If an order is outside, given twice, or there is none.
    """
    orders = np.array(q, dtype=np.float64).reshape(-1)
    inside = (orders >= LOWEST) & (orders <= HIGHEST)
    if orders.size == 0 or not np.all(inside) or np.unique(orders).size < orders.size:
        raise ConfigError(
            f"q: orders must be distinct numbers from {LOWEST} to {HIGHEST}, not {orders.tolist()}"
        )
    return orders


def check_tiles(tiles: int, points: tuple[int, ...], what: str) -> None:
    """Refuse a number of tiles per axis that does not divide the points of every axis.

    Raises
    ------
    ResolutionError
        If tiles would be of unequal size, or empty.
    """
    if tiles < 1 or any(n % tiles for n in points):
        raise ResolutionError(
            f"tiles: {tiles} tiles per axis do not divide the {what} {points} evenly; "
            "choose a common divisor of these numbers"
        )


def power_means(magnitude: Real, dim: int, q: Real, tiles: int, floor: float) -> tuple[Real, Real]:
    """<x^q> over each tile and <x^{2q}> over the cell, for values x >= 0.

    Parameters
    ----------
    magnitude : (..., n_1, ..., n_d)
        Values on a grid; leading axes are averaged over.
    dim : int
        Dimension d.
    q : (m,)
        Orders; for q = 0 the mean is that of ln x, and the square is 1.
    tiles : int
        Tiles per axis, a divisor of every n_i.
    floor : float
        Moments exist for q above it.

    Returns
    -------
    (m, t_1, ..., t_d), (m,)
        NaN where the moment does not exist or, at q <= 0, an exact zero makes it infinite.
    """
    points = magnitude.shape[magnitude.ndim - dim :]
    values = np.ascontiguousarray(magnitude).reshape(-1, *(1,) * (3 - dim), *points)
    partition = three_tiles(tiles, dim)
    orders = Orders(q, floor)
    count = values.size / tiles**dim
    sums = _tile_sums(values, partition, orders.highest, orders.others, False)
    squares = _tile_sums(values, partition, orders.highest, orders.others, True)
    mean = orders.select(sums.reshape(*(tiles,) * dim, -1) / count)
    return mean, orders.squares(np.sum(squares, axis=(0, 1, 2)) / values.size)


def three_tiles(tiles: int, dim: int) -> Counts:
    """Tiles along the three axes of a grid whose missing axes come first."""
    return np.array([1] * (3 - dim) + [tiles] * dim)


class Orders:
    """Which power sums the orders q need, and where they find themselves among them.

    Attributes
    ----------
    highest : int
        Highest whole order; 0 if there is none from 1.
    others : (k,)
        Orders reached by `pow` or, at 0, by the logarithm.
    columns : int
        Number of power sums: those of 1..9, then the others.
    leading : int
        The column of the highest order.
    """

    def __init__(self, q: Real, floor: float) -> None:
        self.q = q
        self.exist = q > floor
        whole = (q >= 1.0) & (q == np.rint(q))
        chosen = self.exist & ~whole
        self.highest = int(np.max(q[whole], initial=0.0))
        self.others = q[chosen]
        self.columns = HIGHEST + self.others.size
        self._column = np.zeros(q.size, dtype=np.int64)
        self._column[whole] = q[whole].astype(np.int64) - 1
        self._column[chosen] = HIGHEST + np.arange(self.others.size)
        self.leading = int(self._column[np.argmax(q)])

    def select(self, powers: Real) -> Real:
        """Means (..., columns) as (m, ...), NaN where the moment does not exist."""
        mean = np.moveaxis(powers, -1, 0)[self._column]
        mean[~self.exist] = np.nan
        infinite = ~np.isfinite(mean)
        infinite[self.q > 0.0] = False  # there a fault of the data, which is refused
        mean[infinite] = np.nan
        return mean

    def squares(self, powers: Real) -> Real:
        """Like `select`, for means of x²: 1 at q = 0."""
        square = self.select(powers)
        square[self.q == 0.0] = 1.0
        return square


@jit
def _tile_sums(values: Real, tiles: Counts, highest: int, others: Real, squared: bool) -> Real:
    """Σx^q, or Σ(x²)^q, over each tile of values (batch, n_1, n_2, n_3)."""
    batch, rows, columns, n = values.shape
    sums = np.zeros((tiles[0], tiles[1], tiles[2], HIGHEST + others.size))
    width = n // tiles[2]
    size = min(width, CHUNK)
    zero, buffer, scratch = np.zeros(size), np.empty(size), np.empty(size)
    for b in range(batch):
        for i in range(rows):
            for j in range(columns):
                for t in range(tiles[2]):
                    into = sums[i * tiles[0] // rows, j * tiles[1] // columns, t]
                    for start in range(t * width, (t + 1) * width, size):
                        stop = min(start + size, (t + 1) * width)
                        row = values[b, i, j, start:stop]
                        if squared:
                            row = _squares(row, buffer)
                        add_low_powers(zero, 0, row, 0, row.size, highest, into)
                        add_high_powers(row, highest, others, scratch, into)
    return sums


@jit
def _squares(row: Real, buffer: Real) -> Real:
    """x² in the beginning of a buffer."""
    for k in range(row.size):
        buffer[k] = row[k] * row[k]
    return buffer[: row.size]


@jit
def add_low_powers(
    low: Real, i: int, high: Real, j: int, count: int, highest: int, sums: Real
) -> None:
    """Add Σ|high[j+k] - low[i+k]|^q over k < count: q = 1, 2 and 4 if `highest` <= 2, else 1..6.

    Offsets stand for slices, whose making takes as long as a hundred sums; they are unsigned, since
    what could count from the end does not vectorise.
    """
    first, second, number = np.uint64(i), np.uint64(j), np.uint64(count)
    if 0 < highest <= 2:
        _add_three(low, first, high, second, number, sums)
    elif highest > 2:
        _add_six(low, first, high, second, number, sums)


@jit
def _add_three(
    low: Real, i: np.uint64, high: Real, j: np.uint64, count: np.uint64, sums: Real
) -> None:
    s1 = s2 = s4 = 0.0
    for k in range(count):
        d1 = abs(high[j + k] - low[i + k])
        d2 = d1 * d1
        s1 += d1
        s2 += d2
        s4 += d2 * d2
    sums[0] += s1
    sums[1] += s2
    sums[3] += s4


@jit
def _add_six(
    low: Real, i: np.uint64, high: Real, j: np.uint64, count: np.uint64, sums: Real
) -> None:
    """Both halves side by side: with six sums alone, each addition waits for the one before."""
    s1 = s2 = s3 = s4 = s5 = s6 = 0.0
    t1 = t2 = t3 = t4 = t5 = t6 = 0.0
    half = count // np.uint64(2)
    i_2, j_2 = i + half, j + half
    for k in range(half):
        d1 = abs(high[j + k] - low[i + k])
        d2 = d1 * d1
        d3 = d2 * d1
        s1 += d1
        s2 += d2
        s3 += d3
        s4 += d2 * d2
        s5 += d2 * d3
        s6 += d3 * d3
        e1 = abs(high[j_2 + k] - low[i_2 + k])
        e2 = e1 * e1
        e3 = e2 * e1
        t1 += e1
        t2 += e2
        t3 += e3
        t4 += e2 * e2
        t5 += e2 * e3
        t6 += e3 * e3
    for k in range(np.uint64(2) * half, count):
        d1 = abs(high[j + k] - low[i + k])
        d2 = d1 * d1
        d3 = d2 * d1
        s1 += d1
        s2 += d2
        s3 += d3
        s4 += d2 * d2
        s5 += d2 * d3
        s6 += d3 * d3
    sums[0] += s1 + t1
    sums[1] += s2 + t2
    sums[2] += s3 + t3
    sums[3] += s4 + t4
    sums[4] += s5 + t5
    sums[5] += s6 + t6


@jit
def add_high_powers(row: Real, highest: int, others: Real, scratch: Real, sums: Real) -> None:
    """Add Σx^q for q = 7..9, if that high, and for the others; `scratch` is as long as x."""
    if highest > LOW:
        s7 = s8 = s9 = 0.0
        for k in range(row.size):
            d3 = row[k] * row[k] * row[k]
            d6 = d3 * d3
            d7 = d6 * row[k]
            s7 += d7
            s8 += d7 * row[k]
            s9 += d6 * d3
        sums[6] += s7
        sums[7] += s8
        sums[8] += s9
    for m in range(others.size):
        sums[HIGHEST + m] += _sum_power(row, others[m], scratch)


@jit
def _sum_power(row: Real, q: float, scratch: Real) -> float:
    """Σx^q, or Σln x for q = 0."""
    if q == 0.0:
        return _sum_logarithms(row, scratch)
    total = 0.0
    if q == -1.0:
        for k in range(row.size):
            total += 1.0 / row[k]
    else:
        for k in range(row.size):
            total += row[k] ** q
    return total


@jit
def _sum_logarithms(row: Real, scratch: Real) -> float:
    """Σln x of values x >= 0: the logarithm of products of their significands.

    x = m 2^e with 1 <= m < 2, read from the bits. Zero, what is too small for a full significand,
    and infinity have exponents of their own, and go the slow way.
    """
    bits, significands = row.view(np.uint64), scratch.view(np.uint64)
    least, most, exponents = BIAS, BIAS, np.uint64(0)
    for k in range(row.size):
        exponent = bits[k] >> SIGNIFICAND
        least, most = min(least, exponent), max(most, exponent)
        exponents += exponent
        significands[k] = (bits[k] & FRACTION) | ONE
    total = LN_2 * (float(exponents) - float(BIAS) * row.size)
    if least > 0 and most < 2 * BIAS + 1:
        for start in range(0, row.size, FACTORS):
            product = 1.0
            for k in range(start, min(start + FACTORS, row.size)):
                product *= scratch[k]
            total += np.log(product)
        return total
    total = 0.0
    for k in range(row.size):
        total += np.log(row[k])
    return total
