"""Local exponents: which tiles, which flux in them, and what stands beside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from figure_data import HURST, KINDS, LENGTH, SOURCES, results
from glasscade.figures.data import Results
from glasscade.figures.local_exponents import local_exponents
from glasscade.figures.style import NULL_LABEL, style


def tiles(shown: Results, source: str = "measured", case: int = 0) -> xr.DataArray:
    """Local exponents of the density by the estimator of the verdicts."""
    chosen = shown.exponents["tile_exponent"].sel(source=source, field="density")
    return chosen.sel(estimator="wavelets").isel(temperature=0, case=case)


def test_tiles_of_a_line_are_steps() -> None:
    shown = results("field")
    shown.exponents["tile_exponent"][:] = [0.2, np.nan]
    _, data = local_exponents(shown)
    rows = data[data["panel"].str.startswith("(a)")]
    np.testing.assert_allclose(rows["x"], [0.25 * LENGTH], rtol=1e-12)  # the other is unknown
    np.testing.assert_array_equal(rows["y"], [0.2])
    # The six points of the map, three to a tile.
    flux = np.abs(shown.limits["flux_map_0.1"].values).reshape(2, 3).mean(axis=1)
    rows = data[data["panel"] == "(b) size of the flux, ℓ = 0.1"]
    np.testing.assert_allclose(rows["x"], [0.25 * LENGTH, 0.75 * LENGTH], rtol=1e-12)
    np.testing.assert_allclose(rows["y"], flux, rtol=1e-12)  # round-off


def test_tiles_beyond_what_the_estimator_sees_are_left_out_but_counted() -> None:
    shown = results("field")
    shown.exponents["tile_exponent"][:] = [9.0, 0.5]  # db3 sees exponents below 3
    _, data = local_exponents(shown)
    for letter, share in (("a", 0.5), ("c", None), ("d", 0.25)):
        rows = data[data["panel"].str.startswith(f"({letter})") & (data["x"] != 9.0)]
        rows = rows[~rows["series"].str.startswith("whole")]
        assert len(rows) == 1
        assert share is None or float(rows["y"].iloc[0]) == share
    assert not (data["x"] == 9.0).any()


def test_tiles_of_a_plane_are_an_image_with_the_first_axis_along_x() -> None:
    shown = results("glass")
    _, data = local_exponents(shown)
    rows = data[data["panel"].str.startswith("(a)")].set_index(["x", "y"])["z"].sort_index()
    np.testing.assert_array_equal(rows.to_numpy(), tiles(shown).values.ravel())
    np.testing.assert_allclose(
        np.unique(rows.index.get_level_values("x")), [0.25 * LENGTH, 0.75 * LENGTH], rtol=1e-12
    )
    flux = np.abs(shown.limits["flux_map_0.1"].values).reshape(2, 3, 4, 2).mean(axis=(1, 3))
    rows = data[data["panel"].str.startswith("(b)")].set_index(["x", "y"])["z"].sort_index()
    np.testing.assert_allclose(rows.to_numpy(), flux.ravel(), rtol=1e-12)  # round-off


def test_a_map_need_not_divide_evenly_into_tiles() -> None:
    shown = results("field")
    values = np.array([1.0, -3.0, 5.0])  # two points in the first tile, one in the second
    shown.limits["flux_map_0.1"] = xr.DataArray(values, dims="uneven")
    _, data = local_exponents(shown)
    np.testing.assert_array_equal(data[data["panel"].str.startswith("(b)")]["y"], [2.0, 5.0])


def test_the_finest_map_is_shown() -> None:
    shown = results("field")
    shown.limits["flux_map_0.05"] = 2.0 * shown.limits["flux_map_0.1"]
    shown.limits["flux_map_1"] = 3.0 * shown.limits["flux_map_0.1"]
    _, data = local_exponents(shown)
    assert "(b) size of the flux, ℓ = 0.05" in set(data["panel"])


def test_exponents_are_white_at_one_third() -> None:
    figure, _ = local_exponents(results("glass"))
    low, high = figure.axes[0].images[0].get_clim()
    assert 0.5 * (low + high) == pytest.approx(1.0 / 3.0, abs=1e-12)
    assert figure.axes[0].images[0].get_cmap().name == "RdBu"  # red below


def test_the_flux_of_a_tile_stands_against_its_exponent() -> None:
    shown = results("glass")
    _, data = local_exponents(shown)
    exponent = tiles(shown).values
    flux = np.abs(shown.limits["flux_map_0.1"].values).reshape(2, 3, 4, 2).mean(axis=(1, 3))
    known = np.isfinite(exponent)
    assert 0 < known.sum() < known.size
    rows = data[data["panel"].str.startswith("(c)")]
    np.testing.assert_array_equal(rows["x"], exponent[known])
    np.testing.assert_allclose(rows["y"], flux[known], rtol=1e-12)  # round-off


@pytest.mark.parametrize("kind", KINDS)
def test_scatter_of_tiles_is_shown_of_every_source(kind: str) -> None:
    shown = results(kind)
    _, data = local_exponents(shown)
    rows = data[data["panel"].str.startswith("(d)")]
    sources = SOURCES if kind == "glass" else ["measured"]
    names = {source: NULL_LABEL.get(source, source) for source in sources}
    assert set(rows["series"]) == {t + n for n in names.values() for t in ("", "whole cell, ")}
    for source, name in names.items():
        values = tiles(shown, source).values.ravel()
        curve = rows[rows["series"] == name]
        np.testing.assert_array_equal(curve["x"], np.sort(values[np.isfinite(values)]))
        assert (curve["y"].diff().dropna() > 0.0).all()
        assert 0.0 < curve["y"].min() < curve["y"].max() < 1.0 or len(curve) == 1


def test_exponents_are_those_of_the_case_of_the_map() -> None:
    shown = results("synthetic")
    shown.limits["hurst"] = shown.limits["hurst"][::-1].variable
    assert float(shown.limits["hurst"][0]) == HURST[1]
    _, data = local_exponents(shown)
    rows = data[data["panel"].str.startswith("(a)")].set_index(["x", "y"])["z"].sort_index()
    np.testing.assert_array_equal(rows.to_numpy(), tiles(shown, case=1).values.ravel())


def test_tiles_without_any_exponent_are_drawn_empty() -> None:
    shown = results("glass")
    none = shown.exponents.assign(tile_exponent=np.nan * shown.exponents["tile_exponent"])
    with style():
        figure, data = local_exponents(replace(shown, exponents=none))
        FigureCanvasAgg(figure).draw()
    assert not data["panel"].str.startswith("(c)").any()
