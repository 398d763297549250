"""External forces: modes against values at points, spectra, seeds, and currents of both kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.errors import ConfigError, ResolutionError
from glasscade.external import Active, AffineFlow, Kolmogorov, Sum, external_density
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import exponents
from glasscade.regularity.fits import interval
from glasscade.regularity.gradients import gradient_moments
from glasscade.transforms import grid_to_modes, modes_to_grid, point_modes, truncate

TRICLINIC = Cell(np.array([[2.0, 0.6, 0.2], [0.0, 1.8, -0.3], [0.0, 0.0, 2.2]]))
CELLS = {
    "1d": Cell.cubic(3.0, 1),
    "2d": Cell.cubic(3.0, 2),
    "2d sheared": Cell.sheared(3.0, 2, 0.3),
    "3d": Cell.cubic(2.0, 3),
    "3d sheared": TRICLINIC,
}
WAVES = {1: (3,), 2: (2, -3), 3: (1, -2, 2)}
DIRECTIONS = {1: (-2.0,), 2: (3.0, 4.0), 3: (1.0, 2.0, -2.0)}
LINE, SQUARE = CELLS["1d"], CELLS["2d sheared"]
ROUGH = Active(amplitude=0.7, exponent=-0.2, k_min=3.0, k_max=14.0, seed=5)


@pytest.fixture(params=CELLS.values(), ids=CELLS.keys())
def cell(request):
    return request.param


def kolmogorov(cell, phase=0.4):
    return Kolmogorov(1.3, WAVES[cell.dim], DIRECTIONS[cell.dim], phase)


def forces(cell):
    active = [replace(ROUGH, kind=kind) for kind in ("gradient", "isotropic")]
    if cell.dim > 1:
        active.append(replace(ROUGH, kind="solenoidal"))
    return [kolmogorov(cell), *active, Sum((kolmogorov(cell), kolmogorov(cell, 2.0), *active))]


def direct_sum(modes, cell, x):
    """Σ_p f_hat(p) exp(ip·x)/|Ω| at points (N, d), complex."""
    p = cell.wavevectors(tuple(n // 2 for n in modes.shape[1:])).reshape(cell.dim, -1)
    return np.exp(1j * x @ p) @ modes.reshape(cell.dim, -1).T / cell.volume


def test_modes_and_values_at_points_are_one_field(cell, rng):
    x = rng.uniform(-5.0, 5.0, (12, cell.dim))  # most of them outside the cell
    for force in forces(cell):
        modes = force.modes(cell, tuple(m + 1 for m in force.counts(cell)))
        np.testing.assert_array_equal(modes, np.conj(np.flip(modes, axis=range(1, cell.dim + 1))))
        expected = direct_sum(modes, cell, x)
        assert np.abs(expected).max() > 0.1
        # point sums ask 1e-13 of Σ|f_hat|, here up to a hundred times the values
        np.testing.assert_allclose(force.at(cell, x), expected, rtol=0.0, atol=1e-11)


def test_kolmogorov_is_the_sine_it_says(cell, rng):
    x, phase = rng.uniform(0.0, 3.0, (9, cell.dim)), 0.4
    p = 2.0 * np.pi * np.linalg.inv(cell.matrix).T @ np.array(WAVES[cell.dim])
    unit = np.array(DIRECTIONS[cell.dim]) / np.linalg.norm(DIRECTIONS[cell.dim])
    expected = 1.3 * np.sin(x @ p + phase)[:, np.newaxis] * unit
    force = kolmogorov(cell, phase)
    # round-off of a phase of thirty or less, in the point values and in the modes
    np.testing.assert_allclose(force.at(cell, x), expected, rtol=0.0, atol=1e-13)
    modes = force.modes(cell, (3,) * cell.dim)
    np.testing.assert_allclose(direct_sum(modes, cell, x), expected, rtol=0.0, atol=1e-13)


def test_kolmogorov_across_its_wave_is_solenoidal():
    force = Kolmogorov(1.0, wave=(0, 2), direction=(1.0, 0.0))
    divergence = np.sum(SQUARE.wavevectors((2, 2)) * force.modes(SQUARE, (2, 2)), axis=0)
    assert np.abs(divergence).max() == 0.0  # p is along y in any simple shear
    compressing = replace(force, direction=(0.0, 1.0))
    assert np.abs(SQUARE.wavevectors((2, 2)) * compressing.modes(SQUARE, (2, 2))).max() > 1.0


@pytest.mark.parametrize("kind", ["gradient", "solenoidal"])
@pytest.mark.parametrize("name", ["2d sheared", "3d sheared"])
def test_kinds_lie_along_and_across_the_wavevector(name, kind):
    cell = CELLS[name]
    force = replace(ROUGH, kind=kind)
    counts = force.counts(cell)
    p, modes = cell.wavevectors(counts), force.modes(cell, counts)
    along = np.abs(np.sum(p * modes, axis=0))
    k, size = np.linalg.norm(p, axis=0), np.linalg.norm(modes, axis=0)
    wrong = along if kind == "solenoidal" else k * size - along
    assert (k * size).max() > 1.0
    assert np.abs(wrong).max() <= 1e-14 * (k * size).max()  # round-off
    # |p| decides: nothing outside the range, everything inside it
    np.testing.assert_array_equal(size > 0.0, (k >= ROUGH.k_min) & (k <= ROUGH.k_max))


def test_ends_of_the_spectrum_that_are_wavevectors_of_the_cell_belong_to_it():
    for length in (1.0, 1.7, 1.8, 2.1):  # round-off crosses neither end, one of them, or both
        unit = 2.0 * np.pi / length
        force = Active(1.0, 0.0, k_min=3 * unit, k_max=11 * unit, seed=1)
        size = np.abs(force.modes(Cell.cubic(length, 1), (20,)))[0, 20:]
        np.testing.assert_array_equal(np.flatnonzero(size), np.arange(3, 12))


@pytest.mark.parametrize("exponent", [-0.5, 0.3, 2.0])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("1d", "isotropic"),
        ("2d sheared", "gradient"),
        ("2d sheared", "solenoidal"),
        ("2d", "isotropic"),
        ("3d sheared", "solenoidal"),
        ("3d", "isotropic"),
    ],
)
def test_spectrum_and_amplitude_over_seeds(name, kind, exponent):
    cell, seeds = CELLS[name], 200
    k_max = 90.0 if cell.dim == 1 else 16.0
    force = Active(0.7, exponent, k_min=4.0, k_max=k_max, seed=0, kind=kind)
    counts = force.counts(cell)
    k = np.linalg.norm(cell.wavevectors(counts), axis=0)
    inside = (k >= 4.0) & (k <= k_max)
    fields = np.array([replace(force, seed=s).modes(cell, counts) for s in range(seeds)])
    power = np.sum(np.abs(fields) ** 2, axis=1)[:, inside]
    shape = k[inside] ** -(cell.dim + 2.0 * exponent)
    expected = 0.7**2 * cell.volume**2 * shape / shape.sum()
    ratio = power / expected
    tilt = np.polynomial.polynomial.polyfit(np.log(k[inside]), ratio.T, 1)[1]
    total = power.sum(axis=1) / cell.volume**2  # mean square over the cell
    for values, mean in [(ratio.mean(axis=1), 1.0), (total, 0.7**2), (tilt, 0.0)]:
        result = interval(values, 0.999)  # Student's t over seeds, which are independent
        assert abs(result.value - mean) <= result.half_width
    # sharp enough to tell: an exponent off by 0.1 would tilt the ratio by 0.2
    assert interval(tilt, 0.999).half_width < 0.15


def test_exponent_is_the_besov_exponent_of_the_field():
    n, cell = 2**12, Cell.cubic(float(2**12), 1)
    widths = np.geomspace(6.0, 60.0, 8)
    order = np.array([3.0])
    ensemble = []
    for seed in range(24):
        force = Active(1.0, -0.3, k_min=1e-3, k_max=3.0, seed=seed)
        values = modes_to_grid(force.modes(cell, (n // 2 - 1,)), cell, (n,))[0]
        ensemble.append(gradient_moments(values, cell, widths, order, GAUSSIAN))
    # the shortest wave, 2.1, and the longest, 4096, are those of a fractional field on this grid
    expected = reference("gradients", (n,), cell, widths, order, GAUSSIAN)
    result = exponents(ensemble, (6.0, 60.0), 0.999, cell.volume, expected)
    assert result.flag == ("trusted",)
    assert result.ci_low[0] <= -0.3 <= result.ci_high[0]
    assert result.ci_high[0] - result.ci_low[0] < 0.1


def test_finer_grids_and_larger_ranges_keep_the_random_numbers(cell):
    counts = ROUGH.counts(cell)
    modes = ROUGH.modes(cell, counts)
    np.testing.assert_array_equal(
        truncate(ROUGH.modes(cell, tuple(m + 3 for m in counts)), cell.dim, counts), modes
    )
    wider = replace(ROUGH, k_min=1.0, k_max=25.0)
    both = truncate(wider.modes(cell, wider.counts(cell)), cell.dim, counts)
    shared = np.abs(modes) > 0.0
    ratio = both[shared] / modes[shared]  # one normalisation, and no new numbers
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)  # round-off
    assert 0.0 < ratio[0].real < 1.0


def test_a_strain_keeps_the_random_numbers_of_each_integer_mode():
    force = replace(ROUGH, kind="isotropic")
    straight, strained = CELLS["2d"], Cell.sheared(3.0, 2, 1e-3)
    before, after = (force.modes(c, (7, 7)) for c in (straight, strained))
    both = (np.abs(before) > 0.0) & (np.abs(after) > 0.0)
    assert both.sum() > 0.9 * np.count_nonzero(before)
    # lengths change by the strain, phases not at all
    np.testing.assert_allclose(after[both] / before[both], 1.0, rtol=0.0, atol=0.02)


def test_seeds_are_reproducible_and_independent():
    counts = ROUGH.counts(SQUARE)
    first = ROUGH.modes(SQUARE, counts)
    again = Active(0.7, -0.2, 3.0, 14.0, seed=5).modes(Cell.sheared(3.0, 2, 0.3), counts)
    np.testing.assert_array_equal(first, again)
    other = replace(ROUGH, seed=6).modes(SQUARE, counts)
    correlation = np.vdot(first, other).real / np.linalg.norm(first) / np.linalg.norm(other)
    assert abs(correlation) < 0.4  # 1/√(independent modes) = 0.1, a seed that is not used gives 1


def test_a_sum_adds_and_an_empty_one_is_no_force(cell, rng):
    counts, x = (9,) * cell.dim, rng.uniform(0.0, 3.0, (4, cell.dim))
    parts = (kolmogorov(cell), kolmogorov(cell, 2.0), ROUGH)
    total = sum(force.modes(cell, counts) for force in parts)
    np.testing.assert_allclose(
        Sum(parts).modes(cell, counts), total, rtol=0.0, atol=1e-14 * np.abs(total).max()
    )  # round-off
    nothing = Sum(())
    assert nothing.counts(cell) == (0,) * cell.dim
    assert np.abs(nothing.modes(cell, counts)).max() == 0.0
    assert np.abs(nothing.at(cell, x)).max() == 0.0
    assert nothing.at(cell, x).shape == x.shape


# The current: particles and densities, one force and several


def test_current_of_particles_and_of_their_density_agree(cell, rng):
    """A product of modes up to m needs the density up to m plus the force's highest mode."""
    counts, x = (3,) * cell.dim, rng.uniform(0.0, 3.0, (5, cell.dim))
    force = Sum((kolmogorov(cell), Kolmogorov(0.5, WAVES[cell.dim], DIRECTIONS[cell.dim][::-1])))
    wide = tuple(m + n for m, n in zip(counts, force.counts(cell), strict=True))
    density = point_modes(x, np.ones(5), cell, wide)[np.newaxis]
    current = external_density(density, force.modes(cell, wide), cell)
    exact = point_modes(x, force.at(cell, x).T, cell, counts)
    assert current.shape == (1, cell.dim, *(2 * m + 1 for m in wide))
    # point sums to 1e-13 of five particles with forces of order one
    np.testing.assert_allclose(truncate(current[0], cell.dim, counts), exact, rtol=0.0, atol=1e-11)


