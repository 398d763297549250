"""A glass that is sheared and driven, from its keys to budget and structure."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade.analysis import stress_balance
from glasscade.analysis.arrays import cell_variable, last_snapshot
from glasscade.budget.smearing import TestFunctions
from glasscade.config import SYSTEM
from glasscade.external import AffineFlow, Kolmogorov, Sum
from glasscade.io import read_dataset, write_dataset
from glasscade.particles.observables import energy, find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.stages import reduce, simulate

KEYS = studies.GLASS | {
    "duration": 2.0,
    "mobility": 0.5,
    "external": [{"kind": "kolmogorov", "amplitude": 0.2, "wave": [0, 1], "direction": [1, 0]}],
    "shear_rate": -0.5,
}
ELL = 0.9


@pytest.fixture(scope="module")
def system():
    return SYSTEM.validate_python(KEYS)


@pytest.fixture(scope="module")
def state(system):
    return simulate.simulate(system, 0.01, [0], seed=3)


def test_the_cell_of_each_time_is_carried_along_without_a_break(system, state):
    flow = AffineFlow.simple_shear(-0.5, 2)
    assert state["cell"].dims == ("time", "row", "vector")
    for time, matrix in zip(state["time"].values, state["cell"].values, strict=True):
        np.testing.assert_array_equal(matrix, flow.moved(system.cell, time).matrix)
    # At the end, after a strain of one, the lattice is the straight one.
    h = state["cell"].values[-1]
    np.testing.assert_allclose(h[:, 1] + h[:, 0], system.cell.matrix[:, 1], rtol=0.0, atol=1e-12)
    last = last_snapshot(state, system.cell)
    xr.testing.assert_identical(last["cell"].variable, cell_variable(system.cell))


def test_what_relaxes_is_that_of_the_cell_of_each_time(system, state):
    """The energy of the last time is that in the straight cell, which a cell at rest has not."""
    table, species = PairTable.from_mixture(system.mixture), state["species"].values
    positions = state["position"].values[0]
    for time, cell in ((0, system.cell), (-1, system.cell)):
        exact = energy(find_bonds(positions[time], species, table, cell))
        assert state["energy"].values[0, time] == pytest.approx(exact, rel=1e-12)
    middle = energy(find_bonds(positions[2], species, table, system.cell))
    assert abs(state["energy"].values[0, 2] / middle - 1.0) > 1e-3


def test_the_budget_has_mobility_force_and_flow(system, state, tmp_path):
    write_dataset(state, tmp_path / "state.nc", {}, "glasscade.stages.simulate")
    job = {
        "system": KEYS,
        "temperatures": [0.01],
        "ell": [ELL],
        "kernels": ["gaussian"],
        "bumps": 1,
        "sharpness": 1,
        "seed": 2,
        "map_ell": [ELL],
    }
    reduce.run(job, tmp_path / "state.nc", tmp_path / "budget.nc")
    found = read_dataset(tmp_path / "budget.nc", "source", "transport", "flux_map_0.9")
    expected = stress_balance(
        state,
        system.mixture,
        ELL,
        temperature=0.01,
        mobility=0.5,
        functions=TestFunctions.bumps(2, 1, 1, seed=2),
        external=Sum((Kolmogorov(0.2, (0, 1), (1.0, 0.0)),)),
        flow=AffineFlow.simple_shear(-0.5, 2),
        counts=system.counts,
    )
    assert list(found["term"].values) == list(expected["term"].values)
    for name in ("stress", "rate", "source", "transport"):
        xr.testing.assert_equal(found[name].variable, expected[name].variable)
