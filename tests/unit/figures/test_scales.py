from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figure_data import results
from glasscade.figures.data import terms
from glasscade.figures.scales import dissipation_scale


@pytest.mark.parametrize("kind", ["field", "glass"])
def test_resolved_fraction_and_crossings_are_those_of_the_limits(kind: str) -> None:
    shown = results(kind)
    _, data = dissipation_scale(shown)
    fraction = data[(data["panel"] == "(a) resolved fraction") & (data["series"] == "T = 0.002")]
    expected = shown.limits["resolved_fraction"].sel(temperature=0.002).mean("realisation")
    np.testing.assert_allclose(fraction["y"], expected.values, rtol=1e-12)
    half = data[(data["panel"] == "(b) scale of dissipation") & (data["series"] == "x = 0.5")]
    scale = shown.limits["scale"].sel(fraction=0.5)
    np.testing.assert_array_equal(half["x"], shown.temperatures)
    np.testing.assert_array_equal(half[["y", "y_low", "y_high"]], scale.values[:, :3])


def test_a_crossing_outside_the_scales_is_left_out() -> None:
    _, data = dissipation_scale(results("field"))
    tenth = data[(data["panel"] == "(b) scale of dissipation") & (data["series"] == "x = 0.1")]
    assert 0.0 not in set(tenth["x"])
    assert len(tenth) == 4


@pytest.mark.parametrize(
    ("panel", "self_pairs"), [("(c) share of the flux", 0.0), ("(d) the same less self-pairs", 1.0)]
)
def test_share_is_the_ratio_of_means(panel: str, self_pairs: float) -> None:
    shown = results("glass")
    _, data = dissipation_scale(shown)
    rows = data[(data["panel"] == panel) & (data["series"] == "T = 0.001")]
    athermal = shown.limits.sel(temperature=0.001, ell=slice(0.05, None)).mean("realisation")
    flux = terms(athermal).sel(term="Q_flux")
    flux = flux + self_pairs * athermal["self_pair"].sel(phi="one").isel(kernel=0)
    change = athermal["change"].sel(phi="one").isel(kernel=0)
    np.testing.assert_allclose(rows["y"], (flux / change).values, rtol=1e-12)
    assert (rows["y_low"] < rows["y"]).all()


@pytest.mark.parametrize("kind", ["field", "glass"])
def test_a_temperature_without_resolved_fraction_is_in_the_legend(kind: str) -> None:
    shown = results(kind)
    fraction = shown.limits["resolved_fraction"]
    unknown = shown.limits.assign(resolved_fraction=fraction.where(fraction["temperature"] > 0.0))
    figure, _ = dissipation_scale(replace(shown, limits=unknown))
    legends = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
    assert "T = 0" in [text.get_text() for legend in legends for text in legend.get_texts()]


def test_only_particles_have_self_pairs() -> None:
    _, data = dissipation_scale(results("field"))
    assert data["panel"].nunique() == 3
