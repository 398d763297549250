"""Figure of the scale at which a stress change is resolved, and of the flux that carries it."""

from __future__ import annotations

import numpy as np

from glasscade.figures.data import Estimate, Results, one, ratio, terms
from glasscade.figures.sheet import Drawn, Sheet
from glasscade.figures.style import (
    ELL,
    GREY,
    MARKERS,
    SCALE_COLOUR,
    TEMPERATURE,
    Quantity,
    ladder,
    log_with_zero,
)
from glasscade.paths import number

RESOLVED = Quantity("R [1]", r"$R=\Delta\sigma^\mathrm{ni}_\ell/\Delta\sigma^\mathrm{ni}_{\ell\to0}$")
SCALE = Quantity("ell_x [l0]", r"$\ell_x$ with $R(\ell_x)=x$ ($\ell_0$)")
SHARE = Quantity(
    "int Q_flux dt / change [1]",
    r"$\int Q^\mathrm{flux}_\ell\,\mathrm{d}t\;/\;\Delta\sigma^\mathrm{ni}_\ell$",
)


def dissipation_scale(results: Results) -> Drawn:
    """R(ℓ) for every T, where it crosses 0.9, 0.5 and 0.1, and the fraction of the flux."""
    sheet = Sheet(2, 2, 5.6)
    colours = ladder(results.temperatures)
    resolved = sheet.panel(sheet.axes[0], "resolved fraction", ELL, RESOLVED)
    scale = sheet.panel(sheet.axes[1], "scale of dissipation", TEMPERATURE, SCALE)
    share = sheet.panel(sheet.axes[2], "share of the flux", ELL, SHARE)
    ells = results.limits["resolved_ell"].values
    resolved.place, share.place = (log_with_zero(p.axis, ells) for p in (resolved, share))
    fractions = results.limits["fraction"].values
    for fraction in fractions:
        level = Estimate.exact(np.full(ells.shape, fraction))
        resolved.curve(f"x = {fraction:g}", ells, level, colour=GREY, line=":", width=0.8)
    share.axis.axhline(0.0, color=GREY, linewidth=0.6)
    flux, change = terms(results.limits).sel(term="Q_flux"), one(results.limits["change"])
    for t, temperature in enumerate(results.temperatures):
        name, marker = f"T = {number(temperature)}", MARKERS[t % len(MARKERS)]
        fraction_of_change = results.mean(
            results.limits["resolved_fraction"].isel(temperature=t)
        )
        resolved.points(name, ells, fraction_of_change, colour=colours[t], marker=marker, label=name)
        pair = (array.isel(temperature=t).sel(ell=ells) for array in (flux, change))
        samples = (array.transpose("realisation", "ell").values for array in pair)
        share.points(
            name, ells, ratio(*samples, results.level), colour=colours[t], marker=marker
        )
    scale.place = log_with_zero(scale.axis, results.temperatures)
    for f, fraction in enumerate(fractions):
        row = results.limits["scale"].sel(fraction=fraction)
        scale.points(
            f"x = {fraction:g}",
            results.temperatures,
            Estimate(*(row.sel(end=end).values for end in ("value", "low", "high"))),
            colour=SCALE_COLOUR[f % 3],
            marker=MARKERS[f],
            label=f"$x$ = {fraction:g}",
        )
    scale.axis.set_yscale("log")
    scale.axis.legend()
    (beside,) = sheet.drop_unused(3)
    beside.legend(*resolved.axis.get_legend_handles_labels(), loc="center left")
    return sheet.finish()
