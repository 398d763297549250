"""The bilinear operator against its definition, in real space and as a slow sum over modes,
and ∇·σ = -Σρ_sF_s."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from glasscade.budget import operator
from glasscade.budget.operator import (
    VirialTable,
    bilinear,
    bilinear_map,
    components,
    full_tensor,
    half_directions,
    virial_tensor,
)
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.errors import ResolutionError
from glasscade.force import ForceField
from glasscade.potentials import POTENTIALS, Cone, Gaussian, Harmonic, Mixture
from glasscade.radial import SURFACE, isotropic, transverse
from glasscade.transforms import grid_to_modes

TRICLINIC = Cell(np.array([[3.0, 0.6, 0.2], [0.0, 2.8, -0.3], [0.0, 0.0, 3.2]]))
SOFT = Harmonic(1.3, diameter=1.1, core=0.3)
CASES = {  # cell, potential, modes of the fields
    "1d": (Cell.cubic(3.0, 1), SOFT, (4,)),
    "1d cone": (Cell.cubic(3.0, 1), Cone(1.0, period=3.0), (4,)),
    "2d tilted": (Cell.sheared(3.0, 2, 0.3), SOFT, (2, 3)),
    "3d": (TRICLINIC, Harmonic(1.3, diameter=0.9), (1, 1, 1)),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request):
    return request.param


def random_modes(rng, counts, cell, batch=()):
    return grid_to_modes(rng.random((*batch, *(2 * m + 1 for m in counts))), cell)


def all_modes(counts):
    return np.array(list(itertools.product(*[range(-m, m + 1) for m in counts])))


def some_modes(counts, rng):
    """Zero, the highest corner and ten more: each q is one row of the table."""
    every = all_modes(counts)
    chosen = rng.choice(len(every), 10, replace=False)
    return np.concatenate([np.zeros((1, len(counts)), dtype=int), every[-1:], every[chosen]])


def evaluate(modes, x, cell):
    """Σ_p f_hat(p) exp(ip·x)/|Ω| at points x of shape (..., d)."""
    counts = tuple((n - 1) // 2 for n in modes.shape[-cell.dim :])
    waves = np.exp(1j * x @ cell.reciprocal(all_modes(counts).T.astype(float)))
    return (waves @ modes.ravel()).real / cell.volume


def reference(f_hat, g_hat, x, cell, potential):
    """B_ij(x) = ½ ∫dy y_i y_j V'(r)/r ∫dλ f(x - λy) g(x + (1-λ)y), in so many words."""
    node, share = np.polynomial.legendre.leggauss(24)
    panels = list(itertools.pairwise((0.0, *potential.breaks)))
    r = np.concatenate([a + (b - a) * (node + 1) / 2 for a, b in panels])
    dr = np.concatenate([(b - a) * share / 2 for a, b in panels])
    n, dn = directions(cell.dim)
    y = r[:, None, None] * n
    weight = 0.5 * (dr * r**cell.dim * potential.slope(r))[:, None] * dn
    total = np.zeros((cell.dim, cell.dim))
    for t, w in zip(*np.polynomial.legendre.leggauss(16), strict=True):
        lam = (t + 1) / 2
        fg = evaluate(f_hat, x - lam * y, cell) * evaluate(g_hat, x + (1 - lam) * y, cell)
        total += w / 2 * np.einsum("ra,ra,ai,aj->ij", weight, fg, n, n)
    return total


def directions(dim):
    if dim == 1:
        return np.array([[1.0], [-1.0]]), np.ones(2)
    angle = 2.0 * np.pi * np.arange(40) / 40
    circle, share = np.stack([np.cos(angle), np.sin(angle)], axis=-1), np.full(40, 2 * np.pi / 40)
    if dim == 2:
        return circle, share
    z, w = np.polynomial.legendre.leggauss(20)
    flat = np.sqrt(1 - z**2)[:, None, None] * circle
    height = np.broadcast_to(z[:, None, None], (20, 40, 1))
    return np.concatenate([flat, height], axis=-1).reshape(-1, 3), np.outer(w, share).ravel()


