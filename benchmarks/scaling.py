"""How the cost of budgets grows with the grid and with 1/ℓ, written to benchmarks/scaling.csv.

Columns: work, axis, low, high, milliseconds at the high end, exponent measured between the two
ends, exponent of theory. What is linear in the transforms has a logarithm besides.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import page
from budget import GAUSSIAN, MIXTURE, TEMPERATURE, Snapshot

from glasscade.budget.balance import currents, source_map
from glasscade.budget.operator import VirialTable, bilinear
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.memory import keep_freed_memory
from glasscade.transforms import good_size, grid_to_modes

RESULTS = Path(__file__).with_name("scaling.csv")
COLUMNS = ("work", "axis", "low", "high", "ms_at_high", "measured", "theory")
RUNS = 3


def milliseconds(work: Callable[[], object]) -> float:
    """Median of several runs after a first one."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return median(times)


def totals(dim: int, n: int) -> float:
    """All terms of one snapshot, φ = 1."""
    snapshot = Snapshot(dim, n)
    budget = snapshot.box_totals()
    return milliseconds(lambda: budget.balance(snapshot.state()))


def low_modes(dim: int, n: int) -> float:
    """One form at 13 modes."""
    snapshot = Snapshot(dim, n)
    q = TestFunctions.bumps(dim, count=1, sharpness=2 if dim == 2 else 1, seed=0).q[:13]
    table = VirialTable.build(MIXTURE, snapshot.cell, snapshot.counts, q)
    fields = np.stack([snapshot.density, snapshot.force_density[:, 0]], axis=1)
    return milliseconds(lambda: bilinear(fields, table, [[(0, 1)]]))


def flux_map(dim: int, inverse_ell: float) -> float:
    """A map of Q_flux in a box of 64, 8 or 2.5 ranges on the coarsest grid that holds it."""
    length = {1: 64.0, 2: 8.0, 3: 2.5}[dim]
    cell = Cell.cubic(length, dim)
    counts = cell.counts_up_to(GAUSSIAN.band(dim) * inverse_ell)
    shape = tuple(good_size(4 * m + 1) for m in counts)
    density = grid_to_modes(np.random.default_rng(3).random((1, *shape)), cell, counts)
    field = ForceField(MIXTURE, cell, counts)
    filter_ = GAUSSIAN.filter(cell, counts, 1.0 / inverse_ell)
    state = currents(density, field.force_density(density), filter_, field, TEMPERATURE)
    return milliseconds(lambda: source_map(state, "Q_flux", MIXTURE, cell, shape))


def row(
    work: str, axis: str, cost: Callable[[float], float], ends: Sequence[float], theory: str
) -> tuple[str, ...]:
    """The exponent between two ends."""
    first, last = (cost(end) for end in ends)
    exponent = np.log(last / first) / np.log(ends[1] / ends[0])
    ends_ = (f"{end:g}" for end in ends)
    return (work, axis, *ends_, f"{last:.3g}", f"{exponent:.2f}", theory)


def main() -> None:
    """Measure, print and write."""
    keep_freed_memory()
    rows = [
        row("totals, 2D", "n", lambda n: totals(2, int(n)), (256, 1024), "2 + log"),
        row("totals, 3D", "n", lambda n: totals(3, int(n)), (48, 128), "3 + log"),
        row("13 modes, 2D", "n", lambda n: low_modes(2, int(n)), (256, 1024), "2"),
        row("13 modes, 3D", "n", lambda n: low_modes(3, int(n)), (48, 128), "3"),
        row("map, 1D", "r_c/l", lambda k: flux_map(1, k), (64.0, 512.0), "1 + log"),
        row("map, 2D", "r_c/l", lambda k: flux_map(2, k), (4.0, 16.0), "3 + log"),
        row("map, 3D", "r_c/l", lambda k: flux_map(3, k), (1.5, 3.0), "5 + log"),
    ]
    with RESULTS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    page.update()
    for line in rows:
        print(*line, sep="  ")


if __name__ == "__main__":
    main()
