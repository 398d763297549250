"""The jobs that a stage has, and those that the options leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasscade import config, jobs, serial
from glasscade.errors import ConfigError
from report_data import GLASS
from studies import ROUGH, changed, study

STUDY = config.parse(study())


def test_every_stage_has_the_jobs_of_the_workflow() -> None:
    counts = {name: len(serial.select(STUDY, name, {})) for name in serial.STAGES}
    models = len(STUDY.models)
    assert counts == {
        "simulate": sum(len(jobs.states(STUDY, m)) for m in STUDY.models),
        "reduce": sum(len(jobs.reductions(STUDY, m)) for m in STUDY.models),
        "structure": sum(len(jobs.structures(STUDY, m)) for m in STUDY.models),
        "exponents": models,
        "limits": models,
        "figures": models,
        "verdicts": 1,
        "comparison": 0,  # no particles
        "bounds": 0,  # one known density
        "summary": 1,
        "record": 1,
    }


def test_a_study_with_two_models_of_particles_compares_them() -> None:
    parsed = config.parse(study(small=GLASS, large=GLASS))
    assert [task.labels for task in serial.select(parsed, "comparison", {})] == [{}]


def test_a_study_with_two_known_densities_sets_them_beside_the_bounds() -> None:
    parsed = config.parse(study(one=ROUGH, two=ROUGH))
    assert [task.labels for task in serial.select(parsed, "bounds", {})] == [{}]


@pytest.mark.parametrize("ell", ["0.02", "2e-2"])
def test_a_scale_stands_for_its_batch(ell: str) -> None:
    chosen = {"model": "point", "temperature": "0", "ell": ell}
    selected = serial.select(STUDY, "reduce", chosen)
    assert [task.labels["ell"] for task in selected] == ["0_0.01_0.02_0.03_0.04"]


@pytest.mark.parametrize("temperature", ["0.005", "6e-3"])
def test_a_temperature_stands_for_its_batch(temperature: str) -> None:
    raw = changed(study(), "models.point.sweep.temperature", [0, 0.004, [0.005, 0.006], 0.008])
    chosen = {"model": "point", "temperature": temperature}
    selected = serial.select(config.parse(raw), "simulate", chosen)
    assert [task.labels["temperature"] for task in selected] == ["0.005_0.006"]


def test_what_is_not_chosen_is_everything() -> None:
    assert len(serial.select(STUDY, "reduce", {"model": "point"})) == 10
    assert len(serial.select(STUDY, "simulate", {"block": "1"})) == 1


@pytest.mark.parametrize(
    ("stage", "chosen", "expected"),
    [
        ("simulate", {"model": "glas"}, "--model: there is no glas; it is one of point, rough"),
        (
            "simulate",
            {"model": "point", "temperature": "3"},
            "there is no 3; it is one of 0, 0.004",
        ),
        ("simulate", {"temperature": "cold"}, "--temperature: cold is not a number"),
        ("simulate", {"ell": "0.1"}, "--ell: jobs of the stage simulate have no ell"),
        ("verdicts", {"model": "point"}, "--model: jobs of the stage verdicts have no model"),
        ("all", {"model": "point"}, "--model: jobs of the stage verdicts have no model"),
        ("rough", {}, "there is no stage rough; it is one of simulate, reduce"),
        ("comparison", {}, "the study small has no jobs of the stage comparison"),
        ("comparison", {"model": "point"}, "has no jobs of the stage comparison"),
    ],
)
def test_a_bad_choice_is_named(stage: str, chosen: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serial.run(STUDY, stage, chosen, Path("nowhere"))
    assert expected in str(caught.value)
