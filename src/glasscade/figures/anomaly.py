"""Figures of the iterated limits and of their independence of the kernel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.budgets import amount
from glasscade.figures.data import Estimate, Results, both
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    ELL,
    FAMILY,
    GREY,
    KERNEL_LABEL,
    MARGIN,
    MARKERS,
    ROW,
    SMALL,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    WINDOW,
    Colour,
    Quantity,
    log_with_zero,
)
from glasscade.limits.verdicts import Verdict

Real = npt.NDArray[np.float64]

QUANTITIES = {
    "A": "$A$",
    "B": "$B$",
    "A_minus_B": "$A-B$",
    "lim_Q_thermal": r"$\lim Q^\mathrm{thermal}$",
    "lim_Q_flux": r"$\lim Q^\mathrm{flux}_\ell$",
    "H": "$H$",
}
BEYOND = 2.05
"""How far, in widths of the window, the panel of an extrapolation reaches."""


def limits(results: Results) -> Drawn:
    """The iterated limits, their distance from the reference, and two of the extrapolations."""
    sheet = Sheet(2, 2, 5.9)
    unit = amount(results, "limit", "")
    value = Quantity(unit.name, "limit", unit.unit)
    distance = Quantity("(limit - reference)/margin [1]", "(limit − reference) / margin")
    thermal = amount(results, "Q_thermal", r"$Q^\mathrm{thermal}$")
    flux = amount(results, "Q_flux", TERM_LABEL["Q_flux"])
    axes = sheet.axes
    _values(results, sheet.panel(axes[0], "iterated limits", value, ROW))
    _distances(results, sheet.panel(axes[1], "distance from the reference", distance, ROW))
    _thermal(results, sheet.panel(axes[2], "ℓ = 0: extrapolation to T = 0", TEMPERATURE, thermal))
    _flux(results, sheet.panel(axes[3], "T = 0: extrapolation to ℓ = 0", ELL, flux))
    sheet.legend_below(axes[0], axes[2], columns=6)
    return sheet.finish()


def _references(results: Results) -> dict[str, Verdict]:
    """Reference and margin of every limit that has a verdict."""
    return {**results.rows("commutation"), **results.rows("control")}


def _limit(results: Results, quantity: str, kernel: int) -> Estimate:
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    return Estimate(*(row.sel(end=end).values[np.newaxis] for end in ("value", "low", "high")))


def _rows(panel: Panel) -> None:
    """One row for every limit, from top to bottom."""
    panel.axes.set_yticks(range(len(QUANTITIES)), list(QUANTITIES.values()))
    panel.axes.set_ylim(len(QUANTITIES) - 0.5, -0.5)
    panel.axes.axvline(0.0, color=GREY, linewidth=0.6)
    for edge in range(1, len(QUANTITIES)):
        panel.axes.axhline(edge - 0.5, color="0.9", linewidth=0.6)


def _offset(results: Results, kernel: int) -> float:
    """Kernels lie side by side within a row."""
    return 0.24 * (kernel - 0.5 * (len(results.kernels) - 1))


def _values(results: Results, panel: Panel) -> None:
    _rows(panel)
    references = _references(results)
    for row, quantity in enumerate(QUANTITIES):
        if quantity in references:
            label = "reference" if quantity == "A_minus_B" else None
            panel.bar(f"reference of {quantity}", references[quantity].reference, row, label)
        for k, kernel in enumerate(results.kernels):
            panel.across(
                f"{quantity}, {kernel}",
                _limit(results, quantity, k),
                row + _offset(results, k),
                colour=FAMILY[k],
                marker=MARKERS[k],
                label=KERNEL_LABEL[kernel],
            )


def _distances(results: Results, panel: Panel) -> None:
    """The equivalence test: an interval inside ±1 holds, outside is violated."""
    panel.axes.axvspan(-1.0, 1.0, color=MARGIN, linewidth=0)
    _rows(panel)
    references = _references(results)
    for row, quantity in enumerate(QUANTITIES):
        if quantity not in references:
            panel.axes.text(0.04, row, "no reference", va="center", fontsize=SMALL, color=GREY)
            continue
        reference, margin = references[quantity].reference, references[quantity].tolerance
        for k, kernel in enumerate(results.kernels):
            limit = _limit(results, quantity, k)
            panel.across(
                f"{quantity}, {kernel}",
                Estimate(*((part - reference) / margin for part in limit.parts)),
                row + _offset(results, k),
                colour=FAMILY[k],
                marker=MARKERS[k],
            )
    low, high = panel.axes.get_xlim()
    panel.axes.set_xlim(min(low, -1.3), max(high, 1.3))


def _thermal(results: Results, panel: Panel) -> None:
    """Q_thermal(T) at ℓ = 0 and what it tends to."""
    fine = both(results.limits).sel(term="Q_thermal", phi="one", ell=0.0).isel(kernel=0)
    warm = fine.isel(temperature=results.temperatures > 0.0)
    _extrapolation(
        results, panel, warm, "temperature", "lim_Q_thermal", 0, TERM_COLOUR["Q_thermal"]
    )


def _flux(results: Results, panel: Panel) -> None:
    """Q_flux(ℓ) at T = 0 for every kernel and what it tends to."""
    athermal = both(results.limits).sel(term="Q_flux", phi="one").isel(temperature=0)
    for k in range(len(results.kernels)):
        known = athermal.isel(kernel=k, ell=results.ells > 0.0).dropna("ell")
        _extrapolation(results, panel, known, "ell", "lim_Q_flux", k, FAMILY[k])


def _extrapolation(
    results: Results,
    panel: Panel,
    values: xr.DataArray,
    along: str,
    quantity: str,
    kernel: int,
    colour: Colour,
) -> None:
    """Points near the window, the window of the first kernel, and the limit at zero."""
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    low, high = float(row.sel(end="fit_low")), float(row.sel(end="fit_high"))
    x = values[along].values
    if kernel == 0:
        panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, label="window of the fit")
        panel.axes.axvline(0.0, color=GREY, linewidth=0.6)
        end = min(BEYOND * high, 1.05 * float(x.max()))
        panel.axes.set_xlim(-0.05 * end, end)
    near = x <= panel.axes.get_xlim()[1]
    series = f"{quantity.removeprefix('lim_')}, {results.kernels[kernel]}"
    style = {"colour": colour, "marker": MARKERS[kernel], "line": "none"}
    panel.points(series, x[near], results.mean(values.isel({along: near})), **style)
    limit, label = _limit(results, quantity, kernel), "extrapolated limit (hollow)"
    panel.points(f"limit of {series}", [0.0], limit, hollow=True, label=label, **style)


def kernels(results: Results) -> Drawn:
    """W_ℓ and Q_flux at T = 0 against ℓ for every kernel, and how far kernels disagree."""
    sheet = Sheet(1, 2, 3.9)
    cold = both(results.limits).sel(phi="one").isel(temperature=0)
    unit = amount(results, "term at T = 0", "").unit
    name = "int {} dt [V0]" if results.evolves else "{} [mu V0^2/l0^2]"
    value = sheet.panel(
        sheet.axes[0],
        "terms at T = 0 by kernel",
        ELL,
        amount(results, "term", "term"),
    )
    value.place = log_with_zero(value.axes, results.ells)
    value.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for k, kernel in enumerate(results.kernels):
        for term, line in (("Q_flux", "-"), ("W", ":")):
            value.points(
                f"{term}, {kernel}",
                results.ells,
                results.mean(cold.isel(kernel=k).sel(term=term)),
                colour=FAMILY[k],
                marker=MARKERS[k],
                line=line,
                hollow=term == "W",
                label=f"{TERM_LABEL[term]}, {KERNEL_LABEL[kernel]}",
            )
    size = Quantity(name.format("|difference of Q_flux|"), "difference of the flux, absolute", unit)
    title = f"flux by kernel minus {KERNEL_LABEL[results.kernels[0]]}"
    _kernel_differences(results, sheet.panel(sheet.axes[1], title, ELL, size), cold)
    sheet.legend_below(*sheet.axes, columns=3)
    return sheet.finish()


def _kernel_differences(results: Results, panel: Panel, cold: xr.DataArray) -> None:
    """|Q_flux by another kernel - Q_flux by the first|, and the margin of its limit."""
    positive = results.ells[results.ells > 0.0]
    panel.place = log_with_zero(panel.axes, positive)
    flux = cold.sel(term="Q_flux", ell=positive)
    for k, kernel in enumerate(results.kernels[1:], start=1):
        difference = flux.isel(kernel=k) - flux.isel(kernel=0)
        panel.points(
            f"{kernel} - {results.kernels[0]}",
            positive,
            results.mean(difference).magnitude,
            colour=FAMILY[k],
            marker=MARKERS[k],
        )
    margins = [row.tolerance for row in results.rows("kernel_independence").values()]
    if margins:
        label = "margin of the difference for ℓ → 0"
        panel.level("margin", positive, margins[0], colour=GREY, line="--", label=label)
    panel.axes.set_yscale("log", nonpositive="clip")
