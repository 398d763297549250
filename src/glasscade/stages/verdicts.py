"""Stage 6: the verdicts of all models in one table, and how a table is written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import get_args

from glasscade.errors import DataError, one_line
from glasscade.io import read_table, write_table
from glasscade.limits.verdicts import CHECKS, COLUMNS, Outcome, Verdict

_CONVERT: dict[str, Callable[[str], float | int]] = {"float": float, "int": int}


def run(inputs: list[Path], output: Path) -> None:
    """Join the tables of the models, ordered by check as the report shows them.

    Raises
    ------
    DataError
        If a table is missing or does not have the columns of one.
    """
    write_table(table(together(inputs)), output)


def together(inputs: list[Path]) -> list[Verdict]:
    """The rows of several tables, ordered by check."""
    rows = [row for path in inputs for row in read_verdicts(path)]
    return sorted(rows, key=lambda row: CHECKS.index(row.check))


def table(rows: list[Verdict]) -> str:
    """Verdicts as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (getattr(row, column) for column in COLUMNS)
        writer.writerow([f"{c:.10g}" if isinstance(c, float) else c for c in cells])
    return text.getvalue()


def read_verdicts(path: Path) -> list[Verdict]:
    """The rows of a table of verdicts.

    Raises
    ------
    DataError
        If the table is missing, has changed since it was written, or is none of verdicts.
    """
    text = read_table(path)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows, found = list(reader), tuple(reader.fieldnames or ())
    except csv.Error as error:
        raise DataError(
            f"{path}: it is no table ({error}); delete it, it will be computed again"
        ) from None
    if found != COLUMNS:
        shown = one_line(str(list(found)), 100)
        raise DataError(f"{path}: its columns are {shown} and must be {list(COLUMNS)}")
    try:
        return [_verdict(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        detail = one_line(str(error), 100)
        raise DataError(
            f"{path}: a row is no verdict ({detail}); delete it, it will be computed again"
        ) from None


def _verdict(row: dict[str, str]) -> Verdict:
    if len(row) != len(COLUMNS):
        raise ValueError("it has more cells than columns")
    values = {f.name: _CONVERT.get(str(f.type), str)(row[f.name]) for f in fields(Verdict)}
    found = Verdict(**values)  # type: ignore[arg-type]  # the types are those of the fields
    if found.check not in CHECKS or found.verdict not in get_args(Outcome):
        raise ValueError(f"check {found.check}, verdict {found.verdict}")
    return found
