"""Known exponents are recovered by the one estimator of verdicts; the others answer or refuse.

Scales are in grid spacings. What is called measured comes from seeds other than those here.
"""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN, WENDLAND, Kernel
from glasscade.regularity.blocks import correlation_length, independent
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import Exponents, exponents
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.leaders import leader_moments
from glasscade.regularity.moments import VERDICT_ESTIMATOR, Moments, average
from glasscade.regularity.synthetic import (
    Family,
    Fractional,
    LogNormal,
    PModel,
    Shock,
    Stable,
    Step,
    WaveletSeries,
)
from glasscade.regularity.wavelets import wavelet_moments

ORDERS = np.arange(1.0, 7.0)
THREE = np.array([3.0])
SQUARE, LINE = (512, 512), (2**16,)
SURFACES, LINES = (4.0, 64.0), (8.0, 512.0)
"""Where scaling ranges are looked for, fixed beforehand: in the plane more than a decade, from
twice the finest scale to an eighth of the cell; on a line from where jumps are resolved."""
LEVELS = {512: 6, 2**16: 9, 2**14: 8}
SEPARATIONS = np.geomspace(4.0, 64.0, 9)


def cell_of(shape: tuple[int, ...]) -> Cell:
    return Cell.cubic(float(shape[0]), len(shape))


def samples(family: Family, shape: tuple[int, ...], fields: int, q: np.ndarray) -> list[Moments]:
    cell, levels = cell_of(shape), LEVELS[shape[0]]
    rngs = np.random.default_rng(20261124).spawn(fields)
    return [wavelet_moments(family.sample(shape, rng), cell, levels, q) for rng in rngs]


def fitted(
    ensemble: list[Moments],
    shape: tuple[int, ...],
    window: tuple[float, float],
    scales: int | np.ndarray | None = None,
    kernel: Kernel | None = None,
) -> Exponents:
    cell, first = cell_of(shape), ensemble[0]
    chosen = LEVELS[shape[0]] if scales is None else scales
    expected = reference(first.estimator, shape, cell, chosen, first.q, kernel)
    return exponents(ensemble, window, 0.95, cell.volume, expected)


@pytest.mark.parametrize("hurst", [-0.3, 0.1, 0.2, 1 / 3, 0.5, 0.8])
def test_eight_surfaces(hurst: float) -> None:
    result = fitted(samples(Fractional(hurst), SQUARE, 8, THREE), SQUARE, SURFACES)
    assert result.estimator == VERDICT_ESTIMATOR
    # The claim. Half-widths of such ensembles are 0.007 to 0.009, corrections below 0.003.
    assert abs(result.value[0] - hurst) <= 0.02
    assert result.flag == ("trusted",)
    assert abs(result.correction[0]) < 0.003


@pytest.mark.parametrize("hurst", [0.1, 1 / 3, 0.8])
def test_eight_lines(hurst: float) -> None:
    result = fitted(samples(Fractional(hurst), LINE, 8, THREE), LINE, LINES)
    # The claim. Half-widths of such ensembles are 0.005 to 0.008.
    assert abs(result.value[0] - hurst) <= 0.01
    assert result.flag == ("trusted",)


@pytest.mark.parametrize("family", [Step(16), Shock(16)], ids=["steps", "shocks"])
def test_jumps(family: Family) -> None:
    result = fitted(samples(family, LINE, 16, ORDERS), LINE, LINES)
    # The claim. Samples that fall on grid points cost 0.003 (a quarter of it at each octave).
    np.testing.assert_allclose(result.value, family.exponent(ORDERS, 1), rtol=0.0, atol=0.01)


@pytest.mark.parametrize(
    "family",
    [LogNormal(0.4, 0.04), LogNormal(0.3, 0.02), PModel(0.4, 0.6), PModel(0.5, 0.7)],
    ids=lambda family: f"{family.name}{family.exponent(THREE, 1)[0]:.2f}",
)
def test_curved_exponents_of_cascades_lie_in_their_intervals(family: Family) -> None:
    result = fitted(samples(family, LINE, 16, ORDERS), LINE, LINES)
    exact = family.exponent(ORDERS, 1)
    assert result.flag == ("trusted",) * ORDERS.size
    assert np.all((result.ci_low <= exact) & (exact <= result.ci_high))
    # The intervals do tell this from a single exponent.
    assert result.ci_high[-1] < result.ci_low[0]


def test_a_random_wavelet_series_has_one_exponent() -> None:
    result = fitted(samples(WaveletSeries(1 / 3), LINE, 8, ORDERS), LINE, LINES)
    assert np.all((result.ci_low <= 1 / 3) & (result.ci_high >= 1 / 3))
    assert np.all(result.ci_high - result.ci_low < 0.05)


def test_moments_that_are_infinite_are_refused() -> None:
    family = Stable(1.5, 0.5)
    q = np.array([0.5, 1.0, 3.0, 6.0])
    result = fitted(samples(family, LINE, 16, q), LINE, LINES)
    assert result.flag == ("trusted", "trusted", "unresolved", "unresolved")
    assert np.all(np.isnan(result.value[2:]))


