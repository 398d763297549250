from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from figure_data import HURST, LEVEL, results
from glasscade.figures.budgets import (
    MOST_COLUMNS,
    MOST_ROWS,
    budget,
    direct_terms,
    plane,
    stress,
)
from glasscade.figures.data import Results, one, terms, without_self_pairs
from glasscade.figures.sheet import Drawn
from glasscade.figures.style import MOST_SERIES

Drawing = Callable[[Results], Drawn]

# Drawn values are those of the dataset up to the round-off of a mean.
ROUND_OFF = 1e-12


def series(data: pd.DataFrame, panel: str, name: str) -> pd.DataFrame:
    """The rows of one series of the panel whose title ends so."""
    chosen = data[data["panel"].str.endswith(panel) & (data["series"] == name)]
    assert not chosen.empty
    return chosen


@pytest.mark.parametrize("kind", ["cluster", "field", "glass"])
@pytest.mark.parametrize("term", ["W", "Q_flux", "Q_thermal"])
def test_budget_shows_source_plus_transport_with_its_sign(kind: str, term: str) -> None:
    shown = results(kind)
    _, data = budget(shown)
    for temperature in (0.0, 0.004):
        expected = terms(shown.limits).sel(term=term, temperature=temperature).mean("realisation")
        expected = expected.dropna("ell")
        rows = series(data, f"T = {temperature:g}", term)
        np.testing.assert_array_equal(rows["x"], expected["ell"].values)
        np.testing.assert_allclose(rows["y"], expected.values, rtol=ROUND_OFF)
    assert (series(data, "T = 0.004", "W")["y"] < 0.0).all()


def test_what_is_not_defined_is_not_drawn() -> None:
    _, data = budget(results("cluster"))
    assert 0.0 not in set(series(data, "T = 0", "W")["x"])
    assert 0.0 in set(series(data, "T = 0.001", "W")["x"])


def test_sum_of_the_terms_is_their_sum_and_the_stress_is_independent() -> None:
    shown = results("glass")
    _, data = budget(shown)
    names = ["W", "Q_flux", "Q_thermal", "Ito"]
    added = sum(series(data, "T = 0.002", name)["y"].to_numpy() for name in names)
    total = series(data, "T = 0.002", "sum of terms")["y"]
    # Terms of opposite sign cancel: round-off of the largest of them.
    np.testing.assert_allclose(total, added, rtol=0.0, atol=ROUND_OFF)
    change = shown.limits["change"].sel(temperature=0.002, phi="one").isel(kernel=0)
    rows = series(data, "T = 0.002", "change of stress")
    assert 0.0 in set(rows["x"])  # the microscopic stress of particles
    np.testing.assert_allclose(rows["y"], change.mean("realisation").values, rtol=ROUND_OFF)


def test_self_pairs_are_taken_from_w_and_given_to_the_flux() -> None:
    shown = results("glass")
    _, data = budget(shown)
    pairs = shown.limits["self_pair"].sel(temperature=0.001, phi="one").isel(kernel=0)
    pairs = pairs.mean("realisation").dropna("ell").values
    for term, sign in (("W", -1.0), ("Q_flux", 1.0)):
        raw = series(data, "T = 0.001", term)["y"]
        less = series(data, "T = 0.001", f"{term} less self-pairs")["y"]
        np.testing.assert_allclose(
            less.to_numpy() - raw.to_numpy(), sign * pairs, rtol=0.0, atol=ROUND_OFF
        )


def test_fields_have_no_self_pairs() -> None:
    _, data = budget(results("field"))
    assert not data["series"].str.contains("self-pairs").any()


def test_intervals_are_those_over_realisations() -> None:
    shown = results("glass")
    _, data = budget(shown)
    samples = terms(shown.limits).sel(term="W", temperature=0.001).dropna("ell")
    samples = samples.transpose("realisation", "ell").values
    half = student.ppf(0.5 + 0.5 * LEVEL, 5) * samples.std(axis=0, ddof=1) / np.sqrt(6)
    rows = series(data, "T = 0.001", "W")
    # 1e-10: accuracy of Student's quantile by two algorithms.
    np.testing.assert_allclose(rows["y_high"] - rows["y"], half, rtol=1e-10)
    np.testing.assert_allclose(rows["y"] - rows["y_low"], half, rtol=1e-10)


def test_budget_of_known_exponents_keeps_them_apart() -> None:
    shown = results("synthetic")
    _, data = budget(shown)
    for hurst in HURST:
        each = terms(shown.limits).sel(term="Q_flux").isel(temperature=0)
        expected = each.isel(realisation=each["hurst"].values == hurst).mean("realisation")
        rows = series(data, f"H = {hurst:g}", "Q_flux")
        np.testing.assert_allclose(rows["y"], expected.values, rtol=ROUND_OFF)
    assert "Q_thermal" not in set(data["series"])


def test_stress_is_shown_beside_its_difference_from_zero_temperature() -> None:
    shown = results("glass")
    _, data = stress(shown)
    mean = shown.limits["series"].sel(ell=0.8).mean("realisation")
    change = series(data, "change of stress, ℓ = 0.8", "T = 0.004")
    np.testing.assert_allclose(change["y"], mean.sel(temperature=0.004).values, rtol=ROUND_OFF)
    effect = series(data, "effect of temperature, ℓ = 0.8", "T = 0.004")
    expected = mean.sel(temperature=0.004) - mean.sel(temperature=0.0)
    np.testing.assert_allclose(effect["y"], expected.values, rtol=0.0, atol=ROUND_OFF)
    right = data[data["panel"].str.contains("effect of temperature")]
    assert "T = 0" not in set(right["series"])


