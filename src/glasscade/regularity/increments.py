"""Structure functions on a periodic grid, first and second order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError
from glasscade.jit import jit
from glasscade.regularity.moments import Moments, check_field, check_orders

Real = npt.NDArray[np.float64]
Shifts = npt.NDArray[np.int64]

WHOLE_ORDERS = 6
"""Powers 1 to 6 are reached by multiplication in one pass; other orders by `pow`."""


def increment_moments(
    values: Real, cell: Cell, separations: Real, q: Real, order: int = 1
) -> Moments:
    """S_q(r) = <|f(x+r) - f(x)|^q>^{1/q} ~ r^{xi_q}, or with f(x+r) - 2f(x) + f(x-r).

    The mean runs over all grid points and over directions (1D: one; 2D: eight at equal angles;
    3D: the thirteen to neighbouring lattice points). Each separation vector is rounded to the
    grid; the scale returned is the geometric mean of the lengths after rounding.

    First-order increments saturate at 0 and 1, second-order ones at 0 and 2, and are biased well
    inside: on fractional fields (512², q = 3, r = 4..32 spacings) first-order increments return
    0.20 for H = 0.1, 0.37 for H = 1/3 and 0.75 for H = 0.8, however many fields there are.
    What the grid cannot hold is missing from S_q(r)² as a constant, relatively ∝ r^{-2H}; the
    box adds a correction ∝ (r/L)^{2-2H}. So they serve step-like fields, where they are exact,
    and as a cross-check; `DOMAINS` marks estimates in the biased range.

    Parameters
    ----------
    values : (n_1, ..., n_d)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell, straight or sheared.
    separations : (n,)
        Increasing lengths r (in l0), from one grid spacing to half the width of the cell.
    q : (m,)
        Orders, at least 1; all whole orders up to 6 cost one pass.
    order : {1, 2}
        First or second difference.

    Raises
    ------
    ResolutionError
        If a separation is below the grid spacing or above half the width of the cell.
    ConfigError
        If `order` is neither 1 nor 2, or an order q is below 1.
    DataError
        If the field is not finite, constant, or not on a grid of the cell.

    Notes
    -----
    Besov regularity as defined by Hernández-García before Eq. 45.
    """
    if order not in (1, 2):
        raise ConfigError(f"order: increments are of order 1 or 2, not {order}")
    orders = check_orders(q)
    field = check_field(values, cell.dim, "increments")
    lengths = _check_separations(np.asarray(separations, dtype=np.float64), cell, field.shape)
    shifts = [grid_shifts(length, cell, field.shape) for length in lengths]
    vectors = [cell.cartesian(group / np.array(field.shape)) for group in shifts]
    scale = np.array([np.exp(np.mean(np.log(np.linalg.norm(v, axis=1)))) for v in vectors])
    norm = _mean_powers(field, shifts, orders, order).T ** (1.0 / orders[:, None])
    name = "increments" if order == 1 else "second_increments"
    return Moments(name, scale, orders, norm, 0.0)


def directions(dim: int) -> Real:
    """Unit vectors spread over half of all directions (r and -r give one average), (m, d)."""
    if dim == 2:
        angles = np.pi * np.arange(8) / 8
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    steps = np.array(np.meshgrid(*[[-1, 0, 1]] * dim, indexing="ij")).reshape(dim, -1).T
    # The lattice points come in the order of their digits: those after the centre are one half.
    half = steps[len(steps) // 2 + 1 :]
    return np.asarray(half / np.linalg.norm(half, axis=1, keepdims=True))


def grid_shifts(length: float, cell: Cell, shape: tuple[int, ...]) -> Shifts:
    """Distinct integer shifts nearest to vectors of one length in all directions, (m, d)."""
    ideal = cell.fractional(length * directions(cell.dim)) * np.array(shape)
    shifts = np.rint(ideal).astype(np.int64)
    # A shift and its opposite give one average: rounding may have made a pair of them.
    leading = np.take_along_axis(shifts, np.argmax(shifts != 0, axis=1)[:, None], axis=1)
    return np.asarray(np.unique(np.sign(leading) * shifts, axis=0))


def _check_separations(separations: Real, cell: Cell, shape: tuple[int, ...]) -> Real:
    spacing = float(np.max(np.linalg.norm(cell.matrix, axis=0) / np.array(shape)))
    limit = 0.5 * cell.smallest_width
    # Separations often are multiples of the spacing: round-off must not refuse the first.
    if np.any(separations < spacing * (1.0 - 1e-12)) or np.any(separations > limit):
        raise ResolutionError(
            f"separations: must lie between the grid spacing {spacing:.6g} and half the width "
            f"of the cell {limit:.6g}, not {separations.min():.6g} to {separations.max():.6g}"
        )
    return separations


def _mean_powers(field: Real, shifts: list[Shifts], q: Real, order: int) -> Real:
    """<|difference|^q> over points and the shifts of each group, shape (n, m)."""
    missing = 3 - field.ndim
    groups = [np.pad(group, ((0, 0), (missing, 0))) for group in shifts]
    # With the last axis repeated on both sides, inner loops are contiguous and never wrap.
    margin = max(int(np.abs(group[:, 2]).max()) for group in groups)
    volume = field.reshape((1,) * missing + field.shape)
    padded = np.pad(volume, ((0, 0), (0, 0), (margin, margin)), mode="wrap")
    whole = bool(np.all(np.isin(q, np.arange(1, WHOLE_ORDERS + 1))))
    sums = [_sum_powers(padded, margin, group, float(order - 1), q, whole) for group in groups]
    chosen = q.astype(np.int64) - 1 if whole else np.arange(q.size)
    return np.array([s[chosen] / (field.size * len(g)) for s, g in zip(sums, groups, strict=True)])


@jit
def _sum_powers(
    padded: Real, margin: int, shifts: Shifts, second: float, q: Real, whole: bool
) -> Real:
    """Σ|difference|^q over points and shifts: for q = 1..6 if `whole`, else for each given q."""
    rows, columns = padded.shape[0], padded.shape[1]
    n = padded.shape[2] - 2 * margin
    sums = np.zeros(WHOLE_ORDERS if whole else q.size)
    for a, b, c in shifts:
        for i in range(rows):
            for j in range(columns):
                here = padded[i, j, margin : margin + n]
                ahead = padded[(i + a) % rows, (j + b) % columns, margin + c : margin + c + n]
                behind = padded[(i - a) % rows, (j - b) % columns, margin - c : margin - c + n]
                if whole:
                    _add_whole_powers(here, ahead, behind, second, sums)
                else:
                    _add_powers(here, ahead, behind, second, q, sums)
    return sums


@jit
def _add_whole_powers(here: Real, ahead: Real, behind: Real, second: float, sums: Real) -> None:
    """Add Σ|δ|^q for q = 1..6, with δ the first (second = 0) or second (1) difference."""
    s1 = s2 = s3 = s4 = s5 = s6 = 0.0
    for k in range(here.size):
        d1 = abs(ahead[k] - here[k] + second * (behind[k] - here[k]))
        d2 = d1 * d1
        d3 = d2 * d1
        s1 += d1
        s2 += d2
        s3 += d3
        s4 += d2 * d2
        s5 += d2 * d3
        s6 += d3 * d3
    sums[0] += s1
    sums[1] += s2
    sums[2] += s3
    sums[3] += s4
    sums[4] += s5
    sums[5] += s6


@jit
def _add_powers(here: Real, ahead: Real, behind: Real, second: float, q: Real, sums: Real) -> None:
    """Add Σ|δ|^q for arbitrary orders."""
    for k in range(here.size):
        difference = abs(ahead[k] - here[k] + second * (behind[k] - here[k]))
        for m in range(q.size):
            sums[m] += difference ** q[m]
