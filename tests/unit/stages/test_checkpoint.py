"""Checkpoints of simulations: killed, out of time, or with a checkpoint that is no good."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import studies
from glasscade.config import SYSTEM
from glasscade.errors import ConfigError, TimeLimitError
from glasscade.io import read_dataset
from glasscade.paths import checkpoint as path_beside
from glasscade.stages import checkpoint as module
from glasscade.stages.checkpoint import SCHEDULED_END, WALL_TIME, Checkpoint, Progress
from glasscade.stages.simulate import run, simulate

FORCE = {"kind": "kolmogorov", "amplitude": 0.1, "wave": [0, 1], "direction": [1, 0]}
SYSTEM_KEYS = studies.GLASS | {
    "number": 64,
    "duration": 5.0,
    "dt": 0.01,
    "onset": 0.01,
    "snapshots": 11,
    "checkpoint_steps": 60,
    "integrator": "leimkuhler-matthews",
    "mobility": 0.8,
    "external": [FORCE],
    "shear_rate": 0.2,
}
JOB = {"system": SYSTEM_KEYS, "temperatures": [0.01], "realisations": [0, 1], "seed": 3}


def positions(output):
    return read_dataset(output, "position")["position"].values


@pytest.fixture(scope="module")
def uninterrupted():
    """All frames, without any file of a checkpoint."""
    system = SYSTEM.validate_python(JOB["system"])
    state = simulate(system, 0.01, JOB["realisations"], JOB["seed"])
    return state["position"].values


def stop_after(monkeypatch, checkpoints):
    """Let a job die right behind a checkpoint."""
    saved = Checkpoint.save

    def save(self, progress):
        saved(self, progress)
        save.count += 1
        if save.count == checkpoints:
            raise KeyboardInterrupt

    save.count = 0
    monkeypatch.setattr(Checkpoint, "save", save)


@pytest.mark.parametrize("checkpoints", [1, 8, 9])
def test_a_job_goes_on_where_it_was_stopped(tmp_path, monkeypatch, uninterrupted, checkpoints):
    """Two realisations of eight checkpoints each: in the first, at its end, in the second."""
    output = tmp_path / "block0.nc"
    with monkeypatch.context() as patch:
        stop_after(patch, checkpoints)
        with pytest.raises(KeyboardInterrupt):
            run(JOB, output)
    assert not output.exists()
    assert path_beside(output).exists()
    run(JOB, output)
    assert np.array_equal(positions(output), uninterrupted)
    assert [path.name for path in tmp_path.iterdir()] == ["block0.nc"]


KILLED = """
import json, sys
from pathlib import Path
from glasscade.stages.simulate import run
run(json.loads(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_killed_job_goes_on_to_the_same_data(tmp_path, caplog):
    """kill -9 of a process of its own, at whatever it does then."""
    output = tmp_path / "block0.nc"
    keys = SYSTEM_KEYS | {"duration": 250.0, "shear_rate": 0.004, "checkpoint_steps": 2000}
    job = JOB | {"system": keys, "realisations": [0]}
    process = subprocess.Popen([sys.executable, "-c", KILLED, json.dumps(job), str(output)])
    try:
        deadline = time.monotonic() + 60.0
        while not path_beside(output).exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    with caplog.at_level(logging.INFO, logger="glasscade"):
        run(job, output)
    assert "going on from step" in caplog.text
    system = SYSTEM.validate_python(keys)
    whole = simulate(system, 0.01, [0], job["seed"])["position"].values
    assert np.array_equal(positions(output), whole)


@pytest.mark.parametrize(
    "limit", [{WALL_TIME: "0"}, {SCHEDULED_END: "1000"}, {WALL_TIME: "9e9", SCHEDULED_END: "5"}]
)
def test_a_job_stops_before_its_time_is_up(tmp_path, monkeypatch, uninterrupted, limit):
    output = tmp_path / "block0.nc"
    with monkeypatch.context() as patch:
        for name, value in limit.items():
            patch.setenv(name, value)
        with pytest.raises(TimeLimitError, match=r"time: 0 s are left.*stopped at step 60, start"):
            run(JOB, output)
    assert not output.exists()
    run(JOB, output)
    assert np.array_equal(positions(output), uninterrupted)


def test_time_that_is_left_is_used(tmp_path, monkeypatch, uninterrupted):
    monkeypatch.setenv(WALL_TIME, "600")
    run(JOB, tmp_path / "block0.nc")
    assert np.array_equal(positions(tmp_path / "block0.nc"), uninterrupted)


@pytest.mark.parametrize("answer", ["echo N/A", "exit 1", None])
def test_a_job_of_slurm_without_a_known_end_has_no_limit(tmp_path, monkeypatch, answer):
    """No end, no answer, no such command; tests/cluster asks a real one."""
    if answer is not None:
        command = tmp_path / "squeue"
        command.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
        command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    assert module._end_of_job(0.0) == float("inf")


def test_a_limit_that_is_no_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(WALL_TIME, "two hours")
    with pytest.raises(ConfigError, match="GLASSCADE_WALL_TIME: 'two hours' is no number of sec"):
        run(JOB, tmp_path / "block0.nc")


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    """One bit in the middle, in the positions of finished frames."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("not a checkpoint\n", encoding="utf-8")


def array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def others(path):
    """Arrays that are no checkpoint."""
    with path.open("wb") as file:
        np.savez(file, positions=np.zeros(3))


def of_another_job(path):
    """A whole checkpoint, at another temperature."""
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["identity"] = np.array(str(arrays["identity"]).replace("0.01", "0.02"))
    with path.open("wb") as file:
        np.savez(file, **arrays)


@pytest.mark.parametrize("spoil", [half, flipped, empty, text, array, others, of_another_job])
def test_a_checkpoint_that_is_no_good_is_left_alone(
    tmp_path, monkeypatch, caplog, uninterrupted, spoil
):
    output = tmp_path / "block0.nc"
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            run(JOB, output)
    spoil(path_beside(output))
    with caplog.at_level(logging.WARNING, logger="glasscade"):
        run(JOB, output)
    [record] = caplog.records
    assert "no checkpoint of this job" in record.getMessage()
    assert "starts from the beginning" in record.getMessage()
    assert np.array_equal(positions(output), uninterrupted)


def test_other_code_makes_another_job(tmp_path, monkeypatch):
    """Bits depend on the code, so that a checkpoint of an older one is not gone on from."""
    output = tmp_path / "block0.nc"
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            run(JOB, output)
    assert Checkpoint(output, JOB, "glasscade.stages.simulate").load().state.step == 180
    monkeypatch.setattr(module, "attributes", lambda *_: dict.fromkeys(module.IDENTITY, "other"))
    assert Checkpoint(output, JOB, "glasscade.stages.simulate").load() == Progress()
