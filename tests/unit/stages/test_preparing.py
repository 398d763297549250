"""Starts of a study: the same at every temperature, liquids apart from glasses, refused keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import studies
from glasscade.config import SYSTEM, PreparedSystem
from glasscade.particles.listed import ListedForces
from glasscade.particles.pairs import PairTable
from glasscade.stages.preparing import prepared
from glasscade.stages.simulate import check_start, simulate

LIQUID = {"kind": "liquid", "temperature": 0.1, "duration": 10.0, "dt": 0.02}
COOLED = LIQUID | {"kind": "cooled", "rate": 0.01}


def system(preparation: dict[str, Any]) -> PreparedSystem:
    found = SYSTEM.validate_python(studies.GLASS | {"number": 64, "preparation": preparation})
    assert isinstance(found, PreparedSystem)
    return found


def energy(keys: dict[str, Any], realisation: int = 0) -> float:
    chosen = system(keys)
    state = prepared(chosen, 3, realisation)
    assert state.step == 0
    listed = ListedForces(state.species, PairTable.from_mixture(chosen.mixture), chosen.cell)
    return listed.energy(state.positions)


def test_slower_ways_lead_deeper() -> None:
    """Random positions, a liquid, and what it cools to."""
    random, liquid, cooled = (energy(keys) for keys in ({"kind": "random"}, LIQUID, COOLED))
    # The energy of the liquid fluctuates by T sqrt(c N), with c of order one: three times that.
    assert min(random - liquid, liquid - cooled) > 3.0 * 0.1 * np.sqrt(64)


def test_realisations_differ_and_repeat() -> None:
    assert energy(LIQUID) == energy(LIQUID)
    assert energy(LIQUID) != energy(LIQUID, realisation=1)


def test_every_temperature_starts_from_it() -> None:
    glass = system(LIQUID)
    starts = [simulate(glass, t, [0], seed=3)["position"].values[0, 0] for t in (0.0, 0.1)]
    np.testing.assert_array_equal(starts[0], starts[1])
    # Wrapped and unwrapped again: a rounding of positions of order 10.
    np.testing.assert_allclose(starts[0], prepared(glass, 3, 0).positions, atol=1e-14)


def test_a_check_of_the_start_does_not_prepare_it() -> None:
    check_start(system(LIQUID | {"duration": 1e9}), 0.0, seed=3)


def test_cooling_must_cool() -> None:
    with pytest.raises(ValidationError, match=r"final_temperature must be below temperature, 0\.1"):
        system(COOLED | {"final_temperature": 0.2})
