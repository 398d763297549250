"""One particle alone: its smeared interaction with itself is no anomaly, and is known exactly.

With F̄ = V'*ρ̄ the resolved and the sub-scale current cancel, and W_ℓ = -Q^flux_ℓ. By parts,

    tr ∫W_ℓ dx = -E[ V'(|u|) û · v̂ (|v| V'(|v|))' ],   u = X - X', v = X - X'',

X, X', X'' independent draws from G_ℓ. For a core of slope V' = -ε near r = 0 this tends to the
plateau -ε² E[û·v̂], which is not zero; for V' = -κr it is -2κ² E|X|² = -2κ²ℓ².
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.special import gamma, hyp2f1

from glasscade.budget.balance import TERMS, Budget, currents
from glasscade.budget.operator import full_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN, KERNELS, WENDLAND
from glasscade.potentials import Harmonic, Mixture
from glasscade.transforms import point_modes

STRENGTH, RANGE = 1.3, 1.0
EPSILON = STRENGTH / RANGE
LENGTH = 2.5
W, FLUX = TERMS.index("W"), TERMS.index("Q_flux")


@cache
def one_particle(dim, modes, core=0.0, bumps=0):
    """A function of kernel and ell that gives the balance of a particle that feels no force."""
    cell, counts = Cell.cubic(LENGTH, dim), (modes,) * dim
    functions = TestFunctions.bumps(dim, count=bumps, sharpness=min(bumps, 1), seed=1)
    potential = Harmonic(STRENGTH, diameter=RANGE, core=core)
    budget = Budget(Mixture.single(potential), cell, counts, functions)
    density = point_modes(np.full((1, dim), 0.7), np.ones(1), cell, counts)[np.newaxis]
    at_rest = np.zeros((1, dim, *density.shape[1:]), dtype=complex)

    def balance(kernel, ell):
        filter_ = kernel.filter(cell, counts, ell)
        return budget.balance(currents(density, at_rest, filter_, budget.field, 0.0))

    return balance


def resolved(balance):
    """∫W_ij dx as a tensor."""
    return full_tensor(balance.source[W, 0], 1 if balance.source.shape[-1] == 1 else 2)


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("core", [0.0, 0.4])
def test_resolved_and_sub_scale_terms_cancel_for_every_test_function(dim, core):
    balance = one_particle(dim, modes=40, core=core, bumps=2)(WENDLAND, 0.15)
    term = balance.source + balance.transport
    assert np.abs(term[W]).min(axis=0).max() > 1e-2
    np.testing.assert_allclose(term[W], -term[FLUX], rtol=0.0, atol=1e-13)  # round-off
    np.testing.assert_allclose(balance.rate, 0.0, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_plateau_of_a_kink_is_a_third_in_one_dimension_for_any_kernel(kernel):
    # V' = -ε(1 - r/rc): a parabola in ℓ as long as |X - X'| < rc, ended by 2ε²ℓ²/rc²
    balance, ells = one_particle(1, modes=1000), np.array([0.06, 0.08, 0.1])
    total = [resolved(balance(kernel, ell)).item() for ell in ells]
    fit = np.polynomial.polynomial.polyfit(ells / RANGE, total, 2)
    # Gaussian tails beyond rc, exp(-25); times the norms of the rows of the fit's inverse
    norms = np.abs(np.linalg.inv(np.vander(ells / RANGE, 3, increasing=True))).sum(axis=1)
    assert fit[0] == pytest.approx(-(EPSILON**2) / 3.0, abs=3e-11 * norms[0])
    assert fit[2] == pytest.approx(-2.0 * EPSILON**2, abs=3e-11 * norms[2])


@pytest.mark.parametrize(("dim", "modes"), [(1, 1000), (2, 60)])
def test_plateau_of_the_gaussian_has_its_closed_form(dim, modes):
    # E[û·v̂] of Gaussian vectors with correlation 1/2; 1/3 in 1D, 0.4063 in 2D
    mean = (
        (2.0 / dim)
        * (gamma((dim + 1) / 2) / gamma(dim / 2)) ** 2
        * 0.5
        * hyp2f1(0.5, 0.5, dim / 2 + 1, 0.25)
    )
    assert mean == pytest.approx({1: 1.0 / 3.0, 2: 0.4063}[dim], abs=5e-5)  # known to four digits
    balance, ells = one_particle(dim, modes), np.array([0.06, 0.08, 0.1])
    tensors = np.array([resolved(balance(GAUSSIAN, ell)) for ell in ells])
    trace = np.trace(tensors, axis1=1, axis2=2)
    limit = np.polynomial.polynomial.polyfit(ells, trace, 2)[0]
    # Gaussian tails beyond rc: exp(-25) in 1D, less in 2D; times 40 of the fit
    assert limit == pytest.approx(-(EPSILON**2) * mean, rel=1e-9)
    isotropic = trace[:, np.newaxis, np.newaxis] / dim * np.eye(dim)
    np.testing.assert_allclose(tensors, isotropic, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("dim", "kernel", "modes"),
    [*((1, kernel, 1000) for kernel in KERNELS.values()), (2, GAUSSIAN, 60)],
    ids=[*(f"1d {name}" for name in KERNELS), "2d gaussian"],
)
def test_rounded_core_leaves_two_kappa_squared_ell_squared(dim, kernel, modes):
    core = 0.8
    balance, ells = one_particle(dim, modes, core), np.array([0.04, 0.06, 0.08])
    kappa = EPSILON * (1.0 - core / RANGE) / core  # |V'(r0)|/r0
    tensors = np.array([resolved(balance(kernel, ell)) for ell in ells])
    expected = -2.0 * kappa**2 / dim * ells[:, np.newaxis, np.newaxis] ** 2 * np.eye(dim)
    # round-off, and Gaussian tails beyond the core, exp(-25)
    np.testing.assert_allclose(tensors, expected, rtol=0.0, atol=1e-11)
    slopes = np.diff(np.log(-tensors[:, 0, 0])) / np.diff(np.log(ells))
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=1e-6)


def test_plateau_is_still_there_between_the_core_and_the_range():
    # r0 << ℓ << rc, core r0 = 2e-4 and ℓ = 0.02; E|X-X'| = 2ℓ/sqrt(π) of the Gaussian
    ell = 0.02
    total = resolved(one_particle(1, 1000, core=2e-4)(GAUSSIAN, ell)).item()
    kink = 1.0 / 3.0 - 3.0 * ell / np.sqrt(np.pi) / RANGE + 2.0 * (ell / RANGE) ** 2
    assert total == pytest.approx(-(EPSILON**2) * kink, rel=1e-2)  # r0/ℓ
