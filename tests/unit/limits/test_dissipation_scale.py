"""Where the resolved fraction crosses a value: exact curves, spacing, scatter, no crossing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from glasscade.limits.dissipation_scale import crossing, dissipation_scale

ELL = 0.1 * 2.0 ** np.arange(6)
LEVEL = 0.9


def lorentzian(ell, half=0.7):
    """R = 1/(1 + (ℓ/ℓ_½)²)."""
    return 1.0 / (1.0 + (ell / half) ** 2)


@pytest.mark.parametrize("fraction", [0.9, 0.5, 0.1])
def test_a_curve_straight_in_the_logarithm_crosses_exactly(fraction):
    # from R = 1 at the smallest to 0 at the largest scale
    resolved = 1.0 - np.log(ELL / ELL[0]) / np.log(ELL[-1] / ELL[0])
    expected = ELL[0] * (ELL[-1] / ELL[0]) ** (1.0 - fraction)
    # the root finder's tolerance in ln ℓ, 2e-12
    root, half = crossing(ELL, resolved, fraction)
    assert root == pytest.approx(expected, rel=1e-11)
    assert half < 1e-13
    scale = dissipation_scale(ELL, resolved[np.newaxis], fraction, LEVEL, deterministic=True)
    assert scale.value == pytest.approx(expected, rel=1e-11)
    assert scale.half_width < 1e-10
    assert (scale.fit_low, scale.fit_high, scale.realisations) == (ELL[0], ELL[-1], 1)


CURVES = {
    "Lorentzian": lambda u: 1.0 / (1.0 + u * u),
    "its square": lambda u: (1.0 + u * u) ** -2.0,
    "exponential": lambda u: np.exp(-u),
    "algebraic": lambda u: 1.0 / (1.0 + u),
}


@pytest.mark.parametrize("fraction", [0.9, 0.5, 0.1])
@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
def test_a_smooth_curve_crosses_within_the_interval_and_closer_spacing_narrows_it(curve, fraction):
    exact = brentq(lambda u: curve(u) - fraction, 1e-3, 1e3)
    widths = []
    for per_octave in (1, 2, 4):
        for offset in np.linspace(0.0, 1.0, 8, endpoint=False):  # wherever the scales lie
            steps = np.arange(16 * per_octave) + offset
            ell = 0.002 * 2.0 ** (steps / per_octave)
            scale = dissipation_scale(
                ell, curve(ell)[np.newaxis], fraction, LEVEL, deterministic=True
            )
            assert scale.low <= exact <= scale.high
        widths.append(scale.half_width / exact)
    # the distance of a curve from its chord is of second order in the spacing, of third where
    # the curve has its inflection
    orders = -np.diff(np.log2(widths))
    assert 1.6 < orders[-1] < 3.3
    assert widths[0] < 0.15


def test_the_first_of_several_crossings_counts():
    resolved = np.array([1.0, 0.8, 0.4, 0.6, 0.3, 0.1])
    root, half = crossing(ELL, resolved, 0.5)
    assert ELL[1] < root < ELL[2]
    assert 0.0 < half < ELL[2] - ELL[1]


@pytest.mark.parametrize(
    "resolved", [[0.9, 0.8, 0.7, 0.6, 0.6, 0.55], [0.4, 0.3, 0.2, 0.1, 0.1, 0.0]]
)
def test_without_a_crossing_there_is_no_scale(resolved):
    assert np.isnan(crossing(ELL, np.array(resolved), 0.5)).all()
    rows = np.array([lorentzian(ELL), resolved])
    scale = dissipation_scale(ELL, rows, 0.5, LEVEL, deterministic=False)
    assert np.isnan([scale.value, scale.low, scale.high]).all()
    assert scale.realisations == 2


def test_intervals_over_realisations_cover_the_mean_scale(rng):
    studies, covered = 400, 0
    for _ in range(studies):
        halves = 0.7 + 0.1 * rng.normal(size=(6, 1))
        scale = dissipation_scale(ELL, lorentzian(ELL, halves), 0.5, LEVEL, deterministic=False)
        covered += scale.low <= 0.7 <= scale.high
    # at least nominal, within three binomial standard deviations of 400 studies: 0.855
    assert covered / studies >= LEVEL - 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / studies)
    # scatter 0.1 of six: t = 2.0 times 0.1/√6 = 0.08, and a little for the spacing
    assert 0.02 < scale.half_width < 0.25


def test_one_realisation_of_a_random_system_has_no_finite_interval():
    scale = dissipation_scale(ELL, lorentzian(ELL)[np.newaxis], 0.5, LEVEL, deterministic=False)
    assert np.isfinite(scale.value)
    assert scale.half_width == np.inf
