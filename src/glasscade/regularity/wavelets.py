"""Moments of discrete wavelet coefficients: the estimator for verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
import pywt

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.jit import jit
from glasscade.regularity.moments import Moments, check_field
from glasscade.regularity.powers import check_orders, check_tiles, power_means

Real = npt.NDArray[np.float64]
Shifts = npt.NDArray[np.int64]

WAVELET = "db3"
"""Daubechies' wavelet with three vanishing moments and six filter taps."""
TAPS = 6
LOW_PASS, HIGH_PASS = (np.array(taps) for taps in pywt.Wavelet(WAVELET).filter_bank[:2])


def wavelet_moments(values: Real, cell: Cell, levels: int, q: Real, tiles: int = 1) -> Moments:
    """<|Δ_j f|^q> ~ s_j^{q xi_q} at the scales s_j = 2^j × grid spacing, j = 1..levels.

    With d the coefficients of the orthonormal transform (wavelets of unit L² norm on the
    grid) at level j, over all 2^d - 1 orientations,
    ``<|Δ_j f|^q> = <|2^{-j d/2} d|^q>``: the amplitude of the block, equivalent to its L^q
    norm per volume. The scale s_j is the distance between neighbouring coefficients of the
    level, which sees wavelengths from s_j to about 2 s_j. The mean of |d|^q runs over all origins
    of the grid as well (the stationary transform): a few jumps or point masses would otherwise
    imprint on the exponent where they lie in their blocks. A coefficient belongs to the tile in
    which the centre of its wavelet lies. Moments of these scalars exist for q > -1.

    Jumps that fall on grid points need s >= 8 spacings: local slopes are low by 0.06 from s_2
    to s_3, by 0.014 from s_3 to s_4, by a quarter of that at each further level (q = 3).

    Parameters
    ----------
    values : (n, ..., n)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell: all sides equal and orthogonal, so that one level means one scale.
    levels : int
        Number of levels; 2^levels must divide n and leave at least six coefficients per axis.
    q : (m,)
        Orders, from -1 to 9.
    tiles : int
        Tiles per axis, a divisor of n/2^levels: every tile holds as many coefficients.

    Raises
    ------
    ResolutionError
        If the cell or the grid is not square (cubic), n does not hold the levels, or the tiles
        do not divide the coefficients of the coarsest level.
    ConfigError
        If an order q is not allowed.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    The Besov norm by wavelet coefficients: Y. Meyer, Wavelets and Operators (1992), chapter 6.
    Boundaries are periodic (the transform's periodisation).
    """
    orders = check_orders(q)
    field = check_field(values, cell.dim, "wavelets")
    check_levels(cell, field.shape, levels, tiles, "wavelets")
    spacing = float(cell.matrix[0, 0]) / field.shape[0]
    blocks = map(np.abs, stationary(field, levels))
    return level_moments("wavelets", blocks, spacing, orders, tiles, floor=-1.0)


def level_moments(
    estimator: str, blocks: Iterable[Real], spacing: float, q: Real, tiles: int, floor: float
) -> Moments:
    """Moments of non-negative values (..., points along each axis) of levels j = 1, 2, ..."""
    pairs = [power_means(block, block.ndim - 1, q, tiles, floor) for block in blocks]
    mean, square = (np.stack(part, axis=1) for part in zip(*pairs, strict=True))
    scale = spacing * 2.0 ** np.arange(1, len(pairs) + 1)
    return Moments(estimator, np.asarray(scale, dtype=np.float64), q, mean, square, 0.0)


def stationary(field: Real, levels: int) -> Iterator[Real]:
    """2^{-j d/2} d from all origins of the grid, level by level.

    Yields
    ------
    (2^d - 1, n, ..., n)
        Element x holds the coefficients of all orientations whose wavelets are centred there, to
        the nearest grid point.
    """
    approximation, axes = field, tuple(range(field.ndim))
    letters = ["".join(word) for word in product("ad", repeat=field.ndim)]
    for level in range(1, levels + 1):
        parts = approximation[np.newaxis]
        for axis in axes:
            parts = np.concatenate([_split(part, axis, 2 ** (level - 1)) for part in parts])
        approximation, block = parts[0], np.empty((len(letters) - 1, *field.shape))
        for word, part, place in zip(letters[1:], parts[1:], block, strict=True):
            place[:] = np.roll(part, [round(centre(letter, level)) for letter in word], axes)
        block *= 2.0 ** (-0.5 * field.ndim * level)
        yield block


def _split(values: Real, axis: int, step: int) -> Real:
    """Approximation and detail along one axis, filter taps `step` grid points apart: (2, ...)."""
    shape = values.shape
    outer, inner = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
    parts = _filter(values.reshape(outer, shape[axis], inner), LOW_PASS, HIGH_PASS, step)
    return np.asarray(parts.reshape(2, *shape))


