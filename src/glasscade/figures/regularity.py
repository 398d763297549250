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
    MEASURED,
    WHOLE_CELL,
    Estimate,
    Known,
    Results,
    case_suffix,
    critical_exponent,
    estimate,
    flag_of,
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
    NULL_LABEL,
    NULL_LOOK,
    ROW,
    SMALL,
    WINDOW,
    Look,
    Place,
    Quantity,
    log_decades,
    log_with_zero,
    looks,
    minus,
    of_temperatures,
)
from glasscade.limits.bounds import flux_bounds
from glasscade.limits.verdicts import CRITICAL
from glasscade.regularity.exponents import LARGEST_CORRECTION
from glasscade.regularity.fits import local_slopes

Real = npt.NDArray[np.float64]

ORDER = Quantity("q [1]", "order $q$")
HURST = Quantity("H [1]", "known exponent $H$")
XI = Quantity("xi_q [1]", r"exponent $\xi_q$")
XI3 = Quantity("xi_3 [1]", r"exponent $\xi_3$")
ERROR = Quantity("xi_3 - H [1]", r"$\xi_3-H$")
LOCAL = Quantity("local xi_q [1]", r"local $\xi_q$")
EXPONENT = Quantity("exponent of ell [1]", r"exponent of $\ell$")
LOCAL_EXPONENT = Quantity("local exponent of ell [1]", r"local exponent of $\ell$")
FIELD_LABEL = {"density": "ρ", "force": "F"}
OFFSET = {"wavelets": 0.0, "gradients": 1.0, "increments": 0.0}
"""ξ is the slope of ln norm plus this."""
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
NO_RANGE = {"no_range": "no scaling range", "smooth": "smooth: all slopes above 1"}
"""What is written, by flag, instead of the length of a range."""
SPREAD = 0.7
"""Share of the distance between orders, or estimators, over which series lie side by side."""
WORDS = 0.35
"""Share of the width of a panel that the length of a scaling range takes in words."""
STRIP = 0.09
"""Height of the row of one scaling range below local slopes, as a share of their span."""


@dataclass(frozen=True, eq=False)
class Family:
    """One series of a figure of exponents; `known` is its exponent where that is known."""

    name: str
    data: xr.Dataset
    look: Look
    known: float | None = None


def structure(results: Results) -> Drawn:
    """Norms of ρ at T = 0 against scale with their fits, and local slopes, by two estimators.

    That of the verdicts and increments, the structure functions. One series for each order q;
    where exponents are known, for each of them at q = 3. Of particles also the local slopes of
    order 3 beside those of the nulls.
    """
    chosen = (results.estimator, "increments")
    sheet = Sheet(3 if results.nulls else 2, len(chosen), 8.0 if results.nulls else 5.6)
    axes = iter(sheet.axes)
    families = _structure_families(results)
    for name in chosen:
        panel = sheet.panel(next(axes), ESTIMATOR_LABEL[name], SCALE[name], NORM[name])
        for family in families:
            _norms_and_fit(panel, family.data.sel(estimator=name), family)
        log_decades(panel.axes, "x")
        log_decades(panel.axes, "y")
        if results.known is None:
            _shade_range(panel, families, name, written=False)
    for name in chosen:
        panel = sheet.panel(next(axes), "local slopes", SCALE[name], LOCAL)
        _local_slopes(panel, families, name)
        if results.known is None:
            _shade_range(panel, families, name, written=True)
        else:
            _rows_of_ranges(panel, families, name)
    for name, last in zip(chosen, axes, strict=False):
        title = f"local slopes, q = {CRITICAL_ORDER:g}, beside nulls"
        panel = sheet.panel(last, title, SCALE[name], LOCAL)
        _local_slopes(panel, _sources(results), name)
        _rows_of_ranges(panel, _sources(results), name)
    sheet.legend_below(*sheet.axes, columns=4 if results.nulls else 7)
    return sheet.finish()


