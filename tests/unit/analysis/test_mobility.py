"""A mobility multiplies what forces and temperature drive, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import point_balance, stress_balance, stress_maps
from glasscade.analysis.arrays import cell_variable
from glasscade.budget.balance import SHEAR
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.external import AffineFlow, Kolmogorov
from glasscade.potentials import Gaussian, Mixture

CELL = Cell.sheared(4.0, 2, 0.2)
DATA = xr.Dataset(
    {
        "position": (
            ("particle", "axis"),
            CELL.cartesian(np.random.default_rng(1).random((20, 2))),
        ),
        "cell": cell_variable(CELL),
    }
)
GIVEN = {
    "data": DATA,
    "mixture": Mixture.single(Gaussian(1.0, 0.6)),
    "temperature": 0.1,
    "external": Kolmogorov(0.5, (0, 1), (1.0, 0.0)),
}
FUNCTIONS = TestFunctions.bumps(2, 1, 1, seed=1)
RATES = ("rate", "source", "transport")


def test_balances_at_a_scale_but_for_the_flow():
    given = {**GIVEN, "ell": 0.5, "functions": FUNCTIONS}
    flow = AffineFlow.simple_shear(0.7, 2)
    plain, moved = (stress_balance(**given, flow=flow, mobility=m) for m in (1.0, 0.3))
    factor = np.where(np.isin(plain["term"], SHEAR), 1.0, 0.3)
    factor = xr.DataArray(factor, dims="term", coords={"term": plain["term"]})
    factors = {"source": factor, "transport": factor, "ideal_transport": factor, "self_pair": 0.3}
    for name, expected in factors.items():
        scale = float(np.abs(plain[name]).max())
        # Round-off of sums over thousands of modes.
        assert float(np.abs(moved[name] - expected * plain[name]).max()) < 1e-13 * scale
    for name in ("stress", "ideal_stress"):
        np.testing.assert_allclose(moved[name], plain[name], rtol=1e-13)
    total = (moved["source"] + moved["transport"]).sum("term")
    assert float(np.abs(moved["rate"] - total).max() / np.abs(total).max()) < 1e-12


def test_maps_and_balances_of_points():
    for found, given in (
        (stress_maps, {"ell": 0.6, "terms": "all", "parts": RATES}),
        (point_balance, {"functions": FUNCTIONS}),
    ):
        plain, moved = (found(**GIVEN, **given, mobility=m) for m in (1.0, 0.3))
        for name in RATES:
            scale = float(np.abs(plain[name]).max())
            assert scale > 0.0
            assert float(np.abs(moved[name] - 0.3 * plain[name]).max()) < 1e-12 * scale


@pytest.mark.parametrize("mobility", [0.0, -1.0, np.nan, np.inf])
def test_mobilities_that_move_nothing_are_refused(mobility):
    for found, given in ((stress_balance, {"ell": 0.5}), (stress_maps, {"ell": 0.5})):
        with pytest.raises(ConfigError, match=r"mobility: .* must be > 0 and finite"):
            found(**GIVEN, **given, mobility=mobility)
    with pytest.raises(ConfigError, match=r"mobility: .* must be > 0 and finite"):
        point_balance(**GIVEN, mobility=mobility)
