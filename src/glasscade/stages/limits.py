"""Stage 5: the iterated limits of one model, its dissipation scale, and its verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.config import SYSTEM, GlassSystem, SyntheticSystem, System
from glasscade.io import read_dataset, write_dataset, write_text
from glasscade.limits.dissipation_scale import dissipation_scale
from glasscade.limits.extrapolation import POINTS, Limit, extrapolate, quadratic_limits
from glasscade.stages.arrays import variable
from glasscade.stages.checks import checks
from glasscade.stages.integrate import gather, integrate, limit_in_ell, term
from glasscade.stages.verdicts import table

Real = npt.NDArray[np.float64]

QUANTITIES = ("A", "B", "lim_Q_thermal", "lim_Q_flux", "lim_W_ell", "lim_W_T", "H", "A_minus_B")
FRACTIONS = (0.9, 0.5, 0.1)
ENDS = ("value", "low", "high", "fit_low", "fit_high")


def run(
    job: dict[str, Any], budgets: list[Path], exponents: Path, output: Path, verdicts: Path
) -> None:
    """Take the limits and write them with the verdicts.

    Parameters
    ----------
    job : dict
        `model`, `system`, `estimator`, `margins`, and `temperatures`, one for each budget file.
    budgets, exponents : Path
        Input files.
    output, verdicts : Path
        Limits as NetCDF and verdicts as CSV.
    """
    system = SYSTEM.validate_python(job["system"])
    gathered = gather(budgets, job["temperatures"])
    athermal = gathered[0][1]
    onset = system.onset if isinstance(system, GlassSystem) else None
    dataset = integrate(gathered, system.dimension, onset)
    for name in ("flux_norm", "product_norm", *_maps(athermal)):
        if name in athermal:
            dataset[name] = athermal[name]
    level = job["margins"]["level"]
    if not isinstance(system, SyntheticSystem):
        dataset = dataset.merge(iterated_limits(dataset, level, system))
    if system.evolves:
        dataset = dataset.merge(scales(dataset, level, system.deterministic))
    rows = checks(job, system, dataset, read_dataset(exponents, "value"))
    write_dataset(dataset, output, job, __name__)
    write_text(table(rows), verdicts)


def _maps(budget: xr.Dataset) -> list[str]:
    return [str(name) for name in budget.data_vars if "_map_" in str(name)]


def iterated_limits(integrated: xr.Dataset, level: float, system: System) -> xr.Dataset:
    """A, B, and the parts of which they are made, for every kernel and φ.

    A = lim_ℓ (W_ℓ + Q^flux_ℓ) at T = 0;  B = lim_T (W + Q^thermal) at ℓ = 0;
    H = lim_ℓ W_ℓ(T=0) - lim_T W(T), so that lim Q^thermal = H + lim Q^flux + (B - A).
    The Itô source of particles counts with Q^thermal, whose one-particle part it cancels.
    """
    kernels, functions = integrated["kernel"].values, integrated["phi"].values
    table = np.full((len(QUANTITIES), len(kernels), len(functions), len(ENDS)), np.nan)
    for k, kernel in enumerate(kernels):
        for f, function in enumerate(functions):
            limits = _Limits(integrated.sel(kernel=kernel, phi=function), level, system)
            for q, limit in enumerate(limits.all()):
                table[q, k, f] = [getattr(limit, end) for end in ENDS]
    values = variable(
        ("quantity", "kernel", "phi", "end"), table, "mu V0^2/l0^2 or V0", "limits", "Eqs. 47, 48"
    )
    return xr.Dataset({"limit": values}, coords={"quantity": list(QUANTITIES), "end": list(ENDS)})


class _Limits:
    """The limits of one model for one kernel and one φ."""

    def __init__(self, chosen: xr.Dataset, level: float, system: System) -> None:
        self._chosen = chosen
        self._level = level
        self._deterministic = system.deterministic
        self._particles = system.particles

    def all(self) -> list[Limit]:
        """In the order of `QUANTITIES`."""
        flux, resolved = self._in_ell("Q_flux"), self._in_ell("W")
        thermal = self._in_temperature("Q_thermal+Ito")
        # What particles have resolved for ℓ → 0 is all of W_ℓ + Q^flux_ℓ, at T > 0 as at T = 0.
        fine = self._in_temperature("W+Q_flux" if self._particles else "W")
        a = self._in_ell("W+Q_flux")
        b = self._of_stress() if self._particles else self._in_temperature("W+Q_thermal")
        return [a, b, thermal, flux, resolved, fine, resolved.minus(fine), a.minus(b)]

    def _in_ell(self, name: str) -> Limit:
        """lim ℓ → 0 at T = 0."""
        athermal = term(self._chosen, name).isel(temperature=0)
        return limit_in_ell(athermal, self._level, self._deterministic)

    def _in_temperature(self, name: str) -> Limit:
        """lim T → 0 at ℓ = 0; of particles, at ℓ → 0 for each T."""
        warm = term(self._chosen, name).isel(temperature=slice(1, None))
        if not self._particles:
            return self._extrapolate(warm.sel(ell=0.0))
        known = warm.sel(ell=warm["ell"] > 0.0).dropna("ell")
        if known.sizes["ell"] < POINTS:
            return limit_in_ell(warm.isel(temperature=0), self._level, self._deterministic)
        fine = xr.apply_ufunc(
            lambda y: quadratic_limits(known["ell"].values, y), known, input_core_dims=[["ell"]]
        )
        errors = [
            limit_in_ell(known.isel(temperature=t), self._level, True).half_width
            for t in range(POINTS)
        ]
        # The quadratic limit in T is a weighted sum, and so is what it inherits from ℓ.
        weights = quadratic_limits(known["temperature"].values, np.eye(POINTS))
        return self._extrapolate(fine).widened(float(np.linalg.norm(weights * errors)))

    def _of_stress(self) -> Limit:
        """lim T → 0 of the change of the microscopic stress: B, by closure."""
        return self._extrapolate(
            self._chosen["change"].sel(ell=0.0).isel(temperature=slice(1, None))
        )

    def _extrapolate(self, y: xr.DataArray) -> Limit:
        x, values = y["temperature"].values, y.transpose("realisation", "temperature").values
        return extrapolate(x, values, self._level, self._deterministic)


def scales(integrated: xr.Dataset, level: float, deterministic: bool) -> xr.Dataset:
    """R(ℓ) = Δσ_ℓ/Δσ_{ℓ→0} for φ = 1 and the first kernel, and where it crosses `FRACTIONS`."""
    change = integrated["change"].isel(kernel=0).sel(phi="one")
    change = change.transpose("temperature", "realisation", "ell")
    resolved = change.sel(ell=change["ell"] > 0.0) / change.sel(ell=0.0)
    ell = resolved["ell"].values
    table = np.full((resolved.sizes["temperature"], len(FRACTIONS), len(ENDS)), np.nan)
    for t in range(resolved.sizes["temperature"]):
        for f, fraction in enumerate(FRACTIONS):
            values = resolved.isel(temperature=t).values
            limit = dissipation_scale(ell, values, fraction, level, deterministic)
            table[t, f] = [getattr(limit, end) for end in ENDS]
    dims = ("temperature", "fraction", "end")
    return xr.Dataset(
        {
            "resolved_fraction": variable(
                ("temperature", "realisation", "resolved_ell"),
                resolved.values,
                "1",
                "R(ℓ) = Δσ^ni_ℓ / Δσ^ni(ℓ→0)",
            ),
            "scale": variable(dims, table, "l0", "ℓ at which R falls through the fraction"),
        },
        coords={"fraction": list(FRACTIONS), "end": list(ENDS), "resolved_ell": ell},
    )
