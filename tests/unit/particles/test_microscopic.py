"""The balance of point particles against displaced points, pair sums, noise, and small scales."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy.special import spherical_jn

from glasscade.budget import balance as coarse
from glasscade.budget.operator import full_tensor
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.errors import ConfigError
from glasscade.particles.microscopic import (
    TERMS,
    microscopic_balance,
    require_thermal,
    sinc_derivatives,
    smeared_drift,
    smeared_thermal,
)
from glasscade.particles.observables import find_bonds, forces, smeared_stress, virial_rate
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import GEM, Cone, Gaussian, Harmonic, Hertzian, LennardJones, Mixture
from glasscade.transforms import point_modes

UNLIKE = Gaussian(-0.6, width=0.35)
SMOOTH = Mixture(((Gaussian(1.0, width=0.3), UNLIKE), (UNLIKE, Gaussian(0.8, width=0.25))))
SPHERES = binary_spheres(0.1)
T = 0.3
CELLS = {
    "1d": Cell.cubic(2.0, 1),
    "2d square": Cell.cubic(1.7, 2),
    "2d tilted": Cell.sheared(1.7, 2, 0.3),
    "3d tilted": Cell(np.array([[1.5, 0.45, -0.3], [0.0, 1.4, 0.2], [0.0, 0.0, 1.6]])),
    "own images are bonded": Cell.sheared(0.9, 2, 0.3),
}


class Points:
    """A few particles of two species, two test functions, and what is known of both."""

    def __init__(self, cell, rng, mixture=SMOOTH, number=5):
        self.cell, self.mixture = cell, mixture
        self.table = PairTable.from_mixture(mixture)
        self.species = np.arange(number) % mixture.species
        self.positions = cell.cartesian(rng.random((number, cell.dim)))
        self.q = np.array(list(itertools.product((-1, 0, 1), repeat=cell.dim)))
        self.c = rng.standard_normal((2, len(self.q))) + 1j * rng.standard_normal((2, len(self.q)))

    @property
    def wavevectors(self):
        return self.cell.reciprocal(self.q.T.astype(float)).T

    def bonds(self, positions=None):
        x = self.positions if positions is None else positions
        return find_bonds(x, self.species, self.table, self.cell)

    def stress(self, positions=None, coefficients=None):
        c = self.c if coefficients is None else coefficients
        return smeared_stress(self.bonds(positions), self.cell, self.q, c)

    def drift(self, velocity):
        return smeared_drift(self.bonds(), velocity, self.cell, self.q, self.c)

    def thermal(self):
        return smeared_thermal(self.bonds(), self.mixture, T, self.cell, self.q, self.c)

    def displacements(self):
        """Unit displacements of every particle along every axis, (N d, N, d)."""
        return np.eye(self.positions.size).reshape(-1, *self.positions.shape)


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def points(request, rng):
    return Points(request.param, rng)


def observed_order(steps, differences, exact):
    """Slope of the largest error against the step, and the error of the extrapolated difference."""
    errors = [np.abs(found - exact).max() for found in differences]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    extrapolated = (4.0 * differences[1] - differences[0]) / 3.0
    return slope, np.abs(extrapolated - exact).max() / np.abs(exact).max()


STEPS = (0.01, 0.005)  # of a smallest width of 0.25


def test_drift_is_the_derivative_of_the_stress_with_every_displacement(points):
    source, transport = points.drift(points.displacements())
    x = points.positions
    differences = [
        np.array(
            [
                (points.stress(x + h * e) - points.stress(x - h * e)) / (2.0 * h)
                for e in points.displacements()
            ]
        )
        for h in STEPS
    ]
    slope, error = observed_order(STEPS, differences, source + transport)
    # relative corrections of the next order: (h/width)² = 2e-3 of the error, (h/width)⁴ = 3e-6
    assert slope == pytest.approx(2.0, abs=0.01)
    assert error < 1e-5
    for part in (source, transport):  # neither is negligible
        assert np.abs(part).max() > 0.05 * np.abs(source + transport).max()


def test_thermal_term_is_the_laplacian_of_the_stress_over_all_particles(points):
    source, transport = points.thermal()
    x, start = points.positions, points.stress()
    differences = [
        T
        * sum(
            (points.stress(x + h * e) - 2.0 * start + points.stress(x - h * e)) / h**2
            for e in points.displacements()
        )
        for h in STEPS
    ]
    slope, error = observed_order(STEPS, differences, source + transport)
    # as above, with coefficients of the next derivative a few times larger
    assert slope == pytest.approx(2.0, abs=0.02)
    assert error < 2e-5
    assert np.abs(transport).max() > 0.01 * np.abs(source + transport).max()


class Pairs:
    """Every ordered pair and WΦ by quadrature along the bond: nothing from the code under test."""

    NODES = 20

    def __init__(self, points):
        bonds = points.bonds()
        ends = bonds.start, bonds.start + bonds.separation
        self.points = points
        self.a = np.concatenate([bonds.first, bonds.second])
        self.b = np.concatenate([bonds.second, bonds.first])
        self.start, self.end = np.concatenate(ends), np.concatenate(ends[::-1])
        pairs = zip(points.species[self.a], points.species[self.b], strict=True)
        potentials = [points.mixture.table[s][other] for s, other in pairs]
        self.strength = np.array([potential.strength for potential in potentials])
        self.width = np.array([potential.width for potential in potentials])

    def smeared(self, start, end, gradient=None):
        """WΦ of each pair, (phi, pair, i, j), or WΦ_k for k = `gradient`."""
        y = end - start
        u = np.sum(y**2, axis=1) / self.width**2
        g = -2.0 * self.strength / self.width**2 * np.exp(-u)  # V'/r of a Gaussian
        k = self.points.wavevectors
        c = self.points.c if gradient is None else 1j * k[:, gradient] * self.points.c
        nodes, weights = np.polynomial.legendre.leggauss(self.NODES)
        phi = sum(
            0.5 * w * (c @ np.exp(1j * k @ (start + 0.5 * (1.0 + node) * y).T)).real
            for node, w in zip(nodes, weights, strict=True)
        )
        return np.einsum("fp,p,pi,pj->fpij", phi, g, y, y)

    def along(self, direction, function, h=2e-3):
        """Fourth-order central difference of `function(h·direction)`."""
        f = [function(m * h * direction) for m in (-2, -1, 1, 2)]
        return (f[0] - 8.0 * f[1] + 8.0 * f[2] - f[3]) / (12.0 * h)


# Differences of fourth order with h = 2e-3: (h/width)⁴ = 4e-9 times coefficients of the fifth
# derivative, up to 120/30; twice that, and 1e-16/h² of round-off, for mixed second derivatives.
DIFFERENCE = 1e-7


def test_source_and_transport_of_a_drift_are_those_of_the_operator(points, rng):
    """-Σ_{a≠b} v_b·∂_a(WΦ) and Σ_{a≠b} v_{b,k} WΦ_k, term by term."""
    velocity = rng.standard_normal(points.positions.shape)
    pairs = Pairs(points)
    source, transport = 0.0, 0.0
    for k, axis in enumerate(np.eye(points.cell.dim)):
        slope = pairs.along(axis, lambda e: pairs.smeared(pairs.start + e, pairs.end))
        v = velocity[pairs.b, k]
        source -= np.einsum("p,fpij->fij", v, slope)
        transport += np.einsum("p,fpij->fij", v, pairs.smeared(pairs.start, pairs.end, k))
    found = points.drift(velocity)
    scale = np.abs(source).max()
    np.testing.assert_allclose(found[0], source, rtol=0.0, atol=DIFFERENCE * scale)
    np.testing.assert_allclose(found[1], transport, rtol=0.0, atol=1e-12 * scale)  # round-off


def test_source_and_transport_of_heat_are_those_of_the_operator(points):
    """-T Σ_{a≠b} ∂_a·∂_b(WΦ) and T Σ_{a≠b} ∂_{b,k}(WΦ_k); images move with their particle."""
    pairs = Pairs(points)
    apart = (pairs.a != pairs.b).astype(float)
    source, transport = 0.0, 0.0
    for k, axis in enumerate(np.eye(points.cell.dim)):
        mixed = pairs.along(
            axis,
            lambda e, axis=axis: pairs.along(
                axis, lambda f: pairs.smeared(pairs.start + e, pairs.end + f)
            ),
        )
        carried = pairs.along(axis, lambda e, k=k: pairs.smeared(pairs.start + e, pairs.end + e, k))
        source -= T * np.einsum("p,fpij->fij", apart, mixed)
        transport += 0.5 * T * np.sum(carried, axis=1)  # half of (∂_a + ∂_b)_k for each order
    found = points.thermal()
    scale = np.abs(source).max()
    np.testing.assert_allclose(found[0], source, rtol=0.0, atol=4.0 * DIFFERENCE * scale)
    np.testing.assert_allclose(found[1], transport, rtol=0.0, atol=DIFFERENCE * scale)


def test_points_carried_along_only_carry_their_stress(points):
    """A uniform velocity v gives σ[v·∇φ], and the thermal transport is T σ[∇²φ]."""
    v = np.array([0.7, -0.4, 0.2])[: points.cell.dim]
    k = points.wavevectors
    source, transport = points.drift(np.broadcast_to(v, points.positions.shape))
    carried = points.stress(coefficients=1j * (k @ v) * points.c)
    spread = points.stress(coefficients=-T * np.sum(k**2, axis=1) * points.c)
    # round-off of some hundred bonds
    close = {"rtol": 0.0, "atol": 1e-12 * np.abs(carried).max()}
    np.testing.assert_allclose(source, -carried, **close)
    np.testing.assert_allclose(transport, 2.0 * carried, **close)
    close = {"rtol": 0.0, "atol": 1e-12 * np.abs(spread).max()}
    np.testing.assert_allclose(points.thermal()[1], spread, **close)


@pytest.mark.parametrize("mixture", [SMOOTH, SPHERES], ids=["smooth", "spheres"])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_interaction_smeared_with_one_is_the_rate_of_the_virial(cell, mixture, rng):
    points = Points(cell, rng, mixture, number=12)
    bonds = points.bonds()
    one = np.where(np.all(points.q == 0, axis=1), 1.0 + 0.0j, 0.0)[None]
    source, transport = smeared_drift(bonds, -forces(bonds), cell, points.q, one)
    expected = virial_rate(bonds)
    scale = np.abs(expected).max()
    assert scale > 0.1
    # round-off of some hundred bonds
    np.testing.assert_allclose(source[0], expected, rtol=0.0, atol=1e-12 * scale)
    assert np.abs(transport).max() == 0.0


ROTATIONS = {
    "rotation": lambda dim, rng: _proper(np.linalg.qr(rng.standard_normal((dim, dim)))[0]),
    "reflection": lambda dim, rng: -_proper(np.linalg.qr(rng.standard_normal((dim, dim)))[0]),
    "mirror": lambda dim, rng: np.diag([-1.0] + [1.0] * (dim - 1)),
}


def _proper(orthogonal):
    orthogonal[:, 0] *= np.linalg.det(orthogonal)
    return orthogonal


@pytest.mark.parametrize("orthogonal", ROTATIONS.values(), ids=ROTATIONS.keys())
def test_terms_turn_with_the_points(points, orthogonal, rng):
    """Points, velocities, cell and φ turned or mirrored by R: every term becomes R term R^T."""
    turn = orthogonal(points.cell.dim, rng)
    velocity = rng.standard_normal(points.positions.shape)
    before = np.array([*points.drift(velocity), *points.thermal()])
    hand = np.ones(points.cell.dim)
    hand[-1] = np.round(np.linalg.det(turn))  # keeps the box vectors right-handed
    points.cell = Cell(turn @ points.cell.matrix * hand)
    points.q = points.q * hand.astype(int)
    points.positions = points.positions @ turn.T
    after = np.array([*points.drift(velocity @ turn.T), *points.thermal()])
    expected = np.einsum("ik,...kl,jl->...ij", turn, before, turn)
    # round-off of some hundred bonds, in coordinates turned and wrapped anew
    np.testing.assert_allclose(after, expected, rtol=0.0, atol=1e-12 * np.abs(before).max())


def test_terms_do_not_see_where_the_origin_is(points, rng):
    velocity = rng.standard_normal(points.positions.shape)
    before = np.array([*points.drift(velocity), *points.thermal()])
    shift = 3.0 * rng.standard_normal(points.cell.dim)
    points.positions = points.positions + shift
    points.c = points.c * np.exp(-1j * points.wavevectors @ shift)
    after = np.array([*points.drift(velocity), *points.thermal()])
    # as above
    np.testing.assert_allclose(after, before, rtol=0.0, atol=1e-12 * np.abs(before).max())


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("r", [0.0, 1e-9, 1e-4, 0.4])
def test_thermal_term_of_one_pair(dim, r):
    """For φ = 1, 2T tr ∂²W = 2T [r V''' + (d+1) V'' + (d-1) V'/r], and 4dT V''(0) at r = 0."""
    potential = Gaussian(0.7, width=0.5)
    cell = Cell.cubic(20.0, dim)
    positions = np.full((2, dim), 3.0)
    positions[1] += r * np.ones(dim) / np.sqrt(dim)
    mixture = Mixture.single(potential)
    bonds = find_bonds(positions, np.zeros(2, int), PairTable.from_mixture(mixture), cell)
    one = np.ones((1, 1), dtype=complex)
    source, _ = smeared_thermal(bonds, mixture, T, cell, np.zeros((1, dim), int), one)
    x = np.array([r])
    ratio = potential.slope(x) / r if r > 0.0 else potential.curvature(x)
    laplacian = r * potential.third(x) + (dim + 1) * potential.curvature(x) + (dim - 1) * ratio
    # coordinates of 3 leave y with 4e-16: 4e-7 of 1e-9, in the direction but not in the trace
    assert np.trace(source[0]) == pytest.approx(2.0 * T * laplacian[0], rel=1e-11)


@pytest.mark.parametrize("angle", [1.2, np.pi / 2 - 1e-3, np.pi / 2 - 1e-8, np.pi / 2])
def test_wavevectors_across_a_bond_lose_no_digits(angle):
    """z = q·y/2 small and not: the limit z = 0 is not a quotient of small numbers."""
    cell = Cell.cubic(4.0, 2)
    table = PairTable.from_mixture(SMOOTH)
    y = 0.35 * np.array([np.cos(angle), np.sin(angle)])
    bonds = find_bonds(np.array([[1.0, 1.0], 1.0 + y]), np.zeros(2, int), table, cell)
    velocity = np.array([[0.3, -0.2], [0.7, 0.5]])
    q = np.array([[1, 0]])
    found = smeared_drift(bonds, velocity, cell, q, np.ones((1, 1), dtype=complex))
    # line integral of u·∂W + W (v_a + λu)·∇ on φ = cos(πx/2), by quadrature
    nodes, weights = np.polynomial.legendre.leggauss(16)
    u, k = velocity[1] - velocity[0], 0.5 * np.pi
    r = np.linalg.norm(y)
    g, curvature = bonds.slope[0] / r, bonds.curvature[0]
    change = g * (np.outer(u, y) + np.outer(y, u)) + (curvature - g) * (u @ y) / r**2 * np.outer(
        y, y
    )
    lam, w = 0.5 * (1.0 + nodes), 0.5 * weights
    phase = k * (1.0 + lam * y[0])
    moving = -k * np.sin(phase) * (velocity[0, 0] + lam * u[0])
    expected = change * (w @ np.cos(phase)) + g * np.outer(y, y) * (w @ moving)
    # round-off of one bond
    np.testing.assert_allclose((found[0] + found[1])[0], expected, rtol=0.0, atol=1e-14)


def test_derivatives_of_the_line_integral_lose_no_digits():
    """s = sin z/z and its derivatives are j_0, -j_1 and 2/3 j_2 - 1/3 j_0."""
    z = np.concatenate([[0.0], np.logspace(-12, 2, 400), [0.5, np.nextafter(0.5, 0.0)]])
    z = np.concatenate([z, -z])
    j0, j1, j2 = (spherical_jn(n, z) for n in range(3))
    expected = np.array([j0, -j1, (2.0 * j2 - j0) / 3.0])
    # the quotient is divided by z² >= 1/4: a few times the round-off of cosines
    np.testing.assert_allclose(sinc_derivatives(z), expected, rtol=0.0, atol=4e-15)


def test_heat_across_a_bond_is_the_limit_of_heat_along_it():
    """z = q·y/2 = 0 for q ≠ 0: s''(0) = -1/3 is the limit of a quotient."""
    cell, q = Cell.cubic(4.0, 2), np.array([[1, 0]])
    table = PairTable.from_mixture(SMOOTH)
    found = []
    for tilt in (0.0, 1e-8):
        positions = np.array([[1.2, 1.0], [1.2 + tilt, 1.35]])
        bonds = find_bonds(positions, np.zeros(2, int), table, cell)
        one = np.ones((1, 1), dtype=complex)
        found.append(smeared_thermal(bonds, SMOOTH, T, cell, q, one))
    assert bonds.separation[0, 0] != 0.0
    # a derivative of the order of 1/width times a tilt of 1e-8
    np.testing.assert_allclose(*found, rtol=0.0, atol=1e-6 * np.abs(found[0]).max())


def test_thermal_term_is_the_mean_effect_of_noise(rng):
    """E[Δσ[φ]]/dt = Q_thermal for points that only diffuse, x += sqrt(2T dt) ξ."""
    points = Points(CELLS["2d tilted"], rng)
    draws, dt = 3000, 1e-6
    kicks = np.sqrt(2.0 * T * dt) * rng.normal(size=(draws, *points.positions.shape))
    start, x = points.stress(), points.positions
    # ξ and -ξ together: the martingale, of order sqrt(dt), cancels in every pair of draws
    samples = [0.5 * (points.stress(x + d) + points.stress(x - d)) - start for d in kicks]
    drift = np.mean(samples, axis=0) / dt
    error = np.std(samples, axis=0, ddof=1) / np.sqrt(draws) / dt
    source, transport = points.thermal()
    # six values: four standard errors are exceeded by chance in 4e-4 of all seeds
    assert np.max(np.abs(drift - source - transport) / error) < 4.0
    assert np.max(np.abs(drift - source) / error) > 8.0  # and the transport is seen


class Coarse:
    """The balance at scale ℓ of the same points, from the operator on their modes."""

    def __init__(self, points):
        self.points = points
        self.functions = TestFunctions.bumps(points.cell.dim, count=2, sharpness=1, seed=4)
        # V_hat falls as exp(-(k width)²/4), to 1e-13 at 11/width; twice that for what a product
        # of ρ̄ and F̄ brings below it
        counts = points.cell.counts_up_to(22.0 / 0.25)
        self.budget = coarse.Budget(points.mixture, points.cell, counts, self.functions)
        one_hot = (points.species == np.arange(points.mixture.species)[:, None]).astype(float)
        rows = one_hot[:, None] * np.vstack(
            [np.ones(len(points.species)), forces(points.bonds()).T]
        )
        modes = point_modes(points.positions, rows, points.cell, counts)
        self.density, self.force_density, self.counts = modes[:, 0], modes[:, 1:], counts

    def terms(self, ell):
        """W_ℓ, Q^flux_ℓ and Q^thermal_ℓ + I_ℓ as (term, 2, phi, d, d), and σ_ℓ.

        Self-pairs other than I_ℓ vanish as ℓ², since W(0) = 0 for a smooth V.
        """
        points, cell = self.points, self.points.cell
        filter_ = GAUSSIAN.filter(cell, self.counts, ell)
        state = coarse.currents(self.density, self.force_density, filter_, self.budget.field, T)
        balance = self.budget.balance(state)
        own = OneParticleBudget(self.budget, filter_, points.mixture.species, T).of(self.density)
        both = np.stack([balance.source, balance.transport], axis=1)
        both[coarse.TERMS.index("Q_thermal"), 0] += own.ito
        return full_tensor(both, cell.dim), full_tensor(balance.stress, cell.dim)


@pytest.fixture(scope="module", params=["1d", "2d tilted", "own images are bonded"])
def limit(request):
    """Points with their coarse and their microscopic balance."""
    points = Points(CELLS[request.param], np.random.default_rng(5))
    operator = Coarse(points)
    points.q, points.c = operator.functions.q, operator.functions.coefficients
    found = microscopic_balance(points.bonds(), SMOOTH, T, points.cell, points.q, points.c)
    return operator, found


def test_without_a_filter_the_operator_gives_the_same(limit):
    operator, found = limit
    (w, flux, thermal), stress = operator.terms(0.0)
    expected = np.stack([found.source, found.transport], axis=1)
    # modes end where V_hat is 1e-13, and the point sums are good to 1e-13
    close = {"rtol": 0.0, "atol": 1e-10 * np.abs(expected).max()}
    np.testing.assert_allclose([w, thermal], expected, **close)
    np.testing.assert_allclose(flux, 0.0, **close)
    np.testing.assert_allclose(stress, found.stress, **close)


def test_the_balance_at_small_scales_tends_to_that_of_points(limit):
    operator, found = limit
    ells = (0.01, 0.005, 0.0025)  # of a smallest width of 0.25
    expected = np.stack([found.source, found.transport], axis=1)
    errors = []
    for ell in ells:
        w, flux, thermal = operator.terms(ell)[0]
        distance = (w - expected[0], w + flux - expected[0], thermal - expected[1])
        errors.append([np.abs(part).max(axis=(1, 2, 3)) for part in distance])
    slopes = np.polyfit(np.log(ells), np.log(np.reshape(errors, (len(ells), -1))), 1)[0]
    # of second order, with corrections (ℓ/width)² = 2e-3 times coefficients of up to ten
    assert slopes == pytest.approx(2.0, abs=0.05)


def test_balance_holds_all_terms_in_one_layout(points, rng):
    external = rng.standard_normal(points.positions.shape)
    bonds = points.bonds()
    arguments = (bonds, SMOOTH, T, points.cell, points.q, points.c)
    driven, still = (
        microscopic_balance(*arguments, {"N_ni": external}),
        microscopic_balance(*arguments),
    )
    assert driven.terms == (*TERMS, "N_ni")
    assert still.terms == TERMS
    expected = np.array([points.drift(-forces(bonds)), points.thermal(), points.drift(external)])
    # the same sums, in the same order
    np.testing.assert_array_equal(driven.source, expected[:, 0])
    np.testing.assert_array_equal(driven.transport, expected[:, 1])
    np.testing.assert_array_equal(still.source, expected[:2, 0])
    np.testing.assert_array_equal(driven.stress, points.stress())
    # the same up to the order of four sums
    np.testing.assert_allclose(still.rate, expected[:2].sum(axis=(0, 1)), rtol=0.0, atol=1e-12)


SHARP = Harmonic(1.0, diameter=1.4)
JUMPS = {
    "core": (SPHERES, 2, "'harmonic' potential of species 0 and 0 jumps at r = 0.1,"),
    "contact": (Mixture.single(SHARP), 3, "'harmonic' .* jumps at r = 1.4,"),
    "kink in 1d": (Mixture.single(SHARP), 1, "'harmonic' .* jumps at r = 0,"),
    "second pair": (
        Mixture(((UNLIKE, SHARP), (SHARP, UNLIKE))),
        2,
        "species 0 and 1 jumps at r = 1",
    ),
    "cone": (Mixture.single(Cone(1.0, period=2.0)), 1, "'cone' .* jumps at r = 0,"),
    "rounded": (Mixture.single(Hertzian(1.0, 1.4, core=0.3)), 2, "'hertzian' .* jumps at r = 0.3,"),
}


@pytest.mark.parametrize(("mixture", "dim", "named"), JUMPS.values(), ids=JUMPS.keys())
def test_jumps_of_the_curvature_have_no_thermal_term(mixture, dim, named):
    with pytest.raises(ConfigError, match=named):
        require_thermal(mixture, dim)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_smooth_potentials_have_a_thermal_term(dim):
    require_thermal(SMOOTH, dim)
    require_thermal(Mixture.single(Gaussian(0.0, width=0.4)), dim)
    # V'' ~ r^0.5 at the origin
    require_thermal(Mixture.single(GEM(1.0, width=0.4, exponent=2.5)), dim)
    # V'' continuous to round-off where the pieces meet, though large at the cap
    require_thermal(Mixture.single(LennardJones(1.0, diameter=1.0, cap=0.4)), dim)


@pytest.mark.parametrize("dim", [2, 3])
def test_elastic_spheres_have_a_thermal_term(dim):
    """V'' ~ (diameter - r)^0.5 ends with infinite slope, but without a jump."""
    require_thermal(Mixture.single(Hertzian(1.0, diameter=1.4)), dim)


def test_harmonic_spheres_are_refused_only_with_heat(rng):
    points = Points(Cell.sheared(2.5, 2, 0.3), rng, SPHERES, number=8)
    arguments = (points.cell, points.q, points.c)
    with pytest.raises(ConfigError, match="Q_thermal_ℓ at ℓ > 0"):
        microscopic_balance(points.bonds(), SPHERES, 1e-6, *arguments)
    cold = microscopic_balance(points.bonds(), SPHERES, 0.0, *arguments)
    thermal = TERMS.index("Q_thermal")
    assert np.abs(cold.source[thermal]).max() == np.abs(cold.transport[thermal]).max() == 0.0
    assert np.abs(cold.source[TERMS.index("W")]).max() > 0.1


def test_memory_does_not_grow_with_the_number_of_modes(rng):
    cell = Cell.cubic(30.0, 2)
    points = Points(cell, rng, number=1000)
    bonds = points.bonds()

    def peak(q_count):
        q = np.stack([np.arange(q_count), np.ones(q_count, int)], axis=1)
        c = np.ones((2, q_count), dtype=complex)
        tracemalloc.start()
        microscopic_balance(bonds, SMOOTH, T, cell, q, c)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    # arrays over bonds are those of one mode; all results together are some kilobytes
    assert peak(16) < 1.1 * peak(2)
