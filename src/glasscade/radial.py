"""Fourier transforms of radial functions, by quadrature and by table.

For a radial f and the tensor W_ij(y) = y_i ∂_jV(y) = y_i y_j V'(r)/r only these are needed:

    f_hat(k)  = S_d ∫ f(r) Λ(kr) r^{d-1} dr,        Λ = cos, J0, j0         for d = 1, 2, 3,
    W_hat_ij  = T δ_ij + (L - T) k_i k_j / k²,
    T(k)      = S_d ∫ V'(r) t(kr) r^d dr,           t = sin z/z, J1(z)/z, j1(z)/z,
    L(k)      = S_d ∫ V'(r) l(kr) r^d dr,           l = Λ - (d-1) t,

with S_d = 2, 2π, 4π. T = -V_hat, because W_hat_ij = -∂(k_j V_hat)/∂k_i.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline, make_interp_spline
from scipy.special import j0, j1, spherical_jn

Real = npt.NDArray[np.float64]
Radial = Callable[[Real], Real]

SURFACE = {1: 2.0, 2: 2.0 * np.pi, 3: 4.0 * np.pi}
SPLINE_DEGREE = 7
TABLE_STEP = 0.1
"""Spacing of a table times the range of the function: a degree-7 spline then errs below 1e-13
of the maximum, since a transform of a function of range R is band-limited to R."""
PANEL_PHASE = 180.0
EXTRA_NODES = 32
"""Enough for a Gaussian of 6.5 widths, or for the compact kernels, to 1e-14."""
CHUNK = 2_000_000


def isotropic(z: Real, dim: int) -> Real:
    """Λ(z), the average of exp(-i k·y) over directions."""
    if dim == 1:
        return np.cos(z)
    return np.asarray(j0(z)) if dim == 2 else np.sinc(z / np.pi)


def transverse(z: Real, dim: int) -> Real:
    """t(z), the average of (component of y across k)² exp(-i k·y) / r²; sin z/z in 1D."""
    if dim == 1:
        return np.sinc(z / np.pi)
    small = z < 1e-4
    safe = np.where(small, 1.0, z)
    limit = 1.0 / dim - z * z / (2.0 * dim * (dim + 2.0))
    bessel = j1(safe) if dim == 2 else spherical_jn(1, safe)
    return np.where(small, limit, bessel / safe)


def scalar_transform(f: Radial, breaks: tuple[float, ...], k: Real, dim: int) -> Real:
    """f_hat(k) of a radial function that is smooth between `breaks` and zero beyond the last."""
    return _integrate(lambda r: f(r) * r ** (dim - 1), breaks, k, dim, (isotropic,))[0]


def virial_transform(
    slope: Radial, breaks: tuple[float, ...], k: Real, dim: int
) -> tuple[Real, Real]:
    """(T, L) of W_ij from V'(r), smooth between `breaks` and zero beyond the last."""
    across, mean = _integrate(lambda r: slope(r) * r**dim, breaks, k, dim, (transverse, isotropic))
    return across, mean - (dim - 1) * across


def _integrate(
    integrand: Radial,
    breaks: tuple[float, ...],
    k: Real,
    dim: int,
    weights: tuple[Callable[[Real, int], Real], ...],
) -> list[Real]:
    """S_d ∫ integrand(r) w(kr) dr for each weight w, by Gauss-Legendre between breaks."""
    nodes, node_weights = radial_nodes(breaks, float(np.max(k, initial=0.0)))
    amplitude = SURFACE[dim] * node_weights * integrand(nodes)
    flat = k.ravel()
    results = [np.empty(flat.size) for _ in weights]
    step = max(1, CHUNK // nodes.size)
    for start in range(0, flat.size, step):
        z = np.outer(flat[start : start + step], nodes)
        for result, weight in zip(results, weights, strict=True):
            result[start : start + step] = weight(z, dim) @ amplitude
    return [result.reshape(k.shape) for result in results]


def radial_nodes(breaks: tuple[float, ...], k_max: float) -> tuple[Real, Real]:
    """Gauss-Legendre nodes and weights on 0 <= r <= breaks[-1] for f(r) exp(±i k r), k <= k_max.

    f is smooth between breaks. Long intervals are cut into panels, since the rules for very many
    nodes are slow to compute. Each panel has 0.6 nodes per radian of phase (half a node is the
    limit of convergence) and `EXTRA_NODES` for f.
    """
    edges = [0.0]
    for low, high in zip((0.0, *breaks[:-1]), breaks, strict=True):
        panels = max(1, int(np.ceil(k_max * (high - low) / PANEL_PHASE)))
        edges.extend(np.linspace(low, high, panels + 1)[1:])
    nodes, weights = [], []
    for low, high in pairwise(edges):
        half = 0.5 * (high - low)
        x, w = _legendre(EXTRA_NODES + int(np.ceil(1.2 * k_max * half)))
        nodes.append(low + half * (x + 1.0))
        weights.append(half * w)
    return np.concatenate(nodes), np.concatenate(weights)


@cache
def _legendre(count: int) -> tuple[Real, Real]:
    return np.polynomial.legendre.leggauss(count)


def table_size(reach: float, k_max: float) -> int:
    """Number of entries of a table, a few of them beyond k_max to keep its end accurate."""
    return int(np.ceil(k_max * reach / TABLE_STEP)) + SPLINE_DEGREE + 2


class Table:
    """An even function of k, tabulated on 0 <= k <= k_max and evaluated by a spline."""

    def __init__(self, function: Callable[[Real], Real], reach: float, k_max: float) -> None:
        """Tabulate `function`, whose inverse transform vanishes beyond `reach`."""
        count = table_size(reach, k_max)
        half = np.linspace(0.0, (count - 1) * TABLE_STEP / reach, count)
        values = function(half)
        mirrored = slice(SPLINE_DEGREE, 0, -1)
        abscissae = np.concatenate([-half[mirrored], half])
        self._spline: BSpline = make_interp_spline(
            abscissae, np.concatenate([values[mirrored], values]), k=SPLINE_DEGREE
        )

    def __call__(self, k: Real) -> Real:
        """Values at any |k| <= k_max."""
        return np.asarray(self._spline(k))
