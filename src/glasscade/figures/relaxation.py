"""Figure of a descent: how its speed decays, and that it loses energy by the square of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.figures.data import Estimate, Results, jackknife
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    FAMILY,
    TIME,
    WINDOW,
    Look,
    Quantity,
    few,
    log_decades,
)

Real = npt.NDArray[np.float64]

SPEED = Quantity("speed [mu V0/l0]", "speed", r"$\mu V_0/\ell_0$")
LOSS = Quantity("-dU/dt / N [mu V0^2/l0^2]", r"$-\dot U/N$", r"$\mu V_0^2/\ell_0^2$")
ROOT = Look(FAMILY[0])
MEAN = Look(FAMILY[1], line="--")
LINE = Look(BLACK, line="-.")
MOST = 24
"""Points at most, which would hide the line behind them."""
BELOW = 0.4
"""Factor by which fitted powers are drawn below what they are fitted to."""


def relaxation(results: Results) -> Drawn:
    """Root mean square and mean speed against time, and the loss of energy beside <v²>."""
    sheet = Sheet(1, 2, 3.1)
    # The first output, at t = 0, has no place on a logarithmic axis.
    moving = results.limits.isel(time=slice(1, None), loss_time=slice(1, None))
    _speeds(results, moving, sheet.panel(sheet.axes[0], "speed of a descent", TIME, SPEED))
    _loss(results, moving, sheet.panel(sheet.axes[1], "loss of energy", TIME, LOSS))
    return sheet.finish()


def _speeds(results: Results, moving: xr.Dataset, panel: Panel) -> None:
    time, square = moving["time"].values, moving["speed"] ** 2
    root = Estimate(*(np.sqrt(part) for part in _mean(results, square).parts))
    panel.curve("rms", time, root, ROOT, r"$\langle v^2\rangle^{1/2}$")
    panel.curve("mean", time, _mean(results, moving["mean_speed"]), MEAN, r"$\langle v\rangle$")
    _power(results, panel, time, root.value, -_beta(results, "speed"))


def _loss(results: Results, moving: xr.Dataset, panel: Panel) -> None:
    lost = _mean(results, moving["loss"])
    at, look = moving["loss_time"].values, Look(FAMILY[2], "D", "none", hollow=True)
    shown = few(at, MOST)
    panel.points("energy", at[shown], lost[shown], look, r"$-\dot U/N$ between outputs")
    square = _mean(results, moving["speed"] ** 2)
    panel.curve("square", moving["time"].values, square, ROOT, r"$\langle v^2\rangle$")
    _power(results, panel, at, lost.value, -2.0 * _beta(results, "energy"))


def _beta(results: Results, route: str) -> float:
    return float(results.limits["beta"].sel(route=route))


def _mean(results: Results, array: xr.DataArray) -> Estimate:
    """Mean over realisations with the interval of its logarithm, which is positive."""
    samples = array.transpose("realisation", ...).values
    logarithm = jackknife(lambda s: np.log(s.mean(axis=0)), samples, results.level)
    return Estimate(*(np.exp(part) for part in logarithm.parts))


def _power(results: Results, panel: Panel, time: Real, values: Real, slope: float) -> None:
    """The window, shaded, and the power fitted there, below the points so that both are seen."""
    low, high = results.limits["decay_window"].values
    panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, zorder=0)
    inside = (time >= low) & (time <= high)
    logarithm = np.mean(np.log(values[inside]) - slope * np.log(time[inside]))
    ends = np.array([low, high])
    power = Estimate.exact(BELOW * np.exp(logarithm) * ends**slope)
    panel.curve("fit", ends, power, LINE, rf"$\propto t^{{{slope:.2f}}}$")
    log_decades(panel.axes, "x")
    log_decades(panel.axes, "y")
    panel.axes.legend(loc="lower left")
