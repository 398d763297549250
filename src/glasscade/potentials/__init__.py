"""Pair potentials: values and derivatives for particles, transforms for densities."""

from glasscade.potentials.base import POTENTIALS, Potential, register
from glasscade.potentials.cone import FreeCone
from glasscade.potentials.hard import InversePower, LennardJones
from glasscade.potentials.line import Cone, Riesz
from glasscade.potentials.mixture import Mixture
from glasscade.potentials.sampled import Sampled, Tabulated
from glasscade.potentials.soft import GEM, Gaussian, Harmonic, Hertzian

__all__ = [
    "GEM",
    "POTENTIALS",
    "Cone",
    "FreeCone",
    "Gaussian",
    "Harmonic",
    "Hertzian",
    "InversePower",
    "LennardJones",
    "Mixture",
    "Potential",
    "Riesz",
    "Sampled",
    "Tabulated",
    "register",
]
