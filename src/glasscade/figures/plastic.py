"""Figures of quasistatic shear: its curve, its events, and their stress drops by scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.coarse import KERNELS
from glasscade.figures.data import Estimate, Results, estimate
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    DIVERGING,
    ELL,
    FAMILY,
    GREY,
    LINES,
    MARGIN,
    MARKERS,
    SEQUENTIAL,
    Colour,
    Look,
    Quantity,
    ladder,
    log_decades,
    log_with_zero,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]

STRAIN = Quantity("strain [1]", r"strain $\gamma$")
STRESS = Quantity("sigma_xy/|Omega| [V0 l0^-d]", r"$\sigma_{xy}/|\Omega|$", r"$V_0\,\ell_0^{-d}$")
ENERGY_DROP = Quantity("energy lost [V0]", r"energy lost $-\Delta E$", "$V_0$")
STRESS_DROP = Quantity("|stress drop| [V0]", r"stress drop $|\Delta\sigma_{xy}|$", "$V_0$")
PARTICIPATION = Quantity("participation [1]", "participation of displacements")
RESOLVED = Quantity("R [1]", r"$R(\ell)=\Delta\sigma_{xy,\ell}\,/\,\Delta\sigma_{xy,\ell\to0}$")
SHARE = Quantity(
    "|Q_flux/(W + Q_flux)| [1]",
    r"$|Q^\mathrm{flux}_\ell\,/\,(W_\ell+Q^\mathrm{flux}_\ell)|_{xy}$",
)
RESIDUAL = Quantity("residual/largest drop [1]", r"residual$\,/\max_\ell|\Delta\sigma_{xy,\ell}|$")
SCALE = Quantity("l_half [l0]", r"$\ell_{1/2}$", r"$\ell_0$")
X = Quantity("x - gamma y [l0]", r"$x-\gamma y$", r"$\ell_0$")
Y = Quantity("y [l0]", "$y$", r"$\ell_0$")
D2_MIN = Quantity("D2_min [l0^2]", r"$D^2_\mathrm{min}$", r"$\ell_0^2$")
MAP = Quantity(
    "Q_flux_xy [mu V0^2 l0^-4]", r"$Q^\mathrm{flux}_{\ell,xy}$", r"$\mu V_0^2\,\ell_0^{-4}$"
)


def shear(results: Results) -> Drawn:
    """σ_xy and energy against strain with all events, and how large the events are."""
    sheet = Sheet(2, 2, 5.6)
    known = results.limits
    _curve(results, sheet.panel(sheet.axes[0], "stress against strain", STRAIN, STRESS))
    panel = sheet.panel(sheet.axes[1], "stress and energy of events", ENERGY_DROP, STRESS_DROP)
    _each(panel, known["energy_drop"].values, np.abs(_drop(known)), _looks(known))
    log_decades(panel.axes, "x")
    log_decades(panel.axes, "y")
    panel = sheet.panel(sheet.axes[2], "reach of events", ENERGY_DROP, PARTICIPATION)
    _each(panel, known["energy_drop"].values, known["participation"].values, _looks(known))
    log_decades(panel.axes, "x")
    panel.axes.set_ylim(0.0, 1.0)
    panel = sheet.panel(sheet.axes[3], "scale of each stress drop", STRESS_DROP, SCALE)
    single = known["event_scale"].sel(scale_part="value").values
    _each(panel, np.abs(_drop(known)), single, _looks(known))
    log_decades(panel.axes, "x")
    panel.axes.set_ylim(bottom=0.0)
    sheet.legend_below(sheet.axes[0])
    return sheet.finish()


def events(results: Results) -> Drawn:
    """R(ℓ) of every event, by both kernels on average, the share of the flux, and the residual."""
    sheet = Sheet(2, 2, 5.8)
    known = results.limits
    fraction = known["resolved_fraction"].sel(component="xy")
    fraction = fraction.sel(resolved_ell=known["resolved_ell"] > 0.0)
    panel = sheet.panel(sheet.axes[0], "resolved fraction of each event", ELL, RESOLVED)
    _by_scale(panel, known, fraction.isel(kernel=0), "resolved_ell")
    panel.level("x = 0.5", fraction["resolved_ell"].values, 0.5, Look(GREY, line=":"))
    panel = sheet.panel(sheet.axes[1], "mean over events by kernel", ELL, RESOLVED)
    _by_kernel(panel, results, fraction)
    sheet.axes[1].legend()
    panel = sheet.panel(sheet.axes[2], "share of the flux when fastest", ELL, SHARE)
    _shares(panel, known)
    panel = sheet.panel(sheet.axes[3], "closure of each stress drop", ELL, RESIDUAL)
    _closure(panel, results)
    sheet.legend_below(sheet.axes[0])
    return sheet.finish()


def event_map(results: Results) -> Drawn:
    """D²_min of the largest event beside the flux between scales when it is fastest."""
    sheet = Sheet(1, 2, 3.0)
    known = results.limits
    event = int(known["event_map_event"])
    chosen = known.isel(event=event)
    fractional = np.linalg.inv(chosen["cell"].values) @ chosen["start"].values.T
    side = results.length
    places = side * (fractional - np.floor(fractional))
    panel = sheet.panel(sheet.axes[0], f"event {event + 1}", X, Y)
    panel.cloud(places[0], places[1], chosen["d2_min"].values, D2_MIN, cmap=SEQUENTIAL)
    centre = side * np.linalg.inv(chosen["cell"].values) @ chosen["centre"].values
    look = Look(BLACK, "P", "none", hollow=True)
    panel.points("centre", centre[:1], Estimate.exact(centre[1:2]), look)
    _frame(panel, side)
    values = known["event_map"].values
    ell = number(float(known["event_map_ell"]))
    panel = sheet.panel(sheet.axes[1], f"flux between scales, ℓ = {ell}", X, Y)
    steps = [np.arange(n) * side / n for n in values.shape]
    half = [0.5 * side / n for n in values.shape]
    largest = float(np.max(np.abs(values)))
    panel.image(
        Estimate.exact(values.T),
        MAP,
        steps[0],
        steps[1],
        extent=(-half[0], side - half[0], -half[1], side - half[1]),
        cmap=DIVERGING,
        vmin=-largest,
        vmax=largest,
    )
    _frame(panel, side)
    return sheet.finish()


def _frame(panel: Panel, side: float) -> None:
    panel.axes.set_aspect("equal")
    panel.axes.set_xlim(0.0, side)
    panel.axes.set_ylim(0.0, side)


def _drop(known: xr.Dataset) -> Real:
    return np.asarray(known["stress_drop"].isel(i=0, j=1).values)


def _colours(known: xr.Dataset) -> list[Colour]:
    """From dark to light by energy."""
    order = np.argsort(np.argsort(-known["energy_drop"].values))
    colours = ladder(np.arange(1.0, order.size + 1.0))
    return [colours[int(rank)] for rank in order]


def _looks(known: xr.Dataset) -> list[Look]:
    return [
        Look(colour, MARKERS[event % len(MARKERS)]) for event, colour in enumerate(_colours(known))
    ]


def _curve(results: Results, panel: Panel) -> None:
    """A line for every realisation; events are marked at their upper ends."""
    known, volume = results.limits, results.length ** results.limits.sizes["i"]
    labels = known["curve_realisation"].values
    for n, realisation in enumerate(np.unique(labels)):
        mine = known.isel(state=np.flatnonzero(labels == realisation))
        stress = mine["curve_stress"].isel(i=0, j=1).values / volume
        look = Look(GREY, line=LINES[n % len(LINES)])
        panel.curve(
            f"realisation {int(realisation)}",
            mine["curve_strain"].values,
            Estimate.exact(stress),
            look,
            f"realisation {int(realisation)}",
        )
    for event, look in enumerate(_looks(known)):
        row = known.isel(event=event)
        mine = known["curve_realisation"].values == int(row["realisation"])
        at = np.flatnonzero(mine & (known["curve_strain"].values == float(row["strain"])))[0]
        begins = float(known["curve_stress"].isel(state=at, i=0, j=1)) / volume
        name = f"event {event + 1}"
        panel.points(name, [float(row["strain"])], Estimate.exact([begins]), look, name)


def _each(panel: Panel, x: Real, y: Real, looks: list[Look]) -> None:
    """One point for every event."""
    for event, look in enumerate(looks):
        panel.points(f"event {event + 1}", x[event : event + 1], Estimate.exact(y[[event]]), look)


def _by_scale(panel: Panel, known: xr.Dataset, values: xr.DataArray, along: str) -> None:
    """A line for every event."""
    ells = values[along].values
    panel.place = log_with_zero(panel.axes, ells)
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for event, look in enumerate(_looks(known)):
        name = f"event {event + 1}"
        row = values.isel(event=event).transpose(along).values
        panel.points(name, ells, Estimate.exact(row), look, name)


def _shares(panel: Panel, known: xr.Dataset) -> None:
    """The size of the share of every event, hollow where the flux opposes the change of stress."""
    share = known["flux_share"].transpose("event", "ell")
    ells = share["ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    panel.axes.set_yscale("log")
    for event, look in enumerate(_looks(known)):
        values = share.isel(event=event).values
        for sign in (1.0, -1.0):
            chosen = np.sign(values) == sign
            marked = replace(look, hollow=sign < 0.0, line="none")
            name = f"event {event + 1}" + (", opposing" if sign < 0.0 else "")
            if chosen.any():
                panel.points(name, ells[chosen], Estimate.exact(np.abs(values[chosen])), marked)
    panel.level("1", ells, 1.0, Look(GREY, line=":"))


def _by_kernel(panel: Panel, results: Results, fraction: xr.DataArray) -> None:
    """The mean over events with its interval, for every kernel."""
    ells = fraction["resolved_ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for k, kernel in enumerate(fraction["kernel"].values):
        rows = fraction.isel(kernel=k).transpose("event", "resolved_ell").values
        look = Look(FAMILY[k], MARKERS[k])
        mean = estimate(rows, results.level)
        panel.points(str(kernel), ells, mean, look, KERNELS[str(kernel)].label)


def _closure(panel: Panel, results: Results) -> None:
    """The residual of every event with the error of its time integral, and the margin."""
    known = results.limits.sel(component="xy")
    ells = known["ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    margin = max(row.tolerance for row in results.rows("closure").values())
    panel.axes.axhspan(-margin, margin, color=MARGIN, linewidth=0)
    for event, look in enumerate(_looks(known)):
        row = known.isel(event=event)
        size = float(abs(row["change"]).max())
        value, error = (row[name].values / size for name in ("residual", "quadrature_error"))
        panel.points(
            f"event {event + 1}", ells, Estimate(value, value - error, value + error), look
        )
