"""The look of every figure: fonts, colours, markers, axes and the labels of quantities.

Figures are 178 mm wide, two columns of a journal; type is large enough to be read when they are
shown smaller. Every series has a colour from a palette that colour-blind readers can tell apart
and a marker or a line of its own, so that colour is never the only difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from glasscade.paths import number

Real = npt.NDArray[np.float64]
Colour = tuple[float, float, float]
Place = Callable[[Real], Real]

WIDTH = 178.0 / 25.4
"""Width of a figure in inches."""
DPI = 200
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
BLACK: Colour = (0.0, 0.0, 0.0)
GREY: Colour = (0.45, 0.45, 0.45)
WINDOW: Colour = (0.90, 0.90, 0.90)
"""Shade of the range of a fit."""
MARGIN: Colour = (0.80, 0.88, 0.94)
"""Shade of the margin of a verdict."""
DIVERGING = "RdBu_r"
"""Signed maps, white at zero."""
SEQUENTIAL = "cividis"

_OKABE = sns.color_palette("colorblind")
TERM_COLOUR: dict[str, Colour] = {
    "W": _OKABE[0],
    "Q_flux": _OKABE[3],
    "Q_thermal": _OKABE[2],
    "sum": BLACK,
    "change": BLACK,
}
TERM_LABEL = {
    "W": r"$W_\ell$",
    "Q_flux": r"$Q^\mathrm{flux}_\ell$",
    "Q_thermal": r"$Q^\mathrm{thermal}_\ell$",
    "sum": "sum of the terms",
    "change": r"$\Delta\sigma^\mathrm{ni}_\ell$",
}
KERNEL_LABEL = {"gaussian": "Gaussian", "wendland_c6": "Wendland $C^6$", "bump": "$C^\\infty$ bump"}
ESTIMATOR_LABEL = {
    "wavelets": "wavelets",
    "gradients": "mollified gradients",
    "increments": "increments",
}
SCALE_COLOUR: tuple[Colour, ...] = (_OKABE[2], _OKABE[0], _OKABE[4])
KERNEL_COLOUR: tuple[Colour, ...] = (_OKABE[0], _OKABE[1], _OKABE[2], _OKABE[4])
ESTIMATOR_COLOUR: tuple[Colour, ...] = (_OKABE[0], _OKABE[1], _OKABE[2])
BOUND_COLOUR = {"3xi-1": _OKABE[3], "2xi+xiF-1": _OKABE[1], "xi+xiF": _OKABE[2]}
BOUND_LABEL = {
    "3xi-1": r"$3\xi_3-1$",
    "2xi+xiF-1": r"$2\xi_3^{\rho}+\xi_3^{F}-1$",
    "xi+xiF": r"$\xi_3^{\rho}+\xi_3^{F}$",
}
BOUND_LINE = {"3xi-1": ":", "2xi+xiF-1": "--", "xi+xiF": "-."}

FLUX_COLOUR: dict[str, Colour] = {
    "smeared": _OKABE[0],
    "pointwise": _OKABE[4],
    "product": _OKABE[5],
}
FLUX_LABEL = {
    "smeared": r"$Q^\mathrm{flux}_\ell[\varphi]$",
    "pointwise": r"$\|Q^\mathrm{flux}_\ell\|_1$",
    "product": r"$\||\nabla\bar\rho_\ell||\tau_\ell|\|_1$",
}


@dataclass(frozen=True)
class Quantity:
    """What an axis shows: a name with its unit for data files, and a label for the figure."""

    name: str
    label: str


ELL = Quantity("ell [l0]", r"scale $\ell$ ($\ell_0$)")
TEMPERATURE = Quantity("T_v [V0/k_B]", r"temperature $T$ ($V_0/k_\mathrm{B}$)")
TIME = Quantity("t [l0^2/(mu V0)]", r"time $t$ ($\ell_0^2/\mu V_0$)")
ORDER = Quantity("q [1]", "order $q$ (dimensionless)")
HURST = Quantity("H [1]", "known exponent $H$ (dimensionless)")


@contextmanager
def style() -> Iterator[None]:
    """Fonts, lines and legends of all figures."""
    with sns.axes_style("ticks"), sns.plotting_context("paper"), mpl.rc_context(_SETTINGS):
        yield


_SETTINGS = {
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "font.size": 9.5,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2.5,
}


def ladder(values: Sequence[float]) -> list[Colour]:
    """Colours of an ordered family: black for zero, then dark to light."""
    positive = sum(value > 0.0 for value in values)
    colours = iter(sns.color_palette("flare_r", positive))
    return [next(colours) if value > 0.0 else BLACK for value in values]


def few(values: Real, count: int) -> list[int]:
    """Positions of at most `count` values, the first and the last among them."""
    return sorted(set(np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(int)))


def log_with_zero(axis: Axes, values: Real, ticks: int = 4) -> Place:
    """A logarithmic x axis with ticks at the values, and a place to the left for x = 0.

    Returns
    -------
    callable
        Where to draw a value.
    """
    positive = np.unique(values[values > 0.0])
    zero = positive[0] ** 2 / positive[1] / 1.3 if positive.size > 1 else 0.5 * positive[0]

    def place(x: Real) -> Real:
        return np.where(np.asarray(x) > 0.0, x, zero)

    shown = [float(positive[index]) for index in few(positive, ticks)]
    labels = {value: number(value) for value in shown}
    if np.any(values == 0.0):
        labels = {zero: "0", **labels}
        edge = np.sqrt(zero * positive[0])
        axis.axvline(edge, color=GREY, linewidth=0.6, linestyle=(0, (1, 3)))
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator(list(labels)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _nearest(labels, x)))
    return place


def _nearest(labels: dict[float, str], x: float) -> str:
    return labels[min(labels, key=lambda value: abs(value - x))]
