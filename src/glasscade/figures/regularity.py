"""Figures of exponents: of the density and the force, and of the flux they bound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from glasscade.figures.data import (
    CRITICAL,
    CRITICAL_ORDER,
    ESTIMATORS,
    FIELDS,
    OFFSET,
    Estimate,
    Results,
    bounds,
    case_suffix,
    critical_exponent,
)
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    BOUND_COLOUR,
    BOUND_LABEL,
    BOUND_LINE,
    ELL,
    ESTIMATOR_COLOUR,
    ESTIMATOR_LABEL,
    FLUX_COLOUR,
    FLUX_LABEL,
    GREY,
    HURST,
    MARGIN,
    MARKERS,
    ORDER,
    WINDOW,
    Colour,
    Quantity,
    ladder,
)
from glasscade.limits.extrapolation import slope
from glasscade.paths import number
from glasscade.regularity.fits import local_slopes

Real = npt.NDArray[np.float64]

XI = Quantity("xi_q [1]", r"$\xi_q$ (dimensionless)")
LOCAL = Quantity("local xi_q [1]", r"local slope as $\xi_q$")
FIELD_LABEL = {"density": "ρ", "force": "F"}
NORM_UNIT = {
    "wavelets": r"$\|\Delta_j\rho\|_q$ ($\ell_0^{-d}$)",
    "gradients": r"$\|\nabla\bar\rho_\ell\|_q$ ($\ell_0^{-d-1}$)",
    "increments": r"$\|\delta\rho(r)\|_q$ ($\ell_0^{-d}$)",
}
SCALE_LABEL = {
    "wavelets": r"wavelet scale ($\ell_0$)",
    "gradients": r"filter width $\ell$ ($\ell_0$)",
    "increments": r"separation $r$ ($\ell_0$)",
}


def structure(results: Results) -> Drawn:
    """Norms of ρ against scale with fits over the window, and local slopes; three estimators.

    One curve for each order q at T = 0; where exponents are known, for each of them at q = 3.
    """
    sheet = Sheet(2, len(ESTIMATORS), 5.4)
    density = results.exponents.sel(field="density").isel(temperature=0)
    lines = _structure_lines(results, density)
    for column, estimator in enumerate(ESTIMATORS):
        scale_label = Quantity(f"scale, {estimator} [l0]", SCALE_LABEL[estimator])
        norm_label = Quantity(f"norm, {estimator}", NORM_UNIT[estimator])
        name = ESTIMATOR_LABEL[estimator]
        top = sheet.panel(sheet.axes[column], name, scale_label, norm_label)
        axis = sheet.axes[column + len(ESTIMATORS)]
        bottom = sheet.panel(axis, f"local slopes, {name}", scale_label, LOCAL)
        for label, line, colour, marker, known in lines:
            _structure_line(
                top, bottom, line.sel(estimator=estimator), label, colour, marker, known
            )
        low, high = lines[0][1]["window"].sel(estimator=estimator).values
        for panel in (top, bottom):
            panel.axis.set_xscale("log")
            panel.axis.axvspan(low, high, color=WINDOW, linewidth=0, zorder=0)
        top.axis.set_yscale("log")
        bottom.axis.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--")
    sheet.figure.legend(*sheet.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    return sheet.finish()


Line = tuple[str, xr.Dataset, Colour, str, float | None]


def _structure_lines(results: Results, density: xr.Dataset) -> list[Line]:
    if results.known is None:
        orders = density["order"].values
        return [
            (f"q = {q:g}", density.isel(case=0).sel(order=q), colour, marker, None)
            for q, colour, marker in zip(orders, ladder(orders), MARKERS, strict=False)
        ]
    third = density.sel(order=CRITICAL_ORDER)
    return [
        (f"H = {h:.3g}", third.isel(case=case), colour, marker, float(h))
        for case, (h, colour, marker) in enumerate(
            zip(results.known, ladder(results.known), MARKERS, strict=False)
        )
    ]


def _structure_line(
    top: Panel,
    bottom: Panel,
    line: xr.Dataset,
    label: str,
    colour: Colour,
    marker: str,
    known: float | None,
) -> None:
    estimator = str(line["estimator"].values)
    shown = np.isfinite(line["scale"].values)
    scale, norm = line["scale"].values[shown], line["mean_norm"].values[shown]
    low, high = line["window"].values
    top.points(label, scale, Estimate.exact(norm), colour=colour, marker=marker, line="none", label=label)
    inside = (scale >= low * (1.0 - 1e-9)) & (scale <= high * (1.0 + 1e-9))
    power = float(line["value"]) - OFFSET[estimator]
    x = scale[inside]
    amplitude = np.exp(np.mean(np.log(norm[inside]) - power * np.log(x)))
    top.curve(f"fit, {label}", x, Estimate.exact(amplitude * x**power), colour=colour)
    middle, slopes = local_slopes(scale, norm)
    bottom.points(
        label, middle, Estimate.exact(slopes + OFFSET[estimator]), colour=colour, marker=marker
    )
    fitted = Estimate(*(np.full(2, float(line[n])) for n in ("value", "ci_low", "ci_high")))
    bottom.curve(f"fit, {label}", [low, high], fitted, colour=colour)
    if known is not None:
        bottom.curve(
            f"known, {label}", [low, high], Estimate.exact(np.full(2, known)), colour=colour, line=":"
        )


def exponents(results: Results) -> Drawn:
    """ξ_q against q for ρ (above) and F (below), by three estimators, with the 1/3 line.

    Colours are temperatures, or known exponents; hollow points are outside the range in which
    an estimator is unbiased.
    """
    sheet = Sheet(len(FIELDS), len(ESTIMATORS), 5.6, sharex=True, sharey="row")
    families = _families(results)
    for row, field in enumerate(FIELDS):
        for column, estimator in enumerate(ESTIMATORS):
            axis = sheet.axes[row * len(ESTIMATORS) + column]
            title = f"{FIELD_LABEL[field]}, {ESTIMATOR_LABEL[estimator]}"
            panel = sheet.panel(axis, title, ORDER, XI)
            for place, (label, family, colour, marker, known) in enumerate(families):
                shift = 0.1 * (place - 0.5 * (len(families) - 1))
                chosen = family.sel(field=field, estimator=estimator)
                _exponent_points(panel, chosen, label, colour, marker, shift)
                if known is not None and field == "density":
                    axis.axhline(known, color=colour, linewidth=0.8, linestyle=":")
            axis.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--")
            axis.label_outer()
    handles = [*sheet.axes[0].get_legend_handles_labels()]
    sheet.figure.legend(*handles, loc="outside lower center", ncols=6)
    return sheet.finish()


def _families(results: Results) -> list[Line]:
    """Temperatures, or known exponents at T = 0."""
    if results.known is not None:
        values, along, symbol, known = results.known, "case", "H", list(results.known)
        base = results.exponents.isel(temperature=0)
    else:
        values, along, symbol = results.temperatures, "temperature", "T"
        known = [None] * values.size
        base = results.exponents.isel(case=0)
    return [
        (f"{symbol} = {value:.3g}", base.isel({along: i}), colour, MARKERS[i % len(MARKERS)], known[i])
        for i, (value, colour) in enumerate(zip(values, ladder(values), strict=True))
    ]


def _exponent_points(
    panel: Panel, chosen: xr.Dataset, label: str, colour: Colour, marker: str, shift: float
) -> None:
    """Trusted points filled, the others hollow."""
    orders = chosen["order"].values
    value = Estimate(*(chosen[name].values for name in ("value", "ci_low", "ci_high")))
    panel.place = lambda x: np.asarray(x) + shift
    trusted = chosen["trusted"].values == 1
    for subset, hollow in ((trusted, False), (~trusted, True)):
        if subset.any():
            panel.points(
                label if not hollow else f"{label}, not trusted",
                orders[subset],
                value[subset],
                colour=colour,
                marker=marker,
                line="none",
                hollow=hollow,
                label=label if hollow == (not trusted.any()) else None,
            )


def recovery(results: Results) -> Drawn:
    """Measured ξ_3 of ρ against the known exponent, and the difference with its margin."""
    assert results.known is not None
    sheet = Sheet(1, 2, 3.4)
    measured = sheet.panel(sheet.axes[0], "recovery of known exponents", HURST, XI3)
    error = sheet.panel(sheet.axes[1], "measured minus known", HURST, ERROR)
    ends = np.array([0.0, 1.0])
    measured.curve("measured = known", ends, Estimate.exact(ends), colour=GREY, label="measured = known")
    t = results.tolerance
    error.axis.axhspan(-t, t, color=MARGIN, linewidth=0, label=f"margin ±{t:g}")
    error.axis.axhline(0.0, color=GREY, linewidth=0.8)
    for panel in (measured, error):
        panel.axis.axvline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--")
    third = results.exponents.sel(field="density", order=CRITICAL_ORDER).isel(temperature=0)
    for e, estimator in enumerate(ESTIMATORS):
        row = third.sel(estimator=estimator)
        value = Estimate(*(row[name].values for name in ("value", "ci_low", "ci_high")))
        difference = Estimate(*(part - results.known for part in value.parts))
        trusted = row["trusted"].values == 1
        label = ESTIMATOR_LABEL[estimator] + " (verdict)" * (estimator == results.estimator)
        shift = 0.012 * (e - 1)
        for panel, shown in ((measured, value), (error, difference)):
            panel.place = lambda x, shift=shift: np.asarray(x) + shift
            for subset, hollow in ((trusted, False), (~trusted, True)):
                panel.points(
                    label if not hollow else f"{label}, not trusted",
                    results.known[subset],
                    shown[subset],
                    colour=ESTIMATOR_COLOUR[e],
                    marker=MARKERS[e],
                    line="none",
                    hollow=hollow,
                    label=label if hollow == (not trusted.any()) else None,
                )
    sheet.axes[0].legend()
    sheet.axes[1].legend()
    return sheet.finish()


XI3 = Quantity("xi_3 [1]", r"measured $\xi_3$ (dimensionless)")
ERROR = Quantity("xi_3 - H [1]", r"$\xi_3-H$ (dimensionless)")


def flux_exponent(results: Results) -> Drawn:
    """Norms of the flux against ℓ at T = 0, and their exponents beside the three bounds."""
    sheet = Sheet(1, 2, 3.9)
    relative = Quantity("norm of the flux / at the end of the fit [1]", "norm of the flux, relative")
    left = sheet.panel(sheet.axes[0], "flux against scale, T = 0", ELL, relative)
    left.axis.set_xscale("log")
    left.axis.set_yscale("log")
    if results.known is None:
        _flux_curves(results, left)
        _bounds_in_rows(results, sheet.panel(sheet.axes[1], "exponents", EXPONENT, ROW))
    else:
        _flux_by_case(results, left)
        _bounds_by_case(results, sheet.panel(sheet.axes[1], "exponents", HURST, EXPONENT))
    return sheet.finish()


ROW = Quantity("row [1]", "")
EXPONENT = Quantity("exponent of ell [1]", r"exponent of $\ell$ (dimensionless)")


def _smeared(results: Results, case: int) -> xr.DataArray:
    """Root mean square over φ of the flux at T = 0, first kernel."""
    both = (results.limits["source"] + results.limits["transport"]).sel(term="Q_flux")
    flux = results.of_case(both.isel(temperature=0, kernel=0), case)
    smeared = np.sqrt((flux**2).mean("phi"))
    return smeared.sel(ell=smeared["ell"] > 0.0).dropna("ell")


def _norms(results: Results) -> dict[str, xr.DataArray]:
    """The smeared flux, and where maps are computed the pointwise norms of order 1."""
    found = {"smeared": _smeared(results, 0)}
    for name, variable in (("pointwise", "flux_norm"), ("product", "product_norm")):
        if variable in results.limits:
            found[name] = results.limits[variable].isel(order=0).dropna("ell")
    return found


def _relative(results: Results, norm: xr.DataArray, at: float) -> tuple[Real, Estimate]:
    """A norm divided by its value at the end of the fit."""
    mean = results.geometric_mean(norm)
    ells = norm["ell"].values
    unit = float(mean.value[np.argmin(np.abs(ells - at))])
    return ells, Estimate(*(part / unit for part in mean.parts))


def _flux_curves(results: Results, panel: Panel) -> None:
    """All norms, with lines of the slopes of the bounds through their common point."""
    fits = results.rows("flux_bound")
    end = next(iter(fits.values())).fit_high
    for place, (name, norm) in enumerate(_norms(results).items()):
        x, y = _relative(results, norm, end)
        panel.points(
            name, x, y, colour=FLUX_COLOUR[name], marker=MARKERS[place], label=FLUX_LABEL[name]
        )
    low, high = panel.axis.get_ylim()
    start = next(iter(fits.values())).fit_low
    window = np.array([start, end])
    panel.axis.axvspan(start, end, color=WINDOW, linewidth=0, zorder=0)
    xi, force = (critical_exponent(results, field).value[0] for field in FIELDS)
    for name, power in bounds(xi, force).items():
        panel.curve(
            f"slope {name}",
            window,
            Estimate.exact((window / end) ** float(power)),
            colour=BOUND_COLOUR[name],
            line=BOUND_LINE[name],
            label=f"slope {BOUND_LABEL[name]} = {float(power):.2f}",
        )
    panel.axis.set_ylim(low, high)
    panel.axis.legend(fontsize=7.5)


def _flux_by_case(results: Results, panel: Panel) -> None:
    """The smeared flux for every known exponent."""
    assert results.known is not None
    fits = results.rows("flux_bound")
    for case, (h, colour) in enumerate(zip(results.known, ladder(results.known), strict=True)):
        fit = fits["smeared_vs_xi+xiF" + case_suffix(results, case)]
        x, y = _relative(results, _smeared(results, case), fit.fit_high)
        label = f"H = {h:.3g}"
        panel.points(label, x, y, colour=colour, marker=MARKERS[case], label=label)
    panel.axis.axvspan(fit.fit_low, fit.fit_high, color=WINDOW, linewidth=0, zorder=0)
    panel.axis.legend(title="smeared flux")


def _measured(results: Results, case: int) -> dict[str, Estimate]:
    """Measured exponents with intervals: those of the verdicts, and that of the product."""
    found = {}
    for quantity, row in results.rows("flux_bound").items():
        if quantity.endswith(case_suffix(results, case)):
            name = quantity.split("_vs_")[0]
            found[name] = Estimate(*(np.array([v]) for v in (row.value, row.ci_low, row.ci_high)))
    return found


def _bounds(results: Results) -> dict[str, Estimate]:
    """The three bounds; their intervals are those of the exponents."""
    density, force = (critical_exponent(results, field) for field in FIELDS)
    ends = [bounds(*pair) for pair in zip(density.parts, force.parts, strict=True)]
    return {name: Estimate(*(end[name] for end in ends)) for name in BOUND_LABEL}


def _bounds_in_rows(results: Results, panel: Panel) -> None:
    """Measured exponents above, bounds below."""
    measured = _measured(results, 0)
    rows = [
        *((FLUX_LABEL[name], value, FLUX_COLOUR[name], name) for name, value in measured.items()),
        *((BOUND_LABEL[name], value, BOUND_COLOUR[name], name) for name, value in _bounds(results).items()),
    ]
    for row, (_, value, colour, name) in enumerate(rows):
        panel.across(name, value, row, colour=colour, marker="s" if row < len(measured) else "D")
        panel.axis.annotate(
            f"{value.value[0]:.2f} [{value.low[0]:.2f}, {value.high[0]:.2f}]",
            (value.value[0], row),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    panel.axis.set_yticks(range(len(rows)), [label for label, *_ in rows])
    panel.axis.set_ylim(len(rows) - 0.5, -0.7)
    panel.axis.axhline(len(measured) - 0.5, color=GREY, linewidth=0.6)
    panel.axis.axvline(0.0, color=GREY, linewidth=0.6)
    panel.axis.margins(x=0.2)


def _bounds_by_case(results: Results, panel: Panel) -> None:
    """Exponents against the known exponent."""
    assert results.known is not None
    for name, bound in _bounds(results).items():
        panel.curve(
            name, results.known, bound, colour=BOUND_COLOUR[name], line=BOUND_LINE[name],
            label=f"bound {BOUND_LABEL[name]}",
        )
    each = [_measured(results, case) for case in range(results.known.size)]
    for place, name in enumerate(each[0]):
        values = Estimate(*(np.concatenate(part) for part in zip(*(m[name].parts for m in each))))
        panel.points(
            f"measured, {name}", results.known, values, colour=FLUX_COLOUR[name],
            marker=MARKERS[place], line="none", label=f"measured, {FLUX_LABEL[name]}",
        )
    panel.axis.axhline(0.0, color=GREY, linewidth=0.6)
    panel.axis.legend()
