"""How the cost of a glass grows with its particles and scales, to benchmarks/growth*.csv.

    python benchmarks/growth.py

Every line is one job in a process of its own, like those of a study: particles at one temperature,
one realisation. `wall_s` and `processor_s` are of the whole process and `work_s` of the job once
more in it, without all that is loaded and tabulated once. `estimated` is what `glasscade check`
takes for the whole. Exponents are fitted to the work.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import page
from scale import ROOT, measured
from scipy import stats
from scipy.optimize import curve_fit

from glasscade import config, estimate, serial
from glasscade.config import Study
from glasscade.memory import keep_freed_memory
from glasscade.paths import number
from glasscade.stages import warm

Real = npt.NDArray[np.float64]

RESULTS = Path(__file__).with_name("growth.csv")
FITS = Path(__file__).with_name("growth_fits.csv")
COLUMNS = (
    *("stage", "N", "scales", "wall_s", "work_s", "processor_s", "estimated_s"),
    *("memory_MB", "estimated_MB", "disk_MB", "estimated_disk_MB"),
)
FIT_COLUMNS = ("stage", "quantity", "against", "exponent", "low", "high")
NUMBERS = (500, 1000, 2000, 4000, 8000, 16000, 32000)
MEASURED = (500, 2000, 8000, 32000)
"""Of which moments are measured as well, on grids of one spacing."""
SCALES = (2, 4, 8, 16, 32)
BASE_NUMBER, BASE_SCALES = 2000, 8
CLUSTER = 0
"""Stands for the glass of config/cluster.yaml, with five of 41 output times."""
CLUSTER_ELLS = (0.2, 0.57, 1.13)
TEMPERATURE = "0"
CONSTANT = 1.1
"""Growth by less is none."""
LEVEL = 0.9
"""Of the intervals of exponents."""


def study(particles: int) -> Study:
    """A glass with one batch of scales of every size, from a diameter upwards."""
    if particles == CLUSTER:
        return cluster()
    points = int(2.0 ** np.ceil(np.log2(128.0 * (particles / NUMBERS[0]) ** 0.5) - 1e-9))
    batches = [
        [float(f"{ell:.4g}") for ell in np.geomspace(1.0 + 1e-3 * count, 5.0 + 1e-3 * count, count)]
        for count in SCALES
    ]
    system = {
        "kind": "glass",
        "number": particles,
        "composition": {"kind": "binary_spheres", "packing_fraction": 0.95, "core": 0.2},
        "points": points,
        "duration": 10,
        "dt": 0.005,
        "snapshots": 9,
    }
    sweep = {"temperature": [0, 0.0001, 0.001, 0.01, 0.1], "ell": [0, *batches]}
    model = {"system": system, "sweep": sweep, "window": [0.75, 6.0]}
    kernels = ["gaussian", "wendland_c6"]
    return config.parse({"study": "growth", "seed": 1, "kernels": kernels, "models": {"a": model}})


def cluster() -> Study:
    """The glass of config/cluster.yaml, one realisation of it with few output times."""
    raw: Any = config.read(ROOT / "config" / "cluster.yaml")
    model = raw["models"]["glass_2000"]
    model["system"] |= {"snapshots": 5}
    model["sweep"] |= {"realisations": 1, "block_size": 1}
    return config.parse({**raw, "study": "growth", "models": {"a": model}})


@dataclass(frozen=True)
class Line:
    """What one job took, and what was expected of it."""

    stage: str
    particles: int
    scales: int
    wall: float
    work: float
    processor: float
    memory: float
    disk: float
    expected: estimate.Cost

    @property
    def row(self) -> tuple[str, ...]:
        """Cells of the table."""
        cost = self.expected
        numbers = (self.wall, self.work, self.processor, cost.seconds)
        sizes = (self.memory, cost.memory, self.disk, cost.disk)
        scales = str(self.scales) if self.stage.startswith("reduce") else ""
        cells = [f"{value:.3g}" for value in (*numbers, *sizes)]
        return (self.stage, str(self.particles or "cluster"), scales, *cells)


def job(particles: str, stage: str, ell: str, results: str) -> None:
    """Run one job in this process, and once more, and print what it took."""
    keep_freed_memory()
    parsed = study(int(particles))
    chosen = {"temperature": TEMPERATURE} | ({"ell": ell} if ell else {})
    work, folder = serial.STAGES[stage], Path(results)
    [task] = serial.select(parsed, stage, chosen)
    work(task, folder)
    first = time.process_time()  # with the start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    wall = time.perf_counter()
    work(task, folder)
    spent = time.perf_counter() - wall, time.process_time() - first
    print(json.dumps((*spent, first, memory)))


def measure(
    folder: Path, particles: int, stage: str, batch: Sequence[float], expected: estimate.Cost
) -> Line:
    """Run one job in a process of its own."""
    ell = number(batch[0]) if batch else ""
    before = _disk(folder)
    command = [sys.executable, __file__, str(particles), stage, ell, str(folder)]
    spent = measured(command, folder)
    again, work, processor, memory = json.loads(spent.output.splitlines()[-1])
    disk = _disk(folder) - before
    wall = spent.wall - again
    return Line(stage, particles, len(batch), wall, work, processor, memory, disk, expected)


def _disk(folder: Path) -> float:
    """Megabytes of NetCDF below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*.nc")) / 1e6


