"""Profiles agree where they say the same, and those of clusters name groups that exist."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from clones import ROOT

PROFILES = ROOT / "workflow" / "profiles"
CLUSTERS = ("slurm", "generic")
SCHEDULER = PROFILES / "generic" / "scheduler"


def read(name: str) -> dict[str, object]:
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CLUSTERS)
def test_what_holds_for_every_run_holds_on_a_cluster(name: str) -> None:
    default = read("default")
    assert {key: read(name).get(key) for key in default} == default


def test_clusters_differ_in_how_they_are_asked_alone() -> None:
    slurm, generic = (read(name) for name in CLUSTERS)
    shared = {key: value for key, value in slurm.items() if not key.startswith("slurm-")}
    shared["executor"] = generic["executor"]
    assert {key: generic[key] for key in shared} == shared


def test_groups_of_the_profiles_are_those_of_the_rules() -> None:
    rules = "".join(path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    of_rules = set(re.findall(r'short\("(\w+)", ', rules))
    for name in CLUSTERS:
        listed = [entry.split("=")[0] for entry in read(name)["group-components"]]
        assert set(listed) == of_rules, name


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_key_has_a_comment(name: str) -> None:
    """Above it, or above the block of keys in which it stands."""
    text = (PROFILES / name / "config.yaml").read_text("utf-8")
    for block in text.split("\n\n"):
        assert block.startswith("#"), block


class Background:
    """The script of the generic profile, with jobs in the background of this computer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def call(self, *arguments: str) -> str:
        environment = os.environ | {"GLASSCADE_SCHEDULER": "background"}
        done = subprocess.run(
            [SCHEDULER, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def submit(self, body: str) -> str:
        script = self.folder / "job.sh"
        script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        script.chmod(0o755)
        return self.call("submit", "1", "100", "1", str(script))

    def end(self, job: str) -> str:
        """How the job ended."""
        deadline = time.monotonic() + 30.0
        while (status := self.call("status", job)) == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return status


def test_a_job_in_the_background_succeeds_or_fails(tmp_path: Path) -> None:
    scheduler = Background(tmp_path)
    assert scheduler.end(scheduler.submit("exit 0")) == "success"
    assert scheduler.end(scheduler.submit("exit 3")) == "failed"


def test_a_job_that_is_cancelled_has_failed(tmp_path: Path) -> None:
    scheduler = Background(tmp_path)
    job = scheduler.submit("sleep 60")
    assert scheduler.call("status", job) == "running"
    scheduler.call("cancel", job)
    assert scheduler.end(job) == "failed"


@pytest.mark.parametrize("named", ["", "slurm"])
def test_a_scheduler_must_be_named(tmp_path: Path, named: str) -> None:
    environment = os.environ | {"GLASSCADE_SCHEDULER": named}
    done = subprocess.run(
        [SCHEDULER, "status", "1+x"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"GLASSCADE_SCHEDULER: '{named}' is no scheduler known here; set")
