"""States: what each system starts from, what is shared between temperatures and blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade import config
from glasscade.cell import Cell
from glasscade.config import SYSTEM
from glasscade.errors import ResolutionError, StabilityError
from glasscade.fields.cluster import stationary_profile
from glasscade.fields.spectral import evolve
from glasscade.force import ForceField
from glasscade.io import read_dataset
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.stages.simulate import run, simulate
from glasscade.transforms import grid_to_modes, modes_to_grid

GLASS = studies.GLASS | {"number": 64, "duration": 1.0, "dt": 0.01, "onset": 0.001}


def system(raw, **changes):
    return SYSTEM.validate_python(raw | changes)


CLUSTER, FIELD, ROUGH = (
    system(raw["system"]) for raw in (studies.CLUSTER, studies.FIELD, studies.ROUGH)
)


def test_cluster_is_a_point_at_zero_temperature_and_a_profile_above():
    heavy = system(studies.CLUSTER["system"], mass=1.5)
    cold = simulate(heavy, 0.0, [0], seed=1)
    np.testing.assert_array_equal(cold["position"], np.full((1, 1, 1, 1), 0.5))
    np.testing.assert_array_equal(cold["weight"], [1.5])
    warm = simulate(heavy, 0.008, [0], seed=1)
    assert "position" not in warm
    assert warm["density"].dims == ("realisation", "time", "species", "x")
    values, x = warm["density"].values[0, 0, 0], warm["x"].values
    np.testing.assert_array_equal(values, stationary_profile(x - 0.5, 1.5, 1.0, 1.0, 0.008))
    assert values.mean() == pytest.approx(1.5, rel=1e-9)  # the mass, in a cell of length one
    assert x[np.argmax(values)] == 0.5  # where the point is


def test_a_profile_narrower_than_the_grid_is_refused():
    # width 2T/gM = 0.002 on a grid of spacing 0.001
    with pytest.raises(ResolutionError, match=r"points: 1024 grid points do not resolve"):
        simulate(CLUSTER, 0.001, [0], seed=1)


def test_field_starts_from_the_same_density_at_every_temperature_and_follows_the_solver():
    states = [simulate(FIELD, t, [0], seed=3) for t in (0.0, 0.1)]
    initial = FIELD.start.on_grid((256,), FIELD.cell, 3)
    for state, t in zip(states, (0.0, 0.1), strict=True):
        np.testing.assert_allclose(state["time"], [0.0, 0.1, 0.2, 0.3, 0.4], rtol=1e-14)
        values = state["density"].values[0, :, 0]
        np.testing.assert_allclose(values[0], initial, rtol=1e-12)
        modes = grid_to_modes(initial[np.newaxis], FIELD.cell)
        field = ForceField(FIELD.mixture, FIELD.cell, FIELD.counts)
        final = evolve(modes, field, t, [0.0, 0.4], 1e-11)[-1]
        exact = modes_to_grid(final, FIELD.cell, (256,))[0]
        # some tens of steps of a local error of 1e-8
        np.testing.assert_allclose(values[-1], exact, rtol=1e-6)
    difference = states[1]["density"] - states[0]["density"]
    assert np.abs(difference.isel(time=-1)).max() > 1e-3


def test_schemes_agree_and_a_coarser_grid_holds_what_is_smooth():
    coarse = {"layer": {"width": 20.0, "power": 1, "points": 12}}
    spectral, volumes, sparse = (
        simulate(system(studies.FIELD["system"], **changes), 0.1, [0], seed=3)["density"][0, -1, 0]
        for changes in ({}, {"scheme": "finite_volume", "tolerance": 1e-5}, coarse)
    )
    assert sparse.size == spectral.size
    np.testing.assert_allclose(sparse, spectral, rtol=1e-6)
    # second order in dx = 0.08, for waves of length 7 and more: (2π dx/7)²/6
    np.testing.assert_allclose(volumes, spectral, rtol=3e-3)
    assert np.abs(volumes - spectral).max() > 1e-6


def test_a_synthetic_field_depends_on_its_own_numbers_alone():
    together = simulate(ROUGH, 0.0, [0, 1, 2], seed=3)
    np.testing.assert_array_equal(together["hurst"], [0.2, 0.2, 0.2, 0.6, 0.6, 0.6])
    np.testing.assert_array_equal(together["realisation"], [0, 1, 2, 0, 1, 2])
    alone = simulate(ROUGH, 0.0, [1], seed=3)
    np.testing.assert_array_equal(alone["density"], together["density"][[1, 4]])
    fields = together["density"].values.reshape(6, -1)
    # independent: 256 points of few long waves, but no two alike
    assert np.abs(np.corrcoef(fields) - np.eye(6)).max() < 0.95
    np.testing.assert_allclose(fields.mean(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(fields.std(axis=1), ROUGH.contrast, rtol=1e-12)
    other = simulate(ROUGH, 0.0, [1], seed=4)
    assert np.abs(other["density"] - alone["density"]).max() > 0.1


@pytest.fixture(scope="module")
def quenches():
    glass = system(GLASS)
    return {t: simulate(glass, t, [0, 1], seed=3) for t in (0.0, 1e-4, 4e-4)}


def test_a_quench_starts_from_the_same_particles_at_every_temperature(quenches):
    start, cell = random_mixture(64, 0.9, 2, 3, 1)
    for state in quenches.values():
        np.testing.assert_array_equal(state["position"].values[1, 0], start.positions)
        np.testing.assert_array_equal(state["species"], start.species)
        np.testing.assert_array_equal(state["cell"], cell.matrix)
    assert np.bincount(start.species).tolist() == [32, 32]
    both = quenches[0.0]["position"].values[:, 0]
    assert np.abs(both[0] - both[1]).max() > 1.0  # realisations differ


def test_a_quench_meets_the_same_noise_at_every_temperature(quenches):
    cold, cool, warm = (quenches[t]["position"].values[:, 1] for t in (0.0, 1e-4, 4e-4))
    np.testing.assert_allclose(quenches[0.0]["time"][1], 0.01, rtol=1e-14)  # after one step
    # x^T - x^0 = sqrt(2T dt) ξ with the same ξ: twice as far at four times the temperature
    kicks = cool - cold
    np.testing.assert_allclose(warm - cold, 2.0 * kicks, rtol=0.0, atol=1e-13)
    # of variance 2T dt in 256 components: four standard errors
    assert np.mean(kicks**2) == pytest.approx(2e-6, rel=4.0 * np.sqrt(2.0 / kicks.size))
    assert np.abs(kicks[0] - kicks[1]).max() > 1e-3  # realisations have their own


def test_a_quench_does_not_depend_on_its_block(quenches):
    alone = simulate(system(GLASS), 1e-4, [1], seed=3)
    np.testing.assert_array_equal(alone["realisation"], [1])
    np.testing.assert_array_equal(alone["position"].values[0], quenches[1e-4]["position"].values[1])


def test_times_of_a_quench_are_those_of_the_configuration(quenches):
    glass = system(GLASS)
    times = quenches[0.0]["time"].values
    np.testing.assert_allclose(times, np.array(glass.save_steps) * 0.01, rtol=1e-14)
    assert (times[0], times[-1]) == (0.0, pytest.approx(1.0))
    assert np.diff(times)[-1] > 5.0 * np.diff(times)[0]


def test_a_quench_with_a_step_beyond_the_stability_limit_is_refused():
    with pytest.raises(StabilityError, match=r"dt: 5 is"):
        simulate(system(GLASS, dt=5.0, duration=500.0), 0.0, [0], seed=3)


@pytest.mark.parametrize("raw", [studies.CLUSTER["system"], studies.FIELD["system"], GLASS])
def test_run_writes_the_state_with_its_cell_and_parameters(tmp_path, raw):
    keys = system(raw)
    job = {
        "system": keys.model_dump(mode="json"),
        "temperatures": [0.0],
        "realisations": [0],
        "seed": 3,
    }
    run(job, tmp_path / "state.nc")
    written = read_dataset(tmp_path / "state.nc", "cell")
    direct = simulate(keys, 0.0, [0], 3)
    xr.testing.assert_equal(written, direct)
    assert Cell(written["cell"].values).volume == pytest.approx(keys.cell.volume)
    assert '"seed": 3' in written.attrs["parameters"]


def test_fields_of_opposite_exponents_are_not_made_of_one_noise():
    """Seeds cannot be negative: the sign has a place of its own."""
    keys = {"exponents": [-0.4, 0.4], "dimensions": 1}
    system = SYSTEM.validate_python(studies.ROUGH["system"] | keys)
    state = simulate(system, 0.0, [0], seed=7)
    assert state["hurst"].values.tolist() == [-0.4, 0.4]
    modes = np.fft.rfft(state["density"].values.reshape(2, -1) - 1.0, axis=1)[:, 1:]
    phases = modes / np.abs(modes)
    # the mean of 128 random phases is of size 0.09; of equal ones it is 1
    assert abs(np.mean(phases[0] * phases[1].conj())) < 0.4


@pytest.mark.parametrize("name", ["glass_1000000", "glass3d_1000000"])
def test_a_million_particles_move_as_their_neighbours_push_them(name):
    """The largest systems of the study for a cluster, for a few steps; the first one in detail."""
    keys = config.load(Path(__file__).parents[3] / "config" / "cluster.yaml").models[name].system
    short = {"duration": 5 * keys.dt, "snapshots": 5, "onset": 2 * keys.dt}
    glass = SYSTEM.validate_python(keys.model_dump(mode="json") | short)
    state = simulate(glass, 0.0, [0], seed=1)
    x, species = state["position"].values[0], state["species"].values
    assert x.shape == (5, 1_000_000, glass.dimension)
    assert state["step"].values[1] == 1
    # Forces cancel in pairs. A million numbers up to 10^3, each rounded to 1e-13, average to less.
    assert np.abs(np.mean(x[-1] - x[0], axis=0)).max() < 1e-13
    assert np.abs(x[-1] - x[0]).max() > 1e-2
    table = PairTable.from_mixture(glass.mixture)
    for one in np.random.default_rng(2).integers(len(species), size=5):
        apart = x[0] - x[0, one]
        apart -= glass.length * np.rint(apart / glass.length)
        near = np.flatnonzero(np.sum(np.square(apart), axis=1) < glass.mixture.cutoff**2)
        push = forces(find_bonds(x[0, near], species[near], table, glass.cell))
        moved = -glass.dt * push[np.flatnonzero(near == one)[0]]
        # Positions up to 10^3 are rounded to 1e-13.
        np.testing.assert_allclose(x[1, one] - x[0, one], moved, rtol=0.0, atol=1e-12)
