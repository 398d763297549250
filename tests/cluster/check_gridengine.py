"""The small study, and jobs that fail, on a real Grid Engine, which `gridengine` starts.

As check.py does on Slurm: a job is killed, another deleted, the main process interrupted, and the
study ends with the data of a run without a scheduler, to the bit.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from check import CONFIG, FAULTS, LOCAL, ROOT, STARTED, Workflow, compare, demand, say, wait_for


@dataclass(frozen=True)
class Job:
    """A submission of a main process: its number and the rules of its jobs."""

    number: str
    name: str

    @property
    def known(self) -> str:
        """What Grid Engine says of it, waiting, running or ended; nothing for a moment between."""
        for command in ("qstat", "qacct"):
            answer = subprocess.run([command, "-j", self.number], capture_output=True, text=True)
            if answer.returncode == 0:
                return answer.stdout
        return ""

    @property
    def asked(self) -> tuple[int, int]:
        """Megabytes and minutes."""
        text = wait_for(lambda: self.known, f"job {self.number} is known")
        limits = dict(re.findall(r"\b(h_rt|h_vmem)=(\d+)", text))
        return int(limits["h_vmem"]), int(limits["h_rt"]) // 60

    @property
    def ended(self) -> str:
        """Exit code and why it ended, by the accounts."""
        wait_for(lambda: "exit_status" in self.known, f"job {self.number} has ended")
        keys = dict(re.findall(r"^(exit_status|failed) +(\d+)", self.known, re.MULTILINE))
        return f"exit code {keys['exit_status']}, failed {keys['failed']}"


def workflow(name: str, folder: Path, arguments: list[str]) -> Workflow:
    folder.mkdir(parents=True)
    # Commands of the profile are paths seen from where Snakemake works.
    (folder / "workflow").symlink_to(ROOT / "workflow")
    return Workflow(name, folder, arguments, profile="generic")


def jobs(of: Workflow, name: str) -> list[Job]:
    """Submissions so far whose first rule or group has this name."""
    found = []
    for number, record in re.findall(r"with external jobid '(\d+)\+(\w+)'", of.text):
        script = (of.folder / ".snakemake" / "generic" / record / "job").read_text()
        found += [Job(number, named) for named in re.findall(r"snakejob\.(\w+)\.", script)]
    return [job for job in found if job.name.startswith(name)]


def pid(state: Path, job: Job) -> int:
    """Of the session of a job that runs; 0 of one that does not."""
    found = list(state.glob(f"execd/*/active_jobs/{job.number}.1/job_pid"))
    return int(found[0].read_text().strip() or 0) if found else 0


def disturb(state: Path, study: Workflow, name: str, command: str) -> None:
    """End the job of this name while it runs; it is to be submitted again and ask for twice."""
    job = wait_for(lambda: jobs(study, name), f"{name} is submitted")[0]
    leader = wait_for(lambda: pid(state, job), f"{name} runs")
    say(f"{command} of job {job.number}, {job.name}")
    if command == "qdel":
        subprocess.run(["qdel", job.number], check=True, capture_output=True)
    else:
        os.killpg(leader, signal.SIGKILL)
    again = wait_for(lambda: jobs(study, name)[1:], "it is submitted again")[0]
    (memory, minutes), raised = job.asked, again.asked
    more = "asked for {} MB, {} min, now {} MB, {} min".format(memory, minutes, *raised)
    demand(raised == (2 * memory, 2 * minutes), f"{job.ended}; {more}")


def main(state: Path) -> None:
    demand((LOCAL / "verdicts.csv").exists(), "the small study has run here (make smoke)")
    targets = ["exit_code", "memory", "time", "checkpoint.nc", "short/a_0", "short/a_1"]
    faults = workflow("jobs that fail", state / "faults", ["--snakefile", str(FAULTS), *targets])
    study = workflow("the study", state / "study", ["--configfile", str(CONFIG)])
    faults.start()
    study.start()
    try:
        disturb(state, study, "reduce_rough", "kill -9")
        disturb(state, study, "limits_rough", "qdel")
        last = jobs(study, "limits_rough")[1]
        wait_for(lambda: pid(state, last), "it runs")
        study.process.send_signal(signal.SIGINT)
        study.process.wait()
        mine = {job.number for job in jobs(study, "")}
        listed = ["qstat", "-u", "root"]
        wait_for(
            lambda: not mine & set(subprocess.check_output(listed, text=True).split()),
            "the jobs of the study that was interrupted are cancelled",
        )
        say(f"ok: interrupted, it cancels its jobs; {last.ended}")
        study.start()
        study.join()
        compare(study.folder / "results" / "smoke")
        faults.join()
    finally:
        for process in STARTED:
            process.kill()
    for name, memory, minutes in [
        ("exit_code", 1000, 5),
        ("memory", 1000, 5),
        ("time", 1000, 1),
        ("checkpoint", 1000, 1),
    ]:
        tries = jobs(faults, name)
        history = ", then ".join("{} MB, {} min: ".format(*job.asked) + job.ended for job in tries)
        raised = [(n * memory, n * minutes) for n in range(1, len(tries) + 1)]
        as_it_should = len(tries) > 1 and [job.asked for job in tries] == raised
        demand(as_it_should, f"{name}: {history}")
    demand(len(jobs(faults, "reduce_a")) == 1, "two short jobs are one submission")
    going_on = (faults.folder / "checkpoint.log").read_text()
    demand("going on from step" in going_on, "the simulation went on from its checkpoint")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
