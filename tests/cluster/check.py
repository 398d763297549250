"""The small study, and jobs that fail, on a real Slurm: what arrives there, and what survives.

Started by `run`, which starts Slurm. Two workflows run at a time: the study, whose jobs and main
process are killed, and that of the Snakefile beside this file. Ends with an error at the first
thing that is not as it should be, and prints what happened with the time it took.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from glasscade import config, estimate, jobs
from glasscade.estimate import Cost

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "smoke.yaml"
LOCAL = ROOT / "results" / "smoke"
PROFILES = ROOT / "workflow" / "profiles"
FAULTS = ROOT / "tests" / "cluster" / "Snakefile"
# Of a study of minutes, on one computer.
IMPATIENT = ["--slurm-init-seconds-before-status-checks", "1", "--slurm-keep-successful-logs"]
MOST_SUBMISSIONS = 40
# Longer than anything takes on a computer that does much else at the same time.
PATIENCE = 900.0
START = time.monotonic()
STARTED: list[subprocess.Popen[bytes]] = []


def say(text: str) -> None:
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


def demand(condition: bool, text: str) -> None:
    if not condition:
        raise SystemExit(f"NOT SO: {text}")
    say(f"ok: {text}")


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds, which is tried again until it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise SystemExit(f"NOT SO: {what}, within {PATIENCE:.0f} s")


@dataclass(frozen=True)
class Job:
    """A submission as Slurm remembers it."""

    number: int
    run: str
    name: str
    state: str
    memory: int
    minutes: int
    cores: int

    def __str__(self) -> str:
        asked = f"{self.memory:5d} MB {self.minutes:3d} min"
        return f"job {self.number:2d} {self.state:9s} {asked} {self.name}"

    @property
    def ended(self) -> bool:
        return self.state not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")


def records() -> list[Job]:
    """All submissions so far, in order."""
    text = subprocess.run(
        ["scontrol", "show", "jobs", "--oneliner"], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in text.splitlines():
        keys = dict(re.findall(r"(\w+)=(\S+)", line))
        if "JobId" in keys:
            hours, minutes, _ = keys["TimeLimit"].split(":")
            found.append(
                Job(
                    number=int(keys["JobId"]),
                    run=keys["JobName"],
                    name=keys.get("Comment", "").removeprefix("rule_"),
                    state=keys["JobState"],
                    memory=_megabytes(keys["TRES"]),
                    minutes=60 * int(hours) + int(minutes),
                    cores=int(keys["NumCPUs"]),
                )
            )
    return sorted(found, key=lambda job: job.number)


def _megabytes(tres: str) -> int:
    [(number, unit)] = re.findall(r"mem=([\d.]+)([MG])", tres)
    return round(float(number) * {"M": 1, "G": 1024}[unit])


@dataclass
class Workflow:
    """A main process of Snakemake that submits to Slurm, started anew where it was killed."""

    name: str
    folder: Path
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    profile: str = "slurm"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=os.environ | self.environment, cwd=ROOT
            )
        STARTED.append(self.process)

    @property
    def command(self) -> list[str]:
        folder = ["--directory", str(self.folder), "--latency-wait", "5"]
        profile = ["--workflow-profile", str(PROFILES / self.profile)]
        profile += IMPATIENT if self.profile == "slurm" else []
        return [sys.executable, "-m", "snakemake", *folder, *profile, *self.arguments]

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def runs(self) -> list[str]:
        """What Slurm calls the jobs of each start."""
        return re.findall(r"^SLURM run ID: (\S+)$", self.text, re.MULTILINE)

    def jobs(self) -> list[Job]:
        return [job for job in records() if job.run in self.runs]

    def running(self, name: str, log: Path) -> Job | None:
        """The job of this name that runs, once the log of one of its rules is there."""
        if self.process.poll() is not None:
            raise SystemExit(f"NOT SO: {self.name} goes on; it ended:\n{self.text[-3000:]}")
        running = [j for j in self.jobs() if j.name.startswith(name) and j.state == "RUNNING"]
        return running[0] if running and log.exists() else None

    def join(self) -> None:
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = None
        demand(code == 0, f"{self.name} ends well" if code == 0 else self.text[-5000:])


def groups_of(text: str) -> list[tuple[str, Counter[str]]]:
    """Groups that a main process says it submits, and how many jobs of each rule they have."""
    found = []
    for name, body in re.findall(r"^\[.*\] Group job (\S+) .*:\n((?:\n|    .*\n)+)", text, re.M):
        found.append((name, Counter(re.findall(r"^    rule (\w+):$", body, re.M))))
    return found


# What is to be asked for, written once more: a failed attempt raises both.


def memory_of(costs: list[Cost], attempt: int = 1) -> int:
    return attempt * max(int(2 * cost.memory) + 800 for cost in costs)


def minutes_of(costs: list[Cost], attempt: int = 1) -> int:
    return attempt * sum(int(cost.seconds / 20) + 5 for cost in costs)


def expected() -> dict[str, list[Cost]]:
    """Costs of the jobs of every submission of the small study, by the name of its group."""
    study = config.load(CONFIG)
    found = {}
    for name, model in study.models.items():
        for stage, wildcards in [
            ("simulate", jobs.states(study, name)),
            ("reduce", jobs.reductions(study, name)),
            ("structure", jobs.structures(study, name)),
        ]:
            found[f"{stage}_{name}"] = [estimate.of_job(study, stage, w) for w in wildcards]
        found[f"limits_{name}"] = [estimate.gathering()] * 2 + [estimate.limits(model)]
    last = ("verdicts", "summary", "record")
    found[f"study_{study.study}"] = [estimate.of_job(study, rule, {}) for rule in last]
    return found


def products(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every result: whatever was computed again has others."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not {"logs", "benchmarks"} & set(path.relative_to(folder).parts)
    }


def finished(text: str) -> set[str]:
    """Outputs of the jobs that a main process knows to be finished."""
    outputs = dict(
        (number, names)
        for names, number in re.findall(
            r"^ +output: (.+)\n(?:.*\n)*?^ +jobid: (\d+)$", text, re.MULTILINE
        )
    )
    done = re.findall(r"^Finished jobid: (\d+) ", text, re.MULTILINE)
    return {name for number in done for name in outputs.get(number, "").split(", ") if name}


def kill_step(job: Job) -> int:
    """Kill -9 of all processes of the step in which the job computes; how many these were."""
    listed = subprocess.run(
        ["scontrol", "listpids", f"{job.number}.0"], capture_output=True, text=True, check=True
    ).stdout
    found = [int(line.split()[0]) for line in listed.splitlines()[1:]]
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(found)


def disturbed_study(folder: Path) -> Workflow:
    """The small study, with a step, a job and the main process killed in mid-run, then resumed."""
    study = Workflow("the study", folder, ["--configfile", str(CONFIG)])
    results = folder / "results" / "smoke"
    logs = results / "logs"
    study.start()

    log = logs / "reduce" / f"rough_T0_ell{_batch('rough')}_block0.log"
    step = wait_for(lambda: study.running("reduce_rough", log), "a reduction runs")
    say(f"kill -9 of the {kill_step(step)} processes of step {step.number}.0, a reduction")
    again = wait_for(lambda: _after(study, step), "the job of the killed step is submitted again")
    demand(again.memory == 2 * step.memory, f"{_state(step)}, becomes {again}")

    log = logs / "exponents" / "rough.log"
    job = wait_for(lambda: study.running("limits_rough", log), "exponents are being fitted")
    say(f"scancel of job {job.number}, exponents, limits and figures of a model")
    subprocess.run(["scancel", str(job.number)], check=True)
    again = wait_for(lambda: _after(study, job), "the cancelled job is submitted again")
    demand(again.minutes == 2 * job.minutes, f"{_state(job)}, becomes {again}")

    wait_for(lambda: study.running("limits_", logs / "limits" / "rough.log"), "limits are computed")
    say("kill -9 of the main process")
    study.process.kill()
    study.process.wait()
    known = finished(study.text)
    wait_for(lambda: all(job.ended for job in study.jobs()), "its jobs end")
    kept = products(folder / "results")
    say(f"its jobs end; {len(kept)} files, {len(known)} of jobs it knew to be finished")
    demand(len(kept) > len(known), "there are more files than it knew of")

    subprocess.run([*study.command, "--unlock"], check=True, capture_output=True, cwd=ROOT)
    plan = subprocess.run([*study.command, "--dry-run"], check=True, capture_output=True, cwd=ROOT)
    demand(b"missing provenance" not in plan.stdout + plan.stderr, "all say what they were made of")
    planned = len(study.text)
    study.start()
    study.join()
    after = products(folder / "results")
    unchanged = {name: after[name] for name in kept} == kept
    demand(unchanged, "nothing that was finished is computed again")
    again = {name.removeprefix("results/") for name in finished(study.text[planned:])}
    demand(not again & set(kept), "nor planned")
    compare(results)
    return study


def _batch(model: str) -> str:
    """Label of the only batch of scales of a model."""
    [label] = jobs.batches(config.load(CONFIG), model)
    return label


def _state(job: Job) -> Job:
    """The job as it is now."""
    return next(now for now in records() if now.number == job.number)


def _after(workflow: Workflow, job: Job) -> Job | None:
    """The next submission of the same."""
    later = [j for j in workflow.jobs() if j.name == job.name and j.number > job.number]
    return later[0] if later else None


def compare(results: Path) -> None:
    """All variables of all files as those of the run on this computer, to the last bit."""
    names = sorted(path.relative_to(LOCAL) for path in LOCAL.rglob("*.nc"))
    for name in names:
        with xr.open_dataset(LOCAL / name) as here, xr.open_dataset(results / name) as there:
            same = set(here.variables) == set(there.variables) and all(
                here[variable].identical(there[variable]) for variable in here.variables
            )
        if not same:
            raise SystemExit(f"NOT SO: {name} has the same variables as in the run without Slurm")
    demand(len(names) > 5, f"variables of {len(names)} files are those of a local run, to the bit")
    same = (LOCAL / "verdicts.csv").read_bytes() == (results / "verdicts.csv").read_bytes()
    demand(same, "verdicts.csv is that of a local run")


def check_study(study: Workflow) -> None:
    """Groups and resources of the first submissions of the study."""
    submitted = study.jobs()
    groups = {name: members for name, members in reversed(groups_of(study.text))}
    for group, costs in expected().items():
        job = next(job for job in submitted if job.name.startswith(f"{group}_"))
        asked = (job.memory, job.minutes, job.cores)
        members = groups[group].total()
        demand(
            asked == (memory_of(costs), minutes_of(costs), 1) and members == len(costs),
            f"{group}: {members} jobs, {job.memory} MB, {job.minutes} min, 1 core",
        )


def check_faults(faults: Workflow) -> None:
    """Attempts and resources of the jobs that failed, and who shared a submission."""
    by_name: dict[str, list[Job]] = {}
    for job in faults.jobs():
        by_name.setdefault(job.name.split("_wildcards_")[0], []).append(job)
    groups = Counter((name, members.total()) for name, members in groups_of(faults.text))
    demand(groups == {("reduce_a", 3): 1, ("reduce_b", 3): 1}, "short jobs: three a submission")
    demand(len(by_name["long"]) == 2, "long jobs: one a submission")
    for name, memory, minutes, state in [
        ("exit_code", 1000, 5, "FAILED"),
        ("memory", 1000, 5, "FAILED"),
        ("time", 1000, 1, "TIMEOUT"),
        ("checkpoint", 1000, 1, "FAILED"),
    ]:
        tries = by_name[name]
        states = [job.state for job in tries]
        asked = [(job.memory, job.minutes) for job in tries]
        raised = [(n * memory, n * minutes) for n in range(1, len(tries) + 1)]
        history = ", then ".join(f"{j.memory} MB, {j.minutes} min: {j.state}" for j in tries)
        failures = [state] * (len(tries) - 1)
        as_it_should = asked == raised and failures and states == [*failures, "COMPLETED"]
        demand(bool(as_it_should), f"{name}: {history}")
    logs = faults.folder / ".snakemake" / "slurm_logs"
    killed = logs / "rule_memory" / f"{by_name['memory'][0].number}.log"
    demand("memory limit" in killed.read_text().lower(), "Slurm killed the one for its memory")
    going_on = (faults.folder / "checkpoint.log").read_text()
    demand("going on from step" in going_on, "the simulation went on from its checkpoint")


def outage(workflow: Workflow, controller: Path) -> None:
    """Slurm does not answer until the main process has noticed."""
    os.kill(int(controller.read_text()), signal.SIGTERM)
    wait_for(lambda: not controller.exists(), "the controller of Slurm ends")
    before = time.monotonic()
    try:
        wait_for(lambda: "Slurm does not answer" in workflow.text, "that is noticed")
    finally:
        subprocess.run(["slurmctld"], check=True)
    say(f"Slurm's controller is back after {time.monotonic() - before:.0f} s; its jobs went on")


def on_another_processor(folder: Path) -> Workflow:
    """Two jobs with an empty cache, which run."""
    other = {"NUMBA_CPU_NAME": "generic", "XDG_CACHE_HOME": str(folder / "cache")}
    arguments = ["--snakefile", str(FAULTS), "long/0", "long/1"]
    workflow = Workflow("jobs on another processor", folder / "other", arguments, other)
    workflow.start()
    both = ["RUNNING", "RUNNING"]
    wait_for(lambda: [job.state for job in workflow.jobs()] == both, "both run")
    return workflow


def check_processors(workflow: Workflow) -> None:
    """Of two jobs on another processor one compiles, the other waits."""
    workflow.join()
    logs = sorted((workflow.folder / ".snakemake" / "slurm_logs").rglob("*.log"))
    found = [log.read_text().count("Compiling kernels, once") for log in logs]
    demand(found == [1, 1], "two jobs at once find no kernels")
    cache = Path(workflow.environment["XDG_CACHE_HOME"])
    [marker] = cache.rglob("warm.txt")
    demand(
        not list(cache.rglob("*.lock")), f"one lets the other wait: {marker.read_text().strip()}"
    )
    code = "from glasscade.stages import warm; warm.run(warm.WARM)"
    environment = os.environ | workflow.environment
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    seconds = float(marker.read_text().split()[-2])
    # Compiling takes forty, loading two on an idle computer.
    demand(seconds < 20.0, f"a third process finds them whole, in {seconds:.1f} s")


def check_generic(folder: Path) -> None:
    """The profile for other schedulers, with jobs in the background of this computer."""
    targets = ["exit_code", "short/a_0", "short/a_1"]
    workflow = Workflow(
        "the profile for other schedulers",
        folder / "generic",
        ["--snakefile", str(FAULTS), *targets],
        {"GLASSCADE_SCHEDULER": "background"},
        "generic",
    )
    # Commands of the profile are paths seen from where Snakemake works.
    workflow.folder.mkdir()
    (workflow.folder / "workflow").symlink_to(ROOT / "workflow")
    workflow.start()
    workflow.join()
    found = [(name, members.total()) for name, members in groups_of(workflow.text)]
    demand(found == [("reduce_a", 2)], "two short jobs are one submission")
    submitted = workflow.text.count("with external jobid")
    demand(submitted == 3, "the job that failed is submitted again")


def main(folder: Path) -> None:
    demand((LOCAL / "verdicts.csv").exists(), "the small study has run without Slurm (make smoke)")
    faults = Workflow(
        "the workflow of failing jobs",
        folder / "faults",
        ["--snakefile", str(FAULTS)],
    )
    faults.start()
    try:
        study = disturbed_study(folder / "study")
        check_study(study)
        others = on_another_processor(folder)
        outage(others, folder.parent / "slurmctld.pid")
        check_generic(folder)
        check_processors(others)
        faults.join()
    finally:
        for process in STARTED:
            process.kill()
    check_faults(faults)
    submitted = len(records())
    demand(submitted <= MOST_SUBMISSIONS, f"{submitted} submissions, at most {MOST_SUBMISSIONS}")
    for job in records():
        say(str(job))


if __name__ == "__main__":
    # Ended politely it takes its runs of Snakemake along, which would wait for their jobs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(Path(sys.argv[1]))
