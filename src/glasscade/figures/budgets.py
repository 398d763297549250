"""Figures of the stress balance: stress in time, terms against ℓ and T."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from glasscade.figures.data import TERMS, Estimate, Results, one, terms
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    DIVERGING,
    ELL,
    GREY,
    LINES,
    MARKERS,
    SMALL,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    TIME,
    Quantity,
    few,
    ladder,
    log_with_zero,
    signed,
)
from glasscade.paths import number
from glasscade.regularity.fits import local_slopes

Real = npt.NDArray[np.float64]

MOST_PANELS = 5
"""Panels of a budget; the sixth place of the grid holds the legend."""
WIDE_STEPS = 5.0
"""Output times whose spacing varies by more than this are shown on a logarithmic axis."""
STRESS = Quantity(
    "sigma(t) - sigma(0) [V0]",
    r"$\sigma^\mathrm{ni}_\ell(t)-\sigma^\mathrm{ni}_\ell(0)$",
    "$V_0$",
)
STRESS_DIFFERENCE = Quantity("difference from T = 0 [V0]", "minus the same at $T=0$", "$V_0$")


def amount(results: Results, name: str, symbol: str) -> Quantity:
    """A term: integrated over time where the system evolves, else of a stationary state."""
    if results.evolves:
        return Quantity(f"int {name} dt [V0]", rf"$\int${symbol}$\,\mathrm{{d}}t$", "$V_0$")
    return Quantity(f"{name} [mu V0^2/l0^2]", symbol, r"$\mu V_0^2/\ell_0^2$")


def stress(results: Results) -> Drawn:
    """σ_ℓ(t) - σ_ℓ(0) for every T at a few ℓ, and the same minus that at T = 0."""
    chosen = few(results.ells, 3)
    sheet = Sheet(len(chosen), 2, 0.8 + 1.9 * len(chosen), sharex=True)
    for row, index in enumerate(chosen):
        ell = f"ℓ = {number(results.ells[index])}"
        left, right = sheet.axes[2 * row : 2 * row + 2]
        panels = (
            sheet.panel(left, f"change of stress, {ell}", TIME, STRESS),
            sheet.panel(right, f"effect of temperature, {ell}", TIME, STRESS_DIFFERENCE),
        )
        series = results.limits["series"].isel(ell=index)
        for t, temperature in enumerate(results.temperatures):
            warm = series.isel(temperature=t).dropna("time", how="all")
            shown = (warm, warm - series.isel(temperature=0))
            _against_time(results, panels[: 1 + (t > 0)], shown, t, f"T = {number(temperature)}")
        for axes in (left, right):
            axes.axhline(0.0, color=GREY, linewidth=0.6)
            axes.label_outer()
            axes.yaxis.set_tick_params(labelleft=True)
        right.set_ylabel(STRESS_DIFFERENCE.label())
    sheet.legend_below(sheet.axes[0])
    return sheet.finish()


def _against_time(
    results: Results, panels: tuple[Panel, ...], shown: tuple[xr.DataArray, ...], t: int, name: str
) -> None:
    colour = ladder(results.temperatures)[t]
    for panel, values in zip(panels, shown, strict=False):
        times = values["time"].values
        mean, line = results.mean(values), LINES[t % len(LINES)]
        panel.curve(name, times, mean, colour=colour, label=name, line=line)
        steps = np.diff(times)
        if steps.max() > WIDE_STEPS * steps.min():
            panel.axes.set_xscale("log", nonpositive="mask")


def budget(results: Results) -> Drawn:
    """Terms against ℓ, their sum and Δσ; a panel for each T, or for each known exponent."""
    groups = _groups(results)
    sheet = Sheet(2, 3, 4.7, sharex=True, sharey=True)
    quantity = amount(results, "term", "term")
    for position, (title, group) in enumerate(groups):
        axes = sheet.axes[position]
        panel = sheet.panel(axes, title, ELL, quantity)
        panel.place = log_with_zero(axes, results.ells, ticks=3)
        axes.axhline(0.0, color=GREY, linewidth=0.6)
        _budget_panel(results, panel, group)
        axes.label_outer()
        below_is_empty = position + 3 >= len(groups)
        axes.xaxis.set_tick_params(labelbottom=below_is_empty)
        axes.set_xlabel(ELL.label() if below_is_empty else "")
    for axes in sheet.axes[len(groups) :]:
        axes.axis("off")
    handles = sheet.axes[len(groups) - 1].get_legend_handles_labels()
    sheet.axes[len(groups)].legend(*handles, loc="center")
    return sheet.finish()


def _groups(results: Results) -> list[tuple[str, xr.Dataset]]:
    """The panels of a budget: temperatures, or known exponents."""
    if results.known is None:
        return [
            (f"T = {number(results.temperatures[t])}", results.limits.isel(temperature=t))
            for t in few(results.temperatures, MOST_PANELS)
        ]
    athermal = results.limits.isel(temperature=0)
    return [
        (
            f"H = {results.known[case]:.3g}",
            athermal.isel(realisation=athermal["hurst"].values == results.known[case]),
        )
        for case in few(results.known, MOST_PANELS)
    ]


def _budget_panel(results: Results, panel: Panel, group: xr.Dataset) -> None:
    each = terms(group)
    for position, term in enumerate(TERMS):
        if term == "Q_thermal" and results.known is not None:
            continue
        values = results.mean(each.sel(term=term))
        panel.points(
            term,
            results.ells,
            values,
            colour=TERM_COLOUR[term],
            marker=MARKERS[position],
            label=TERM_LABEL[term],
        )
    total = results.mean(each.sum("term", skipna=False))
    panel.points(
        "sum of terms",
        results.ells,
        total,
        colour=BLACK,
        marker=".",
        line="--",
        label="sum of the terms",
    )
    if results.known is None:
        panel.points(
            "change of stress",
            results.ells,
            results.mean(one(group["change"])),
            colour=BLACK,
            marker="D",
            line="none",
            hollow=True,
            label=r"$\Delta\sigma^\mathrm{ni}_\ell$",
        )


def plane(results: Results) -> Drawn:
    """The flux and the thermal term over the plane of T and ℓ, signed, white at zero."""
    sheet = Sheet(2, 1, 1.5 + 0.75 * results.temperatures.size)
    each = terms(results.limits)
    titles = {"Q_flux": "flux between scales", "Q_thermal": "thermal dissipation"}
    estimates = {
        term: results.mean(each.sel(term=term).transpose("realisation", "temperature", "ell"))
        for term in titles
    }
    largest = max(float(np.nanmax(np.abs(shown.value))) for shown in estimates.values())
    for axes, (term, title) in zip(sheet.axes, titles.items(), strict=True):
        panel = sheet.panel(axes, title, ELL, TEMPERATURE)
        shown = estimates[term]
        panel.image(
            shown,
            amount(results, term, TERM_LABEL[term]),
            results.ells,
            results.temperatures,
            cmap=DIVERGING,
            vmin=-largest,
            vmax=largest,
            aspect="auto",
        )
        axes.set_facecolor("0.85")
        axes.set_xticks(range(results.ells.size), [number(ell) for ell in results.ells])
        axes.set_yticks(range(results.temperatures.size), [number(t) for t in results.temperatures])
        _write_values(axes, shown, 0.6 * largest)
    return sheet.finish()


def _write_values(axes: Axes, shown: Estimate, dark: float) -> None:
    """Numbers in the cells, in brackets where the interval holds zero, a dash where unknown."""
    for (row, column), value in np.ndenumerate(shown.value):
        text = "–" if np.isnan(value) else signed(value)
        if shown.low[row, column] <= 0.0 <= shown.high[row, column]:
            text = f"({text})"
        colour = "white" if abs(value) > dark else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=colour)


def direct_terms(results: Results) -> Drawn:
    """|Q_thermal| against T at fixed ℓ, and its slope in T."""
    sheet = Sheet(1, 2, 3.9)
    size = amount(results, "|Q_thermal|", r"$|Q^\mathrm{thermal}_\ell|$")
    slope = Quantity(
        "d ln|Q_thermal| / d ln T [1]",
        r"$\mathrm{d}\ln|Q^\mathrm{thermal}_\ell|\,/\,\mathrm{d}\ln T$",
    )
    left = sheet.panel(sheet.axes[0], "thermal term at fixed ℓ", TEMPERATURE, size)
    right = sheet.panel(sheet.axes[1], "its slope between neighbouring T", TEMPERATURE, slope)
    warm = results.temperatures > 0.0
    temperatures = results.temperatures[warm]
    for panel in (left, right):
        panel.place = log_with_zero(panel.axes, temperatures)
    thermal = terms(results.limits.isel(temperature=warm)).sel(term="Q_thermal")
    for e, (ell, colour) in enumerate(zip(results.ells, ladder(results.ells), strict=True)):
        values = thermal.isel(ell=e).transpose("realisation", "temperature")
        if not np.isfinite(values).all():
            continue
        name, marker = f"ℓ = {number(ell)}", MARKERS[e % len(MARKERS)]
        mean = results.mean(values).magnitude
        left.points(name, temperatures, mean, colour=colour, marker=marker, label=name)
        middle, slopes = local_slopes(temperatures, mean.value)
        right.points(name, middle, Estimate.exact(slopes), colour=colour, marker=marker)
    smallest = results.mean(thermal.isel(ell=-1).transpose("realisation", "temperature"))
    guide = 0.5 * smallest.magnitude.value[-1] * temperatures / temperatures[-1]
    left.curve(
        "slope 1", temperatures, Estimate.exact(guide), colour=GREY, line="--", label="slope 1"
    )
    right.level("slope 1", temperatures, 1.0, colour=GREY, line="--")
    left.axes.set_yscale("log", nonpositive="clip")
    sheet.legend_below(left.axes, columns=5)
    return sheet.finish()
