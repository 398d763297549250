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
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from glasscade.jit import cache_root, processor

PACKAGE = "glasscade"
ROOT = Path(__file__).parent
SOURCE = ROOT.parents[1]
"""The root of the repository, where the package runs from a clone."""
RECORDED = ("numpy", "scipy", "numba", "xarray", "netCDF4", "ducc0", "PyWavelets", "snakemake")


class Syntax(NamedTuple):
    """What matters of a file: a digest of what its code does, and the names it imports."""

    digest: str
    imports: list[str]


def code_digest(*modules: str, scripts: tuple[Path, ...] = ()) -> str:
    """Twelve hexadecimal digits of the code behind the named modules and of scripts beside it."""
    digest = hashlib.sha256()
    for module in sorted(_closure(modules)):
        digest.update(module.encode())
        digest.update(_syntax(_file(module)).digest.encode())
    for script in scripts:
        digest.update(_syntax(script).digest.encode())
    return digest.hexdigest()[:12]


def imported_modules(module: str) -> set[str]:
    """Modules of the package that `module` imports directly, with the packages they sit in."""
    found: set[str] = set()
    for name in _syntax(_file(module)).imports:
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
        "versions": json.dumps(versions()),
        "machine": json.dumps(machine()),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers come from."""
    return {"python": platform.python_version()} | {name: version(name) for name in RECORDED}


@cache
def machine() -> dict[str, str]:
    """The system, the name of the processor, and what kernels are compiled for.

    Two machines with the same `target` and `features` run the same machine code.
    """
    name, features = processor()
    used = sorted(feature[1:] for feature in features.split(",") if feature.startswith("+"))
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "target": name,
        "features": ",".join(used),
    }


def _processor() -> str:
    """The name that the system has for its processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def lock_digest() -> str:
    """The SHA-256 of the lock file beside the source, empty where there is none."""
    return _digest_beside("requirements.lock")


def citation_digest() -> str:
    """The same of the citation file."""
    return _digest_beside("CITATION.cff")


def _digest_beside(name: str) -> str:
    with suppress(OSError):
        return hashlib.sha256((SOURCE / name).read_bytes()).hexdigest()
    return ""


def parameters_digest(parameters: dict[str, Any]) -> str:
    """Twelve hexadecimal digits of what a job was given.

    Of the file of a trajectory only its name counts, since folders differ between machines.
    """
    text = json.dumps(portable(parameters), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def portable(value: Any) -> Any:
    """Parameters without what folders have to do with them: of trajectories only the name."""
    if isinstance(value, dict):
        kept = {key: portable(entry) for key, entry in value.items() if key != "outside_folders"}
        return kept | {"file": Path(value["file"]).name} if _is_trajectory(value) else kept
    return [portable(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _is_trajectory(value: dict[str, Any]) -> bool:
    return value.get("kind") == "trajectory" and isinstance(value.get("file"), str)


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
def _syntax(path: Path) -> Syntax:
    """The syntax of a file, from the cache if the same text was parsed before.

    Parsing what a stage imports takes half a second, and every job does it.
    """
    text = path.read_bytes()
    parser = sys.version.encode() + Path(__file__).read_bytes()
    kept = cache_root() / "syntax" / hashlib.sha256(parser + text).hexdigest()
    with suppress(OSError, ValueError, TypeError):
        return Syntax(*json.loads(kept.read_text(encoding="utf-8")))
    syntax = _parse(text)
    with suppress(OSError):  # a cache that cannot be written to is none
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{uuid4().hex}")
        temporary.write_text(json.dumps(syntax), encoding="utf-8")
        temporary.replace(kept)
    return syntax


def _parse(text: bytes) -> Syntax:
    """The syntax tree without docstrings, as a digest, and absolute imports."""
    tree, imports = ast.parse(text), []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [item for item in body if not _is_docstring(item)]  # type: ignore[attr-defined]
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return Syntax(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
