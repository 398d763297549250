"""Maps of the coarse-grained density and of the flux of one realisation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.figures.data import Estimate, Results
from glasscade.figures.sheet import Drawn, Sheet
from glasscade.figures.style import DIVERGING, SEQUENTIAL, TERM_COLOUR, Quantity

Real = npt.NDArray[np.float64]

X = Quantity("x [l0]", r"$x$ ($\ell_0$)")
Y = Quantity("y [l0]", r"$y$ ($\ell_0$)")
LARGEST = 128
"""Pixels along a side of an image; finer maps are averaged over blocks."""


def maps(results: Results) -> Drawn:
    """ρ̄_ℓ(x) and Q_flux(x) for every scale of which there is a map: profiles or images."""
    names = sorted(
        str(name).removeprefix("flux_map_")
        for name in results.limits.data_vars
        if str(name).startswith("flux_map_")
    )
    dimension = results.limits[f"flux_map_{names[0]}"].ndim
    sheet = Sheet(len(names), 2, (3.3 if dimension == 2 else 2.7) * len(names))
    draw = _images if dimension == 2 else _profiles
    for row, name in enumerate(names):
        draw(sheet, results, name, row)
    return sheet.finish()


def _quantities(dimension: int) -> tuple[Quantity, Quantity]:
    per = rf"\ell_0^{{-{dimension}}}"
    return (
        Quantity(f"density [l0^-{dimension}]", rf"$\bar\rho_\ell$ (${per}$)"),
        Quantity(
            f"Q_flux [mu V0^2 l0^-{dimension + 2}]",
            rf"$\frac{{1}}{{{dimension}}}$" * (dimension > 1) + r"$\mathrm{tr}\,$" * (dimension > 1)
            + rf"$Q^\mathrm{{flux}}_\ell$ ($\mu V_0^2\,\ell_0^{{-{dimension + 2}}}$)",
        ),
    )


def _profiles(sheet: Sheet, results: Results, name: str, row: int) -> None:
    for axis, kind, quantity, title, colour in zip(
        sheet.axes[2 * row : 2 * row + 2],
        ("density", "flux"),
        _quantities(1),
        ("density", "flux between scales"),
        (TERM_COLOUR["W"], TERM_COLOUR["Q_flux"]),
        strict=True,
    ):
        values = results.limits[f"{kind}_map_{name}"].values
        x = np.arange(values.size) * results.length / values.size
        panel = sheet.panel(axis, f"{title}, ℓ = {name}, T = 0", X, quantity)
        axis.axhline(0.0, color="0.6", linewidth=0.6)
        panel.curve(kind, x, Estimate.exact(values), colour=colour)


def _images(sheet: Sheet, results: Results, name: str, row: int) -> None:
    for axis, kind, quantity, title in zip(
        sheet.axes[2 * row : 2 * row + 2],
        ("density", "flux"),
        _quantities(2),
        ("density", "flux between scales"),
        strict=True,
    ):
        fine = results.limits[f"{kind}_map_{name}"].values
        values, block = _coarsened(fine)
        side = block * results.length / fine.shape[0]  # of a pixel
        x, y = ((np.arange(n) + 0.5) * side for n in values.shape)
        panel = sheet.panel(axis, f"{title}, ℓ = {name}, T = 0", X, Y)
        largest = float(np.max(np.abs(values)))
        signed = {"cmap": DIVERGING, "vmin": -largest, "vmax": largest}
        image = panel.image(
            Estimate.exact(values.T),
            quantity,
            x,
            y,
            extent=(0.0, side * values.shape[0], 0.0, side * values.shape[1]),
            **(signed if kind == "flux" else {"cmap": SEQUENTIAL}),
        )
        sheet.figure.colorbar(image, ax=axis, label=quantity.label, shrink=0.85)


def _coarsened(values: Real) -> tuple[Real, int]:
    """Averages over square blocks, so that no side has more than `LARGEST` pixels; their side."""
    block = -(-max(values.shape) // LARGEST)
    rows, columns = (n - n % block for n in values.shape)
    blocks = values[:rows, :columns].reshape(rows // block, block, columns // block, block)
    return np.asarray(blocks.mean(axis=(1, 3))), block
