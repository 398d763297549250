"""Temperatures that share a job: brackets change files, and no number in what follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import studies
from budget_data import budget, write
from glasscade import config, serial
from glasscade.config import SYSTEM
from glasscade.io import read_dataset
from glasscade.stages.batches import apart, together
from glasscade.stages.integrate import gather
from glasscade.stages.simulate import simulate

WARM = [0.004, 0.005, 0.006]
CLUSTER = SYSTEM.validate_python(studies.CLUSTER["system"])
# One and several temperatures to a bracket, not in order.
BRACKETS = {
    "point": [0, [0.006, 0.004], 0.005, [0.008]],
    "smooth": [[0], [0.1, 0.2, 0.3, 0.4]],
}


@pytest.fixture(scope="module")
def states() -> list[xr.Dataset]:
    return [simulate(CLUSTER, temperature, [0], seed=1) for temperature in WARM]


def test_apart_is_what_was_put_together(states: list[xr.Dataset]) -> None:
    joined = together(states, WARM)
    assert {array.dims[0] for array in joined.data_vars.values()} == {"temperature"}
    assert joined["temperature"].attrs["units"] == "V0/k_B"
    assert "files" not in joined.attrs
    for part, state in zip(apart(joined, WARM), states, strict=True):
        xr.testing.assert_identical(part, state)
        assert part["density"].dims == state["density"].dims
    [last, first] = apart(joined, [WARM[2], WARM[0]])
    xr.testing.assert_identical(last, states[2])
    xr.testing.assert_identical(first, states[0])


def test_all_files_that_were_read_are_named(states: list[xr.Dataset]) -> None:
    read = [state.assign_attrs(files=f"{n}.dump", sha256=f"{n}a") for n, state in enumerate(states)]
    joined = together(read, WARM)
    assert joined.attrs["files"] == "0.dump, 1.dump, 2.dump"
    assert joined.attrs["sha256"] == "0a, 1a, 2a"


def test_a_single_temperature_leaves_no_trace(states: list[xr.Dataset]) -> None:
    assert together(states[:1], WARM[:1]) is states[0]
    assert apart(states[0], WARM[:1]) == [states[0]]


def test_states_on_different_grids_have_no_file_together(states: list[xr.Dataset]) -> None:
    with pytest.raises(ValueError, match=r"not equal|exact"):
        together([states[0], states[1].isel(x=slice(None, None, 2))], WARM[:2])


def test_budgets_are_gathered_from_files_of_one_and_of_several_temperatures(tmp_path: Path) -> None:
    budgets = []
    for temperature in WARM:
        formulas = dict.fromkeys(
            ("stress", "rate", "source", "transport"), lambda *at, t=temperature: t + at[2]
        )
        budgets.append(budget(np.linspace(0.0, 1.0, 3), [0.0, 0.1], formulas))
    shared = write(together([budgets[2], budgets[0]], [WARM[2], WARM[0]]), tmp_path / "shared.nc")
    alone = write(budgets[1], tmp_path / "alone.nc")
    gathered = gather([shared, alone], [[WARM[2], WARM[0]], [WARM[1]]])
    assert [temperature for temperature, _ in gathered] == WARM
    for (_, found), expected in zip(gathered, budgets, strict=True):
        xr.testing.assert_equal(found, expected)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What a study leaves without brackets and with them, a cluster and a field."""
    folders = []
    for brackets in (False, True):
        raw = studies.study(point=studies.CLUSTER, smooth=studies.FIELD)
        raw |= {"kernels": ["gaussian", "wendland_c6"], "test_functions": {"bumps": 1}}
        for model, entries in BRACKETS.items() if brackets else ():
            raw = studies.changed(raw, f"models.{model}.sweep.temperature", entries)
        folder = tmp_path_factory.mktemp("results")
        for stage in ("simulate", "reduce", "structure", "exponents", "limits"):
            serial.run(config.parse(raw), stage, {}, folder)
        folders.append(folder / "small")
    return folders[0], folders[1]


@pytest.mark.parametrize("model", ["point", "smooth"])
def test_a_study_with_brackets_has_the_same_limits_and_verdicts(
    results: tuple[Path, Path], model: str
) -> None:
    """To the last bit, and names, units and order of everything as well."""
    plain, shared = (read_dataset(x / "limits" / f"{model}.nc", finite=False) for x in results)
    xr.testing.assert_identical(plain.drop_attrs(deep=False), shared.drop_attrs(deep=False))
    assert "limit" in plain
    first, second = ((x / "limits" / f"{model}.csv").read_bytes() for x in results)
    assert first == second
    assert first.count(b"\n") > 10


def test_files_of_a_bracket_hold_what_those_of_its_temperatures_hold(
    results: tuple[Path, Path],
) -> None:
    plain, shared = results
    names = {path.relative_to(shared).as_posix() for path in shared.rglob("block0.nc")}
    for kind, end in (("state", ""), ("budget", "/ell0.08")):
        parts = [f"{kind}/point/T{label}{end}/block0.nc" for label in ("0.006", "0.004")]
        together_in = f"{kind}/point/T0.006_0.004{end}/block0.nc"
        assert together_in in names
        assert names.isdisjoint(parts)
        found = apart(read_dataset(shared / together_in), [0.006, 0.004])
        for part, dataset in zip(parts, found, strict=True):
            alone = read_dataset(plain / part)
            xr.testing.assert_identical(
                dataset.drop_attrs(deep=False), alone.drop_attrs(deep=False)
            )
    # A temperature alone, in brackets or not, has the file it always had.
    for label in ("0", "0.005", "0.008"):
        name = f"state/point/T{label}/block0.nc"
        assert read_dataset(plain / name).sizes == read_dataset(shared / name).sizes
