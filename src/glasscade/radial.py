"""Fourier transforms of radial functions, by quadrature and by table.

For a radial f and the tensor W_ij(y) = y_i ∂_jV(y) = y_i y_j V'(r)/r only these are needed:

    f_hat(k)  = S_d ∫ f(r) Λ(kr) r^{d-1} dr,        Λ = cos, J0, j0         for d = 1, 2, 3,
    W_hat_ij  = T δ_ij + (L - T) k_i k_j / k²,
    T(k)      = S_d ∫ V'(r) t(kr) r^d dr,           t = sin z/z, J1(z)/z, j1(z)/z,
    L(k)      = S_d ∫ V'(r) l(kr) r^d dr,           l = Λ - (d-1) t,
    S(s)      = ∫ V'(r) sin(rs) r^{d-1} dr          along one direction,

with S_d = 2, 2π, 4π. T = -V_hat, because W_hat_ij = -∂(k_j V_hat)/∂k_i. Under an affine
deformation W_hat changes by dT/dk and dL/dk, with t' = -j1(z), -J2(z)/z, -j2(z)/z and
Λ' = -sin z, -J1(z), -j1(z).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import factorial

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline, make_interp_spline
from scipy.special import j0, j1, jv, spherical_jn

from glasscade.jit import jit

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
GRADING = 16.0
"""Ratio of neighbouring panels towards a singular point. Gauss-Legendre with n nodes converges as
((√16 - 1)/(√16 + 1))^{2n} on a panel that far from it, 6e-15 for 32."""


def isotropic(z: Real, dim: int) -> Real:
    """Λ(z), the average of exp(-i k·y) over directions."""
    if dim == 1:
        return np.cos(z)
    return np.asarray(j0(z)) if dim == 2 else np.sinc(z / np.pi)


def transverse(z: Real, dim: int) -> Real:
    """t(z), the average of (component of y across k)² exp(-i k·y) / r²; sin z/z in 1D."""
    if dim == 1:
        return np.sinc(z / np.pi)
    small = np.abs(z) < 1e-4
    safe = np.where(small, 1.0, z)
    limit = 1.0 / dim - z * z / (2.0 * dim * (dim + 2.0))
    bessel = j1(safe) if dim == 2 else spherical_jn(1, safe)
    return np.where(small, limit, bessel / safe)


def isotropic_slope(z: Real, dim: int) -> Real:
    """Λ'(z)."""
    if dim == 1:
        return -np.sin(z)
    return np.asarray(-j1(z) if dim == 2 else -spherical_jn(1, z))


def transverse_slope(z: Real, dim: int) -> Real:
    """t'(z) = (l(z) - t(z))/z, without the cancellation of that difference; 0 at z = 0."""
    if dim == 1:
        return np.asarray(-spherical_jn(1, z))
    safe = np.where(z == 0.0, 1.0, z)
    return np.asarray(-(jv(2, z) if dim == 2 else spherical_jn(2, z)) / safe)


def scalar_transform(f: Radial, breaks: tuple[float, ...], k: Real, dim: int) -> Real:
    """f_hat(k) of a radial function that is smooth between `breaks` and zero beyond the last."""
    return _integrate(lambda r: SURFACE[dim] * f(r) * r ** (dim - 1), breaks, k, dim, (isotropic,))[
        0
    ]


def scalar_slope(f: Radial, breaks: tuple[float, ...], k: Real, dim: int) -> Real:
    """d f_hat/dk of the same function."""
    return _integrate(lambda r: SURFACE[dim] * f(r) * r**dim, breaks, k, dim, (isotropic_slope,))[0]


def virial_transform(
    slope: Radial, breaks: tuple[float, ...], k: Real, dim: int
) -> tuple[Real, Real]:
    """(T, L) of W_ij from V'(r), smooth between `breaks` and zero beyond the last."""
    across, mean = _integrate(
        lambda r: SURFACE[dim] * slope(r) * r**dim, breaks, k, dim, (transverse, isotropic)
    )
    return across, mean - (dim - 1) * across


def affine_transform(
    slope: Radial, breaks: tuple[float, ...], k: Real, dim: int
) -> tuple[Real, Real]:
    """(dT/dk, dL/dk) of the same T and L, both odd in k."""
    across, mean = _integrate(
        lambda r: SURFACE[dim] * slope(r) * r ** (dim + 1),
        breaks,
        k,
        dim,
        (transverse_slope, isotropic_slope),
    )
    return across, mean - (dim - 1) * across


