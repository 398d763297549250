"""Files with mistakes are refused in one sentence, or what is made of them is right.

The same on thousands of them: `python tests/fuzz/run.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import studies
from fuzz.targets import Target, judge, targets
from glasscade import config
from glasscade.errors import ConfigError
from mutants import MODELS, unshared
from studies import changed

FEW, MANY = 15, 150
"""Inputs of each kind of file, and of configurations."""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return {target.name: target for target in targets(tmp_path_factory.mktemp("good"))}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "name",
    ["study.yaml", "run.dump", "wrapped.dump", "run.dump.gz", "run.gsd", "run.nc", "ours.nc",
     "table.txt", "state.nc", "checkpoint.npz", "verdicts.csv",
     "ro-crate-metadata.json", "figure.csv", "CITATION.cff"],
)  # fmt: skip
def test_files_with_mistakes(
    name: str, kinds: dict[str, Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.dump").write_text("of the model imported")
    target, path, seen = kinds[name], tmp_path / name, Counter[bool]()

    @settings(
        max_examples=MANY if name == "study.yaml" else FEW, suppress_health_check=list(HealthCheck)
    )
    @given(target.contents)
    def mistaken(content: bytes) -> None:
        path.write_bytes(content)
        seen[judge(target.check, path)] += 1

    mistaken()
    assert seen[False] > 0, "every input was accepted"


@pytest.mark.parametrize(
    "name",
    ["run.dump", "wrapped.dump", "run.gsd", "run.nc", "ours.nc", "state.nc", "checkpoint.npz"],
)
def test_good_files_are_accepted(name: str, kinds: dict[str, Target], tmp_path: Path) -> None:
    """Otherwise no damaged one would get further than the first check."""
    folder = tmp_path / "good"
    folder.mkdir()
    [again] = [target for target in targets(folder) if target.name == name]
    path = tmp_path / name
    path.write_bytes((folder / name).read_bytes())
    assert judge(again.check, path)


GLASS, LINE = "models.glass.system", "models.smooth.system"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        # numbers whose products leave double precision
        (f"{LINE}.length", 1e160, "length must be 0 or between 1e-30 and 1e.30 in size"),
        (f"{LINE}.duration", 5e-324, "duration must be 0 or between 1e-30 and 1e"),
        (f"{LINE}.potential.width", 1e-300, "width must be 0 or between"),
        ("models.smooth.sweep.temperature", [0, 0.1, 0.2, 0.3, 1e-60], "temperature must be 0 or"),
        (f"{GLASS}.composition.number_density", 5e-324, "number_density must be 0 or between"),
        ("seed", 10**400, "seed must be 0 or between"),
        # more than there is memory or time for
        (f"{GLASS}.external.1.k_max", 1e6, "external: the cell has modes up to .* lower k_max"),
        (f"{GLASS}.external.0.wave.0", 2**63, r"wave\.0: .*less than or equal to 1048576"),
        (f"{GLASS}.external.1.exponent", 1e3, r"exponent: .*less than or equal to 8"),
        (f"{GLASS}.dt", 1e-20, "duration/dt must be at most 1e.12 steps, not 5e.19"),
        (f"{GLASS}.preparation.dt", 1e-25, "it must take at most 1e.12 steps"),
        ("models.smooth.sweep.realisations", 10**7, r"realisations: .* or equal to 100000"),
        ("models.imported.system.last", 10**12, r"last: .*less than or equal to 1000000000"),
        (f"{LINE}.points", 2**20, "points: 1048576 along each of 2 sides are more than the 68719"),
        # names of files
        ("study", "a" * 65, "study: string should have at most 64 characters"),
        (
            "models.smooth.sweep.ell",
            [[0, *(round(0.3 + 0.01 * n, 2) for n in range(60))]],
            "the largest brackets .* make the name of a log 321 characters long",
        ),
    ],
)  # fmt: skip
def test_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: Any, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.dump").write_text("content")
    smooth = changed(MODELS["smooth"], "system.dimensions", 2)
    models = {"smooth": smooth} | {name: MODELS[name] for name in ("glass", "imported")}
    raw = unshared(studies.study(**models))
    config.parse(raw)
    *sections, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    section = raw
    for part in sections:
        section = section[part]
    section[last] = value
    with pytest.raises(ConfigError, match=expected) as error:
        config.parse(raw)
    assert len(str(error.value)) < 400


def test_a_sweep_of_too_many_jobs() -> None:
    raw = studies.study(rough=studies.ROUGH)
    raw["models"]["rough"]["sweep"] |= {"realisations": 100_000, "block_size": 1}
    config.parse(raw)
    raw["models"]["rough"]["sweep"]["ell"] = [0.02, 0.03, 0.05, 0.08, 0.12]
    with pytest.raises(ConfigError, match="500000 reductions are more than 100000; give a job"):
        config.parse(raw)
