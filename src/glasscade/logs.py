"""Logs of jobs, and errors as one sentence."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glasscade.errors import GlasscadeError, without_memory
from glasscade.memory import keep_freed_memory


@contextmanager
def job_log(path: str | Path | None) -> Iterator[None]:
    """Send messages to a log file, or to standard error without one.

    An error that the user can cure ends the process with its sentence and exit code 1; any other
    keeps its traceback, in the log. The last line says what the job cost and what its start did.
    """
    start = time.process_time()
    keep_freed_memory()
    handler = _handler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("glasscade")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except GlasscadeError as error:
        logger.error("error: %s", error)
        sys.exit(f"error: {error}")
    except MemoryError as error:
        logger.error("error: %s", without_memory(error))
        sys.exit(f"error: {without_memory(error)}")
    except KeyboardInterrupt:
        logger.error("interrupted")
        sys.exit("interrupted")
    except Exception:
        logger.exception("unexpected error")
        raise
    finally:
        total = time.process_time()
        logger.info("processor time %.2f s, of which start-up %.2f s", total, start)
        logger.removeHandler(handler)
        with suppress(OSError):  # of a full disk, for what it could not write
            handler.close()


class _File(logging.FileHandler):
    """A log that says nothing where it cannot be written: the job may do without it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # a name of the library
        """Drop the record."""


def _handler(path: str | Path | None) -> logging.Handler:
    """Where messages go; to standard error also where there can be no file."""
    with suppress(OSError):
        return _File(path, mode="w", encoding="utf-8") if path else logging.StreamHandler()
    return logging.StreamHandler()
