"""U, forces and virial of given positions, over and over: what minimisers and descents stand on.

The force loops and the neighbour list are those of the engine. A list reaches further than the
forces, by a skin, and holds until a particle has gone half of it; it is then made anew. Every sum
runs in the order of the list, in one thread: the same calls give the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, StabilityError
from glasscade.jit import inner, jit
from glasscade.particles.forces import Law, block_forces, make_law, new_work
from glasscade.particles.neighbours import (
    BLOCK,
    Packed,
    arrange,
    find,
    make_grid,
    move_ghosts,
    wrap,
)
from glasscade.particles.pairs import PairTable
from glasscade.potentials import kernels

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]

SKIN = 0.3
"""Width added to the cutoffs, in the largest of them."""


class _Places(NamedTuple):
    """Where particles stand in the list: which, less which box vectors, and where at its making."""

    ids: Indices
    offset: Real
    reference: Real


@jit
def _place(positions: Real, places: _Places, limit2: float, everyone: Real) -> bool:
    """Positions in the order and images of the list; whether one left the skin (or is NaN)."""
    number, dim = places.reference.shape
    inside = True
    for k in range(number):
        drift2 = 0.0
        i = np.uint64(places.ids[k])
        for c in range(dim):
            x = positions[i, c] - places.offset[k, c]
            drift = x - places.reference[k, c]
            drift2 += drift * drift
            everyone[k, c] = x
        # Written so that NaN counts as outside.
        inside &= drift2 <= limit2
    return not inside


@jit
def _forces(everyone: Real, places: _Places, packed: Packed, law: Law, out: Real) -> None:
    """F_a = ∂U/∂x_a into `out` (N, d), in the order of the caller."""
    number, dim = places.reference.shape
    force, work = np.empty((dim, BLOCK)), new_work(dim)
    for block in range(packed.block_start.size - 1):
        first, end = block * BLOCK, min((block + 1) * BLOCK, number)
        block_forces(block, everyone[first:end], everyone, packed, law, force, work)
        for lane in range(end - first):
            i = np.uint64(places.ids[first + lane])
            for c in range(dim):
                out[i, c] = -force[c, lane]


@inner
def _sums(
    everyone: Real, number: int, packed: Packed, law: Law, separation: Real, virial: Real
) -> float:
    """U, and W_ij summed over all pairs into `virial` (d, d), both from the full list.

    `separation` (d,) is work space.
    """
    dim = virial.shape[0]
    energy = 0.0
    virial[:] = 0.0
    for block in range(packed.block_start.size - 1):
        first, entry = block * BLOCK, packed.block_start[block]
        lanes = min(BLOCK, number - first)
        neighbour = 0
        while True:
            while lanes > 0 and packed.counts[first + lanes - 1] <= neighbour:
                lanes -= 1
            if lanes == 0:
                break
            for lane in range(lanes):
                other, row = np.uint64(packed.entries[entry]), np.uint64(packed.types[entry])
                entry += 1
                r2 = 0.0
                for c in range(dim):
                    separation[c] = everyone[other, c] - everyone[first + lane, c]
                    r2 += separation[c] * separation[c]
                # Most of the list is skin.
                if r2 >= law.range[row] * law.range[row]:
                    continue
                r = np.sqrt(r2)
                # Every pair is listed from both ends.
                energy += 0.5 * kernels.value(law.kind[row], r, law.parameters[row])
                if r > 0.0:
                    pull = 0.5 * kernels.slope(law.kind[row], r, law.parameters[row]) / r
                    for i in range(dim):
                        for j in range(dim):
                            virial[i, j] += pull * separation[i] * separation[j]
            neighbour += 1
    return energy


class ListedForces:
    """U, F = ∂U/∂x (minus the force) and the virial of N particles in one cell.

    Parameters
    ----------
    species : (N,)
        Species of the particles, in the order of all positions given later.
    table : PairTable
    cell : Cell
    skin : float
        Added to the cutoffs, in l0; `SKIN` times the largest of them where it is not given. Only
        the speed depends on it, and the last bits.

    Attributes
    ----------
    cell : Cell
        The present one.
    renewals : int
        How often the list has been made.

    Raises
    ------
    ConfigError
        If there are no particles, a species is not in the table, or the skin is not positive.
    """

    def __init__(
        self, species: Integers, table: PairTable, cell: Cell, skin: float | None = None
    ) -> None:
        self.species = np.array(species, dtype=np.int64)
        if self.species.ndim != 1 or self.species.size == 0:
            raise ConfigError(f"species: the shape must be (N,), N > 0, not {self.species.shape}")
        if self.species.min() < 0 or self.species.max() >= table.species:
            raise ConfigError(
                f"species: numbers must lie in [0, {table.species}), "
                f"not [{self.species.min()}, {self.species.max()}]"
            )
        self._skin = SKIN * table.reach if skin is None else float(skin)
        if not self._skin > 0.0:
            raise ConfigError(f"skin: {self._skin:g} is outside (0, inf)")
        self.table = table
        self.renewals = 0
        self._law = make_law(table)
        self._limit2 = np.where(table.cutoff > 0.0, table.cutoff + self._skin, 0.0) ** 2
        self.enter(cell)

    def enter(self, cell: Cell) -> None:
        """Take another cell; the list is made at the next evaluation."""
        self.cell = cell
        self._grid = make_grid(cell, self.table.reach + self._skin, self.species.size)
        self._places: _Places | None = None

    def forces(self, positions: Real) -> Real:
        """F_a = ∂U/∂x_a, minus the force, shape (N, d), of `positions` (N, d), wrapped or not.

        Raises
        ------
        ConfigError
            If the positions have another shape.
        StabilityError
            If a position is not finite.
        """
        places = self._update(positions)
        out = np.empty_like(places.reference)
        _forces(self._everyone, places, self._packed, self._law, out)
        return out

    def energy(self, positions: Real) -> float:
        """U = Σ_{a<b} V(r_ab); errors as for `forces`."""
        return self.energy_and_virial(positions)[0]

    def energy_and_virial(self, positions: Real) -> tuple[float, Real]:
        """U, and σ_ij = Σ_{a<b} W_ij, the stress times the volume, (d, d): tension is positive."""
        self._update(positions)
        virial = np.empty((self.cell.dim, self.cell.dim))
        separation = np.empty(self.cell.dim)
        number, fixed = self.species.size, (self._packed, self._law)
        energy = _sums(self._everyone, number, *fixed, separation, virial)
        return float(energy), virial

    def renew(self, positions: Real) -> None:
        """Make the list anew: what follows then depends on nothing evaluated before."""
        number, dim = self.species.size, self.cell.dim
        if np.shape(positions) != (number, dim):
            raise ConfigError(
                f"positions: the shape must be ({number}, {dim}), not {np.shape(positions)}"
            )
        if not np.all(np.isfinite(positions)):
            raise StabilityError("particles: positions are no longer finite, use a smaller step")
        wrapped = np.array(positions, dtype=np.float64, order="C")
        images = np.zeros(wrapped.shape, dtype=np.int64)
        wrap(wrapped, images, self._grid)
        found = find(wrapped, self.species, self._limit2, self._grid)
        self._packed = arrange(found, self.species, self.table.species)
        order = self._packed.source
        offset = images[order] @ self.cell.matrix.T
        self._places = _Places(order, offset, wrapped[order])
        self._everyone = np.empty((number + self._packed.ghost_source.size, dim))
        self.renewals += 1

    def deform(self, cell: Cell, positions: Real) -> Real:
        """Enter another cell and carry `positions` along, x -> h' h^{-1} x: the affine strain.

        Parameters
        ----------
        cell : Cell
            The new one, h', of the same dimension.
        positions : (N, d)

        Returns
        -------
        (N, d)
            At the same fractional coordinates in the new cell.
        """
        if cell.dim != self.cell.dim:
            raise ConfigError(f"cell: it must have {self.cell.dim} dimensions, not {cell.dim}")
        moved = cell.cartesian(self.cell.fractional(positions))
        self.enter(cell)
        return moved

    def _update(self, positions: Real) -> _Places:
        """Place particles and ghosts, with a new list where the old no longer holds."""
        limit2 = 0.25 * self._skin**2
        positions = np.ascontiguousarray(positions, dtype=np.float64)
        places = self._places
        known = places is not None and positions.shape == places.reference.shape
        if places is None or not known or _place(positions, places, limit2, self._everyone):
            self.renew(positions)
            places = self._places
            assert places is not None
            _place(positions, places, limit2, self._everyone)
        move_ghosts(self._everyone, self._packed, self.species.size, 0.0)
        return places
