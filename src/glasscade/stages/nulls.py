"""The densities that are measured, and for particles those they are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade.analysis.snapshots import Snapshots
from glasscade.cell import Cell
from glasscade.config import GlassSystem, System, TrajectorySystem
from glasscade.particles.dynamics import State
from glasscade.particles.nulls import ideal_gas, liquid, shuffled_phases
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import noise_seed, random_state
from glasscade.transforms import Modes, point_modes

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MEASURED = "measured"
NULLS = ("poisson", "liquid", "shuffled")
"""Independent points, the liquid in equilibrium at the same density, the same modes with random
phases: what an exponent of a particle pattern must differ from to say something of the glass.
Beside a trajectory there is no liquid, since its dynamics are not ours to run."""
_POISSON, _LIQUID, _SHUFFLED = 1, 2, 3
"""Keep the random numbers of the nulls apart from each other and from those of the model."""


def sources(system: System) -> tuple[str, ...]:
    """Names of the densities of a system, in order."""
    if isinstance(system, TrajectorySystem):
        return (MEASURED, *(null for null in NULLS if null != "liquid"))
    return (MEASURED, *NULLS) if system.particles else (MEASURED,)


def densities(
    system: System, series: Snapshots, realisation: int, label: int, job: dict[str, Any]
) -> Iterator[Modes]:
    """Modes (species, modes) of every source, of points not mollified yet.

    Parameters
    ----------
    system : System
    series : Snapshots
        States, of which the last is taken.
    realisation, label : int
        Position and name of the realisation.
    job : dict
        For particles `seed` and `nulls`.
    """
    last = (realisation, series.shape[1] - 1)
    density = series.at(last, system.counts).density
    yield density
    if isinstance(system, GlassSystem | TrajectorySystem):
        cell = series.cell(last)
        yield from _nulls(system, cell, density, label, job["seed"], job["nulls"])


def _nulls(
    system: GlassSystem | TrajectorySystem,
    cell: Cell,
    density: Modes,
    label: int,
    seed: int,
    keys: dict[str, float],
) -> Iterator[Modes]:
    """In the order of `NULLS`."""
    start = random_state(system.counts_of_species, cell, noise_seed(seed, _LIQUID), label)

    def random(null: int) -> np.random.Generator:
        return np.random.default_rng([seed, label, null])

    gas: State = ideal_gas(start.species, cell, random(_POISSON))
    yield _modes(gas.positions, gas.species, cell, system.counts)
    if isinstance(system, GlassSystem):
        table = PairTable.from_mixture(system.mixture)
        noise = noise_seed(noise_seed(seed, _LIQUID), label)
        temperature, duration = keys["liquid_temperature"], keys["liquid_duration"]
        positions = liquid(start, table, cell, temperature, system.dt, duration, noise)
        yield _modes(positions, start.species, cell, system.counts)
    yield shuffled_phases(density, cell, random(_SHUFFLED))


def _modes(positions: Real, species: Integers, cell: Cell, counts: tuple[int, ...]) -> Modes:
    one_hot = (species == np.arange(species.max() + 1)[:, np.newaxis]).astype(np.float64)
    return point_modes(positions, one_hot, cell, counts)
