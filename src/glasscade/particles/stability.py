"""Largest stable time step, from the contacts of a state and the stiffness of their potentials."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.particles.observables import find_bonds
from glasscade.particles.pairs import KISSING_NUMBER, PairTable, stiffness

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def stability_limit(positions: Real, species: Integers, table: PairTable, cell: Cell) -> float:
    """Largest dt at which descent from `positions` is surely stable: 2 / (a bound on the Hessian).

    The Hessian of each pair is at most κ_ab (`pairs.stiffness`) times that of |x_a - x_b|^2/2.
    The whole is therefore at most the Laplacian of the contact graph with weights κ_ab, whose
    largest eigenvalue does not exceed max_ab (k_a + k_b) over its bonds, k_a = Σ_b κ_ab (Anderson &
    Morley 1985). The contacts are those of `positions`, and no fewer than the kissing number of
    equal spheres (2, 6, 12), since bonds form later; a much denser clustering is not foreseen.
    """
    kappa = stiffness(table)
    bonds = find_bonds(positions, species, table, cell)
    weights = kappa[species[bonds.first], species[bonds.second]]
    ends = np.concatenate([bonds.first, bonds.second])
    degree = np.bincount(ends, np.tile(weights, 2), minlength=bonds.number)
    met = np.max(degree[bonds.first] + degree[bonds.second], initial=0.0)
    bound = max(float(met), 2.0 * KISSING_NUMBER[cell.dim] * float(kappa.max()))
    return math.inf if bound == 0.0 else 2.0 / bound
