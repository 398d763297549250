"""Beside the workflow: two folders of results of one configuration, from two machines.

What must agree depends on what the two have in common (docs/howto/reproduce.md). With the same
code, packages and machine code all data are the same to the bit, whatever the number of threads.
Otherwise sums are taken in another order and round-off differs: it stays small where the start
decides what comes after, and parts the paths of particles.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade import config, crate
from glasscade.config import GlassSystem, ShearSystem, Study
from glasscade.crate import CONFIG, Record
from glasscade.errors import DataError
from glasscade.inventory import PATHS, tasks
from glasscade.io import read_dataset
from glasscade.limits.verdicts import Verdict
from glasscade.provenance import portable
from glasscade.stages.verdicts import read_verdicts
from glasscade.stages.verify import Finding

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


@dataclass(frozen=True)
class Comparison:
    """What two folders have in common, in lines, and what they have not."""

    lines: list[str]
    findings: list[Finding]


def compare(first: Path, second: Path) -> Comparison:
    """Compare verdicts, figures and states of two folders of results.

    Raises
    ------
    DataError
        If one of them has no record, or their configurations differ in more than the name.
    """
    records = crate.read(first), crate.read(second)
    study = _common(first, second)
    same = _same_machine_code(*records)
    found = [*_data(study, records, (first, second), same)]
    found += [*_verdicts(study, first, second), *_figures(study, first, second)]
    return Comparison(_summary(study, records, same), found)


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
            if digests[0].get(path) == digests[1].get(path):
                continue
            if same:
                text = "its data differ, though code, packages and machine code are the same"
                yield Finding(True, path, text)
            elif task.stage == "simulate" and not _chaotic(study, task.model):
                yield from _state(path, *folders)


def _state(path: str, first: Path, second: Path) -> Iterator[Finding]:
    """A state that is no longer the same to the bit, if both are there."""
    if not _both(path, first, second):
        yield Finding(False, path, "its data differ, by how much is not known: it is left out")
        return
    old, new = (read_dataset(folder / path, finite=False) for folder in (first, second))
    for name, variable in old.data_vars.items():
        difference = relative(variable.values, new[name].values)
        if difference > STATE_TOLERANCE:
            text = f"{name} differs by {difference:.1e} of its largest, allowed {STATE_TOLERANCE}"
            yield Finding(True, path, text)


def _both(path: str, first: Path, second: Path) -> bool:
    """Whether a file is in both folders: of one that was deposited much is left out."""
    return (first / path).is_file() and (second / path).is_file()


def relative(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Largest difference of two arrays as a part of the largest number.

    Infinite if one is known where the other is not, or if their shapes differ.
    """
    if first.shape != second.shape:
        return np.inf
    if first.dtype.kind != "f":
        return 0.0 if np.array_equal(first, second) else np.inf
    known = np.isfinite(first)
    if not np.array_equal(known, np.isfinite(second)):
        return np.inf
    largest = np.max(np.abs(first[known]), initial=0.0)
    difference = np.max(np.abs(first[known] - second[known]), initial=0.0)
    return float(difference / largest) if difference > 0.0 else 0.0


def _verdicts(study: Study, first: Path, second: Path) -> Iterator[Finding]:
    """Row by row."""
    old, new = (
        {(row.model, row.check, row.quantity, row.region): row for row in read_verdicts(path)}
        for path in (first / PATHS.verdicts, second / PATHS.verdicts)
    )
    for key in sorted({*old, *new}):
        what = " ".join(key)
        if key not in old or key not in new:
            yield Finding(True, what, f"is only in {second if key in new else first}")
            continue
        yield from _row(what, old[key], new[key], _chaotic(study, key[0]))


def _row(what: str, old: Verdict, new: Verdict, chaotic: bool) -> Iterator[Finding]:
    """Two verdicts on the same."""
    if old.verdict != new.verdict:
        # of particles, what is close to a margin may be decided by one of two samples alone
        contrary = {old.verdict, new.verdict} == {"holds", "violated"}
        yield Finding(contrary or not chaotic, what, f"{old.verdict} and {new.verdict}")
    if np.isnan(old.value) or np.isnan(new.value):
        if np.isnan(old.value) != np.isnan(new.value):
            yield Finding(not chaotic, what, f"the value is {old.value:.6g} and {new.value:.6g}")
        return
    allowed = allowance(old, new, chaotic)
    if abs(old.value - new.value) > allowed:
        text = f"{old.value:.6g} and {new.value:.6g} differ by more than {allowed:.2g}"
        yield Finding(True, what, text)


