"""Fourier transforms of grids and of point sums: the only module that knows the FFT library.

Conventions, used everywhere in the package:

* ``f_hat(p) = ∫ f(x) exp(-i p·x) dx`` over the cell, with ``p = 2π h^{-T} m`` and integer m;
* a *modes* array holds f_hat for m = -M..M along each of its last d axes (odd sizes, centred,
  so that no Nyquist mode has an ambiguous sign); leading axes are batches;
* a *grid* array holds f at the fractional coordinates j/n, j = 0..n-1.

Everything runs on one thread: two threads change last bits between runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
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


def grid_to_modes(
    values: Real, cell: Cell, counts: tuple[int, ...] | None = None, out: Modes | None = None
) -> Modes:
    """Modes of a real field given on a grid.

    Parameters
    ----------
    values : (..., n_1, ..., n_d)
        The field at fractional coordinates j/n.
    cell : Cell
        The periodic cell; its volume turns sums into integrals.
    counts : (M_1, ..., M_d), optional
        Highest mode kept along each axis, at most (n-1)//2, which is the default.
    out : (..., 2M_1+1, ..., 2M_d+1), optional
        Where to put the modes.

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
    values = np.ascontiguousarray(values, dtype=np.float64)
    half = np.empty((*values.shape[:-1], shape[-1] // 2 + 1), dtype=np.complex128)
    ducc0.fft.r2c(values, axes=_axes(values, 1), out=half)
    _leading_transforms(half[..., : counts[-1] + 1], dim, forward=True)
    lead = values.shape[:-dim]
    modes = out
    if modes is None:
        modes = np.empty((*lead, *(2 * m + 1 for m in counts)), dtype=np.complex128)
    right = modes[..., counts[-1] :]
    scale = cell.volume / float(np.prod(shape))
    for on_grid, centred in _blocks(shape[:-1], counts[:-1]):
        np.multiply(half[..., : counts[-1] + 1][on_grid], scale, out=right[centred])
    mirrored = np.flip(right[..., 1:], axis=tuple(range(-dim, 0)))
    np.conjugate(mirrored, out=modes[..., : counts[-1]])
    return modes


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
    inside = half[..., : counts[-1] + 1]
    right = modes[..., counts[-1] :]
    for on_grid, centred in _blocks(shape[:-1], counts[:-1]):
        np.divide(right[centred], cell.volume, out=inside[on_grid])
    _leading_transforms(inside, dim, forward=False)
    last = _axes(half, 1)
    return np.asarray(ducc0.fft.c2r(half, axes=last, lastsize=shape[-1], forward=False, inorm=0))


def _blocks(shape: tuple[int, ...], counts: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
    """Where m >= 0 and m < 0 of all axes but the last lie in the library's order and in modes."""
    choices = [
        ((slice(0, m + 1), slice(m, None)), (slice(n - m, None), slice(0, m)))
        for n, m in zip(shape, counts, strict=True)
    ]
    for block in itertools.product(*choices):
        on_grid, centred = zip(*block, strict=True) if block else ((), ())
        yield (..., *on_grid, slice(None)), (..., *centred, slice(None))


def _leading_transforms(half: Modes, dim: int, forward: bool) -> None:
    """Complex transforms in place over all but the last axis, of the columns that hold modes."""
    if dim > 1:
        axes = tuple(range(half.ndim - dim, half.ndim - 1))
        ducc0.fft.c2c(half, axes=axes, forward=forward, inorm=0, out=half)


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

    Parameters
    ----------
    f_hat : (2M_1+1, ...)
    g_hat : (..., 2M_1+1, ...)
        One field or several.

    Raises
    ------
    ValueError
        If f is more than one field.
    """
    if f_hat.ndim != cell.dim:
        raise ValueError(f"product: f must be one field of {cell.dim} axes, not {f_hat.shape}")
    result = np.empty(g_hat.shape, dtype=np.complex128)  # never in the order of a view
    several = (-1, *f_hat.shape)
    products(f_hat, g_hat.reshape(several), cell, result.reshape(several))
    return result


def products(f_hat: Modes, others: Iterable[Modes], cell: Cell, out: Modes) -> None:
    """`product` of f with one field after the other, into the rows of `out`.

    In this order a field and its transform stay in the processor's cache. A row of `out` may hold
    the field that it is to receive the product of.
    """
    counts = mode_counts(f_hat, cell.dim)
    shape = tuple(good_size(3 * m + 1) for m in counts)
    f = modes_to_grid(f_hat, cell, shape)
    for g_hat, result in zip(others, out, strict=True):
        values = modes_to_grid(g_hat, cell, shape)
        values *= f
        grid_to_modes(values, cell, counts, out=result)
        del values  # before room is needed for the next


class PaddedGrid:
    """Many products of fields with the same modes: a grid free of aliasing, and its buffers.

    Of a real field half of the modes are enough. A *half* array has those with m_d >= 0, and
    shape (2M_1+1, ..., 2M_{d-1}+1, M_d+1); on the grid stand sums without a factor,

        Σ_p f_hat(p) exp(ip·x) = |Ω| f(x),

    and what comes back from a product of two is to be multiplied by `scale`.
    """

    def __init__(self, cell: Cell, counts: tuple[int, ...]) -> None:
        self.counts = counts
        self.shape = tuple(good_size(3 * m + 1) for m in counts)
        self.half_shape = (*(2 * m + 1 for m in counts[:-1]), counts[-1] + 1)
        self.scale = 1.0 / (cell.volume * float(np.prod(self.shape)))
        # Its columns beyond M_d stay zero, which is the padding of the last axis.
        self._padded = np.zeros((*self.shape[:-1], self.shape[-1] // 2 + 1), dtype=np.complex128)
        self._spectrum = np.empty_like(self._padded)
        self._blocks = list(_blocks(self.shape[:-1], counts[:-1]))
        self._gaps = [
            (*(slice(None),) * axis, slice(m + 1, n - m))
            for axis, (n, m) in enumerate(zip(self.shape[:-1], counts[:-1], strict=True))
        ]

    def halved(self, modes: Modes) -> Modes:
        """The half of centred modes, leading axes being batches; a copy."""
        return np.ascontiguousarray(modes[..., self.counts[-1] :])

    def mirrored(self, half: Modes) -> Modes:
        """Centred modes from their half: f_hat(-p) = f_hat(p)*."""
        dim, m = len(self.counts), self.counts[-1]
        modes = np.empty((*half.shape[:-1], 2 * m + 1), dtype=np.complex128)
        modes[..., m:] = half
        np.conjugate(np.flip(half[..., 1:], axis=tuple(range(-dim, 0))), out=modes[..., :m])
        return modes

    def to_grid(self, half: Modes, out: Real) -> None:
        """The values of one field on the grid, times |Ω|."""
        columns = self._padded[..., : self.counts[-1] + 1]
        for gap in self._gaps:
            columns[gap] = 0.0
        for on_grid, centred in self._blocks:
            columns[on_grid] = half[centred]
        _leading_transforms(columns, len(self.shape), forward=False)
        last = len(self.shape) - 1
        ducc0.fft.c2r(
            self._padded, axes=(last,), lastsize=self.shape[-1], forward=False, inorm=0, out=out
        )

    def to_modes(self, values: Real, out: Modes) -> None:
        """The half of the modes of the values on a grid, without a factor."""
        ducc0.fft.r2c(values, axes=(len(self.shape) - 1,), out=self._spectrum)
        columns = self._spectrum[..., : self.counts[-1] + 1]
        _leading_transforms(columns, len(self.shape), forward=True)
        for on_grid, centred in self._blocks:
            out[centred] = columns[on_grid]


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


def modes_at_points(modes: Modes, positions: Real, cell: Cell) -> Real:
    """Values of a real field at points, from its modes (type-2 NUFFT).

    Parameters
    ----------
    modes : (..., 2M_1+1, ..., 2M_d+1)
        One transform is made for each leading index.
    positions : (N, d)
        Points, wrapped into the cell or not.

    Returns
    -------
    (..., N)
    """
    fractional = cell.fractional(positions)
    coordinates = np.ascontiguousarray(fractional - np.floor(fractional))
    rows = modes.reshape(-1, *modes.shape[-cell.dim :])
    values = [
        ducc0.nufft.u2nu(
            grid=row,
            coord=coordinates,
            forward=False,
            epsilon=NUFFT_TOLERANCE,
            periodicity=1.0,
            nthreads=1,
        ).real
        for row in rows
    ]
    return np.array(values).reshape(*modes.shape[: -cell.dim], len(positions)) / cell.volume


def _axes(array: npt.NDArray[np.generic], dim: int | None) -> tuple[int, ...]:
    dim = array.ndim if dim is None else dim
    return tuple(range(array.ndim - dim, array.ndim))
