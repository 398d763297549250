"""Exceptions: every one carries one sentence that names the culprit and the remedy."""

from __future__ import annotations

import struct

UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    struct.error,
)
"""What libraries raise of files that are truncated, damaged or something else."""


def one_line(text: str, most: int = 0) -> str:
    """Text that fits a line: white space is one blank, what cannot be printed is escaped.

    Parameters
    ----------
    text
        Maybe out of a file, with whatever is in it.
    most
        Characters that are kept, if there is a limit.
    """
    plain = " ".join(text.split())
    if not plain.isprintable():
        plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in plain)
    return f"{plain[: most - 3]}..." if 0 < most < len(plain) else plain


class GlasscadeError(Exception):
    """Base of all errors a user can cause and cure; its message is one clear sentence, on a line.

    Names and values in it may come from a file, line breaks and control characters among them.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class ConfigError(GlasscadeError):
    """A key of the study configuration is unknown, missing or out of range."""


class DataError(GlasscadeError):
    """A file is missing, truncated, corrupt or lacks what it should contain."""


class StorageError(GlasscadeError):
    """A file cannot be written: no space, no permission, a failing disk."""


class ResolutionError(GlasscadeError):
    """A grid or a set of modes does not resolve what it is asked to represent."""


class StabilityError(GlasscadeError):
    """A time step is beyond the stability limit of its scheme."""


class ConvergenceError(GlasscadeError):
    """An iteration has not reached its tolerance within the evaluations it was given."""


class TimeLimitError(GlasscadeError):
    """A job has stopped by itself before its wall time ends, and can go on."""


def without_memory(error: MemoryError) -> str:
    """The sentence about a job that ran out of memory, wherever that was."""
    return (
        f"memory: {error or 'none is left'}; allow more (`ulimit -v`, on a cluster mem_mb) or make "
        "the job smaller: a smaller block_size, fewer temperatures or scales in a batch, fewer "
        "points"
    )
