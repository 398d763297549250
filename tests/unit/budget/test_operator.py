"""The bilinear operator against its definition, in real space and as a slow sum over modes,
and ∇·σ = -Σρ_sF_s."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from glasscade.budget.operator import (
    VirialTable,
    bilinear,
    bilinear_map,
    components,
    full_tensor,
    virial_tensor,
)
from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.potentials import Cone, Gaussian, Harmonic, Mixture
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


ONE_PAIR = np.array([[0, 0]])


def low_modes(f, g, potential, cell, q):
    """B_hat(q), (n_q, components), of one field of one species with another."""
    counts = tuple((n - 1) // 2 for n in f.shape)
    table = VirialTable.build(Mixture.single(potential), cell, counts, q)
    return bilinear(f[np.newaxis, np.newaxis], g[np.newaxis, np.newaxis], table, ONE_PAIR)[0]


def test_low_modes_and_full_map_equal_the_definition(case, rng):
    cell, potential, counts = case
    f, g = random_modes(rng, counts, cell, batch=(2,))
    shape = tuple(4 * m + 1 for m in counts)  # products reach twice the modes
    full = bilinear_map(f[np.newaxis], g[np.newaxis], cell, potential, shape)
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
    full = bilinear_map(f[np.newaxis], g[np.newaxis], cell, potential, (13, 13))
    q = np.array([[0, 0], [3, -2], [6, 6]])
    low = low_modes(f, g, potential, cell, q)
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 6).T)].T
    np.testing.assert_allclose(modes, low, rtol=0.0, atol=1e-12 * np.abs(low).max())


def test_map_contracts_its_leading_axis(rng):
    cell, potential, counts = CASES["1d"]
    f, g = random_modes(rng, counts, cell, batch=(2, 3))
    whole = bilinear_map(f, g, cell, potential, (17,))
    parts = [bilinear_map(f[c : c + 1], g[c : c + 1], cell, potential, (17,)) for c in range(3)]
    np.testing.assert_allclose(whole, sum(parts), rtol=0.0, atol=1e-13 * np.abs(whole).max())


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
    f = random_modes(rng, counts, cell, batch=(mixture.species, 2))
    g = random_modes(rng, counts, cell, batch=(mixture.species, 3))
    q = some_modes(tuple(2 * m for m in counts), rng)
    pairs = np.array([[1, 2], [0, 1], [1, 0], [1, 2]])
    fast = bilinear(f, g, VirialTable.build(mixture, cell, counts, q), pairs)
    assert fast.shape == (4, len(q), len(components(cell.dim)))
    slow = np.array(
        [[direct_sum(f[:, m], g[:, n], mixture, cell, row) for row in q] for m, n in pairs]
    )
    # the order of a sum of at most 125 terms, and the remainder 1e-14 of the λ quadrature
    np.testing.assert_allclose(fast, slow, rtol=0.0, atol=1e-13 * np.abs(slow).max())
    # pairs are told apart, and so are the two species
    assert np.abs(fast[0] - fast[1]).max() > 1e-3 * np.abs(slow).max()
    if mixture.species == 2:
        swapped = bilinear(f[::-1], g, VirialTable.build(mixture, cell, counts, q), pairs)
        assert np.abs(swapped - fast).max() > 1e-3 * np.abs(slow).max()


def test_modes_beyond_the_products_are_zero(rng):
    cell, mixture, counts = MIXTURES["2d tilted, two species"]
    f, g = random_modes(rng, counts, cell, batch=(2, 2, 1))
    inside, outside = (
        bilinear(f, g, VirialTable.build(mixture, cell, counts, np.array([q])), ONE_PAIR)
        for q in ([4, -4], [5, 0])
    )
    assert np.abs(inside).max() > 0.0
    np.testing.assert_array_equal(outside, 0.0)


def test_equal_potentials_share_one_row_of_the_table():
    cell, mixture, counts = MIXTURES["3d, two species"]
    table = VirialTable.build(mixture, cell, counts, np.zeros((1, 3), dtype=int))
    assert table.weight.shape == (2, 1, 6, 3, 3, 3)
    np.testing.assert_array_equal(table.which, [[0, 1], [1, 1]])
    assert table.dim == 3


@pytest.mark.parametrize(("cell", "mixture", "counts"), MIXTURES.values(), ids=MIXTURES.keys())
def test_divergence_of_the_stress_is_minus_the_force_density(cell, mixture, counts, rng):
    # padded to twice the modes, products are complete
    wide = tuple(2 * m for m in counts)
    q = some_modes(wide, rng)
    density = random_modes(rng, counts, cell, batch=(mixture.species,))
    density = np.pad(density, [(0, 0), *((m, m) for m in counts)])
    both = density[:, np.newaxis]
    stress = bilinear(both, both, VirialTable.build(mixture, cell, wide, q), ONE_PAIR)[0]
    p = cell.reciprocal(q.T.astype(float))
    full = full_tensor(stress.real, cell.dim) + 1j * full_tensor(stress.imag, cell.dim)
    divergence = np.einsum("jq,qij->iq", 1j * p, full)
    force = ForceField(mixture, cell, wide).force_density(density).sum(axis=0)
    force = force[(slice(None), *(q + np.array(wide)).T)]
    assert np.abs(force).max() > 1e-3
    # the quadratures in λ (1e-13) and of the transforms (1e-14)
    np.testing.assert_allclose(divergence, -force, rtol=0.0, atol=1e-12 * np.abs(force).max())
