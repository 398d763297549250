"""How far a run of the workflow is: jobs done, time gone and time left, and which jobs failed.

Snakemake tells its logger of every job that ends, whatever executes it and whatever shows it. A
handler there knows what each job was estimated to cost, hence how much is left, and says so
through the same logger: in a terminal, above the bars of a plugin, in a log file.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from snakemake_interface_logger_plugins.common import LogEvent

EVERY = 30.0
"""Least seconds between two lines."""
INTERRUPTED = "Terminating processes on user request"
"""What Snakemake says when it is interrupted, which it does not tell otherwise."""
MISSING = re.compile(r"\w+ in rule (\w+).*\nJob (\d+) +completed successfully.*\n(\S+)")
"""How it tells of a job whose outputs are not all there: the rule, the job, the first of these."""
WROTE_LESS = (
    "it ended well, yet this file was not to be seen; on a shared file system files may appear "
    "late: raise latency-wait"
)
KNOWN_FROM = 0.03
"""Part of the work after which the pace is taken as known."""


@dataclass(frozen=True)
class Failure:
    """A job that failed: its rule, its first output, its logs; why, if Snakemake alone knows."""

    rule: str
    output: str
    logs: tuple[str, ...]
    cause: str = ""


class Progress(logging.Handler):
    """Follows one run.

    Parameters
    ----------
    costs : by number of the job
        Estimated seconds of every job that is to run; only their ratios matter.
    say : function of a line
    clock : function
        Seconds from anywhere.

    Attributes
    ----------
    failures : by number of the job
        Jobs that failed and have not succeeded since.
    interrupted : bool
        Whether the user has ended the run.
    """

    def __init__(
        self,
        costs: Mapping[int, float],
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.failures: dict[int, Failure] = {}
        self.interrupted = False
        self._left, self._all = dict(costs), len(costs)
        self._work = self._work_left = sum(costs.values())
        self._say, self._clock = say, clock
        self._start = self._said = clock()
        self._logs_of_group: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Number of jobs that have ended well."""
        return self._all - len(self._left)

    @property
    def left(self) -> int:
        """Number of those that have not."""
        return len(self._left)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._start

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a job that has ended; now and then say how far the run is."""
        try:
            event, values = getattr(record, "event", None), record.__dict__
            if event == LogEvent.JOB_FINISHED:
                self._work_left -= self._left.pop(values["job_id"], 0.0)
                self.failures.pop(values["job_id"], None)
            elif event == LogEvent.GROUP_ERROR:
                self._logs_of_group = tuple(values["aux_logs"])
            elif event == LogEvent.JOB_ERROR:
                # Those of a group come indented, each after the group.
                shared = self._logs_of_group if values.get("indent") else ()
                self.failures[values["jobid"]] = _failure(values, shared)
            elif missing := MISSING.match(record.getMessage()):
                rule, job, output = missing.groups()
                self.failures[int(job)] = Failure(rule, output, (), WROTE_LESS)
            elif record.getMessage().startswith(INTERRUPTED):
                self.interrupted = True
            elif event == LogEvent.PROGRESS and self.left and self._clock() - self._said >= EVERY:
                self._said = self._clock()
                self._say(self.line())
        except Exception:  # a run must not end because of what is said of it
            self.handleError(record)

    def line(self) -> str:
        """12 of 80 jobs, 31 % of the work; 2 min gone, about 5 min left."""
        part = 1.0 - self._work_left / self._work if self._work else 1.0
        left = "time left not known yet"
        if part >= KNOWN_FROM:
            left = f"about {duration(self.seconds * (1.0 / part - 1.0))} left"
        return (
            f"{self.done} of {self._all} jobs, {100.0 * part:.0f} % of the work; "
            f"{duration(self.seconds)} gone, {left}"
        )


def _failure(values: Mapping[str, object], shared: tuple[str, ...]) -> Failure:
    """What Snakemake tells of a job that failed; its outputs say which it was.

    `shared` are logs that it has in common with others of its group.
    """
    logs, outputs = values["log"], values["output"]
    assert isinstance(logs, list)
    assert isinstance(outputs, list)
    return Failure(str(values["rule_name"]), str(outputs[0]) if outputs else "", (*logs, *shared))


def duration(seconds: float) -> str:
    """Seconds below two minutes, minutes below two hours, then hours."""
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    if seconds < 7200.0:
        return f"{seconds / 60.0:.0f} min"
    return f"{seconds / 3600.0:.0f} h"
