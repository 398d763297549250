from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from figure_data import HURST, LENGTH, results
from glasscade.figures.maps import LARGEST, maps


def test_profile_has_a_point_for_every_value() -> None:
    shown = results("field")
    _, data = maps(shown)
    rows = data[data["panel"] == "(b) flux between scales, ℓ = 0.1"]
    np.testing.assert_allclose(rows["x"], np.arange(6) * LENGTH / 6, rtol=1e-12)
    np.testing.assert_array_equal(rows["y"], shown.limits["flux_map_0.1"].values)


def test_image_puts_the_first_axis_along_x() -> None:
    shown = results("glass")
    _, data = maps(shown)
    values = shown.limits["density_map_0.1"].values
    rows = data[data["panel"] == "(a) density, ℓ = 0.1"].set_index(["x", "y"])["z"].sort_index()
    assert rows.index.get_level_values("x").nunique() == values.shape[0]
    np.testing.assert_array_equal(rows.to_numpy(), values.ravel())


def test_image_of_the_flux_is_white_at_zero() -> None:
    figure, _ = maps(results("glass"))
    low, high = figure.axes[1].images[0].get_clim()
    assert low == -high


def test_fine_maps_are_averaged_over_blocks(rng: np.random.Generator) -> None:
    shown = results("glass")
    fine = rng.normal(size=(2 * LARGEST, 2 * LARGEST))
    for name in ("density_map_0.1", "flux_map_0.1"):
        shown.limits[name] = xr.DataArray(fine, dims=("fine_x", "fine_y"))
    _, data = maps(shown)
    rows = data[data["panel"] == "(a) density, ℓ = 0.1"]
    assert len(rows) == LARGEST**2
    corner = rows.sort_values(["x", "y"]).iloc[0]
    assert corner["z"] == pytest.approx(fine[:2, :2].mean(), abs=1e-12)  # round-off
    # The centre of the first four points, which stand at 0 and at one spacing.
    assert corner["x"] == pytest.approx(0.5 * LENGTH / (2 * LARGEST), abs=1e-12)


def test_title_names_the_exponent_of_the_realisation_shown() -> None:
    shown = results("synthetic")
    shown.limits["hurst"] = shown.limits["hurst"][::-1].variable
    _, data = maps(shown)
    assert data["panel"].str.endswith(f"H = {HURST[1]:g}").all()
