"""What runs again after a change: what the change concerns, and nothing else."""

from __future__ import annotations

import os
from collections import Counter

import pytest
import yaml

from clones import Clone, small
from glasscade import config, estimate
from studies import FIELD, SHEAR, TRAJECTORY, changed

pytestmark = pytest.mark.workflow

POINT = "models.point.sweep"
TEMPERATURES = ("0", "0.004", "0.005_0.006_0.008")
BATCH = "0_0.01_0.02_0.03_0.04_0.08"
ROUGH_BATCH = "0.02_0.03_0.05_0.08_0.12"


def after(*models: str) -> set[str]:
    """What follows when the limits of these models change."""
    per_model = {job for m in models for job in (f"limits {m}", f"figures_{m}")}
    return per_model | {"verdicts", "summary", "record"}


def of_stage(stage: str, *models: str) -> set[str]:
    """All jobs of a stage of the small study."""
    states = {
        "point": [f"point {t} 0" for t in TEMPERATURES],
        "rough": ["rough 0 0"],
    }
    batch = {"point": BATCH, "rough": ROUGH_BATCH}
    made = set()
    for model in models:
        if stage == "simulate":
            made |= {f"simulate {state}" for state in states[model]}
        elif stage == "reduce":
            made |= {
                f"reduce {state.rpartition(' ')[0]} {batch[model]} 0" for state in states[model]
            }
        elif stage == "structure":
            made.add(f"structure {model} 0 0")
        else:
            made.add(f"{stage} {model}")
    return made


BOTH = ("point", "rough")
REDUCED = of_stage("reduce", *BOTH)
MEASURED = of_stage("structure", *BOTH) | of_stage("exponents", *BOTH)


def test_after_a_run_nothing_is_left_to_do(clone: Clone) -> None:
    outcome = clone.plan(small())
    assert outcome.jobs == set()
    assert "Nothing to be done" in outcome.output
    assert "Study small" not in outcome.output  # a dry run has no end to speak of


def test_a_run_leaves_logs_and_benchmarks_of_every_job(clone: Clone) -> None:
    """One of each for every job but the target."""
    jobs = estimate.total(config.parse(small())).jobs - 1
    assert len(list(clone.results.rglob("*.log"))) == jobs
    assert len(list(clone.results.rglob("*.tsv"))) == jobs
    assert (clone.results / "summary.html").stat().st_size > 0
    assert (clone.results / "verdicts.csv").read_text("utf-8").count("\n") > 10


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        pytest.param(
            f"{POINT}.temperature",
            [0, 0.003, 0.004, [0.005, 0.006, 0.008]],
            {"simulate point 0.003 0", f"reduce point 0.003 {BATCH} 0"} | after("point"),
            id="temperature",
        ),
        pytest.param(
            f"{POINT}.temperature",
            [0, [0.003, 0.007], 0.004, [0.005, 0.006, 0.008]],
            {"simulate point 0.003_0.007 0", f"reduce point 0.003_0.007 {BATCH} 0"}
            | after("point"),
            id="bracket of temperatures",
        ),
        pytest.param(
            f"{POINT}.ell",
            [[0, 0.01, 0.02, 0.03, 0.04, 0.08], 0.1],
            {f"reduce point {t} 0.1 0" for t in TEMPERATURES} | after("point"),
            id="scale",
        ),
        pytest.param(
            "models.rough.sweep.realisations",
            4,
            {
                "simulate rough 0 1",
                "structure rough 0 1",
                f"reduce rough 0 {ROUGH_BATCH} 1",
                "exponents rough",
            }
            | after("rough"),
            id="block",
        ),
        pytest.param("margins", {"delta": 0.06}, after(*BOTH), id="margin"),
        pytest.param(
            "models.point.system.mass",
            2.0,
            of_stage("simulate", "point")
            | of_stage("reduce", "point")
            | of_stage("structure", "point")
            | {"exponents point"}
            | after("point"),
            id="physics",
        ),
    ],
)
def test_a_change_runs_what_it_concerns(
    clone: Clone, key: str, value: object, expected: set[str]
) -> None:
    assert clone.plan(changed(small(), key, value)).jobs == expected


def test_one_more_model_leaves_the_others_alone(clone: Clone) -> None:
    planned = clone.plan(changed(small(), "models.smooth", FIELD)).jobs
    gathered = {"verdicts", "summary", "record"}
    assert gathered < planned
    assert {job for job in planned - gathered if "smooth" not in job} == set()
    # 5 temperatures: states and reductions; structure, exponents, limits, figures
    assert len(planned - gathered) == 14


