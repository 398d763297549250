"""Moments of discrete wavelet coefficients: the estimator for verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pywt

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.regularity.moments import Moments, check_field
from glasscade.regularity.powers import check_orders, check_tiles, power_means

Real = npt.NDArray[np.float64]

WAVELET = "db3"
"""Daubechies' wavelet with three vanishing moments and six filter taps."""
TAPS = 6


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
    for level in range(1, levels + 1):
        parts = pywt.swtn(approximation, WAVELET, level=1, start_level=level - 1)[0]
        approximation = parts.pop("a" * field.ndim)
        placed = [
            np.roll(part, [round(centre(letter, level)) for letter in letters], axes)
            for letters, part in parts.items()
        ]
        yield 2.0 ** (-0.5 * field.ndim * level) * np.stack(placed)


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