FIRST_WITH_SECOND = [[(0, 1)]]


def low_modes(f, g, potential, cell, q):
    """B_hat(q), (n_q, components), of one field of one species with another."""
    counts = tuple((n - 1) // 2 for n in f.shape)
    table = VirialTable.build(Mixture.single(potential), cell, counts, q)
    return bilinear(np.array([[f, g]]), table, FIRST_WITH_SECOND)[0]


def whole_map(f, g, potential, cell, shape):
    """B of one field of one species with another on a grid, (components, ...)."""
    return bilinear_map(
        np.array([[f, g]]), Mixture.single(potential), cell, shape, FIRST_WITH_SECOND
    )[0]


def test_low_modes_and_full_map_equal_the_definition(case, rng):
    cell, potential, counts = case
    f, g = random_modes(rng, counts, cell, batch=(2,))
    shape = tuple(4 * m + 1 for m in counts)  # products reach twice the modes
    full = whole_map(f, g, potential, cell, shape)
    tensor = full_tensor(np.moveaxis(full, 0, -1), cell.dim)
    # all quadratures have converged: 1e-13 of the largest value, and a margin of ten
    tolerance = 1e-12 * np.abs(full).max()
    for point in rng.integers(0, 5, (2, cell.dim)):
        x = cell.cartesian(point / np.array(shape))
        expected = reference(f, g, x, cell, potential)
        np.testing.assert_allclose(tensor[tuple(point)], expected, rtol=0.0, atol=tolerance)
    q = some_modes(tuple(2 * m for m in counts), rng)
    low = low_modes(f, g, potential, cell, q)
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 2 * np.array(counts)).T)]
    np.testing.assert_allclose(low, modes.T, rtol=0.0, atol=tolerance * cell.volume)


def test_map_resolves_the_shortest_waves_in_every_direction(rng):
    # k·range is 38 along the axes and 53 in the corners of the modes
    cell, potential = Cell.cubic(0.5, 2), Harmonic(1.3, diameter=1.0)
    f, g = grid_to_modes(rng.normal(size=(2, 7, 7)), cell)
    full = whole_map(f, g, potential, cell, (13, 13))
    q = np.array([[0, 0], [3, -2], [6, 6]])
    low = low_modes(f, g, potential, cell, q)
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 6).T)].T
    np.testing.assert_allclose(modes, low, rtol=0.0, atol=1e-12 * np.abs(low).max())


def test_map_has_converged_in_its_directions(rng, monkeypatch):
    """Against four times as many, for coarse-grained white noise at ℓ = range/4."""
    cell, potential = Cell.sheared(5.0, 2, 0.3), Harmonic(1.3, diameter=1.0)
    counts = cell.counts_up_to(GAUSSIAN.band(2) / 0.25)
    filter_ = GAUSSIAN.filter(cell, counts, 0.25)
    f, g = filter_ * random_modes(rng, counts, cell, batch=(2,))
    shape = tuple(4 * m + 1 for m in counts)
    few = whole_map(f, g, potential, cell, shape)
    harmonics = operator._harmonics
    monkeypatch.setattr(operator, "_harmonics", lambda *fields: 4 * harmonics(*fields))
    many = whole_map(f, g, potential, cell, shape)
    # 1e-14 of a mode is left out; what differs is round-off, divided by q·e
    np.testing.assert_allclose(few, many, rtol=0.0, atol=1e-12 * np.abs(many).max())
    monkeypatch.setattr(operator, "_harmonics", lambda *fields: harmonics(*fields) // 4)
    too_few = whole_map(f, g, potential, cell, shape)
    assert np.abs(too_few - many).max() > 1e-6 * np.abs(many).max()  # a quarter is not enough


def test_map_refuses_a_grid_that_cannot_hold_products(rng):
    cell, potential, counts = CASES["1d"]
    f, g = random_modes(rng, counts, cell, batch=(2,))
    with pytest.raises(ResolutionError, match=r"it needs at least \(17,\) points"):
        whole_map(f, g, potential, cell, (16,))


# the harmonics of a wave end where (phase/2)^m/m! is below 1e-14
@pytest.mark.parametrize(("phase", "harmonics"), [(1e-9, 2), (0.3, 10), (5.0, 29), (40.0, 92)])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_half_of_all_directions_integrates_waves_times_tensors(dim, phase, harmonics, rng):
    """∫de e_i e_j cos(p·e) over half of all directions, which is half the transverse integral."""
    assert (phase / 2.0) ** harmonics / math.factorial(harmonics) < 1e-14
    directions, weights = half_directions(dim, harmonics, turn=0.3)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, rtol=1e-15)
    p = rng.normal(size=dim)
    p *= phase / np.linalg.norm(p)
    waves = weights * np.cos(directions @ p)
    tensor = np.einsum("n,ni,nj->ij", waves, directions, directions)
    # Λ and t as in `radial`: t δ_ij + (l - t) p_i p_j/p², times S_d/2
    z = np.array(phase)
    t = transverse(z, dim)
    along = isotropic(z, dim) - (dim - 1) * t
    unit = p / phase
    expected = 0.5 * SURFACE[dim] * (t * np.eye(dim) + (along - t) * np.outer(unit, unit))
    if dim == 1:
        expected = np.array([[np.cos(z)]])
    # 1e-14 of every harmonic left out, and round-off of up to 2000 nodes
    np.testing.assert_allclose(tensor, expected, rtol=0.0, atol=3e-13)