def test_each_species_may_feel_a_force_of_its_own(rng):
    density = grid_to_modes(1.0 + rng.random((2, 15, 15)), SQUARE)
    own = np.array([f.modes(SQUARE, (7, 7)) for f in (kolmogorov(SQUARE), Sum(()))])
    current = external_density(density, own, SQUARE)
    assert current.shape == (2, 2, 15, 15)
    common = external_density(density, own[0], SQUARE)
    np.testing.assert_array_equal(current[0], common[0])
    assert np.abs(current[1]).max() == 0.0
    assert np.abs(common[1]).max() > 0.1
    values = modes_to_grid(density[0], SQUARE, (40, 40)) * modes_to_grid(own[0], SQUARE, (40, 40))
    # free of aliasing: a grid of 40 points holds the whole product, modes up to 10
    np.testing.assert_allclose(
        current[0], grid_to_modes(values, SQUARE, (7, 7)), rtol=0.0, atol=1e-13
    )


def test_affine_flows_carry_the_cell():
    flow = AffineFlow.simple_shear(0.2, 3)
    np.testing.assert_array_equal(flow.gradient, [[0.0, 0.2, 0.0], [0.0, 0.0, 0.0], [0.0] * 3])
    start = Cell.cubic(3.0, 3)
    moved = flow.moved(start, 1.5)
    # round-off of entries of order three
    np.testing.assert_allclose(moved.matrix, Cell.sheared(3.0, 3, 0.3).matrix, rtol=0.0, atol=1e-14)
    pure = AffineFlow(np.diag([0.4, -0.4]))
    stretched = pure.moved(SQUARE, 0.5)
    expected = np.diag(np.exp([0.2, -0.2])) @ SQUARE.matrix
    np.testing.assert_allclose(stretched.matrix, expected, rtol=1e-14)
    assert stretched.volume == pytest.approx(SQUARE.volume, rel=1e-14)
    with pytest.raises(ValueError, match="read-only"):
        pure.gradient[0, 0] = 1.0