def test_negative_orders_exist_above_minus_one() -> None:
    q = np.array([-1.0, -0.4, 0.0, 3.0])
    result = fitted(samples(Fractional(0.4), LINE, 8, q), LINE, LINES)
    assert result.flag == ("unresolved", "trusted", "trusted", "trusted")
    np.testing.assert_allclose(result.value[1:], 0.4, rtol=0.0, atol=0.01)


@pytest.mark.parametrize(("hurst", "flag"), [(0.1, "biased"), (1 / 3, "biased"), (0.6, "trusted")])
def test_first_increments_are_corrected_or_refused(hurst: float, flag: str) -> None:
    fields = [Fractional(hurst).sample(SQUARE, r) for r in np.random.default_rng(5).spawn(8)]
    ensemble = [increment_moments(f, cell_of(SQUARE), SEPARATIONS, THREE) for f in fields]
    result = fitted(ensemble, SQUARE, SURFACES, SEPARATIONS)
    assert result.flag == (flag,)
    # Refused or not, what is taken away is the bias: standard errors here are below 0.01.
    assert result.raw[0] - result.correction[0] == pytest.approx(hurst, abs=0.02)


def test_gradients_see_negative_exponents() -> None:
    widths = np.geomspace(4.0, 64.0, 9)
    fields = [Fractional(-0.5).sample(SQUARE, r) for r in np.random.default_rng(6).spawn(8)]
    ensemble = [gradient_moments(f, cell_of(SQUARE), widths, THREE, GAUSSIAN) for f in fields]
    result = fitted(ensemble, SQUARE, SURFACES, widths, GAUSSIAN)
    assert result.ci_low[0] <= -0.5 <= result.ci_high[0]
    assert result.ci_high[0] - result.ci_low[0] < 0.1


def test_leaders_are_shown_and_never_decide() -> None:
    fields = [Fractional(0.6).sample(SQUARE, r) for r in np.random.default_rng(7).spawn(4)]
    ensemble = [leader_moments(f, cell_of(SQUARE), 6, THREE) for f in fields]
    result = exponents(ensemble, SURFACES, 0.95, 512.0**2)
    assert result.flag == ("biased",)
    # Their finest scales miss finer ones (0.03 at s = 4, measured), and means of four scatter by
    # 0.01.
    assert result.raw[0] == pytest.approx(0.6, abs=0.06)


@pytest.mark.parametrize("kernel", [GAUSSIAN, WENDLAND])
def test_gradients_recover_a_point_mass(kernel: Kernel) -> None:
    n = 2**14
    density = np.zeros(n)
    density[77] = 1.0
    cell, widths = Cell.cubic(float(n), 1), np.geomspace(8.0, 128.0, 9)
    moments = gradient_moments(density, cell, widths, ORDERS, kernel)
    expected = reference("gradients", (n,), cell, widths, ORDERS, kernel)
    result = exponents([moments], (8.0, 128.0), 0.95, cell.volume, expected, deterministic=True)
    # ∇G_ell is a scaled copy at every ell, so only the sum over grid points errs: worst at
    # q = 1, where |∇G| has a kink.
    np.testing.assert_allclose(result.raw, 1.0 / ORDERS - 1.0, atol=3e-3)
    assert set(result.flag) == {"trusted"}


def test_blocks_of_one_large_field_stand_for_realisations() -> None:
    # A fractional field cut off at a wavelength that makes blocks independent.
    shape, longest = (2**16,), 256.0
    k = 2.0 * np.pi * np.fft.rfftfreq(shape[0])
    noise = np.fft.rfft(np.random.default_rng(8).standard_normal(shape))
    power = np.where(k > 2.0 * np.pi / longest, np.maximum(k, 1e-9) ** -0.8, 0.0)
    field = np.fft.irfft(noise * power, shape[0])
    cell = cell_of(shape)
    length = correlation_length(field, cell)
    assert 2.0 * length < shape[0] / 8  # a sharp end of the spectrum makes C(r) ring
    q = THREE
    whole = wavelet_moments(field, cell, 9, q, tiles=8)
    blocks = independent([whole], cell, [length])
    assert len(blocks) == 8
    expected = reference("wavelets", shape, cell, 9, q)
    result = exponents(blocks, (4.0, 32.0), 0.95, cell.volume / 8, expected)
    assert result.ci_low[0] <= 0.3 <= result.ci_high[0]
    assert result.ci_high[0] - result.ci_low[0] < 0.2


