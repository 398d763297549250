"""Where a plastic event is, and how far it reaches: from the displacements of its particles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.neighbours import find, make_grid, wrap

Real = npt.NDArray[np.float64]


def d2_min(before: Real, displacement: Real, cell: Cell, radius: float) -> Real:
    """Squared displacement of a neighbourhood that no affine one explains, per neighbour, (N,).

        D²_a = min_A (1/n_a) Σ_b |u_b - u_a - A (x_b - x_a)|²

    over the n_a neighbours b of a within the radius before the event (Falk & Langer 1998), images
    counted one by one. Zero where neighbours are too few to be told from an affine displacement.

    Parameters
    ----------
    before : (N, d)
        x_a, wrapped or not, in l0.
    displacement : (N, d)
        u_a, in the cell of `before`.
    cell : Cell
    radius : float
        In l0.

    Raises
    ------
    ConfigError
        If the radius is not positive.
    """
    if not 0.0 < radius < np.inf:
        raise ConfigError(f"radius: {radius:g} is outside (0, inf)")
    number, dim = before.shape
    first, second, y = _neighbours(before, cell, radius)
    u = displacement[second] - displacement[first]
    shape = (number, dim, dim)
    squares, mixed = np.zeros(shape), np.zeros(shape)
    np.add.at(squares, first, y[:, :, np.newaxis] * y[:, np.newaxis, :])
    np.add.at(mixed, first, u[:, :, np.newaxis] * y[:, np.newaxis, :])
    # The pseudoinverse: neighbours on one line fix only what happens along it.
    affine = mixed @ np.linalg.pinv(squares, hermitian=True)
    rest = u - np.einsum("pij,pj->pi", affine[first], y)
    count = np.bincount(first, minlength=number)
    sums = np.bincount(first, np.sum(rest**2, axis=1), minlength=number)
    return np.asarray(sums / np.maximum(count, 1))


def _neighbours(
    positions: Real, cell: Cell, radius: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Real]:
    """Particles a and b of all pairs within the radius, from both ends, and x_b - x_a."""
    number = len(positions)
    wrapped = np.array(positions, dtype=np.float64, order="C")
    grid = make_grid(cell, radius, number)
    wrap(wrapped, np.zeros(wrapped.shape, dtype=np.int64), grid)
    found = find(wrapped, np.zeros(number, np.int64), np.array([[radius**2]]), grid)
    order = found.order.astype(np.int64)
    places = np.concatenate([order, order[found.ghost_source]])
    moved = np.concatenate([np.zeros((number, cell.dim)), found.ghost_shift])
    entries = found.entries.astype(np.int64)
    first = np.repeat(order, np.diff(found.start))
    second = places[entries]
    return first, second, wrapped[second] + moved[entries] - wrapped[first]


def centre(positions: Real, weights: Real, cell: Cell) -> Real:
    """Weighted centre in a periodic cell, (d,): the phase of Σ_a w_a e^{2πi s_a} on each axis.

    Raises
    ------
    ConfigError
        If no weight is positive or one is negative.
    """
    if np.any(weights < 0.0) or not np.any(weights > 0.0):
        raise ConfigError("weights: none may be negative, and one must be positive")
    phases = weights @ np.exp(2j * np.pi * cell.fractional(positions))
    return cell.wrap(cell.cartesian(np.angle(phases) / (2.0 * np.pi)))


def participation(displacement: Real) -> float:
    """(Σ_a u_a²)²/(N Σ_a u_a⁴): 1/N if one particle moves, 1 if all go as far; NaN if none does."""
    squares = np.sum(displacement**2, axis=1)
    total = float(np.sum(squares**2))
    return float(np.sum(squares)) ** 2 / (len(squares) * total) if total > 0.0 else np.nan
