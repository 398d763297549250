"""Stage 6: the verdicts of all models in one table, and how a table is written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from glasscade.errors import DataError
from glasscade.io import write_text
from glasscade.limits.verdicts import CHECKS, COLUMNS, Verdict

_CONVERT: dict[str, Callable[[str], float | int]] = {"float": float, "int": int}


def run(inputs: list[Path], output: Path) -> None:
    """Join the tables of the models, ordered by check as the report shows them.

    Raises
    ------
    DataError
        If a table is missing or does not have the columns of one.
    """
    write_text(table(together(inputs)), output)


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
        If the table is missing or does not have the columns of one.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, found = list(reader), tuple(reader.fieldnames or ())
    except OSError:
        raise DataError(f"{path}: this file is missing; run the stage that writes it") from None
    if found != COLUMNS:
        raise DataError(f"{path}: its columns are {list(found)} and must be {list(COLUMNS)}")
    return [_verdict(row) for row in rows]


def _verdict(row: dict[str, str]) -> Verdict:
    values = {f.name: _CONVERT.get(str(f.type), str)(row[f.name]) for f in fields(Verdict)}
    return Verdict(**values)  # type: ignore[arg-type]  # the types are those of the fields
