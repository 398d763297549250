"""The 50:50 binary mixture of soft spheres: its potentials and the cell it fills."""

from __future__ import annotations

import math

import numpy as np

from glasscade.errors import ConfigError
from glasscade.potentials import Harmonic, Mixture

# Volume of the ball of radius 1 in d dimensions.
UNIT_BALL = {1: 2.0, 2: math.pi, 3: 4.0 * math.pi / 3.0}
# The size ratio at which disks neither crystallise nor separate (O'Hern et al. 2003).
DIAMETERS = (1.0, 1.4)


def binary_spheres(core: float, strength: float = 1.0) -> Mixture:
    """Harmonic V_ab of diameter (d_a + d_b)/2, rounded below the distance `core`, in l0."""
    rows = [tuple(Harmonic(strength, 0.5 * (a + b), core) for b in DIAMETERS) for a in DIAMETERS]
    return Mixture(tuple(rows))


def side(number: int, packing_fraction: float, dim: int) -> float:
    """Side of the cube that N spheres, half of each of `DIAMETERS`, fill to φ.

    φ = Σ_a (volume of sphere a) / |Ω|, Σ π d²/4 over the area in 2D; overlaps count twice.

    Raises
    ------
    ConfigError
        If N is odd or not positive, or φ is not positive.
    """
    if number <= 0 or number % 2 == 1:
        raise ConfigError(f"number: {number} is not a positive even number, half are of each size")
    if not packing_fraction > 0.0:
        raise ConfigError(f"packing_fraction: {packing_fraction:g} is outside (0, inf)")
    radii = 0.5 * np.array(DIAMETERS)
    volume = UNIT_BALL[dim] * 0.5 * number * float(np.sum(radii**dim)) / packing_fraction
    return float(volume ** (1.0 / dim))
