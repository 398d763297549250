"""The allocator of jobs keeps what is freed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from glasscade.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def work():
    first, second = np.empty(2**18), np.empty(2**18)
    first.fill(1.0), second.fill(1.0)
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="an allocator of the GNU C library")
def test_arrays_made_again_and_again_are_not_cleared_anew():
    """50 times two arrays of 2 MiB, 512 pages each."""
    clean = {name: value for name, value in os.environ.items() if "MALLOC" not in name}
    faults = {
        mode: int(
            subprocess.run(
                [sys.executable, "-c", FAULTS, mode],
                env=clean,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for mode in ("keep", "default")
    }
    assert faults["keep"] < 512  # less than one of the hundred arrays
    assert faults["default"] > 5 * 512  # or the setting would do nothing
