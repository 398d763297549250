"""Stress drops of plastic events by scale: their balance, its time integral, what is resolved.

An event has no temperature and no limit: at the scale ℓ it changes the stress by

    Δσ_ℓ = ∫ (W_ℓ + Q^flux_ℓ) dt,

at fixed strain, and R(ℓ) = Δσ_ℓ/Δσ_{ℓ→0} is the fraction that is resolved. Two components
are followed, σ_xy, which shear builds up and events release, and the isotropic part tr σ/d.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import RATE, variable
from glasscade.analysis.balance import Reduction
from glasscade.analysis.balance import balances as balances_of
from glasscade.analysis.maps import maps as maps_of
from glasscade.analysis.snapshots import Snapshots
from glasscade.budget.events import integral
from glasscade.budget.operator import full_tensor
from glasscade.io import read_dataset
from glasscade.limits.dissipation_scale import crossing
from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import Outcome, Verdict, equal
from glasscade.regularity.fits import jackknife

Real = npt.NDArray[np.float64]

COMPONENTS = ("xy", "isotropic")
ENDS = ("value", "low", "high", "statistical", "systematic")
"""What is kept of ℓ_½ over events: fields of `Limit`."""
_ENDS = (0, -1)
_HALF = 0.5


def reduced(
    reduction: Reduction,
    state: xr.Dataset,
    ells: list[float],
    balance_from: float,
    map_ells: list[float],
) -> xr.Dataset:
    """Balances of every output at the larger scales, by the first kernel; stress at both ends.

    With them goes the whole catalogue, without positions.
    """
    # Snapshots differ in event and output alone.
    points = state[["position", "species", "cell"]].drop_vars("realisation")
    series = Snapshots(points, reduction.mixture)
    first = Reduction(
        reduction.mixture,
        reduction.cell,
        0.0,
        reduction.kernels[:1],
        reduction.functions,
        most=reduction.most,
        particles=True,
    )
    catalogue = state.drop_vars("position")
    catalogue["start"] = state["position"].isel(output=0)
    parts = [catalogue, _ends(reduction, series, ells)]
    large = [ell for ell in ells if ell >= balance_from]
    if large:
        names = ["stress", "rate", "source", "transport", "self_pair"]
        found = balances_of(series, first, large).isel(kernel=0, phi=0)
        parts.append(found[names].drop_vars(["kernel", "phi", "equation"]))
    parts += [_map(first, state, ell) for ell in map_ells]
    return xr.merge(parts)


def _ends(reduction: Reduction, series: Snapshots, ells: list[float]) -> xr.Dataset:
    """σ_ℓ before and after every event, for every kernel; at ℓ = 0 that of the bonds."""
    dim, events = reduction.cell.dim, series.shape[0]
    shape = (events, len(_ENDS), len(ells), len(reduction.kernels), dim, dim)
    stress = np.full(shape, np.nan)
    for event in range(events):
        within = reduction.in_cell(series.cell((event, 0)))
        for end, output in enumerate(_ENDS):
            index = (event, output % series.shape[1])
            snapshot = series.at(index, within.most_counts(ells))
            for e, ell in enumerate(ells):
                if ell == 0.0:
                    stress[event, end, e] = within.microscopic_stress(snapshot)[0]
                    continue
                for k, kernel in enumerate(within.kernels):
                    if within.resolves(kernel, ell):
                        found = within.balance(snapshot, kernel, ell).stress
                        stress[event, end, e, k] = full_tensor(found, dim)[0]
    dims = ("event", "end", "resolved_ell", "kernel", "i", "j")
    return xr.Dataset(
        {"end_stress": variable(dims, stress, "V0", "σ^ni_ℓ before and after the event")},
        coords={
            "resolved_ell": ("resolved_ell", ells, {"units": "l0", "long_name": "scale ℓ"}),
            "kernel": list(reduction.kernels),
        },
    )


def _map(reduction: Reduction, state: xr.Dataset, ell: float) -> xr.Dataset:
    """Q^flux_ℓ,xy(x) when the largest event is fastest, less the mean of those at its ends."""
    event = int(np.argmax(state["energy_drop"].values))
    fastest = int(np.argmax(state["speed"].values[event]))
    chosen = state[["position", "species", "cell"]].isel(event=event, output=[0, fastest, -1])
    series = Snapshots(chosen.drop_vars("realisation"), reduction.mixture)
    within = reduction.in_cell(series.cell((0,)))
    source = maps_of(series, within, ell, ("Q_flux",), ("source",))["source"]
    before, during, after = source.isel(term=0, i=0, j=1).values
    dims = tuple(f"map_{axis}" for axis in ("x", "y", "z")[: reduction.cell.dim])
    text = f"Q^flux_ℓ,xy(x) when fastest, less the mean of both ends, ℓ = {ell:g}"
    unit = f"{RATE} l0^-{reduction.cell.dim}"
    return xr.Dataset(
        {
            "event_map": variable(dims, during - 0.5 * (before + after), unit, text, "Eq. 37"),
            "event_map_ell": variable((), ell, "l0", "scale of the map"),
            "event_map_event": variable((), event, "1", "number of the event in its block"),
        }
    )


def integrated(paths: list[Path], level: float) -> xr.Dataset:
    """All events of a model with their integrals, residuals, fractions and scales.

    Parameters
    ----------
    paths : budget files of all blocks and batches of scales
    level : float
        Confidence level over events.
    """
    budget = _gathered([read_dataset(path, "end_stress", finite=False) for path in paths])
    total = _components((budget["source"] + budget["transport"]).sum("term", skipna=False))
    stress = _components(budget["stress"])
    change = stress.isel(output=-1) - stress.isel(output=0)
    dims = ("event", "ell", "component")
    rates = total.transpose(*dims, "output").values
    paths_, speeds = budget["path"].values, budget["speed"].values
    pairs = [integral(r, s, v) for r, s, v in zip(rates, paths_, speeds, strict=True)]
    value, error = (np.array(part) for part in zip(*pairs, strict=True))
    known = change.transpose(*dims).values
    resolved = _resolved(budget)
    single, together = _scales(budget, resolved, level)
    found = xr.Dataset(
        {
            "change": variable(dims, known, "V0", "Δσ^ni_ℓ of the event"),
            "integral": variable(dims, value, "V0", "∫(W_ℓ + Q^flux_ℓ)dt over the event"),
            "residual": variable(dims, known - value, "V0", "the former minus the latter"),
            "quadrature_error": variable(dims, error, "V0", "estimated error of ∫dt"),
            "algebraic_residual": variable(
                ("event", "ell"), _algebraic(budget), "1", "largest relative residual at one time"
            ),
            "flux_share": variable(
                ("event", "ell"),
                _share(budget),
                "1",
                "Q^flux_ℓ/(W_ℓ + Q^flux_ℓ), xy, when fastest",
            ),
            "resolved_fraction": resolved,
            "event_scale": variable(
                ("event", "scale_part"), single, "l0", "ℓ_½ of each event, and what spacing leaves"
            ),
            "scale": variable(
                ("scale_end",),
                [getattr(together, end) for end in ENDS],
                "l0",
                "ℓ_½ of the stress drops of all events together",
            ),
        },
        coords={
            "component": list(COMPONENTS),
            "scale_part": ["value", "spacing"],
            "scale_end": list(ENDS),
        },
    )
    large = ["stress", "rate", "source", "transport", "self_pair"]
    return xr.merge([budget.drop_vars(large), found])


def _gathered(parts: list[xr.Dataset]) -> xr.Dataset:
    """One dataset of all events from the files of all blocks and batches of scales."""
    blocks: dict[int, list[xr.Dataset]] = {}
    for part in parts:
        blocks.setdefault(int(part["realisation"].min()), []).append(part)
    joined = [_of_block(blocks[first]) for first in sorted(blocks)]
    if len(joined) == 1:
        return joined[0]
    along = ("event", "state")
    pieces = []
    for dim in along:
        chosen = [
            block[[str(name) for name in block.data_vars if dim in block[name].dims]]
            for block in joined
        ]
        pieces.append(xr.concat(chosen, dim=dim, join="exact"))
    same = [name for name in joined[0].data_vars if not set(along) & set(joined[0][name].dims)]
    return xr.merge([*pieces, joined[0][same]])


def _of_block(parts: list[xr.Dataset]) -> xr.Dataset:
    """Batches of scales side by side; all else is the same in each, but for the map."""
    pieces = []
    for dim in ("ell", "resolved_ell"):
        having = [part for part in parts if dim in part.dims]
        chosen = [
            part[[str(name) for name in part.data_vars if dim in part[name].dims]]
            for part in having
        ]
        pieces.append(xr.concat(chosen, dim=dim, join="exact").sortby(dim))
    rest = [part.drop_dims(["ell", "resolved_ell"], errors="ignore") for part in parts]
    return xr.merge([*pieces, *rest], compat="no_conflicts")


def _components(tensor: xr.DataArray) -> xr.DataArray:
    """xy and the isotropic part of the last two dimensions."""
    dim = tensor.sizes["i"]
    isotropic = sum(tensor.isel(i=axis, j=axis) for axis in range(dim)) / dim
    assert isinstance(isotropic, xr.DataArray)
    return xr.concat([tensor.isel(i=0, j=1), isotropic], dim="component")


def _algebraic(budget: xr.Dataset) -> Real:
    """Largest residual of the balance at one output, relative to its largest part."""
    total = (budget["source"] + budget["transport"]).sum("term", skipna=False)
    residual = abs(budget["rate"] - total).max(["output", "i", "j"])
    largest = abs(budget["source"]).max(["output", "term", "i", "j"])
    return np.asarray((residual / largest).transpose("event", "ell").values)


def _share(budget: xr.Dataset) -> Real:
    """The part of Q^flux in the change of σ_xy at the output where each event is fastest.

    Without self-pairs, as everywhere.
    """
    both = (budget["source"] + budget["transport"]).isel(i=0, j=1)
    flux = both.sel(term="Q_flux") + budget["self_pair"].isel(i=0, j=1)
    share = flux / both.sel(term=["W", "Q_flux"]).sum("term", skipna=False)
    fastest = budget["speed"].argmax("output")
    return np.asarray(share.isel(output=fastest).transpose("event", "ell").values)


def _resolved(budget: xr.Dataset) -> xr.Variable:
    """R(ℓ) of every event, kernel and component, at the scales above zero."""
    ends = _components(budget["end_stress"])
    drop = ends.isel(end=1) - ends.isel(end=0)
    bare = drop.sel(resolved_ell=0.0)
    dims = ("event", "kernel", "component", "resolved_ell")
    # At ℓ = 0 it is 1 by definition, and kept so that arrays have one set of scales.
    values = (drop / bare).transpose(*dims).values
    return variable(dims, values, "1", "R(ℓ) = Δσ^ni_ℓ / Δσ^ni(ℓ→0)")


def _scales(budget: xr.Dataset, resolved: xr.Variable, level: float) -> tuple[Real, Limit]:
    """ℓ_½ of σ_xy by the first kernel: of each event, and of all stress drops together.

    The latter is where Σ Δσ_ℓ falls through half of Σ Δσ_{ℓ→0}, both over events, with what the
    jackknife over events and the spacing of ℓ leave open; without an interval if it does not.
    """
    ells = budget["resolved_ell"].values
    known = ells > 0.0
    rows = resolved.isel(kernel=0, component=0).values
    single = np.array([crossing(ells[known], row[known], _HALF) for row in rows])
    ends = _components(budget["end_stress"]).isel(component=0, kernel=0)
    change = ends.isel(end=1) - ends.isel(end=0)
    drops = change.transpose("event", "resolved_ell").values

    def pooled(chosen: Real) -> tuple[float, float]:
        total = np.sum(chosen, axis=0)
        return crossing(ells[known], total[known] / total[~known], _HALF)

    value, spacing = pooled(drops)
    scatter = np.nan
    if len(drops) > 1:
        scatter = float(jackknife(lambda chosen: pooled(chosen)[0], drops, level))
    window = float(ells[known][0]), float(ells[known][-1])
    return single, Limit.around(value, scatter, spacing, window, len(drops))


def verdicts(job: dict[str, Any], events: xr.Dataset) -> list[Verdict]:
    """Closure at one time and of the stress drop of every event, energy, and ℓ_½ over events."""
    margins, count = job["margins"], events.sizes["event"]
    ells = events["ell"].values
    window = float(ells[0]), float(ells[-1])

    def row(check: str, quantity: str, limit: Limit, reference: float, tolerance: float) -> Verdict:
        outcome = equal(limit, reference, tolerance)
        return Verdict.of(job["model"], check, quantity, limit, reference, tolerance, outcome)

    instantaneous = Limit.around(float(events["algebraic_residual"].max()), 0.0, 0.0, window, count)
    rows = [row("closure", "instantaneous", instantaneous, 0.0, margins["closure"])]
    for event in range(count):
        limit = _closure(events.isel(event=event), window)
        margin = margins["closure_particles"]
        rows.append(row("closure", f"stress_drop_event{event + 1}", limit, 0.0, margin))
    lost = events["energy_drop"]
    defect = float((abs(events["dissipated"].isel(output=-1) - lost) / lost).max())
    energy = Limit.around(defect, 0.0, 0.0, (np.nan, np.nan), count)
    rows.append(row("closure", "energy_drop", energy, 0.0, margins["closure_particles"]))
    ends = dict(zip(ENDS, map(float, events["scale"].values), strict=True))
    positive = events["resolved_ell"].values[events["resolved_ell"].values > 0.0]
    half = Limit(
        **ends, fit_low=float(positive[0]), fit_high=float(positive[-1]), realisations=count
    )
    outcome: Outcome = "holds" if np.isfinite(half.half_width) else "inconclusive"
    model = job["model"]
    rows.append(
        Verdict.of(model, "dissipation_scale", "ell_half_T0", half, np.nan, np.nan, outcome)
    )
    return rows


def _closure(event: xr.Dataset, window: tuple[float, float]) -> Limit:
    """The residual of σ_xy that reaches furthest over scales, relative to its largest drop."""
    shear = event.sel(component="xy")
    size = float(abs(shear["change"]).max())
    residual, error = abs(shear["residual"]).values / size, shear["quadrature_error"].values / size
    worst = int(np.argmax(residual + error))
    return Limit.around(float(residual[worst]), 0.0, float(error[worst]), window, 1)
