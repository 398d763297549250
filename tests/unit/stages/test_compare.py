"""What two runs may differ by: nothing, a part of an interval, or as far as intervals meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glasscade.limits.verdicts import Outcome, Verdict
from glasscade.stages.compare import (
    FIGURE_TOLERANCE,
    SHARE,
    STATE_TOLERANCE,
    _row,
    figure,
    relative,
)

ROW = Verdict("glass", "flux_bound", "x", "one", 1.0, 0.8, 1.2, 0.5, 0.1, "holds", 4, 0.1, 1.0)


PAGE = Path(__file__).parents[3] / "docs" / "howto" / "reproduce.md"


def test_the_page_says_the_tolerances() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert (
        f"largest difference {STATE_TOLERANCE:g} of the largest value of its variable".replace(
            "1e-09", "1e-9"
        )
        in text
    )
    assert f"within {SHARE:g} of the two half-widths of the interval and the margin" in text
    assert (
        f"| {FIGURE_TOLERANCE:g}".replace("1e-06", "1e-6") + " of the largest of the panel" in text
    )


def said(chaotic: bool, value: float = 1.0, verdict: Outcome = "holds") -> list[str]:
    return [str(x) for x in _row("x", ROW, replace(ROW, value=value, verdict=verdict), chaotic)]


def test_a_value_may_move_by_a_part_of_its_interval_and_margin() -> None:
    allowed = SHARE * (0.4 + 0.1)  # both half-widths, the tolerance
    assert said(chaotic=False, value=1.0 + 0.99 * allowed) == []
    [line] = said(chaotic=False, value=1.0 + 1.01 * allowed)
    assert line.startswith("fault: x: 1 and 1.0005")
    assert line.endswith(" differ by more than 0.0005")


def test_of_particles_a_value_may_move_until_intervals_part() -> None:
    allowed = 0.4 + SHARE * 0.1
    assert said(chaotic=True, value=1.0 - 0.99 * allowed) == []
    assert len(said(chaotic=True, value=1.0 - 1.01 * allowed)) == 1


@pytest.mark.parametrize("chaotic", [False, True])
def test_what_has_no_width_may_lie_anywhere_in_its_margin(chaotic: bool) -> None:
    old = replace(ROW, value=1e-15, ci_low=1e-15, ci_high=1e-15, tolerance=1e-12)
    for value, found in ((9e-13, 0), (2e-12, 1)):
        new = replace(old, value=value, ci_low=value, ci_high=value)
        assert len(list(_row("x", old, new, chaotic))) == found


def test_without_an_interval_values_of_fields_agree_and_those_of_particles_are_not_judged() -> None:
    old = replace(ROW, ci_low=np.nan, ci_high=np.nan, tolerance=np.nan)
    for value, found in ((1.0 + 1e-7, 0), (1.0 + 1e-5, 1)):
        new = replace(old, value=value)
        assert len(list(_row("x", old, new, chaotic=False))) == found
        assert list(_row("x", old, new, chaotic=True)) == []


@pytest.mark.parametrize(("chaotic", "kind"), [(False, "fault"), (True, "note")])
def test_a_value_that_is_only_in_one_is_named(chaotic: bool, kind: str) -> None:
    [found] = _row("x", ROW, replace(ROW, value=np.nan), chaotic)
    assert str(found) == f"{kind}: x: the value is 1 and nan"


@pytest.mark.parametrize(
    ("chaotic", "verdict", "lines"),
    [
        (False, "inconclusive", ["fault: x: holds and inconclusive"]),
        (False, "violated", ["fault: x: holds and violated"]),
        (True, "inconclusive", ["note: x: holds and inconclusive"]),
        (True, "violated", ["fault: x: holds and violated"]),
    ],
)
def test_verdicts_must_agree(chaotic: bool, verdict: Outcome, lines: list[str]) -> None:
    assert said(chaotic, verdict=verdict) == lines


def test_a_difference_is_measured_by_the_largest_number() -> None:
    values = np.array([0.0, 1.0, -4.0, np.nan])
    moved = values + np.array([2e-9, 0.0, 0.0, 0.0])
    assert relative(values, values.copy()) == 0.0
    assert relative(values, moved) == pytest.approx(5e-10, rel=1e-6)  # round-off of 4 + 2e-9
    assert relative(values, moved) < STATE_TOLERANCE
    assert relative(values, values[:2]) == np.inf
    assert relative(values, np.array([0.0, 1.0, np.nan, 4.0])) == np.inf
    assert relative(np.array([1, 2]), np.array([1, 3])) == np.inf


def points(*y: tuple[object, object, object], panel: str = "(a)") -> list[dict[str, str]]:
    names = "y", "y_low", "y_high"
    same = {"panel": panel, "series": "W", "x_name": "ell", "y_name": "term", "x": "1"}
    return [same | {n: str(v) for n, v in zip(names, row, strict=True)} for row in y]


def test_points_of_a_figure_agree_to_a_part_of_the_largest() -> None:
    first = points((2.0, "", ""), (1e-9, "", ""))
    near, far = (
        points((2.0, "", ""), (1e-9 + f * 2.0 * FIGURE_TOLERANCE, "", "")) for f in (0.9, 1.1)
    )
    assert figure(first, near, chaotic=False) == ""
    assert figure(first, far, chaotic=False).startswith("(a), W: y is 1e-09 and ")


def test_points_of_particles_agree_while_their_intervals_meet() -> None:
    first = points((1.0, 0.8, 1.2), (3.0, "", ""))
    assert figure(first, points((1.3, 1.1, 1.5), (4.0, "", "")), chaotic=True) == ""
    assert figure(first, points((1.5, 1.3, 1.7), (3.0, "", "")), chaotic=True) != ""


def test_other_points_are_another_figure() -> None:
    first = points((1.0, "", ""))
    assert "numbers of points differ" in figure(first, first * 2, chaotic=True)
    assert "panels" in figure(first, points((1.0, "", ""), panel="(b)"), chaotic=False)
