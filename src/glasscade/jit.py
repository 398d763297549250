"""The one numba decorator of the project.

Compiled code is cached on disk in a folder named by a digest of the package's source, since numba
itself does not notice when a helper in another module changes; of where that source lies, since
numba looks kernels up by it; and of the processor they are for, since the nodes of a cluster may
differ and share the folder.
Kernels are module-level functions; closures and functions passed as arguments would give
no cache hits between processes, so that every job would compile again.

A kernel has the same last bits in the process that compiled it as in all that load it, whatever
else these have compiled or loaded before: the code of a kernel has its own copies of all it calls
(`_SelfContained`).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite.binding import get_host_cpu_name
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen, get_host_cpu_features

from glasscade.errors import DataError

Function = TypeVar("Function", bound=Callable[..., Any])

# Re-association and contraction are allowed, so that sums vectorise; NaN and infinity keep
# their meaning ("nnan" and "ninf" are left out), because a diverging run must be noticed.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "fastmath": FASTMATH}

# Its attributes are made at run time, from variables of the environment.
_settings: Any = numba.config

if _settings.CPU_FEATURES is None and "+avx512vbmi2" in get_host_cpu_features():
    # Registers of eight doubles: unasked, LLVM uses half of them, for the sake of processors whose
    # clock they slow down. Those have no VBMI2.
    _settings.CPU_FEATURES = get_host_cpu_features() + ",-prefer-256-bit"


def name_of_code(package: Path | None = None) -> str:
    """Of the folder with the compiled code of a package: this one, or a copy of it."""
    package = package or Path(__file__).parent
    digest = hashlib.sha256(repr((numba.__version__, processor(), str(package))).encode())
    for path in sorted(package.rglob("*.py")):
        source = path.read_bytes()
        if b"glasscade.jit" in source:
            digest.update(source)
    return digest.hexdigest()[:12]


def cache_folder() -> Path:
    """The folder of compiled code, which is made.

    It lies in NUMBA_CACHE_DIR, or else where it is private. Never beside the source, where numba
    would keep it, and load it after an edit of another module.

    Raises
    ------
    DataError
        If it cannot be made or written.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    elsewhere = Path(tempfile.gettempdir()) / f"glasscade-{os.getuid()}"
    roots = [Path(given)] if given else [cache_root(), elsewhere]
    for root in roots:
        with suppress(OSError):
            if not given:
                require_private(root)
            folder = root / name_of_code()
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise DataError(
        f"{roots[0]}: no folder for compiled code can be made there; set "
        f"{'NUMBA_CACHE_DIR' if given else 'XDG_CACHE_HOME'} to a folder of your own"
    )


def processor() -> tuple[str, str]:
    """Name and features of the processor that code is compiled for, as numba tells them apart."""
    name, features = _settings.CPU_NAME, _settings.CPU_FEATURES
    return (
        get_host_cpu_name() if name is None else name,
        get_host_cpu_features() if features is None else features,
    )


def cache_root() -> Path:
    """Where this package keeps what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "glasscade"


def require_private(folder: Path) -> None:
    """Make a folder that others can neither read nor write: numba runs what it finds there.

    Raises
    ------
    DataError
        If the folder belongs to somebody else.
    OSError
        If it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid():
        raise DataError(
            f"{folder}: this folder of compiled code belongs to another user, who could put "
            "any code there; set XDG_CACHE_HOME to a folder of your own"
        )
    if status.st_mode & 0o077:
        folder.chmod(0o700)


_settings.CACHE_DIR = str(cache_folder())
WARM = Path(_settings.CACHE_DIR) / "warm.txt"
"""Stands for compiled kernels in the cache, of the present source and for this processor."""

# How long threads of GNU's OpenMP spin between parallel loops. By default they do for a thousand
# times as long, which takes the cores from whatever else runs; asleep, they miss the next loop.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")


class _SelfContained(JITCodeLibrary):
    """Machine code of a cached kernel, with copies of its own of all functions it calls.

    numba links the optimised code of a callee into its caller and optimises it once more, by which
    fast arithmetic may get another order. Unless inlined, the copy keeps a symbol that others may
    define as well, and the linker of a process takes whichever it met first: the callee's own code
    where that has been compiled or called before, the copy where only the caller was loaded.
    """

    def _finalize_final_module(self) -> None:
        """Make the copies local to this code, but not in what is linked into further callers."""
        if self._object_caching_enabled and self._shared_module is None:  # compiled, not loaded
            self._shared_module = self._final_module.clone()
            for function in self._shared_module.functions:
                if not function.is_declaration and function.linkage.name == "external":
                    function.linkage = "linkonce_odr"
            for function in self._final_module.functions:
                if function.linkage.name == "linkonce_odr":
                    function.linkage = "internal"
        super()._finalize_final_module()


JITCPUCodegen._library_class = _SelfContained


def jit(function: Function) -> Function:
    """Compile `function` in nopython mode with a disk cache, IEEE NaNs and numpy's division.

    It runs without Python's lock, so that a caller may spread its calls over threads.
    """
    return cast(Function, numba.njit(**_OPTIONS, nogil=True)(function))


def inner(function: Function) -> Function:
    """Like `jit`, for what inner loops call: it may view its arrays, but make and return none.

    References are not counted. Each count is an atomic operation of twenty cycles, and of many more
    when threads count those of the same array.
    """
    options = _OPTIONS | {"nogil": True, "_nrt": False}  # without numba's run time, no references
    return cast(Function, numba.njit(**options)(function))


def pjit(function: Function) -> Function:
    """Like `jit`, with `prange` loops spread over threads."""
    return cast(Function, numba.njit(**_OPTIONS, parallel=True)(function))
