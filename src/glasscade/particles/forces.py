"""The force loops of the engine: -F of one block of particles from its packed neighbour list.

Tables of harmonic pairs of one strength and core radius, and of Lennard-Jones pairs of one shape,
have loops that vectorise; all others take one loop that calls the potentials' kernels pair by pair.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.jit import inner, jit
from glasscade.particles.neighbours import BLOCK, Packed
from glasscade.particles.pairs import PairTable
from glasscade.potentials import kernels

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]
Types = npt.NDArray[np.uint16]
_Shape = tuple[float, float, float, float, float, float, float]

_ONE = np.float32(1.0)
_HARMONIC = 0
_LENNARD_JONES = 1
_ANY_KIND = 2
# Stands for a core radius of zero, in diameters: nearer than this, positions are rounded.
_SMALLEST = 1e-15
# Rows of the Lennard-Jones kind in units of their strength and diameter agree to round-off.
_SAME_SHAPE = 1e-13


class Law(NamedTuple):
    """A pair table as the loops read it: one entry for each type s_a S + s_b.

    `range` is the cutoff, on the harmonic path the diameter. On the Lennard-Jones path r²
    `inverse2` is the reduced distance squared u, and -V'/r is `weight` times a function of u.
    `shared` are the numbers of the fast paths that are the same for all types.
    """

    path: int
    kind: Integers
    parameters: Real
    range: Real
    inverse2: Real
    weight: Real
    shared: Real


def make_law(table: PairTable) -> Law:
    """Flatten a pair table and choose its path."""
    kind, cutoff = table.kind.ravel(), table.cutoff.ravel()
    parameters = np.ascontiguousarray(table.parameters.reshape(len(kind), -1))
    none = np.zeros(len(kind))
    law = Law(_ANY_KIND, kind, parameters, cutoff, none, none, np.zeros(1))
    active = cutoff > 0.0
    if np.all(kind[active] == kernels.HARMONIC):
        return _harmonic_law(law, active)
    if np.all(kind[active] == kernels.LENNARD_JONES):
        return _lennard_jones_law(law, active)
    return law


def _harmonic_law(law: Law, active: npt.NDArray[np.bool_]) -> Law:
    """The harmonic path, if strengths and core radii agree."""
    strength, core = (law.parameters[active, column] for column in (0, 2))
    if not (np.all(strength == strength[0]) and np.all(core == core[0])):
        return law
    diameter = law.parameters[active, 1]
    core2 = max(float(core[0]), _SMALLEST * float(diameter.max())) ** 2
    inverse2 = np.ones(active.size)
    inverse2[active] = diameter**-2
    return law._replace(path=_HARMONIC, inverse2=inverse2, shared=np.array([strength[0], core2]))


def _lennard_jones_law(law: Law, active: npt.NDArray[np.bool_]) -> Law:
    """The Lennard-Jones path, if all pairs are cut alike in units of their diameters.

    Caps may differ: pairs closer than the largest are left to the potentials' kernel.
    """
    strength, diameter, cap = law.parameters[active, :3].T
    inner, outer = law.parameters[active, 6:8].T / diameter
    powers = diameter[:, None] ** np.arange(1, 5)
    bends = law.parameters[active, 10:14] * powers / strength[:, None]
    shape = np.column_stack([inner, outer, bends])
    if np.any(np.abs(shape - shape[0]) > _SAME_SHAPE * np.abs(shape[0]).max()):
        return law
    inverse2, weight = np.ones(active.size), np.zeros(active.size)
    inverse2[active], weight[active] = diameter**-2, strength / diameter**2
    # C₀ + C₁x + ... + C₄x⁴ has the derivative C₁ + 2C₂x + 3C₃x² + 4C₄x³.
    quartic = bends[0] * np.arange(1, 5)
    shared = np.array([np.max(cap / diameter) ** 2, inner[0], outer[0] ** 2, *quartic])
    return law._replace(path=_LENNARD_JONES, inverse2=inverse2, weight=weight, shared=shared)


@jit
def new_work(dim: int) -> Real:
    """Work space of `block_forces`: rows of one number per lane."""
    return np.empty((2 * dim + 2, BLOCK))


@inner
def _fill_own(own: Real, work: Real) -> None:
    """The coordinates of the block's lanes into rows behind those of their neighbours."""
    dim = own.shape[1]
    for lane in range(own.shape[0]):
        for c in range(dim):
            work[dim + c, lane] = own[lane, c]


