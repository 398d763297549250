"""Beside the workflow: two folders of results of one configuration, from two machines.

What must agree depends on what the two have in common (docs/howto/reproduce.md). With the same
code, packages and machine code all data are the same to the bit, whatever the number of threads.
Otherwise sums are taken in another order and round-off differs: it stays small where the start
decides what comes after, and parts the paths of particles.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade import config, crate
from glasscade.config import GlassSystem, ShearSystem, Study
from glasscade.crate import CONFIG, Record
from glasscade.errors import DataError, GlasscadeError, one_line
from glasscade.inventory import PATHS, tasks
from glasscade.io import read_dataset
from glasscade.limits.verdicts import TOGETHER, Verdict
from glasscade.provenance import portable
from glasscade.stages.verdicts import read_verdicts
from glasscade.stages.verify import Finding, changed, left_out, missing

CHAOTIC = GlassSystem, ShearSystem
"""Systems in which the smallest change of a position grows until the paths have parted."""
STATE_TOLERANCE = 1e-9
"""Difference of a state that is not chaotic, as a part of the largest value of its variable.

Round-off of 1e-16 grows in a thousand steps of an adaptive solver to the 1e-12 measured for every
kind of field; a factor of a thousand is left for longer runs and other libraries.
"""
FIGURE_TOLERANCE = 1e-6
"""Difference of a point in a figure, as a part of the largest of its panel: of seven digits."""
SHARE = 1e-3
"""Part of its interval and margin by which the value of a verdict may move without chaos."""
MARGIN_TOLERANCE = 1e-6
"""Part by which reference and margin of a verdict may move, which may be measured as well."""
DIFFERS = "differs, though code, packages and machine code are the same"


@dataclass(frozen=True)
class Comparison:
    """What two folders have in common, in lines, and what they have not."""

    lines: list[str]
    findings: list[Finding]


def compare(first: Path, second: Path) -> Comparison:
    """Compare verdicts, figures and states of two folders of results.

    A folder that is not what its record says is not compared any further.

    Raises
    ------
    DataError
        If one of them has no record, or their configurations differ in more than the name.
    """
    folders, records = (first, second), (crate.read(first), crate.read(second))
    study = _common(first, second)
    same = _same_machine_code(*records)
    found = [x for pair in zip(records, folders, strict=True) for x in _held(*pair)]
    if not any(finding.fault for finding in found):
        found += [*_data(study, records, folders, same), *_verdicts(study, folders, same)]
        found += _figures(study, folders, same)
    return Comparison(_summary(study, records, same), found)


def _held(record: Record, folder: Path) -> Iterator[Finding]:
    """What of a folder is not as it was recorded; of one that was deposited much is left out."""
    absent = [file for file in record.files if not file.inside] + missing(record, folder)
    for finding in (*changed(record, folder, {}), *left_out(absent)):
        yield replace(finding, what=str(folder / finding.what))


def _common(first: Path, second: Path) -> Study:
    """The study that both are of.

    Raises
    ------
    DataError
        If a key other than the name differs.
    """
    keys = [dict(_keys(portable(config.read(folder / CONFIG)))) for folder in (first, second)]
    for key in sorted({*keys[0], *keys[1]} - {"study"}):
        old, new = (found.get(key, "missing") for found in keys)
        if old != new:
            raise DataError(
                f"{second / CONFIG}: {key} is {new} and in {first / CONFIG} {old}; results can be "
                "compared if their configurations agree"
            )
    return config.load(first / CONFIG)


def _keys(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings with its dotted key."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _keys(entry, f"{place}.{key}" if place else str(key))
    else:
        yield place, value


def _same_machine_code(first: Record, second: Record) -> bool:
    """Whether the two were computed by the same instructions."""
    codes = [{(job.stage, job.code) for job in record.jobs} for record in (first, second)]
    made_by = [
        {(tuple(x.versions.items()), x.target, x.features) for x in record.installations}
        for record in (first, second)
    ]
    return codes[0] == codes[1] and made_by[0] == made_by[1] and len(made_by[0]) == 1


def _chaotic(study: Study, model: str) -> bool:
    return isinstance(study.models[model].system, CHAOTIC)


def _data(
    study: Study, records: tuple[Record, Record], folders: tuple[Path, Path], same: bool
) -> Iterator[Finding]:
    """The data of NetCDF files: the same by their digests, or states to a tolerance."""
    digests = [{file.path: file.data for file in record.files} for record in records]
    for task in tasks(study):
        for path in task.outputs:
            if not path.endswith(".nc") or _equal(path, digests):
                continue
            if not all(known.get(path) for known in digests):
                yield Finding(same, path, "its data are not recorded in both folders")
            elif same:
                yield Finding(True, path, DIFFERS)
            elif task.stage == "simulate" and not _chaotic(study, task.model):
                yield from _state(path, *folders)


def _equal(path: str, digests: list[dict[str, str]]) -> bool:
    """Whether two records have the same data of a file, to the bit."""
    first, second = (known.get(path, "") for known in digests)
    return first == second != ""


def _state(path: str, first: Path, second: Path) -> Iterator[Finding]:
    """A state that is no longer the same to the bit, if both are there."""
    if not _both(path, first, second):
        yield Finding(False, path, "its data differ, by how much is not known: it is left out")
        return
    old, new = (read_dataset(folder / path, finite=False) for folder in (first, second))
    for name in sorted({*map(str, old.variables), *map(str, new.variables)}):
        if name not in old.variables or name not in new.variables:
            yield Finding(True, path, f"{name} is only in {second if name in new else first}")
            continue
        difference = relative(old[name].values, new[name].values)
        if difference > STATE_TOLERANCE:
            text = f"{name} differs by {difference:.1e} of its largest, allowed {STATE_TOLERANCE}"
            yield Finding(True, path, text)


def _both(path: str, first: Path, second: Path) -> bool:
    """Whether a file is in both folders: of one that was deposited much is left out."""
    return (first / path).is_file() and (second / path).is_file()


def relative(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Largest difference of two arrays as a part of the largest number.

    Infinite if one is finite where the other is not, or infinite in another way, or if their shapes
    differ.
    """
    if first.shape != second.shape:
        return np.inf
    if first.dtype.kind != "f":
        return 0.0 if np.array_equal(first, second) else np.inf
    known = np.isfinite(first)
    if not np.array_equal(known, np.isfinite(second)):
        return np.inf
    if not np.array_equal(first[~known], second[~known], equal_nan=True):
        return np.inf
    largest = np.max(np.abs(first[known]), initial=0.0)
    difference = np.max(np.abs(first[known] - second[known]), initial=0.0)
    return float(difference / largest) if difference > 0.0 else 0.0


