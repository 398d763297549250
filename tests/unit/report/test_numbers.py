from __future__ import annotations

from math import inf, nan

import pytest

from glasscade.report.numbers import measured, plain, window, would_decide


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0 / 3.0, "0.3333"),
        (-0.00025, "−0.00025"),
        (8192.0, "8192"),
        (9999.9, "1 × 10⁴"),
        (9999.4, "9999"),
        (65536.0, "6.554 × 10⁴"),
        (-1e-12, "−1 × 10⁻¹²"),
        (nan, "–"),
        (inf, "∞"),
        (-inf, "−∞"),
    ],
)
def test_a_number_alone_has_four_digits(x: float, shown: str) -> None:
    assert plain(x) == shown


def test_digits_reach_the_second_one_of_the_interval() -> None:
    shown = measured(0.123456, 0.121, 0.126)
    assert (shown.value, shown.interval) == ("0.1235", "0.1210 to 0.1260")
    assert shown.both == "0.1235 (0.1210 to 0.1260)"


def test_value_and_interval_share_a_power_of_ten() -> None:
    shown = measured(-2.3e-15, -6.4e-15, 1.8e-15)
    assert shown.value == "−2.3 × 10⁻¹⁵"
    assert shown.interval == "(−6.4 to 1.8) × 10⁻¹⁵"
    assert shown.both == "−2.3 (−6.4 to 1.8) × 10⁻¹⁵"


def test_an_interval_much_wider_than_the_value_rounds_it() -> None:
    assert measured(1e-9, -0.5, 0.5).both == "0.00 (−0.50 to 0.50)"
    assert measured(-1e-9, -0.5, 0.5).value == "0.00"


def test_a_number_without_scatter_has_four_digits() -> None:
    assert measured(2.0373e-15, 2.0373e-15, 2.0373e-15).value == "2.037 × 10⁻¹⁵"
    assert measured(0.0, 0.0, 0.0).both == "0.000 (0.000 to 0.000)"


def test_an_interval_of_vanishing_width_keeps_eight_digits() -> None:
    assert measured(1.0, 1.0 - 1e-14, 1.0 + 1e-14).value == "1.0000000"


def test_what_is_not_known_is_said() -> None:
    assert measured(nan, nan, nan).both == "no value"
    assert measured(0.9, 0.2, inf).both == "0.90 (0.20 to ∞)"
    assert measured(0.9, -inf, inf).interval == "−∞ to ∞"
    assert window("T", nan, 1.0) == "–"


def test_a_window_says_of_what_it_is() -> None:
    assert window("T", 0.5, 1.0) == "T = 0.5 to 1"
    assert window("ℓ", 0.25, 0.25) == "ℓ = 0.25"


def test_a_value_without_interval_stands_alone() -> None:
    found = measured(-21.5669, nan, nan)
    assert (found.value, found.interval, found.both) == ("−21.57", "–", "−21.57")


@pytest.mark.parametrize(
    ("realisations", "says"),
    [
        (40.0, "40 realisations would decide"),
        (inf, "no number of realisations would decide"),
        (nan, ""),
    ],
)
def test_how_many_would_decide(realisations: float, says: str) -> None:
    assert would_decide(realisations) == says
