from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from figure_data import ESTIMATORS, HURST, KINDS, ORDERS, SCALES, results
from glasscade.figures.data import Results
from glasscade.figures.regularity import exponents, flux_exponent, recovery, structure
from glasscade.figures.style import BOUND_LABEL, MOST_SERIES, NULL_LABEL, minus
from glasscade.figures.style import ESTIMATOR_LABEL as LABEL
from glasscade.paths import number
from glasscade.regularity.exponents import ANSWERED, FLAGS, LARGEST_CORRECTION

# Drawn values are those of the dataset up to the round-off of a mean or a logarithm.
ROUND_OFF = 1e-10


def exponent_of(shown: Results, name: str, **labels: str | float) -> xr.DataArray:
    """A variable of the exponents of the model itself over the whole cell at T = 0."""
    chosen = shown.exponents[name].sel(source="measured", **labels).isel(temperature=0)
    return chosen.sel(region="one") if "region" in chosen.dims else chosen


def series(data: pd.DataFrame, panel: str, name: str) -> pd.DataFrame:
    """Rows of a series in a panel, of whatever state, in the order of x."""
    states = [name, f"{name}, decides nothing", f"{name}, refused"]
    return data[data["panel"].str.endswith(panel) & data["series"].isin(states)].sort_values("x")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("field", "symbol"), [("density", "ρ"), ("force", "F")])
def test_exponents_by_order_are_those_given_or_slopes_as_measured(
    kind: str, field: str, symbol: str
) -> None:
    shown = results(kind)
    _, data = exponents(shown)
    name = f"H = {HURST[0]:g}" if kind == "synthetic" else "T = 0"
    rows = series(data, f") {symbol}, wavelets (verdict)", name)
    value, low, raw, decisive = (
        exponent_of(shown, part, field=field, estimator="wavelets").isel(case=0).values
        for part in ("value", "ci_low", "raw", "decisive")
    )
    np.testing.assert_array_equal(rows["x"], ORDERS)
    refused = np.isnan(value)
    np.testing.assert_array_equal(rows["y"], np.where(refused, raw, value))
    np.testing.assert_array_equal(rows["y_low"], low)  # none of refused ones
    np.testing.assert_array_equal(rows["series"].str.endswith("refused"), refused)
    np.testing.assert_array_equal(rows["series"] == name, decisive == 1)


def test_made_up_exponents_hold_every_state() -> None:
    _, data = exponents(results("glass"))
    ends = {text.rpartition(", ")[2] for text in data["series"] if ", " in text}
    assert ends == {"decides nothing", "refused"}


@pytest.mark.parametrize("kind", KINDS)
def test_order_three_is_shown_by_every_estimator(kind: str) -> None:
    shown = results(kind)
    _, data = exponents(shown)
    name = f"H = {HURST[1]:g}" if kind == "synthetic" else "T = 0"
    rows = series(data, ") ρ, order 3", name)
    value, raw = (
        exponent_of(shown, part, field="density", order=3.0).isel(case=-1).values
        for part in ("value", "raw")
    )
    np.testing.assert_array_equal(rows["x"], range(len(ESTIMATORS)))
    np.testing.assert_array_equal(rows["y"], np.where(np.isnan(value), raw, value))
    numbered = ", ".join(f"{i} {estimator}" for i, estimator in enumerate(ESTIMATORS))
    assert set(rows["x_name"]) == {f"estimator: {numbered} [1]"}


def test_exponents_of_particles_stand_beside_the_nulls() -> None:
    shown = results("glass")
    _, data = exponents(shown)
    for panel in data["panel"].unique():
        names = {name.split(",")[0] for name in data[data["panel"] == panel]["series"]}
        assert names == {"T = 0", "T = 0.004", *NULL_LABEL.values()}
    for null, label in NULL_LABEL.items():
        rows = series(data, ") F, wavelets (verdict)", label)
        raw, value = (
            shown.exponents[part]
            .sel(source=null, region="one", field="force", estimator="wavelets", temperature=0.0)
            .isel(case=0)
            .values
            for part in ("raw", "value")
        )
        np.testing.assert_array_equal(rows["y"], np.where(np.isnan(value), raw, value))
    _, others = exponents(results("field"))
    assert not others["series"].str.startswith("null").any()


def test_of_many_temperatures_a_few_are_shown() -> None:
    shown = results("field")
    temperatures = 0.001 * np.arange(4.0 * MOST_SERIES)
    many = shown.exponents.isel(temperature=[0] * len(temperatures))
    _, data = exponents(replace(shown, exponents=many.assign_coords(temperature=temperatures)))
    names = {name.split(",")[0] for name in data["series"]}
    assert len(names) == MOST_SERIES
    assert {"T = 0", f"T = {number(temperatures[-1])}"} <= names


