"""Measure ratios against named peers and write them to benchmarks/results.csv.

Columns: work, size, threads, ours, peer, peer_name, ratio, goal; a ratio >= goal is a success.
With arguments, the names of groups in `GROUPS`, only those are measured; other lines stay.
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
from dataclasses import astuple, fields
from pathlib import Path

import budget
import fields as densities
import page
import particles
import regularity
import scale
from rows import Row

from glasscade.memory import keep_freed_memory

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.csv"
COST = re.compile(r"processor time ([0-9.]+) s, of which start-up ([0-9.]+) s")


def study_overhead() -> list[Row]:
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
    size, name = f"config.yaml, {len(costs)} jobs", "Snakemake, start-up, imports, files"
    ratio = work / overhead
    return [Row("study-overhead (processor s)", size, 2, work, overhead, name, ratio, 2.0)]


def files_again(folder: Path) -> float:
    """Processor seconds to read every NetCDF file below a folder and to write it again."""
    import xarray as xr

    copy = folder / "copy.nc"
    start = time.process_time()
    for path in sorted(folder.rglob("*.nc")):
        xr.load_dataset(path, engine="netcdf4").to_netcdf(copy, engine="netcdf4")
    return time.process_time() - start


GROUPS: dict[str, tuple[Callable[[], list[Row]], ...]] = {
    "study": (study_overhead,),
    "scale": scale.BENCHMARKS,
    "budget": budget.BENCHMARKS,
    "regularity": regularity.BENCHMARKS,
    "particles": particles.BENCHMARKS,
    "fields": densities.BENCHMARKS,
}


def main(names: list[str]) -> None:
    """Run the benchmarks of the named groups, of all without a name, and write the table."""
    keep_freed_memory()
    table = {} if set(names) >= set(GROUPS) else read()
    for name in names:
        for benchmark in GROUPS[name]:
            for row in benchmark():
                cells = [f"{c:.4g}" if isinstance(c, float) else str(c) for c in astuple(row)]
                table[row.work, row.size] = cells
                print(*cells)
    with RESULTS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(table.values())
    page.update()


def read() -> dict[tuple[str, str], list[str]]:
    """The lines of the present table by work and size."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(encoding="utf-8") as stream:
        _, *lines = csv.reader(stream)
    return {(line[0], line[1]): line for line in lines}


if __name__ == "__main__":
    main(sys.argv[1:] or list(GROUPS))
