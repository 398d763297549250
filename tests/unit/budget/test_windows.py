"""Windows in time: values, slopes, and the order of the quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from glasscade.budget.windows import TimeWindows, every_second, quadrature_weights
from glasscade.errors import ConfigError

WINDOWS = TimeWindows.bumps(centres=[1.0, 2.5], widths=[1.0, 0.5], power=3)


def test_one_is_one_and_bumps_end_at_their_widths():
    times = np.array([-0.5, 0.0, 0.5, 1.0, 2.0, 2.25, 3.5])
    bump1 = [0.0, 0.0, 0.75**3, 1.0, 0.0, 0.0, 0.0]
    bump2 = [0.0, 0.0, 0.0, 0.0, 0.0, 0.75**3, 0.0]
    assert WINDOWS.names == ("one", "window1", "window2")
    np.testing.assert_allclose(WINDOWS.values(times), [np.ones(7), bump1, bump2], rtol=1e-14)


def test_slopes_are_those_of_the_values():
    """Central differences of values; the third derivative jumps, the error is that of rounding."""
    times = np.linspace(0.05, 3.45, 41)
    step = 1e-5
    expected = (WINDOWS.values(times + step) - WINDOWS.values(times - step)) / (2.0 * step)
    assert np.abs(expected[1:]).max(axis=1).min() > 1.0
    # step² times a third derivative of up to 500
    np.testing.assert_allclose(WINDOWS.slopes(times), expected, rtol=0.0, atol=1e-7)


@pytest.mark.parametrize("spacing", ["even", "uneven"])
def test_quadrature_is_of_fourth_order_at_any_spacing(spacing):
    exact = quad(lambda t: np.exp(-t) * np.cos(3.0 * t), 0.0, 2.0, epsabs=1e-14)[0]
    errors, sizes = [], (40, 80, 160, 320)
    for n in sizes:
        u = np.linspace(0.0, 1.0, n + 1)
        times = 2.0 * u if spacing == "even" else 2.0 * u * (1.4 - 0.4 * u)
        value = quadrature_weights(times) @ (np.exp(-times) * np.cos(3.0 * times))
        errors.append(abs(value - exact))
    order = -np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert errors[-1] < 1e-8
    assert order == pytest.approx(4.0, abs=0.3)


@pytest.mark.parametrize("number", [2, 3, 4, 9])
def test_quadrature_is_exact_for_what_so_many_values_determine(number):
    times = 5.0 + np.sort(np.random.default_rng(number).random(number))
    degree = min(3, number - 1)
    for power in range(degree + 1):
        exact = (times[-1] ** (power + 1) - times[0] ** (power + 1)) / (power + 1)
        # weights are of size 1 / number, values up to 6³
        assert quadrature_weights(times) @ times**power == pytest.approx(exact, rel=1e-12)


def test_every_second_time_has_both_ends():
    np.testing.assert_array_equal(every_second(5), [0, 2, 4])
    np.testing.assert_array_equal(every_second(6), [0, 2, 4, 5])


@pytest.mark.parametrize(
    ("centres", "widths", "power", "message"),
    [
        ([1.0], [], 4, r"^widths: 0 do not fit 1 centres"),
        ([1.0], [0.0], 4, r"^widths: they must be positive"),
        ([np.nan], [1.0], 4, r"^widths: .* finite"),
        ([1.0], [1.0], 1, r"^power: 1 must be at least 2"),
    ],
)
def test_windows_out_of_range_are_refused(centres, widths, power, message):
    with pytest.raises(ConfigError, match=message):
        TimeWindows.bumps(centres, widths, power)