@pytest.mark.parametrize("kind", KINDS)
def test_structure_shows_the_norms_without_padding(kind: str) -> None:
    shown = results(kind)
    _, data = structure(shown)
    name = f"H = {HURST[0]:g}" if kind == "synthetic" else "q = 3"
    rows = data[(data["panel"] == "(a) wavelets") & (data["series"] == name)]
    norm = exponent_of(shown, "mean_norm", field="density", estimator="wavelets", order=3.0)
    np.testing.assert_array_equal(rows["x"], SCALES[:-1])
    np.testing.assert_array_equal(rows["y"], norm.isel(case=0).values[:-1])


@pytest.mark.parametrize(("estimator", "offset"), [("wavelets", 0.0), ("gradients", 1.0)])
def test_fits_have_the_measured_slope_over_the_scaling_range(estimator: str, offset: float) -> None:
    shown = replace(results("field"), estimator=estimator)
    chosen = {"field": "density", "estimator": estimator}
    given = ~np.isnan(exponent_of(shown, "value", **chosen).values[0])
    smooth = exponent_of(shown, "flag", **chosen).values[0] == list(FLAGS).index("smooth")
    _, data = structure(shown)
    norms = data[data["panel"] == f"(a) {LABEL[estimator]}"]
    fits = [f"fit, {minus(f'q = {q:g}')}" for q in np.array(ORDERS)[given & ~smooth]]
    assert set(norms["series"][norms["series"].str.startswith("fit")]) == set(fits)
    assert fits
    raw = exponent_of(shown, "raw", **chosen).values[0][given & ~smooth]
    for name, slope in zip(fits, raw, strict=True):
        rows = norms[norms["series"] == name]
        # The range 0.02 ... 0.16 holds four of the dyadic scales, its ends included.
        np.testing.assert_allclose(rows["x"], [0.02, 0.04, 0.08, 0.16], rtol=1e-12)
        slopes = np.diff(np.log(rows["y"])) / np.diff(np.log(rows["x"]))
        np.testing.assert_allclose(slopes, np.full(3, slope - offset), rtol=ROUND_OFF)


@pytest.mark.parametrize("kind", KINDS)
def test_local_slopes_are_corrected_unless_the_correction_is_refused(kind: str) -> None:
    shown = results(kind)
    _, data = structure(shown)
    order, name = (3.0, f"H = {HURST[0]:g}") if kind == "synthetic" else (-1.0, "q = −1")
    for letter, estimator in (("c", "wavelets"), ("d", "increments")):
        chosen = {"field": "density", "estimator": estimator, "order": order}
        parts = ("correction", "local", "local_half", "mean_norm")
        correction, local, half, norm = (
            exponent_of(shown, part, **chosen).isel(case=0).values for part in parts
        )
        refused = abs(correction) > LARGEST_CORRECTION
        expected = np.diff(np.log(norm)) / np.diff(np.log(SCALES)) if refused else local
        label = f"{name}, as measured" if refused else name
        rows = data[(data["panel"] == f"({letter}) local slopes") & (data["series"] == label)]
        np.testing.assert_allclose(rows["y"], expected[:-1], rtol=ROUND_OFF)
        np.testing.assert_allclose(rows["y_high"] - rows["y"], half[:-1], rtol=ROUND_OFF)


def with_flag(shown: Results, flag: str, correction: float = 0.0) -> Results:
    """All exponents alike; those of a flag without an answer are none."""
    made = shown.exponents.copy(deep=True)
    made["flag"][:] = list(FLAGS).index(flag)
    made["correction"][:] = correction
    for part in ("value", "ci_low", "ci_high"):
        made[part][:] = made["raw"] if flag in ANSWERED else np.nan
    return replace(shown, exponents=made)


def words(figure: Figure, panel: int) -> list[str]:
    """What is written inside a panel."""
    return [text.get_text() for text in figure.axes[panel].texts]


@pytest.mark.parametrize("kind", KINDS)
def test_the_scaling_range_is_given_in_decades_or_said_to_be_missing(kind: str) -> None:
    count = len(HURST) if kind == "synthetic" else 1
    # From 0.02 to 0.16 are three octaves.
    for flag, text in (
        ("trusted", "0.90 decades"),
        ("no_range", "no scaling range"),
        ("smooth", "smooth: all slopes above 1"),
    ):
        figure, data = structure(with_flag(results(kind), flag))
        for panel in (2, 3):
            assert words(figure, panel) == [text] * count
        fitted = data["series"].str.startswith("fit") & data["panel"].str.contains("local")
        assert fitted.any() == (flag != "no_range")


