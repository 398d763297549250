"""What is recorded reads back as it was; whom to cite comes from a citation file."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from glasscade import crate
from glasscade.crate import Citation, File, Installation, Job, Record, Usage
from glasscade.errors import DataError, GlasscadeError

ROOT = Path(__file__).parents[2]
INSTALLATION = Installation(
    commit="0123456789ab",
    versions={"glasscade": "0.1.0", "python": "3.11.7"},
    system="Linux",
    processor="A processor",
    target="haswell",
    features="avx,avx2",
)
JOB = Job(
    stage="simulate",
    name="glass_T1e-05_block0",
    code="0123456789ab",
    parameters="ba9876543210",
    inputs=(),
    outputs=("state/glass/T1e-05/block0.nc",),
    ended="2026-01-01T00:00:00+00:00",
    installation=0,
    usage=Usage(3.5, 2.25, 219.0),
)
RECORD = Record(
    study="small",
    seed=7,
    date="2026-01-01T00:00:00+00:00",
    lock="f" * 64,
    files=(
        File("config.yaml", 1200, "a" * 64),
        File("state/glass/T1e-05/block0.nc", 10**9, "b" * 64, data="c" * 64),
    ),
    jobs=(JOB,),
    installations=(INSTALLATION,),
)
BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
"""A billion entries in ten lines."""
CITED = "title: Data\nauthors:\n  - name: A\n"
CITATION = Citation("Title", (("A. Author", ""),), "CC-BY-4.0")


def read_back(record: Record, folder: Path) -> Record:
    text = crate.to_json(record, CITATION)
    (folder / crate.METADATA).write_text(text, encoding="utf-8")
    return crate.read(folder)


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        replace(RECORD, lock=""),
        replace(RECORD, jobs=(replace(JOB, usage=None),)),
        replace(RECORD, files=(RECORD.files[0], replace(RECORD.files[1], inside=False))),
        replace(RECORD, installations=(INSTALLATION, replace(INSTALLATION, commit="another"))),
    ],
    ids=["all", "no lock", "no usage", "left out", "two installations"],
)
def test_a_record_reads_back(tmp_path: Path, record: Record) -> None:
    assert read_back(record, tmp_path) == record


def test_a_file_from_elsewhere_has_an_identifier_that_is_an_address(tmp_path: Path) -> None:
    file = File("../my data/run 1%#[x]é.dump", 5, "d" * 64, inside=False)
    assert re.fullmatch(r"#([A-Za-z0-9_./~-]|%[0-9A-F]{2})+", file.identifier)
    record = replace(RECORD, files=(*RECORD.files, file))
    assert read_back(record, tmp_path) == record


@pytest.mark.parametrize("path", ["../other.csv", "a/../../b", "/etc/hostname"])
def test_no_file_of_a_crate_lies_outside_of_it(tmp_path: Path, path: str) -> None:
    record = replace(RECORD, files=(*RECORD.files, File(path, 1, "d" * 64)))
    with pytest.raises(DataError, match="leaves the folder"):
        read_back(record, tmp_path)


@pytest.mark.parametrize("commit", ["unknown", "0123456789ab+", "v0.1.0-3-g0123456789ab"])
def test_what_git_calls_a_commit_is_accepted(tmp_path: Path, commit: str) -> None:
    record = replace(RECORD, installations=(replace(INSTALLATION, commit=commit),))
    assert read_back(record, tmp_path) == record


@pytest.mark.parametrize(
    "commit", ["--output=/etc/motd", "-v", "", "HEAD:src", "a b", "a++", "a\n"]
)
def test_what_git_would_take_for_something_else_is_no_commit(tmp_path: Path, commit: str) -> None:
    record = replace(RECORD, installations=(replace(INSTALLATION, commit=commit),))
    with pytest.raises(DataError, match=r"is not the record of a study .*commit"):
        read_back(record, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CreateAction", "Action"),
        ('{"@id": "#installation-0"}', '{"@id": "#installation-7"}'),
        ('"codeDigest": "0123456789ab", "parameters', '"codeDigest": ["a"], "parameters'),
        ('"File", "name": "config.yaml"', '"CreativeWork", "name": "config.yaml"'),
        ("Study small", "Study \\u001b[2J"),
        ('"seed": 7', '"seed": 1e999'),
        ("#glasscade-0.1.0", "#python-3.11.7"),
    ],
)
def test_what_lacks_something_is_no_record(tmp_path: Path, old: str, new: str) -> None:
    text = crate.to_json(RECORD, CITATION)
    assert old in text
    (tmp_path / crate.METADATA).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match="is not the record of a study"):
        crate.read(tmp_path)


def test_a_record_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / crate.METADATA)
    with pytest.raises(DataError, match="this file is missing or not text"):
        crate.read(tmp_path)


def test_brackets_within_each_other_for_ever_are_no_record(tmp_path: Path) -> None:
    (tmp_path / crate.METADATA).write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(DataError, match="is not the record of a study"):
        crate.read(tmp_path)


def test_what_is_left_out_is_no_file_of_the_crate() -> None:
    left = replace(RECORD.files[1], inside=False)
    text = crate.to_json(replace(RECORD, files=(RECORD.files[0], left)), CITATION)
    graph = {entity["@id"]: entity for entity in json.loads(text)["@graph"]}
    assert graph["./"]["hasPart"] == {"@id": "config.yaml"}
    assert left.path not in graph
    assert graph[f"#{left.path}"]["sha256"] == left.sha256
    assert graph[JOB.identifier]["result"] == {"@id": f"#{left.path}"}


def test_whom_to_cite_comes_from_the_file_of_the_source() -> None:
    found = Citation.read(ROOT / "CITATION.cff")
    assert found.licence == "BSD-3-Clause"
    assert found.authors == (("The glasscade authors", ""),)
    assert "Dissipative anomalies of stresses" in found.references[0]


def test_people_have_their_orcid(tmp_path: Path) -> None:
    orcid = "https://orcid.org/0000-0002-1825-0097"
    path = tmp_path / "CITATION.cff"
    path.write_text(
        "title: Data\nlicense: CC-BY-4.0\nauthors:\n"
        f"  - {{family-names: Carberry, given-names: Josiah, orcid: '{orcid}'}}\n",
        encoding="utf-8",
    )
    found = Citation.read(path)
    assert found.authors == (("Josiah Carberry", orcid),)
    graph = {x["@id"]: x for x in json.loads(crate.to_json(RECORD, found))["@graph"]}
    assert graph[orcid]["@type"] == "Person"
    assert graph["./"]["author"] == {"@id": orcid}
    assert graph["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title: [", "cannot be read as YAML"),
        (CITED, "is not a citation file \\('license'\\)"),
        ("- 1\n", "is not a citation file"),
        ("title: Data\nauthors: []\nlicense: MIT\n", "there must be an author"),
        (f"{CITED}license: [MIT, Apache-2.0]\n", "is not the SPDX identifier of one license"),
        (f"{CITED}license: ../config.yaml\n", "is not the SPDX identifier of one license"),
        (f"{CITED}    orcid: verdicts.csv\nlicense: MIT\n", "is not an address https://orcid.org"),
        (
            "title: Data\nlicense: MIT\nauthors:\n"
            + 2 * "- {name: A, orcid: 'https://orcid.org/0000-0002-1825-0097'}\n",
            "no ORCID twice",
        ),
        (BOMB, "entries, aliases written out"),
        ("title: D\nlicense: MIT\nauthors: [{given-names: A}]\n", "'family-names'"),
    ],
)
def test_a_bad_citation_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "CITATION.cff"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GlasscadeError, match=sentence):
        Citation.read(path)
