"""Test functions: few Fourier modes that are exactly the bumps they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell

CELLS = {
    1: Cell.cubic(3.0, 1),
    2: Cell.sheared(2.0, 2, 0.3),
    3: Cell(np.array([[2.0, 0.6, 0.2], [0.0, 1.8, -0.3], [0.0, 0.0, 2.2]])),
}
SHARPNESS, SEED, COUNT = 2, 11, 4
ROUND_OFF = 1e-13


@pytest.fixture(params=CELLS, ids="{}d".format)
def cell(request):
    return CELLS[request.param]


@pytest.fixture
def functions(cell):
    return TestFunctions.bumps(cell.dim, count=COUNT, sharpness=SHARPNESS, seed=SEED)


def on_grid(coefficients, q, cell, shape):
    """Re Σ_q c(q) exp(iq·x), over the last axis of the coefficients."""
    waves = np.exp(1j * cell.grid(shape) @ cell.reciprocal(q.T.astype(float)))
    return np.tensordot(coefficients, waves, axes=(-1, -1)).real


def test_coefficients_reproduce_the_bumps(cell, functions):
    shape = (9,) * cell.dim
    phi = on_grid(functions.coefficients, functions.q, cell, shape)
    centres = np.random.default_rng(SEED).random((COUNT, cell.dim))
    offset = cell.fractional(cell.grid(shape)) - centres.reshape(COUNT, *(1,) * cell.dim, cell.dim)
    bumps = np.prod((0.5 * (1.0 + np.cos(2.0 * np.pi * offset))) ** SHARPNESS, axis=-1)
    np.testing.assert_allclose(phi[0], 1.0, rtol=ROUND_OFF)
    np.testing.assert_allclose(phi[1:], bumps, rtol=0.0, atol=ROUND_OFF)
    assert functions.names == ("one", "bump1", "bump2", "bump3", "bump4")


def test_test_functions_lie_between_zero_and_one(cell, functions, rng):
    x = cell.cartesian(rng.random((3000, cell.dim)))
    centres = cell.cartesian(np.random.default_rng(SEED).random((COUNT, cell.dim)))
    waves = np.exp(1j * np.concatenate([x, centres]) @ cell.reciprocal(functions.q.T.astype(float)))
    phi = (functions.coefficients @ waves.T).real
    assert phi.min() > -ROUND_OFF
    assert phi.max() < 1.0 + ROUND_OFF
    np.testing.assert_allclose(np.diag(phi[1:, -COUNT:]), 1.0, rtol=ROUND_OFF)  # at the centres
    assert phi[1:].min() < 0.02  # they do fall off


def test_modes_are_one_of_each_pair_with_zero_first(cell, functions):
    q = functions.q
    assert len(q) == ((2 * SHARPNESS + 1) ** cell.dim + 1) // 2
    np.testing.assert_array_equal(q[0], 0)
    both = {tuple(row) for row in q} | {tuple(-row) for row in q}
    assert len(both) == 2 * len(q) - 1


def test_smearing_equals_integrals_on_a_grid(cell, functions, rng):
    """∫φB and ∫𝒯_k ∂_kφ of real fields with random modes, by the trapezoid rule."""
    shape = (4 * SHARPNESS + 1,) * cell.dim  # exact: a product reaches twice the modes of a factor
    modes = rng.normal(size=(cell.dim, len(functions.q), 2, 2)) @ np.array([1.0, 1.0j])
    modes[:, 0] = modes[:, 0].real
    twice = np.where(np.arange(len(functions.q)) == 0, 1.0, 2.0) / cell.volume
    fields = on_grid(np.moveaxis(modes, 1, -1) * twice, functions.q, cell, shape)
    phi = on_grid(functions.coefficients, functions.q, cell, shape)
    wavevectors = cell.reciprocal(functions.q.T.astype(float))
    slopes = 1j * functions.coefficients[:, np.newaxis] * wavevectors
    gradient = on_grid(slopes, functions.q, cell, shape)
    element = cell.volume / np.prod(shape)
    axes = "xyz"[: cell.dim]
    np.testing.assert_allclose(
        functions.smear(modes),
        element * np.einsum(f"f{axes},kc{axes}->kfc", phi, fields),
        rtol=0.0,
        atol=1e-12,  # round-off of up to 63 modes of order one
    )
    np.testing.assert_allclose(
        functions.smear_gradient(modes, cell),
        element * np.einsum(f"fk{axes},kc{axes}->fc", gradient, fields),
        rtol=0.0,
        atol=1e-11,  # the same, times wavenumbers up to 12
    )
