from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import (
    Fractional,
    Stable,
    Weierstrass,
    fractional,
    fractional_exponent,
)
from glasscade.regularity.synthetic.spectral import stable_noise


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


def test_exact_exponents() -> None:
    q = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(fractional_exponent(q, -0.3), [-0.3, -0.3, -0.3])


def test_fractional_is_the_sample_of_its_family() -> None:
    expected = fractional((20, 31), 0.4, np.random.default_rng(1))
    values = Fractional(0.4).sample((20, 31), np.random.default_rng(1))
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("alpha", [1.2, 1.8])
def test_stable_noise_has_its_characteristic_function(alpha: float) -> None:
    noise = stable_noise((2**17,), alpha, np.random.default_rng(4))
    for s in (0.1, 1.0, 3.0):
        # 2^17 independent cosines: four standard errors
        values = np.cos(s * noise)
        assert abs(values.mean() - np.exp(-(s**alpha))) <= 4.0 * values.std() / 2.0**8.5
        assert abs(np.mean(np.sin(s * noise))) <= 4.0 / 2.0**8.5


def test_moments_of_a_stable_sample_stop_growing() -> None:
    alpha, r = 1.5, np.array([16, 128])
    slopes = []
    for rng in np.random.default_rng(1).spawn(16):
        values = Stable(alpha, 1.0 / alpha).sample((2**14,), rng)
        moments = [np.mean(np.abs(np.roll(values, -s) - values) ** 3) for s in r]
        slopes.append(np.log2(moments[1] / moments[0]) / 3.0)
    # One in place of qH = 2; logarithms and the second strongest spike are worth 0.1.
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.2)


def test_a_weierstrass_series_is_its_formula_on_a_line() -> None:
    n, hurst = 256, 0.4
    modes = np.abs(np.fft.rfft(Weierstrass(hurst).draw((n,), np.random.default_rng(2)))) / (n / 2)
    k = 2.0 ** np.arange(7)  # below the 128 of the grid
    expected = np.zeros(modes.size)
    expected[k.astype(int)] = k**-hurst
    np.testing.assert_allclose(modes, expected, rtol=0.0, atol=1e-13)  # round-off


@pytest.mark.parametrize("shape", [(64, 64), (65, 48), (24, 32, 40)])
@pytest.mark.parametrize("ratio", [1.7, 2.0, 3.0])
def test_waves_are_those_of_the_box_and_below_its_grid(
    shape: tuple[int, ...], ratio: float
) -> None:
    hurst, waves, least = 0.4, 3, min(shape)
    values = Weierstrass(hurst, ratio, waves).draw(shape, np.random.default_rng(2))
    modes = np.fft.fftn(values) / values.size
    squared = sum(np.square(k) for k in np.ix_(*[np.fft.fftfreq(n) * least for n in shape]))
    power = np.abs(modes) ** 2
    inside = power > 1e-20
    # every wave is at most a rounding to the box away from a power of the ratio
    j = np.log(np.sqrt(squared[inside])) / np.log(ratio)
    off = np.abs(ratio**j - ratio ** np.rint(j))
    assert np.all(off <= 0.5 * np.sqrt(len(shape)))
    assert np.count_nonzero(inside) <= 2 * waves * (np.rint(j).max() + 1)
    for axis, n in enumerate(shape):
        if n % 2 == 0:  # nothing at the mode of ambiguous sign
            assert np.all(np.take(power, n // 2, axis) <= 1e-20)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((4,), "of ratio 3 needs at least 8 points"), ((64, 6), "of ratio 3 needs at least 8 points")],
)
def test_a_weierstrass_series_needs_two_terms(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Weierstrass(0.4, ratio=3.0).sample(shape, np.random.default_rng(0))
    Weierstrass(0.4, ratio=3.0).sample((8,) * len(shape), np.random.default_rng(0))


def test_parameters_outside_are_refused() -> None:
    for make, message in [
        (lambda: Stable(2.0, 0.5), r"alpha: 2 is outside \(1, 2\)"),
        (lambda: Stable(1.5, 1.0), r"hurst: 1 is outside \(0, 1\)"),
        (lambda: Weierstrass(1.0), r"hurst: 1 is outside \(0, 1\)"),
        (lambda: Weierstrass(0.5, ratio=1.2), r"ratio: 1\.2 must lie between 1\.5 and 8"),
        (lambda: Weierstrass(0.5, waves=0), "waves: 0 must be at least 1"),
    ]:
        with pytest.raises(ConfigError, match=message):
            make()
