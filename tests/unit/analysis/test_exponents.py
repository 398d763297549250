"""Exponents of one's own densities and particles: the same numbers as of the estimators."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import besov_exponents
from glasscade.analysis.arrays import cell_variable
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError, ResolutionError
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import exponents
from glasscade.regularity.synthetic import Fractional
from glasscade.regularity.wavelets import wavelet_moments

ORDERS = (1.0, 3.0)
WINDOW = (0.04, 0.6)
SQUARE = Cell.cubic(4.0, 2)


def densities(number: int, cell: Cell = SQUARE, hurst: float = 0.4) -> xr.Dataset:
    """Fractional densities of two species on 256² points."""
    rngs = np.random.default_rng(12).spawn(number)
    fields = np.array([Fractional(hurst).sample((256, 256), rng) for rng in rngs])
    parts = np.stack([1.0 + 0.1 * fields, 2.0 + 0.1 * fields], axis=1)
    return xr.Dataset(
        {
            "density": (("realisation", "species", "x", "y"), parts),
            "cell": cell_variable(cell),
        }
    )


def test_fields_give_the_exponents_of_the_estimator():
    data = densities(6)
    found = besov_exponents(data, window=WINDOW, orders=ORDERS)
    total = data["density"].sum("species").values
    q = np.array(ORDERS)
    moments = [wavelet_moments(field, SQUARE, 5, q) for field in total]
    known = reference("wavelets", (256, 256), SQUARE, 5, q)
    expected = exponents(moments, WINDOW, 0.95, SQUARE.volume, known)
    np.testing.assert_allclose(found["value"], expected.value, rtol=1e-10)
    np.testing.assert_allclose(found["ci_high"], expected.ci_high, rtol=1e-10)
    np.testing.assert_allclose(found["local"], expected.local, rtol=1e-9)
    assert list(found["flag"].values) == list(expected.flag)
    assert found.attrs["samples"] == 6
    assert found.attrs["range"] == [expected.low, expected.high]
    third = found.sel(order=3.0)
    assert third["ci_low"] <= 0.4 <= third["ci_high"]


def test_points_of_a_gas_are_white_above_their_smearing():
    rng = np.random.default_rng(13)
    position = SQUARE.cartesian(rng.random((6, 40_000, 2)))
    data = xr.Dataset(
        {
            "position": (("time", "particle", "axis"), position),
            "cell": cell_variable(SQUARE),
        }
    )
    found = besov_exponents(data, window=(0.1, 0.6), points=256, orders=(2.0, 3.0))
    # White noise has H = -d/2 = -1, seen from ten times the smearing (0.04) upwards; six fields of
    # 64 coefficients of three orientations: 0.05 in ln norm, over an octave 0.1.
    np.testing.assert_allclose(found["local"][:, -1], -1.0, atol=0.2)
    assert np.all(found["local"][:, 0] > 0.0)
    weighted = data.assign(weight=("particle", np.full(40_000, 2.0)))
    again = besov_exponents(weighted, window=(0.1, 0.6), points=256, orders=(2.0, 3.0))
    np.testing.assert_allclose(again["raw"], found["raw"], rtol=1e-10)


def test_one_large_snapshot_is_cut_into_blocks():
    rng = np.random.default_rng(14)
    position = SQUARE.cartesian(rng.random((40_000, 2)))
    data = xr.Dataset({"position": (("particle", "axis"), position), "cell": cell_variable(SQUARE)})
    found = besov_exponents(data, window=(0.05, 0.25), points=256, orders=(3.0,))
    assert found.attrs["samples"] == 64


def test_sheared_cells_have_gradients():
    cell = Cell.sheared(4.0, 2, 0.3)
    data = densities(6, cell)
    with pytest.raises(ResolutionError, match="equal orthogonal sides"):
        besov_exponents(data, window=WINDOW, orders=ORDERS)
    found = besov_exponents(data, window=WINDOW, orders=ORDERS, estimator="gradients")
    assert found.attrs["estimator"] == "gradients"
    assert np.all(np.isfinite(found["raw"]))


def test_what_is_missing_is_named():
    data = densities(1)
    with pytest.raises(ConfigError, match="estimator: it must be wavelets or gradients"):
        besov_exponents(data, window=WINDOW, estimator="leaders")
    with pytest.raises(DataError, match="`density` or `position` is needed"):
        besov_exponents(data.drop_vars("density"), window=WINDOW)
    points = xr.Dataset(
        {"position": (("particle", "axis"), np.zeros((3, 2))), "cell": cell_variable(SQUARE)}
    )
    with pytest.raises(ConfigError, match="points: for particles"):
        besov_exponents(points, window=WINDOW)
