"""Time integrals of the budgets of one model, gathered over temperatures, scales and blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from glasscade.analysis.arrays import RATE, variable
from glasscade.config import System
from glasscade.io import read_dataset
from glasscade.limits.extrapolation import ENDS, POINTS, Limit, extrapolate, unknown
from glasscade.stages.batches import TEMPERATURE, apart

TENSORS = ("stress", "rate", "source", "transport", "self_pair")


def gather(paths: list[Path], temperatures: list[list[float]]) -> list[tuple[float, xr.Dataset]]:
    """Budgets in the order of temperature, joined over blocks and batches of scales.

    Parameters
    ----------
    paths : list of Path
        The budget files.
    temperatures : list of list of float
        Those in each file.
    """
    files: dict[float, list[xr.Dataset]] = {}
    for path, contained in zip(paths, temperatures, strict=True):
        # Points have nothing but a stress at ℓ = 0, which may have a file of its own.
        dataset = read_dataset(path, "stress", "rate", "source", "transport", finite=False)
        for temperature, part in zip(contained, apart(dataset, contained), strict=True):
            files.setdefault(temperature, []).append(part)
    return [(temperature, _join(files[temperature])) for temperature in sorted(files)]


def _join(parts: list[xr.Dataset]) -> xr.Dataset:
    """One dataset from the files of all blocks and batches at one temperature."""
    batches: dict[tuple[float, ...], list[xr.Dataset]] = {}
    # Blocks in one order for every batch: their labels may repeat, so that they cannot be aligned.
    for part in sorted(parts, key=lambda part: int(part["realisation"].values[0])):
        batches.setdefault(tuple(part["ell"].values), []).append(part)
    joined = [
        xr.concat(
            blocks, dim="realisation", data_vars="minimal", coords="minimal", compat="override"
        )
        for blocks in batches.values()
    ]
    return xr.concat(
        joined,
        dim="ell",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
    ).sortby("ell")


def integrate(
    budgets: list[tuple[float, xr.Dataset]], dim: int, onset: float | None = None
) -> xr.Dataset:
    """∫dt of every term, for the isotropic part tr/d of the tensor.

    A single snapshot stands for a stationary state over one unit of time. The trapezoid rule is
    repeated with every second snapshot; a third of the difference estimates its error. For output
    times that are even in u = ln(1 + t/onset) it is the rule in u, ∫ f (t + onset) du, which a
    slow relaxation f ~ 1/t leaves exact.
    """
    rows = [
        _integrate(_isotropic(budget, dim), onset).assign(algebraic_residual=_algebraic(budget))
        for _, budget in budgets
    ]
    stacked = xr.concat(rows, dim="temperature", data_vars="all")
    temperatures = [temperature for temperature, _ in budgets]
    return stacked.assign_coords(temperature=("temperature", temperatures, TEMPERATURE))


def _isotropic(budget: xr.Dataset, dim: int) -> xr.Dataset:
    """tr/d of the stress and of its sources."""
    tensors = budget[[name for name in TENSORS if name in budget]]
    diagonal = [tensors.isel(i=axis, j=axis, drop=True) for axis in range(dim)]
    return xr.concat(diagonal, dim="axis").mean("axis", skipna=False)


def _algebraic(budget: xr.Dataset) -> xr.DataArray:
    """Largest residual of the balance at one time over all tensor components, relative.

    To the largest source or transport: where φ is no constant, either may be all of a term.
    """
    total = (budget["source"] + budget["transport"]).sum("term", skipna=False)
    residual = abs(budget["rate"] - total).max(["time", "i", "j"], skipna=False)
    parts = abs(xr.concat([budget["source"], budget["transport"]], dim="part"))
    largest = parts.max(["part", "time", "term", "i", "j"], skipna=False)
    dims = ("realisation", "ell", "kernel", "phi")
    return _labelled(residual / largest, dims, "1", "largest relative residual at one time")


def _integrate(budget: xr.Dataset, onset: float | None) -> xr.Dataset:
    unit = "V0" if budget.sizes["time"] > 1 else RATE
    source = _trapezoid(budget["source"], onset)
    transport = _trapezoid(budget["transport"], onset)
    total = (budget["source"] + budget["transport"]).sum("term", skipna=False)
    integral = (source + transport).sum("term", skipna=False)
    change = budget["stress"].isel(time=-1) - budget["stress"].isel(time=0)
    lead = ("realisation", "ell", "kernel")
    integrated = xr.Dataset(
        {
            "source": _labelled(source, (*lead, "term", "phi"), unit, "∫dt of the sources"),
            "transport": _labelled(
                transport, (*lead, "term", "phi"), unit, "∫dt of the transports"
            ),
            "change": _labelled(
                change.drop_vars("time", errors="ignore"), (*lead, "phi"), "V0", "Δσ^ni_ℓ[φ]"
            ),
            "residual": _labelled(
                change.drop_vars("time", errors="ignore") - integral,
                (*lead, "phi"),
                "V0",
                "Δσ^ni_ℓ[φ] minus the time integral of all terms",
            ),
            "quadrature_error": _labelled(
                _quadrature_error(total, onset), (*lead, "phi"), "V0", "estimated error of ∫dt"
            ),
            "series": _labelled(
                budget["stress"].isel(kernel=0, phi=0)
                - budget["stress"].isel(kernel=0, phi=0, time=0),
                ("realisation", "ell", "time"),
                "V0",
                "σ^ni_ℓ(t) - σ^ni_ℓ(0), φ = 1, first kernel",
            ),
        }
    )
    if "self_pair" in budget:
        integrated["self_pair"] = _labelled(
            _trapezoid(budget["self_pair"], onset),
            (*lead, "phi"),
            "V0",
            "∫dt of W_ℓ of each particle with itself; Q^flux_ℓ has its negative",
        )
    return integrated


def _labelled(
    array: xr.DataArray, dims: tuple[str, ...], units: str, long_name: str
) -> xr.DataArray:
    ordered = array.transpose(*dims)
    return ordered.copy(data=ordered.values).assign_attrs(
        variable(dims, ordered.values, units, long_name).attrs
    )


def _trapezoid(rate: xr.DataArray, onset: float | None) -> xr.DataArray:
    if rate.sizes["time"] == 1:
        return rate.isel(time=0, drop=True)
    if onset is None:
        return rate.integrate("time")
    shifted = rate["time"] + onset
    return (rate * shifted).assign_coords(time=np.log(shifted)).integrate("time")


def _quadrature_error(rate: xr.DataArray, onset: float | None) -> xr.DataArray:
    """Richardson's estimate for the trapezoid rule, zero for stationary states."""
    if rate.sizes["time"] < 3:
        return xr.zeros_like(rate.isel(time=0, drop=True))
    last = rate.sizes["time"] - 1
    coarse = rate.isel(time=sorted({*range(0, last, 2), last}))
    return (_trapezoid(rate, onset) - _trapezoid(coarse, onset)) / 3.0


