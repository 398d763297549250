"""The stress balance closes, its terms are the rate of change in time, and it is covariant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.budget.balance import TERMS, Budget, Currents, currents
from glasscade.budget.operator import full_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN, KERNELS, cumulant_by_increments, grid_weights
from glasscade.force import ForceField
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, mode_counts, modes_to_grid, product

UNLIKE = Gaussian(0.7, width=0.4)
MIXTURE = Mixture(
    ((Harmonic(1.3, diameter=1.1), UNLIKE), (UNLIKE, Harmonic(0.9, diameter=1.2, core=0.2)))
)
DYNAMIC = Mixture(((Gaussian(1.0, 0.5), UNLIKE), (UNLIKE, Gaussian(-0.5, 0.6))))
TILTED_3D = Cell(np.array([[3.0, 0.9, 0.0], [0.0, 3.0, -0.9], [0.0, 0.0, 3.0]]))
SYSTEMS = {
    "1d": (Cell.cubic(3.0, 1), (12,)),
    "2d tilted": (Cell.sheared(3.0, 2, 0.3), (4, 5)),
    "3d tilted": (TILTED_3D, (2, 2, 2)),
}
TEMPERATURE, ELL = 0.2, 0.3
CLOSED = 1e-12  # relative; what is asked of the algebra, which is exact for any currents


def make_state(cell, counts, kernel=GAUSSIAN, seed=3):
    """A budget and the currents of random band-limited densities of two species."""
    rng = np.random.default_rng(seed)
    density = grid_to_modes(1.0 + rng.random((2, *(2 * m + 1 for m in counts))), cell)
    functions = TestFunctions.bumps(cell.dim, count=2, sharpness=1, seed=seed)
    budget = Budget(MIXTURE, cell, counts, functions)
    force_density = budget.field.force_density(density)
    filter_ = kernel.filter(cell, counts, ELL)
    return budget, currents(density, force_density, filter_, budget.field, TEMPERATURE)


def worst(balance):
    """Largest residual, each in units of the largest term of its test function and component."""
    terms = np.abs(np.concatenate([balance.source, balance.transport])).max(axis=0)
    return np.max(np.abs(balance.residual) / terms)


@pytest.fixture(scope="module", params=SYSTEMS, ids=list(SYSTEMS))
def closed(request):
    return make_state(*SYSTEMS[request.param])


def test_balance_closes_for_every_test_function(closed):
    budget, state = closed
    assert worst(budget.balance(state)) <= CLOSED


def test_sub_scale_current_is_the_cumulant_in_increments(closed):
    """-τ_ℓ(ρ_s, F_s) directly and as averages of δρ δF over displacements (Eq. 33)."""
    budget, state = closed
    cell, counts = budget.cell, mode_counts(state.density, budget.cell.dim)
    filter_ = GAUSSIAN.filter(cell, counts, ELL)
    density = state.density / filter_  # no digits are lost: |Ĝ| > 4e-13 is far from underflow
    shape = tuple(3 * m + 1 for m in counts)  # products keep no aliases at or below M
    weights = grid_weights(filter_, cell, shape)
    rho = modes_to_grid(density, cell, shape)
    force = modes_to_grid(budget.field.force(density), cell, shape)
    expected = -np.array(
        [
            [cumulant_by_increments(r, f, weights) for f in fs]
            for r, fs in zip(rho, force, strict=True)
        ]
    )
    sub_scale = state.of_term("Q_flux")
    largest = np.abs(sub_scale).max()
    assert largest > 1e-3
    modes = grid_to_modes(expected, cell, counts)
    np.testing.assert_allclose(modes, sub_scale, rtol=0.0, atol=CLOSED * largest)


@pytest.mark.parametrize("name", KERNELS)
def test_balance_closes_for_every_kernel(name):
    budget, state = make_state(*SYSTEMS["1d"], kernel=KERNELS[name])
    assert worst(budget.balance(state)) <= CLOSED


def test_balance_closes_for_arbitrary_currents():
    cell, counts = SYSTEMS["2d tilted"]
    budget, state = make_state(cell, counts)
    noise = np.random.default_rng(4).normal(size=(3, 2, 2, 9, 11))
    p = cell.wavevectors(counts)
    arbitrary = Currents.of(TERMS, state.density, grid_to_modes(noise, cell), p)
    assert worst(budget.balance(arbitrary)) <= CLOSED


@pytest.mark.parametrize("place", ["source", "transport", "current"])
@pytest.mark.parametrize("term", range(len(TERMS)), ids=TERMS)
def test_a_wrong_sign_anywhere_opens_the_balance(closed, term, place):
    budget, state = closed
    balance = budget.balance(state)
    current = state.current.copy()
    current[term] *= -1.0
    p = budget.field.wavevectors
    flipped = budget.balance(Currents.of(TERMS, state.density, current, p))
    parts = ("source", "transport") if place == "current" else (place,)
    wrong = replace(balance, **{part: getattr(flipped, part) for part in parts})
    # nine orders above what a closed balance may leave, even for the smallest transport
    assert worst(wrong) > 1e-3


# Closure holds for any currents; that these are the right ones only the dynamics can tell.


def rate_of_change(density, temperature, cell):
    """∂tρ_s = ∇·(ρ_s Σ_s' ∇V_ss'*ρ_s') + T∇²ρ_s, with the Gaussian's transform written out."""
    p = cell.wavevectors(mode_counts(density, 2))
    k_squared = np.sum(p * p, axis=0)
    result = -temperature * k_squared * density
    for s, row in enumerate(DYNAMIC.table):
        for potential, other in zip(row, density, strict=True):
            amplitude = potential.strength * np.pi * potential.width**2
            smeared = amplitude * np.exp(-0.25 * potential.width**2 * k_squared) * other
            force = 1j * p * smeared
            result[s] += sum(1j * p[k] * product(density[s], force[k], cell) for k in range(2))
    return result


def evolve(density, step, temperature, cell):
    """One step of the classical Runge-Kutta scheme, forwards or backwards: error step^5."""
    k1 = rate_of_change(density, temperature, cell)
    k2 = rate_of_change(density + 0.5 * step * k1, temperature, cell)
    k3 = rate_of_change(density + 0.5 * step * k2, temperature, cell)
    k4 = rate_of_change(density + step * k3, temperature, cell)
    return density + step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def test_right_side_is_the_time_derivative_of_the_stress_to_second_order():
    cell, counts = SYSTEMS["2d tilted"]
    density = grid_to_modes(1.0 + np.random.default_rng(6).random((2, 9, 11)), cell)
    filter_ = GAUSSIAN.filter(cell, counts, ELL)
    functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=6)
    budget = Budget(DYNAMIC, cell, counts, functions)
    field = ForceField(DYNAMIC, cell, counts)

    def balance(rho):
        return budget.balance(currents(rho, field.force_density(rho), filter_, field, TEMPERATURE))

    now = balance(density)
    terms = now.source + now.transport
    steps = 0.008 / 2.0 ** np.arange(4)
    difference = [
        (
            balance(evolve(density, h, TEMPERATURE, cell)).stress
            - balance(evolve(density, -h, TEMPERATURE, cell)).stress
        )
        / (2.0 * h)
        for h in steps
    ]
    errors = np.array([np.abs(d - terms.sum(axis=0)).max() for d in difference])
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    # a central difference errs by h²: the next order, h⁴, bends the slope by (k²Th)² < 2 %
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.02)
    np.testing.assert_allclose(difference[-1], now.rate, rtol=0.0, atol=errors[-1] * (1 + 1e-6))
    # every one of the terms is needed, with its sign: leaving one out is a far larger error
    assert np.abs(terms).max(axis=(1, 2)).min() > 100.0 * errors[-1]


def rotate(modes):
    """f'(x) = f(R^{-1}x), R the rotation by 90°: f'_hat(m_x, m_y) = f_hat(m_y, -m_x)."""
    return np.flip(np.swapaxes(modes, -1, -2), axis=-2)


def reflect(modes):
    """f'(x, y) = f(-x, y)."""
    return np.flip(modes, axis=-2)


ROTATION = np.array([[0, -1], [1, 0]])
REFLECTION = np.array([[-1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("move", "matrix"),
    [(rotate, ROTATION), (reflect, REFLECTION)],
    ids=["rotation", "reflection"],
)
def test_balance_turns_with_the_system(move, matrix):
    cell, counts = Cell.cubic(3.0, 2), (4, 4)
    p = cell.wavevectors(counts)
    np.testing.assert_array_equal(move(p), np.tensordot(matrix.T, p, axes=1))  # p' = R^{-1}p
    before, after = balances(cell, counts, move=move, q=lambda functions: functions.q @ matrix.T)
    for name in ("stress", "rate", "source", "transport"):
        old, new = (full_tensor(getattr(balance, name), 2) for balance in (before, after))
        expected = matrix @ old @ matrix.T
        np.testing.assert_allclose(new, expected, rtol=0.0, atol=CLOSED * np.abs(old).max())
        # without the turn the tensor would not do: by the small xy component in a reflection
        assert np.abs(new - old).max() > 1e8 * CLOSED * np.abs(old).max()


def test_balance_moves_with_the_system():
    cell, counts = SYSTEMS["2d tilted"]
    shift = np.array([0.71, -0.4])
    phase = np.exp(-1j * np.tensordot(shift, cell.wavevectors(counts), axes=1))
    before, after = balances(cell, counts, move=lambda modes: modes * phase, shift=shift)
    still = balances(cell, counts, move=lambda modes: modes * phase)[1]
    for name in ("stress", "rate", "source", "transport"):
        old, new = getattr(before, name), getattr(after, name)
        np.testing.assert_allclose(new, old, rtol=0.0, atol=CLOSED * np.abs(old).max())
        # with the test functions left behind, all but the totals change
        assert np.abs(getattr(still, name) - old).max() > 1e-3 * np.abs(old).max()


def balances(cell, counts, move, q=lambda functions: functions.q, shift=(0.0, 0.0)):
    """The balance of a random state, and that of the moved state and moved test functions."""
    density = grid_to_modes(
        1.0 + np.random.default_rng(8).random((2, *(2 * m + 1 for m in counts))), cell
    )
    functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=8)
    phase = np.exp(-1j * np.array(shift) @ cell.reciprocal(functions.q.T.astype(float)))
    moved = replace(functions, q=q(functions), coefficients=functions.coefficients * phase)
    filter_ = GAUSSIAN.filter(cell, counts, ELL)
    result = []
    for family, rho in ((functions, density), (moved, move(density))):
        budget = Budget(DYNAMIC, cell, counts, family)
        force_density = budget.field.force_density(rho)
        state = currents(rho, force_density, filter_, budget.field, TEMPERATURE)
        result.append(budget.balance(state))
    return result
