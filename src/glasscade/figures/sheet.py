"""A figure that records what is drawn on it: the data of a figure are exactly what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from glasscade.figures.data import Estimate
from glasscade.figures.style import WIDTH, Colour, Place, Quantity

Real = npt.NDArray[np.float64]

COLUMNS = ("panel", "series", "x_name", "y_name", "x", "y", "y_low", "y_high")
Drawn = tuple[Figure, pd.DataFrame]


class Sheet:
    """A grid of panels, and the rows of everything drawn on them.

    Parameters
    ----------
    rows, columns : int
        Of the grid.
    height : float
        Of the figure in inches; the width is that of two columns of a journal.
    """

    def __init__(self, rows: int, columns: int, height: float, **grid: Any) -> None:
        self.figure = Figure(figsize=(WIDTH, height))
        self.axes: list[Axes] = list(
            self.figure.subplots(rows, columns, squeeze=False, **grid).ravel()
        )
        self._frames: list[pd.DataFrame] = []
        self._letters = iter("abcdefghijklmnopqrstuvwxyz")

    def panel(self, axis: Axes, title: str, x: Quantity, y: Quantity) -> Panel:
        """A panel with its title, lettered in the order of the calls, and labels."""
        axis.set_title(f"({next(self._letters)}) {title}")
        axis.set_xlabel(x.label)
        axis.set_ylabel(y.label)
        return Panel(self, axis, title, x, y)

    def record(self, **columns: Any) -> None:
        """Add rows; scalars are repeated."""
        self._frames.append(pd.DataFrame(columns))

    def drop_unused(self, used: int) -> Iterable[Axes]:
        """Blank the axes after the first `used`, and yield them for legends."""
        for axis in self.axes[used:]:
            axis.axis("off")
        return self.axes[used:]

    def finish(self) -> Drawn:
        """The figure and its data."""
        frame = pd.concat(self._frames, ignore_index=True)
        return self.figure, frame.reindex(columns=[*COLUMNS, *(c for c in frame if c not in COLUMNS)])


class Panel:
    """One pair of axes whose curves, points and images are recorded as they are drawn."""

    def __init__(self, sheet: Sheet, axis: Axes, title: str, x: Quantity, y: Quantity) -> None:
        self.axis = axis
        self.place: Place = np.asarray
        """Where a value of x is drawn: changed by axes that show zero beside a logarithm."""
        self._sheet = sheet
        self._title = title
        self._x = x
        self._y = y

    def _record(self, series: str, x: Real, y: Estimate) -> None:
        self._sheet.record(
            panel=self._title,
            series=series,
            x_name=self._x.name,
            y_name=self._y.name,
            x=np.atleast_1d(x),
            y=np.atleast_1d(y.value),
            y_low=np.atleast_1d(y.low),
            y_high=np.atleast_1d(y.high),
        )

    def points(
        self,
        series: str,
        x: npt.ArrayLike,
        y: Estimate,
        *,
        colour: Colour,
        label: str | None = None,
        marker: str = "o",
        line: str = "-",
        hollow: bool = False,
    ) -> None:
        """Markers with error bars, joined except across x = 0 where that stands apart."""
        known = np.isfinite(y.value)
        if not known.any():
            return
        x, y = np.asarray(x, dtype=np.float64)[known], y[known]
        self._record(series, x, y)
        at = self.place(x)
        if x[0] == 0.0 and at[0] != 0.0:
            at, y = np.insert(at, 1, np.nan), y.with_gap
        self.axis.errorbar(
            at,
            y.value,
            yerr=y.bars,
            linestyle=line,
            marker=marker,
            color=colour,
            markerfacecolor="white" if hollow else colour,
            label=label,
        )

    def curve(
        self,
        series: str,
        x: npt.ArrayLike,
        y: Estimate,
        *,
        colour: Colour,
        label: str | None = None,
        line: str = "-",
        width: float = 1.3,
    ) -> None:
        """A line with a band."""
        known = np.isfinite(y.value)
        if not known.any():
            return
        x, y = np.asarray(x, dtype=np.float64)[known], y[known]
        self._record(series, x, y)
        self.axis.plot(
            self.place(x), y.value, linestyle=line, color=colour, label=label, linewidth=width
        )
        if np.isfinite(y.low).all():
            self.axis.fill_between(
                self.place(x), y.low, y.high, color=colour, alpha=0.2, linewidth=0
            )

    def across(
        self,
        series: str,
        value: Estimate,
        row: float,
        *,
        colour: Colour,
        label: str | None = None,
        marker: str = "o",
    ) -> None:
        """One value with its interval, drawn along x in a row of its own; recorded as y."""
        if not np.isfinite(value.value).any():
            return
        self._record(series, np.array([round(row)]), value)
        self.axis.errorbar(
            value.value,
            [row],
            xerr=value.bars,
            linestyle="none",
            marker=marker,
            color=colour,
            label=label,
        )

    def bar(self, series: str, value: float, row: float, label: str | None = None) -> None:
        """A reference value in a row, drawn as an upright bar."""
        self._record(series, np.array([row]), Estimate.exact([value]))
        self.axis.plot([value, value], [row - 0.42, row + 0.42], color="0.6", lw=3, label=label)

    def image(self, shown: Estimate, z: Quantity, x: Real, y: Real, **options: Any) -> AxesImage:
        """An image of values (y, x); the coordinates are recorded, options go to matplotlib."""
        columns, rows = np.meshgrid(x, y)
        self._sheet.record(
            panel=self._title,
            series=z.name,
            x_name=self._x.name,
            y_name=self._y.name,
            x=columns.ravel(),
            y=rows.ravel(),
            z_name=z.name,
            z=shown.value.ravel(),
            z_low=shown.low.ravel(),
            z_high=shown.high.ravel(),
        )
        return self.axis.imshow(shown.value, origin="lower", **options)