def some_order(array, order):
    """The same numbers in another order of memory."""
    if order == "swapped":
        return np.ascontiguousarray(array.swapaxes(-1, -2)).swapaxes(-1, -2)
    return np.array(array, order=order)


@pytest.mark.parametrize("order", ["F", "swapped"])
def test_fields_may_lie_in_memory_in_any_order(order, rng):
    cell, mixture, counts = MIXTURES["2d tilted, two species"]
    fields = random_modes(rng, counts, cell, batch=(2, 2))
    other = some_order(fields, order)
    table = VirialTable.build(mixture, cell, counts, np.array([[0, 0], [1, -1]]))
    low = bilinear(fields, table, FIRST_WITH_SECOND)
    np.testing.assert_array_equal(bilinear(other, table, FIRST_WITH_SECOND), low)
    full = bilinear_map(fields, mixture, cell, (9, 9), FIRST_WITH_SECOND)
    np.testing.assert_array_equal(
        bilinear_map(other, mixture, cell, (9, 9), FIRST_WITH_SECOND), full
    )


# Strains at which a wavevector is at right angles to a direction, or nearly so, at the first turn.
UNLUCKY = [0.3241235487976921, 0.3241235487976921 + 1e-9, 0.3181979973073916, -0.28124182806455306]


@pytest.mark.parametrize("strain", UNLUCKY)
def test_map_avoids_wavevectors_at_right_angles(strain, rng):
    cell, potential, counts = Cell.sheared(3.0, 2, strain), Harmonic(1.3, 1.0, 0.2), (10, 10)
    f, g = random_modes(rng, counts, cell, batch=(2,))
    full = whole_map(f, g, potential, cell, (41, 41))
    q = all_modes((4, 4))
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 20).T)].T
    low = low_modes(f, g, potential, cell, q)
    # round-off of products of white noise, 1e-15, divided by at least 1e-5
    np.testing.assert_allclose(modes, low, rtol=0.0, atol=1e-10 * np.abs(low).max())


@pytest.mark.parametrize("dim", [2, 3])
def test_directions_are_clear_of_every_wavevector(dim, rng):
    for strain in (0.0, 0.3, *UNLUCKY, *rng.uniform(-0.5, 0.5, 3)):
        cell, counts = Cell.sheared(2.0 * np.pi, dim, strain), {2: (20, 20), 3: (4, 5, 4)}[dim]
        q = cell.reciprocal(all_modes(tuple(2 * m for m in counts)).T.astype(float))
        q = q[:, np.any(q != 0.0, axis=0)]
        for harmonics in (10, 25):
            directions, _ = operator._clear_directions(cell, counts, harmonics, 1.0)
            least = min(np.abs(e @ q).min() for e in directions)
            claimed = min(operator._least_projection(cell, counts, e) for e in directions)
            assert claimed == pytest.approx(least, rel=1e-6, abs=1e-13)  # round-off of q·e
            assert least > (operator.CLEAR if dim == 2 else operator.BEARABLE)


