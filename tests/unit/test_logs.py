"""An error that a user can cure is one sentence in the log and on standard error."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glasscade.errors import DataError
from glasscade.logs import job_log

LOG = logging.getLogger("glasscade")
COST = r"\d\d:\d\d:\d\d processor time \d+\.\d\d s, of which start-up \d+\.\d\d s"


def lines(text: str) -> list[str]:
    """What was logged before the last line, which says what the job cost."""
    *logged, last = text.splitlines()
    assert re.fullmatch(COST, last)
    return logged


def test_messages_reach_the_log_with_the_time(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    with job_log(path):
        LOG.info("ℓ = %g", 0.5)
    [line] = lines(path.read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d\d:\d\d:\d\d ℓ = 0\.5", line)


def test_a_cured_error_is_a_sentence_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit, match=r"^error: a\.nc: truncated$"), job_log(path):
        raise DataError("a.nc: truncated")
    [line] = lines(path.read_text(encoding="utf-8"))
    assert line.endswith("error: a.nc: truncated")


def test_an_unexpected_error_keeps_its_traceback(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError, match="division by zero"), job_log(path):
        print(1 / 0)
    text = path.read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "ZeroDivisionError" in text


def test_a_log_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    for message in ("first", "second"):
        with job_log(path):
            LOG.info(message)
    assert "first" not in path.read_text(encoding="utf-8")


def test_without_a_file_messages_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with job_log(None):
        LOG.info("hello")
    captured = capsys.readouterr()
    assert lines(captured.err)[-1].endswith("hello")
    assert captured.out == ""


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before = list(LOG.handlers)
    with job_log(tmp_path / "job.log"):
        assert len(LOG.handlers) == len(before) + 1
    assert before == LOG.handlers


def test_too_little_memory_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    # More than any address space holds, so that the system refuses it whatever its limits are.
    with pytest.raises(SystemExit, match=r"^error: memory: .*allocate.*block_size"), job_log(path):
        np.empty(2**57)
    [line] = lines(path.read_text(encoding="utf-8"))
    assert "mem_mb" in line


def test_a_log_that_cannot_be_written_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`/dev/full` takes nothing, as a full disk; a folder that is none takes no file."""
    for path in ("/dev/full", tmp_path / "absent" / "job.log"):
        with job_log(path):
            LOG.info("hello")
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_is_no_traceback(tmp_path: Path) -> None:
    """In a process of its own: libraries of other tests have handlers of this signal."""
    path = tmp_path / "job.log"
    text = (
        "import os, signal, sys; from glasscade.logs import job_log\n"
        # Unless told so: of what runs in the background a shell has interrupts ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with job_log(sys.argv[1]): os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run([sys.executable, "-c", text, path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == "interrupted"
    [line] = lines(path.read_text(encoding="utf-8"))
    assert line.endswith("interrupted")
