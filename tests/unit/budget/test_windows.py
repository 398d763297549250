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


def of_one(times):
    """The weights of ∫f dt over the whole run."""
    return quadrature_weights(TimeWindows.bumps(), times)[0][0]


@pytest.mark.parametrize("spacing", ["even", "uneven"])
def test_quadrature_is_of_fourth_order_at_any_spacing(spacing):
    exact = quad(lambda t: np.exp(-t) * np.cos(3.0 * t), 0.0, 2.0, epsabs=1e-14)[0]
    errors, sizes = [], (40, 80, 160, 320)
    for n in sizes:
        u = np.linspace(0.0, 1.0, n + 1)
        times = 2.0 * u if spacing == "even" else 2.0 * u * (1.4 - 0.4 * u)
        value = of_one(times) @ (np.exp(-times) * np.cos(3.0 * times))
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
        assert of_one(times) @ times**power == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("centre", "width"), [(5.3, 0.3), (5.2, 0.012), (5.0, 0.4), (6.0, 3.0)])
def test_windows_of_any_width_meet_a_cubic_exactly(centre, width):
    """Narrower than the spacing, beyond either end of the run, between two times."""
    times = 5.0 + np.linspace(0.0, 1.0, 9) ** 1.3
    windows = TimeWindows.bumps([centre], [width])
    value, slope = quadrature_weights(windows, times)

    def cubic(t):
        return 1.0 + (t - 5.4) ** 3 - 2.0 * t

    ends = max(centre - width, 5.0), min(centre + width, 6.0)
    for weights, factor in ((value, windows.values), (slope, windows.slopes)):
        exact = quad(lambda t, factor=factor: factor(np.array([t]))[1, 0] * cubic(t), *ends)[0]
        scale = np.sum(np.abs(weights[1])) * 12.0  # the cubic is below 12
        assert weights[1] @ cubic(times) == pytest.approx(exact, abs=1e-12 * scale)
    # a constant has no displacement but by its ends: what is large and still must not leak in
    jump = np.diff(windows.values(np.array([5.0, 6.0])), axis=1)[1, 0]
    assert slope[1].sum() == pytest.approx(jump, abs=1e-13 * max(1.0, np.abs(slope[1]).sum()))


def test_windows_outside_the_run_are_refused():
    with pytest.raises(ConfigError, match=r"windows: window1 lies outside the run, 0 to 1"):
        quadrature_weights(TimeWindows.bumps([2.0], [0.5]), np.linspace(0.0, 1.0, 5))


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
