"""The microscopic balance of labelled points, and what balances at a scale tend to."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import TestFunctions, point_balance, stress_balance
from glasscade.analysis.arrays import cell_variable
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.external import Kolmogorov
from glasscade.particles.microscopic import microscopic_balance
from glasscade.particles.observables import find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Gaussian, Harmonic, Mixture

CELL = Cell.sheared(4.0, 2, 0.3)
UNLIKE = Gaussian(0.7, width=0.5)
MIXTURE = Mixture(((Gaussian(1.3, 0.6), UNLIKE), (UNLIKE, Gaussian(0.9, 0.4))))
SPECIES = np.array([0, 1, 1, 0, 0, 1, 0])
FUNCTIONS = TestFunctions.bumps(2, count=2, sharpness=1, seed=5)
FORCE = Kolmogorov(0.6, (0, 1), (1.0, 0.0))
T = 0.2


@pytest.fixture
def points(rng):
    """Seven particles at two times."""
    position = CELL.cartesian(rng.random((2, 7, 2)))
    return xr.Dataset(
        {
            "position": (("time", "particle", "axis"), position, {"units": "l0"}),
            "species": ("particle", SPECIES),
            "cell": cell_variable(CELL),
        },
        coords={"time": [0.0, 0.1]},
    )


def test_balance_of_every_snapshot_is_that_of_its_bonds(points):
    balance = point_balance(points, MIXTURE, temperature=T, functions=FUNCTIONS, external=FORCE)
    assert list(balance["term"].values) == ["W", "Q_thermal", "N_ni"]
    for time in range(2):
        x = points["position"].values[time]
        bonds = find_bonds(x, SPECIES, PairTable.from_mixture(MIXTURE), CELL)
        other = {"N_ni": FORCE.at(CELL, x)}
        expected = microscopic_balance(
            bonds, MIXTURE, T, CELL, FUNCTIONS.q, FUNCTIONS.coefficients, other
        )
        for name in ("stress", "rate", "source", "transport"):
            np.testing.assert_array_equal(balance[name].values[time], getattr(expected, name))
    for name in ("stress", "rate", "source", "transport"):
        assert {"units", "long_name", "equation"} <= set(balance[name].attrs)


def test_balances_at_a_scale_tend_to_it_at_second_order(points):
    """W + Q_flux to W, Q_thermal + Ito to Q_thermal, N_ni + N_flux to N_ni."""
    exact = point_balance(points, MIXTURE, temperature=T, functions=FUNCTIONS, external=FORCE)
    ells = [0.04, 0.02]
    coarse = stress_balance(
        points, MIXTURE, ells, temperature=T, functions=FUNCTIONS, external=FORCE
    ).isel(kernel=0)
    pairs = {"W": ["W", "Q_flux"], "Q_thermal": ["Q_thermal", "Ito"], "N_ni": ["N_ni", "N_flux"]}
    for term, parts in pairs.items():
        both = (coarse["source"] + coarse["transport"]).sel(term=parts).sum("term")
        limit = (exact["source"] + exact["transport"]).sel(term=term)
        error = abs(both - limit).max([dim for dim in both.dims if dim != "ell"]).values
        # the next order, (ℓ/width)² with a width of 0.4, bends the slope by 1 %; times of order 10
        assert np.log2(error[0] / error[1]) == pytest.approx(2.0, abs=0.1)
        assert error[1] < 0.05 * float(abs(limit).max())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weight": ("particle", np.full(7, 2.0))}, DataError, "data: particles that all weigh 1"),
        ({"species": ("particle", SPECIES + 1)}, DataError, "species: must be whole numbers"),
    ],
    ids=["weight", "species"],
)
def test_what_it_cannot_do_is_refused(points, change, error, message):
    with pytest.raises(error, match=message):
        point_balance(points.assign(change), MIXTURE)


def test_fields_have_no_points(rng):
    fields = xr.Dataset({"density": (("x", "y"), rng.random((8, 8))), "cell": cell_variable(CELL)})
    with pytest.raises(DataError, match="data: particles that all weigh 1 are needed"):
        point_balance(fields, Mixture.single(UNLIKE))


def test_thermal_term_of_a_kink_is_refused_and_cold_points_are_not(points):
    hard = Mixture(((Harmonic(1.0, 1.0), UNLIKE), (UNLIKE, UNLIKE)))
    with pytest.raises(ConfigError, match="harmonic"):
        point_balance(points, hard, temperature=T)
    assert np.all(np.isfinite(point_balance(points, hard)["rate"]))
    with pytest.raises(ConfigError, match="temperature: -1"):
        point_balance(points, MIXTURE, temperature=-1.0)
