"""The terms of the balance against the formulas that define them, box totals and maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.budget.balance import (
    TERMS,
    Budget,
    balance_maps,
    currents,
    gradient_times_cumulant,
    source_map,
)
from glasscade.budget.operator import components, virial_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import WENDLAND, cumulant
from glasscade.errors import ConfigError, ResolutionError
from glasscade.force import ForceField
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

CELL, COUNTS, T, ELL = Cell.sheared(3.0, 2, 0.3), (3, 4), 0.3, 0.25
UNLIKE = Gaussian(0.7, width=0.4)
MIXTURE = Mixture(
    ((Harmonic(1.3, diameter=1.1), UNLIKE), (UNLIKE, Harmonic(0.9, diameter=1.2, core=0.2)))
)
P = CELL.wavevectors(COUNTS)
FILTER = WENDLAND.filter(CELL, COUNTS, ELL)


@pytest.fixture
def density(rng):
    return grid_to_modes(1.0 + rng.random((2, 7, 9)), CELL)


def total(f, g, potential):
    """∫B_ij[f,g] dx = (1/2|Ω|) Σ_p W_hat_ij(p) f_hat(p)* g_hat(p)."""
    pairs = np.conj(f) * g
    return np.sum(virial_tensor(potential, P) * pairs, axis=(1, 2)).real / (2.0 * CELL.volume)


def sources(left, right):
    """2 Σ_ss' Σ_k ∫B^{ss'}[left_{s,k}, right_{s',k}] dx of vector fields."""
    return 2.0 * sum(
        total(left[a, k], right[b, k], potential)
        for a, b, potential in MIXTURE.pairs()
        for k in range(2)
    )


def state_at(density, filter_):
    field = ForceField(MIXTURE, CELL, COUNTS)
    return currents(density, field.force_density(density), filter_, field, T)


def test_sources_are_the_terms_of_the_balance_with_their_signs(density):
    field = ForceField(MIXTURE, CELL, COUNTS)
    smooth = density * FILTER
    gradient = 1j * P * smooth[:, np.newaxis]
    tau = np.array([
        [cumulant(rho, f, FILTER, CELL) for f in force]
        for rho, force in zip(density, field.force(density), strict=True)
    ])  # fmt: skip
    expected = np.array([
        -sources(gradient, field.force_density(smooth)),
        -sources(gradient, tau),
        -T * sources(gradient, gradient),
    ])  # fmt: skip
    functions = TestFunctions.bumps(2, count=0, sharpness=0, seed=0)
    balance = Budget(MIXTURE, CELL, COUNTS, functions).balance(state_at(density, FILTER))
    assert TERMS == ("W", "Q_flux", "Q_thermal")
    # round-off of 63 modes, relative to the largest term
    tolerance = 1e-13 * np.abs(expected).max()
    assert np.abs(expected).min() > 1e4 * tolerance
    np.testing.assert_allclose(balance.source[:, 0], expected, rtol=0.0, atol=tolerance)
    np.testing.assert_allclose(balance.transport, 0.0, rtol=0.0, atol=tolerance)  # of φ = 1
    stress = sum(total(smooth[a], smooth[b], v) for a, b, v in MIXTURE.pairs())
    np.testing.assert_allclose(
        balance.stress[0], stress, rtol=0.0, atol=1e-13 * np.abs(stress).max()
    )


def test_without_a_filter_the_flux_between_scales_vanishes(density):
    state = state_at(density, np.ones_like(FILTER))
    force_density = ForceField(MIXTURE, CELL, COUNTS).force_density(density)
    np.testing.assert_array_equal(state.density, density)
    np.testing.assert_array_equal(state.of_term("W"), -force_density)
    np.testing.assert_array_equal(np.abs(state.of_term("Q_flux")), 0.0)


def test_map_of_the_flux_has_the_smeared_values_of_its_source(density):
    functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=5)
    state, shape = state_at(density, FILTER), (13, 17)
    smeared = Budget(MIXTURE, CELL, COUNTS, functions).balance(state)
    waves = np.exp(1j * CELL.grid(shape) @ CELL.reciprocal(functions.q.T.astype(float)))
    phi = np.tensordot(functions.coefficients, waves, axes=(1, -1)).real
    flux = source_map(state, "Q_flux", MIXTURE, CELL, shape)
    assert flux.shape == (len(components(2)), *shape)
    integrals = np.einsum("fxy,cxy->fc", phi, flux) * CELL.volume / flux[0].size
    expected = smeared.source[TERMS.index("Q_flux")]
    # both quadratures, in y and in λ, have converged to 1e-13 of the field's size
    np.testing.assert_allclose(
        integrals, expected, rtol=0.0, atol=1e-12 * np.abs(flux).max() * CELL.volume
    )


def test_local_bound_is_the_product_of_norms_summed_over_species(density):
    state, shape = state_at(density, FILTER), (9, 9)
    rho = [modes_to_grid(1j * P * part, CELL, shape) for part in state.density]
    tau = [modes_to_grid(part, CELL, shape) for part in state.of_term("Q_flux")]
    expected = sum(np.hypot(*a) * np.hypot(*b) for a, b in zip(rho, tau, strict=True))
    np.testing.assert_allclose(gradient_times_cumulant(state, CELL, shape), expected, rtol=1e-13)


def test_ideal_stress_changes_by_the_currents_across_the_gradient_of_phi(density):
    """∂t(-TΣ∫φρ̄) = Σ_X -TΣ∫j_k ∂_kφ, by quadrature on a grid, and from ∂tρ̄."""
    functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=5)
    state, shape = state_at(density, FILTER), (9, 11)
    balance = Budget(MIXTURE, CELL, COUNTS, functions).balance(state)
    q = CELL.reciprocal(functions.q.T.astype(float))
    waves = np.exp(1j * CELL.grid(shape) @ q)
    phi = np.tensordot(functions.coefficients, waves, axes=(1, -1)).real
    slopes = 1j * functions.coefficients[:, np.newaxis] * q
    gradient = np.tensordot(slopes, waves, axes=(2, -1)).real
    element = CELL.volume / np.prod(shape)
    rho = modes_to_grid(state.density, CELL, shape).sum(axis=0)
    current = modes_to_grid(state.current, CELL, shape).sum(axis=1)
    expected = -T * element * np.einsum("fxy,xy->f", phi, rho)
    across = -T * element * np.einsum("fkxy,tkxy->tf", gradient, current)
    # round-off of 99 points
    close = {"rtol": 0.0, "atol": 1e-13 * np.abs(expected).max()}
    np.testing.assert_allclose(balance.ideal_stress, expected, **close)
    np.testing.assert_allclose(balance.ideal_transport, across, **close)
    assert np.abs(across[:, 1:]).min() > 1e-6 * np.abs(expected).max()
    rate = modes_to_grid(state.fields[:, 1], CELL, shape).sum(axis=0)
    change = -T * element * np.einsum("fxy,xy->f", phi, rate)
    np.testing.assert_allclose(balance.ideal_transport.sum(axis=0), change, **close)


def test_what_there_is_no_map_of_is_refused(density):
    state = state_at(density, FILTER)
    with pytest.raises(ConfigError, match="parts: must be among stress, rate"):
        balance_maps(state, MIXTURE, CELL, (13, 17), ["sources"])
    with pytest.raises(ConfigError, match="terms: must be among W, Q_flux"):
        source_map(state, "shear_ni", MIXTURE, CELL, (13, 17))
    sheared = replace(state, affine=np.array([[0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(ConfigError, match="no map of the rate with a flow"):
        balance_maps(sheared, MIXTURE, CELL, (13, 17), ["rate"])


def test_functions_beyond_the_modes_of_the_fields_are_refused():
    functions = TestFunctions.bumps(2, count=1, sharpness=4, seed=5)
    with pytest.raises(ResolutionError, match=r"φ has modes up to \(4, 4\), the fields up to"):
        Budget(MIXTURE, CELL, COUNTS, functions)
