"""The one numba decorator of the project.

Compiled code is cached on disk in a folder named by a digest of the package's source:
numba itself does not notice when a helper in another module changes.
Kernels are module-level functions; closures and functions passed as arguments would give
no cache hits between processes, so that every job would compile again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# Re-association and contraction are allowed, so that sums vectorise; NaN and infinity keep
# their meaning ("nnan" and "ninf" are left out), because a diverging run must be noticed.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}


def cache_folder() -> Path:
    """The folder of compiled code for the present source and compiler."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source = path.read_bytes()
        if b"glasscade.jit" in source:
            digest.update(source)
    return cache_root() / digest.hexdigest()[:12]


def cache_root() -> Path:
    """Where this package keeps what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "glasscade"


if not os.environ.get("NUMBA_CACHE_DIR"):
    # An attribute that numba makes at run time.
    numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined]

# How long threads of GNU's OpenMP spin between parallel loops. By default they do for a thousand
# times as long, which takes the cores from whatever else runs; asleep, they miss the next loop.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def jit(function: Function) -> Function:
    """Compile `function` in nopython mode with a disk cache, IEEE NaNs and numpy's division.

    It runs without Python's lock, so that a caller may spread its calls over threads.
    """
    compiled = numba.njit(cache=True, error_model="numpy", fastmath=FASTMATH, nogil=True)
    return cast(Function, compiled(function))


def pjit(function: Function) -> Function:
    """Like `jit`, with `prange` loops spread over threads."""
    compiled = numba.njit(cache=True, error_model="numpy", fastmath=FASTMATH, parallel=True)
    return cast(Function, compiled(function))
