"""The balance of fields along paths on which T and ℓ go to zero together, and its limits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.limits.extrapolation import ENDS, Limit
from glasscade.limits.joint import ALPHAS, between, limit_along, path
from glasscade.paths import number
from glasscade.stages.integrate import believed, limit_in, term, written

Real = npt.NDArray[np.float64]

SUM, DIFFERENCE = "sum", "A_minus_sum"
ALONG: dict[str, str] = {
    "W": "W",
    "Q_flux": "Q_flux",
    "Q_thermal": "Q_thermal",
    SUM: "W+Q_flux+Q_thermal+N_ni+N_flux",
}
"""What is followed along a path: its name, and the terms it is made of."""
FOLLOWED = (*ALONG, DIFFERENCE)
"""And the sum at T = 0 less that at T, at the same ℓ, which share the approach to ℓ = 0."""


def joint(integrated: xr.Dataset, level: float, below: float = np.inf) -> xr.Dataset:
    """Values along every path of `ALPHAS` and their limits, for every kernel and φ.

    The paths are those of the scales that the first kernel resolves at the lowest T > 0, so that
    kernels are compared along the same ones; where another resolves too little it has no value.
    At the one realisation that a deterministic system has. At T = 0 a path is at ℓ = 0, where
    (W_ℓ + Q^flux_ℓ)(T=0) tends to A: A less the limit of all terms is that of `DIFFERENCE`.

    Parameters
    ----------
    integrated : Dataset
        As `integrate` returns it, with T = 0 first.
    level : float
    below : float
        Temperature below which a window must lie for its limit to be believed.

    Returns
    -------
    Dataset
        `path_ell`; `along` and `along_error` at every T, the error being that of the
        interpolation; `along_limit`, with the fields of `Limit`.
    """
    temperatures = integrated["temperature"].values
    warm, scales = temperatures > 0.0, _scales(integrated)
    ells = np.full((len(ALPHAS), temperatures.size), np.nan)
    for a, alpha in enumerate(ALPHAS if scales.size else ()):
        ells[a, warm] = path(alpha, temperatures[warm], scales)
    values, errors = _along(integrated, ells)
    limits = np.full((*values.shape[:-1], len(ENDS)), np.nan)
    for index in np.ndindex(values.shape[:-1]):
        limit = limit_along(temperatures[warm], values[index][warm], errors[index][warm], level)
        limits[index] = written(believed(limit, below))
    unit = str(integrated["source"].attrs["units"])
    lead = ("alpha", "followed", "kernel", "phi")
    return xr.Dataset(
        {
            "path_ell": variable(("alpha", "temperature"), ells, "l0", "ℓ of the path at T"),
            "along": variable((*lead, "temperature"), values, unit, "terms along the path"),
            "along_error": variable(
                (*lead, "temperature"), errors, unit, "what interpolation in ℓ leaves open"
            ),
            "along_limit": variable(
                (*lead, "end"), limits, unit, "limits T → 0 along the path", "Eq. 47"
            ),
        },
        coords={"alpha": list(ALPHAS), "followed": list(FOLLOWED), "end": list(ENDS)},
    )


def limit_of(limits: xr.Dataset, alpha: float, name: str, kernel: int = 0, phi: int = 0) -> Limit:
    """One limit along a path, from a file of limits."""
    row = limits["along_limit"].sel(alpha=alpha, followed=name).isel(kernel=kernel, phi=phi)
    return limit_in(row, limits.sizes["realisation"])


def path_name(alpha: float) -> str:
    """How quantities of a path end."""
    return f"joint_{number(alpha)}"


def _scales(integrated: xr.Dataset) -> Real:
    """The scales of the paths."""
    coldest = term(integrated.isel(kernel=0, phi=0, temperature=1, realisation=0), ALONG[SUM])
    known = coldest.sel(ell=coldest["ell"] > 0.0).dropna("ell")
    return np.asarray(known["ell"].values, dtype=np.float64)


def _along(integrated: xr.Dataset, ells: Real) -> tuple[Real, Real]:
    """Values and errors, (alpha, followed, kernel, phi, temperature)."""
    positive = integrated.isel(realisation=0, ell=integrated["ell"].values > 0.0)
    each = {name: term(positive, terms) for name, terms in ALONG.items()}
    each[DIFFERENCE] = each[SUM].isel(temperature=0, drop=True) - each[SUM]
    order = ("kernel", "phi", "temperature", "ell")
    table = np.stack([each[name].transpose(*order).values for name in FOLLOWED])
    scale = positive["ell"].values
    values = np.full((len(ALPHAS), *table.shape[:-1]), np.nan)
    errors = values.copy()
    for a, t in zip(*np.nonzero(np.isfinite(ells)), strict=True):
        for k in range(table.shape[1]):  # each kernel resolves scales of its own
            found = between(scale, table[:, k, :, t], float(ells[a, t]))
            values[a, :, k, :, t], errors[a, :, k, :, t] = found
    return values, errors
