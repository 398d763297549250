"""Moments of ρ and F of a state: of the last time, of every realisation and source."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade.analysis.arrays import cell_of, cell_variable, variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.coarse import GAUSSIAN
from glasscade.config import SYSTEM
from glasscade.force import ForceField
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.blocks import correlation_length
from glasscade.regularity.expected import reference
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.leaders import leader_moments
from glasscade.regularity.moments import average
from glasscade.regularity.synthetic import fractional
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.stages import nulls, structure
from glasscade.transforms import grid_to_modes, modes_to_grid, truncate

ORDERS = [-1.0, 0.0, 1.0, 3.0]
POINTS = 128
SPACING = 1.0 / POINTS
SEPARATIONS = SPACING * np.concatenate([[1.0, 2.0], 4.0 * 2.0 ** (np.arange(7) / 2.0)])
JOB = {"orders": ORDERS}
PARTICLES = JOB | {"seed": 4, "nulls": {"liquid_temperature": 0.1, "liquid_duration": 1.0}}


def system(dimensions):
    """Only its cell, grid and potential matter here."""
    return SYSTEM.validate_python(
        {
            "kind": "synthetic",
            "dimensions": dimensions,
            "exponents": [0.3],
            "length": 1.0,
            "points": POINTS,
            "potential": {"kind": "harmonic", "diameter": 0.3},
        }
    )


def state_of(fields, cell, **coordinates):
    """A state of densities of shape (realisation, time, species, grid)."""
    axes = ("x", "y", "z")[: cell.dim]
    dims = ("realisation", "time", "species", *axes)
    return xr.Dataset(
        {"density": variable(dims, fields, "l0^-d", "density"), "cell": cell_variable(cell)},
        coords={"realisation": np.arange(len(fields)), **coordinates},
    )


@pytest.fixture(params=[1, 2], ids="{}d".format, scope="module")
def case(request):
    """A system with two realisations at two times, without the modes that a grid cannot hold."""
    keys, rng = system(request.param), np.random.default_rng(6)

    def field(hurst):
        modes = grid_to_modes(1.0 + 0.2 * fractional(keys.shape, hurst, rng), keys.cell)
        return modes_to_grid(truncate(modes, keys.dimension, keys.counts), keys.cell, keys.shape)

    fields = [[field(h) for h in (0.5, 0.3)] for _ in range(2)]
    return keys, state_of(np.array(fields)[:, :, np.newaxis], keys.cell)


@pytest.fixture(scope="module")
def measured(case):
    keys, state = case
    return structure.structure(keys, state, JOB)


def estimates(fields, keys):
    """All estimators called directly, averaged over the components of a vector."""
    cell, tiles = keys.cell, structure.TILES[keys.dimension]
    widths = keys.smallest_scale("gaussian") * 2.0 ** (np.arange(20) / 2.0)
    widths = np.concatenate([widths[:4:2], widths[4:]])
    widths = widths[widths <= 0.125 * keys.length]
    spacing = SEPARATIONS * keys.length
    each = {
        "wavelets": [wavelet_moments(f, cell, 4, ORDERS, tiles) for f in fields],
        "leaders": [leader_moments(f, cell, 4, ORDERS, tiles=tiles) for f in fields],
        "gradients": [gradient_moments(f, cell, widths, ORDERS, GAUSSIAN, tiles) for f in fields],
        "increments": [increment_moments(f, cell, spacing, ORDERS, 1, tiles) for f in fields],
        "second_increments": [
            increment_moments(f, cell, spacing, ORDERS, 2, tiles) for f in fields
        ],
    }
    return {name: average(moments) for name, moments in each.items()}


def assert_equal_moments(found, expected):
    assert found.estimator == expected.estimator
    assert found.offset == expected.offset
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-12)
    # Fields that differ by the round-off of transforms, which moments of small order magnify;
    # NaN where there is no moment
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-8)
    np.testing.assert_allclose(found.square, expected.square, rtol=1e-8)


@pytest.mark.parametrize("estimator", structure.ESTIMATORS)
def test_moments_are_those_of_the_estimators_at_the_last_time(case, measured, estimator):
    keys, state = case
    force = ForceField(keys.mixture, keys.cell, keys.counts)
    for r in range(2):
        values = state["density"].values[r, -1, 0]
        modes = truncate(grid_to_modes(values, keys.cell), keys.dimension, keys.counts)
        fields = {
            "density": [values],
            "force": modes_to_grid(force.force(modes[np.newaxis])[0], keys.cell, keys.shape),
        }
        for name, components in fields.items():
            found = structure.moments_of(
                measured, r, source="measured", field=name, estimator=estimator
            )
            assert_equal_moments(found, estimates(components, keys)[estimator])


def test_the_file_has_its_dimensions(case, measured):
    keys, _ = case
    dims = ("realisation", "source", "field", "estimator", "order", "scale_index")
    tiles = tuple(f"tile_{axis}" for axis in range(keys.dimension))
    assert measured["mean"].dims == (*dims, *tiles)
    assert {measured.sizes[tile] for tile in tiles} == {8}
    assert measured["square"].dims == dims
    assert measured["scale"].dims == ("estimator", "scale_index")
    assert measured["expected"].dims == ("estimator", "reference_hurst", "order", "scale_index")
    assert measured["source"].values.tolist() == ["measured"]
    assert measured["field"].values.tolist() == ["density", "force"]
    assert measured["estimator"].values.tolist() == list(structure.ESTIMATORS)
    np.testing.assert_array_equal(measured["order"], ORDERS)
    np.testing.assert_array_equal(cell_of(measured).matrix, keys.cell.matrix)
    assert all({"units", "long_name"} <= set(v.attrs) for v in measured.data_vars.values())


def test_scales_reach_from_the_grid_to_an_eighth_of_the_cell(case, measured):
    keys, _ = case
    gradients, wavelets, leaders, increments = (
        structure.moments_of(measured, 0, source="measured", field="density", estimator=name).scale
        for name in ("gradients", "wavelets", "leaders", "increments")
    )
    smallest = keys.smallest_scale("gaussian")
    assert gradients[0] == pytest.approx(smallest, rel=1e-12)
    assert 0.125 / 2.0**0.5 < gradients[-1] <= 0.125  # half octaves
    np.testing.assert_allclose(wavelets, SPACING * 2.0 ** np.arange(1, 5), rtol=1e-12)
    np.testing.assert_array_equal(leaders, wavelets)
    # lengths of the nearest shifts of the grid
    np.testing.assert_allclose(increments, SEPARATIONS, rtol=0.0, atol=0.5 * SPACING)


def test_orders_of_which_there_is_no_moment_are_not_numbers(case, measured):
    keys, _ = case
    row = measured["mean"].sel(order=-1.0, source="measured")
    # a vector of two components is small less often than a number: its -1st moment exists
    for name, exists in (("increments", False), ("wavelets", False), ("gradients", True)):
        known = np.isfinite(measured["scale"].sel(estimator=name).values)
        moments = row.sel(estimator=name).isel(scale_index=known)
        assert np.isfinite(moments).all() == (exists and keys.dimension > 1)
        assert np.isnan(moments).all() != (exists and keys.dimension > 1)
    assert np.isfinite(measured["mean"].sel(order=0.0, estimator="increments")).all()


def test_what_corrects_an_estimator_is_that_of_its_grid_and_scales(case, measured):
    keys, _ = case
    for name in structure.ESTIMATORS:
        found = structure.expected_of(measured, name)
        if name == "leaders":
            assert found is None
            continue
        widths = structure.moments_of(
            measured, 0, source="measured", field="density", estimator="gradients"
        ).scale
        given = {"wavelets": 4, "gradients": widths}.get(name, SEPARATIONS)
        kernel = GAUSSIAN if name == "gradients" else None
        expected = reference(name, keys.shape, keys.cell, given, ORDERS, kernel)
        np.testing.assert_array_equal(found.hurst, expected.hurst)
        # scales that differ by round-off
        np.testing.assert_allclose(found.norm, expected.norm, rtol=1e-10)


def test_correlation_lengths_are_those_of_the_density():
    """White noise is correlated within one spacing, a fractional field farther."""
    keys, rng = system(2), np.random.default_rng(2)
    fields = 1.0 + 0.1 * np.array(
        [rng.standard_normal(keys.shape), fractional(keys.shape, 0.5, rng)]
    )
    state = state_of(fields[:, np.newaxis, np.newaxis], keys.cell)
    found = structure.structure(keys, state, {"orders": [3.0]})["correlation_length"]
    assert found.dims == ("realisation", "source")
    assert found[0, 0] == pytest.approx(SPACING)
    assert found[1, 0] == correlation_length(fields[1], keys.cell) > 10.0 * SPACING


# Particles


def glass():
    return SYSTEM.validate_python(
        studies.GLASS
        | {
            "composition": studies.GLASS["composition"] | {"packing_fraction": 0.8},
            "duration": 1.0,
            "dt": 0.01,
        }
    )


def particles(keys, realisations, rng, number=16):
    """A state of particles of two species, at two times."""
    shape = (len(realisations), 2, number, 2)
    return xr.Dataset(
        {
            "position": variable(
                ("realisation", "time", "particle", "axis"),
                keys.cell.cartesian(rng.random(shape)),
                "l0",
                "positions",
            ),
            "species": variable(("particle",), np.repeat([0, 1], number // 2), "1", "species"),
            "weight": variable(("particle",), np.ones(number), "1", "weight"),
            "cell": cell_variable(keys.cell),
        },
        coords={"realisation": realisations},
    )


def test_points_of_every_source_are_mollified_at_the_smallest_scale_of_the_grid(rng):
    keys = glass()
    state = particles(keys, [0, 5], rng)
    result = structure.structure(keys, state, PARTICLES)
    assert result["source"].values.tolist() == ["measured", "poisson", "liquid", "shuffled"]
    filter_ = GAUSSIAN.filter(keys.cell, keys.counts, keys.smallest_scale("gaussian"))
    force = ForceField(keys.mixture, keys.cell, keys.counts)
    series = Snapshots(state, keys.mixture)
    for r, label in enumerate((0, 5)):
        modes = list(nulls.densities(keys, series, r, label, PARTICLES))
        assert len(modes) == 4
        for source, density in zip(result["source"].values, modes, strict=True):
            smooth = density * filter_
            total = modes_to_grid(smooth.sum(axis=0), keys.cell, keys.shape)
            components = force.force(smooth).reshape(-1, *keys_modes(keys))  # species and axes
            forces = [modes_to_grid(f, keys.cell, keys.shape) for f in components]
            for field, values in (("density", [total]), ("force", forces)):
                found = structure.moments_of(
                    result, r, source=source, field=field, estimator="increments"
                )
                separations = found.scale
                each = [increment_moments(v, keys.cell, separations, ORDERS, 1, 8) for v in values]
                assert_equal_moments(found, average(each))
            assert result["correlation_length"].isel(realisation=r).sel(
                source=source
            ) == correlation_length(total, keys.cell)


def keys_modes(keys):
    return tuple(2 * m + 1 for m in keys.counts)


def test_run_writes_what_the_fits_read(case, measured, tmp_path):
    keys, state = case
    if keys.dimension == 1:
        state = state.assign_coords(hurst=("realisation", [0.3, 0.5]))
    write_dataset(state, tmp_path / "state.nc", {}, "glasscade.io")
    job = JOB | {"system": keys.model_dump(mode="json")}
    structure.run(job, tmp_path / "state.nc", tmp_path / "structure.nc")
    written = read_dataset(tmp_path / "structure.nc", "mean", "scale", finite=False)
    for name in ("mean", "square", "scale", "offset", "expected", "correlation_length", "cell"):
        np.testing.assert_array_equal(written[name], measured[name])
    assert json.loads(written.attrs["parameters"])["orders"] == ORDERS
    assert ("hurst" in written.coords) == (keys.dimension == 1)
    # the padding of short rows of scales is cut off again
    for estimator in structure.ESTIMATORS:
        moments = structure.moments_of(
            written, 1, source="measured", field="force", estimator=estimator
        )
        assert np.isfinite(moments.scale).all()
        assert moments.norm.shape == (len(ORDERS), moments.scale.size)
