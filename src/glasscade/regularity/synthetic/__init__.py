"""Seeded random fields whose Besov exponents are known exactly, by family (docs/synthetic.md)."""

from glasscade.regularity.synthetic.base import FAMILIES, Family, density, register
from glasscade.regularity.synthetic.jumps import Shock, Step, step, step_exponent
from glasscade.regularity.synthetic.spectral import (
    Fractional,
    Stable,
    Weierstrass,
    fractional,
    fractional_exponent,
)
from glasscade.regularity.synthetic.trees import LogNormal, PModel, Tree, WaveletSeries

__all__ = [
    "FAMILIES",
    "Family",
    "Fractional",
    "LogNormal",
    "PModel",
    "Shock",
    "Stable",
    "Step",
    "Tree",
    "WaveletSeries",
    "Weierstrass",
    "density",
    "fractional",
    "fractional_exponent",
    "register",
    "step",
    "step_exponent",
]
