"""The force field of a density and the interaction current.

    F_s(x) = Σ_s' ∫ ∇V_ss'(x - x') ρ_s'(x') dx',

minus the force on a particle of species s; the current it drives is -ρ_s F_s.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.potentials import Mixture, Potential
from glasscade.transforms import Modes, product

Real = npt.NDArray[np.float64]


def potential_hat(potential: Potential, k: Real) -> Real:
    """V_hat(k) for wavevectors of shape (d, ...): minus the transverse part of W_hat."""
    return -potential.virial(np.linalg.norm(k, axis=0), k.shape[0])[0]


class ForceField:
    """ρ_s -> F_s on the modes of a cell: a multiplication by i p V_hat_ss'(p)."""

    def __init__(self, mixture: Mixture, cell: Cell, counts: tuple[int, ...]) -> None:
        self.cell = cell
        self.wavevectors = cell.wavevectors(counts)
        size = mixture.species
        self._potential = np.empty((size, size, *self.wavevectors.shape[1:]))
        for a, b, potential in mixture.pairs():
            self._potential[a, b] = potential_hat(potential, self.wavevectors)

    def force(self, density: Modes) -> Modes:
        """F_s from ρ_s: (S, modes) to (S, d, modes)."""
        field = np.sum(self._potential * density, axis=1)
        return np.asarray(1j * self.wavevectors * field[:, np.newaxis])

    def force_density(self, density: Modes) -> Modes:
        """ρ_s F_s free of aliasing: (S, modes) to (S, d, modes)."""
        forces = self.force(density)
        return np.array(
            [product(rho, f, self.cell) for rho, f in zip(density, forces, strict=True)]
        )

    def largest_relaxation(self) -> float:
        """max_p p² Σ_s' |V_hat_ss'(p)|: the fastest relaxation rate for unit density."""
        squares = np.sum(self.wavevectors**2, axis=0)
        return float(np.max(squares * np.sum(np.abs(self._potential), axis=1)))
