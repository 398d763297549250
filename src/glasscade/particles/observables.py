"""Energy, forces and stresses of one configuration, as sums over its bonds.

A bond is a pair of particles (images counted one by one) closer than its cutoff. F is *minus* the
force, and W_ij(y) = y_i ∂_jV(y) = y_i y_j V'(r)/r.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.jit import jit
from glasscade.particles.neighbours import Found, find, make_grid, wrap
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Mixture, kernels

Real = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Bonds:
    """Every pair within its cutoff, once, with V and its derivatives.

    Attributes
    ----------
    first, second
        (P,) particles a and b of each bond.
    start
        (P, d) wrapped x_a.
    separation
        (P, d) y = x_b - x_a, b in the image that is bonded to a.
    distance, value, slope, curvature, third
        (P,) r = |y|, V(r), V'(r), V''(r), V'''(r).
    number
        N.
    """

    first: Integers
    second: Integers
    start: Real
    separation: Real
    distance: Real
    value: Real
    slope: Real
    curvature: Real
    third: Real
    number: int

    @property
    def slope_over_distance(self) -> Real:
        """g = V'/r, so that W_ij = g y_i y_j; zero at r = 0."""
        return self._over_distance(self.slope)

    @property
    def bending(self) -> Real:
        """g'/r = (V'' - V'/r)/r², so that ∂_kg = y_k g'/r; zero at r = 0."""
        difference = self.curvature - self.slope_over_distance
        return self._over_distance(self._over_distance(difference))

    @property
    def third_over_distance(self) -> Real:
        """V'''/r, zero at r = 0."""
        return self._over_distance(self.third)

    def _over_distance(self, values: Real) -> Real:
        """Zero at r = 0: all of these are multiplied by y_i y_j, and some have no limit."""
        positive = self.distance > 0.0
        return np.where(positive, values / np.where(positive, self.distance, 1.0), 0.0)


@jit
def _unique_pairs(found: Found, number: int) -> tuple[Integers, Integers, Integers]:
    """Particles a, b of each pair once, and b's ghost (-1: none) in a full list.

    A particle bonded to its own image is met twice; the image that comes first in the order
    of the shifts' components is kept.
    """
    total = found.entries.size
    first = np.empty(total, np.int64)
    second = np.empty(total, np.int64)
    ghosts = np.empty(total, np.int64)
    used = 0
    for k in range(number):
        for e in range(found.start[k], found.start[k + 1]):
            place = np.int64(found.entries[e])
            ghost = place - number
            other = place if ghost < 0 else np.int64(found.ghost_source[ghost])
            keep = k < other
            if k == other:
                for component in found.ghost_shift[ghost]:
                    if component != 0.0:
                        keep = component > 0.0
                        break
            if keep:
                first[used] = found.order[k]
                second[used] = found.order[other]
                ghosts[used] = ghost if ghost >= 0 else -1
                used += 1
    return first[:used], second[:used], ghosts[:used]


@jit
def _evaluate(
    kind: Integers, parameters: Real, a: Integers, b: Integers, r: Real
) -> tuple[Real, Real, Real, Real]:
    """V and its first three derivatives for every bond, from the species of its ends."""
    value, slope = np.empty_like(r), np.empty_like(r)
    curvature, third = np.empty_like(r), np.empty_like(r)
    for p in range(r.size):
        row = parameters[a[p], b[p]]
        value[p] = kernels.value(kind[a[p], b[p]], r[p], row)
        slope[p] = kernels.slope(kind[a[p], b[p]], r[p], row)
        curvature[p] = kernels.curvature(kind[a[p], b[p]], r[p], row)
        third[p] = kernels.third(kind[a[p], b[p]], r[p], row)
    return value, slope, curvature, third


def find_bonds(positions: Real, species: Integers, table: PairTable, cell: Cell) -> Bonds:
    """All bonds of `positions` (N, d), wrapped or not."""
    number = positions.shape[0]
    wrapped = np.array(positions, dtype=np.float64, order="C")
    grid = make_grid(cell, table.reach, number)
    wrap(wrapped, np.zeros(wrapped.shape, dtype=np.int64), grid)
    found = find(wrapped, species, table.cutoff**2, grid)
    first, second, ghosts = _unique_pairs(found, number)
    separation = wrapped[second] - wrapped[first]
    across = ghosts >= 0
    separation[across] += found.ghost_shift[ghosts[across]]
    distance = np.linalg.norm(separation, axis=1)
    derivatives = _evaluate(table.kind, table.parameters, species[first], species[second], distance)
    return Bonds(first, second, wrapped[first], separation, distance, *derivatives, number)


def energy(bonds: Bonds) -> float:
    """U = Σ_{a<b} V(r_ab)."""
    return float(np.sum(bonds.value))


