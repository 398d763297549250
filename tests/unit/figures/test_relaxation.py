"""The figure of a descent shows what was measured, on logarithmic axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figure_data import results
from glasscade.figures.relaxation import BELOW, MOST, relaxation
from glasscade.figures.style import few, style
from glasscade.stages.relaxation import decay
from made_up_descents import NUMBER, WINDOW, descents


@pytest.fixture(scope="module")
def drawn():
    limits = decay(descents(noise=0.02), NUMBER, WINDOW, 0.9)
    with style():
        return limits, *relaxation(replace(results("glass"), limits=limits))


def test_speeds_and_losses_are_means_over_realisations(drawn):
    limits, _, data = drawn
    for series, expected in {
        "rms": np.sqrt((limits["speed"].values ** 2).mean(axis=0)[1:]),
        "mean": limits["mean_speed"].values.mean(axis=0)[1:],
        "energy": limits["loss"].values.mean(axis=0)[1:][few(limits["loss_time"].values[1:], MOST)],
        "square": (limits["speed"].values ** 2).mean(axis=0)[1:],
    }.items():
        rows = data[data["series"] == series]
        np.testing.assert_allclose(rows["y"], expected, rtol=1e-12)
        assert (rows["y_low"] <= rows["y"]).all()
        assert (rows["x"] > 0.0).all()


def test_fitted_powers_have_the_slopes_of_the_verdicts_over_the_window(drawn):
    limits, _, data = drawn
    for panel, route, factor in (("speed", "speed", 1.0), ("loss", "energy", 2.0)):
        fit = data[(data["series"] == "fit") & data["panel"].str.contains(f"{panel} of")]
        assert fit["x"].tolist() == WINDOW["window"]
        slope = np.diff(np.log(fit["y"])) / np.diff(np.log(fit["x"]))
        beta = float(limits["beta"].sel(route=route))
        assert slope[0] == pytest.approx(-factor * beta, rel=1e-10)
    assert BELOW < 1.0


def test_axes_are_logarithmic_and_labelled(drawn):
    _, figure, _ = drawn
    for axes in figure.axes:
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.get_legend() is not None
