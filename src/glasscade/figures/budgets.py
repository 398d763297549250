"""Figures of the stress balance: stress in time, terms against ℓ and T."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from glasscade.figures.data import (
    SELF_PAIR_SIGN,
    Estimate,
    Results,
    both,
    direct,
    jackknife,
    one,
    terms,
    thermal,
    without_self_pairs,
)
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    DIVERGING,
    ELL,
    GREY,
    LINES,
    MARGIN,
    MARKERS,
    SMALL,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    TIME,
    Look,
    Quantity,
    few,
    ladder,
    log_with_zero,
    looks,
    short,
    signed,
)
from glasscade.paths import number
from glasscade.regularity.fits import local_slopes

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_PANELS = 5
"""Panels of a budget; the sixth place of the grid holds the legend."""
MOST_ROWS, MOST_COLUMNS = 12, 14
"""Temperatures and scales of a plane with labels, and with numbers if there are no more."""
DWARFED = 5.0
"""How much larger than the change of stress terms may be for an axis to remain linear."""
WIDE_STEPS = 5.0
"""Output times whose spacing varies by more than this are shown on a logarithmic axis."""
SLOPE = Quantity("local exponent of T [1]", "local exponent of $T$")
STRESS = Quantity(
    "sigma(t) - sigma(0) [V0]",
    r"$\sigma^\mathrm{ni}_\ell(t)-\sigma^\mathrm{ni}_\ell(0)$",
    "$V_0$",
)
STRESS_DIFFERENCE = Quantity(
    "difference from T = 0 [V0]",
    r"$\sigma^{\mathrm{ni},T}_\ell-\sigma^{\mathrm{ni},T=0}_\ell$",
    "$V_0$",
)


def unit(results: Results) -> tuple[str, str]:
    """Unit of a term, plain and as a symbol: of stress where the system evolves, else of a rate."""
    return ("V0", "$V_0$") if results.evolves else ("mu V0^2/l0^2", r"$\mu V_0^2/\ell_0^2$")


def amount(results: Results, name: str, symbol: str, size: bool = False) -> Quantity:
    """A term, or its size: integrated where the system evolves, else of a stationary state."""
    plain, of_axis = unit(results)
    if results.evolves:
        name, symbol = f"int {name} dt", rf"$\int${symbol}$\,\mathrm{{d}}t$"
    if size:
        name, symbol = f"|{name}|", f"|{symbol}|"
    return Quantity(f"{name} [{plain}]", symbol, of_axis)


def thermal_amount(results: Results, size: bool = False) -> Quantity:
    """The sum of the direct terms, or its size."""
    names = direct(results.limits)
    name, symbol = " + ".join(names), "$+$".join(TERM_LABEL[term] for term in names)
    if len(names) > 1:
        name, symbol = f"({name})", f"({symbol})"
    return amount(results, name, symbol, size)


def stress(results: Results) -> Drawn:
    """σ_ℓ(t) - σ_ℓ(0) for T, or a few of many, at a few ℓ, and the same minus that at T = 0."""
    chosen, temperatures = _known_at_zero(results), few(results.temperatures)
    columns = min(2, results.temperatures.size)  # one temperature has no effect to show
    sheet = Sheet(len(chosen), columns, 0.8 + 1.9 * len(chosen), sharex=True)
    shown_quantities = {"change of stress": STRESS, "effect of temperature": STRESS_DIFFERENCE}
    for row, index in enumerate(chosen):
        ell = f"ℓ = {number(results.ells[index])}"
        own = sheet.axes[columns * row : columns * (row + 1)]
        panels = tuple(
            sheet.panel(axes, f"{title}, {ell}", TIME, quantity)
            for axes, (title, quantity) in zip(own, shown_quantities.items(), strict=False)
        )
        series = results.limits["series"].isel(ell=index)
        for look, t in zip(_lines(results.temperatures[temperatures]), temperatures, strict=True):
            warm = series.isel(temperature=t).dropna("time", how="all")
            shown = (warm, warm - series.isel(temperature=0))
            name = f"T = {number(results.temperatures[t])}"
            _against_time(results, panels[: 1 + (t > 0)], shown, look, name)
        for axes in own:
            axes.axhline(0.0, color=GREY, linewidth=0.6)
            axes.label_outer()
            axes.yaxis.set_tick_params(labelleft=True)
        own[-1].set_ylabel((STRESS, STRESS_DIFFERENCE)[columns - 1].label())
    sheet.legend_below(sheet.axes[0])
    return sheet.finish()


def _known_at_zero(results: Results) -> Integers:
    """A few scales at which the stress is known at T = 0: not ℓ = 0 of a measure."""
    series = results.limits["series"].isel(temperature=0).transpose("ell", "time", "realisation")
    known = np.flatnonzero(np.isfinite(series.values).any(axis=(1, 2)))
    return np.asarray(known[few(results.ells[known], 3)])


def _lines(values: Real) -> list[Look]:
    """A colour and a kind of line for every member of an ordered family."""
    return [Look(colour, line=LINES[i % len(LINES)]) for i, colour in enumerate(ladder(values))]


def _against_time(
    results: Results,
    panels: tuple[Panel, ...],
    shown: tuple[xr.DataArray, ...],
    look: Look,
    name: str,
) -> None:
    for panel, values in zip(panels, shown, strict=False):
        times = values["time"].values
        panel.curve(name, times, results.mean(values), look, name)
        steps = np.diff(times)
        if steps[-1] > WIDE_STEPS * np.median(steps):
            panel.axes.set_xscale("log", nonpositive="mask")


def compress(results: Results, axes: Axes) -> None:
    """A logarithmic axis on both sides of zero where terms dwarf the change of stress they make."""
    change = float(np.abs(results.limits["change"].mean("realisation")).max())
    largest = float(np.abs(both(results.limits).mean("realisation")).max())
    if largest > DWARFED * change > 0.0:
        axes.set_yscale("symlog", linthresh=10.0 ** np.floor(np.log10(change)))


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
        compress(results, axes)
        axes.label_outer()
        below_is_empty = position + 3 >= len(groups)
        axes.xaxis.set_tick_params(labelbottom=below_is_empty)
        axes.set_xlabel(ELL.label() if below_is_empty else "")
    for axes in sheet.axes[len(groups) :]:
        axes.axis("off")
    sheet.legend_in(sheet.axes[len(groups)], sheet.axes[0])
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
    for name, values, look, label in _budget_series(results, group):
        panel.points(name, results.ells, results.mean(values), look, label)


def _budget_series(
    results: Results, group: xr.Dataset
) -> Iterator[tuple[str, xr.DataArray, Look, str]]:
    """Name, values, look and label of every series of a budget.

    The self-pair part of Q_flux is the negative of that of W, so that their sum knows none.
    """
    each = terms(group)
    for marker, term in zip(MARKERS, each["term"].values, strict=False):
        if term != "Q_thermal" or results.known is None:
            look = Look(TERM_COLOUR[term], marker)
            yield term, each.sel(term=term), look, TERM_LABEL[term]
            if term in SELF_PAIR_SIGN and "self_pair" in group:
                less = one(without_self_pairs(group)).sel(term=term)
                hollow = replace(look, line=":", hollow=True)
                yield f"{term} less self-pairs", less, hollow, f"{TERM_LABEL[term]} less self-pairs"
    total = each.sum("term", skipna=False)
    yield "sum of terms", total, Look(BLACK, ".", "--"), "sum of the terms"
    if results.known is None:
        look = Look(BLACK, "D", "none", hollow=True)
        yield "change of stress", one(group["change"]), look, r"$\Delta\sigma^\mathrm{ni}_\ell$"


def plane(results: Results) -> Drawn:
    """The flux and the thermal term over the plane of T and ℓ, signed, white at zero."""
    sheet = Sheet(2, 1, 1.5 + 0.75 * min(results.temperatures.size, MOST_ROWS))
    flux = one(without_self_pairs(results.limits)).sel(term="Q_flux", drop=True)
    pair = xr.concat([flux, thermal(results.limits)], dim="shown").dropna("ell", how="all")
    pair = pair.transpose("shown", "realisation", "temperature", "ell")
    ells, largest = pair["ell"].values, float(np.abs(pair.mean("realisation")).max())
    titles = ("flux between scales", "thermal dissipation")
    quantities = (amount(results, "Q_flux", TERM_LABEL["Q_flux"]), thermal_amount(results))
    for axes, title, quantity, values in zip(sheet.axes, titles, quantities, pair, strict=True):
        panel = sheet.panel(axes, title, ELL, TEMPERATURE)
        shown = results.mean(values)
        panel.image(
            shown,
            quantity,
            ells,
            results.temperatures,
            cmap=DIVERGING,
            vmin=-largest,
            vmax=largest,
            aspect="auto",
        )
        axes.set_facecolor("0.85")
        rows, columns = few(results.temperatures, MOST_ROWS), few(ells, MOST_COLUMNS)
        axes.set_xticks(columns, [short(ells[column]) for column in columns])
        axes.set_yticks(rows, [short(results.temperatures[row]) for row in rows])
        if shown.value.shape == (len(rows), len(columns)):
            _write_values(axes, shown, 0.6 * largest)
    return sheet.finish()


def _write_values(axes: Axes, shown: Estimate, dark: float) -> None:
    """Numbers in the cells, in brackets where the interval holds zero, a dash where unknown."""
    for (row, column), value in np.ndenumerate(shown.value):
        text = "–" if np.isnan(value) else signed(value)
        if shown.low[row, column] < 0.0 < shown.high[row, column]:
            text = f"({text})"
        colour = "white" if abs(value) > dark else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=colour)


def direct_terms(results: Results) -> Drawn:
    """The size of the direct terms against T at fixed ℓ, or a few of many, and its slope in T."""
    sheet = Sheet(1, 2, 3.9)
    size = thermal_amount(results, size=True)
    left = sheet.panel(sheet.axes[0], "thermal term at fixed ℓ", TEMPERATURE, size)
    right = sheet.panel(sheet.axes[1], "its slope between neighbouring T", TEMPERATURE, SLOPE)
    warm = results.temperatures > 0.0
    temperatures = results.temperatures[warm]

    def slopes(samples: Real) -> Real:
        return local_slopes(temperatures, np.abs(samples.mean(axis=0)))[1]

    for panel in (left, right):
        panel.place = log_with_zero(panel.axes, temperatures)
    direct_sum = thermal(results.limits.isel(temperature=warm))
    known = direct_sum.notnull().all(["realisation", "temperature"]).values
    chosen = few(results.ells[known])
    ells = results.ells[known][chosen]
    for ell, look in zip(ells, looks(ells), strict=True):
        values = direct_sum.sel(ell=ell).transpose("realisation", "temperature")
        name = f"ℓ = {number(ell)}"
        mean = results.mean(values).magnitude
        left.points(name, temperatures, mean, look, name)
        middle, _ = local_slopes(temperatures, mean.value)
        right.points(name, middle, jackknife(slopes, values.values, results.level), look)
    smallest = results.mean(direct_sum.isel(ell=-1).transpose("realisation", "temperature"))
    guide = 0.5 * smallest.magnitude.value[-1] * temperatures / temperatures[-1]
    dashed = Look(GREY, line="--")
    left.curve("slope 1", temperatures, Estimate.exact(guide), dashed, "slope 1")
    right.level("slope 1", temperatures, 1.0, dashed)
    for row in list(results.rows("direct_terms_vanish").values())[:1]:
        low, high = row.reference - row.tolerance, row.reference + row.tolerance
        right.axes.axhspan(low, high, color=MARGIN, linewidth=0, label="margin", zorder=0)
    left.axes.set_yscale("log", nonpositive="clip")
    sheet.legend_below(left.axes, right.axes, columns=5)
    return sheet.finish()
