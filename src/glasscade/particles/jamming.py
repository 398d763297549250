"""Packings of spheres that repel at contact, and the density at which they lose their pressure.

A sphere of a species has the cutoff of its own pair as its diameter: φ is the volume of all
spheres over that of the cell, overlaps twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import fire
from glasscade.particles.observables import Bonds, energy, find_bonds, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import UNIT_BALL

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FORCE = 1e-13
"""Largest |F_a| of a packing, in V0/l0: far below the contact forces at any density studied."""
JAMMED = 1e-16
"""Energy per particle, in V0, above which a packing is jammed (O'Hern et al. 2003)."""
# Of the distance to the jamming point, estimated from two pressures, that one step goes.
_APPROACH = 0.5
_FIRST_STEP = 1e-3
_MOST_PACKINGS = 200


@dataclass(frozen=True, eq=False)
class Packing:
    """A minimum of U.

    Attributes
    ----------
    positions, cell
        (N, d), and the cell they are in.
    packing_fraction
        φ.
    pressure
        p = -tr σ/(d |Ω|), in V0/l0^d.
    energy
        U/N, in V0.
    coordination
        Z, contacts of a particle, over all but the rattlers.
    rattlers
        Their share of all particles.
    """

    positions: Real
    cell: Cell
    packing_fraction: float
    pressure: float
    energy: float
    coordination: float
    rattlers: float

    @property
    def isostatic(self) -> float:
        """Z with one contact more than needed to bear a pressure: 2d - (2d - 2)/N' of N' spheres.

        N' particles in a periodic cell have d N' - d degrees of freedom besides the density.
        """
        dim, bearing = self.cell.dim, len(self.positions) * (1.0 - self.rattlers)
        return 2.0 * dim - (2.0 * dim - 2.0) / bearing


def packing_fraction(species: Integers, table: PairTable, cell: Cell) -> float:
    """φ = Σ_a (volume of sphere a)/|Ω|."""
    radii = 0.5 * np.diagonal(table.cutoff)[species]
    return float(UNIT_BALL[cell.dim] * np.sum(radii**cell.dim) / cell.volume)


def rattlers_of(bonds: Bonds, dim: int) -> Mask:
    """Particles that are held by fewer than d + 1 contacts, not counting those with rattlers."""
    free = np.zeros(bonds.number, dtype=np.bool_)
    while True:
        held = ~(free[bonds.first] | free[bonds.second])
        ends = np.concatenate([bonds.first[held], bonds.second[held]])
        now = np.bincount(ends, minlength=bonds.number) < dim + 1
        if np.array_equal(now, free):
            return free
        free = now


def measure(positions: Real, species: Integers, table: PairTable, cell: Cell) -> Packing:
    """What is known of a packing; every pair within its cutoff is a contact."""
    bonds = find_bonds(positions, species, table, cell)
    free = rattlers_of(bonds, cell.dim)
    bearing = bonds.number - np.count_nonzero(free)
    contacts = np.count_nonzero(~(free[bonds.first] | free[bonds.second]))
    return Packing(
        positions,
        cell,
        packing_fraction(species, table, cell),
        -float(np.trace(virial_stress(bonds))) / (cell.dim * cell.volume),
        energy(bonds) / bonds.number,
        2.0 * contacts / bearing if bearing else 0.0,
        float(np.mean(free)),
    )


def decompress(
    positions: Real,
    species: Integers,
    table: PairTable,
    cell: Cell,
    tolerance: float = 1e-6,
    least_pressure: float = 1e-6,
) -> tuple[list[Packing], float]:
    """From a start above jamming to the jamming point.

    The start is relaxed by `fire`, then the cell grows in steps, each of them half of the distance
    in φ at which the pressures of the last two packings reach zero. Below `least_pressure` the
    next step goes beyond that point, and the interval from the last jammed packing to the first
    without energy is halved until it is as narrow as the tolerance.

    Parameters
    ----------
    positions, species, table, cell
        The start.
    tolerance : float
        Width of the interval of φ in which jamming is found.
    least_pressure : float
        Pressure, in V0/l0^d, from which on bisection takes over.

    Returns
    -------
    list of Packing
        Those that are jammed, with falling φ.
    float
        φ_J, the middle of the interval.

    Raises
    ------
    ConfigError
        If the start is not jammed.
    ConvergenceError
        If a packing does not come to rest, or there are more than 200 of them.
    """
    cell_of = _Expansion(species, table, cell)
    first = cell_of.relaxed(positions, cell)
    if first.energy < JAMMED:
        raise ConfigError(
            f"packing_fraction: {first.packing_fraction:.4g} is below jamming, start above it"
        )
    jammed, unjammed = [first], -np.inf
    for _ in range(_MOST_PACKINGS):
        last = jammed[-1]
        if last.packing_fraction - unjammed < tolerance:
            return jammed, 0.5 * (last.packing_fraction + unjammed)
        found = cell_of.at(last, _next(jammed, unjammed, tolerance, least_pressure))
        if found.energy < JAMMED:
            unjammed = found.packing_fraction
        else:
            jammed.append(found)
    raise ConvergenceError(
        f"tolerance: jamming was not found to {tolerance:g} within {_MOST_PACKINGS} packings"
    )


def _next(jammed: list[Packing], unjammed: float, tolerance: float, least: float) -> float:
    """φ of the next packing."""
    last = jammed[-1]
    if np.isfinite(unjammed):
        return 0.5 * (last.packing_fraction + unjammed)
    if len(jammed) == 1:
        return last.packing_fraction - _FIRST_STEP
    before = jammed[-2]
    fall = before.pressure - last.pressure
    distance = last.pressure * (before.packing_fraction - last.packing_fraction) / fall
    if fall <= 0.0:
        # A rearrangement can raise the pressure; take the step before again.
        distance = (before.packing_fraction - last.packing_fraction) / _APPROACH
    if last.pressure > least:
        return last.packing_fraction - _APPROACH * distance
    return last.packing_fraction - max(2.0 * distance, tolerance)


class _Expansion:
    """Packings of the same spheres in cells of one shape."""

    def __init__(self, species: Integers, table: PairTable, cell: Cell) -> None:
        self._species, self._table = species, table
        self._listed = ListedForces(species, table, cell)

    def at(self, packing: Packing, fraction: float) -> Packing:
        """The packing that another becomes, expanded affinely to φ = `fraction` and relaxed."""
        stretch = (packing.packing_fraction / fraction) ** (1.0 / packing.cell.dim)
        return self.relaxed(packing.positions * stretch, Cell(packing.cell.matrix * stretch))

    def relaxed(self, positions: Real, cell: Cell) -> Packing:
        """The minimum that `fire` finds."""
        self._listed.enter(cell)
        rest = fire(self._listed, positions, FORCE)
        return measure(rest.positions, self._species, self._table, cell)
