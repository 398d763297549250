"""Figures of the bounds: measured exponents of the flux for every kernel of force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm

from glasscade.figures.data import Estimate
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    DIVERGING,
    FLUX_LABEL,
    GREY,
    MARKERS,
    SMALL,
    WINDOW,
    Look,
    Place,
    Quantity,
    minus,
)
from glasscade.limits.bounds import (
    CONCENTRATED,
    competing,
    flux_bounds,
    flux_exponent,
    force_exponent,
    lowest_exponent,
    marginal_exponent,
    product_exponent,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]

HURST = Quantity("H [1]", "exponent $H$ of the density")
EXPONENT = Quantity("exponent of ell [1]", r"exponent of $\ell$")
ORDER = Quantity("s [1]", r"kernel singularity $s$, $\hat{V}\sim k^{-s}$")
XI = Quantity("xi [1]", r"density exponent $\xi$")
FLUX = Quantity("exponent of the flux [1]", r"exponent of $\|Q^\mathrm{flux}_\ell\|_1$")
ORDINARY = {1.0: "logarithm, ", 2.0: "cone, "}
"""Names of Riesz kernels."""
CROSSOVER = 0.25
"""Power below which a correction (ℓ/L)^power is large at every ℓ that there is."""


def kernel_names(frame: pd.DataFrame) -> dict[str, str]:
    """What the legend calls each model: its kernel, and the model too if several have it."""
    kernels = frame.groupby("model", sort=False)[["kernel", "s"]].first()
    names = {model: _kernel(row["kernel"], row["s"]) for model, row in kernels.iterrows()}
    return {
        str(model): f"{name} ({model})" if list(names.values()).count(name) > 1 else name
        for model, name in names.items()
    }


def _kernel(kind: str, s: float) -> str:
    if kind == "riesz":
        return f"{ORDINARY.get(s, 'Riesz, ')}s = {number(s)}"
    return f"{kind}, smooth" if np.isinf(s) else f"{kind}, s = {number(s)}"


def exponents_and_bounds(frame: pd.DataFrame, margin: float) -> Drawn:
    """Measured exponents against H, one panel for each quantity, with the bounds.

    Parameters
    ----------
    frame : DataFrame
        The table of the stage `bounds`.
    margin : float
        Not drawn: intervals and lines are.
    """
    del margin
    sheet = Sheet(2, 2, 6.6)
    names = kernel_names(frame)
    looks = _looks(frame, list(names))
    for axes, quantity in zip(sheet.axes, ("product", "pointwise", "smeared"), strict=False):
        panel = sheet.panel(axes, FLUX_LABEL[quantity], HURST, EXPONENT)
        shown = frame[(frame["quantity"] == quantity) & ~(frame["p"] > 1.0)]
        hurst = np.linspace(shown["H"].min(), shown["H"].max(), 201)
        axes.axhline(0.0, color=GREY, linewidth=0.6)
        if quantity != "smeared":
            paper = Estimate.exact(3.0 * hurst - 1.0)
            dotted = Look(BLACK, line=":")
            panel.curve("bound 3H-1", hurst, paper, dotted, "bound $3H-1$ (Eq. 55)")
        for place, (model, name) in enumerate(names.items()):
            rows = shown[shown["model"] == model].sort_values("H")
            panel.place = _beside(place, len(names), hurst)
            _points(panel, name, rows, looks[model])
            panel.place = np.asarray
            _line(panel, quantity, name, float(rows["s"].iloc[0]), hurst, looks[model])
        _bound_key(axes, quantity)
    sheet.legend_in(sheet.axes[3], sheet.axes[0])
    return sheet.finish()


def _looks(frame: pd.DataFrame, models: list[str]) -> dict[str, Look]:
    """Riesz kernels from dark to light in the order of s, others hollow, each with a marker."""
    s = frame.groupby("model", sort=False)["s"].first()
    riesz = frame.groupby("model", sort=False)["kernel"].first() == "riesz"
    ordered = sorted((model for model in models if riesz[model]), key=lambda model: s[model])
    others = [model for model in models if not riesz[model]]
    colours = sns.color_palette("viridis", len(ordered))
    looks = {
        model: Look(colour, MARKERS[m % len(MARKERS)])
        for m, (model, colour) in enumerate(zip(ordered, colours, strict=True))
    }
    for m, model in enumerate(others, start=len(ordered)):
        grey = sns.color_palette("dark:0.6", len(others))[m - len(ordered)]
        looks[model] = Look(grey, MARKERS[m % len(MARKERS)], hollow=True)
    return looks


def _beside(place: int, count: int, hurst: Real) -> Place:
    shift = 0.06 * (place - 0.5 * (count - 1)) / count * float(np.ptp(hurst))
    return lambda x: np.asarray(x) + 0.4 * shift


def _points(panel: Panel, name: str, rows: pd.DataFrame, look: Look) -> None:
    ends = (rows[column].to_numpy() for column in ("measured", "ci_low", "ci_high"))
    panel.points(name, rows["H"].to_numpy(), Estimate(*ends), replace(look, line="none"), name)


def _line(panel: Panel, quantity: str, name: str, s: float, hurst: Real, look: Look) -> None:
    """What the kernel's own exponents give: bound (product, smeared) or prediction (pointwise)."""
    values = {
        "product": product_exponent,
        "pointwise": flux_exponent,
        "smeared": lambda xi, s: flux_bounds(xi, force_exponent(xi, s))["xi+xiF"],
    }[quantity](hurst, s)
    panel.curve(f"line, {name}", hurst, Estimate.exact(values), look)
    panel.axes.lines[-1].set_linewidth(0.8)