def test_affine_flow_is_the_motion_of_points_in_any_flow(rng):
    gradient = rng.normal(size=(3, 3))
    flow = AffineFlow(gradient - np.trace(gradient) / 3.0 * np.eye(3))
    steps = 0.02 / 2.0 ** np.arange(4)
    errors = []
    for h in steps:  # dh/dt = Γh by the midpoint of the exact motion
        rate = (flow.moved(TRICLINIC, h).matrix - flow.moved(TRICLINIC, -h).matrix) / (2.0 * h)
        errors.append(np.abs(rate - flow.gradient @ TRICLINIC.matrix).max())
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    # a central difference errs by h²; the next order bends the slope by (|Γ|h)² < 1 %
    np.testing.assert_allclose(slopes, 2.0, rtol=0.0, atol=0.01)


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amplitude": np.inf}, "external.amplitude: inf must be finite"),
        ({"phase": np.nan}, "external.phase: nan must be finite"),
        ({"wave": (0, 0)}, r"external.wave: \(0, 0\) must be integers, not all zero"),
        ({"wave": (1, 0, 0)}, r"external.wave: \(1, 0, 0\) must be integers, .* as many as"),
        ({"wave": (1.5, 0)}, r"external.wave: \(1.5, 0\) must be integers"),
        ({"direction": (0.0, 0.0)}, "external.direction: .* must be finite and not zero"),
        ({"direction": (np.nan, 0.0)}, "external.direction: .* must be finite and not zero"),
    ],
)
def test_impossible_waves_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(kolmogorov(SQUARE), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amplitude": -1.0}, "external.amplitude: -1.0 must not be negative"),
        ({"exponent": np.nan}, "external.exponent: nan must be finite"),
        ({"k_min": 0.0}, "external.k_min: 0.0 must be above 0 and not above k_max = 14.0"),
        ({"k_max": 2.0}, "external.k_min: 3.0 must be above 0 and not above k_max = 2.0"),
        ({"k_max": np.inf}, "which must be finite"),
        ({"seed": -1}, "external.seed: -1 must not be negative"),
        ({"kind": "curly"}, "external.kind: 'curly' must be one of gradient, solenoidal, isotr"),
    ],
)
def test_impossible_spectra_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        replace(ROUGH, **change)


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (np.zeros((2, 3)), "must be d×d, d = 1, 2 or 3, not"),
        (np.zeros((4, 4)), "must be d×d, d = 1, 2 or 3, not"),
        (np.array([[0.0, np.inf], [0.0, 0.0]]), "rates must be finite"),
        (np.diag([1.0, -1.0 + 1e-11]), "the trace 1e-11 must be zero"),
    ],
)
def test_impossible_flows_are_refused(gradient, message):
    with pytest.raises(ConfigError, match=message):
        AffineFlow(gradient)


