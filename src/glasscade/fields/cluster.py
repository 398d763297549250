"""Clusters of the attractive cone, on a periodic line and in the plane: known anomalies.

With the attractive cone V = g(|x| - x²/L) a mass M collapses: at T > 0 to a profile of width
2T/(gM), at T = 0 to a point. Exact for T ≪ gML/2π² and ℓ ≪ L (box totals, E|X-X'| the mean
distance of two independent points drawn from the kernel at scale ℓ):

    Q_thermal(T) = g²M³/3 - 6 g T M²/L,     W = -Q_thermal,
    Q_flux(ℓ)    = g²M³ [1/3 - 3 E|X-X'|/L + 8 ℓ²/L²],     W_ℓ = -Q_flux  at T = 0.

In the plane with V = g|x| and no background the cluster has one length, T/(gM), so that with
ρ = exp(-V*ρ/T)/Z the total of Q_thermal is the same at every T, and that of Q_flux of the point at
every ℓ. By parts the traces of both are ∫ρ|F|², of the profile of the cluster and of the kernel,

    g²M³ E[u·u'],      u = (X-X')/|X-X'|,   u' = (X-X'')/|X-X''|,

with X, X', X'' drawn from this profile. On a line E[u u'] = 1/3 for every profile; in the plane it
depends on it, by 1 %: the limits of Q_thermal and Q_flux differ, and H of Eq. 48 is not zero.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import j0, j1

from glasscade.coarse import Kernel
from glasscade.errors import ResolutionError

Real = npt.NDArray[np.float64]

RELATIVE = 1e-12
"""Tolerance of the integration of the profile."""
LOG_TINY = -600.0
"""Logarithm below which the density is zero to double precision."""


def stationary_profile(
    x: Real, mass: float, length: float, strength: float, temperature: float
) -> Real:
    """ρ(x) of the stationary cluster centred at the origin, -L/2 <= x <= L/2.

    u = ln ρ obeys T u'' = -2g (e^u - M/L), u'(0) = u'(L/2) = 0; the height u(0) is found by
    shooting. Without the background the profile is gM²/4T sech²(gMx/2T).

    Raises
    ------
    ResolutionError
        If T is not below gML/2π², where the uniform state becomes stable and no cluster exists.
    """
    highest = strength * mass * length / (2.0 * np.pi**2)
    if not 0.0 < temperature < highest:
        raise ResolutionError(
            f"temperature: {temperature:g} admits no cluster; allowed is 0 < T < gML/2π² = "
            f"{highest:.4g}"
        )
    isolated = np.log(strength * mass**2 / (4.0 * temperature))
    height = brentq(
        lambda u: _overshoot(_shoot(u, mass, length, strength, temperature), length),
        isolated - 2.0,
        isolated + 0.5,
        xtol=1e-14,
        rtol=1e-14,
    )
    log_density = _shoot(height, mass, length, strength, temperature).sol(np.abs(x))[0]
    return np.asarray(np.exp(np.maximum(log_density, LOG_TINY)))


def _shoot(height: float, mass: float, length: float, strength: float, temperature: float) -> Any:
    """Integrate (u, u') from the centre to L/2, noting where u' comes back to zero.

    The type of what `solve_ivp` returns is not exported by scipy.
    """
    rate = 2.0 * strength / temperature

    def derivative(_: float, y: Real) -> list[float]:
        return [y[1], -rate * (np.exp(max(y[0], LOG_TINY)) - mass / length)]

    def valley(_: float, y: Real) -> float:
        return float(y[1])

    valley.direction = 1.0  # type: ignore[attr-defined]  # scipy reads it from the function
    return solve_ivp(
        derivative,
        (0.0, 0.5 * length),
        [height, 0.0],
        method="DOP853",
        rtol=RELATIVE,
        atol=RELATIVE,
        dense_output=True,
        events=valley,
        max_step=0.01 * length,
    )


def _overshoot(path: Any, length: float) -> float:
    """Negative if the valley of u comes before L/2 (peak too low), positive if after."""
    valleys = path.t_events[0]
    return float(valleys[0] - 0.5 * length) if valleys.size else float(-path.y[1, -1])


def thermal_dissipation(mass: float, length: float, strength: float, temperature: float) -> float:
    """Box total of Q_thermal of the stationary cluster, to first order in T."""
    return strength**2 * mass**3 / 3.0 - 6.0 * strength * temperature * mass**2 / length


def flux(mass: float, length: float, strength: float, kernel: Kernel, ell: float) -> float:
    """Box total of Q_flux of the point cluster, exact for kernels well inside the box."""
    separation = ell * mean_distance(kernel)
    bracket = 1.0 / 3.0 - 3.0 * separation / length + 8.0 * (ell / length) ** 2
    return strength**2 * mass**3 * bracket


def mean_distance(kernel: Kernel) -> float:
    """E|X - X'| of two independent points drawn from the kernel in 1D at ell = 1.

    E|X-X'| = (2/π) ∫_0^∞ (1 - Ĝ(k)²)/k² dk, and beyond the band of the kernel Ĝ² vanishes.
    """
    band = 2.0 * kernel.band(1)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    k = 0.5 * band * (nodes + 1.0)
    head = 0.5 * band * np.sum(weights * (1.0 - kernel.transform(k, 1) ** 2) / k**2)
    return float(2.0 / np.pi * (head + 1.0 / band))


PLANE_RADIUS, PLANE_BAND = 40.0, 12.0
"""Where ρ of the plane cluster is 1e-16 of its maximum, in T/(gM); where its transform is 1e-14."""
PANELS, NODES = 30, 20
"""Of Gauss-Legendre quadrature in r and k: all that is below is exact to 1e-12."""
DAMPING, ITERATIONS = 0.5, 100
"""Of the fixed point of the profile, which is met to 1e-14 after 80 iterations."""


def plane_cluster(mass: float, strength: float, temperature: float) -> tuple[Real, Real]:
    """Radii and ρ(r) of the stationary cluster of V = g|x| in the plane.

    ρ = exp(-V*ρ/T)/Z by iteration, with V*ρ(r) - V*ρ(0) = g ∫ (1 - J₀(kr)) ρ_hat(k)/k² dk.
    """
    r, _, rho = _plane_profile()
    length = temperature / (strength * mass)
    return r * length, mass / length**2 * rho


def plane_dissipation(mass: float, strength: float) -> float:
    """Box total of the trace of Q_thermal of the plane cluster, at every T."""
    r, area, rho = _plane_profile()
    k, dk = _nodes(PLANE_BAND)
    return strength**2 * mass**3 * _work(r, area * rho, k, dk, j0(np.outer(k, r)) @ (area * rho))


def plane_flux(mass: float, strength: float, kernel: Kernel) -> float:
    """Box total of the trace of Q_flux of a point of this mass in the plane, at every ℓ."""
    r, dr = _nodes(kernel.radius(2))
    k, dk = _nodes(2.0 * kernel.band(2))
    weight = 2.0 * np.pi * r * dr * kernel.profile(r, 2)
    return strength**2 * mass**3 * _work(r, weight, k, dk, kernel.transform(k, 2))


def _work(r: Real, weight: Real, k: Real, dk: Real, transform: Real) -> float:
    """∫ρ|F|² at g = 1, with F(r) = ∫ J₁(kr) ρ_hat(k)/k dk and the weights 2πrρ dr."""
    force = j1(np.outer(r, k)) @ (dk * transform / k)
    return float(weight @ force**2)


@cache
def _plane_profile() -> tuple[Real, Real, Real]:
    """r, 2πr dr and ρ(r) at g = M = T = 1."""
    r, dr = _nodes(PLANE_RADIUS)
    k, dk = _nodes(PLANE_BAND)
    area, waves = 2.0 * np.pi * r * dr, j0(np.outer(k, r))
    potential = ((dk / k**2)[:, np.newaxis] * (1.0 - waves)).T
    rho = np.exp(-r) / (area @ np.exp(-r))
    for _ in range(ITERATIONS):
        following = np.exp(-potential @ (waves @ (area * rho)))
        rho += DAMPING * (following / (area @ following) - rho)
    return r, area, rho


def _nodes(end: float) -> tuple[Real, Real]:
    """Nodes and weights of a composite Gauss-Legendre rule from 0 to the end."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    width = end / PANELS
    nodes = width * (np.arange(PANELS)[:, np.newaxis] + 0.5 * (x + 1.0))
    return nodes.ravel(), np.tile(0.5 * width * w, PANELS)
