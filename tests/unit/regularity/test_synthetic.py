from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import fractional, fractional_exponent, step, step_exponent


@pytest.mark.parametrize("shape", [(64,), (33,), (16, 24), (15, 9), (8, 9, 10)])
@pytest.mark.parametrize("hurst", [-0.3, 1 / 3, 0.8])
def test_fractional_spectrum_is_a_power_law(shape: tuple[int, ...], hurst: float) -> None:
    values = fractional(shape, hurst, np.random.default_rng(5))
    noise = np.fft.fftn(np.random.default_rng(5).standard_normal(shape))
    squared = sum(np.square(k) for k in np.ix_(*[np.fft.fftfreq(n) for n in shape]))
    gain = (np.fft.fftn(values) / noise).reshape(-1)[1:]
    power = squared.reshape(-1)[1:] ** (-0.5 * (hurst + 0.5 * len(shape)))
    # Round-off of transforms of at most 720 points, divided by the smallest modes.
    np.testing.assert_allclose(gain / gain[0], power / power[0], rtol=1e-9)


def test_fractional_is_normalised_and_seeded() -> None:
    values = fractional((20, 31), 0.4, np.random.default_rng(1))
    again = fractional((20, 31), 0.4, np.random.default_rng(1))
    other = fractional((20, 31), 0.4, np.random.default_rng(2))
    assert abs(values.mean()) < 1e-14  # round-off of 620 terms of order one
    assert values.std() == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_array_equal(values, again)
    assert np.abs(values - other).max() > 0.1


@pytest.mark.parametrize("shape", [(), (4, 4, 4, 4), (8, 1)])
def test_fractional_refuses_other_grids(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="1 to 3 axes of at least 2 points"):
        fractional(shape, 0.5, np.random.default_rng(0))


def test_step_increments_grow_with_separation_exactly(rng: np.random.Generator) -> None:
    values = step(1000, 10, rng)
    height = np.ptp(values)
    for r in (1, 7, 50):  # plateaus are at least 50 long
        increments = np.abs(np.roll(values, -r) - values)
        assert np.count_nonzero(increments > 0.5 * height) == 10 * r
    assert values.mean() == pytest.approx(0.0, abs=1e-14)
    assert values.std() == pytest.approx(1.0, rel=1e-14)
    assert np.unique(values).size == 2


@pytest.mark.parametrize("jumps", [0, 3, 26])
def test_step_refuses_impossible_numbers_of_jumps(jumps: int) -> None:
    with pytest.raises(ConfigError, match="jumps: must be even and from 2 to 25 on 100 points"):
        step(100, jumps, np.random.default_rng(0))


def test_exact_exponents() -> None:
    q = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(fractional_exponent(q, -0.3), [-0.3, -0.3, -0.3])
    np.testing.assert_array_equal(step_exponent(q), [1.0, 1.0 / 2.0, 1.0 / 3.0])
