"""Quasistatic shear: elastic branches, events that do not depend on the step, stress by scale."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import stress_balance
from glasscade.analysis.arrays import cell_variable, variable
from glasscade.budget.events import integral
from glasscade.cell import Cell
from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles import quasistatic
from glasscade.particles.descent import outputs, walk
from glasscade.particles.listed import ListedForces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.quasistatic import Event, Protocol, Rest, Sheared
from glasscade.particles.spheres import binary_spheres

MIXTURE = binary_spheres(0.2)
TABLE = PairTable.from_mixture(MIXTURE)
STATE, CELL = random_mixture(64, 0.95, 2, 1, 3)
LARGEST = 0.017
"""Behind the first event of this packing, at 0.0151."""
COARSE = Protocol(step=8e-4, accuracy=1e-6, intervals=16)


def sheared(protocol):
    return Sheared(STATE.species, TABLE, CELL, protocol)


@pytest.fixture(scope="module")
def start():
    return sheared(COARSE).quenched(STATE.positions)


@pytest.fixture(scope="module")
def steps(start):
    """All that happens with the coarser step."""
    return list(sheared(COARSE).run(start, LARGEST, 5))


@pytest.fixture(scope="module")
def event(steps):
    found = [step for step in steps if isinstance(step, Event)]
    assert len(found) == 1
    return found[0]


def test_the_quench_ends_at_rest(start):
    force = ListedForces(STATE.species, TABLE, CELL).forces(start.positions)
    assert np.max(np.abs(force)) < 1e-9
    assert start.strain == 0.0


def test_elastic_branches_go_back(steps):
    """All the way from before the event to no strain, in the same steps."""
    branch = []
    for step in steps:
        if isinstance(step, Event):
            break
        branch.append(step)
    shear, state = sheared(COARSE), branch[-1]
    for earlier in reversed(branch[:-1]):
        state = shear.sheared(state, earlier.strain)
    # Positions at rest are known to the force left, 1e-10, over the softest mode, 1e-3.
    assert np.max(np.abs(state.positions - branch[0].positions)) < 1e-5
    assert state.energy == pytest.approx(branch[0].energy, rel=1e-10)


def test_stress_is_the_slope_of_the_energy(steps):
    """dE/dγ = σ_xy along a branch."""
    first, second, third = (step for step in steps[:3])
    slope = (third.energy - first.energy) / (third.strain - first.strain)
    # Centred difference: second order in Δγ, that of the curvature of σ_xy, a part in a hundred.
    assert slope == pytest.approx(second.stress[0, 1], rel=1e-2)


def test_events_do_not_depend_on_the_step(start, event):
    fine = Protocol(step=4e-4, accuracy=1e-6, intervals=16)
    other = [s for s in sheared(fine).run(start, LARGEST, 5) if isinstance(s, Event)]
    assert len(other) == 1
    # Both strains lie within a width behind the same instability.
    assert abs(other[0].strain - event.strain) <= COARSE.width
    lost = [e.descent.energy[0] - e.descent.energy[-1] for e in (event, other[0])]
    # ΔE changes by the stress times the width, ΔE ~ 1e-3 and σΔγ ~ 1e-6.
    assert lost[1] == pytest.approx(lost[0], rel=1e-3)
    np.testing.assert_allclose(other[0].after.stress, event.after.stress, atol=1e-4)


def test_an_event_loses_stress_and_energy_as_it_dissipates(event):
    assert event.after.stress[0, 1] < event.before.stress[0, 1]
    found = event.descent
    lost = found.energy[0] - found.energy
    assert np.all(np.diff(lost) > 0.0)
    # The global error of the accuracy, 1e-6^{2/3} of the path.
    np.testing.assert_allclose(found.dissipated[-1], lost[-1], rtol=2e-3)


def test_the_instability_is_bracketed(event):
    assert 0.0 < event.strain - event.before.strain <= COARSE.width * (1.0 + 1e-9)
    shear = sheared(COARSE)
    assert not shear.is_elastic(event.before, event.after)
    # Twice the step backwards is on the branch on which the event began.
    back = shear.sheared(event.before, event.before.strain - COARSE.step)
    assert shear.is_elastic(event.before, back)


def test_the_stress_drop_by_scale_closes_to_second_order(event):
    """∫(W_ℓ + Q^flux_ℓ)dt of the event against Δσ_ℓ, xy, with 8 and 64 intervals."""
    forces = ListedForces(STATE.species, TABLE, event.cell)
    points = list(walk(event.descent.positions[0], forces, 1e-9, 1e-7))
    residuals = []
    for intervals in (8, 64):
        found = outputs(points, forces, intervals)
        data = xr.Dataset(
            {
                "position": variable(
                    ("time", "particle", "axis"), found.positions, "l0", "positions"
                ),
                "species": variable(("particle",), STATE.species, "1", "species"),
                "cell": cell_variable(event.cell),
            }
        )
        balance = stress_balance(data, MIXTURE, [0.25, 0.5]).isel(phi=0, kernel=0, i=0, j=1)
        rates = (balance["source"] + balance["transport"]).sum("term")
        value, error = integral(rates.transpose("ell", "time").values, found.path, found.speed)
        stress = balance["stress"].transpose("ell", "time").values
        change = stress[:, -1] - stress[:, 0]
        assert np.max(np.abs(balance["rate"] - rates)) < 1e-12 * np.max(np.abs(balance["source"]))
        residuals.append(np.max(np.abs(value - change)) / np.max(np.abs(change)))
        assert residuals[-1] < 10.0 * np.max(error) / np.max(np.abs(change)) + 1e-3
    # 8² = 64 by the order, of which kinks met by chance may cost a factor of eight.
    assert residuals[0] / residuals[1] > 8.0
    assert residuals[1] < 5e-3


def test_shear_ends_with_the_last_event_asked_for(start):
    steps = list(sheared(COARSE).run(start, 0.5, 1))
    assert isinstance(steps[-1], Event)
    assert sum(isinstance(step, Event) for step in steps) == 1
    assert isinstance(steps[0], Rest)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"step": 0.0}, r"step: 0 is outside \(0, inf\)"),
        ({"width": 1e-2}, "width: 0.01 must be below the step, 0.0002"),
    ],
)
def test_a_protocol_that_brackets_nothing_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        Protocol(**keys)


def test_shear_of_a_tilted_cell_is_refused():
    with pytest.raises(ConfigError, match="shear starts from a square or cubic cell"):
        Sheared(STATE.species, TABLE, Cell.sheared(8.0, 2, 0.1), COARSE)


def test_a_descent_that_stops_beside_the_lost_minimum_is_continued(event, monkeypatch):
    """With so large a tolerance it stops at once; when it may not be lowered, that is an error."""
    lax = Protocol(step=8e-4, accuracy=1e-6, intervals=16, tolerance=1e-7)
    found = sheared(lax)._plastic(event.before, event.strain)
    assert isinstance(found, Event)
    assert found.descent.path[-1] == pytest.approx(event.descent.path[-1], rel=1e-2)
    monkeypatch.setattr(quasistatic, "_TIGHTER", 1)
    with pytest.raises(ConvergenceError, match="where there is no minimum; use a larger width"):
        sheared(lax)._plastic(event.before, event.strain)
