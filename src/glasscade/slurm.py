"""While Slurm does not answer: what Snakemake's executor for it needs to bear that.

The executor forgets its jobs once a question for their states fails, and waits for ever; a job that
cannot be submitted has failed, and three attempts are used up in half a minute. So a restart of
Slurm's controller would end a study of days.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any

from glasscade.errors import ConfigError

PAUSE = 5.0
"""Seconds between two questions of a submission that waits."""
PING = ("scontrol", "ping")
UNSAFE = '%$`"\\'
"""Characters that Slurm or a shell within a job reads as something else in the path of a folder."""

States = dict[str, str]
Query = Callable[[str, Any], Awaitable[tuple[States | None, float | None]]]
Submit = Callable[[Any, Any], None]


def patient(query: Query) -> Query:
    """The executor's question for the states of jobs, with no answer that makes it wait for ever.

    No answer becomes one that knows of no job, after which it asks again. A job that squeue no
    longer knows has ended; whether well, its files tell (`UNKNOWN`: the executor has them looked
    for). One that was preempted is not started again by Slurm, as the profile asks.
    """
    seen: set[str] = set()

    async def asked(command: str, logger: Any) -> tuple[States, float]:
        states, seconds = await query(command, logger)
        if states is None:
            logger.warning("Slurm does not answer; until it does, its jobs are taken to run")
            return {}, 0.0
        gone = seen - states.keys() if command.startswith("squeue") else set()
        seen.update(states)
        ended = {job for job, state in states.items() if state == "PREEMPTED"}
        known = states | dict.fromkeys(gone, "UNKNOWN") | dict.fromkeys(ended, "FAILED")
        return known, seconds or 0.0

    return asked


def once_it_answers(submit: Submit) -> Submit:
    """The executor's submission of a job, which waits for Slurm."""

    def submitted(executor: Any, job: Any) -> None:
        if not answers():
            executor.logger.warning("Slurm does not answer; jobs are submitted once it does")
            while executor.wait and not answers():  # or until the run is interrupted
                time.sleep(PAUSE)
        submit(executor, job)

    return submitted


def require_plain(folder: str) -> None:
    """Refuse a folder in whose path jobs would not find themselves, or leave no log.

    Raises
    ------
    ConfigError
        If it has one of the characters `UNSAFE`.
    """
    if found := sorted(set(folder) & set(UNSAFE)):
        raise ConfigError(
            f"{folder}: Slurm, or a shell within a job, reads {' '.join(found)} in this path as "
            "something else; move the project to a folder without"
        )


def answers() -> bool:
    """Whether a controller of Slurm does."""
    return subprocess.run(PING, capture_output=True, check=False).returncode == 0
