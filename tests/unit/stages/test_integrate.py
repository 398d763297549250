"""Time integrals of known series, and the joining of files of blocks and batches of scales."""

from __future__ import annotations

import itertools
from dataclasses import astuple

import numpy as np
import pytest
import xarray as xr

import studies
from budget_data import PHI, TERMS, budget, write
from glasscade.config import SYSTEM
from glasscade.errors import DataError
from glasscade.limits.extrapolation import extrapolate
from glasscade.stages.integrate import gather, integrate, limit_in_ell, term

FIELD = SYSTEM.validate_python(studies.FIELD["system"])
ROUGH = SYSTEM.validate_python(studies.ROUGH["system"])
ELLS = [0.0, 0.1, 0.2]
TIMES = np.linspace(0.0, 2.0, 9)


def amplitude(r, ell, kernel, phi):
    """A number that tells all of them apart."""
    return 1.0 + r + 10.0 * ell + 0.3 * kernel + 0.2 * phi


def source(r, t, ell, kernel, phi, number):
    """Of the terms W, Q_flux, Q_thermal: quadratic in time."""
    return amplitude(r, ell, kernel, phi) * (number + 1.0) * (1.0 - 2.0 * t + 3.0 * t**2)


def transport(r, t, ell, kernel, phi, number):
    return 0.1 * phi * (number + 1.0) * t**2


def rate(*at):
    return sum(source(*at, number) + transport(*at, number) for number in range(3))


def stress(r, t, ell, kernel, phi):
    """The exact integral of the rate, from 5 at t = 0."""
    sources = 6.0 * amplitude(r, ell, kernel, phi) * (t - t**2 + t**3)
    return 5.0 + sources + 6.0 * 0.1 * phi * t**3 / 3.0


FORMULAS = {"stress": stress, "rate": rate, "source": source, "transport": transport}


def whole(**changes):
    return budget(TIMES, ELLS, FORMULAS | changes, realisations=(0, 1))


def integrated(**changes):
    return integrate([(0.0, whole(**changes))], 2).isel(temperature=0)


def test_integrals_are_those_of_the_trapezoid_rule_on_the_trace():
    result = integrated()
    h, axes = TIMES[1] - TIMES[0], np.ix_([0, 1], ELLS, [0, 1], [0, 1, 2])
    a = amplitude(*axes)
    # exact for a quadratic f: h²/12 (f'(end) - f'(start)) in excess
    exact, excess = 6.0, h**2 / 12.0 * 12.0
    for number, name in enumerate(TERMS):
        found = result["source"].sel(term=name).transpose("realisation", "ell", "kernel", "phi")
        np.testing.assert_allclose(found, a * (number + 1) * (exact + excess), rtol=1e-13)
        found = result["transport"].sel(term=name, phi="bump2").values
        expected = 0.1 * 2.0 * (number + 1) * (8.0 / 3.0 + h**2 / 12.0 * 4.0)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    change = result["change"].transpose("realisation", "ell", "kernel", "phi")
    np.testing.assert_allclose(change, 6 * a * 6.0 + 0.2 * np.arange(3) * 8.0, rtol=1e-13)


def test_estimated_error_is_the_error_of_the_integral():
    result = integrated()
    assert np.abs(result["residual"]).min() > 0.01
    # Richardson's estimate is exact for a quadratic
    np.testing.assert_allclose(result["quadrature_error"], result["residual"], rtol=1e-9)


def test_residual_falls_as_the_square_of_the_spacing():
    def series(r, t, ell, kernel, phi):
        return np.exp(-t) * amplitude(r, ell, kernel, phi)

    formulas = {
        "stress": series,
        "rate": lambda *at: -series(*at),
        "source": lambda *at: -series(*at[:-1]) * (at[-1] == 0),
        "transport": lambda *at: 0.0,
    }
    counts, errors = np.array([9, 17, 33]), []
    for count in counts:
        result = integrate([(0.0, budget(np.linspace(0.0, 2.0, count), ELLS, formulas))], 2)
        errors.append(np.abs(result["residual"]).max())
        # the next order in the estimate is h², here at most 1/16 of it
        np.testing.assert_allclose(
            result["quadrature_error"], result["residual"], rtol=2.0 / (count - 1)
        )
    np.testing.assert_allclose(np.diff(np.log2(errors)), -2.0, rtol=0.0, atol=0.05)


