"""Figures of the stress balance: stress in time, terms against ℓ and T."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from glasscade.figures.data import TERMS, Estimate, Results, one, terms
from glasscade.figures.sheet import Drawn, Sheet
from glasscade.figures.style import (
    BLACK,
    DIVERGING,
    ELL,
    GREY,
    MARKERS,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    TIME,
    Quantity,
    few,
    ladder,
    log_with_zero,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]

MOST_PANELS = 6
WIDE_STEPS = 5.0
"""Output times whose spacing varies by more than this are shown on a logarithmic axis."""


def amount(results: Results, what: str, symbol: str) -> Quantity:
    """A term: integrated over time where the system evolves, else of a stationary state."""
    if results.evolves:
        return Quantity(f"int {what} dt [V0]", rf"$\int${symbol}$\,\mathrm{{d}}t$ ($V_0$)")
    return Quantity(f"{what} [mu V0^2/l0^2]", rf"{symbol} ($\mu V_0^2/\ell_0^2$)")


def stress(results: Results) -> Drawn:
    """σ_ℓ(t) - σ_ℓ(0) for every T, at a few ℓ."""
    chosen = few(results.ells, 4)
    sheet = Sheet(-(-len(chosen) // 2), 2, 5.0, sharex=True, sharey=True)
    change = Quantity("sigma(t) - sigma(0) [V0]", r"$\sigma^\mathrm{ni}_\ell(t)-\sigma^\mathrm{ni}_\ell(0)$ ($V_0$)")
    colours = ladder(results.temperatures)
    for axis, index in zip(sheet.axes, chosen, strict=False):
        panel = sheet.panel(axis, f"ℓ = {number(results.ells[index])}", TIME, change)
        for t, temperature in enumerate(results.temperatures):
            series = results.limits["series"].isel(temperature=t, ell=index).dropna("time")
            times = series["time"].values
            panel.curve(
                f"T = {number(temperature)}",
                times,
                results.mean(series),
                colour=colours[t],
                label=f"T = {number(temperature)}",
                line=LINES[t % len(LINES)],
            )
        if np.ptp(np.log(np.diff(times))) > np.log(WIDE_STEPS):
            axis.set_xscale("log")
        axis.axhline(0.0, color=GREY, linewidth=0.6)
    for axis in sheet.axes:
        axis.label_outer()
    sheet.axes[0].legend()
    return sheet.finish()


LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def budget(results: Results) -> Drawn:
    """Terms against ℓ, their sum and Δσ; a panel for each T, or for each known exponent."""
    groups = _groups(results)
    rows = -(-(len(groups) + 1) // 3)
    sheet = Sheet(rows, 3, 0.5 + 2.1 * rows, sharey=True)
    quantity = amount(results, "term", "term")
    for axis, (title, group) in zip(sheet.axes, groups, strict=False):
        panel = sheet.panel(axis, title, ELL, quantity)
        panel.place = log_with_zero(axis, results.ells)
        axis.axhline(0.0, color=GREY, linewidth=0.6)
        each = terms(group)
        for number_, term in enumerate(TERMS):
            values = each.sel(term=term)
            if np.any(values.values):
                panel.points(
                    term,
                    results.ells,
                    results.mean(values),
                    colour=TERM_COLOUR[term],
                    marker=MARKERS[number_],
                    label=TERM_LABEL[term],
                )
        panel.points(
            "sum",
            results.ells,
            results.mean(each.sum("term", skipna=False)),
            colour=BLACK,
            marker=".",
            line="--",
            label=TERM_LABEL["sum"],
        )
        if results.kind != "synthetic":
            panel.points(
                "change of stress",
                results.ells,
                results.mean(one(group["change"])),
                colour=BLACK,
                marker="D",
                line="none",
                hollow=True,
                label=TERM_LABEL["change"],
            )
        axis.label_outer()
    _legend_beside(sheet, len(groups))
    return sheet.finish()


def _groups(results: Results) -> list[tuple[str, xr.Dataset]]:
    """The panels of a budget: temperatures, or known exponents."""
    if results.known is not None:
        athermal = results.limits.isel(temperature=0)
        return [
            (f"H = {h:.3g}", athermal.isel(realisation=athermal["hurst"].values == h))
            for h in results.known[few(results.known, MOST_PANELS)]
        ]
    return [
        (f"T = {number(results.temperatures[t])}", results.limits.isel(temperature=t))
        for t in few(results.temperatures, MOST_PANELS)
    ]


def _legend_beside(sheet: Sheet, used: int) -> None:
    """One legend for all panels, in an empty cell of the grid if there is one."""
    handles: dict[str, object] = {}
    for axis in sheet.axes[:used]:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    empty = list(sheet.drop_unused(used))
    empty[0].legend(handles.values(), handles.keys(), loc="center")


def plane(results: Results) -> Drawn:
    """The flux and the thermal term over the plane of T and ℓ, signed, white at zero."""
    sheet = Sheet(2, 1, 0.8 + 0.62 * results.temperatures.size * 2)
    each = terms(results.limits)
    estimates = {
        term: results.mean(each.sel(term=term).transpose("realisation", "temperature", "ell"))
        for term in ("Q_flux", "Q_thermal")
    }
    largest = max(float(np.nanmax(np.abs(e.value))) for e in estimates.values())
    for axis, (term, title) in zip(sheet.axes, PLANE_TITLES.items(), strict=True):
        panel = sheet.panel(axis, title, ELL, TEMPERATURE)
        shown = estimates[term]
        quantity = amount(results, term, TERM_LABEL[term])
        image = panel.image(
            shown,
            quantity,
            results.ells,
            results.temperatures,
            cmap=DIVERGING,
            vmin=-largest,
            vmax=largest,
            aspect="auto",
        )
        axis.set_facecolor("0.85")
        axis.set_xticks(range(results.ells.size), [number(ell) for ell in results.ells])
        axis.set_yticks(
            range(results.temperatures.size), [number(t) for t in results.temperatures]
        )
        _write_values(axis, shown, 0.6 * largest)
        sheet.figure.colorbar(image, ax=axis, label=quantity.label, pad=0.01)
    return sheet.finish()


PLANE_TITLES = {"Q_flux": "flux between scales", "Q_thermal": "thermal dissipation"}


def _write_values(axis: Axes, shown: Estimate, dark: float) -> None:
    """Numbers in the cells; in brackets where the interval holds zero."""
    for (row, column), value in np.ndenumerate(shown.value):
        text = "unresolved" if np.isnan(value) else f"{value:.3g}"
        if shown.low[row, column] <= 0.0 <= shown.high[row, column]:
            text = f"({text})"
        colour = "white" if abs(value) > dark else "black"
        axis.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def direct_terms(results: Results) -> Drawn:
    """|Q_thermal| against T at fixed ℓ, with a line of slope one."""
    sheet = Sheet(1, 2, 3.4)
    quantity = amount(results, "|Q_thermal|", r"$|Q^\mathrm{thermal}_\ell|$")
    panel = sheet.panel(sheet.axes[0], "thermal term at fixed ℓ", TEMPERATURE, quantity)
    warm = results.limits.isel(temperature=results.temperatures > 0.0)
    temperatures = results.temperatures[results.temperatures > 0.0]
    thermal = terms(warm).sel(term="Q_thermal")
    slope_panel = sheet.panel(
        sheet.axes[1],
        "local slope in T",
        TEMPERATURE,
        Quantity("d ln|Q_thermal| / d ln T [1]", r"$\mathrm{d}\ln|Q^\mathrm{thermal}_\ell|/\mathrm{d}\ln T$"),
    )
    for axis, p in zip(sheet.axes, (panel, slope_panel), strict=True):
        p.place = log_with_zero(axis, temperatures)
    colours = ladder(results.ells)
    for e, ell in enumerate(results.ells):
        values = thermal.isel(ell=e).transpose("realisation", "temperature")
        if not np.isfinite(values).all():
            continue
        name, marker = f"ℓ = {number(ell)}", MARKERS[e % len(MARKERS)]
        mean = results.mean(values).magnitude
        panel.points(name, temperatures, mean, colour=colours[e], marker=marker, label=name)
        slope_panel.points(
            name, *_local_slopes(temperatures, mean.value), colour=colours[e], marker=marker
        )
    guide = mean.value[-1] * temperatures / temperatures[-1]
    panel.curve("slope 1", temperatures, Estimate.exact(guide), colour=GREY, line="--", label="slope 1")
    sheet.axes[0].set_yscale("log", nonpositive="clip")
    slope_panel.curve("slope 1", temperatures, Estimate.exact(np.ones_like(temperatures)), colour=GREY, line="--")
    sheet.figure.legend(loc="outside right center")
    return sheet.finish()


def _local_slopes(x: Real, y: Real) -> tuple[Real, Estimate]:
    """Slopes of ln y in ln x between neighbours, at their geometric means."""
    slopes = np.diff(np.log(y)) / np.diff(np.log(x))
    return np.sqrt(x[1:] * x[:-1]), Estimate.exact(slopes)
