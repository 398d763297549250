"""After the warm-up a job has nothing left to compile."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import studies
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
