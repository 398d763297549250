"""What is known of the files of a study, as the metadata of an RO-Crate, and back.

The metadata are JSON-LD as RO-Crate 1.1 and the profile Process Run Crate 0.5 have it: every file
with its SHA-256, every job as an action with its inputs, its results and what it took, every
installation of the package that took part. Terms of the package's own begin with `TERMS`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from glasscade.config import plain
from glasscade.errors import DataError, one_line
from glasscade.paths import Paths

Entity = dict[str, Any]

PACKAGE = "glasscade"
METADATA, CONFIG = Paths(Path()).metadata, Paths(Path()).config
TERMS = "https://w3id.org/ro/terms/glasscade#"
CRATE = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CONTEXT = [
    f"{CRATE}/context",
    {
        "sha256": "http://schema.org/sha256",
        "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
        **{
            term: TERMS + term
            for term in (
                "codeDigest",
                "dataDigest",
                "parametersDigest",
                "seed",
                "commit",
                "processor",
                "processorTarget",
                "processorFeatures",
            )
        },
    },
]
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".log": "text/plain",
    ".nc": "application/netcdf",
    ".png": "image/png",
    ".tar": "application/x-tar",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
}
COMMIT = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]*\+?")
"""What git may call a commit, with '+' if there were changes beside it, or 'unknown'."""
ORCID = re.compile(r"https://orcid\.org/[0-9]{4}(-[0-9]{3}[0-9X]){3}")
LICENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")
UNITS = "https://qudt.org/vocab/unit/"
LICENCES = "https://spdx.org/licenses/"


@dataclass(frozen=True)
class File:
    """A file: its path seen from the folder of the study, its size, its SHA-256.

    `data` is a digest of the data of a NetCDF file alone, the same for two runs with the same
    result. A file that is not `inside` lies elsewhere: it was read, or it is left out of a bundle.
    """

    path: str
    size: int
    sha256: str
    data: str = ""
    inside: bool = True

    @property
    def identifier(self) -> str:
        """Its name in the metadata, where the plain path promises that the file is there.

        Of a file from elsewhere the path may hold what no address can.
        """
        return self.path if self.inside else f"#{quote(self.path)}"


@dataclass(frozen=True)
class Usage:
    """What a job took: seconds of wall time and of processors, megabytes at the most."""

    wall: float
    processor: float
    memory: float


@dataclass(frozen=True)
class Job:
    """A job: digests of its code and parameters, paths of its files, when it ended, what it took.

    `installation` is the number of the one that ran it. `usage` is unknown without the workflow.
    """

    stage: str
    name: str
    code: str
    parameters: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ended: str
    installation: int
    usage: Usage | None = None

    @property
    def identifier(self) -> str:
        return f"#job/{self.stage}/{self.name}"


@dataclass(frozen=True)
class Installation:
    """The package on a machine: its commit, versions of packages, system and processor.

    `versions` has that of the package itself too; `target` is the processor that kernels were
    compiled for, `features` what it can do.
    """

    commit: str
    versions: dict[str, str]
    system: str
    processor: str
    target: str
    features: str


@dataclass(frozen=True)
class Record:
    """All that is recorded of a study.

    `date` is that of its newest result, `lock` the SHA-256 of the lock file, empty where there is
    none.
    """

    study: str
    seed: int
    date: str
    lock: str
    files: tuple[File, ...]
    jobs: tuple[Job, ...]
    installations: tuple[Installation, ...]

    @property
    def stages(self) -> dict[str, list[Job]]:
        """The jobs of every stage."""
        found: dict[str, list[Job]] = {}
        for job in self.jobs:
            found.setdefault(job.stage, []).append(job)
        return found


@dataclass(frozen=True)
class Citation:
    """Whom to name: authors as (name, ORCID or nothing), an SPDX licence, what is cited."""

    title: str
    authors: tuple[tuple[str, str], ...]
    licence: str
    repository: str = ""
    references: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Citation:
        """From a file in the Citation File Format, of which a few keys are looked at.

        Raises
        ------
        ConfigError
            If it cannot be read as plain YAML.
        DataError
            If it lacks what a deposit needs.
        """
        raw: Any = plain.read(path)
        try:
            return cls(
                title=str(raw["title"]),
                authors=_authors_of(raw["authors"]),
                licence=_of_form(LICENCE, raw["license"], "the SPDX identifier of one license"),
                repository=str(raw.get("repository-code", "")),
                references=tuple(_reference(x) for x in raw.get("references", [])),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            detail = one_line(str(error), 150)
            raise DataError(
                f"{path}: is not a citation file ({detail}); it must have title, authors and "
                "license"
            ) from None


def _authors_of(raw: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Names with ORCIDs, where they are given, of at least one author, none of them twice."""
    found = tuple((_person(x), _orcid(x)) for x in raw)
    orcids = [orcid for _, orcid in found if orcid]
    if not found or len({*orcids}) < len(orcids):
        raise ValueError("there must be an author, and no ORCID twice")
    return found


