"""Stage 0: compile every kernel once, before jobs start in parallel and all compile the same."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np

from glasscade.cell import Cell
from glasscade.io import write_text
from glasscade.potentials import Harmonic
from glasscade.regularity.increments import increment_moments

LOG = logging.getLogger("glasscade")


def run(output: Path) -> None:
    """Call each kernel on a small example and leave a note of how long it took."""
    start = time.monotonic()
    for dim in (1, 2, 3):
        _structure(dim)
    potential = Harmonic(1.0, 1.0, 0.1)
    for function in (potential.value, potential.slope, potential.curvature):
        function(np.array([0.5]))
    message = f"kernels compiled or found in the cache in {time.monotonic() - start:.1f} s"
    LOG.info(message)
    write_text(message + "\n", output)


def _structure(dim: int) -> None:
    field = np.random.default_rng(dim).standard_normal((16,) * dim)
    cell = Cell.cubic(1.0, dim)
    increment_moments(field, cell, np.array([0.125, 0.25]), np.arange(1.0, 7.0))
