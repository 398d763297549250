"""Norms of ρ and F of a state: of the last time, of every realisation, with their scales."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade.analysis.arrays import cell_variable, variable
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.config import SYSTEM
from glasscade.force import ForceField
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.synthetic import fractional
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.stages import structure
from glasscade.transforms import grid_to_modes, modes_to_grid, point_modes

ORDERS = np.array([1.0, 3.0])
POINTS = 128
SPACING = 1.0 / POINTS
SEPARATIONS = SPACING * np.concatenate([[1.0, 2.0], 4.0 * 2.0 ** (np.arange(7) / 2.0)])


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


@pytest.fixture(params=[1, 2], ids="{}d".format)
def case(request):
    """A system with two realisations at two times."""
    shape = (POINTS,) * request.param
    rng = np.random.default_rng(6)
    fields = [[1.0 + 0.2 * fractional(shape, h, rng) for h in (0.5, 0.3)] for _ in range(2)]
    cell = Cell.cubic(1.0, request.param)
    return system(request.param), state_of(np.array(fields)[:, :, np.newaxis], cell)


def test_norms_are_those_of_the_estimators_at_the_last_time(case):
    keys, state = case
    result = structure.structure(keys, state, ORDERS)
    cell, field = keys.cell, ForceField(keys.mixture, keys.cell, keys.counts)
    for r in range(2):
        values = state["density"].values[r, -1, 0]
        force = modes_to_grid(
            field.force(grid_to_modes(values[np.newaxis], cell))[0], cell, keys.shape
        )
        expected = wavelet_moments(values, cell, 4, ORDERS)
        found = structure.moments_of(result, r, "density", "wavelets")
        np.testing.assert_array_equal(found.scale, expected.scale)
        # the density passes through its modes, which drops those of Nyquist: the finest level
        # sees them
        np.testing.assert_allclose(found.norm[:, 1:], expected.norm[:, 1:], rtol=1e-3)
        found = structure.moments_of(result, r, "force", "gradients")
        parts = [gradient_moments(f, cell, found.scale, ORDERS, GAUSSIAN).norm for f in force]
        power = ORDERS[:, np.newaxis]  # the mean over components is one of |F_i|^q
        mean = np.mean(np.array(parts) ** power, axis=0) ** (1.0 / power)
        np.testing.assert_allclose(found.norm, mean, rtol=1e-10)
        assert found.offset == 1.0
        found = structure.moments_of(result, r, "force", "increments")
        parts = [increment_moments(f, cell, SEPARATIONS, ORDERS) for f in force]
        mean = np.mean(np.array([m.norm for m in parts]) ** power, axis=0) ** (1.0 / power)
        np.testing.assert_array_equal(found.scale, parts[0].scale)
        np.testing.assert_allclose(found.norm, mean, rtol=1e-10)


def test_scales_reach_from_the_grid_to_an_eighth_of_the_cell(case):
    keys, state = case
    result = structure.structure(keys, state, ORDERS)
    gradients, wavelets = (
        structure.moments_of(result, 0, "density", name).scale for name in ("gradients", "wavelets")
    )
    smallest = keys.smallest_scale("gaussian")
    assert gradients[0] == pytest.approx(smallest, rel=1e-12)
    assert 0.125 / 2.0**0.5 < gradients[-1] <= 0.125  # half octaves
    np.testing.assert_allclose(wavelets, SPACING * 2.0 ** np.arange(1, 5), rtol=1e-12)


def particles(keys, rng, number=16):
    """A state of particles of two species, at two times."""
    return xr.Dataset(
        {
            "position": variable(
                ("realisation", "time", "particle", "axis"),
                keys.cell.cartesian(rng.random((1, 2, number, 2))),
                "l0",
                "positions",
            ),
            "species": variable(("particle",), np.arange(number) % 2, "1", "species"),
            "weight": variable(("particle",), np.ones(number), "1", "weight"),
            "cell": cell_variable(keys.cell),
        },
        coords={"realisation": [0]},
    )


def test_points_of_all_species_are_mollified_at_the_smallest_scale_of_the_grid(rng):
    keys = SYSTEM.validate_python(
        studies.GLASS | {"points": POINTS, "packing_fraction": 0.8, "duration": 1.0, "dt": 0.01}
    )
    state = particles(keys, rng)
    found = structure.moments_of(
        structure.structure(keys, state, ORDERS), 0, "density", "gradients"
    )
    x = state["position"].values[0, -1]
    modes = point_modes(x, np.ones(len(x)), keys.cell, keys.counts)
    filter_ = GAUSSIAN.filter(keys.cell, keys.counts, keys.smallest_scale("gaussian"))
    values = modes_to_grid(modes * filter_, keys.cell, keys.shape)
    expected = gradient_moments(values, keys.cell, found.scale, ORDERS, GAUSSIAN)
    np.testing.assert_allclose(found.norm, expected.norm, rtol=1e-10)


def test_run_writes_what_the_fits_read(case, tmp_path):
    keys, state = case
    if keys.dimension == 1:
        state = state.assign_coords(hurst=("realisation", [0.3, 0.5]))
    write_dataset(state, tmp_path / "state.nc", {}, "glasscade.io")
    job = {"system": keys.model_dump(mode="json"), "orders": [1, 3]}
    structure.run(job, tmp_path / "state.nc", tmp_path / "structure.nc")
    written = read_dataset(tmp_path / "structure.nc", "norm", "scale", "offset")
    direct = structure.structure(keys, state, ORDERS)
    np.testing.assert_array_equal(written["norm"], direct["norm"])
    assert ("hurst" in written.coords) == (keys.dimension == 1)
    # the padding of short rows of scales is cut off again
    for estimator in structure.ESTIMATORS:
        moments = structure.moments_of(written, 1, "force", estimator)
        assert np.isfinite(moments.scale).all()
        assert moments.norm.shape == (2, moments.scale.size)
