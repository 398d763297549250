"""Pair potentials: values, slopes and curvatures for particles, transforms for densities."""

from glasscade.potentials.mixture import Mixture
from glasscade.potentials.radial import Cone, Gaussian, Harmonic, Potential

__all__ = ["Cone", "Gaussian", "Harmonic", "Mixture", "Potential"]
