"""Exponents of structure files: those of `regularity.exponents`, in the cell, regions and tiles."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis.arrays import cell_variable
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.blocks import independent
from glasscade.regularity.exponents import DECISIVE, FLAGS
from glasscade.regularity.exponents import exponents as exponents_of
from glasscade.regularity.moments import Moments, average
from glasscade.stages import exponents
from glasscade.stages.structure import ESTIMATORS, FIELDS, expected_of, moments_of

ORDERS = np.array([-1.0, 1.0, 3.0])
SCALES = 0.005 * 2.0 ** np.arange(7)
WINDOW = (0.005, 0.16)
TILES = 8
CELL = Cell.cubic(1.0, 2)
OFFSETS = {"gradients": 1.0}
SLOPES = {"density": 0.5, "force": 0.2}
HURST = np.array([-1.0, 0.0, 1.0, 2.0])
REGIONS = ["one", "bump1", "bump2"]
JOB = {
    "window": list(WINDOW),
    "level": 0.95,
    "deterministic": True,
    "bumps": 2,
    "sharpness": 3,
    "seed": 2,
}


def structure_file(
    path,
    shifts,
    realisations,
    *,
    sources=("measured",),
    rough=0.0,
    slow=0.0,
    length=np.inf,
    hurst=None,
    bias=0.0,
):
    """Averages A scale^{q(ξ - offset)}, ξ = slope of the field + shift of the realisation.

    Estimators are corrected by what they are known to be, but leaders. The last scale is missing
    for wavelets, and increments have no order -1, as in files where estimators differ.

    Parameters
    ----------
    rough : float
        How much lower the exponent of ρ is in tiles of the lower half of the first axis, where
        it is as large as elsewhere at the smallest scale.
    slow : float
        Bends the power law.
    bias : float
        Slope of the norms of a fractional field minus its H.
    """
    lead = (len(shifts), len(sources), len(FIELDS), len(ESTIMATORS), ORDERS.size, SCALES.size)
    mean, square = np.empty((*lead, TILES, TILES)), np.empty(lead)
    lower = np.arange(TILES)[:, np.newaxis] < TILES // 2
    x = np.log(SCALES)
    for index in np.ndindex(*lead[:4]):
        r, s, f, e = index
        offset = OFFSETS.get(ESTIMATORS[e], 0.0)
        xi = shifts[r] + SLOPES[FIELDS[f]] + 0.1 * s - offset
        local = xi - rough * (lower & (FIELDS[f] == "density")) + np.zeros((TILES, TILES))
        exponent = local * x[:, np.newaxis, np.newaxis] + slow * x[:, np.newaxis, np.newaxis] ** 2
        exponent = exponent + (xi - local) * x[0]
        for o, q in enumerate(ORDERS):
            mean[(*index, o)] = (2.0 + r) ** q * np.exp(q * exponent)
            square[(*index, o)] = 1.5 * mean[(*index, o)].mean(axis=(1, 2)) ** 2
    scale = np.tile(SCALES, (len(ESTIMATORS), 1))
    expected = np.full((len(ESTIMATORS), HURST.size, ORDERS.size, SCALES.size), np.nan)
    for e, name in enumerate(ESTIMATORS):
        if name != "leaders":
            slope = HURST + bias - OFFSETS.get(name, 0.0)
            expected[e] = np.exp(slope[:, np.newaxis, np.newaxis] * x)
    wavelets = ESTIMATORS.index("wavelets")
    for array in (mean[:, :, :, wavelets, :, -1], square[:, :, :, wavelets, :, -1]):
        array[...] = np.nan
    scale[wavelets, -1] = expected[wavelets, ..., -1] = np.nan
    increments = ESTIMATORS.index("increments")
    for array in (mean[:, :, :, increments, 0], square[:, :, :, increments, 0]):
        array[...] = np.nan
    dims = ("realisation", "source", "field", "estimator", "order", "scale_index")
    attributes = {"units": "1", "long_name": "made up"}
    offsets = [OFFSETS.get(e, 0.0) for e in ESTIMATORS]
    dataset = xr.Dataset(
        {
            "mean": ((*dims, "tile_0", "tile_1"), mean, attributes),
            "square": (dims, square, attributes),
            "scale": (("estimator", "scale_index"), scale, attributes),
            "offset": ("estimator", offsets, attributes),
            "expected": (
                ("estimator", "reference_hurst", "order", "scale_index"),
                expected,
                attributes,
            ),
            "correlation_length": (dims[:2], np.full(lead[:2], length), attributes),
            "cell": cell_variable(CELL),
        },
        coords={
            "realisation": realisations,
            "source": list(sources),
            "field": list(FIELDS),
            "estimator": list(ESTIMATORS),
            "order": ORDERS,
            "reference_hurst": HURST,
        },
    )
    if hurst is not None:
        dataset = dataset.assign_coords(hurst=("realisation", hurst))
    write_dataset(dataset, path, {}, "glasscade.io")
    return path


def fit(tmp_path, inputs, temperatures, **changes):
    output = tmp_path / "exponents.nc"
    exponents.run(JOB | {"temperatures": temperatures} | changes, inputs, output)
    return read_dataset(output, "scale", "samples", finite=False)


def of(result, **chosen):
    """One row at the first temperature and case."""
    chosen = {"source": "measured", "region": "one"} | chosen
    return result.isel(temperature=0, case=0).sel(chosen)


def test_power_laws_return_their_exponents_at_every_temperature(tmp_path):
    warm = structure_file(tmp_path / "warm.nc", [0.3], [0])
    cold = structure_file(tmp_path / "cold.nc", [0.0], [0])
    result = fit(tmp_path, [warm, cold], [0.1, 0.0])
    np.testing.assert_array_equal(result["temperature"], [0.0, 0.1])  # sorted
    assert result["temperature"].attrs["units"] == "V0/k_B"
    for temperature, shift in ((0.0, 0.0), (0.1, 0.3)):
        for field in FIELDS:
            for estimator in set(ESTIMATORS) - {"leaders"}:
                row = result.sel(temperature=temperature, field=field, estimator=estimator)
                for part in ("value", "ci_low", "ci_high"):  # without scatter or bending
                    np.testing.assert_allclose(
                        row[part].sel(order=[1.0, 3.0]),
                        SLOPES[field] + shift,
                        rtol=0.0,
                        atol=1e-12,
                    )
                np.testing.assert_allclose(row["correction"].sel(order=3.0), 0.0, atol=1e-12)
    # both ends of the window are scales, and each estimator has its own
    whole = of(result, field="force")["window"]
    np.testing.assert_allclose(whole.sel(estimator="gradients"), [0.005, 0.16], rtol=1e-12)


def test_the_file_has_its_dimensions(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0], [0], sources=("measured", "poisson"))
    result = fit(tmp_path, [path], [0.0])
    lead = ("temperature", "case", "source", "field", "estimator")
    assert result["value"].dims == (*lead, "region", "order")
    for name in (*exponents.NUMBERS, "flag", "decisive"):
        assert result[name].dims == result["value"].dims
    assert result["window"].dims == (*lead, "region", "end")
    assert result["samples"].dims == (*lead, "region")
    assert result["local"].dims == result["local_half"].dims == (*lead, "order", "between")
    assert result["middle"].dims == (*lead, "between")
    assert result["mean_norm"].dims == (*lead, "order", "scale_index")
    assert result["tile_exponent"].dims == (*lead, "tile_0", "tile_1")
    # a structure file has one set of scales at every temperature
    assert result["scale"].dims[-2:] == ("estimator", "scale_index")
    assert result["region"].values.tolist() == REGIONS
    assert result["source"].values.tolist() == ["measured", "poisson"]
    np.testing.assert_array_equal(result["order"], ORDERS)
    assert all({"units", "long_name"} <= set(v.attrs) for v in result.data_vars.values())
    assert json.loads(result.attrs["parameters"])["window"] == list(WINDOW)


def test_numbers_are_those_of_the_estimates_called_directly(tmp_path):
    """In the cell and in regions, for every source, field and estimator."""
    shifts = [0.1, -0.1, 0.05, -0.05, 0.02, -0.02]
    blocks = [
        structure_file(
            tmp_path / f"{k}.nc",
            shifts[k : k + 2],
            [k, k + 1],
            sources=("measured", "liquid"),
            slow=0.01,
            bias=0.005,
            rough=0.1,
        )
        for k in (2, 0, 4)
    ]
    result = fit(tmp_path, blocks, [0.0] * 3, deterministic=False).isel(temperature=0, case=0)
    read = [read_dataset(path, "mean", finite=False) for path in blocks]
    phi = weights()
    for source in ("measured", "liquid"):
        for field in FIELDS:
            for estimator in ESTIMATORS:
                chosen = {"source": source, "field": field, "estimator": estimator}
                every = [moments_of(data, r, **chosen) for data in read for r in range(2)]
                for region, weight in zip(REGIONS, phi, strict=True):
                    share = weight.mean() / weight.max()
                    samples = every if region == "one" else [m.region(weight) for m in every]
                    expected = exponents_of(
                        samples, WINDOW, 0.95, share, expected_of(read[0], estimator)
                    )
                    assert_equal_exponents(result.sel(chosen | {"region": region}), expected)
                row = result.sel(chosen)
                whole = exponents_of(every, WINDOW, 0.95, 1.0, expected_of(read[0], estimator))
                n = whole.middle.size
                np.testing.assert_array_equal(row["local"].values[:, :n], whole.local)
                np.testing.assert_array_equal(row["local_half"].values[:, :n], whole.local_half)
                np.testing.assert_array_equal(row["middle"].values[:n], whole.middle)
                assert np.isnan(row["local"].values[:, n:]).all()
                assert np.isnan(row["middle"].values[n:]).all()
                assert n == SCALES.size - (2 if estimator == "wavelets" else 1)


def weights():
    """Values of φ at the centres of tiles."""
    s = (np.arange(TILES) + 0.5) / TILES
    functions = TestFunctions.bumps(2, JOB["bumps"], JOB["sharpness"], JOB["seed"])
    return functions.values(np.stack(np.meshgrid(s, s, indexing="ij"), axis=-1))


def assert_equal_exponents(row, expected):
    for name in exponents.NUMBERS:
        np.testing.assert_array_equal(row[name], getattr(expected, name))
    flags = row["flag"].attrs["flag_meanings"].split()
    assert tuple(flags[code] for code in row["flag"].values) == expected.flag
    np.testing.assert_array_equal(row["decisive"], [flag in DECISIVE for flag in expected.flag])
    np.testing.assert_array_equal(row["window"], [expected.low, expected.high])
    assert int(row["samples"]) == expected.samples


def test_flags_are_labelled_and_only_some_are_decisive(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0], [0])
    result = fit(tmp_path, [path], [0.0])
    attributes = result["flag"].attrs
    assert attributes["flag_meanings"].split() == list(FLAGS)
    np.testing.assert_array_equal(attributes["flag_values"], np.arange(len(FLAGS)))
    assert attributes["flag_values"].dtype == result["flag"].dtype == np.int8
    flags = list(FLAGS)
    # leaders have no correction; 1.5 decades of the others decide
    for estimator, flag in (("gradients", "trusted"), ("leaders", "biased")):
        row = of(result, field="density", estimator=estimator).sel(order=3.0)
        assert flags[int(row["flag"])] == flag
        assert int(row["decisive"]) == (flag == "trusted")
        assert np.isnan(row["value"]) == (flag == "biased")
        assert float(row["raw"]) == pytest.approx(0.5, abs=1e-12)
    short = fit(tmp_path, [path], [0.0], window=[0.01, 0.08])
    row = of(short, field="density", estimator="gradients").sel(order=3.0)
    assert (flags[int(row["flag"])], int(row["decisive"])) == ("short", 0)
    assert float(row["value"]) == pytest.approx(0.5, abs=1e-12)


def test_orders_without_moment_are_unresolved_and_not_numbers(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0, 0.0], [0, 1])
    result = fit(tmp_path, [path], [0.0], deterministic=False)
    row = of(result, field="density", estimator="increments").sel(order=-1.0)
    assert list(FLAGS)[int(row["flag"])] == "unresolved"
    assert np.isnan([row["value"], row["ci_low"], row["ci_high"]]).all()


def test_intervals_of_a_deterministic_system_are_the_change_over_the_range(tmp_path):
    bent = structure_file(tmp_path / "bent.nc", [0.0], [0], slow=0.003)
    result = fit(tmp_path, [bent], [0.0])
    row = of(result, field="density", estimator="increments").sel(order=1.0)
    low, high = (float(end) for end in row["window"])
    u = np.log(SCALES[(0.999 * low <= SCALES) & (1.001 * high >= SCALES)])
    weight = np.exp(-0.5 * u)  # polyfit squares: s^{-d/2} for d = 2
    count = (u.size + 1) // 2
    slopes = [
        np.polyfit(v, 0.5 * v + 0.003 * v**2, 1, w=w)[0]
        for v, w in ((u, weight), (u[:count], weight[:count]), (u[-count:], weight[-count:]))
    ]
    assert float(row["value"]) == pytest.approx(slopes[0], abs=1e-12)
    half = 0.5 * abs(slopes[2] - slopes[1])
    assert half > 0.005
    assert float(row["systematic"]) == pytest.approx(half, abs=1e-12)
    assert float(row["statistical"]) == 0.0
    assert float(row["ci_high"] - row["value"]) == pytest.approx(half, abs=1e-12)
    assert int(row["samples"]) == 1


def test_one_realisation_of_a_random_system_that_is_correlated_has_no_finite_interval(tmp_path):
    alone = structure_file(tmp_path / "alone.nc", [0.0], [0])
    result = fit(tmp_path, [alone], [0.0], deterministic=False)
    assert not np.isfinite(result["ci_high"] - result["ci_low"]).any()


def test_few_realisations_are_cut_into_blocks_longer_than_their_correlation(tmp_path):
    paths = {
        length: structure_file(tmp_path / f"{length}.nc", [0.02, -0.02], [0, 1], length=length)
        for length in (0.05, 0.2)
    }
    window = [0.005, 0.081]
    for length, blocks in ((0.05, 2 * 4**2), (0.2, 2 * 2**2)):
        # blocks are also twice as wide as the window reaches: 1/4 > 0.16
        result = fit(tmp_path, [paths[length]], [0.0], deterministic=False, window=window)
        row = of(result, field="density", estimator="gradients")
        assert int(row["samples"]) == blocks
        structure = read_dataset(paths[length], "mean", finite=False)
        chosen = {"source": "measured", "field": "density", "estimator": "gradients"}
        every = [moments_of(structure, r, **chosen) for r in range(2)]
        samples = independent(every, CELL, [length, window[1]])
        expected = exponents_of(
            samples, tuple(window), 0.95, 2.0 / blocks, expected_of(structure, "gradients")
        )
        assert_equal_exponents(row, expected)
        # a region is a part of every realisation, and no block
        bump = of(result, field="density", estimator="gradients", region="bump1")
        assert int(bump["samples"]) == 2
    six = structure_file(tmp_path / "six.nc", [0.0] * 6, range(6), length=0.05)
    result = fit(tmp_path, [six], [0.0], deterministic=False)
    assert (result["samples"] == 6).all()


def test_a_deterministic_system_is_one_sample(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0], [0], length=0.01)
    assert (fit(tmp_path, [path], [0.0])["samples"] == 1).all()


def test_a_region_has_the_regularity_of_its_place(tmp_path):
    """ρ is rougher in the lower half of the cell; a bump there sees it, one elsewhere does not."""
    rough = 0.3
    path = structure_file(tmp_path / "half.nc", [0.0], [0], rough=rough)
    lower = np.arange(TILES) < TILES // 2
    share = {
        region: weight[lower].sum() / weight.sum()
        for region, weight in zip(REGIONS, weights(), strict=True)
    }
    # a seed whose bumps lie apart
    assert max(share["bump1"], share["bump2"]) > 0.8
    assert min(share["bump1"], share["bump2"]) < 0.2
    result = fit(tmp_path, [path], [0.0]).isel(temperature=0, case=0)
    result = result.sel(source="measured", estimator="gradients", order=3.0)
    for region in ("bump1", "bump2"):
        row = result.sel(region=region)
        used = (0.99 * float(row["window"][0, 0]) < SCALES) & (
            1.01 * float(row["window"][0, 1]) > SCALES
        )
        expected = mixed_slope(share[region], rough, SCALES[used])
        assert float(row["raw"].sel(field="density")) == pytest.approx(expected, abs=1e-9)
        assert float(row["raw"].sel(field="force")) == pytest.approx(0.2, abs=1e-12)
    raw = result["raw"].sel(field="density")
    smoother, rougher = sorted(("bump1", "bump2"), key=share.__getitem__)
    assert float(raw.sel(region=smoother) - raw.sel(region=rougher)) > 0.1


def mixed_slope(share, rough, scales):
    """Slope of ln [share s^{3ξ}(s/s_0)^{-3 rough} + (1 - share) s^{3ξ}]^{1/3}, ξ = 0.5."""
    mixed = share * (scales / SCALES[0]) ** (-3.0 * rough) + 1.0 - share
    norm = scales**0.5 * mixed ** (1.0 / 3.0)
    x = np.log(scales)
    return np.polyfit(x, np.log(norm), 1, w=np.exp(-0.5 * x))[0]


def test_the_map_has_the_exponent_of_every_tile(tmp_path):
    path = structure_file(tmp_path / "half.nc", [0.0, 0.1], [0, 1], rough=0.3, bias=0.01)
    result = fit(tmp_path, [path], [0.0], deterministic=False)
    for estimator in ("gradients", "wavelets"):
        tiles = of(result, field="force", estimator=estimator)["tile_exponent"]
        # corrected as the whole cell is, and of the first realisation
        np.testing.assert_allclose(tiles, 0.2 - 0.01, rtol=0.0, atol=1e-9)
        tiles = of(result, field="density", estimator=estimator)["tile_exponent"].values
        half = TILES // 2
        np.testing.assert_allclose(tiles[half:] - tiles[:half], 0.3, rtol=0.0, atol=1e-9)


def test_scatter_of_realisations_from_all_blocks_makes_the_interval(tmp_path):
    shifts = np.array([0.1, -0.1, 0.05, -0.05, 0.02, -0.02])
    blocks = [
        structure_file(tmp_path / f"{k}.nc", shifts[k : k + 2], [k, k + 1]) for k in (2, 0, 4)
    ]
    result = fit(tmp_path, blocks, [0.0] * 3, deterministic=False)
    row = of(result, field="force", estimator="wavelets").sel(order=1.0)
    half = 2.5706 * np.std(shifts, ddof=1) / np.sqrt(6.0)  # Student's t of five degrees at 95 %
    # averages are pooled, not exponents: equal for small shifts, to second order in
    # shift times ln of the range (0.1 × 1.4)
    assert float(row["value"]) == pytest.approx(0.2, abs=0.02)
    assert float(row["statistical"]) == pytest.approx(half, rel=0.1)
    assert int(row["samples"]) == 6


def test_known_exponents_are_cases_of_their_own(tmp_path):
    blocks = [
        structure_file(tmp_path / "a.nc", [0.3, 0.0], [0, 0], hurst=[0.8, 0.5]),
        structure_file(tmp_path / "b.nc", [0.3, 0.0], [1, 1], hurst=[0.8, 0.5]),
    ]
    result = fit(tmp_path, blocks, [0.0, 0.0], deterministic=False).isel(temperature=0)
    np.testing.assert_array_equal(result["hurst"], [0.5, 0.8])
    chosen = {"source": "measured", "field": "density", "estimator": "wavelets", "region": "one"}
    row = result.sel(chosen | {"order": 1.0})
    np.testing.assert_allclose(row["value"], [0.5, 0.8], rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(row["samples"], [2, 2])


def test_norms_are_those_of_all_realisations_together(tmp_path):
    path = structure_file(tmp_path / "a.nc", [0.0, 0.1], [0, 1], rough=0.1)
    result = fit(tmp_path, [path], [0.0], deterministic=False)
    structure = read_dataset(path, "mean", finite=False)
    for estimator in ("increments", "wavelets"):
        chosen = {"source": "measured", "field": "density", "estimator": estimator}
        both: Moments = average([moments_of(structure, r, **chosen) for r in range(2)])
        found = of(result, field="density", estimator=estimator)["mean_norm"].values
        np.testing.assert_array_equal(found[:, : both.scale.size], both.norm)
        assert np.isnan(found[:, both.scale.size :]).all()


def test_a_missing_file_and_an_empty_window_are_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.nc: this file is missing"):
        fit(tmp_path, [tmp_path / "nowhere.nc"], [0.0])
    path = structure_file(tmp_path / "a.nc", [0.0], [0])
    with pytest.raises(ConfigError, match="holds 1 of the scales"):
        fit(tmp_path, [path], [0.0], window=[0.035, 0.06])
    assert not (tmp_path / "exponents.nc").exists()
