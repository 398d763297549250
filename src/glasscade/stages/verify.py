"""Beside the workflow: a folder of results against its own record, and against the present source.

What is wrong with the folder is a fault. Where the present source, its packages or the machine
differ from those of the record is a note: the results are what they were, but running the study
again here may give others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glasscade import config, crate
from glasscade.config import Study
from glasscade.crate import CONFIG, METADATA, File, Installation, Job, Record
from glasscade.errors import GlasscadeError, one_line
from glasscade.inventory import PATHS, tasks
from glasscade.io import checksum_of
from glasscade.limits.verdicts import Verdict
from glasscade.provenance import lock_digest, parameters_digest
from glasscade.stages.record import Origin, content_in, file_in, here, origin_of, present_code
from glasscade.stages.verdicts import read_verdicts, table, together

UNRECORDED = {
    "report.html",
    "report.zip",
    PATHS.log("record", "record"),
    PATHS.benchmark("record", "record"),
    METADATA,
}
"""What comes after the record, and is no stranger: reports of Snakemake, and the record itself."""
TOLD = ("logs/", "benchmarks/")
"""Folders of what tells of a run: a job that ran again to the same data has written it anew."""


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing."""

    fault: bool
    what: str
    text: str

    def __str__(self) -> str:
        # names of files may hold anything, line breaks and what is no text among it
        return one_line(f"{'fault' if self.fault else 'note'}: {self.what}: {self.text}")


def verify(folder: Path) -> list[Finding]:
    """All that is to be said of a folder of results, faults first.

    Raises
    ------
    DataError
        If the folder has no record.
    """
    record = crate.read(folder)
    found = [Finding(True, file.path, "is missing") for file in missing(record, folder)]
    found += changed(record, folder, _makers(record))
    found += left_out([x for x in record.files if not x.inside])
    found += _strangers(record, folder)
    found += [*_configuration(record, folder), *_verdicts(record, folder)]
    found += [*_code(record), *_installations(record)]
    return sorted(found, key=lambda finding: not finding.fault)


def missing(record: Record, folder: Path) -> list[File]:
    """Files that should be in the folder, and are not."""
    return [file for file in record.files if file.inside and not (folder / file.path).is_file()]


Maker = tuple[str, Installation]
"""Digest of the code, and the installation, that a file was computed by."""


def _makers(record: Record) -> dict[str, Maker]:
    """Of every output what made it, as recorded."""
    return {
        path: (job.code, record.installations[job.installation])
        for job in record.jobs
        for path in job.outputs
    }


def changed(record: Record, folder: Path, makers: Mapping[str, Maker]) -> Iterator[Finding]:
    """Files that are there with other bytes or data, or not by their makers, if those are given."""
    for recorded in record.files:
        if recorded.inside and (folder / recorded.path).is_file():
            try:
                text = _change(recorded, folder, makers.get(recorded.path))
            except GlasscadeError as error:
                text = str(error)
            if text:
                yield Finding(not recorded.path.startswith(TOLD), recorded.path, text)


def _change(recorded: File, folder: Path, maker: Maker | None) -> str:
    """What has happened to a file since, or to what is recorded of it, if anything."""
    present = content_in(folder, recorded.path)
    if present.size != recorded.size:
        return f"has {present.size} bytes, {recorded.size} are recorded"
    if present.sha256 != recorded.sha256:
        return "has changed since it was recorded"
    if not recorded.path.endswith(".nc"):
        return ""
    if not present.whole:
        return "is recorded as it is, but does not end with the checksum of a stage's file"
    origin = origin_of(folder / recorded.path)
    if origin.data != recorded.data:
        return f"its data_digest is {origin.data}, {recorded.data or 'none'} is recorded"
    return _contradiction(origin, *maker) if maker else ""


def _contradiction(origin: Origin, code: str, recorded: Installation) -> str:
    """What a file says of its origin that is not what the record says, if anything."""
    if origin.code != code:
        return f"was computed by the code {origin.code}, {code} is recorded"
    for name, said in vars(origin.installation).items():
        if said != getattr(recorded, name):
            return f"was computed by another installation than is recorded, its {name} differs"
    return ""


def left_out(files: list[File]) -> Iterator[Finding]:
    """One note for each folder that files are left out of."""
    kinds: dict[str, list[int]] = {}
    for file in files:
        kinds.setdefault(file.path.partition("/")[0], []).append(file.size)
    for kind, sizes in kinds.items():
        megabytes = sum(sizes) / 1e6
        text = f"{len(sizes)} files of {megabytes:.1f} MB are left out; their SHA-256 are recorded"
        yield Finding(False, kind, text)


def _strangers(record: Record, folder: Path) -> Iterator[Finding]:
    """Files, and links, that no job of the study has written."""
    known = {Path(file.path) for file in record.files if file.inside}
    known |= {*map(checksum_of, known), *map(Path, UNRECORDED)}
    folders = {above for path in known for above in path.parents}
    there = [path for place in folders for path in (folder / place).glob("*")]
    text = "is not of this study as it was recorded; move it elsewhere"
    for path in sorted(there):
        if path.relative_to(folder) not in known | folders:
            for stray in _files_below(path):
                yield Finding(True, stray.relative_to(folder).as_posix(), text)