def test_slopes_of_particles_stand_beside_those_of_the_nulls() -> None:
    shown = with_flag(results("glass"), "short")
    figure, data = structure(shown)
    third = shown.exponents.sel(temperature=0.0, field="density", estimator="wavelets", order=3.0)
    rows = data[data["panel"] == "(e) local slopes, q = 3, beside nulls"].set_index("series")
    for source, name in {"measured": "measured", **NULL_LABEL}.items():
        local = third["local"].sel(source=source).values[0, :-1]
        np.testing.assert_array_equal(rows.loc[name, "y"], local)
    assert words(figure, 4) == ["0.90 decades"] * 4


def test_slopes_whose_correction_is_refused_are_named_as_measured() -> None:
    _, data = structure(with_flag(results("field"), "biased", correction=0.021))
    local = data[data["panel"].str.endswith("local slopes")]
    assert local["series"].str.endswith("as measured").all()


def test_an_infinite_interval_is_none() -> None:
    """One realisation alone of a random system has no finite interval."""
    shown = with_flag(results("glass"), "trusted")
    shown.exponents["ci_low"][:] = -np.inf
    shown.exponents["ci_high"][:] = np.inf
    shown.exponents["local_half"][:] = np.inf
    for draw in (structure, exponents):
        _, data = draw(shown)
        assert data["y_low"].isna().all()
        assert not data["series"].str.endswith("refused").any()


def test_recovery_shows_the_difference_from_the_known_exponent() -> None:
    shown = results("synthetic")
    _, data = recovery(shown)
    for estimator in shown.estimators:
        name = LABEL[estimator] + " (verdict)" * (estimator == "wavelets")
        own = series(data, "measured minus known", name)
        np.testing.assert_array_equal(own["x"], HURST)
        value, raw = (
            exponent_of(shown, part, field="density", estimator=estimator, order=3.0).values
            for part in ("value", "raw")
        )
        expected = np.where(np.isnan(value), raw, value) - HURST
        np.testing.assert_allclose(own["y"], expected, rtol=0.0, atol=1e-12)  # round-off
        refused = own["series"].str.endswith("refused")
        np.testing.assert_array_equal(refused, np.isnan(value))


def test_bounds_of_refused_exponents_are_left_out() -> None:
    figure, data = flux_exponent(with_flag(results("field"), "no_range"))
    assert not data["series"].str.startswith("slope").any()
    assert not data["series"].isin(list(BOUND_LABEL)).any()
    assert words(figure, 2).count("refused") == len(BOUND_LABEL)


def test_smeared_flux_is_its_root_mean_square_over_the_test_functions() -> None:
    shown = results("field")
    _, data = flux_exponent(shown)
    rows = data[data["panel"].str.startswith("(a)") & (data["series"] == "smeared")]
    flux = (shown.limits["source"] + shown.limits["transport"]).sel(term="Q_flux", temperature=0.0)
    flux = flux.isel(kernel=0, realisation=0).sel(ell=slice(0.05, None))
    size = np.sqrt((flux**2).mean("phi")).values
    reference = size[flux["ell"].values == 0.4]  # the scale next to the end of the window, 0.35
    np.testing.assert_allclose(rows["y"], size / reference, rtol=ROUND_OFF)


def test_local_exponents_of_the_flux_are_slopes_of_its_norm() -> None:
    shown = results("glass")
    _, data = flux_exponent(shown)
    local = data[data["panel"].str.startswith("(b)") & (data["series"] == "smeared")]
    size = data[data["panel"].str.startswith("(a)") & (data["series"] == "smeared")]
    expected = np.diff(np.log(size["y"])) / np.diff(np.log(size["x"]))
    np.testing.assert_allclose(local["y"], expected, rtol=0.0, atol=ROUND_OFF)
    assert (local["y_low"] < local["y"]).all()


@pytest.mark.parametrize("kind", ["cluster", "field", "glass"])
def test_measured_exponents_stand_beside_their_bounds(kind: str) -> None:
    shown = results(kind)
    _, data = flux_exponent(shown)
    rows = data[data["panel"] == "(c) exponents and bounds"].set_index("series")
    np.testing.assert_allclose(
        rows.loc["smeared", ["y", "y_low", "y_high"]].astype(float), [1.9, 1.8, 2.0], rtol=1e-12
    )
    third = shown.measured.sel(estimator="wavelets", order=3.0).isel(temperature=0, case=0)
    rho, force = (third.sel(field=field) for field in ("density", "force"))
    assert rows.loc["3xi-1", "y"] == pytest.approx(3.0 * float(rho["value"]) - 1.0, abs=1e-12)
    lowest = float(rho["ci_low"]) + min(float(force["ci_low"]), 1.0)
    assert rows.loc["xi+xiF", "y_low"] == pytest.approx(lowest, abs=1e-12)


def test_known_exponents_have_their_own_measured_flux() -> None:
    _, data = flux_exponent(results("synthetic"))
    rows = data[data["series"] == "measured, smeared"]
    np.testing.assert_array_equal(rows["x"], HURST)
    np.testing.assert_allclose(rows["y"], 1.5 + np.array(HURST), rtol=1e-12)
