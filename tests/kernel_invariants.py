"""What holds for every coarse-graining kernel: the shared checks of registered and new classes.

Each check takes a kernel and a dimension and fails with a sentence that says what is wrong.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad
from scipy.special import j0

from glasscade.coarse import KERNELS, TOLERANCE
from glasscade.radial import SURFACE

NODE, WEIGHT = np.polynomial.legendre.leggauss(600)
AVERAGE = {1: np.cos, 2: j0, 3: lambda z: np.sinc(z / np.pi)}


def integral(kernel, dim, weight):
    """S_d ∫ G(r) weight(r) r^{d-1} dr."""

    def integrand(r):
        return float(kernel.profile(np.array(r), dim)) * weight(r) * r ** (dim - 1)

    radius = kernel.radius(dim)
    return SURFACE[dim] * quad(integrand, 0.0, radius, epsabs=1e-12, epsrel=1e-12, limit=200)[0]


def check_declaration(kernel, dim):
    """It is found by its name."""
    assert KERNELS[kernel.name] is kernel, "the instance is not the registered one"


def check_average(kernel, dim):
    """Mass 1, ∫|r|² G = 1, G >= 0, and nothing beyond the radius."""
    # accuracy of the quadrature
    assert abs(integral(kernel, dim, lambda r: 1.0) - 1.0) <= 1e-11, "its mass is not 1"
    second = integral(kernel, dim, lambda r: r * r)
    assert abs(second - 1.0) <= 1e-11, "its second moment is not 1"
    radius = kernel.radius(dim)
    profile = kernel.profile(np.linspace(0.0, 2.0 * radius, 4001), dim)
    assert profile.min() >= 0.0, "it is negative somewhere"
    assert np.max(profile[2000:]) <= 1e-15 * profile.max(), "it does not end at its radius"


def check_transform(kernel, dim):
    """Ĝ is the transform of G, with Ĝ(0) = 1, and is small wherever it is left out."""
    for z in (0.0, 0.7, 3.1, 12.0):
        expected = integral(kernel, dim, lambda r, z=z: AVERAGE[dim](z * r))
        computed = kernel.transform(np.array([z]), dim)[0]
        # accuracy of the quadrature
        assert abs(computed - expected) <= 1e-11, f"Ĝ({z:g}) is not the transform of G"


def check_band(kernel, dim):
    """Beyond the band |Ĝ| is below the tolerance, and just inside it is not."""
    band = kernel.band(dim)
    outside = np.abs(kernel.transform(np.linspace(band, 20.0 * band, 200_001), dim))
    # round-off where the band is exact
    assert outside.max() <= TOLERANCE * (1.0 + 1e-9), "Ĝ exceeds the tolerance beyond the band"
    # the band is tight to within one lobe of the transform, π/radius
    inside = np.abs(kernel.transform(np.linspace(0.9 * band, band, 1001), dim))
    assert inside.max() > TOLERANCE, "the band is wider than need be"
    # Where the transform may be cut off: 600 nodes, for phases of up to 3 band radius < 700.
    r = 0.5 * kernel.radius(dim) * (NODE + 1.0)
    z = np.linspace(1.0, 3.0, 9) * band
    amplitude = 0.5 * kernel.radius(dim) * WEIGHT * kernel.profile(r, dim) * r ** (dim - 1)
    direct = SURFACE[dim] * AVERAGE[dim](np.outer(z, r)) @ amplitude
    error = np.max(np.abs(direct - kernel.transform(z, dim)))
    assert error <= 1e-11, "Ĝ beyond the band is not the transform of G"


CHECKS = (check_declaration, check_average, check_transform, check_band)
