"""Compiled steps of the engine: force, noise and motion of blocks of 256 particles.

A block's result depends on nothing another block computes in the same step, so that any number of
threads gives the same bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from glasscade.jit import inner, jit, pjit
from glasscade.particles.forces import Law, block_forces, new_work
from glasscade.particles.neighbours import BLOCK, Packed, move_ghosts
from glasscade.particles.noise import fill_normals
from glasscade.particles.waves import Waves, add_waves, new_powers

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Indices = npt.NDArray[np.uint32]


class Clock(NamedTuple):
    """What a step needs besides positions and forces.

    `dt` is m dt, `amplitude` sqrt(2 m T dt), or half of it if the normals of two steps are added
    (`doubled`). `strain_step` is the strain of one step and `listed` the step of the last rebuild;
    a list holds for pairs within `reach` as long as drift and strain have not used up its `skin`.
    """

    dt: float
    amplitude: float
    doubled: bool
    seed: int
    skin: float
    reach: float
    strain_step: float
    listed: int


class _Scratch(NamedTuple):
    """Work space of one thread: a few rows of one number per lane, which fit the L1 cache."""

    words: Indices
    normals: npt.NDArray[np.float32]
    later: npt.NDArray[np.float32]
    force: Real
    work: Real
    powers: Real


class Swarm(NamedTuple):
    """Particles in the order of the neighbour list: columns carried along at every rebuild."""

    ids: Indices
    species: Integers
    images: Integers
    reference: Real


@jit
def _new_scratch(dim: int, waves: Waves) -> _Scratch:
    """Work space; the normals are zero until noise fills them."""
    rows = 2 * ((dim + 1) // 2)
    return _Scratch(
        np.empty((2, BLOCK), np.uint32),
        np.zeros((rows, BLOCK), np.float32),
        np.empty((rows, BLOCK), np.float32),
        np.empty((dim, BLOCK)),
        new_work(dim),
        new_powers(waves, dim, BLOCK),
    )


@inner
def _fill_noise(ids: Indices, step: int, clock: Clock, scratch: _Scratch) -> None:
    """R_n into the normals, or R_n + R_{n+1} (Leimkuhler & Matthews 2013)."""
    fill_normals(ids, step, clock.seed, scratch.words, scratch.normals)
    if clock.doubled:
        fill_normals(ids, step + 1, clock.seed, scratch.words, scratch.later)
        for c in range(scratch.normals.shape[0]):
            for lane in range(ids.size):
                scratch.normals[c, lane] += scratch.later[c, lane]


@inner
def _add_flow(own: Real, clock: Clock, force: Real) -> None:
    """Add the force that makes of a step x -> x + strain_step y."""
    rate = clock.strain_step / clock.dt
    for lane in range(own.shape[0]):
        force[0, lane] += rate * own[lane, 1]


@inner
def _fill_drift2(moved: Real, reference: Real, strain: float, drift2: Real) -> None:
    """Square of the distance from where the flow alone has carried the reference."""
    for lane in range(moved.shape[0]):
        x = moved[lane, 0] - reference[lane, 0] - strain * reference[lane, 1]
        drift2[lane] = x * x
        for c in range(1, moved.shape[1]):
            y = moved[lane, c] - reference[lane, c]
            drift2[lane] += y * y


@inner
def _drift_limit2(clock: Clock, strain: float) -> float:
    """Square of the drift u up to which a list holds; negative if the strain alone ends it.

    A pair now closer than c was, before the strain, closer than s (c + 2u), with s the largest
    stretch of simple shear; the list has all that were closer than c + skin.
    """
    stretch = 0.5 * (abs(strain) + math.sqrt(strain * strain + 4.0))
    limit = 0.5 * ((clock.reach + clock.skin) / stretch - clock.reach)
    return limit * limit if limit > 0.0 else -1.0


@inner
def _advance_block(
    block: int,
    step: int,
    old: Real,
    new: Real,
    swarm: Swarm,
    packed: Packed,
    law: Law,
    waves: Waves,
    clock: Clock,
    scratch: _Scratch,
) -> bool:
    """One step of one block from `old` to `new`; whether a particle left the skin (or is NaN)."""
    number, dim = swarm.reference.shape
    first, end = block * BLOCK, min((block + 1) * BLOCK, number)
    own, moved, reference = old[first:end], new[first:end], swarm.reference[first:end]
    force, work, normals = scratch.force, scratch.work, scratch.normals
    block_forces(block, own, old, packed, law, force, work)
    if waves.indices.shape[0] > 0:
        add_waves(own, swarm.species[first:end], waves, scratch.powers, force)
    if clock.strain_step != 0.0:
        _add_flow(own, clock, force)
    if clock.amplitude > 0.0:
        _fill_noise(swarm.ids[first:end], step, clock, scratch)
    drift2 = work[0]
    drift2[:] = 0.0
    for c in range(dim):
        for lane in range(end - first):
            x = own[lane, c] + clock.dt * force[c, lane] + clock.amplitude * normals[c, lane]
            drift = x - reference[lane, c]
            drift2[lane] += drift * drift
            moved[lane, c] = x
    strain = clock.strain_step * (step + 1 - clock.listed)
    if strain != 0.0:
        _fill_drift2(moved, reference, strain, drift2)
    limit2 = _drift_limit2(clock, strain)
    inside = True
    for lane in range(end - first):
        # Written so that NaN counts as outside.
        inside &= drift2[lane] <= limit2
    return not inside


@jit
def advance_serial(
    step: int,
    last: int,
    buffers: Real,
    swarm: Swarm,
    packed: Packed,
    law: Law,
    waves: Waves,
    clock: Clock,
) -> tuple[int, bool]:
    """Steps from `step` until `last` or until a particle leaves the skin.

    Returns the step reached and whether a particle has left. `buffers` (2, N + ghosts, d) holds the
    positions at even and at odd steps.
    """
    number = swarm.ids.size
    scratch = _new_scratch(swarm.reference.shape[1], waves)
    left = False
    while step < last:
        old, new = buffers[step % 2], buffers[1 - step % 2]
        move_ghosts(old, packed, number, clock.strain_step * (step - clock.listed))
        for block in range(packed.block_start.size - 1):
            left |= _advance_block(block, step, old, new, swarm, packed, law, waves, clock, scratch)
        step += 1
        if left:
            break
    return step, left


@pjit
def advance_parallel(
    step: int,
    last: int,
    buffers: Real,
    swarm: Swarm,
    packed: Packed,
    law: Law,
    waves: Waves,
    clock: Clock,
    threads: int,
) -> tuple[int, bool]:
    """`advance_serial` with the blocks shared among threads."""
    number = swarm.ids.size
    blocks = packed.block_start.size - 1
    left = np.zeros(threads, np.bool_)
    while step < last:
        old, new = buffers[step % 2], buffers[1 - step % 2]
        move_ghosts(old, packed, number, clock.strain_step * (step - clock.listed))
        for t in numba.prange(threads):
            scratch = _new_scratch(swarm.reference.shape[1], waves)
            for block in range(t * blocks // threads, (t + 1) * blocks // threads):
                left[t] |= _advance_block(
                    block, step, old, new, swarm, packed, law, waves, clock, scratch
                )
        step += 1
        if np.any(left):
            break
    return step, bool(np.any(left))
