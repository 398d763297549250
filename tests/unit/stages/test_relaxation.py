"""Decays of known exponent are recovered; series are those of the particles; verdicts follow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade import config, jobs
from glasscade.config import SYSTEM, Margins, Study
from glasscade.errors import ConfigError
from glasscade.particles.observables import energy, find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.stages import relaxation
from glasscade.stages.checks import _Checks
from glasscade.stages.simulate import simulate
from made_up_descents import BETA, NUMBER, WINDOW, descents
from made_up_exponents import made_up_exponents

LEVEL = 0.9
GLASS = studies.GLASS | {"number": 64, "duration": 2.0, "snapshots": 21}


def test_exponents_are_recovered_from_speed_and_energy():
    found = relaxation.decay(descents(), NUMBER, WINDOW, LEVEL)
    # 1 + t/τ is t/τ to 5e-4 at t = 20, and nearer later; the exponent to some 1e-4.
    np.testing.assert_allclose(found["beta"], BETA, atol=3e-4)
    np.testing.assert_allclose(found["beta_half_width"], 0.0, atol=1e-12)
    assert found["route"].values.tolist() == list(relaxation.ROUTES)


def test_energy_is_lost_by_the_square_of_the_speed():
    budget = descents()
    found = relaxation.decay(budget, NUMBER, WINDOW, LEVEL)
    t = budget["time"].values
    at, square = found["loss_time"].values, budget["speed"].values[0] ** 2
    late = at > 1.0
    expected = np.exp(np.interp(np.log(at[late]), np.log(t[1:]), np.log(square[1:])))
    # The mean over an interval of ratio 1.2 against the value in its middle: curvature of the
    # power times the square of the ratio's logarithm.
    np.testing.assert_allclose(found["loss"].values[0][late], expected, rtol=0.02)


def test_intervals_hold_the_scatter_of_realisations():
    found = relaxation.decay(descents(noise=0.05), NUMBER, WINDOW, LEVEL)
    each = [
        relaxation.decay(descents(noise=0.05).isel(realisation=[r]), NUMBER, WINDOW, LEVEL)
        for r in range(6)
    ]
    samples = np.array([float(one["beta"].sel(route="speed")) for one in each])
    half = float(found["beta_half_width"].sel(route="speed"))
    # The jackknife is that of a mean of exponents, t_5 at 5 % and six realisations, as far as
    # these weigh the same.
    assert half == pytest.approx(2.015 * np.std(samples, ddof=1) / np.sqrt(6.0), rel=0.3)
    assert half > 0.01
    # One alone has no interval that could decide anything.
    assert np.all(np.isinf(each[0]["beta_half_width"]))


@pytest.mark.parametrize(
    ("beta", "noise", "outcome"),
    [(0.92, 0.0, "holds"), (0.80, 0.0, "violated"), (0.92, 0.1, "inconclusive")],
)
def test_verdicts_on_the_exponent(beta, noise, outcome):
    found = relaxation.decay(descents(noise, beta), NUMBER, WINDOW, LEVEL)
    job = {
        "model": "made_up",
        "margins": Margins().model_dump(mode="json"),
        "estimator": "wavelets",
        "relaxation": WINDOW,
    }
    empty = xr.Dataset(
        {name: (("temperature", "realisation"), np.zeros((1, 6))) for name in ("x",)},
        coords={"ell": [0.0, 1.0], "temperature": [0.0]},
    )
    system, exponents = SYSTEM.validate_python(GLASS), made_up_exponents(((0.9, 1.2),))
    # The first rows, before budgets are looked at.
    rows = itertools.islice(_Checks(job, system, found.merge(empty), exponents), 2)
    judge = {row.quantity: row for row in rows}
    assert judge["beta_from_speed"].verdict == outcome
    assert judge["beta_from_speed"].check == "control"
    # Energies have no scatter here.
    assert judge["beta_from_energy"].verdict == ("violated" if beta < 0.9 else "holds")
    assert (judge["beta_from_speed"].fit_low, judge["beta_from_speed"].fit_high) == (20.0, 2000.0)


def test_series_of_a_state_are_those_of_its_particles():
    system = SYSTEM.validate_python(GLASS)
    state = simulate(system, 0.0, [0, 1], seed=3)
    table = PairTable.from_mixture(system.mixture)
    for realisation, time in ((0, 0), (1, 7), (0, 20)):
        positions = state["position"].values[realisation, time]
        bonds = find_bonds(positions, state["species"].values, table, system.cell)
        size = np.linalg.norm(forces(bonds), axis=1)
        row = {name: float(state[name][realisation, time]) for name in relaxation.SERIES}
        # Round-off of sums in another order.
        assert row == pytest.approx(
            {
                "speed": np.sqrt(np.mean(size**2)),
                "mean_speed": size.mean(),
                "largest_force": size.max(),
                "energy": energy(bonds),
            },
            rel=1e-11,
        )


def study(**changes):
    raw = studies.study(
        descent={
            "system": studies.GLASS | {"number": 64, "duration": 4.0, "snapshots": 21},
            "sweep": {"temperature": [0], "ell": [[0, 0.5, 0.7, 0.9, 1.2, 1.6]], "realisations": 2},
            "window": [0.15, 1.2],
            "relaxation": {"window": [0.2, 4.0]},
        }
    )
    for key, value in changes.items():
        raw = studies.changed(raw, f"models.descent.{key.replace('__', '.')}", value)
    return raw


def test_a_descent_needs_no_other_temperature_and_says_so_to_its_jobs():
    parsed = config.parse(study())
    assert isinstance(parsed, Study)
    assert jobs.limits(parsed, "descent")["relaxation"] == {
        "window": [0.2, 4.0],
        "beta": 0.92,
        "tolerance": 0.03,
    }
    names = jobs.figure_names(parsed, "descent")
    assert "relaxation" in names
    assert not {"limits", "plane", "direct_terms", "kernels"} & set(names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sweep__temperature": [0, 0.1]}, r"relaxation: it is of a glass with sweep.temperature"),
        ({"relaxation__window": [3.9, 4.0]}, r"relaxation\.window must hold at least 8 output"),
        ({"relaxation__window": [4.0, 0.2]}, r"window must increase, not be \[4, 0\.2\]"),
    ],
)
def test_descents_that_cannot_be_judged_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        config.parse(study(**changes))


def test_checks_of_other_models_know_nothing_of_a_decay():
    assert "relaxation" not in jobs.limits(config.parse(studies.study()), "point")
