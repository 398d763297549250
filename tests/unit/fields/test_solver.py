"""The density solver against exact solutions, its order in dt, what it conserves and refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from glasscade.cell import Cell
from glasscade.errors import ResolutionError, StabilityError
from glasscade.fields import solver
from glasscade.fields.initial import smooth_density
from glasscade.fields.solver import evolve, require_resolved, require_stable
from glasscade.force import ForceField
from glasscade.potentials import Cone, Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

LINE, PLANE = Cell.cubic(6.0, 1), Cell.sheared(4.0, 2, 0.3)
UNLIKE = Gaussian(0.6, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
SYSTEMS = {"1d": (LINE, (40,)), "2d tilted": (PLANE, (20, 22))}


def smooth(cell, counts, contrast=0.2):
    """Two different smooth densities on the modes of a cell."""
    shape = tuple(2 * m + 1 for m in counts)
    values = [smooth_density(shape, mean, contrast, seed) for mean, seed in ((1.0, 1), (0.5, 2))]
    return grid_to_modes(np.array(values), cell)


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS.keys())
def system(request):
    cell, counts = request.param
    return ForceField(PAIR, cell, counts), smooth(cell, counts)


@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_error_falls_as_the_fourth_power_of_dt(system, temperature):
    field, density = system
    steps = np.array([8, 16, 32, 64])
    exact = evolve(density, field, temperature, 0.4 / 512, [512])[0]
    errors = [
        np.abs(evolve(density, field, temperature, 0.4 / n, [n])[0] - exact).max() for n in steps
    ]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(0.4 / steps))
    # the next order bends the slope by 0.2 at the largest dt, and by half as much each time
    np.testing.assert_allclose(slopes, 4.0, rtol=0.0, atol=0.25)
    assert slopes[-1] == pytest.approx(4.0, abs=0.06)
    assert errors[-1] > 1e-12 * np.abs(density).max()  # round-off has not been reached


def test_solution_is_that_of_an_independent_discretisation():
    """Numpy's transforms on a fine grid, and an adaptive integrator of eighth order."""
    n, length, temperature, time = 128, 6.0, 0.1, 0.5
    x = np.arange(n) * length / n
    k = 2.0 * np.pi * np.fft.fftfreq(n, length / n)
    # V_hat of each pair by the trapezoid rule over the line, images added
    images = np.abs(x + length * np.arange(-2, 3)[:, np.newaxis])
    v_hat = [
        [np.fft.fft(v.value(images).sum(axis=0)).real * length / n for v in row]
        for row in PAIR.table
    ]

    def rate(_, flat):
        rho = flat.reshape(2, n)
        rho_hat = np.fft.fft(rho)
        result = np.empty_like(rho)
        for s in range(2):
            v = sum(v_hat[s][other] * rho_hat[other] for other in range(2))
            current = rho[s] * np.fft.ifft(1j * k * v).real
            change = 1j * k * np.fft.fft(current) - temperature * k**2 * rho_hat[s]
            result[s] = np.fft.ifft(change).real
        return result.ravel()

    density = smooth(LINE, (40,))
    start = modes_to_grid(density, LINE, (n,))
    exact = solve_ivp(rate, (0.0, time), start.ravel(), method="DOP853", rtol=1e-11, atol=1e-12)
    field = ForceField(PAIR, LINE, (40,))
    final = modes_to_grid(evolve(density, field, temperature, time / 500, [500])[0], LINE, (n,))
    assert np.abs(final - start).max() > 0.1
    # both tolerances, and the fourth power of 500 steps: 1e-10 by the errors of the test above
    np.testing.assert_allclose(final.ravel(), exact.y[:, -1], rtol=0.0, atol=1e-9)


def test_without_interaction_modes_decay_as_heat(system):
    field, density = system
    free = ForceField(Mixture(((Gaussian(0.0, 1.0),) * 2,) * 2), field.cell, _counts(density))
    squares = np.sum(field.wavevectors**2, axis=0)
    saved = evolve(density, free, 0.3, 0.05, [0, 4])
    np.testing.assert_array_equal(saved[0], density)
    # exact in time: the round-off of four steps
    expected = density * np.exp(-0.3 * squares * 0.2)
    np.testing.assert_allclose(saved[1], expected, rtol=0.0, atol=1e-14 * np.abs(density).max())