def allowance(old: Verdict, new: Verdict, chaotic: bool) -> float:
    """How far the values of two rows may lie apart.

    Of particles so far that the intervals still meet; else by a part of interval and margin. What
    has no width at all is round-off or an error that was measured, and may lie anywhere in its
    margin. Where the interval is not known, neither is how far particles may part.
    """
    half = 0.5 * (old.ci_high - old.ci_low) + 0.5 * (new.ci_high - new.ci_low)
    margin = old.tolerance if np.isfinite(old.tolerance) else 0.0
    if half == 0.0:
        return margin
    if np.isfinite(half):
        return half + SHARE * margin if chaotic else SHARE * (half + margin)
    return np.inf if chaotic else SHARE * margin + FIGURE_TOLERANCE * abs(old.value)


def _figures(study: Study, first: Path, second: Path) -> Iterator[Finding]:
    """The data of every figure that both have, one line for a figure that differs."""
    for task in tasks(study):
        if task.stage not in ("figures", "comparison", "bounds"):
            continue
        models = [task.model] if task.model else list(task.parameters["models"])
        chaotic = any(_chaotic(study, model) for model in models)
        for path in task.outputs:
            if not path.startswith("figures/") or not path.endswith(".csv"):
                continue
            if not _both(path, first, second):
                yield Finding(False, path, "is not compared: it is left out")
                continue
            if text := figure(_points(first / path), _points(second / path), chaotic):
                yield Finding(True, path, text)


Points = list[dict[str, str]]
LABELS = "panel", "series", "x_name", "y_name"


def _points(path: Path) -> Points:
    """The rows of the data of a figure."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def figure(first: Points, second: Points, chaotic: bool) -> str:
    """What of a figure is not as in another, if anything.

    Of particles only points with an interval are looked at, and those must meet; where a point
    has none, nothing tells how far it may lie.
    """
    if [_labels(row) for row in first] != [_labels(row) for row in second]:
        return "its panels, curves or numbers of points differ"
    largest: dict[str, float] = {}
    for row in first:
        size = abs(_number(row["y"]))
        largest[row["panel"]] = max(largest.get(row["panel"], 0.0), size if size < np.inf else 0.0)
    for old, new in zip(first, second, strict=True):
        allowed = 0.0 if chaotic else FIGURE_TOLERANCE * largest[old["panel"]]
        if not _agree(old, new, allowed, chaotic):
            return f"{old['panel']}, {old['series']}: y is {old['y']} and {new['y']} at {old['x']}"
    return ""


def _agree(old: dict[str, str], new: dict[str, str], allowed: float, chaotic: bool) -> bool:
    """Whether two points do, or their intervals."""
    y = _number(old["y"]), _number(new["y"])
    if y[0] == y[1] or (np.isnan(y[0]) and np.isnan(y[1])):
        return True
    low = max(_number(old["y_low"]), _number(new["y_low"]))
    high = min(_number(old["y_high"]), _number(new["y_high"]))
    if chaotic:
        return not low > high  # also where one of them is unknown
    return abs(y[0] - y[1]) <= allowed


def _labels(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in LABELS)


def _number(text: str) -> float:
    return float(text) if text else np.nan


def _summary(study: Study, records: tuple[Record, Record], same: bool) -> list[str]:
    """For each model how many of its files of each stage hold the same data to the bit."""
    digests = [{file.path: file.data for file in record.files} for record in records]
    counts: dict[tuple[str, str], list[bool]] = {}
    for task in tasks(study):
        for path in task.outputs:
            if path.endswith(".nc"):
                equal = digests[0].get(path) == digests[1].get(path)
                counts.setdefault((task.model, task.stage), []).append(equal)
    code = "the same" if same else "not the same"
    return [f"code, packages and machine code: {code}"] + [
        f"{model} {stage}: {sum(equal)} of {len(equal)} the same to the bit"
        for (model, stage), equal in counts.items()
    ]
