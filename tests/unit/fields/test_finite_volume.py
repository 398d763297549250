"""Finite volumes: what they conserve, that they stay positive and lose energy, orders, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import Active, Kolmogorov, Sum
from glasscade.fields import finite_volume, fitted, spectral, upwind
from glasscade.fields.finite_volume import evolve, require_resolved
from glasscade.fields.free_energy import FreeEnergy, State
from glasscade.fields.initial import smooth_density
from glasscade.force import ForceField
from glasscade.potentials import Cone, FreeCone, Gaussian, Harmonic, Mixture, Riesz
from glasscade.transforms import grid_to_modes, modes_to_grid

LINE, PLANE = Cell.cubic(6.0, 1), Cell.cubic(6.0, 2)
OBLONG = Cell(np.diag([4.0, 3.0, 2.0]))
FREE = Mixture.single(Gaussian(0.0, width=1.0))
UNLIKE = Gaussian(0.6, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
STEPS = {"fitted": fitted.step, "upwind": upwind.step}
EPS = np.finfo(float).eps


@pytest.fixture(params=STEPS.values(), ids=STEPS.keys())
def step(request):
    return request.param


def pair_modes(cell, counts):
    """Two smooth densities on the modes of a cell, fewer and smaller waves in the plane."""
    shape = tuple(2 * m + 1 for m in counts)
    contrast = 0.3 if cell.dim == 1 else 0.1
    values = [smooth_density(shape, mean, contrast, seed) for mean, seed in ((1.0, 1), (0.5, 2))]
    return grid_to_modes(np.array(values), cell)


def averages(modes, cell, shape):
    """Exact averages over volumes of a density given by its modes."""
    counts = tuple((n - 1) // 2 for n in modes.shape[1:])
    phases = cell.wavevectors(counts) / np.array(shape).reshape(-1, *[1] * cell.dim)
    phases = np.einsum("i...,i->i...", phases, np.diag(cell.matrix))
    return modes_to_grid(modes * np.prod(np.sinc(phases / (2.0 * np.pi)), axis=0), cell, shape)


def run(step, state, energy, dt, steps):
    """States of a number of equal steps."""
    path = [state]
    for _ in range(steps):
        state, _, taken = step(state, energy, dt)
        assert taken == dt
        path.append(state)
    return path


def hat(shape, cell, width=10):
    """A mass on a block of volumes and exactly nothing elsewhere."""
    density = np.zeros((1, *shape))
    density[(0, *(slice(n // 2, n // 2 + width) for n in shape))] = 1.0
    return density * np.prod(shape) / np.sum(density) / cell.volume


# --- the pieces ---------------------------------------------------------------------------------


def dense(rise, temperature, sides, shape):
    """The generator as a matrix: B(z) = z/(e^z - 1) on the links of a periodic grid."""
    index = np.arange(np.prod(shape)).reshape(shape)
    matrix = np.zeros((index.size, index.size))
    for a, h in enumerate(sides):
        above = np.roll(index, -1, a).ravel()
        z = rise[a].ravel() / temperature
        for here, there, up, down in zip(
            index.ravel(), above, z / np.expm1(z), z * np.exp(z) / np.expm1(z), strict=True
        ):
            rate = temperature / h**2
            matrix[there, here] += rate * up
            matrix[here, here] -= rate * up
            matrix[here, there] += rate * down
            matrix[there, there] -= rate * down
    return matrix


@pytest.mark.parametrize("shape", [(24,), (6, 5), (3, 5, 4)])
def test_chain_is_the_exponential_of_its_matrix(shape, rng):
    cell = Cell(np.diag([4.0, 3.0, 2.0][: len(shape)]))
    mixture = Mixture.single(Gaussian(3.0, width=0.7))
    energy = FreeEnergy(mixture, cell, shape, 0.2)
    interaction = rng.standard_normal((1, *shape))  # |v|/T on both sides of the series' end
    density = rng.random((1, *shape))
    chain = fitted.Chain(energy, interaction)
    matrix = dense(energy.rise(interaction)[0], 0.2, energy.sides, shape)
    np.testing.assert_allclose(np.sum(matrix, axis=0), 0.0, rtol=0.0, atol=1e-11)
    assert chain.stage == pytest.approx(fitted.COURANT / -np.diag(matrix).min(), rel=1e-13)
    euler = np.eye(density.size) + 0.01 * chain.stage * matrix
    expected = np.linalg.matrix_power(euler, 3) @ density.ravel()
    moved = chain.euler(density, 0.01 * chain.stage, 3).ravel()
    np.testing.assert_allclose(moved, expected, rtol=1e-13)
    # R errs by z³/6(s+1) in all: of second order, with the number of stages s kept at one
    errors = []
    for dt in np.array([0.02, 0.01]) * chain.stage:
        exact = expm(dt * matrix) @ density.ravel()
        errors.append(np.abs(chain.after(density, dt).ravel() - exact).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(3.0, abs=0.05)


def test_rates_keep_their_digits_from_flat_to_steep():
    z = np.array([[-700.0, -3.0, -0.500001, -0.499999, -1e-9, 0.0, 1e-9, 0.499999, 0.500001, 40.0]])
    up, down = np.empty_like(z), np.empty_like(z)
    fitted.rates(2.0 * z, 2.0, np.array([1.5]), up, down)
    safe = np.where(z == 0.0, 1.0, z)
    expected = 1.5 * np.where(z == 0.0, 1.0, safe / np.expm1(safe))
    np.testing.assert_allclose(up, expected, rtol=4.0 * EPS)
    # detailed balance, on which steady states rest
    np.testing.assert_allclose(np.log(down / up), z, rtol=4.0 * EPS, atol=4.0 * EPS)


def test_interaction_is_the_gradient_of_the_energy(rng):
    """Differences of E against ξ, with two species, a cone's kink and a force from outside."""
    cone = FreeCone(0.7, reach=1.5)
    mixture = Mixture(((cone, UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
    forces = [Kolmogorov(0.8, (1, 0), (1.0, 0.0)), Sum(())]
    energy = FreeEnergy(mixture, Cell(np.diag([4.0, 3.0])), (12, 10), 0.3, forces)
    density, change = 1.0 + rng.random((2, 12, 10)), rng.standard_normal((2, 12, 10))
    change -= np.mean(change, axis=(1, 2), keepdims=True)  # ξ leaves out the constant T

    def value(t):
        moved = density + t * change
        return energy.value(moved, energy.interaction(moved))

    t = 1e-4
    slope = (8.0 * (value(t) - value(-t)) - (value(2.0 * t) - value(-2.0 * t))) / (12.0 * t)
    xi = energy.chemical_potential(density)
    # round-off of E = 70 over t; the fourth-order difference errs by t⁴
    assert slope == pytest.approx(np.sum(xi * change) * np.prod(energy.sides), abs=1e-10)


def test_work_along_links_is_the_integral_of_the_force():
    cell, shape = Cell(np.diag([4.0, 3.0])), (16, 12)
    forces = [Active(1.0, 0.5, 1.0, 6.0, seed=3, kind="isotropic")]
    energy = FreeEnergy(FREE, cell, shape, 0.1, forces)
    assert not energy.conservative
    work = -energy.rise(np.zeros((1, *shape)))[0]
    nodes, weights = np.polynomial.legendre.leggauss(12)
    for axis, side in enumerate(energy.sides):
        total = np.zeros(shape)
        for node, weight in zip(nodes, weights, strict=True):
            places = cell.grid(shape)
            places[..., axis] += 0.5 * side * (1.0 + node)
            f = forces[0].at(cell, places.reshape(-1, 2)).reshape(*shape, 2)
            total += 0.5 * side * weight * f[..., axis]
        # transforms at points are to 1e-13
        np.testing.assert_allclose(work[axis], total, rtol=0.0, atol=1e-12)


def test_reconstruction_is_never_negative_and_exact_for_lines(rng):
    density = rng.random((1, 50)) ** 8
    density[0, 10:13] = 0.0
    lower, upper = upwind.faces(density, 1)
    assert lower.min() >= 0.0
    assert upper.min() >= 0.0
    np.testing.assert_allclose(lower + upper, 2.0 * density, rtol=2.0 * EPS, atol=0.0)
    line = np.arange(20.0)[np.newaxis]
    lower, upper = upwind.faces(line, 1)
    np.testing.assert_array_equal(upper[0, 1:-1], line[0, 1:-1] + 0.5)
    np.testing.assert_array_equal(lower[0, 1:-1], line[0, 1:-1] - 0.5)


# --- what is conserved --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "shape", "temperature"),
    [
        (LINE, (200,), 0.05),
        (LINE, (200,), 0.0),
        (PLANE, (30, 36), 0.02),
        (PLANE, (30, 36), 0.0),
        (OBLONG, (30, 24, 20), 0.1),
    ],
)
def test_mass_is_exact_and_nothing_negative_from_vacuum(cell, shape, temperature, monkeypatch):
    monkeypatch.setattr(finite_volume, "RESOLVED", 1.0)  # a block with sharp edges
    mixture = Mixture.single(Harmonic(-1.0, diameter=1.5))
    density = hat(shape, cell)
    saved = evolve(density, mixture, cell, temperature, [0.0, 0.02, 0.1], 1e-3)
    np.testing.assert_array_equal(saved[0], density)
    assert np.abs(saved[-1] - density).max() > 0.05 * density.max()
    assert saved.min() >= 0.0
    mass = np.sum(saved, axis=tuple(range(2, saved.ndim)))
    # some thousand stages of rounding at random in each volume, of which the sum has many
    np.testing.assert_allclose(mass, mass[[0, 0, 0]], rtol=100.0 * EPS, atol=0.0)


def test_upwind_currents_bear_vacuum_with_diffusion():
    """There T ln ρ jumps by 700 T: tiny positive steps, none of them refused."""
    energy = FreeEnergy(FREE, LINE, (60,), 0.1)
    state = State.of(hat((60,), LINE), energy)
    for _ in range(100):
        state, error, taken = upwind.step(state, energy, 1.0)
        assert np.isfinite(error)
        assert 0.0 < taken < energy.sides[0] ** 2 / 0.1
        assert state.density.min() >= 0.0
    assert np.sum(state.density) * 0.1 == pytest.approx(1.0, rel=100.0 * EPS)
    assert np.count_nonzero(state.density) > 12  # it had ten


# --- energy and steady states ---------------------------------------------------------------------

PUSH = [Active(0.5, 0.5, 1.0, 4.0, seed=1), Kolmogorov(0.5, (1, 0), (1.0, 0.0))]
FALLING = {
    "cone": (LINE, (256,), Mixture.single(FreeCone(1.0, reach=2.0)), None),
    "repulsive cone": (LINE, (256,), Mixture.single(Cone(-1.0, period=6.0)), None),
    "logarithm": (LINE, (256,), Mixture.single(Riesz(0.5, order=1.0, period=6.0)), None),
    "plane": (PLANE, (32, 36), PAIR, None),
    "pushed plane": (PLANE, (32, 36), PAIR, PUSH),
}


@pytest.mark.parametrize("temperature", [0.0, 0.03, 0.3])
@pytest.mark.parametrize("system", FALLING.values(), ids=FALLING.keys())
def test_free_energy_never_increases(system, temperature, step):
    cell, shape, mixture, external = system
    if step is fitted.step and temperature == 0.0:
        pytest.skip("no rates can be fitted to T = 0")
    energy = FreeEnergy(mixture, cell, shape, temperature, external)
    assert energy.conservative
    density = averages(pair_modes(cell, (10,) * cell.dim), cell, shape)[: mixture.species]
    state = State.of(density, energy)
    dt = 0.1 * energy.sides[0]
    fall = []
    for _ in range(30):
        after, _, _ = step(state, energy, dt)
        fall.append(state.energy - after.energy)
        assert after.energy <= state.energy + energy.round_off(*state[:2])
        state = after
    assert sum(fall) > 1e4 * energy.round_off(*state[:2])


def test_a_chain_lowers_its_own_energy_in_steps_of_any_length(rng):
    """What the decay of E rests on, far beyond the accuracy of a step."""
    energy = FreeEnergy(FREE, LINE, (40,), 0.1)
    level = rng.standard_normal((1, 40))
    chain, density = fitted.Chain(energy, level), rng.random((1, 40)) ** 4
    for dt in (0.3 * chain.stage, 3.0 * chain.stage, 100.0 * chain.stage):
        after = chain.after(density, dt)
        before, now = (np.sum(r * level + 0.1 * r * np.log(r)) for r in (density, after))
        assert now < before - 1e-6


@pytest.mark.parametrize(("method", "dt"), [("fitted", 0.01), ("fitted", 1.0), ("upwind", 0.01)])
def test_steady_states_are_at_rest(method, dt):
    """ξ = const in two dimensions, of two species and a force from outside."""
    energy = FreeEnergy(PAIR, PLANE, (20, 24), 0.3, PUSH)
    density = np.ones((2, 20, 24))
    for _ in range(400):  # halfway to the Boltzmann factor: contracts for ρ V_hat < 3T
        xi = energy.chemical_potential(density)
        density *= np.exp(-0.2 * (xi - np.mean(xi)) / 0.3)
        density *= np.array([0.2, 0.1])[:, None, None] / np.mean(
            density, axis=(1, 2), keepdims=True
        )
    xi = energy.chemical_potential(density)
    assert np.ptp(xi, axis=(1, 2)).max() < 1e-13
    assert np.ptp(density[0]) > 0.3 * np.mean(density[0])
    state = State.of(density, energy)
    after, error, taken = STEPS[method](state, energy, dt)
    # rounding of ξ by 1e-15 changes ρ by that over T at most, once it has diffused away
    np.testing.assert_allclose(after.density, density, rtol=1e-13)
    assert error < 1e-13
    assert taken == dt


# --- orders -------------------------------------------------------------------------------------

SIZES = (64, 128, 256)
FINER = (128, 256, 512)


@pytest.mark.parametrize(
    ("cell", "counts", "temperature", "shapes", "margin"),
    [
        (LINE, (30,), 0.2, [(n,) for n in SIZES], 0.05),  # fitted rates: terms of h⁴
        (PLANE, (15, 15), 0.2, [(32, 36), (48, 54), (72, 81)], 0.05),
        # limited slopes: at extrema they leave h² in a width h, which is of order 3 in the mean
        (LINE, (30,), 2e-3, [(n,) for n in FINER], 0.2),
        (LINE, (30,), 0.0, [(n,) for n in FINER], 0.2),
    ],
)
def test_error_falls_as_the_square_of_the_volumes(cell, counts, temperature, shapes, margin):
    """Against the spectral solver, which errs by 1e-9 and knows nothing of volumes."""
    start = pair_modes(cell, counts)
    end = spectral.evolve(start, ForceField(PAIR, cell, counts), temperature, [0.3], 1e-9)[0]
    errors = []
    for shape in shapes:
        density = averages(start, cell, shape)
        found = evolve(density, PAIR, cell, temperature, [0.3], 1e-7)[0]
        exact = averages(end, cell, shape)
        errors.append(np.sum(np.abs(found - exact)) / np.sum(exact))
    assert np.mean(np.abs(end - start)) > 1e-4
    slopes = -np.diff(np.log(errors)) / np.diff(np.log([shape[0] for shape in shapes]))
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=margin)


def test_forces_from_outside_that_are_no_gradients_converge_to_the_spectral_answer():
    """In two dimensions, one force for each species, stirring as well as pushing."""
    counts, temperature, time = (15, 15), 0.4, 0.2
    stirring = Active(0.6, 0.5, 1.0, 2.5, seed=2, kind="isotropic")
    forces = [stirring, Kolmogorov(0.8, (0, 1), (1.0, 0.0))]
    drive = np.array([force.modes(PLANE, counts) for force in forces])
    start, field = pair_modes(PLANE, counts), ForceField(PAIR, PLANE, counts)
    end = spectral.evolve(start, field, temperature, [time], 1e-9, drive)[0]
    errors = []
    for shape in ((48, 54), (72, 81)):
        density = averages(start, PLANE, shape)
        found = evolve(density, PAIR, PLANE, temperature, [time], 1e-6, forces)[0]
        errors.append(np.sum(np.abs(found - averages(end, PLANE, shape))) / np.sum(found))
    assert errors[-1] < 2e-3
    slope = np.log(errors[0] / errors[1]) / np.log(1.5)
    assert slope == pytest.approx(2.0, abs=0.1)  # terms of h⁴


@pytest.mark.parametrize(
    ("method", "order", "dt", "shape"), [("fitted", 2, 0.05, (48,)), ("upwind", 3, 0.005, (16,))]
)
def test_error_falls_with_the_order_of_the_step(method, order, dt, shape):
    """Of upwind currents in a time in which no limiter switches."""
    energy = FreeEnergy(PAIR, LINE, shape, 0.1)
    state = State.of(averages(pair_modes(LINE, (7,)), LINE, shape), energy)
    step = STEPS[method]
    count = 8
    exact = run(step, state, energy, dt / 32, 32 * count)[-1].density
    errors, estimates = [], []
    for division in (1, 2, 4):
        path = run(step, state, energy, dt / division, division * count)
        errors.append(np.sum(np.abs(path[-1].density - exact)))
        estimates.append(step(state, energy, dt / division)[1])
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    # the next order in dt, and the error of R, which falls as dt²/s with a whole number s of stages
    np.testing.assert_allclose(slopes, order, rtol=0.0, atol=0.2)
    local = np.log2(np.array(estimates[:-1]) / estimates[1:])
    np.testing.assert_allclose(local, 3.0, rtol=0.0, atol=0.2)


def test_tolerance_bounds_the_error_of_the_run():
    density = averages(pair_modes(LINE, (20,)), LINE, (96,))
    exact = evolve(density, PAIR, LINE, 0.1, [0.5], 1e-8)[0]
    errors = []
    for tolerance in (1e-4, 1e-5, 1e-6):
        found = evolve(density, PAIR, LINE, 0.1, [0.5], tolerance)[0]
        errors.append(0.5 * np.sum(np.abs(found - exact)) / np.sum(exact))
    # local errors dt³ make errors dt² of the run: the power 2/3, within a choice of steps
    slopes = np.diff(np.log10(errors))
    np.testing.assert_allclose(slopes, -2.0 / 3.0, rtol=0.0, atol=0.3)
    assert errors[0] < 10.0 * 1e-4


def test_output_times_do_not_change_the_answer():
    density = averages(pair_modes(LINE, (20,)), LINE, (96,))
    few = evolve(density, PAIR, LINE, 0.1, [0.5], 1e-6)
    many = evolve(density, PAIR, LINE, 0.1, [0.0, 0.1, 0.100001, 0.4, 0.5], 1e-6)
    assert many.shape == (5, 2, 96)
    assert np.sum(np.abs(many[-1] - few[-1])) / np.sum(few[-1]) < 1e-4


# --- refusals -------------------------------------------------------------------------------------


def smooth(shape=(64,), species=1):
    return np.array([smooth_density(shape, 1.0, 0.2, s) for s in range(species)])


WRONG = {
    "tilted": (smooth((16, 16)), {"cell": Cell.sheared(6.0, 2, 0.1)}, "orthogonal"),
    "negative": (smooth() - 0.9, {}, "not negative, the smallest is -"),
    "not finite": (smooth() * np.nan, {}, "finite"),
    "empty": (0.0 * smooth(), {}, "hold no mass"),
    "dimension": (smooth((8, 8)), {}, r"\(S, n_1\)"),
    "species": (smooth(species=2), {}, "2 densities were given for 1 species"),
    "narrow": (smooth((3,)), {}, "at least 4"),
    "temperature": (smooth(), {"temperature": -0.1}, "temperature: -0.1"),
    "tolerance": (smooth(), {"tolerance": 0.0}, "tolerance: 0"),
    "times": (smooth(), {"times": [0.2, 0.1]}, "must increase"),
    "past": (smooth(), {"times": [-0.2, 0.1]}, "must increase"),
    "forces": (smooth(), {"external": []}, "0 forces were given for 1 species"),
}


@pytest.mark.parametrize(("density", "change", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_refused_in_a_sentence(density, change, message):
    arguments = {"cell": LINE, "temperature": 0.1, "times": [0.1], "tolerance": 1e-3} | change
    with pytest.raises(ConfigError, match=message):
        evolve(density, FREE, **arguments)


def test_force_that_the_grid_does_not_hold_is_refused():
    force = [Kolmogorov(1.0, (40,), (1.0,))]
    with pytest.raises(ResolutionError, match=r"take at least \(81,\) points"):
        evolve(smooth(), FREE, LINE, 0.1, [0.1], 1e-3, force)


def test_layer_that_the_volumes_do_not_resolve_is_refused():
    mixture = Mixture.single(Cone(1.0, period=6.0))
    arguments = (mixture, LINE, 0.02, [8.0], 1e-2)
    with pytest.raises(ResolutionError, match="points: 64 volumes along axis 0 do not resolve"):
        evolve(smooth() / 6.0, *arguments)
    require_resolved(evolve(smooth((512,)) / 6.0, *arguments)[0])


def test_step_that_no_tolerance_allows_is_refused():
    with pytest.raises(StabilityError, match=r"tolerance: 1e-30 needs steps below .* at least"):
        evolve(smooth(), FREE, LINE, 0.1, [1.0], 1e-30)
