"""A small sheared cell through all stages: states, reductions, integrals, verdicts and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasscade import jobs
from glasscade.cell import Cell
from glasscade.config import parse, simulated
from glasscade.errors import ConfigError
from glasscade.figures import figure_names
from glasscade.figures.sheet import COLUMNS
from glasscade.figures.style import style
from glasscade.io import read_dataset
from glasscade.particles.observables import find_bonds, forces, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.stages import events, limits, reduce, simulate
from glasscade.stages.figures import FIGURES, results
from glasscade.stages.shearing import sheared
from glasscade.stages.verdicts import read_verdicts
from studies import SHEAR, changed, study

STUDY = parse(study(shear=SHEAR))
MODEL = STUDY.models["shear"]
TABLE = PairTable.from_mixture(MODEL.system.mixture)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Everything but the figures, made once."""
    root = tmp_path_factory.mktemp("shear")
    for labels in jobs.states(STUDY, "shear"):
        simulate.run(jobs.simulate(STUDY, **labels), root / f"state{labels['block']}.nc")
    for labels in jobs.reductions(STUDY, "shear"):
        state = root / f"state{labels['block']}.nc"
        reduce.run(jobs.reduce(STUDY, **labels), state, budget(root, labels))
    limits.run(
        jobs.limits(STUDY, "shear"),
        [budget(root, labels) for labels in jobs.reductions(STUDY, "shear")],
        None,
        root / "limits.nc",
        root / "verdicts.csv",
    )
    return root


def budget(root, labels):
    return root / f"budget{labels['block']}_{labels['ell']}.nc"


@pytest.fixture(scope="module")
def found(folder):
    return read_dataset(folder / "limits.nc")


def test_a_state_holds_the_descent_of_every_event_in_its_own_cell(folder):
    state = read_dataset(folder / "state0.nc")
    assert list(state["realisation"].values) == [0, 1]
    for event in range(state.sizes["event"]):
        row = state.isel(event=event)
        cell = Cell(row["cell"].values)
        assert cell.matrix[0, 1] == pytest.approx(float(row["strain"]) * cell.matrix[1, 1])
        for output in (0, 20, -1):
            bonds = find_bonds(row["position"].values[output], state["species"].values, TABLE, cell)
            speed = np.linalg.norm(forces(bonds))
            # Round-off of forces, of which next to nothing is left at the end.
            assert float(row["speed"][output]) == pytest.approx(speed, rel=1e-6, abs=1e-13)
        # To a part of the force left at rest.
        stress = virial_stress(bonds)
        at = np.flatnonzero(state["curve_strain"].values == float(row["strain"]))
        after = state["curve_stress"].values[at]
        assert np.min(np.abs(after - stress).max(axis=(1, 2))) < 1e-6
    assert np.all(np.diff(state["energy"].values, axis=1) < 0.0)
    assert np.all(state["strain"] - state["stable_strain"] <= MODEL.system.bracket * 1.01)


def test_blocks_and_batches_are_joined_in_order(found):
    assert list(found["realisation"].values) == [0, 1, 2]
    assert list(found["resolved_ell"].values) == [0.0, 0.08, 0.15, 0.3, 0.6, 1.0]
    assert list(found["ell"].values) == [0.3, 0.6, 1.0]
    assert set(found["curve_realisation"].values) == {0, 1, 2}


def test_what_both_ends_say_is_what_every_output_says(found):
    """The change of stress from the two reductions, at the scales of both."""
    ends = found["end_stress"].isel(kernel=0, i=0, j=1).sel(resolved_ell=found["ell"].values)
    change = ends.isel(end=1) - ends.isel(end=0)
    # One is the same arithmetic as the other.
    np.testing.assert_allclose(
        change.transpose("event", "resolved_ell").values,
        found["change"].sel(component="xy").transpose("event", "ell").values,
        rtol=1e-9,
        atol=1e-14,
    )


def test_the_bare_stress_drop_is_that_of_the_bonds(found):
    bare = found["end_stress"].isel(kernel=0).sel(resolved_ell=0.0)
    drop = (bare.isel(end=1) - bare.isel(end=0)).transpose("event", "i", "j").values
    # The catalogue starts at rest a bracket earlier, and the elastic answer to that is in between.
    np.testing.assert_allclose(drop, found["stress_drop"].values, atol=1e-3)
    assert np.all(found["resolved_fraction"].sel(resolved_ell=0.0) == 1.0)


def test_every_stress_drop_closes_to_its_estimated_error(found):
    residual, error = abs(found["residual"]), found["quadrature_error"]
    size = abs(found["change"]).max("ell")
    # The estimate is one of the order of magnitude, for a rule that meets kinks by chance.
    assert float((residual / size).max()) < 0.1
    assert bool((residual <= 10.0 * error + 0.02 * size).all())
    assert float(found["algebraic_residual"].max()) < 1e-12


def test_verdicts_name_every_event(folder, found):
    rows = {row.quantity: row for row in read_verdicts(folder / "verdicts.csv")}
    names = [f"stress_drop_event{n}" for n in (1, 2, 3)]
    assert list(rows) == ["instantaneous", *names, "energy_drop", "ell_half_T0"]
    assert rows["instantaneous"].verdict == "holds"
    assert rows["energy_drop"].verdict == "holds"
    first = found.isel(event=0).sel(component="xy")
    reach = abs(first["residual"]) + first["quadrature_error"]
    size = float(abs(first["change"]).max())
    row = rows["stress_drop_event1"]
    assert row.ci_high - row.value == pytest.approx(
        float(first["quadrature_error"][int(np.argmax(reach.values))]) / size
    )


def test_a_broken_balance_is_seen(found):
    """A residual of a twentieth of the stress drop is not within the margin of a fiftieth."""
    broken = found.copy(deep=True)
    broken["residual"] = found["residual"] + 0.05 * found["change"]
    broken["quadrature_error"] = 0.0 * found["quadrature_error"]
    job = jobs.limits(STUDY, "shear")
    rows = {row.quantity: row.verdict for row in events.verdicts(job, broken)}
    assert rows["stress_drop_event3"] == "violated"


def test_events_that_do_not_cross_one_half_leave_the_scale_open(found):
    flat = found.copy(deep=True)
    flat["scale"] = np.nan * found["scale"]
    rows = events.verdicts(jobs.limits(STUDY, "shear"), flat)
    assert rows[-1].quantity == "ell_half_T0"
    assert rows[-1].verdict == "inconclusive"


def test_all_figures_are_drawn_from_the_files(folder):
    shown = results(
        jobs.figures(STUDY, "shear"), folder / "limits.nc", None, folder / "verdicts.csv"
    )
    names = figure_names("shear", maps=True)
    assert names == ("shear", "events", "event_map")
    for name in names:
        with style():
            figure, data = FIGURES[name](shown)
        titles = {axes.get_title(loc="left") for axes in figure.axes} - {""}
        assert set(data["panel"]) == titles
        assert tuple(data.columns[: len(COLUMNS)]) == COLUMNS
        assert np.isfinite(data["x"]).all()
        assert np.isfinite(data["y"]).all()


def test_no_event_at_all_is_an_error():
    raw = changed(SHEAR, "system.largest_strain", 1e-3)
    with pytest.raises(
        ConfigError, match=r"largest_strain: up to 0\.001 there is no plastic event"
    ):
        sheared(simulated(raw["system"]), [0], STUDY.seed)
