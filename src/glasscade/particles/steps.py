"""Compiled steps of the engine: force, noise and motion of blocks of 256 particles.

A block's result depends on nothing another block computes in the same step, so that any number of
threads gives the same bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from glasscade.jit import jit, pjit
from glasscade.particles.forces import Law, block_forces
from glasscade.particles.neighbours import BLOCK, Packed
from glasscade.particles.noise import fill_normals

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]


class Clock(NamedTuple):
    """What a step needs besides positions: dt, sqrt(2 T dt), the seed and the skin's limit."""

    dt: float
    amplitude: float
    seed: int
    drift_limit2: float


class _Scratch(NamedTuple):
    """Work space of one thread: a few rows of one number per lane, which fit the L1 cache."""

    words: Indices
    normals: npt.NDArray[np.float32]
    force: Real
    work: Real


class Swarm(NamedTuple):
    """Particles in the order of the neighbour list: columns carried along at every rebuild."""

    ids: Indices
    species: Integers
    images: Integers
    reference: Real


@jit
def _new_scratch(dim: int) -> _Scratch:
    """Work space; the normals are zero until noise fills them."""
    return _Scratch(
        np.empty((2, BLOCK), np.uint32),
        np.zeros((2 * ((dim + 1) // 2), BLOCK), np.float32),
        np.empty((dim, BLOCK)),
        np.empty((dim + 1, BLOCK)),
    )


@jit
def _advance_block(
    block: int,
    step: int,
    old: Real,
    new: Real,
    swarm: Swarm,
    packed: Packed,
    law: Law,
    clock: Clock,
    scratch: _Scratch,
) -> bool:
    """One step of one block from `old` to `new`; whether a particle left the skin (or is NaN)."""
    number, dim = swarm.reference.shape
    first, end = block * BLOCK, min((block + 1) * BLOCK, number)
    own, moved, reference = old[first:end], new[first:end], swarm.reference[first:end]
    force, work, normals = scratch.force, scratch.work, scratch.normals
    block_forces(block, own, old, packed, law, force, work)
    if clock.amplitude > 0.0:
        fill_normals(swarm.ids[first:end], step, clock.seed, scratch.words, normals)
    drift2 = work[0]
    drift2[:] = 0.0
    for c in range(dim):
        for lane in range(end - first):
            x = own[lane, c] + clock.dt * force[c, lane] + clock.amplitude * normals[c, lane]
            drift = x - reference[lane, c]
            drift2[lane] += drift * drift
            moved[lane, c] = x
    inside = True
    for lane in range(end - first):
        # Written so that NaN counts as outside.
        inside &= drift2[lane] <= clock.drift_limit2
    return not inside


@jit
def _move_ghosts(positions: Real, packed: Packed, number: int) -> None:
    """Copy the ghosts' sources, moved by their box vectors, behind the N particles."""
    for g in range(packed.ghost_source.size):
        for c in range(positions.shape[1]):
            source = np.uint64(packed.ghost_source[g])
            positions[number + g, c] = positions[source, c] + packed.ghost_shift[g, c]


@jit
def advance_serial(
    step: int, last: int, buffers: Real, swarm: Swarm, packed: Packed, law: Law, clock: Clock
) -> int:
    """Steps from `step` until `last` or until a particle leaves the skin; returns the step reached.

    `buffers` (2, N + ghosts, d) holds the positions at even and at odd steps.
    """
    number = swarm.ids.size
    scratch = _new_scratch(swarm.reference.shape[1])
    while step < last:
        old, new = buffers[step % 2], buffers[1 - step % 2]
        _move_ghosts(old, packed, number)
        left = False
        for block in range(packed.block_start.size - 1):
            left |= _advance_block(block, step, old, new, swarm, packed, law, clock, scratch)
        step += 1
        if left:
            break
    return step


@pjit
def advance_parallel(
    step: int,
    last: int,
    buffers: Real,
    swarm: Swarm,
    packed: Packed,
    law: Law,
    clock: Clock,
    threads: int,
) -> int:
    """`advance_serial` with the blocks shared among threads."""
    number = swarm.ids.size
    blocks = packed.block_start.size - 1
    left = np.zeros(threads, np.bool_)
    while step < last:
        old, new = buffers[step % 2], buffers[1 - step % 2]
        _move_ghosts(old, packed, number)
        for t in numba.prange(threads):
            scratch = _new_scratch(swarm.reference.shape[1])
            for block in range(t * blocks // threads, (t + 1) * blocks // threads):
                left[t] |= _advance_block(block, step, old, new, swarm, packed, law, clock, scratch)
        step += 1
        if np.any(left):
            break
    return step
