"""Bad input ends a run with one clear sentence and a non-zero code; earlier results stay."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from clones import Clone, small
from studies import FIELD, changed

pytestmark = pytest.mark.workflow

BUDGET = "budget/rough/T0/ell0.02_0.03_0.05_0.08_0.12/block0.nc"
STRUCTURE = "structure/rough/T0/block0.nc"
STATE = "results/small/state/rough/T0/block0.nc"


def digests(folder: Path) -> dict[str, str]:
    """What every result is, by name; logs and benchmarks tell of the last run and may change."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not {"logs", "benchmarks"} & set(path.relative_to(folder).parts)
    }


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        pytest.param(
            "models.point.sweep.temprature",
            [0],
            "models.point.sweep.temprature: unknown key; did you mean 'temperature'?",
            id="unknown key",
        ),
        pytest.param(
            "models.point.sweep.temperature",
            [0, -0.1, 0.004, 0.005, 0.006],
            "temperature.1: input should be greater than or equal to 0 (got -0.1)",
            id="negative temperature",
        ),
        pytest.param(
            "models.point.sweep.ell",
            [[0, 0.001, 0.01, 0.02, 0.03, 0.04]],
            "models.point.sweep.ell: 0.001 is outside the allowed range 0.001637 <= ell <= 0.25",
            id="scale below the grid",
        ),
        pytest.param(
            "models.point.sweep.ell",
            [[0, 0.01, 0.02, 0.03, 0.04, 0.3]],
            "models.point.sweep.ell: 0.3 is outside the allowed range 0.001637 <= ell <= 0.25",
            id="scale above a quarter of the cell",
        ),
    ],
)
def test_bad_key_stops_before_anything_runs(
    clone: Clone, key: str, value: object, sentence: str
) -> None:
    before = digests(clone.results)
    outcome = clone.snakemake(changed(small(), key, value))
    assert outcome.code != 0
    assert outcome.output.count(sentence) == 1
    assert "Traceback" not in outcome.output
    assert "rule " not in outcome.output
    assert digests(clone.results) == before


def test_a_file_that_asks_for_evaluation_gets_no_further(clone: Clone) -> None:
    """Snakemake reads it first, and evaluates what is in it; nothing of it reaches a study."""
    before = digests(clone.results)
    raw = changed(small(), "seed", "?5 + 2")
    outcome = clone.snakemake(f"__use_yte__: true\n{yaml.safe_dump(raw)}", "--dry-run")
    assert outcome.code != 0
    assert outcome.output.count("Snakemake would run what is in this file as Python") == 1
    assert "Traceback" not in outcome.output
    assert digests(clone.results) == before


def test_values_of_the_command_line_are_checked_as_well(clone: Clone) -> None:
    outcome = clone.snakemake(small(), "--dry-run", "--config", "study=../../owned")
    assert outcome.code != 0
    assert "study: must be lower case letters" in outcome.output
    assert "Traceback" not in outcome.output


def test_unresolved_density_stops_that_job(own_clone: Clone) -> None:
    """Layers 4T/gM = 0.004 on a grid of spacing 0.08, whatever the random density."""
    raw = changed(small(), "models.smooth", FIELD)
    raw = changed(raw, "models.smooth.system.potential", {"kind": "cone", "strength": 5.0})
    before = digests(own_clone.results)
    target = "results/small/state/smooth/T0.1/block0.nc"
    outcome = own_clone.snakemake(raw, target)
    assert outcome.code != 0
    sentence = "points: 256 grid points do not resolve the density at time"
    assert f"error: {sentence}" in outcome.output
    assert f"simulate failed: {sentence}" in outcome.output
    assert f"    was to write {target}\n    log results/small/logs/simulate/" in outcome.output
    assert "run the same command again: finished jobs are kept" in outcome.output
    assert "Traceback" not in outcome.output
    assert digests(own_clone.results) == before


def test_truncated_file_stops_the_jobs_that_read_it(own_clone: Clone) -> None:
    path = own_clone.root / STATE
    path.write_bytes(path.read_bytes()[:2000])
    before = digests(own_clone.results)
    outcome = own_clone.snakemake(small())
    assert outcome.code != 0
    sentence = f"error: {STATE}: truncated or corrupt"
    assert sentence in outcome.output
    assert "it will be computed again" in outcome.output
    assert "Traceback" not in outcome.output
    # What was to be made from the broken file is gone; nothing else is touched.
    after = digests(own_clone.results)
    assert {name: before[name] for name in after} == after
    assert set(before) - set(after) <= {BUDGET, STRUCTURE}
    # The remedy that the sentence names.
    path.unlink()
    outcome = own_clone.snakemake(small(), f"results/small/{BUDGET}")
    assert outcome.code == 0, outcome.output
    assert path.is_file()
