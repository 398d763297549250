"""Runs of a study that are disturbed: what is started, what is found there, what is left."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from clones import Clone
from glasscade.paths import checkpoint
from glasscade.stages.record import origin_of
from studies import GLASS, ROUGH, Raw, study

PATIENCE = 600.0
"""Seconds after which something that was to happen has not; several times what it takes."""
STATE = "state/glass/T0/block0.nc"
BUDGET = "budget/glass/T0/ell0_0.6_0.8_1_1.4_2/block0.nc"
STRUCTURE = "structure/glass/T0/block0.nc"
ROUGH_STATE = "state/rough/T0/block0.nc"
ROUGH_BUDGET = "budget/rough/T0/ell0.02_0.03_0.05_0.08_0.12/block0.nc"
ROUGH_STRUCTURE = "structure/rough/T0/block0.nc"


def small() -> Raw:
    """Particles whose simulation leaves twenty checkpoints in some seconds, and a rough density."""
    glass = {
        "system": GLASS
        | {
            "number": 256,
            "duration": 6000.0,
            "snapshots": 13,
            "onset": 1.0,
            "checkpoint_steps": 15000,
        },
        "sweep": {"temperature": [0], "ell": [[0, 0.6, 0.8, 1, 1.4, 2]]},
        "window": [0.3, 2.4],
        "relaxation": {"window": [1.0, 6000.0]},
    }
    raw = study(glass=glass, rough=ROUGH)
    raw["models"]["rough"]["sweep"]["realisations"] = 2
    return raw


def until(happened: Callable[[], Any], what: str) -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(0.01)
    return found


@dataclass
class Run:
    """A run of Snakemake under way, in a process group of its own."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self.said.read_text(encoding="utf-8", errors="replace")

    def job(self, log: str) -> psutil.Process:
        """The process of the job with this log, as soon as there is one."""
        return until(lambda: self._job(log), f"the job of {log} runs: {self.output}")

    def _job(self, log: str) -> psutil.Process | None:
        assert self.process.poll() is None, f"it ended before the job of {log} ran: {self.output}"
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if any(file.path.endswith(log) for file in child.open_files()):
                        return child
        return None

    def kill_group(self, number: int = signal.SIGKILL) -> None:
        os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        return self.process.wait(PATIENCE)


@dataclass(frozen=True)
class Ground:
    """A clone in which a study is disturbed."""

    clone: Clone

    @property
    def results(self) -> Path:
        return self.clone.results

    @property
    def checkpoint(self) -> Path:
        return checkpoint(self.results / STATE)

    def configure(self, raw: Raw) -> None:
        path = self.clone.root / "config" / "small.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")

    def start(self, *arguments: str, **environment: str) -> Run:
        """Start Snakemake on the small study; returns at once."""
        self.configure(small())
        command = [sys.executable, "-m", "snakemake", "--cores", "2"]
        return self.spawn(*command, *arguments, "--configfile", "config/small.yaml", **environment)

    def spawn(self, *command: str, **environment: str) -> Run:
        """Start any command in the clone, with its package."""
        surroundings = os.environ | {"PYTHONPATH": str(self.clone.root / "src")} | environment
        for name in ("PYTHONDONTWRITEBYTECODE", "SNAKEMAKE_PROFILE"):
            surroundings.pop(name, None)
        said = self.clone.root / f"said{time.monotonic_ns()}.txt"
        with said.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=self.clone.root,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(process, said)

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run Snakemake to its end, a good one if `code` is 0, and return what it said."""
        run = self.start(*arguments, **environment)
        ended = run.end()
        assert (ended != 0) == (code != 0), f"exit code {ended}: {run.output}"
        assert "Traceback" not in run.output, run.output
        return run.output

    def planned(self, *arguments: str) -> int:
        """How many jobs a run would start."""
        said = self.run("--dry-run", *arguments)
        if "Nothing to be done" in said:
            return 0
        totals = [line for line in said.splitlines() if line.startswith("total ")]
        return int(totals[-1].split()[1])

    def target(self, *names: str) -> list[str]:
        """Results as targets of Snakemake."""
        return [f"results/small/{name}" for name in names]

    def finished(self) -> dict[str, tuple[int, int]]:
        """Inode and time of every result of a job that has ended, and of its benchmark."""
        files = (path for path in self.results.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.results)): (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in files
            if not path.name.startswith(".") and path.suffix != ".log"
        }

    def data(self) -> dict[str, str]:
        """Digest of the data of every result; the page, which tells its date, is left out."""
        found = {}
        for path in self.results.rglob("*"):
            if path.suffix == ".nc":
                found[str(path.relative_to(self.results))] = origin_of(path).data
            elif path.suffix in (".csv", ".png"):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(self.results))] = digest
        return found

    def log(self, stage: str, name: str) -> str:
        return (self.results / "logs" / stage / f"{name}.log").read_text(encoding="utf-8")

    def require_tidy(self) -> None:
        """No half-written file is left."""
        left = [str(path) for path in self.results.rglob("*.part")]
        assert left == [], left


@contextmanager
def kept(ground: Ground) -> Iterator[None]:
    """What was finished before is not touched within."""
    before = ground.finished()
    yield
    after = ground.finished()
    touched = [name for name in before if after.get(name) != before[name]]
    assert touched == [], f"computed again or lost: {touched}"


def line_of(text: str, words: str) -> str:
    """The first line that has these words, for the table."""
    found = [line.strip() for line in text.splitlines() if words in line]
    assert found, f"nobody said {words!r}: {text}"
    return found[0]
