"""An affine flow as a current: what a strain of the cell does to the coarse-grained stress."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.budget.balance import SHEAR, TERMS, Budget, Flow, currents
from glasscade.budget.operator import full_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.external import AffineFlow
from glasscade.particles.observables import find_bonds, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Gaussian, Mixture
from glasscade.transforms import point_modes

UNLIKE = Gaussian(0.7, width=0.3)
MIXTURE = Mixture(((Gaussian(1.0, 0.4), UNLIKE), (UNLIKE, Gaussian(-0.5, 0.5))))
CASES = {  # cell at rest, modes, gradient
    "2d simple shear": (Cell.sheared(3.0, 2, 0.3), (9, 10), AffineFlow.simple_shear(0.8, 2)),
    "2d pure shear": (Cell.cubic(3.0, 2), (9, 9), AffineFlow(np.diag([0.5, -0.5]))),
    "3d": (
        Cell(np.array([[3.0, 0.9, 0.0], [0.0, 3.0, -0.9], [0.0, 0.0, 3.0]])),
        (4, 4, 4),
        AffineFlow(np.array([[0.3, 0.7, 0.0], [0.0, -0.5, 0.2], [0.4, 0.0, 0.2]])),
    ),
}
ELL, N = 0.35, 12


class Strained:
    """Particles that move affinely with their cell, and their budget at one strain."""

    def __init__(self, name, kernel, ell=ELL, counts=None):
        self.rest, self.counts, self.flow = CASES[name]
        self.counts = counts or self.counts
        self.kernel, self.ell, dim = kernel, ell, self.rest.dim
        self.functions = TestFunctions.bumps(dim, 2, 1, seed=4)
        self.fractional = np.random.default_rng(2).random((N, dim))
        species = np.arange(N) % 2
        self.weights = np.array([species == s for s in range(2)], dtype=float)

    def state(self, time):
        """Currents of particles at rest in the flow, and the budget of their cell."""
        cell = self.flow.moved(self.rest, time)
        budget = Budget(MIXTURE, cell, self.counts, self.functions)
        density = point_modes(cell.cartesian(self.fractional), self.weights, cell, self.counts)
        still = np.zeros((2, cell.dim, *density.shape[1:]), dtype=complex)
        flow = Flow(
            np.array(self.flow.gradient),
            self.kernel.filter_slope(cell, self.counts, self.ell),
        )
        filter_ = self.kernel.filter(cell, self.counts, self.ell)
        return budget, currents(density, still, filter_, budget.field, 0.0, flow=flow)

    def stress(self, time):
        """∫φσ_ℓ at a strain; φ moves with the cell, as its integer modes do."""
        budget, state = self.state(time)
        return budget.balance(state).stress


def terms_of(balance, names):
    both = balance.source + balance.transport
    return sum(both[balance.terms.index(name)] for name in names)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize("name", CASES)
def test_affine_terms_are_the_derivative_of_the_stress_by_strain(name, kernel):
    strained = Strained(name, kernel)
    budget, state = strained.state(0.0)
    balance = budget.balance(state)
    assert balance.terms == (*TERMS, *SHEAR)
    expected = terms_of(balance, SHEAR)
    steps = 0.02 / 2.0 ** np.arange(3)
    difference = [(strained.stress(h) - strained.stress(-h)) / (2.0 * h) for h in steps]
    errors = np.array([np.abs(d - expected).max() for d in difference])
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    # a central difference errs by h²; the next order bends the slope by (k·r Γh)², below 1 %
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.02)
    # either term is needed, with its sign
    for term in SHEAR:
        assert np.abs(terms_of(balance, [term])).max() > 100.0 * errors[-1]
    # W + Q_flux of particles that feel no force is nothing: only the flow moves them
    np.testing.assert_allclose(terms_of(balance, TERMS), 0.0, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(balance.residual, 0.0, rtol=0.0, atol=1e-12 * np.abs(expected).max())


def test_rate_of_a_fine_scale_is_the_elastic_response_of_the_bonds():
    """As ℓ → 0 the sum of both terms tends to dσ/dγ of the bonds, at order ℓ² (self-pairs: ℓ²)."""
    strained = Strained("2d simple shear", KERNELS["gaussian"])
    table = PairTable.from_mixture(MIXTURE)
    species = np.arange(N) % 2

    def bonds_stress(time):
        cell = strained.flow.moved(strained.rest, time)
        positions = cell.cartesian(strained.fractional)
        return virial_stress(find_bonds(positions, species, table, cell))

    h = 1e-3
    near, far = bonds_stress(h) - bonds_stress(-h), bonds_stress(2 * h) - bonds_stress(-2 * h)
    elastic = (8.0 * near - far) / (12.0 * h)  # fourth order: 1e-12 and round-off 1e-13
    errors, ells = [], np.array([0.02, 0.01, 0.005])
    for ell in ells:
        # V_hat of the narrowest potential ends at exp(-(0.3 k)²/4) with k = 100
        fine = Strained("2d simple shear", KERNELS["gaussian"], ell, counts=(48, 50))
        budget, state = fine.state(0.0)
        both = terms_of(budget.balance(state), SHEAR)
        errors.append(full_tensor(both[0], 2) - elastic)
    slopes = np.diff(np.log([np.abs(e).max() for e in errors])) / np.diff(np.log(ells))
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.05)  # the next order is (ℓ/0.3)²
    assert np.abs(errors[-1]).max() < 0.01 * np.abs(elastic).max()
