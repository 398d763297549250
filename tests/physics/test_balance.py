"""The stress balance, smeared and at every point, with every term: two species, sheared cells, an
external force, T > 0 and a noise; equilibrium; signs; symmetries; the rate of change in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.budget.balance import (
    EXTERNAL,
    MARTINGALE,
    TERMS,
    Budget,
    Currents,
    balance_maps,
    currents,
    divergence,
)
from glasscade.budget.operator import bilinear_map, full_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN, KERNELS, WENDLAND, cumulant_by_increments, grid_weights
from glasscade.external import Active, Drive, external_density
from glasscade.force import ForceField
from glasscade.potentials import Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, mode_counts, modes_to_grid, product

UNLIKE = Gaussian(0.7, width=0.4)
MIXTURE = Mixture(
    ((Harmonic(1.3, diameter=1.1), UNLIKE), (UNLIKE, Harmonic(0.9, diameter=1.2, core=0.2)))
)
SMOOTH = Mixture(((Gaussian(1.0, 0.5), UNLIKE), (UNLIKE, Gaussian(-0.5, 0.6))))
TILTED_3D = Cell(np.array([[3.0, 0.9, 0.0], [0.0, 3.0, -0.9], [0.0, 0.0, 3.0]]))
SYSTEMS = {
    "1d": (Cell.cubic(3.0, 1), (12,)),
    "2d sheared": (Cell.sheared(3.0, 2, 0.3), (4, 5)),
    "3d sheared": (TILTED_3D, (2, 2, 2)),
}
T, ELL = 0.2, 0.3
ALL = (*TERMS, *EXTERNAL, MARTINGALE)
CLOSED = 1e-12  # relative; exact but for round-off, which maps divide by |q·e| range > 1e-5


def random_density(cell, counts, seed=3):
    values = np.random.default_rng(seed).random((2, *(2 * m + 1 for m in counts)))
    return grid_to_modes(1.0 + values, cell)


def forced(density, cell, counts, seed=5):
    """A rough force, another one for each species, and the current it drives."""
    force = np.array([
        Active(0.7, -0.5, 1.0, 6.0, seed + s).modes(cell, counts) for s in range(2)
    ])  # fmt: skip
    return Drive(force, external_density(density, force, cell))


def full_state(cell, counts, kernel=WENDLAND):
    """Currents of every term; the noise is any current."""
    density = random_density(cell, counts)
    field = ForceField(MIXTURE, cell, counts)
    noise = np.random.default_rng(9).normal(size=(2, cell.dim, *(2 * m + 1 for m in counts)))
    return currents(
        density,
        field.force_density(density),
        kernel.filter(cell, counts, ELL),
        field,
        T,
        forced(density, cell, counts),
        grid_to_modes(noise, cell),
    )


def make_state(cell, counts, kernel=GAUSSIAN, seed=3):
    """A budget and the currents of random band-limited densities of two species."""
    rng = np.random.default_rng(seed)
    density = grid_to_modes(1.0 + rng.random((2, *(2 * m + 1 for m in counts))), cell)
    functions = TestFunctions.bumps(cell.dim, count=2, sharpness=1, seed=seed)
    budget = Budget(MIXTURE, cell, counts, functions)
    force_density = budget.field.force_density(density)
    filter_ = kernel.filter(cell, counts, ELL)
    return budget, currents(density, force_density, filter_, budget.field, T)


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
    cell, counts = SYSTEMS["2d sheared"]
    budget, state = make_state(cell, counts)
    noise = np.random.default_rng(4).normal(size=(3, 2, 2, 9, 11))
    p = cell.wavevectors(counts)
    arbitrary = Currents.of(TERMS, state.density, grid_to_modes(noise, cell), p)
    assert worst(budget.balance(arbitrary)) <= CLOSED


@pytest.fixture(scope="module", params=SYSTEMS.values(), ids=SYSTEMS.keys())
def mapped(request):
    cell, counts = request.param
    state = full_state(cell, counts)
    shape = tuple(4 * m + 1 for m in counts)
    return cell, counts, state, balance_maps(state, MIXTURE, cell, shape)


def test_balance_closes_at_every_point(mapped):
    _, _, _, maps = mapped
    both = maps["source"] + maps["transport"]
    largest = np.abs([maps["source"], maps["transport"]]).max()
    assert len(both) == len(ALL)
    assert np.abs(maps["rate"] - both.sum(axis=0)).max() <= CLOSED * largest
    # every term is there: without any one of them the balance is open
    assert np.abs(both).max(axis=tuple(range(1, both.ndim))).min() > 1e-3 * largest


def test_flux_in_space_integrates_to_zero(mapped):
    """∫∂tσ = Σ∫𝒮, although the transports are of the size of the sources."""
    _, _, _, maps = mapped
    space = tuple(range(-maps["stress"].ndim + 1, 0))
    total = maps["rate"].mean(axis=space) - maps["source"].mean(axis=space).sum(axis=0)
    assert np.abs(total).max() <= CLOSED * np.abs(maps["source"]).max()
    assert np.abs(maps["transport"]).max() > 0.1 * np.abs(maps["source"]).max()


@pytest.mark.parametrize(("cell", "counts"), SYSTEMS.values(), ids=SYSTEMS.keys())
def test_divergence_of_the_stress_balances_pressure_and_force(cell, counts):
    """∇·σ + T∇ρ + ρF = 0 at every point, σ = σ^ni - Tρ I (Eqs. 8, 13)."""
    density, dim = random_density(cell, counts), cell.dim
    shape = tuple(4 * m + 1 for m in counts)  # products are complete
    padded = np.pad(density, [(0, 0), *((m, m) for m in counts)])
    field = ForceField(MIXTURE, cell, tuple(2 * m for m in counts))
    force = modes_to_grid(field.force_density(padded).sum(axis=0), cell, shape)
    gradient = modes_to_grid(1j * cell.wavevectors(counts) * density.sum(axis=0), cell, shape)
    stress = bilinear_map(density[:, np.newaxis], MIXTURE, cell, shape, [[(0, 0)]])[0]
    sigma = full_tensor(np.moveaxis(stress, 0, -1), dim)
    sigma -= T * modes_to_grid(density, cell, shape).sum(axis=0)[..., None, None] * np.eye(dim)
    total = divergence(np.moveaxis(sigma, (-2, -1), (0, 1)), cell) + T * gradient + force
    assert np.abs(force).max() > 0.1
    assert np.abs(gradient).max() > 0.1
    assert np.abs(total).max() <= CLOSED * np.abs(gradient).max()


@pytest.mark.parametrize("place", ["source", "transport", "current"])
@pytest.mark.parametrize("term", ALL)
def test_a_wrong_sign_anywhere_opens_the_balance(term, place):
    cell, counts = SYSTEMS["2d sheared"]
    functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=3)
    budget = Budget(MIXTURE, cell, counts, functions)
    state = full_state(cell, counts)
    number = ALL.index(term)
    current = state.current.copy()
    current[number] *= -1.0
    flipped = budget.balance(Currents.of(ALL, state.density, current, budget.field.wavevectors))
    balance = budget.balance(state)
    parts = ("source", "transport") if place == "current" else (place,)
    wrong = replace(balance, **{part: getattr(flipped, part) for part in parts})
    terms = np.abs(np.concatenate([balance.source, balance.transport])).max(axis=0)
    assert np.max(np.abs(balance.residual) / terms) <= CLOSED
    # eight orders above what a closed balance may leave, even for the smallest transport
    assert np.max(np.abs(wrong.residual) / terms) > 1e-4


# Closure holds for any currents; that the forced ones are right only the dynamics can tell.


def rate_of_change(density, force, cell, counts):
    """∂tρ_s = ∇·(ρ_s Σ_s' ∇V_ss'*ρ_s') - ∇·(ρ_s f_s) + T∇²ρ_s, the Gaussians written out."""
    p = cell.wavevectors(counts)
    k_squared = np.sum(p * p, axis=0)
    result = -T * k_squared * density
    for s, row in enumerate(SMOOTH.table):
        total = -force[s]
        for potential, other in zip(row, density, strict=True):
            amplitude = potential.strength * (np.sqrt(np.pi) * potential.width) ** cell.dim
            transform = amplitude * np.exp(-0.25 * potential.width**2 * k_squared)
            total = total + 1j * p * transform * other
        result[s] += sum(1j * p[k] * product(density[s], total[k], cell) for k in range(cell.dim))
    return result


def evolve(density, step, *system):
    """One step of the classical Runge-Kutta scheme, forwards or backwards: error step^5."""
    k1 = rate_of_change(density, *system)
    k2 = rate_of_change(density + 0.5 * step * k1, *system)
    k3 = rate_of_change(density + 0.5 * step * k2, *system)
    k4 = rate_of_change(density + step * k3, *system)
    return density + step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


@pytest.mark.parametrize("name", SYSTEMS)
def test_forced_balance_is_the_time_derivative_of_the_stress_to_second_order(name):
    cell, counts = SYSTEMS[name]
    density = random_density(cell, counts, seed=6)
    budget = Budget(SMOOTH, cell, counts, TestFunctions.bumps(cell.dim, 2, 1, seed=6))
    field, filter_ = budget.field, GAUSSIAN.filter(cell, counts, ELL)
    force = forced(density, cell, counts).force

    def balance(rho):
        drive = Drive(force, external_density(rho, force, cell))
        return budget.balance(currents(rho, field.force_density(rho), filter_, field, T, drive))

    now = balance(density)
    terms = now.source + now.transport
    steps = 0.004 / 2.0 ** np.arange(4) / counts[0] ** 2 * 4
    stress = [
        [balance(evolve(density, sign * h, force, cell, counts)).stress for sign in (1, -1)]
        for h in steps
    ]
    difference = [
        (after - before) / (2.0 * h) for (after, before), h in zip(stress, steps, strict=True)
    ]
    errors = np.array([np.abs(d - terms.sum(axis=0)).max() for d in difference])
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    # a central difference errs by h²; the next order, h⁴, bends the slope by (k²Th)² < 3 %
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.03)
    # every one of the terms is needed, with its sign: leaving one out is a far larger error
    assert np.abs(terms).max(axis=(1, 2)).min() > 30.0 * errors[-1]