@inner
def _gather_2d(everyone: Real, entries: Indices, work: Real) -> None:
    """x_b of one neighbour of each lane: gathers, which are quickest one by one."""
    x, y = work[0], work[1]
    for lane in range(entries.size):
        # Unsigned: a signed index may wrap around, and that test defeats the vectoriser.
        other = np.uint64(entries[lane])
        x[lane] = everyone[other, 0]
        y[lane] = everyone[other, 1]


@inner
def _gather_3d(everyone: Real, entries: Indices, work: Real) -> None:
    """`_gather_2d` with a third coordinate."""
    x, y, z = work[0], work[1], work[2]
    for lane in range(entries.size):
        other = np.uint64(entries[lane])
        x[lane] = everyone[other, 0]
        y[lane] = everyone[other, 1]
        z[lane] = everyone[other, 2]


@inner
def _look_up(values: Real, types: Types, out: Real) -> None:
    """The value of the type of each lane."""
    for lane in range(types.size):
        out[lane] = values[np.uint64(types[lane])]


@inner
def _inverse_root(u: float) -> float:
    """1/sqrt(u) to round-off, for 1e-30 <= u <= 1e30, without a root or a division of doubles.

    A step of third order makes 1e-19 of the 3e-7 that single precision is off.
    """
    y = np.float64(_ONE / np.float32(math.sqrt(np.float32(u))))
    h = 1.0 - u * y * y
    return y + y * h * (0.5 + 0.375 * h)


@inner
def _harmonic_factor(r2: float, inverse2: float, strength: float, core2: float) -> float:
    """-V'(r)/r = strength/d² (d/r - 1), r no less than the core: no branch."""
    u = max(r2, core2) * inverse2
    return strength * inverse2 * max(_inverse_root(u) - 1.0, 0.0)


@inner
def _add_harmonic_2d(types: Types, law: Law, force: Real, work: Real) -> None:
    """Add -F of one neighbour of each lane; the loop vectorises."""
    strength, core2 = law.shared[0], law.shared[1]
    x, y, own_x, own_y, inverse2 = work[0], work[1], work[2], work[3], work[4]
    fx, fy = force[0], force[1]
    _look_up(law.inverse2, types, inverse2)
    for lane in range(types.size):
        dx, dy = own_x[lane] - x[lane], own_y[lane] - y[lane]
        factor = _harmonic_factor(dx * dx + dy * dy, inverse2[lane], strength, core2)
        fx[lane] += factor * dx
        fy[lane] += factor * dy


@inner
def _add_harmonic_3d(types: Types, law: Law, force: Real, work: Real) -> None:
    """`_add_harmonic_2d` with a third coordinate."""
    strength, core2 = law.shared[0], law.shared[1]
    x, y, z = work[0], work[1], work[2]
    own_x, own_y, own_z, inverse2 = work[3], work[4], work[5], work[6]
    fx, fy, fz = force[0], force[1], force[2]
    _look_up(law.inverse2, types, inverse2)
    for lane in range(types.size):
        dx, dy, dz = own_x[lane] - x[lane], own_y[lane] - y[lane], own_z[lane] - z[lane]
        factor = _harmonic_factor(dx * dx + dy * dy + dz * dz, inverse2[lane], strength, core2)
        fx[lane] += factor * dx
        fy[lane] += factor * dy
        fz[lane] += factor * dz


@inner
def _lennard_jones_factor(u: float, shared: _Shape) -> float:
    """24 s⁸ (2 s⁶ - 1), s² = 1/u, or the quartic's -V'(r)/r; zero in the cap and beyond the end.

    Both are computed and one is selected: a branch would not vectorise.
    """
    s = _inverse_root(u)
    s2 = s * s
    s6 = s2 * s2 * s2
    r = u * s
    x = r - shared[1]
    near = 24.0 * s2 * s6 * (2.0 * s6 - 1.0)
    far = -(shared[3] + x * (shared[4] + x * (shared[5] + x * shared[6]))) * r * s2
    factor = far if x > 0.0 else near
    factor = factor if u < shared[2] else 0.0
    return factor if u >= shared[0] else 0.0