def test_times_even_in_a_logarithm_are_integrated_in_it():
    """f = (1 + 3u)/(t + t0) with u = ln(t + t0): the rule in u is exact for a straight line."""
    onset = 0.3
    u = np.linspace(np.log(onset), np.log(50.0), 9)
    times = np.exp(u) - onset

    def f(r, t, ell, kernel, phi, number):
        return (number == 0) * (1.0 + 3.0 * np.log(t + onset)) / (t + onset)

    formulas = FORMULAS | {"source": f, "transport": lambda *at: 0.0}
    log = integrate([(0.0, budget(times, ELLS, formulas))], 2, onset)
    exact = (u[-1] - u[0]) + 1.5 * (u[-1] ** 2 - u[0] ** 2)
    np.testing.assert_allclose(log["source"].sel(term="W"), exact, rtol=1e-12)
    np.testing.assert_allclose(log["quadrature_error"], 0.0, rtol=0.0, atol=1e-12)
    linear = integrate([(0.0, budget(times, ELLS, formulas))], 2)
    assert np.abs(linear["source"].sel(term="W") - exact).min() > 0.1


def test_algebraic_residual_is_the_worst_of_all_times_relative_to_the_largest_part():
    def wrong(r, t, ell, kernel, phi):
        return rate(r, t, ell, kernel, phi) + 1e-6 * ((t == TIMES[3]) & (phi == 1.0))

    result = integrated(rate=wrong)["algebraic_residual"]
    largest = np.abs(whole()["source"]).max(["time", "term", "i", "j"])
    expected = 1.5e-6 / largest.sel(phi="bump1")  # the larger of the two diagonal components
    np.testing.assert_allclose(
        result.sel(phi="bump1").transpose(*expected.dims), expected, rtol=1e-6
    )
    assert result.sel(phi=["one", "bump2"]).max() < 1e-14  # round-off
    assert integrated()["algebraic_residual"].max() < 1e-14


def test_algebraic_residual_counts_transports_among_the_parts():
    """A budget whose transports are a hundred times larger bears a residual as much larger."""
    budget = whole()
    loud = budget.assign(transport=100.0 * budget["transport"])
    total = (loud["source"] + loud["transport"]).sum("term")
    loud["rate"] = total.transpose(*budget["rate"].dims) + 1e-6
    found = integrate([(0.0, loud)], 2)["algebraic_residual"].isel(temperature=0)
    parts = [np.abs(loud[name]).max(["time", "term", "i", "j"]) for name in ("source", "transport")]
    expected = 1e-6 / xr.concat(parts, dim="part").max("part")
    assert (parts[1] > parts[0]).any()
    np.testing.assert_allclose(found.transpose(*expected.dims), expected, rtol=1e-6)


def test_algebraic_residual_sees_every_component_of_the_tensor():
    """An error of opposite signs in xx and yy, or off the diagonal, leaves the trace as it is."""
    for components in ({(0, 0): 1e-6, (1, 1): -1e-6}, {(0, 1): 1e-6}):
        wrong = whole()
        for (i, j), error in components.items():
            wrong["rate"][..., i, j] += error
        found = integrate([(0.0, wrong)], 2)["algebraic_residual"]
        assert float(found.min()) > 1e-9
        np.testing.assert_allclose(
            integrate([(0.0, wrong)], 2).isel(temperature=0)["residual"],
            integrated()["residual"],
            atol=1e-12,
            rtol=0.0,
        )  # round-off of what the trace shows


def test_a_single_snapshot_stands_for_a_unit_of_time():
    still = budget(np.zeros(1), ELLS, FORMULAS)
    result = integrate([(0.0, still)], 2).isel(temperature=0, realisation=0)
    expected = amplitude(0, np.array(ELLS), 0, 0)  # at t = 0
    np.testing.assert_allclose(
        result["source"].sel(term="W", phi="one", kernel="gaussian"), expected, rtol=1e-14
    )
    np.testing.assert_array_equal(result["change"], 0.0)
    np.testing.assert_array_equal(result["quadrature_error"], 0.0)


def test_series_is_the_change_of_stress_since_the_start():
    series = integrated()["series"].sel(ell=0.1).isel(realisation=0)
    t = TIMES
    np.testing.assert_allclose(series, 6.0 * 2.0 * (t - t**2 + t**3), rtol=1e-12, atol=1e-12)


def test_scales_that_a_kernel_does_not_resolve_stay_unknown():
    def holes(r, t, ell, kernel, phi, number):
        return np.where(
            (kernel == 1.0) & (ell == 0.1), np.nan, source(r, t, ell, kernel, phi, number)
        )

    result = integrated(source=holes)
    unknown = result.sel(kernel="wendland_c6", ell=0.1)
    for name in ("source", "residual", "quadrature_error", "algebraic_residual"):
        assert np.isnan(unknown[name]).all()
        assert np.isfinite(result[name].sel(kernel="gaussian")).all()


def pieces(hurst=None):
    """The whole, and its files by block of realisations and batch of scales."""
    every = budget(TIMES, ELLS, FORMULAS, realisations=(0, 1, 2, 3))
    if hurst is not None:
        every = every.assign_coords(hurst=("realisation", hurst))
    parts = [
        every.isel(realisation=block, ell=batch)
        for block in ([0, 1], [2], [3])
        for batch in ([1], [0, 2])
    ]
    return every, parts


