"""Descents and packings against what is known of soft disks."""

from __future__ import annotations

import numpy as np
import pytest

import studies
from glasscade.config import SYSTEM
from glasscade.particles.elasticity import modulus_at_rest
from glasscade.particles.jamming import decompress
from glasscade.particles.listed import ListedForces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres
from glasscade.stages.relaxation import decay
from glasscade.stages.simulate import simulate

SPHERES = PairTable.from_mixture(binary_spheres(0.1))


@pytest.fixture(scope="module")
def packings():
    """Three packings of 128 disks, decompressed from φ = 0.88."""
    found = []
    for realisation in range(3):
        state, cell = random_mixture(128, 0.88, 2, seed=1, realisation=realisation)
        series, point = decompress(state.positions, state.species, SPHERES, cell, 2e-5, 2e-5)
        found.append((series, point, state.species))
    return found


def test_disks_jam_where_they_are_known_to(packings):
    """φ_J = 0.843 of many (O'Hern et al. 2003), at which Z is 4 and a few per cent rattle."""
    points = np.array([point for _, point, _ in packings])
    # Of 128 disks φ_J scatters by 0.004 and lies some 0.002 below that of many: three standard
    # errors of three.
    assert points.mean() == pytest.approx(0.841, abs=3.0 * 0.004 / np.sqrt(3.0))
    last = [series[-1] for series, _, _ in packings]
    # One contact is 2/128.
    assert np.abs([p.coordination - 4.0 for p in last]).max() < 3.0 * 2.0 / 128.0
    assert 0.0 < np.mean([p.rattlers for p in last]) < 0.12


def test_pressure_and_contacts_grow_as_powers(packings):
    """p ~ φ - φ_J and Z - Z_iso ~ p^½, pooled over packings and fitted against p."""
    rows = np.array(
        [
            (p.packing_fraction - point, p.pressure, p.coordination - p.isostatic)
            for series, point, _ in packings
            for p in series
        ]
    )
    # Above, spheres are far from touching; below p N² = 26, packings are too small to have more
    # than a few contacts left over (Goodrich, Liu and Nagel 2012).
    rows = rows[(rows[:, 1] > 26.0 / 128**2) & (rows[:, 1] < 2e-2)]
    excess, pressure, contacts = np.log(rows).T
    # Scatter of 13 values that follow each other in three packings.
    assert np.polyfit(excess, pressure, 1)[0] == pytest.approx(1.03, abs=0.07)
    assert np.polyfit(pressure, contacts, 1)[0] == pytest.approx(0.5, abs=0.12)


def test_bulk_modulus_stays_finite_down_to_jamming(packings):
    """K jumps from zero to a finite value at φ_J (O'Hern et al. 2003), as contacts do to 2d."""
    ratios = []
    for series, _, species in packings:
        pressures = np.array([p.pressure for p in series])
        moduli = []
        for target in (1e-2, 1e-4):
            packing = series[int(np.argmin(np.abs(np.log(pressures / target))))]
            listed = ListedForces(species, SPHERES, packing.cell)
            moduli.append(modulus_at_rest(listed, packing.positions, 0.5 * np.eye(2)))
        ratios.append(moduli[1] / moduli[0])
    # Two decades of pressure; V'' being constant, what falls are Z, from 4.7 to 4, and its share.
    assert 0.4 < np.mean(ratios) < 0.9


def test_a_descent_from_random_positions_slows_down_as_a_power():
    """<v²>^½ ~ t^{-β} and U by the same. β = 0.92 belongs to late times (docs/relaxation.md).

    From t = 20 to 210 the exponent of 65,536 disks is 1.0; mean field has 2/3, and a finite number
    of modes an exponential.
    """
    system = SYSTEM.validate_python(
        studies.GLASS
        | {
            "number": 2048,
            "composition": {"kind": "binary_spheres", "packing_fraction": 1.2, "core": 0.1},
            "duration": 210.0,
            "dt": 0.07,
            "snapshots": 41,
        }
    )
    state = simulate(system, 0.0, list(range(8)), seed=2)
    keys = {"window": [20.0, 210.0], "beta": 0.92, "tolerance": 0.03}
    found = decay(state, system.number, keys, level=0.9)
    beta = {route: float(found["beta"].sel(route=route)) for route in ("speed", "energy")}
    # Three standard errors of 0.03, and as much for the 0.97 to 1.03 of the many.
    assert beta["speed"] == pytest.approx(1.0, abs=0.12)
    # One balance of energy; speeds at the outputs scatter about what is lost between them.
    assert beta["energy"] == pytest.approx(beta["speed"], abs=0.05)