def test_sheared_packings_take_the_way_without_exponents(clone: Clone) -> None:
    """Two blocks of realisations, two batches of scales, and what gathers them."""
    planned = clone.plan(changed(small(), "models.shear", SHEAR)).jobs
    blocks = ("shear 0 0", "shear 0 1")
    batches = ("0_0.08_0.15", "0.3_0.6_1")
    expected = {f"simulate {block}" for block in blocks}
    expected |= {f"reduce shear 0 {batch} {block}" for batch in batches for block in "01"}
    assert planned == expected | after("shear")


def test_cosmetic_edits_run_nothing(clone: Clone) -> None:
    """Comments and docstrings in modules, scripts and rules; layout of the configuration."""
    text = "# Another comment\n\n" + yaml.safe_dump(small(), default_flow_style=True, indent=7)
    edits = [
        ("src/glasscade/cell.py", "from __future__", "# A comment\nfrom __future__"),
        ("src/glasscade/config/study.py", '"""A study', '"""A\n\nstudy'),
        ("src/glasscade/stages/reduce.py", "import numpy", "\n\n# numpy\nimport numpy"),
        ("workflow/scripts/reduce.py", "from pathlib", "# A comment\nfrom pathlib"),
        ("workflow/rules/reduce.smk", "rule reduce:", "# A comment\nrule reduce:"),
    ]
    with clone.edited(*edits):
        assert clone.plan(text).jobs == set()


def test_a_newer_time_alone_runs_nothing(clone: Clone) -> None:
    """A state that seems to be younger than all that was made of it, with the content it had."""
    state = clone.results / "state" / "rough" / "T0" / "block0.nc"
    before = state.stat().st_mtime
    os.utime(state, (before, before + 3600.0))
    try:
        assert clone.plan(small()).jobs == set()
    finally:
        os.utime(state, (before, before))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # used to fit exponents alone
        (
            "src/glasscade/stages/exponents.py",
            of_stage("exponents", *BOTH) | after(*BOTH),
        ),
        # used to measure norms, and by what reads them
        (
            "src/glasscade/regularity/wavelets.py",
            MEASURED | after(*BOTH),
        ),
        # used by figures and by nothing else
        (
            "src/glasscade/figures/maps.py",
            {"figures_point", "figures_rough", "summary", "record"},
        ),
        # used by every stage that computes
        (
            "src/glasscade/cell.py",
            of_stage("simulate", *BOTH) | REDUCED | MEASURED | after(*BOTH),
        ),
        # used to record alone
        ("src/glasscade/crate.py", {"record"}),
        # used by no stage
        ("src/glasscade/cli.py", set()),
    ],
)
def test_an_edit_of_code_runs_the_rules_that_use_it(
    clone: Clone, path: str, expected: set[str]
) -> None:
    first = "from __future__ import annotations\n"
    with clone.edited((path, first, f"{first}A = 1\n")):
        assert clone.plan(small()).jobs == expected


@pytest.mark.parametrize("name", ["small", "config"])
def test_the_estimate_counts_the_jobs_that_are_planned(clone: Clone, name: str) -> None:
    """Every job of every rule of a study that has not run."""
    if name == "small":
        raw = changed(small(), "models.smooth", FIELD)
        raw = changed(raw, f"{POINT}.ell", [[0, 0.01, 0.02, 0.03], 0.04, 0.08])
        raw = changed(changed(raw, "models.rough.sweep.realisations", 5), "study", "new")
        outcome, study = clone.plan(raw), config.parse(raw)
    else:
        path = f"config/{name}.yaml"
        outcome = clone.call("--dry-run", "--configfile", path)
        study = config.load(clone.root / path)
    expected: Counter[str] = Counter()
    for line in estimate.lines(study):
        expected[f"figures_{line.model}" if line.stage == "figures" else line.stage] += line.jobs
    expected["total"] = estimate.total(study).jobs
    assert outcome.counts == expected


def test_the_file_of_a_trajectory_is_an_input(clone: Clone) -> None:
    """Seen from the configuration; new content is newer than what was made of it."""
    path = clone.root / "config" / "run.dump"
    path.write_text("content", encoding="utf-8")
    try:
        outcome = clone.plan(changed(small(), "models.imported", TRAJECTORY))
    finally:
        path.unlink()
    assert "simulate imported 0.02 0" in outcome.jobs
    assert "input: config/run.dump" in outcome.output
