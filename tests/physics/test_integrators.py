"""Both integrators against exact results: free particles, wells, and their orders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gamma, ive, jv

from glasscade.cell import Cell
from glasscade.external import Kolmogorov, Sum
from glasscade.particles.dynamics import Motion, State, run
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Harmonic, Mixture, kernels

EULER, LATER = "euler-maruyama", "leimkuhler-matthews"
MOTIONS = [Motion(1.0, EULER), Motion(0.4, EULER), Motion(1.0, LATER), Motion(2.5, LATER)]


def label(motion):
    return f"{motion.integrator}-{motion.mobility}"


@pytest.mark.parametrize("motion", MOTIONS, ids=label)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_mean_square_of_free_particles_grows_linearly(dim, motion):
    number, temperature, dt, steps = 3000, 0.3, 0.05, 40
    free = PairTable.from_mixture(Mixture.single(Harmonic(0.0, 0.1)))
    cell = Cell.cubic(number ** (1.0 / dim), dim)
    positions = cell.cartesian(np.random.default_rng(4).random((number, dim)))
    state = State(positions, np.zeros(number, dtype=np.int64))
    moved = run(state, free, cell, temperature, dt, 9, [steps], motion=motion)[0] - positions
    # Of two noises to a step the first and the last of all count by half: η_0/2 + ... + η_n/2.
    kicks = steps - 0.5 * (motion.integrator == LATER)
    expected = 2.0 * dim * motion.mobility * temperature * dt * kicks
    # Four standard errors: the square of a normal has relative variance 2, in N d samples.
    spread = 4.0 * np.sqrt(2.0 / (number * dim))
    assert np.mean(np.sum(moved**2, axis=1)) == pytest.approx(expected, rel=spread)
    # No correlation between neighbours in the order of the particles either.
    overlap = np.mean(moved[1:] * moved[:-1]) * dim / expected
    assert abs(overlap) < 4.0 / np.sqrt(number * dim)


def couples(number, dim, kind, row, cutoff, apart):
    """Pairs of particles at rest on each other, bound by V(r); only partners meet."""
    kinds = np.full((2, 2), kind)
    rows = np.broadcast_to(row, (2, 2, len(row)))
    table = PairTable(kinds, rows, np.array([[0.0, cutoff], [cutoff, 0.0]]))
    side = int(np.ceil(number ** (1.0 / dim)))
    places = np.unravel_index(np.arange(number), (side,) * dim)
    state = State(np.tile(apart * np.stack(places, axis=1), (2, 1)), np.repeat([0, 1], number))
    return state, table, Cell.cubic(apart * side, dim)


@pytest.mark.parametrize("motion", MOTIONS, ids=label)
def test_variance_in_a_harmonic_well(motion):
    """y = x_b - x_a, V = κr²/2, h = 2κm dt: var y_i = T/κ, of Euler-Maruyama (T/κ)/(1 - h/2).

    The well is the rounded core of an attractive sphere, where V' is linear: κ = 1 for strength -1,
    diameter 1 and core 1/2.
    """
    number, temperature, h = 4000, 0.004, 0.3
    state, table, cell = couples(number, 2, kernels.HARMONIC, [-1.0, 1.0, 0.5, 0.0], 1.0, 5.0)
    dt = 0.5 * h / motion.mobility
    # The slowest mode forgets by (1 - h) = 0.7 a step: 1e-9 after 60 steps, 2e-5 between frames.
    frames = run(state, table, cell, temperature, dt, 11, 60 + 30 * np.arange(8), motion=motion)
    y = frames[:, number:] - frames[:, :number]
    spread = 4.0 * np.sqrt(2.0 / y.size)
    assert spread < 0.03
    expected = 1.0 / (1.0 - 0.5 * h) if motion.integrator == EULER else 1.0
    assert np.var(y) / temperature == pytest.approx(expected, rel=spread)


def test_variance_in_a_quartic_well():
    """V = r⁴/4, one piece of a tabulated potential: <y²> = 2Γ(3/4)/Γ(1/4) = 0.67598 at T = 1."""
    number, dt, mobility = 5000, 0.03, 0.5
    row = [1.0, 3.0, 1.0 / 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0]
    state, table, cell = couples(number, 1, kernels.TABULATED, row, 3.0, 9.0)
    motion = Motion(mobility, LATER)
    # The slowest even mode decays faster than exp(-3t), and t = 2m·step·dt = 0.03·step.
    frames = run(state, table, cell, 1.0, dt, 5, 100 + 50 * np.arange(8), motion=motion)
    squares = (frames[:, number:] - frames[:, :number]) ** 2
    exact = 2.0 * gamma(0.75) / gamma(0.25)
    assert exact == pytest.approx(0.67598, abs=5e-6)
    # Four standard errors of independent samples; the scheme's own error is 1e-4.
    spread = 4.0 * np.std(squares) / np.sqrt(squares.size)
    assert spread < 0.015
    assert np.mean(squares) == pytest.approx(exact, abs=spread)


WELL = 0.5
"""Depth a = U/T of the well U = -aT cos x, in which <cos x> = I_1(a)/I_0(a)."""


def chain(h, integrator, most=24):
    """<cos x> in the stationary state of the discrete process itself, x -> x - ha sin x + noise.

    E e^{ikx} after a step is linear in those before: e^{iz sin x} = Σ_n J_n(z) e^{inx}. With two
    noises to a step the process y = x - sqrt(h/2) η is Markov, and x follows from it.
    """
    k = np.arange(-most, most + 1)
    n = k[None, :] - k[:, None]
    spread = (2 * k[:, None] + n) ** 2 / 4.0 if integrator == LATER else k[:, None] ** 2
    matrix = jv(n, -k[:, None] * h * WELL) * np.exp(-h * spread)
    rest = np.flatnonzero(k)
    system = np.eye(2 * most) - matrix[np.ix_(rest, rest)]
    first = np.linalg.solve(system, matrix[rest, most])[most]
    return first * (np.exp(-h / 4.0) if integrator == LATER else 1.0)


def sampled(h, integrator, samples):
    """<cos x> and its standard error from the engine: a well along each axis, T = 0.3, m = 0.7."""
    number, temperature, mobility = 40_000, 0.3, 0.7
    cell = Cell.cubic(2.0 * np.pi, 2)
    push = WELL * temperature
    well = Sum((Kolmogorov(push, (1, 0), (1, 0), np.pi), Kolmogorov(push, (0, 1), (0, 1), np.pi)))
    free = PairTable.from_mixture(Mixture.single(Harmonic(0.0, 0.02)))
    start = np.random.default_rng(3).vonmises(0.0, WELL, (number, 2))
    state = State(start, np.zeros(number, dtype=np.int64))
    dt = h / (mobility * temperature)
    # The process forgets by exp(-h) a step and its start is right but for its error: e^-5 of that.
    steps = int(5.0 / h) + np.arange(samples)
    frames = run(state, free, cell, temperature, dt, 7, steps, motion=Motion(0.7, integrator, well))
    each = np.mean(np.cos(frames), axis=0)
    return np.mean(each), np.std(each) / np.sqrt(each.size)


@pytest.mark.parametrize(
    ("integrator", "order", "steps", "samples"),
    [(EULER, 1.0, (0.2, 0.4), (12, 12)), (LATER, 2.0, (0.8, 1.6), (90, 30))],
)
def test_stationary_averages_converge_at_their_order(integrator, order, steps, samples):
    exact = ive(1, WELL) / ive(0, WELL)
    # The order itself, where the next one no longer counts: free of statistics.
    small = [chain(h, integrator) - exact for h in (0.01, 0.02)]
    assert np.log2(small[1] / small[0]) == pytest.approx(order, abs=0.02)
    cases = zip(steps, samples, strict=True)
    found, error = np.transpose([sampled(h, integrator, n) for h, n in cases])
    expected = np.array([chain(h, integrator) for h in steps])
    # Four standard errors.
    assert np.all(np.abs(found - expected) < 4.0 * error)
    slope = np.log2((found[1] - exact) / (found[0] - exact))
    relative = error / np.abs(expected - exact)
    spread = 4.0 * np.hypot(*relative) / np.log(2.0)
    # The next order has its share in the slope, 0.07 of Euler-Maruyama at these steps.
    assert spread < 0.5
    assert slope == pytest.approx(order, abs=spread + 0.08)
