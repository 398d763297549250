"""Checkpoints of a simulation: what a job that was killed or ran out of time goes on from.

The file lies beside the output of the job, but is no output: the workflow does not know it, and it
survives a job that fails. It is written whole or not at all, and used only by the same job: the
same parameters, the same code, the same versions, since bits depend on all of them.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, TimeLimitError
from glasscade.io import atomic, is_whole, seal, sweep
from glasscade.particles.dynamics import State
from glasscade.paths import checkpoint as path_beside
from glasscade.provenance import attributes

LOG = logging.getLogger("glasscade")
Real = npt.NDArray[np.float64]

IDENTITY = ("parameters", "code_digest", "versions")
"""Attributes of an output by which a checkpoint is known to be of the same job."""
WALL_TIME = "GLASSCADE_WALL_TIME"
"""Environment variable: seconds that a job may take."""
SCHEDULED_END = "SLURM_JOB_END_TIME"
"""What Slurm says of it, in seconds since 1970: recent versions alone, and not to what Snakemake's
executor starts within a job."""
CAUTION = 1.5
"""Longest time between two checkpoints that is kept free before the end, in units of the longest
so far."""


@dataclass
class Progress:
    """What a job has done: frames of the realisations that are finished and of the one under way.

    Attributes
    ----------
    finished : list of (T, N, d)
    frames : list of (N, d)
    state : State or None
        Where the realisation under way goes on; None at its start.
    """

    finished: list[Real] = field(default_factory=list)
    frames: list[Real] = field(default_factory=list)
    state: State | None = None


class Checkpoint:
    """The checkpoint of one job.

    Parameters
    ----------
    output : Path
        The output beside which it lies.
    parameters : dict
        Of the job.
    modules : names
        Whose code the job runs.

    Raises
    ------
    ConfigError
        If the environment has a limit of time that is no number.
    """

    def __init__(self, output: Path, parameters: dict[str, Any], *modules: str) -> None:
        self.path = path_beside(output)
        known = attributes(parameters, *modules)
        self._identity = json.dumps({name: known[name] for name in IDENTITY})
        self._last = time.time()
        self._longest = 0.0
        self._end = _end_of_job(self._last)

    def load(self) -> Progress:
        """What the job has done already; nothing, and a sentence in the log, if that is unknown."""
        try:
            return self._read()
        except FileNotFoundError:
            return Progress()
        except (OSError, KeyError, ValueError) as error:
            LOG.warning(
                "%s: no checkpoint of this job (%s), it starts from the beginning", self.path, error
            )
            return Progress()

    def _read(self) -> Progress:
        if not is_whole(self.path):
            raise ValueError("truncated or corrupt")
        with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["identity"]) != self._identity:
                raise ValueError("parameters, code or versions are others")
            arrays = {name: stored[name] for name in stored.files}
        state = State(arrays["positions"], arrays["species"], int(arrays["step"]), arrays["images"])
        LOG.info("%s: going on from step %d", self.path, state.step)
        return Progress(list(arrays["finished"]), list(arrays["frames"]), state)

    def save(self, progress: Progress) -> None:
        """Write what has been done, and stop if the next time may be too late.

        Raises
        ------
        TimeLimitError
            If less time is left than a checkpoint takes.
        """
        state = progress.state
        if state is None or state.images is None:
            raise ValueError("a checkpoint is of a state of the engine")
        with atomic(self.path) as temporary:
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    identity=self._identity,
                    finished=np.array(progress.finished),
                    frames=np.array(progress.frames),
                    positions=state.positions,
                    images=state.images,
                    species=state.species,
                    step=state.step,
                )
            seal(temporary)
        now = time.time()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        if now + CAUTION * self._longest > self._end:
            raise TimeLimitError(
                f"time: {max(self._end - now, 0.0):.0f} s are left, {self._longest:.0f} s between "
                f"checkpoints; stopped at step {state.step}, start the job again to go on from "
                f"{self.path}"
            )

    def remove(self) -> None:
        """Remove it once the output is written, and what a kill in the middle of a write left.

        Not what another process is writing: one may have outlived the workflow that started it.
        """
        self.path.unlink(missing_ok=True)
        sweep(self.path)


def _end_of_job(now: float) -> float:
    """When the job must have stopped, in seconds since 1970; never without a limit."""
    ends = []
    for name, start in ((WALL_TIME, now), (SCHEDULED_END, 0.0)):
        text = os.environ.get(name, "")
        try:
            ends += [start + float(text)] if text else []
        except ValueError:
            raise ConfigError(f"{name}: {text!r} is no number of seconds") from None
    if not os.environ.get(SCHEDULED_END):
        ends += _end_by_slurm()
    return min(ends, default=float("inf"))


def _end_by_slurm() -> list[float]:
    """When Slurm will end the job that this process is part of; nothing where it is not known."""
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return []
    command = ["squeue", "--noheader", "--format=%e", "--jobs", job]
    environment = os.environ | {"SLURM_TIME_FORMAT": "%s"}
    try:
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30.0, check=True
        )
        return [float(answer.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):  # no answer, or a job without end
        return []
