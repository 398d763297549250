"""What is never done: run what is in a file, or hand a value of the configuration to a shell."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import studies
from glasscade import config
from glasscade.config.files import FILE, OUTSIDE
from glasscade.errors import ConfigError, DataError
from glasscade.jit import cache_folder, require_private

ROOT = Path(__file__).parents[2]
PYTHON = [
    path
    for folder in ("src", "workflow", "benchmarks", "docs")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow").rglob("*.smk"))]

FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "dbm",
    "code", "codeop", "pty", "commands", "tarfile",
}  # fmt: skip
"""Of archives none are read; zipfile is imported for the name of its error."""
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
FORBIDDEN_CALLS = {
    "os.system", "os.popen", "os.execv", "os.execvp", "os.execl", "os.spawnl", "os.spawnv",
    "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp", "runpy.run_path",
    "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "numpy.fromfile",
    "pandas.read_pickle", "pandas.eval", "numba.core.serialize.loads",
}  # fmt: skip
"""Of YAML only `config.plain` makes data, with a loader of its own that has no tags."""
FORBIDDEN_METHODS = {
    "extract",
    "extractall",
    "unpack_archive",
    "read_pickle",
    "to_pickle",
    "tofile",
}


def aliases(tree: ast.AST) -> dict[str, str]:
    """What imported names stand for."""
    known = {"np": "numpy", "pd": "pandas", "nb": "numba"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {n.asname or n.name.split(".")[0]: n.name for n in node.names if n.asname}
        elif isinstance(node, ast.ImportFrom):
            known |= {n.asname or n.name: f"{node.module}.{n.name}" for n in node.names}
    return known


def called(node: ast.Call, known: dict[str, str]) -> str:
    """The dotted name of what is called."""
    first, _, rest = ast.unparse(node.func).partition(".")
    return ".".join(filter(None, (known.get(first, first), rest)))


def offences(source: str) -> list[str]:
    """What a module does that none may do."""
    tree, found = ast.parse(source), []
    known = aliases(tree)
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        found += [f"import {m}" for m in modules if m.split(".")[0] in FORBIDDEN_MODULES]
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            found.append(node.id)
        if not isinstance(node, ast.Call):
            continue
        name = called(node, known)
        if name in FORBIDDEN_CALLS or name.rpartition(".")[2] in FORBIDDEN_METHODS:
            found.append(name)
        for keyword in node.keywords:
            # Anything but the constant False: a variable could be true.
            harmless = isinstance(keyword.value, ast.Constant) and not keyword.value.value
            if keyword.arg in ("allow_pickle", "shell") and not harmless:
                found.append(f"{name}({keyword.arg}=...)")
        if name == "subprocess.run" and not isinstance(node.args[0], ast.List | ast.Name):
            found.append(f"{name} of text")
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from marshal import loads",
        "eval('1')",
        "f = exec",
        "compile('1', '', 'eval')",
        "import numpy as n\nn.load('x', allow_pickle=True)",
        "import numpy as np\nnp.load('x', allow_pickle=flag)",
        "import yaml\nyaml.load(text, yaml.FullLoader)",
        "from yaml import load\nload(text)",
        "import yaml as y\ny.unsafe_load(text)",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import subprocess\nsubprocess.run(f'ls {name}')",
        "from os import system as s\ns('ls')",
        "import os\nos.popen('ls')",
        "import tempfile\ntempfile.mktemp()",
        "archive.extractall()",
    ],
)
def test_offences_are_seen(source: str) -> None:
    assert offences(source)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


def test_there_are_modules_to_look_at() -> None:
    assert len(PYTHON) > 150
    assert len(RULES) >= 5


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_has_a_shell(path: Path) -> None:
    """Rules call scripts, which get values as objects: no text is put together for a shell."""
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(shell|run|wrapper|cwl|notebook|template_engine)\s*:", text, re.M)
    assert not re.search(r"\b(eval|exec|pickle|shell|system|popen|subprocess)\s*[(.]", text), (
        "a call that runs text"
    )
    assert not re.search(r"^\s*configfile:", text, re.M)


def test_the_make_file_hands_no_value_of_a_configuration_to_a_shell() -> None:
    """But where results go, which is letters, digits and underscores."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"\$\$\((.*) \$\(1\)\)", text) == ["glasscade check --quiet"]
    assert config.parse(studies.study() | {"study": "mine_2"}).study == "mine_2"
    for bad in ("a b", "a;b", "$(a)", "`a`", "../a", "a/b", "a\n", "-a", "*"):
        with pytest.raises(ConfigError, match="study"):
            config.parse(studies.study() | {"study": bad})


EVIL = """
__use_yte__: true
study: ?open({marker!r}, "w").close() or "mine"
"""


@pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="make would set up an environment of its own"
)
def test_make_has_a_configuration_read_by_our_reader_alone_before_it_runs(tmp_path: Path) -> None:
    """Snakemake's reader runs the Python in such a file."""
    marker, path = tmp_path / "marker", tmp_path / "mine.yaml"
    path.write_text(EVIL.format(marker=str(marker)), encoding="utf-8")
    command = ["make", "--no-print-directory", "study", f"CONFIG={path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"glasscade: {path}: __use_yte__" in done.stderr
    assert not marker.exists()


def free_text(section: dict[str, Any]) -> set[str]:
    """The keys of a section that hold any text at all."""
    bounds = {"enum", "const", "pattern"}
    return {
        key
        for key, value in section.get("properties", {}).items()
        if '"type": "string"' in json.dumps(value)
        and not any(f'"{b}"' in json.dumps(value) for b in bounds)
    }


def test_every_key_that_names_a_file_is_looked_after() -> None:
    """`config.files` finds files by the name of their key: no other key may hold any text."""
    schema = config.Study.model_json_schema()
    keys = set().union(*map(free_text, schema["$defs"].values()))
    assert keys == {FILE}
    assert free_text(schema) == {OUTSIDE}


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o700])
def test_compiled_code_lies_where_nobody_else_can_write(tmp_path: Path, mode: int) -> None:
    """What numba keeps is run when it is loaded."""
    folder = tmp_path / "above" / "cache"
    if mode != 0o700:
        folder.mkdir(parents=True)
        folder.chmod(mode)
    require_private(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(DataError, match=r"belongs to another user.*set XDG_CACHE_HOME"):
        require_private(tmp_path)


def test_without_a_place_to_write_another_private_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "other"))
    folder = cache_folder()
    assert folder.parent.parent == tmp_path / "other"
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("given", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_without_any_place_to_write_the_one_to_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv(given, str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(DataError, match=f"can be made there; set {given}"):
        cache_folder()
