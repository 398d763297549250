"""The finite volumes of the fluctuating equation: a reference in numpy, mass, sign, bits, refusals.

What the noise does on average is the matter of tests/physics/test_structure_factor.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import Kolmogorov, Sum
from glasscade.fields.fluctuating import ACCURATE, FEWEST, STABLE, FluctuatingDean, simulate
from glasscade.fields.initial import smooth_density
from glasscade.fields.spectral import evolve
from glasscade.force import ForceField
from glasscade.particles.noise import normals
from glasscade.potentials import Gaussian, Mixture
from glasscade.transforms import grid_to_modes, modes_to_grid

UNLIKE = Gaussian(0.6, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(0.5, width=0.9))))
SINGLE = Mixture.single(Gaussian(1.0, width=1.0))
IDEAL = Mixture.single(Gaussian(0.0, width=1.0))
GRIDS = {1: ((12,), (4.0,)), 2: ((8, 6), (3.0, 4.0)), 3: ((4, 6, 5), (2.0, 3.0, 2.5))}
SEED = 11


def cell_of(sides):
    return Cell(np.diag(sides))


def noisy_density(rng, shape, volume, particles=6.0):
    """Two species, of which some cells are empty and some hold less than one particle."""
    numbers = particles * rng.exponential(size=(2, *shape))
    numbers[:, ::3] *= rng.random((2, *numbers[0, ::3].shape)) < 0.5
    return numbers / volume


def reference(density, forces, cell, temperature, dt, step):
    """One step, written as the equation is: differences by rolls, fields by numpy's transforms."""
    _, *shape = density.shape
    d, volume = len(shape), cell.volume / density[0].size
    dx = np.diag(cell.matrix) / shape
    w = normals(np.arange(d * density.size), step, SEED, 2).astype(float)
    first, second = w.T.reshape(2, d, *density.shape)
    waves = [2.0 * np.pi * np.fft.fftfreq(n, h) for n, h in zip(shape, dx, strict=True)]
    k2 = sum(k**2 for k in np.meshgrid(*waves, indexing="ij"))
    pairs = np.array(
        [
            [
                v.strength * (np.sqrt(np.pi) * v.width) ** d * np.exp(-k2 * v.width**2 / 4)
                for v in row
            ]
            for row in PAIR.table
        ]
    )

    def fields(rho):
        axes = tuple(range(1, 1 + d))
        return np.fft.ifftn(
            np.einsum("ab...,b...->a...", pairs, np.fft.fftn(rho, axes=axes)), axes=axes
        ).real

    def on_face(rho, a):
        return 0.5 * (rho + np.roll(rho, -1, 1 + a))

    def damped(rho, a):
        h = np.clip(rho * volume, 0.0, 1.0)
        return on_face(rho, a) * h * np.roll(h, -1, 1 + a)

    def currents(rho, a):
        faces = cell.grid(tuple(shape)) + 0.5 * dx[a] * np.eye(d)[a]
        f = [force.at(cell, faces.reshape(-1, d))[:, a].reshape(shape) for force in forces]
        total = temperature * rho, fields(rho)
        slopes = [(np.roll(value, -1, 1 + a) - value) / dx[a] for value in total]
        return -slopes[0] - on_face(rho, a) * (slopes[1] - f)

    def moved(crossing):
        leaving = [np.maximum(g, 0) + np.roll(np.maximum(-g, 0), 1, 1 + a) for a, g in crossing]
        out = sum(leaving)
        share = np.where(out > density, density / np.where(out > 0, out, 1.0), 1.0)
        result = density.copy()
        for a, g in crossing:
            g = np.where(g > 0.0, share, np.roll(share, -1, 1 + a)) * g
            result += np.roll(g, 1, 1 + a) - g
        return result, int(np.sum(out > density))

    noise = np.sqrt(temperature * dt / volume)
    kicks = [np.sqrt(damped(density, a)) * first[a] for a in range(d)]
    middle, cut = moved(
        [(a, (0.5 * dt * currents(density, a) - noise * kicks[a]) / dx[a]) for a in range(d)]
    )
    for a in range(d):
        later = np.maximum(2.0 * damped(middle, a) - damped(density, a), 0.0)
        kicks[a] = kicks[a] + np.sqrt(later) * second[a]
    result, more = moved(
        [(a, (dt * currents(middle, a) - noise * kicks[a]) / dx[a]) for a in range(d)]
    )
    return result, cut + more


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_step_is_that_of_the_reference(dim, rng):
    shape, sides = GRIDS[dim]
    cell = cell_of(sides)
    forces = Kolmogorov(0.8, (1, *[0] * (dim - 1)), tuple(np.arange(1.0, dim + 1))), Sum(())
    density = noisy_density(rng, shape, cell.volume / np.prod(shape))
    scheme = FluctuatingDean(shape, PAIR, cell, 0.3, 0.02, SEED, forces)
    found = scheme.advance(density, 5, 6)
    expected, cut = reference(density, forces, cell, 0.3, 0.02, 5)
    # V_hat is good to 1e-12 and what is empty is so to KEPT; the rest is round-off
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-11 * density.max())
    assert scheme.cut == cut > 0
    assert np.abs(found - density).max() > 0.1 * density.max()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_mass_is_kept_and_no_cell_becomes_negative(dim, rng):
    """At noise so strong that many cells are emptied, from a density with empty cells."""
    shape, sides = GRIDS[dim]
    cell = cell_of(sides)
    volume = cell.volume / np.prod(shape)
    density = noisy_density(rng, shape, volume)
    scheme = FluctuatingDean(shape, PAIR, cell, 1.0, 0.02, SEED)
    for step in range(200):
        new = scheme.advance(density, step, step + 1)
        # a step rounds what each cell holds a few times
        atol = 10 * np.finfo(float).eps * density.sum()
        axes = tuple(range(1, dim + 1))
        np.testing.assert_allclose(new.sum(axes), density.sum(axes), rtol=0.0, atol=atol)
        assert new.min() >= 0.0
        density = new
    assert scheme.cut > 100


