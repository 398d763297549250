"""Test functions: few Fourier modes that are exactly the bumps they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.errors import ConfigError

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


def test_values_are_the_bumps_and_the_sum_of_their_modes(cell, functions, rng):
    """At points anywhere, in arrays of any shape, by the product and by the Fourier sum."""
    s = rng.uniform(-1.0, 2.0, (5, 7, cell.dim))
    values = functions.values(s)
    assert values.shape == (COUNT + 1, 5, 7)
    centres = np.random.default_rng(SEED).random((COUNT, 1, 1, cell.dim))
    bumps = np.prod((0.5 * (1.0 + np.cos(2.0 * np.pi * (s - centres)))) ** SHARPNESS, axis=-1)
    np.testing.assert_allclose(values[0], 1.0, rtol=ROUND_OFF)
    np.testing.assert_allclose(values[1:], bumps, rtol=0.0, atol=ROUND_OFF)
    waves = np.exp(2j * np.pi * np.einsum("xyi,qi->xyq", s, functions.q))
    total = np.einsum("fq,xyq->fxy", functions.coefficients, waves).real
    np.testing.assert_allclose(values, total, rtol=0.0, atol=ROUND_OFF)


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
    # by parts: ∫𝒯_k ∂_kφ = ∫φ(-∂_k𝒯_k)
    q = cell.reciprocal(functions.q.T.astype(float))
    divergence = np.einsum("kq,kqc->qc", 1j * q, modes)
    np.testing.assert_allclose(
        functions.smear(-divergence),
        element * np.einsum(f"fk{axes},kc{axes}->fc", gradient, fields),
        rtol=0.0,
        atol=1e-11,  # the same, times wavenumbers up to 12
    )


def test_waves_are_cosines_and_sines_of_every_low_wavevector(cell):
    most = 2 if cell.dim < 3 else 1
    functions = TestFunctions.waves(cell.dim, most)
    number = ((2 * most + 1) ** cell.dim - 1) // 2
    assert len(functions.names) == len(set(functions.names)) == 1 + 2 * number
    shape = (7,) * cell.dim
    phi = on_grid(functions.coefficients, functions.q, cell, shape)
    np.testing.assert_array_equal(phi[0], 1.0)
    fractional = cell.fractional(cell.grid(shape))
    for name, values in zip(functions.names[1:], phi[1:], strict=True):
        wave, label = name[:3], name[4:-1]
        m = np.array(label.split(","), dtype=float)
        assert m.any()
        expected = {"cos": np.cos, "sin": np.sin}[wave](2.0 * np.pi * fractional @ m)
        np.testing.assert_allclose(values, expected, rtol=0.0, atol=ROUND_OFF)
    assert {"cos(1)", "cos(1,0)", "cos(1,0,0)"} & set(functions.names)


def test_smearing_with_waves_gives_real_and_minus_imaginary_parts(cell, rng):
    functions = TestFunctions.waves(cell.dim, 1)
    modes = rng.normal(size=(len(functions.q), 3, 2)) @ np.array([1.0, 1.0j])
    smeared = functions.smear(modes)
    np.testing.assert_array_equal(smeared[0], modes[0].real)
    np.testing.assert_array_equal(smeared[1::2], modes[1:].real)
    np.testing.assert_array_equal(smeared[2::2], -modes[1:].imag)


def test_a_union_has_every_function_once_whichever_of_two_modes_stands_for_both(cell, functions):
    waves = TestFunctions.waves(cell.dim, 3 if cell.dim < 3 else 1)
    turned = TestFunctions(waves.names, -waves.q, np.conj(waves.coefficients))
    both = TestFunctions.union(functions, turned)
    assert both.names == (*functions.names, *waves.names[1:])
    np.testing.assert_array_equal(both.q[0], 0)
    assert (
        len({tuple(row) for row in both.q} | {tuple(-row) for row in both.q}) == 2 * len(both.q) - 1
    )
    shape = (8,) * cell.dim
    found = on_grid(both.coefficients, both.q, cell, shape)
    parts = [on_grid(f.coefficients, f.q, cell, shape) for f in (functions, waves)]
    np.testing.assert_allclose(
        found, np.concatenate([parts[0], parts[1][1:]]), rtol=0.0, atol=ROUND_OFF
    )


def test_functions_that_cannot_be_told_apart_are_not_united():
    bumps = TestFunctions.bumps(2, count=1, sharpness=1, seed=1)
    other = TestFunctions.bumps(2, count=2, sharpness=1, seed=2)
    with pytest.raises(ConfigError, match=r"^functions: the name bump1 would stand for two"):
        TestFunctions.union(bumps, other)
    with pytest.raises(ConfigError, match=r"^functions: .* must be of one dimension"):
        TestFunctions.union(bumps, TestFunctions.waves(1, 1))
