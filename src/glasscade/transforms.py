"""Fourier transforms of grids and of point sums: the only module that knows the FFT library.

Conventions, used everywhere in the package:

* ``f_hat(p) = ∫ f(x) exp(-i p·x) dx`` over the cell, with ``p = 2π h^{-T} m`` and integer m;
* a *modes* array holds f_hat for m = -M..M along each of its last d axes (odd sizes, centred,
  so that no Nyquist mode has an ambiguous sign); leading axes are batches;
* a *grid* array holds f at the fractional coordinates j/n, j = 0..n-1.

Everything runs on one thread: two threads change last bits between runs.
"""

from __future__ import annotations

from typing import Any

import ducc0
import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ResolutionError

Real = npt.NDArray[np.float64]
Modes = npt.NDArray[np.complex128]

NUFFT_TOLERANCE = 1e-13
"""Relative accuracy asked of the point sums; the library's limit in double precision is 1e-15."""


def good_size(n: int) -> int:
    """The smallest size >= n whose only prime factors are small, hence fast to transform."""
    return int(ducc0.fft.good_size(n, True))


def rfftn(values: Real, dim: int | None = None) -> Modes:
    """Unnormalised real-to-half-spectrum transform over the last `dim` axes (all by default)."""
    return np.asarray(ducc0.fft.r2c(np.ascontiguousarray(values), axes=_axes(values, dim)))


def irfftn(half: Modes, shape: tuple[int, ...]) -> Real:
    """Inverse of `rfftn` onto a grid of the given shape, normalised by the number of points."""
    axes = _axes(half, len(shape))
    return np.asarray(ducc0.fft.c2r(half, axes=axes, lastsize=shape[-1], forward=False, inorm=2))


def mode_counts(modes: Modes, dim: int) -> tuple[int, ...]:
    """M along each axis of a modes array."""
    return tuple((size - 1) // 2 for size in modes.shape[-dim:])


def grid_to_modes(values: Real, cell: Cell, counts: tuple[int, ...] | None = None) -> Modes:
    """Modes of a real field given on a grid.

    Parameters
    ----------
    values : (..., n_1, ..., n_d)
        The field at fractional coordinates j/n.
    cell : Cell
        The periodic cell; its volume turns sums into integrals.
    counts : (M_1, ..., M_d), optional
        Highest mode kept along each axis, at most (n-1)//2, which is the default.

    Raises
    ------
    ResolutionError
        If more modes are asked for than the grid holds.
    """
    dim = cell.dim
    shape = values.shape[-dim:]
    largest = tuple((n - 1) // 2 for n in shape)
    counts = largest if counts is None else counts
    if any(m > limit for m, limit in zip(counts, largest, strict=True)):
        raise ResolutionError(f"a grid of shape {shape} holds modes up to {largest}, not {counts}")
    half = rfftn(values, dim) * (cell.volume / np.prod(shape))
    rows = [np.arange(-m, m + 1) % n for m, n in zip(counts[:-1], shape[:-1], strict=True)]
    for axis, index in enumerate(rows, start=-dim):
        half = np.take(half, index, axis=axis)
    half = half[..., : counts[-1] + 1]
    mirrored = np.flip(half[..., 1:], axis=tuple(range(-dim, 0)))
    return np.concatenate([np.conj(mirrored), half], axis=-1)


def modes_to_grid(modes: Modes, cell: Cell, shape: tuple[int, ...]) -> Real:
    """Values of a real field on a grid of n_i >= 2 M_i + 1 points, from its modes.

    Raises
    ------
    ResolutionError
        If the grid is too coarse to hold the modes.
    """
    dim = cell.dim
    counts = mode_counts(modes, dim)
    if any(n < 2 * m + 1 for n, m in zip(shape, counts, strict=True)):
        raise ResolutionError(f"a grid of shape {shape} cannot hold modes up to {counts}")
    half = np.zeros((*modes.shape[:-dim], *shape[:-1], shape[-1] // 2 + 1), dtype=np.complex128)
    rows = [np.arange(-m, m + 1) % n for m, n in zip(counts[:-1], shape[:-1], strict=True)]
    where: tuple[Any, ...] = (..., *np.ix_(*rows, np.arange(counts[-1] + 1)))
    half[where] = modes[..., counts[-1] :]
    axes = _axes(half, dim)
    values = ducc0.fft.c2r(half, axes=axes, lastsize=shape[-1], forward=False, inorm=0)
    return np.asarray(values) / cell.volume


def truncate(modes: Modes, dim: int, counts: tuple[int, ...]) -> Modes:
    """Drop the modes beyond `counts` along each axis."""
    current = mode_counts(modes, dim)
    slices = (slice(m - c, m + c + 1) for m, c in zip(current, counts, strict=True))
    where: tuple[Any, ...] = (..., *slices)
    return modes[where]


def product(f_hat: Modes, g_hat: Modes, cell: Cell) -> Modes:
    """Modes of f·g, free of aliasing, truncated to the modes of the factors.

    A grid of 3M+1 points per axis is enough: aliases of the product, whose modes reach 2M,
    then fall beyond M.
    """
    counts = mode_counts(g_hat, cell.dim)
    shape = tuple(good_size(3 * m + 1) for m in counts)
    values = modes_to_grid(f_hat, cell, shape) * modes_to_grid(g_hat, cell, shape)
    return grid_to_modes(values, cell, counts)


def point_modes(positions: Real, weights: Real, cell: Cell, counts: tuple[int, ...]) -> Modes:
    """Modes of Σ_a w_a δ(x - x_a): ``f_hat(p) = Σ_a w_a exp(-i p·x_a)`` (type-1 NUFFT).

    Parameters
    ----------
    positions : (N, d)
        Points, wrapped into the cell or not.
    weights : (..., N)
        One transform is made for each leading index.
    """
    fractional = cell.fractional(positions)
    coordinates = np.ascontiguousarray(fractional - np.floor(fractional))
    rows = weights.reshape(-1, weights.shape[-1])
    shape = tuple(2 * m + 1 for m in counts)
    result = np.empty((len(rows), *shape), dtype=np.complex128)
    # Two real sums share a transform: of h = f + i g, f_hat is the part with f_hat(-p)* = f_hat(p).
    for first in range(0, len(rows), 2):
        second = rows[first + 1] if first + 1 < len(rows) else 0.0 * rows[first]
        both = ducc0.nufft.nu2u(
            points=rows[first] + 1j * second,
            coord=coordinates,
            forward=True,
            epsilon=NUFFT_TOLERANCE,
            periodicity=1.0,
            nthreads=1,
            out=np.empty(shape, dtype=np.complex128),
        )
        mirrored = np.conj(np.flip(both))
        result[first] = 0.5 * (both + mirrored)
        if first + 1 < len(rows):
            result[first + 1] = -0.5j * (both - mirrored)
    return result.reshape(*weights.shape[:-1], *shape)


def _axes(array: npt.NDArray[np.generic], dim: int | None) -> tuple[int, ...]:
    dim = array.ndim if dim is None else dim
    return tuple(range(array.ndim - dim, array.ndim))
