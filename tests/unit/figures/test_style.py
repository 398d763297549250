from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from glasscade.analysis.balance import ITO
from glasscade.budget.balance import EXTERNAL, SHEAR, TERMS
from glasscade.figures.style import (
    BLACK,
    MARKERS,
    TERM_COLOUR,
    TERM_LABEL,
    Look,
    Quantity,
    few,
    ladder,
    log_decades,
    log_with_zero,
    power_of_ten,
    signed,
)


def test_label_joins_symbol_power_and_unit() -> None:
    quantity = Quantity("sigma [V0]", r"$\sigma$", "$V_0$")
    assert quantity.label() == r"$\sigma$ ($V_0$)"
    assert quantity.label(-3) == r"$\sigma$ ($10^{-3}$ $V_0$)"
    assert Quantity("R [1]", "$R$").label() == "$R$"
    assert Quantity("R [1]", "$R$").label(-2) == "$R$ ($10^{-2}$)"


@pytest.mark.parametrize(
    ("limits", "power"),
    [((0.0, 0.5), 0), ((-9e-3, 0.0), -3), ((0.0, 2e-5), -5), ((0.0, 3e4), 4), ((-1.0, 9e3), 0)],
)
def test_power_of_ten(limits: tuple[float, float], power: int) -> None:
    axes = Figure().subplots()
    axes.set_ylim(*limits)
    assert power_of_ten(axes.yaxis) == power


def test_ticks_leave_out_the_power_of_ten() -> None:
    axes = Figure().subplots()
    axes.set_ylim(-4e-5, 2e-5)
    power_of_ten(axes.yaxis)
    assert axes.yaxis.get_major_formatter()(-2e-5, 0) == "−2"


def test_logarithmic_axes_keep_their_powers() -> None:
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(1e-9, 1e-3)
    assert power_of_ten(axes.yaxis) == 0


def test_zero_has_a_place_and_a_label_left_of_the_smallest_value() -> None:
    axes = Figure().subplots()
    values = np.array([0.0, 0.1, 0.2, 0.4])
    place = log_with_zero(axes, values)
    at = place(values)
    np.testing.assert_array_equal(at[1:], values[1:])
    assert axes.get_xlim()[0] < at[0] < 0.1
    labels = {float(x): axes.xaxis.get_major_formatter()(x, 0) for x in axes.get_xticks()}
    assert labels == {float(at[0]): "0", 0.1: "0.1", 0.2: "0.2", 0.4: "0.4"}


def test_without_zero_nothing_is_added_to_the_axis() -> None:
    axes = Figure().subplots()
    place = log_with_zero(axes, np.array([0.1, 0.2, 0.4]))
    np.testing.assert_array_equal(place(np.array([0.2])), [0.2])
    np.testing.assert_array_equal(axes.get_xticks(), [0.1, 0.2, 0.4])


def test_labels_are_few_and_evenly_spaced() -> None:
    axes = Figure().subplots()
    log_with_zero(axes, np.geomspace(1.0, 64.0, 7), ticks=3)
    # Ticks are rounded by the logarithm: a relative 1e-12 is far above round-off.
    np.testing.assert_allclose(axes.get_xticks(), [1.0, 8.0, 64.0], rtol=1e-12)
    np.testing.assert_allclose(axes.get_xticks(minor=True), [2.0, 4.0, 16.0, 32.0], rtol=1e-12)


def test_labels_of_many_values_are_short_and_apart() -> None:
    axes = Figure().subplots()
    place = log_with_zero(axes, np.array([0.0, *np.geomspace(8e-4, 0.8, 60)]))
    at = np.array(sorted(axes.get_xticks()))
    assert np.all(np.diff(np.log10(at)) > 0.1 * 3.0)  # of three decades
    assert at[0] == place(np.zeros(1))[0]
    labels = [axes.xaxis.get_major_formatter()(x, 0) for x in at]
    assert labels[:2] == ["0", "0.0008"]
    assert max(map(len, labels)) <= 7


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0.5, 200.0), {"1", "10", "100"}),
        ((0.3, 4.0), {"0.5", "1", "2"}),
        ((0.055, 0.075), {"0.06", "0.07"}),
    ],
)
def test_logarithmic_axes_have_labels_however_few_decades_they_span(
    limits: tuple[float, float], expected: set[str]
) -> None:
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    log_decades(axes, "y")
    low, high = limits
    assert {f"{tick:g}" for tick in axes.get_yticks() if low <= tick <= high} == expected
    assert all(axes.yaxis.get_minor_formatter()(x, 0) == "" for x in (0.2, 0.06, 30.0))


def test_ladder_starts_black_only_at_zero() -> None:
    colours = ladder([0.0, 1.0, 2.0])
    assert colours[0] == BLACK
    assert BLACK not in colours[1:]
    assert len(set(colours)) == 3


def test_few_keeps_both_ends() -> None:
    assert few(np.arange(9.0), 3) == [0, 4, 8]
    assert few(np.arange(2.0), 5) == [0, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.123, "0.12"),
        (-0.5, "−0.5"),
        (-1.34e-4, "−1.3e−4"),
        (-423.0, "−423"),
        (2.5e5, "2.5e5"),
    ],
)
def test_signed_is_short_and_keeps_the_sign(value: float, text: str) -> None:
    assert signed(value) == text


def test_hollow_markers_are_see_through() -> None:
    assert Look(BLACK, hollow=True).markers["markerfacecolor"] == "none"
    assert Look(BLACK).markers["markerfacecolor"] == BLACK


def test_every_term_of_a_budget_has_a_look_of_its_own() -> None:
    terms = (*TERMS, *EXTERNAL, *SHEAR, ITO)
    assert set(terms) <= set(TERM_LABEL)
    assert len({TERM_LABEL[term] for term in terms}) == len(terms)
    assert len({TERM_COLOUR[term] for term in terms}) == len(terms) <= len(MARKERS)
