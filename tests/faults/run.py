"""Disturb real runs of a small study in every way, and see that nothing is lost.

    .venv/bin/python tests/faults/run.py [NAME ...]

Kills jobs and Snakemake, fills a disk, takes memory and time away, starts two runs at once, spoils
files and turns clocks; after each, the study goes on and ends with the same data, to the bit, as
one that nothing disturbed. What was said and done is the table of `docs/faults.md`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from harness import (
    BUDGET,
    ROUGH_BUDGET,
    ROUGH_STATE,
    ROUGH_STRUCTURE,
    STATE,
    STRUCTURE,
    Ground,
    kept,
    line_of,
    small,
    until,
)

from clones import copy_of_repository
from small_disks import NAMESPACE, may_mount, mount, unmount

GLASS_LOG = "simulate/glass_T0_block0.log"
REDUCE_LOG = "reduce/glass_T0_ell0_0.6_0.8_1_1.4_2_block0.log"
STRUCTURE_LOG = "structure/glass_T0_block0.log"
WANTED = (STATE, BUDGET, STRUCTURE, ROUGH_STATE, ROUGH_STRUCTURE)
"""What is made in the study that is killed."""
HOUR, DAY = 3600.0, 86400.0
INSIDE = "GLASSCADE_FAULTS_MOUNT"
"""Set within the namespace in which file systems may be mounted."""


def tell(fault: str, *said: str) -> None:
    """A line of the table: the fault, and what the user sees or what was found."""
    print(f"[{time.monotonic() - START:4.0f} s] {fault}: " + " | ".join(said), flush=True)


def killed_in_mid_run(ground: Ground, undisturbed: Callable[[], dict[str, str]]) -> None:
    """One study, killed again and again, in every way; then it ends as if nothing had been."""
    _job_killed(ground)
    _snakemake_killed(ground)
    _group_killed(ground)
    _reduction_killed(ground)
    _stopped(ground, signal.SIGINT, REDUCE_LOG, "Terminating")
    _stopped(ground, signal.SIGTERM, STRUCTURE_LOG, "Will exit")
    with kept(ground):
        ground.run(*ground.target(*WANTED))
    assert ground.planned(*ground.target(*WANTED)) == 0
    ground.require_tidy()
    _require_same(ground, undisturbed(), *WANTED)
    tell("all of that to one study", f"{len(WANTED)} files as undisturbed, to the bit")


def _job_killed(ground: Ground) -> None:
    """kill -9 of a simulation behind its first checkpoint; other jobs go on to their end."""
    run = ground.start(*ground.target(*WANTED))
    job = run.job(GLASS_LOG)
    until(ground.checkpoint.exists, "a checkpoint")
    job.kill()
    assert run.end() != 0
    assert ground.checkpoint.exists()
    assert not (ground.results / STATE).exists()
    assert (ground.results / ROUGH_STRUCTURE).exists()
    tell("job killed", line_of(run.output, "simulate failed"))


def _snakemake_killed(ground: Ground) -> None:
    """kill -9 of Snakemake alone: its job outlives it, and meets the one of the next run."""
    with kept(ground):
        run = ground.start(*ground.target(*WANTED))
        orphan = run.job(GLASS_LOG)
        until(lambda: "going on from step" in ground.log("simulate", "glass_T0_block0"), "going on")
        tell("after it", line_of(ground.log("simulate", "glass_T0_block0"), "going on from step"))
        run.process.kill()
        run.end()
        orphan.suspend()
    try:
        tell("snakemake killed", line_of(ground.run(code=1), "LockException"))
        ground.run("--unlock")
        with kept(ground):
            run = ground.start(*ground.target(STATE))
            job = run.job(GLASS_LOG)
            assert job.pid != orphan.pid
            orphan.resume()  # both write the same checkpoints and the same state
            assert run.end() == 0, run.output
    finally:
        with suppress(psutil.NoSuchProcess):
            orphan.resume()
    until(lambda: not orphan.is_running() or orphan.status() == "zombie", "the end of the orphan")
    ground.require_tidy()
    assert not ground.checkpoint.exists()
    tell("its job goes on beside that of the next run", "both end, one state, nothing half")


def _group_killed(ground: Ground) -> None:
    """kill -9 of everything at once, as when a machine stops."""
    with kept(ground):
        run = ground.start(*ground.target(*WANTED))
        run.job(REDUCE_LOG)
        run.kill_group()
        run.end()
    tell("all killed at once", line_of(ground.run(code=1), "LockException"))
    ground.run("--unlock")


def _reduction_killed(ground: Ground) -> None:
    with kept(ground):
        run = ground.start(*ground.target(BUDGET))
        run.job(REDUCE_LOG).kill()
        assert run.end() != 0
    assert not (ground.results / BUDGET).exists()
    tell("reduction killed", line_of(run.output, "reduce failed"))


def _stopped(ground: Ground, number: signal.Signals, log: str, words: str) -> None:
    """SIGINT, as Ctrl-C, ends the jobs; SIGTERM lets them end. Neither leaves a lock."""
    with kept(ground):
        run = ground.start(*ground.target(*WANTED))
        run.job(log)
        if number == signal.SIGINT:
            run.kill_group(number)  # as a terminal does
        else:
            run.process.send_signal(number)
        run.end()
    assert not list((ground.clone.root / ".snakemake" / "locks").glob("*"))
    tell(number.name, line_of(run.output, words))


def full_disk(ground: Ground, undisturbed: Callable[[], dict[str, str]]) -> None:
    """Results on a disk that is full, and once there is space."""
    if not os.environ.get(INSIDE):
        tell("disk full", "NOT TESTED: no file system may be mounted here")
        return
    ground.results.mkdir(parents=True)
    mount(ground.results, "size=8m")
    filler = ground.results / "filler"
    targets = ground.target(STATE, ROUGH_STATE)
    with filler.open("wb") as file:
        file.write(bytes(8 * 1024**2 - 40 * 1024))
    said = ground.run(*targets, code=1)
    tell("disk full", line_of(said, "cannot be written, the disk is full"))
    ground.require_tidy()
    filler.unlink()
    ground.run(*targets)
    _require_same(ground, undisturbed(), STATE, ROUGH_STATE)
    unmount(ground.results)


def little_memory(ground: Ground) -> None:
    """16 fields of 32 MB and a limit of 1.5 GB on the addresses of every process."""
    raw = small()
    raw["models"]["rough"]["system"] |= {"points": 2048, "dimensions": 2}
    raw["models"]["rough"]["sweep"] |= {"realisations": 8, "block_size": 8}
    limited = ["prlimit", f"--as={1_500_000_000}", sys.executable, "-m", "snakemake", "-c1"]
    ground.configure(raw)
    run = ground.spawn(*limited, "--configfile=config/small.yaml", *ground.target(ROUGH_STATE))
    assert run.end() != 0
    assert "Traceback" not in run.output, run.output
    assert not (ground.results / ROUGH_STATE).exists()
    tell("too little memory", line_of(run.output, "error: memory:"))


def little_time(ground: Ground, undisturbed: Callable[[], dict[str, str]]) -> None:
    """A wall time that ends before the simulation does."""
    said = ground.run(*ground.target(STATE), code=1, GLASSCADE_WALL_TIME="1.5")
    tell("too little time", line_of(said, "error: time:"))
    assert ground.checkpoint.exists()
    ground.run(*ground.target(STATE))
    tell("after it", line_of(ground.log("simulate", "glass_T0_block0"), "going on from step"))
    _require_same(ground, undisturbed(), STATE)


def two_at_once(ground: Ground, undisturbed: Callable[[], dict[str, str]]) -> None:
    """A second run is refused; one that insists, and one without Snakemake, spoil nothing."""
    first = ground.start(*ground.target(STATE))
    job = first.job(GLASS_LOG)
    job.suspend()
    tell("two at once", line_of(ground.run(*ground.target(STATE), code=1), "LockException"))
    second = ground.start("--nolock", *ground.target(STATE))
    command = ["-m", "glasscade.cli", "run", "simulate", "--model", "glass"]
    third = ground.spawn(sys.executable, *command, "config/small.yaml")
    second.job(GLASS_LOG)
    job.resume()
    codes = [run.end() for run in (first, second, third)]
    assert codes == [0, 0, 0], [run.output for run in (first, second, third)]
    ground.require_tidy()
    _require_same(ground, undisturbed(), STATE)
    tell("three at once, with --nolock and `glasscade run`", "all end, one state, nothing half")


def _require_same(ground: Ground, undisturbed: dict[str, str], *names: str) -> None:
    found = ground.data()
    assert {name: found[name] for name in names} == {name: undisturbed[name] for name in names}


def spoiled(ground: Ground, undisturbed: dict[str, str]) -> None:
    """Every kind of file that a stage reads, spoiled without a sign in its time."""
    exponents, limits, table = "exponents/rough.nc", "limits/rough.nc", "limits/glass.csv"
    _spoil(ground, {STATE: STRUCTURE, ROUGH_BUDGET: limits})
    _spoil(ground, {STRUCTURE: "exponents/glass.nc", exponents: limits})
    _spoil(ground, {table: "figures/glass/structure.png", limits: "figures/rough/structure.png"})
    _spoil(ground, {"verdicts.csv": "summary.html"})
    ground.run()
    assert ground.planned() == 0
    assert ground.data() == undisturbed


def _spoil(ground: Ground, pairs: dict[str, str]) -> None:
    """Spoil files, have made what is made of them, and do what the sentence says."""
    for place, (name, made) in enumerate(pairs.items()):
        path = ground.results / name
        times = path.stat().st_mtime_ns
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content if place == 0 else content[: len(content) // 2])
        os.utime(path, ns=(times, times))
        (ground.results / made).unlink()
    said = ground.run(*ground.target(*pairs.values()), code=1)
    for name in pairs:
        tell(f"{name} spoiled", line_of(said, f"results/small/{name}: truncated or corrupt"))
        (ground.results / name).unlink()
    ground.run(*ground.target(*pairs.values()))


def turned_clocks(ground: Ground, undisturbed: dict[str, str]) -> None:
    """Times of files that say nothing of what was made of what."""
    states = [ground.results / name for name in (STATE, ROUGH_STATE)]
    budgets = [ground.results / name for name in (BUDGET, ROUGH_BUDGET)]
    ground.run()  # the page, which lists its captions by where they lie: the project was moved
    for path in states:
        _turn(path, HOUR)
    again = ground.planned("--max-checksum-file-size", "0")
    assert ground.planned() == 0
    tell("inputs an hour ahead", f"nothing to be done; without checksums {again} jobs")
    for path in budgets:
        _turn(path, -HOUR)
    assert ground.planned() == 0
    tell("outputs an hour behind too", "nothing to be done")
    for path in sorted(ground.results.rglob("*")):
        _turn(path, DAY)
    assert ground.planned() == 0
    for name in (STRUCTURE, "exponents/glass.nc"):
        (ground.results / name).unlink()
    ground.run(*ground.target("exponents/glass.nc"))
    assert ground.planned() == 0
    assert ground.data() == undisturbed
    tell("everything a day ahead", "runs as ever; the times are set back, in their order")


def _turn(path: Path, seconds: float) -> None:
    when = path.stat().st_mtime + seconds
    os.utime(path, (when, when))


class Grounds:
    """A clone for every fault, and one in which the study runs undisturbed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._fresh = copy_of_repository(root / "fresh")
        self.whole = self.new("whole")
        self._lock = Lock()
        self._data: dict[str, str] = {}

    def new(self, name: str) -> Ground:
        """One in which nothing has run."""
        return Ground(self._fresh.copied(self.root / name))

    def copy(self, name: str) -> Ground:
        """One in which the study has run."""
        self.data()
        return Ground(self.whole.clone.copied(self.root / name))

    def data(self) -> dict[str, str]:
        """Digests of the data of the undisturbed run, which is made when first asked for."""
        with self._lock:
            if not self._data:
                self.whole.run()
                self._data = self.whole.data()
                tell("undisturbed", f"{len(self._data)} files")
        return self._data


