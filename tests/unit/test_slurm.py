"""What Snakemake's executor for Slurm is told; tests/cluster lets a real Slurm not answer."""

from __future__ import annotations

import asyncio
import logging
import re
from types import SimpleNamespace

import pytest

from glasscade import slurm
from glasscade.errors import ConfigError
from glasscade.slurm import States

LOG = logging.getLogger("test")
SQUEUE, SACCT = "squeue --name x", "sacct --name x"


def told(*answers: States | None, command: str = SQUEUE) -> list[States | None]:
    """What the executor is told when Slurm answers so, one time after the other."""
    left = iter(answers)

    async def query(command: str, logger: object) -> tuple[States | None, float | None]:
        return next(left), 0.1

    patient = slurm.patient(query)
    return [asyncio.run(patient(command, LOG))[0] for _ in answers]


def test_no_answer_is_said_and_forgets_no_job(caplog: pytest.LogCaptureFixture) -> None:
    running = {"1": "RUNNING"}
    assert told(running, None, running) == [running, {}, running]
    assert caplog.messages == ["Slurm does not answer; until it does, its jobs are taken to run"]


def test_a_job_that_slurm_no_longer_knows_has_ended() -> None:
    assert told({"1": "RUNNING", "2": "RUNNING"}, {"2": "RUNNING"})[1] == {
        "1": "UNKNOWN",
        "2": "RUNNING",
    }


def test_what_the_accounts_do_not_know_yet_has_not_ended() -> None:
    assert told({"1": "RUNNING"}, {}, command=SACCT)[1] == {}


def test_a_job_that_was_preempted_has_failed() -> None:
    assert told({"1": "PREEMPTED", "2": "COMPLETED"}) == [{"1": "FAILED", "2": "COMPLETED"}]


def submissions(
    monkeypatch: pytest.MonkeyPatch, answers: list[bool], wait: bool = True
) -> tuple[list[str], int]:
    """What is submitted when Slurm answers so, and how many pauses that takes."""
    done, pauses, left = list[str](), list[float](), iter(answers)
    monkeypatch.setattr(slurm, "answers", lambda: next(left))
    monkeypatch.setattr(slurm.time, "sleep", pauses.append)
    submit = slurm.once_it_answers(lambda executor, job: done.append(job))
    submit(SimpleNamespace(wait=wait, logger=LOG), "job")
    return done, len(pauses)


def test_a_job_is_submitted_at_once_where_slurm_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert submissions(monkeypatch, [True, True]) == (["job"], 0)


def test_a_job_is_submitted_once_slurm_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert submissions(monkeypatch, [False, False, False, True]) == (["job"], 2)


def test_a_run_that_was_interrupted_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert submissions(monkeypatch, [False], wait=False)[1] == 0


@pytest.mark.parametrize(("command", "found"), [(("true",), True), (("false",), False)])
def test_the_controller_is_asked(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], found: bool
) -> None:
    monkeypatch.setattr(slurm, "PING", command)
    assert slurm.answers() == found


@pytest.mark.parametrize("folder", ["/a/100%", "/a/$HOME", "/a/`b`", '/a/"b"', "/a/b\\c"])
def test_folders_in_which_jobs_go_astray_are_refused(folder: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(folder)):
        slurm.require_plain(folder)


def test_other_folders_are_not() -> None:
    slurm.require_plain("/a b/(c)=1,é+@#'&;")
