"""Gradients of mollified fields: exponents below one, negative ones included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.coarse import Kernel
from glasscade.errors import ResolutionError
from glasscade.regularity.moments import Moments, check_field
from glasscade.regularity.powers import check_orders, check_tiles, power_means
from glasscade.transforms import irfftn, rfftn

Real = npt.NDArray[np.float64]


def gradient_moments(
    values: Real, cell: Cell, ell: Real, q: Real, kernel: Kernel, tiles: int = 1
) -> Moments:
    """<|∇f̄_ell|^q> ~ ell^{q(xi_q - 1)} for every xi_q < 1, with f̄_ell = G_ell * f.

    The estimator for sheared cells. Exponents may be negative: point masses enter as grid values
    (mass over the volume of a grid element). Towards xi = 1 the estimate is biased low, because
    the filter lets pass all wavelengths above ell and the box ends them; `expected_norm` gives
    the bias of a fractional field. Moments of the length of a d-vector exist for q > -d.

    Parameters
    ----------
    values : (n_1, ..., n_d)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell, straight or sheared.
    ell : (n,)
        Increasing filter widths (in l0), those the grid resolves.
    q : (m,)
        Orders, from -1 to 9.
    kernel : glasscade.coarse.Kernel
        The mollifier G.
    tiles : int
        Tiles per axis, a divisor of every n_i.

    Raises
    ------
    ResolutionError
        If k_max ell is below the band of the kernel (the grid does not resolve the filter), or
        the tiles do not divide the grid.
    ConfigError
        If an order q is not allowed.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    The bound on ‖∇ρ̄_ell‖_q of Hernández-García, Eqs. 50-52, read as an estimator.
    """
    orders = check_orders(q)
    field = check_field(values, cell.dim, "gradients")
    check_tiles(tiles, field.shape, "grid points")
    widths = np.asarray(ell, dtype=np.float64)
    check_widths(widths, cell, field.shape, kernel)
    k = wavevectors(cell, field.shape)
    magnitude = np.sqrt(np.sum(k**2, axis=0))
    slope_hat = 1j * k * rfftn(field)
    mean, square = [], []
    for width in widths:
        smoothing = kernel.transform(magnitude * width, cell.dim)
        gradient = [irfftn(smoothing * component, field.shape) for component in slope_hat]
        length = np.sqrt(np.sum(np.square(gradient), axis=0))
        means, squares = power_means(length, cell.dim, orders, tiles, floor=-float(cell.dim))
        mean.append(means)
        square.append(squares)
    return Moments(
        "gradients", widths, orders, np.stack(mean, axis=1), np.stack(square, axis=1), 1.0
    )


def wavevectors(cell: Cell, shape: tuple[int, ...]) -> Real:
    """Wavevectors of a half-spectrum, shape (d, n_1, ..., n_d // 2 + 1)."""
    axes = [np.fft.fftfreq(n, 1.0 / n) for n in shape[:-1]]
    axes.append(np.fft.rfftfreq(shape[-1], 1.0 / shape[-1]))
    return cell.reciprocal(np.array(np.meshgrid(*axes, indexing="ij")))


def check_widths(ell: Real, cell: Cell, shape: tuple[int, ...], kernel: Kernel) -> None:
    """Refuse filter widths that a grid does not resolve.

    Raises
    ------
    ResolutionError
        If k_max ell is below the band of the kernel.
    """
    # The nearest face of the zone |m_i| <= n_i/2 lies at the distance π n_i/|h_i|.
    k_max = float(np.min(np.pi * np.array(shape) / np.linalg.norm(cell.matrix, axis=0)))
    smallest = kernel.band(cell.dim) / k_max
    if np.any(ell < smallest):
        raise ResolutionError(
            f"ell: {ell.min():.6g} is below {smallest:.6g}, the smallest that a grid of shape "
            f"{shape} resolves with the kernel {kernel.name}; use a larger ell or a finer grid"
        )
