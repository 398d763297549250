"""What two runs may differ by: nothing, a part of an interval, or as far as intervals meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade import config
from glasscade.errors import DataError
from glasscade.figures.sheet import COLUMNS
from glasscade.io import write_dataset, write_table
from glasscade.limits.verdicts import Outcome, Verdict
from glasscade.stages.compare import (
    FIGURE_TOLERANCE,
    LABELS,
    MARGIN_TOLERANCE,
    NUMBERS,
    SHARE,
    STATE_TOLERANCE,
    _bounds,
    _counterpart,
    _figures,
    _row,
    _state,
    _verdicts,
    figure,
    points,
    relative,
)
from glasscade.stages.verdicts import table

HEAD = b"panel,series,x_name,y_name,x,y,y_low,y_high\n"
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
    assert f"within {SHARE:g} of the half-width of the first interval and the margin" in text
    assert f"| {MARGIN_TOLERANCE:g}".replace("1e-06", "1e-6") + " of the first |" in text
    assert (
        f"| {FIGURE_TOLERANCE:g}".replace("1e-06", "1e-6") + " of the largest of the panel" in text
    )


def said(chaotic: bool, value: float = 1.0, verdict: Outcome = "holds") -> list[str]:
    return [str(x) for x in _row("x", ROW, replace(ROW, value=value, verdict=verdict), chaotic)]


def test_a_value_may_move_by_a_part_of_its_interval_and_margin() -> None:
    allowed = SHARE * (0.2 + 0.1)  # the half-width of the first, the tolerance
    assert said(chaotic=False, value=1.0 + 0.99 * allowed) == []
    [line] = said(chaotic=False, value=1.0 + 1.01 * allowed)
    assert line.startswith("fault: x: the value is 1 and 1.0003")
    assert line.endswith(", and may move by 0.0003")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"ci_low": 0.8 + 2.9e-4}, 0),
        ({"ci_low": 0.8 + 3.1e-4}, 1),
        ({"ci_low": -1e6, "ci_high": 1e6, "value": 7.0}, 1),
        ({"ci_high": np.inf}, 1),
        ({"ci_high": np.nan}, 1),
        ({"reference": 0.5 * (1.0 + 0.9e-6)}, 0),
        ({"reference": 0.5 * (1.0 + 1.1e-6)}, 1),
        ({"reference": np.nan}, 1),
        ({"tolerance": 1e6}, 1),
        ({"tolerance": np.inf}, 1),
        ({"n_realisations": 3}, 1),
    ],
)
def test_all_numbers_of_a_row_of_a_field_are_those_of_the_first(
    changes: dict[str, float], found: int
) -> None:
    """What the second says of itself allows nothing; of particles the interval is of a sample."""
    new = replace(ROW, **changes)  # type: ignore[arg-type]
    assert len(list(_row("x", ROW, new, chaotic=False))) == found
    if "value" not in changes:
        assert list(_row("x", ROW, new, chaotic=True)) == []


@pytest.mark.parametrize(("tolerance", "found"), [(0.1, 0), (0.2, 0), (0.3, 1)])
def test_what_all_regions_say_may_be_said_by_another_of_them(tolerance: float, found: int) -> None:
    """Round-off chooses where all are as far from their margin."""
    regions = {"bump1": 0.1, "bump2": 0.2, "all": 0.1}
    rows = {
        (ROW.model, ROW.check, ROW.quantity, region): replace(ROW, region=region, tolerance=margin)
        for region, margin in regions.items()
    }
    new = replace(ROW, region="all", tolerance=tolerance)
    old = _counterpart((ROW.model, ROW.check, ROW.quantity, "all"), rows, new)
    assert len(list(_row("x", old, new, chaotic=False))) == found
    alone = _counterpart((ROW.model, ROW.check, ROW.quantity, "bump1"), rows, new)
    assert alone.tolerance == 0.1


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
    assert str(found).startswith(f"{kind}: x: the value is 1 and nan")


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
    unknown = [np.inf, -np.inf, np.nan]
    infinite = {(a, b): relative(np.array([a]), np.array([b])) for a in unknown for b in unknown}
    assert [pair for pair, found in infinite.items() if found == 0.0] == [(a, a) for a in unknown]


def state(**more: object) -> xr.Dataset:
    notes = {"units": "l0", "long_name": "position"}
    values = ("time", [1.0, 2.0], notes)
    return xr.Dataset({"density": values} | more, coords={"time": ("time", [0.0, 1.0])})


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (state(), []),
        (state(more=state()["density"]), ["fault: a.nc: more is only in "]),
        (state().drop_vars("density"), ["fault: a.nc: density is only in "]),
        (state().drop_vars("time"), ["fault: a.nc: time is only in "]),
        (state().assign_coords(time=[0.0, 1.1]), ["fault: a.nc: time differs by "]),
    ],
    ids=["same", "more", "less", "no coordinate", "coordinate"],
)
def test_states_have_the_same_variables_and_coordinates(
    tmp_path: Path, other: xr.Dataset, found: list[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_dataset(state(), first / "a.nc", {}, "glasscade.cell")
    write_dataset(other, second / "a.nc", {}, "glasscade.cell")
    for pair in ((first, second), (second, first)):
        lines = [str(x) for x in _state("a.nc", *pair)]
        assert len(lines) == len(found)
        assert all(map(str.startswith, lines, found)), lines


def rows_of(*y: tuple[object, object, object], panel: str = "(a)") -> list[dict[str, str]]:
    names = "y", "y_low", "y_high"
    same = {"panel": panel, "series": "W", "x_name": "ell", "y_name": "term", "x": "1"}
    return [same | {n: str(v) for n, v in zip(names, row, strict=True)} for row in y]


def test_points_of_a_figure_agree_to_a_part_of_the_largest() -> None:
    first = rows_of((2.0, "", ""), (1e-9, "", ""))
    near, far = (
        rows_of((2.0, "", ""), (1e-9 + f * 2.0 * FIGURE_TOLERANCE, "", "")) for f in (0.9, 1.1)
    )
    assert figure(first, near, chaotic=False) == ""
    assert figure(first, far, chaotic=False).startswith("(a), W: y is 1e-09 and ")


def test_points_of_particles_agree_while_their_intervals_meet() -> None:
    first = rows_of((1.0, 0.8, 1.2), (3.0, "", ""))
    assert figure(first, rows_of((1.3, 1.1, 1.5), (4.0, "", "")), chaotic=True) == ""
    assert figure(first, rows_of((1.5, 1.3, 1.7), (3.0, "", "")), chaotic=True) != ""


def test_other_points_are_another_figure() -> None:
    first = rows_of((1.0, "", ""))
    assert "numbers of points differ" in figure(first, first * 2, chaotic=True)
    assert "panels" in figure(first, rows_of((1.0, "", ""), panel="(b)"), chaotic=False)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_of_a_point_counts(name: str) -> None:
    first = rows_of((2.0, 1.0, 3.0))
    other = [first[0] | {name: "1.1"}]
    assert f"W: {name} is " in figure(first, other, chaotic=False)
    assert f"W: {name} is " in figure(first, [first[0] | {name: ""}], chaotic=False)


def test_numbers_of_a_map_count() -> None:
    first = [rows_of((2.0, "", ""))[0] | {"z": "5", "z_low": "", "z_high": ""}]
    assert "z is 5 and 5.1" in figure(first, [first[0] | {"z": "5.1"}], chaotic=False)
    assert "columns" in figure(first, rows_of((2.0, "", "")), chaotic=False)


def test_the_columns_are_those_that_figures_have() -> None:
    assert (*LABELS, *NUMBERS) == COLUMNS


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"panel,x\n1,2\n", "its columns are panel, x"),
        (b"", "its columns are"),
        (b"\xff\xfe", "utf-8"),
        (HEAD + b"a,b,c,d,1,2,3\n", "more or fewer cells"),
        (HEAD + b"a,b,c,d,1,2,3,4,5\n", "more or fewer cells"),
        (HEAD + b"a,b,c,d,1,2,3,four\n", "four"),
        (HEAD + b'a,b,c,d,1,2,3,"', "unexpected end of data"),
    ],
)
def test_what_is_no_data_of_a_figure_is_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "budget.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"is not the data of a figure .*{sentence}"):
        points(path)


def test_a_row_that_stands_twice_is_found(tmp_path: Path) -> None:
    """Only the last would be compared."""
    study = config.parse(studies.study(glass=studies.FIELD))
    first, second = tmp_path / "first", tmp_path / "second"
    write_table(table([ROW]), first / "verdicts.csv")
    write_table(table([replace(ROW, verdict="violated"), ROW]), second / "verdicts.csv")
    for folders in ((first, second), (second, first)):
        [finding] = _verdicts(study, folders, same=False)
        text = f"fault: {second}/verdicts.csv: says twice of the same what it is"
        assert str(finding) == text


BOUNDS = "model,H,measured,attains a\nrough,0.2,0.31,yes\nrough,0.6,0.9,no\n"


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (BOUNDS.replace("0.31", "0.3100001"), []),
        (BOUNDS.replace("0.31", "nan"), []),
        (BOUNDS.replace("yes", "no"), ["fault: bounds.csv: says rough, yes and rough, no"]),
        (BOUNDS.replace("rough,0.6,0.9,no\n", ""), ["fault: bounds.csv: has 3 and 2 rows"]),
        (BOUNDS.replace("rough", '"rough'), ["fault: bounds.csv: "]),
    ],
    ids=["digit", "unknown", "word", "row", "no table"],
)
def test_what_is_said_of_bounds_is_the_same(tmp_path: Path, other: str, found: list[str]) -> None:
    """Its numbers are compared as those of figures."""
    for folder, text in (("first", BOUNDS), ("second", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bounds.csv").write_text(text, encoding="utf-8")
    lines = [str(x) for x in _bounds("bounds.csv", tmp_path / "first", tmp_path / "second")]
    assert len(lines) == len(found)
    assert all(map(str.startswith, lines, found)), lines


def test_the_table_of_bounds_is_looked_at(tmp_path: Path) -> None:
    """By its bytes where the machine is the same, by its words elsewhere."""
    study = config.parse(studies.study(one=studies.ROUGH, two=studies.ROUGH))
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, text in ((first, BOUNDS), (second, BOUNDS.replace("0.31", "0.32"))):
        folder.mkdir()
        (folder / "bounds.csv").write_text(text, encoding="utf-8")
    told = {
        same: [x for x in _figures(study, (first, second), same) if x.what == "bounds.csv"]
        for same in (False, True)
    }
    assert told[False] == []
    assert [x.fault for x in told[True]] == [True]
