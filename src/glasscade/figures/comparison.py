"""Figure of several models of particles side by side: what depends on N, and what on dt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.data import Estimate, Results, both, jackknife, one, without_self_pairs
from glasscade.figures.scales import RESOLVED, SCALE, SHARE, crossing, ratio_of_means, share
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    ELL,
    FAMILY,
    GREY,
    MARKERS,
    TEMPERATURE,
    Look,
    Place,
    Quantity,
    log_with_zero,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]
Pair = tuple[Results, Results, Look]
"""A model of finer dt, the coarser one, and how the finer is drawn."""

HALF = 0.5
"""The resolved fraction that defines the scale of dissipation."""
SHIFT = 1.05
"""Factor between neighbouring models where they lie side by side."""
RESIDUAL = Quantity("|residual| / largest term [1]", "|residual| / largest term")
RATIO = Quantity("error by finer dt / by coarser [1]", "error by finer / by coarser dt")
DIFFERENCE = Quantity("difference of R [1]", r"difference of $R(\ell)$")


def comparison(models: dict[str, Results], refinements: list[tuple[str, str]]) -> Drawn:
    """R(ℓ), ℓ_½(T), the share of the flux, the error of the balance, and what dt does to them.

    All for φ = 1 and the first kernel.

    Parameters
    ----------
    models : dict
        By the name that the legend shows.
    refinements : list of (finer, coarser)
        Names of models that differ in dt alone. They start from the same states, realisation by
        realisation, so that at T = 0 the difference of each pair of runs is the effect of dt.
    """
    sheet = Sheet(2 + bool(refinements), 2, 8.4 if refinements else 5.9)
    axes = sheet.axes
    looks = {
        name: Look(FAMILY[m % len(FAMILY)], MARKERS[m % len(MARKERS)])
        for m, name in enumerate(models)
    }
    _resolved(models, looks, sheet.panel(axes[0], "resolved fraction", ELL, RESOLVED))
    _scales(models, looks, sheet.panel(axes[1], "scale of dissipation", TEMPERATURE, SCALE))
    _shares(models, looks, sheet.panel(axes[2], "share of the flux, T = 0", ELL, SHARE))
    _residuals(models, looks, sheet.panel(axes[3], "error of the balance, T = 0", ELL, RESIDUAL))
    if refinements:
        pairs = [(models[finer], models[coarser], looks[finer]) for finer, coarser in refinements]
        names = [f"{finer} / {coarser}" for finer, coarser in refinements]
        of_resolved = sheet.panel(axes[4], "effect of dt on R, T = 0", ELL, DIFFERENCE)
        of_error = sheet.panel(axes[5], "effect of dt on the error, T = 0", ELL, RATIO)
        _differences(names, pairs, of_resolved)
        _ratios(names, pairs, of_error)
    sheet.legend_below(*axes, columns=2)
    return sheet.finish()


def _ells(results: Results) -> Real:
    """The scales of R."""
    return np.asarray(results.limits["resolved_ell"].values, dtype=np.float64)


def _all_ells(models: dict[str, Results]) -> Real:
    """The scales of all models, which share an axis."""
    return np.concatenate([_ells(results) for results in models.values()])


def _resolved(models: dict[str, Results], looks: dict[str, Look], panel: Panel) -> None:
    """R(ℓ) at T = 0 and at the highest T."""
    panel.place = log_with_zero(panel.axes, _all_ells(models))
    panel.level("x = 0.5", _all_ells(models), HALF, Look(GREY, line=":"))
    for name, results in models.items():
        ells, fraction = _ells(results), results.limits["resolved_fraction"]
        for t, line in ((0, "-"), (-1, ":")):
            look = replace(looks[name], line=line, hollow=t != 0)
            series = f"{name}, T = {number(results.temperatures[t])}"
            label = name if t == 0 else None
            panel.points(series, ells, results.mean(fraction.isel(temperature=t)), look, label)
    panel.axes.plot([], [], "o-", color=GREY, label="T = 0")
    panel.axes.plot([], [], "o:", color=GREY, markerfacecolor="none", label="highest T, in (a)")


def _beside(place: Place, position: int, count: int) -> Place:
    """Models side by side on a logarithmic axis."""
    shift = SHIFT ** (position - 0.5 * (count - 1))
    return lambda x: place(x) * shift


def _scales(models: dict[str, Results], looks: dict[str, Look], panel: Panel) -> None:
    """ℓ_½ against T."""
    temperatures = np.concatenate([results.temperatures for results in models.values()])
    place = log_with_zero(panel.axes, temperatures)
    for m, (name, results) in enumerate(models.items()):
        panel.place = _beside(place, m, len(models))
        panel.points(name, results.temperatures, crossing(results, HALF), looks[name])
    panel.axes.set_ylim(bottom=0.0)


def _shares(models: dict[str, Results], looks: dict[str, Look], panel: Panel) -> None:
    """The share of the change that the flux less self-pairs carries."""
    place = log_with_zero(panel.axes, _all_ells(models))
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for m, (name, results) in enumerate(models.items()):
        panel.place = _beside(place, m, len(models))
        flux = one(without_self_pairs(results.limits)).sel(term="Q_flux")
        panel.points(name, _ells(results), share(results, flux, 0), looks[name])


def _residuals(models: dict[str, Results], looks: dict[str, Look], panel: Panel) -> None:
    """|Δσ_ℓ - ∫Σ terms dt| relative to the largest term, as the check of closure takes it."""
    place = log_with_zero(panel.axes, _all_ells(models))
    smallest = np.inf
    for m, (name, results) in enumerate(models.items()):
        panel.place = _beside(place, m, len(models))
        error = results.mean(_relative_residual(results))
        panel.points(name, _ells(results), error, looks[name])
        smallest = min(smallest, float(np.min(error.value)))
    margins = [
        results.rows("closure")["time_integrated"].tolerance
        for results in models.values()
        if "time_integrated" in results.rows("closure")
    ]
    if margins:
        dashed = Look(GREY, line="--")
        panel.level("margin", _all_ells(models), margins[0], dashed, "margin of closure")
    # An interval may reach below zero; the axis shows where the values are.
    panel.axes.set_yscale("log", nonpositive="clip")
    panel.axes.set_ylim(bottom=0.3 * smallest)


def _relative_residual(results: Results) -> xr.DataArray:
    """Of every realisation at T = 0, φ = 1; the largest term is taken over all φ."""
    cold = results.limits.isel(temperature=0, kernel=0).sel(ell=_ells(results))
    size = abs(both(cold)).max(["term", "phi"])
    return abs(cold["residual"].sel(phi="one")) / size


def _differences(names: list[str], pairs: list[Pair], panel: Panel) -> None:
    """R by the finer dt minus R by the coarser, over the realisations that both have.

    The bands are the intervals of R over all realisations of the coarser: what chance leaves open.
    """
    panel.place = log_with_zero(panel.axes, _coarser_ells(pairs))
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for name, (finer, coarser, look) in zip(names, pairs, strict=True):
        fine, coarse = (
            each.limits["resolved_fraction"].isel(temperature=0) for each in (finer, coarser)
        )
        scatter = coarser.mean(coarse)
        around_zero = Estimate(*(part - scatter.value for part in scatter.parts))
        band = f"interval of R by the coarser, {name}"
        panel.curve(band, _ells(coarser), around_zero, Look(GREY), "interval of $R$, coarser dt")
        # xarray keeps the realisations and scales that both have.
        difference = fine - coarse
        panel.points(name, difference["resolved_ell"].values, finer.mean(difference), look)


def _ratios(names: list[str], pairs: list[Pair], panel: Panel) -> None:
    """The error of the balance by the finer dt over that by the coarser, same realisations."""
    panel.place = log_with_zero(panel.axes, _coarser_ells(pairs))
    for name, (finer, coarser, look) in zip(names, pairs, strict=True):
        both_have = xr.align(_relative_residual(finer), _relative_residual(coarser), join="inner")
        pair = [error.transpose("realisation", "ell").values for error in both_have]
        ratio = jackknife(ratio_of_means, np.stack(pair, axis=1), finer.level)
        panel.points(name, both_have[0]["ell"].values, ratio, look)
    panel.axes.axhline(1.0, color=GREY, linewidth=0.6)
    panel.axes.set_ylim(bottom=0.0)


def _coarser_ells(pairs: list[Pair]) -> Real:
    """The scales of the axis that pairs share."""
    return np.concatenate([_ells(coarser) for _, coarser, _ in pairs])
