"""Files with mistakes for everything that reads files, many thousands of them.

    python tests/fuzz/run.py [--inputs 10000] [--seed 1] [--only run.gsd]

Each input is a good file in which a few values, bytes or lines are not what they were. What reads
it must accept it, and then what it made must be right, or refuse it in one sentence that names the
file. Processes of their own, with bounded memory, work off the inputs, so that a crash of a library
is seen as well. Printed are, for every kind of file, how many were accepted and refused, how many
per second, and every failure with the smallest input that provokes it; the exit code is 1 if there
are any.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))
BATCH = 500
"""Inputs of one process: whatever a library keeps or leaks ends with it."""
SECONDS = 2
"""Processor time of one input."""
MEMORY = 4 * 2**30
"""Bytes of address space."""


class TooLongError(Exception):
    """An input took more than `SECONDS`."""


def main() -> int:
    """Share the inputs among the kinds of files, run them in batches and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs of all kinds (10000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random inputs (1)")
    parser.add_argument("--only", help="one kind of file, such as run.gsd")
    parser.add_argument("--batch", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.batch:
        name, seed, count, folder = options.batch
        work_off(name, int(seed), int(count), Path(folder))
        return 0
    from glasscade.stages import warm

    warm.once()  # the kernels, which would be compiled on the time of an input
    failed = 0
    total: Counter[str] = Counter()
    for name, inputs in shares(options.inputs, options.only).items():
        start, found = time.monotonic(), Counter()
        for n, first in enumerate(range(0, inputs, BATCH)):
            count = min(BATCH, inputs - first)
            found.update(batch(name, 1000 * options.seed + n, count))
        seconds = time.monotonic() - start
        done = found["accepted"] + found["refused"] + found["failed"]
        print(
            f"{name:15} {done:6d} inputs, {found['accepted']:5d} accepted, "
            f"{found['refused']:5d} refused, {found['failed']:3d} failed, {done / seconds:5.0f}/s",
            flush=True,
        )
        failed += found["failed"]
        total.update(found)
    print(f"{sum(total.values())} inputs: {dict(total)}")
    return 1 if failed else 0


def shares(inputs: int, only: str | None) -> dict[str, int]:
    """How many inputs each kind of file gets: half of them are configurations."""
    names = [
        "run.dump", "wrapped.dump", "run.dump.gz", "run.gsd", "run.nc", "ours.nc", "table.txt",
        "state.nc", "checkpoint.npz", "verdicts.csv", "ro-crate-metadata.json", "figure.csv",
        "CITATION.cff",
    ]  # fmt: skip
    if only:
        return {only: inputs}
    files = inputs // 2 // len(names)
    return {"study.yaml": inputs - files * len(names)} | dict.fromkeys(names, files)


def batch(name: str, seed: int, count: int) -> Counter[str]:
    """Run a process of its own, and say what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--batch", name, str(seed), str(count), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            result = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            path = Path(folder) / name
            last = path.read_bytes() if path.exists() else b""
            print(f"{name}: the process ended with {done.returncode} at the input {last!r}")
            print(done.stderr[-2000:])
            return Counter(failed=1)
    for failure in result.pop("failures"):
        print(failure)
    return Counter(result)


def work_off(name: str, seed: int, count: int, folder: Path) -> None:
    """Inputs of one batch, in this process; the last line of the output is what was found."""
    import hypothesis

    from fuzz import targets

    os.chdir(folder)
    (folder / "good").mkdir()
    [target] = [t for t in targets.targets(folder / "good") if t.name == name]
    (folder / "run.dump").write_text("of the model imported")
    path = folder / name
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, _too_long)
    counts: Counter[str] = Counter()
    failures: dict[str, tuple[bytes, str]] = {}

    def outcome(content: bytes) -> str:
        path.write_bytes(content)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            return "accepted" if targets.judge(target.check, path) else "refused"
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            key = f"{type(error).__name__} in {where.filename}:{where.lineno}"
            if key not in failures or len(content) < len(failures[key][0]):
                failures[key] = (content, traceback.format_exc(limit=-4))
            return key
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    settings = hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(target.contents)
    def inputs(content: bytes) -> None:
        found = outcome(content)
        counts[found if found in ("accepted", "refused") else "failed"] += 1

    # The first input would pay for imports and compilations.
    for warm in ("accepted", "refused"):
        with_time = outcome(target_example(name, folder))
        if with_time == warm:
            break
    failures.clear()
    inputs()
    result: dict[str, Any] = dict(counts)
    result["failures"] = [
        f"{name}: {key}\n{text}\ninput: {smallest(target, outcome, key, content)!r}"
        for key, (content, text) in failures.copy().items()
    ]
    print(json.dumps(result))


def target_example(name: str, folder: Path) -> bytes:
    """A good file, of the kinds that have one."""
    good = folder / "good" / name
    return good.read_bytes() if good.exists() else b""


def smallest(target: Any, outcome: Any, key: str, content: bytes) -> bytes:
    """The smallest input found that fails in the same way."""
    import hypothesis

    settings = hypothesis.settings(max_examples=300, database=None, deadline=None)
    try:
        return hypothesis.find(target.contents, lambda x: outcome(x) == key, settings=settings)
    except hypothesis.errors.NoSuchExample:
        return content


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLongError(f"more than {SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
