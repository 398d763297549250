"""What is known of anomalies beforehand: by theorem, by closed form, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

import studies
from glasscade.analysis.arrays import cell_variable, variable
from glasscade.config import SYSTEM
from glasscade.io import write_dataset
from glasscade.stages.batches import Place
from glasscade.stages.controls import DISSIPATED, anomaly_is_open, exact_dissipation
from glasscade.stages.gridded import on_grid


def field(potential, **more):
    return SYSTEM.validate_python(studies.FIELD["system"] | {"potential": potential} | more)


CONE = {"kind": "free_cone", "strength": 0.5, "reach": 6.0}


@pytest.mark.parametrize(
    ("potential", "is_open"),
    [
        ({"kind": "gaussian", "strength": 1.0}, False),
        ({"kind": "gaussian", "strength": -1.0}, False),  # concentrates, with a smooth force
        ({"kind": "gem", "exponent": 4.0}, False),
        ({"kind": "cone", "strength": -1.0}, False),
        ({"kind": "cone", "strength": 1.0}, True),
        (CONE, True),
        (CONE | {"strength": -0.5}, False),
        ({"kind": "harmonic", "strength": 1.0}, False),
        ({"kind": "harmonic", "strength": -1.0}, True),
        ({"kind": "harmonic", "strength": -1.0, "core": 0.2}, False),
        ({"kind": "riesz", "strength": 1.0, "order": 1.0}, False),
        ({"kind": "riesz", "strength": -1.0, "order": 1.0}, True),
    ],
)
def test_an_anomaly_needs_attraction_with_a_force_that_jumps_at_contact(potential, is_open):
    assert anomaly_is_open(field(potential)) == is_open


def test_what_concentrates_is_no_control_whatever_the_force():
    gem = {"kind": "gem", "exponent": 4.0}
    assert anomaly_is_open(field(gem, measure={"points": 32}))


MASS, APART, DURATION = 0.5, 1.0, 3.0
TIMES = np.linspace(0.0, DURATION, 5)


def two_points(system, folder, apart=APART):
    """Two masses on their way to each other; only where they start is looked at."""
    middle = 0.5 * system.length
    start = middle + 0.5 * apart * np.array([-1.0, 1.0])
    position = np.tile(start[:, np.newaxis], (1, TIMES.size, 1, 1))
    state = on_grid(system, np.ones((1, 5, 1, system.points)), [0], TIMES)
    state = state.drop_vars(["density", "cell", "x"]).assign(
        {
            "position": variable(("realisation", "time", "particle", "axis"), position, "l0", "x"),
            "weight": variable(("particle",), [MASS, MASS], "1", "weight"),
            "cell": cell_variable(system.cell),
        }
    )
    write_dataset(state, folder / "state.nc", {}, "glasscade.io")
    return Place(0.0, folder / "state.nc", (0.0,))


def test_the_cone_on_a_line_dissipates_what_its_shocks_do(tmp_path):
    """g²m³/12 each until they meet, at APART/(gm) after closing at the speed gm; then of 2m."""
    system = field(CONE)
    exact = float(exact_dissipation(system, two_points(system, tmp_path))[DISSIPATED])
    merger = APART / MASS
    expected = (2.0 * MASS**3 * merger + (2.0 * MASS) ** 3 * (DURATION - merger)) / 12.0
    assert exact == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "potential",
    [CONE | {"strength": -0.5}, {"kind": "cone", "strength": 1.0}, {"kind": "gaussian"}],
)
def test_no_other_potential_has_this_answer(potential, tmp_path):
    system = field(potential)
    assert DISSIPATED not in exact_dissipation(system, two_points(system, tmp_path))


def test_points_further_apart_than_the_reach_are_not_those_of_a_line(tmp_path):
    system = field(CONE)
    wide = two_points(system, tmp_path, apart=1.01 * CONE["reach"])
    assert DISSIPATED not in exact_dissipation(system, wide)


def test_a_gridded_density_at_zero_temperature_has_not_concentrated(tmp_path):
    system = field(CONE)
    write_dataset(
        on_grid(system, np.ones((1, 5, 1, system.points)), [0], TIMES),
        tmp_path / "grid.nc",
        {},
        "glasscade.io",
    )
    assert not exact_dissipation(system, Place(0.0, tmp_path / "grid.nc", (0.0,)))
