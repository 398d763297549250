"""What the stage of limits writes of known densities, by formulas."""

from __future__ import annotations

import numpy as np
import xarray as xr

ELLS = (0.0, 0.001, 0.002, 0.004, 0.008, 0.016)
HURST = (0.3, 0.6)
COUNT = 3
"""Realisations of each exponent."""


def made_up_norms(
    flux: float, product: float, gradient: float, smeared: float, scatter: float = 0.0
) -> xr.Dataset:
    """Powers of ℓ at H = 0.3; at H = 0.6 larger by 0.3, but that of the gradient.

    Realisations differ in amplitude, and by `scatter` in their powers. The second order is ten
    times as steep.
    """
    ell = np.where(np.array(ELLS) > 0.0, ELLS, np.nan)
    hurst = np.repeat(HURST, COUNT)
    amplitude = 1.0 + np.arange(hurst.size)[:, np.newaxis]
    shift = scatter * (np.tile(np.arange(COUNT), len(HURST)) - 1.0)

    def norm(power: float, rise: float = 1.0) -> np.ndarray:
        powers = power + rise * (hurst - HURST[0]) + shift
        return amplitude * ell ** powers[:, np.newaxis]

    def orders(power: float, rise: float = 1.0) -> xr.DataArray:
        values = norm(power, rise)
        steep = amplitude * (values / amplitude) ** 10
        return xr.DataArray(
            np.stack([values, steep], axis=-1), dims=("realisation", "ell", "order")
        )

    source = norm(smeared)[np.newaxis, :, :, np.newaxis, np.newaxis, np.newaxis]
    shape = (1, hurst.size, len(ELLS), 2, 1, 3)
    dims = ("temperature", "realisation", "ell", "kernel", "term", "phi")
    return xr.Dataset(
        {
            "flux_norm": orders(flux),
            "product_norm": orders(product),
            "force_gradient_norm": orders(gradient, rise=0.0),
            "source": (dims, np.broadcast_to(source, shape)),
            "transport": (dims, np.zeros(shape)),
        },
        coords={
            "hurst": ("realisation", hurst),
            "ell": list(ELLS),
            "order": [1.0, 2.0],
            "kernel": ["gaussian", "wendland_c6"],
            "term": ["Q_flux"],
            "temperature": [0.0],
        },
    )
