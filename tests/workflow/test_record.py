"""A study that has run says where it comes from, and what was done to it since is found."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest
from rocrate.rocrate import ROCrate

from clones import Clone, small
from glasscade import cli, config, crate, estimate
from glasscade.crate import Citation, File, Record
from glasscade.errors import DataError
from glasscade.io import SEAL, checksum_of
from glasscade.stages import bundle
from glasscade.stages import verify as verifying
from glasscade.stages.compare import compare
from glasscade.stages.record import file_in
from glasscade.stages.verify import UNRECORDED, Finding, verify

pytestmark = pytest.mark.workflow

STATE = "state/rough/T0/block0.nc"
LOG = "logs/limits/rough.log"
FIGURE = "figures/rough/exponents.csv"


@pytest.fixture
def results(clone: Clone, tmp_path: Path) -> Path:
    """A copy of the results of the clone, on another path."""
    return shutil.copytree(clone.results, tmp_path / "elsewhere")


def faults(folder: Path) -> list[Finding]:
    return [finding for finding in verify(folder) if finding.fault]


def files_in(folder: Path) -> set[str]:
    """All but what comes after the record, and checksums of tables."""
    shown = (x for x in folder.rglob("*") if x.is_file() and not x.name.startswith("."))
    names = {x.relative_to(folder).as_posix() for x in shown}
    return names - UNRECORDED


def rewrite(folder: Path, change: Callable[[Record], Record]) -> None:
    """Another record for a folder, by somebody who knows what it looks like."""
    text = crate.to_json(change(crate.read(folder)), Citation("Title", (), "MIT"))
    (folder / crate.METADATA).write_text(text, encoding="utf-8")


def of_files(change: Callable[[File], File]) -> Callable[[Record], Record]:
    return lambda record: replace(record, files=(*map(change, record.files),))


def as_now(folder: Path, *paths: str) -> None:
    """The digests of files in the record as they are now."""
    rewrite(
        folder,
        of_files(lambda x: replace(file_in(folder, x.path), data=x.data) if x.path in paths else x),
    )


def test_every_file_and_job_is_recorded_with_what_it_took(clone: Clone) -> None:
    record = crate.read(clone.results)
    assert {file.path for file in record.files} == files_in(clone.results)
    # all but the target and the record itself
    assert len(record.jobs) == estimate.total(config.parse(small())).jobs - 2
    for job in record.jobs:
        assert job.usage is not None
        assert job.usage.processor > 0.0
        assert 0.0 < job.usage.wall < 600.0
        assert 10.0 < job.usage.memory < 2000.0
    [installation] = record.installations
    assert set(installation.versions) >= {"glasscade", "python", "numba", "ducc0"}
    assert installation.features


def test_sums_of_a_stage_stand_with_it(clone: Clone) -> None:
    text = (clone.results / crate.METADATA).read_text(encoding="utf-8")
    graph = {entity["@id"]: entity for entity in json.loads(text)["@graph"]}
    jobs = crate.read(clone.results).stages["simulate"]
    usages = [job.usage for job in jobs if job.usage]
    wall = graph["#stage/simulate/wallTime"]["value"]
    assert wall == pytest.approx(sum(usage.wall for usage in usages), abs=0.01)  # two decimals
    assert graph["#stage/simulate/peakMemory"]["value"] == max(usage.memory for usage in usages)


def test_the_configuration_in_the_folder_is_that_of_the_study(clone: Clone) -> None:
    assert config.load(clone.results / crate.CONFIG) == config.parse(small())


def test_a_run_is_what_its_record_says(clone: Clone, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["verify", str(clone.results)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{clone.results}: 0 faults, ")


def _flip(folder: Path) -> None:
    path = folder / STATE
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)


def _truncate(folder: Path) -> None:
    (folder / STATE).write_bytes((folder / STATE).read_bytes()[:1000])


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    """An edit by somebody who also removes the checksum, if there is one."""

    def change(folder: Path) -> None:
        checksum_of(folder / name).unlink(missing_ok=True)
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _without_seal(folder: Path) -> None:
    (folder / STATE).write_bytes((folder / STATE).read_bytes()[:-SEAL])
    as_now(folder, STATE)


def _moved(folder: Path, name: str) -> Path:
    """A folder of the results, which is now a link to where it lies."""
    place = (folder / name).rename(folder.with_name(name))
    (folder / name).symlink_to(place)
    return place


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(_flip, [f"{STATE}: has changed since it was recorded"], id="bit"),
        pytest.param(_truncate, [f"{STATE}: has 1000 bytes, "], id="truncated"),
        pytest.param(lambda x: (x / STATE).unlink(), [f"{STATE}: is missing"], id="missing"),
        pytest.param(
            lambda x: (x / "state/rough/T9.nc").touch(),
            ["state/rough/T9.nc: is not of this study as it was recorded"],
            id="stranger",
        ),
        pytest.param(
            lambda x: [(x / name).touch() for name in ("logs/recordXX", "report.htmlX")],
            ["logs/recordXX: is not of this study", "report.htmlX: is not of this study"],
            id="strangers with the names of others",
        ),
        pytest.param(
            lambda x: (x / "limits\nfault: a").touch(),
            ["limits fault: a: is not of this study"],
            id="a stranger with a line break in its name",
        ),
        pytest.param(
            lambda x: (x / os.fsdecode(b"\xff")).touch(),
            ["fault: \\udcff: is not of this study"],
            id="a stranger whose name is no text",
        ),
        pytest.param(
            lambda x: (x / "state/rough/elsewhere").symlink_to("/"),
            ["state/rough/elsewhere: is not of this study"],
            id="a link to a folder",
        ),
        pytest.param(
            lambda x: (_moved(x, "limits") / "more.nc").touch(),
            ["limits/more.nc: is not of this study"],
            id="a stranger in a folder that lies elsewhere",
        ),
        pytest.param(
            lambda x: rewrite(
                x, of_files(lambda f: replace(f, data="0" * 64) if f.path == STATE else f)
            ),
            [f"{STATE}: its data_digest is "],
            id="data",
        ),
        pytest.param(
            _without_seal,
            [f"{STATE}: is recorded as it is, but does not end with the checksum"],
            id="no checksum",
        ),
        pytest.param(
            _replace(crate.CONFIG, "delta: 0.05", "delta: 0.07"),
            [
                "config.yaml: has changed since it was recorded",
                "stage limits: 2 jobs are not those that config.yaml gives, point first",
                "stage summary: 1 jobs",
            ],
            id="configuration",
        ),
        pytest.param(
            _replace(crate.CONFIG, "delta: 0.05", "dleta: 0.05"),
            ["config.yaml: has ", "unknown key; did you mean 'delta'?"],
            id="invalid configuration",
        ),
        pytest.param(
            _replace("verdicts.csv", ",holds,", ",violated,"),
            ["verdicts.csv: has ", "verdicts.csv: is not what the tables of its models say"],
            id="verdict",
        ),
        pytest.param(
            _replace("limits/rough.csv", ",holds,", ",violated,"),
            ["limits/rough.csv: has ", "verdicts.csv: is not what the tables of its models say"],
            id="verdict of a model",
        ),
    ],
)
def test_what_was_done_to_results_is_found(
    results: Path, change: Callable[[Path], None], found: list[str]
) -> None:
    """Each with a line that names it, and nothing else."""
    change(results)
    lines = [str(fault) for fault in faults(results)]
    assert len(lines) == len(found), lines
    assert [text for text in found if not any(text in line for line in lines)] == []
    assert cli.main(["verify", str(results)]) == 1


def _by_another(record: Record, **changes: object) -> Record:
    """As if another installation had run it all."""
    [installation] = record.installations
    return replace(record, installations=(replace(installation, **changes),))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: _by_another(x, commit="0123456789ab"), "its commit differs"),
        (lambda x: _by_another(x, versions={"glasscade": "0.0.1"}), "its versions differs"),
        (lambda x: _by_another(x, target="486"), "its target differs"),
        (
            lambda x: replace(x, jobs=tuple(replace(j, code="0a") for j in x.jobs)),
            ", 0a is recorded",
        ),
    ],
    ids=["commit", "versions", "processor", "code"],
)
def test_a_record_is_held_against_what_files_say_of_their_origin(
    results: Path, change: Callable[[Record], Record], text: str
) -> None:
    rewrite(results, change)
    found = faults(results)
    assert {x.what for x in found} == {
        x.path for x in crate.read(results).files if x.path.endswith(".nc")
    }
    assert all(x.text.startswith("was computed by") and x.text.endswith(text) for x in found)


def _without_budgets(record: Record) -> Record:
    """Of one model, as if they had never been."""
    lost = {job.outputs[0] for job in record.jobs if job.name.startswith("rough_T0_ell")}
    logs = {x.path for x in record.files if "/reduce/rough_" in x.path}
    assert lost
    assert logs
    jobs = (
        replace(job, inputs=tuple(x for x in job.inputs if x not in lost))
        for job in record.jobs
        if not lost & {*job.outputs}
    )
    files = (x for x in record.files if x.path not in lost | logs)
    return replace(record, jobs=tuple(jobs), files=tuple(files))


def test_a_folder_without_budgets_is_found_by_its_jobs(results: Path) -> None:
    whole = crate.read(results)
    rewrite(results, _without_budgets)
    for file in {*whole.files} - {*crate.read(results).files}:
        (results / file.path).unlink()
    assert [str(fault)[:60] for fault in faults(results)] == [
        "fault: stage reduce: 1 jobs are not those that config.yaml g",
        "fault: stage limits: 1 jobs are not those that config.yaml g",
    ]


def test_a_folder_without_a_stage_is_found_by_its_jobs(results: Path) -> None:
    rewrite(
        results,
        lambda x: replace(x, jobs=tuple(job for job in x.jobs if job.stage != "summary")),
    )
    [fault] = faults(results)
    assert str(fault).startswith("fault: stage summary: 1 jobs are not those")


def test_a_mixture_of_installations_is_noted(results: Path) -> None:
    """Here of tables; a NetCDF file brings along by which it was computed."""

    def mixed(record: Record) -> Record:
        *_, last = record.stages["figures"]
        jobs = (replace(job, installation=1) if job == last else job for job in record.jobs)
        two = (*record.installations, replace(record.installations[0], commit="another"))
        return replace(record, jobs=tuple(jobs), installations=two)

    rewrite(results, mixed)
    lines = [str(finding) for finding in verify(results)]
    assert "note: stage figures: its jobs were run by 2 installations" in lines
    assert [line for line in lines if line.startswith("note: stage")] == [lines[0]]
    assert faults(results) == []


def test_a_log_that_was_written_anew_is_noted_and_bundled(results: Path, tmp_path: Path) -> None:
    """A job that runs again to the same data leaves another log and other times."""
    before = len(verify(results))
    (results / LOG).write_text("again\n", encoding="utf-8")
    assert faults(results) == []
    assert any(str(x).startswith(f"note: {LOG}: has ") for x in verify(results))
    assert len(verify(results)) == before + 1
    bundle.run(results, tmp_path / "a.zip", states=True)
    ZipFile(tmp_path / "a.zip").extractall(tmp_path / "unpacked")
    assert len(verify(tmp_path / "unpacked")) == before


def test_other_code_and_versions_are_named_and_are_no_fault(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = crate.read(results)
    code, here = record.stages["limits"][0].code, record.installations[0]
    numpy = here.versions["numpy"]
    monkeypatch.setattr(verifying, "present_code", lambda _: "0123456789ab")
    elsewhere = replace(here, versions=here.versions | {"numpy": "1.0"})
    monkeypatch.setattr(verifying, "here", lambda: elsewhere)
    lines = [str(finding) for finding in verify(results)]
    assert f"note: stage limits: its code was {code} and is 0123456789ab in the" in "".join(lines)
    assert f"note: installation: numpy was {numpy} and is 1.0 here" in lines
    assert faults(results) == []


@pytest.mark.parametrize("content", ["", "{", '{"@graph": []}', '{"@graph": [{"@id": "./"}]}'])
def test_what_is_no_record_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (tmp_path / crate.METADATA).write_text(content, encoding="utf-8")
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "is not the record of a study" in capsys.readouterr().err


def test_a_bundle_is_a_crate_that_verifies(clone: Clone, tmp_path: Path) -> None:
    """An independent reader takes it; what is left out is named."""
    output, again = tmp_path / "a.zip", tmp_path / "b.zip"
    assert cli.main(["bundle", str(clone.results), str(output)]) == 0
    bundle.run(clone.results, again)
    assert output.read_bytes() == again.read_bytes()
    unpacked = tmp_path / "unpacked"
    ZipFile(output).extractall(unpacked)
    read = ROCrate(unpacked)
    assert read.root_dataset["license"].id.endswith("BSD-3-Clause")
    assert {x.id for x in read.data_entities} == files_in(unpacked)
    assert {x.id for x in read.data_entities} >= {"verdicts.csv", "summary.html", "limits/rough.nc"}
    assert not (unpacked / STATE).exists()
    assert faults(unpacked) == []
    notes = [str(finding) for finding in verify(unpacked)]
    assert any(note.startswith("note: state: 4 files of ") for note in notes)


def test_a_bundle_with_states_holds_everything(clone: Clone, tmp_path: Path) -> None:
    bundle.run(clone.results, tmp_path / "a.zip", states=True)
    with ZipFile(tmp_path / "a.zip") as archive:
        names = set(archive.namelist())
    assert files_in(clone.results) <= names
    assert names - files_in(clone.results) <= {crate.METADATA, bundle.ARCHIVE}


def installed(commit: str) -> Callable[[Record], Record]:
    """All was run by the installation of a commit."""
    return lambda record: replace(
        record, installations=tuple(replace(x, commit=commit) for x in record.installations)
    )


@pytest.mark.parametrize("changes", ["", "+"])
def test_the_source_is_packed_if_it_is_that_of_the_commit(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changes: str,
) -> None:
    command = ["git", "rev-parse", "HEAD"]
    head = subprocess.run(command, cwd=bundle.SOURCE, capture_output=True, text=True, check=True)
    commit = f"{head.stdout.strip()[:12]}{changes}"
    monkeypatch.setattr(bundle, "commit_of", lambda _: commit)
    assert cli.main(["bundle", str(results), str(tmp_path / "a.zip")]) == 0
    with ZipFile(tmp_path / "a.zip") as archive:
        assert (bundle.ARCHIVE in archive.namelist()) == (changes == "")
    assert (f"without the source: {commit} is not" in capsys.readouterr().out) == (changes == "+")


def test_a_commit_is_no_option_of_git(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept", encoding="utf-8")
    rewrite(results, installed(f"--output={precious}"))
    assert cli.main(["bundle", str(results), str(tmp_path / "a.zip")]) == 2
    assert "is no commit" in capsys.readouterr().err
    assert precious.read_text(encoding="utf-8") == "kept"


def test_a_new_lock_or_citation_is_recorded(own_clone: Clone) -> None:
    for name in ("CITATION.cff", "requirements.lock"):
        (own_clone.root / name).write_text("title: Data\n", encoding="utf-8")
        assert own_clone.plan(small()).jobs == {"record"}
        (own_clone.root / name).unlink()
        assert own_clone.plan(small()).jobs == set()


def test_what_is_left_out_is_not_compared_and_said_to_be(clone: Clone, results: Path) -> None:
    (results / FIGURE).unlink()
    (results / STATE).unlink()
    found = compare(results, clone.results)
    assert found.lines[0] == "code, packages and machine code: the same"
    expected = [
        f"note: {results}/state: 1 files of ",
        f"note: {results}/figures: 1 files of ",
        f"note: {FIGURE}: is not compared: it is left out",
    ]
    assert all(map(str.startswith, map(str, found.findings), expected))
    assert len(found.findings) == len(expected)


@pytest.mark.parametrize("which", [0, 1])
def test_what_has_changed_is_not_compared(clone: Clone, results: Path, which: int) -> None:
    _flip(results)
    folders = [clone.results, results]
    [finding] = compare(folders[1 - which], folders[which]).findings
    assert str(finding) == f"fault: {results / STATE}: has changed since it was recorded"


def test_data_that_are_in_no_record_are_not_the_same(clone: Clone, results: Path) -> None:
    def forgotten(record: Record) -> Record:
        files = (replace(x, inside=False, data="") if x.path == STATE else x for x in record.files)
        return replace(record, files=tuple(files))

    second = shutil.copytree(results, results.with_name("second"))
    for folder in (results, second):
        rewrite(folder, forgotten)
    found = compare(results, second)
    assert "rough simulate: 0 of 1 the same to the bit" in found.lines
    assert f"fault: {STATE}: its data are not recorded in both folders" in map(str, found.findings)


def test_with_the_same_code_every_byte_of_a_table_counts(clone: Clone, results: Path) -> None:
    """Also one that would make no difference between two machines."""
    tables = FIGURE, "verdicts.csv", "limits/rough.csv"
    for name in tables:
        with (results / name).open("a", encoding="utf-8") as stream:
            stream.write("\n")
        checksum_of(results / name).unlink(missing_ok=True)
    as_now(results, *tables)
    assert faults(results) == []
    found = [str(x) for x in compare(results, clone.results).findings]
    text = "differs, though code, packages and machine code are the same"
    assert found == [f"fault: verdicts.csv: {text}", f"fault: {FIGURE}: {text}"]
    rewrite(results, lambda x: replace(x, jobs=tuple(replace(j, code="0a") for j in x.jobs)))
    assert compare(results, clone.results).findings == []


def test_what_is_no_figure_is_a_fault(clone: Clone, results: Path) -> None:
    (results / FIGURE).write_bytes(b"\xff\xfe")
    as_now(results, FIGURE)
    rewrite(results, lambda x: replace(x, jobs=tuple(replace(j, code="0a") for j in x.jobs)))
    [finding] = compare(results, clone.results).findings
    assert "is not the data of a figure" in str(finding)


def test_a_figure_that_differs_is_found(clone: Clone, results: Path) -> None:
    path = results / FIGURE
    text = path.read_text(encoding="utf-8")
    largest = max((row["y"] for row in csv.DictReader(text.splitlines())), key=float)
    path.write_text(text.replace(f",{largest},", f",{1.001 * float(largest)},"), encoding="utf-8")
    as_now(results, FIGURE)
    [finding] = compare(results, clone.results).findings
    assert finding.fault
    assert finding.what == FIGURE


def test_nothing_faulty_is_bundled(results: Path, tmp_path: Path) -> None:
    _flip(results)
    with pytest.raises(DataError, match=f"{STATE} has changed since it was recorded; a bundle"):
        bundle.run(results, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