def test_a_crossover_has_no_range() -> None:
    # Smooth below 8 spacings, white above: what a liquid is at the scale of its particles.
    fields = []
    for rng in np.random.default_rng(9).spawn(8):
        k = 2.0 * np.pi * np.fft.rfftfreq(2**14)
        hat = np.fft.rfft(rng.standard_normal(2**14)) * np.exp(-0.5 * (8.0 * k) ** 2)
        fields.append(np.fft.irfft(hat, 2**14))
    cell = cell_of((2**14,))
    ensemble = [wavelet_moments(f, cell, 7, THREE) for f in fields]
    expected = reference("wavelets", (2**14,), cell, 7, THREE)
    result = exponents(ensemble, (4.0, 128.0), 0.95, cell.volume, expected)
    assert result.flag[0] in ("no_range", "short")
    assert result.local[0, 1] > 1.0  # and the local slopes say what it is
    assert result.local[0, -1] < 0.0


def test_regions_and_tiles_see_what_is_in_them() -> None:
    # Two fields of different exponent side by side, joined where a window makes both vanish.
    n, q = 2**14, THREE
    rng = np.random.default_rng(10)
    x = np.arange(n) / n
    window = np.sin(2.0 * np.pi * x) ** 2
    ensemble = []
    for _ in range(8):
        rough, smooth = (Fractional(h).sample((n,), rng) for h in (0.2, 0.8))
        field = np.where(x < 0.5, rough, smooth) * window
        ensemble.append(wavelet_moments(field, cell_of((n,)), 7, q, tiles=16))
    expected = reference("wavelets", (n,), cell_of((n,)), 7, q)
    inner = np.zeros((2, 16))
    inner[0, 2:6] = inner[1, 10:14] = 1.0  # away from the joints
    for weight, hurst in zip(inner, (0.2, 0.8), strict=True):
        region = [m.region(weight) for m in ensemble]
        result = exponents(region, (4.0, 64.0), 0.95, n / 4, expected)
        assert result.ci_low[0] <= hurst <= result.ci_high[0]
    norm = average(ensemble).tile_norm[0]
    slopes = np.polyfit(np.log(ensemble[0].scale[1:6]), np.log(norm[1:6]), 1)[0]
    # Tiles of 1024 points, eight fields: 0.05 each.
    np.testing.assert_allclose(slopes[2:6], 0.2, rtol=0.0, atol=0.15)
    np.testing.assert_allclose(slopes[10:14], 0.8, rtol=0.0, atol=0.15)


@pytest.fixture(scope="module")
def studies() -> list[tuple[float, Exponents]]:
    """200 studies of six lines of 2^12 points, each with an exponent of its own."""
    n, q = 2**12, THREE
    cell = cell_of((n,))
    expected = reference("wavelets", (n,), cell, 6, q)
    rng = np.random.default_rng(2026)
    found = []
    for hurst in rng.uniform(0.1, 0.8, 200):
        fields = [Fractional(hurst).sample((n,), rng) for _ in range(6)]
        ensemble = [wavelet_moments(f, cell, 6, q) for f in fields]
        found.append((hurst, exponents(ensemble, (4.0, 64.0), 0.95, cell.volume, expected)))
    return found


def test_intervals_cover_the_truth(studies: list[tuple[float, Exponents]]) -> None:
    inside = [result.ci_low[0] <= hurst <= result.ci_high[0] for hurst, result in studies]
    print(f"coverage at nominal 95 %: {np.mean(inside):.3f}")
    # The claim; 200 studies fix a coverage of 95 % to 1.5 %. benchmarks/intervals.py has 2000.
    assert 0.90 <= np.mean(inside) <= 0.99


def test_power_laws_are_given_the_whole_window(studies: list[tuple[float, Exponents]]) -> None:
    flags = [result.flag[0] for _, result in studies]
    # Chance breaks a plateau in one of a hundred studies: ten of 200 is six standard deviations.
    assert flags.count("trusted") >= 190
    # No bias is left: the mean of 200 errors of 0.01 is known to 0.0007, and the logarithm of
    # averages over six fields costs 0.002.
    error = [result.value[0] - hurst for hurst, result in studies]
    assert abs(np.mean(error)) < 0.004


def test_more_fields_recover_better() -> None:
    n, q = 2**12, THREE
    cell = cell_of((n,))
    expected = reference("wavelets", (n,), cell, 6, q)
    rng = np.random.default_rng(11)
    ensemble = [
        wavelet_moments(Fractional(1 / 3).sample((n,), rng), cell, 6, q) for _ in range(320)
    ]
    sizes = np.array([2, 4, 16])
    errors = []
    for size in sizes:
        groups = [ensemble[i : i + size] for i in range(0, len(ensemble), size)]
        fits = [exponents(g, (4.0, 64.0), 0.95, cell.volume, expected) for g in groups]
        # Also where chance has broken the plateau, and there is no answer.
        errors.append(np.std([fit.raw[0] - fit.correction[0] for fit in fits]))
    order = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    # Independent fields: -1/2. Twenty groups of 16 fix their scatter to 16 %, so the order to
    # 0.08: two and a half standard deviations.
    assert order == pytest.approx(-0.5, abs=0.2)
