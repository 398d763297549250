"""The spectral solver: its orders, its control of the step, what it conserves and refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import Kolmogorov, external_density
from glasscade.fields import spectral
from glasscade.fields.initial import smooth_density
from glasscade.fields.spectral import EMBEDDED, NODES, STAGES, Scheme, evolve, require_resolved
from glasscade.force import ForceField
from glasscade.potentials import GEM, Cone, Gaussian, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

LINE, PLANE, SPACE = Cell.cubic(6.0, 1), Cell.sheared(4.0, 2, 0.3), Cell.sheared(3.0, 3, 0.2)
UNLIKE = Gaussian(0.6, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
SYSTEMS = {"1d": (LINE, (40,)), "2d tilted": (PLANE, (20, 22)), "3d tilted": (SPACE, (8, 9, 7))}
FORCES = {
    1: (Kolmogorov(0.3, (1,), (1.0,)), Kolmogorov(0.2, (2,), (1.0,), 0.4)),
    2: (Kolmogorov(0.3, (1, 1), (1.0, 0.5)), Kolmogorov(0.2, (0, 1), (1.0, 0.0))),
    3: (Kolmogorov(0.3, (1, 0, 1), (1.0, 0.5, 1.0)), Kolmogorov(0.2, (0, 1, 0), (1.0, 0.0, 0.2))),
}


def smooth(cell, counts, contrast=0.2):
    """Two different smooth densities on the modes of a cell."""
    shape = tuple(2 * m + 1 for m in counts)
    values = [smooth_density(shape, mean, contrast, seed) for mean, seed in ((1.0, 1), (0.5, 2))]
    return grid_to_modes(np.array(values), cell)


def drive_of(cell, counts):
    return np.array([force.modes(cell, counts) for force in FORCES[cell.dim]])


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS.keys())
def system(request, monkeypatch):
    cell, counts = request.param
    if cell.dim == 3:  # a few modes in each direction: what they solve is checked, not how well
        monkeypatch.setattr(spectral, "TAIL", 1e-2)
    return ForceField(PAIR, cell, counts), smooth(cell, counts), drive_of(cell, counts)


def _counts(modes):
    return tuple((n - 1) // 2 for n in modes.shape[1:])


def test_the_pair_is_consistent():
    """Each stage stands at its node, and the solutions of orders 5 and 4 have the same sum."""
    for node, row in zip(NODES[1:], STAGES, strict=True):
        assert np.sum(row) == pytest.approx(node, abs=1e-14)
    assert np.sum(EMBEDDED) == pytest.approx(0.0, abs=1e-15)


def fixed_steps(field, density, temperature, drive, time, steps, embedded):
    """The density after equal steps by the solution of order 5, or by that of order 4."""
    scheme = Scheme(field, temperature, drive)
    half = scheme.grid.halved(density)
    for _ in range(steps):
        scheme.start(half)
        half, error = scheme.step(half, time / steps)
        if embedded:
            half = half - error
    return half


def freezing(count, contrast=0.2):
    """A fluid that makes clusters below T = 0.187, and a force on it."""
    cell = Cell.cubic(8.0, 1)
    field = ForceField(Mixture.single(GEM(1.0, width=1.0)), cell, (count,))
    values = smooth_density((2 * count + 1,), 1.0, contrast, 3)[np.newaxis]
    drive = Kolmogorov(0.5, (1,), (1.0,), 0.4).modes(cell, (count,))[np.newaxis]
    return field, grid_to_modes(values, cell), drive


@pytest.mark.parametrize("temperature", [0.0, 0.3])
@pytest.mark.parametrize(("embedded", "order"), [(False, 5), (True, 4)], ids=["5", "4"])
def test_error_falls_as_a_power_of_dt(temperature, embedded, order):
    field, density, drive = freezing(40)
    exact = fixed_steps(field, density, temperature, drive, 0.8, 512, False)
    errors = np.array(
        [
            np.linalg.norm(
                fixed_steps(field, density, temperature, drive, 0.8, n, embedded) - exact
            )
            for n in (32, 64, 128)
        ]
    )
    bends = np.log2(errors[:-1] / errors[1:]) - order
    # the next order bends the slope, half as much each time; this pair has a small fifth order
    assert abs(bends[1]) < 0.3
    assert abs(bends[1]) < 0.6 * abs(bends[0])
    assert errors[-1] > 1e-15 * np.abs(density).max()  # round-off has not been reached


def test_error_follows_the_tolerance():
    field, density, _ = freezing(80)
    exact = evolve(density, field, 0.1, [5.0], 1e-13)
    tolerances = 10.0 ** -np.arange(7.0, 12.0)
    errors = [
        np.linalg.norm(evolve(density, field, 0.1, [5.0], tolerance) - exact) / field.cell.volume
        for tolerance in tolerances
    ]
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    # of dt^5 = tolerance, dt^-1 steps err by dt^6 at most in the limit, but by dt^5 where the
    # solutions of both orders err alike: the power lies between 4/5 and 1
    assert 0.8 < slope < 1.0


def test_error_falls_exponentially_with_the_number_of_points(monkeypatch):
    monkeypatch.setattr(spectral, "TAIL", np.inf)
    start = smooth(LINE, (60,))
    counts, solutions = (8, 12, 16, 20, 24, 60), []
    for m in counts:
        density = start[:, 60 - m : 61 + m]
        final = evolve(density, ForceField(PAIR, LINE, (m,)), 0.02, [0.5], 1e-12)[0]
        solutions.append(modes_to_grid(final, LINE, (121,)))
    errors = [np.abs(values - solutions[-1]).max() for values in solutions[:-1]]
    falls = np.array(errors[:-1]) / np.array(errors[1:])
    # the spectrum of the density falls by 1e-1 or more in four modes
    assert np.all(falls > 5.0)
    assert errors[0] / errors[-1] > 1e4


@pytest.mark.parametrize("driven", [False, True], ids=["free", "driven"])
def test_solution_is_that_of_an_independent_discretisation(driven):
    """Numpy's transforms on a fine grid, and an adaptive integrator of eighth order."""
    n, length, temperature, time = 128, 6.0, 0.1, 0.5
    x = np.arange(n) * length / n
    k = 2.0 * np.pi * np.fft.fftfreq(n, length / n)
    # V_hat of each pair by the trapezoid rule over the line, images added
    images = np.abs(x + length * np.arange(-2, 3)[:, np.newaxis])
    v_hat = np.array(
        [
            [np.fft.fft(v.value(images).sum(axis=0)).real * length / n for v in row]
            for row in PAIR.table
        ]
    )
    outside = [force.at(LINE, x[:, np.newaxis])[:, 0] * driven for force in FORCES[1]]

    def rate(_, flat):
        rho = flat.reshape(2, n)
        rho_hat = np.fft.fft(rho)
        force = np.fft.ifft(1j * k * np.einsum("stk,tk->sk", v_hat, rho_hat)).real - outside
        return np.fft.ifft(1j * k * np.fft.fft(rho * force) - temperature * k**2 * rho_hat).real

    density = smooth(LINE, (40,))
    start = modes_to_grid(density, LINE, (n,))
    exact = solve_ivp(
        lambda t, u: rate(t, u).ravel(),
        (0.0, time),
        start.ravel(),
        method="DOP853",
        rtol=1e-11,
        atol=1e-12,
    )
    field = ForceField(PAIR, LINE, (40,))
    drive = drive_of(LINE, (40,)) if driven else None
    final = modes_to_grid(evolve(density, field, temperature, [time], 1e-11, drive)[0], LINE, (n,))
    assert np.abs(final - start).max() > 0.1
    # both tolerances, which add up over some tens of steps
    np.testing.assert_allclose(final.ravel(), exact.y[:, -1], rtol=0.0, atol=1e-9)


