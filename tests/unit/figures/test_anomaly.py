from __future__ import annotations

import numpy as np
import pytest

from figure_data import KERNELS, results
from glasscade.figures.anomaly import QUANTITIES, kernels, limits
from glasscade.figures.data import both, one, thermal, without_self_pairs

EVOLVING_OR_STATIONARY = ["cluster", "field", "glass"]


@pytest.mark.parametrize("kind", EVOLVING_OR_STATIONARY)
def test_limits_are_those_of_every_kernel_with_their_intervals(kind: str) -> None:
    shown = results(kind)
    _, data = limits(shown)
    rows = data[data["panel"] == "(a) iterated limits"].set_index("series")
    for place, quantity in enumerate(QUANTITIES):
        for kernel in KERNELS:
            expected = shown.limits["limit"].sel(quantity=quantity, kernel=kernel, phi="one")
            row = rows.loc[f"{quantity}, {kernel}"]
            assert row["x"] == place
            np.testing.assert_array_equal(
                row[["y", "y_low", "y_high"]].astype(float), expected.values[:3]
            )


def test_distances_are_in_units_of_the_margin() -> None:
    shown = results("cluster")
    _, data = limits(shown)
    rows = data[data["panel"] == "(b) distance from the reference"].set_index("series")
    thermal_limit = shown.limits["limit"].sel(quantity="lim_Q_thermal", phi="one").isel(kernel=0)
    expected = (thermal_limit.values[:3] - 0.25) / 0.2  # reference and margin of the verdict
    found = rows.loc["lim_Q_thermal, gaussian", ["y", "y_low", "y_high"]].astype(float)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # round-off
    # A, B and lim Q_flux have no verdict.
    assert {name.split(",")[0] for name in rows.index} == {"A_minus_B", "lim_Q_thermal", "H"}


def test_limits_that_do_not_exist_are_not_drawn() -> None:
    shown = results("field")
    shown.limits["limit"].loc[{"kernel": "bump", "quantity": "A"}] = np.nan
    _, data = limits(shown)
    assert "A, gaussian" in set(data["series"])
    assert "A, bump" not in set(data["series"])


def test_limits_without_an_interval_are_said_to_be_undecided() -> None:
    shown = results("glass")
    ends = {"quantity": "lim_Q_flux", "end": ["low", "high"]}
    shown.limits["limit"].loc[ends] = np.nan
    figure, data = limits(shown)
    assert "lim_Q_flux, gaussian" not in set(data["series"])
    assert "limit of Q_flux" not in set(data["series"])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["not decided by these scales"]


def test_first_kernel_without_a_limit_leaves_its_panel_empty() -> None:
    shown = results("glass")
    shown.limits["limit"].loc[{"quantity": "lim_Q_flux"}] = np.nan
    figure, data = limits(shown)
    assert not data["panel"].str.startswith("(d)").any()
    assert [text.get_text() for text in figure.axes[3].texts] == ["no limit"]


@pytest.mark.parametrize(("kind", "finest"), [("cluster", 0.0), ("field", 0.0), ("glass", 0.05)])
def test_extrapolation_in_temperature_starts_from_the_finest_scale(
    kind: str, finest: float
) -> None:
    shown = results(kind)
    _, data = limits(shown)
    rows = data[data["panel"] == f"(c) ℓ = {finest:g}: extrapolation to T = 0"]
    points = rows[rows["series"] == "Q_thermal"]
    expected = thermal(shown.limits).sel(ell=finest).mean("realisation")
    expected = expected.sel(temperature=points["x"].to_numpy())
    np.testing.assert_allclose(points["y"], expected.values, rtol=1e-12)
    assert list(rows[rows["series"] == "limit of Q_thermal"]["x"]) == [0.0]


@pytest.mark.parametrize(("kind", "self_pairs"), [("field", False), ("glass", True)])
def test_extrapolation_in_scale_shows_the_athermal_flux(kind: str, self_pairs: bool) -> None:
    shown = results(kind)
    _, data = limits(shown)
    points = data[data["panel"].str.startswith("(d)") & (data["series"] == "Q_flux")]
    np.testing.assert_array_equal(points["x"], [0.05, 0.1, 0.2, 0.4, 0.8])
    flux = one(both(shown.limits)).sel(term="Q_flux")
    if self_pairs:
        flux = flux + one(shown.limits["self_pair"])
    flux = flux.sel(temperature=0.0).mean("realisation")
    np.testing.assert_allclose(points["y"], flux.sel(ell=points["x"].to_numpy()).values, rtol=1e-12)


@pytest.mark.parametrize("kind", EVOLVING_OR_STATIONARY)
def test_kernels_are_compared_where_both_are_known(kind: str) -> None:
    shown = results(kind)
    _, data = kernels(shown)
    flux = without_self_pairs(shown.limits).sel(term="Q_flux", phi="one", temperature=0.0)
    mean = flux.mean("realisation").sel(ell=[0.1, 0.2, 0.4, 0.8])
    expected = np.abs(mean.sel(kernel="bump") - mean.sel(kernel="gaussian"))
    rows = data[data["series"] == "bump - gaussian"]
    np.testing.assert_array_equal(rows["x"], expected["ell"].values)
    np.testing.assert_allclose(rows["y"], expected.values, rtol=1e-10)  # of a difference
    margin = data[data["series"] == "margin"]
    assert set(margin["y"]) == {0.2}
