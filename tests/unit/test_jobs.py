"""Every job gets what changes its result and nothing else: that is what decides on reruns."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from glasscade import jobs
from glasscade.config import Study, parse, simulated
from glasscade.errors import ConfigError
from glasscade.paths import WHOLE_STUDY
from report_data import GLASS
from studies import FIELD, ROUGH, Raw, changed, study

Stage = tuple[str, str]


def parameters(raw: Raw) -> dict[Stage, Any]:
    """Parameters of every job by stage and wildcards, as the workflow records them."""
    return of_every_job(parse(raw))


def of_every_job(parsed: Study) -> dict[Stage, Any]:
    """The same of a study."""
    found: dict[Stage, Any] = {}
    for model in parsed.models:
        for labels in jobs.states(parsed, model):
            found["simulate", _name(labels)] = jobs.simulate(parsed, **labels)
        for labels in jobs.reductions(parsed, model):
            found["reduce", _name(labels)] = jobs.reduce(parsed, **labels)
        for labels in jobs.structures(parsed, model):
            found["structure", _name(labels)] = jobs.structure(parsed, model)
        found["exponents", model] = jobs.exponents(parsed, model)
        found["limits", model] = jobs.limits(parsed, model)
        found["figures", model] = jobs.figures(parsed, model)
    return found


def _name(labels: jobs.Labels) -> str:
    return " ".join(labels.values())


def differing(raw: Raw) -> set[Stage]:
    """Stages and models of which some job is new or has other parameters than in the study."""
    old, new = parameters(study()), parameters(raw)
    return {(s, w.split()[0]) for s, w in new if (s, w) not in old or old[s, w] != new[s, w]}


def of(model: str, *stages: str) -> set[Stage]:
    return {(stage, model) for stage in stages}


CHAIN = ("simulate", "reduce", "structure")
# What follows from the results of others; its own parameters need not differ.
GATHER = ("exponents", "limits", "figures")


def test_the_same_study_differs_in_nothing() -> None:
    assert differing(study()) == set()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("study", "other", set()),
        # the seed is that of densities, of test functions and, for particles, of their nulls
        (
            "seed",
            8,
            {(s, m) for s in ("simulate", "reduce", "exponents") for m in study()["models"]},
        ),
        ("kernels", ["gaussian", "wendland_c6"], {("reduce", m) for m in study()["models"]}),
        (
            "test_functions",
            {"bumps": 5},
            {(s, m) for s in ("reduce", "exponents") for m in study()["models"]},
        ),
        ("nulls", {"liquid_temperature": 0.2}, set()),  # there are no particles
        ("exponents", {"orders": [2, 3]}, {("structure", m) for m in study()["models"]}),
        ("margins", {"delta": 0.06}, {("limits", m) for m in study()["models"]}),
        (
            "margins",
            {"exponent_level": 0.9},
            {(s, m) for s in ("exponents", "limits") for m in study()["models"]},
        ),
        ("models.rough.window", [0.015625, 0.0625], of("rough", "exponents")),
        ("models.rough.system.contrast", 0.1, of("rough", *CHAIN, "limits")),
        ("models.smooth.system.tolerance", 1e-6, of("smooth", *CHAIN, "limits")),
        # new jobs, and those that gather them
        (
            "models.point.sweep.temperature",
            [0, 0.003, 0.004, 0.005, 0.006, 0.008],
            of("point", "simulate", "reduce", "limits"),
        ),
        (
            "models.point.sweep.ell",
            [[0, 0.01, 0.02, 0.03, 0.04], 0.08, 0.1],
            of("point", "reduce", "limits"),
        ),
        ("models.rough.sweep.realisations", 6, of("rough", *CHAIN, "exponents", "limits")),
        ("models.rough.sweep.map_ell", [0.05], of("rough", "reduce", "figures")),
    ],
)
def test_a_change_concerns_what_depends_on_it(
    key: str, value: object, expected: set[Stage]
) -> None:
    assert differing(changed(study(), key, value)) == expected


def new_jobs(raw: Raw) -> set[Stage]:
    """Simulations and reductions that are new or have other parameters."""
    old, new = parameters(study()), parameters(raw)
    return {key for key in new if key[0] in CHAIN and (key not in old or old[key] != new[key])}


def test_one_more_temperature_is_one_simulation_and_its_reductions() -> None:
    raw = changed(study(), "models.point.sweep.temperature", [0, 0.003, 0.004, 0.005, 0.006, 0.008])
    assert new_jobs(raw) == {
        ("simulate", "point 0.003 0"),
        ("reduce", "point 0.003 0 0_0.01_0.02_0.03_0.04"),
        ("reduce", "point 0.003 0 0.08"),
    }


BRACKETS = [0, 0.004, [0.005, 0.006], 0.008]


def test_a_bracket_is_one_simulation_and_its_reductions() -> None:
    """Outside of it nothing moves."""
    assert new_jobs(changed(study(), "models.point.sweep.temperature", BRACKETS)) == {
        ("simulate", "point 0.005_0.006 0"),
        ("reduce", "point 0.005_0.006 0 0_0.01_0.02_0.03_0.04"),
        ("reduce", "point 0.005_0.006 0 0.08"),
    }


def test_jobs_know_the_temperatures_of_their_bracket_in_order() -> None:
    raw = changed(study(), "models.point.sweep.temperature", [0, [0.008, 0.005], 0.004, 0.006])
    parsed, labels = parse(raw), ("point", "0.008_0.005")
    assert jobs.simulate(parsed, *labels, "0")["temperatures"] == [0.008, 0.005]
    assert jobs.reduce(parsed, *labels, "0.08", "0")["temperatures"] == [0.008, 0.005]
    assert jobs.reduce(parsed, "point", "0.004", "0.08", "0")["temperatures"] == [0.004]
    # One list for each budget, two batches of scales each.
    expected = [[0.0]] * 2 + [[0.008, 0.005]] * 2 + [[0.004]] * 2 + [[0.006]] * 2
    assert jobs.limits(parsed, "point")["temperatures"] == expected
    assert jobs.exponents(parsed, "point")["temperatures"] == [0.0]
    assert jobs.structures(parsed, "point") == jobs.structures(parse(study()), "point")


def test_limits_of_fields_compare_their_states() -> None:
    parsed = parse(study())
    states = jobs.compared_states(parsed, "smooth")
    assert states == jobs.states(parsed, "smooth")
    temperatures = jobs.limits(parsed, "smooth")["state_temperatures"]
    assert temperatures == [[0.0], [0.1], [0.2], [0.3], [0.4]]
    for model in ("point", "rough"):
        assert jobs.compared_states(parsed, model) == []
        assert "state_temperatures" not in jobs.limits(parsed, model)


def test_one_more_scale_is_one_reduction_for_each_state() -> None:
    raw = changed(study(), "models.point.sweep.ell", [[0, 0.01, 0.02, 0.03, 0.04], 0.08, 0.1])
    temperatures = ("0", "0.004", "0.005", "0.006", "0.008")
    assert new_jobs(raw) == {("reduce", f"point {t} 0 0.1") for t in temperatures}


def test_one_more_block_is_its_own_jobs_alone() -> None:
    raw = changed(study(), "models.rough.sweep.realisations", 6)
    assert new_jobs(raw) == {
        ("simulate", "rough 0 2"),
        ("structure", "rough 0 2"),
        ("reduce", "rough 0 2 0.02_0.03_0.05_0.08_0.12"),
    }


def test_blocks_share_out_the_realisations() -> None:
    parsed = parse(changed(study(), "models.rough.sweep.realisations", 5))
    drawn = [jobs.simulate(parsed, **x)["realisations"] for x in jobs.states(parsed, "rough")]
    assert drawn == [[0, 1], [2, 3], [4]]


def test_maps_are_made_once() -> None:
    parsed = parse(study())
    mapped = {
        (x["temperature"], x["ell"]): jobs.reduce(parsed, **x)["map_ell"]
        for x in jobs.reductions(parsed, "point")
    }
    assert {key: value for key, value in mapped.items() if value} == {
        ("0", "0_0.01_0.02_0.03_0.04"): [0.02]
    }


@pytest.mark.parametrize("model", list(study()["models"]))
def test_labels_lead_back_to_the_values(model: str) -> None:
    """Also for numbers that need more than six digits: the value is that of the configuration."""
    raw = changed(study(), "models.point.sweep.temperature", [0, 1 / 300, 1 / 200, 1 / 150, 0.008])
    parsed: Study = parse(raw)
    sweep = parsed.models[model].sweep
    found = [jobs.reduce(parsed, **x) for x in jobs.reductions(parsed, model)]
    assert {tuple(x["temperatures"]) for x in found} == set(sweep.temperature_batches)
    assert {tuple(x["ell"]) for x in found} == set(sweep.batches)
    assert len(found) == len(sweep.temperature_batches) * sweep.blocks * len(sweep.batches)


def several(**systems: Raw) -> Study:
    """Models of particles, each with some keys of its system changed, and a field."""
    models = {name: GLASS | {"system": GLASS["system"] | keys} for name, keys in systems.items()}
    return parse(study(smooth=FIELD, **models))


def test_models_of_particles_are_compared_where_there_are_several() -> None:
    assert jobs.compared(several(a={}, b={})) == ["a", "b"]
    for few in (several(), several(a={})):
        assert jobs.compared(few) == jobs.study_figures(few) == []
        assert jobs.summary(few)["study_figures"] == []


def test_a_comparison_knows_number_and_step_and_what_the_figures_of_a_model_know() -> None:
    parsed = several(a={}, b={"number": 100, "dt": 0.005})
    found = jobs.comparison(parsed)["models"]
    assert [(keys["number"], keys["dt"]) for keys in found.values()] == [(64, 0.01), (100, 0.005)]
    for model, keys in found.items():
        assert keys.items() >= jobs.figures(parsed, model).items()


def test_a_refinement_differs_in_dt_alone() -> None:
    parsed = several(
        a={}, half={"dt": 0.005}, other={"dt": 0.005, "onset": 0.1}, large={"number": 100}
    )
    assert jobs.comparison(parsed)["refinements"] == [["half", "a"]]


def test_the_structure_of_particles_depends_on_their_nulls_and_the_seed() -> None:
    before = jobs.structure(several(a={}), "a")
    raw = study(a=GLASS)
    for key, value in (("seed", 8), ("nulls", {"liquid_duration": 20.0})):
        after = jobs.structure(parse(raw | {key: value}), "a")
        assert {name for name in after if after[name] != before[name]} == {key}
    assert {"seed", "nulls"}.isdisjoint(jobs.structure(parse(study()), "rough"))


def kernels(**potentials: Raw) -> Study:
    """Known densities on a line under several kernels, and one in the plane."""
    line = {
        name: ROUGH | {"system": ROUGH["system"] | {"potential": potential}}
        for name, potential in potentials.items()
    }
    plane = ROUGH | {"system": ROUGH["system"] | {"dimensions": 2}}
    return parse(study(plane=plane, **line))


def test_known_densities_on_a_line_are_set_beside_the_bounds_where_there_are_several() -> None:
    sphere = {"kind": "harmonic", "diameter": 0.3}
    riesz = [{"kind": "riesz", "order": order} for order in (1.0, 2.0)]
    one = kernels(a=sphere)
    assert jobs.bounded(one) == jobs.study_figures(one) == jobs.study_stages(one) == []
    two = kernels(a=sphere, b=riesz[0])
    assert jobs.bounded(two) == ["a", "b"]
    assert jobs.study_stages(two) == ["bounds"]
    # A phase diagram needs two orders.
    assert jobs.study_figures(two) == ["flux_bounds"]
    assert jobs.study_figures(kernels(b=riesz[0], c=riesz[0])) == ["flux_bounds"]
    several = kernels(b=riesz[0], c=riesz[1])
    assert jobs.study_figures(several) == ["flux_bounds", "phase_diagram"]
    job = jobs.bounds(several)
    assert job["names"] == jobs.study_figures(several)
    assert {keys["system"]["potential"]["order"] for keys in job["models"].values()} == {1.0, 2.0}
    assert job["bound"] == several.margins.bound


def test_results_of_the_study_lie_where_no_model_can_put_its_own() -> None:
    with pytest.raises(ConfigError, match="must be lower case letters"):
        several(**{WHOLE_STUDY: {}})


def test_a_simulation_does_not_hold_what_it_does_not_look_at() -> None:
    raw = study()
    before = parse(raw)
    raw["models"]["rough"]["system"]["potential"]["strength"] = 2.0
    after = parse(raw)
    assert jobs.simulate(before, "rough", "0", "0") == jobs.simulate(after, "rough", "0", "0")
    assert jobs.structure(before, "rough") != jobs.structure(after, "rough")
    kept: Any = simulated(jobs.simulate(after, "rough", "0", "0")["system"])
    assert kept.shape == after.models["rough"].system.shape


def calls(work: Callable[[], object]) -> Counter[str]:
    """How often every Python function was called."""
    counted: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def test_the_parameters_of_a_job_cost_the_same_in_a_large_study() -> None:
    """Calls of functions, not seconds; the configuration becomes plain data once for a system."""
    cost = {}
    for count in (8, 64):
        above = [0.004 + 1e-4 * n for n in range(count)]
        raw = changed(study(), "models.point.sweep.temperature", [0, *above])
        raw = changed(raw, "models.rough.sweep.realisations", 2 * count)
        parsed = parse(raw)
        found: dict[Stage, Any] = {}
        counted = calls(lambda parsed=parsed, found=found: found.update(of_every_job(parsed)))
        cost[count] = counted.total() / len(found)
        dumped = counted["BaseModel.model_dump"]
        # The system of each model, the margins and the nulls.
        assert 0 < dumped <= len(parsed.models) + 2
    # What is done once for a model counts for less, the more jobs there are.
    assert cost[64] <= cost[8]


def test_a_copy_with_another_value_keeps_nothing_of_the_one_before() -> None:
    system = parse(study()).models["point"].system
    assert system.plain["length"] == 1.0
    assert system.model_copy(update={"length": 2.0}).plain["length"] == 2.0
    assert system.model_copy() == system
