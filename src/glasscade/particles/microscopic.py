"""The stress balance of point particles, exact: what the budgets at scale ℓ tend to as ℓ → 0.

With Φ(x_a, x_b) = ∫_0^1 φ(x_a + λy) dλ, y = x_b - x_a, the stress of the bonds is

    σ^ni[φ] = Σ_{a<b} W_ij(y) Φ(x_a, x_b),      φ(x) = Re Σ_q c(q) e^{iq·x}.

A term is a current j = Σ_a v_a δ(x - x_a) put through the operator B as at any scale, with the
derivative of ρ moved onto WΦ and Φ_k built from ∂_kφ as Φ is from φ:

    source       𝒮[φ] = 2 Σ_k ∫φ B[∂_kρ, j_k]   = -Σ_{a≠b} v_b·∂_a (WΦ)
    transport    ∫𝒯_k ∂_kφ = 2 ∫∂_kφ B[ρ, j_k]  = Σ_{a≠b} v_{b,k} W Φ_k

Since (∂_a + ∂_b)_k (WΦ) = WΦ_k, the two together are Σ_b v_b·∂_b σ^ni[φ], the rate of the stress.
The thermal current -T∇ρ has the same form with one more derivative,

    source       -T Σ_{a≠b} ∂_a·∂_b (WΦ)
    transport    T Σ_{a≠b} ∂_{b,k} (WΦ_k) = T σ^ni[∇²φ]

and both together T Σ_a ∂_a² σ^ni[φ], the mean effect of the noise (Eq. 20, third line, with all
derivatives on Wφ). No particle pairs with itself: this is the limit of Q^thermal_ℓ + I_ℓ.

For a bond with middle m, ∂_a = ∂_m/2 - ∂_y and ∂_b = ∂_m/2 + ∂_y. Every term is therefore a part R
from y alone and a part C from m alone, source R - C and transport 2C.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.jit import jit
from glasscade.particles.observables import Bonds, LineMode, forces, line_modes, smeared_stress
from glasscade.potentials import Mixture, Potential

Real = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
Integers = npt.NDArray[np.int64]

TERMS = ("W", "Q_thermal")
"""The terms of every balance."""

# Two sides of a radius, in units of the cutoff: near, a continuous V'' like sqrt(cutoff - r) still
# differs by 1e-6, but far less than at the greater distance; a jump stays. What is left below the
# fraction `_ROUND_OFF` of the largest value is none either.
_NEAR, _FAR = 1e-12, 1e-6
_ROUND_OFF = 1e-9
_SAMPLES = 256


@dataclass(frozen=True, eq=False)
class MicroscopicBalance:
    """Smeared terms of one configuration of points, in the layout of a balance at scale ℓ.

    Attributes
    ----------
    terms
        Names of the terms: those of `TERMS`, and of further velocities.
    stress
        (n_phi, d, d) ∫φ σ^ni, in units of V0.
    source, transport
        (term, n_phi, d, d) ∫φ 𝒮[j^X] and ∫𝒯_k[j^X] ∂_kφ, in units of μ V0²/l0².
    """

    terms: tuple[str, ...]
    stress: Real
    source: Real
    transport: Real

    @property
    def rate(self) -> Real:
        """(n_phi, d, d) dσ^ni[φ]/dt of all terms; without a martingale, its mean over the noise."""
        return np.asarray(np.sum(self.source + self.transport, axis=0))


def microscopic_balance(
    bonds: Bonds,
    mixture: Mixture,
    temperature: float,
    cell: Cell,
    q: Integers,
    coefficients: Complex,
    others: Mapping[str, Real] | None = None,
) -> MicroscopicBalance:
    """All terms for dx_a = (-F_a + f_a) dt + sqrt(2T) dB_a.

    Parameters
    ----------
    bonds
        Of the particles, with the potentials of `mixture`.
    q, coefficients
        (n_q, d) integers and (n_phi, n_q) complex c(q) of the test functions.
    others
        Further terms by name, each an (N, d) velocity v_a: f(x_a) makes N_ni, and
        sqrt(2T) dB_a/dt over the step to come the martingale. The mean over the noise needs none.

    Raises
    ------
    ConfigError
        If T > 0 and a potential has no thermal term of points (`require_thermal`).
    """
    driven = others or {}
    velocity = np.array([-forces(bonds), *driven.values()])
    source, transport = smeared_drift(bonds, velocity, cell, q, coefficients)
    hot, spread = smeared_thermal(bonds, mixture, temperature, cell, q, coefficients)
    return MicroscopicBalance(
        terms=(*TERMS, *driven),
        stress=smeared_stress(bonds, cell, q, coefficients),
        source=np.array([source[0], hot, *source[1:]]),
        transport=np.array([transport[0], spread, *transport[1:]]),
    )


def smeared_drift(
    bonds: Bonds, velocity: Real, cell: Cell, q: Integers, coefficients: Complex
) -> tuple[Real, Real]:
    """Source and transport of the current Σ_a v_a δ(x - x_a), (..., n_phi, d, d) each.

    With g = V'/r, s = sin z/z, z = q·y/2, u = v_b - v_a, c = (v_a + v_b)/2, times e^{iq·m}:

        R = u·∂_y(Ws) = s [g (u_i y_j + y_i u_j) + (g'/r) (y·u) y_i y_j] + (q·u/2) s' g y_i y_j
        C = i (q·c) s g y_i y_j

    Parameters
    ----------
    velocity
        (..., N, d) one or more velocities v_a.
    q, coefficients
        (n_q, d) integers and (n_phi, n_q) complex c(q) of the test functions.
    """
    y, g, bending = bonds.separation, bonds.slope_over_distance, bonds.bending
    ends = velocity[..., bonds.first, :], velocity[..., bonds.second, :]
    relative, centre = ends[1] - ends[0], 0.5 * (ends[0] + ends[1])
    radial = bending * np.einsum("...pi,pi->...p", relative, y)
    modes = np.empty((2, *velocity.shape[:-2], len(q), cell.dim, cell.dim), dtype=np.complex128)
    for k, (wavevector, phase, half) in enumerate(line_modes(bonds, cell, q)):
        s, ds, _ = phase * sinc_derivatives(half)
        turning = np.einsum("...pi,pj->...ij", (s * g)[:, None] * relative, y)
        stretching = s * radial + 0.5 * ds * g * (relative @ wavevector)
        carrying = 1j * s * g * (centre @ wavevector)
        modes[0, ..., k, :, :] = _symmetric(turning) + _outer(stretching, y)
        modes[1, ..., k, :, :] = _outer(carrying, y)
    return _terms(modes, coefficients)


def smeared_thermal(
    bonds: Bonds,
    mixture: Mixture,
    temperature: float,
    cell: Cell,
    q: Integers,
    coefficients: Complex,
) -> tuple[Real, Real]:
    """Source and transport of the thermal current -T∇ρ, (n_phi, d, d) each.

    In the notation of `smeared_drift`, and times e^{iq·m},

        R = 2T ∂_y²(Ws) = 2T [s ∂_y²W + s' (q·∂_y)W + (q²/4) s'' W]
        C = -(T/2) q² s W

    with ∂_y²W_ij = [V'''/r + (d+1) g'/r] y_i y_j + 2g δ_ij and g(0) = V''(0). A particle bonded to
    its own image moves with it, by one and the same noise: that bond has only its transport.

    Raises
    ------
    ConfigError
        If T > 0 and a potential has no thermal term of points (`require_thermal`).
    """
    modes = np.zeros((2, len(q), cell.dim, cell.dim), dtype=np.complex128)
    if temperature > 0.0:
        require_thermal(mixture, cell.dim)
        for k, mode in enumerate(line_modes(bonds, cell, q)):
            modes[:, k] = temperature * _thermal_mode(bonds, mode)
    return _terms(modes, coefficients)


def _thermal_mode(bonds: Bonds, mode: LineMode) -> Complex:
    """R and C of one mode at T = 1, (2, d, d); of a bond to an own image R = C."""
    y, g, bending = bonds.separation, bonds.slope_over_distance, bonds.bending
    dim = y.shape[1]
    q, z = mode.wavevector, mode.half
    q2 = float(q @ q)
    own = bonds.first == bonds.second
    line = mode.phase * sinc_derivatives(z)
    s, ds, dds = np.where(own, 0.0, line)
    laplacian = bonds.third_over_distance + (dim + 1) * bending
    along = s * laplacian + 2.0 * ds * bending * z + 0.25 * q2 * dds * g
    turning = np.outer(q, np.einsum("p,pj->j", ds * g, y))
    trace = 2.0 * np.sum(s * np.where(bonds.distance > 0.0, g, bonds.curvature)) * np.eye(dim)
    relative = 2.0 * (_outer(along, y) + _symmetric(turning) + trace)
    carried = -0.5 * q2 * line[0] * g
    return np.array([relative + _outer(np.where(own, carried, 0.0), y), _outer(carried, y)])


def _terms(modes: Complex, coefficients: Complex) -> tuple[Real, Real]:
    """R - C and 2C against the test functions, from the modes of R and C."""
    apart, carried = np.einsum("fq,...qij->...fij", coefficients, modes).real
    return apart - carried, 2.0 * carried


@jit
def sinc_derivatives(z: Real) -> Real:
    """(s, s', s'') of s = sin z/z for every z, shape (3, P).

    s' = -z r and s'' = 2r - s, with r = (s - cos z)/z² = Σ_m (-z²)^m (2m+2)/(2m+3)!, of which seven
    terms are exact below z = 1/2, where the quotient loses digits.
    """
    out = np.empty((3, z.size))
    for p in range(z.size):
        square = z[p] * z[p]
        s = math.sin(z[p]) / z[p] if z[p] != 0.0 else 1.0
        if square < 0.25:
            ratio, term = 0.0, 1.0 / 3.0
            for m in range(7):
                ratio += term
                term *= -square / ((2 * m + 2) * (2 * m + 5))
        else:
            ratio = (s - math.cos(z[p])) / square
        out[0, p], out[1, p], out[2, p] = s, -z[p] * ratio, 2.0 * ratio - s
    return out


def _outer(weights: Complex, y: Real) -> Complex:
    """Σ_p w_p y_i y_j, (..., d, d)."""
    return np.asarray(np.einsum("...pi,pj->...ij", weights[..., None] * y, y))


def _symmetric(tensor: Complex) -> Complex:
    """T_ij + T_ji."""
    return np.asarray(tensor + np.swapaxes(tensor, -1, -2))


def require_thermal(mixture: Mixture, dim: int) -> None:
    """Refuse potentials whose ∂_y²W holds a δ at some distance, which no finite pattern samples.

    It does where V' or V'' jumps at r > 0, the cutoff included, and in one dimension where V'
    jumps at r = 0, W being a multiple of |y| there.

    Raises
    ------
    ConfigError
        Naming the potential, its pair of species, and the radius.
    """
    for a, b, potential in mixture.pairs():
        for radius in _jumps(potential, dim):
            raise ConfigError(
                f"Q_thermal: V' or V'' of the '{potential.name}' potential of species {a} and {b} "
                f"jumps at r = {radius:g}, where points have no thermal term: "
                f"use Q_thermal_ℓ at ℓ > 0"
            )


def _jumps(potential: Potential, dim: int) -> list[float]:
    """Radii where V' or V'' jumps: both end at the cutoff, and below r = 0 V' is odd, V'' even."""
    radii = np.array([0.0, *potential.breaks] if dim == 1 else potential.breaks)
    sampled = potential.cutoff * np.arange(1, _SAMPLES) / _SAMPLES
    found = np.zeros(radii.size, dtype=bool)
    for derivative, parity in ((potential.slope, -1.0), (potential.curvature, 1.0)):
        near, far = (
            np.abs(_step(derivative, parity, radii, potential.cutoff, fraction))
            for fraction in (_NEAR, _FAR)
        )
        largest = np.max(np.abs(derivative(sampled)))
        found |= (near > 0.5 * far) & (near > _ROUND_OFF * largest)
    return list(radii[found])


def _step(
    derivative: Callable[[Real], Real], parity: float, radii: Real, cutoff: float, fraction: float
) -> Real:
    """The difference of a derivative across each radius, V being zero beyond the cutoff."""
    aside = fraction * cutoff
    outside = np.where(radii < cutoff, derivative(radii + aside), 0.0)
    inside = np.where(radii > aside, 1.0, parity) * derivative(np.abs(radii - aside))
    return np.asarray(outside - inside)