def forces(bonds: Bonds) -> Real:
    """F_a = Σ_b ∇V(x_a - x_b) = ∂U/∂x_a, minus the force, shape (N, d)."""
    pull = bonds.slope_over_distance[:, None] * bonds.separation
    out = np.zeros((bonds.number, bonds.separation.shape[1]))
    np.subtract.at(out, bonds.first, pull)
    np.add.at(out, bonds.second, pull)
    return out


def virial_stress(bonds: Bonds) -> Real:
    """σ^ni_ij = Σ_{a<b} W_ij(x_b - x_a), the stress times the volume, shape (d, d).

    It is ∂U/∂ε_ij for the strain x -> (1 + ε)x of particles and cell: tension is positive. It
    equals ∫ Σ_ss' B^{ss'}[ρ_s, ρ_s'] dx without self-pairs (theory, section 2).
    """
    y = bonds.separation
    return np.einsum("p,pi,pj->ij", bonds.slope_over_distance, y, y)


def virial_rate(bonds: Bonds) -> Real:
    """dσ^ni_ij/dt along dx_a/dt = -F_a, shape (d, d).

    With u = dy/dt, g = V'/r: dW_ij/dt = g (u_i y_j + y_i u_j) + (g'/r) (y·u) y_i y_j.
    """
    y, g = bonds.separation, bonds.slope_over_distance
    velocity = -forces(bonds)
    u = velocity[bonds.second] - velocity[bonds.first]
    radial = bonds.bending * np.einsum("pi,pi->p", y, u)
    turning = np.einsum("p,pi,pj->ij", g, u, y)
    return turning + turning.T + np.einsum("p,pi,pj->ij", radial, y, y)


class LineMode(NamedTuple):
    """One Fourier mode averaged along every bond, ∫_0^1 e^{iq·(x_a + λy)} dλ = phase sin z/z.

    Attributes
    ----------
    wavevector
        (d,) q.
    phase
        (P,) e^{iq·(x_a + y/2)}, at the middle of the bond.
    half
        (P,) z = q·y/2.
    """

    wavevector: Real
    phase: Complex
    half: Real


def line_modes(bonds: Bonds, cell: Cell, q: Integers) -> Iterator[LineMode]:
    """One mode after the other: arrays over modes and bonds together would not fit in memory.

    Parameters
    ----------
    q
        (n_q, d) integers m of the wavevectors 2π h^{-T} m.
    """
    middle = bonds.start + 0.5 * bonds.separation
    for wavevector in cell.reciprocal(q.T.astype(np.float64)).T:
        phase = np.exp(1j * (middle @ wavevector))
        yield LineMode(wavevector, phase, 0.5 * (bonds.separation @ wavevector))


def smeared_stress(bonds: Bonds, cell: Cell, q: Integers, coefficients: Complex) -> Real:
    """Irving-Kirkwood stress against test functions: ∫φ σ^ni_ij dx, shape (n_phi, d, d).

    σ^ni[φ] = Σ_{a<b} W_ij(y) ∫_0^1 φ(x_a + λy) dλ,  y = x_b - x_a,  φ(x) = Re Σ_q c(q) e^{iq·x}.
    The integral over the bond is exact: c(q) e^{iq·(x_a + y/2)} sin(q·y/2)/(q·y/2).

    Parameters
    ----------
    q
        (n_q, d) integers m of the wavevectors 2π h^{-T} m.
    coefficients
        (n_phi, n_q) complex c(q).
    """
    y = bonds.separation
    virial = bonds.slope_over_distance[:, None, None] * y[:, :, None] * y[:, None, :]
    modes = np.empty((len(q), *virial.shape[1:]), dtype=np.complex128)
    for k, mode in enumerate(line_modes(bonds, cell, q)):
        # numpy's sinc(x) is sin(πx)/(πx).
        weights = mode.phase * np.sinc(mode.half / np.pi)
        modes[k] = np.einsum("p,pij->ij", weights, virial)
    return np.einsum("fq,qij->fij", coefficients, modes).real


def approach_of_cores(bonds: Bonds, species: Integers, mixture: Mixture) -> float:
    """Smallest r_ab over the core radius of its pair; infinite if no pair with a core is bonded.

    Below 1 a pair has entered the rounded or capped core, which is no part of the model.
    """
    core = np.zeros((mixture.species, mixture.species))
    for a, b, potential in mixture.pairs():
        core[a, b] = potential.core_radius
    radius = core[species[bonds.first], species[bonds.second]]
    return float(np.min(bonds.distance[radius > 0.0] / radius[radius > 0.0], initial=np.inf))


def closest_approach(bonds: Bonds) -> float:
    """Smallest distance between two particles within their cutoff, infinite if there is none."""
    return float(np.min(bonds.distance, initial=np.inf))
