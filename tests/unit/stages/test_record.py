"""The configuration of a study is written in full, and works from where it is written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from glasscade import config, inventory, jobs
from glasscade.errors import DataError
from glasscade.io import write_dataset, write_text
from glasscade.provenance import lock_digest, parameters_digest
from glasscade.stages import record
from studies import ROUGH, TRAJECTORY, changed, study

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
RUNS = {
    "system": TRAJECTORY["system"] | {"file": "runs/T{temperature}.dump"},
    "sweep": TRAJECTORY["sweep"] | {"temperature": [0.02, 0.03]},
    "window": TRAJECTORY["window"],
}
"""A trajectory with a file for each of two temperatures."""


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_reads_back(path: Path, tmp_path: Path) -> None:
    read = config.load(path)
    write_text(record.HEAD + record.config_text(read, tmp_path), tmp_path / "config.yaml")
    assert config.load(tmp_path / "config.yaml") == read


def test_files_of_a_trajectory_are_found_from_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what jobs are given is the same, wherever the configuration lies."""
    monkeypatch.chdir(tmp_path)
    source, results = Path("config/mine.yaml"), Path("results/small")
    for name in ("T0.02", "T0.03"):
        write_text(name, Path(f"config/runs/{name}.dump"))
    write_text(yaml.safe_dump(study(imported=RUNS)), source)
    first = config.load(source)
    write_text(record.config_text(first, results), results / "config.yaml")
    second = config.load(results / "config.yaml")
    digests = [
        [parameters_digest(task.parameters) for task in inventory.tasks(found)]
        for found in (first, second)
    ]
    assert digests[0] == digests[1]
    for found in (first, second):
        files = jobs.simulate_files(found, "imported", "0.03", "0")
        assert [Path(path).read_text(encoding="utf-8") for path in files] == ["T0.03"]


def test_a_trajectory_beside_a_configuration_elsewhere_is_found_from_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was allowed there without a word, and the copy lies in the results."""
    project, mine = tmp_path / "project", tmp_path / "mine"
    results = project / "results" / "small"
    results.mkdir(parents=True)
    raw = changed(study(run=TRAJECTORY), "models.run.system.file", "T{temperature}/run.dump")
    write_text("run", mine / "T0.02" / "run.dump")
    write_text(yaml.safe_dump(raw), mine / "mine.yaml")
    monkeypatch.chdir(project)
    first = config.load(Path("../mine/mine.yaml"))
    write_text(record.config_text(first, results), results / "config.yaml")
    again = config.load(results / "config.yaml")
    assert again.outside_folders
    digests = {parameters_digest(each.model_dump(mode="json")) for each in (first, again)}
    assert len(digests) == 1


def test_folders_outside_are_found_from_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they were given as seen from the configuration or not."""
    project, outside = tmp_path / "project", tmp_path / "runs"
    project.mkdir()
    monkeypatch.chdir(project)
    write_text("run", outside / "run.dump")
    raw = study(
        imported=TRAJECTORY | {"system": TRAJECTORY["system"] | {"file": "../../runs/run.dump"}}
    )
    for folder in ("../../runs", str(outside)):
        write_text(yaml.safe_dump(raw | {"outside_folders": [folder]}), Path("config/mine.yaml"))
        first = config.load(Path("config/mine.yaml"))
        results = Path("results/small")
        write_text(record.config_text(first, results), results / "config.yaml")
        second = config.load(results / "config.yaml")
        [path] = jobs.simulate_files(second, "imported", "0.02", "0")
        assert Path(path).read_text(encoding="utf-8") == "run"


def test_other_parameters_have_another_digest() -> None:
    assert parameters_digest({"a": 1.0}) == parameters_digest({"a": 1.0})
    assert parameters_digest({"a": 1.0}) != parameters_digest({"a": 1.0 + 2e-16})
    run = {"system": {"kind": "trajectory", "file": "a/run.dump"}}
    moved = {"system": {"kind": "trajectory", "file": "../b/run.dump"}}
    other = {"system": {"kind": "trajectory", "file": "a/walk.dump"}}
    assert parameters_digest(run) == parameters_digest(moved) != parameters_digest(other)


def test_the_lock_is_that_of_the_source() -> None:
    expected = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    assert lock_digest() == expected


def test_a_study_that_has_not_run_cannot_be_recorded(tmp_path: Path) -> None:
    job = jobs.record(config.parse(study(rough=ROUGH)))
    with pytest.raises(DataError, match=r"block0\.nc: this file is missing; run the stage"):
        record.run(job, tmp_path)


def test_a_trajectory_that_has_changed_since_it_was_read_is_not_recorded(tmp_path: Path) -> None:
    """With the date that it had, which no workflow would notice."""
    (tmp_path / "run.dump").write_text("what was read")
    digest = hashlib.sha256(b"what was read").hexdigest()
    labels, files = {"model": "run"}, (f"{tmp_path}/run.dump",)
    task = inventory.Task("simulate", labels, {}, {}, ("state.nc",), files)
    write_dataset(xr.Dataset(attrs={"sha256": digest}), tmp_path / "state.nc", {}, "glasscade.io")
    write_text("", tmp_path / "config.yaml")
    record._Found(tmp_path).add(task)
    (tmp_path / "run.dump").write_text("something else")
    with pytest.raises(DataError, match=r"run\.dump: has changed since it was read; run the stage"):
        record._Found(tmp_path).add(task)


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ("8.75\t223.45\t2.93", True),
        ("0.02\t-\t-", False),
        ("0.02\tNA\tNA", False),
        ("0.02\tnan\t0.1", False),
        ("", False),
        ("9" * 200_000, False),  # more than a cell of the csv module
    ],
)
def test_what_a_job_took_is_known_or_not(tmp_path: Path, row: str, known: bool) -> None:
    path = tmp_path / "job.tsv"
    write_text(f"s\tmax_rss\tcpu_time\n{row}\n", path)
    usage = record._usage(path)
    assert (usage is not None) == known
    if usage:
        np.testing.assert_array_equal([usage.wall, usage.memory], [8.75, 223.45])
