"""Stage 9: what a study was computed from and by, for every file of it, in one metadata file.

`verify`, `compare` and `bundle` rest on nothing else.
"""

from __future__ import annotations

import csv
import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import netCDF4
import yaml

from glasscade import __version__, config, crate
from glasscade.config import Study
from glasscade.crate import CONFIG, METADATA, Citation, File, Installation, Job, Record, Usage
from glasscade.errors import DataError
from glasscade.inventory import Task, tasks
from glasscade.io import Content, content, require_whole, write_text
from glasscade.provenance import (
    PACKAGE,
    SOURCE,
    code_digest,
    git_commit,
    lock_digest,
    machine,
    parameters_digest,
    versions,
)

LOG = logging.getLogger("glasscade")
HEAD = (
    "# The configuration of this study as it was validated, with every default. It can be run\n"
    "# again as it is: paths in it are seen from here.\n"
)


def run(job: dict[str, Any], folder: Path) -> None:
    """Write the complete configuration and the metadata.

    Parameters
    ----------
    job : dict
        `study`, the whole configuration.
    folder : Path
        That of the study, in which all its jobs have run.

    Raises
    ------
    DataError
        If a file is missing, was computed with other parameters than the configuration has, or
        from another trajectory than is there now.
    """
    study = config.parse(job["study"], known=True)
    write_text(HEAD + config_text(study, folder), folder / CONFIG)
    record = recorded(study, folder)
    write_text(crate.to_json(record, citation()), folder / METADATA)
    LOG.info("recorded %d files of %d jobs", len(record.files), len(record.jobs))


def config_text(study: Study, folder: Path) -> str:
    """A configuration with every default, as a file of it in `folder` must be."""
    raw = study.model_dump(mode="json")
    folders = list(study.outside_folders)
    for model in raw["models"].values():
        if model["system"]["kind"] == "trajectory":
            folders += _outside(model["system"]["file"])
            model["system"]["file"] = seen_from(folder, model["system"]["file"])
    raw["outside_folders"] = [seen_from(folder, path) for path in dict.fromkeys(folders)]
    text: str = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text


def _outside(file: str) -> list[str]:
    """The folder of a trajectory that lay beside its configuration and not below here."""
    place = next(folder for folder in Path(file).parents if "{" not in str(folder))
    inside = place.resolve().is_relative_to(Path().resolve())
    return [] if inside else [place.as_posix()]


def seen_from(folder: Path, path: str) -> str:
    """A path as seen from a folder, unless it is absolute."""
    return path if Path(path).is_absolute() else Path(os.path.relpath(path, folder)).as_posix()


def citation() -> Citation:
    """That of the source tree or, of an installed package, what this says of itself."""
    path = SOURCE / "CITATION.cff"
    if path.is_file():
        return Citation.read(path)
    about = metadata(PACKAGE)
    return Citation(PACKAGE, ((about["Author"], ""),), about["License-Expression"])


def recorded(study: Study, folder: Path) -> Record:
    """What there is to record of a study whose jobs have run."""
    found = _Found(folder)
    for task in tasks(study):
        found.add(task)
    return Record(
        study=study.study,
        seed=study.seed,
        date=max(job.ended for job in found.jobs),
        lock=lock_digest(),
        files=(*found.files.values(),),
        jobs=tuple(found.jobs),
        installations=tuple(found.installations),
    )


