"""The tutorial runs, block after block, in a copy of what the repository holds.

Called by `make docs`; it takes too long to be one of the tests of a change.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from pages import all_blocks, read

ROOT = Path(__file__).parents[1]
PAGE = read(ROOT / "docs" / "tutorial.md")
# Sets up the environment that is running this, and is a command of .ci/run itself.
SET_UP = "make smoke\n. .venv/bin/activate\n"


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """What git would clone, as it is now."""
    folder = tmp_path_factory.mktemp("clone")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        source, copy = ROOT / name, folder / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    return folder


def run(language: str, code: str, clone: Path) -> str:
    """What a block prints, in the environment that runs this."""
    command = {"sh": ["sh", "-e", "-c", code], "python": [sys.executable, "-c", code]}[language]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        command, cwd=clone, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert result.returncode == 0, f"{code}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def same(line: str, printed: str) -> bool:
    """Whether two lines are one, up to the round-off of another processor."""
    ours, theirs = (re.split(r"([\s,]+)", text) for text in (line, printed))
    if len(ours) != len(theirs):
        return False
    return all(a == b or close(a, b) for a, b in zip(ours, theirs, strict=True))


def close(one: str, other: str) -> bool:
    try:
        return float(one) == pytest.approx(float(other), rel=1e-6)
    except ValueError:
        return False


def test_the_tutorial_runs_as_it_stands(clone):
    blocks = all_blocks(PAGE)
    assert blocks[0] == ("sh", SET_UP)
    assert "timed make smoke\n" in read(ROOT / ".ci" / "run")
    printed = ""
    for language, code in blocks[1:]:
        if language != "text":
            printed = run(language, code, clone)
            continue
        wanted = code.splitlines()
        assert wanted
        missing = [
            line for line in wanted if not any(map(partial(same, line), printed.splitlines()))
        ]
        assert missing == [], printed
    results = clone / "results" / "first"
    for name in ("summary.html", "verdicts.csv", "figures/cluster/direct_terms.png"):
        assert (results / name).stat().st_size > 0, name
