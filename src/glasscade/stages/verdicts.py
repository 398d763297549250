"""Stage 6: the verdicts of all models in one table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from glasscade.errors import DataError
from glasscade.io import write_text
from glasscade.limits.verdicts import CHECKS, COLUMNS


def run(inputs: list[Path], output: Path) -> None:
    """Join the tables of the models, ordered by check as the report shows them.

    Raises
    ------
    DataError
        If a table is missing or lacks a column.
    """
    rows = [row for path in inputs for row in read_verdicts(path)]
    rows.sort(key=lambda row: CHECKS.index(row["check"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(text.getvalue(), output)


def read_verdicts(path: Path) -> list[dict[str, str]]:
    """The rows of a table of verdicts.

    Raises
    ------
    DataError
        If the table is missing or lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
    except OSError:
        raise DataError(f"{path}: this file is missing; run the stage that writes it") from None
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise DataError(f"{path}: column {missing[0]} is missing; a table of verdicts has {COLUMNS}")
    return rows
