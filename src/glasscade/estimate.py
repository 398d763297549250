"""What a study will cost: jobs, processor time, memory and disk, before anything runs.

Rough by design: within a factor of two on the machine of 2026 the constants were measured on.
The same figures, with room to spare, are the resources the workflow asks a cluster for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glasscade import jobs
from glasscade.coarse import BUMP, KERNELS
from glasscade.config import FieldSystem, Model, Study

START_UP = 2.5
"""Seconds of processor time before a job does anything: interpreter, imports, file access."""
PER_POINT = 2.5e-7
"""Seconds for one transform of one grid point, with the arithmetic around it."""
BASE_MEMORY = 300.0
"""Megabytes of interpreter and libraries."""
TRANSFORMS_PER_BALANCE = 20
TRANSFORMS_PER_STEP = 14


@dataclass(frozen=True)
class Cost:
    """Processor seconds, peak megabytes and megabytes on disk of one job."""

    seconds: float
    memory: float
    disk: float


def simulation(model: Model) -> Cost:
    """Cost of the simulation of one block at one temperature."""
    system = model.system
    size = float(np.prod(system.shape))
    snapshots, steps = 1, 0
    if isinstance(system, FieldSystem):
        snapshots, steps = system.snapshots, system.save_steps[-1]
    fields = _fields(model) * snapshots
    seconds = START_UP + PER_POINT * size * (TRANSFORMS_PER_STEP * steps + 10 * fields)
    return Cost(seconds, BASE_MEMORY + 3e-5 * size * fields, 8e-6 * size * fields)


def reduction(model: Model, kernels: tuple[str, ...], batch: tuple[float, ...]) -> Cost:
    """Cost of the reduction of one block at one temperature for one batch of scales."""
    system = model.system
    snapshots = _fields(model)
    if isinstance(system, FieldSystem):
        snapshots *= system.snapshots
    sizes = [_modes(model, kernel, ell) for ell in batch for kernel in kernels]
    largest = max(sizes, default=0.0)
    q = float((2 * 1 + 1) ** system.dimension)
    per_snapshot = PER_POINT * TRANSFORMS_PER_BALANCE * sum(sizes) * q
    tables = 2e-5 * sum(sizes) * q
    seconds = START_UP + snapshots * per_snapshot + tables
    memory = BASE_MEMORY + 8e-6 * largest * (60.0 + 10.0 * q) + 8e-6 * float(
        np.prod(system.shape)
    ) * snapshots
    return Cost(seconds, memory, 2e-3 * snapshots * len(batch) * len(kernels))


def structure(model: Model) -> Cost:
    """Cost of the structure functions of one block at one temperature."""
    size = float(np.prod(model.system.shape))
    seconds = START_UP + 5.0 + PER_POINT * size * 400 * _fields(model)
    return Cost(seconds, BASE_MEMORY + 8e-5 * size * (_fields(model) + 10), 0.1)


def gathering() -> Cost:
    """Cost of a job that fits, compares or draws."""
    return Cost(3.0 * START_UP, 2.0 * BASE_MEMORY, 3.0)


def study(study_: Study) -> tuple[int, Cost]:
    """Number of jobs, and total seconds, largest memory and total disk of a whole study."""
    costs = [gathering()] * 3  # warm-up, verdicts, summary
    for name, model in study_.models.items():
        costs += [simulation(model)] * len(jobs.states(study_, name))
        costs += [structure(model)] * len(jobs.structures(study_, name))
        costs += [gathering()] * 3  # exponents, limits, figures
        for batch in model.sweep.batches:
            one = reduction(model, study_.kernels, batch)
            costs += [one] * len(jobs.states(study_, name))
    total = Cost(
        sum(cost.seconds for cost in costs),
        max(cost.memory for cost in costs),
        sum(cost.disk for cost in costs),
    )
    return len(costs) + 1, total  # and the target rule


def _fields(model: Model) -> int:
    """Independent fields in one block."""
    known = getattr(model.system, "exponents", (None,))
    return len(known) * min(model.sweep.block_size, model.sweep.realisations)


def _modes(model: Model, kernel: str, ell: float) -> float:
    """Number of modes a scale needs."""
    system = model.system
    full = float(np.prod(system.shape))
    if ell == 0.0:
        return full / 3.0  # computed once and filed under every kernel
    if kernel == BUMP.name and ell < system.smallest_scale(kernel):
        return 0.0
    band = 1.25 * KERNELS[kernel].band(system.dimension) / ell
    return min(full, float((band * system.length / np.pi) ** system.dimension))
