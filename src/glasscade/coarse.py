"""Coarse-graining: the kernels G, the filter of scale ell, and the cumulant τ_ℓ.

    f̄(x) = ∫ G_ℓ(r) f(x + r) dr,   G_ℓ(r) = ℓ^{-d} G(r/ℓ),   τ_ℓ(f,g) = (fg)‾ - f̄ ḡ.

Every kernel is even, non-negative, has integral 1 and second moment ∫|r|² G = 1, so that one ℓ
means the same width for each. (The source paper asks for support in the unit ball as well,
which contradicts the second moment; the second moment is kept.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.integrate import quad

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.radial import SURFACE, Table, scalar_slope, scalar_transform
from glasscade.transforms import Modes, grid_to_modes, mode_counts, modes_to_grid, product

Real = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""A scale is resolved when |Ĝ| stays below this beyond the highest mode."""


class Kernel(ABC):
    """A radial mollifier G with its transform.

    A new one is a subclass with a name, decorated by `register`: most easily of `Compact`, which
    needs no more than a shape. The shared tests put every entry of `KERNELS` through all
    invariants.
    """

    name: ClassVar[str]
    """The word by which configurations and `KERNELS` know it."""
    label: ClassVar[str] = ""
    """What figures and the report call it, by default its name."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.label = cls.__dict__.get("label", getattr(cls, "name", ""))

    @abstractmethod
    def radius(self, dim: int) -> float:
        """The r beyond which G is zero, or below round-off, at ell = 1."""

    @abstractmethod
    def profile(self, r: Real, dim: int) -> Real:
        """G(r) at ell = 1."""

    @abstractmethod
    def transform(self, z: Real, dim: int) -> Real:
        """Ĝ(z) with z = k ell >= 0."""

    @abstractmethod
    def slope(self, z: Real, dim: int) -> Real:
        """dĜ/dz at z >= 0."""

    @abstractmethod
    def band(self, dim: int) -> float:
        """The z = k ell beyond which |Ĝ| < `TOLERANCE`: what a grid must hold."""

    def filter(self, cell: Cell, counts: tuple[int, ...], ell: float) -> Real:
        """Ĝ(|p| ell) on the modes of a cell."""
        k = np.linalg.norm(cell.wavevectors(counts), axis=0)
        return self.transform(k * ell, cell.dim)

    def filter_slope(self, cell: Cell, counts: tuple[int, ...], ell: float) -> Real:
        """(ell/|p|) Ĝ'(|p| ell) on the modes of a cell, zero at p = 0: ∂Ĝ/∂p_l over p_l."""
        k = np.linalg.norm(cell.wavevectors(counts), axis=0)
        return np.asarray(ell * self.slope(k * ell, cell.dim) / np.where(k > 0.0, k, 1.0))


Kind = TypeVar("Kind", bound=type[Kernel])

KERNELS: dict[str, Kernel] = {}
"""The kernels by name, one instance of each class."""


def register(kernel: Kind) -> Kind:
    """Class decorator that enters a kernel into `KERNELS`.

    Raises
    ------
    ConfigError
        If the name is taken.
    """
    if kernel.name in KERNELS:
        taken = type(KERNELS[kernel.name]).__qualname__
        raise ConfigError(f"kernels: the name '{kernel.name}' is taken by {taken}")
    KERNELS[kernel.name] = kernel()
    return kernel


@register
class Gaussian(Kernel):
    """G(r) = (d/2π)^{d/2} exp(-d r²/2), Ĝ(z) = exp(-z²/2d)."""

    name = "gaussian"
    label = "Gaussian"

    def radius(self, dim: int) -> float:
        """G is exp(-40) = 4e-18 of its maximum there."""
        return float(np.sqrt(80.0 / dim))

    def profile(self, r: Real, dim: int) -> Real:
        return np.asarray((dim / (2.0 * np.pi)) ** (dim / 2.0) * np.exp(-0.5 * dim * r * r))

    def transform(self, z: Real, dim: int) -> Real:
        with np.errstate(under="ignore"):
            return np.asarray(np.exp(-z * z / (2.0 * dim)))

    def slope(self, z: Real, dim: int) -> Real:
        return np.asarray(-z / dim * self.transform(z, dim))

    def band(self, dim: int) -> float:
        return float(np.sqrt(-2.0 * dim * np.log(TOLERANCE)))


class Compact(Kernel):
    """A kernel with support r <= a, where a follows from the unit second moment."""

    z_max: ClassVar[float] = 400.0
    """The z = k ell beyond which |Ĝ| is below round-off or 1e-12, and is taken for zero."""
    known_bands: ClassVar[dict[int, float]] = {}
    """`measured_band` of this very class by dimension, so that to plan a study takes no table."""

    @abstractmethod
    def shape(self, s: Real) -> Real:
        """The unnormalised profile as a function of s = r/a, 0 <= s <= 1."""

    def radius(self, dim: int) -> float:
        """a, the radius of the support at ell = 1."""
        return self._normalisation(dim)[0]

    def profile(self, r: Real, dim: int) -> Real:
        radius, amplitude = self._normalisation(dim)
        s = np.minimum(np.abs(r) / radius, 1.0)
        return amplitude * self.shape(s)

    def transform(self, z: Real, dim: int) -> Real:
        """Ĝ(z) from a table; zero beyond `z_max`."""
        return self._tabulated("transform", z, dim)

    def slope(self, z: Real, dim: int) -> Real:
        """dĜ/dz from a table; zero beyond `z_max`."""
        return self._tabulated("slope", z, dim)

    def band(self, dim: int) -> float:
        known = type(self).__dict__.get("known_bands", {})
        return float(known[dim]) if dim in known else measured_band(self, dim)

    def _normalisation(self, dim: int) -> tuple[float, float]:
        return _normalisation(self, dim)

    def _tabulated(self, name: str, z: Real, dim: int) -> Real:
        values = np.zeros(z.shape)
        inside = z < self.z_max
        values[inside] = _table(self, name, dim)(z[inside])
        return values

    def tabulate(self, name: str, dim: int) -> Table:
        """The table behind `transform` or `slope`, built once for each dimension."""
        radius = self.radius(dim)
        function, parity = {"transform": (scalar_transform, 1), "slope": (scalar_slope, -1)}[name]
        return Table(
            lambda z: function(lambda r: self.profile(r, dim), (radius,), z, dim),
            reach=radius,
            k_max=self.z_max,
            parity=parity,
        )


