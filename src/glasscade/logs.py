"""Logs of jobs, and errors as one sentence."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glasscade.errors import GlasscadeError
from glasscade.memory import keep_freed_memory


@contextmanager
def job_log(path: str | Path | None) -> Iterator[None]:
    """Send messages to a log file, or to standard error without one.

    An error that the user can cure ends the process with its sentence and exit code 1; any other
    keeps its traceback, in the log. The last line says what the job cost and what its start did.
    """
    start = time.process_time()
    keep_freed_memory()
    handler = (
        logging.FileHandler(path, mode="w", encoding="utf-8") if path else logging.StreamHandler()
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("glasscade")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except GlasscadeError as error:
        logger.error("error: %s", error)
        sys.exit(f"error: {error}")
    except Exception:
        logger.exception("unexpected error")
        raise
    finally:
        total = time.process_time()
        logger.info("processor time %.2f s, of which start-up %.2f s", total, start)
        logger.removeHandler(handler)
        handler.close()
