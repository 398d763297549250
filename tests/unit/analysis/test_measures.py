"""Balances of a measure: of a continuous density by its points, without particles' extras."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis import TestFunctions, point_balance, stress_balance, stress_maps
from glasscade.analysis.arrays import cell_variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.external import Kolmogorov
from glasscade.fields.initial import smooth_density
from glasscade.fields.measures import direct_force, sampled
from glasscade.potentials import GEM, Gaussian, Harmonic, Mixture

CELL = Cell.sheared(4.0, 2, 0.3)
UNLIKE = Gaussian(0.7, width=0.6)
MIXTURE = Mixture(((GEM(1.0, 0.9), UNLIKE), (UNLIKE, Gaussian(-0.9, 0.8))))
FUNCTIONS = TestFunctions.bumps(2, count=1, sharpness=1, seed=5)
WAVE = Kolmogorov(0.6, (0, 1), (1.0, 0.0))
LUMPS = {"units": "1", "representation": "measure"}
SETTINGS = {"functions": FUNCTIONS, "external": WAVE}
DENSITY = np.array(
    [smooth_density((24, 24), mean, 0.15, seed=n) for n, mean in ((1, 1.0), (2, 0.4))]
)


@pytest.fixture(scope="module")
def measure():
    return sampled(DENSITY, CELL, 27)


def dataset(measure, attributes=LUMPS, **others):
    position = (("time", "particle", "axis"), measure.position[np.newaxis])
    return xr.Dataset(
        {
            "position": position,
            "species": ("particle", measure.species),
            "weight": ("particle", measure.weight, attributes),
            "cell": cell_variable(CELL),
            **others,
        },
        coords={"time": [0.0]},
    )


def with_force(measure, factor=-1.0):
    """The physical force, in place of F."""
    force = factor * direct_force(measure, MIXTURE, CELL)[np.newaxis]
    return dataset(measure, force=(("time", "particle", "axis"), force))


def test_balances_of_a_measure_are_those_of_its_density(measure):
    """Points of a smooth density, and this density on a grid: the same to the accuracy of both."""
    field = xr.Dataset({"density": (("species", "x", "y"), DENSITY), "cell": cell_variable(CELL)})
    ells = [0.8, 1.4]
    expected = stress_balance(field, MIXTURE, ells, temperature=0.1, **SETTINGS)
    for data in (dataset(measure), with_force(measure)):
        found = stress_balance(data, MIXTURE, ells, temperature=0.1, **SETTINGS).isel(time=0)
        assert list(found["term"].values) == list(expected["term"].values)  # no Itô source
        assert "self_pair" not in found
        for name in ("stress", "rate", "source", "transport"):
            scale = float(abs(expected[name]).max())
            # spectra of ρ and ρF end at 1e-6 of their largest on both grids, kernels beyond at 1e-6
            np.testing.assert_allclose(found[name], expected[name], rtol=0.0, atol=1e-7 * scale)


def test_maps_of_a_measure_are_those_of_its_density(measure):
    field = xr.Dataset({"density": (("species", "x", "y"), DENSITY), "cell": cell_variable(CELL)})
    settings = {"terms": ["W", "Q_flux"], "parts": ["density", "rate", "source"], "points": 32}
    expected = stress_maps(field, MIXTURE, 1.6, **settings)
    found = stress_maps(with_force(measure), MIXTURE, 1.6, **settings).isel(time=0)
    for name in settings["parts"]:
        scale = float(abs(expected[name]).max())
        np.testing.assert_allclose(found[name], expected[name], rtol=0.0, atol=1e-6 * scale)


def test_no_list_of_pairs_is_made(measure, monkeypatch):
    monkeypatch.setattr("glasscade.analysis.snapshots.find_bonds", None)
    snapshot = Snapshots(with_force(measure), MIXTURE).at((0,), (4, 4))
    assert snapshot.bonds is None
    assert snapshot.squares is None


def test_nothing_is_known_at_scale_zero(measure):
    balance = stress_balance(dataset(measure), MIXTURE, [0.0, 1.0], functions=FUNCTIONS)
    assert np.isnan(balance["stress"].sel(ell=0.0)).all()
    assert np.isfinite(balance["stress"].sel(ell=1.0)).all()
    with pytest.raises(ConfigError, match=r"^ell: points have maps at ell > 0 alone"):
        stress_maps(dataset(measure), MIXTURE, 0.0)


def test_a_measure_is_no_particles(measure):
    series = Snapshots(dataset(measure), MIXTURE)
    assert series.are_points
    assert not series.are_particles
    with pytest.raises(DataError, match=r"^weight: the points of a measure .* have no bonds"):
        series.bonds((0,))
    with pytest.raises(DataError, match=r"^data: particles that all weigh 1 are needed"):
        point_balance(dataset(measure), MIXTURE)


def test_weighted_points_without_the_mark_are_particles(measure):
    few = dataset(measure, {}).isel(particle=slice(20))
    assert Snapshots(few, MIXTURE).are_particles
    with pytest.raises(DataError, match=r"^weight: .* representation must be 'measure' .* 'lump'"):
        Snapshots(dataset(measure, {"representation": "lump"}), MIXTURE)


def test_forces_of_another_sign_or_mixture_are_noticed(measure):
    message = r"^force: .* not those of the mixture \(snapshot time 0\).*2.0e\+00.* other sign"
    with pytest.raises(DataError, match=message):
        Snapshots(with_force(measure, 1.0), MIXTURE).at((0,), (4, 4))
    rough = Mixture(((Harmonic(1.0, 1.0), UNLIKE), (UNLIKE, Harmonic(1.0, 1.0))))
    with pytest.raises(DataError, match=r"^force: .* not those of the mixture"):
        Snapshots(with_force(measure), rough).at((0,), (4, 4))


def test_forces_that_vanish_but_for_round_off_agree():
    """Of a point of the mass of all: given 1e-16, by the mixture 0."""
    alone = sampled(np.ones((1, 1, 1)), CELL, 1)
    force = np.full((1, 1, 2), 1e-14)
    data = dataset(alone, force=(("time", "particle", "axis"), force))
    gauss = Mixture.single(Gaussian(-1.0, 0.5))
    assert np.isfinite(Snapshots(data, gauss).at((0,), (2, 2)).force_density).all()
    data["force"] = data["force"] * 1e6
    with pytest.raises(DataError, match=r"^force: "):
        Snapshots(data, gauss).at((0,), (2, 2))