def test_nothing_leaves_an_empty_cell_and_no_noise_is_at_its_faces():
    shape, cell = (8,), Cell.cubic(8.0, 1)
    numbers = np.array([[0.0, 0.0, 0.0, 7.0, 7.0, 7.0, 0.0, 0.0]])
    still = FluctuatingDean(shape, IDEAL, cell, 1e-12, 0.01, SEED).advance(numbers, 0, 1)
    np.testing.assert_array_equal(still[0, [0, 1, 7]], 0.0)
    # across the faces of the filled cells with empty ones goes diffusion alone, dt·T·7 = 7e-14
    assert 0.0 < still[0, 2] == pytest.approx(7e-14, rel=0.01)
    assert 0.0 < still[0, 6] == pytest.approx(7e-14, rel=0.01)
    assert np.abs(still[0, 3:6] - 7.0).max() > 1e-8


def test_a_run_goes_on_to_the_same_bits_from_what_it_gave_out():
    shape, cell = (12, 10), cell_of((6.0, 5.0))
    density = np.full((2, *shape), 80.0)
    arguments = (PAIR, cell, 0.5, 5e-4)
    whole = list(simulate(density, *arguments, [0, 7, 8, 20], SEED))
    np.testing.assert_array_equal(whole[0], density)
    (rest,) = simulate(whole[1], *arguments, [20], SEED, first_step=7)
    np.testing.assert_array_equal(rest, whole[3])
    (other,) = simulate(density, *arguments, [7], SEED + 1)
    assert np.abs(other - whole[1]).max() > 1.0


def test_noise_is_a_function_of_seed_step_and_face_alone():
    cell = Cell.cubic(6.0, 2)
    cold, hot = (FluctuatingDean((6, 6), PAIR, cell, t, dt, SEED) for t, dt in ((0.1, 1.0), (2, 9)))
    np.testing.assert_array_equal(cold.noise(3), hot.noise(3))
    drawn = np.concatenate([cold.noise(step).flatten() for step in range(400)])
    # 115200 normals, none of them twice but by the rounding to single precision
    assert np.unique(drawn).size > 0.99 * drawn.size
    assert drawn.mean() == pytest.approx(0.0, abs=4.0 / np.sqrt(drawn.size))
    assert drawn.var() == pytest.approx(1.0, abs=4.0 * np.sqrt(2.0 / drawn.size))


# --- without noise --------------------------------------------------------------------------------


