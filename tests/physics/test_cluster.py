"""One point of mass M on the periodic line, V = |x| - x²/L: an anomaly that is known exactly.

At rest, T = 0, the current -ρF vanishes and the sub-scale current is +ρ̄F̄. By parts,

    ∫Q^flux_ℓ dx = ∫∫ρ̄ρ̄' F̄(x) ∂_x[(x-x')V'(x-x')],   F̄ = V'*ρ̄,

where V' = sgn x - 2x/L. For independent draws X, X', X'' from G_ℓ, E[sgn(X-X') sgn(X-X'')] = 1/3
(X is the outermost of the three with probability 2/3), and so, as long as |X - X'| < L/2,

    ∫Q^flux_ℓ dx = M³ [1/3 - 3 E|X-X'|/L + 8 ℓ²/L²].
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, simpson

from glasscade.budget.balance import TERMS, Budget, currents
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.potentials import Cone, Mixture
from glasscade.transforms import point_modes

LENGTH = 40.0
CELL = Cell.cubic(LENGTH, 1)
COUNTS = (2500,)  # up to k = 393, k ℓ = 196, beyond which no kernel's transform exceeds 1e-11
FUNCTIONS = TestFunctions.bumps(1, count=3, sharpness=2, seed=2)
W, FLUX = TERMS.index("W"), TERMS.index("Q_flux")
ELLS = np.array([0.5, 0.75, 1.0])
EXACT = 1e-13  # of M³: round-off; the modes left out enter as products of small transforms


@pytest.fixture(params=KERNELS.values(), ids=KERNELS.keys())
def kernel(request):
    return request.param


@pytest.fixture(scope="module", params=[1.0, -1.0], ids=["attractive", "repulsive"])
def strength(request):
    return request.param


@pytest.fixture(scope="module")
def budget(strength):
    return Budget(Mixture.single(Cone(strength, LENGTH)), CELL, COUNTS, FUNCTIONS)


def balance_of_points(budget, kernel, ell, masses, positions, forces):
    """The balance at T = 0 of points with given forces on them."""
    x, m = np.array(positions)[:, np.newaxis], np.array(masses)
    density = point_modes(x, m, CELL, COUNTS)[np.newaxis]
    force_density = point_modes(x, m * np.array(forces), CELL, COUNTS)[np.newaxis, np.newaxis]
    filter_ = kernel.filter(CELL, COUNTS, ell)
    return budget.balance(currents(density, force_density, filter_, budget.field, 0.0))


def cluster(budget, kernel, ell, mass=1.0):
    return balance_of_points(budget, kernel, ell, [mass], [7.3], [0.0])


def mean_distance(kernel):
    """E|X-X'| = 2∫C(1-C)dx at ell = 1, C the cumulative distribution."""
    x = np.linspace(-8.0, 8.0, 16_001)
    below = cumulative_simpson(kernel.profile(np.abs(x), 1), x=x, initial=0.0)
    return 2.0 * simpson(below * (1.0 - below), x=x)


@pytest.mark.parametrize("mass", [1.0, 2.0])
def test_flux_of_a_cluster_is_exact_at_every_scale(budget, kernel, mass):
    # quadratic in V: the same for either sign, as long as the mass is one point
    flux = [cluster(budget, kernel, ell, mass).source[FLUX, 0, 0] for ell in ELLS]
    e = mean_distance(kernel)
    expected = 1.0 / 3.0 - 3.0 * e * ELLS / LENGTH + 8.0 * (ELLS / LENGTH) ** 2
    np.testing.assert_allclose(flux, mass**3 * expected, rtol=0.0, atol=EXACT * mass**3)


def test_flux_extrapolates_to_one_third_with_the_slope_of_its_kernel(budget, kernel):
    flux = [cluster(budget, kernel, ell).source[FLUX, 0, 0] for ell in ELLS]
    limit, slope, curvature = np.polynomial.polynomial.polyfit(ELLS / LENGTH, flux, 2)
    # three points determine the parabola: EXACT times the norms of the rows of its inverse
    norms = np.abs(np.linalg.inv(np.vander(ELLS / LENGTH, 3, increasing=True))).sum(axis=1)
    assert limit == pytest.approx(1.0 / 3.0, abs=EXACT * norms[0])
    assert slope == pytest.approx(-3.0 * mean_distance(kernel), abs=EXACT * norms[1])
    assert curvature == pytest.approx(8.0, abs=EXACT * norms[2])


def test_a_cluster_at_rest_has_no_net_source_for_any_test_function(budget, kernel):
    balance = cluster(budget, kernel, ELLS[0])
    term = balance.source + balance.transport
    assert np.abs(balance.transport[FLUX]).max() > 1e-5
    # round-off of 5001 modes
    np.testing.assert_allclose(term[W], -term[FLUX], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(balance.rate, 0.0, rtol=0.0, atol=1e-12)


def test_flux_sits_at_the_cluster(budget, kernel):
    """∫φQ^flux → φ(x_0)/3 as ℓ → 0."""
    q = CELL.reciprocal(FUNCTIONS.q.T.astype(float))
    phi = (FUNCTIONS.coefficients @ np.exp(1j * 7.3 * q[0])).real
    balances = [cluster(budget, kernel, ell) for ell in ELLS]
    terms = [(b.source + b.transport)[FLUX, :, 0] for b in balances]
    limit = np.polynomial.polynomial.polyfit(ELLS / LENGTH, terms, 2)[0]
    # with φ the curve is no parabola: (qℓ)³ = 3e-2 at the largest, and the cubic's small factor
    np.testing.assert_allclose(limit, phi / 3.0, rtol=0.0, atol=1e-3)
    assert np.ptp(phi) > 0.3


def test_two_clusters_release_stress_at_the_exact_rate(budget, strength, kernel):
    """W + Q^flux = ∂t∫σ = m m' d(D V'(D))/dt at every ℓ well below the distance D."""
    m, other, distance = 1.0, 2.0, 12.0
    slope = strength * (1.0 - 2.0 * distance / LENGTH)  # V'(D)
    forces = slope * np.array([-other, m])  # F_a = Σ_b m_b ∇V(x_a - x_b)
    balance = balance_of_points(budget, kernel, ELLS[0], [m, other], [9.0, 21.0], forces)
    speed = -(m + other) * slope  # dD/dt
    exact = m * other * strength * (1.0 - 4.0 * distance / LENGTH) * speed
    total = balance.source[:, 0, 0]
    assert total[W] + total[FLUX] == pytest.approx(exact, abs=10 * EXACT)
    assert abs(total[FLUX]) > 0.1 * abs(exact)
