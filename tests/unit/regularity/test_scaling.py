"""Curves of ln norm: what a slope is, what a plateau is, and what grid and box are taken from."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.regularity.fits import pseudo_values
from glasscade.regularity.moments import Moments
from glasscade.regularity.scaling import PLATEAU, Curve, Expected, curves

SCALE = 0.1 * 2.0 ** np.arange(8)
X = np.log(SCALE)
Q = np.array([0.0, 1.0, 3.0])
ALL = slice(0, 8)


def curve(y: np.ndarray, expected: np.ndarray | None = None) -> Curve:
    """Rows of ln norm in one dimension; exact norms for H = -1, 0, ..., 3 if given."""
    hurst = np.arange(-1.0, 4.0) if expected is not None else np.empty(0)
    known = expected if expected is not None else np.empty((0, 8))
    return Curve(X, np.atleast_2d(y), np.exp(-0.5 * X), hurst, known)


def sample(slope: float, amplitude: float, offset: float = 0.0) -> Moments:
    """Norms that are a power law, in one dimension, for every order."""
    norm = amplitude * SCALE ** (slope - offset)
    mean = np.array([np.log(norm) if q == 0.0 else norm**q for q in Q])
    return Moments("gradients", SCALE, Q, mean[..., np.newaxis], np.ones((3, 8)), offset)


def test_the_slope_is_that_of_weighted_least_squares(rng: np.random.Generator) -> None:
    y = rng.standard_normal((3, 8))
    window = slice(2, 7)
    # polyfit takes the square roots of the weights
    expected = [np.polyfit(X[window], row[window], 1, w=np.exp(-0.25 * X[window]))[0] for row in y]
    np.testing.assert_allclose(curve(y).slopes(window), expected, rtol=1e-11)


@pytest.mark.parametrize(("stop", "lower", "upper"), [(8, (0, 4), (4, 8)), (7, (0, 4), (3, 7))])
def test_halves_share_a_middle_scale(stop: int, lower: tuple, upper: tuple, rng) -> None:
    y = curve(rng.standard_normal(8))
    halves = y.halves(slice(0, stop))
    for found, ends in zip(halves, (lower, upper), strict=True):
        np.testing.assert_array_equal(found, y.slopes(slice(*ends)))


def test_pooling_is_the_jackknife_of_the_average_relative_to_each_amplitude(rng) -> None:
    norms = np.exp(rng.standard_normal((5, 8)))
    samples = [
        Moments("wavelets", SCALE, Q, m[..., np.newaxis], np.ones((3, 8)), 0.0)
        for m in (np.array([np.log(n) if q == 0.0 else n**q for q in Q]) for n in norms)
    ]
    search = slice(1, 6)
    relative = norms / np.exp(np.log(norms[:, search]).mean(axis=1, keepdims=True))
    found = curves(samples, search, None)
    for order, q in enumerate(Q):

        def pooled(rows: np.ndarray, q: float = q) -> np.ndarray:
            if q == 0.0:
                return np.log(rows).mean(axis=0)
            return np.log(np.mean(rows**q, axis=0)) / q

        # Round-off of sums of five, times the five of the pseudo-values.
        np.testing.assert_allclose(found[order].y, pseudo_values(pooled, relative), atol=1e-12)


def test_a_sample_of_large_amplitude_does_not_outweigh_the_others() -> None:
    samples = [sample(0.3, 1.0), sample(0.3, 1.0), sample(0.5, 1e6)]
    for each in curves(samples, ALL, None):
        # One third of all samples, up to terms of second order in the difference of slopes.
        assert each.slopes(ALL).mean() == pytest.approx(1.1 / 3.0, abs=0.01)


def test_the_offset_belongs_to_the_slope() -> None:
    for each in curves([sample(-0.7, 2.0, offset=1.0)], ALL, None):
        np.testing.assert_allclose(each.slopes(ALL), -0.7, rtol=1e-12)
        np.testing.assert_allclose(each.local(), -0.7, rtol=1e-11)


def biased(hurst: np.ndarray) -> np.ndarray:
    """Fractional fields whose curves bend: of slope 0.9 H + 0.05, and curved besides."""
    bend = 0.01 * (X - X.mean()) ** 2
    return np.array([(0.9 * h + 0.05) * X + bend for h in hurst])


def test_a_fractional_field_gets_its_own_exponent_back() -> None:
    known = biased(np.arange(-1.0, 4.0))
    measured = curve(biased(np.array([0.35]))[0], known)
    window = slice(1, 7)
    corrected, correction = measured.corrected(window)
    # The norms of H = -1, 0, ... are linear in H here, so that interpolation is exact.
    np.testing.assert_allclose(corrected.slopes(window), 0.35, rtol=1e-12)
    np.testing.assert_allclose(corrected.local(), 0.35, rtol=1e-10)
    assert correction == pytest.approx(measured.slopes(window)[0] - 0.35, abs=1e-12)


def test_without_a_reference_nothing_is_corrected(rng: np.random.Generator) -> None:
    measured = curve(rng.standard_normal(8))
    corrected, correction = measured.corrected(ALL)
    np.testing.assert_array_equal(corrected.y, measured.y)
    assert correction == 0.0


def test_curves_carry_the_norms_of_their_order() -> None:
    norm = np.arange(1.0, 1.0 + 2 * 3 * 8).reshape(2, 3, 8)
    found = curves([sample(0.3, 1.0, offset=1.0)], ALL, Expected(np.array([0.0, 1.0]), norm))
    for order, each in enumerate(found):
        np.testing.assert_allclose(each.expected, np.log(norm[:, order]) + X, rtol=1e-14)


def bent(at: int, slopes: tuple[float, float]) -> np.ndarray:
    """A curve of two slopes that meet at one scale."""
    below, above = slopes
    return np.where(X[at] > X, below * (X - X[at]), above * (X - X[at]))


def test_a_plateau_ends_where_the_slope_changes() -> None:
    # One slope over scales 0..2, another over 2..7: the longer one is the range.
    assert curve(bent(2, (1.0, 0.2))).scaling_range(ALL) == slice(2, 8)
    assert curve(bent(5, (1.0, 0.2))).scaling_range(ALL) == slice(0, 6)
    assert curve(bent(5, (1.0, 0.2))).scaling_range(slice(4, 8)) == slice(5, 8)


@pytest.mark.parametrize(("amplitude", "plateau"), [(0.95, True), (1.05, False)])
def test_local_slopes_may_differ_by_the_stated_amount(amplitude: float, plateau: bool) -> None:
    # Slopes 0.3 ± a in turn: their weighted mean is 0.3 + a times the mean of the signs.
    signs = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
    unit = curve(np.concatenate([[0.0], np.cumsum(signs * np.diff(X))]))
    farthest = np.max(np.abs(unit.local() - unit.slopes(ALL)[:, np.newaxis]))
    y = 0.3 * X + amplitude * PLATEAU / farthest * unit.y
    assert curve(y).is_plateau(ALL) is plateau


def test_chance_widens_a_plateau_and_a_break_does_not(rng: np.random.Generator) -> None:
    noise = 0.1 * rng.standard_normal((8, 8))
    scattered = curve(0.3 * X + noise)
    assert np.max(np.abs(scattered.local().mean(axis=0) - 0.3)) > PLATEAU
    assert scattered.is_plateau(ALL)
    assert not curve(bent(4, (1.5, 0.0)) + noise).is_plateau(ALL)


def test_curves_with_gaps_have_their_range_beside_them() -> None:
    y = 0.3 * X
    y[3] = np.nan
    assert curve(y).scaling_range(ALL) == slice(4, 8)
    assert curve(np.full(8, np.nan)).scaling_range(ALL) is None


def test_a_parabola_has_no_range() -> None:
    assert curve(0.5 * X**2).scaling_range(ALL) is None
