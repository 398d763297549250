"""Figures of the iterated limits and of their independence of the kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from glasscade.coarse import KERNELS
from glasscade.figures.budgets import amount, compress, thermal_amount, unit
from glasscade.figures.data import Estimate, Results, one, thermal, without_self_pairs
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    ELL,
    FAMILY,
    GREY,
    MARGIN,
    MARKERS,
    ROW,
    SMALL,
    TEMPERATURE,
    TERM_LABEL,
    WINDOW,
    Look,
    Quantity,
    log_with_zero,
)
from glasscade.limits.extrapolation import ACROSS
from glasscade.limits.verdicts import Verdict
from glasscade.paths import number

QUANTITIES = {
    "A": "$A$",
    "B": "$B$",
    "A_minus_B": "$A-B$",
    "lim_Q_thermal": r"$\lim Q^\mathrm{thermal}$",
    "lim_Q_flux": r"$\lim Q^\mathrm{flux}_\ell$",
    "H": "$H$",
}


BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
"""Of a note that may lie on a line."""
BY_THEOREM = "_zero_by_theorem"
"""How quantities end that are not measured but known."""


def limits(results: Results) -> Drawn:
    """The iterated limits, their distance from the reference, and two of the extrapolations."""
    sheet = Sheet(2, 2, 5.9)
    plain, of_axis = unit(results)
    value = Quantity(f"limit [{plain}]", "limit", of_axis)
    distance = Quantity("(limit - reference)/margin [1]", "(limit − reference) / margin")
    flux = amount(results, "Q_flux", TERM_LABEL["Q_flux"])
    axes = sheet.axes
    _values(results, sheet.panel(axes[0], "iterated limits", value, ROW))
    _distances(results, sheet.panel(axes[1], "distance from the reference", distance, ROW))
    _thermal(results, sheet, axes[2])
    _flux(results, sheet.panel(axes[3], "T = 0: extrapolation to ℓ = 0", ELL, flux))
    sheet.legend_below(axes[0], axes[2], columns=3)
    return sheet.finish()


def _references(results: Results) -> dict[str, Verdict]:
    """Reference and margin of every limit that has a verdict."""
    rows = {**results.rows("commutation"), **results.rows("control")}
    return {quantity.removesuffix(BY_THEOREM): row for quantity, row in rows.items()}


def _limit(results: Results, quantity: str, kernel: int) -> Estimate:
    """A limit with its interval; unknown without one, since it then decides nothing."""
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    parts = [row.sel(end=end).values[np.newaxis] for end in ("value", "low", "high")]
    return Estimate(*(np.where(np.isfinite(parts).all(axis=0), part, np.nan) for part in parts))


def _window(results: Results, quantity: str, kernel: int) -> tuple[float, float]:
    """The range over which a limit was extrapolated."""
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    return float(row.sel(end="fit_low")), float(row.sel(end="fit_high"))


def _look(kernel: int) -> Look:
    return Look(FAMILY[kernel], MARKERS[kernel], "none")


def _look_of_limit(results: Results, quantity: str, kernel: int) -> Look:
    """Hollow where a kernel resolves too few of the scales from which the first takes its limit."""
    behind = ("A", quantity) if quantity in ACROSS else (quantity,)
    same = all(_window(results, name, kernel) == _window(results, name, 0) for name in behind)
    return replace(_look(kernel), hollow=not same)


def _rows(panel: Panel) -> None:
    """One row for every limit, from top to bottom."""
    panel.axes.set_yticks(range(len(QUANTITIES)), list(QUANTITIES.values()))
    panel.axes.set_ylim(len(QUANTITIES) - 0.5, -0.5)
    panel.axes.xaxis.set_major_locator(MaxNLocator(5))
    panel.axes.axvline(0.0, color=GREY, linewidth=0.6)
    for edge in range(1, len(QUANTITIES)):
        panel.axes.axhline(edge - 0.5, color="0.9", linewidth=0.6)


def _offset(results: Results, kernel: int) -> float:
    """Kernels lie side by side within a row."""
    return 0.24 * (kernel - 0.5 * (len(results.kernels) - 1))


def _mark_unknown(results: Results, panel: Panel, quantity: str, row: int) -> None:
    """Say so where no kernel gives a limit with an interval."""
    known = [_limit(results, quantity, k).value for k in range(len(results.kernels))]
    if not np.isfinite(known).any():
        place = panel.axes.get_yaxis_transform()
        verdict = _references(results).get(quantity)
        by_theorem = verdict is not None and verdict.quantity.endswith(BY_THEOREM)
        text = "zero by theorem" if by_theorem else "not decided by these scales"
        note = panel.axes.text(0.98, row, text, transform=place, ha="right", va="center")
        note.set(fontsize=SMALL, color=GREY, bbox=BEHIND)


def _values(results: Results, panel: Panel) -> None:
    _rows(panel)
    references = _references(results)
    for k, kernel in enumerate(results.kernels):
        panel.axes.plot([], [], linestyle="none", label=KERNELS[kernel].label, **_look(k).markers)
    for row, quantity in enumerate(QUANTITIES):
        if quantity in references:
            label = "reference" if quantity == "A_minus_B" else ""
            panel.bar(f"reference of {quantity}", references[quantity].reference, row, label)
        _mark_unknown(results, panel, quantity, row)
        for k, kernel in enumerate(results.kernels):
            limit, place = _limit(results, quantity, k), row + _offset(results, k)
            look = _look_of_limit(results, quantity, k)
            panel.across(f"{quantity}, {kernel}", limit, place, look)


def _distances(results: Results, panel: Panel) -> None:
    """The equivalence test: an interval inside ±1 holds, outside is violated."""
    panel.axes.axvspan(-1.0, 1.0, color=MARGIN, linewidth=0)
    _rows(panel)
    references = _references(results)
    for row, quantity in enumerate(QUANTITIES):
        if quantity not in references:
            panel.axes.text(0.04, row, "no reference", va="center", fontsize=SMALL, color=GREY)
            continue
        _mark_unknown(results, panel, quantity, row)
        reference, margin = references[quantity].reference, references[quantity].tolerance
        for k, kernel in enumerate(results.kernels):
            parts = ((part - reference) / margin for part in _limit(results, quantity, k).parts)
            place = row + _offset(results, k)
            look = _look_of_limit(results, quantity, k)
            panel.across(f"{quantity}, {kernel}", Estimate(*parts), place, look)
    low, high = panel.axes.get_xlim()
    panel.axes.set_xlim(min(low, -1.3), max(high, 1.3))


def _thermal(results: Results, sheet: Sheet, axes: Axes) -> None:
    """The thermal term of every T at the smallest ℓ at which it is known, and its limit."""
    warm = results.limits.isel(temperature=results.temperatures > 0.0)
    finest = thermal(warm).dropna("ell", how="all").isel(ell=0)
    title = f"ℓ = {number(float(finest['ell']))}: extrapolation to T = 0"
    panel = sheet.panel(axes, title, TEMPERATURE, thermal_amount(results))
    _extrapolation(results, panel, finest, "lim_Q_thermal")


def _flux(results: Results, panel: Panel) -> None:
    """Q_flux(ℓ) at T = 0 and what it tends to."""
    athermal = one(without_self_pairs(results.limits)).sel(term="Q_flux").isel(temperature=0)
    _extrapolation(results, panel, athermal.isel(ell=results.ells > 0.0), "lim_Q_flux")


def _extrapolation(results: Results, panel: Panel, values: xr.DataArray, quantity: str) -> None:
    """Points, the window of the fit, the limit at zero and its reference, first kernel."""
    low, high = _window(results, quantity, 0)
    if not np.isfinite(high):
        panel.axes.text(0.5, 0.5, "no limit", transform=panel.axes.transAxes, ha="center")
        return
    along = next(str(dim) for dim in values.dims if dim != "realisation")
    with_zero = np.append(0.0, values[along].values)
    panel.place = log_with_zero(panel.axes, with_zero)
    if quantity in (references := _references(results)):
        reference = references[quantity].reference
        panel.level("reference", with_zero, reference, Look(GREY))
    panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, label="window of the fit", zorder=0)
    name, look = quantity.removeprefix("lim_"), _look(0)
    panel.points(name, with_zero[1:], results.mean(values), look)
    limit = _limit(results, quantity, 0)
    panel.points(f"limit of {name}", [0.0], limit, replace(look, hollow=True), "extrapolated")


def kernels(results: Results) -> Drawn:
    """W_ℓ and Q_flux at T = 0 against ℓ for every kernel, and how far kernels disagree."""
    sheet = Sheet(1, 2, 3.9)
    cold = without_self_pairs(results.limits).sel(phi="one").isel(temperature=0)
    term = amount(results, "term", "term")
    value = sheet.panel(sheet.axes[0], "terms at T = 0 by kernel", ELL, term)
    value.place = log_with_zero(value.axes, results.ells)
    value.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for k, kernel in enumerate(results.kernels):
        for name, line in (("Q_flux", "-"), ("W", ":")):
            mean = results.mean(cold.isel(kernel=k).sel(term=name))
            look = Look(FAMILY[k], MARKERS[k], line, hollow=name == "W")
            label = f"{TERM_LABEL[name]}, {KERNELS[kernel].label}"
            value.points(f"{name}, {kernel}", results.ells, mean, look, label)
    compress(results, value.axes)
    size = amount(results, "difference of Q_flux", "difference of flux", size=True)
    title = f"flux by kernel minus {KERNELS[results.kernels[0]].label}"
    _kernel_differences(results, sheet.panel(sheet.axes[1], title, ELL, size), cold)
    sheet.legend_below(*sheet.axes, columns=4)
    return sheet.finish()


def _kernel_differences(results: Results, panel: Panel, cold: xr.DataArray) -> None:
    """|Q_flux by another kernel - Q_flux by the first|, and the margin of its limit."""
    positive = results.ells[results.ells > 0.0]
    panel.place = log_with_zero(panel.axes, positive)
    flux = cold.sel(term="Q_flux", ell=positive)
    for k, kernel in enumerate(results.kernels[1:], start=1):
        difference = results.mean(flux.isel(kernel=k) - flux.isel(kernel=0)).magnitude
        look = Look(FAMILY[k], MARKERS[k])
        panel.points(f"{kernel} - {results.kernels[0]}", positive, difference, look)
    margins = [row.tolerance for row in results.rows("kernel_independence").values()]
    if margins:
        label = "margin of the limit"
        panel.level("margin", positive, margins[0], Look(GREY, line="--"), label)
    panel.axes.set_yscale("log", nonpositive="clip")
