"""Balances smeared in time close, boundary terms included, at the order of the quadrature."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import TestFunctions, TimeWindows, smear_in_time, stress_balance
from glasscade.analysis.arrays import cell_variable
from glasscade.cell import Cell
from glasscade.errors import DataError
from glasscade.fields.initial import smooth_density
from glasscade.fields.spectral import evolve
from glasscade.force import ForceField
from glasscade.potentials import Gaussian, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

CELL, SHAPE, T = Cell.cubic(10.0, 1), (63,), 0.1
MIXTURE = Mixture.single(Gaussian(1.0, width=1.0))
END, STEPS = 0.8, 128
# The second is cut off by the end of the run.
WINDOWS = TimeWindows.bumps(centres=[0.4, 0.6], widths=[0.4, 0.5], power=5)


@pytest.fixture(scope="module")
def run():
    """The balance of a density that spreads, at 129 times."""
    modes = grid_to_modes(smooth_density(SHAPE, 1.0, 0.4, 3)[np.newaxis], CELL)
    field = ForceField(MIXTURE, CELL, (31,))
    every = range(STEPS + 1)
    states = evolve(modes, field, T, np.array(every) * END / STEPS, 1e-12)
    history = np.array([modes_to_grid(state, CELL, SHAPE) for state in states])
    data = xr.Dataset(
        {"density": (("time", "species", "x"), history), "cell": cell_variable(CELL)},
        coords={"time": np.array(every) * END / STEPS},
    )
    functions = TestFunctions.waves(1, 1)
    return stress_balance(data, MIXTURE, [0.0, 2.0], temperature=T, functions=functions)


def each(array, keep="window"):
    """The largest value of a variable for each window."""
    return abs(array).max([dim for dim in array.dims if dim != keep]).values


def test_closure_improves_with_the_fourth_power_of_the_spacing(run):
    sizes = (8, 16, 32)  # the solver's own steps leave 2e-11, which more snapshots would show
    errors = [
        each(smear_in_time(run.isel(time=slice(None, None, STEPS // n)), WINDOWS)["residual"])
        for n in sizes
    ]
    change = abs(run["stress"].isel(time=-1) - run["stress"].isel(time=0)).max()
    assert (errors[-1] < 1e-7 * float(change)).all()
    for number in range(len(WINDOWS.names)):
        order = -np.polyfit(np.log(sizes), np.log([row[number] for row in errors]), 1)[0]
        # at least four: windows that vanish with four derivatives gain from their ends
        assert order > 3.7


def test_uneven_times_close_too(run):
    chosen = np.unique(np.round(STEPS * np.linspace(0.0, 1.0, 50) ** 2).astype(int))
    result = smear_in_time(run.isel(time=chosen), WINDOWS)
    scale = each(result["source"] + result["transport"])
    # the widest of the spacings, 0.03, is that of 25 even ones
    assert (each(result["residual"]) < 1e-3 * scale).all()


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_the_estimated_error_has_the_size_of_the_residual(run, stride):
    result = smear_in_time(run.isel(time=slice(None, None, stride)), WINDOWS)
    ratio = each(result["residual"]) / each(result["quadrature_error"])
    # an order above four is less of an error than the estimate makes of it
    assert ((ratio > 0.02) & (ratio < 5.0)).all()


def test_parts_are_integrals_by_the_trapezoid_rule_to_its_error(run):
    """Sources times ψ, stress times -ψ̇, and the values of ψσ at the ends."""
    result = smear_in_time(run, WINDOWS)
    times = run["time"].values
    psi = xr.DataArray(WINDOWS.values(times), dims=("window", "time"), coords={"time": times})
    slope = xr.DataArray(WINDOWS.slopes(times), dims=("window", "time"), coords={"time": times})
    ends = (psi * run["stress"]).isel(time=[0, -1])
    expected = {
        "source": (psi * run["source"]).integrate("time"),
        "transport": (psi * run["transport"]).integrate("time"),
        "displacement": -(slope * run["stress"]).integrate("time"),
        "boundary": ends.isel(time=1, drop=True) - ends.isel(time=0, drop=True),
    }
    for name, values in expected.items():
        scale = float(abs(values).max())
        assert scale > 0.0
        ordered = values.transpose(*result[name].dims)
        np.testing.assert_allclose(result[name], ordered, rtol=0.0, atol=3e-4 * scale)


def test_boundary_terms_are_the_change_of_stress_or_nothing(run):
    boundary = smear_in_time(run, WINDOWS)["boundary"]
    change = run["stress"].isel(time=-1, drop=True) - run["stress"].isel(time=0, drop=True)
    np.testing.assert_array_equal(boundary.sel(window="one"), change)
    np.testing.assert_array_equal(boundary.sel(window="window1"), 0.0)  # it ends with the run
    assert float(abs(boundary.sel(window="window2")).max()) > 0.1 * float(abs(change).max())


def test_windows_take_the_place_of_times_and_all_is_labelled(run):
    result = smear_in_time(run)
    assert result["source"].dims == ("window", "ell", "kernel", "term", "phi", "i", "j")
    assert list(result["window"].values) == ["one"]
    assert "time" not in result.coords
    assert list(result["equation"].values) == list(run["equation"].values)
    for name, array in result.data_vars.items():
        assert set(array.attrs) == {"units", "long_name", "equation"}, name
    own = smear_in_time(run.assign(self_pair=run["rate"]))
    np.testing.assert_allclose(
        own["self_pair"], (own["source"] + own["transport"]).sum("term"), rtol=0.0, atol=1e-9
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.isel(time=0), r"^time: the balance needs this dimension and coordinate"),
        (lambda b: b.drop_vars("time"), r"^time: the balance needs this dimension and coordinate"),
        (lambda b: b.isel(time=[0, 5]), r"^time: three times or more are needed"),
        (lambda b: b.isel(time=[0, 5, 3]), r"^time: .* each later than the one before"),
        (lambda b: b.drop_vars("source"), r"^source: this variable is missing"),
        (lambda b: b.assign_coords(time=b["time"] * np.nan), r"^time: 129 of 129 values are NaN"),
    ],
)
def test_what_is_no_run_is_refused(run, change, message):
    with pytest.raises(DataError, match=message):
        smear_in_time(change(run))