@dataclass
class _Found:
    """What has been found so far."""

    folder: Path
    files: dict[str, File] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    installations: list[Installation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files[CONFIG] = file_in(self.folder, CONFIG)

    def add(self, task: Task) -> None:
        """A job with its files; what others wrote has been found before."""
        wanted = parameters_digest(task.parameters)
        origin = Origin(present_code(task.stage), wanted, here())
        for path in task.outputs:
            if path.endswith(".nc"):
                found = require_whole(self.folder / path)
                origin = self._origin(path, wanted, task.stage)
                self.files[path] = File(path, found.size, found.sha256, origin.data)
            else:
                self.files[path] = file_in(self.folder, path)
        for path in (task.log, task.benchmark):
            if (self.folder / path).is_file():
                self.files[path] = file_in(self.folder, path)
        outside = [seen_from(self.folder, path) for path in task.files]
        for path in outside:
            self.files[path] = file_in(self.folder, path, inside=False)
        self._require_read(outside, origin)
        if origin.installation not in self.installations:
            self.installations.append(origin.installation)
        self.jobs.append(
            Job(
                stage=task.stage,
                name=task.name,
                code=origin.code,
                parameters=wanted,
                inputs=(*task.inputs, *outside),
                outputs=task.outputs,
                ended=_ended(self.folder / task.outputs[-1]),
                installation=self.installations.index(origin.installation),
                usage=_usage(self.folder / task.benchmark),
            )
        )

    def _origin(self, path: str, wanted: str, stage: str) -> Origin:
        """What a NetCDF file says of its origin, which has the parameters that are wanted."""
        origin = origin_of(self.folder / path)
        if origin.parameters != wanted:
            raise DataError(
                f"{self.folder / path}: it was computed with other parameters than the "
                f"configuration has; run the stage {stage} again"
            )
        return origin

    def _require_read(self, paths: list[str], origin: Origin) -> None:
        """Files from elsewhere are still what the job has read."""
        for path, sha256 in zip(paths, origin.read, strict=False):
            if self.files[path].sha256 != sha256:
                raise DataError(
                    f"{self.folder / path}: has changed since it was read; run the stage simulate "
                    "again"
                )


@dataclass(frozen=True)
class Origin:
    """What is behind a file: its code, a digest of its parameters, who computed it.

    Of NetCDF files `data` is the digest of the data, and `read` the SHA-256 of the files from
    elsewhere that were read for them.
    """

    code: str
    parameters: str
    installation: Installation
    data: str = ""
    read: tuple[str, ...] = ()


@cache
def present_code(stage: str) -> str:
    """Digest of the code of a stage as it is now; of a stage that there is not, so much."""
    try:
        return code_digest(f"glasscade.stages.{stage}")
    except FileNotFoundError:
        return "absent"


@cache
def here() -> Installation:
    """The installation that runs this."""
    known = {PACKAGE: __version__, **versions()}
    return Installation(commit=git_commit(), versions=known, **machine())


def file_in(folder: Path, path: str, inside: bool = True) -> File:
    """What is recorded of a file.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    found = content_in(folder, path)
    return File(path, found.size, found.sha256, inside=inside)


def content_in(folder: Path, path: str) -> Content:
    """What there is to know of the bytes of a file.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    try:
        return content(folder / path)
    except OSError as error:
        raise DataError(
            f"{folder / path}: cannot be read ({error.strerror}); run the stage that writes it"
        ) from None


def origin_of(path: Path) -> Origin:
    """What a NetCDF file that is whole says of its origin.

    Raises
    ------
    DataError
        If it is no NetCDF, or does not say so.
    """
    notes = _attributes(path)
    try:
        known = json.loads(notes["versions"])
        return Origin(
            code=str(notes["code_digest"]),
            parameters=parameters_digest(json.loads(notes["parameters"])),
            installation=Installation(
                commit=notes["git_commit"],
                versions={PACKAGE: notes["glasscade_version"], **known},
                **json.loads(notes["machine"]),
            ),
            data=str(notes["data_digest"]),
            read=tuple(filter(None, notes.get("sha256", "").split(", "))),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: it does not say where it comes from ({error}); delete it, it will be "
            "computed again"
        ) from None


def _attributes(path: Path) -> Mapping[str, Any]:
    """Those of a NetCDF file; xarray would take several times as long."""
    try:
        with netCDF4.Dataset(path) as dataset:
            return {name: dataset.getncattr(name) for name in dataset.ncattrs()}
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: it cannot be read as NetCDF ({error})") from None


def _ended(path: Path) -> str:
    """When a file was written."""
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).isoformat()


def _usage(benchmark: Path) -> Usage | None:
    """What the workflow noted of a job; nothing of one that was too short for it."""
    try:
        with benchmark.open(encoding="utf-8", newline="") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        values = [float(row[name]) for name in ("s", "cpu_time", "max_rss")]
    except (OSError, StopIteration, KeyError, ValueError, TypeError, csv.Error):
        return None
    return Usage(*values) if all(map(math.isfinite, values)) else None
