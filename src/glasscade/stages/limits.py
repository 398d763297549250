"""Stage 5: the iterated limits of one model, its dissipation scale, and its verdicts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.config import SYSTEM, SyntheticSystem
from glasscade.io import read_dataset, write_dataset, write_text
from glasscade.limits.dissipation_scale import dissipation_scale
from glasscade.limits.extrapolation import Limit, extrapolate
from glasscade.limits.verdicts import COLUMNS, Verdict
from glasscade.stages.arrays import variable
from glasscade.stages.checks import checks
from glasscade.stages.integrate import gather, integrate, limit_in_ell, term

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
    dataset = integrate(gathered, system.dimension)
    for name in ("flux_norm", "product_norm", *_maps(athermal)):
        if name in athermal:
            dataset[name] = athermal[name]
    level = job["margins"]["level"]
    if not isinstance(system, SyntheticSystem):
        dataset = dataset.merge(iterated_limits(dataset, level, system.deterministic))
    if system.evolves:
        dataset = dataset.merge(scales(dataset, level, system.deterministic))
    rows = checks(job, system, dataset, read_dataset(exponents, "value"))
    write_dataset(dataset, output, job, __name__)
    write_text(table(rows), verdicts)


def _maps(budget: xr.Dataset) -> list[str]:
    return [str(name) for name in budget.data_vars if "_map_" in str(name)]


def iterated_limits(integrated: xr.Dataset, level: float, deterministic: bool) -> xr.Dataset:
    """A, B, and the parts of which they are made, for every kernel and φ.

    A = lim_ℓ (W_ℓ + Q^flux_ℓ) at T = 0;  B = lim_T (W + Q^thermal) at ℓ = 0;
    H = lim_ℓ W_ℓ(T=0) - lim_T W(T), so that lim Q^thermal = H + lim Q^flux + (B - A).
    """
    kernels, functions = integrated["kernel"].values, integrated["phi"].values
    table = np.full((len(QUANTITIES), len(kernels), len(functions), len(ENDS)), np.nan)
    for k, kernel in enumerate(kernels):
        for f, function in enumerate(functions):
            chosen = integrated.sel(kernel=kernel, phi=function)
            for q, limit in enumerate(_limits(chosen, level, deterministic)):
                table[q, k, f] = [getattr(limit, end) for end in ENDS]
    values = variable(
        ("quantity", "kernel", "phi", "end"), table, "mu V0^2/l0^2 or V0", "limits", "Eqs. 47, 48"
    )
    return xr.Dataset({"limit": values}, coords={"quantity": list(QUANTITIES), "end": list(ENDS)})


def _limits(chosen: xr.Dataset, level: float, deterministic: bool) -> list[Limit]:
    """The limits in the order of `QUANTITIES`."""

    def along_ell(name: str) -> Limit:
        return limit_in_ell(term(chosen, name).isel(temperature=0), level, deterministic)

    def along_temperature(name: str) -> Limit:
        y = term(chosen, name).sel(ell=0.0).isel(temperature=slice(1, None))
        x = y["temperature"].values
        return extrapolate(x, y.transpose("realisation", ...).values, level, deterministic)

    a, b = along_ell("W+Q_flux"), along_temperature("W+Q_thermal")
    thermal, flux = along_temperature("Q_thermal"), along_ell("Q_flux")
    resolved, fine = along_ell("W"), along_temperature("W")
    return [a, b, thermal, flux, resolved, fine, resolved.minus(fine), a.minus(b)]


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


def table(rows: list[Verdict]) -> str:
    """Verdicts as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (getattr(row, column) for column in COLUMNS)
        writer.writerow([f"{c:.10g}" if isinstance(c, float) else c for c in cells])
    return text.getvalue()
