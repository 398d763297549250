from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from figure_data import made_up_verdicts, row
from glasscade.errors import DataError
from glasscade.limits.verdicts import CHECKS
from glasscade.stages.verdicts import read_verdicts, run, table


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = made_up_verdicts("field")
    path = tmp_path / "verdicts.csv"
    path.write_text(table(rows), encoding="utf-8")
    assert read_verdicts(path) == rows


def test_what_has_no_reference_stays_without(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    path.write_text(table([row("dissipation_scale", "ell_half_T0", 1.5, np.nan)]), encoding="utf-8")
    assert np.isnan(read_verdicts(path)[0].reference)


def test_models_are_joined_in_the_order_of_checks(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        rows = [replace(each, model=path.stem) for each in made_up_verdicts("field")[::-1]]
        path.write_text(table(rows), encoding="utf-8")
    run(paths, tmp_path / "all.csv")
    joined = read_verdicts(tmp_path / "all.csv")
    assert len(joined) == 2 * len(made_up_verdicts("field"))
    places = [(CHECKS.index(each.check), each.model) for each in joined]
    assert places == sorted(places)


def test_missing_table_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: this file is missing"):
        read_verdicts(tmp_path / "none.csv")


def test_table_without_a_column_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    path.write_text("model,check\na,closure\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"its columns are \['model', 'check'\] and must be"):
        read_verdicts(path)


def test_numbers_keep_ten_digits_their_type_and_infinities(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    before = replace(row("closure", "instantaneous", 1.0 / 3.0, 0.0), ci_low=-np.inf, ci_high=1e-13)
    path.write_text(table([before]), encoding="utf-8")
    after = read_verdicts(path)[0]
    assert after.value == pytest.approx(before.value, rel=1e-9)
    assert (after.ci_low, after.ci_high) == (-np.inf, 1e-13)
    assert type(after.n_realisations) is int


def test_models_keep_their_order_within_a_check(tmp_path: Path) -> None:
    paths = [tmp_path / "z.csv", tmp_path / "a.csv"]
    for path in paths:
        rows = [replace(row(check, "q", 0.0, 0.0), model=path.stem) for check in reversed(CHECKS)]
        path.write_text(table(rows), encoding="utf-8")
    run(paths, tmp_path / "all.csv")
    found = [(each.check, each.model) for each in read_verdicts(tmp_path / "all.csv")]
    assert found == [(check, model) for check in CHECKS for model in ("z", "a")]


def test_an_empty_file_is_no_table_and_earlier_results_stay(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("earlier", encoding="utf-8")
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"a\.csv: its columns are \[\] and must be"):
        run([tmp_path / "a.csv"], tmp_path / "all.csv")
    assert (tmp_path / "all.csv").read_text(encoding="utf-8") == "earlier"


@pytest.mark.parametrize(
    ("old", "new"),
    [("closure", "closed"), ("holds", "hold"), ("0.1", "0.l"), (",0.1", ""), ("\n", ",1\n")],
)
def test_a_row_that_is_no_verdict_is_refused(tmp_path: Path, old: str, new: str) -> None:
    """Of a table without a checksum beside it, as one that was copied alone."""
    path = tmp_path / "verdicts.csv"
    heading, rest = table([row("closure", "instantaneous", 0.1, 0.0)]).split("\n", 1)
    assert old in rest
    path.write_text(f"{heading}\n{rest.replace(old, new, 1)}", encoding="utf-8")
    with pytest.raises(DataError, match=r"verdicts\.csv: a row is no verdict.*delete it"):
        read_verdicts(path)


def test_a_changed_digit_is_found_by_the_checksum(tmp_path: Path) -> None:
    source, path = tmp_path / "field.csv", tmp_path / "verdicts.csv"
    source.write_text(table(made_up_verdicts("field")), encoding="utf-8")
    run([source], path)
    path.write_text(path.read_text("utf-8").replace("1", "2", 1), encoding="utf-8")
    with pytest.raises(DataError, match=r"verdicts\.csv: truncated or corrupt.*delete it"):
        read_verdicts(path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.25", "x", "a row is no verdict"),
        ("closure", "closer", "a row is no verdict .check closer"),
        ("holds", "hold", r"a row is no verdict .*verdict hold\)"),
        (",holds", "", "a row is no verdict"),
        ("holds", "holds,holds", "a row is no verdict"),
        ("0.25", "0.25,", "a row is no verdict"),
        ("0.25", '"', "it is no table"),
        ("0.25", "\udcff", "cannot be read"),
    ],
)
def test_a_row_that_is_no_verdict(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "verdicts.csv"
    text = table([row("closure", "instantaneous", 0.25, 0.0)])
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DataError, match=expected) as error:
        read_verdicts(path)
    assert str(error.value).startswith(f"{path}: ")