def _bound_key(axes: Axes, quantity: str) -> None:
    text = {
        "product": r"lines: bound $2\xi+\xi^F-1$",
        "pointwise": r"lines: prediction $\min(\xi+2\xi^F,2)$",
        "smeared": r"lines: bound $\xi+\xi^F$",
    }[quantity]
    axes.text(0.98, 0.03, text, transform=axes.transAxes, ha="right", fontsize=SMALL)


def phase_diagram(frame: pd.DataFrame, margin: float) -> Drawn:
    """Measured exponent of the flux over s and ξ, with the lines of the prediction.

    Parameters
    ----------
    frame : DataFrame
        The table of the stage `bounds`, of which Riesz kernels are shown.
    margin : float
        How far the prediction may lie outside the interval.
    """
    sheet = Sheet(1, 1, 4.6)
    axes = sheet.axes[0]
    panel = sheet.panel(axes, "exponent of the flux: prediction and measurement", ORDER, XI)
    rows = frame[
        (frame["kernel"] == "riesz") & (frame["quantity"] == "pointwise") & (frame["p"] == 1.0)
    ]
    s = np.linspace(
        min(rows["s"].min(), 0.9) - 0.1, max(rows["s"].max(), CONCENTRATED[0]) + 0.2, 241
    )
    xi = np.linspace(min(rows["H"].min(), CONCENTRATED[1]) - 0.1, rows["H"].max() + 0.1, 241)
    extent = max(2.0, float(rows["measured"].abs().max()))
    norm = CenteredNorm(0.0, extent)
    predicted = flux_exponent(xi[:, np.newaxis], s)
    levels = np.arange(-2.0, 2.0, 0.5)
    lines = axes.contour(s, xi, predicted, levels, colors=[GREY], linewidths=0.7, linestyles="-")
    axes.clabel(lines, levels[levels != 0.0], fontsize=SMALL, fmt=lambda x: minus(f"{x:g}"))
    close = competing(xi[:, np.newaxis], s) < CROSSOVER
    axes.contourf(s, xi, close, levels=[0.5, 1.5], colors=[WINDOW], zorder=0)
    axes.fill_between([], [], color=WINDOW, label="two powers compete")
    panel.curve(
        "predicted exponent 0", s, Estimate.exact(marginal_exponent(s)), Look(BLACK), "predicted 0"
    )
    axes.lines[-1].set_linewidth(2.2)
    lowest = Estimate.exact(lowest_exponent(s))
    panel.curve("prediction ends", s, lowest, Look(GREY, line=":"), "prediction ends")
    _measured(sheet, panel, rows, margin, norm)
    panel.points(
        "exact cone",
        [CONCENTRATED[0]],
        Estimate.exact([CONCENTRATED[1]]),
        Look((1.0, 1.0, 1.0), "*", "none"),
        "exact cone: exponent 0",
    )
    star = axes.lines[-1]
    star.set(markersize=17, markeredgecolor=BLACK, zorder=5)
    axes.set(xlim=(s[0], s[-1]), ylim=(xi[0], xi[-1]))
    sheet.legend_below(axes, columns=3)
    return sheet.finish()


def agrees(rows: pd.DataFrame, margin: float) -> npt.NDArray[np.bool_]:
    """Whether the prediction lies in the interval or within the margin of it."""
    low, high = rows["ci_low"] - margin, rows["ci_high"] + margin
    return ((low <= rows["predicted"]) & (rows["predicted"] <= high)).to_numpy()


def _measured(
    sheet: Sheet, panel: Panel, rows: pd.DataFrame, margin: float, norm: CenteredNorm
) -> None:
    """Markers coloured by the measured exponent; their shape says whether the prediction holds."""
    good = agrees(rows, margin)
    for chosen, marker, label in (
        (good, "o", "measured, agrees"),
        (~good, "s", "measured, does not"),
    ):
        some = rows[chosen]
        if some.empty:
            continue
        sheet.record(
            panel=panel.title,
            series=label,
            x_name=ORDER.name,
            y_name=XI.name,
            x=some["s"].to_numpy(),
            y=some["H"].to_numpy(),
            z=some["measured"].to_numpy(),
            z_low=some["ci_low"].to_numpy(),
            z_high=some["ci_high"].to_numpy(),
        )
        panel.axes.scatter(
            some["s"],
            some["H"],
            c=some["measured"],
            norm=norm,
            cmap=DIVERGING,
            s=120,
            marker=marker,
            edgecolors=BLACK,
            linewidths=0.8,
            zorder=4,
        )
        panel.axes.plot(
            [], [], marker, color="none", markeredgecolor=BLACK, markersize=8, label=label
        )
    colours = ScalarMappable(norm, DIVERGING)
    bar = sheet.figure.colorbar(colours, ax=panel.axes, pad=0.02)
    bar.set_label("measured " + FLUX.label())
