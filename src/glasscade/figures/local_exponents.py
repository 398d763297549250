"""Figure of local exponents, tile by tile, beside the flux in the same tiles."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.data import CRITICAL_ORDER, MEASURED, WHOLE_CELL, Estimate, Known, Results
from glasscade.figures.sheet import Drawn, Sheet
from glasscade.figures.style import (
    BLACK,
    ESTIMATOR_LABEL,
    GREY,
    NULL_LABEL,
    NULL_LOOK,
    ROUGHNESS,
    SEQUENTIAL,
    TERM_COLOUR,
    Look,
    Quantity,
)
from glasscade.limits.verdicts import CRITICAL
from glasscade.regularity.moments import DOMAINS

Real = npt.NDArray[np.float64]
Titled = tuple[str, Real]

X = Quantity("x [l0]", "$x$", r"$\ell_0$")
Y = Quantity("y [l0]", "$y$", r"$\ell_0$")
LOCAL = Quantity("local xi_3 [1]", r"local $\xi_3$")
SHARE = Quantity("share of tiles [1]", "share of tiles below")


def local_exponents(results: Results) -> Drawn:
    """ξ_3 of ρ in every tile, |Q_flux| there, one against the other, and how tiles scatter.

    Of the first realisation at T = 0, by the estimator of the verdicts; the flux is that of the
    finest map, averaged over tiles. Of particles the tiles of the nulls stand beside.
    """
    sheet = Sheet(2, 2, 5.8)
    exponent = _seen(results, _tiles(results, MEASURED))
    name, flux = _flux(results, exponent.shape)
    quantity = _flux_quantity(exponent.ndim)
    left = f"local exponent, {ESTIMATOR_LABEL[results.estimator]}", exponent
    right = f"size of the flux, ℓ = {name}", flux
    draw = _images if exponent.ndim == 2 else _steps
    draw(sheet, results.length, left, right, quantity)
    _against(sheet, exponent, flux, quantity)
    _distribution(sheet, results)
    sheet.legend_below(*sheet.axes, columns=4)
    return sheet.finish()


def _row(results: Results, source: str) -> xr.Dataset:
    """ξ_3 of ρ at T = 0 by the estimator of the verdicts, of the case that maps show."""
    # The map is that of the first realisation, exponents of the cases are sorted.
    first = 0
    if results.known is not None:
        first = int(np.flatnonzero(results.known == float(results.limits["hurst"][0]))[0])
    labels = {"source": source, "field": "density", "estimator": results.estimator}
    return results.exponents.sel(labels).isel(temperature=0, case=first)


def _tiles(results: Results, source: str) -> Real:
    """Local exponents (t_1, ..., t_d)."""
    return np.asarray(_row(results, source)["tile_exponent"].values)


def _seen(results: Results, exponents: Real) -> Real:
    """NaN for what the estimator cannot see, as in tiles that hold nothing but round-off."""
    domain = DOMAINS[results.estimator]
    return np.where((exponents > domain.low) & (exponents < domain.high), exponents, np.nan)


def _flux(results: Results, tiles: tuple[int, ...]) -> tuple[str, Real]:
    """ℓ of the finest map, and the mean of |Q_flux| of the points of every tile."""
    prefix = "flux_map_"
    names = (str(n) for n in results.limits.data_vars if str(n).startswith(prefix))
    name = min((n.removeprefix(prefix) for n in names), key=float)
    size = np.abs(results.limits[prefix + name].values)
    places = (np.arange(n) * t // n for n, t in zip(size.shape, tiles, strict=True))
    tile = np.ravel_multi_index(np.ix_(*places), tiles).ravel()
    sums = np.bincount(tile, size.ravel(), minlength=int(np.prod(tiles)))
    return name, (sums / np.bincount(tile, minlength=sums.size)).reshape(tiles)


def _flux_quantity(dimension: int) -> Quantity:
    trace = r"\mathrm{tr}\," if dimension > 1 else ""
    per = f"/{dimension}" if dimension > 1 else ""
    return Quantity(
        f"|Q_flux| [mu V0^2 l0^-{dimension + 2}]",
        rf"$\langle|{trace}Q^\mathrm{{flux}}_\ell|\rangle{per}$",
        rf"$\mu V_0^2\,\ell_0^{{-{dimension + 2}}}$",
    )


def _steps(sheet: Sheet, length: float, left: Titled, right: Titled, flux: Quantity) -> None:
    """Both along a line, as steps."""
    drawn = ((left, LOCAL, BLACK), (right, flux, TERM_COLOUR["Q_flux"]))
    for axes, ((title, values), quantity, colour) in zip(sheet.axes, drawn, strict=False):
        panel = sheet.panel(axes, title, X, quantity)
        edges = np.linspace(0.0, length, values.size + 1)
        panel.steps(quantity.name, edges, values, Look(colour))
    sheet.axes[0].axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")


def _images(sheet: Sheet, length: float, left: Titled, right: Titled, flux: Quantity) -> None:
    """Both in a plane."""
    reach = float(np.nanmax(np.abs(left[1] - CRITICAL), initial=0.1))
    colours = mpl.colormaps[ROUGHNESS].with_extremes(bad=GREY)
    around = {"cmap": colours, "vmin": CRITICAL - reach, "vmax": CRITICAL + reach}
    drawn = ((left, LOCAL, around), (right, flux, {"cmap": SEQUENTIAL, "vmin": 0.0}))
    for axes, ((title, values), quantity, options) in zip(sheet.axes, drawn, strict=False):
        panel = sheet.panel(axes, title, X, Y)
        x, y = ((np.arange(n) + 0.5) * length / n for n in values.shape)
        extent = (0.0, length, 0.0, length)
        panel.image(Estimate.exact(values.T), quantity, x, y, extent=extent, **options)


def _against(sheet: Sheet, exponent: Real, flux: Real, quantity: Quantity) -> None:
    """The flux of every tile against its exponent."""
    panel = sheet.panel(sheet.axes[2], "flux against exponent", LOCAL, quantity)
    known = np.isfinite(exponent)
    points = Look(TERM_COLOUR["Q_flux"], line="none", hollow=True)
    panel.points("tiles", exponent[known], Estimate.exact(flux[known]), points)
    panel.axes.axvline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")


def _distribution(sheet: Sheet, results: Results) -> None:
    """The share of tiles below each exponent, with the exponent of the whole cell above."""
    panel = sheet.panel(sheet.axes[3], "scatter of the tiles", LOCAL, SHARE)
    drawn = {MEASURED: ("measured", Look(BLACK))}
    drawn |= {null: (NULL_LABEL[null], NULL_LOOK[null]) for null in results.nulls}
    for source, (name, look) in drawn.items():
        tiles = _tiles(results, source)
        tiles = np.sort(tiles[np.isfinite(tiles)])
        share = (np.arange(tiles.size) + 0.5) / max(tiles.size, 1)
        seen = np.isfinite(_seen(results, tiles))
        panel.curve(name, tiles[seen], Estimate.exact(share[seen]), look, name)
        third = _row(results, source).sel(region=WHOLE_CELL, order=CRITICAL_ORDER)
        whole = Known.of(third.expand_dims("at"))
        place = replace(look, line="none", hollow=not bool(whole.given[0]))
        panel.points(f"whole cell, {name}", whole.shown.value, Estimate.exact([1.04]), place)
    key = Look(GREY, hollow=True)
    panel.axes.plot([], [], linestyle="none", label="whole cell (hollow: refused)", **key.markers)
    panel.axes.axvline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--")
