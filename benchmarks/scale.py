"""What it costs to plan and to run studies of ten thousand jobs, besides the work of the jobs.

    python benchmarks/scale.py plan | run | grow [TEMPERATURES]
    python benchmarks/scale.py whole FOLDER [TEMPERATURES]

The study is the default one over many temperatures with one scale in each job: 66 temperatures
are 10,077 jobs. `plan` is a dry run; `run` runs jobs whose scripts only touch their outputs;
`grow` plans a study that has run, and one with a temperature more. `whole` runs all jobs of one
with small systems, and all that is made of them, and leaves the folder to be looked at.
"""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rows import Row

from glasscade import config, estimate, jobs, serial
from glasscade.config import Study
from glasscade.paths import WHOLE_STUDY, Paths, number

ROOT = Path(__file__).resolve().parents[1]
PROFILE = ROOT / "workflow" / "profiles" / "default"
TEMPERATURES = 66
"""As many make 10,077 jobs."""
BLOCKS = 4
LIGHT_ELLS = [0, 0.5, 0.63, 0.8, 1, 1.26, 1.6, 2]
RUNS = 3
FIRST, COUNTED = 50, 300
"""Jobs before the cost of a job is measured, and over how many."""
TRIVIAL = ROOT / "benchmarks" / "trivial.py"
Raw = dict[str, Any]


def sweep(temperatures: int) -> Raw:
    """The models of the default study over many temperatures, one scale in each job."""
    raw: Any = copy.deepcopy(config.read(ROOT / "config" / "config.yaml"))
    raw["study"] = "sweep"
    for model in raw["models"].values():
        keys = model["sweep"] = copy.deepcopy(model["sweep"])
        keys["ell"] = _flat(keys["ell"])
        _, *above = sorted(_flat(keys["temperature"]))
        if above:
            values = np.geomspace(above[0], above[-1], temperatures - 1)
            keys["temperature"] = [0.0, *(float(number(value)) for value in values)]
        if keys.get("realisations", 1) > 1:
            keys |= {"realisations": BLOCKS, "block_size": 1}
    return raw


def light(temperatures: int) -> Raw:
    """The same without densities in the plane, of small glasses with few output times."""
    raw = sweep(temperatures)
    raw |= {"study": "light", "kernels": ["gaussian", "wendland_c6"]}
    for name in ("gem4", "cone2d"):
        del raw["models"][name]
    for model in raw["models"].values():
        system = model["system"] = dict(model["system"])
        if system["kind"] == "glass":
            system |= {"number": 100, "points": 256, "snapshots": 5}
            model["sweep"] |= {"ell": LIGHT_ELLS, "map_ell": [1]}
            model["window"] = [0.34, 1.5]
        elif system["kind"] == "field":
            system["snapshots"] = 17
    return raw


def one_more(raw: Raw) -> Raw:
    """The same with one more temperature, between the two highest ones of every sweep."""
    raw = copy.deepcopy(raw)
    for model in raw["models"].values():
        keys = model["sweep"]["temperature"]
        if len(keys) > 1:
            keys.append(float(number(float(np.sqrt(keys[-2] * keys[-1])))))
    return raw


def _flat(entries: list[Any]) -> list[float]:
    """The entries of batches."""
    return [v for entry in entries for v in (entry if isinstance(entry, list) else [entry])]


@dataclass(frozen=True)
class Spent:
    """What a process took: seconds, processor seconds, largest resident megabytes, its output."""

    wall: float
    processor: float
    memory: float
    output: str


def measured(command: list[str], folder: Path) -> Spent:
    """Run a command in a folder, without its children's resources but those it waited for."""
    log = folder / "output.txt"
    start = time.perf_counter()
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    output = log.read_text(encoding="utf-8")
    if process.returncode:
        raise RuntimeError(output)
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024.0, output)


