"""Rows of the table of benchmarks, and how two pieces of work are timed against each other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One line of the table; `ours` and `peer` have the same unit, named in `work`."""

    work: str
    size: str
    threads: int
    ours: float
    peer: float
    peer_name: str
    ratio: float
    goal: float


def alternating(
    ours: Callable[[], object], peer: Callable[[], object], runs: int
) -> tuple[float, float]:
    """Median milliseconds of two pieces of work, done in turn after one run of each."""
    ours(), peer()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for work, record in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            work()
            record.append(1e3 * (time.perf_counter() - start))
    return median(times[0]), median(times[1])