def test_slope_is_the_divergence_of_the_currents(system):
    field, density, drive = system
    scheme = Scheme(field, 0.1, drive)
    scheme.start(scheme.grid.halved(density))
    currents = field.force_density(density) - external_density(density, drive, field.cell)
    expected = np.sum(1j * field.wavevectors * currents, axis=1)
    # round-off of products, times the largest wavevector
    atol = 1e-14 * np.abs(field.wavevectors).max() * np.abs(currents).max()
    slope = scheme.grid.mirrored(scheme.slope)
    np.testing.assert_allclose(slope, expected, rtol=0.0, atol=atol)


def test_without_interaction_modes_decay_as_heat(system):
    field, density, _ = system
    free = ForceField(Mixture(((Gaussian(0.0, 1.0),) * 2,) * 2), field.cell, _counts(density))
    squares = np.sum(field.wavevectors**2, axis=0)
    saved = evolve(density, free, 0.3, [0.0, 0.05, 0.2], 1e-4)
    np.testing.assert_array_equal(saved[0], density)
    # exact in time: the round-off of few steps
    for time, modes in ((0.05, saved[1]), (0.2, saved[2])):
        expected = density * np.exp(-0.3 * squares * time)
        np.testing.assert_allclose(modes, expected, rtol=0.0, atol=1e-14 * np.abs(density).max())


