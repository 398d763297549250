"""The figures of the bounds: what they show is what the table holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from glasscade.figures.bounds import agrees, exponents_and_bounds, kernel_names, phase_diagram
from glasscade.figures.style import style
from glasscade.limits.bounds import flux_exponent

MARGIN = 0.05
MODELS = {
    "a": ("riesz", 1.0),
    "b": ("riesz", 2.0),
    "c": ("riesz", 0.5),
    "d": ("harmonic", 2.0),
    "e": ("gaussian", np.inf),
}
HURST = (-0.4, 0.3)


def made_up() -> pd.DataFrame:
    """Every quantity of every model; the flux as predicted, but of `c` at 0.3."""
    rows = []
    for m, (model, (kernel, s)) in enumerate(MODELS.items()):
        for h in HURST:
            for quantity, p in (("pointwise", 1.0), ("pointwise", 2.0), ("product", 1.0)):
                exact = float(flux_exponent(h, s))
                off = 0.3 if (model, h) == ("c", 0.3) else 0.04
                value = exact + off if quantity == "pointwise" else h + 0.1 * m + p
                rows.append((model, kernel, s, h, quantity, p, value, exact))
            rows.append((model, kernel, s, h, "smeared", np.nan, 1.5 + h, np.nan))
    columns = ["model", "kernel", "s", "H", "quantity", "p", "measured", "predicted"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(ci_low=frame["measured"] - 0.02, ci_high=frame["measured"] + 0.03)


def test_kernels_are_named_by_their_singularity() -> None:
    names = kernel_names(made_up())
    assert list(names) == list(MODELS)
    assert names["a"] == "logarithm, s = 1"
    assert names["c"] == "Riesz, s = 0.5"
    assert names["e"] == "gaussian, smooth"
    twice = pd.concat([made_up(), made_up().query("model == 'a'").assign(model="z")])
    assert {kernel_names(twice)[model] for model in ("a", "z")} == {
        "logarithm, s = 1 (a)",
        "logarithm, s = 1 (z)",
    }


def test_each_panel_has_the_first_order_of_its_quantity_and_a_line_for_each_kernel() -> None:
    frame = made_up()
    _, data = exponents_and_bounds(frame, MARGIN)
    for letter, quantity in zip("abc", ("product", "pointwise", "smeared"), strict=True):
        panel = data[data["panel"].str.startswith(f"({letter})")]
        for model, name in kernel_names(frame).items():
            shown = panel[panel["series"] == name]
            of_model = (frame["model"] == model) & (frame["quantity"] == quantity)
            expected = frame[of_model & ~(frame["p"] > 1.0)]
            columns = ["H", "measured", "ci_low", "ci_high"]
            np.testing.assert_array_equal(shown[["x", "y", "y_low", "y_high"]], expected[columns])
            assert len(panel[panel["series"] == f"line, {name}"]) > 100
        assert ("bound 3H-1" in set(panel["series"])) == (quantity != "smeared")


def test_the_phase_diagram_holds_riesz_kernels_by_agreement() -> None:
    frame = made_up()
    _, data = phase_diagram(frame, MARGIN)
    good, bad = (data[data["series"] == f"measured, {word}"] for word in ("agrees", "does not"))
    assert sorted(zip(bad["x"], bad["y"], strict=True)) == [(0.5, 0.3)]
    assert len(good) == 3 * len(HURST) - 1
    first = frame.query("kernel == 'riesz' and quantity == 'pointwise' and p == 1")
    shown = pd.concat([good, bad])[["x", "y", "z"]].sort_values(["x", "y"])
    expected = first[["s", "H", "measured"]].sort_values(["s", "H"])
    np.testing.assert_array_equal(shown, expected)
    zero = data[data["series"] == "predicted exponent 0"]
    np.testing.assert_allclose(flux_exponent(zero["y"], zero["x"]), 0.0, atol=1e-12)  # round-off
    star = data[data["series"] == "exact cone"]
    assert (star["x"].item(), star["y"].item()) == (2.0, -2.0 / 3.0)


@pytest.mark.parametrize(("off", "expected"), [(0.06, True), (0.08, False), (-0.09, False)])
def test_agreement_is_within_the_interval_and_the_margin(off: float, expected: bool) -> None:
    frame = made_up().query("quantity == 'pointwise' and model == 'a'")
    value = frame["predicted"] + off
    frame = frame.assign(ci_low=value - 0.02, ci_high=value + 0.03)
    assert agrees(frame, MARGIN).tolist() == [expected] * len(frame)


@pytest.mark.parametrize("draw", [exponents_and_bounds, phase_diagram])
def test_figure_lies_within_its_edges(draw) -> None:  # type: ignore[no-untyped-def]
    with style():
        figure, _ = draw(made_up(), MARGIN)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    pixel = 1.0 / figure.dpi  # glyphs are drawn on whole pixels
    assert min(box.x0, box.y0) >= -pixel
    assert box.x1 <= width + pixel
    assert box.y1 <= height + pixel