def test_components_are_stored_once_and_unpacked_symmetrically():
    assert components(1) == [(0, 0)]
    assert components(2) == [(0, 0), (0, 1), (1, 1)]
    np.testing.assert_array_equal(full_tensor(np.arange(6.0), 3), [[0, 1, 2], [1, 3, 4], [2, 4, 5]])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_virial_tensor_is_the_derivative_of_the_force_transform(dim, rng):
    # W_hat_ij = -∂(k_j V_hat)/∂k_i with V_hat of the Gaussian in closed form
    potential = Gaussian(0.8, width=0.7)
    k = rng.normal(size=(dim, 20))
    k[:, 0] = 0.0
    v_hat = 0.8 * (np.sqrt(np.pi) * 0.7) ** dim * np.exp(-0.25 * np.sum(k * k, axis=0) * 0.49)
    eye = np.eye(dim)[..., None]
    expected = -v_hat * (eye - 0.5 * 0.49 * k[:, None] * k[None])
    computed = full_tensor(virial_tensor(potential, k).T, dim)
    np.testing.assert_allclose(computed, np.moveaxis(expected, -1, 0), rtol=0.0, atol=1e-14)


GAUSS = Gaussian(0.7, width=0.5)
MIXTURES = {
    "1d": (Cell.cubic(3.0, 1), Mixture.single(SOFT), (6,)),
    "1d cone": (Cell.cubic(3.0, 1), Mixture.single(Cone(-1.0, period=3.0)), (6,)),
    "2d tilted": (Cell.sheared(3.0, 2, 0.3), Mixture.single(SOFT), (2, 3)),
    "2d tilted, two species": (
        Cell.sheared(3.0, 2, 0.3),
        Mixture(((SOFT, GAUSS), (GAUSS, Harmonic(0.9, diameter=1.4)))),
        (2, 2),
    ),
    "3d, two species": (TRICLINIC, Mixture(((SOFT, GAUSS), (GAUSS, GAUSS))), (1, 1, 1)),
}


def direct_sum(f, g, mixture, cell, q):
    """Σ_ss' B_hat^{ss'}[f_s, g_s'](q) by the sum over p, for one field of each species."""
    top = (np.array(f.shape[1:]) - 1) // 2
    total = np.zeros(len(components(cell.dim)), dtype=complex)
    node, share = np.polynomial.legendre.leggauss(40)
    for p in all_modes(top):
        if np.all(np.abs(q - p) <= top):
            k = cell.reciprocal((p - np.outer((node + 1) / 2, q)).T)
            for a, b, potential in mixture.pairs():
                weight = virial_tensor(potential, k) @ share / 2
                total += weight * f[(a, *(p + top))] * g[(b, *(q - p + top))]
    return total / (2 * cell.volume)


@pytest.mark.parametrize(("cell", "mixture", "counts"), MIXTURES.values(), ids=MIXTURES.keys())
def test_fast_operator_equals_the_direct_sum_for_every_listed_pair(cell, mixture, counts, rng):
    f = random_modes(rng, counts, cell, batch=(mixture.species, 4))
    q = some_modes(tuple(2 * m for m in counts), rng)
    forms = [[(1, 2)], [(0, 3)], [(1, 0), (2, 2)], [(2, 1)]]
    fast = bilinear(f, VirialTable.build(mixture, cell, counts, q), forms)
    assert fast.shape == (4, len(q), len(components(cell.dim)))
    slow = np.array([
        [sum(direct_sum(f[:, a], f[:, b], mixture, cell, row) for a, b in form) for row in q]
        for form in forms
    ])  # fmt: skip
    # the order of a sum of at most 125 terms, and the remainder 1e-14 of the λ quadrature
    np.testing.assert_allclose(fast, slow, rtol=0.0, atol=1e-13 * np.abs(slow).max())
    # forms are told apart, and so are the two species
    assert np.abs(fast[0] - fast[1]).max() > 1e-3 * np.abs(slow).max()
    if mixture.species == 2:
        swapped = bilinear(f[::-1], VirialTable.build(mixture, cell, counts, q), forms)
        assert np.abs(swapped - fast).max() > 1e-3 * np.abs(slow).max()


