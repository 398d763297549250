"""Every figure of every kind of model: it is drawn, names what it shows, and clips nothing."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from figure_data import KINDS, results
from glasscade.figures import TITLES, figure_names
from glasscade.figures.sheet import COLUMNS, Drawn
from glasscade.figures.style import style
from glasscade.stages.figures import FIGURES

EACH = [(kind, name) for kind in KINDS for name in figure_names(kind, maps=True)]


def test_every_name_has_a_function() -> None:
    assert list(FIGURES) == list(TITLES)


@cache
def drawn(kind: str, name: str) -> Drawn:
    with style():
        return FIGURES[name](results(kind))


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_figure_lies_within_its_edges(kind: str, name: str) -> None:
    figure, _ = drawn(kind, name)
    with style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    pixel = 1.0 / figure.dpi  # glyphs are drawn on whole pixels
    assert min(box.x0, box.y0) >= -pixel
    assert box.x1 <= width + pixel
    assert box.y1 <= height + pixel


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_data_name_their_panel_series_and_units(kind: str, name: str) -> None:
    figure, data = drawn(kind, name)
    titles = {axes.get_title(loc="left") for axes in figure.axes} - {""}
    assert set(data["panel"]) == titles
    assert tuple(data.columns[: len(COLUMNS)]) == COLUMNS
    assert all(re.search(r"\[.+\]$", text) for text in {*data["x_name"], *data["y_name"]})
    assert np.isfinite(data["x"]).all()
    # An image keeps its gaps, a series does not.
    assert np.isfinite(data["y"]).all()
    assert data["series"].str.len().min() > 0
