"""Paths to T = ℓ = 0 and the convergence of densities, as they are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figure_data import made_up_distances, results
from glasscade.figures.joint import MOST_ELLS, convergence, joint
from glasscade.figures.style import style


def test_limits_stand_beside_each_other_at_zero_and_are_recorded_there() -> None:
    shown = results("field")
    with style():
        figure, data = joint(shown)
    limits = shown.limits["along_limit"].isel(kernel=0).sel(phi="one")
    for panel, name in (("(a) all terms", "sum"), ("(c) flux between scales", "Q_flux")):
        for alpha in (0.5, 1.0):
            chosen = (data["panel"] == panel) & (data["series"] == f"limit, ell ~ T^{alpha:g}")
            [row] = data[chosen].to_dict("records")
            expected = limits.sel(followed=name, alpha=alpha, end=["value", "low", "high"])
            assert row["x"] == 0.0
            np.testing.assert_allclose([row["y"], row["y_low"], row["y_high"]], expected)
    places = [np.asarray(line.get_xdata()) for line in figure.axes[0].lines]
    alone = {float(x[0]) for x in places if x.size and np.isfinite(x).sum() == 1}
    assert len(alone) == 4  # A, B and two paths: no two on top of each other


def test_a_path_that_leaves_the_table_ends_there() -> None:
    with style():
        _, data = joint(results("field"))
    series = data[(data["panel"] == "(d) the paths")].groupby("series")["x"].max()
    assert (series["ell ~ T^0.5"], series["ell ~ T^1"]) == (0.008, 0.004)


@pytest.mark.parametrize("ells", [(0.0,), (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)])
def test_distances_are_relative_and_of_few_scales(ells: tuple[float, ...]) -> None:
    shown = results("field")
    bare = shown.limits.drop_dims(["compared_ell", "p", "extent", "warm"])
    made = made_up_distances(ells)
    with style():
        _, data = convergence(replace(shown, limits=bare.merge(made)))
    first = data[(data["series"] == "p = 2") & data["panel"].str.startswith("(a)")]
    size = float(made["size"].sel(p=2, extent="largest", compared_ell=ells[0]))
    np.testing.assert_allclose(first["y"], made["warm"] / size)
    right = data[data["panel"].str.startswith("(b)")]["series"]
    drawn = [name for name in right.unique() if not name.startswith("fit")]
    assert len(drawn) == (3 if ells == (0.0,) else MOST_ELLS)
    if len(ells) > 1:
        assert {drawn[0], drawn[-1]} == {"ℓ = 0.05", "ℓ = 0.8"}