@pytest.mark.parametrize(("dim", "temperature"), [(1, 0.0), (1, 0.2), (2, 0.2)])
def test_without_noise_the_solution_is_that_of_the_spectral_solver_to_second_order(
    dim, temperature
):
    """ρ·many and V/many are the same equation with a noise of 1/sqrt(many)."""
    many, time, cell, coarse = 1e14, 0.3, Cell.cubic(6.0, dim), {1: 24, 2: 12}[dim]
    fine = (4 * coarse,) * dim
    start = np.array([smooth_density(fine, *two) for two in ((1.0, 0.2, 1), (0.5, 0.2, 2))])
    counts = ((fine[0] - 1) // 2,) * dim
    modes = grid_to_modes(start, cell, counts)
    [end] = evolve(modes, ForceField(PAIR, cell, counts), temperature, [time], 1e-10)
    exact = modes_to_grid(end, cell, fine)
    weak = Mixture(
        tuple(tuple(Gaussian(v.strength / many, v.width) for v in row) for row in PAIR.table)
    )
    errors, every = [], (4, 2, 1)
    for stride in every:
        which = (slice(None), *[slice(None, None, stride)] * dim)
        steps = 640 // stride**2  # dt as dx²: its second order is the fourth of dx
        arguments = (weak, cell, temperature, time / steps, [steps], SEED)
        (found,) = simulate(many * start[which], *arguments)
        errors.append(np.abs(found / many - exact[which]).max())
    slopes = np.diff(np.log(errors)) / np.diff(np.log(every))
    # the fourth order of dx bends the slope, four times less where dx is half
    assert slopes[0] == pytest.approx(2.0, abs=0.24)
    assert slopes[1] == pytest.approx(2.0, abs=0.06)
    # noise of 1e14 particles is far below
    assert errors[-1] > 1e-4


@pytest.mark.parametrize("dim", [1, 2])
def test_steady_density_in_a_force_is_that_of_boltzmann_to_second_order(dim):
    """f = a e sin(p·x) with e along p is -∇U, U = (a/p) cos(p·x)."""
    side, many, amplitude, temperature = 2.0 * np.pi, 1e14, 0.5, 0.5
    cell = Cell.cubic(side, dim)
    force = Kolmogorov(amplitude, (1,) * dim, (1.0,) * dim)
    errors, points = [], (8, 16)
    for n in points:
        phase = cell.grid((n,) * dim).sum(axis=-1)
        expected = np.exp(-amplitude / np.sqrt(dim) * np.cos(phase) / temperature)
        expected *= many / expected.mean()
        dt = 0.2 * (side / n) ** 2 / (4.0 * temperature * dim)
        scheme = FluctuatingDean((n,) * dim, IDEAL, cell, temperature, dt, SEED, force)
        # the slowest mode decays as exp(-dim T t): to 1e-5 of its start
        last = int(np.ceil(12.0 / (temperature * dt)))
        found = scheme.advance(np.full((1, *[n] * dim), many), 0, last)
        errors.append(np.abs(found[0] / expected - 1.0).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)
    # of an interval u = -f dx/T each face misses u³/12, and f at its middle dx²/24 of it
    dx, strength = side / points[1], amplitude / temperature / np.sqrt(dim)
    assert errors[1] < dx**2 / 12.0 * (4.0 / 3.0 * strength**3 + strength) * dim


# --- what is refused ------------------------------------------------------------------------------


def start(n=16, number=20.0, dim=1):
    return np.full((1, *[n] * dim), number)


def test_a_step_beyond_the_limit_is_refused_and_the_one_it_names_is_taken():
    cell = Cell.cubic(16.0, 1)
    arguments = start(), SINGLE, cell, 1.0
    with pytest.raises(
        StabilityError, match=r"dt: 0\.5 is too large .* range is 0 < dt <= "
    ) as said:
        next(simulate(*arguments, 0.5, [1], SEED))
    named = float(str(said.value).split()[-1])
    k, grid = 2.0 * np.pi * np.arange(9) / 16.0, 2.0 * np.sin(np.pi * np.arange(9) / 16.0)
    rate = np.max(grid**2 * (1.0 + 20.0 * np.sqrt(np.pi) * np.exp(-0.25 * k**2)))
    # three digits are said, rounded to the safe side
    assert 0.99 * ACCURATE / rate < named <= ACCURATE / rate
    next(simulate(*arguments, named, [1], SEED))
    with pytest.raises(StabilityError, match="range is"):
        next(simulate(*arguments, 1.001 * ACCURATE / rate, [1], SEED))


def test_a_density_that_grows_out_of_the_stable_range_is_refused():
    """Attraction gathers all particles in a few cells."""
    collapse = Mixture.single(Gaussian(-2.0, width=2.0))
    run = simulate(start(), collapse, Cell.cubic(16.0, 1), 1.0, 6e-3, range(0, 200, 2), SEED)
    largest = []
    with pytest.raises(StabilityError, match="is too large for rates of"):
        largest.extend(density.max() for density in run)
    assert len(largest) > 5
    assert largest[-1] > 40.0


def test_transport_limits_the_step():
    force = Kolmogorov(50.0, (1,), (1.0,))
    arguments = start(), IDEAL, Cell.cubic(16.0, 1), 0.1, 0.02, [1], SEED
    next(simulate(*arguments))
    with pytest.raises(StabilityError, match=r"dt: 0\.02"):
        next(simulate(*arguments, force))


def test_too_few_particles_in_a_cell_are_refused_but_at_zero_temperature():
    cell = Cell.cubic(4.0, 2)
    density = np.stack([start(8, 40.0, 2)[0], start(8, 10.0, 2)[0]])
    said = (
        r"points: a grid of \(8, 8\) leaves 2.5 particles of species 1 .* at most \(5, 5\) points"
    )
    with pytest.raises(ResolutionError, match=said):
        next(simulate(density, PAIR, cell, 0.5, 1e-4, [1], SEED))
    next(simulate(density, PAIR, cell, 0.0, 1e-4, [1], SEED))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"density": start(dim=2)}, "density: a grid of 1 axes"),
        ({"density": start()[0]}, "density: the shape must be"),
        ({"density": start(number=-1.0)}, "density: every value"),
        ({"density": start(number=np.inf)}, "density: every value"),
        ({"density": np.zeros((2, 16))}, r"S = 1 species, not \(2, 16\)"),
        ({"cell": Cell.sheared(16.0, 2, 0.1), "density": start(dim=2)}, "cell: .* straight"),
        ({"temperature": -0.1}, "temperature: -0.1"),
        ({"temperature": np.nan}, "temperature: nan"),
        ({"dt": 0.0}, "dt: 0 must be"),
        ({"steps": []}, "steps: .* increasing"),
        ({"steps": [3, 3]}, "steps: .* increasing"),
        ({"steps": [3], "first_step": 4}, "steps: 3 must not be before first_step = 4"),
        ({"steps": [2**32]}, "steps: 4294967296 is outside"),
        ({"seed": -1}, "seed: -1 is outside"),
        ({"external": [Sum(()), Sum(())]}, "external: 2 forces were given for 1 species"),
    ],
)
def test_arguments_that_make_no_run_are_refused(change, said):
    good = {
        "density": start(),
        "mixture": SINGLE,
        "cell": Cell.cubic(16.0, 1),
        "temperature": 1.0,
        "dt": 1e-3,
        "steps": [1],
        "seed": SEED,
    }
    next(simulate(**good))
    with pytest.raises(ConfigError, match=said):
        next(simulate(**(good | change)))


