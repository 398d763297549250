"""A figure that records what is drawn on it: the data of a figure are exactly what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glasscade.figures.data import Estimate
from glasscade.figures.style import WIDTH, Look, Place, Quantity, power_of_ten

Real = npt.NDArray[np.float64]
Drawn = tuple[Figure, pd.DataFrame]

COLUMNS = ("panel", "series", "x_name", "y_name", "x", "y", "y_low", "y_high")


class Sheet:
    """A grid of panels, and the rows of everything drawn on them.

    Parameters
    ----------
    rows, columns : int
        Of the grid.
    height : float
        Of the figure in inches; the width is that of two columns of a journal.
    grid
        What `Figure.subplots` takes besides.
    """

    def __init__(self, rows: int, columns: int, height: float, **grid: Any) -> None:
        self.figure = Figure(figsize=(WIDTH, height))
        self.axes: list[Axes] = list(
            self.figure.subplots(rows, columns, squeeze=False, **grid).ravel()
        )
        self._frames: list[pd.DataFrame] = []
        self._panels: list[Panel] = []

    def panel(self, axes: Axes, title: str, x: Quantity, y: Quantity) -> Panel:
        """A panel with its title, lettered in the order of the calls, and labels."""
        title = f"({'abcdefghijklmnopqrstuvwxyz'[len(self._panels)]}) {title}"
        axes.set_title(title)
        axes.set_xlabel(x.label())
        axes.set_ylabel(y.label())
        self._panels.append(Panel(self, axes, title, x, y))
        return self._panels[-1]

    def record(self, **columns: Any) -> None:
        """Add rows; scalars are repeated."""
        self._frames.append(pd.DataFrame(columns))

    def legend_below(self, *axes: Axes, columns: int = 6) -> None:
        """One legend for the whole figure, from the labels of the given axes.

        It has as many of the columns as there is room for.
        """
        labelled = _labelled(axes)
        for count in range(columns, 0, -1):
            legend = self.figure.legend(
                labelled.values(), labelled.keys(), loc="outside lower center", ncols=count
            )
            if count == 1 or legend.get_window_extent().width <= self.figure.bbox.width:
                return
            legend.remove()

    def legend_in(self, empty: Axes, *axes: Axes) -> None:
        """The same in the place of an empty panel."""
        labelled = _labelled(axes)
        empty.axis("off")
        empty.legend(labelled.values(), labelled.keys(), loc="center left")

    def finish(self) -> Drawn:
        """The figure and its data; powers of ten go from the ticks to the units."""
        for panel in self._panels:
            panel.finish()
        frame = pd.concat(self._frames, ignore_index=True)
        rest = [column for column in frame if column not in COLUMNS]
        return self.figure, frame.reindex(columns=[*COLUMNS, *rest])


class Panel:
    """One pair of axes whose curves, points and images are recorded as they are drawn."""

    def __init__(self, sheet: Sheet, axes: Axes, title: str, x: Quantity, y: Quantity) -> None:
        self.axes = axes
        self.place: Place = np.asarray
        """Where a value of x is drawn: beside a logarithmic axis for zero, or shifted."""
        self._sheet = sheet
        self.title = title
        self._x = x
        self._y = y

    def points(
        self,
        series: str,
        x: npt.ArrayLike,
        y: Estimate,
        look: Look,
        label: str | None = None,
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
        self.axes.errorbar(
            at,
            y.value,
            yerr=y.bars,
            linestyle=look.line,
            label=label,
            **look.markers,
        )

    def curve(
        self,
        series: str,
        x: npt.ArrayLike,
        y: Estimate,
        look: Look,
        label: str | None = None,
    ) -> None:
        """A line with a band."""
        x = np.asarray(x, dtype=np.float64)
        self._record(series, x, y)
        at = self.place(x)
        self.axes.plot(at, y.value, linestyle=look.line, color=look.colour, label=label)
        if y.bars is not None:
            self.axes.fill_between(at, y.low, y.high, color=look.colour, alpha=0.15, linewidth=0)

    def level(
        self,
        series: str,
        x: npt.ArrayLike,
        y: float,
        look: Look,
        label: str | None = None,
    ) -> None:
        """A horizontal line over the range of x."""
        ends = np.array([np.min(x), np.max(x)])
        values = Estimate.exact(np.full(2, y))
        self.curve(series, ends, values, look, label)

    def steps(self, series: str, edges: Real, values: Real, look: Look) -> None:
        """One value between each pair of edges, recorded at their middle; none where it is NaN."""
        known = np.isfinite(values)
        middle = 0.5 * (edges[1:] + edges[:-1])
        self._record(series, middle[known], Estimate.exact(values[known]))
        self.axes.stairs(values, edges, baseline=None, color=look.colour, linewidth=1.3)

    def across(
        self,
        series: str,
        value: Estimate,
        row: float,
        look: Look,
        label: str | None = None,
    ) -> None:
        """One value with its interval, drawn along x in a row of its own; recorded as y."""
        if not np.isfinite(value.value).any():
            return
        self._record(series, np.array([np.round(row)]), value)
        self.axes.errorbar(
            value.value,
            [row],
            xerr=value.bars,
            linestyle="none",
            label=label,
            **look.markers,
        )

    def bar(self, series: str, value: float, row: float, label: str = "") -> None:
        """A reference value in a row, drawn as an upright bar; recorded as y."""
        self._record(series, np.array([row]), Estimate.exact([value]))
        self.axes.vlines(value, row - 0.42, row + 0.42, color="0.6", linewidth=3, label=label)

    def image(self, shown: Estimate, z: Quantity, x: Real, y: Real, **options: Any) -> None:
        """An image of values (y, x) with its colour bar; options go to matplotlib."""
        columns, rows = np.meshgrid(x, y)
        self._sheet.record(
            panel=self.title,
            series=z.name,
            x_name=self._x.name,
            y_name=self._y.name,
            x=columns.ravel(),
            y=rows.ravel(),
            z=shown.value.ravel(),
            z_low=shown.low.ravel(),
            z_high=shown.high.ravel(),
        )
        image = self.axes.imshow(shown.value, origin="lower", **options)
        # Inset axes follow the height of the image, whatever its aspect.
        bar = self._sheet.figure.colorbar(image, cax=self.axes.inset_axes((1.03, 0.0, 0.04, 1.0)))
        bar.set_label(z.label(power_of_ten(bar.ax.yaxis)))

    def cloud(self, x: Real, y: Real, values: Real, z: Quantity, **options: Any) -> None:
        """Points coloured by their values, with a colour bar; options go to matplotlib."""
        self._sheet.record(
            panel=self.title,
            series=z.name,
            x_name=self._x.name,
            y_name=self._y.name,
            x=x,
            y=y,
            z=values,
        )
        points = self.axes.scatter(x, y, c=values, s=9.0, **options)
        bar = self._sheet.figure.colorbar(points, cax=self.axes.inset_axes((1.03, 0.0, 0.04, 1.0)))
        bar.set_label(z.label(power_of_ten(bar.ax.yaxis)))

    def finish(self) -> None:
        """Move powers of ten from the ticks to the unit, where the axis has a label."""
        for axis, quantity in ((self.axes.xaxis, self._x), (self.axes.yaxis, self._y)):
            power = power_of_ten(axis)
            if power and axis.get_label_text():
                axis.set_label_text(quantity.label(power))

    def _record(self, series: str, x: Real, y: Estimate) -> None:
        self._sheet.record(
            panel=self.title,
            series=series,
            x_name=self._x.name,
            y_name=self._y.name,
            x=x,
            y=y.value,
            y_low=y.low,
            y_high=y.high,
        )


def _labelled(axes: tuple[Axes, ...]) -> dict[str, Any]:
    """What each label of a legend belongs to, without repetitions."""
    handles: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    return handles
