"""Figure of a descent: how its speed decays, and that it loses energy by the square of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.figures.data import Estimate, Results
from glasscade.figures.sheet import Drawn, Panel, Sheet
from glasscade.figures.style import (
    BLACK,
    FAMILY,
    GREY,
    TIME,
    WINDOW,
    Look,
    Quantity,
    log_decades,
)
from glasscade.paths import number

Real = npt.NDArray[np.float64]

SPEED = Quantity("speed [mu V0/l0]", "speed", r"$\mu V_0/\ell_0$")
LOSS = Quantity("-dU/dt / N [mu V0^2/l0^2]", r"$-\dot U/N$", r"$\mu V_0^2/\ell_0^2$")
ROOT = Look(FAMILY[0], "o")
MEAN = Look(FAMILY[1], "s", "--", hollow=True)
LINE = Look(BLACK, line="-.")
BELOW = 0.4
"""Factor by which fitted powers are drawn below what they are fitted to."""


def relaxation(results: Results) -> Drawn:
    """Root mean square and mean speed against time, and the loss of energy beside <v²>."""
    sheet = Sheet(1, 2, 3.1)
    low, high = results.limits["decay_window"].values
    # The first output, at t = 0, has no place on a logarithmic axis.
    moving = results.limits.isel(time=slice(1, None))
    time = moving["time"].values
    speed = sheet.panel(sheet.axes[0], "speed of a descent", TIME, SPEED)
    root = results.geometric_mean(moving["speed"])
    _window(speed, low, high)
    speed.points("rms", time, root, ROOT, r"$\langle v^2\rangle^{1/2}$")
    speed.points(
        "mean", time, results.geometric_mean(moving["mean_speed"]), MEAN, r"$\langle v\rangle$"
    )
    beta = float(results.limits["beta"].sel(route="speed"))
    _power(
        speed, time, root.value, -beta, (low, high), rf"$\propto t^{{-{number(round(beta, 3))}}}$"
    )
    loss = sheet.panel(sheet.axes[1], "loss of energy", TIME, LOSS)
    _window(loss, low, high)
    lost = results.limits.isel(loss_time=slice(1, None))
    at, mean = lost["loss_time"].values, results.geometric_mean(lost["loss"])
    loss.points("energy", at, mean, Look(FAMILY[2], "D"), r"$-\dot U/N$ between outputs")
    square = results.geometric_mean(moving["speed"] ** 2)
    loss.curve("square", time, square, Look(FAMILY[0]), r"$\langle v^2\rangle$")
    of_energy = 2.0 * float(results.limits["beta"].sel(route="energy"))
    label = rf"$\propto t^{{-{number(round(of_energy, 3))}}}$"
    _power(loss, at, mean.value, -of_energy, (low, high), label)
    for panel in (speed, loss):
        log_decades(panel.axes, "x")
        log_decades(panel.axes, "y")
        panel.axes.legend(loc="lower left")
    return sheet.finish()


def _window(panel: Panel, low: float, high: float) -> None:
    """The times between which exponents are fitted."""
    panel.axes.axvspan(low, high, color=WINDOW, linewidth=0, zorder=0)
    panel.axes.axvline(low, color=GREY, linewidth=0.6)
    panel.axes.axvline(high, color=GREY, linewidth=0.6)


def _power(
    panel: Panel, time: Real, values: Real, slope: float, window: tuple[float, float], label: str
) -> None:
    """The fitted power over the window, below what it is fitted to so that both are seen."""
    inside = (time >= window[0]) & (time <= window[1])
    logarithm = np.mean(np.log(values[inside]) - slope * np.log(time[inside]))
    ends = np.array(window)
    panel.curve("fit", ends, Estimate.exact(BELOW * np.exp(logarithm) * ends**slope), LINE, label)
