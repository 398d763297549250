"""Figures of the limits along solutions: paths to T = ℓ = 0, and how densities come together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.budgets import amount
from glasscade.figures.data import Estimate, Results, one, terms
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    ELL,
    FAMILY,
    GREY,
    MARKERS,
    TEMPERATURE,
    TERM_COLOUR,
    TERM_LABEL,
    WINDOW,
    Look,
    Place,
    Quantity,
    few,
    log_decades,
    log_with_zero,
    looks,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]

SHOWN = {
    "sum": ("all terms", "A", "B"),
    "Q_thermal": ("thermal term", "", "lim_Q_thermal"),
    "Q_flux": ("flux between scales", "lim_Q_flux", ""),
}
"""Of each panel its title, and its limits with T → 0 first and with ℓ → 0 first."""
ATHERMAL = Look(TERM_COLOUR["Q_flux"], "D", "none", hollow=True)
FINE = Look(BLACK, "o", ":")
PATHS = (Look(FAMILY[0], "s", "--"), Look(FAMILY[1], "^", "-."))
FIT = Look(GREY, line="-")
BESIDE = 0.16
"""Distance of limits beside each other, of that between two temperatures."""
DISTANCE = Quantity(
    "norm of rho^T - rho over that of rho [1]", r"$\|\rho^T-\rho\|_p\,/\,\|\rho\|_p$"
)
COARSE = Quantity(
    "norm of the coarse rho^T - rho over that of rho [1]",
    r"$\|\bar\rho^T_\ell-\bar\rho_\ell\|_p\,/\,\|\bar\rho_\ell\|_p$",
)
OF_ELLS, MOST_ELLS = 2, 4
"""The order of the norm that is shown at several scales, and at how many."""


def joint(results: Results) -> Drawn:
    """Terms along the iterated and the joint paths against T with their limits; the paths."""
    sheet = Sheet(2, 2, 5.4)
    *panels, plane = sheet.axes
    for axes, (name, (title, cold, fine)) in zip(panels, SHOWN.items(), strict=True):
        symbol = "(all terms)" if name == "sum" else TERM_LABEL[name]
        quantity = amount(results, "sum of terms" if name == "sum" else name, symbol)
        _along(results, sheet.panel(axes, title, TEMPERATURE, quantity), name, cold, fine)
    _paths(results, sheet.panel(plane, "the paths", TEMPERATURE, ELL))
    sheet.legend_below(panels[0], columns=4)
    return sheet.finish()


def _of_alpha(alpha: float) -> str:
    return r"$\ell\propto T$" if alpha == 1.0 else rf"$\ell\propto T^{{{number(alpha)}}}$"


def _along(results: Results, panel: Panel, name: str, cold: str, fine: str) -> None:
    limits = results.limits
    warm = results.temperatures[results.temperatures > 0.0]
    with_zero = np.append(0.0, warm)
    place = log_with_zero(panel.axes, with_zero)
    if name != "sum":  # which is far from zero, and differs little from path to path
        panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    beside = iter(_places(place, warm))
    panel.place = next(beside)
    if cold:
        at_zero = _iterated(results, cold)
        panel.points("T = 0 first", [0.0], at_zero, ATHERMAL, r"$T\to 0$ first")
    for a, (alpha, look) in enumerate(zip(limits["alpha"].values, PATHS, strict=True)):
        panel.place, label = next(beside), _of_alpha(float(alpha))
        series = f"ell ~ T^{number(float(alpha))}"
        chosen = limits[["along", "along_error", "along_limit"]].isel(alpha=a, kernel=0)
        chosen = chosen.sel(followed=name, phi="one")
        middle, half = (chosen[key].values[-warm.size :] for key in ("along", "along_error"))
        panel.points(series, warm, Estimate(middle, middle - half, middle + half), look, label)
        limit = _estimate(chosen["along_limit"])
        panel.points(f"limit, {series}", [0.0], limit, replace(look, hollow=True))
    panel.place = next(beside)
    if fine:
        values = terms(limits).sel(ell=0.0, term=_fine_terms(limits, name)).sum("term")
        label = r"$\ell\to 0$ first"
        panel.points("ell = 0 first", warm, results.mean(values)[-warm.size :], FINE, label)
        at_zero = _iterated(results, fine)
        panel.points("limit, ell = 0 first", [0.0], at_zero, replace(FINE, hollow=True))


def _places(place: Place, warm: Real) -> Iterator[Place]:
    """Where each series is drawn: as all others, but at T = 0 beside them."""
    step = np.log(warm[1] / warm[0]) * BESIDE
    for position in (-1.5, -0.5, 0.5, 1.5):
        factor = float(np.exp(step * position))
        yield lambda x, factor=factor: np.where(  # type: ignore[misc]
            np.asarray(x) > 0.0, place(x), factor * place(x)
        )


def _fine_terms(limits: xr.Dataset, name: str) -> list[str]:
    """Terms of the balance at ℓ = 0."""
    fine = ("W", "Q_thermal", "N_ni") if name == "sum" else (name,)
    return [term for term in fine if term in limits["term"].values]


def _iterated(results: Results, quantity: str) -> Estimate:
    return _estimate(one(results.limits["limit"]).sel(quantity=quantity))


def _estimate(row: xr.DataArray) -> Estimate:
    """A limit that was written, unknown without an interval, since it then decides nothing."""
    parts = [row.sel(end=end).values[np.newaxis] for end in ("value", "low", "high")]
    return Estimate(*(np.where(np.isfinite(parts).all(axis=0), part, np.nan) for part in parts))


def _paths(results: Results, panel: Panel) -> None:
    """Where the paths run through the table of T and ℓ."""
    ells, warm = results.ells[results.ells > 0.0], results.temperatures > 0.0
    temperatures = results.temperatures[warm]
    x, y = (grid.ravel() for grid in np.meshgrid(temperatures, ells))
    dots = Look(GREY, ".", "none", hollow=True)
    panel.place = log_with_zero(panel.axes, temperatures)
    panel.points("table", x, Estimate.exact(y), dots, "computed")
    for a, (alpha, look) in enumerate(zip(results.limits["alpha"].values, PATHS, strict=True)):
        at = Estimate.exact(results.limits["path_ell"].values[a][warm])
        panel.points(f"ell ~ T^{number(float(alpha))}", temperatures, at, look)
    panel.axes.set_yscale("log")


def convergence(results: Results) -> Drawn:
    """‖ρ^T - ρ‖_p over ‖ρ‖_p against T with its power, at one scale and at all, or at the end."""
    sheet = Sheet(1, 2, 4.9)
    ells = results.limits["compared_ell"].values
    gridded = ells.size == 1 and ells[0] == 0.0
    quantity = DISTANCE if gridded else COARSE
    where = "" if gridded else f", ℓ = {number(float(ells[0]))}"
    left = sheet.panel(sheet.axes[0], f"largest over time{where}", TEMPERATURE, quantity)
    _orders(results, left, "largest")
    if gridded:
        _orders(results, sheet.panel(sheet.axes[1], "final", TEMPERATURE, quantity), "final")
    else:
        title = f"largest over time, p = {OF_ELLS}"
        _ells(results, sheet.panel(sheet.axes[1], title, TEMPERATURE, quantity))
    return sheet.finish()


def _orders(results: Results, panel: Panel, extent: str) -> None:
    """A series for every order of the norm."""
    chosen = results.limits.isel(compared_ell=0).sel(extent=extent)
    for i, p in enumerate(chosen["p"].values):
        look = Look(FAMILY[i], MARKERS[i], "none")
        _series(panel, chosen.sel(p=p), f"p = {p}", look, f"$p={p}$: ")
    _finish(panel)


def _ells(results: Results, panel: Panel) -> None:
    """A series for each of a few scales, the smallest and the largest among them."""
    chosen = results.limits.sel(p=OF_ELLS, extent="largest")
    chosen = chosen.isel(compared_ell=few(chosen["compared_ell"].values, MOST_ELLS))
    ells = chosen["compared_ell"].values
    for i, look in enumerate(looks(ells)):
        name = f"ℓ = {number(float(ells[i]))}"
        series = replace(look, line="none")
        _series(panel, chosen.isel(compared_ell=i), name, series, rf"$\ell={number(ells[i])}$: ")
    _finish(panel)


def _series(panel: Panel, row: xr.Dataset, name: str, look: Look, label: str) -> None:
    """Relative distances, and the power that was fitted at the lowest T."""
    temperature, distance = row["warm"].values, row["distance"].values / float(row["size"])
    if panel.place is np.asarray:
        panel.place = log_with_zero(panel.axes, temperature)
    power = {str(end): float(row["distance_exponent"].sel(end=end)) for end in row["end"].values}
    half = 0.5 * (power["high"] - power["low"])
    unfitted = "no power" if np.any(distance > 0.0) else "0"
    fitted = rf"$\propto T^{{\,{power['value']:.3f}\pm{half:.3f}}}$"
    label += fitted if np.isfinite(half) else unfitted
    panel.points(name, temperature, Estimate.exact(distance), look, label)
    if np.isfinite(half):
        inside = temperature <= power["fit_high"]
        used = temperature[inside]
        middle = np.mean(np.log(distance[inside]) - power["value"] * np.log(used))
        panel.axes.axvspan(power["fit_low"], power["fit_high"], color=WINDOW, lw=0, zorder=0)
        line = Estimate.exact(np.exp(middle) * used ** power["value"])
        panel.curve(f"fit of {name}", used, line, FIT)


def _finish(panel: Panel) -> None:
    log_decades(panel.axes, "y")
    panel.axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
