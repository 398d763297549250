from __future__ import annotations

from dataclasses import replace
from math import inf

from glasscade.report.regions import counted, lines, of_box
from report_data import row

ROWS = [
    row("m", "commutation", "H"),
    row("m", "commutation", "H", region="bump1"),
    replace(row("m", "commutation", "H", "inconclusive", region="bump2"), n_to_decide=40.0),
    replace(row("m", "commutation", "H", "inconclusive", region="bump3"), n_to_decide=inf),
    row("m", "commutation", "H", "violated", region="bump4"),
    row("m", "commutation", "H", "violated", region="all"),
]


def test_regions_are_counted_with_what_would_decide_them() -> None:
    assert counted(ROWS[:2]) == "1 of 1 regions hold"
    assert counted(ROWS) == (
        "1 of 4 regions hold, 1 violated (bump4), 2 inconclusive (bump2: 40 realisations would "
        "decide; bump3: no number of realisations would decide)"
    )


def test_the_whole_is_the_box_and_all_together() -> None:
    assert of_box(ROWS) == [ROWS[0], ROWS[-1]]


def test_every_model_and_quantity_has_a_line() -> None:
    other = row("n", "commutation", "H", region="bump1")
    xi = [
        row("m", "criterion", "xi_3_with_flux", region="bump1"),
        row("m", "criterion", "xi_3_no_flux", region="bump2"),
    ]
    found = lines([*ROWS, other, *xi])
    assert [line[:2] for line in found] == [("m", "H"), ("n", "H"), ("m", "ξ_{3}")]
    assert found[-1][2] == "2 of 2 regions hold"
    assert lines(ROWS[:1]) == []