@pytest.mark.parametrize(("kind", "scale"), [("field", "linear"), ("glass", "log")])
def test_uneven_output_times_have_a_logarithmic_axis(kind: str, scale: str) -> None:
    figure, _ = stress(results(kind))
    assert figure.axes[0].get_xscale() == scale


@pytest.mark.parametrize("kind", ["cluster", "field", "glass"])
def test_plane_places_every_value_at_its_temperature_and_scale(kind: str) -> None:
    shown = results(kind)
    _, data = plane(shown)
    flux = data[data["panel"].str.contains("flux")].set_index(["y", "x"])["z"]
    expected = one(without_self_pairs(shown.limits)).sel(term="Q_flux").mean("realisation")
    for temperature in shown.temperatures:
        for ell in sorted(set(flux.index.get_level_values("x"))):
            np.testing.assert_allclose(
                flux[(temperature, ell)],
                float(expected.sel(temperature=temperature, ell=ell)),
                rtol=ROUND_OFF,
            )
    # A scale at which nothing is known has no column.
    assert (0.0 in set(data["x"])) is (kind != "glass")


@pytest.mark.parametrize(
    ("kind", "change", "scale"),
    [("field", 1.0, "linear"), ("field", 0.01, "symlog"), ("cluster", 0.0, "linear")],
)
def test_terms_that_dwarf_the_stress_have_a_logarithmic_axis(
    kind: str, change: float, scale: str
) -> None:
    shown = results(kind)
    shown.limits["change"] = change * shown.limits["change"]
    figure, _ = budget(shown)
    assert figure.axes[0].get_yscale() == scale


def test_numbers_in_brackets_have_an_interval_that_holds_zero() -> None:
    shown = _power_law(results("glass"))
    noise = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    shown.limits["source"].loc[{"term": "Q_flux", "temperature": 0.001}] += noise[
        :, np.newaxis, np.newaxis, np.newaxis
    ]
    shown.limits["self_pair"] = 0.0 * shown.limits["self_pair"]
    figure, _ = plane(shown)
    flux, heat = (
        {text.get_text() for text in axes.texts if text.get_position()[1] == row}
        for axes, row in zip(figure.axes[:2], (1, 0), strict=True)
    )
    assert flux == {"(0)"}
    assert heat == {"0"}  # exactly, without an interval


def test_plane_is_white_at_zero_and_shares_its_colours() -> None:
    figure, _ = plane(results("field"))
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert [image.get_clim() for image in images] == [images[0].get_clim()] * 2
    assert images[0].norm.vmin == -images[0].norm.vmax


def _power_law(shown: Results) -> Results:
    """Q_thermal ∝ -T at every scale, and nothing else."""
    for name in ("source", "transport"):
        shown.limits[name] = 0.0 * shown.limits[name]
    thermal = -shown.limits["temperature"] * (1.0 + 0.1 * shown.limits["realisation"])
    shown.limits["source"] = shown.limits["source"] + thermal * (
        shown.limits["term"] == "Q_thermal"
    )
    return shown


@pytest.mark.parametrize("kind", ["cluster", "field", "glass"])
def test_direct_terms_show_the_size_and_its_slope(kind: str) -> None:
    shown = _power_law(results(kind))
    _, data = direct_terms(shown)
    scatter = 1.0 + 0.1 * shown.limits["realisation"].values.mean()
    size = series(data, "thermal term at fixed ℓ", "ℓ = 0.2")
    np.testing.assert_allclose(size["x"], shown.temperatures[1:], rtol=ROUND_OFF)
    np.testing.assert_allclose(size["y"], scatter * shown.temperatures[1:], rtol=ROUND_OFF)
    slope = series(data, "its slope between neighbouring T", "ℓ = 0.2")
    np.testing.assert_allclose(slope["y"], np.ones(3), rtol=1e-10)  # of logarithms


@pytest.fixture(scope="module")
def many() -> Results:
    """A field at 40 temperatures and 25 scales."""
    shown = results("field")
    limits = shown.limits.interp(
        temperature=np.linspace(0.0, 0.008, 40), ell=np.linspace(0.0, 0.8, 25)
    )
    return replace(shown, limits=limits)


@pytest.mark.parametrize("draw", [stress, direct_terms])
def test_of_many_temperatures_and_scales_ten_are_drawn(many: Results, draw: Drawing) -> None:
    """The first and the last among them, each named in the legend."""
    figure, data = draw(many)
    family = {stress: "T = ", direct_terms: "ℓ = "}[draw]
    names = {name for name in data["series"] if name.startswith(family)}
    assert len(names) == MOST_SERIES
    assert {f"{family}0.008", f"{family}0.8"} & names
    [legend] = figure.legends
    assert names <= {text.get_text() for text in legend.get_texts()}
    assert len(legend.get_texts()) <= MOST_SERIES + 2  # slope 1, margin


def test_a_plane_of_many_temperatures_has_all_of_them_and_no_numbers(many: Results) -> None:
    few_ones, _ = plane(results("field"))
    figure, data = plane(many)
    assert data["y"].nunique() == 40
    assert sum(len(axes.texts) for axes in few_ones.axes) > 0
    for axes in figure.axes[:2]:
        assert len(axes.texts) == 0
        assert len(axes.get_yticks()) == MOST_ROWS
        assert len(axes.get_xticks()) == MOST_COLUMNS
    assert figure.get_figheight() < 12.0  # a page, in inches