def _verdicts(study: Study, folders: tuple[Path, Path], same: bool) -> Iterator[Finding]:
    """Row by row and, of the same code on the same machine, byte by byte."""
    first, second = folders
    tables = [read_verdicts(folder / PATHS.verdicts) for folder in folders]
    old, new = ({(x.model, x.check, x.quantity, x.region): x for x in rows} for rows in tables)
    for folder, rows, known in zip(folders, tables, (old, new), strict=True):
        if len(known) < len(rows):
            yield Finding(True, str(folder / PATHS.verdicts), "says twice of the same what it is")
    if same:
        yield from _bytes(PATHS.verdicts, first, second)
    for key in sorted({*old, *new}):
        what = " ".join(key)
        if key not in old or key not in new:
            yield Finding(True, what, f"is only in {second if key in new else first}")
            continue
        chaotic = _chaotic(study, key[0])
        row = old[key] if chaotic else _counterpart(key, old, new[key])
        yield from _row(what, row, new[key], chaotic)


Key = tuple[str, str, str, str]


def _counterpart(key: Key, rows: dict[Key, Verdict], new: Verdict) -> Verdict:
    """The row that a row of the second folder is held against.

    What all regions say together is the row of the one nearest to its margin. Which one that is may
    hang on round-off; reference and margin tell.
    """
    own = rows[key]
    if own.region != TOGETHER:
        return own
    for row in (own, *(row for other, row in rows.items() if other[:3] == key[:3])):
        allowed = _movement(row)
        if all(alike(getattr(row, name), getattr(new, name), allowed[name]) for name in allowed):
            return replace(row, verdict=own.verdict)
    return own