@cache
def _normalisation(kernel: Compact, dim: int) -> tuple[float, float]:
    def moment(power: int) -> float:
        return float(quad(lambda s: float(kernel.shape(np.array(s))) * s**power, 0.0, 1.0)[0])

    mass = SURFACE[dim] * moment(dim - 1)
    radius = float(np.sqrt(mass / (SURFACE[dim] * moment(dim + 1))))
    return radius, 1.0 / (mass * radius**dim)


@cache
def _table(kernel: Compact, name: str, dim: int) -> Table:
    return kernel.tabulate(name, dim)


@cache
def measured_band(kernel: Compact, dim: int) -> float:
    """`band` from the table of the transform, to a hundredth."""
    z = np.linspace(0.0, kernel.z_max, round(100.0 * kernel.z_max) + 1)
    above = np.flatnonzero(np.abs(kernel.transform(z, dim)) >= TOLERANCE)
    # The last z is z_max, where the transform is zero by its definition.
    return float(z[above[-1] + 1])


@register
class WendlandC6(Compact):
    """(1-s)^8 (32 s³ + 25 s² + 8 s + 1): six derivatives, Ĝ ~ z^{-(d+7)}, positive for d <= 3."""

    name = "wendland_c6"
    label = "Wendland C⁶"
    known_bands: ClassVar[dict[int, float]] = {1: 9.63, 2: 11.69, 3: 12.63}

    def shape(self, s: Real) -> Real:
        return np.asarray((1.0 - s) ** 8 * (((32.0 * s + 25.0) * s + 8.0) * s + 1.0))


@register
class Bump(Compact):
    """exp(-1/(1-s²)): infinitely smooth with compact support, Ĝ ~ exp(-sqrt z)."""

    name = "bump"
    label = "smooth bump"
    z_max = 1000.0
    known_bands: ClassVar[dict[int, float]] = {1: 55.160000000000004, 2: 54.73, 3: 50.85}

    def shape(self, s: Real) -> Real:
        gap = 1.0 - s * s
        open_support = gap > 1e-3  # exp(-1000) is zero in double precision
        return np.where(open_support, np.exp(-1.0 / np.where(open_support, gap, 1.0)), 0.0)


GAUSSIAN = KERNELS["gaussian"]
WENDLAND = KERNELS["wendland_c6"]
BUMP = KERNELS["bump"]


def cumulant(f_hat: Modes, g_hat: Modes, filter_: Real, cell: Cell) -> Modes:
    """τ_ℓ(f,g) = (fg)‾ - f̄ ḡ from the modes of f and g and the filter Ĝ on them."""
    smooth = product(f_hat, g_hat, cell) * filter_
    return smooth - product(f_hat * filter_, g_hat * filter_, cell)


def cumulant_by_increments(f: Real, g: Real, weights: Real) -> Real:
    """τ_ℓ(f,g) = (δf δg)‾ - (δf)‾ (δg)‾ on a grid, averages over r at fixed x (Eq. 33).

    The flux in terms of increments δf(r;x) = f(x+r) - f(x), for one realisation: the analogue of
    the 4/5 law. Cost O(n²); it serves as the reference of `cumulant`.

    Parameters
    ----------
    f, g : grid arrays
    weights : grid array
        G_ℓ(r) times the cell of the grid at every displacement r, sum 1; see `grid_weights`.
    """
    both, first, second = np.zeros_like(f), np.zeros_like(f), np.zeros_like(f)
    axes = tuple(range(f.ndim))
    for shift in np.ndindex(*weights.shape):
        weight = weights[shift]
        df = np.roll(f, tuple(-s for s in shift), axes) - f
        dg = np.roll(g, tuple(-s for s in shift), axes) - g
        both += weight * df * dg
        first += weight * df
        second += weight * dg
    return both - first * second


def grid_weights(filter_: Real, cell: Cell, shape: tuple[int, ...]) -> Real:
    """The periodic, band-limited kernel on the grid: its transform is exactly `filter_`."""
    weights = modes_to_grid(filter_.astype(np.complex128), cell, shape)
    return weights * (cell.volume / np.prod(shape))


def mollify(values: Real, kernel: Kernel, ell: float, cell: Cell) -> Real:
    """f̄_ℓ on the grid of f (its Nyquist mode, of ambiguous sign, is dropped)."""
    modes = grid_to_modes(values, cell)
    counts = mode_counts(modes, cell.dim)
    return modes_to_grid(modes * kernel.filter(cell, counts, ell), cell, values.shape[-cell.dim :])