def term(integrated: xr.Dataset, name: str) -> xr.DataArray:
    """Source plus transport of one term, or of the sum of several joined by '+'.

    Of particles, without what each does to itself: W_ℓ of N one-particle budgets is taken from
    W_ℓ and given to Q^flux_ℓ. Terms that a system does not have, as fields have no Itô source,
    are left out of a sum.
    """
    parts = [part for part in name.split("+") if part in integrated["term"].values]
    both = integrated["source"] + integrated["transport"]
    total = both.sel(term=parts).sum("term", skipna=False)
    if "self_pair" not in integrated:
        return total
    return total - (("W" in parts) - ("Q_flux" in parts)) * integrated["self_pair"]


def limit_in_ell(y: xr.DataArray, level: float, system: System) -> Limit:
    """The limit ℓ → 0 from the scales ℓ > 0 that the kernel resolves, NaN if these are too few."""
    known = y.sel(ell=y["ell"] > 0.0).dropna("ell")
    if known.sizes["ell"] < POINTS:
        return unknown(y.sizes["realisation"])
    values = known.transpose("realisation", "ell").values
    return believed(
        extrapolate(known["ell"].values, values, level, system.deterministic),
        system.extrapolates_below,
    )


def written(limit: Limit) -> list[float]:
    """A limit as a row of numbers, `ENDS`."""
    return [getattr(limit, end) for end in ENDS]


def limit_in(row: xr.DataArray, realisations: int) -> Limit:
    """The limit whose `ENDS`, or some of them, were written along the dimension `end`."""
    ends = zip(map(str, row["end"].values), map(float, row.values), strict=True)
    return Limit(**dict(ends), realisations=realisations)


def believed(limit: Limit, below: float) -> Limit:
    """A limit without interval if its window is not below where the system is asymptotic.

    That is `extrapolates_below` of a system for ℓ → 0, and `extrapolates_cold` for T → 0. What has
    no interval decides nothing.
    """
    if limit.fit_high > below:
        return replace(limit, low=np.nan, high=np.nan, statistical=np.nan, systematic=np.nan)
    return limit
