"""Stage 1: states of a system at its output times, for the temperatures of a job and one block.

Those of a trajectory are read, all others computed.

A state file holds either gridded densities (`density`) or points (`position`, `species`,
`weight`); whatever comes after asks only for the modes of ρ_s and ρ_s F_s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import (
    TIME,
    cell_variable,
    moving_cell_variable,
    progress,
    variable,
)
from glasscade.cell import Cell
from glasscade.config import (
    ClusterSystem,
    FieldSystem,
    GlassSystem,
    ShearSystem,
    SyntheticSystem,
    System,
    TrajectorySystem,
    simulated,
)
from glasscade.config.preparation import RandomKeys
from glasscade.external import AffineFlow
from glasscade.fields.cluster import stationary_profile
from glasscade.fields.spectral import require_resolved
from glasscade.io import write_dataset
from glasscade.particles.dynamics import State
from glasscade.particles.dynamics import simulate as simulate_particles
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import noise_seed, species_in_order
from glasscade.potentials import Mixture
from glasscade.stages.batches import together
from glasscade.stages.checkpoint import Checkpoint, Progress
from glasscade.stages.evolving import evolved
from glasscade.stages.gridded import on_grid
from glasscade.stages.imports import imported
from glasscade.stages.preparing import prepared
from glasscade.stages.relaxation import labelled, series_of
from glasscade.stages.shearing import sheared
from glasscade.transforms import grid_to_modes

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def run(job: dict[str, Any], output: Path) -> None:
    """Simulate and write the state.

    Parameters
    ----------
    job : dict
        `system`, `seed`, `temperatures`, `realisations`.
    output : Path
        The state file.
    """
    system = simulated(job["system"])
    checkpoint = Checkpoint(output, job, __name__)
    states = [
        simulate(system, temperature, job["realisations"], job["seed"], checkpoint)
        for temperature in job["temperatures"]
    ]
    write_dataset(together(states, job["temperatures"]), output, job, __name__)
    checkpoint.remove()


def simulate(
    system: System,
    temperature: float,
    realisations: list[int],
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> xr.Dataset:
    """The states of one block of realisations at one temperature; of particles with checkpoints."""
    if isinstance(system, ClusterSystem):
        return _cluster(system, temperature)
    if isinstance(system, FieldSystem):
        return evolved(system, temperature, seed, system.times.tolist())
    if isinstance(system, GlassSystem):
        return _glass(system, temperature, realisations, seed, checkpoint)
    if isinstance(system, TrajectorySystem):
        return imported(system, temperature, realisations)
    if isinstance(system, ShearSystem):
        return sheared(system, realisations, seed)
    return _synthetic(system, realisations, seed)


def _cluster(system: ClusterSystem, temperature: float) -> xr.Dataset:
    """The stationary cluster: a profile at T > 0, a point at T = 0, both in the middle."""
    middle = 0.5 * system.length
    if temperature == 0.0:
        return xr.Dataset(
            {
                "position": variable(
                    ("realisation", "time", "particle", "axis"),
                    np.full((1, 1, 1, 1), middle),
                    "l0",
                    "position of the cluster",
                ),
                "species": variable(("particle",), [0], "1", "species, from 0"),
                "weight": variable(("particle",), [system.mass], "1", "mass of the cluster"),
                "cell": cell_variable(system.cell),
            },
            coords={"realisation": [0], "time": [0.0]},
        )
    x = np.arange(system.points) * system.length / system.points - middle
    strength = system.potential.strength
    profile = stationary_profile(x, system.mass, system.length, strength, temperature)
    require_resolved(grid_to_modes(profile[np.newaxis], system.cell), system.dimension)
    return on_grid(system, profile.reshape(1, 1, 1, -1), [0], np.zeros(1))


def _glass(
    system: GlassSystem,
    temperature: float,
    realisations: list[int],
    seed: int,
    checkpoint: Checkpoint | None,
) -> xr.Dataset:
    """Quench from random positions: the same start and the same noise at every temperature."""
    steps = system.save_steps
    done = checkpoint.load() if checkpoint else Progress()
    for realisation in progress(realisations[len(done.finished) :], "quenches"):
        _quench(system, temperature, seed, realisation, steps, done, checkpoint)
    times = np.array(steps) * system.dt
    cells = cells_at(system, times)
    species = species_in_order(system.counts_of_species)
    series = [_series(frames, species, system.mixture, cells) for frames in done.finished]
    lead = ("realisation", "time", "particle")
    return xr.Dataset(
        {
            "position": variable(
                (*lead, "axis"), np.array(done.finished), "l0", "unwrapped positions"
            ),
            "species": variable(("particle",), species, "1", "species, from 0"),
            "weight": variable(("particle",), np.ones(system.number), "1", "particles counted"),
            "cell": cell_variable(cells[0]) if len(cells) == 1 else moving_cell_variable(cells),
            **labelled(np.array(series)),
        },
        coords={
            "realisation": realisations,
            "time": ("time", times, TIME),
            "step": ("time", steps, {"units": "1", "long_name": "number of time steps"}),
        },
    )


def cells_at(system: GlassSystem, times: Real) -> list[Cell]:
    """The cell, or under shear that of each time, carried along without a break."""
    if system.shear_rate == 0.0:
        return [system.cell]
    flow = AffineFlow.simple_shear(system.shear_rate, system.dimension)
    return [flow.moved(system.cell, time) for time in times]


def _series(positions: Real, species: Integers, mixture: Mixture, cells: list[Cell]) -> Real:
    """What relaxes, in time; `cells` is one for all times or one for each."""
    if len(cells) == 1:
        return series_of(positions, species, mixture, cells[0])
    pairs = zip(positions, cells, strict=True)
    each = [series_of(x[np.newaxis], species, mixture, cell) for x, cell in pairs]
    return np.concatenate(each, axis=1)


def _quench(
    system: GlassSystem,
    temperature: float,
    seed: int,
    realisation: int,
    steps: list[int],
    done: Progress,
    checkpoint: Checkpoint | None,
) -> None:
    """Add one realisation to what is done, from its start or from where it was left."""

    def save(state: State) -> None:
        done.state = state
        if checkpoint:
            checkpoint.save(done)

    frames = simulate_particles(
        done.state or prepared(system, seed, realisation),
        PairTable.from_mixture(system.mixture),
        system.cell,
        temperature,
        system.dt,
        noise_seed(seed, realisation),
        steps[len(done.frames) :],
        motion=system.motion,
        checkpoint_steps=system.checkpoint_steps,
        save=save,
    )
    for _, positions in frames:
        done.frames.append(positions)
    done.finished.append(np.array(done.frames))
    done.frames, done.state = [], None


def check_start(system: System, temperature: float, seed: int) -> None:
    """Take no step: what refuses the first one, refuses it now.

    Raises
    ------
    StabilityError, ResolutionError, ConfigError
        If dt is unstable or the grid too coarse for the initial state of the first realisation, or
        there is no such state.
    DataError
        If a trajectory cannot be used.
    """
    if isinstance(system, ClusterSystem):
        _cluster(system, temperature)
    if isinstance(system, FieldSystem):
        evolved(system, temperature, seed, [0.0])
    if isinstance(system, GlassSystem):
        # The bound on dt is that of random positions, and a preparation may take long.
        random = system.model_copy(update={"preparation": RandomKeys(kind="random")})
        _quench(random, temperature, seed, 0, [0], Progress(), None)
    if isinstance(system, TrajectorySystem):
        imported(system, temperature, [0])


def _synthetic(system: SyntheticSystem, realisations: list[int], seed: int) -> xr.Dataset:
    """Independent fields for every exponent; a field depends on its own numbers alone."""
    labels = [(h, r) for h in system.exponents for r in realisations]
    fields = []
    for hurst, realisation in progress(labels, "synthetic fields"):
        entropy = [seed, realisation, round(abs(hurst) * 1e6), *[1] * (hurst < 0.0)]
        field = system.member(hurst).sample(system.shape, np.random.default_rng(entropy))
        fields.append(1.0 + system.contrast * field)
    stack = np.array(fields)[:, np.newaxis, np.newaxis]
    state = on_grid(system, stack, [r for _, r in labels], np.zeros(1))
    return state.assign_coords(
        hurst=("realisation", [h for h, _ in labels], {"units": "1", "long_name": "exact ξ_q"})
    )
