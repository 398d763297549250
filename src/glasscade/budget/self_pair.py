"""What every particle contributes to a budget by its smeared interaction with itself.

A smeared particle acts on its own smeared density although ∇V(0) = 0: for one particle alone
W_ℓ + Q^flux_ℓ = 0, each not zero, and where V' jumps at the origin the two keep an equal and
opposite plateau as ℓ → 0 that is no property of the glass. The thermal term has a one-particle
part too, which the Itô source cancels exactly:

    I_ℓ = +2T Σ_a Σ_k B[∂_kG_a, ∂_kG_a],     G_a(x) = G_ℓ(x - x_a).

One particle at the origin gives modes b(q); a particle at x_a the same times exp(-iq·x_a), so that
N particles of a species cost no more than the modes of their positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.budget.balance import TERMS, BalanceModes, Budget, currents
from glasscade.transforms import Modes

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SelfPairs:
    """Smeared one-particle terms of one snapshot, (phi, c) each.

    Attributes
    ----------
    resolved : source plus transport of W_ℓ; that of Q^flux_ℓ is its negative
    ito : I_ℓ at the temperature of the system
    """

    resolved: Real
    ito: Real


class OneParticleBudget:
    """The one-particle modes b(q) of every species at one scale."""

    def __init__(self, budget: Budget, filter_: Real, species: int, temperature: float) -> None:
        self._budget = budget
        self._modes = [self._at_origin(filter_, s, species, temperature) for s in range(species)]

    def _at_origin(
        self, filter_: Real, which: int, species: int, temperature: float
    ) -> BalanceModes:
        """The balance of one particle of one species at the origin; it feels no force."""
        density = np.zeros((species, *filter_.shape), dtype=np.complex128)
        density[which] = 1.0
        force_density = np.zeros((species, filter_.ndim, *filter_.shape), dtype=np.complex128)
        state = currents(density, force_density, filter_, self._budget.field, temperature)
        return self._budget.modes(state)

    def of(self, density: Modes) -> SelfPairs:
        """Sum over particles.

        Parameters
        ----------
        density : (S, 2M_1+1, ..., 2M_d+1)
            Σ_a exp(-ip·x_a) of each species, not filtered.
        """
        resolved, thermal = 0.0, 0.0
        centre = np.array(density.shape[1:]) // 2
        phases = np.array([density[(slice(None), *(centre + q))] for q in self._budget.functions.q])
        for one, phase in zip(self._modes, phases.T, strict=True):
            resolved = resolved + self._smeared(one, "W", phase)
            thermal = thermal + self._smeared(one, "Q_thermal", phase)
        return SelfPairs(resolved=np.asarray(resolved), ito=-np.asarray(thermal))

    def _smeared(self, one: BalanceModes, term: str, phase: Modes) -> Real:
        """Source plus transport of one term for particles of summed phases, (phi, c)."""
        number = TERMS.index(term)
        functions, cell = self._budget.functions, self._budget.cell
        source = functions.smear(one.source[number] * phase[:, np.newaxis])
        flux = one.flux[number] * phase[:, np.newaxis]
        return source + functions.smear_gradient(flux, cell)
