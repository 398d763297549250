"""Gradients of mollified fields: exponents below one, negative ones included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.coarse import Kernel
from glasscade.errors import ResolutionError
from glasscade.regularity.moments import Moments, check_field, check_orders, norms
from glasscade.transforms import irfftn, rfftn

Real = npt.NDArray[np.float64]
Modes = npt.NDArray[np.complex128]


def gradient_moments(values: Real, cell: Cell, ell: Real, q: Real, kernel: Kernel) -> Moments:
    """‖∇f̄_ell‖_q ~ ell^{xi_q - 1} for every xi_q < 1, with f̄_ell = G_ell * f.

    Exponents may be negative: point masses enter as grid values (mass over the volume of a
    grid element). Towards xi = 1 the estimate is biased low, because the filter lets pass all
    wavelengths above ell and the box ends them: on fractional fields (512², q = 3,
    ell = 4..32 spacings) it returns 0.30 for H = 1/3 and 0.67 for H = 0.8.

    Parameters
    ----------
    values : (n_1, ..., n_d)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell, straight or sheared.
    ell : (n,)
        Increasing filter widths (in l0), those the grid resolves.
    q : (m,)
        Orders, at least 1.
    kernel : glasscade.coarse.Kernel
        The mollifier G.

    Raises
    ------
    ResolutionError
        If k_max ell is below the band of the kernel: the grid does not resolve the filter.
    ConfigError
        If an order q is below 1.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    The bound on ‖∇ρ̄_ell‖_q of Hernández-García, Eqs. 50-52, read as an estimator.
    """
    orders = check_orders(q)
    field = check_field(values, cell.dim, "gradients")
    widths = np.asarray(ell, dtype=np.float64)
    _check_resolution(widths, cell, field.shape, kernel)
    k = _wavevectors(cell, field.shape)
    magnitude = np.sqrt(np.sum(k**2, axis=0))
    slope_hat = 1j * k * rfftn(field)
    norm = np.empty((orders.size, widths.size))
    for index, width in enumerate(widths):
        smoothing = kernel.transform(magnitude * width, cell.dim)
        gradient = [irfftn(smoothing * component, field.shape) for component in slope_hat]
        norm[:, index] = norms(np.sqrt(np.sum(np.square(gradient), axis=0)), orders)
    return Moments("gradients", widths, orders, norm, 1.0)


def _wavevectors(cell: Cell, shape: tuple[int, ...]) -> Real:
    """Wavevectors of a half-spectrum, shape (d, n_1, ..., n_d // 2 + 1)."""
    axes = [np.fft.fftfreq(n, 1.0 / n) for n in shape[:-1]]
    axes.append(np.fft.rfftfreq(shape[-1], 1.0 / shape[-1]))
    return cell.reciprocal(np.array(np.meshgrid(*axes, indexing="ij")))


def _check_resolution(ell: Real, cell: Cell, shape: tuple[int, ...], kernel: Kernel) -> None:
    # The nearest face of the zone |m_i| <= n_i/2 lies at the distance π n_i/|h_i|.
    k_max = float(np.min(np.pi * np.array(shape) / np.linalg.norm(cell.matrix, axis=0)))
    smallest = kernel.band(cell.dim) / k_max
    if np.any(ell < smallest):
        raise ResolutionError(
            f"ell: {ell.min():.6g} is below {smallest:.6g}, the smallest that a grid of shape "
            f"{shape} resolves with the kernel {kernel.name}; use a larger ell or a finer grid"
        )