# --- docs/fluctuating.md --------------------------------------------------------------------------

PAGE = (Path(__file__).parents[3] / "docs" / "fluctuating.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_finds_the_linear_structure_factor():
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    found, error = names["found"], names["error"]
    assert found.shape == (4,)
    # ten blocks give a standard error to a quarter of itself
    assert np.all(np.abs(found - 1.0) < 5.0 * error)
    assert error.max() < 0.04


def test_steady_structure_factors_of_the_page():
    x = np.array([0.1, 0.25, 0.5, 1.0])
    midpoint = x * (2.0 - 2.0 * x + x**2) / (1.0 - (1.0 - x + x**2 / 2.0) ** 2)
    euler = 2.0 * x / (1.0 - (1.0 - x) ** 2)
    implicit = 2.0 * x / ((1.0 + x / 2.0) ** 2 - (1.0 - x / 2.0) ** 2)
    for name, values in (
        ("explicit midpoint, used", midpoint),
        ("Euler-Maruyama", euler),
        ("Crank-Nicolson", implicit),
    ):
        (row,) = re.findall(rf"^\| {name} \| [^|]* \| (.*) \|$", PAGE, re.MULTILINE)
        assert row.split(" | ") == [f"{value:.4f}" for value in values]


def test_limits_of_the_page():
    assert f"Fewer than {FEWEST:g} particles of a species in a cell" in PAGE
    assert f"only if x <= {ACCURATE:g}" in PAGE
    assert f"goes on up to x = {STABLE:g}" in PAGE


def test_first_loop_of_the_page():
    """The volume of k below which ρV_hat/T is large, in units of that of the particles."""
    k = np.linspace(0.0, 20.0, 4001)
    shell = k[1] * np.array([1.0 / np.pi + 0.0 * k, k / (2.0 * np.pi), k**2 / (2.0 * np.pi**2)])
    assert "changes 1/S(0) by about 1e-4" in PAGE
    for dim in (1, 2, 3):
        strength = 50.0 * np.pi ** (0.5 * dim) * np.exp(-0.25 * k**2)
        loop = 0.5 * np.sum(shell[dim - 1] * (strength / (1.0 + strength)) ** 2)
        assert 0.5e-4 < loop / (50.0 + 50.0 * strength[0]) < 2e-4
