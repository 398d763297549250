"""Free energy of densities on the volumes of a straight periodic cell.

With ρ_s the averages over volumes of size h = Π_i h_i, centred at the grid points j/n,

    E = h Σ_x Σ_s ρ_s [½ Φ_s + U_s + T ln ρ_s],      Φ_s = Σ_s' V_ss' * ρ_s',

and ξ_s = (1/h) ∂E/∂ρ_s = T ln ρ_s + Φ_s + U_s up to the constant T, which drives nothing. The
discrete V is the one whose transform is V_hat at the modes of the grid. It is even, so that Φ is
the gradient of the interaction energy, as the decay of E requires, and every potential with a
transform has it, cones and logarithms too, with the images of the periodic cell in it. What is
neglected, the variation of V within a volume and V_hat beyond the grid, is of second order in h.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError
from glasscade.external import External, ExternalForce, each_species
from glasscade.force import MeanField
from glasscade.potentials import Mixture
from glasscade.transforms import modes_to_grid

Real = npt.NDArray[np.float64]

CURL = 1e-12
"""Largest part of a force that is not a gradient, relative to its largest mode: round-off."""


class FreeEnergy:
    """E, its gradient ξ and the differences between neighbours that drive the currents.

    Attributes
    ----------
    sides : (d,)
        Lengths h_i of a volume.
    interaction : MeanField
        ρ_s -> Φ_s.
    conservative : bool
        Whether external forces are gradients (none at all is one); E is then complete.

    Raises
    ------
    ConfigError
        If the cell is tilted, or there are not as many external forces as species.
    ResolutionError
        If the grid does not hold the waves of an external force.
    """

    def __init__(
        self,
        mixture: Mixture,
        cell: Cell,
        shape: tuple[int, ...],
        temperature: float,
        external: External = None,
    ) -> None:
        lengths = np.diag(cell.matrix)
        if np.any(cell.matrix != np.diag(lengths)):
            raise ConfigError(
                "cell: finite volumes need orthogonal box vectors along the axes, not the tilted "
                f"{cell.matrix.tolist()}; use the spectral solver in a sheared cell"
            )
        self.cell, self.shape, self.temperature = cell, shape, temperature
        self.sides = lengths / np.array(shape)
        self.interaction = MeanField(mixture, cell, shape)
        self._work, self._outside, self.conservative = _external(
            each_species(external, mixture.species), cell, shape
        )

    def rise(self, interaction: Real) -> Real:
        """Φ + U at the next volume along each axis minus here, (S, d, *grid).

        Of forces without a potential it is ΔΦ - ∫f·dx along the link between the two centres,
        which for gradients is the same.
        """
        axes = range(1, self.cell.dim + 1)
        steps = np.stack([np.roll(interaction, -1, a) - interaction for a in axes], axis=1)
        return steps if self._work is None else steps - self._work

    def value(self, density: Real, interaction: Real) -> float:
        """E, with Φ of the same density, and 0 ln 0 = 0; needs `conservative` to be complete."""
        return float(np.sum(self._density_of(density, interaction)) * np.prod(self.sides))

    def round_off(self, density: Real, interaction: Real) -> float:
        """What rounding may change in E: an ulp of each of its terms, and ten of the transforms."""
        terms = np.abs(self._density_of(density, interaction))
        terms += density * np.max(np.abs(interaction))
        return float(10.0 * np.finfo(float).eps * np.sum(terms) * np.prod(self.sides))

    def chemical_potential(self, density: Real) -> Real:
        """ξ_s, constant over the cell in a steady state without current; needs ρ > 0."""
        level = self.interaction(density) + self.temperature * np.log(density)
        return level if self._outside is None else level + self._outside

    def _density_of(self, density: Real, interaction: Real) -> Real:
        logarithm = np.log(np.where(density > 0.0, density, 1.0))
        level = 0.5 * interaction + self.temperature * logarithm
        return density * (level if self._outside is None else level + self._outside)


class State(NamedTuple):
    """A density with what is known of it."""

    density: Real
    interaction: Real
    energy: float

    @classmethod
    def of(cls, density: Real, energy: FreeEnergy) -> State:
        """ρ, Φ and E."""
        interaction = energy.interaction(density)
        return cls(density, interaction, energy.value(density, interaction))


def _external(
    external: tuple[ExternalForce, ...] | None, cell: Cell, shape: tuple[int, ...]
) -> tuple[Real | None, Real | None, bool]:
    """∫f·dx along links (S, d, *grid), U (S, *grid), and whether f = -∇U is all of f.

    Along a link of length h_i a wave contributes h_i f_i sinc(p_i h_i/2), taken at its middle.
    """
    if external is None:
        return None, None, True
    works, potentials, conservative = [], [], True
    for force in external:
        counts = force.counts(cell)
        if any(2 * m + 1 > n for m, n in zip(counts, shape, strict=True)):
            raise ResolutionError(
                f"external: a grid of shape {shape} does not hold a force with modes up to "
                f"{counts}; take at least {tuple(2 * m + 1 for m in counts)} points"
            )
        f, p = force.modes(cell, counts), cell.wavevectors(counts)
        sides = (np.diag(cell.matrix) / np.array(shape)).reshape(-1, *[1] * cell.dim)
        half = 0.5 * p * sides
        link = sides * np.sinc(half / np.pi) * np.exp(1j * half)  # numpy's sinc
        square = np.sum(p**2, axis=0)
        potential = 1j * np.sum(p * f, axis=0) / np.where(square > 0.0, square, 1.0)
        rest = np.abs(f + 1j * p * potential)
        conservative &= bool(np.all(rest <= CURL * np.max(np.abs(f), initial=0.0)))
        works.append(modes_to_grid(link * f, cell, shape))
        potentials.append(modes_to_grid(potential, cell, shape))
    return np.array(works), np.array(potentials), conservative