@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::97])
def test_blocks_and_batches_are_joined_in_any_order(tmp_path, order):
    every, parts = pieces()
    paths = [write(parts[number], tmp_path / f"{number}.nc") for number in order]
    [(temperature, joined)] = gather(paths, [[0.5]] * 6)
    assert temperature == 0.5
    xr.testing.assert_equal(joined.sortby("realisation"), every)


def test_cases_keep_their_labels_when_blocks_are_joined(tmp_path):
    """Labels of realisations repeat between known exponents; order is that of the files."""
    every, parts = pieces(hurst=[0.2, 0.2, 0.8, 0.8])
    every = every.assign_coords(realisation=[0, 1, 0, 1])
    parts = [
        every.isel(realisation=block, ell=batch)
        for block in ([0, 2], [1, 3])
        for batch in ([1], [0, 2])
    ]
    paths = [write(part, tmp_path / f"{number}.nc") for number, part in enumerate(parts)]
    [(_, joined)] = gather(paths, [[0.0]] * 4)
    np.testing.assert_array_equal(joined["hurst"], [0.2, 0.8, 0.2, 0.8])
    np.testing.assert_array_equal(joined["stress"], every["stress"][[0, 2, 1, 3]])


def test_temperatures_are_sorted_and_stay_with_their_files(tmp_path):
    files = []
    for number, temperature in enumerate((0.3, 0.0, 0.1)):
        shifted = budget(TIMES, ELLS, FORMULAS)
        shifted["source"] += temperature
        files.append(write(shifted, tmp_path / f"{number}.nc"))
    result = integrate(gather(files, [[0.3], [0.0], [0.1]]), 2)
    np.testing.assert_array_equal(result["temperature"], [0.0, 0.1, 0.3])
    w = result["source"].sel(term="W")
    np.testing.assert_allclose(
        w - w.isel(temperature=0), w["temperature"] * 2.0 + 0.0 * w, atol=1e-12
    )


def test_a_file_without_a_variable_is_refused(tmp_path):
    lacking = write(whole().drop_vars("transport"), tmp_path / "a.nc")
    with pytest.raises(DataError, match=r"a\.nc: variable transport is missing"):
        gather([lacking], [[0.0]])


def test_term_is_the_source_and_transport_of_the_parts_named():
    result = integrated()
    both = result["source"] + result["transport"]
    xr.testing.assert_allclose(term(result, "Q_flux"), both.sel(term="Q_flux", drop=True))
    pair = both.sel(term="W", drop=True) + both.sel(term="Q_thermal", drop=True)
    xr.testing.assert_allclose(term(result, "W+Q_thermal"), pair)


def test_limit_in_ell_takes_the_scales_above_zero_that_are_known(rng):
    ell = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    values = 2.0 + 0.3 * ell - ell**2 + 0.1 * rng.normal(size=(3, 7))
    values[:, 1] = np.nan
    y = xr.DataArray(values, {"ell": ell}, ("realisation", "ell"))
    for system in (FIELD, ROUGH):
        limit = limit_in_ell(y, 0.9, system)
        same = extrapolate(ell[2:], values[:, 2:], 0.9, system.deterministic)
        # round-off: means of the same numbers in another order of memory
        assert astuple(limit) == pytest.approx(astuple(same), rel=1e-9)
    few = limit_in_ell(y.isel(ell=slice(0, 5)), 0.9, FIELD)
    assert np.isnan([few.value, few.low, few.high, few.fit_low]).all()
    assert few.realisations == 3


def test_test_functions_are_kept_apart():
    assert list(integrated()["phi"].values) == list(PHI)
    one, bump = (integrated()["change"].sel(phi=phi) for phi in PHI[:2])
    assert (bump > one).all()


def test_points_may_have_a_file_of_their_own_for_the_scale_zero(tmp_path):
    """There they have a stress and no terms, the athermal cluster not even that."""
    fine, coarse = budget(TIMES, [0.0], FORMULAS), budget(TIMES, [0.1, 0.2], FORMULAS)
    for name in ("rate", "source", "transport"):
        fine[name][:] = np.nan
    paths = [write(fine, tmp_path / "fine.nc"), write(coarse, tmp_path / "coarse.nc")]
    [(temperature, joined)] = gather(paths, [[0.5], [0.5]])
    assert temperature == 0.5
    assert joined["ell"].values.tolist() == [0.0, 0.1, 0.2]
    result = integrate([(temperature, joined)], 2).isel(temperature=0)
    assert np.isfinite(result["change"]).all()
    assert np.isnan(result["source"].sel(ell=0.0)).all()
    assert np.isfinite(result["source"].sel(ell=[0.1, 0.2])).all()
