"""The tutorial runs, block after block, in a copy of what the repository holds.

Called by `make docs`; it takes too long to be one of the tests of a change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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


def test_the_tutorial_runs_as_it_stands(clone):
    blocks = all_blocks(PAGE)
    assert blocks[0] == ("sh", SET_UP)
    assert "timed make smoke\n" in read(ROOT / ".ci" / "run")
    printed = ""
    for language, code in blocks[1:]:
        if language != "text":
            printed = run(language, code, clone)
            continue
        missing = [line for line in code.splitlines() if line not in printed.splitlines()]
        assert code and missing == [], printed
    results = clone / "results" / "first"
    for name in ("summary.html", "verdicts.csv", "figures/cluster/direct_terms.png"):
        assert (results / name).stat().st_size > 0, name