# Symmetries


def rotate(modes):
    """f'(x) = f(R^{-1}x), R the rotation by 90°: f'_hat(m_x, m_y) = f_hat(m_y, -m_x)."""
    return np.flip(np.swapaxes(modes, -1, -2), axis=-2)


def reflect(modes):
    """f'(x, y) = f(-x, y)."""
    return np.flip(modes, axis=-2)


MOVES = {
    "rotation": (rotate, np.array([[0, -1], [1, 0]])),
    "reflection": (reflect, np.array([[-1, 0], [0, 1]])),
}


@pytest.mark.parametrize(("move", "matrix"), MOVES.values(), ids=MOVES.keys())
def test_every_term_turns_with_the_system(move, matrix):
    """All currents are turned as vectors; maps of every term must turn as tensors."""
    cell, counts, shape = Cell.cubic(3.0, 2), (4, 4), (17, 17)
    state = full_state(cell, counts)
    p = cell.wavevectors(counts)
    current = np.einsum("kl,tsl...->tsk...", matrix, move(state.current))
    turned = Currents.of(ALL, move(state.density), current, p)
    before, after = (balance_maps(s, MIXTURE, cell, shape) for s in (state, turned))
    for name in ("stress", "rate", "source", "transport"):
        old, new = (full_tensor(np.moveaxis(maps[name], -3, -1), 2) for maps in (before, after))
        # on the grid x = j/n: f'(x) = f(R^{-1}x)
        moved = move_grid(old, matrix)
        expected = np.einsum("ia,...ab,jb->...ij", matrix, moved, matrix)
        largest = np.abs(old).max()
        np.testing.assert_allclose(new, expected, rtol=0.0, atol=CLOSED * largest)
        assert np.abs(new - moved).max() > 1e-6 * largest  # the indices did turn


def move_grid(values, matrix):
    """Values at R^{-1}x of a field (..., x, y, i, j) on a periodic square grid."""
    n = values.shape[-3]
    j = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), axis=-1)
    source = (j @ matrix) % n  # rows: (R^{-1} j) = R^T j
    return values[..., source[..., 0], source[..., 1], :, :]


def test_every_term_moves_with_the_system():
    cell, counts, shape = SYSTEMS["2d sheared"][0], (4, 5), (20, 25)
    state = full_state(cell, counts)
    shift = cell.cartesian(np.array([3 / 20, -7 / 25]))
    p = cell.wavevectors(counts)
    phase = np.exp(-1j * np.tensordot(shift, p, axes=1))
    moved = Currents.of(ALL, state.density * phase, state.current * phase, p)
    before, after = (balance_maps(s, MIXTURE, cell, shape) for s in (state, moved))
    for name in ("stress", "rate", "source", "transport"):
        old, new = before[name], after[name]
        expected = np.roll(old, (3, -7), axis=(-2, -1))
        np.testing.assert_allclose(new, expected, rtol=0.0, atol=CLOSED * np.abs(old).max())
        assert np.abs(new - old).max() > 1e-3 * np.abs(old).max()
