from __future__ import annotations

import inspect
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from snakemake.scheduling import job_scheduler

from glasscade import outcome
from glasscade.io import write_text
from glasscade.limits.verdicts import Verdict
from glasscade.paths import Paths
from glasscade.progress import INTERRUPTED, Failure, Progress
from glasscade.stages.verdicts import table
from report_data import made_up_rows


def ended(*jobs: int, failures: dict[int, Failure] | None = None) -> Progress:
    """A run of ten jobs of which some have ended, after 200 s."""
    times = iter([0.0, 200.0, 200.0])
    run = Progress(dict.fromkeys(range(10), 1.0), print, lambda: next(times))
    for job in jobs:
        run.handle(logging.makeLogRecord({"event": "job_finished", "job_id": job}))
    run.failures |= failures or {}
    return run


def said(folder: Path, rows: list[Verdict]) -> str:
    paths = Paths(folder / "small")
    write_text(table(rows), Path(paths.verdicts))
    return outcome.succeeded(paths, ended(*range(10)), "snakemake --report x")


def test_success_counts_verdicts_and_names_every_file(tmp_path: Path) -> None:
    text = said(tmp_path, made_up_rows())
    assert text.startswith("Study small: 10 jobs in 3 min.\n")
    counts = {line.split()[0]: line.split()[1:] for line in text.splitlines() if "–" in line}
    assert counts["commutation"] == ["2", "2", "–"]
    assert counts["direct_terms_vanish"] == ["–", "–", "1"]
    total = next(line for line in text.splitlines() if line.startswith("all checks"))
    assert sum(map(int, total.split()[2:])) == len(made_up_rows())
    assert "All 3 controls and closures hold." in text
    for name in ("summary.html", "verdicts.csv", "report.html"):
        assert str(tmp_path / "small" / name) in text
    assert text.endswith("snakemake --report x")


def test_a_violated_control_is_loud_and_named(tmp_path: Path) -> None:
    rows = [
        replace(row, verdict="violated") if row.check == "control" else row
        for row in made_up_rows()
    ]
    text = said(tmp_path, rows)
    assert "WARNING: 1 of 3 controls and closures fail" in text
    assert "    point control lim_Q_flux: 0.25, from 0.2 to 0.3, must be 0 within 0.5" in text
    assert "controls and closures hold" not in text


def test_without_a_control_that_is_said(tmp_path: Path) -> None:
    rows = [row for row in made_up_rows() if row.check == "commutation"]
    assert "WARNING: This study holds no control" in said(tmp_path, rows)


def test_a_run_of_part_of_the_study_speaks_of_no_verdicts(tmp_path: Path) -> None:
    text = outcome.succeeded(Paths(tmp_path), ended(1, 2), "")
    assert text == f"Study {tmp_path.name}: 2 jobs in 3 min."


def test_a_missing_table_is_no_traceback(tmp_path: Path) -> None:
    text = outcome.succeeded(Paths(tmp_path), ended(), "snakemake --report x")
    assert "verdicts.csv: this file is missing" in text


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("10:00:01 error: points: too few; take more\n10:00:02 processor time 3 s", "points: too"),
        ("10:00:01 unexpected error\n  File x\nKeyError: 'a'\n10:00:02 time", "KeyError: 'a' (une"),
        ("WorkflowError:\nAt least one job did not complete successfully.\n", outcome.SILENT),
        (
            "slurmstepd-node7: error: *** JOB 1 DUE TO TIME LIMIT ***\nWorkflowError:\n",
            "*** JOB 1 DUE",
        ),
        ("10:00:01 hello\n", outcome.SILENT),
        (None, outcome.SILENT),
    ],
    ids=["error", "traceback", "within Slurm", "ended by Slurm", "killed", "no log"],
)
def test_a_failure_has_its_reason_in_a_sentence(
    tmp_path: Path, log: str | None, sentence: str
) -> None:
    path = tmp_path / "a.log"
    if log is not None:
        path.write_text(log, "utf-8")
    run = ended(1, 2, 3, failures={5: Failure("reduce", "out.nc", (str(path),))})
    text = outcome.failed(run)
    assert text.startswith("Stopped after 3 jobs and 3 min; 7 are left.\n")
    assert f"\nreduce failed: {sentence}" in text
    assert f"\n    was to write out.nc\n    log {path}\n" in text
    assert text.endswith("\nCure that, then run the same command again: finished jobs are kept.")


def test_what_snakemake_alone_knows_is_told() -> None:
    text = outcome.failed(ended(failures={5: Failure("reduce", "out.nc", (), "it is late")}))
    assert "\nreduce failed: it is late\n    was to write out.nc\n" in text


def test_hundreds_of_failures_are_not_all_told() -> None:
    failures = {job: Failure("reduce", f"{job}.nc", ()) for job in range(100)}
    text = outcome.failed(ended(failures=failures))
    assert text.count("was to write") == outcome.MOST_FAILURES
    assert "and 90 more jobs" in text


def test_a_run_that_was_stopped_is_no_failure() -> None:
    text = outcome.failed(ended(1))
    assert text.endswith("\nRun the same command again: finished jobs are kept.")


def test_jobs_that_an_interrupt_ends_are_not_to_be_cured() -> None:
    run = ended(1, 2, failures={5: Failure("reduce", "out.nc", ())})
    run.handle(logging.makeLogRecord({"msg": f"{INTERRUPTED}, this might take some time."}))
    assert outcome.failed(run) == (
        "Interrupted after 2 jobs and 3 min; 8 are left.\n\n"
        "Run the same command again: finished jobs are kept."
    )


def test_snakemake_says_so_when_it_is_interrupted() -> None:
    assert INTERRUPTED in inspect.getsource(job_scheduler)
