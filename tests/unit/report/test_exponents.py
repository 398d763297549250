"""The table of exponents: numbers, words for what is known, and nulls beside what is measured."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from glasscade.regularity.exponents import ANSWERED, FLAGS, Flag
from glasscade.report.exponents import exponent_rows
from report_data import exponent

REFUSED: list[Flag] = [flag for flag in FLAGS if flag not in ANSWERED]


def test_an_exponent_is_shown_with_interval_range_and_samples() -> None:
    (row,) = exponent_rows([exponent()])
    assert row == {
        "source": "measured",
        "field": "ρ",
        "value": "0.300",
        "interval": "0.280 to 0.320",
        "known": "measured over a scaling range of a decade or more",
        "range": "r = 0.01 to 1",
        "decades": "2.00",
        "samples": "6",
    }


@pytest.mark.parametrize("flag", REFUSED)
def test_a_refused_exponent_has_a_reason_and_no_value(flag: Flag) -> None:
    none = replace(exponent(), flag=flag, value=nan, low=nan, high=nan, raw=-1.204)
    (row,) = exponent_rows([none])
    assert (row["value"], row["interval"]) == ("–", "–")
    assert row["known"] == f"refused (slope −1.2): {FLAGS[flag]}"


@pytest.mark.parametrize("flag", ["no_range", "smooth"])
def test_the_range_searched_is_not_passed_off_as_a_scaling_range(flag: Flag) -> None:
    (row,) = exponent_rows([replace(exponent(), flag=flag)])
    assert (row["range"], row["decades"]) == ("–", "–")


def test_the_exponent_of_a_smooth_field_is_one_without_an_interval() -> None:
    (row,) = exponent_rows([replace(exponent(), flag="smooth", value=1.0, low=1.0, high=1.0)])
    assert (row["value"], row["interval"], row["known"]) == ("1", "–", FLAGS["smooth"])


def test_what_decides_nothing_says_so() -> None:
    (row,) = exponent_rows([replace(exponent(), flag="short")])
    assert row["value"] == "0.300"
    assert row["known"] == FLAGS["short"]


def test_densities_are_named() -> None:
    known = replace(exponent(), known=1.0 / 3.0)
    warm = replace(exponent(), temperature=0.01)
    null = exponent("liquid", "force")
    rows = exponent_rows([known, warm, null])
    names = [row["source"] for row in rows]
    assert names == ["H = 0.3333", "measured, T = 0.01", "null: equilibrium liquid"]
    assert rows[-1]["field"] == "F"