def test_modes_beyond_the_products_are_zero(rng):
    cell, mixture, counts = MIXTURES["2d tilted, two species"]
    f = random_modes(rng, counts, cell, batch=(2, 2))
    inside, outside = (
        bilinear(f, VirialTable.build(mixture, cell, counts, np.array([q])), FIRST_WITH_SECOND)
        for q in ([4, -4], [5, 0])
    )
    assert np.abs(inside).max() > 0.0
    np.testing.assert_array_equal(outside, 0.0)


def test_equal_potentials_share_one_row_of_the_table():
    cell, mixture, counts = MIXTURES["3d, two species"]
    table = VirialTable.build(mixture, cell, counts, np.zeros((1, 3), dtype=int))
    assert table.weight.shape == (2, 1, 6, 2, 3, 3)  # of the first axis, one half
    np.testing.assert_array_equal(table.which, [[0, 1], [1, 1]])


@pytest.mark.parametrize(("cell", "mixture", "counts"), MIXTURES.values(), ids=MIXTURES.keys())
def test_divergence_of_the_stress_is_minus_the_force_density(cell, mixture, counts, rng):
    # padded to twice the modes, products are complete
    wide = tuple(2 * m for m in counts)
    q = some_modes(wide, rng)
    density = random_modes(rng, counts, cell, batch=(mixture.species,))
    density = np.pad(density, [(0, 0), *((m, m) for m in counts)])
    table = VirialTable.build(mixture, cell, wide, q)
    stress = bilinear(density[:, np.newaxis], table, [[(0, 0)]])[0]
    p = cell.reciprocal(q.T.astype(float))
    full = full_tensor(stress.real, cell.dim) + 1j * full_tensor(stress.imag, cell.dim)
    divergence = np.einsum("jq,qij->iq", 1j * p, full)
    force = ForceField(mixture, cell, wide).force_density(density).sum(axis=0)
    force = force[(slice(None), *(q + np.array(wide)).T)]
    assert np.abs(force).max() > 1e-3
    # the quadratures in λ (1e-13) and of the transforms (1e-14)
    np.testing.assert_allclose(divergence, -force, rtol=0.0, atol=1e-12 * np.abs(force).max())


@pytest.mark.parametrize("name", sorted(POTENTIALS))
def test_maps_and_low_modes_are_one_operator_for_every_registered_potential(name, rng):
    """The two ways need other transforms of V', S(s) and Ŵ(k), and must agree."""
    for potential in POTENTIALS[name].examples():
        for dim in set(potential.dimensions) & {1, 2}:
            length = max(3.0, 2.0 * potential.cutoff)
            cell = Cell.cubic(length, 1) if dim == 1 else Cell.sheared(length, 2, 0.3)
            counts = {1: (9,), 2: (3, 4)}[dim]
            f, g = random_modes(rng, counts, cell, batch=(2,))
            wide = tuple(2 * m for m in counts)
            q = some_modes(wide, rng)
            full = whole_map(f, g, potential, cell, tuple(4 * m + 1 for m in counts))
            modes = grid_to_modes(full, cell)[(slice(None), *(q + np.array(wide)).T)].T
            low = low_modes(f, g, potential, cell, q)
            # the errors of either transform, 1e-13 of its maximum, and round-off over q·e
            np.testing.assert_allclose(modes, low, rtol=0.0, atol=2e-12 * np.abs(low).max())
