"""What a study will cost: jobs, processor time, memory and disk, before anything runs.

Rough by design: within a factor of two or three on the machine of 2026 the constants were measured
on. The same figures, with room to spare, are the resources the workflow asks a cluster for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glasscade import jobs
from glasscade.coarse import KERNELS
from glasscade.config import (
    Batch,
    FieldSystem,
    GlassSystem,
    Model,
    PackingSystem,
    ShearSystem,
    Study,
    TrajectorySystem,
)

START_UP = 2.0
"""Seconds of processor time before a job does anything: interpreter, imports, file access."""
GATHERING = 3.0
"""Seconds of a job that fits, compares or draws, beyond `START_UP`."""
PER_STEP = 1.0e-3
PER_STEP_AND_POINT = 6.0e-7
"""Seconds of one step of a field: whatever its size, and for each grid point."""
PER_NUMBER_WRITTEN = 1.0e-7
WAVES_PER_STEP = 2.8
"""k_max times the distance that the force carries a density in a step."""
BALLS = {1: 2.0, 2: np.pi, 3: 4.0 * np.pi / 3.0}
"""Volume of the ball of radius 1."""
PER_STEP_AND_PARTICLE = 3.0e-8
PER_NUMBER_READ = 3.0e-6
"""Seconds of one coordinate of a particle in a file of text."""
UNKNOWN_FRAMES = 101
"""Frames of a trajectory of which the configuration names no last one."""
PER_EVALUATION_AND_PARTICLE = 1.0e-7
EVALUATIONS_PER_STEP, EVALUATIONS_PER_EVENT = 400, 5e4
"""Seconds of all forces at given positions, and how many a strain and a plastic event take."""
STRAIN_PER_EVENT = 2.0
"""Strain between two events, times the number of particles: a thousandth in 2000."""
PER_BALANCE = 1.0e-3
PER_BALANCE_AND_MODE = 7.0e-8
"""Seconds of one balance: whatever its size, and for each mode and low mode of φ."""
PER_EVENT_AND_MODE = 6.0e-7
PER_BALANCE_AND_PARTICLE = 1.0e-5
"""Seconds of one balance of particles for φ = 1 alone: for each mode, and for each particle."""
PER_TABLE_AND_MODE = 1.0e-6
"""Seconds of the tables of one balance, computed once in a job."""
PER_NORM = 0.02
PER_NORM_AND_POINT = 1.6e-6
"""Seconds of all moments of one scalar field: whatever its size, and for each grid point."""
PER_REFERENCE_AND_OCTAVE = 0.06
PER_REFERENCE_AND_POINT = 8.0e-6
"""Seconds of the exact norms on a grid, once in a job: for each octave of it, each point of it."""
SOURCES, ESTIMATORS, REFERENCES = 4, 5, 47
"""Densities of a particle model, of which three are nulls; estimators; fields of exact norms."""
PER_NUMBER_COMPARED = 2.0e-7
"""Seconds for one number of a density, transformed and raised to three powers."""
PER_MEGABYTE_RECORDED, PER_JOB_RECORDED = 2.0e-3, 4.5e-3
"""Seconds of the record of a study: for each megabyte of its files, and for each job."""
MEMORY_PER_JOB, DISK_PER_JOB = 0.02, 0.0026
"""Megabytes of the record for each job."""
BASE_MEMORY = 300.0
"""Megabytes of interpreter and libraries."""
AROUND = 800
"""Megabytes of up to three processes of Snakemake around a job of a cluster, 250 each."""
PER_FILE = 0.07
"""Megabytes of a file of a stage, whatever is in it."""
FLOAT = 8.0e-6
"""Megabytes of one number."""
LISTS_PER_PARTICLE, BONDS_PER_PARTICLE = 1.0e-4, 2.5e-4
"""Megabytes of the lists of a step, and of the bonds of a frame for each dimension."""
LOW_MODES = 3
"""Modes of φ along each axis for `sharpness` 1."""


@dataclass(frozen=True)
class Cost:
    """Processor seconds, peak megabytes and megabytes on disk of one job, or of several."""

    seconds: float
    memory: float
    disk: float

    @property
    def asked(self) -> dict[str, int]:
        """Megabytes and minutes to ask a scheduler for, each with room to spare."""
        return {"mem_mb": int(2.0 * self.memory) + AROUND, "runtime": int(self.seconds / 20.0) + 5}


@dataclass(frozen=True)
class Line:
    """Jobs of one stage of one model: how many, their seconds and disk, the largest memory."""

    model: str
    stage: str
    jobs: int
    cost: Cost
    longest: float
    """Seconds of the longest job."""

    @property
    def largest(self) -> Cost:
        """A job as long as the longest with the memory of the largest."""
        return Cost(self.longest, self.cost.memory, 0.0)


def simulation(model: Model, temperatures: Batch = (0.0,)) -> Cost:
    """Cost of the simulation of one block at some temperatures, one after the other."""
    system, numbers = model.system, _size(model) * _snapshots(model)
    seconds = PER_NUMBER_WRITTEN * numbers
    if isinstance(system, FieldSystem):
        seconds += sum(_evolution(system, t) for t in temperatures) / len(temperatures)
    elif isinstance(system, GlassSystem):
        particles = system.number * _fields(model)
        steps = system.save_steps[-1] + system.preparation.steps
        seconds += steps * PER_STEP_AND_PARTICLE * particles
    elif isinstance(system, TrajectorySystem):
        seconds += PER_NUMBER_READ * numbers
    elif isinstance(system, ShearSystem):
        events = _events(system)
        strain = min(system.largest_strain, events * STRAIN_PER_EVENT / system.number)
        evaluations = EVALUATIONS_PER_STEP * strain / system.strain_step
        evaluations += EVALUATIONS_PER_EVENT * events + system.preparation.steps
        particles = system.number * _fields(model)
        seconds += evaluations * PER_EVALUATION_AND_PARTICLE * particles
    lists = LISTS_PER_PARTICLE * system.number if isinstance(system, GlassSystem) else 0.0
    disk = len(temperatures) * FLOAT * numbers
    memory = BASE_MEMORY + lists + 3.0 * disk
    return Cost(START_UP + len(temperatures) * seconds, memory, PER_FILE + disk)


def _evolution(system: FieldSystem, temperature: float) -> float:
    """Seconds of a density: steps in which the force carries it a third of the shortest wave.

    The force is taken as the steepest V times the mass within half of where V is steep at all.
    """
    if temperature == 0.0 and system.measure is not None and system.dimension == 1:
        return 0.0  # mostly the exact solution
    points = system.solved_shape(temperature)[0]
    [[potential]] = system.mixture.table
    r = np.linspace(0.0, potential.cutoff, 101)[1:]
    slopes = np.abs(potential.slope(r))
    steepest = float(np.max(slopes))
    reach = float(np.max(r[slopes > 0.01 * steepest]))
    within = BALLS[system.dimension] * (0.5 * reach) ** system.dimension
    mass = system.start.mass(system.cell) * min(1.0, within / system.cell.volume)
    steps = system.duration * steepest * mass * np.pi * points / system.length / WAVES_PER_STEP
    return float(
        (steps + system.snapshots) * (PER_STEP + PER_STEP_AND_POINT * points**system.dimension)
    )


def reduction(model: Model, kernels: tuple[str, ...], batch: Batch, temperatures: int = 1) -> Cost:
    """Cost of the reduction of one block at as many temperatures for one batch of scales."""
    dim = model.system.dimension
    if isinstance(model.system, ShearSystem):
        return _reduction_of_events(model, model.system, kernels, batch)
    low = float(LOW_MODES**dim)
    sizes = [_modes(model, kernel, ell) for ell in batch for kernel in kernels]
    per_snapshot = PER_BALANCE * len(sizes) + PER_BALANCE_AND_MODE * low * sum(sizes)
    tables = PER_TABLE_AND_MODE * low * sum(sizes) * _tables(model)
    seconds = START_UP + temperatures * (tables + _snapshots(model) * per_snapshot)
    largest, states = max(sizes), temperatures * _size(model) * _snapshots(model)
    memory = FLOAT * (largest * (60.0 + 10.0 * low) + states)
    if isinstance(model.system, GlassSystem):
        memory += BONDS_PER_PARTICLE * dim * model.system.number
    disk = 2.4e-4 * dim**2 * temperatures * _snapshots(model) * len(sizes)
    return Cost(seconds, BASE_MEMORY + memory, PER_FILE + disk)


def _reduction_of_events(
    model: Model, system: ShearSystem, kernels: tuple[str, ...], batch: tuple[float, ...]
) -> Cost:
    """Balances of all outputs at the larger scales, of both ends of events at all; φ = 1 alone."""
    events = _events(system) * _fields(model)
    ends = [_modes(model, kernel, ell) for ell in batch for kernel in kernels]
    large = [_modes(model, kernels[0], ell) for ell in batch if ell >= system.balance_from]
    outputs = events * system.snapshots
    seconds = START_UP + PER_TABLE_AND_MODE * events * (sum(ends) + sum(large))
    seconds += PER_EVENT_AND_MODE * (2 * events * sum(ends) + outputs * sum(large))
    seconds += PER_BALANCE_AND_PARTICLE * outputs * system.number * bool(large)
    numbers = _size(model) * _snapshots(model)
    memory = FLOAT * (70.0 * max(ends) + 3.0 * numbers)
    disk = PER_FILE + FLOAT * 20.0 * outputs * max(len(large), 1)
    return Cost(seconds, BASE_MEMORY + memory, disk)


def structure(study: Study, name: str) -> Cost:
    """Cost of the moments of one block of a model at one temperature, those of nulls included."""
    model, system = study.models[name], study.models[name].system
    size, octaves = float(np.prod(system.shape)), float(np.log2(system.points))
    fields, densities = _fields(model), _fields(model) * (SOURCES if system.particles else 1)
    scalars = densities * (1 + system.mixture.species * system.dimension)
    seconds = START_UP + scalars * (PER_NORM + PER_NORM_AND_POINT * size)
    seconds += PER_REFERENCE_AND_OCTAVE * octaves + PER_REFERENCE_AND_POINT * size
    if isinstance(system, GlassSystem):
        steps = study.nulls.liquid_duration / system.dt
        seconds += fields * steps * PER_STEP_AND_PARTICLE * system.number
    # Two fields, every half octave of scales in every tile.
    tiles = min(8.0**system.dimension, 64.0)
    moments = ESTIMATORS * len(study.exponents.orders) * (2.0 * octaves - 5.0)
    disk = FLOAT * moments * (2.0 * densities * tiles + REFERENCES)
    return Cost(seconds, BASE_MEMORY + FLOAT * size * (3 * fields + 20) + 3.0 * disk, disk)


def gathering() -> Cost:
    """Cost of a job that fits, compares or draws."""
    return Cost(START_UP + GATHERING, 2.0 * BASE_MEMORY, 1.0)


def recording(parts: Sequence[Line]) -> Cost:
    """Cost of the record of all jobs of a study: of each its files are read once, and described."""
    count, disk = sum(part.jobs for part in parts), sum(part.cost.disk for part in parts)
    seconds = START_UP + PER_MEGABYTE_RECORDED * disk + PER_JOB_RECORDED * count
    return Cost(seconds, BASE_MEMORY + MEMORY_PER_JOB * count, DISK_PER_JOB * count)


def limits(model: Model) -> Cost:
    """Cost of the limits of a model: of fields two states and the modes of one are in memory."""
    plain = gathering()
    if not isinstance(model.system, FieldSystem):
        return plain
    numbers = _size(model) * _snapshots(model)
    seconds = PER_NUMBER_COMPARED * numbers * len(model.sweep.temperatures)
    return Cost(plain.seconds + seconds, plain.memory + 5.0 * FLOAT * numbers, plain.disk)


def of_job(study: Study, rule: str, wildcards: Mapping[str, str]) -> Cost:
    """Cost of one job of the workflow, from its rule and wildcards."""
    values = {
        key: tuple(map(float, wildcards[key].split("_")))
        for key in ("temperature", "ell")
        if key in wildcards
    }
    name = wildcards.get("model", "")
    if rule == "simulate":
        return simulation(study.models[name], values["temperature"])
    if rule == "reduce":
        count = len(values["temperature"])
        return reduction(study.models[name], study.kernels_of(name), values["ell"], count)
    if rule == "structure":
        return structure(study, name)
    if rule == "limits":
        return limits(study.models[name])
    if rule == "record":
        return next(line.cost for line in lines(study) if line.stage == rule)
    return Cost(0.0, 0.0, 0.0) if rule == "all" else gathering()


def lines(study: Study) -> list[Line]:
    """What every stage of every model costs, in the order in which they run."""
    models = [line for name in study.models for line in _model(study, name)]
    stages = ("verdicts", *jobs.study_stages(study), "summary")
    once = [_line("all", stage, [gathering()]) for stage in stages]
    recorded = _line("all", "record", [recording([*models, *once])])
    return [*models, *once, recorded, _line("all", "all", [Cost(0.0, 0.0, 0.0)])]


def total(study: Study) -> Line:
    """The sum over all stages, with the largest memory of any job."""
    parts = lines(study)
    cost = Cost(
        sum(line.cost.seconds for line in parts),
        max(line.cost.memory for line in parts),
        sum(line.cost.disk for line in parts),
    )
    longest = max(line.longest for line in parts)
    return Line("all", "total", sum(line.jobs for line in parts), cost, longest)


def wall_time(study: Study, cores: int) -> float:
    """Seconds on this many cores: the shared work, but no less than the longest chain of jobs."""
    chains = [
        simulation(model, temperatures).seconds
        + max(cost.seconds for cost in _reductions(model, study.kernels_of(name), temperatures))
        for name, model in study.models.items()
        for temperatures in model.sweep.temperature_batches
    ]
    # After each chain: limits, figures, verdicts, summary, record.
    return max(total(study).cost.seconds / cores, max(chains) + 5.0 * gathering().seconds)


def _model(study: Study, name: str) -> Iterator[Line]:
    """The stages of one model."""
    model, kernels = study.models[name], study.kernels_of(name)
    batches, blocks = model.sweep.temperature_batches, model.sweep.blocks
    yield _line(name, "simulate", [simulation(model, t) for t in batches] * blocks)
    reduced = [cost for t in batches for cost in _reductions(model, kernels, t)]
    yield _line(name, "reduce", reduced * blocks)
    if name in jobs.measured(study):
        measured = [structure(study, name)] * len(jobs.structures(study, name))
        yield _line(name, "structure", measured)
        yield _line(name, "exponents", [gathering()])
    yield _line(name, "limits", [limits(model)])
    yield _line(name, "figures", [gathering()])


def _reductions(model: Model, kernels: tuple[str, ...], temperatures: Batch) -> list[Cost]:
    """Costs of the reductions of one state, one for each batch of scales."""
    count = len(temperatures)
    return [reduction(model, kernels, batch, count) for batch in model.sweep.batches]


def _line(model: str, stage: str, costs: list[Cost]) -> Line:
    seconds, disk = sum(cost.seconds for cost in costs), sum(cost.disk for cost in costs)
    cost = Cost(seconds, max(c.memory for c in costs), disk)
    return Line(model, stage, len(costs), cost, max(c.seconds for c in costs))


def _size(model: Model) -> float:
    """Numbers in one state at one time."""
    system = model.system
    if isinstance(system, PackingSystem):
        return float(system.number * system.dimension)
    return float(np.prod(system.shape))


def _fields(model: Model) -> int:
    """Independent fields in one block."""
    known = getattr(model.system, "exponents", (None,))
    return len(known) * min(model.sweep.block_size, model.sweep.realisations)


def _snapshots(model: Model) -> int:
    """Output times of all fields in one block."""
    system = model.system
    times = 1
    if isinstance(system, FieldSystem):
        times = system.times.size
    elif isinstance(system, GlassSystem):
        times = system.snapshots
    elif isinstance(system, TrajectorySystem):
        times = system.choice.count if system.last >= 0 else UNKNOWN_FRAMES
    elif isinstance(system, ShearSystem):
        times = _events(system) * system.snapshots
    return _fields(model) * times


def _events(system: ShearSystem) -> int:
    """Plastic events of one realisation, roughly."""
    expected = system.largest_strain * system.number / STRAIN_PER_EVENT
    return max(1, min(system.events, round(expected)))


def _tables(model: Model) -> int:
    """How often the tables are made: under shear twice for the cell of every time, else once."""
    sheared = model.system.motion.shear_rate != 0.0
    return 2 * _snapshots(model) // _fields(model) if sheared else 1


def _modes(model: Model, kernel: str, ell: float) -> float:
    """Number of modes a scale needs."""
    system = model.system
    full = float(np.prod(system.shape))
    if ell == 0.0 and system.particles:
        return 0.0
    if ell == 0.0:
        return full / 3.0  # computed once and filed under every kernel
    if ell < system.smallest_scale(kernel):
        return 0.0
    band = KERNELS[kernel].band(system.dimension) / ell
    return min(full, float((band * system.length / np.pi) ** system.dimension))