def options(folder: Path, raw: Raw, *arguments: str) -> list[str]:
    """Options of Snakemake that run this workflow with the default profile in another folder."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return [
        *("--snakefile", str(ROOT / "Snakefile"), "--workflow-profile", str(PROFILE)),
        *("--directory", str(folder), "--cores", "2", *arguments, "--configfile", str(path)),
    ]


SNAKEMAKE = [sys.executable, "-m", "snakemake"]
PLAIN = """
rule all:
    input: [f"b/{{i}}_{{j}}" for i in range({states}) for j in range({scales})]
rule a:
    output: "a/{{i}}"
    shell: "touch {{output}}"
rule b:
    input: "a/{{i}}"
    output: "b/{{i}}_{{j}}"
    shell: "touch {{output}}"
"""


def plain(folder: Path, count: int, states: int) -> list[str]:
    """The dry run of a Snakefile with about as many jobs, no parameters and no package."""
    path = folder / "Snakefile"
    text = PLAIN.format(states=states, scales=round((count - states) / states))
    path.write_text(text.replace("{{", "{").replace("}}", "}"), encoding="utf-8")
    return [*SNAKEMAKE, "--snakefile", str(path), "--cores", "2", "--dry-run"]


def planned(spent: Spent) -> int:
    """Number of jobs of a dry run, from the table that Snakemake prints."""
    found = re.search(r"^total +(\d+)$", spent.output, re.MULTILINE)
    return int(found[1]) if found else 0


def plan(temperatures: int = TEMPERATURES) -> list[Row]:
    """A dry run of the sweep and one of a plain Snakefile of as many jobs, in turn."""
    raw = sweep(temperatures)
    study = config.parse(raw)
    count = estimate.total(study).jobs
    states = sum(len(jobs.states(study, model)) for model in study.models)
    ours, peers = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(RUNS):
            ours.append(measured([*SNAKEMAKE, *options(folder, raw, "--dry-run")], folder))
            peers.append(measured(plain(folder, count, states), folder))
    assert {planned(spent) for spent in ours} == {count}
    processor, peer = (min(s.processor for s in spent) for spent in (ours, peers))
    wall, memory = min(s.wall for s in ours), max(s.memory for s in ours)
    size, name = f"{count} jobs", f"a plain Snakefile of {planned(peers[0])} jobs"
    return [
        Row("dry-run-10k (processor s)", size, 1, processor, peer, name, peer / processor, 0.5),
        Row("dry-run-10k (s)", size, 1, wall, 60.0, "limit", 60.0 / wall, 1.0),
        Row("dry-run-10k (MB)", size, 1, memory, 500.0, "limit", 500.0 / memory, 1.0),
    ]


def run(temperatures: int = TEMPERATURES) -> list[Row]:
    """Processor seconds of the main process for each job, when most jobs could run at once.

    The states are there already, so that all reductions are ready: the more jobs there are to
    choose from, the more a choice costs. The first jobs are left out, the rest is not waited for.
    """
    raw = sweep(temperatures)
    study = config.parse(raw)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in _files(study, "state"):
            _touch(folder / path)
        seconds = _trace(folder, raw, FIRST + COUNTED)
    cost = (seconds[FIRST + COUNTED - 1] - seconds[FIRST - 1]) / COUNTED
    count = sum(len(jobs.reductions(study, model)) for model in study.models)
    size = f"{count} jobs that could run"
    return [Row("job-overhead (processor s)", size, 2, cost, 0.2, "limit", 0.2 / cost, 1.0)]


def _trace(folder: Path, raw: Raw, count: int) -> list[float]:
    """Processor seconds of the main process at the end of each of the first jobs."""
    trace = folder / "trace.txt"
    trace.touch()
    command = [sys.executable, str(TRIVIAL), str(trace), *options(folder, raw)]
    with (folder / "output.txt").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while process.poll() is None and len(trace.read_text().split()) < count:
            time.sleep(0.5)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return [float(line) for line in trace.read_text().split()]


def grow(temperatures: int = TEMPERATURES) -> None:
    """Print what planning takes after a run, and how many jobs one more temperature adds."""
    raw = sweep(temperatures)
    more = one_more(raw)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in _files(config.parse(raw)):
            _touch(folder / path)
        trivial = [sys.executable, str(TRIVIAL), str(folder / "trace.txt")]
        touched = measured([*trivial, *options(folder, raw, "--touch", "--forceall")], folder)
        print(f"as if run: {touched.processor:.1f} processor s, {touched.memory:.0f} MB")
        for what, study in (("the same", raw), ("one more temperature", more)):
            spent = measured([*SNAKEMAKE, *options(folder, study, "--dry-run")], folder)
            print(
                f"{what}: {planned(spent)} jobs, {spent.wall:.1f} s, {spent.processor:.1f} "
                f"processor s, {spent.memory:.0f} MB"
            )
            print(re.findall(r"^(\w+) +(\d+)$", spent.output, re.MULTILINE))


def whole(name: str, temperatures: int = TEMPERATURES) -> None:
    """Run a light study to the end, and print what its pages take.

    Its jobs run in this process, since starting one for each would take hours; then they are marked
    as run for Snakemake, which writes its report, and the folder is checked.
    """
    folder, raw = Path(name).resolve(), light(temperatures)
    folder.mkdir(parents=True)
    study = config.parse(raw)
    results = folder / "results" / study.study
    print(f"{estimate.total(study).jobs} jobs")
    for stage in serial.STAGES:
        before = time.process_time()
        if serial.select(study, stage, {}):
            serial.run(study, stage, {}, results.parent)
        print(f"{stage}: {time.process_time() - before:.0f} processor s", flush=True)
    glasscade = [str(Path(sys.executable).with_name("glasscade")), "verify", str(results)]
    print(measured(glasscade, folder).output)
    trivial = [sys.executable, str(TRIVIAL), str(folder / "trace.txt")]
    measured([*trivial, *options(folder, raw, "--touch", "--forceall")], folder)
    for suffix in ("html", "zip"):
        page = results / f"report.{suffix}"
        spent = measured([*SNAKEMAKE, *options(folder, raw, "--report", str(page))], folder)
        size = page.stat().st_size / 1e6
        print(f"{page.name}: {size:.0f} MB, {spent.wall:.0f} s, {spent.memory:.0f} MB of memory")
    print(f"summary.html: {(results / 'summary.html').stat().st_size / 1e6:.0f} MB")


def _files(study: Study, *stages: str) -> list[str]:
    """Outputs of the jobs of a study, of all stages if none is named."""
    paths, found = Paths(Path("results") / study.study), []
    for model in study.models:
        every = {
            "state": [paths.state.format(**x) for x in jobs.states(study, model)],
            "budget": [paths.budget.format(**x) for x in jobs.reductions(study, model)],
            "structure": [paths.structure.format(**x) for x in jobs.structures(study, model)],
            "exponents": [paths.exponents.format(model=model)],
            "limits": [f.format(model=model) for f in (paths.limits, paths.model_verdicts)],
            "figures": [
                paths.figure(model, figure, suffix)
                for figure in jobs.figure_names(study, model)
                for suffix in ("png", "csv")
            ],
        }
        found += [file for stage in stages or every for file in every[stage]]
    if not stages:
        figures = [
            paths.figure(WHOLE_STUDY, figure, suffix)
            for figure in jobs.study_figures(study)
            for suffix in ("png", "csv")
        ]
        found += [paths.verdicts, paths.summary, paths.config, paths.metadata, *figures]
    return found


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


BENCHMARKS: tuple[Callable[[], list[Row]], ...] = (plan, run)


def main(command: str, *arguments: str) -> None:
    """Run one of the commands, for as many temperatures, and print what it found."""
    if command == "whole":
        folder, *rest = arguments
        whole(folder, *map(int, rest))
        return
    for row in {"plan": plan, "run": run, "grow": grow}[command](*map(int, arguments)) or ():
        print(row)


if __name__ == "__main__":
    main(*sys.argv[1:])
