"""Maps of the coarse-grained density and of the flux of one realisation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from glasscade.figures.data import Estimate, Results
from glasscade.figures.sheet import Drawn, Sheet
from glasscade.figures.style import DIVERGING, GREY, SEQUENTIAL, TERM_COLOUR, Look, Quantity

Real = npt.NDArray[np.float64]

X = Quantity("x [l0]", "$x$", r"$\ell_0$")
Y = Quantity("y [l0]", "$y$", r"$\ell_0$")
TITLES = {"density": "density", "flux": "flux between scales"}
COLOURS = {"density": TERM_COLOUR["W"], "flux": TERM_COLOUR["Q_flux"]}
LARGEST = 128
"""Pixels along a side of an image; finer maps are averaged over blocks."""


def maps(results: Results) -> Drawn:
    """ρ̄_ℓ(x) and Q_flux(x) for every scale of which there is a map: profiles or images."""
    names = sorted(
        (
            str(name).removeprefix("flux_map_")
            for name in results.limits.data_vars
            if str(name).startswith("flux_map_")
        ),
        key=float,
    )
    dimension = results.limits[f"flux_map_{names[0]}"].ndim
    sheet = Sheet(len(names), 2, (3.0 if dimension == 2 else 2.7) * len(names))
    draw = _image if dimension == 2 else _profile
    for position, axes in enumerate(sheet.axes):
        kind = tuple(TITLES)[position % 2]
        draw(sheet, axes, results, kind, names[position // 2])
    return sheet.finish()


def _quantity(kind: str, dimension: int) -> Quantity:
    if kind == "density":
        unit = rf"$\ell_0^{{-{dimension}}}$"
        return Quantity(f"density [l0^-{dimension}]", r"$\bar\rho_\ell$", unit)
    trace = r"$\mathrm{tr}\,$" if dimension > 1 else ""
    per = f"$/{dimension}$" if dimension > 1 else ""
    return Quantity(
        f"Q_flux [mu V0^2 l0^-{dimension + 2}]",
        rf"{trace}$Q^\mathrm{{flux}}_\ell${per}",
        rf"$\mu V_0^2\,\ell_0^{{-{dimension + 2}}}$",
    )


def _title(results: Results, kind: str, ell: str) -> str:
    if results.known is None:
        return f"{TITLES[kind]}, ℓ = {ell}"
    # The map is that of the first realisation, exponents of the cases are sorted.
    return f"{TITLES[kind]}, ℓ = {ell}, H = {float(results.limits['hurst'][0]):.3g}"


def _profile(sheet: Sheet, axes: Axes, results: Results, kind: str, ell: str) -> None:
    values = results.limits[f"{kind}_map_{ell}"].values
    x = np.arange(values.size) * results.length / values.size
    panel = sheet.panel(axes, _title(results, kind, ell), X, _quantity(kind, 1))
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
    panel.curve(kind, x, Estimate.exact(values), Look(COLOURS[kind]))


def _image(sheet: Sheet, axes: Axes, results: Results, kind: str, ell: str) -> None:
    fine = results.limits[f"{kind}_map_{ell}"].values
    values, block = _coarsened(fine)
    spacing = results.length / fine.shape[0]
    # The values of the grid stand at its points, hence in the middle of pixels.
    edges = [(np.arange(n + 1) * block - 0.5) * spacing for n in values.shape]
    x, y = (0.5 * (edge[1:] + edge[:-1]) for edge in edges)
    largest = float(np.max(np.abs(values)))
    signed = {"cmap": DIVERGING, "vmin": -largest, "vmax": largest}
    panel = sheet.panel(axes, _title(results, kind, ell), X, Y)
    panel.image(
        Estimate.exact(values.T),
        _quantity(kind, 2),
        x,
        y,
        extent=(edges[0][0], edges[0][-1], edges[1][0], edges[1][-1]),
        **(signed if kind == "flux" else {"cmap": SEQUENTIAL}),
    )


def _coarsened(values: Real) -> tuple[Real, int]:
    """Averages over square blocks, so that no side has more than `LARGEST` pixels; their side."""
    block = -(-max(values.shape) // LARGEST)
    rows, columns = (n - n % block for n in values.shape)
    blocks = values[:rows, :columns].reshape(rows // block, block, columns // block, block)
    return np.asarray(blocks.mean(axis=(1, 3))), block
