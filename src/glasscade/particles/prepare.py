"""Initial states: particles at random positions (T = ∞)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glasscade.cell import Cell
from glasscade.particles.dynamics import State
from glasscade.particles.spheres import side


def random_mixture(
    number: int, packing_fraction: float, dim: int, seed: int, realisation: int
) -> tuple[State, Cell]:
    """Particles of `DIAMETERS`, half of each, uniformly at random in a cube.

    Parameters
    ----------
    number
        N, even; the first half is the small species 0.
    packing_fraction
        φ, see `spheres.side`.
    dim
        1, 2 or 3.
    seed, realisation
        Together they name the positions.

    Raises
    ------
    ConfigError
        If N is odd or not positive, or φ is not positive.
    """
    cell = Cell.cubic(side(number, packing_fraction, dim), dim)
    return random_state((number // 2, number // 2), cell, seed, realisation), cell


def random_state(counts: Sequence[int], cell: Cell, seed: int, realisation: int) -> State:
    """So many particles of each species, in the order of their species, uniformly at random."""
    random = np.random.default_rng([seed, realisation])
    species = np.repeat(np.arange(len(counts)), counts)
    return State(cell.cartesian(random.random((species.size, cell.dim))), species)


def noise_seed(seed: int, realisation: int) -> int:
    """The 32-bit seed of the noise of one realisation, the same at every temperature."""
    return int(np.random.SeedSequence([seed, realisation]).generate_state(1)[0])