@jit
def _filter(values: Real, low: Real, high: Real, step: int) -> Real:
    """Σ_t h_t x[i + (3 - t) step] along the middle axis, periodic, for both filters."""
    outer, n, inner = values.shape
    out = np.empty((2, outer, n, inner))
    flat, smooth, detail = values.reshape(-1), out[0].reshape(-1), out[1].reshape(-1)
    taps, padded = np.empty(TAPS, dtype=np.int64), np.empty(n + (TAPS - 1) * step)
    for o in range(outer):
        if inner == 1:  # a contiguous line, made to go on where it would wrap
            for i in range(padded.size):
                padded[i] = values[o, (i - 2 * step) % n, 0]
            for t in range(TAPS):
                taps[t] = (TAPS - 1 - t) * step
            _combine(padded, taps, low, high, n, smooth, detail, o * n)
        else:
            for i in range(n):
                for t in range(TAPS):
                    taps[t] = (o * n + (i + (3 - t) * step) % n) * inner
                _combine(flat, taps, low, high, inner, smooth, detail, (o * n + i) * inner)
    return out


@jit
def _combine(
    x: Real, first: Shifts, low: Real, high: Real, count: int, smooth: Real, detail: Real, at: int
) -> None:
    """Σ_t h_t x[first_t + k] for k < count, of both filters; indices unsigned, to vectorise."""
    i0, i1, i2 = np.uint64(first[0]), np.uint64(first[1]), np.uint64(first[2])
    i3, i4, i5 = np.uint64(first[3]), np.uint64(first[4]), np.uint64(first[5])
    l0, l1, l2, l3, l4, l5 = low[0], low[1], low[2], low[3], low[4], low[5]
    h0, h1, h2, h3, h4, h5 = high[0], high[1], high[2], high[3], high[4], high[5]
    place = np.uint64(at)
    for k in range(np.uint64(count)):
        a, b, c = x[i0 + k], x[i1 + k], x[i2 + k]
        d, e, f = x[i3 + k], x[i4 + k], x[i5 + k]
        smooth[place + k] = l0 * a + l1 * b + l2 * c + l3 * d + l4 * e + l5 * f
        detail[place + k] = h0 * a + h1 * b + h2 * c + h3 * d + h4 * e + h5 * f


def coefficients(field: Real, levels: int) -> list[Real]:
    """2^{-j d/2} d of the decimated transform, for j = 1, 2, ...: amplitudes of blocks.

    Returns
    -------
    list of (2^d - 1, n/2^j, ..., n/2^j)
        Element k holds the coefficients of all orientations whose wavelets are centred in the
        cube [k, k+1)·2^j of the grid.
    """
    # A list of levels runs from the approximation over the coarsest level to the finest.
    finest_first = pywt.wavedecn(field, WAVELET, mode="periodization", level=levels)[:0:-1]
    return [
        2.0 ** (-0.5 * field.ndim * j)
        * np.stack([_placed(part, letters, j) for letters, part in parts.items()])
        for j, parts in enumerate(finest_first, start=1)
    ]


def atom(letter: str, level: int, n: int) -> Real:
    """What coefficient 0 of a level is the product of a field on n points with.

    The wavelet for the letter d, its scaling function for a; of unit L² norm, and periodic.
    """
    parts = pywt.wavedec(np.zeros(n), WAVELET, mode="periodization", level=level)
    parts[0 if letter == "a" else 1][0] = 1.0
    return np.asarray(pywt.waverec(parts, WAVELET, mode="periodization"))


def _placed(part: Real, letters: str, level: int) -> Real:
    """Coefficients of one orientation by the cubes in which their wavelets are centred."""
    cubes = [int(np.floor(centre(letter, level) / 2.0**level)) for letter in letters]
    return np.roll(part, cubes, axis=tuple(range(part.ndim)))


@cache
def centre(letter: str, level: int) -> float:
    """Where the wavelet (d) or scaling function (a) of coefficient 0 is centred: Σ x|ψ|²."""
    # Sixteen coefficients hold the support, five of them, apart from its images.
    n = 16 * 2**level
    x = np.arange(n)
    return float(np.square(atom(letter, level, n)) @ np.where(x < n // 2, x, x - n))


def check_levels(
    cell: Cell, shape: tuple[int, ...], levels: int, tiles: int, estimator: str
) -> None:
    """Refuse cells, grids, levels and tiles for which a level is not one scale in every tile.

    Raises
    ------
    ResolutionError
        If the cell or the grid is not square (cubic), n does not hold the levels, or the tiles
        do not divide the coefficients of the coarsest level.
    """
    if not cell.is_cubic or len(set(shape)) > 1:
        raise ResolutionError(
            f"{estimator}: a level is one scale only in a cell of equal orthogonal sides with as "
            f"many points along each, not on a grid of shape {shape} in {cell.matrix.tolist()}"
        )
    n = shape[0]
    if levels < 1 or n % 2**levels or n // 2**levels < TAPS:
        raise ResolutionError(
            f"levels: {levels} levels need a grid size that is a multiple of 2^{levels} and at "
            f"least {TAPS}·2^{levels}, not {n}; lower the levels or choose another grid"
        )
    coarsest = tuple(n // 2**levels for n in shape)
    check_tiles(tiles, coarsest, f"coefficients of level {levels}")
