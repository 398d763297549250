"""The two-dimensional binary Lennard-Jones glass: its potentials, composition and density.

Lançon et al., Europhys. Lett. 2, 625 (1986); Falk & Langer, Phys. Rev. E 57, 7192 (1998); with
the smooth cut of Barbot et al., Phys. Rev. E 97, 033001 (2018).
"""

from __future__ import annotations

import math

from glasscade.potentials import LennardJones, Mixture

# σ of pairs of large, of large and small, and of small particles, and ε in units of the strength.
_DIAMETERS = ((2.0 * math.sin(math.pi / 5.0), 1.0), (1.0, 2.0 * math.sin(math.pi / 10.0)))
_DEPTHS = ((0.5, 1.0), (1.0, 0.5))
_RATIO = 0.25 * (1.0 + math.sqrt(5.0))
LARGE = _RATIO / (1.0 + _RATIO)
"""Share of the large particles, of N_L : N_S = (1 + √5)/4."""
DENSITY = 1.0e4 / 98.8045**2
"""Particles per area: 10⁴ in a square of side 98.8045."""


def binary_lennard_jones(cap: float, strength: float = 1.0) -> Mixture:
    """V_ab of large (0) and small (1) particles, capped below `cap` σ_ab."""
    rows = [
        tuple(
            LennardJones(strength * depth, diameter, cap * diameter)
            for depth, diameter in zip(depths, diameters, strict=True)
        )
        for depths, diameters in zip(_DEPTHS, _DIAMETERS, strict=True)
    ]
    return Mixture(tuple(rows))
