"""How fast the flux must vanish: lower bounds of its exponent in ℓ from the regularity of ρ and F.

With Besov exponents ‖δρ(r)‖_3 ≲ r^ξ and ‖δF(r)‖_3 ≲ r^ξF at order q = 3, so that the norm of the
flux is that of order 1:

- `3xi-1`, Eq. 55: ‖Q^flux_ℓ‖_1 = O(ℓ^{3ξ - 1}), where F is taken to be as rough as ρ;
- `2xi+xiF-1`, Eq. 49: |Q^flux_ℓ| ≲ |∇ρ̄_ℓ||τ_ℓ| with |∇ρ̄_ℓ| = O(ℓ^{ξ - 1}) and
  |τ_ℓ| = O(ℓ^{ξ + ξF}), hence O(ℓ^{2ξ + ξF - 1}) with F as it was measured;
- `xi+xiF`: ∫φ Q^flux_ℓ dx = O(ℓ^{ξ + ξF}), because under a smooth φ the derivative can be moved
  from ρ̄_ℓ to φ and ∇V.

On a line, for forces of kernels V_hat ~ k^{-s} (s = 1 the logarithm, s = 2 whatever makes V' jump
at r = 0) acting on fields of one exponent ξ without intermittency, the exponents themselves are
known; docs/flux_bounds.md derives them:

- ξ^F = ξ + s - 1, but 1 at most (`force_exponent`);
- |∇ρ̄||τ| attains its bound, 2ξ + ξ^F - 1 (`product_exponent`);
- Q^flux has ξ + 2ξ^F, but 2 at most (`flux_exponent`): higher, since W spreads over pairs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.limits.extrapolation import Limit
from glasscade.regularity.fits import interval, power_law

Real = npt.NDArray[np.float64]

BOUNDED = {"3xi-1": "pointwise", "2xi+xiF-1": "pointwise", "xi+xiF": "smeared"}
"""What each bound is of: the pointwise norm of the flux, or the flux smeared with φ."""

PRODUCT_BOUND = ("product", "2xi+xiF-1")
"""The bound of the product |∇ρ̄||τ|, which the pointwise norm of the flux takes from it."""


def flux_bounds(xi_density: npt.ArrayLike, xi_force: npt.ArrayLike) -> dict[str, Real]:
    """The three bounds, in the order of `BOUNDED`.

    A Besov exponent counts up to 1: increments of a smooth field are of order r, not less.

    Parameters
    ----------
    xi_density, xi_force : (...)
        ξ_3 of ρ and of F.

    Returns
    -------
    dict
        Exponents of ℓ, of the shape of the arguments. None falls as an exponent grows.
    """
    xi, xi_force = np.minimum(xi_density, 1.0), np.minimum(xi_force, 1.0)
    bounds = (3.0 * xi - 1.0, 2.0 * xi + xi_force - 1.0, xi + xi_force)
    return dict(zip(BOUNDED, map(np.asarray, bounds), strict=True))


SMOOTH = 2.0
"""Exponent of the flux where everything is smooth: τ_ℓ(f, g) = ℓ²/d ∂_kf ∂_kg + O(ℓ⁴)."""
CONCENTRATED = (2.0, -2.0 / 3.0)
"""(s, ξ_3) of point masses under the cone, whose ξ_q = 1/q - 1: the exact anomaly, exponent 0."""


def force_exponent(xi: npt.ArrayLike, s: npt.ArrayLike) -> Real:
    """ξ^F = min(ξ + s - 1, 1) of F_hat ~ k^{1-s} ρ_hat.

    Parameters
    ----------
    xi : (...)
        ξ of ρ, the same at all orders.
    s : (...)
        Of V_hat ~ k^{-s}; infinite for a smooth V.
    """
    return np.minimum(np.asarray(xi) + np.asarray(s) - 1.0, 1.0)


def product_exponent(xi: npt.ArrayLike, s: npt.ArrayLike) -> Real:
    """Exponent 2ξ + ξ^F - 1 of ‖|∇ρ̄_ℓ||τ_ℓ|‖_p, any p: 3ξ - 1 at s = 1, 2ξ where ξ + s >= 2."""
    return 2.0 * np.asarray(xi) + force_exponent(xi, s) - 1.0


def flux_exponent(xi: npt.ArrayLike, s: npt.ArrayLike) -> Real:
    """Exponent min(ξ + 2ξ^F, 2) of ‖Q^flux_ℓ‖_p, any p, on a line.

    With V'(y) ~ |y|^{s-2} and pairs u < x < v, both ways round,

        Q^flux_ℓ(x) = ∓∫∫ V'(v-u) ∂ρ̄(u) τ(v) du dv.

    Pairs within ℓ of each other count as ℓ² ℓ^{s-2} ℓ^{ξ-1} ℓ^{ξ+ξ^F}, which is ξ + 2ξ^F where
    ξ^F = ξ + s - 1 < 1. A bounded ∇F leaves the local ρ̄τ(F,F) = ℓ²|∇F|²ρ̄: again ξ + 2ξ^F where
    ξ < 0, and ℓ² once ρ̄ is bounded too. At s = 2 on an infinite line Q^flux = ½ρ̄τ(w,w), ∂w = ρ,
    is all local, with the law 3ξ^F - 1. Holds for s > 0 and ξ above `lowest_exponent`; below, τ is
    made at the smallest scale there is. Where `competing` is small it is approached slowly.
    """
    return np.minimum(np.asarray(xi) + 2.0 * force_exponent(xi, s), SMOOTH)


def local_law(xi_force: npt.ArrayLike) -> Real:
    """Exponent 3ξ^F - 1 of ½ρ̄τ_ℓ(w,w), ∂w = ρ, for ξ^F < 1: the 1/3 law, of the force."""
    return np.asarray(3.0 * np.asarray(xi_force) - 1.0)


def marginal_exponent(s: npt.ArrayLike) -> Real:
    """The ξ at which `flux_exponent` vanishes, 2(1 - s)/3: the exponent of a marginal anomaly."""
    return np.asarray(2.0 * (1.0 - np.asarray(s)) / 3.0)


def lowest_exponent(s: npt.ArrayLike) -> Real:
    """The ξ down to which `flux_exponent` holds, -(2s + 1)/4.

    τ_ℓ(ρ, F) at a mode k << p is made by pairs of modes p and k - p, in proportion to k times
    ∂_p(pV_hat) ~ p^{-s} and the amplitudes p^{-ξ-1/2} of both; its variance, ∫ dp p^{-2s-4ξ-2},
    comes from p ~ 1/ℓ only above this.
    """
    return np.asarray(-0.25 * (2.0 * np.asarray(s) + 1.0))


def competing(xi: npt.ArrayLike, s: npt.ArrayLike) -> Real:
    """The power of ℓ by which the leading form of the flux wins: where it is small, slowly.

    The least of |ξ + s - 2|, between a rough and a bounded ∇F, and, where ∇F is rough, of
    |ξ + 2ξ^F - 2|, between this flux and that of smooth fields.
    """
    xi, s = np.asarray(xi, dtype=np.float64), np.asarray(s, dtype=np.float64)
    rough = np.abs(xi + 2.0 * force_exponent(xi, s) - SMOOTH)
    between = np.abs(xi + s - 2.0)
    return np.where(force_exponent(xi, s) < 1.0, np.minimum(between, rough), between)


def saturates(xi: float, s: float) -> bool:
    """Whether ‖∇F̄_ℓ‖ has a finite limit ℓ → 0, so that the force counts as of exponent 1."""
    return xi + s > 2.0


def without_saturation(product: Real, force_gradient: Real) -> Real:
    """The finite-range correction of ‖|∇ρ̄_ℓ||τ_ℓ|‖_p where ∇F is bounded: divide by ‖∇F̄_ℓ‖_p.

    To leading order in ℓ a force with a gradient has τ_ℓ(ρ, F) = ∇F̄_ℓ · ℓ²∇ρ̄_ℓ (exactly so for a
    Gaussian kernel and a constant gradient), hence |∇ρ̄||τ| = |∇F̄_ℓ| · ℓ²|∇ρ̄_ℓ|², and the second
    factor goes as ℓ^{2ξ}. The first tends to a constant, but slowly: ∇F_hat ~ k^{2-s} ρ_hat, and
    its variance lacks what lies below ℓ,

        ‖∇F̄_ℓ‖² = ‖∇F‖² [1 - c (ℓ/L)^{2(ξ+s-2)} + ...],     L the range of V or the box,

    where c = |Γ(-ξ)| (2π)^{2ξ}/(2 ζ(1+2ξ)) for the cone, whose ∇F is ρ, and the local exponent of
    ‖∇F̄_ℓ‖_p is -c(ξ + s - 2)(ℓ/L)^{2(ξ+s-2)}: at ξ = 0.15 still -0.04 at ℓ = L/10³. Dividing by the
    measured ‖∇F̄_ℓ‖_p takes this out to all orders. What is left, from ∇F below ℓ inside τ, is again
    of relative order (ℓ/L)^{2(ξ+s-2)}, but with a small factor.

    Parameters
    ----------
    product, force_gradient : (..., n)
        Norms of one order at the same scales.
    """
    return np.asarray(product / force_gradient)


def scaling_exponent(ell: Real, norm: Real, level: float) -> Limit:
    """d ln norm / d ln ℓ over all scales given, with an interval over realisations.

    One straight line for each realisation; their scatter, studentised, and half the difference
    between the lower and the upper half of the scales are added in quadrature.

    Parameters
    ----------
    ell : (n,)
    norm : (realisations, n)
    level : float

    Raises
    ------
    ConfigError
        If norms are not positive.
    """
    if not np.all(norm > 0.0):
        raise ConfigError("norm: only positive norms have an exponent")
    fit = power_law(ell, norm, float(ell[0]), float(ell[-1]))
    mean = interval(fit.slope, level)
    systematic = 0.5 * abs(float(np.mean(fit.upper_slope - fit.lower_slope)))
    value, half = float(mean.value), float(np.hypot(mean.half_width, systematic))
    return Limit(value, value - half, value + half, fit.low, fit.high, len(norm))
