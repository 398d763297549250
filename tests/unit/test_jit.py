"""Compiled code is looked up by the source it came from."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.errors import NumbaError

import glasscade
from glasscade import jit as module
from glasscade.jit import cache_folder, inner, jit, name_of_code, pjit


@jit
def _divide(a: float, b: float) -> float:
    return a / b


@pjit
def _sum(values: np.ndarray) -> float:
    total = 0.0
    for index in numba.prange(values.size):
        total += values[index]
    return total


@inner
def _ends(values: np.ndarray) -> float:
    tail = values[-1:]
    return values[0] + tail[0]


@inner
def _twice(values: np.ndarray) -> float:
    return np.sum(2.0 * values)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, from which the folder of the cache is derived."""
    root = tmp_path / "glasscade"
    source = Path(module.__file__).parent
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "__file__", str(root / "jit.py"))
    return root


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_folder_follows_the_source_of_compiled_modules(package: Path) -> None:
    before = name_of_code()
    append(package / "potentials" / "kernels.py", "\nEXTRA = 1\n")
    assert name_of_code() != before


def test_the_folder_follows_the_decorators(package: Path) -> None:
    before = name_of_code()
    append(package / "jit.py", "\nEXTRA = 1\n")
    assert name_of_code() != before


def test_the_folder_does_not_follow_the_rest(package: Path) -> None:
    before = name_of_code()
    append(package / "config" / "base.py", "\nEXTRA = 1\n")
    assert name_of_code() == before


def test_the_folder_is_where_the_user_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().parent == tmp_path / "glasscade"


def test_every_processor_has_a_folder(tmp_path: Path) -> None:
    """Of one that has another name, and of one that numba is told to take for it."""
    code = "from glasscade import jit; print(jit.processor()[0], jit.WARM)"

    def told(**environment: str) -> list[str]:
        keys = {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": ""} | environment
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=os.environ | keys, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    (here, marker), (other, of_other) = told(), told(NUMBA_CPU_NAME="generic")
    assert other == "generic" != here
    assert Path(marker).parent != Path(of_other).parent
    # Where the user says where, as well.
    chosen, of_other = (
        Path(told(NUMBA_CACHE_DIR=str(tmp_path / "own"), **keys)[1])
        for keys in ({}, {"NUMBA_CPU_NAME": "generic"})
    )
    assert chosen.parents[1] == of_other.parents[1] == tmp_path / "own"
    assert chosen.parent != of_other.parent


def test_a_copy_of_the_package_has_a_folder_of_its_own(package: Path) -> None:
    """numba does not find kernels of another place, nor would the mark of the warm-up be true."""
    assert name_of_code(Path(glasscade.__file__).parent) != name_of_code(package)


HELPER = """
from glasscade.jit import jit

@jit
def helper(x):
    return 2.0 * x
"""
CALLER = """
from glasscade.helper import helper
from glasscade.jit import jit

@jit
def caller(x):
    return helper(x)
"""


@pytest.mark.parametrize("given", [True, False])
def test_an_edit_of_a_helper_in_another_module_is_noticed(tmp_path: Path, given: bool) -> None:
    """Wherever compiled code is kept; numba looks at the module of the caller alone."""
    root = tmp_path / "src" / "glasscade"
    source = Path(glasscade.__file__).parent
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "helper.py").write_text(HELPER, encoding="utf-8")
    (root / "caller.py").write_text(CALLER, encoding="utf-8")
    keys = {"PYTHONPATH": str(root.parent), "NUMBA_CACHE_DIR": ""}
    keys["NUMBA_CACHE_DIR" if given else "XDG_CACHE_HOME"] = str(tmp_path / "cache")
    command = [sys.executable, "-c", "from glasscade.caller import caller; print(caller(1.0))"]

    def answer() -> float:
        done = subprocess.run(
            command, env=os.environ | keys, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    assert answer() == 2.0
    # Of another length: Python itself takes an edit within a second for none.
    (root / "helper.py").write_text(HELPER.replace("2.0", "3.25"), encoding="utf-8")
    assert answer() == 3.25


def test_no_module_compiles_past_the_decorators() -> None:
    """numba is named in one module, so that every kernel is in the digest of the folder."""
    root = Path(module.__file__).parent
    users = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "njit" in path.read_text(encoding="utf-8") and path.name != "jit.py"
    ]
    assert users == []


def test_division_by_zero_is_that_of_numpy() -> None:
    """A diverging run must be noticed: infinities and NaN are results, not errors or nonsense."""
    assert _divide(1.0, 0.0) == math.inf
    assert math.isnan(_divide(0.0, 0.0))


def test_a_parallel_sum_is_a_sum() -> None:
    values = np.arange(1000.0)
    assert _sum(values) == 499500.0  # whole numbers below 2^53: exact in any order


CALLER_AND_CALLEE = """
import sys
import numpy as np
from glasscade.jit import jit

@jit
def callee(x, rate, out):
    for lane in range(x.shape[0]):
        total = 0.0
        for c in range(x.shape[1]):
            y = x[lane, c]
            total += y * rate * y * (y - rate) * rate + (y * rate + y) * (y * rate - rate)
        out[lane] += total

@jit
def caller(x, rate, out):
    # Called twice, so that it is not inlined.
    callee(x, rate, out)
    if out[0] < 0.0:
        callee(x, 0.7 * rate, out)

x = np.random.default_rng(1).standard_normal((1000, 7))
for name in sys.argv[1:]:
    out = np.zeros(1000)
    globals()[name](x, 0.3, out)
    print(name, out.tobytes().hex())
"""


def bits(folder: Path, *names: str) -> dict[str, str]:
    """What kernels give that a new process calls one after the other."""
    script = folder / "kernels.py"
    script.write_text(CALLER_AND_CALLEE, encoding="utf-8")
    command = [sys.executable, str(script), *names]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(line.split() for line in result.stdout.splitlines())


def test_compiled_and_loaded_kernels_have_the_same_bits(tmp_path: Path) -> None:
    """As the only kernel of a process, and behind another that it calls."""
    compiled = bits(tmp_path, "caller")
    assert bits(tmp_path, "caller") == compiled
    assert bits(tmp_path, "callee", "caller")["caller"] == compiled["caller"]
    shutil.rmtree(tmp_path / "cache")
    assert bits(tmp_path, "callee", "caller")["caller"] == compiled["caller"]


def test_inner_functions_see_arrays_and_make_none() -> None:
    assert _ends(np.arange(4.0)) == 3.0
    with pytest.raises(NumbaError, match="NRT required"):
        _twice(np.arange(4.0))


def test_another_processor_can_be_compiled_for() -> None:
    """Its name alone must not keep the features of this one; as numba takes it."""
    code = "from glasscade import jit; print(jit.processor())"
    environment = dict(os.environ, NUMBA_CPU_NAME="generic")
    environment.pop("NUMBA_CPU_FEATURES", None)
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "('generic', '')"