def _movement(row: Verdict) -> dict[str, float]:
    """How far reference and margin of a row may move without chaos."""
    return {name: MARGIN_TOLERANCE * abs(getattr(row, name)) for name in ("reference", "tolerance")}


def _row(what: str, old: Verdict, new: Verdict, chaotic: bool) -> Iterator[Finding]:
    """Two verdicts on the same."""
    if old.verdict != new.verdict:
        # of particles, what is close to a margin may be decided by one of two samples alone
        contrary = {old.verdict, new.verdict} == {"holds", "violated"}
        yield Finding(contrary or not chaotic, what, f"{old.verdict} and {new.verdict}")
    margin = allowance(old, new, chaotic)
    allowed = {"value": margin}
    if not chaotic:
        allowed |= {"ci_low": margin, "ci_high": margin, "n_realisations": 0.0} | _movement(old)
    for name, most in allowed.items():
        pair = getattr(old, name), getattr(new, name)
        if not alike(*pair, most):
            # that a value is known may hang on a sample of particles as well
            unknown = math.isnan(pair[0]) != math.isnan(pair[1])
            text = f"the {name} is {pair[0]:.6g} and {pair[1]:.6g}, and may move by {most:.2g}"
            yield Finding(not (chaotic and unknown), what, text)
            return


def alike(first: float, second: float, allowed: float) -> bool:
    """Whether two numbers are as close as they must be, or the same where they are not finite."""
    if math.isfinite(first) and math.isfinite(second):
        return abs(first - second) <= allowed
    return first == second or (math.isnan(first) and math.isnan(second))


def allowance(old: Verdict, new: Verdict, chaotic: bool) -> float:
    """How far the values of two rows may lie apart.

    Of particles so far that the intervals still meet; else by a part of interval and margin of the
    first, whatever the second says. What has no width at all is round-off or an error that was
    measured, and may lie anywhere in its margin. Where the interval is not known, neither is how
    far particles may part.
    """
    half = 0.5 * (old.ci_high - old.ci_low)
    if chaotic:
        half += 0.5 * (new.ci_high - new.ci_low)
    margin = old.tolerance if np.isfinite(old.tolerance) else 0.0
    if half == 0.0:
        return margin
    if np.isfinite(half):
        return half + SHARE * margin if chaotic else SHARE * (half + margin)
    return np.inf if chaotic else SHARE * margin + FIGURE_TOLERANCE * abs(old.value)


def _bytes(path: str, first: Path, second: Path) -> Iterator[Finding]:
    """A text file of two runs of the same code on the same machine."""
    if (first / path).read_bytes() != (second / path).read_bytes():
        yield Finding(True, path, DIFFERS)


def _figures(study: Study, folders: tuple[Path, Path], same: bool) -> Iterator[Finding]:
    """The data of every figure that both have, and what they show of bounds, a line for each."""
    first, second = folders
    for task in tasks(study):
        if task.stage not in ("figures", "comparison", "bounds"):
            continue
        models = [task.model] if task.model else list(task.parameters["models"])
        chaotic = any(_chaotic(study, model) for model in models)
        for path in task.outputs:
            if not path.endswith(".csv"):
                continue
            if not _both(path, first, second):
                yield Finding(False, path, "is not compared: it is left out")
            elif same:
                yield from _bytes(path, first, second)
            elif path == PATHS.bounds:
                yield from _bounds(path, first, second)
            else:
                yield from _figure(path, first, second, chaotic)


def _bounds(path: str, first: Path, second: Path) -> Iterator[Finding]:
    """The table of bounds, of which the numbers are those of figures, and the rest is words."""
    try:
        old, new = (words(folder / path) for folder in (first, second))
    except DataError as error:
        yield Finding(True, path, str(error))
        return
    if len(old) != len(new):
        yield Finding(True, path, f"has {len(old)} and {len(new)} rows")
    for one, other in zip(old, new, strict=False):
        if one != other:
            yield Finding(True, path, f"says {', '.join(one)} and {', '.join(other)}")
            return