def _orcid(raw: dict[str, Any]) -> str:
    form = "an address https://orcid.org/0000-..."
    return _of_form(ORCID, raw["orcid"], form) if "orcid" in raw else ""


def _of_form(form: re.Pattern[str], value: Any, name: str) -> str:
    """Text that becomes an identifier of the metadata, where it must not be that of a file."""
    if not (isinstance(value, str) and form.fullmatch(value)):
        raise ValueError(f"{value!r} is not {name}")
    return value


def _person(raw: dict[str, Any]) -> str:
    if "name" in raw:
        return str(raw["name"])
    return f"{raw['given-names']} {raw['family-names']}"


def _reference(raw: dict[str, Any]) -> str:
    authors = ", ".join(_person(author) for author in raw["authors"])
    parts = (authors, raw["title"], raw.get("journal"), raw.get("year"), raw.get("doi"))
    return ", ".join(" ".join(str(part).split()) for part in parts if part)


def to_json(record: Record, citation: Citation) -> str:
    """The metadata, of one line for each entity, in the order of the record."""
    entities = [json.dumps(x, ensure_ascii=False) for x in _entities(record, citation)]
    context = json.dumps(CONTEXT, ensure_ascii=False)
    return f'{{"@context": {context},\n"@graph": [\n' + ",\n".join(entities) + "\n]}\n"