def test_mass_of_every_species_is_conserved_to_the_bit(system):
    field, density, drive = system
    final = evolve(density, field, 0.1, [0.2, 0.5], 1e-6, drive)[-1]
    centre = (slice(None), *_counts(density))
    np.testing.assert_array_equal(density[centre], final[centre])  # no term has a mode k = 0
    assert np.abs(final - density).max() > 1e-2 * np.abs(density).max()


def test_outputs_on_the_way_and_a_second_run_change_nothing():
    field, density = ForceField(PAIR, LINE, (40,)), smooth(LINE, (40,))
    times = [0.0, 1e-7, 0.3, 0.30001, 1.0]
    often, again = (evolve(density, field, 0.1, times, 1e-8) for _ in range(2))
    np.testing.assert_array_equal(often, again)
    np.testing.assert_array_equal(often[0], density)
    once = evolve(density, field, 0.1, times[-1:], 1e-8)[0]
    # the tolerance, see above
    np.testing.assert_allclose(often[-1], once, rtol=0.0, atol=3e-8 * np.abs(density).max())
    # an output right behind the start is that of one Euler step
    scheme = Scheme(field, 0.1)
    scheme.start(scheme.grid.halved(density))
    rate = scheme.grid.mirrored(scheme.slope) - 0.1 * field.wavevectors[0] ** 2 * density
    change = (often[1] - density) / 1e-7
    # second order in the step: rates of up to 10² times 1e-7, and round-off over the step
    np.testing.assert_allclose(change, rate, rtol=0.0, atol=1e-5 * np.abs(rate).max())


def test_steps_are_rejected_and_never_negative(monkeypatch):
    """From a first step that is far too long the control comes back, at the same error."""
    field, density, taken = ForceField(PAIR, LINE, (40,)), smooth(LINE, (40,)), []
    exact = evolve(density, field, 0.1, [1.0], 1e-12)[0]
    step = Scheme.step
    monkeypatch.setattr(spectral._Run, "_first", lambda _: 50.0)
    monkeypatch.setattr(
        Scheme, "step", lambda self, half, dt: taken.append(dt) or step(self, half, dt)
    )
    final = evolve(density, field, 0.1, [1.0], 1e-7)[0]
    assert taken[0] == 1.0 > taken[1] > 0.0
    assert min(taken) > 1e-3
    np.testing.assert_allclose(final, exact, rtol=0.0, atol=3e-7 * np.abs(density).max())