def _structure_families(results: Results) -> list[Family]:
    density = results.measured.sel(field="density").isel(temperature=0)
    if results.known is not None:
        return _by_case(results, density.sel(order=CRITICAL_ORDER))
    orders = density["order"].values
    # Negative orders and 0 are members of the ladder like all others.
    each = looks(np.arange(1.0, 1.0 + orders.size))
    return [
        Family(minus(f"q = {q:g}"), density.isel(case=0).sel(order=q), look)
        for q, look in zip(orders, each, strict=True)
    ]


def _by_case(results: Results, data: xr.Dataset) -> list[Family]:
    assert results.known is not None
    return [
        Family(f"H = {h:.3g}", data.isel(case=case), look, float(h))
        for case, (h, look) in enumerate(zip(results.known, looks(results.known), strict=True))
    ]


def _sources(results: Results) -> list[Family]:
    """ξ_3 of the density at T = 0, measured and of the nulls."""
    third = results.exponents.sel(region=WHOLE_CELL, field="density", order=CRITICAL_ORDER)
    return [
        Family("measured", third.isel(temperature=0, case=0).sel(source=MEASURED), Look(BLACK)),
        *_nulls(third, results.nulls),
    ]


def _nulls(data: xr.Dataset, names: list[str]) -> list[Family]:
    """The nulls at T = 0."""
    cold = data.isel(temperature=0, case=0)
    return [Family(NULL_LABEL[n], cold.sel(source=n), NULL_LOOK[n]) for n in names]


def _norms_and_fit(panel: Panel, line: xr.Dataset, family: Family) -> None:
    """The norms, and the power law of the measured slope through their mean in the range."""
    scale, norm = line["scale"].values, line["mean_norm"].values
    points = replace(family.look, line="none")
    panel.points(family.name, scale, Estimate.exact(norm), points, family.name)
    if not np.isfinite(line["value"]) or flag_of(line) == "smooth":
        return
    low, high = line["window"].values
    inside = (scale >= low * (1.0 - 1e-9)) & (scale <= high * (1.0 + 1e-9))
    x, power = scale[inside], float(line["raw"]) - OFFSET[str(line["estimator"].values)]
    amplitude = np.exp(np.mean(np.log(norm[inside]) - power * np.log(x)))
    panel.curve(f"fit, {family.name}", x, Estimate.exact(amplitude * x**power), family.look)


def _local_slopes(panel: Panel, families: list[Family], estimator: str) -> None:
    """Slopes between neighbours, and the exponent with its interval over its range."""
    for family in families:
        line = family.data.sel(estimator=estimator)
        refused = abs(float(line["correction"])) > LARGEST_CORRECTION
        series = f"{family.name}, as measured" if refused else family.name
        look = replace(family.look, line=(0, (1, 3)), hollow=refused)
        slopes = _as_measured(line) if refused else line["local"].values
        half = line["local_half"].values
        half = np.where(np.isfinite(half), half, np.nan)  # one sample alone has no interval
        shown = Estimate(slopes, slopes - half, slopes + half)
        panel.points(series, line["middle"].values, shown, look)
        panel.axes.plot([], [], linestyle="none", label=family.name, **family.look.markers)
        if np.isfinite(line["value"]):
            fitted = Known.of(line.expand_dims("at")).shown
            ends = Estimate(*(np.repeat(part, 2) for part in fitted.parts))
            panel.curve(f"fit, {family.name}", line["window"].values, ends, family.look)
        if family.known is not None:
            scales = line["middle"].dropna("between").values
            dotted = replace(family.look, line=":")
            panel.level(f"known, {family.name}", scales, family.known, dotted)
    log_decades(panel.axes, "x")
    _third(panel)


def _as_measured(line: xr.Dataset) -> Real:
    """Local slopes without a correction, which is wrong where it is refused, (n-1,)."""
    scale, norm = line["scale"].values, line["mean_norm"].values
    _, slopes = local_slopes(scale, norm)
    return slopes + OFFSET[str(line["estimator"].values)]


def _range(line: xr.Dataset) -> tuple[float, float, str]:
    """The scaling range and its length in words, or the range searched and why there is none."""
    low, high = (float(end) for end in line["window"].values)
    length = f"{np.log10(high / low):.2f} decades"
    return low, high, NO_RANGE.get(flag_of(line), length)


