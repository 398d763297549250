"""Every bad configuration is one sentence that names the key, and what is allowed."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml

from glasscade import config
from glasscade.config.study import MOST_NOISE
from glasscade.errors import ConfigError
from glasscade.external import Active, Kolmogorov, Sum
from glasscade.potentials import (
    GEM,
    POTENTIALS,
    Cone,
    FreeCone,
    Gaussian,
    Harmonic,
    Hertzian,
    InversePower,
    LennardJones,
    Riesz,
)
from glasscade.reference import INTRODUCTION
from report_data import GLASS as GLASS_MODEL
from studies import CLUSTER, GLASS, changed, study

CONFIGS = sorted((Path(__file__).parents[2] / "config").glob("*.yaml"))
SWEEP = "models.point.sweep"
# gaussian kernel on 1024 points of a line of length 1; L/4
SCALES = r"0\.001637 <= ell <= 0\.25"


def message(raw: object) -> str:
    with pytest.raises(ConfigError) as caught:
        config.parse(raw)
    return str(caught.value)


def test_the_small_study_is_valid() -> None:
    models = config.parse(study()).models
    assert [model.system.kind for model in models.values()] == ["cluster", "synthetic", "field"]


def test_batches_too_long_for_the_name_of_a_file_are_refused() -> None:
    """File systems allow 255 characters; such a study would fail at its first job."""
    many = [round(0.1 + 1e-3 * n, 3) for n in range(40)]
    assert re.fullmatch(
        r"models\.point\.sweep: the largest brackets of temperature and ell make the name of a log "
        r"2[4-9]\d characters long, of at most 240; make them smaller, or the name of the model "
        r"shorter",
        message(changed(study(), f"{SWEEP}.temperature", [0, many])),
    )
    config.parse(changed(study(), f"{SWEEP}.temperature", [0, many[:20], many[20:]]))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_committed_configuration_is_valid(path: Path) -> None:
    expected = {"config.yaml": "default"}.get(path.name, path.stem)
    assert config.load(path).study == expected


def test_the_committed_configurations_are_those_that_the_reference_names() -> None:
    names = [path.name for path in CONFIGS]
    assert names == ["beta.yaml", "bounds.yaml", "cluster.yaml", "config.yaml", "smoke.yaml"]
    assert all(f"| `{name}` |" in INTRODUCTION for name in names)


def test_cluster_reduces_one_scale_in_each_job() -> None:
    [cluster] = [path for path in CONFIGS if path.name == "cluster.yaml"]
    models = config.load(cluster).models.values()
    assert {len(batch) for model in models for batch in model.sweep.batches} == {1}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        # unknown keys, with the nearest that is known
        ("sed", 1, r"^sed: unknown key; did you mean 'seed'\?$"),
        (f"{SWEEP}.temprature", [0], rf"^{SWEEP}\.temprature: unknown .* 'temperature'\?$"),
        ("margins", {"dleta": 0.1}, r"^margins\.dleta: unknown key; did you mean 'delta'\?$"),
        ("models.point.system.qqq", 1, r"^models\.point\.system\.qqq: unknown key$"),
        # types
        ("seed", "x", r"^seed: must be a whole number alone, .* \(got 'x'\)$"),
        ("seed", None, r"^seed: input should be a valid integer \(got nothing\)$"),
        ("seed", 1.5, r"^seed: .*fractional part \(got 1\.5\)$"),
        ("study", 3, r"^study: input should be a valid string \(got 3\)$"),
        ("models", [1], r"^models: input should be a valid mapping of keys \(got \[1\]\)$"),
        (f"{SWEEP}.temperature", 0, rf"^{SWEEP}\.temperature: .* \(got 0\)$"),
        (f"{SWEEP}.temperature", [0, "cold"], rf"^{SWEEP}\.temperature\.1: .*number.*'cold'\)$"),
        ("models.point.system.length", "2 mm", r"length: must be a number alone.*\(got '2 mm'\)$"),
        (f"{SWEEP}.ell", [], rf"^{SWEEP}\.ell: must have 1 or more entries \(got \[\]\)$"),
        # ranges
        ("seed", -1, r"^seed: .*greater than or equal to 0 \(got -1\)$"),
        ("study", "Bad Name", r"^study: must be lower case letters, .* \(got 'Bad Name'\)$"),
        ("models", {}, r"^models: .*1 or more entries"),
        (
            f"{SWEEP}.temperature",
            [0, -0.1, 1, 2, 3],
            rf"^{SWEEP}\.temperature\.1: .*greater than or equal to 0 \(got -0\.1\)$",
        ),
        ("models.point.system.length", 0, r"\.length: .*greater than 0 \(got 0\)$"),
        ("models.point.system.points", 64, r"\.points: .*equal to 128 \(got 64\)$"),
        ("models.point.system.points", 1000, r"\.points: .*power of two.* \(got 1000\)$"),
        ("margins", {"delta": 2}, r"^margins\.delta: .*less than 1 \(got 2\)$"),
        ("margins", {"delta": 0}, r"^margins\.delta: .*greater than 0 \(got 0\)$"),
        (f"{SWEEP}.realisations", 0, r"\.realisations: .*equal to 1 \(got 0\)$"),
        ("models.rough.system.exponents", [1.2], r"\.exponents: .*between -1 and 1"),
        # not finite
        (f"{SWEEP}.temperature", [0, math.nan], r"temperature\.1: .*finite number \(got nan\)$"),
        (f"{SWEEP}.temperature", [0, math.inf], r"temperature\.1: .*finite number \(got inf\)$"),
        (f"{SWEEP}.ell", [[0, 0.02], math.nan], r"ell\.1: .*finite number \(got nan\)$"),
        ("models.point.system.potential.strength", math.inf, r"strength: .*finite.* \(got inf\)$"),
        # scales
        (f"{SWEEP}.ell", [[0, 0.0001, 0.02, 0.03, 0.04], 0.08], rf"ell: 0\.0001 .*{SCALES}"),
        (f"{SWEEP}.ell", [[0, 0.01, 0.02, 0.03, 0.04], 0.3], rf"ell: 0\.3 .*{SCALES}"),
        (f"{SWEEP}.ell", [[0, -0.1, 0.02, 0.03, 0.04], 0.05, 0.08], rf"ell: -0\.1 .*{SCALES}"),
        (f"{SWEEP}.ell", [[0, 0.02, 0.03, 0.04], 0.08], r"ell must hold at least 5 scales above 0"),
        (f"{SWEEP}.ell", [[0.01, 0.02, 0.03, 0.04], 0.08], r"ell must hold 0"),
        (f"{SWEEP}.map_ell", [0.5], r"map_ell must be among the scales of ell$"),
        # what the limits need
        (f"{SWEEP}.temperature", [0.1, 0.2, 0.3, 0.4, 0.5], r"temperature must contain 0"),
        (f"{SWEEP}.temperature", [0, 0.1, 0.2], r"must hold 0 and at least 4 values above$"),
        (f"{SWEEP}.realisations", 2, r"realisations must be 1: this system is deterministic$"),
        ("exponents", {"orders": [1, 2]}, r"^exponents\.orders: .*contain 3"),
        ("models.point.exponent_temperature", [0.004], r"exponent_temperature must hold 0"),
        ("models.point.window", [0.06, 0.0078], r"window must be \[low, high\]"),
        ("models.rough.sweep.temperature", [0, 1], r"temperature must be \[0\]: a synthetic"),
        # what may not share a job
        (
            f"{SWEEP}.temperature",
            [[0, 0.004], 0.005, 0.006, 0.008],
            r"^models\.point: sweep\.temperature must hold 0 outside brackets: 0 and what",
        ),
        (
            "models.rough.sweep.temperature",
            [[0, 0.1]],
            r"^models\.rough: sweep\.temperature must not hold several values in brackets: systems "
            r"of kind cluster and field share jobs in this way, not those of kind synthetic$",
        ),
        (f"{SWEEP}.temperature", [0, [], 0.1], r"^models\.point\.sweep: .* hold empty brackets$"),
        (f"{SWEEP}.ell", [0, [], 0.1], r"^models\.point\.sweep: ell must not hold empty brackets$"),
        # inside brackets
        (
            f"{SWEEP}.temperature",
            [0, [0.1, -0.2]],
            rf"^{SWEEP}\.temperature\.1\.1: .*greater than or equal to 0 \(got -0\.2\)$",
        ),
        (f"{SWEEP}.temperature", [0, [[0.1]]], rf"^{SWEEP}\.temperature\.1\.0: .*valid number"),
        (f"{SWEEP}.ell", [0.1, [0.2, "x"]], rf"^{SWEEP}\.ell\.1\.1: .*number.* \(got 'x'\)$"),
        # the same number twice, also when six digits make them the same file
        (f"{SWEEP}.temperature", [0, 0.1, 0.1, 0.2, 0.3], r"temperature holds 0\.1 twice"),
        (f"{SWEEP}.temperature", [0, [0.1, 0.2], 0.2, 0.3], r"temperature holds 0\.2 twice"),
        (f"{SWEEP}.temperature", [0, 0.1, 0.1000000001], r"temperature holds 0\.1 twice"),
        (f"{SWEEP}.ell", [[0, 0.01, 0.02, 0.03, 0.04], 0.02], r"ell holds 0\.02 twice"),
        ("models.rough.system.exponents", [0.2, 0.2], r"exponents holds 0\.2 twice"),
        # kinds and potentials
        (
            "models.point.system.kind",
            "clu",
            r"system\.kind: must be one of 'cluster', 'field', .* \(got 'clu'\)",
        ),
        ("models.point.system.potential.kind", "gauss", r"potential\.kind: .*'cone' \(got 'gauss'"),
        ("models.point.system.potential.strength", -1.0, r"strength must be positive"),
        ("models.rough.system.potential.diameter", 2.0, r"range 2 must not exceed half the length"),
        (
            "models.rough.system.potential",
            {"kind": "lennard_jones", "diameter": 0.1, "cap": 0.2},
            r"^models\.rough\.system\.potential\.cap: 0\.2 is outside \(0, 0\.1\)$",
        ),
        (
            "models.rough.system.potential",
            {"kind": "lennard_jones", "strength": -1.0},
            r"^models\.rough\.system\.potential\.strength: .*greater than 0 \(got -1\.0\)$",
        ),
        (
            "models.rough.system.potential",
            {"kind": "inverse_power", "reach": 0.3, "cap": 0.3},
            r"potential\.cap: 0\.3 is outside \(0, 0\.3\)$",
        ),
        (
            "models.rough.system.potential",
            {"kind": "hertzian", "diameter": 0.3, "core": 0.3},
            r"potential\.core: 0\.3 must lie between 0 and the diameter 0\.3$",
        ),
        (
            "models.rough.system.potential",
            {"kind": "gem", "exponent": 1.9},
            r"potential\.exponent: .*greater than or equal to 2 \(got 1\.9\)$",
        ),
        (
            "models.rough.system.potential",
            {"kind": "riesz", "order": 3.0},
            r"potential\.order: .*less than 3 \(got 3\.0\)$",
        ),
        ("models.rough.system.potential", {"kind": "gem"}, r"range 2\.54951 .* half the length 1$"),
        ("models.smooth.system.snapshots", 6, r"snapshots must be odd"),
        (
            "models.smooth.system.tolerance",
            -0.01,
            r"\.tolerance: .*than or equal to 0\.0+1 \(got -0",
        ),
    ],
)
def test_bad_value_is_named(key: str, value: object, expected: str) -> None:
    text = message(changed(study(), key, value))
    assert "\n" not in text
    assert text.startswith(key.split(".")[0])
    assert re.search(expected, text), text


POTENTIAL_KEYS = {
    "cone": ({"strength": -2.0}, Cone(-2.0, 20.0)),
    "free_cone": ({"strength": -2.0, "reach": 3.0}, FreeCone(-2.0, 3.0)),
    "gaussian": ({"width": 0.5}, Gaussian(1.0, 0.5)),
    "gem": ({"width": 0.5, "exponent": 6.0}, GEM(1.0, 0.5, 6.0)),
    "harmonic": ({"diameter": 2.0, "core": 0.1}, Harmonic(1.0, 2.0, 0.1)),
    "hertzian": ({"diameter": 2.0, "core": 0.1}, Hertzian(1.0, 2.0, 0.1)),
    "inverse_power": (
        {"diameter": 2.0, "cap": 1.5, "reach": 2.5, "exponent": 6.0, "strength": 3.0},
        InversePower(3.0, 2.0, cap=1.5, reach=2.5, exponent=6.0),
    ),
    "lennard_jones": ({"diameter": 2.0, "cap": 1.5}, LennardJones(1.0, 2.0, cap=1.5)),
    "riesz": ({"order": 0.5, "strength": -2.0}, Riesz(-2.0, 0.5, 20.0)),
}


def test_every_potential_but_the_tabulated_has_keys() -> None:
    assert set(POTENTIAL_KEYS) == set(POTENTIALS) - {"tabulated"}


@pytest.mark.parametrize("kind", sorted(POTENTIAL_KEYS))
def test_keys_make_the_potential(kind: str) -> None:
    keys, expected = POTENTIAL_KEYS[kind]
    raw = changed(study(), "models.smooth.system.potential", {"kind": kind} | keys)
    assert config.parse(raw).models["smooth"].system.mixture.table == ((expected,),)


@pytest.mark.parametrize("kind", ["cone", "riesz"])
def test_a_line_in_two_dimensions_is_refused(kind: str) -> None:
    raw = changed(study(), "models.rough.system.potential", {"kind": kind, "strength": 1.0})
    config.parse(raw)
    text = message(changed(raw, "models.rough.system.dimensions", 2))
    assert text == (
        f"models.rough.system.potential.kind: '{kind}' is defined in one dimension only"
    )


@pytest.mark.parametrize("key", ["study", "seed", "models"])
def test_missing_key_is_named(key: str) -> None:
    raw = study()
    del raw[key]
    assert message(raw) == f"{key}: this key is missing"


def test_missing_key_of_a_model_is_named_with_the_model() -> None:
    raw = study()
    del raw["models"]["smooth"]["system"]["duration"]
    assert message(raw) == "models.smooth.system.duration: this key is missing"


@pytest.mark.parametrize("raw", [[1], None, "x"])
def test_something_else_than_a_mapping_is_refused(raw: object) -> None:
    assert message(raw).startswith("the file: input should be a valid mapping of keys")


def test_brackets_say_which_temperatures_share_a_job() -> None:
    for entries in ([0, [0.006, 0.004], 0.005, [0.008]], [[0], 0.006, 0.004, [0.005, 0.008]]):
        raw = changed(study(), f"{SWEEP}.temperature", entries)
        sweep = config.parse(raw).models["point"].sweep
        assert sweep.temperatures == (0.0, 0.006, 0.004, 0.005, 0.008)
        batches = [tuple(entry) if isinstance(entry, list) else (entry,) for entry in entries]
        assert list(sweep.temperature_batches) == batches


def test_temperatures_of_exponents_stand_outside_brackets() -> None:
    raw = changed(study(), "models.point.exponent_temperature", [0, 0.005])
    config.parse(changed(raw, f"{SWEEP}.temperature", [0, [0.004, 0.006], 0.005, 0.008]))
    text = message(changed(raw, f"{SWEEP}.temperature", [0, [0.004, 0.005], 0.006, 0.008]))
    assert text.startswith("models.point: sweep.temperature must hold 0.005 outside brackets")


def test_temperatures_of_particles_share_no_job() -> None:
    raw = study(glass=GLASS_MODEL)
    config.parse(raw)
    text = message(changed(raw, "models.glass.sweep.temperature", [0, [0.1, 0.2], 0.3, 0.4]))
    assert text.endswith("not those of kind glass")


def test_the_smallest_scale_follows_the_grid() -> None:
    """Twice the points, half the smallest ℓ, up to the odd mode that a grid leaves out."""
    coarse = config.parse(study(point=CLUSTER)).models["point"].system
    finer = changed(study(point=CLUSTER), "models.point.system.points", 2048)
    fine = config.parse(finer).models["point"].system
    # (2048 - 1)//2 = 1023 and (1024 - 1)//2 = 511 modes
    expected = coarse.smallest_scale("gaussian") * 511 / 1023
    assert fine.smallest_scale("gaussian") == pytest.approx(expected, rel=1e-12)  # round-off


def test_a_scale_at_the_allowed_ends_is_accepted() -> None:
    smallest = config.parse(study()).models["point"].system.smallest_scale("gaussian")
    for end in (smallest * (1 + 1e-9), 0.25):
        raw = changed(study(), f"{SWEEP}.ell", [[0, 0.01, 0.02, 0.03, 0.04], end])
        assert end in config.parse(raw).models["point"].sweep.scales


def test_a_loaded_file_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study()), encoding="utf-8")
    assert config.load(path) == config.parse(study())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"study: [1, 2", "cannot be read as YAML"),
        (b"study: \xff\xfe", "cannot be read as YAML"),
        (b"", "the file: input should be a valid mapping of keys"),
        (b"models:\n\ta: 1\n", "maybe a tab; indent with blanks at line 2, column 1"),
        (b"- 1\n- 2\n", "the file: input should be a valid mapping of keys"),
        (b"study: a\nseed: 1\n", "models: this key is missing"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert expected in text
    assert "\n" not in text


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read, no such file"):
        config.load(tmp_path / "absent.yaml")


def test_a_temperature_in_kelvin_is_refused() -> None:
    """Noise must not carry a particle through others in one step."""
    raw = study(a=GLASS_MODEL)
    largest = (MOST_NOISE * 1.0) ** 2 / (2.0 * 0.01)
    config.parse(changed(raw, "models.a.sweep.temperature", [0, 0.1, 0.2, 0.3, 0.99 * largest]))
    expected = r"^models\.a: sweep\.temperature must be at most 4\.5 V0/k_B with dt = 0\.01: noise"
    for hot in (1.01 * largest, 300.0):
        with pytest.raises(ConfigError, match=expected):
            config.parse(changed(raw, "models.a.sweep.temperature", [0, 0.1, 0.2, 0.3, hot]))


def test_a_study_is_frozen() -> None:
    parsed = config.parse(study())
    with pytest.raises(ValueError, match="frozen"):
        parsed.seed = 8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": True}, "seed must not be true or false"),
        ({"kernels": ["gaussian", "gaussian", "wendland_c6"]}, "kernels must be distinct"),
    ],
)
def test_what_python_would_take_for_something_else_is_refused(
    change: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        config.parse(study() | change)


def test_a_truth_value_within_a_list_is_refused() -> None:
    raw = study()
    raw["models"]["point"]["sweep"]["temperature"][1] = True
    with pytest.raises(ConfigError, match=r"^models\.point\.sweep: temperature must not be true"):
        config.parse(raw)


def test_a_model_may_have_the_name_of_a_kind() -> None:
    raw = study()
    raw["models"]["cluster"] = raw["models"].pop("point")
    raw["models"]["cluster"]["system"]["mass"] = -1.0
    with pytest.raises(ConfigError, match=r"^models\.cluster\.system\.mass: "):
        config.parse(raw)


def test_a_repeated_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("study: a\nseed: 1\nstudy: b\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="the key study stands twice"):
        config.load(path)


def test_merged_sections_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n", encoding="utf-8")
    assert config.read(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}


MOTION = {
    "integrator": "leimkuhler-matthews",
    "mobility": 0.5,
    "shear_rate": -2.0,
    "checkpoint_steps": 50,
    "external": [
        {"kind": "kolmogorov", "amplitude": 0.2, "wave": [0, 1], "direction": [1, 0], "phase": 1},
    ],
}
WAVE = MOTION["external"][0]
NOISE = {"kind": "active", "amplitude": 0.1, "exponent": 0.3, "k_min": 2, "k_max": 9, "seed": 1}


def test_how_a_glass_moves():
    system = config.SYSTEM.validate_python(GLASS | MOTION)
    assert system.motion.mobility == 0.5
    assert system.motion.integrator == "leimkuhler-matthews"
    assert system.motion.shear_rate == -2.0
    assert system.motion.external == Sum((Kolmogorov(0.2, (0, 1), (1.0, 0.0), 1.0),))
    # The most tilted cell has the longest second vector, and so the fewest modes.
    straight = config.SYSTEM.validate_python(GLASS)
    assert straight.motion.external is None
    ratio = system.smallest_scale("gaussian") / straight.smallest_scale("gaussian")
    assert ratio == pytest.approx(2.0**0.5, rel=1e-12)
    both = GLASS | {"external": [WAVE, NOISE | {"polarisation": "solenoidal"}]}
    forces = config.SYSTEM.validate_python(both).motion.external.forces
    assert forces[1] == Active(0.1, 0.3, 2.0, 9.0, 1, "solenoidal")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"integrator": "heun"}, "integrator"),
        ({"mobility": 0}, "mobility"),
        ({"checkpoint_steps": 0}, "checkpoint_steps"),
        ({"shear_rate": 1.5}, "shear_rate times duration must be a whole number up to 4, not 0.75"),
        ({"shear_rate": 20}, "shear_rate times duration must be a whole number up to 4, not 10"),
        ({"external": [NOISE], "shear_rate": 2}, "under shear a force must not depend on x"),
        ({"external": [WAVE | {"wave": [0, 0]}]}, r"external.wave: .* not all zero"),
        ({"external": [WAVE | {"wave": [1]}]}, "external.wave"),
        ({"external": [NOISE | {"k_max": 1}]}, "external.k_min: 2.0 must be above 0 and not above"),
        ({"external": [NOISE | {"k_min": 2.001, "k_max": 2.002}]}, "no wavevector between"),
        ({"external": [NOISE | {"polarisation": "any"}]}, "polarisation"),
    ],
)
def test_motions_that_cannot_be_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        config.SYSTEM.validate_python(GLASS | keys)
