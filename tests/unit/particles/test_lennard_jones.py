"""The binary Lennard-Jones glass: its table, its numbers, and its caps below any approach."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.particles.lennard_jones import DENSITY, LARGE, binary_lennard_jones
from glasscade.particles.listed import ListedForces
from glasscade.particles.observables import approach_of_cores, find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_state

CAP = 0.75


def test_the_published_radii_and_depths() -> None:
    (ll, ls), (sl, ss) = binary_lennard_jones(CAP, 2.0).table
    assert (ls, ll.strength, ss.strength, ls.strength) == (sl, 1.0, 1.0, 2.0)
    # Ten small particles fit around a large one and five large ones around a small one:
    # contacts of the two then subtend π/10 and π/5.
    assert ll.diameter / ls.diameter == pytest.approx(2.0 * np.sin(np.pi / 5.0), rel=1e-15)
    assert ss.diameter / ls.diameter == pytest.approx(2.0 * np.sin(np.pi / 10.0), rel=1e-15)
    assert [v.cap / v.diameter for v in (ll, ls, ss)] == pytest.approx([CAP] * 3)
    assert pytest.approx(0.25 * (1.0 + np.sqrt(5.0)), rel=1e-15) == LARGE / (1.0 - LARGE)


def test_a_relaxed_packing_has_no_pair_in_a_cap() -> None:
    number = 200
    cell = Cell.cubic(np.sqrt(number / DENSITY), 2)
    large = round(LARGE * number)
    mixture = binary_lennard_jones(CAP)
    state = random_state((large, number - large), cell, seed=3, realisation=0)
    table = PairTable.from_mixture(mixture)
    assert approach(state.positions, state.species, table, mixture, cell) < 1.0
    listed, x = ListedForces(state.species, table, cell), state.positions
    for _ in range(2000):  # descent in steps no longer than a hundredth of a diameter
        force = listed.forces(x)
        x = x - force * min(1e-4, 0.01 / np.abs(force).max())
    # Nearest neighbours of this glass are at 0.9 σ and beyond.
    assert approach(x, state.species, table, mixture, cell) * CAP > 0.85


def approach(x, species, table, mixture, cell) -> float:
    return approach_of_cores(find_bonds(x, species, table, cell), species, mixture)
