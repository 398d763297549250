"""The stress balance at scale ℓ: currents put through the bilinear operator.

With ∂tρ̄_s = -∇·Σ_X j_s^X, every term of the balance is a current X in one of two places,

    ∂t σ^ni = Σ_X { -∂_k 𝒯_k[j^X] + 𝒮[j^X] },
    𝒯_k[j] = 2 Σ_ss' B^{ss'}[ρ̄_s, j_{s',k}],      𝒮[j] = 2 Σ_ss' Σ_k B^{ss'}[∂_kρ̄_s, j_{s',k}],

and smeared with φ a term is its source plus its transport, ∫φ𝒮 + ∫𝒯_k ∂_kφ.

===========  ============================  =====================================
term         current j_s                   meaning of its source
===========  ============================  =====================================
W            -ρ̄_s F̄_s                    resolved interaction (Eqs. 36, 39)
Q_flux       -τ_ℓ(ρ_s, F_s)                flux between scales (Eqs. 37, 40)
Q_thermal    -T ∇ρ̄_s                      thermal diffusion (Eqs. 18, 27)
===========  ============================  =====================================

At ℓ = 0 the filter is one, τ vanishes and the rows are those of the fine-grained balance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.budget.operator import VirialTable, bilinear, bilinear_map
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.potentials import Mixture
from glasscade.transforms import Modes, mode_counts, modes_to_grid

Real = npt.NDArray[np.float64]

TERMS = ("W", "Q_flux", "Q_thermal")


@dataclass(frozen=True, eq=False)
class Currents:
    """A coarse-grained density and the currents that move it.

    Attributes
    ----------
    density : (S, modes)
        ρ̄_s.
    current : (term, S, d, modes)
        j_s^X in the order of `TERMS`.
    """

    density: Modes
    current: Modes


@dataclass(frozen=True, eq=False)
class Balance:
    """Smeared terms of one snapshot at one scale; c runs over tensor components.

    Attributes
    ----------
    stress : (phi, c)
        ∫φ σ^ni_ℓ.
    rate : (phi, c)
        ∫φ ∂tσ^ni_ℓ, directly from ∂tρ̄ = -∇·j: the left side of the balance.
    source, transport : (term, phi, c)
        ∫φ 𝒮[j^X] and ∫𝒯_k[j^X] ∂_kφ: together the right side.
    """

    stress: Real
    rate: Real
    source: Real
    transport: Real

    @property
    def residual(self) -> Real:
        """Left minus right side, (phi, c): zero to round-off for any currents."""
        return np.asarray(self.rate - np.sum(self.source + self.transport, axis=0))


def currents(
    density: Modes, force_density: Modes, filter_: Real, field: ForceField, temperature: float
) -> Currents:
    """Split the current of ρ̄ into resolved, sub-scale and thermal parts.

    Parameters
    ----------
    density : (S, modes)
        ρ_s.
    force_density : (S, d, modes)
        ρ_s F_s, of a field by `ForceField.force_density`, of particles by a point sum of their
        forces: only this differs between the two.
    filter_ : modes
        Ĝ(|p| ℓ).
    """
    smooth = density * filter_
    resolved = field.force_density(smooth)
    sub_scale = force_density * filter_ - resolved
    thermal = temperature * 1j * field.wavevectors * smooth[:, np.newaxis]
    return Currents(density=smooth, current=-np.array([resolved, sub_scale, thermal]))


@dataclass(frozen=True, eq=False)
class BalanceModes:
    """Low modes of the balance before smearing.

    Attributes
    ----------
    stress, rate : (n_q, c)
    source : (term, n_q, c)
    flux : (term, d, n_q, c)
        𝒯_k of each current.
    """

    stress: Modes
    rate: Modes
    source: Modes
    flux: Modes


class Budget:
    """The balance of a system in a cell, for a set of modes and a family of test functions."""

    def __init__(
        self, mixture: Mixture, cell: Cell, counts: tuple[int, ...], functions: TestFunctions
    ) -> None:
        self.cell = cell
        self.functions = functions
        self.field = ForceField(mixture, cell, counts)
        self._table = VirialTable.build(mixture, cell, counts, functions.q)

    def balance(self, state: Currents) -> Balance:
        """All terms of the stress balance, smeared with every φ."""
        return self.smear(self.modes(state))

    def modes(self, state: Currents) -> BalanceModes:
        """All terms of the stress balance at the modes of the test functions.

        The left fields are ρ̄ and ∂_kρ̄, the right ones ρ̄, ∂tρ̄ and every component of every
        current; each term pairs one of the former with one of the latter.
        """
        p = self.field.wavevectors
        density, current = state.density, state.current
        terms, species, dim = current.shape[:3]
        rate = -np.sum(1j * p * np.sum(current, axis=0), axis=1)
        gradient = 1j * p * density[:, np.newaxis]
        left = np.concatenate([density[:, np.newaxis], gradient], axis=1)
        flat = np.moveaxis(current, 0, 1).reshape(species, terms * dim, *density.shape[1:])
        right = np.concatenate([density[:, np.newaxis], rate[:, np.newaxis], flat], axis=1)
        number = np.arange(terms * dim)
        sources = np.stack([1 + number % dim, 2 + number], axis=1)
        fluxes = np.stack([0 * number, 2 + number], axis=1)
        pairs = np.concatenate([[[0, 0], [0, 1]], sources, fluxes])
        stress, growth, *rest = bilinear(left, right, self._table, pairs)
        both = 2.0 * np.array(rest).reshape(2, terms, dim, *stress.shape)
        return BalanceModes(
            stress=stress, rate=2.0 * growth, source=both[0].sum(axis=1), flux=both[1]
        )

    def smear(self, modes: BalanceModes) -> Balance:
        """∫φ of every term, with the transports 𝒯_k taken against ∂_kφ."""
        smear = self.functions.smear
        return Balance(
            stress=smear(modes.stress),
            rate=smear(modes.rate),
            source=smear(modes.source),
            transport=self.functions.smear_gradient(modes.flux, self.cell),
        )


def flux_map(state: Currents, mixture: Mixture, cell: Cell, shape: tuple[int, ...]) -> Real:
    """The field Q^flux_ij(x) = 𝒮[-τ_ℓ(ρ,F)] on a grid, (components, n_1, ..., n_d)."""
    sub_scale = state.current[TERMS.index("Q_flux")]
    p = cell.wavevectors(mode_counts(state.density, cell.dim))
    parts = [
        2.0 * bilinear_map(1j * p * state.density[a], sub_scale[b], cell, potential, shape)
        for a, b, potential in mixture.pairs()
    ]
    return np.asarray(sum(parts))


def gradient_times_cumulant(state: Currents, cell: Cell, shape: tuple[int, ...]) -> Real:
    """Σ_s |∇ρ̄_s| |τ_ℓ(ρ_s, F_s)| on a grid: the local product that bounds the flux (Eq. 49)."""
    sub_scale = state.current[TERMS.index("Q_flux")]
    p = cell.wavevectors(mode_counts(state.density, cell.dim))
    gradient = modes_to_grid(1j * p * state.density[:, np.newaxis], cell, shape)
    cumulant = modes_to_grid(sub_scale, cell, shape)
    product = np.linalg.norm(gradient, axis=1) * np.linalg.norm(cumulant, axis=1)
    return np.asarray(np.sum(product, axis=0))
