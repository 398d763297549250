"""Exponents of exact power laws come back, with their windows, intervals and flags."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from glasscade.errors import ConfigError, DataError
from glasscade.io import read_dataset, write_dataset
from glasscade.stages import exponents
from glasscade.stages.structure import ESTIMATORS, FIELDS

ORDERS = np.array([1.0, 3.0])
SCALES = 0.01 * 2.0 ** np.arange(7)
WINDOW = (0.02, 0.32)
OFFSETS = {"wavelets": 0.0, "gradients": 1.0, "increments": 0.0}
SLOPES = {"density": 0.5, "force": 0.2}


def structure_file(path, slopes, realisations, hurst=None, slow=0.0):
    """Norms A scale^(ξ - offset), with ξ that differs between fields, orders and realisations.

    The last scale is missing for wavelets, as in files where estimators differ in their scales;
    `slow` bends the power law.
    """
    shape = (len(slopes), len(FIELDS), len(ESTIMATORS), len(ORDERS), SCALES.size)
    norm = np.empty(shape)
    for r, f, e, o in np.ndindex(shape[:-1]):
        xi = slopes[r] + SLOPES[FIELDS[f]] - 0.1 * o - OFFSETS[ESTIMATORS[e]]
        norm[r, f, e, o] = (2.0 + r) * SCALES**xi * np.exp(slow * np.log(SCALES) ** 2)
    scale = np.tile(SCALES, (len(ESTIMATORS), 1))
    scale[0, -1] = np.nan
    norm[:, :, 0, :, -1] = np.nan
    coords = {"realisation": realisations, "field": list(FIELDS), "estimator": list(ESTIMATORS)}
    if hurst is not None:
        coords["hurst"] = ("realisation", hurst)
    attributes = {"units": "1", "long_name": "test"}
    dims = ("realisation", "field", "estimator", "order", "scale_index")
    dataset = xr.Dataset(
        {
            "norm": (dims, norm, attributes),
            "scale": (("estimator", "scale_index"), scale, attributes),
            "offset": ("estimator", [OFFSETS[e] for e in ESTIMATORS], attributes),
        },
        coords={**coords, "order": ORDERS},
    )
    write_dataset(dataset, path, {}, "glasscade.io")
    return path


def fit(tmp_path, inputs, temperatures, deterministic=True):
    job = {
        "temperatures": temperatures,
        "window": list(WINDOW),
        "level": 0.95,
        "deterministic": deterministic,
    }
    output = tmp_path / "exponents.nc"
    exponents.run(job, inputs, output)
    return read_dataset(output, "value")


def test_exact_power_laws_return_their_exponents_at_every_temperature(tmp_path):
    warm = structure_file(tmp_path / "warm.nc", [0.3], [0])
    cold = structure_file(tmp_path / "cold.nc", [0.0], [0])
    result = fit(tmp_path, [warm, cold], [0.1, 0.0])
    np.testing.assert_array_equal(result["temperature"], [0.0, 0.1])  # sorted
    for temperature, shift in ((0.0, 0.0), (0.1, 0.3)):
        for field in FIELDS:
            for estimator in ESTIMATORS:
                row = result.sel(temperature=temperature, field=field, estimator=estimator)
                expected = SLOPES[field] + shift - 0.1 * np.arange(2)
                for part in ("value", "ci_low", "ci_high"):  # without scatter or bending
                    np.testing.assert_allclose(row[part].values[0], expected, atol=1e-12, rtol=0.0)
    # both ends of the window are scales, and each estimator has its own
    np.testing.assert_allclose(result["window"].isel(temperature=0, case=0)[0], WINDOW, rtol=1e-12)


def test_intervals_of_a_deterministic_system_are_the_change_over_the_window(tmp_path):
    bent = structure_file(tmp_path / "bent.nc", [0.0], [0], slow=0.05)
    result = fit(tmp_path, [bent], [0.0]).isel(temperature=0, case=0)
    row = result.sel(field="density", estimator="increments", order=1.0)
    u = np.log(SCALES[1:6])
    line = np.polyfit(u, 0.5 * u + 0.05 * u**2, 1)[0]
    halves = [np.polyfit(v, 0.5 * v + 0.05 * v**2, 1)[0] for v in (u[:3], u[-3:])]
    half = 0.5 * abs(halves[1] - halves[0])
    assert half > 0.05
    assert float(row["value"]) == pytest.approx(line, abs=1e-12)
    assert float(row["ci_high"] - row["value"]) == pytest.approx(half, abs=1e-12)
    assert float(row["value"] - row["ci_low"]) == pytest.approx(half, abs=1e-12)


def test_scatter_of_realisations_from_all_blocks_makes_the_interval(tmp_path):
    slopes = np.array([0.1, -0.1, 0.05, -0.05, 0.02, -0.02])
    blocks = [
        structure_file(tmp_path / f"{k}.nc", slopes[k : k + 2], [k, k + 1]) for k in (2, 0, 4)
    ]
    result = fit(tmp_path, blocks, [0.0] * 3, deterministic=False).isel(temperature=0, case=0)
    row = result.sel(field="force", estimator="wavelets", order=3.0)
    half = 2.5706 * np.std(slopes, ddof=1) / np.sqrt(6.0)  # Student's t of five degrees at 95 %
    assert float(row["value"]) == pytest.approx(0.1, abs=1e-12)
    assert float(row["ci_high"] - row["value"]) == pytest.approx(half, rel=1e-4)
    assert int(result["realisations"]) == 6


def test_one_realisation_of_a_random_system_has_no_finite_interval(tmp_path):
    alone = structure_file(tmp_path / "alone.nc", [0.0], [0])
    result = fit(tmp_path, [alone], [0.0], deterministic=False)
    assert np.isneginf(result["ci_low"]).all()


def test_known_exponents_are_cases_of_their_own(tmp_path):
    blocks = [
        structure_file(tmp_path / "a.nc", [0.3, 0.0], [0, 0], hurst=[0.8, 0.5]),
        structure_file(tmp_path / "b.nc", [0.31, 0.01], [1, 1], hurst=[0.8, 0.5]),
    ]
    result = fit(tmp_path, blocks, [0.0, 0.0], deterministic=False).isel(temperature=0)
    np.testing.assert_array_equal(result["hurst"], [0.5, 0.8])
    row = result.sel(field="density", estimator="wavelets", order=1.0)
    np.testing.assert_allclose(row["value"], [0.505, 0.805], rtol=0.0, atol=1e-12)


def test_estimates_beyond_the_trusted_range_of_an_estimator_are_marked(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0], [0])
    result = fit(tmp_path, [path], [0.0]).isel(temperature=0, case=0).sel(field="density")
    # ξ = 0.5 and 0.4: increments are trusted from 0.42 to 0.64, gradients up to 0.3
    for estimator, flags in (("wavelets", [1, 1]), ("increments", [1, 0]), ("gradients", [0, 0])):
        np.testing.assert_array_equal(result["trusted"].sel(estimator=estimator), flags)


def test_mean_norm_is_the_geometric_mean(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0, 0.0], [0, 1])
    result = fit(tmp_path, [path], [0.0], deterministic=False).isel(temperature=0, case=0)
    row = result["mean_norm"].sel(field="density", estimator="increments", order=1.0)
    np.testing.assert_allclose(row, np.sqrt(2.0 * 3.0) * SCALES**0.5, rtol=1e-12)


def test_the_file_says_how_it_was_made(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0], [0])
    result = fit(tmp_path, [path], [0.0])
    assert json.loads(result.attrs["parameters"])["window"] == list(WINDOW)
    assert all({"units", "long_name"} <= set(v.attrs) for v in result.data_vars.values())


def test_a_missing_file_and_an_empty_window_are_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.nc: this file is missing"):
        fit(tmp_path, [tmp_path / "nowhere.nc"], [0.0])
    path = structure_file(tmp_path / "a.nc", [0.0], [0])
    job = {"temperatures": [0.0], "window": [0.05, 0.09], "level": 0.9, "deterministic": True}
    with pytest.raises(ConfigError, match="holds 1 of the scales"):
        exponents.run(job, [path], tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()
