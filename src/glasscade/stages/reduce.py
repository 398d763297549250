"""Stage 2: the stress balance of every snapshot at a batch of scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import RATE, last_snapshot, variable
from glasscade.analysis.balance import Reduction
from glasscade.analysis.balance import balances as balances_of
from glasscade.analysis.maps import maps as maps_of
from glasscade.analysis.snapshots import Snapshots
from glasscade.budget.balance import Currents, gradient_times_cumulant, source_map
from glasscade.budget.smearing import TestFunctions
from glasscade.config import SYSTEM, ShearSystem, System
from glasscade.external import AffineFlow, External
from glasscade.io import read_dataset, write_dataset
from glasscade.stages import events
from glasscade.stages.batches import apart, together
from glasscade.stages.relaxation import known_series
from glasscade.transforms import Modes, good_size, mode_counts, modes_to_grid

Real = npt.NDArray[np.float64]

NORM_ORDERS = (1.0, 1.5, 2.0, 3.0)
"""Orders q/3 of the pointwise norms of the flux, for q = 3, 4.5, 6 and 9."""
PER_VOLUME = f"{RATE} l0^-d"
"""Unit of a source at a point."""
NORMS = {
    "flux_norm": (PER_VOLUME, "norm of Q^flux_ℓ(x)", "Eq. 55"),
    "product_norm": (PER_VOLUME, "norm of |∇ρ̄||τ_ℓ|", "Eq. 49"),
    "force_gradient_norm": ("V0 l0^-2", "norm of ∇F̄", "Eq. 49"),
}
"""Unit, name and equation of each norm."""


def run(job: dict[str, Any], state: Path, output: Path) -> None:
    """Reduce a state and write its budget.

    Parameters
    ----------
    job : dict
        `system`, `temperatures`, `ell`, `kernels`, `bumps`, `sharpness`, `seed`, `map_ell`.
    state, output : Path
        The state file and the budget file.
    """
    system = SYSTEM.validate_python(job["system"])
    if isinstance(system, ShearSystem):
        write_dataset(_events(system, job, read_dataset(state, "cell")), output, job, __name__)
        return
    # Budgets have the times of a state, not the numbers of its steps.
    loaded = read_dataset(state, "cell").drop_vars("step", errors="ignore")
    temperatures = job["temperatures"]
    budgets = [
        _budget(system, temperature, job, part)
        for temperature, part in zip(temperatures, apart(loaded, temperatures), strict=True)
    ]
    write_dataset(together(budgets, temperatures), output, job, __name__)


def _budget(
    system: System, temperature: float, job: dict[str, Any], state: xr.Dataset
) -> xr.Dataset:
    """The budget at one temperature: balances, maps, and what the state brings along."""
    functions = TestFunctions.bumps(
        system.dimension, job["bumps"], job["sharpness"], seed=job["seed"]
    )
    reduction = reduction_of(system, temperature, job["kernels"], functions)
    dataset = balances(reduction, state, job["ell"], system.motion.external)
    return dataset.merge(maps(reduction, state, job["map_ell"])).assign(known_series(state))


def _events(system: ShearSystem, job: dict[str, Any], state: xr.Dataset) -> xr.Dataset:
    """The balance of plastic events, of which no part of the cell is set apart: φ = 1."""
    whole = TestFunctions.bumps(system.dimension, count=0, sharpness=0, seed=0)
    reduction = reduction_of(system, 0.0, job["kernels"], whole)
    return events.reduced(reduction, state, job["ell"], system.balance_from, job["map_ell"])


def reduction_of(
    system: System, temperature: float, kernels: list[str], functions: TestFunctions
) -> Reduction:
    """What all snapshots of a system share, on the modes of its grid."""
    motion, dim = system.motion, system.dimension
    sheared = motion.shear_rate != 0.0
    return Reduction(
        system.mixture,
        system.cell,
        temperature,
        tuple(kernels),
        functions,
        most=system.counts,
        particles=system.particles,
        flow=AffineFlow.simple_shear(motion.shear_rate, dim) if sheared else None,
        mobility=motion.mobility,
        measured=system.measured,
    )


def balances(
    reduction: Reduction, state: xr.Dataset, ells: list[float], external: External = None
) -> xr.Dataset:
    """The balance at every scale, in one dimension with pointwise norms of the flux."""
    series = Snapshots(state, reduction.mixture, external)
    result = balances_of(series, reduction, ells)
    return result.merge(_norms(reduction, series, ells)) if reduction.cell.dim == 1 else result


def _norms(reduction: Reduction, series: Snapshots, ells: list[float]) -> xr.Dataset:
    """`NORMS` with the first kernel, at the last time of every realisation."""
    kernel = reduction.kernels[0]
    realisations, times = series.shape
    found = np.full((len(NORMS), realisations, len(ells), len(NORM_ORDERS)), np.nan)
    for realisation in range(realisations):
        snapshot = series.at((realisation, times - 1), reduction.most_counts(ells))
        for e, ell in enumerate(ells):
            if ell > 0.0 and reduction.resolves(kernel, ell):
                coarse = reduction.coarse_grain(snapshot, kernel, ell)
                force = reduction.coarse_force(coarse, kernel, ell)
                found[:, realisation, e] = _pointwise(reduction, coarse, force)
    dims = ("realisation", "ell", "order")
    return xr.Dataset(
        {
            name: variable(dims, values, unit, f"{text}, first kernel, last time", equation)
            for values, (name, (unit, text, equation)) in zip(found, NORMS.items(), strict=True)
        },
        coords={"order": list(NORM_ORDERS)},
    )


def _pointwise(reduction: Reduction, coarse: Currents, force: Modes) -> Real:
    """Volume-averaged norms <|f|^p>^{1/p} of `NORMS`, (norm, order), in one dimension."""
    cell = reduction.cell
    counts = mode_counts(coarse.density, cell.dim)
    shape = tuple(good_size(4 * m + 1) for m in counts)
    flux = source_map(coarse, "Q_flux", reduction.mixture, cell, shape)[0]
    product = gradient_times_cumulant(coarse, cell, shape)
    gradient = modes_to_grid(1j * cell.wavevectors(counts) * force, cell, shape)
    return np.array([_averages(field) for field in (flux, product, gradient)])


def _averages(field: Real) -> Real:
    return np.array([np.mean(np.abs(field) ** p) ** (1.0 / p) for p in NORM_ORDERS])


def maps(reduction: Reduction, state: xr.Dataset, ells: list[float]) -> xr.Dataset:
    """Maps of ρ̄ and Q^flux of the first realisation at the last time, first kernel."""
    result = xr.Dataset()
    last = last_snapshot(state, reduction.cell).isel(realisation=0, time=0)
    series = Snapshots(last, reduction.mixture)
    for ell in ells:
        found = maps_of(series, reduction, ell, ("Q_flux",), ("density", "source"))
        flux = found["source"].isel(term=0).values
        trace = np.trace(flux, axis1=-2, axis2=-1) / reduction.cell.dim
        density = found["density"].sum("species").values
        dims = tuple(f"{axis}_{ell:g}" for axis in found["density"].dims[1:])
        name = f"Q^flux_ℓ(x), trace/d, ℓ = {ell:g}"
        result[f"flux_map_{ell:g}"] = variable(dims, trace, PER_VOLUME, name, "Eq. 37")
        name = f"ρ̄_ℓ(x), ℓ = {ell:g}"
        result[f"density_map_{ell:g}"] = variable(dims, density, "l0^-d", name, "Eq. 23")
    return result