def words(path: Path) -> list[list[str]]:
    """The cells of a table, row by row, that are no numbers.

    Raises
    ------
    DataError
        If the file is no table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return [
                [c for c in row if not _is_number(c)] for row in csv.reader(stream, strict=True)
            ]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path}: is no table ({one_line(str(error), 150)})") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _figure(path: str, first: Path, second: Path, chaotic: bool) -> Iterator[Finding]:
    try:
        text = figure(points(first / path), points(second / path), chaotic)
    except GlasscadeError as error:
        text = str(error)
    if text:
        yield Finding(True, path, text)


Points = list[dict[str, str]]
LABELS = "panel", "series", "x_name", "y_name"
NUMBERS = "x", "y", "y_low", "y_high"
OF_MAPS = "z", "z_low", "z_high"
"""Columns that only the data of a map have."""


def points(path: Path) -> Points:
    """The rows of the data of a figure.

    Raises
    ------
    DataError
        If the file has other columns, or cells that are no numbers.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows, columns = list(reader), tuple(reader.fieldnames or ())
        if columns not in ((*LABELS, *NUMBERS), (*LABELS, *NUMBERS, *OF_MAPS)):
            raise ValueError(f"its columns are {', '.join(columns)}")
        for row in rows:
            if len(row) != len(columns) or None in row.values():
                raise ValueError("a row has more or fewer cells than there are columns")
            for name in columns[len(LABELS) :]:
                _number(row[name])
    except (OSError, ValueError, csv.Error) as error:
        detail = one_line(str(error), 150)
        raise DataError(f"{path}: is not the data of a figure ({detail})") from None
    return rows


def figure(first: Points, second: Points, chaotic: bool) -> str:
    """What of a figure is not as in another, if anything.

    Of particles only points with an interval are looked at, and those must meet; where a point
    has none, nothing tells how far it may lie.
    """
    if [_labels(row) for row in first] != [_labels(row) for row in second]:
        return "its columns, panels, curves or numbers of points differ"
    allowed = {} if chaotic else _allowed(first)
    for old, new in zip(first, second, strict=True):
        where = f"{old['panel']}, {old['series']}"
        if chaotic and not _meet(old, new):
            return f"{where}: y is {old['y']} and {new['y']} at {old['x']}"
        for name, most in allowed.get(old["panel"], {}).items():
            if not alike(_number(old[name]), _number(new[name]), most):
                return f"{where}: {name} is {old[name]} and {new[name]} at {old['x']}"
    return ""


def _allowed(rows: Points) -> dict[str, dict[str, float]]:
    """How far each number may move in each panel: by a part of the largest x, y or z of it.

    An end of an interval may move as far as its value.
    """
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        panel = found.setdefault(row["panel"], {})
        for name in list(row)[len(LABELS) :]:
            size = abs(_number(row[name[0]]))
            most = FIGURE_TOLERANCE * size if math.isfinite(size) else 0.0
            panel[name] = max(panel.get(name, 0.0), most)
    return found


def _meet(old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether two points are the same, or their intervals meet, as far as they are known."""
    if alike(_number(old["y"]), _number(new["y"]), 0.0):
        return True
    low = max(_number(old["y_low"]), _number(new["y_low"]))
    high = min(_number(old["y_high"]), _number(new["y_high"]))
    return not low > high


def _labels(row: dict[str, str]) -> tuple[str, ...]:
    """What must be the same of a point: its place, and which numbers it has."""
    return (*(row[name] for name in LABELS), *row)


def _number(text: str) -> float:
    return float(text) if text else np.nan


def _summary(study: Study, records: tuple[Record, Record], same: bool) -> list[str]:
    """For each model how many of its files of each stage hold the same data to the bit."""
    digests = [{file.path: file.data for file in record.files} for record in records]
    counts: dict[tuple[str, str], list[bool]] = {}
    for task in tasks(study):
        for path in task.outputs:
            if path.endswith(".nc"):
                equal = _equal(path, digests)
                counts.setdefault((task.model, task.stage), []).append(equal)
    code = "the same" if same else "not the same"
    return [f"code, packages and machine code: {code}"] + [
        f"{model} {stage}: {sum(equal)} of {len(equal)} the same to the bit"
        for (model, stage), equal in counts.items()
    ]
