"""The comparison of models: what stands in each panel, and which runs form a pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from figure_data import results, row
from glasscade.figures.comparison import comparison
from glasscade.figures.data import Results, both, estimate
from glasscade.figures.style import style

COARSE, FINE, LARGE = "a (N = 10, dt = 0.2)", "b (N = 10, dt = 0.1)", "c (N = 40, dt = 0.2)"


def models() -> dict[str, Results]:
    """A model; the first two realisations of the same with another dt; one with other scales."""
    coarse = replace(results("glass"), verdicts=[row("closure", "time_integrated", 0.01)])
    few = coarse.limits.isel(realisation=slice(2))
    shift = np.linspace(0.01, 0.05, 5) * [[1.0], [3.0]]
    shifted = few["resolved_fraction"] + xr.DataArray(shift, dims=("realisation", "resolved_ell"))
    few = few.assign(resolved_fraction=shifted.transpose("temperature", ...))
    few["residual"] = 0.25 * few["residual"]
    scales = {"ell": 2.0 * coarse.limits["ell"], "resolved_ell": 2.0 * coarse.ells[1:]}
    return {
        COARSE: coarse,
        FINE: replace(coarse, limits=few),
        LARGE: replace(coarse, limits=coarse.limits.assign_coords(scales)),
    }


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    _, drawn = comparison(models(), [(FINE, COARSE)])
    return drawn


def panel(data: pd.DataFrame, letter: str, series: str) -> pd.DataFrame:
    return data[data["panel"].str.startswith(f"({letter})") & (data["series"] == series)]


def test_resolved_fraction_is_shown_at_both_ends_of_temperature(data: pd.DataFrame) -> None:
    for name, shown in models().items():
        for t, label in ((0, "0"), (-1, "0.008")):
            rows = panel(data, "a", f"{name}, T = {label}")
            expected = shown.mean(shown.limits["resolved_fraction"].isel(temperature=t))
            np.testing.assert_array_equal(rows["x"], shown.limits["resolved_ell"])
            np.testing.assert_array_equal(rows[["y", "y_low", "y_high"]].T, expected.parts)


def test_scale_is_where_one_half_is_resolved(data: pd.DataFrame) -> None:
    for name, shown in models().items():
        rows = panel(data, "b", name)
        scale = shown.limits["scale"].sel(fraction=0.5)
        np.testing.assert_array_equal(rows[["y", "y_low", "y_high"]], scale.values[:, :3])


def test_share_is_that_of_the_flux_less_self_pairs(data: pd.DataFrame) -> None:
    shown = models()[LARGE]
    cold = shown.limits.isel(temperature=0, kernel=0, ell=slice(1, None)).sel(phi="one")
    cold = cold.mean("realisation")
    flux = both(cold).sel(term="Q_flux") + cold["self_pair"]
    # 1e-12: round-off
    np.testing.assert_allclose(panel(data, "c", LARGE)["y"], flux / cold["change"], rtol=1e-12)


def test_error_is_relative_to_the_largest_term_of_its_realisation(data: pd.DataFrame) -> None:
    shown = models()[FINE]
    cold = shown.limits.isel(temperature=0, kernel=0, ell=slice(1, None))
    terms = (cold["source"] + cold["transport"]).transpose("realisation", "ell", "term", "phi")
    largest = np.abs(terms.values).max(axis=(2, 3))
    residual = cold["residual"].sel(phi="one").transpose("realisation", "ell").values
    expected = np.mean(np.abs(residual) / largest, axis=0)
    rows = panel(data, "d", FINE)
    np.testing.assert_allclose(rows["y"], expected, rtol=1e-12)  # round-off
    assert (rows["y"] > 0.0).all()
    assert set(panel(data, "d", "margin")["y"]) == {0.2}


def test_effect_of_dt_is_taken_within_the_realisations_that_both_have(data: pd.DataFrame) -> None:
    """The other four realisations of the coarser do not enter: the shift itself comes out."""
    rows = panel(data, "e", f"{FINE} / {COARSE}")
    shift = np.linspace(0.01, 0.05, 5)
    expected = estimate(np.array([shift, 3.0 * shift]), 0.9)
    # 1e-9: round-off of differences, magnified by Student's 6.3 for two realisations
    for name, part in zip(("y", "y_low", "y_high"), expected.parts, strict=True):
        np.testing.assert_allclose(rows[name], part, rtol=0.0, atol=1e-9)
    band = panel(data, "e", f"interval of R by the coarser, {FINE} / {COARSE}")
    coarse = models()[COARSE]
    mean = coarse.mean(coarse.limits["resolved_fraction"].isel(temperature=0))
    assert set(band["y"]) == {0.0}
    np.testing.assert_allclose(band["y_high"], mean.high - mean.value, rtol=1e-12)


def test_effect_of_dt_on_the_error_is_a_ratio_of_means(data: pd.DataFrame) -> None:
    """A quarter of the error in both realisations is a ratio of 1/4, whatever the others do."""
    rows = panel(data, "f", f"{FINE} / {COARSE}")
    assert len(rows) == 5
    for name in ("y", "y_low", "y_high"):
        np.testing.assert_allclose(rows[name], 0.25, rtol=1e-12)  # round-off


def test_models_that_differ_in_more_than_dt_have_no_panel_of_it() -> None:
    _, drawn = comparison(models(), [])
    assert sorted({title[:3] for title in drawn["panel"]}) == ["(a)", "(b)", "(c)", "(d)"]


def test_error_axis_is_where_the_values_are() -> None:
    """Intervals of two realisations reach below zero, which a logarithmic axis cannot show."""
    figure, drawn = comparison(models(), [])
    low, high = figure.axes[3].get_ylim()
    values = drawn[drawn["panel"].str.startswith("(d)")]["y"]
    assert 0.0 < low < values.min()
    assert low > 0.1 * values.min()
    assert high > values.max()


@pytest.mark.parametrize("refinements", [[], [(FINE, COARSE)]])
def test_figure_lies_within_its_edges_and_names_every_model(
    refinements: list[tuple[str, str]],
) -> None:
    with style():
        figure, _ = comparison(models(), refinements)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    pixel = 1.0 / figure.dpi  # glyphs are drawn on whole pixels
    assert min(box.x0, box.y0) >= -pixel
    assert box.x1 <= width + pixel
    assert box.y1 <= height + pixel
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [name for name in words if "dt =" in name] == [COARSE, FINE, LARGE]
