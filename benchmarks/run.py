"""Measure ratios against named peers and write them to benchmarks/results.csv.

Columns: work, size, threads, ours, peer, peer_name, ratio, goal; a ratio >= goal is a success.
"""

from __future__ import annotations

import csv
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COST = re.compile(r"processor time ([0-9.]+) s, of which start-up ([0-9.]+) s")


@dataclass(frozen=True)
class Row:
    """One line of the table; `ours` and `peer` have the same unit, named in `work`."""

    work: str
    size: str
    threads: int
    ours: float
    peer: float
    peer_name: str
    ratio: float
    goal: float


def study_overhead() -> Row:
    """Processor seconds of a whole study: the stages' own work against everything around it.

    Around it are Snakemake, the start of Python with its imports in every job, and reading and
    writing files, which is measured by reading and writing every file of the study once more.
    A third of the whole is twice as much work as overhead.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [
                str(Path(sys.executable).with_name("snakemake")),
                *("--snakefile", str(ROOT / "Snakefile"), "--directory", folder),
                *("--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")),
                *("--cores", "2", "--configfile", str(ROOT / "config" / "config.yaml")),
            ],
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        logs = [path.read_text(encoding="utf-8") for path in Path(folder).rglob("logs/*/*.log")]
        costs = [COST.findall(log)[-1] for log in logs]
        jobs = sum(float(total) for total, _ in costs)
        starts = sum(float(start) for _, start in costs)
        files = files_again(Path(folder))
    overhead = (whole - jobs) + starts + files
    work = whole - overhead
    return Row(
        "study-overhead (processor s)",
        f"config.yaml, {len(costs)} jobs",
        2,
        work,
        overhead,
        "Snakemake, start-up, imports, files",
        work / overhead,
        2.0,
    )


def files_again(folder: Path) -> float:
    """Processor seconds to read every NetCDF file below a folder and to write it again."""
    import xarray as xr

    copy = folder / "copy.nc"
    start = time.process_time()
    for path in sorted(folder.rglob("*.nc")):
        xr.load_dataset(path, engine="netcdf4").to_netcdf(copy, engine="netcdf4")
    return time.process_time() - start


BENCHMARKS: tuple[Callable[[], Row], ...] = (study_overhead,)


def main() -> None:
    """Run all benchmarks and write the table."""
    rows = [benchmark() for benchmark in BENCHMARKS]
    with (ROOT / "benchmarks" / "results.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        for row in rows:
            cells = astuple(row)
            writer.writerow([f"{cell:.4g}" if isinstance(cell, float) else cell for cell in cells])
            print(*cells)


if __name__ == "__main__":
    main()
