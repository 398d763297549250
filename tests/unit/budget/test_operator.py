"""The bilinear operator against its definition in real space, and ∇·σ = -Σρ_sF_s."""

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
    low = bilinear(f, g, VirialTable.build(potential, cell, counts, q))
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 2 * np.array(counts)).T)]
    np.testing.assert_allclose(low, modes.T, rtol=0.0, atol=tolerance * cell.volume)


def test_map_resolves_the_shortest_waves_in_every_direction(rng):
    # k·range is 38 along the axes and 53 in the corners of the modes
    cell, potential, counts = Cell.cubic(0.5, 2), Harmonic(1.3, diameter=1.0), (3, 3)
    f, g = grid_to_modes(rng.normal(size=(2, 7, 7)), cell)
    full = bilinear_map(f[np.newaxis], g[np.newaxis], cell, potential, (13, 13))
    q = np.array([[0, 0], [3, -2], [6, 6]])
    low = bilinear(f, g, VirialTable.build(potential, cell, counts, q))
    modes = grid_to_modes(full, cell)[(slice(None), *(q + 6).T)].T
    np.testing.assert_allclose(modes, low, rtol=0.0, atol=1e-12 * np.abs(low).max())


def test_map_contracts_its_leading_axis(rng):
    cell, potential, counts = CASES["1d"]
    f, g = random_modes(rng, counts, cell, batch=(2, 3))
    whole = bilinear_map(f, g, cell, potential, (17,))
    parts = [bilinear_map(f[c : c + 1], g[c : c + 1], cell, potential, (17,)) for c in range(3)]
    np.testing.assert_allclose(whole, sum(parts), rtol=0.0, atol=1e-13 * np.abs(whole).max())


def test_leading_axes_broadcast(rng):
    cell, potential, counts = CASES["2d tilted"]
    f, g = random_modes(rng, counts, cell, batch=(2, 1)), random_modes(rng, counts, cell, (3,))
    table = VirialTable.build(potential, cell, counts, np.array([[0, 0], [1, -1]]))
    together = bilinear(f, g, table)
    assert together.shape == (2, 3, 2, 3)
    alone = bilinear(f[1, 0], g[2], table)
    np.testing.assert_allclose(together[1, 2], alone, rtol=0.0, atol=1e-14)  # the order of a sum


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


@pytest.mark.parametrize(("cell", "mixture", "counts"), MIXTURES.values(), ids=MIXTURES.keys())
def test_divergence_of_the_stress_is_minus_the_force_density(cell, mixture, counts, rng):
    # padded to twice the modes, products are complete
    wide = tuple(2 * m for m in counts)
    q = some_modes(wide, rng)
    density = random_modes(rng, counts, cell, batch=(mixture.species,))
    density = np.pad(density, [(0, 0), *((m, m) for m in counts)])
    stress = sum(
        bilinear(density[a], density[b], VirialTable.build(potential, cell, wide, q))
        for a, b, potential in mixture.pairs()
    )
    p = cell.reciprocal(q.T.astype(float))
    full = full_tensor(stress.real, cell.dim) + 1j * full_tensor(stress.imag, cell.dim)
    divergence = np.einsum("jq,qij->iq", 1j * p, full)
    force = ForceField(mixture, cell, wide).force_density(density).sum(axis=0)
    force = force[(slice(None), *(q + np.array(wide)).T)]
    assert np.abs(force).max() > 1e-3
    # the quadratures in λ (1e-13) and of the transforms (1e-14)
    np.testing.assert_allclose(divergence, -force, rtol=0.0, atol=1e-12 * np.abs(force).max())
