"""The look of every figure: fonts, colours, markers, axes and the labels of quantities.

Figures are 178 mm wide, two columns of a journal; type is large enough to be read when they are
shown smaller. Every series has a colour from a palette that colour-blind readers can tell apart
and a marker or a line of its own, so that colour is never the only difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from glasscade.paths import number

Real = npt.NDArray[np.float64]
Colour = tuple[float, float, float]
Place = Callable[[Real], Real]

WIDTH = 178.0 / 25.4
"""Width of a figure in inches."""
DPI = 200
MOST_SERIES = 10
"""Members of an ordered family, temperatures or scales, that one panel shows by lines."""
SMALL = 8.0
"""Size of type inside panels, in points."""
SHORT = 0.6
"""Decades below which a logarithmic axis has a label at every digit."""
SMALL_NUMBERS, LARGE_NUMBERS = 1e-2, 1e4
"""Axes beyond these carry a power of ten in the unit."""

_SETTINGS: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "legend.frameon": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "errorbar.capsize": 2.5,
}

BLACK: Colour = (0.0, 0.0, 0.0)
GREY: Colour = (0.45, 0.45, 0.45)
WINDOW: Colour = (0.90, 0.90, 0.90)
"""Shade of the range of a fit."""
MARGIN: Colour = (0.80, 0.88, 0.94)
"""Shade of the margin of a verdict."""
DIVERGING = "RdBu_r"
"""Signed maps, white at zero."""
ROUGHNESS = "RdBu"
"""Exponents: white at 1/3, red where they are smaller and a flux is not excluded."""
SEQUENTIAL = "cividis"
PALER = 0.5
"""Share of the colour in the face of a pale marker; the rest is white."""
MARKERS = ("o", "s", "^", "D", "v", "<", ">", "p", "d", "h", "P")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

_BLUE, _ORANGE, _GREEN, _RED, _PINK, _BROWN = sns.color_palette("colorblind")[:6]
_ROSE, _, _YELLOW, _SKY = sns.color_palette("colorblind")[6:10]
TERM_COLOUR: dict[str, Colour] = {
    "W": _BLUE,
    "Q_flux": _RED,
    "Q_thermal": _GREEN,
    "Ito": _PINK,
    "residual": _BROWN,
    "N_ni": _ROSE,
    "N_flux": _ORANGE,
    "shear_flux": _YELLOW,
    "shear_ni": _SKY,
}
FAMILY: tuple[Colour, ...] = (_BLUE, _ORANGE, _GREEN, _PINK, _BROWN)
"""Kernels, estimators and other small families without an order."""
BOUND_COLOUR: dict[str, Colour] = {"3xi-1": _RED, "2xi+xiF-1": _ORANGE, "xi+xiF": _GREEN}
FLUX_COLOUR: dict[str, Colour] = {"smeared": _BLUE, "pointwise": _PINK, "product": _BROWN}

TERM_LABEL = {
    "W": r"$W_\ell$",
    "Q_flux": r"$Q^\mathrm{flux}_\ell$",
    "Q_thermal": r"$Q^\mathrm{thermal}_\ell$",
    "Ito": r"$I_\ell$",
    "residual": "residual",
    "N_ni": r"$N^\mathrm{ni}_\ell$",
    "N_flux": r"$N^\mathrm{flux}_\ell$",
    "shear_flux": "shear, flux",
    "shear_ni": "shear, resolved",
}
ESTIMATOR_LABEL = {
    "wavelets": "wavelets",
    "leaders": "wavelet leaders",
    "gradients": "mollified gradients",
    "increments": "increments",
    "second_increments": "second increments",
}
NULL_LABEL = {
    "poisson": "null: Poisson points",
    "liquid": "null: equilibrium liquid",
    "shuffled": "null: shuffled phases",
}
BOUND_LABEL = {
    "3xi-1": r"$3\xi_3^{\rho}-1$",
    "2xi+xiF-1": r"$2\xi_3^{\rho}+\xi_3^{F}-1$",
    "xi+xiF": r"$\xi_3^{\rho}+\xi_3^{F}$",
}
BOUND_LINE = {"3xi-1": ":", "2xi+xiF-1": "--", "xi+xiF": "-."}
FLUX_LABEL = {
    "smeared": r"smeared $Q^\mathrm{flux}_\ell[\varphi]$",
    "pointwise": r"norm $\|Q^\mathrm{flux}_\ell\|_1$",
    "product": r"norm $\||\nabla\bar\rho_\ell||\tau_\ell|\|_1$",
}


@dataclass(frozen=True)
class Look:
    """How a series is drawn."""

    colour: Colour
    marker: str = "o"
    line: Any = "-"
    hollow: bool = False
    pale: bool = False

    @property
    def markers(self) -> dict[str, Any]:
        """Keywords of matplotlib; what lies behind a hollow marker remains visible."""
        paler = tuple(PALER * part + 1.0 - PALER for part in self.colour)
        face = "none" if self.hollow else paler if self.pale else self.colour
        return {"marker": self.marker, "color": self.colour, "markerfacecolor": face}


BEFORE = 0.12
"""How far 0 lies before a logarithmic axis at least, in units of its length."""
CLOSE = 0.8
"""Distance below which two labels of an axis are too close, in units of an even one."""
NULL_LOOK = {
    "poisson": Look(_BLUE, "v", "--"),
    "liquid": Look(_GREEN, "<", "-."),
    "shuffled": Look(_BROWN, "d", ":"),
}


@dataclass(frozen=True)
class Quantity:
    """What an axis shows.

    Attributes
    ----------
    name : str
        Plain name and unit, for data files.
    symbol, unit : str
        For the label of the axis; an empty unit is that of a number.
    """

    name: str
    symbol: str
    unit: str = ""

    def label(self, power: int = 0) -> str:
        """Symbol and unit, with a power of ten that the ticks leave out."""
        factor = rf"$10^{{{power}}}$" if power else ""
        unit = " ".join(part for part in (factor, self.unit) if part)
        return f"{self.symbol} ({unit})" if unit else self.symbol


ELL = Quantity("ell [l0]", r"scale $\ell$", r"$\ell_0$")
TEMPERATURE = Quantity("T [V0/k_B]", "temperature $T$", r"$V_0/k_\mathrm{B}$")
TIME = Quantity("t [l0^2/(mu V0)]", "time $t$", r"$\ell_0^2/\mu V_0$")
ROW = Quantity("row [1]", "")


@contextmanager
def style() -> Iterator[None]:
    """Fonts, lines and legends of all figures."""
    with sns.axes_style("ticks"), sns.plotting_context("paper"), mpl.rc_context(_SETTINGS):
        yield


def ladder(values: Sequence[float] | Real) -> list[Colour]:
    """Colours of an ordered family: black for zero, then dark to light."""
    colours = iter(sns.color_palette("flare_r", int(np.sum(np.asarray(values) > 0.0))))
    return [next(colours) if value > 0.0 else BLACK for value in values]


def looks(values: Sequence[float] | Real) -> list[Look]:
    """A colour and a marker for every member of an ordered family."""
    # The ladder's colour of nothing is for zero: what is negative has one of its own.
    above = np.asarray(values) - min(0.0, 2.0 * float(np.min(values)))
    return [Look(colour, MARKERS[i % len(MARKERS)]) for i, colour in enumerate(ladder(above))]


def few(values: Real, count: int = MOST_SERIES) -> list[int]:
    """Positions of at most `count` values, the first and the last among them."""
    chosen = np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(int)
    return sorted(set(chosen.tolist()))


def of_temperatures(values: Real) -> list[tuple[int, str, Look]]:
    """Position, name and look of every temperature, or of a few of many."""
    chosen = few(values)
    names = [f"T = {number(value)}" for value in values[chosen]]
    return list(zip(chosen, names, looks(values[chosen]), strict=True))


def short(value: float) -> str:
    """Three significant digits, for a tick; data files and legends have all."""
    return f"{value:.3g}"


def log_with_zero(axes: Axes, values: Real, ticks: int = 4) -> Place:
    """A logarithmic x axis with a tick at every value, and a place to the left for x = 0.

    About `ticks` of the positive values have labels: the first, and none that is close to another.

    Returns
    -------
    callable
        Where to draw a value.
    """
    positive = np.unique(values[values > 0.0])
    if positive.size < 2:  # a single value, or none besides zero, spans no logarithm
        axes.xaxis.set_major_locator(FixedLocator(np.unique(values).tolist()))
        return lambda x: np.asarray(x, dtype=np.float64)
    gap, span = positive[1] / positive[0], positive[-1] / positive[0]
    zero = float(positive[0] / max(1.5 * gap, span**BEFORE))
    labels = {float(positive[0]): short(positive[0])}
    for value in positive:
        if value >= max(labels) * span ** (CLOSE / (ticks - 1)):
            labels[float(value)] = short(value)
    low = positive[0]
    if np.any(values == 0.0):
        labels[zero] = "0"
        low = zero
        axes.axvline(np.sqrt(zero * positive[0]), color=GREY, linewidth=0.6, linestyle=(0, (1, 3)))
    axes.set_xscale("log")
    axes.set_xlim(low / gap**0.4, positive[-1] * gap**0.4)
    axes.xaxis.set_major_locator(FixedLocator(sorted(labels)))
    axes.xaxis.set_minor_locator(FixedLocator(positive.tolist()))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _nearest(labels, x)))
    return lambda x: np.where(np.asarray(x) > 0.0, x, zero)


def _nearest(labels: dict[float, str], x: float) -> str:
    return labels[min(labels, key=lambda value: abs(value - x))]


def log_decades(axes: Axes, name: Literal["x", "y"]) -> None:
    """A logarithmic axis with labels at powers of ten, and plain ones between if it spans few."""
    axes.set(**{f"{name}scale": "log"})
    axis = axes.xaxis if name == "x" else axes.yaxis
    low, high = np.log10(axis.get_view_interval())
    axis.set_minor_formatter(NullFormatter())
    if np.floor(high) <= np.ceil(low):
        between = [1.0, 2.0, 5.0] if high - low > SHORT else [float(n) for n in range(1, 10)]
        axis.set_major_locator(LogLocator(subs=between))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def power_of_ten(axis: Axis) -> int:
    """The power of ten a linear axis should leave to its unit; its ticks then leave it out."""
    largest = float(np.max(np.abs(axis.get_view_interval())))
    if axis.get_scale() != "linear" or SMALL_NUMBERS <= largest < LARGE_NUMBERS:
        return 0
    power = int(np.floor(np.log10(largest)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: minus(number(value / 10.0**power))))
    return power


def signed(value: float) -> str:
    """A number for a crowded place: two digits, with a short exponent where it is small."""
    if 10.0 <= abs(value) < LARGE_NUMBERS:
        return minus(f"{value:.0f}")
    if value == 0.0 or SMALL_NUMBERS <= abs(value) < 10.0:
        return minus(f"{value:.2g}")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return minus(f"{mantissa}e{int(exponent)}")


def minus(text: str) -> str:
    """A true minus in place of every hyphen."""
    return text.replace("-", "−")
