"""After the warm-up a job has nothing left to compile; it is made once, whoever else begins it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import studies
from glasscade.particles.dynamics import PARALLEL_FROM
from glasscade.stages import warm

GLASS = studies.GLASS | {"duration": 0.1}
JOBS = [
    studies.FIELD["system"] | {"points": 128},
    studies.FIELD["system"] | {"points": 128, "measure": {"points": 32}},
    studies.FIELD["system"]
    | {
        "points": 128,
        "dimensions": 2,
        "duration": 0.04,
        "potential": {"kind": "free_cone", "strength": 1.0, "reach": 10.0},
        "start": {"kind": "bumps", "bumps": [{"centre": [0.5, 0.5], "width": 1.0}]},
        "measure": {"points": 16, "merge": 0.5},
    },
    studies.ROUGH["system"] | {"points": 128},
    studies.ROUGH["system"] | {"points": 128, "dimensions": 2},
    studies.CLUSTER["system"],
    GLASS,
    GLASS | {"dimensions": 3, "number": 64},
    GLASS | {"number": PARALLEL_FROM},
]
# A kernel that a job calls with other types than the warm-up, or that the warm-up does not call,
# gains a signature; one that calls it does not gain any when it comes out of the cache.
PROGRAM = """
import gc, json, sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from glasscade.budget.smearing import TestFunctions
from glasscade.config import SYSTEM
from glasscade.stages import reduce, simulate, structure, warm

def compiled():
    kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    return {
        f"{each.py_func.__module__}.{each.py_func.__name__}{signature}"
        for each in kernels for signature in each.signatures
        if each.py_func.__module__.startswith("glasscade")
    }

folder = Path(sys.argv[1])
warm.run(folder / "warm.txt")
before = compiled()
for raw in json.loads(sys.argv[2]):
    system = SYSTEM.validate_python(raw)
    functions = TestFunctions.bumps(system.dimension, 1, 1, seed=1)
    state = simulate.simulate(system, 0.0, [0], 1)
    scale = 0.2 * system.length
    reduction = reduce.reduction_of(system, 0.0, ["gaussian"], functions)
    reduce.balances(reduction, state, [0.0, scale])
    if system.dimension < 3:
        nulls = {"liquid_temperature": 0.1, "liquid_duration": 0.1}
        job = {"orders": [-1.0, 0.0, 2.5, 3.0], "seed": 1, "nulls": nulls}
        structure.structure(system, state, job)
print(json.dumps([sorted(before), sorted(compiled() - before)]))
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """Kernels compiled by the warm-up and by jobs after it, in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("warm"))]
    done = subprocess.run([*command, json.dumps(JOBS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_jobs_of_every_kind_compile_nothing_more(kernels):
    before, after = kernels
    assert len(before) > 5
    assert after == []


def test_the_note_says_how_long_it_took(tmp_path: Path):
    warm.run(tmp_path / "warm.txt")
    note = (tmp_path / "warm.txt").read_text(encoding="utf-8")
    assert note.startswith("kernels compiled or found in the cache in ")


# The real lock and marker, and in place of all kernels a line in a file.
ONE_OF_SEVERAL = """
import os, sys, time
from pathlib import Path
from glasscade.stages import warm

folder = Path(sys.argv[1])

def run(marker):
    with (folder / "compiled").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(3.0)
    marker.write_text("done")

warm.run = run
warm.LIFE_SIGN, warm.SILENCE, warm.PAUSE = 0.1, float(sys.argv[2]), 0.02
(folder / f"ready{os.getpid()}").touch()
while len(list(folder.glob("ready*"))) < int(sys.argv[3]):
    time.sleep(0.01)
warm.once(folder / "cache" / "warm.txt")
assert (folder / "cache" / "warm.txt").read_text() == "done"
"""


def started(folder: Path, silence: float, processes: int) -> list[subprocess.Popen]:
    """Processes that all want kernels, at the same moment."""
    command = [sys.executable, "-c", ONE_OF_SEVERAL, str(folder), str(silence), str(processes)]
    return [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(processes)]


def test_one_of_two_processes_compiles_and_the_other_waits(tmp_path: Path):
    """Signs of life keep the lock for longer than it would be kept without."""
    for process in started(tmp_path, 2.0, 2):
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    assert (tmp_path / "compiled").read_text().count("\n") == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["warm.txt"]


def test_a_process_that_is_killed_leaves_its_work_to_the_next(tmp_path: Path):
    [first] = started(tmp_path, 1.0, 1)
    while not (tmp_path / "compiled").exists():
        time.sleep(0.01)
    first.kill()
    first.communicate()
    lock = tmp_path / "cache" / "warm.lock"
    assert lock.exists()
    os.utime(lock, (4e9, 4e9))  # by a clock that is decades ahead
    [second] = started(tmp_path, 1.0, 1)
    assert b"whoever compiled here is gone" in second.communicate()[1]
    assert second.returncode == 0
    assert (tmp_path / "compiled").read_text().count("\n") == 2
    assert not lock.exists()


def test_compiled_kernels_are_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    marker = tmp_path / "warm.txt"
    marker.touch()
    monkeypatch.setattr(warm, "run", None)
    warm.once(marker)
