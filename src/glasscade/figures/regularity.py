"""Figures of exponents: of the density and the force, and of the flux they bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from glasscade.figures.data import (
    CRITICAL_ORDER,
    FIELDS,
    OFFSET,
    Estimate,
    Results,
    case_suffix,
    critical_exponent,
    estimate,
    without_self_pairs,
)
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    BOUND_COLOUR,
    BOUND_LABEL,
    BOUND_LINE,
    ELL,
    ESTIMATOR_LABEL,
    FAMILY,
    FLUX_COLOUR,
    FLUX_LABEL,
    GREY,
    MARGIN,
    MARKERS,
    ROW,
    SMALL,
    WINDOW,
    Look,
    Place,
    Quantity,
    ladder,
    log_decades,
    log_with_zero,
    minus,
)
from glasscade.limits.bounds import flux_bounds
from glasscade.limits.verdicts import CRITICAL
from glasscade.paths import number
from glasscade.regularity.fits import local_slopes

Real = npt.NDArray[np.float64]

ORDER = Quantity("q [1]", "order $q$")
HURST = Quantity("H [1]", "known exponent $H$")
XI = Quantity("xi_q [1]", r"exponent $\xi_q$")
XI3 = Quantity("xi_3 [1]", r"measured $\xi_3$")
ERROR = Quantity("xi_3 - H [1]", r"$\xi_3-H$")
LOCAL = Quantity("local xi_q [1]", r"local $\xi_q$")
EXPONENT = Quantity("exponent of ell [1]", r"exponent of $\ell$")
LOCAL_EXPONENT = Quantity("local exponent of ell [1]", r"local exponent of $\ell$")
FIELD_LABEL = {"density": "ρ", "force": "F"}
NORM = {
    "wavelets": Quantity("norm of blocks [l0^-d]", r"$\|\Delta_j\rho\|_q$", r"$\ell_0^{-d}$"),
    "gradients": Quantity(
        "norm of gradients [l0^-(d+1)]", r"$\|\nabla\bar\rho_\ell\|_q$", r"$\ell_0^{-d-1}$"
    ),
    "increments": Quantity(
        "norm of increments [l0^-d]", r"$\|\delta\rho(r)\|_q$", r"$\ell_0^{-d}$"
    ),
}
SCALE = {
    "wavelets": Quantity("wavelet scale [l0]", "wavelet scale", r"$\ell_0$"),
    "gradients": Quantity("ell [l0]", r"filter width $\ell$", r"$\ell_0$"),
    "increments": Quantity("r [l0]", "separation $r$", r"$\ell_0$"),
}


@dataclass(frozen=True, eq=False)
class Family:
    """One series of a figure of exponents; `known` is its exponent where that is known."""

    name: str
    data: xr.Dataset
    look: Look
    known: float | None


def structure(results: Results) -> Drawn:
    """Norms of ρ at T = 0 against scale with fits over the window, and local slopes.

    One series for each order q; where exponents are known, for each of them at q = 3.
    """
    columns = len(results.estimators)
    sheet = Sheet(2, columns, 5.3)
    families = _structure_families(results)
    tops = [
        sheet.panel(sheet.axes[c], ESTIMATOR_LABEL[name], SCALE[name], NORM[name])
        for c, name in enumerate(results.estimators)
    ]
    bottoms = [
        sheet.panel(sheet.axes[columns + c], "local slopes", SCALE[name], LOCAL)
        for c, name in enumerate(results.estimators)
    ]
    for estimator, top, bottom in zip(results.estimators, tops, bottoms, strict=True):
        for family in families:
            line = family.data.sel(estimator=estimator)
            _norms_and_fit(top, line, family)
            _local_slopes_and_fit(bottom, line, family)
        low, high = families[0].data["window"].sel(estimator=estimator).values
        for panel in (top, bottom):
            log_decades(panel.axes, "x")
            panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, zorder=0)
        log_decades(top.axes, "y")
        _third(bottom)
    sheet.legend_below(tops[0].axes, bottoms[0].axes, columns=7)
    return sheet.finish()


def _structure_families(results: Results) -> list[Family]:
    density = results.exponents.sel(field="density").isel(temperature=0)
    if results.known is not None:
        third = density.sel(order=CRITICAL_ORDER)
        return _by_case(results, third)
    orders = density["order"].values
    return [
        Family(f"q = {q:g}", density.isel(case=0).sel(order=q), Look(colour, marker), None)
        for q, colour, marker in zip(orders, ladder(orders), MARKERS, strict=False)
    ]


def _by_case(results: Results, data: xr.Dataset) -> list[Family]:
    assert results.known is not None
    return [
        Family(f"H = {h:.3g}", data.isel(case=case), look, float(h))
        for case, (h, look) in enumerate(zip(results.known, _looks(results.known), strict=True))
    ]


def _shown(line: xr.Dataset) -> tuple[Real, Real]:
    """Scales and norms of one series, without padding."""
    known = np.isfinite(line["scale"].values)
    return line["scale"].values[known], line["mean_norm"].values[known]


def _norms_and_fit(panel: Panel, line: xr.Dataset, family: Family) -> None:
    """The norms, and the power law of the fitted exponent through their mean in the window."""
    scale, norm = _shown(line)
    points = replace(family.look, line="none")
    panel.points(family.name, scale, Estimate.exact(norm), points, family.name)
    low, high = line["window"].values
    inside = (scale >= low * (1.0 - 1e-9)) & (scale <= high * (1.0 + 1e-9))
    x, power = scale[inside], float(line["value"]) - OFFSET[str(line["estimator"].values)]
    amplitude = np.exp(np.mean(np.log(norm[inside]) - power * np.log(x)))
    fit = Estimate.exact(amplitude * x**power)
    panel.curve(f"fit, {family.name}", x, fit, family.look)


def _local_slopes_and_fit(panel: Panel, line: xr.Dataset, family: Family) -> None:
    """Slopes between neighbours, the fitted exponent with its interval, and the known one."""
    middle, slopes = local_slopes(*_shown(line))
    local = Estimate.exact(slopes + OFFSET[str(line["estimator"].values)])
    panel.points(family.name, middle, local, family.look)
    window = line["window"].values
    fitted = Estimate(*(np.full(2, float(line[end])) for end in ("value", "ci_low", "ci_high")))
    panel.curve(f"fit, {family.name}", window, fitted, family.look)
    if family.known is not None:
        dotted = replace(family.look, line=":")
        panel.level(f"known, {family.name}", window, family.known, dotted)


def _third(panel: Panel) -> None:
    """The line at 1/3."""
    panel.axes.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")


def exponents(results: Results) -> Drawn:
    """ξ_q against q for ρ (above) and F (below), by three estimators, with the 1/3 line.

    Colours are temperatures, or known exponents; hollow points lie outside the range in which
    an estimator is unbiased.
    """
    columns = len(results.estimators)
    sheet = Sheet(len(FIELDS), columns, 5.7, sharex=True, sharey="row")
    if results.known is None:
        families = _by_temperature(results.exponents.isel(case=0))
    else:
        families = _by_case(results, results.exponents.isel(temperature=0))
    for position, axes in enumerate(sheet.axes):
        field, estimator = FIELDS[position // columns], results.estimators[position % columns]
        title = f"{FIELD_LABEL[field]}, {ESTIMATOR_LABEL[estimator]}"
        panel = sheet.panel(axes, title, ORDER, XI)
        for place, family in enumerate(families):
            chosen = family.data.sel(field=field, estimator=estimator)
            value = Estimate(*(chosen[end].values for end in ("value", "ci_low", "ci_high")))
            panel.place = _shifted(0.1 * (place - 0.5 * (len(families) - 1)))
            _trusted_or_hollow(
                panel,
                family.name,
                chosen["order"].values,
                value,
                chosen["trusted"].values == 1,
                family.look,
            )
            if family.known is not None and field == "density":
                axes.axhline(family.known, color=family.look.colour, linewidth=0.8, linestyle=":")
        _third(panel)
        axes.set_xticks(results.exponents["order"].values)
        axes.label_outer()
    _hollow_key(sheet.axes[0])
    sheet.legend_below(sheet.axes[0], columns=4)
    return sheet.finish()


def _by_temperature(data: xr.Dataset) -> list[Family]:
    temperatures = data["temperature"].values
    return [
        Family(f"T = {number(t)}", data.isel(temperature=i), look, None)
        for i, (t, look) in enumerate(zip(temperatures, _looks(temperatures), strict=True))
    ]


def _looks(values: Real) -> list[Look]:
    """A colour and a marker for every member of an ordered family."""
    above_zero = values - min(0.0, 2.0 * float(np.min(values)))  # what is negative has a colour too
    colours = ladder(above_zero)
    return [Look(colour, MARKERS[i % len(MARKERS)]) for i, colour in enumerate(colours)]


def _shifted(shift: float) -> Place:
    """Series side by side."""
    return lambda x: np.asarray(x) + shift


def _hollow_key(axes: Axes) -> None:
    """What a hollow marker means, for the legend."""
    axes.plot([], [], "o", color=GREY, markerfacecolor="white", label="hollow: not trusted")


def _trusted_or_hollow(
    panel: Panel,
    name: str,
    x: Real,
    y: Estimate,
    trusted: npt.NDArray[np.bool_],
    look: Look,
) -> None:
    """Trusted points filled, the others hollow; one entry in the legend."""
    for chosen, hollow in ((trusted, False), (~trusted, True)):
        if chosen.any():
            panel.points(
                f"{name}, not trusted" if hollow else name,
                x[chosen],
                y[chosen],
                replace(look, line="none", hollow=hollow),
                name if not hollow or not trusted.any() else None,
            )


def recovery(results: Results) -> Drawn:
    """Measured ξ_3 of ρ against the known exponent, and the difference with its margin."""
    assert results.known is not None
    sheet = Sheet(1, 2, 3.8)
    measured = sheet.panel(sheet.axes[0], "recovery of known exponents", HURST, XI3)
    error = sheet.panel(sheet.axes[1], "measured minus known", HURST, ERROR)
    ends = np.array([min(0.0, float(results.known.min())), 1.0])
    identity = "measured = known"
    measured.curve(identity, ends, Estimate.exact(ends), Look(GREY), identity)
    t = results.tolerance
    error.axes.axhspan(-t, t, color=MARGIN, linewidth=0, label=f"margin ±{t:g}")
    error.axes.axhline(0.0, color=GREY, linewidth=0.8)
    third = results.exponents.sel(field="density", order=CRITICAL_ORDER).isel(temperature=0)
    for e, estimator in enumerate(results.estimators):
        row = third.sel(estimator=estimator)
        value = Estimate(*(row[end].values for end in ("value", "ci_low", "ci_high")))
        difference = Estimate(*(part - results.known for part in value.parts))
        name = ESTIMATOR_LABEL[estimator] + " (verdict)" * (estimator == results.estimator)
        trusted = row["trusted"].values == 1
        for panel, shown in ((measured, value), (error, difference)):
            panel.place = _shifted(0.012 * (e - 1))
            look = Look(FAMILY[e], MARKERS[e])
            _trusted_or_hollow(panel, name, results.known, shown, trusted, look)
    _hollow_key(error.axes)
    for panel in (measured, error):
        panel.axes.axvline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")
    sheet.legend_below(*sheet.axes, columns=3)
    return sheet.finish()


def flux_exponent(results: Results) -> Drawn:
    """Norms of the flux against ℓ at T = 0, their local slopes, and the bounds of the exponent.

    One series for each norm; where exponents are known, the smeared flux for each of them.
    """
    sheet = Sheet(2, 2, 6.2)
    first = next(iter(results.rows("flux_bound").values()))
    series = _flux_series(results)
    ells = series[0].norm["ell"].values
    at = float(ells[np.argmin(np.abs(ells - first.fit_high))])
    relative = Quantity(f"norm / norm at ell = {at:g} [1]", rf"norm / norm at $\ell={at:g}$")
    size = sheet.panel(sheet.axes[0], "flux against scale, T = 0", ELL, relative)
    local = sheet.panel(sheet.axes[1], "slopes between neighbouring ℓ", ELL, LOCAL_EXPONENT)
    for panel in (size, local):
        panel.place = log_with_zero(panel.axes, ells)
        panel.axes.axvspan(first.fit_low, first.fit_high, color=WINDOW, linewidth=0, zorder=0)
    for line in series:
        mean = results.geometric_mean(line.norm)
        x = line.norm["ell"].values
        unit = float(mean.value[x == at][0])
        shown = Estimate(*(part / unit for part in mean.parts))
        size.points(line.name, x, shown, line.look, line.label)
        middle, slopes = local_slopes(x, line.norm.transpose("realisation", "ell").values)
        local.points(line.name, middle, estimate(slopes, results.level), line.look)
    log_decades(size.axes, "y")
    if results.known is None:
        _guides(results, size, local, np.array([first.fit_low, first.fit_high]), at)
        _bounds_in_rows(results, sheet.panel(sheet.axes[2], "exponents and bounds", EXPONENT, ROW))
    else:
        _bounds_by_case(
            results, sheet.panel(sheet.axes[2], "exponents and bounds", HURST, EXPONENT)
        )
    sheet.legend_in(sheet.axes[3], *sheet.axes[:3])
    return sheet.finish()


@dataclass(frozen=True, eq=False)
class FluxSeries:
    """One norm of the flux, of dimensions (realisation, ell)."""

    name: str
    label: str
    norm: xr.DataArray
    look: Look


def _flux_series(results: Results) -> list[FluxSeries]:
    """The smeared flux of every known exponent, or all norms there are."""
    if results.known is not None:
        names = [f"smeared, H = {h:.3g}" for h in results.known]
        return [
            FluxSeries(name, name, _smeared(results, case), look)
            for case, (name, look) in enumerate(zip(names, _looks(results.known), strict=True))
        ]
    norms = {"smeared": _smeared(results, 0)}
    for name, variable in (("pointwise", "flux_norm"), ("product", "product_norm")):
        if variable in results.limits:
            norms[name] = results.limits[variable].isel(order=0).dropna("ell")
    return [
        FluxSeries(name, FLUX_LABEL[name], norm, Look(FLUX_COLOUR[name], marker, hollow=hollow))
        for (name, norm), marker, hollow in zip(
            norms.items(), MARKERS, (False, True, True), strict=False
        )
    ]


def _smeared(results: Results, case: int) -> xr.DataArray:
    """Root mean square over φ of the flux at T = 0, first kernel."""
    athermal = without_self_pairs(results.limits).sel(term="Q_flux").isel(temperature=0, kernel=0)
    smeared = (results.of_case(athermal, case) ** 2).mean("phi") ** 0.5
    return smeared.sel(ell=smeared["ell"] > 0.0).dropna("ell")


def _bounds(results: Results) -> dict[str, Estimate]:
    """The three bounds for every case; their intervals are those of the exponents."""
    density, force = (critical_exponent(results, field) for field in FIELDS)
    ends = [flux_bounds(*pair) for pair in zip(density.parts, force.parts, strict=True)]
    return {name: Estimate(*(end[name] for end in ends)) for name in BOUND_LABEL}


def _guides(results: Results, size: Panel, local: Panel, window: Real, at: float) -> None:
    """Lines of the slopes of the bounds: through the common point, and as levels."""
    limits_of_y = size.axes.get_ylim()
    for name, bound in _bounds(results).items():
        power = float(bound.value[0])
        look = Look(BOUND_COLOUR[name], line=BOUND_LINE[name])
        guide = Estimate.exact((window / at) ** power)
        size.curve(f"slope {name}", window, guide, look, f"slope {BOUND_LABEL[name]}")
        local.level(name, window, power, look)
    size.axes.set_ylim(limits_of_y)


def _measured(results: Results, case: int) -> dict[str, Estimate]:
    """Exponents of the verdicts, with their intervals."""
    found = {}
    for quantity, row in results.rows("flux_bound").items():
        name, _, rest = quantity.partition("_vs_")
        if any(rest == bound + case_suffix(results, case) for bound in BOUND_LABEL):
            found[name] = Estimate(*(np.array([v]) for v in (row.value, row.ci_low, row.ci_high)))
    return found


def _bounds_in_rows(results: Results, panel: Panel) -> None:
    """Measured exponents above, bounds below, all with their intervals in figures."""
    measured, bound = _measured(results, 0), _bounds(results)
    rows = [
        *((name, FLUX_LABEL[name], value, FLUX_COLOUR[name]) for name, value in measured.items()),
        *((name, BOUND_LABEL[name], value, BOUND_COLOUR[name]) for name, value in bound.items()),
    ]
    for row, (name, _, value, colour) in enumerate(rows):
        panel.across(name, value, row, Look(colour, "s" if name in measured else "D"))
        middle, low, high = (round(float(p[0]), 2) + 0.0 for p in value.parts)
        interval = f"[{low:.2f}, {high:.2f}]" if np.isfinite(high - low) else "(no interval)"
        text = f"{middle:.2f} {interval}"
        panel.axes.text(
            1.0,
            row - 0.3,
            minus(text),
            transform=panel.axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=SMALL,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )
    panel.axes.set_yticks(range(len(rows)), [label for _, label, *_ in rows])
    panel.axes.set_ylim(len(rows) - 0.5, -0.7)
    panel.axes.axhline(len(measured) - 0.5, color=GREY, linewidth=0.6)
    panel.axes.axvline(0.0, color=GREY, linewidth=0.6)


def _bounds_by_case(results: Results, panel: Panel) -> None:
    """Measured exponents and bounds against the known exponent."""
    assert results.known is not None
    for name, bound in _bounds(results).items():
        look = Look(BOUND_COLOUR[name], line=BOUND_LINE[name])
        panel.curve(name, results.known, bound, look, f"bound {BOUND_LABEL[name]}")
    each = [_measured(results, case) for case in range(results.known.size)]
    for name, marker in zip(each[0], MARKERS, strict=False):
        columns = zip(*(measured[name].parts for measured in each), strict=True)
        panel.points(
            f"measured, {name}",
            results.known,
            Estimate(*(np.concatenate(column) for column in columns)),
            Look(FLUX_COLOUR[name], marker, "none"),
            f"measured, {FLUX_LABEL[name]}",
        )
    panel.axes.axhline(0.0, color=GREY, linewidth=0.6)
