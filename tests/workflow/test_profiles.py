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
    jobs = [scheduler.submit("sleep 60") for _ in range(2)]
    assert [scheduler.call("status", job) for job in jobs] == ["running", "running"]
    scheduler.call("cancel", "999999999+gone", *jobs)
    assert [scheduler.end(job) for job in jobs] == ["failed", "failed"]


def test_a_job_knows_when_it_will_be_ended(tmp_path: Path) -> None:
    """A minute after it began; five seconds for that on a computer that does much else."""
    scheduler = Background(tmp_path)
    left = "left=$((SLURM_JOB_END_TIME - $(date +%s)))"
    assert scheduler.end(scheduler.submit(f"{left}; test $left -gt 55 && test $left -le 60")) == (
        "success"
    )


@pytest.mark.parametrize("named", ["", "slurm"])
def test_a_scheduler_must_be_named(tmp_path: Path, named: str) -> None:
    environment = os.environ | {"GLASSCADE_SCHEDULER": named}
    done = subprocess.run(
        [SCHEDULER, "status", "1+x"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"GLASSCADE_SCHEDULER: '{named}' is no scheduler known here; set")


# What schedulers say of job 1, and with which exit code: seen from Grid Engine and the commands
# of Torque over Slurm; codes of PBS Pro and what LSF says are those of their manuals.
SAID = [
    ("pbs", "1  job  me  00:00:00 R main", 0, "running"),
    ("pbs", "1  job  me  00:00:00 C main", 0, "failed"),
    ("pbs", "", 153, "failed"),
    ("pbs", "", 35, "failed"),
    ("pbs", "", 8, "running"),
    ("torque", "", 153, "failed"),
    ("sge", "1 0.5 job  me  qw  11/30/2026 07:38:47", 0, "running"),
    ("sge", "1 0.5 job  me  Eqw 11/30/2026 07:38:47", 0, "failed"),
    ("sge", "11 0.5 job me  r   11/30/2026 07:38:47", 0, "failed"),
    ("sge", "error: commlib error: got select error (Connection refused)", 1, "running"),
    ("lsf", "PEND", 0, "running"),
    ("lsf", "EXIT", 0, "failed"),
    ("lsf", "Job <1> is not found", 255, "failed"),
]


@pytest.mark.parametrize(("named", "said", "code", "status"), SAID)
def test_a_job_is_lost_once_its_scheduler_says_so(
    tmp_path: Path, named: str, said: str, code: int, status: str
) -> None:
    """It left no exit code; a scheduler that does not answer has not said that it ended."""
    for command in ("qstat", "bjobs", "qdel", "sleep"):
        (tmp_path / command).write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n", "utf-8")
        (tmp_path / command).chmod(0o755)
    environment = os.environ | {
        "GLASSCADE_SCHEDULER": named,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    (tmp_path / "sleep").write_text("#!/bin/sh\n", encoding="utf-8")
    done = subprocess.run(
        [SCHEDULER, "status", "1+x"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{status}\n"