def test_a_trace_of_round_off_is_accepted_and_a_line_has_no_shear():
    AffineFlow(np.diag([1.0, -1.0 + 1e-13]))
    with pytest.raises(ConfigError, match="there is no shear in one dimension"):
        AffineFlow.simple_shear(0.1, 1)


def test_what_a_cell_or_its_modes_cannot_hold_is_refused():
    with pytest.raises(ResolutionError, match=r"up to \(2, 2\) cannot hold .* up to \(2, 3\)"):
        kolmogorov(SQUARE).modes(SQUARE, (2, 2))
    with pytest.raises(ResolutionError, match=r"no wavevector between k_min = 0\.1 and"):
        Active(1.0, 0.0, 0.1, 0.2, seed=1).modes(LINE, (4,))
    with pytest.raises(ConfigError, match="must have 1 components, as the cell has"):
        kolmogorov(SQUARE).modes(LINE, (4,))
    with pytest.raises(ConfigError, match="must have 1 components, as the cell has"):
        kolmogorov(SQUARE).at(LINE, np.zeros((1, 1)))
    with pytest.raises(ConfigError, match="needs two or three dimensions"):
        replace(ROUGH, kind="solenoidal").modes(LINE, (9,))
    density = np.zeros((3, 5, 5), dtype=complex)
    with pytest.raises(ConfigError, match=r"shape \(2, 2, 5, 5\) belongs neither .* 3 species"):
        external_density(density, np.zeros((2, 2, 5, 5), dtype=complex), SQUARE)


def test_a_spectrum_that_double_precision_cannot_hold_is_refused() -> None:
    """(10²⁹)^-17 is zero, and so would be every amplitude."""
    with pytest.raises(ConfigError, match="k_min: 1e-29 is too far from the wavevectors"):
        Active(0.1, 8.0, 1e-29, 9.0, seed=1).waves(Cell.cubic(5.0, 1))


def test_more_waves_than_memory_are_refused() -> None:
    with pytest.raises(ResolutionError, match="more than 1048576 of them; lower k_max"):
        Active(0.1, 0.3, 2.0, 1e6, seed=1).waves(Cell.cubic(5.0, 2))
