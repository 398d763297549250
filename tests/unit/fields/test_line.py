"""Exact solutions of the cone on a line against sums over all y, all pairs and all collisions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson, solve_ivp

from glasscade.errors import ConfigError, ConvergenceError, ResolutionError
from glasscade.fields import line
from glasscade.fields.line import (
    Bumps,
    clusters,
    cole_hopf,
    dissipated,
    dissipation,
    force,
    quantiles,
    shock,
    sticky,
    stress_total,
)
from glasscade.potentials import Cone, FreeCone

START = Bumps(centre=(-1.0, 1.2), width=(0.3, 0.5), mass=(0.9, 0.6))
BOTH_SIGNS = pytest.mark.parametrize("g", [0.8, -0.8])


# --- smooth starts ------------------------------------------------------------------------------


def test_mass_and_potential_of_bumps_are_integrals_of_their_density():
    x = np.linspace(-6.0, 7.0, 13_001)
    mass = cumulative_simpson(START.density(x), x=x, initial=0.0)
    # Simpson's error, the fourth power of the step over the width, 1e-10; nothing lies outside
    np.testing.assert_allclose(START.below(x), mass, rtol=0.0, atol=1e-10)
    np.testing.assert_allclose(START.field(x), mass - 0.75, rtol=0.0, atol=1e-10)
    potential = cumulative_simpson(START.field(x), x=x, initial=0.0)
    rise = START.potential(x) - START.potential(x[:1])
    np.testing.assert_allclose(rise, potential, rtol=0.0, atol=1e-9)
    # far away it is that of a point at the centre of mass
    centre = (0.9 * -1.0 + 0.6 * 1.2) / 1.5
    assert START.potential(np.array([50.0])) == pytest.approx(0.75 * (50.0 - centre), rel=1e-14)
    assert START.total == 1.5


def test_without_interaction_cole_hopf_is_free_diffusion():
    x = np.linspace(-4.0, 4.0, 81)
    free = START.diffused(2.0, temperature=0.1)
    assert free.width == pytest.approx([np.sqrt(0.09 + 0.4), np.sqrt(0.25 + 0.4)], rel=1e-15)
    errors = []
    for g in (1e-3, 1e-4):
        density, force_ = cole_hopf(x, 2.0, START, g, 0.1)
        np.testing.assert_allclose(force_ / g, free.field(x), rtol=0.0, atol=10.0 * g)
        errors.append(np.max(np.abs(density - free.density(x))))
    # the interaction enters at first order
    assert np.log10(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.02)


# --- T > 0 --------------------------------------------------------------------------------------


def by_distances(x, t, start, g, temperature):
    """w = -(x - <y>)/t, and ρ = ∂x w/g from the variance of y, by a sum over very many y."""
    reach = 0.5 * t * abs(g) * start.total + 12.0 * np.sqrt(2.0 * temperature * t)
    distance = np.linspace(-reach, reach, 20_001)
    results = []
    for place in x:
        exponent = g * start.potential(place + distance) - distance**2 / (2.0 * t)
        weight = np.exp((exponent - exponent.max()) / (2.0 * temperature))
        mean = weight @ distance / weight.sum()
        variance = weight @ (distance - mean) ** 2 / weight.sum()
        results.append([(variance / (2.0 * temperature * t) - 1.0) / (g * t), mean / t])
    return np.array(results).T


@BOTH_SIGNS
@pytest.mark.parametrize("temperature", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("t", [0.2, 3.0])
def test_cole_hopf_is_its_integral(g, temperature, t):
    x = np.array([-2.4, -1.0, -0.3, 0.0, 0.05, 1.0, 2.1])
    density, force_ = cole_hopf(x, t, START, g, temperature)
    expected = by_distances(x, t, START, g, temperature)
    # exponents up to gM|x|/4T = 1e4 have round-off of 1e-12, ρ in the reference that of 1/gt
    np.testing.assert_allclose(force_, expected[1], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(density, expected[0], rtol=1e-11, atol=1e-11 / (abs(g) * t))


@pytest.mark.parametrize("width", [0.02, 1e-3])
def test_thin_bumps_under_a_wide_average_are_resolved(width):
    """Two almost points of mass ½ at ±½: then exp(V*ρ₀/2T) is piecewise exponential."""
    start, x, t, g, temperature = (
        Bumps((-0.5, 0.5), (width, width), (0.5, 0.5)),
        np.linspace(-1.0, 1.0, 21),
        1.0,
        1.0,
        0.5,
    )
    density, force_ = cole_hopf(x, t, start, g, temperature)
    y = np.linspace(-12.0, 12.0, 120_001)  # kinks at nodes, h² = 4e-8
    potential = 0.25 * (np.abs(y - 0.5) + np.abs(y + 0.5))
    weights = [np.exp(potential - 0.5 * (place - y) ** 2) for place in x]  # 2T = t = 1
    means = np.array([p @ (y - place) / p.sum() for place, p in zip(x, weights, strict=True)])
    squares = np.array(
        [p @ (y - place) ** 2 / p.sum() for place, p in zip(x, weights, strict=True)]
    )
    # what a bump of this width changes of ∫exp(V*ρ₀/2T): its second moment, gm s²/2T
    np.testing.assert_allclose(force_, means, rtol=0.0, atol=0.5 * width**2)
    np.testing.assert_allclose(density, squares - means**2 - 1.0, rtol=0.0, atol=0.5 * width**2)


def test_places_need_not_share_their_nodes(monkeypatch):
    x = np.random.default_rng(3).uniform(-2.0, 2.0, 40)
    together = cole_hopf(x, 0.5, START, 0.8, 0.01)
    monkeypatch.setattr(line, "MOST_NODES", 20)
    # nodes lie elsewhere: the error of the quadrature, far below `ACCURACY`
    np.testing.assert_allclose(
        cole_hopf(x, 0.5, START, 0.8, 0.01), together, rtol=1e-12, atol=1e-13
    )


@BOTH_SIGNS
def test_initial_data_stand_at_time_zero(g):
    x = np.linspace(-3.0, 3.0, 31).reshape(1, -1)
    density, force_ = cole_hopf(x, 0.0, START, g, 0.1)
    assert np.array_equal(density, START.density(x))
    assert np.array_equal(force_, g * START.field(x))
    assert cole_hopf(x[:0], 1.0, START, g, 0.1)[0].shape == (0, 31)
    errors = []
    for t in (1e-4, 1e-5):
        soon = cole_hopf(x, t, START, g, 0.1)
        assert soon[0].shape == x.shape
        errors.append(np.abs(soon - np.array([density, force_])).max())
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.01)  # they change smoothly


@pytest.mark.parametrize("temperature", [0.1, 0.01])
def test_an_attraction_ends_as_the_shock_of_all_the_mass(temperature):
    x = np.linspace(-5.0, 5.0, 401) * temperature
    centre = (0.9 * -1.0 + 0.6 * 1.2) / 1.5
    density, force_ = cole_hopf(centre + x, 60.0, START, 0.8, temperature)
    expected = shock(x, 1.5, 0.8, temperature)
    # relaxation by exp(-(gM)² t/16T), 4e-24 at the higher T; round-off of the exponents 1e-12
    np.testing.assert_allclose(density, expected[0], rtol=1e-9)
    np.testing.assert_allclose(force_, expected[1], rtol=0.0, atol=1e-9)


def test_shock_far_away_is_its_limit():
    density, force_ = shock(np.array([-1e4, 0.0, 1e4]), 1.5, 0.8, 0.01)
    np.testing.assert_allclose(density, [0.0, 0.8 * 1.5**2 / 0.08, 0.0], rtol=1e-15)
    np.testing.assert_allclose(force_, [-0.6, 0.0, 0.6], rtol=1e-15)


# --- T = 0 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["equal", "gauss"])
def test_quantiles_have_their_mass_below(rule):
    position, weight = quantiles(START, 200, rule)
    assert np.all(np.diff(position) > 0.0)
    assert weight.sum() == pytest.approx(1.5, rel=1e-14)
    if rule == "equal":
        below = np.cumsum(weight) - 0.5 * weight
    else:
        below = 0.75 * (1.0 + np.polynomial.legendre.leggauss(200)[0])
    np.testing.assert_allclose(START.below(position), below, rtol=0.0, atol=1e-14)


@pytest.mark.parametrize(("rule", "order"), [("equal", 1.0), ("gauss", 2.0)])
def test_moments_of_quantiles_converge(rule, order):
    """x(m) ends like ±√(-2 log m), where N points leave 1/N of equal weight, or 1/N², aside."""
    counts, errors = np.array([100, 200, 400]), []
    for count in counts:
        position, weight = quantiles(Bumps((0.3,), (0.7,), (1.5,)), count, rule)
        errors.append(abs(weight @ (position - 0.3) ** 2 - 1.5 * 0.7**2))
    orders = -np.diff(np.log(errors)) / np.diff(np.log(counts))
    np.testing.assert_allclose(orders, order, rtol=0.0, atol=0.05)  # 0.02 less by logarithms


def points(rng, count=6):
    return rng.uniform(-1.0, 1.0, count), rng.uniform(0.2, 1.0, count)


def by_collisions(position, weight, g, t, period):
    """Integrate dx/dt = -F from one collision to the next, merging what meets."""
    x, now = np.array(position), 0.0
    while True:
        merged, mass = clusters(x, weight)
        member = np.searchsorted(merged, x)

        def meeting(_, y):
            return np.min(np.diff(y)) if y.size > 1 else 1.0

        meeting.terminal, meeting.direction = True, -1.0
        path = solve_ivp(
            lambda _, y, mass=mass: -force(y, mass, g, period),
            (now, t),
            merged,
            events=meeting,
            method="DOP853",
            rtol=1e-12,
            atol=1e-14,
        )
        now, y = path.t[-1], path.y[:, -1]
        if path.status == 0:
            return y[member]
        pair = np.argmin(np.diff(y))
        y[pair : pair + 2] = np.average(y[pair : pair + 2], weights=mass[pair : pair + 2])
        x = y[member]


@BOTH_SIGNS
@pytest.mark.parametrize("period", [np.inf, 4.5])
def test_sticky_particles_are_those_that_merge_at_collisions(rng, g, period):
    position, weight = points(rng)
    times = [0.0, 0.3, 0.5, 4.0]
    path = sticky(position, weight, g, times, period)
    np.testing.assert_allclose(path[0], position, rtol=0.0, atol=1e-15)
    for t, found in zip(times[1:], path[1:], strict=True):
        expected = by_collisions(position, weight, g, t, period)
        # the tolerance of the integration, and 1e-12 of finding each of eight collisions
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-10)
    remaining = [len(clusters(x, weight)[0]) for x in path]
    assert remaining == sorted(remaining, reverse=True)
    assert (remaining[-1] == 1) == (g > 0.0)
    assert 1 < remaining[2] < 6 or g < 0.0


@pytest.mark.parametrize("period", [np.inf, 4.5])
def test_sticky_particles_forget_how_they_met(rng, period):
    position, weight = points(rng, 40)
    half = sticky(position, weight, 0.8, [0.05, 0.15], period)
    again = sticky(half[0], weight, 0.8, [0.1], period)[0]
    np.testing.assert_allclose(again, half[1], rtol=0.0, atol=1e-14)  # round-off
    # the centre stays
    means = np.average(half, axis=1, weights=weight)
    np.testing.assert_allclose(means, np.average(position, weights=weight), rtol=0.0, atol=1e-15)


def test_a_period_is_left_with_a_gap_or_refused():
    weight = np.full(10, 0.1)
    narrow, wide = np.linspace(-0.5, 0.5, 10), np.linspace(-0.5, 0.49, 10)
    # attracted into one point, which stays at the centre for ever
    late = sticky(narrow, weight, 1.0, [3.0, 30.0, 1e5], 2.0)
    assert np.all(np.ptp(late, axis=1) == 0.0)
    np.testing.assert_allclose(late, 0.0, rtol=0.0, atol=1e-15)
    # repelled until they are equally far from each other, all round
    late = sticky(narrow, weight, -1.0, [200.0, 1e5], 2.0)
    np.testing.assert_allclose(np.diff(late), 0.2, rtol=0.0, atol=1e-14)
    with pytest.raises(ResolutionError, match="at time 0 the points extend over 1, which leaves n"):
        sticky(narrow, weight, 1.0, [0.0], 1.0)
    # the gap of 0.01 across the cut is narrower than the others, so that its ends meet first
    with pytest.raises(ResolutionError, match=r"at time 3 the points extend over .*widest gap"):
        sticky(wide, weight, 1.0, [0.0, 3.0], 1.0)
    with pytest.raises(ResolutionError, match=r"extend over 1, which leaves no gap"):
        force(narrow, weight, 1.0, 1.0)


@BOTH_SIGNS
@pytest.mark.parametrize("period", [np.inf, 4.5])
def test_force_is_the_sum_over_pairs(rng, g, period):
    position, weight = points(rng, 30)
    position[3:6] = position[0]  # four points in one place exert no force on each other
    cone = FreeCone(0.5 * g, reach=2.1) if period == np.inf else Cone(0.5 * g, period)
    apart = position[:, np.newaxis] - position
    expected = (np.sign(apart) * cone.slope(np.abs(apart))) @ weight
    found = force(position, weight, g, period)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-14)  # round-off of 30 terms


def test_clusters_add_the_masses_of_one_place():
    position, mass = clusters(np.array([2.0, -1.0, 2.0, 0.5]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert position.tolist() == [-1.0, 0.5, 2.0]
    assert mass.tolist() == [2.0, 4.0, 4.0]
    one = dissipation(np.array([2.0, -1.0, 2.0, 0.5]), np.array([1.0, 2.0, 3.0, 4.0]), -0.5)
    assert one == pytest.approx(0.25 * (8.0 + 64.0 + 64.0) / 12.0, rel=1e-15)


@BOTH_SIGNS
def test_dissipated_is_the_integral_of_the_dissipation(rng, g):
    position, weight = points(rng)
    step = 1e-3
    middle = (np.arange(2000) + 0.5) * step
    path = sticky(position, weight, g, middle)
    rate = np.array([dissipation(x, weight, g) for x in path])
    expected = step * np.cumsum(rate)[[499, 1999]]
    found = dissipated(position, weight, g, [0.5, 2.0])
    # each collision is found within half a step
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=0.5 * step * np.ptp(rate) + 1e-12)
    apart = np.abs(position[:, np.newaxis] - position)
    stress = 0.25 * g * weight @ apart @ weight
    assert stress_total(position, weight, g) == pytest.approx(stress, rel=1e-14)


# --- refused ------------------------------------------------------------------------------------

X = np.zeros(1)
ONE = Bumps((0.0,), (1.0,), (1.0,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Bumps((), (), ()), "centre: its 0 bumps must be at least one"),
        (lambda: Bumps((0.0,), (1.0, 2.0), (1.0,)), "as many as the 2 of width and the 1 of mass"),
        (lambda: Bumps((0.0,), (0.0,), (1.0,)), r"width: 0 is outside \(0, inf\)"),
        (lambda: Bumps((0.0,), (1.0,), (-1.0,)), r"mass: -1 is outside \(0, inf\)"),
        (lambda: Bumps((np.inf,), (1.0,), (1.0,)), r"centre: inf is outside \(-inf, inf\)"),
        (lambda: cole_hopf(X, -1.0, ONE, 1.0, 0.1), "t: -1 must be a time >= 0"),
        (lambda: cole_hopf(X, 1.0, ONE, 1.0, 0.0), r"temperature: 0 is outside \(0, inf\)"),
        (lambda: cole_hopf(X, 1.0, ONE, 0.0, 0.1), "g: 0 must be a finite number other than"),
        (lambda: shock(X, 1.0, -1.0, 0.1), r"g: -1 is outside \(0, inf\)"),
        (lambda: quantiles(ONE, 0), r"count: 0 is outside \(0, inf\)"),
        (lambda: quantiles(ONE, 5, "random"), "rule: 'random' is unknown, use 'equal' or 'gauss'"),
        (lambda: sticky(X, X, 1.0, [1.0]), "weight: weights must be above zero"),
        (lambda: sticky(X, np.ones(2), 1.0, [1.0]), r"position: its shape \(1,\) must be \(N,\)"),
        (lambda: sticky(X, np.ones(1), 1.0, [-1.0]), "times: -1 must be a time >= 0"),
        (lambda: force(X * np.nan, np.ones(1), 1.0), "and positions finite"),
    ],
)
def test_what_is_out_of_range_is_named(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_a_temperature_beyond_double_precision_is_refused():
    message = "temperature: 1e-10 is too low for double .* at least (.*); at T = 0 use `sticky`"
    with pytest.raises(ResolutionError, match=message) as caught:
        cole_hopf(X + 2.0, 1.0, ONE, 1.0, 1e-10)
    lowest = float(re.search(message, str(caught.value))[1])
    cole_hopf(X + 2.0, 1.0, ONE, 1.0, 1.1 * lowest)


def test_averages_that_do_not_settle_are_refused(monkeypatch):
    monkeypatch.setattr(line, "_accuracy", lambda *_: 0.0)
    with pytest.raises(ConvergenceError, match=r"steps of .* change by more than 0\.0e\+00 at"):
        cole_hopf(X, 1.0, START, 1.0, 0.1)
