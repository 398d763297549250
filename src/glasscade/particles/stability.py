"""Largest stable time step, from the contacts of a state and the stiffness of their potentials."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.jit import jit
from glasscade.particles.neighbours import Found, find, make_grid, wrap
from glasscade.particles.pairs import KISSING_NUMBER, PairTable, stiffness

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@jit
def _place(found: Found, entry: int) -> np.int64:
    """The place of a neighbour, that of its source if it is a ghost."""
    number = found.order.size
    place = np.int64(found.entries[entry])
    return place if place < number else np.int64(found.ghost_source[place - number])


@jit
def _heaviest_bond(found: Found, species: Integers, kappa: Real) -> float:
    """max_ab (k_a + k_b) over the neighbours, k_a = Σ_b κ_ab; 0 if there are none."""
    number = found.order.size
    degree = np.zeros(number)
    for k in range(number):
        row = kappa[species[found.order[k]]]
        for entry in range(found.start[k], found.start[k + 1]):
            degree[k] += row[species[found.order[_place(found, entry)]]]
    heaviest = 0.0
    for k in range(number):
        for entry in range(found.start[k], found.start[k + 1]):
            heaviest = max(heaviest, degree[k] + degree[_place(found, entry)])
    return heaviest


def stability_limit(positions: Real, species: Integers, table: PairTable, cell: Cell) -> float:
    """Largest dt at which descent from `positions` is surely stable: 2 / (a bound on the Hessian).

    The Hessian of each pair is at most κ_ab (`pairs.stiffness`) times that of |x_a - x_b|^2/2.
    The whole is therefore at most the Laplacian of the contact graph with weights κ_ab, whose
    largest eigenvalue does not exceed max_ab (k_a + k_b) over its bonds, k_a = Σ_b κ_ab (Anderson &
    Morley 1985). The contacts are those of `positions`, and no fewer than the kissing number of
    equal spheres (2, 6, 12), since bonds form later; a much denser clustering is not foreseen.
    """
    kappa = stiffness(table)
    wrapped = np.array(positions, dtype=np.float64, order="C")
    grid = make_grid(cell, table.reach, len(wrapped))
    wrap(wrapped, np.zeros(wrapped.shape, dtype=np.int64), grid)
    # The list alone: bonds with all that belongs to them would be most of the memory of a run.
    found = find(wrapped, species, table.cutoff**2, grid)
    met = _heaviest_bond(found, species, kappa)
    bound = max(met, 2.0 * KISSING_NUMBER[cell.dim] * float(kappa.max()))
    return math.inf if bound == 0.0 else 2.0 / bound
