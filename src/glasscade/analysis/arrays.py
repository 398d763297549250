"""What all labelled arrays have in common: their attributes, their cell, a log of progress."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from glasscade.cell import Cell

Item = TypeVar("Item")
LOG = logging.getLogger("glasscade")
REPORT_EVERY = 10.0
"""Seconds between two lines of progress in a log."""

AXES = ("x", "y", "z")
"""Dimensions of a grid, one for each box vector."""
RATE = "mu V0^2/l0^2"
"""Unit of a smeared source: energy over time."""
TIME_UNIT = "l0^2/(mu V0)"
TIME = {"units": TIME_UNIT, "long_name": "time"}
"""Attributes of the coordinate `time`."""


def variable(
    dims: tuple[str, ...], values: Any, units: str, long_name: str, equation: str = ""
) -> xr.Variable:
    """A variable with the attributes that every file carries."""
    attributes = {"units": units, "long_name": long_name}
    if equation:
        attributes["equation"] = equation
    return xr.Variable(dims, values, attributes)


def cell_variable(cell: Cell) -> xr.Variable:
    """The matrix of box vectors."""
    return variable(("row", "vector"), cell.matrix, "l0", "box vectors, one per column")


def moving_cell_variable(cells: Sequence[Cell]) -> xr.Variable:
    """The matrix of box vectors at each time."""
    matrices = np.array([cell.matrix for cell in cells])
    return variable(("time", "row", "vector"), matrices, "l0", "box vectors, one per column")


def cell_of(dataset: xr.Dataset) -> Cell:
    """The cell of a state."""
    return Cell(np.asarray(dataset["cell"].values))


def last_snapshot(state: xr.Dataset, cell: Cell) -> xr.Dataset:
    """The last time of a state, in a cell of its lattice where the cell changes in time."""
    chosen = state.isel(time=[-1])
    return chosen.assign(cell=cell_variable(cell)) if "time" in chosen["cell"].dims else chosen


def progress(items: Iterable[Item], what: str) -> Iterator[Item]:
    """Yield the items and log how far along the job is, with the time left."""
    total = len(items) if isinstance(items, Sized) else 0
    start = last = time.monotonic()
    for number, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last > REPORT_EVERY or number == total:
            left = (now - start) / number * (total - number)
            LOG.info("%s: %d of %d, %.0f s left", what, number, total, left)
            last = now
