"""Exponents of the flux of densities of known exponent: pointwise norms and smeared.

Of each norm one line over all scales of the sweep, from the smallest that the grid resolves to far
below the box: the configuration chooses them, and thereby the window, before anything is measured.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from glasscade.limits.bounds import saturates, scaling_exponent, without_saturation
from glasscade.limits.extrapolation import Limit
from glasscade.stages.integrate import term

NORMS = {"pointwise": "flux_norm", "product": "product_norm"}
"""Pointwise norms by the quantity that they measure."""
SMEARED = "smeared"


def of_hurst(array: xr.DataArray, hurst: float) -> xr.DataArray:
    """The realisations of one known exponent."""
    return array.isel(realisation=np.flatnonzero(array["hurst"].values == hurst))


def norm_exponent(
    limits: xr.Dataset, quantity: str, order: int, hurst: float, s: float, level: float
) -> Limit:
    """Exponent in ℓ of ‖Q^flux_ℓ‖_p or of ‖|∇ρ̄||τ|‖_p.

    The latter with the finite-range correction where the force has a bounded gradient.

    Parameters
    ----------
    limits : Dataset
        As the stage of limits writes it.
    quantity : str
        One of `NORMS`.
    order : int
        Place of p along the dimension `order`.
    hurst : float
        ξ of ρ.
    s : float
        Of V_hat ~ k^{-s}.
    level : float
        Confidence level.
    """
    norm = _known(limits[NORMS[quantity]].isel(order=order), hurst)
    values = norm.values
    if quantity == "product" and saturates(hurst, s):
        gradient = _known(limits["force_gradient_norm"].isel(order=order), hurst)
        values = without_saturation(values, gradient.values)
    return scaling_exponent(norm["ell"].values, values, level)


def smeared_exponent(limits: xr.Dataset, hurst: float, level: float) -> Limit:
    """Exponent in ℓ of Q^flux_ℓ[φ], root mean square over φ, first kernel."""
    flux = term(limits.isel(temperature=0, kernel=0), "Q_flux")
    smeared = _known((flux**2).mean("phi") ** 0.5, hurst)
    return scaling_exponent(smeared["ell"].values, smeared.values, level)


def _known(norm: xr.DataArray, hurst: float) -> xr.DataArray:
    """(realisation, ell) of one exponent, at the scales ℓ > 0 that are resolved."""
    resolved = of_hurst(norm, hurst).sel(ell=norm["ell"] > 0.0).dropna("ell")
    return resolved.transpose("realisation", "ell")
