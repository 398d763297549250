"""Properties of the bilinear operator for any fields, potentials and cells."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from glasscade.budget.operator import VirialTable, bilinear, components
from glasscade.cell import Cell
from glasscade.force import potential_hat
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, mode_counts

ROUND_OFF = 1e-13  # relative to the largest value: sums over at most 125 modes
EXAMPLES = settings(max_examples=20)

tilts = st.floats(-0.6, 0.6)
lengths = st.floats(1.5, 4.0)
strengths = st.floats(0.1, 2.0) | st.floats(-2.0, -0.1)
sizes = st.floats(0.2, 1.2)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def cells(draw):
    dim = draw(st.sampled_from([1, 2, 3]))
    matrix = np.diag([draw(lengths) for _ in range(dim)])
    matrix[np.triu_indices(dim, 1)] = [draw(tilts) for _ in range(dim * (dim - 1) // 2)]
    return Cell(matrix)


potentials = st.builds(Gaussian, strengths, width=sizes) | st.builds(
    Harmonic, strengths, diameter=sizes
)


@st.composite
def mixtures(draw):
    """One or two species."""
    like, unlike, other = draw(potentials), draw(potentials), draw(potentials)
    pair = Mixture(((like, unlike), (unlike, other)))
    return draw(st.sampled_from([Mixture.single(like), pair]))


@st.composite
def systems(draw):
    """A cell, a mixture, a table with rows q and -q, and a generator of random fields on it."""
    cell = draw(cells())
    mixture = draw(mixtures())
    counts = {1: (6,), 2: (3, 2), 3: (1, 2, 1)}[cell.dim]
    half = np.array([[0, 0, 0], [1, 0, 1], [-1, 2, 0], [3, -1, 2]])[:, : cell.dim]
    table = VirialTable.build(mixture, cell, counts, np.concatenate([half, -half]))
    rng = np.random.default_rng(draw(seeds))
    shape = (mixture.species, *(2 * m + 1 for m in counts))
    return cell, mixture, table, lambda: grid_to_modes(rng.normal(size=shape), cell)


def operator(f, g, table):
    """B_hat(q), (n_q, components), of one field of every species with another."""
    return bilinear(np.stack([f, g], axis=1), table, [[(0, 1)]])[0]


def assert_same(actual, expected, scale):
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=ROUND_OFF * np.abs(scale).max())


@EXAMPLES
@given(systems())
def test_symmetric_real_and_additive(system):
    _, _, table, field = system
    f, g, h = field(), field(), field()
    both = operator(f, g, table)
    assert_same(operator(g, f, table), both, both)
    rows = len(table.q) // 2
    assert_same(both[rows:], np.conj(both[:rows]), both)
    other = operator(h, g, table)
    assert_same(operator(2.0 * f - 3.0 * h, g, table), 2.0 * both - 3.0 * other, [both, other])


@EXAMPLES
@given(systems(), st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3))
def test_stress_moves_with_the_fields(system, shift):
    cell, _, table, field = system
    f, g, a = field(), field(), np.array(shift[: cell.dim])
    counts = mode_counts(f, cell.dim)
    moved = np.exp(-1j * np.tensordot(a, cell.wavevectors(counts), axes=1))
    expected = operator(f, g, table)
    phase = np.exp(-1j * a @ cell.reciprocal(table.q.T.astype(float)))
    result = operator(f * moved, g * moved, table)
    assert_same(result, expected * phase[:, np.newaxis], expected)


@EXAMPLES
@given(systems())
def test_total_stress_is_the_strain_derivative_of_the_energy(system):
    """∫B_ij[f,f] dx = ∂E/∂ε_ij, E = (1/2|Ω|) Σ_p V_hat_ss'(p) f_hat_s(p)* f_hat_s'(p), particles
    moving affinely."""
    cell, mixture, table, field = system
    f = field()
    counts = mode_counts(f, cell.dim)

    def energy(strain):
        strained = Cell((np.eye(cell.dim) + strain) @ cell.matrix)
        k = strained.wavevectors(counts)
        pairs = sum(
            np.sum(potential_hat(potential, k) * np.conj(f[a]) * f[b]).real
            for a, b, potential in mixture.pairs()
        )
        return pairs / (2.0 * strained.volume)

    stress = operator(f, f, table)[0].real
    h = 1e-3
    scale = abs(energy(np.zeros((cell.dim, cell.dim)))) + np.abs(stress).max()
    for (i, j), value in zip(components(cell.dim), stress, strict=True):
        unit = np.zeros((cell.dim, cell.dim))
        unit[i, j] = h
        near, far = energy(unit) - energy(-unit), energy(2 * unit) - energy(-2 * unit)
        # fourth order in h = 1e-3 times phases k·range of at most 40: (0.04)^4/30 = 1e-7
        assert (8.0 * near - far) / (12.0 * h) == pytest.approx(value, abs=1e-6 * scale)


@EXAMPLES
@given(systems())
def test_uniform_densities_have_the_mean_field_pressure(system):
    cell, mixture, table, field = system
    uniform = np.zeros_like(field())
    uniform[(slice(None), *(n // 2 for n in uniform.shape[1:]))] = 2.0 * cell.volume
    stress = operator(uniform, uniform, table)
    # σ_ij = -½ Σ_ss' ρ_s ρ_s' V_hat_ss'(0) δ_ij with ρ_s = 2; no other mode
    zero = np.zeros((cell.dim, 1))
    v_zeros = [potential_hat(potential, zero).item() for *_, potential in mixture.pairs()]
    diagonal = np.array([float(i == j) for i, j in components(cell.dim)])
    # strengths of opposite sign may cancel
    scale = max(np.abs(stress).max(), cell.volume * np.abs(v_zeros).max())
    assert_same(stress[0], -2.0 * sum(v_zeros) * cell.volume * diagonal, scale)
    rest = table.q.any(axis=1)
    assert_same(stress[rest], 0.0, scale)
