"""Where a result comes from: code digest, versions, commit, parameters, seed.

The digest of a module covers every module of the package it imports, directly or not, and looks
only at what the code does: comments, docstrings and layout do not change it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGE = "glasscade"
ROOT = Path(__file__).parent
RECORDED = ("numpy", "scipy", "numba", "xarray", "netCDF4", "ducc0", "PyWavelets", "snakemake")


def code_digest(*modules: str, scripts: tuple[Path, ...] = ()) -> str:
    """Twelve hexadecimal digits of the code behind the named modules and of scripts beside it."""
    digest = hashlib.sha256()
    for module in sorted(_closure(modules)):
        digest.update(module.encode())
        digest.update(_normalised(_file(module)).encode())
    for script in scripts:
        digest.update(_normalised(script).encode())
    return digest.hexdigest()[:12]


def imported_modules(module: str) -> set[str]:
    """Modules of the package that `module` imports directly, with the packages they sit in."""
    found: set[str] = set()
    for node in ast.walk(_tree(_file(module))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            found |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return {name for name in found if name.split(".")[0] == PACKAGE and _exists(name)}


def attributes(parameters: dict[str, Any], *modules: str) -> dict[str, str]:
    """Attributes that every file of a run carries."""
    return {
        "glasscade_version": version(PACKAGE),
        "code_digest": code_digest(*modules),
        "git_commit": git_commit(),
        "parameters": json.dumps(parameters, sort_keys=True),
        "versions": json.dumps(
            {"python": platform.python_version()} | {name: version(name) for name in RECORDED}
        ),
    }


@cache
def git_commit() -> str:
    """The commit of the source tree, with '+' if it has uncommitted changes, or 'unknown'."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return result.stdout.strip()


def _closure(modules: tuple[str, ...]) -> set[str]:
    seen: set[str] = set()
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending.extend(imported_modules(module))
    return seen


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exists(module: str) -> bool:
    return _file(module).is_file()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _normalised(path: Path) -> str:
    """The syntax tree without docstrings, as text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_docstring(item)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
