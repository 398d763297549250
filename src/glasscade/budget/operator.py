"""The Irving-Kirkwood bilinear operator, the only way from densities to stresses.

    B_ij[f,g](x) = ½ ∫dy W_ij(y) ∫_0^1 dλ f(x - λy) g(x + (1-λ)y),     W_ij(y) = y_i ∂_jV(y)

It is symmetric, B[f,g] = B[g,f], and in Fourier space

    B_hat(q) = 1/(2|Ω|) Σ_p f_hat(p) g_hat(q-p) ∫_0^1 W_hat(p - λq) dλ,

so that low modes of B, all that a smooth test function sees, cost one weighted sum each, and
q = 0 is the box total. Tensor components are stored once each, in the order of `components`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.jit import jit
from glasscade.potentials import Mixture, Potential
from glasscade.radial import radial_nodes
from glasscade.transforms import Modes, grid_to_modes, mode_counts, modes_to_grid

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]


def components(dim: int) -> list[tuple[int, int]]:
    """The independent components ij of a symmetric tensor: xx, xy, yy in two dimensions."""
    return [(i, j) for i in range(dim) for j in range(i, dim)]


def full_tensor(values: npt.NDArray[np.float64], dim: int) -> Real:
    """(..., component) to (..., i, j)."""
    index = np.zeros((dim, dim), dtype=np.int64)
    for number, (i, j) in enumerate(components(dim)):
        index[i, j] = index[j, i] = number
    return np.asarray(values[..., index])


def virial_tensor(potential: Potential, k: Real) -> Real:
    """W_hat_ij(k) for wavevectors k of shape (d, ...); shape (components, ...)."""
    dim = k.shape[0]
    norm = np.linalg.norm(k, axis=0)
    across, along = potential.virial(norm, dim)
    difference = (along - across) / np.where(norm > 0.0, norm, 1.0) ** 2
    return np.array([across * (i == j) + difference * k[i] * k[j] for i, j in components(dim)])


@dataclass(frozen=True, eq=False)
class VirialTable:
    """½/|Ω| ∫_0^1 W_hat(p - λq) dλ on the modes p of a cell, for each stored q.

    Built once for a cell, a set of modes and a mixture, it serves every pair of fields.

    Attributes
    ----------
    q : (n_q, d) integers
        The modes of B wanted; q = 0 alone gives box totals.
    weight : (potentials, n_q, components, 2M_1+1, ..., 2M_d+1)
    which : (S, S) integers
        The potential of each pair of species, an index into `weight`.
    """

    q: Integer
    weight: Real
    which: Integer

    @classmethod
    def build(
        cls, mixture: Mixture, cell: Cell, counts: tuple[int, ...], q: Integer
    ) -> VirialTable:
        """Integrate over λ by Gauss-Legendre, with nodes for the phase |q| times the range."""
        distinct = list(dict.fromkeys(potential for _, _, potential in mixture.pairs()))
        which = np.empty((mixture.species, mixture.species), dtype=np.int64)
        for a, b, potential in mixture.pairs():
            which[a, b] = distinct.index(potential)
        weight = np.array([_line_average(potential, cell, counts, q) for potential in distinct])
        return cls(q=q, weight=weight, which=which)

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return int(self.q.shape[1])


def _line_average(potential: Potential, cell: Cell, counts: tuple[int, ...], q: Integer) -> Real:
    """½/|Ω| ∫_0^1 W_hat(p - λq) dλ, shape (n_q, components, modes)."""
    p = cell.wavevectors(counts)
    average = np.zeros((len(q), len(components(cell.dim)), *p.shape[1:]))
    for row, index in zip(average, q, strict=True):
        shift = cell.reciprocal(index.astype(np.float64))
        for node, share in zip(*_lambda_nodes(shift, potential.cutoff), strict=True):
            moved = p - node * shift.reshape(-1, *([1] * cell.dim))
            row += (0.5 * share / cell.volume) * virial_tensor(potential, moved)
    return average


def _lambda_nodes(shift: Real, reach: float) -> tuple[Real, Real]:
    """Gauss-Legendre nodes on [0,1] for exp(iλz), |z| <= |q|·range.

    The remainder of n nodes is at most z^{2n} (n!)⁴ / ((2n+1) ((2n)!)³), here below 1e-14.
    """
    phase = float(np.linalg.norm(shift)) * reach
    count = 1
    while phase > 0.0 and _log_remainder(phase, count) > log(1e-14):
        count += 1
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.5 * (x + 1.0), 0.5 * w


def _log_remainder(z: float, n: int) -> float:
    """Logarithm of the bound above: its factorials overflow for phases beyond 80."""
    return 2 * n * log(z) + 4 * lgamma(n + 1) - log(2 * n + 1) - 3 * lgamma(2 * n + 1)


def bilinear(f_hat: Modes, g_hat: Modes, table: VirialTable, pairs: Integer) -> Modes:
    """Σ_ss' B_hat^{ss'}_ij[f_s, g_s'](q) for listed pairs of fields, at the modes q of the table.

    Parameters
    ----------
    f_hat : (S, m, 2M_1+1, ..., 2M_d+1)
        Modes of m fields for each species.
    g_hat : (S, n, 2M_1+1, ..., 2M_d+1)
        Modes of n fields for each species.
    table : VirialTable
        For the same cell, modes and mixture.
    pairs : (n_pairs, 2) integers
        Which of the m fields meets which of the n.

    Returns
    -------
    (n_pairs, n_q, components) complex
        Modes of B; the first is the integral of B over the box when q[0] = 0.
    """
    reach = int(np.max(np.abs(table.q), initial=0))
    space = (1,) * (3 - table.dim)
    padding = [(0, 0)] * 2 + [(reach, reach)] * table.dim
    mirrored = np.pad(np.flip(g_hat, axis=tuple(range(-table.dim, 0))), padding)  # g_hat(-p)
    f = f_hat.reshape(*f_hat.shape[:2], *space, *f_hat.shape[2:])
    g = mirrored.reshape(*mirrored.shape[:2], *space, *mirrored.shape[2:])
    weight = table.weight.reshape(*table.weight.shape[:3], *f.shape[2:])
    # g_hat(q - p) for the p of index i stands at i + reach - q along each axis.
    starts = np.zeros((len(table.q), 3), dtype=np.int64)
    starts[:, 3 - table.dim :] = reach - table.q
    out = np.zeros((2, len(pairs), len(table.q), table.weight.shape[2]))
    f_re, f_im, g_re, g_im = map(np.ascontiguousarray, (f.real, f.imag, g.real, g.imag))
    chosen = np.asarray(pairs, dtype=np.int64)
    _accumulate(weight, table.which, f_re, f_im, g_re, g_im, starts, chosen, out)
    return np.asarray(out[0] + 1j * out[1])


@jit
def _accumulate(
    weight: Real,
    which: Integer,
    f_re: Real,
    f_im: Real,
    g_re: Real,
    g_im: Real,
    starts: Integer,
    pairs: Integer,
    out: Real,
) -> None:
    """Add Σ_p [Σ_s weight_ss'(p) f_s(p)] g_s'(q-p) to `out`, row by row of the last axis.

    The inner sum is shared by all fields g; real and imaginary parts are kept apart, and each
    loop runs over one contiguous row, so that the compiler can vectorise it.
    """
    species, fields, planes, rows, length = f_re.shape
    tensors = weight.shape[2]
    sum_re = np.empty((fields, tensors, length))
    sum_im = np.empty((fields, tensors, length))
    for q in range(starts.shape[0]):
        first = starts[q, 2]
        for plane in range(planes):
            for row in range(rows):
                for b in range(species):
                    _weigh(weight, which[:, b], f_re, f_im, q, plane, row, sum_re, sum_im)
                    for n in range(pairs.shape[0]):
                        left, right = pairs[n, 0], pairs[n, 1]
                        line_re = g_re[b, right, plane + starts[q, 0], row + starts[q, 1]]
                        line_im = g_im[b, right, plane + starts[q, 0], row + starts[q, 1]]
                        x = line_re[first : first + length]
                        y = line_im[first : first + length]
                        for c in range(tensors):
                            re, im = _complex_dot(sum_re[left, c], sum_im[left, c], x, y)
                            out[0, n, q, c] += re
                            out[1, n, q, c] += im


@jit
def _weigh(
    weight: Real,
    which: Integer,
    f_re: Real,
    f_im: Real,
    q: int,
    plane: int,
    row: int,
    sum_re: Real,
    sum_im: Real,
) -> None:
    """Σ_s weight_ss'(p) f_s(p) along one row, for every field and tensor component."""
    species, fields = f_re.shape[:2]
    sum_re[:] = 0.0
    sum_im[:] = 0.0
    for a in range(species):
        for c in range(weight.shape[2]):
            factor = weight[which[a], q, c, plane, row]
            for m in range(fields):
                re, im = f_re[a, m, plane, row], f_im[a, m, plane, row]
                total_re, total_im = sum_re[m, c], sum_im[m, c]
                for i in range(factor.size):
                    total_re[i] += factor[i] * re[i]
                    total_im[i] += factor[i] * im[i]


@jit
def _complex_dot(a_re: Real, a_im: Real, b_re: Real, b_im: Real) -> tuple[float, float]:
    """Σ_i a_i b_i."""
    re = 0.0
    im = 0.0
    for i in range(a_re.size):
        re += a_re[i] * b_re[i] - a_im[i] * b_im[i]
        im += a_re[i] * b_im[i] + a_im[i] * b_re[i]
    return re, im


def bilinear_map(
    f_hat: Modes, g_hat: Modes, cell: Cell, potential: Potential, shape: tuple[int, ...]
) -> Real:
    """The full field Σ_c B_ij[f_c, g_c](x) on a grid, contracted over the leading axis c.

    The integral over y is a sum over quadrature nodes y_m; the integral over λ is exact:
    B_hat(q) += ½ w_m W(y_m) e^{-iq·y_m/2} sinc(q·y_m/2) P_hat_m(q), P_m(x) = f(x) g(x + y_m).
    The nodes resolve the highest mode of g, so the cost grows as (range/ℓ)^d transforms.

    Parameters
    ----------
    f_hat, g_hat : (c, 2M_1+1, ...)
    shape : (n_1, ...)
        Grid of at least 4M+1 points per axis, since products reach 2M.

    Returns
    -------
    (components, n_1, ..., n_d)
    """
    dim = cell.dim
    k = cell.wavevectors(mode_counts(g_hat, dim))
    f = modes_to_grid(f_hat, cell, shape)
    wide = tuple(2 * m for m in mode_counts(g_hat, dim))
    q = cell.wavevectors(wide)
    total = np.zeros((len(components(dim)), *q.shape[1:]), dtype=np.complex128)
    longest = float(np.max(np.linalg.norm(k, axis=0)))
    for y, weight in zip(*_displacements(potential, dim, longest), strict=True):
        shifted = g_hat * np.exp(1j * np.tensordot(y, k, axes=1))
        pairs = np.sum(f * modes_to_grid(shifted, cell, shape), axis=0)
        phase = 0.5 * np.tensordot(y, q, axes=1)
        line = np.exp(-1j * phase) * np.sinc(phase / np.pi)
        total += weight.reshape(-1, *([1] * dim)) * (grid_to_modes(pairs, cell, wide) * line)
    return modes_to_grid(total, cell, shape)


def _displacements(potential: Potential, dim: int, k_max: float) -> tuple[Real, Real]:
    """Nodes y_m (m, d) and weights ½ w_m W_ij(y_m) (m, components).

    Gauss-Legendre in the radius between the kinks of V', equidistant in angle.
    """
    r, radial = radial_nodes(potential.breaks, k_max)
    directions, solid = _directions(dim, k_max * potential.cutoff)
    y = (r[:, np.newaxis, np.newaxis] * directions).reshape(-1, dim)
    radial_part = radial * r**dim * potential.slope(r)
    measure = 0.5 * np.outer(radial_part, solid).ravel()
    unit = np.broadcast_to(directions, (r.size, *directions.shape)).reshape(-1, dim)
    tensor = np.array([unit[:, i] * unit[:, j] for i, j in components(dim)]).T
    return y, measure[:, np.newaxis] * tensor


def _directions(dim: int, phase: float) -> tuple[Real, Real]:
    """Unit vectors and their weights.

    The trapezoid rule in angle converges once it resolves the phase k·r, in 3D with
    Gauss-Legendre in the cosine.
    """
    if dim == 1:
        return np.array([[1.0], [-1.0]]), np.ones(2)
    count = 24 + int(np.ceil(1.2 * phase))
    angle = 2.0 * np.pi * np.arange(count) / count
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    if dim == 2:
        return circle, np.full(count, 2.0 * np.pi / count)
    z, w = np.polynomial.legendre.leggauss(12 + int(np.ceil(0.6 * phase)))
    radius = np.sqrt(1.0 - z * z)
    xy = radius[:, np.newaxis, np.newaxis] * circle
    height = np.broadcast_to(z[:, np.newaxis, np.newaxis], (*xy.shape[:2], 1))
    vectors = np.concatenate([xy, height], axis=-1).reshape(-1, 3)
    return vectors, np.outer(w, np.full(count, 2.0 * np.pi / count)).ravel()
