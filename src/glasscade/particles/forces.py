"""The force loops of the engine: -F of one block of particles from its packed neighbour list.

Harmonic pairs of one strength and one core radius, the common case, have loops that vectorise;
all other tables take one loop that calls the potentials' kernels pair by pair.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.jit import jit
from glasscade.particles.neighbours import BLOCK, Packed
from glasscade.particles.pairs import PairTable
from glasscade.potentials import kernels

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]
Types = npt.NDArray[np.uint16]

_HARMONIC = 0
_ANY_KIND = 1
# Stands for a core radius of zero; its cube is still a normal number.
_SMALLEST = 1e-100


class Law(NamedTuple):
    """A pair table as the loops read it: one entry for each type s_a S + s_b.

    `range` is the cutoff, on the harmonic path the diameter; `strength` and `core` are used there
    alone.
    """

    path: int
    kind: Integers
    parameters: Real
    range: Real
    strength: float
    core: float


def make_law(table: PairTable) -> Law:
    """Flatten a pair table and choose its path."""
    kind, cutoff = table.kind.ravel(), table.cutoff.ravel()
    parameters = np.ascontiguousarray(table.parameters.reshape(len(kind), -1))
    active = cutoff > 0.0
    other = Law(_ANY_KIND, kind, parameters, cutoff, 0.0, 0.0)
    if not np.all(kind[active] == kernels.HARMONIC):
        return other
    strength, core = (parameters[active, column] for column in (0, 2))
    if not (np.all(strength == strength[0]) and np.all(core == core[0])):
        return other
    least = max(float(core[0]), _SMALLEST)
    # A pair that does not interact gets the diameter of the core, within which its force is zero.
    diameter = np.where(active, parameters[:, 1], least)
    return Law(_HARMONIC, kind, parameters, diameter, float(strength[0]), least)


@jit
def _harmonic_factor(r2: float, diameter: float, strength: float, core: float) -> float:
    """-V'(r)/r = strength (d - r)/(r d^2), r no less than the core: no branch, one division."""
    r = max(math.sqrt(r2), core)
    return strength * max(diameter - r, 0.0) / (diameter * diameter * r)


@jit
def _any_factor(r2: float, kind: int, parameters: Real, cutoff: float) -> float:
    """-V'(r)/r of a pair of any kind."""
    r = math.sqrt(r2)
    if 0.0 < r < cutoff:
        return -kernels.slope(kind, r, parameters) / r
    return 0.0


@jit
def _add_harmonic_2d(
    own: Real, everyone: Real, entries: Indices, types: Types, law: Law, force: Real, work: Real
) -> None:
    """Add -F of one neighbour of each lane: scalar gathers, then arithmetic that vectorises."""
    dx, dy, diameter = work[0], work[1], work[2]
    fx, fy = force[0], force[1]
    for lane in range(entries.size):
        # Unsigned: a signed index may wrap around, and that test defeats the vectoriser.
        other = np.uint64(entries[lane])
        dx[lane] = own[lane, 0] - everyone[other, 0]
        dy[lane] = own[lane, 1] - everyone[other, 1]
    for lane in range(entries.size):
        diameter[lane] = law.range[np.uint64(types[lane])]
    for lane in range(entries.size):
        r2 = dx[lane] * dx[lane] + dy[lane] * dy[lane]
        factor = _harmonic_factor(r2, diameter[lane], law.strength, law.core)
        fx[lane] += factor * dx[lane]
        fy[lane] += factor * dy[lane]


@jit
def _add_harmonic_3d(
    own: Real, everyone: Real, entries: Indices, types: Types, law: Law, force: Real, work: Real
) -> None:
    """`_add_harmonic_2d` with a third coordinate."""
    dx, dy, dz, diameter = work[0], work[1], work[2], work[3]
    fx, fy, fz = force[0], force[1], force[2]
    for lane in range(entries.size):
        other = np.uint64(entries[lane])
        dx[lane] = own[lane, 0] - everyone[other, 0]
        dy[lane] = own[lane, 1] - everyone[other, 1]
        dz[lane] = own[lane, 2] - everyone[other, 2]
    for lane in range(entries.size):
        diameter[lane] = law.range[np.uint64(types[lane])]
    for lane in range(entries.size):
        r2 = dx[lane] * dx[lane] + dy[lane] * dy[lane] + dz[lane] * dz[lane]
        factor = _harmonic_factor(r2, diameter[lane], law.strength, law.core)
        fx[lane] += factor * dx[lane]
        fy[lane] += factor * dy[lane]
        fz[lane] += factor * dz[lane]


@jit
def _add_any(
    own: Real, everyone: Real, entries: Indices, types: Types, law: Law, force: Real, work: Real
) -> None:
    """Add -F of one neighbour of each lane, for any kinds and any dimension."""
    for lane in range(entries.size):
        other, row = np.uint64(entries[lane]), np.uint64(types[lane])
        r2 = 0.0
        for c in range(own.shape[1]):
            delta = own[lane, c] - everyone[other, c]
            work[c, lane] = delta
            r2 += delta * delta
        factor = _any_factor(r2, law.kind[row], law.parameters[row], law.range[row])
        for c in range(own.shape[1]):
            force[c, lane] += factor * work[c, lane]


@jit
def block_forces(
    block: int, own: Real, everyone: Real, packed: Packed, law: Law, force: Real, work: Real
) -> None:
    """-F of the lanes of a block into `force` (d, lanes); ghosts must be up to date."""
    active, dim = own.shape
    force[:] = 0.0
    counts = packed.counts[block * BLOCK : block * BLOCK + active]
    begin = packed.block_start[block]
    neighbour = 0
    while True:
        while active > 0 and counts[active - 1] <= neighbour:
            active -= 1
        if active == 0:
            return
        entries = packed.entries[begin : begin + active]
        types = packed.types[begin : begin + active]
        if law.path == _ANY_KIND or dim == 1:
            _add_any(own, everyone, entries, types, law, force, work)
        elif dim == 2:
            _add_harmonic_2d(own, everyone, entries, types, law, force, work)
        else:
            _add_harmonic_3d(own, everyone, entries, types, law, force, work)
        begin += active
        neighbour += 1
