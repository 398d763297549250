"""Files from the future: what a clock that was ahead, or another machine's, leaves behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from glasscade.errors import DataError

STEP = 1000
"""Nanoseconds between the new times of two files; those in seconds that Snakemake compares, in
double precision, have a quarter of that."""


def settle(paths: Iterable[Path]) -> int:
    """Take the times of files that lie ahead of the clock back to now, in their order.

    Snakemake fails a job that reads such a file, after it has run: its output is older. What is
    newer than what stays so, by which Snakemake tells what to run again.

    Parameters
    ----------
    paths : iterable of Path
        Files, and folders with all that is in them.

    Returns
    -------
    int
        How many there were.

    Raises
    ------
    DataError
        If the time of one may not be changed.
    """
    now = time.time_ns()
    found = {file for path in paths for file in (path, *path.rglob("*"))}
    times = {file: file.lstat().st_mtime_ns for file in found if os.path.lexists(file)}
    ahead = [file for file, when in times.items() if when > now]
    order = sorted({times[file] for file in ahead}, reverse=True)  # those of one time keep one time
    places = {when: place for place, when in enumerate(order, start=1)}
    for file in ahead:
        settled = now - places[times[file]] * STEP
        try:
            os.utime(file, ns=(settled, settled), follow_symlinks=False)
        except PermissionError:
            raise DataError(
                f"{file}: the time of this file lies ahead of the clock, which may not be changed "
                "here; set the clock, or let the owner `touch` it"
            ) from None
    return len(ahead)
