"""Stage 5: the iterated limits of one model, its dissipation scale, and its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.config import SYSTEM, GlassSystem, SyntheticSystem, System
from glasscade.io import read_dataset, write_dataset, write_table
from glasscade.limits.dissipation_scale import dissipation_scale
from glasscade.limits.extrapolation import (
    ENDS,
    POINTS,
    Limit,
    extrapolate,
    inherited,
    quadratic_limits,
)
from glasscade.regularity.fits import interval
from glasscade.stages import events
from glasscade.stages.batches import Place, places
from glasscade.stages.checks import checks
from glasscade.stages.controls import exact_dissipation
from glasscade.stages.convergence import convergence
from glasscade.stages.integrate import believed, gather, integrate, limit_in_ell, term, written
from glasscade.stages.joint import joint
from glasscade.stages.relaxation import APPROACH, decay
from glasscade.stages.verdicts import table

Real = npt.NDArray[np.float64]

QUANTITIES = ("A", "B", "lim_Q_thermal", "lim_Q_flux", "lim_W_ell", "lim_W_T", "H", "A_minus_B")
FRACTIONS = (0.9, 0.5, 0.1)


def run(
    job: dict[str, Any],
    budgets: list[Path],
    exponents: Path | None,
    output: Path,
    verdicts: Path,
    states: Sequence[Path] = (),
) -> None:
    """Take the limits and write them with the verdicts.

    Parameters
    ----------
    job : dict
        `model`, `system`, `estimator`, `margins`, and `temperatures`, those in each budget file;
        of a descent `relaxation`; of fields whose densities are compared `state_temperatures`.
    budgets, exponents : Path
        Input files; no exponents of a system whose roughness is not measured.
    output, verdicts : Path
        Limits as NetCDF and verdicts as CSV.
    states : list of Path
        Of fields, one for each entry of `state_temperatures`, those it holds.
    """
    system = SYSTEM.validate_python(job["system"])
    if exponents is None:
        found = events.integrated(budgets, job["margins"]["level"])
        write_dataset(found, output, job, __name__)
        write_table(table(events.verdicts(job, found)), verdicts)
        return
    gathered = gather(budgets, job["temperatures"])
    athermal = gathered[0][1]
    onset = system.onset if isinstance(system, GlassSystem) else None
    dataset = integrate(gathered, system.dimension, onset)
    for name in ("flux_norm", "product_norm", "force_gradient_norm", APPROACH, *_maps(athermal)):
        if name in athermal:
            dataset[name] = athermal[name]
    level = job["margins"]["level"]
    if isinstance(system, GlassSystem) and "relaxation" in job:
        dataset = dataset.merge(decay(athermal, system.number, job["relaxation"], level))
    elif not isinstance(system, SyntheticSystem) and _limited(gathered):
        dataset = dataset.merge(iterated_limits(dataset, level, system))
        if system.evolves and system.deterministic:
            dataset = dataset.merge(joint(dataset, level, system.extrapolates_cold))
    if states:
        each = places(list(states), job["state_temperatures"])
        dataset = dataset.merge(_of_states(each, system, dataset, level))
    if system.evolves:
        dataset = dataset.merge(scales(dataset, level, system.deterministic))
    rows = checks(job, system, dataset, read_dataset(exponents, "raw"))
    write_dataset(dataset, output, job, __name__)
    write_table(table(rows), verdicts)


def _of_states(
    states: list[Place], system: System, integrated: xr.Dataset, level: float
) -> xr.Dataset:
    """What the densities themselves say: how they come together, and what they must dissipate."""
    kernel, ells = str(integrated["kernel"].values[0]), integrated["ell"].values.tolist()
    found = convergence(states, system, kernel, ells, level)
    return found.merge(exact_dissipation(system, states[0]))


def _limited(gathered: list[tuple[float, xr.Dataset]]) -> bool:
    """Whether there are T = 0 and temperatures enough above it, as a trajectory may lack."""
    return gathered[0][0] == 0.0 and len(gathered) > POINTS


def _maps(budget: xr.Dataset) -> list[str]:
    return [str(name) for name in budget.data_vars if "_map_" in str(name)]


def iterated_limits(integrated: xr.Dataset, level: float, system: System) -> xr.Dataset:
    """A, B, and the parts of which they are made, for every kernel and φ.

    A = lim_ℓ (W_ℓ + Q^flux_ℓ) at T = 0;  B = lim_T (W + Q^thermal) at ℓ = 0; both with the work of
    external forces, where there are any;
    H = lim_ℓ W_ℓ(T=0) - lim_T W(T), so that lim Q^thermal = H + lim Q^flux + (B - A).
    The Itô source of particles counts with Q^thermal, whose one-particle part it cancels; their A
    and B are taken from the stress of the bonds.
    """
    kernels, functions = integrated["kernel"].values, integrated["phi"].values
    table = np.full((len(QUANTITIES), len(kernels), len(functions), len(ENDS)), np.nan)
    for k, kernel in enumerate(kernels):
        for f, function in enumerate(functions):
            limits = _Limits(integrated.sel(kernel=kernel, phi=function), level, system)
            for q, limit in enumerate(limits.all()):
                table[q, k, f] = written(limit)
    values = variable(
        ("quantity", "kernel", "phi", "end"),
        table,
        str(integrated["source"].attrs["units"]),
        "limits",
        "Eqs. 47, 48",
    )
    return xr.Dataset({"limit": values}, coords={"quantity": list(QUANTITIES), "end": list(ENDS)})


class _Limits:
    """The limits of one model for one kernel and one φ."""

    def __init__(self, chosen: xr.Dataset, level: float, system: System) -> None:
        self._chosen = chosen
        self._level = level
        self._system = system

    def all(self) -> list[Limit]:
        """In the order of `QUANTITIES`."""
        return self._of_particles() if self._system.particles else self._of_fields()

    def _of_fields(self) -> list[Limit]:
        """The fine-grained balance exists, at ℓ = 0."""
        names = "Q_flux", "W", "W+Q_flux+N_ni+N_flux"
        flux, resolved, a = (self._in_ell(name) for name in names)
        fine, names = self._warm.sel(ell=0.0), ("Q_thermal", "W", "W+Q_thermal+N_ni")
        thermal, w, b = (self._in_temperature(term(fine, name)) for name in names)
        return [a, b, thermal, flux, resolved, w, _across(resolved, w), _across(a, b)]

    def _of_particles(self) -> list[Limit]:
        """At ℓ → 0 smeared stress is that of the bonds, whose change is A and B by closure.

        Both start from one state, so that their difference is taken in every realisation. What
        is resolved for ℓ → 0 is all of W_ℓ + Q^flux_ℓ, at T > 0 as at T = 0. The flux being zero
        by theorem, H = lim Q^thermal + (A - B).
        """
        flux, resolved = self._in_ell("Q_flux"), self._in_ell("W")
        thermal, w = self._in_both("Q_thermal+Ito"), self._in_both("W+Q_flux")
        athermal = self._chosen["change"].sel(ell=0.0).isel(temperature=0)
        warm = self._warm["change"].sel(ell=0.0)
        mean = interval(athermal.values, self._level)
        value, half = float(mean.value), float(mean.half_width)
        a = Limit.around(value, half, 0.0, (0.0, 0.0), athermal.size)
        b, difference = self._in_temperature(warm), self._in_temperature(athermal - warm)
        return [a, b, thermal, flux, resolved, w, thermal.plus(difference), difference]

    @property
    def _warm(self) -> xr.Dataset:
        return self._chosen.isel(temperature=slice(1, None))

    def _in_ell(self, name: str) -> Limit:
        """lim ℓ → 0 at T = 0."""
        athermal = term(self._chosen, name).isel(temperature=0)
        return limit_in_ell(athermal, self._level, self._system)

    def _in_temperature(self, y: xr.DataArray) -> Limit:
        """lim T → 0 of y(T, realisation)."""
        x, values = y["temperature"].values, y.transpose("realisation", "temperature").values
        limit = extrapolate(x, values, self._level, self._system.deterministic)
        return believed(limit, self._system.extrapolates_cold)

    def _in_both(self, name: str) -> Limit:
        """lim T → 0 of lim ℓ → 0."""
        warm = term(self._warm, name)
        known = warm.sel(ell=warm["ell"] > 0.0).dropna("ell")
        if known.sizes["ell"] < POINTS:
            return limit_in_ell(warm.isel(temperature=0), self._level, self._system)
        ell = known["ell"].values
        fine = xr.apply_ufunc(
            lambda y: quadratic_limits(ell, y), known, input_core_dims=[["ell"]]
        ).transpose("temperature", "realisation")
        every = known.transpose("temperature", "realisation", "ell").values
        errors = [
            self._beyond(ell, values, float(quadratic))
            for values, quadratic in zip(every[:POINTS], fine.mean("realisation"), strict=False)
        ]
        # What the limits in ℓ leave open has the same form at every T.
        open_ = inherited(known["temperature"].values, np.array(errors))
        return self._in_temperature(fine).widened(open_)

    def _beyond(self, ell: Real, values: Real, quadratic: float) -> float:
        """How far the limit in ℓ may lie from the quadratic one, scatter apart."""
        limit = extrapolate(ell, values, self._level, self._system.deterministic)
        return (
            abs(limit.value - quadratic)
            + believed(limit, self._system.extrapolates_below).systematic
        )


def _across(in_ell: Limit, in_temperature: Limit) -> Limit:
    """A limit in ℓ less one in T, with the window of the latter: no range holds both."""
    window = in_temperature.fit_low, in_temperature.fit_high
    return replace(in_ell.minus(in_temperature), fit_low=window[0], fit_high=window[1])


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
            table[t, f] = written(limit)
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
