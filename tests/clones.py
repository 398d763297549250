"""Copies of the repository in which a small study runs, and what Snakemake says there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from glasscade.jit import cache_folder, name_of_code
from studies import CLUSTER, ROUGH, Raw, changed, study

ROOT = Path(__file__).parents[1]
WILDCARDS = ("model", "temperature", "ell", "block")


def small() -> Raw:
    """The study that has run: one batch of scales and one block, as few jobs as possible."""
    raw = study(point=CLUSTER, rough=ROUGH)
    raw = changed(raw, "models.point.sweep.temperature", [0, 0.004, [0.005, 0.006, 0.008]])
    raw = changed(raw, "models.point.sweep.ell", [[0, 0.01, 0.02, 0.03, 0.04, 0.08]])
    return changed(raw, "models.rough.sweep.realisations", 2)


@dataclass(frozen=True)
class Outcome:
    """What a call of Snakemake left behind."""

    code: int
    output: str

    @property
    def jobs(self) -> set[str]:
        """Rules and wildcards of the jobs of a dry run, without the target: 'reduce point 0 …'."""
        found = set()
        for rule, body in re.findall(r"^(?:local)?rule (\S+):\n((?: .*\n)+)", self.output, re.M):
            values = dict(
                re.findall(r"(\w+)=([^,\s]+)", "".join(re.findall(r"wildcards: .*", body)))
            )
            found.add(" ".join([rule, *(values[name] for name in WILDCARDS if name in values)]))
        return found - {"all"}

    @property
    def counts(self) -> Counter[str]:
        """Number of jobs of each rule, from the table that Snakemake prints."""
        table = self.output.partition("Job stats:\n")[2].partition("\n\n")[0]
        return Counter({name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.M)})


@dataclass(frozen=True)
class Clone:
    """A copy of what a study needs, with its own package and its own results."""

    root: Path

    @property
    def results(self) -> Path:
        return self.root / "results" / "small"

    def snakemake(self, raw: Raw | str, *arguments: str) -> Outcome:
        """Run Snakemake on a configuration, given as data or as the text of its file."""
        path = self.root / "config" / "small.yaml"
        path.write_text(raw if isinstance(raw, str) else yaml.safe_dump(raw), encoding="utf-8")
        return self.call(*arguments, "--configfile", "config/small.yaml")

    def plan(self, raw: Raw | str) -> Outcome:
        """What would run."""
        outcome = self.snakemake(raw, "--dry-run")
        assert outcome.code == 0, outcome.output
        return outcome

    def call(self, *arguments: str) -> Outcome:
        """Run Snakemake with the package of this clone, as a user would in its folder."""
        environment = dict(os.environ, PYTHONPATH=str(self.root / "src"))
        for name in ("PYTHONDONTWRITEBYTECODE", "SNAKEMAKE_PROFILE"):
            environment.pop(name, None)
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    @contextmanager
    def edited(self, *edits: tuple[str, str, str]) -> Iterator[None]:
        """Replace text in files, (path, old, new), until the block ends."""
        paths = [self.root / name for name, _, _ in edits]
        before = {path: path.read_text(encoding="utf-8") for path in paths}
        try:
            for path, (_, old, new) in zip(paths, edits, strict=True):
                text = path.read_text(encoding="utf-8")
                assert old in text, f"{path} has no {old!r}"
                path.write_text(text.replace(old, new, 1), encoding="utf-8")
            yield
        finally:
            for path, text in before.items():
                path.write_text(text, encoding="utf-8")

    def copied(self, root: Path) -> Clone:
        """A copy with its results, in a new folder."""
        shutil.copytree(self.root, root, symlinks=True)
        _share_kernels(self.root, root)
        return Clone(root)


def copy_of_repository(root: Path) -> Clone:
    """Everything that a study needs but results, in a new folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("workflow", "config", "src/glasscade"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    for name in ("Snakefile", "profiles"):
        shutil.copy2(ROOT / name, root / name, follow_symlinks=False)
    _share_kernels(ROOT, root)
    return Clone(root)


def _share_kernels(source: Path, target: Path) -> None:
    """Give a copy of the package the kernels compiled so far: compiling takes most of a minute.

    Where numba keeps them is its own affair. Were it to change that, all would be compiled anew.
    """
    old, new = (_code_of(root / "src" / "glasscade") for root in (source, target))
    for folder in (source / "src" / "glasscade").glob("**/"):
        compiled = old / _kernels_of(folder)
        if compiled.is_dir():
            twin = new / _kernels_of(target / folder.relative_to(source))
            shutil.copytree(compiled, twin, dirs_exist_ok=True)
    for mark in old.glob("warm.txt"):
        shutil.copy2(mark, new)


def _code_of(package: Path) -> Path:
    """The folder of the compiled code of a copy of the package."""
    return cache_folder().parent / name_of_code(package)


def _kernels_of(folder: Path) -> str:
    """The folder in it where numba keeps what is compiled from the modules of a folder."""
    return f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}"
