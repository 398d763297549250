"""The state that particles of a study start from, the same at every temperature."""

from __future__ import annotations

from glasscade.config import PreparedSystem
from glasscade.config.preparation import CooledKeys, RandomKeys
from glasscade.particles.dynamics import State
from glasscade.particles.nulls import liquid
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import cool, noise_seed, random_state

_PREPARATION = 1
"""Tells the noise of the preparation from that of the run."""


def prepared(system: PreparedSystem, seed: int, realisation: int) -> State:
    """The start of one realisation, at step 0 (docs/packings.md).

    Raises
    ------
    StabilityError
        If the time step of the preparation is too long.
    """
    keys, cell = system.preparation, system.cell
    start = random_state(system.counts_of_species, cell, seed, realisation)
    if isinstance(keys, RandomKeys):
        return start
    table = PairTable.from_mixture(system.mixture)
    noise = noise_seed(noise_seed(seed, realisation), _PREPARATION)
    positions = liquid(start, table, cell, keys.temperature, keys.dt, keys.duration, noise)
    if isinstance(keys, CooledKeys):
        warm = State(positions, start.species, round(keys.duration / keys.dt))
        ends = (keys.temperature, keys.final_temperature)
        positions = cool(warm, table, cell, ends, keys.rate, keys.dt, noise).positions
    return State(positions, start.species)
