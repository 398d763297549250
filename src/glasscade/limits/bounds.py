"""How fast the flux must vanish: lower bounds of its exponent in ℓ from the regularity of ρ and F.

With Besov exponents ‖δρ(r)‖_3 ≲ r^ξ and ‖δF(r)‖_3 ≲ r^ξF at order q = 3, so that the norm of the
flux is that of order 1:

- `3xi-1`, Eq. 55: ‖Q^flux_ℓ‖_1 = O(ℓ^{3ξ - 1}), where F is taken to be as rough as ρ;
- `2xi+xiF-1`, Eq. 49: |Q^flux_ℓ| ≲ |∇ρ̄_ℓ||τ_ℓ| with |∇ρ̄_ℓ| = O(ℓ^{ξ - 1}) and
  |τ_ℓ| = O(ℓ^{ξ + ξF}), hence O(ℓ^{2ξ + ξF - 1}) with F as it was measured;
- `xi+xiF`: ∫φ Q^flux_ℓ dx = O(ℓ^{ξ + ξF}), because under a smooth φ the derivative can be moved
  from ρ̄_ℓ to φ and ∇V.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

BOUNDED = {"3xi-1": "pointwise", "2xi+xiF-1": "pointwise", "xi+xiF": "smeared"}
"""What each bound is of: the pointwise norm of the flux, or the flux smeared with φ."""


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