def _shade_range(panel: Panel, families: list[Family], estimator: str, written: bool) -> None:
    """The one scaling range of all orders; dotted ends of the range searched if there is none."""
    ranges = [_range(family.data.sel(estimator=estimator)) for family in families]
    texts = [text for *_, text in ranges]
    missing = next((text for text in NO_RANGE.values() if text in texts), None)
    low, high, text = ranges[0]
    if missing is None:
        panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, zorder=0)
    else:
        for end in (low, high):
            panel.axes.axvline(end, color=GREY, linewidth=0.8, linestyle=":")
    if written:
        bottom, top = panel.axes.get_ylim()
        panel.axes.set_ylim(bottom, top + 1.2 * STRIP * (top - bottom))
        panel.axes.text(
            np.sqrt(low * high),
            0.99,
            missing or text,
            transform=panel.axes.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=SMALL,
        )


def _rows_of_ranges(panel: Panel, families: list[Family], estimator: str) -> None:
    """The scaling range of every series as a bar below the slopes, with its length."""
    low, high = panel.axes.get_ylim()
    row = STRIP * (high - low)
    ticks = [tick for tick in panel.axes.get_yticks() if low <= tick <= high]
    panel.axes.set_ylim(low - row * len(families), high)
    panel.axes.set_yticks(ticks)
    panel.axes.axhline(low, color=GREY, linewidth=0.6)
    to_axes = (panel.axes.transData + panel.axes.transAxes.inverted()).transform
    for place, family in enumerate(families):
        start, stop, text = _range(family.data.sel(estimator=estimator))
        y, colour = low - row * (place + 0.5), family.look.colour
        (left, row_at), (right, _) = to_axes([(start, y), (stop, y)])
        if text not in NO_RANGE.values():
            panel.axes.plot([start, stop], [y, y], color=colour, linewidth=2.5)
        # In the middle of a bar that is longer than the text, else beside it.
        inside = right - left > WORDS or text in NO_RANGE.values()
        at = 0.5 * (left + right) if inside else left - 0.01 if right > 0.7 else right + 0.01
        panel.axes.text(
            at,
            row_at,
            text,
            transform=panel.axes.transAxes,
            ha="center" if inside else "right" if right > 0.7 else "left",
            va="center",
            fontsize=SMALL,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )


def _third(panel: Panel) -> None:
    """The line at 1/3."""
    panel.axes.axhline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")


def exponents(results: Results) -> Drawn:
    """ξ_q against q by the estimator of the verdicts, and ξ_3 by all, for ρ (above) and F (below).

    Series are known exponents H or temperatures, and for particles the nulls at T = 0.
    """
    sheet = Sheet(len(FIELDS), 2, 6.4, sharey="row")
    families = _families(results)
    orders, estimators = results.exponents["order"].values, results.estimators
    rows = np.arange(len(estimators), dtype=np.float64)
    numbered = ", ".join(f"{i} {name}" for i, name in enumerate(estimators))
    by_estimator = Quantity(f"estimator: {numbered} [1]", "")
    axes = iter(sheet.axes)
    for field in FIELDS:
        title = f"{FIELD_LABEL[field]}, {ESTIMATOR_LABEL[results.estimator]} (verdict)"
        by_order = sheet.panel(next(axes), title, ORDER, XI)
        third = sheet.panel(next(axes), f"{FIELD_LABEL[field]}, order 3", by_estimator, XI3)
        for place, family in enumerate(families):
            data = family.data.sel(field=field)
            one, all_ = data.sel(estimator=results.estimator), data.sel(order=CRITICAL_ORDER)
            shift = SPREAD * (place - 0.5 * (len(families) - 1)) / len(families)
            by_order.place = third.place = _shifted(shift)
            _by_state(by_order, family.name, orders, Known.of(one), family.look)
            _by_state(third, family.name, rows, Known.of(all_), family.look)
            if family.known is not None and field == "density":
                for panel in (by_order, third):
                    panel.axes.axhline(family.known, color=family.look.colour, lw=0.8, ls=":")
        by_order.axes.set_xticks(orders)
        names = [ESTIMATOR_LABEL[name] for name in estimators]
        third.axes.set_xticks(rows, names, rotation=25, ha="right")
        for panel in (by_order, third):
            _third(panel)
    _state_key(sheet.axes[0])
    sheet.legend_below(*sheet.axes, columns=3 if results.nulls else 4)
    return sheet.finish()