def _files_below(path: Path) -> list[Path]:
    """A file, or all in a folder; a link is looked at, not followed."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    return sorted(x for x in path.rglob("*") if x.is_symlink() or not x.is_dir())


def _configuration(record: Record, folder: Path) -> Iterator[Finding]:
    """The configuration is valid, and its jobs are those that were recorded."""
    absent = [f.path for f in record.files if _outside(f.path) and not (folder / f.path).is_file()]
    if absent:
        text = f"{absent[0]} of {len(absent)} files that were read is not here; jobs not compared"
        yield Finding(False, CONFIG, text)
        return
    for file in record.files:
        if _outside(file.path) and file_in(folder, file.path).sha256 != file.sha256:
            yield Finding(True, file.path, "has changed since it was read")
    try:
        study = config.load(folder / CONFIG)
    except GlasscadeError as error:
        yield Finding(True, CONFIG, str(error))
        return
    if (study.study, study.seed) != (record.study, record.seed):
        yield Finding(
            True, CONFIG, f"study and seed are not those recorded, {record.study} and {record.seed}"
        )
    yield from _tasks(record, study)


Given = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Of a job the digest of its parameters, its inputs in the folder, its outputs."""


def _given(job: Job) -> Given:
    inputs = tuple(path for path in job.inputs if not _outside(path))
    return job.parameters, inputs, job.outputs


def _tasks(record: Record, study: Study) -> Iterator[Finding]:
    """The jobs of the configuration and what each is given, one line for each stage that differs.

    With another source the same configuration may rightly give others.
    """
    wanted: dict[str, dict[str, Given]] = {}
    for task in tasks(study):
        given = (parameters_digest(task.parameters), task.inputs, task.outputs)
        wanted.setdefault(task.stage, {})[task.name] = given
    for stage in dict.fromkeys([*wanted, *record.stages]):
        jobs = record.stages.get(stage, [])
        known = {job.name: _given(job) for job in jobs}
        differing = sorted(
            name
            for name in {*known, *wanted.get(stage, {})}
            if known.get(name) != wanted.get(stage, {}).get(name)
        )
        if differing:
            # of a stage without a job all others tell whether the source is the same
            same = all(job.code == present_code(job.stage) for job in jobs or record.jobs)
            yield Finding(
                same,
                f"stage {stage}",
                f"{len(differing)} jobs are not those that {CONFIG} gives, {differing[0]} first",
            )


def _verdicts(record: Record, folder: Path) -> Iterator[Finding]:
    """The table is that of the models put together, and every row of it makes sense."""
    path = folder / PATHS.verdicts
    models = [p for job in record.stages.get("verdicts", []) for p in job.inputs]
    try:
        rows = read_verdicts(path)
        parts = together([folder / model for model in models])
    except (GlasscadeError, KeyError, ValueError) as error:
        yield Finding(True, PATHS.verdicts, f"is no table of verdicts ({error})")
        return
    if table(rows) != table(parts):
        yield Finding(True, PATHS.verdicts, "is not what the tables of its models say together")
    for row in rows:
        if wrong := _nonsense(row):
            yield Finding(True, PATHS.verdicts, f"{row.model} {row.quantity} {row.region}: {wrong}")


def _nonsense(row: Verdict) -> str:
    """What is wrong with a row, if anything."""
    if row.ci_low > row.ci_high:
        return "its interval ends before it begins"
    if row.verdict == "violated" and not np.isfinite([row.ci_low, row.ci_high]).all():
        return "it is violated without an interval"
    return ""


def _code(record: Record) -> Iterator[Finding]:
    """Stages whose code is another now, or whose jobs were not all run by the same."""
    for stage, jobs in record.stages.items():
        found = sorted({job.code for job in jobs})
        if len(found) > 1:
            text = f"jobs were run by different code, {' and '.join(found)}"
            yield Finding(True, f"stage {stage}", text)
        elif found != [present_code(stage)]:
            text = f"its code was {found[0]} and is {present_code(stage)} in the present source"
            yield Finding(False, f"stage {stage}", text)
        installations = len({job.installation for job in jobs})
        if installations > 1:
            text = f"its jobs were run by {installations} installations"
            yield Finding(False, f"stage {stage}", text)


def _installations(record: Record) -> Iterator[Finding]:
    """What of the installations, of the lock and of the machine is not as it is here."""
    present = here()
    for number, found in enumerate(record.installations):
        what = "installation" if len(record.installations) == 1 else f"installation {number}"
        for name in ("commit", "system", "processor", "target"):
            recorded, now = getattr(found, name), getattr(present, name)
            if recorded != now:
                yield Finding(False, what, f"its {name} was {recorded} and is {now} here")
        if found.features != present.features and found.target == present.target:
            yield Finding(False, what, "its processor had other features than the one here")
        for name in sorted({*found.versions, *present.versions}):
            old, new = found.versions.get(name, "missing"), present.versions.get(name, "missing")
            if old != new:
                yield Finding(False, what, f"{name} was {old} and is {new} here")
    if record.lock != lock_digest():
        yield Finding(False, "requirements.lock", "is not that of the present source")


def _outside(path: str) -> bool:
    return path.startswith("../") or Path(path).is_absolute()
