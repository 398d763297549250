"""What is said at the end of a run: verdicts and where they lie, or what failed and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from glasscade.errors import GlasscadeError
from glasscade.limits.verdicts import CHECKS, Outcome, Verdict
from glasscade.paths import Paths
from glasscade.progress import Failure, Progress, duration
from glasscade.report import controls
from glasscade.stages.verdicts import read_verdicts

OUTCOMES: tuple[Outcome, ...] = ("holds", "inconclusive", "violated")
MOST_FAILURES = 10
"""Failed jobs that are shown one by one."""
_ERROR = re.compile(r"(?:\d\d:\d\d:\d\d|slurmstepd[^:]*:) error: (.+)")
_EXCEPTION = re.compile(
    r"(?!WorkflowError:$)(\w[\w.]*(?:Error|Exception|Interrupt|Exit|Warning)\b.*)"
)
SILENT = (
    "nothing in its log says why: it was killed, as for want of memory or time, or has not begun"
)


def succeeded(paths: Paths, run: Progress, command: str) -> str:
    """The verdicts in a table, the controls among them in words, and where everything lies.

    Parameters
    ----------
    paths : Paths
        Of the study.
    run : Progress
    command : str
        What writes the report of the jobs; empty for a run that was not to end with verdicts.
    """
    lines = [f"Study {paths.root.name}: {run.done} jobs in {duration(run.seconds)}."]
    if not command:
        return lines[0]
    try:
        rows = read_verdicts(Path(paths.verdicts))
    except GlasscadeError as error:
        return "\n".join([*lines, str(error)])
    lines += ["", *table(rows), "", *_controls(rows), ""]
    lines += [
        f"read:     {paths.summary}",
        f"verdicts: {paths.verdicts}",
        f"jobs:     {paths.report}, written by",
        f"          {command}",
    ]
    return "\n".join(lines)


def table(rows: Sequence[Verdict]) -> list[str]:
    """Verdicts of each check, of each kind."""
    found = [check for check in CHECKS if any(row.check == check for row in rows)]
    width = max(map(len, (*found, "all checks")))
    lines = [" ".join(["check".ljust(width), *(f"{outcome:>12}" for outcome in OUTCOMES)])]
    for check in (*found, "all checks"):
        of_check = [row.verdict for row in rows if check in (row.check, "all checks")]
        counts = (f"{of_check.count(outcome) or '–':>12}" for outcome in OUTCOMES)
        lines.append(" ".join([check.ljust(width), *counts]))
    return lines


def _controls(rows: Sequence[Verdict]) -> list[str]:
    """What the controls say of everything else, the violated ones by name."""
    known = controls.of(rows)
    text = controls.warning(rows)
    lines = [f"WARNING: {text}" if text else f"All {len(known)} controls and closures hold."]
    return lines + [
        f"    {row.model} {row.check} {row.quantity}: {row.value:.4g}, from {row.ci_low:.4g} to "
        f"{row.ci_high:.4g}, must be {row.reference:.4g} within {row.tolerance:.4g}"
        for row in known
        if row.verdict == "violated"
    ]


def failed(run: Progress) -> str:
    """Which jobs failed, for which reason, and how to go on."""
    # Jobs that are ended with the run have failed, which is nothing to be cured.
    failures = [] if run.interrupted else list(run.failures.values())
    word = "Interrupted" if run.interrupted else "Stopped"
    lines = [f"{word} after {run.done} jobs and {duration(run.seconds)}; {run.left} are left."]
    for failure in failures[:MOST_FAILURES]:
        lines += ["", f"{failure.rule} failed: {reason(failure)}"]
        lines += [f"    was to write {failure.output}", *(f"    log {log}" for log in failure.logs)]
    if len(failures) > MOST_FAILURES:
        lines += ["", f"and {len(failures) - MOST_FAILURES} more jobs, each with a log of its own"]
    remedy = "Cure that, then run" if failures else "Run"
    lines += ["", f"{remedy} the same command again: finished jobs are kept."]
    return "\n".join(lines)


def reason(failure: Failure) -> str:
    """What Snakemake says of it, or the last error in the logs of a job, in one sentence."""
    if failure.cause:
        return failure.cause
    for log in failure.logs:
        for line in reversed(_lines(Path(log))):
            if match := _ERROR.fullmatch(line):
                return match.group(1)
            if match := _EXCEPTION.fullmatch(line):
                return f"{match.group(1)} (unexpected: its log shows where)"
    return SILENT


def _lines(log: Path) -> list[str]:
    """The lines of a log, none where there is no log."""
    try:
        return log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
