"""Figures of the iterated limits and of their independence of the kernel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.budgets import amount
from glasscade.figures.data import Estimate, Results
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    ELL,
    GREY,
    KERNEL_COLOUR,
    KERNEL_LABEL,
    MARGIN,
    MARKERS,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    WINDOW,
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
BEYOND = 2.0
"""How far beyond the window of an extrapolation its panel reaches."""


def limits(results: Results) -> Drawn:
    """The iterated limits, their distance from the reference, and two of the extrapolations."""
    sheet = Sheet(2, 2, 5.8)
    values, distances, thermal, flux = sheet.axes
    _values(results, sheet.panel(values, "iterated limits", amount(results, "limit", "limit"), ROW))
    _distances(results, sheet.panel(distances, "distance from the reference", DISTANCE, ROW))
    quantity = amount(results, "Q_thermal", TERM_LABEL["Q_thermal"])
    _thermal(results, sheet.panel(thermal, "ℓ = 0: extrapolation to T = 0", TEMPERATURE, quantity))
    quantity = amount(results, "Q_flux", TERM_LABEL["Q_flux"])
    _flux(results, sheet.panel(flux, "T = 0: extrapolation to ℓ = 0", ELL, quantity))
    values.legend(loc="best")
    return sheet.finish()


ROW = Quantity("row [1]", "")
DISTANCE = Quantity("(limit - reference)/margin [1]", "(limit − reference) / margin")


def _references(results: Results) -> dict[str, Verdict]:
    """Reference and margin of every limit that has a verdict."""
    return {**results.rows("commutation"), **results.rows("control")}


def _limit(results: Results, quantity: str, kernel: int) -> Estimate:
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    return Estimate(*(row.sel(end=end).values[np.newaxis] for end in ("value", "low", "high")))


def _rows(panel: Panel) -> None:
    """One row for every limit, from top to bottom."""
    panel.axis.set_yticks(range(len(QUANTITIES)), list(QUANTITIES.values()))
    panel.axis.set_ylim(len(QUANTITIES) - 0.5, -0.5)
    for edge in range(1, len(QUANTITIES)):
        panel.axis.axhline(edge - 0.5, color="0.92", linewidth=0.6)


def _offset(results: Results, kernel: int) -> float:
    """Kernels lie side by side within a row."""
    return 0.22 * (kernel - 0.5 * (len(results.kernels) - 1))


def _values(results: Results, panel: Panel) -> None:
    _rows(panel)
    panel.axis.axvline(0.0, color=GREY, linewidth=0.6)
    references = _references(results)
    for row, quantity in enumerate(QUANTITIES):
        if quantity in references:
            reference = references[quantity].reference
            label = "reference" if quantity == next(iter(references)) else None
            panel.bar(f"reference of {quantity}", reference, row, label)
        for k, kernel in enumerate(results.kernels):
            panel.across(
                f"{quantity}, {kernel}",
                _limit(results, quantity, k),
                row + _offset(results, k),
                colour=KERNEL_COLOUR[k],
                marker=MARKERS[k],
                label=KERNEL_LABEL[kernel] if row == 0 else None,
            )


def _distances(results: Results, panel: Panel) -> None:
    """The equivalence test: an interval inside ±1 holds, outside is violated."""
    _rows(panel)
    panel.axis.axvspan(-1.0, 1.0, color=MARGIN, linewidth=0)
    panel.axis.axvline(0.0, color=GREY, linewidth=0.6)
    references = _references(results)
    for row, quantity in enumerate(QUANTITIES):
        if quantity not in references:
            panel.axis.text(0.0, row, "no reference", ha="center", va="center", fontsize=8)
            continue
        reference, margin = references[quantity].reference, references[quantity].tolerance
        for k, kernel in enumerate(results.kernels):
            limit = _limit(results, quantity, k)
            panel.across(
                f"{quantity}, {kernel}",
                Estimate(*((part - reference) / margin for part in limit.parts)),
                row + _offset(results, k),
                colour=KERNEL_COLOUR[k],
                marker=MARKERS[k],
            )
    low, high = panel.axis.get_xlim()
    panel.axis.set_xlim(min(low, -1.3), max(high, 1.3))


def _thermal(results: Results, panel: Panel) -> None:
    """Q_thermal(T) at ℓ = 0 and what it tends to."""
    fine = (results.limits["source"] + results.limits["transport"]).sel(
        term="Q_thermal", phi="one", ell=0.0
    )
    warm = fine.isel(kernel=0, temperature=results.temperatures > 0.0)
    colour = TERM_COLOUR["Q_thermal"]
    _extrapolation(results, panel, "Q_thermal", "lim_Q_thermal", warm, "temperature", 0, colour)


def _flux(results: Results, panel: Panel) -> None:
    """Q_flux(ℓ) at T = 0 for every kernel and what it tends to."""
    athermal = (results.limits["source"] + results.limits["transport"]).sel(
        term="Q_flux", phi="one"
    )
    cold = athermal.isel(temperature=0).sel(ell=results.ells > 0.0)
    for k, kernel in enumerate(results.kernels):
        series = f"Q_flux, {kernel}"
        known = cold.isel(kernel=k).dropna("ell")
        _extrapolation(
            results, panel, series, "lim_Q_flux", known, "ell", k, KERNEL_COLOUR[k]
        )


def _extrapolation(
    results: Results,
    panel: Panel,
    series: str,
    quantity: str,
    values: xr.DataArray,
    along: str,
    kernel: int,
    colour: tuple[float, float, float],
) -> None:
    """Points near the window, the window, and the limit at zero with its interval."""
    row = results.limits["limit"].sel(quantity=quantity, phi="one").isel(kernel=kernel)
    low, high = float(row.sel(end="fit_low")), float(row.sel(end="fit_high"))
    if kernel == 0:
        panel.axis.axvspan(low, high, color=WINDOW, linewidth=0, label="window of the fit")
        panel.axis.set_xlim(-0.06 * BEYOND * high, 1.05 * BEYOND * high)
    if not np.isfinite(high):
        return
    x = values[along].values
    near = x <= panel.axis.get_xlim()[1]
    mean = results.mean(values.isel({along: near}))
    panel.points(series, x[near], mean, colour=colour, marker=MARKERS[kernel], line="none")
    limit = _limit(results, quantity, kernel)
    panel.points(
        f"limit of {series}",
        [0.0],
        limit,
        colour=colour,
        marker=MARKERS[kernel],
        line="none",
        hollow=True,
        label="limit" if kernel == 0 else None,
    )
    panel.axis.legend()


def kernels(results: Results) -> Drawn:
    """W_ℓ and Q_flux at T = 0 against ℓ for every kernel, and how fast kernels come to agree."""
    sheet = Sheet(1, 2, 3.4)
    cold = (results.limits["source"] + results.limits["transport"]).sel(phi="one")
    cold = cold.isel(temperature=0)
    term = amount(results, "term at T = 0", "term at $T=0$")
    value = sheet.panel(sheet.axes[0], "terms by kernel", ELL, term)
    value.place = log_with_zero(value.axis, results.ells)
    value.axis.axhline(0.0, color=GREY, linewidth=0.6)
    difference = sheet.panel(
        sheet.axes[1],
        f"difference from {KERNEL_LABEL[results.kernels[0]]}",
        ELL,
        amount(results, "|Q_flux difference|", r"$|$difference of $Q^\mathrm{flux}_\ell|$"),
    )
    positive = results.ells[results.ells > 0.0]
    difference.place = log_with_zero(difference.axis, positive)
    first = cold.isel(kernel=0).sel(term="Q_flux", ell=positive)
    for k, kernel in enumerate(results.kernels):
        for name, line in (("W", ":"), ("Q_flux", "-")):
            value.points(
                f"{name}, {kernel}",
                results.ells,
                results.mean(cold.isel(kernel=k).sel(term=name)),
                colour=KERNEL_COLOUR[k],
                marker=MARKERS[k],
                line=line,
                hollow=name == "W",
                label=f"{TERM_LABEL[name]} {KERNEL_LABEL[kernel]}",
            )
        if k > 0:
            other = cold.isel(kernel=k).sel(term="Q_flux", ell=positive)
            difference.points(
                f"{kernel} - {results.kernels[0]}",
                positive,
                results.mean(other - first).magnitude,
                colour=KERNEL_COLOUR[k],
                marker=MARKERS[k],
                label=KERNEL_LABEL[kernel],
            )
    margin = _references(results).get("lim_Q_flux") 
    if margin is not None:
        difference.curve(
            "margin",
            positive,
            Estimate.exact(np.full(positive.shape, margin.tolerance)),
            colour=BLACK,
            line="--",
            label="margin of the limit",
        )
    difference.axis.set_yscale("log", nonpositive="clip")
    value.axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    difference.axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return sheet.finish()