def lines() -> Iterator[Line]:
    """All jobs: of every number of particles, and of every number of scales for one of them."""
    for particles in NUMBERS:
        parsed = study(particles)
        model, kernels = parsed.models["a"], parsed.kernels_of("a")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield measure(folder, particles, "simulate", (), estimate.simulation(model))
            for batch in model.sweep.batches[1:]:
                if len(batch) == BASE_SCALES or particles == BASE_NUMBER:
                    expected = estimate.reduction(model, kernels, batch)
                    yield measure(folder, particles, "reduce", batch, expected)
            if particles in MEASURED:
                yield measure(folder, particles, "structure", (), estimate.structure(parsed, "a"))
    yield from lines_of_cluster()


def lines_of_cluster() -> Iterator[Line]:
    """Reductions of the production study at a few scales, of which the smallest cost most."""
    parsed = study(CLUSTER)
    model, kernels = parsed.models["a"], parsed.kernels_of("a")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield measure(folder, CLUSTER, "simulate", (), estimate.simulation(model))
        for ell in CLUSTER_ELLS:
            expected = estimate.reduction(model, kernels, (ell,))
            yield measure(folder, CLUSTER, "reduce", (ell,), expected)


QUANTITIES = {"work": "processor time", "memory": "memory", "disk": "disk"}


def fits(measured_lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Exponents p of a + b x^p with their intervals, x being the number of particles or scales."""
    grown = [line for line in measured_lines if line.particles != CLUSTER]
    found = []
    for stage, against in (
        ("simulate", "particles"),
        ("reduce", "particles"),
        ("reduce", "scales"),
        ("structure", "particles"),
    ):
        chosen = [line for line in grown if line.stage == stage and _varies(line, against)]
        x = [float(getattr(line, against)) for line in chosen]
        for quantity, title in QUANTITIES.items():
            y = [getattr(line, quantity) for line in chosen]
            found.append((stage, title, against, *_exponent(x, y)))
    return found


def _exponent(x: Sequence[float], y: Sequence[float]) -> tuple[str, str, str]:
    """p of a + b x^p, of relative errors that are all alike, with Student's interval."""
    if max(y) < CONSTANT * min(y):
        return "0", "", ""
    log_x, log_y = np.log(x), np.log(y)

    def curve(log_x: Real, log_a: float, log_b: float, p: float) -> Real:
        return np.logaddexp(log_a, log_b + p * log_x)

    start = (log_y[0] - 1.0, log_y[-1] - log_x[-1], 1.0)
    (_, _, p), covariance = curve_fit(curve, log_x, log_y, start, maxfev=10_000)
    half = stats.t.ppf(0.5 + 0.5 * LEVEL, len(x) - 3) * np.sqrt(covariance[2, 2])
    return f"{p:.2f}", f"{p - half:.2f}", f"{p + half:.2f}"


def _varies(line: Line, against: str) -> bool:
    """Whether a line is one of those in which only particles, or only scales, differ."""
    if against == "scales":
        return line.particles == BASE_NUMBER
    return line.scales in (0, BASE_SCALES)


def main() -> None:
    """Measure, print and write."""
    warm.once()
    measured_lines = []
    for line in lines():
        measured_lines.append(line)
        print(*line.row, sep="  ")
    tables = {
        RESULTS: (COLUMNS, [line.row for line in measured_lines]),
        FITS: (FIT_COLUMNS, fits(measured_lines)),
    }
    for path, (head, rows) in tables.items():
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerows([head, *rows])
    page.update()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        job(*sys.argv[1:])
    else:
        main()
