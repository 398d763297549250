"""The Irving-Kirkwood bilinear operator, the only way from densities to stresses.

    B_ij[f,g](x) = ½ ∫dy W_ij(y) ∫_0^1 dλ f(x - λy) g(x + (1-λ)y),     W_ij(y) = y_i ∂_jV(y)

It is symmetric, B[f,g] = B[g,f], and in Fourier space

    B_hat(q) = 1/(2|Ω|) Σ_p f_hat(p) g_hat(q-p) ∫_0^1 W_hat(p - λq) dλ,

so that low modes of B, all that a smooth test function sees, cost one weighted sum each, and
q = 0 is the box total (`bilinear`). For the full field (`bilinear_map`) the integral over y is done
in polar coordinates. Along a direction e both λ and the radius are integrated exactly, which leaves

    B_hat_ij(q) = ∫ de e_i e_j FT[f g^e + g f^e](q) / (i q·e)      over half of all directions e,
    f^e_hat(p) = i S(p·e) f_hat(p),      S(s) = ∫ V'(r) r^{d-1} sin(rs) dr:

three transforms for each direction, of which there are as many as the phase |p| times the range:
a map costs (range/ℓ)^{d-1} transforms instead of the (range/ℓ)^d of a quadrature in y.

Fields are real and given by their modes, (S, n, 2M_1+1, ..., 2M_d+1): n fields for each of S
species. A *form* is a list of pairs (a, b) of such fields, and stands for Σ_{(a,b)} Σ_ss' B^{ss'}
[f_{s,a}, f_{s',b}]. Tensor components are stored once each, in the order of `components`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import lgamma, log

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.jit import jit, pjit
from glasscade.potentials import Mixture, Potential
from glasscade.transforms import Modes, irfftn, mode_counts, modes_to_grid, rfftn

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]
Form = Sequence[tuple[int, int]]

TOGETHER = 200_000
"""Wavevectors at which a transform is taken in one call: many, so that a table of it pays."""
TURNS = tuple(np.modf(n * 0.5 * (np.sqrt(5.0) - 1.0))[0] for n in range(1, 33))
"""Fractions of a spacing by which directions may be turned, far from simple ratios."""
CLEAR, BEARABLE = 1e-5, 1e-8
"""Smallest |q·e| range: sought, and allowed."""
CONVERGED = 1e-14
"""Remainder allowed to the quadratures over λ and over directions."""


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


def affine_tensor(potential: Potential, k: Real, gradient: Real) -> Real:
    """The transform of (Γy)_k ∂_kW_ij(y), what an affine flow Γx makes of W; shape as above.

    -Γ_kl k_k ∂W_hat_ij/∂k_l for a traceless Γ, with W_hat_ij = T δ_ij + (L - T) k_i k_j/k².
    """
    dim = k.shape[0]
    norm = np.linalg.norm(k, axis=0)
    across, along = potential.virial(norm, dim)
    across_slope, along_slope = potential.affine(norm, dim)
    unit = k / np.where(norm > 0.0, norm, 1.0)
    turned = np.tensordot(gradient.T, unit, axes=1)
    stretch = np.sum(unit * turned, axis=0)
    difference = along - across
    mixed = norm * stretch * (along_slope - across_slope) - 2.0 * stretch * difference
    return -np.array([
        norm * stretch * across_slope * (i == j)
        + mixed * unit[i] * unit[j]
        + difference * (turned[i] * unit[j] + unit[i] * turned[j])
        for i, j in components(dim)
    ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class VirialTable:
    """½/|Ω| ∫_0^1 W_hat(p - λq) dλ on the modes p of a cell, for each stored q.

    Built once for a cell, a set of modes and a mixture, it serves every pair of fields. It is the
    same at p and at q - p, so that in two and three dimensions only the rows from m_1 = q_1/2 on
    are kept; those that are not needed for a q remain zero.

    Attributes
    ----------
    q : (n_q, d) integers
        The modes of B wanted; q = 0 alone gives box totals.
    weight : (potentials, n_q, components, rows, 2M_2+1, ...)
        In one dimension (potentials, n_q, components, 1, 2M+1).
    which : (S, S) integers
        The potential of each pair of species, an index into `weight`.
    counts : (M_1, ..., M_d)
    """

    q: Integer
    weight: Real
    which: Integer
    counts: tuple[int, ...]

    @classmethod
    def build(
        cls,
        mixture: Mixture,
        cell: Cell,
        counts: tuple[int, ...],
        q: Integer,
        tensor: Callable[[Potential, Real], Real] = virial_tensor,
    ) -> VirialTable:
        """Integrate over λ by Gauss-Legendre, with nodes for the phase |q| times the range.

        `tensor` stands for W_hat; it must be even in k.
        """
        distinct, which = mixture.distinct()
        weight = np.array([
            _line_averages(partial(tensor, potential), potential.cutoff, cell, counts, q)
            for potential in distinct
        ])  # fmt: skip
        return cls(q=q, weight=weight, which=which, counts=counts)


def _line_averages(
    tensor: Callable[[Real], Real], reach: float, cell: Cell, counts: tuple[int, ...], q: Integer
) -> Real:
    """½/|Ω| ∫_0^1 W_hat(p - λq) dλ, shape (n_q, components, rows, ...)."""
    rows = 1 if cell.dim == 1 else counts[0] + 1
    behind = counts if cell.dim == 1 else counts[1:]
    shape = (rows, *(2 * m + 1 for m in behind))
    averages = np.zeros((len(q), len(components(cell.dim)), *shape))
    for average, index in zip(averages, q, strict=True):
        p = cell.reciprocal(_stored_modes(counts, index))
        shift = cell.reciprocal(index.astype(np.float64))
        used = slice(0, p.shape[1]) if cell.dim > 1 else 0
        nodes, shares = _lambda_nodes(shift, reach)
        together = max(1, TOGETHER // max(1, p[0].size))
        for start in range(0, nodes.size, together):
            group = slice(start, start + together)
            moved = np.multiply.outer(shift, nodes[group]).reshape(cell.dim, -1, *[1] * cell.dim)
            values = tensor(p[:, np.newaxis] - moved)
            average[:, used] += np.einsum("n,cn...->c...", shares[group], values)
    return averages * (0.5 / cell.volume)


def _stored_modes(counts: tuple[int, ...], q: Integer) -> Real:
    """The integer modes m of the rows that a table keeps for q, (d, rows, ...)."""
    axes = [np.arange(-m, m + 1, dtype=np.float64) for m in counts]
    if len(counts) > 1:
        first, last = _rows(int(q[0]), counts[0])
        axes[0] = np.arange(first, last + 1, dtype=np.float64)
    return np.array(np.meshgrid(*axes, indexing="ij"))


@jit
def _rows(q: int, most: int) -> tuple[int, int]:
    """First and last m_1 of one half of the modes p for which q - p is a mode too."""
    return (q + 1) // 2, min(most, most + q)


def _lambda_nodes(shift: Real, reach: float) -> tuple[Real, Real]:
    """Gauss-Legendre nodes on [0,1] for exp(iλz), |z| <= |q|·range.

    The remainder of n nodes is at most z^{2n} (n!)⁴ / ((2n+1) ((2n)!)³), here below `CONVERGED`.
    """
    phase = float(np.linalg.norm(shift)) * reach
    count = 1
    while phase > 0.0 and _log_remainder(phase, count) > log(CONVERGED):
        count += 1
    x, w = np.polynomial.legendre.leggauss(count)
    return 0.5 * (x + 1.0), 0.5 * w


def _log_remainder(z: float, n: int) -> float:
    """Logarithm of the bound above: its factorials overflow for phases beyond 80."""
    return 2 * n * log(z) + 4 * lgamma(n + 1) - log(2 * n + 1) - 3 * lgamma(2 * n + 1)


def bilinear(
    fields: Modes,
    table: VirialTable,
    forms: Sequence[Form],
    wanted: npt.NDArray[np.bool_] | None = None,
) -> Modes:
    """Low modes of bilinear forms: Σ_{(a,b)} Σ_ss' B_hat^{ss'}_ij[f_{s,a}, f_{s',b}](q).

    Parameters
    ----------
    fields : (S, n, 2M_1+1, ..., 2M_d+1)
        Modes of n real fields for each species.
    table : VirialTable
        For the same cell, modes and mixture.
    forms : list of lists of pairs of integers below n
    wanted : (n_q, forms), optional
        Which forms at which modes; the others stay 0. By default all.

    Returns
    -------
    (forms, n_q, components) complex
        Modes of B; the first is the integral of B over the box when q[0] = 0.
    """
    lattice = fields.reshape(*fields.shape[:2], *_as_three(fields.shape[2:], 1))
    weight = table.weight.reshape(*table.weight.shape[:4], *lattice.shape[3:])
    q = np.array([_as_three(tuple(row), 0) for row in table.q])
    out = np.zeros((2, len(q), len(forms), weight.shape[2]))
    chosen = np.ones((len(q), len(forms)), dtype=np.bool_) if wanted is None else wanted
    arguments = (np.ascontiguousarray(lattice), weight, table.which, q, _padded(forms), chosen)
    if len(q) == 1:
        _add_mode(0, *arguments, out)  # no thread has to wait for others
    else:
        _add_modes(*arguments, out)
    return np.asarray(np.swapaxes(out[0] + 1j * out[1], 0, 1))


def _as_three(axes: tuple[int, ...], missing: int) -> tuple[int, ...]:
    """Axes of one, two or three dimensions as planes, rows and columns."""
    return (*axes[:-1], *(missing,) * (3 - len(axes)), axes[-1])


def _padded(forms: Sequence[Form]) -> Integer:
    """(forms, most pairs, 2), ended by -1 where a form has fewer pairs."""
    result = np.full((len(forms), max(map(len, forms), default=0), 2), -1, dtype=np.int64)
    for row, form in zip(result, forms, strict=True):
        row[: len(form)] = form
    return result


@pjit
def _add_modes(
    fields: Modes,
    weight: Real,
    which: Integer,
    q: Integer,
    forms: Integer,
    wanted: npt.NDArray[np.bool_],
    out: Real,
) -> None:
    """Add every mode q of every form to `out` (2, n_q, forms, components)."""
    for k in numba.prange(q.shape[0]):
        _add_mode(k, fields, weight, which, q, forms, wanted, out)


@jit
def _add_mode(
    k: int,
    fields: Modes,
    weight: Real,
    which: Integer,
    q: Integer,
    forms: Integer,
    wanted: npt.NDArray[np.bool_],
    out: Real,
) -> None:
    """Add Σ_p weight(p) h(p) at one mode q to `out`, row by row of the last axis.

    With h(p) = Σ f(p) g(q-p) + f(q-p) g(p) every p of the stored half stands for q - p as well; the
    plane p_1 = q_1/2 is its own partner and counts half. Fields are real: g(q-p) = g(p-q)*.
    """
    depth, height, length = fields.shape[2] // 2, fields.shape[3] // 2, fields.shape[4] // 2
    first, last = _rows(q[k, 0], depth)
    low, size = max(0, q[k, 2]), max(0, 2 * length + 1 - abs(q[k, 2]))
    h, chosen = np.empty((2, size)), np.flatnonzero(wanted[k])
    for plane in range(first, last + 1):
        share = 0.5 if 2 * plane == q[k, 0] else 1.0
        for row in range(max(-height, q[k, 1] - height), min(height, q[k, 1] + height) + 1):
            here = plane + depth, row + height, low
            there = here[0] - q[k, 0], here[1] - q[k, 1], low - q[k, 2]
            for potential in range(weight.shape[0]):
                for form in chosen:
                    _products(fields, here, there, which == potential, forms[form], h)
                    for c in range(weight.shape[2]):
                        factor = weight[potential, k, c, plane - first, here[1], low : low + size]
                        re, im = _weighted_sum(factor, h)
                        out[0, k, form, c] += share * re
                        out[1, k, form, c] += share * im


@jit
def _products(
    fields: Modes,
    here: tuple[int, int, int],
    there: tuple[int, int, int],
    acts: npt.NDArray[np.bool_],
    form: Integer,
    h: Real,
) -> None:
    """h(p) of one form along a row that starts at p and p - q, of the species pairs that act."""
    size = h.shape[1]
    h[:] = 0.0
    for pair in range(form.shape[0]):
        a, b = form[pair]
        if a < 0:
            break
        for s in range(acts.shape[0]):
            for t in range(acts.shape[1]):
                if acts[s, t]:
                    # All but the last index are integers: lines known to be contiguous vectorise.
                    _add_products(
                        fields[s, a, here[0], here[1], here[2] : here[2] + size],
                        fields[s, a, there[0], there[1], there[2] : there[2] + size],
                        fields[t, b, here[0], here[1], here[2] : here[2] + size],
                        fields[t, b, there[0], there[1], there[2] : there[2] + size],
                        h,
                    )


@jit
def _add_products(f: Modes, f_back: Modes, g: Modes, g_back: Modes, h: Real) -> None:
    """h += f(p) g(p-q)* + f(p-q)* g(p), real and imaginary parts apart."""
    re, im = h[0], h[1]
    for i in range(f.size):
        a, b, a_back, b_back = f[i], g[i], f_back[i], g_back[i]
        # One sum for each part: a second store to the same place would not be vectorised.
        re[i] += (a.real * b_back.real + a.imag * b_back.imag) + (
            a_back.real * b.real + a_back.imag * b.imag
        )
        im[i] += (a.imag * b_back.real - a.real * b_back.imag) + (
            a_back.real * b.imag - a_back.imag * b.real
        )


@jit
def _weighted_sum(weight: Real, h: Real) -> tuple[float, float]:
    """Σ_i w_i h_i."""
    re = 0.0
    im = 0.0
    for i in range(weight.size):
        re += weight[i] * h[0, i]
        im += weight[i] * h[1, i]
    return re, im


def bilinear_map(
    fields: Modes, mixture: Mixture, cell: Cell, shape: tuple[int, ...], forms: Sequence[Form]
) -> Real:
    """Bilinear forms as full fields Σ_{(a,b)} Σ_ss' B^{ss'}_ij[f_{s,a}, f_{s',b}](x) on a grid.

    Parameters
    ----------
    fields : (S, n, 2M_1+1, ...)
    mixture, cell : Mixture, Cell
    shape : (n_1, ...)
        Grid of at least 4M+1 points per axis, since products reach 2M.
    forms : list of lists of pairs of integers below n

    Returns
    -------
    (forms, components, n_1, ..., n_d)

    Raises
    ------
    ResolutionError
        If the grid cannot hold the products.
    """
    counts = mode_counts(fields, cell.dim)
    _require_products(shape, counts)
    used = sorted({index for form in forms for pair in form for index in pair})
    k = cell.wavevectors(counts)
    harmonics = _harmonics(fields[:, used], np.linalg.norm(k, axis=0) * mixture.cutoff)
    directions, weights = _clear_directions(cell, counts, harmonics, mixture.cutoff)
    half = (*shape[:-1], shape[-1] // 2 + 1)
    totals = np.zeros((len(forms), len(components(cell.dim)), *half), dtype=np.complex128)
    grids = {index: modes_to_grid(fields[:, index], cell, shape) for index in used}
    sums = np.empty((len(forms), *shape))
    for direction, weight in zip(directions, weights, strict=True):
        response = _response(mixture, np.tensordot(direction, k, axes=1), cell.dim)
        sums[:] = 0.0
        for index in used:
            turned = modes_to_grid(_turn(fields[:, index], response), cell, shape)
            _add_products_with(index, turned, grids, forms, sums)
            del turned  # before room is needed for the next
        for pairs, total in zip(sums, totals, strict=True):
            _add_direction(total, rfftn(pairs), cell, shape, direction, weight)
    del grids, sums  # before room is needed for the result
    flat = totals.reshape(*totals.shape[:2], -1)  # q = 0 stands first
    flat[..., 0] = _means(fields, mixture, cell, forms) * np.prod(shape)
    result = np.empty((*totals.shape[:2], *shape))
    for place in np.ndindex(*totals.shape[:2]):
        result[place] = irfftn(totals[place], shape)
    return result


def _require_products(shape: tuple[int, ...], counts: tuple[int, ...]) -> None:
    if any(n < 4 * m + 1 for n, m in zip(shape, counts, strict=True)):
        raise ResolutionError(
            f"a grid of shape {shape} cannot hold products of modes up to {counts}; it needs at "
            f"least {tuple(4 * m + 1 for m in counts)} points"
        )


def _means(fields: Modes, mixture: Mixture, cell: Cell, forms: Sequence[Form]) -> Real:
    """Σ_ij B averaged over the cell, (forms, components): where q·e = 0 for every direction."""
    zero = np.zeros((1, cell.dim), dtype=np.int64)
    table = VirialTable.build(mixture, cell, mode_counts(fields, cell.dim), zero)
    return bilinear(fields, table, forms)[:, 0].real / cell.volume


def _response(mixture: Mixture, s: Real, dim: int) -> Real:
    """S_ss'(p·e) for every pair of species, (S, S, modes)."""
    distinct, which = mixture.distinct()
    return np.array([potential.directional(s, dim) for potential in distinct])[which]


def _turn(field: Modes, response: Real) -> Modes:
    """f^e_s, whose modes are Σ_s' i S_ss'(p·e) f_hat_s'(p), (S, modes)."""
    turned = np.zeros(field.shape, dtype=np.complex128)  # never in the order of a view
    size = len(field), -1
    _add_turned(
        np.ascontiguousarray(field).reshape(size),
        response.reshape(len(field), *size),
        turned.reshape(size),
    )
    return turned


@jit
def _add_turned(field: Modes, response: Real, turned: Modes) -> None:
    for s in range(turned.shape[0]):
        for t in range(field.shape[0]):
            factor, other, total = response[s, t], field[t], turned[s]
            for i in range(factor.size):
                total[i] += complex(-factor[i] * other[i].imag, factor[i] * other[i].real)


def _add_products_with(
    index: int, turned: Real, grids: dict[int, Real], forms: Sequence[Form], sums: Real
) -> None:
    """Add the f_s f^e_{s,index} of every pair that `index` is one of to Σ_s f g^e + g f^e."""
    for form, total in zip(forms, sums, strict=True):
        for pair in form:
            for other, one in (pair, pair[::-1]):
                if one == index:
                    _add_products_of(
                        total.reshape(-1),
                        grids[other].reshape(len(turned), -1),
                        turned.reshape(len(turned), -1),
                    )


@jit
def _add_products_of(total: Real, f: Real, g: Real) -> None:
    """total += Σ_s f_s g_s."""
    for s in range(f.shape[0]):
        for i in range(total.size):
            total[i] += f[s, i] * g[s, i]


def _add_direction(
    total: Modes, half: Modes, cell: Cell, shape: tuple[int, ...], direction: Real, weight: float
) -> None:
    """Add weight e_i e_j half(q) / (i q·e) to every component, for q ≠ 0."""
    slope = 2.0 * np.pi * np.linalg.solve(cell.matrix, direction)  # q·e = Σ m_i slope_i
    axes = [np.fft.fftfreq(n, 1.0 / n) * a for n, a in zip(shape[:-1], slope[:-1], strict=True)]
    rows = np.zeros(1)
    for axis in axes:
        rows = np.add.outer(rows, axis).ravel()
    tensor = weight * np.array([direction[i] * direction[j] for i, j in components(cell.dim)])
    columns = half.shape[-1]
    flat = total.reshape(len(tensor), -1, columns)
    _divide_and_add(flat, half.reshape(-1, columns), rows, float(slope[-1]), tensor)


@pjit
def _divide_and_add(total: Modes, half: Modes, rows: Real, step: float, tensor: Real) -> None:
    """total_c += tensor_c half / (i s), s = rows + step·column."""
    for row in numba.prange(half.shape[0]):
        for column in range(half.shape[1]):
            s = rows[row] + step * column
            if s != 0.0:
                value = complex(half[row, column].imag / s, -half[row, column].real / s)
                for c in range(tensor.size):
                    total[c, row, column] += tensor[c] * value


def _clear_directions(
    cell: Cell, counts: tuple[int, ...], harmonics: int, reach: float
) -> tuple[Real, Real]:
    """Directions to which no wavevector of the products is at right angles.

    Turned by one fraction of their spacing after the other until |q·e| range is above `CLEAR` for
    all q ≠ 0, as round-off is divided by it. In three dimensions there may be too many of both for
    that; from the fourth fraction on `BEARABLE` will do.

    Raises
    ------
    ResolutionError
        If no fraction reaches this.
    """
    best, chosen = 0.0, half_directions(cell.dim, harmonics, TURNS[0])
    for number, turn in enumerate(TURNS if cell.dim > 1 else ()):
        candidate = half_directions(cell.dim, harmonics, turn)
        least = reach * min(_least_projection(cell, counts, e) for e in candidate[0])
        if least > best:
            best, chosen = least, candidate
        if best > (CLEAR if number < 3 else BEARABLE):
            break
    if cell.dim > 1 and best <= BEARABLE:
        raise ResolutionError(f"cell: no directions are clear of its wavevectors up to 2·{counts}")
    return chosen


def _least_projection(cell: Cell, counts: tuple[int, ...], direction: Real) -> float:
    """The smallest |q·e| of all q ≠ 0 with |m_i| <= 2M_i: for m_d the integer next to its zero."""
    slope = 2.0 * np.pi * np.linalg.solve(cell.matrix, direction)  # q·e = Σ m_i slope_i
    rows = np.zeros(1)
    for count, step in zip(counts[:-1], slope[:-1], strict=True):
        rows = np.add.outer(rows, step * np.arange(-2 * count, 2 * count + 1)).ravel()
    if slope[-1] == 0.0:
        return 0.0
    most = 2 * counts[-1]
    nearest = np.clip(np.rint(-rows / slope[-1]), -most, most)
    nearest[rows.size // 2] = 1.0  # q = 0 stands in the middle
    return float(np.min(np.abs(rows + slope[-1] * nearest)))


def half_directions(dim: int, harmonics: int, turn: float) -> tuple[Real, Real]:
    """One of each pair ±e of unit vectors, (n, d), and their weights, which sum to S_d/2.

    Equidistant in angle, in three dimensions with Gauss-Legendre in the cosine: exact for e_i e_j
    times a function of e with so many harmonics. The angles are turned by a fraction of their
    spacing.
    """
    if dim == 1:
        return np.array([[1.0]]), np.ones(1)
    count = harmonics // 2 + 2  # e_i e_j has two harmonics of its own
    angle = np.pi * (np.arange(count) + turn) / count
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    if dim == 2:
        return circle, np.full(count, np.pi / count)
    z, w = np.polynomial.legendre.leggauss(count + count % 2)  # an even number: none at z = 0
    radius = np.sqrt(1.0 - z * z)
    xy = radius[:, np.newaxis, np.newaxis] * circle
    height = np.broadcast_to(z[:, np.newaxis, np.newaxis], (*xy.shape[:2], 1))
    vectors = np.concatenate([xy, height], axis=-1).reshape(-1, 3)
    return vectors, np.outer(w, np.full(count, np.pi / count)).ravel()


def _harmonics(fields: Modes, phase: Real) -> int:
    """Harmonics in the angle of e that products of these fields have, `phase` = |p| range.

    exp(i p·y) has Bessel functions J_m(|p||y|) for amplitudes, and a field its own amplitude at p:
    what is left out stays below `CONVERGED` of the largest mode.
    """
    size = np.abs(fields)
    largest = size.max(axis=tuple(range(2, size.ndim)), keepdims=True)
    share = np.max(size / np.where(largest > 0.0, largest, 1.0), axis=(0, 1))
    # The largest phase stands for its whole bin.
    edges = np.linspace(0.0, float(phase.max()), 65)[1:]
    bins = np.minimum(np.searchsorted(edges, phase.ravel()), edges.size - 1)
    shares = np.zeros(edges.size)
    np.maximum.at(shares, bins, share.ravel())
    wanted = zip(edges, shares, strict=True)
    return max(
        (_order(z, CONVERGED / share) for z, share in wanted if share > CONVERGED), default=0
    )


def _order(phase: float, tolerance: float) -> int:
    """The m beyond which |J_m(phase)| <= (phase/2)^m/m! stays below the tolerance."""
    if phase == 0.0:
        return 0
    m = np.arange(int(0.5 * phase) + 1.0, 60.0 + 2.0 * phase)  # from there on the bound falls
    bound = m * log(0.5 * phase) - gammaln(m + 1.0)
    return int(m[np.flatnonzero(bound < log(tolerance))[0]])