def _families(results: Results) -> list[Family]:
    """Series over the whole cell, of dimensions (field, estimator, order)."""
    if results.known is not None:
        return _by_case(results, results.measured.isel(temperature=0))
    temperatures = results.exponents["temperature"].values
    data = results.measured.isel(case=0)
    return [
        *(
            Family(name, data.isel(temperature=t), look)
            for t, name, look in of_temperatures(temperatures)
        ),
        *_nulls(results.exponents.sel(region=WHOLE_CELL), results.nulls),
    ]


def _shifted(shift: float) -> Place:
    """Series side by side."""
    return lambda x: np.asarray(x) + shift


def _state_key(axes: Axes) -> None:
    """What pale and hollow markers mean, for the legend."""
    pale, hollow = Look(GREY, pale=True), Look(GREY, hollow=True)
    for look, text in ((pale, "pale: decides nothing"), (hollow, "hollow: refused, raw slope")):
        axes.plot([], [], linestyle="none", label=text, **look.markers)


def _by_state(panel: Panel, name: str, x: Real, known: Known, look: Look) -> None:
    """Exponents: filled where a verdict may rest on them, pale where not, hollow where refused."""
    parts = (
        (known.decisive, name, look),
        (known.given & ~known.decisive, f"{name}, decides nothing", replace(look, pale=True)),
        (~known.given, f"{name}, refused", replace(look, hollow=True)),
    )
    for chosen, series, each in parts:
        panel.points(series, x[chosen], known.shown[chosen], replace(each, line="none"))
    panel.axes.plot([], [], linestyle="none", label=name, **look.markers)


def recovery(results: Results) -> Drawn:
    """Measured ξ_3 of ρ against the known exponent, and the difference with its margin."""
    assert results.known is not None
    sheet = Sheet(1, 2, 4.2)
    measured = sheet.panel(sheet.axes[0], "recovery of known exponents", HURST, XI3)
    error = sheet.panel(sheet.axes[1], "measured minus known", HURST, ERROR)
    ends = np.array([min(0.0, float(results.known.min())), 1.0])
    identity = "measured = known"
    measured.curve(identity, ends, Estimate.exact(ends), Look(GREY), identity)
    t = results.tolerance
    error.axes.axhspan(-t, t, color=MARGIN, linewidth=0, label=f"margin ±{t:g}")
    error.axes.axhline(0.0, color=GREY, linewidth=0.8)
    third = results.measured.sel(field="density", order=CRITICAL_ORDER).isel(temperature=0)
    for e, estimator in enumerate(results.estimators):
        known = Known.of(third.sel(estimator=estimator))
        name = ESTIMATOR_LABEL[estimator] + " (verdict)" * (estimator == results.estimator)
        look = Look(FAMILY[e % len(FAMILY)], MARKERS[e])
        for panel, shown in ((measured, known), (error, known - results.known)):
            panel.place = _shifted(0.012 * (e - 0.5 * (len(results.estimators) - 1)))
            _by_state(panel, name, results.known, shown, look)
    _state_key(error.axes)
    for panel in (measured, error):
        panel.axes.axvline(CRITICAL, color=BLACK, linewidth=0.8, linestyle="--", label="1/3")
    sheet.legend_below(*sheet.axes, columns=4)
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
            for case, (name, look) in enumerate(zip(names, looks(results.known), strict=True))
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
        if not np.isfinite(power):
            continue
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
        text = f"{middle:.2f} {interval}" if np.isfinite(middle) else "refused"
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
        given = np.isfinite(bound.value)
        panel.curve(name, results.known[given], bound[given], look, f"bound {BOUND_LABEL[name]}")
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
