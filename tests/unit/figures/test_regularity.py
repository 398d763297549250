from __future__ import annotations

import numpy as np
import pytest

from figure_data import HURST, KINDS, results
from glasscade.figures.regularity import exponents, flux_exponent, recovery, structure

# Drawn values are those of the dataset up to the round-off of a mean or a logarithm.
ROUND_OFF = 1e-10
LABEL = {"wavelets": "wavelets", "gradients": "mollified gradients", "increments": "increments"}


@pytest.mark.parametrize("kind", KINDS)
def test_exponents_are_shown_by_order_trusted_or_not(kind: str) -> None:
    shown = results(kind)
    _, data = exponents(shown)
    first = f"H = {HURST[0]:g}" if kind == "synthetic" else "T = 0"
    for field, symbol in (("density", "ρ"), ("force", "F")):
        for estimator in shown.estimators:
            rows = data[
                data["panel"].str.endswith(f") {symbol}, {LABEL[estimator]}")
                & data["series"].isin([first, f"{first}, not trusted"])
            ].sort_values("x")
            chosen = shown.exponents.sel(field=field, estimator=estimator).isel(
                case=0, temperature=0
            )
            np.testing.assert_array_equal(rows["x"], chosen["order"].values)
            np.testing.assert_array_equal(rows["y"], chosen["value"].values)
            np.testing.assert_array_equal(rows["y_low"], chosen["ci_low"].values)
            hollow = rows["series"].str.endswith("not trusted").to_numpy()
            np.testing.assert_array_equal(hollow, chosen["trusted"].values == 0)


def test_every_temperature_is_a_series() -> None:
    _, data = exponents(results("glass"))
    assert {name.split(",")[0] for name in data["series"]} == {"T = 0", "T = 0.004"}


@pytest.mark.parametrize("kind", KINDS)
def test_structure_shows_the_norms_without_padding(kind: str) -> None:
    shown = results(kind)
    _, data = structure(shown)
    name = f"H = {HURST[0]:g}" if kind == "synthetic" else "q = 3"
    rows = data[(data["panel"] == "(a) wavelets") & (data["series"] == name)]
    chosen = shown.exponents.sel(field="density", estimator="wavelets", order=3.0)
    chosen = chosen.isel(temperature=0, case=0)
    np.testing.assert_array_equal(rows["x"], chosen["scale"].values[:-1])
    np.testing.assert_array_equal(rows["y"], chosen["mean_norm"].values[:-1])


@pytest.mark.parametrize(("estimator", "offset"), [("wavelets", 0.0), ("gradients", 1.0)])
def test_fits_have_the_slope_of_the_exponent_over_the_window(estimator: str, offset: float) -> None:
    shown = results("field")
    _, data = structure(shown)
    rows = data[data["panel"].str.endswith(LABEL[estimator]) & (data["series"] == "fit, q = 2")]
    chosen = shown.exponents["value"].sel(field="density", estimator=estimator, order=2.0)
    # The window 0.02 ... 0.16 holds four of the dyadic scales, its ends included.
    np.testing.assert_allclose(rows["x"], [0.02, 0.04, 0.08, 0.16], rtol=1e-12)
    slopes = np.diff(np.log(rows["y"])) / np.diff(np.log(rows["x"]))
    np.testing.assert_allclose(slopes, np.full(3, float(chosen.squeeze()) - offset), rtol=ROUND_OFF)


def test_local_slopes_are_those_of_the_norms() -> None:
    shown = results("field")
    _, data = structure(shown)
    rows = data[(data["panel"] == "(e) local slopes") & (data["series"] == "q = 1")]
    chosen = shown.exponents.sel(field="density", estimator="gradients", order=1.0)
    norm, scale = chosen["mean_norm"].values[0, 0, :-1], chosen["scale"].values[0, 0, :-1]
    expected = np.diff(np.log(norm)) / np.diff(np.log(scale)) + 1.0  # ‖∇ρ̄‖ ~ ℓ^{ξ-1}
    np.testing.assert_allclose(rows["y"], expected, rtol=ROUND_OFF)


def test_recovery_shows_the_difference_from_the_known_exponent() -> None:
    shown = results("synthetic")
    _, data = recovery(shown)
    rows = data[data["panel"].str.endswith("measured minus known")]
    chosen = shown.exponents.sel(field="density", order=3.0).isel(temperature=0)
    for estimator in shown.estimators:
        own = rows[rows["series"].str.startswith(LABEL[estimator])].sort_values("x")
        np.testing.assert_array_equal(own["x"], HURST)
        expected = chosen["value"].sel(estimator=estimator).values - HURST
        np.testing.assert_allclose(own["y"], expected, rtol=0.0, atol=1e-12)  # round-off
    assert "wavelets (verdict)" in {name.split(",")[0] for name in rows["series"]}


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
    third = shown.exponents.sel(estimator="wavelets", order=3.0).isel(temperature=0, case=0)
    rho, force = (third.sel(field=field) for field in ("density", "force"))
    assert rows.loc["3xi-1", "y"] == pytest.approx(3.0 * float(rho["value"]) - 1.0, abs=1e-12)
    lowest = float(rho["ci_low"]) + min(float(force["ci_low"]), 1.0)
    assert rows.loc["xi+xiF", "y_low"] == pytest.approx(lowest, abs=1e-12)


def test_known_exponents_have_their_own_measured_flux() -> None:
    _, data = flux_exponent(results("synthetic"))
    rows = data[data["series"] == "measured, smeared"]
    np.testing.assert_array_equal(rows["x"], HURST)
    np.testing.assert_allclose(rows["y"], 1.5 + np.array(HURST), rtol=1e-12)
