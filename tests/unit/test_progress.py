"""A run is followed by the records that Snakemake really makes, see also tests/workflow."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from snakemake.exceptions import MissingOutputException, format_exception_to_string

from glasscade.progress import EVERY, WROTE_LESS, Failure, Progress, duration


class Run:
    """A run of three jobs at a clock of our own."""

    def __init__(self) -> None:
        self.now, self.said = 100.0, list[str]()
        self.progress = Progress({1: 10.0, 2: 10.0, 3: 80.0}, self.said.append, lambda: self.now)

    def tell(self, event: str, **values: Any) -> None:
        self.progress.handle(logging.makeLogRecord({"event": event, **values}))

    def finish(self, job: int, after: float) -> None:
        self.now += after
        self.tell("job_finished", job_id=job)
        self.tell("progress", done=0, total=3)

    def fail(self, job: int, **values: Any) -> None:
        told = {"rule_name": "reduce", "output": ["a.nc"], "log": ["a.log"]} | values
        self.tell("job_error", jobid=job, **told)


def test_time_left_follows_the_estimated_work_at_the_pace_of_this_run() -> None:
    run = Run()
    run.finish(1, 40.0)
    run.finish(2, 40.0)
    # 20 of 100 estimated seconds took 80: 80 more will take 320
    assert run.said == [
        "1 of 3 jobs, 10 % of the work; 40 s gone, about 6 min left",
        "2 of 3 jobs, 20 % of the work; 80 s gone, about 5 min left",
    ]


def test_lines_are_rare_and_there_is_none_at_the_end() -> None:
    run = Run()
    run.finish(1, 0.9 * EVERY)
    assert run.said == []
    run.finish(2, 0.2 * EVERY)
    assert len(run.said) == 1
    run.finish(3, 2.0 * EVERY)
    assert len(run.said) == 1
    assert (run.progress.done, run.progress.left) == (3, 0)
    assert run.progress.seconds == pytest.approx(3.1 * EVERY)  # round-off


def test_the_pace_is_not_guessed_from_next_to_nothing() -> None:
    progress = Progress({1: 1.0, 2: 99.0}, print)
    progress.handle(logging.makeLogRecord({"event": "job_finished", "job_id": 1}))
    assert progress.line().endswith("time left not known yet")


def test_jobs_that_cost_nothing_and_jobs_that_were_not_planned_do_no_harm() -> None:
    progress = Progress({1: 0.0}, print)
    for job in (1, 1, 7):
        progress.handle(logging.makeLogRecord({"event": "job_finished", "job_id": job}))
    assert progress.line() == "1 of 1 jobs, 100 % of the work; 0 s gone, about 0 s left"


def test_a_job_that_failed_is_known_until_it_succeeds() -> None:
    run = Run()
    run.fail(1)
    run.fail(2, output=[], log=[])
    assert run.progress.failures == {
        1: Failure("reduce", "a.nc", ("a.log",)),
        2: Failure("reduce", "", ()),
    }
    run.finish(1, 1.0)
    assert list(run.progress.failures) == [2]


def test_jobs_of_a_group_share_its_logs() -> None:
    run = Run()
    run.tell("group_error", aux_logs=["slurm.log"])
    run.fail(1, indent=True)
    run.fail(2, indent=False)
    assert run.progress.failures == {
        1: Failure("reduce", "a.nc", ("a.log", "slurm.log")),
        2: Failure("reduce", "a.nc", ("a.log",)),
    }


def test_a_job_whose_output_is_missing_has_failed() -> None:
    """In the words of Snakemake, which says it in no other way."""
    run = Run()
    path = "results/small/a.nc"
    error = MissingOutputException(f"Missing files after 5 seconds. This:\n{path} (x)", jobid=2)
    error.rule, error.lineno, error.filename = "reduce", 1, "x"
    run.tell("error", msg=format_exception_to_string(error, None))
    assert run.progress.failures == {2: Failure("reduce", path, (), WROTE_LESS)}
    run.finish(2, 1.0)
    assert run.progress.failures == {}


def test_records_of_another_form_end_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run()
    run.tell("job_finished")
    run.tell("job_error", jobid=1)
    run.tell("run_info")
    assert capsys.readouterr().err.count("Logging error") == 2
    assert run.progress.left == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (119.0, "119 s"), (121.0, "2 min"), (7201.0, "2 h")]
)
def test_durations_are_readable(seconds: float, text: str) -> None:
    assert duration(seconds) == text