def decaying(rate, points):
    """ρ(x) whose spectrum falls as exp(-rate·m): a sum over images of Lorentzians."""
    m = np.arange(-(points // 2 - 1), points // 2)
    return (LINE.volume * np.exp(-rate * np.abs(m)))[np.newaxis].astype(complex)


@pytest.mark.parametrize(("rate", "enough"), [(0.5, 128), (0.2, 256), (0.09, 512)])
def test_a_spectrum_that_does_not_reach_the_tail_is_told_how_many_points_would_do(rate, enough):
    """exp(-0.9·rate·n/2) = 1e-8: n = 82 for a rate of 0.5, 205 and 455 for the others."""
    with pytest.raises(ResolutionError, match=f"points: 64 grid points .* {enough} would$"):
        require_resolved(decaying(rate, 64), 1)
    require_resolved(decaying(rate, enough), 1)
    with pytest.raises(ResolutionError):
        require_resolved(decaying(rate, enough // 2), 1)


@pytest.mark.parametrize("shape", [(64,), (20, 20)])
def test_a_spectrum_that_does_not_decay_is_told_that_no_grid_would_do(shape, rng):
    cell = Cell.cubic(6.0, len(shape))
    point = grid_to_modes(np.eye(1, np.prod(shape)).reshape(1, *shape), cell)
    noise = grid_to_modes(1.0 + rng.random((1, *shape)), cell)
    for density in (point, noise):
        with pytest.raises(ResolutionError, match=r"time 2: .* no grid would"):
            require_resolved(density, cell.dim, 2.0)


def test_only_the_outer_tenth_of_the_spectrum_counts():
    density = np.zeros((1, 41), dtype=complex)
    density[0, 20] = 1.0
    density[0, 20 + 18] = density[0, 20 - 18] = 1e-3  # at nine tenths: not in the outer tenth
    require_resolved(density, 1)
    density[0, 20 + 19] = density[0, 20 - 19] = 2e-8
    with pytest.raises(ResolutionError, match=r"points: 42 grid points .* 2\.0e-08 of its max"):
        require_resolved(density, 1)


def test_collapse_is_refused_once_its_peak_is_not_resolved():
    """An attractive cone at T = 0 concentrates all mass in a point in finite time."""
    field = ForceField(Mixture.single(Cone(1.0, period=6.0)), LINE, (60,))
    density = grid_to_modes(smooth_density((121,), 1.0, 0.3, 3)[np.newaxis], LINE)
    with pytest.raises(ResolutionError, match=r"points: 122 .* at time 0\.\d+: .* 256 would"):
        evolve(density, field, 0.0, [1.0], 1e-8)


def test_a_start_that_is_not_resolved_is_refused_at_once():
    density = smooth(LINE, (8,), contrast=1.0)
    with pytest.raises(ResolutionError, match=r"points: 18 .* at time 0: .* would$"):
        evolve(density, ForceField(PAIR, LINE, (8,)), 0.1, [1.0], 1e-8)


def test_unstable_waves_do_not_fill_the_tail_at_a_loose_tolerance():
    """Steps of what a tolerance of 1e-2 allows would let round-off at k_max grow unseen."""
    field, density = ForceField(PAIR, LINE, (200,)), smooth(LINE, (40,))
    padded = np.pad(density, ((0, 0), (160, 160)))
    final = evolve(padded, field, 0.0, [3.0], 1e-2, drive_of(LINE, (200,)))[0]
    require_resolved(final, 1)


def test_a_negative_density_asks_for_a_smaller_tolerance(monkeypatch):
    """No resolved run was found that becomes negative: the estimate is made blind for once."""
    step = Scheme.step

    def blind(self, half, dt):
        final, error = step(self, half, dt)
        final[0, 1] *= 2.5
        return final, 0.0 * error

    x = LINE.grid((82,))[:, 0]
    density = grid_to_modes(1.0 + 0.5 * np.cos(2.0 * np.pi * x / 6.0)[np.newaxis], LINE)
    field = ForceField(Mixture.single(Gaussian(0.0, 1.0)), LINE, (40,))
    monkeypatch.setattr(Scheme, "step", blind)
    # (1 - 1.25)/(1 + 1.25) = -0.11; allowed is the tail of 1e-8
    message = r"1\.0e-06 let the density fall to -1\.1e-01 .* at time 0\.1, .* <= 9\.0e-14"
    with pytest.raises(StabilityError, match=message):
        evolve(density, field, 0.0, [0.1], 1e-6)


def test_a_density_too_large_for_any_step_is_refused():
    field, density = ForceField(PAIR, LINE, (40,)), 1e200 * smooth(LINE, (40,))
    with pytest.raises(StabilityError, match=r"tolerance: at time 0 even a step of"):
        evolve(density, field, 0.1, [1.0], 1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": -0.1}, r"temperature: -0\.1 must be finite and not negative"),
        ({"temperature": np.nan}, r"temperature: nan must be"),
        ({"tolerance": 0.0}, r"tolerance: 0 is outside \[1e-13, 0\.01\]"),
        ({"times": []}, "times: at least one is needed"),
        ({"times": [0.0, np.inf]}, "times: .* must be finite"),
        ({"times": [-1.0]}, "times: they must increase, the first not below 0"),
        ({"times": [0.0, 1.0, 1.0]}, "times: they must increase"),
        ({"density": np.ones((2, 9), complex)}, r"density: modes of shape \(2, 9\) must be"),
        ({"density": np.ones((1, 81), complex)}, r"density: .* 2 species"),
        ({"density": np.zeros((2, 81), complex)}, "density: it must be finite and not zero"),
        ({"drive": np.ones((3, 1, 81), complex)}, r"external: a force of shape \(3, 1, 81\)"),
    ],
)
def test_arguments_out_of_range_are_refused(change, message):
    arguments = {
        "density": smooth(LINE, (40,)),
        "field": ForceField(PAIR, LINE, (40,)),
        "temperature": 0.1,
        "times": [0.1],
        "tolerance": 1e-6,
    }
    with pytest.raises(ConfigError, match=message):
        evolve(**(arguments | change))


def test_a_negative_start_is_refused():
    density = smooth(LINE, (40,))
    density[1] -= density[0]
    with pytest.raises(ConfigError, match=r"density: the initial density falls to -\d"):
        evolve(density, ForceField(PAIR, LINE, (40,)), 0.1, [1.0], 1e-6)
