"""Figure of the scale at which a stress change is resolved, and of the flux that carries it."""

from __future__ import annotations

from glasscade.figures.data import Estimate, Results, one, ratio, terms
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    ELL,
    FAMILY,
    GREY,
    MARKERS,
    TEMPERATURE,
    Quantity,
    ladder,
    log_with_zero,
)
from glasscade.paths import number

RESOLVED = Quantity(
    "R [1]", r"$R(\ell)=\Delta\sigma^\mathrm{ni}_\ell\,/\,\Delta\sigma^\mathrm{ni}_{\ell\to0}$"
)
SCALE = Quantity("ell_x [l0]", r"$\ell_x$, where $R=x$", r"$\ell_0$")
SHARE = Quantity(
    "int Q_flux dt / change of stress [1]",
    r"$\int Q^\mathrm{flux}_\ell\,\mathrm{d}t\;/\;\Delta\sigma^\mathrm{ni}_\ell$",
)


def dissipation_scale(results: Results) -> Drawn:
    """R(ℓ) for every T, where it crosses 0.9, 0.5 and 0.1, and the share of the flux."""
    sheet = Sheet(2, 2, 5.4)
    _resolved(results, sheet.panel(sheet.axes[0], "resolved fraction", ELL, RESOLVED))
    _crossings(results, sheet.panel(sheet.axes[1], "scale of dissipation", TEMPERATURE, SCALE))
    _share(results, sheet.panel(sheet.axes[2], "share of the flux", ELL, SHARE))
    sheet.axes[3].axis("off")
    sheet.axes[3].legend(*sheet.axes[0].get_legend_handles_labels(), loc="center left")
    return sheet.finish()


def _resolved(results: Results, panel: Panel) -> None:
    ells = results.limits["resolved_ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    for fraction in results.limits["fraction"].values:
        panel.level(f"x = {fraction:g}", ells, fraction, colour=GREY, line=":")
    for t, (name, colour, marker) in enumerate(_families(results)):
        mean = results.mean(results.limits["resolved_fraction"].isel(temperature=t))
        panel.points(name, ells, mean, colour=colour, marker=marker, label=name)


def _families(results: Results) -> list[tuple[str, tuple[float, float, float], str]]:
    """Name, colour and marker of every temperature."""
    return [
        (f"T = {number(temperature)}", colour, MARKERS[t % len(MARKERS)])
        for t, (temperature, colour) in enumerate(
            zip(results.temperatures, ladder(results.temperatures), strict=True)
        )
    ]


def _crossings(results: Results, panel: Panel) -> None:
    panel.place = log_with_zero(panel.axes, results.temperatures)
    for f, fraction in enumerate(results.limits["fraction"].values):
        row = results.limits["scale"].sel(fraction=fraction)
        panel.points(
            f"x = {fraction:g}",
            results.temperatures,
            Estimate(*(row.sel(end=end).values for end in ("value", "low", "high"))),
            colour=FAMILY[f],
            marker=MARKERS[f],
            label=f"$x={fraction:g}$",
        )
    panel.axes.set_ylim(bottom=0.0)
    if panel.axes.get_legend_handles_labels()[0]:
        panel.axes.legend()


def _share(results: Results, panel: Panel) -> None:
    ells = results.limits["resolved_ell"].values
    panel.place = log_with_zero(panel.axes, ells)
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    flux, change = terms(results.limits).sel(term="Q_flux"), one(results.limits["change"])
    for t, (name, colour, marker) in enumerate(_families(results)):
        carried, changed = (
            array.isel(temperature=t).sel(ell=ells).transpose("realisation", "ell").values
            for array in (flux, change)
        )
        share = ratio(carried, changed, results.level)
        panel.points(name, ells, share, colour=colour, marker=marker)
