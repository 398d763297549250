"""Points that carry the mass of a density: sampling, forces, motion, collisions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import ellipe, ellipk

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import Kolmogorov
from glasscade.fields.initial import smooth_density
from glasscade.fields.measures import (
    Force,
    Measure,
    direct_force,
    evolve,
    sampled,
    smooth_counts,
)
from glasscade.force import potential_hat
from glasscade.potentials import GEM, Cone, FreeCone, Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, point_modes

SHEARED = Cell.sheared(4.0, 2, 0.3)
UNLIKE = Gaussian(-0.7, width=0.5)
SMOOTH = Mixture(((GEM(1.0, 1.0), UNLIKE), (UNLIKE, Gaussian(0.9, 0.4))))
KINKED = Mixture(((Harmonic(-1.3, 3.0), UNLIKE), (UNLIKE, Harmonic(0.9, 1.2))))
CONES = Mixture(((FreeCone(-1.3, 3.0), UNLIKE), (UNLIKE, FreeCone(0.9, 1.2))))
ATTRACTIVE = Mixture.single(FreeCone(1.0, reach=6.0))
LARGE = Cell.cubic(12.0, 2)


def points(rng, number, cell, species=2):
    return Measure(
        cell.cartesian(rng.uniform(-1.0, 2.0, (number, cell.dim))),
        rng.integers(0, species, number),
        rng.uniform(0.1, 1.0, number),
    )


def alone(position, weight):
    x = np.array(position, dtype=float)
    return Measure(x, np.zeros(len(x), dtype=int), np.array(weight, dtype=float))


def disc(number, radius=1.0):
    """A uniform disc of unit mass, of `number` points across."""
    axis = (2.0 * (np.arange(number) + 0.5) / number - 1.0) * radius
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    x = x[np.sum(x**2, axis=1) < radius**2]
    return alone(x, np.full(len(x), 1.0 / len(x)))


def pair_sum(measure, mixture, cell):
    """Σ_b w_b ∇V over all pairs and images, in numpy."""
    images = cell.cartesian(
        np.array(list(itertools.product(range(-4, 5), repeat=cell.dim)), dtype=float)
    )
    force = np.zeros_like(measure.position)
    for a, b in itertools.product(range(len(force)), repeat=2):
        potential = mixture.table[measure.species[a]][measure.species[b]]
        y = cell.minimum_image(measure.position[a] - measure.position[b]) + images
        r = np.linalg.norm(y, axis=1)
        within = (r > 0.0) & (r < potential.cutoff)
        force[a] += measure.weight[b] * (potential.slope(r[within]) / r[within]) @ y[within]
    return force


def energy(measure, mixture, cell):
    """½ Σ_ab w_a w_b V, of one image."""
    y = cell.minimum_image(measure.position[:, np.newaxis] - measure.position)
    value = mixture.table[0][0].value(np.linalg.norm(y, axis=-1))
    return 0.5 * measure.weight @ value @ measure.weight


# -- sampling


@pytest.mark.parametrize("cell", [Cell.cubic(3.0, 1), SHEARED, Cell.cubic(2.0, 3)], ids=str)
def test_points_have_the_moments_of_a_smooth_density(cell):
    """The midpoint rule of φρ errs by modes beyond the points alone: all low modes are exact."""
    shape = (18,) * cell.dim
    density = np.array([smooth_density(shape, mean, 0.15, seed=4) for mean in (1.0, 2.0)])
    # modes up to 8; of 25 points the aliases of those up to 2 lie at 23 and above
    measure = sampled(density, cell, per_axis=25)
    expected = grid_to_modes(density, cell, (2,) * cell.dim)
    for s, weight in enumerate((1.0, 2.0)):
        mine = measure.species == s
        x, w = measure.position[mine], measure.weight[mine]
        assert w.sum() == pytest.approx(weight * cell.volume, rel=1e-12)
        found = point_modes(x, w, cell, (2,) * cell.dim)
        # round-off, and 1e-13 of the point sums
        np.testing.assert_allclose(found, expected[s], rtol=0.0, atol=1e-12 * cell.volume)


def test_moments_of_a_rough_density_converge_at_second_order():
    """∫x²ρ of a triangle, whose slope jumps: the midpoint rule is of second order."""
    cell, numbers = Cell.cubic(2.0, 1), np.array([20, 40, 80, 160])
    errors = []
    for n in numbers:
        x = 2.0 * np.arange(n) / n  # with its three kinks
        measure = sampled(np.maximum(0.5 - np.abs(x - 1.0), 0.0)[np.newaxis], cell, n)
        moment = measure.weight @ (measure.position[:, 0] - 1.0) ** 2
        errors.append(abs(moment - 0.5**4 / 6.0))
    slope = np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    # the next order of the rule is h⁴: 1 % at h = 0.1
    assert slope == pytest.approx(-2.0, abs=0.05)


def test_points_of_vanishing_weight_are_left_out():
    x = np.arange(64) / 8.0
    density = np.exp(-(((x - 4.0) / 0.5) ** 2))[np.newaxis]
    measure = sampled(density, Cell.cubic(8.0, 1), 64)
    assert 30 < len(measure.weight) < 64
    assert measure.weight.sum() == pytest.approx(np.sqrt(np.pi) * 0.5, rel=1e-12)
    assert np.all(measure.weight > 0.0)


# -- forces


@pytest.mark.parametrize(
    ("mixture", "cell"),
    [
        (SMOOTH, SHEARED),
        (SMOOTH, Cell.cubic(3.0, 3)),
        (KINKED, SHEARED),
        (KINKED, Cell.cubic(3.0, 3)),
        (CONES, SHEARED),
        (CONES, Cell.cubic(3.0, 3)),
        (Mixture(((Cone(1.0, 5.0), UNLIKE), (UNLIKE, Cone(-1.0, 5.0)))), Cell.cubic(5.0, 1)),
    ],
    ids=["smooth 2D", "smooth 3D", "kinked 2D", "kinked 3D", "cones 2D", "cones 3D", "cone"],
)
def test_forces_are_sums_over_pairs_and_images(rng, mixture, cell):
    measure = points(rng, 15, cell)
    expected = pair_sum(measure, mixture, cell)
    scale = np.abs(expected).max()
    found = direct_force(measure, mixture, cell)
    # round-off; the images left out of the sum above are beyond the range
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12 * scale)
    some = np.array([3, 0, 11])
    np.testing.assert_array_equal(direct_force(measure, mixture, cell, some), found[some])
    force = Force(mixture, cell)
    assert (force.counts is None) == (mixture is not SMOOTH)
    # BAND and the accuracy of point sums, 1e-13, of each of 15 weights
    np.testing.assert_allclose(force(measure), expected, rtol=0.0, atol=2e-12 * scale)


def test_total_force_of_one_species_is_zero(rng):
    for mixture in (ATTRACTIVE, Mixture.single(GEM(1.0, 1.0))):
        measure = points(rng, 200, SHEARED, species=1)
        forces = Force(mixture, SHEARED)(measure)
        total = measure.weight @ forces
        # round-off of sums over 200 points, of forces up to tens
        np.testing.assert_allclose(total, 0.0, rtol=0.0, atol=1e-13 * 200 * np.abs(forces).max())


def test_modes_hold_smooth_forces_alone():
    potential = GEM(1.0, 0.2)
    counts = smooth_counts(Mixture.single(potential), SHEARED)
    p = 2.0 * np.pi / 4.0 * np.arange(200.0)
    amplitude = p * np.abs(potential_hat(potential, np.array([p, 0.0 * p])))
    # round-off of V_hat, 1e-15 of V_hat(0), times p
    assert amplitude[counts[0] :].max() < 3e-13 * amplitude.max()
    assert amplitude[int(0.75 * counts[0])] > 1e-11 * amplitude.max()  # not many more than needed
    for rough in (Harmonic(1.0, 1.0), Harmonic(1.0, 1.0, 0.3), GEM(1.0, 1.0, 2.5)):
        assert smooth_counts(Mixture.single(rough), SHEARED) is None
    tiny = Mixture.single(GEM(1.0, 0.02))  # smooth, but 2000 modes along each axis
    assert smooth_counts(tiny, Cell.cubic(4.0, 2)) is None


# -- motion in smooth potentials


def cloud(rng, number=80):
    return Measure(
        SHEARED.cartesian(rng.random((number, 2))),
        rng.integers(0, 2, number),
        rng.uniform(0.02, 0.1, number),
    )


TIMES = np.array([0.0, 0.1, 0.35, 0.6])
WAVE = Kolmogorov(0.4, (0, 1), (1.0, 0.0))


def run(measure, mixture, cell, times=TIMES, tolerance=1e-10, **others):
    pairs = list(evolve(measure, mixture, cell, times, tolerance, **others))
    return np.array([x for x, _ in pairs]), np.array([f for _, f in pairs])


def test_points_move_as_by_another_integrator(rng):
    measure, calm = cloud(rng), Kolmogorov(0.2, (1, 0), (0.0, 1.0))
    x, force = run(measure, SMOOTH, SHEARED, external=[WAVE, calm])

    def velocity(_, flat):
        now = Measure(flat.reshape(-1, 2), measure.species, measure.weight)
        f = direct_force(now, SMOOTH, SHEARED)
        first = (measure.species == 0)[:, np.newaxis]
        driven = np.where(first, WAVE.at(SHEARED, now.position), calm.at(SHEARED, now.position))
        return (driven - f).ravel()

    other = solve_ivp(
        velocity, (0.0, 0.6), measure.position.ravel(), "RK45", TIMES, rtol=1e-11, atol=1e-11
    )
    expected = np.moveaxis(other.y, -1, 0).reshape(x.shape)
    assert np.abs(expected[-1] - expected[0]).max() > 0.1
    # errors of ten steps of 1e-10, and of their continuation between steps
    np.testing.assert_allclose(x, expected, rtol=0.0, atol=1e-8)
    for now, f in zip(x, force, strict=True):
        exact = direct_force(Measure(now, measure.species, measure.weight), SMOOTH, SHEARED)
        np.testing.assert_allclose(f, exact, rtol=0.0, atol=1e-11)


@pytest.mark.parametrize(("merge", "finest"), [(None, 9), (1e-9, 6)], ids=["8(5,3)", "3(2)"])
def test_error_falls_with_the_tolerance(rng, merge, finest):
    mixture, measure = Mixture.single(Gaussian(1.0, 1.5)), points(rng, 30, SHEARED, species=1)
    exact = run(measure, mixture, SHEARED, [0.0, 0.5], 1e-13)[0][-1]
    assert np.abs(exact - measure.position).max() > 0.2
    tolerances = 10.0 ** -np.arange(finest - 3.0, finest + 1.0)
    errors = [
        np.abs(run(measure, mixture, SHEARED, [0.0, 0.5], t, merge=merge)[0][-1] - exact).max()
        for t in tolerances
    ]
    # error of a step and tolerance both go with the order of the pair; few steps make a staircase
    assert np.polyfit(np.log(tolerances), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.3)


def test_energy_falls_as_forces_work_and_the_centre_of_mass_rests(rng):
    """dE/dt = -Σ w|F|² and d(Σwx)/dt = 0."""
    mixture, cell = Mixture.single(Gaussian(-1.0, 0.6)), Cell.cubic(8.0, 2)
    measure = alone(rng.uniform(2.0, 6.0, (40, 2)), rng.uniform(0.01, 0.05, 40))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    times = np.array([0.0, *(1.0 + nodes), 2.0])
    x, force = run(measure, mixture, cell, times, 1e-11)
    falls = np.array([energy(alone(now, measure.weight), mixture, cell) for now in x])
    assert np.all(np.diff(falls) < 0.0)
    work = weights @ np.array([measure.weight @ np.sum(f**2, axis=1) for f in force[1:-1]])
    # twice the nodes that leave 1e-8; 22 positions off by 1e-11
    assert falls[0] - falls[-1] == pytest.approx(work, rel=1e-10)
    centre = measure.weight @ x
    # round-off of point sums, 1e-13 of the mass, times the forces
    np.testing.assert_allclose(centre, centre[:1] * np.ones((22, 1)), rtol=0.0, atol=1e-12)


# -- collisions


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_two_points_meet_when_they_should(dim):
    """D falls at the rate of both masses, and stops."""
    measure = alone([[1.0, 2.0, 3.0][:dim], [2.2, 2.0, 3.0][:dim]], [0.75, 0.25])
    times = [0.0, 0.8, 1.1, 1.19, 2.0]
    x, force = run(measure, ATTRACTIVE, Cell.cubic(12.0, dim), times, 1e-6, merge=0.02)
    # exact: the right side is constant
    np.testing.assert_allclose(x[:3, 1, 0] - x[:3, 0, 0], [1.2, 0.4, 0.1], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(force[:3, 0, 0], -0.25, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(force[:3, 1, 0], 0.75, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(force[:, :, 1:], 0.0, rtol=0.0, atol=1e-12)
    # at D = 0.02 they are one, earlier by as much time
    np.testing.assert_array_equal(x[3:, 0], x[3:, 1])
    np.testing.assert_allclose(x[3:, 0], [[1.3, 2.0, 3.0][:dim]] * 2, rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(force[3:], 0.0)


def test_no_pair_passes_through_itself_at_any_tolerance():
    measure = alone([[1.0, 2.0], [2.2, 2.0]], [0.75, 0.25])
    x, _ = run(measure, ATTRACTIVE, LARGE, [0.0, 3.0], 10.0, merge=1e-3)
    np.testing.assert_allclose(x[1], [[1.3, 2.0]] * 2, rtol=0.0, atol=1e-12)


def test_points_meet_across_the_edge_of_the_cell():
    measure = alone([[0.1, 0.2], [11.9, 0.2]], [1.0, 3.0])
    x, _ = run(measure, ATTRACTIVE, LARGE, [0, 1], 1e-6, merge=0.01)
    # by the image of the second that is near to the first
    np.testing.assert_allclose(x[1], [[-0.05, 0.2]] * 2, rtol=0.0, atol=1e-12)


def shells(radius, weight, times):
    """Radii of concentric rings under V = |x| in the plane: an independent reduction.

    A ring of unit mass and radius s attracts at the radius r by the mean of (r - s cos θ)/|x-y|,
    [(r + s) E(m) + (r - s) K(m)]/πr with m = 4rs/(r+s)².
    """

    def velocity(_, r):
        a, b = np.meshgrid(r, r, indexing="ij")
        m = np.minimum(4.0 * a * b / (a + b) ** 2, 1.0 - 1e-15)
        pull = ((a + b) * ellipe(m) + (a - b) * ellipk(m)) / (np.pi * a)
        return -pull @ weight

    return solve_ivp(velocity, times[[0, -1]], radius, "RK45", times, rtol=1e-6, atol=1e-8).y.T


def test_a_cloud_collapses_as_concentric_rings():
    """∫r²ρ of ρ ∝ exp(-r²/2s²), which falls to a twentieth of what it was."""
    s, times = 0.4, np.linspace(0.0, 0.75, 4)
    edges = np.linspace(0.0, 2.0, 101)
    weight = -np.diff(np.exp(-0.5 * (edges / s) ** 2))
    expected = shells(0.5 * (edges[1:] + edges[:-1]), weight, times) ** 2 @ weight
    assert expected[-1] < 0.05 * expected[0]
    numbers, errors = np.array([10, 14, 20]), []
    for number in numbers:
        spacing = 4.0 / number
        axis = spacing * (np.arange(number) + 0.5) - 2.0
        x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        amount = np.exp(-0.5 * np.sum(x**2, axis=1) / s**2) * spacing**2 / (2.0 * np.pi * s**2)
        found = run(alone(x, amount), ATTRACTIVE, LARGE, times, 1e-5, merge=0.5 * spacing)[0]
        errors.append(np.abs(np.sum(found**2, axis=-1) @ amount - expected).max())
    assert errors[-1] < 0.01 * expected[0]
    # the merging radius falls with the spacing: first order or better; rings err by 1e-4
    assert np.polyfit(np.log(numbers), np.log(errors), 1)[0] < -0.9


def test_points_keep_mass_and_centre_and_lose_energy():
    measure = disc(14)
    drift = measure.position * np.array([1.0, 0.5]) + 4.0  # an ellipse
    measure = alone(drift, measure.weight)
    x, force = run(measure, ATTRACTIVE, LARGE, np.linspace(0.0, 2.5, 26), 1e-5, merge=0.03)
    numbers = np.array([len(np.unique(now, axis=0)) for now in x])
    assert numbers[0] == len(drift)
    assert numbers[-1] == 1
    assert np.all(np.diff(numbers) <= 0)
    assert len(set(numbers)) > 4  # not all at once
    # round-off of some hundred steps and mergers
    np.testing.assert_allclose(measure.weight @ x - 4.0, 0.0, rtol=0.0, atol=1e-13)
    energies = [energy(alone(now, measure.weight), ATTRACTIVE, LARGE) for now in x]
    moving = numbers[:-1] > 1
    assert np.all(np.diff(energies)[moving] < 0.0)
    assert np.diff(energies)[~moving] == pytest.approx(0.0, abs=1e-14)
    for now, f in zip(x, force, strict=True):
        exact = direct_force(alone(now, measure.weight), ATTRACTIVE, LARGE)
        # sums over other points in another order
        np.testing.assert_allclose(f, exact, rtol=0.0, atol=1e-13)


def test_error_is_of_first_order_in_the_merging_radius(rng):
    """The largest error of any position at any time, of points that all collide one by one."""
    measure = alone(rng.uniform(0.0, 1.6, (15, 2)), rng.uniform(0.5, 1.5, 15) / 15.0)
    times = np.linspace(0.0, 2.0, 61)
    exact = run(measure, ATTRACTIVE, LARGE, times, 1e-6, merge=1e-6)[0]
    assert len(np.unique(exact[-1], axis=0)) == 1
    radii = np.array([0.1, 0.05, 0.025, 0.0125, 0.00625])
    errors = [
        np.linalg.norm(run(measure, ATTRACTIVE, LARGE, times, 1e-6, merge=m)[0] - exact, axis=-1)
        for m in radii
    ]
    worst = np.array([error.max() for error in errors])
    assert np.all(worst < 2.0 * radii)
    # which collision is the worst, and where the times lie about it, changes from radius to radius
    assert np.polyfit(np.log(radii), np.log(worst), 1)[0] == pytest.approx(1.0, abs=0.25)


# -- what is refused

ATTRACTS = Mixture.single(FreeCone(1.0, 2.0))
REFUSED = {
    "tolerance": ({"tolerance": 0.0}, r"^tolerance: 0 must be at least 2.7e-13"),
    "collisions": (
        {"mixture": ATTRACTS},
        r"^merge: .* needed, since points .* 'free_cone' collide",
    ),
    "radius": ({"merge": 0.0}, r"^merge: 0 must be at least 2.7e-13"),
    "species": ({"mixture": KINKED, "merge": 0.1}, r"^merge: points of 2 species cannot merge"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_settings_out_of_range_are_refused_in_one_sentence(changes, message):
    settings = {"mixture": Mixture.single(Gaussian(-1.0, 0.5)), "tolerance": 1e-6} | changes
    measure = alone([[0.0, 0.0]], [1.0])
    with pytest.raises(ConfigError, match=message):
        evolve(measure, cell=LARGE, times=[0.0, 1.0], **settings)


def test_repulsion_needs_no_merging(rng):
    measure = points(rng, 10, LARGE, species=1)
    x, _ = run(measure, Mixture.single(FreeCone(-1.0, 2.0)), LARGE, [0.0, 0.1], 1e-6)
    assert np.isfinite(x).all()


def test_steps_below_the_round_off_of_time_are_noticed(rng):
    """Times around 1e6 are known to 1e-10; these forces need steps of 1e-12."""
    few = points(rng, 10, LARGE, species=1)
    measure = Measure(few.position, few.species, 1e12 * few.weight)
    for mixture, merge in ((ATTRACTIVE, 1e-3), (Mixture.single(Gaussian(1.0, 1.0)), None)):
        with pytest.raises(StabilityError, match=r"^tolerance: 1e-06 .* at the time 1e\+06, "):
            run(measure, mixture, LARGE, [1e6, 1e6 + 1.0], 1e-6, merge=merge)


def test_sampling_out_of_range_is_refused_in_one_sentence():
    cell, x = Cell.cubic(2.0, 1), np.arange(64) / 32.0
    box = (np.abs(x - 1.0) < 0.3).astype(float)[np.newaxis]
    with pytest.raises(ConfigError, match=r"^per_axis: 0 must be at least 1"):
        sampled(box, cell, 0)
    with pytest.raises(ResolutionError, match=r"^per_axis: .* 40 points per axis .* negative"):
        sampled(box, cell, 40)
