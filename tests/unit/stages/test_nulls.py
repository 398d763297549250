"""Densities that are measured, and for particles what they are compared with."""

from __future__ import annotations

import numpy as np
import pytest

import studies
from glasscade.analysis.snapshots import Snapshots
from glasscade.config import SYSTEM
from glasscade.particles.observables import energy, find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.stages import nulls, simulate

GLASS = SYSTEM.validate_python(studies.GLASS)
FIELD = SYSTEM.validate_python(studies.FIELD["system"])
JOB = {"seed": 7, "nulls": {"liquid_temperature": 0.1, "liquid_duration": 1.0}}
REALISATIONS = [0, 3]


@pytest.fixture(scope="module")
def state():
    return simulate.simulate(GLASS, 0.0, REALISATIONS, JOB["seed"])


def densities(state, position, job=JOB, label=None):
    label = REALISATIONS[position] if label is None else label
    series = Snapshots(state, GLASS.mixture)
    return dict(
        zip(
            nulls.sources(GLASS),
            nulls.densities(GLASS, series, position, label, job),
            strict=True,
        )
    )


def test_only_particles_have_nulls():
    assert nulls.sources(FIELD) == ("measured",)
    assert nulls.sources(GLASS) == ("measured", "poisson", "liquid", "shuffled")
    state = simulate.simulate(FIELD, 0.0, [0], 7)
    [density] = nulls.densities(FIELD, Snapshots(state, FIELD.mixture), 0, 0, {})
    assert density.shape == (1, *(2 * m + 1 for m in FIELD.counts))


def test_the_measured_density_is_that_of_the_last_time(state):
    for position in range(2):
        expected = Snapshots(state, GLASS.mixture).at((position, -1), GLASS.counts).density
        np.testing.assert_array_equal(densities(state, position)["measured"], expected)


def test_all_sources_hold_as_many_particles_of_each_species(state):
    for density in densities(state, 0).values():
        middle = density[(slice(None), *GLASS.counts)]
        # round-off of a sum over particles
        np.testing.assert_allclose(middle, GLASS.number / 2, rtol=1e-12)


def test_phases_are_shuffled_of_the_measured_density(state):
    each = densities(state, 0)
    size = np.abs(each["measured"])
    np.testing.assert_allclose(np.abs(each["shuffled"]), size, rtol=0.0, atol=1e-12 * size.max())
    assert np.max(np.abs(each["shuffled"] - each["measured"])) > 0.1 * size.max()


def test_nulls_differ_between_realisations_and_come_back_with_the_seed(state):
    first, again, other = (densities(state, position) for position in (0, 0, 1))
    reseeded = densities(state, 0, JOB | {"seed": 8})
    # also of the same snapshot under the name of another realisation
    renamed = densities(state, 0, label=1)
    for source in nulls.NULLS:
        np.testing.assert_array_equal(first[source], again[source])
        for different in (other, reseeded, renamed):
            assert np.max(np.abs(first[source] - different[source])) > 1.0


def test_nulls_share_no_random_numbers_with_the_model_or_each_other(state, monkeypatch):
    """Where they start: the liquid anew, not where the model did, the gas nowhere near either."""
    seen = {}

    def stay(start, *rest):
        seen["liquid"], seen["noise"] = start.positions, rest[-1]
        return start.positions

    def gas(*arguments):
        found = original(*arguments)
        seen["gas"] = found.positions
        return found

    original = nulls.ideal_gas
    monkeypatch.setattr(nulls, "liquid", stay)
    monkeypatch.setattr(nulls, "ideal_gas", gas)
    noises = set()
    for position, label in enumerate(REALISATIONS):
        densities(state, position)
        model = state["position"].values[position, 0]
        for a, b in (("liquid", model), ("gas", model), ("gas", seen["liquid"])):
            assert not np.any(np.isclose(np.sort(seen[a].ravel()), np.sort(b.ravel()), rtol=1e-12))
        noises |= {seen["noise"], nulls.noise_seed(JOB["seed"], label)}
    assert len(noises) == 2 * len(REALISATIONS)


def test_the_liquid_has_the_temperature_and_duration_of_the_configuration(state, monkeypatch):
    found = {}
    original = nulls.liquid

    def watched(start, table, cell, temperature, dt, duration, seed):
        positions = original(start, table, cell, temperature, dt, duration, seed)
        found[duration] = energy(find_bonds(positions, start.species, table, cell))
        assert (temperature, dt) == (0.1, GLASS.dt)
        assert isinstance(table, PairTable)
        np.testing.assert_allclose(cell.matrix, GLASS.cell.matrix, rtol=1e-12)
        return positions

    monkeypatch.setattr(nulls, "liquid", watched)
    for duration in (0.02, 5.0):
        densities(state, 0, JOB | {"nulls": JOB["nulls"] | {"liquid_duration": duration}})
    # from random positions energy is lost at first, and most of it
    assert found[5.0] < 0.5 * found[0.02]
