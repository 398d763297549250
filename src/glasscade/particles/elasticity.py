"""The elastic modulus of a packing at rest, from its bonds and from its stress.

A strain γ in the direction E takes the cell h to (1 + γE)h. Particles that follow it affinely,
x -> (1 + γE)x, leave equilibrium and move on by u until the forces vanish again. Per volume

    c = (1/|Ω|) d²U/dγ² = (1/|Ω|) [Σ_bonds (Ey)·h(y)·(Ey) - Ξ·K^{-1}Ξ],      Ξ_a = ∂F_a/∂γ,

the Born term of the affine motion less what the motion u = -K^{-1}Ξ γ gives back (Maloney and
Lemaitre, Phys. Rev. E 74, 016118, 2006). h(y) = V'' nn + (V'/r)(1 - nn) is the Hessian of a bond
and K that of U. For simple shear E = e_x e_y it is the shear modulus.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csc_array, eye_array
from scipy.sparse.linalg import splu

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import fire
from glasscade.particles.observables import Bonds, find_bonds

Real = npt.NDArray[np.float64]

_GROUND = 1e-11
"""Stiffness that holds rattlers and the whole in place, in the largest of K."""


def simple_shear(dim: int) -> Real:
    """E = e_x e_y: x is displaced in proportion to y."""
    direction = np.zeros((dim, dim))
    direction[0, 1] = 1.0
    return direction


def bond_hessians(bonds: Bonds) -> Real:
    """h_ij = ∂²V/∂y_i∂y_j = V'' n_i n_j + (V'/r)(δ_ij - n_i n_j) of every bond, (P, d, d)."""
    dim = bonds.separation.shape[1]
    positive = np.where(bonds.distance > 0.0, bonds.distance, 1.0)
    normal = bonds.separation / positive[:, None]
    along = normal[:, :, None] * normal[:, None, :]
    turning = bonds.slope_over_distance[:, None, None]
    return np.asarray(bonds.curvature[:, None, None] * along + turning * (np.eye(dim) - along))


def hessian(bonds: Bonds) -> csc_array:
    """K = ∂²U/∂x_a∂x_b as a sparse (Nd, Nd) matrix, coordinates of a particle side by side."""
    dim = bonds.separation.shape[1]
    h = bond_hessians(bonds)
    first, second = bonds.first, bonds.second
    rows = np.concatenate([first, second, first, second])
    columns = np.concatenate([first, second, second, first])
    blocks = np.concatenate([h, h, -h, -h])
    i, j = np.meshgrid(np.arange(dim), np.arange(dim), indexing="ij")
    row, column = (
        dim * place[:, None, None] + offset for place, offset in ((rows, i), (columns, j))
    )
    size = bonds.number * dim
    entries = (blocks.ravel(), (row.ravel(), column.ravel()))
    return csc_array(coo_array(entries, shape=(size, size)))


def affine_forces(bonds: Bonds, direction: Real) -> Real:
    """Ξ_a = ∂F_a/∂γ at fixed fractional coordinates, (N, d): what an affine strain leaves over."""
    pull = np.einsum("pij,pj->pi", bond_hessians(bonds), bonds.separation @ direction.T)
    out = np.zeros((bonds.number, direction.shape[0]))
    np.subtract.at(out, bonds.first, pull)
    np.add.at(out, bonds.second, pull)
    return out


def born_modulus(bonds: Bonds, direction: Real, volume: float) -> float:
    """(1/|Ω|) d²U/dγ² where particles follow the strain affinely, in V0/l0^d."""
    moved = bonds.separation @ direction.T
    return float(np.einsum("pi,pij,pj->", moved, bond_hessians(bonds), moved)) / volume


def modulus(bonds: Bonds, direction: Real, volume: float) -> float:
    """c = Born term less Ξ·K^{-1}Ξ/|Ω|, of particles at rest.

    K has no inverse: the whole may move, and rattlers do. Nothing pushes either, so that a
    stiffness of 1e-11 of the largest in K changes only what does not enter.
    """
    k, xi = hessian(bonds), affine_forces(bonds, direction).ravel()
    grounded = csc_array(k + _GROUND * abs(k).max() * eye_array(len(xi)))
    return born_modulus(bonds, direction, volume) - float(xi @ splu(grounded).solve(xi)) / volume


def strained_stress(
    listed: ListedForces, positions: Real, direction: Real, gamma: float, tolerance: float
) -> float:
    """(1/|Ω_0|) dU/dγ after a strain γ from the present cell, back at rest; V0/l0^d.

    dU/dγ = Σ_ij σ_ij [E (1 + γE)^{-1}]_ij with the virial σ, by the chain rule. `listed` is
    returned to the cell in which it came.

    Raises
    ------
    ConfigError
        If the strain turns the cell inside out.
    ConvergenceError
        If the forces do not fall below the tolerance.
    """
    rest = listed.cell
    strain = np.eye(rest.dim) + gamma * direction
    if np.linalg.det(strain) <= 0.0:
        raise ConfigError(f"gamma: {gamma:g} leaves no cell")
    moved = listed.deform(Cell(strain @ rest.matrix), positions)
    try:
        moved = fire(listed, moved, tolerance).positions
        virial = listed.energy_and_virial(moved)[1]
    finally:
        listed.enter(rest)
    return float(np.sum(virial * (direction @ np.linalg.inv(strain)))) / rest.volume


def modulus_by_strain(
    listed: ListedForces, positions: Real, direction: Real, gamma: float, tolerance: float
) -> float:
    """c as the slope of the stress between strains -γ and γ, relaxed at both; errors as there."""
    above, below = (
        strained_stress(listed, positions, direction, sign * gamma, tolerance) for sign in (1, -1)
    )
    return (above - below) / (2.0 * gamma)


def modulus_at_rest(listed: ListedForces, positions: Real, direction: Real) -> float:
    """`modulus` of positions at rest in the cell of `listed`."""
    bonds = find_bonds(positions, listed.species, listed.table, listed.cell)
    return modulus(bonds, direction, listed.cell.volume)
