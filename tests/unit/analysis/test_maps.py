"""Maps integrate to the smeared values, close at every point, and know where they are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import TestFunctions, stress_balance, stress_maps
from glasscade.analysis.arrays import cell_variable
from glasscade.analysis.maps import PARTS
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError, ResolutionError
from glasscade.external import Kolmogorov
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

SHEARED = Cell.sheared(3.0, 2, 0.3)
LINE = Cell.cubic(3.0, 1)
UNLIKE = Gaussian(0.7, width=0.2)
MIXTURE = Mixture(((Harmonic(1.3, 1.0, 0.1), UNLIKE), (UNLIKE, Harmonic(0.9, 1.2, 0.1))))
T = 0.2
ROUND_OFF = 1e-12
"""Quadratures over directions and over λ have converged to 1e-13 of the largest value."""


def points(cell, rng):
    """Two snapshots of five particles, one of them counted twice."""
    x = cell.cartesian(rng.random((2, 5, cell.dim)))
    return xr.Dataset(
        {
            "position": (("time", "particle", "axis"), x),
            "species": ("particle", [0, 1, 0, 1, 1]),
            "weight": ("particle", [1.0, 1.0, 2.0, 1.0, 1.0]),
            "cell": cell_variable(cell),
        },
        coords={"time": [0.0, 1.0]},
    )


def fields(cell, rng):
    size = 21
    axes = ("x", "y")[: cell.dim]
    density = 1.0 + rng.random((2, 2, *(size,) * cell.dim))
    return xr.Dataset(
        {"density": (("time", "species", *axes), density), "cell": cell_variable(cell)}
    )


CASES = {
    "particles": (points, SHEARED, 1.2),
    "particles 1d": (points, LINE, 0.9),
    "fields": (fields, SHEARED, 0.9),
    "fields at scale zero": (fields, LINE, 0.0),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request, rng):
    """Data, their cell, a scale, and all maps of all terms."""
    make, cell, ell = request.param
    data, force = make(cell, rng), Kolmogorov(0.6, (1,) * cell.dim, (1.0, 0.5)[: cell.dim])
    settings = {"temperature": T, "external": force}
    return (
        cell,
        data,
        ell,
        settings,
        stress_maps(data, MIXTURE, ell, terms="all", parts=PARTS, **settings),
    )


def test_maps_integrate_to_the_smeared_balance(case):
    """On a grid that holds products the trapezoid rule is exact for few modes of φ."""
    cell, data, ell, settings, found = case
    functions = TestFunctions.waves(cell.dim, 1)
    smeared = stress_balance(data, MIXTURE, ell, functions=functions, **settings)
    smeared = smeared.squeeze(["ell", "kernel"])
    axes = [name for name in ("x", "y") if name in found.dims]
    shape = tuple(found.sizes[axis] for axis in axes)
    waves = np.exp(1j * cell.grid(shape) @ cell.reciprocal(functions.q.T.astype(float)))
    phi = np.tensordot(functions.coefficients, waves, axes=(1, -1)).real
    phi = xr.DataArray(phi * cell.volume / np.prod(shape), dims=("phi", *axes))
    assert list(found["term"].values) == list(smeared["term"].values)
    for part in ("stress", "rate", "source", "transport"):
        expected = smeared[part].drop_vars("phi")
        integral = xr.dot(phi, found[part], dim=axes).transpose(*expected.dims)
        scale = float(abs(expected).max())
        assert scale > 0.0
        np.testing.assert_allclose(integral, expected, rtol=0.0, atol=10.0 * ROUND_OFF * scale)


def test_maps_close_at_every_point_and_fluxes_diverge_into_transports(case):
    cell, _, _, _, found = case
    total = (found["source"] + found["transport"]).sum("term")
    scale = float(abs(found["source"]).max() + abs(found["transport"]).max())
    assert float(abs(found["rate"] - total).max()) < ROUND_OFF * scale
    grid = [dim for dim in ("x", "y") if dim in found.dims]
    flux = grid_to_modes(found["flux"].transpose(..., *grid).values, cell)
    p = cell.wavevectors(tuple((n - 1) // 2 for n in flux.shape[-cell.dim :]))
    order = found["flux"].transpose(..., *grid).dims
    divergence = np.moveaxis(flux, order.index("k"), -1 - cell.dim) * 1j * p
    shape = tuple(found.sizes[dim] for dim in grid)
    values = modes_to_grid(divergence.sum(axis=-1 - cell.dim), cell, shape)
    transport = found["transport"].transpose(*(dim for dim in order if dim != "k"))
    np.testing.assert_allclose(-values, transport, rtol=0.0, atol=ROUND_OFF * scale)


def test_maps_say_what_and_where_they_are(case):
    cell, data, ell, _, found = case
    for name, array in found.data_vars.items():
        assert set(array.attrs) == {"units", "long_name", "equation"}, name
    axes = [name for name in ("x", "y") if name in found.dims]
    for axis in axes:
        np.testing.assert_allclose(
            found[axis], np.arange(found.sizes[axis]) / found.sizes[axis], rtol=1e-15
        )
    place = [found[f"cartesian_{axis}"].transpose(*axes).values for axis in axes]
    expected = cell.grid(tuple(found.sizes[axis] for axis in axes))
    np.testing.assert_allclose(np.stack(place, axis=-1), expected, rtol=1e-14)
    assert found["density"].dims == ("time", "species", *axes)
    mean = found["density"].mean(axes)
    if "density" in data:
        amount = data["density"].mean(axes)
    else:
        each = [data["weight"].where(data["species"] == s, 0.0).sum() for s in range(2)]
        amount = np.array(each) / cell.volume
    np.testing.assert_allclose(mean, amount + 0.0 * mean, rtol=1e-11)
    assert float(found["ell"]) == ell
    assert ("time" in found.coords) == ("time" in data.coords)


def test_only_what_is_asked_for_is_there_in_the_order_of_the_question(rng):
    data = points(SHEARED, rng).isel(time=0)
    whole = stress_maps(data, MIXTURE, 1.2, temperature=T, terms="all", parts=PARTS)
    terms = ["Ito", "Q_flux"]
    some = stress_maps(
        data, MIXTURE, 1.2, temperature=T, terms=terms, parts=["transport", "source"]
    )
    assert set(some.data_vars) == {"transport", "source"}
    assert list(some["term"].values) == terms
    xr.testing.assert_allclose(some["source"], whole["source"].sel(term=terms), rtol=1e-9)
    np.testing.assert_array_equal(some["transport"].sel(term="Ito"), 0.0)
    default = stress_maps(data, MIXTURE, 1.2)
    assert set(default.data_vars) == {"density", "stress", "source"}
    assert list(default["term"].values) == ["Q_flux"]
    xr.testing.assert_identical(default, stress_maps(data, MIXTURE, 1.2, terms="Q_flux"))
    ito = stress_maps(data, MIXTURE, 1.2, temperature=T, terms=["Ito"], parts=["source", "flux"])
    xr.testing.assert_allclose(ito["source"], whole["source"].sel(term=["Ito"]), rtol=1e-12)
    assert "term" not in stress_maps(data, MIXTURE, 1.2, parts=["density"]).dims


def test_a_finer_grid_has_the_same_values_where_both_have_points(rng):
    data = fields(SHEARED, rng).isel(time=0)
    coarse = stress_maps(data, MIXTURE, 1.2, points=(45, 45))
    fine = stress_maps(data, MIXTURE, 1.2, points=90)
    np.testing.assert_allclose(
        fine["source"].isel(x=slice(None, None, 2), y=slice(None, None, 2)),
        coarse["source"],
        rtol=0.0,
        atol=ROUND_OFF * float(abs(coarse["source"]).max()),
    )


def test_maps_in_a_changing_cell_share_one_grid(rng):
    cells = [Cell.sheared(3.0, 2, strain) for strain in (0.0, 0.6)]
    data = points(SHEARED, rng).assign(
        cell=(("time", "row", "vector"), [cell.matrix for cell in cells])
    )
    with pytest.raises(DataError, match="cell: changes in time, but only `stress_balance`"):
        stress_maps(data, MIXTURE, 1.2, temperature=T)
    data = data.rename(time="sample")
    both = stress_maps(data, MIXTURE, 1.2, temperature=T)
    assert both["cartesian_x"].dims == ("sample", "x", "y")
    grid = (both.sizes["x"], both.sizes["y"])
    for time, cell in enumerate(cells):
        one = data.isel(sample=time).assign(cell=cell_variable(cell))
        alone = stress_maps(one, MIXTURE, 1.2, temperature=T, points=grid)
        xr.testing.assert_allclose(both.isel(sample=time), alone, rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"terms": ["Q"]}, ConfigError, r"^terms: \['Q'\] must be among W, Q_flux, Q_thermal, Ito"),
        ({"parts": ["map"]}, ConfigError, r"^parts: \['map'\] must be among density, stress"),
        ({"ell": 0.0}, ConfigError, r"^ell: points have maps at ell > 0 alone"),
        ({"ell": 0.1, "counts": (5, 5)}, ResolutionError, r"^ell: 0.1 is not resolved"),
        ({"points": 12}, ResolutionError, r"^a grid of shape \(12, 12\) cannot hold products"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_sentence(changes, error, message, rng):
    with pytest.raises(error, match=message):
        stress_maps(points(SHEARED, rng), MIXTURE, **{"ell": 1.2} | changes)
