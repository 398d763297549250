"""What every particle contributes to a budget by its smeared interaction with itself.

A smeared particle acts on its own smeared density although ∇V(0) = 0: for one particle alone
W_ℓ + Q^flux_ℓ = 0, each not zero, and where V' jumps at the origin the two keep an equal and
opposite plateau as ℓ → 0 that is no property of the glass. The thermal term has a one-particle
part too; its source, not its transport, is cancelled exactly by the Itô source,

    I_ℓ = +2T Σ_a Σ_k B[∂_kG_a, ∂_kG_a],     G_a(x) = G_ℓ(x - x_a),

since 2B[G, T∇²G] + I_ℓ = T∇²B[G, G]: a free particle only carries its own stress about. A mobility
multiplies all of this.

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

    def __init__(
        self,
        budget: Budget,
        filter_: Real,
        species: int,
        temperature: float,
        mobility: float = 1.0,
    ) -> None:
        self._budget = budget
        self._temperature, self._mobility = temperature, mobility
        self._modes = [self._at_origin(filter_, s, species) for s in range(species)]

    def _at_origin(self, filter_: Real, which: int, species: int) -> BalanceModes:
        """The balance of one particle of one species at the origin; it feels no force."""
        density = np.zeros((species, *filter_.shape), dtype=np.complex128)
        density[which] = 1.0
        force_density = np.zeros((species, filter_.ndim, *filter_.shape), dtype=np.complex128)
        state = currents(
            density,
            force_density,
            filter_,
            self._budget.field,
            self._temperature,
            mobility=self._mobility,
        )
        return self._budget.modes(state)

    def of(self, density: Modes) -> SelfPairs:
        """Sum over particles.

        Parameters
        ----------
        density : (S, 2M_1+1, ..., 2M_d+1)
            Σ_a exp(-ip·x_a) of each species, not filtered.
        """
        functions = self._budget.functions
        centre = np.array(density.shape[1:]) // 2
        phases = np.array([density[(slice(None), *(centre + q))] for q in functions.q])
        species = list(zip(self._modes, phases.T[..., np.newaxis], strict=True))
        source = np.sum([one.source * phase for one, phase in species], axis=0)
        transport = np.sum([one.transport * phase for one, phase in species], axis=0)
        w, thermal = TERMS.index("W"), TERMS.index("Q_thermal")
        resolved = functions.smear(source[w] + transport[w])
        return SelfPairs(resolved=resolved, ito=-functions.smear(source[thermal]))
