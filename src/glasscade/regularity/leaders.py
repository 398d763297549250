"""Wavelet leaders and p-leaders: local suprema and local sums over all finer scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.regularity.moments import Moments, check_field, p_leader_domain
from glasscade.regularity.powers import check_orders
from glasscade.regularity.wavelets import check_levels, coefficients, level_moments

Real = npt.NDArray[np.float64]
Combine = Callable[[Real, Real], Real]


def leader_moments(
    values: Real, cell: Cell, levels: int, q: Real, p: float = np.inf, tiles: int = 1
) -> Moments:
    """<L_j^q> ~ s_j^{q xi_q} with leaders L at the scales s_j = 2^j × grid spacing.

    With c = 2^{-j d/2} d the amplitudes of `wavelets`, and 3λ a cube λ of level j with its
    neighbours, the leader is ``L(λ) = max |c|`` and the p-leader
    ``L(λ) = (Σ |c|^p 2^{d(j'-j)})^{1/p}``, both over all orientations and all cubes of levels
    j' <= j in 3λ. A cube holds the coefficients whose wavelets are centred in it. A maximum
    is not near zero by chance, so that moments exist for all q: negative orders see where the
    field is smoothest.

    Leaders need xi > 0 everywhere, p-leaders xi > -d/p (`p_leader_domain`). The grid ends the
    scales that leaders of the finest levels miss: these are too small, and slopes too steep
    there, by less at each coarser level; nothing is done about it.

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
    p : float
        Positive; infinity for leaders.
    tiles : int
        Tiles per axis, a divisor of n/2^levels: every tile holds as many cubes.

    Raises
    ------
    ResolutionError
        If the cell or the grid is not square (cubic), n does not hold the levels, or the tiles
        do not divide the cubes of the coarsest level.
    ConfigError
        If an order q is not allowed, or p is not positive.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    Leaders: S. Jaffard, Wavelet techniques in multifractal analysis (2004). p-leaders:
    R. Leonarduzzi, H. Wendt, P. Abry, S. Jaffard, C. Melot, S. G. Roux, M. E. Torres,
    Physica A 448, 300 (2016).
    """
    orders = check_orders(q)
    name = "leaders" if np.isinf(p) else "p_leaders"
    p_leader_domain(p, cell.dim)
    field = check_field(values, cell.dim, name)
    check_levels(cell, field.shape, levels, tiles, name)
    blocks = coefficients(field, levels)
    found = leaders(blocks) if np.isinf(p) else p_leaders(blocks, p)
    spacing = float(cell.matrix[0, 0]) / field.shape[0]
    cubes = (values[np.newaxis] for values in found)
    return level_moments(name, cubes, spacing, orders, tiles, floor=-np.inf)


def leaders(blocks: list[Real]) -> Iterator[Real]:
    """Leaders of levels 1, 2, ... from amplitudes (2^d - 1, n_j, ..., n_j) on their cubes."""
    finer: Real | None = None
    for block in blocks:
        cubes = np.max(np.abs(block), axis=0)
        if finer is not None:
            np.maximum(cubes, _of_children(finer, np.maximum), out=cubes)
        finer = cubes
        yield _of_neighbours(cubes, np.maximum)


def p_leaders(blocks: list[Real], p: float) -> Iterator[Real]:
    """p-leaders of levels 1, 2, ... from amplitudes (2^d - 1, n_j, ..., n_j) on their cubes."""
    finer: Real | None = None
    for block in blocks:
        cubes = np.sum(np.abs(block) ** p, axis=0)
        if finer is not None:
            cubes += 2.0**-cubes.ndim * _of_children(finer, np.add)
        finer = cubes
        yield _of_neighbours(cubes, np.add) ** (1.0 / p)


def _of_children(cubes: Real, combine: Combine) -> Real:
    """Each cube's children (two along each axis) combined."""
    for axis in range(cubes.ndim):
        along = np.moveaxis(cubes, axis, 0)
        cubes = np.moveaxis(combine(along[::2], along[1::2]), 0, axis)
    return cubes


def _of_neighbours(cubes: Real, combine: Combine) -> Real:
    """Each cube and its neighbours, diagonal ones included, combined."""
    for axis in range(cubes.ndim):
        both = combine(np.roll(cubes, 1, axis), np.roll(cubes, -1, axis))
        cubes = combine(cubes, both)
    return cubes