def _counts(modes):
    return tuple((n - 1) // 2 for n in modes.shape[1:])


@pytest.mark.parametrize("temperature", [0.0, 0.2])
def test_small_waves_relax_at_the_rates_of_the_linear_theory(temperature):
    """d/dt ρ_hat_s = -k² (T ρ_hat_s + ρ_s Σ_s' V_hat_ss' ρ_hat_s') around uniform densities."""
    field, means, mode, time = ForceField(PAIR, LINE, (8,)), np.array([1.0, 0.5]), 2, 1.0
    k = 2.0 * np.pi * mode / LINE.volume
    v_hat = np.array(
        [
            [v.strength * np.sqrt(np.pi) * v.width * np.exp(-((k * v.width) ** 2) / 4) for v in row]
            for row in PAIR.table
        ]
    )
    rates, vectors = np.linalg.eig(k**2 * (temperature * np.eye(2) + means[:, None] * v_hat))
    assert rates.min() > 0.05  # repulsion restores uniformity
    for rate, vector in zip(rates, vectors.T, strict=True):
        amplitude = 1e-7
        density = np.zeros((2, 17), dtype=complex)
        density[:, 8] = means * LINE.volume
        density[:, 8 + mode] = density[:, 8 - mode] = amplitude * vector
        final = evolve(density, field, temperature, 0.01, [100])[0]
        expected = amplitude * vector * np.exp(-rate * time)
        # fourth order in rate·dt = 0.02 and second in the amplitude
        scale = amplitude * np.abs(vector).max()
        np.testing.assert_allclose(final[:, 8 + mode], expected, rtol=0.0, atol=1e-6 * scale)


def test_mass_of_every_species_is_conserved(system):
    field, density = system
    final = evolve(density, field, 0.1, 0.01, [50])[0]
    centre = tuple(m for m in _counts(density))
    masses, kept = (modes[(slice(None), *centre)] for modes in (density, final))
    np.testing.assert_array_equal(masses, kept)  # no term has a mode k = 0
    assert np.abs(final - density).max() > 1e-2 * np.abs(density).max()


def free_energy(density, field, temperature):
    """½ Σ_ss' ∫∫ρ_s V_ss' ρ_s' + T Σ_s ∫ρ_s ln ρ_s."""
    cell, shape = field.cell, tuple(4 * m + 1 for m in _counts(density))
    squares = np.sum(field.wavevectors**2, axis=0)
    energy = 0.0
    for a, b, v in PAIR.pairs():
        v_hat = v.strength * (np.sqrt(np.pi) * v.width) ** cell.dim
        v_hat = v_hat * np.exp(-squares * v.width**2 / 4)
        energy += 0.5 * np.sum(v_hat * np.conj(density[a]) * density[b]).real / cell.volume
    rho = modes_to_grid(density, cell, shape)
    axes = tuple(range(1, rho.ndim))
    return energy + temperature * cell.volume * np.sum(np.mean(rho * np.log(rho), axis=axes))


def dissipation(density, field, temperature):
    """Σ_s ∫|j_s|²/ρ_s, j_s = -ρ_s F_s - T∇ρ_s."""
    cell, shape = field.cell, tuple(4 * m + 1 for m in _counts(density))
    rho = modes_to_grid(density, cell, shape)[:, np.newaxis]
    force = modes_to_grid(field.force(density), cell, shape)
    slope = modes_to_grid(1j * field.wavevectors * density[:, np.newaxis], cell, shape)
    j = -rho * force - temperature * slope
    return cell.volume * np.sum(np.mean(j**2 / rho, axis=tuple(range(2, j.ndim))))


@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_free_energy_falls_at_the_rate_of_dissipation(system, temperature):
    field, density = system
    dt = 0.005
    saved = evolve(density, field, temperature, dt, range(0, 41))
    energies = np.array([free_energy(rho, field, temperature) for rho in saved])
    assert np.all(np.diff(energies) < 0.0)
    rates = [dissipation(rho, field, temperature) for rho in saved[1:-1]]
    # a central difference errs by (rate·dt)²/6: 3e-4 for the fastest waves present
    np.testing.assert_allclose(
        (energies[2:] - energies[:-2]) / (2 * dt), np.negative(rates), rtol=1e-3
    )


def test_a_step_beyond_the_stability_limit_is_refused_with_the_limit():
    field, density = ForceField(PAIR, LINE, (40,)), smooth(LINE, (40,))
    with pytest.raises(StabilityError, match=r"dt: 5 is beyond the stability limit") as caught:
        evolve(density, field, 0.1, 5.0, [1])
    limit = float(str(caught.value).split("<= ")[1])
    require_stable(density, field, 0.99 * limit)
    with pytest.raises(StabilityError, match="beyond the stability limit"):
        require_stable(density, field, 1.01 * limit)


def test_steps_below_the_limit_decay_and_steps_not_far_beyond_it_grow(monkeypatch):
    """Fourth-order Runge-Kutta ends at dt·rate = 2.785 on the real axis; 2.6 is allowed."""
    field = ForceField(Mixture.single(Harmonic(1.0, diameter=1.0)), LINE, (60,))
    density = np.full((1, 121), 1e-9, dtype=complex)
    density[0, 60] = LINE.volume  # uniform, of density one
    limit = 2.6 / field.largest_relaxation()

    def ripple(dt):
        return np.abs(np.delete(evolve(density, field, 0.0, dt, [60])[0], 60, axis=1)).max()

    assert ripple(0.99 * limit) < 2e-9
    with pytest.raises(StabilityError):
        ripple(1.1 * limit)
    monkeypatch.setattr(solver, "STABLE", np.inf)
    monkeypatch.setattr(solver, "TAIL", np.inf)
    # at dt·rate = 2.86 the fastest mode grows by a factor of 1.12 a step: a thousandfold in all
    assert ripple(1.1 * limit) > 1e-7


def test_a_density_that_diverged_is_refused():
    field, density = ForceField(PAIR, LINE, (8,)), smooth(LINE, (8,))
    density[0, 3] = np.nan
    with pytest.raises(StabilityError, match="let the density diverge; take a smaller dt"):
        require_stable(density, field, 0.01)


def test_a_spectrum_that_does_not_decay_is_refused():
    density = np.zeros((1, 41), dtype=complex)
    density[0, 20] = 1.0
    density[0, 20 + 18] = density[0, 20 - 18] = 1e-3  # at nine tenths: not in the outer tenth
    require_resolved(density, 1)
    density[0, 20 + 19] = density[0, 20 - 19] = 2e-8
    with pytest.raises(ResolutionError, match=r"points: 42 grid points .* 2\.0e-08 .* double"):
        require_resolved(density, 1)


def test_collapse_is_refused_once_its_peak_is_not_resolved():
    """An attractive cone at T = 0 concentrates all mass in a point in finite time."""
    field = ForceField(Mixture.single(Cone(1.0, period=6.0)), LINE, (60,))
    density = grid_to_modes(smooth_density((121,), 1.0, 0.3, 3)[np.newaxis], LINE)
    with pytest.raises(ResolutionError, match="double the points"):
        evolve(density, field, 0.0, 0.005, range(0, 201, 10))