@inner
def _shape(law: Law) -> _Shape:
    """The shared numbers as scalars, which stay in registers."""
    s = law.shared
    return s[0], s[1], s[2], s[3], s[4], s[5], s[6]


@inner
def _add_lennard_jones_2d(types: Types, law: Law, force: Real, work: Real) -> None:
    """Add -F of one neighbour of each lane; the loop vectorises."""
    shape = _shape(law)
    x, y, own_x, own_y = work[0], work[1], work[2], work[3]
    u, weight = work[4], work[5]
    fx, fy = force[0], force[1]
    _look_up(law.inverse2, types, u)
    _look_up(law.weight, types, weight)
    capped = 0.0
    for lane in range(types.size):
        dx, dy = own_x[lane] - x[lane], own_y[lane] - y[lane]
        reduced = (dx * dx + dy * dy) * u[lane]
        factor = weight[lane] * _lennard_jones_factor(reduced, shape)
        capped += 0.0 if reduced >= shape[0] else 1.0
        u[lane] = reduced
        fx[lane] += factor * dx
        fy[lane] += factor * dy
    if capped > 0.0:
        _add_capped(types, law, force, work)


@inner
def _add_lennard_jones_3d(types: Types, law: Law, force: Real, work: Real) -> None:
    """`_add_lennard_jones_2d` with a third coordinate."""
    shape = _shape(law)
    x, y, z = work[0], work[1], work[2]
    own_x, own_y, own_z = work[3], work[4], work[5]
    u, weight = work[6], work[7]
    fx, fy, fz = force[0], force[1], force[2]
    _look_up(law.inverse2, types, u)
    _look_up(law.weight, types, weight)
    capped = 0.0
    for lane in range(types.size):
        dx, dy, dz = own_x[lane] - x[lane], own_y[lane] - y[lane], own_z[lane] - z[lane]
        reduced = (dx * dx + dy * dy + dz * dz) * u[lane]
        factor = weight[lane] * _lennard_jones_factor(reduced, shape)
        capped += 0.0 if reduced >= shape[0] else 1.0
        u[lane] = reduced
        fx[lane] += factor * dx
        fy[lane] += factor * dy
        fz[lane] += factor * dz
    if capped > 0.0:
        _add_capped(types, law, force, work)


@inner
def _add_capped(types: Types, law: Law, force: Real, work: Real) -> None:
    """Add -F of the lanes that the loops above left out: few, where a cap does no harm."""
    dim = force.shape[0]
    for lane in range(types.size):
        u = work[2 * dim, lane]
        if u >= law.shared[0]:
            continue
        row = np.uint64(types[lane])
        r2 = u / law.inverse2[row]
        factor = _any_factor(r2, law.kind[row], law.parameters[row], law.range[row])
        for c in range(dim):
            force[c, lane] += factor * (work[dim + c, lane] - work[c, lane])


@inner
def _any_factor(r2: float, kind: int, parameters: Real, cutoff: float) -> float:
    """-V'(r)/r of a pair of any kind."""
    r = math.sqrt(r2)
    if 0.0 < r < cutoff:
        return -kernels.slope(kind, r, parameters) / r
    return 0.0


@inner
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


@inner
def block_forces(
    block: int, own: Real, everyone: Real, packed: Packed, law: Law, force: Real, work: Real
) -> None:
    """-F of the lanes of a block into `force` (d, lanes); ghosts must be up to date.

    `work` is that of `new_work`.
    """
    active, dim = own.shape
    force[:] = 0.0
    _fill_own(own, work)
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
            _gather_2d(everyone, entries, work)
            if law.path == _HARMONIC:
                _add_harmonic_2d(types, law, force, work)
            else:
                _add_lennard_jones_2d(types, law, force, work)
        else:
            _gather_3d(everyone, entries, work)
            if law.path == _HARMONIC:
                _add_harmonic_3d(types, law, force, work)
            else:
                _add_lennard_jones_3d(types, law, force, work)
        begin += active
        neighbour += 1
