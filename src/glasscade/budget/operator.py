"""The Irving-Kirkwood bilinear operator, the only way from densities to stresses.

    B_ij[f,g](x) = ½ ∫dy W_ij(y) ∫_0^1 dλ f(x - λy) g(x + (1-λ)y),     W_ij(y) = y_i ∂_jV(y)

It is symmetric, B[f,g] = B[g,f], and in Fourier space

    B_hat(q) = 1/(2|Ω|) Σ_p f_hat(p) g_hat(q-p) ∫_0^1 W_hat(p - λq) dλ,

so that low modes of B, all that a smooth test function sees, cost one weighted sum each, and
q = 0 is the box total. Tensor components are stored once each, in the order of `components`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.potentials import Potential
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

    Built once for a cell, a set of modes and a potential, it serves every pair of fields.

    Attributes
    ----------
    q : (n_q, d) integers
        The modes of B wanted; q = 0 alone gives box totals.
    weight : (n_q, components, 2M_1+1, ..., 2M_d+1)
    """

    q: Integer
    weight: Real

    @classmethod
    def build(
        cls, potential: Potential, cell: Cell, counts: tuple[int, ...], q: Integer
    ) -> VirialTable:
        """Integrate over λ by Gauss-Legendre, with nodes for the phase |q| times the range."""
        p = cell.wavevectors(counts)
        weight = np.empty((len(q), len(components(cell.dim)), *p.shape[1:]))
        for row, index in zip(weight, q, strict=True):
            shift = cell.reciprocal(index.astype(np.float64))
            row[:] = 0.0
            for node, share in zip(*_lambda_nodes(shift, potential.cutoff), strict=True):
                moved = p - node * shift.reshape(-1, *([1] * cell.dim))
                row += (0.5 * share / cell.volume) * virial_tensor(potential, moved)
        return cls(q=q, weight=weight)


def _lambda_nodes(shift: Real, reach: float) -> tuple[Real, Real]:
    """Nodes on [0,1] for exp(iλz), |z| <= |q|·range: z/2 + 8 of them err below 1e-13."""
    phase = float(np.linalg.norm(shift)) * reach
    if phase == 0.0:
        return np.zeros(1), np.ones(1)
    x, w = np.polynomial.legendre.leggauss(8 + int(np.ceil(0.5 * phase)))
    return 0.5 * (x + 1.0), 0.5 * w


def bilinear(f_hat: Modes, g_hat: Modes, table: VirialTable) -> Modes:
    """B_hat_ij[f,g](q) at the modes q of the table.

    Parameters
    ----------
    f_hat, g_hat : (..., 2M_1+1, ..., 2M_d+1)
        Modes of the two fields, with leading axes that broadcast against each other.
    table : VirialTable
        For the same cell and modes.

    Returns
    -------
    (..., n_q, components) complex
        Modes of B; the first is the integral of B over the box when q[0] = 0.
    """
    dim = table.weight.ndim - 2
    lead = np.broadcast_shapes(f_hat.shape[:-dim], g_hat.shape[:-dim])
    result = np.empty((*lead, *table.weight.shape[:2]), dtype=np.complex128)
    reach = int(np.max(np.abs(table.q), initial=0))
    padding = [(0, 0)] * (g_hat.ndim - dim) + [(reach, reach)] * dim
    mirrored = np.pad(np.flip(g_hat, axis=tuple(range(-dim, 0))), padding)  # holds g_hat(-p)
    sizes = g_hat.shape[-dim:]
    for number, q in enumerate(table.q):
        window = [slice(reach - s, reach - s + n) for s, n in zip(q, sizes, strict=True)]
        pairs = (f_hat * mirrored[(..., *window)]).reshape(*lead, -1)
        weight = table.weight[number].reshape(table.weight.shape[1], -1)
        result[..., number, :] = pairs.real @ weight.T + 1j * (pairs.imag @ weight.T)
    return result


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
    """Nodes y_m (m, d) and weights ½ w_m W_ij(y_m) (m, components): radial Gauss-Legendre
    between the kinks of V', equidistant angles."""
    r, radial = radial_nodes(potential.breaks, k_max)
    directions, solid = _directions(dim, k_max * potential.cutoff)
    y = (r[:, np.newaxis, np.newaxis] * directions).reshape(-1, dim)
    radial_part = radial * r**dim * potential.slope(r)
    measure = 0.5 * np.outer(radial_part, solid).ravel()
    unit = np.broadcast_to(directions, (r.size, *directions.shape)).reshape(-1, dim)
    tensor = np.array([unit[:, i] * unit[:, j] for i, j in components(dim)]).T
    return y, measure[:, np.newaxis] * tensor


def _directions(dim: int, phase: float) -> tuple[Real, Real]:
    """Unit vectors and their weights; the trapezoid rule in angle converges once it resolves
    the phase k·r, in 3D with Gauss-Legendre in the cosine."""
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