def _entities(record: Record, citation: Citation) -> Iterator[Entity]:
    authors = list(_authors(citation))
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": _link(CRATE),
        "about": _link("./"),
    }
    yield _root(record, citation, authors)
    yield from authors
    yield _entity(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    yield _entity(
        LICENCES + citation.licence, "CreativeWork", name=citation.licence, description="licence"
    )
    for number, reference in enumerate(citation.references, start=1):
        yield _entity(f"#reference-{number}", "ScholarlyArticle", name=reference)
    if record.lock:
        name = "requirements.lock"
        yield _entity(f"#{name}", "CreativeWork", name=name, sha256=record.lock)
    yield from _installations(record)
    for file in record.files:
        yield _file(file)
    identifiers = {file.path: file.identifier for file in record.files}
    for stage, jobs in record.stages.items():
        version = record.installations[jobs[0].installation].versions[PACKAGE]
        yield from _stage(stage, jobs, version, citation)
        for job in jobs:
            yield from _job(job, identifiers)


def _root(record: Record, citation: Citation, authors: list[Entity]) -> Entity:
    references = [_link(f"#reference-{n + 1}") for n in range(len(citation.references))]
    mentioned = [job.identifier for job in record.jobs]
    mentioned += [file.identifier for file in record.files if not file.inside]
    mentioned += ["#requirements.lock"] if record.lock else []
    return _entity(
        "./",
        "Dataset",
        name=f"Study {record.study} of glasscade",
        description=f"Results of the study {record.study} of glasscade: {CONFIG} is what was "
        "asked, verdicts.csv and summary.html are what came out, and each job with its files, "
        "code, parameters and installation is described here.",
        datePublished=record.date,
        license=_link(LICENCES + citation.licence),
        conformsTo=_link(PROFILE),
        author=[_link(author["@id"]) for author in authors],
        **({"citation": references} if references else {}),
        seed=record.seed,
        hasPart=[_link(file.identifier) for file in record.files if file.inside],
        mentions=[_link(identifier) for identifier in mentioned],
    )


def _authors(citation: Citation) -> Iterator[Entity]:
    for number, (name, orcid) in enumerate(citation.authors, start=1):
        yield _entity(
            orcid or f"#author-{number}", "Person" if orcid else "Organization", name=name
        )


def _installations(record: Record) -> Iterator[Entity]:
    packages = {
        f"#{name}-{version}": _entity(
            f"#{name}-{version}", "SoftwareApplication", name=name, softwareVersion=version
        )
        for installation in record.installations
        for name, version in installation.versions.items()
    }
    for number, found in enumerate(record.installations):
        yield _entity(
            f"#installation-{number}",
            "SoftwareApplication",
            name=f"{PACKAGE} of commit {found.commit}",
            softwareVersion=found.versions[PACKAGE],
            commit=found.commit,
            operatingSystem=found.system,
            processor=found.processor,
            processorTarget=found.target,
            processorFeatures=found.features,
            softwareRequirements=[_link(f"#{n}-{v}") for n, v in found.versions.items()],
        )
    yield from packages.values()


def _file(file: File) -> Entity:
    return _entity(
        file.identifier,
        "File" if file.inside else "CreativeWork",
        name=file.path,
        contentSize=str(file.size),
        sha256=file.sha256,
        encodingFormat=FORMATS.get(Path(file.path).suffix, "application/octet-stream"),
        **({"dataDigest": file.data} if file.data else {}),
    )


def _stage(stage: str, jobs: list[Job], version: str, citation: Citation) -> Iterator[Entity]:
    """The stage as a program, with the sums over its jobs."""
    known = [job.usage for job in jobs if job.usage]
    total = _values(f"#stage/{stage}", _total(known)) if known else []
    yield _entity(
        f"#stage/{stage}",
        "SoftwareApplication",
        name=f"{PACKAGE}.stages.{stage}",
        softwareVersion=version,
        description=f"stage {stage} of glasscade, {len(jobs)} jobs",
        codeDigest=sorted({job.code for job in jobs}),
        **({"url": citation.repository} if citation.repository else {}),
        **({"resourceUsage": [_link(value["@id"]) for value in total]} if total else {}),
    )
    yield from total


def _total(usages: list[Usage]) -> Usage:
    """Sums of times, and the largest memory."""
    return Usage(
        round(sum(usage.wall for usage in usages), 2),
        round(sum(usage.processor for usage in usages), 2),
        max(usage.memory for usage in usages),
    )


def _job(job: Job, identifiers: dict[str, str]) -> Iterator[Entity]:
    values = _values(job.identifier, job.usage) if job.usage else []
    yield _entity(
        job.identifier,
        "CreateAction",
        name=f"{job.stage} {job.name}",
        description=f"job {job.name} of the stage {job.stage}",
        instrument=[_link(f"#stage/{job.stage}"), _link(f"#installation-{job.installation}")],
        object=[_link(identifiers[path]) for path in (CONFIG, *job.inputs)],
        result=[_link(identifiers[path]) for path in job.outputs],
        endTime=job.ended,
        codeDigest=job.code,
        parametersDigest=job.parameters,
        **({"resourceUsage": [_link(value["@id"]) for value in values]} if values else {}),
    )
    yield from values


def _values(identifier: str, usage: Usage) -> list[Entity]:
    named = (
        ("wall time", "wallTime", usage.wall, "SEC"),
        ("processor time", "processorTime", usage.processor, "SEC"),
        ("peak memory", "peakMemory", usage.memory, "MebiBYTE"),
    )
    return [
        _entity(
            f"{identifier}/{term}",
            "PropertyValue",
            name=name,
            propertyID=TERMS + term,
            value=value,
            unitCode=UNITS + unit,
        )
        for name, term, value, unit in named
    ]


def _entity(identifier: str, kind: str, **properties: Any) -> Entity:
    """An entity, in which a list of one is that one, as RO-Crate wants it."""
    single = {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in properties.items()
    }
    return {"@id": identifier, "@type": kind, **single}


def _link(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def read(folder: Path) -> Record:
    """The record in a folder.

    Raises
    ------
    DataError
        If there is none, or it is not one of this package.
    """
    path = folder / METADATA
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError(path)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{path}: this file is missing or not text; the last job of a study writes it"
        ) from None
    try:
        return _record({entity["@id"]: entity for entity in json.loads(text)["@graph"]})
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as e:
        detail = one_line(f"{type(e).__name__}: {e}", 150)
        raise DataError(
            f"{path}: is not the record of a study ({detail}); the stage record writes it anew"
        ) from None


def _record(graph: dict[str, Entity]) -> Record:
    root = graph["./"]
    files = [_read_file(entity) for entity in graph.values() if "contentSize" in entity]
    paths = {file.identifier: file.path for file in files}
    actions = [entity for entity in graph.values() if entity["@type"] == "CreateAction"]
    installations = {
        identifier: _read_installation(entity, graph)
        for identifier, entity in graph.items()
        if identifier.startswith("#installation-")
    }
    if not actions or paths.get(CONFIG) != CONFIG:
        raise ValueError(f"it must have jobs and {CONFIG}")
    numbers = {identifier: number for number, identifier in enumerate(installations)}
    return Record(
        study=_text(root, "name").split()[1],
        seed=int(root["seed"]),
        date=_text(root, "datePublished"),
        lock=_text(graph["#requirements.lock"], "sha256") if "#requirements.lock" in graph else "",
        files=tuple(files),
        jobs=tuple(_read_job(action, graph, paths, numbers) for action in actions),
        installations=tuple(installations.values()),
    )


def _text(entity: Entity, key: str) -> str:
    """A property that is text of one line, whoever wrote it."""
    value = entity[key]
    if not (isinstance(value, str) and value.isprintable()):
        raise ValueError(f"{key} is no line of text")
    return value


def _links(value: dict[str, str] | list[dict[str, str]]) -> list[str]:
    """What a property leads to, be it one or several."""
    return [link["@id"] for link in (value if isinstance(value, list) else [value])]


def _read_file(entity: Entity) -> File:
    path, inside = Path(_text(entity, "name")), entity["@type"] == "File"
    if inside and (path.is_absolute() or ".." in path.parts):
        raise ValueError(f"{path} leaves the folder")
    return File(
        path=path.as_posix(),
        size=int(entity["contentSize"]),
        sha256=_text(entity, "sha256"),
        data=_text(entity, "dataDigest") if "dataDigest" in entity else "",
        inside=inside,
    )


def _read_job(
    action: Entity, graph: dict[str, Entity], paths: dict[str, str], installations: dict[str, int]
) -> Job:
    _, installation = _links(action["instrument"])
    stage, name = _text(action, "name").split()
    usage = None
    if "resourceUsage" in action:
        usage = Usage(*(float(graph[x]["value"]) for x in _links(action["resourceUsage"])))
    return Job(
        stage=stage,
        name=name,
        code=_text(action, "codeDigest"),
        parameters=_text(action, "parametersDigest"),
        inputs=tuple(paths[x] for x in _links(action["object"]) if x != CONFIG),
        outputs=tuple(paths[x] for x in _links(action["result"])),
        ended=_text(action, "endTime"),
        installation=installations[installation],
        usage=usage,
    )


def _read_installation(entity: Entity, graph: dict[str, Entity]) -> Installation:
    packages = [graph[x] for x in _links(entity["softwareRequirements"])]
    commit = _text(entity, "commit")
    if not COMMIT.fullmatch(commit):
        raise ValueError(f"{commit!r} is no commit")
    versions = {_text(package, "name"): _text(package, "softwareVersion") for package in packages}
    if PACKAGE not in versions:
        raise ValueError(f"no version of {PACKAGE}")
    return Installation(
        commit=commit,
        versions=versions,
        system=_text(entity, "operatingSystem"),
        processor=_text(entity, "processor"),
        target=_text(entity, "processorTarget"),
        features=_text(entity, "processorFeatures"),
    )