FAULTS = {
    "clocks": lambda grounds: turned_clocks(grounds.copy("clocks"), grounds.data()),
    "killed": lambda grounds: killed_in_mid_run(grounds.new("killed"), grounds.data),
    "spoiled": lambda grounds: spoiled(grounds.copy("spoiled"), grounds.data()),
    "two": lambda grounds: two_at_once(grounds.new("two"), grounds.data),
    "disk": lambda grounds: full_disk(grounds.new("disk"), grounds.data),
    "memory": lambda grounds: little_memory(grounds.new("memory")),
    "time": lambda grounds: little_time(grounds.new("time"), grounds.data),
}


def main() -> None:
    if not os.environ.get(INSIDE) and may_mount():
        os.environ[INSIDE] = "1"
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, *sys.argv])
    # What a shell has put into the background ignores interrupts, and so would all it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = Path(tempfile.mkdtemp(prefix="faults"))
    try:
        grounds = Grounds(root)
        # Two beside each other: Snakemake and its jobs wait for each other a lot.
        with ThreadPoolExecutor(2) as lanes:
            chosen = sys.argv[1:] or list(FAULTS)
            passed = list(lanes.map(lambda name: _passes(name, grounds), chosen))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    failed = [name for name, good in zip(chosen, passed, strict=True) if not good]
    tell("all of it", f"failed: {', '.join(failed)}" if failed else "nothing was lost")
    sys.exit(bool(failed))


def _passes(name: str, grounds: Grounds) -> bool:
    """Whether a fault does no harm; if it does, say at once how."""
    try:
        FAULTS[name](grounds)
    except Exception:
        print(f"{name} FAILED\n{traceback.format_exc()}", flush=True)
        return False
    return True


START = time.monotonic()
if __name__ == "__main__":
    main()
