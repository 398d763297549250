"""Figure of the scale at which a stress change is resolved, and of the flux that carries it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.data import Estimate, Results, jackknife, one, terms, without_self_pairs
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    ELL,
    FAMILY,
    GREY,
    MARKERS,
    TEMPERATURE,
    Look,
    Quantity,
    log_with_zero,
    of_temperatures,
)

Real = npt.NDArray[np.float64]

RESOLVED = Quantity(
    "R [1]", r"$R(\ell)=\Delta\sigma^\mathrm{ni}_\ell\,/\,\Delta\sigma^\mathrm{ni}_{\ell\to0}$"
)
SCALE = Quantity("crossing scale [l0]", r"crossing scale $\ell$", r"$\ell_0$")
SHARE = Quantity(
    "int Q_flux dt / change of stress [1]",
    r"$\int Q^\mathrm{flux}_\ell\,\mathrm{d}t\;/\;\Delta\sigma^\mathrm{ni}_\ell$",
)


def dissipation_scale(results: Results) -> Drawn:
    """R(ℓ) for T, or a few of many, where it crosses 0.9, 0.5 and 0.1, and the share of the flux.

    The share is shown raw and, for particles, again less the self-pairs.
    """
    sheet = Sheet(2, 2, 5.6)
    _resolved(results, sheet.panel(sheet.axes[0], "resolved fraction", ELL, RESOLVED))
    _crossings(results, sheet.panel(sheet.axes[1], "scale of dissipation", TEMPERATURE, SCALE))
    flux = terms(results.limits).sel(term="Q_flux")
    _share(results, sheet.panel(sheet.axes[2], "share of the flux", ELL, SHARE), flux)
    if "self_pair" in results.limits:
        panel = sheet.panel(sheet.axes[3], "the same less self-pairs", ELL, SHARE)
        _share(results, panel, one(without_self_pairs(results.limits)).sel(term="Q_flux"))
        sheet.legend_below(sheet.axes[2])
    else:
        sheet.legend_in(sheet.axes[3], sheet.axes[2])
    return sheet.finish()


def _resolved(results: Results, panel: Panel) -> None:
    ells = results.limits["resolved_ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    for fraction in results.limits["fraction"].values:
        panel.level(f"x = {fraction:g}", ells, fraction, Look(GREY, line=":"))
    for t, name, look in of_temperatures(results.temperatures):
        mean = results.mean(results.limits["resolved_fraction"].isel(temperature=t))
        panel.points(name, ells, mean, look)


def _crossings(results: Results, panel: Panel) -> None:
    panel.place = log_with_zero(panel.axes, results.temperatures)
    for f, fraction in enumerate(results.limits["fraction"].values):
        scale, look = crossing(results, fraction), Look(FAMILY[f], MARKERS[f])
        panel.points(f"x = {fraction:g}", results.temperatures, scale, look, f"$R={fraction:g}$")
    panel.axes.set_ylim(bottom=0.0)
    if panel.axes.get_legend_handles_labels()[0]:
        panel.axes.legend()


def crossing(results: Results, fraction: float) -> Estimate:
    """The scale at which R falls through `fraction`, for every T."""
    row = results.limits["scale"].sel(fraction=fraction)
    return Estimate(*(row.sel(end=end).values for end in ("value", "low", "high")))


def _share(results: Results, panel: Panel, flux: xr.DataArray) -> None:
    ells = results.limits["resolved_ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    for t, name, look in of_temperatures(results.temperatures):
        panel.points(name, ells, share(results, flux, t), look, name)


def share(results: Results, flux: xr.DataArray, t: int) -> Estimate:
    """∫Q_flux dt / Δσ at the scales of R, at one temperature."""
    ells = results.limits["resolved_ell"].values
    pair = [
        array.isel(temperature=t).sel(ell=ells).transpose("realisation", "ell").values
        for array in (flux, one(results.limits["change"]))
    ]
    return jackknife(ratio_of_means, np.stack(pair, axis=1), results.level)


def ratio_of_means(samples: Real) -> Real:
    """Mean of the first over mean of the second of the pairs (realisation, 2, ...)."""
    carried, changed = samples.mean(axis=0)
    return np.asarray(carried / changed)
