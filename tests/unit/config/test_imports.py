"""Models of kind `trajectory`: where their files lie, and what the sweep over them may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import studies
from glasscade import estimate, jobs
from glasscade.config import SYSTEM, TrajectorySystem, load, parse
from glasscade.errors import ConfigError

KEYS, SWEEP = studies.TRAJECTORY["system"], studies.TRAJECTORY["sweep"]


def study(sweep: dict[str, Any] | None = None, **keys: Any) -> Any:
    model = {
        "system": KEYS | keys,
        "sweep": SWEEP | (sweep or {}),
        "window": studies.TRAJECTORY["window"],
    }
    return studies.study(imported=model)


def refused(folder: Path, sweep: dict[str, Any] | None = None, **keys: Any) -> str:
    with pytest.raises(ConfigError) as error:
        parse(study(sweep, **keys), folder)
    return str(error.value)


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("content")
    return folder


def test_files_are_found_from_where_the_configuration_lies(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study()))
    message = f"models.imported.system.file: {tmp_path}/run.dump: this file is missing"
    with pytest.raises(ConfigError, match=message):
        load(path)
    files(tmp_path, "run.dump")
    found = load(path)
    # What a job reads is an input of its rule, so that new content makes it run again.
    assert jobs.simulate_files(found, "imported", "0.02", "0") == [str(tmp_path / "run.dump")]
    assert jobs.simulate(found, "imported", "0.02", "0")["system"]["file"] == str(
        tmp_path / "run.dump"
    )
    elsewhere = study(file=str(tmp_path / "run.dump")) | {"outside_folders": [str(tmp_path)]}
    assert parse(elsewhere).models == found.models


def test_other_models_read_no_files() -> None:
    assert jobs.simulate_files(parse(studies.study(smooth=studies.FIELD)), "smooth", "0", "0") == []


def test_every_run_of_a_sweep_has_a_file(tmp_path: Path) -> None:
    sweep = {"temperature": [0, 0.02], "realisations": 3, "block_size": 2}
    name = "T{temperature}_{realisation}.dump"
    assert "system.file must hold {temperature} in its name" in refused(tmp_path, sweep)
    one = refused(tmp_path, sweep | {"realisations": 3}, file="T{temperature}.dump")
    assert "{realisation} in its name, since sweep.realisations stands for 3 runs" in one
    made = [f"T{t}_{r}.dump" for t in ("0", "0.02") for r in range(3)]
    files(tmp_path, *made[:-1])
    assert f"{made[-1]}: this file is missing" in refused(tmp_path, sweep, file=name)
    files(tmp_path, made[-1])
    found = parse(study(sweep, file=name), tmp_path)
    read = jobs.simulate_files(found, "imported", "0.02", "1")
    assert read == [str(tmp_path / "T0.02_2.dump")]


def test_one_temperature_will_do_but_not_for_limits(tmp_path: Path) -> None:
    files(tmp_path, "run.dump")
    found = parse(study(), tmp_path)
    model = found.models["imported"]
    assert not model.limited
    assert model.exponent_temperatures == (0.02,)
    assert [x["temperature"] for x in jobs.structures(found, "imported")] == ["0.02"]
    names = jobs.figure_names(found, "imported")
    assert "budget" in names
    assert not {"limits", "kernels", "direct_terms", "plane", "recovery"} & set(names)
    assert jobs.compared(found) == []
    assert "exponent_temperature must hold 0.02" in refused_temperature(tmp_path)


def refused_temperature(folder: Path) -> str:
    raw = study()
    raw["models"]["imported"]["exponent_temperature"] = [0.01]
    with pytest.raises(ConfigError) as error:
        parse(raw, folder)
    return str(error.value)


def test_temperatures_enough_give_limits(tmp_path: Path) -> None:
    temperatures = [0, 0.01, 0.02, 0.03, 0.04]
    files(tmp_path, *(f"{t}.dump" for t in temperatures))
    found = parse(study({"temperature": temperatures}, file="{temperature}.dump"), tmp_path)
    assert found.models["imported"].limited
    assert "limits" in jobs.figure_names(found, "imported")


def test_other_kinds_still_need_zero_temperature() -> None:
    raw = studies.changed(
        studies.study(smooth=studies.FIELD), "models.smooth.sweep.temperature", [0.1, 0.2]
    )
    with pytest.raises(ConfigError, match=r"sweep\.temperature must contain 0, the athermal end"):
        parse(raw)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"species": {"A": 0, "B": 2}}, "species must be numbers from 0 to 1"),
        ({"species": {}}, "species"),
        ({"species": {"A": False, "B": True}}, "species.A: input should be a valid integer"),
        ({"first": 5, "last": 4}, "last must not be below first, 5"),
        ({"number": 63}, "number: 63 must be even"),
        ({"number": 4}, "number must be larger: the range 1.4"),
        ({"dynamics": "newtonian"}, "dynamics"),
        ({"stride": 0}, "stride"),
        ({"format": "xyz"}, "format"),
    ],
)
def test_wrong_keys_are_named(tmp_path: Path, keys: dict[str, Any], expected: str) -> None:
    files(tmp_path, "run.dump")
    text = refused(tmp_path, **keys)
    assert text.startswith("models.imported.system")
    assert expected in text


def test_types_may_be_numbers(tmp_path: Path) -> None:
    system = SYSTEM.validate_python(KEYS | {"species": {1: 1, 2: 0}})
    assert isinstance(system, TrajectorySystem)
    assert system.species == {"1": 1, "2": 0}
    assert system.choice.last is None
    assert system.units.step is None


def test_cost_grows_with_the_frames(tmp_path: Path) -> None:
    files(tmp_path, "run.dump")
    few, many = (parse(study(last=last), tmp_path).models["imported"] for last in (10, 1010))
    assert estimate.simulation(few).seconds < estimate.simulation(many).seconds
    assert estimate.simulation(parse(study(), tmp_path).models["imported"]).disk > 0.0