def directional_transform(slope: Radial, breaks: tuple[float, ...], s: Real, dim: int) -> Real:
    """S(s) = ∫ V'(r) sin(rs) r^{d-1} dr, odd in s."""
    return _integrate(
        lambda r: slope(r) * r ** (dim - 1), breaks, s, dim, (lambda z, _: np.sin(z),)
    )[0]


def _integrate(
    integrand: Radial,
    breaks: tuple[float, ...],
    k: Real,
    dim: int,
    weights: tuple[Callable[[Real, int], Real], ...],
) -> list[Real]:
    """∫ integrand(r) w(kr) dr for each weight w, by Gauss-Legendre between breaks."""
    nodes, node_weights = radial_nodes(breaks, float(np.max(np.abs(k), initial=0.0)))
    amplitude = node_weights * integrand(nodes)
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


def graded(singular: float, smooth: float, smallest: float) -> tuple[float, ...]:
    """Radii between which Gauss-Legendre converges fast for a power of |r - singular|.

    Their distances from `singular` fall by `GRADING` from |smooth - singular|, which is left out,
    until one is `smallest` or less; in increasing order.
    """
    gap, radii = (smooth - singular) / GRADING, []
    while abs(gap) * GRADING > smallest:
        radii.append(singular + gap)
        gap /= GRADING
    return tuple(sorted(radii))


@cache
def _legendre(count: int) -> tuple[Real, Real]:
    return np.polynomial.legendre.leggauss(count)


def table_size(reach: float, k_max: float) -> int:
    """Number of entries of a table, a few of them beyond k_max to keep its end accurate."""
    return int(np.ceil(k_max * reach / TABLE_STEP)) + SPLINE_DEGREE + 2


class Table:
    """An even or odd function of k, tabulated on 0 <= k <= k_max and evaluated by a spline."""

    def __init__(
        self, function: Callable[[Real], Real], reach: float, k_max: float, parity: int = 1
    ) -> None:
        """Tabulate `function`, whose inverse transform vanishes beyond `reach`.

        `parity` is 1 for a function that is even in k, -1 for one that is odd.
        """
        count = table_size(reach, k_max)
        step = TABLE_STEP / reach
        half = np.asarray(step * np.arange(count), dtype=np.float64)
        values = function(half)
        mirrored = slice(SPLINE_DEGREE, 0, -1)
        abscissae = np.concatenate([-half[mirrored], half])
        spline = make_interp_spline(
            abscissae, np.concatenate([parity * values[mirrored], values]), k=SPLINE_DEGREE
        )
        self._odd = parity < 0
        self._step = step
        self._columns = values.shape[1:]
        self._taylor = _taylor(spline, half, step)

    def __call__(self, k: Real) -> Real:
        """Values at any |k| <= k_max, of the shape of k and the columns of the function."""
        flat = np.ravel(k)
        values = np.empty((flat.size, self._taylor.shape[1]))
        _evaluate(self._taylor, 1.0 / self._step, flat, self._odd, values)
        return values.reshape(*np.shape(k), *self._columns)


def _taylor(spline: BSpline, nodes: Real, step: float) -> Real:
    """The polynomial of each interval in units of the step, (nodes, columns, degree + 1).

    The knots of the spline are nodes, so that its Taylor series at a node is the spline itself up
    to the next one; a uniform table is evaluated many times as fast as a spline.
    """
    orders = range(spline.k + 1)
    terms = [spline.derivative(n)(nodes) * step**n / factorial(n) for n in orders]
    return np.ascontiguousarray(np.stack([t.reshape(len(nodes), -1) for t in terms], axis=-1))


@jit
def _evaluate(taylor: Real, inverse_step: float, k: Real, odd: bool, values: Real) -> None:
    """Polynomials at |k|, with the sign of k for an odd function."""
    last = taylor.shape[0] - 1
    for i in range(k.size):
        x = abs(k[i]) * inverse_step
        node = min(int(x), last)
        x -= node
        sign = -1.0 if odd and k[i] < 0.0 else 1.0
        for column in range(taylor.shape[1]):
            coefficients = taylor[node, column]
            value = 0.0
            for n in range(coefficients.size - 1, -1, -1):
                value = value * x + coefficients[n]
            values[i, column] = sign * value
