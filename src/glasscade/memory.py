"""The memory allocator of long-running processes."""

from __future__ import annotations

import ctypes
import sys

# From <malloc.h> of the GNU C library.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_MOST = 2**30


def keep_freed_memory() -> None:
    """Let the C library keep freed memory up to a gigabyte instead of returning it at once.

    Numerical work allocates arrays of the same few sizes again and again. Every one that the
    kernel hands out anew is cleared page by page, which can cost more than a Fourier transform of
    it. The setting holds for the process and does nothing where the library is not GNU's.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_TRIM_THRESHOLD, _MOST)
        library.mallopt(_MMAP_THRESHOLD, _MOST)
