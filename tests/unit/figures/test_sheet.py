from __future__ import annotations

import pytest

from glasscade.figures.sheet import Sheet
from glasscade.figures.style import style


@pytest.mark.parametrize(
    ("label", "columns"), [("T = {}", 6), ("T = 0.00020691{}", 4), ("x" * 99, 1)]
)
def test_a_legend_has_the_columns_that_there_is_room_for(label: str, columns: int) -> None:
    with style():
        sheet = Sheet(1, 2, 3.0)
        for number in range(10):
            sheet.axes[0].plot([0.0, 1.0], label=label.format(number) + str(number))
        sheet.legend_below(sheet.axes[0])
        [legend] = sheet.figure.legends
    assert legend._ncols == columns
    if columns > 1:
        assert legend.get_window_extent().width <= sheet.figure.bbox.width
