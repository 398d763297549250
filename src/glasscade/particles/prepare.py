"""Initial states: the 50:50 binary mixture of soft spheres at random positions (T = ∞)."""

from __future__ import annotations

import numpy as np

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.dynamics import State
from glasscade.particles.pairs import UNIT_BALL
from glasscade.potentials import Harmonic, Mixture

# The size ratio at which disks neither crystallise nor separate (O'Hern et al. 2003).
DIAMETERS = (1.0, 1.4)


def binary_spheres(core: float, strength: float = 1.0) -> Mixture:
    """Harmonic V_ab of diameter (d_a + d_b)/2, rounded below the distance `core`, in l0."""
    rows = [tuple(Harmonic(strength, 0.5 * (a + b), core) for b in DIAMETERS) for a in DIAMETERS]
    return Mixture(tuple(rows))


def random_mixture(
    number: int, packing_fraction: float, dim: int, seed: int, realisation: int
) -> tuple[State, Cell]:
    """Particles of `DIAMETERS`, half of each, uniformly at random in a cube.

    Parameters
    ----------
    number
        N, even; the first half is the small species 0.
    packing_fraction
        φ = Σ_a (volume of sphere a) / |Ω|, Σ π d²/4 over the area in 2D; overlaps count twice.
    dim
        1, 2 or 3.
    seed, realisation
        Together they name the positions.

    Raises
    ------
    ConfigError
        If N is odd or not positive, or φ is not positive.
    """
    if number <= 0 or number % 2 == 1:
        raise ConfigError(f"number: {number} is not a positive even number, half are of each size")
    if not packing_fraction > 0.0:
        raise ConfigError(f"packing_fraction: {packing_fraction:g} is outside (0, inf)")
    species = np.repeat(np.arange(2), number // 2)
    radii = 0.5 * np.array(DIAMETERS)[species]
    volume = UNIT_BALL[dim] * np.sum(radii**dim) / packing_fraction
    cell = Cell.cubic(float(volume ** (1.0 / dim)), dim)
    random = np.random.default_rng([seed, realisation])
    return State(cell.cartesian(random.random((number, dim))), species), cell


def noise_seed(seed: int, realisation: int) -> int:
    """The 32-bit seed of the noise of one realisation, the same at every temperature."""
    return int(np.random.SeedSequence([seed, realisation]).generate_state(1)[0])
