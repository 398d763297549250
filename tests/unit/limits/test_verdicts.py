"""Every test on an interval can come out in all three ways, and never by accident."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import CHECKS, COLUMNS, at_least, at_most, equal


def interval(low, high):
    return Limit(0.5 * (low + high), low, high, 0.1, 0.8, 6)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.95, 2.05, "holds"),
        (1.9, 2.1, "holds"),  # both ends on the margin
        (2.0, 2.0, "holds"),
        (1.85, 2.05, "inconclusive"),  # over the lower margin
        (1.95, 2.15, "inconclusive"),  # over the upper one
        (1.0, 3.0, "inconclusive"),  # over both
        (2.1, 2.3, "inconclusive"),  # touches it from outside
        (2.11, 2.3, "violated"),
        (1.7, 1.89, "violated"),
        (-np.inf, np.inf, "inconclusive"),
    ],
)
def test_equal(low, high, expected):
    limit = interval(low, high) if np.isfinite(low) else Limit(2.0, low, high, 0.1, 0.8, 1)
    assert equal(limit, 2.0, 0.1 + 1e-12) == expected  # 2.1 - 2.0 > 0.1 in floating point


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.91, 5.0, "holds"),
        (2.5, 3.0, "holds"),
        (1.5, 2.5, "inconclusive"),
        (1.5, 1.91, "inconclusive"),
        (1.5, 1.89, "violated"),
    ],
)
def test_at_least(low, high, expected):
    assert at_least(interval(low, high), 2.0, 0.1) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.0, 2.09, "holds"),
        (-3.0, -1.0, "holds"),
        (1.5, 2.5, "inconclusive"),
        (2.09, 2.5, "inconclusive"),
        (2.11, 2.5, "violated"),
    ],
)
def test_at_most(low, high, expected):
    assert at_most(interval(low, high), 2.0, 0.1) == expected


@pytest.mark.parametrize("test", [equal, at_least, at_most])
@pytest.mark.parametrize(
    ("low", "high"), [(np.nan, np.nan), (np.nan, 2.0), (2.0, np.nan), (2.0, np.inf), (-np.inf, 2.0)]
)
def test_without_a_finite_interval_nothing_is_concluded(test, low, high):
    assert test(Limit(2.0, low, high, 0.1, 0.8, 1), 2.0, 0.1) == "inconclusive"


def test_columns_are_those_of_the_table_of_verdicts():
    assert COLUMNS == (
        "model",
        "check",
        "quantity",
        "value",
        "ci_low",
        "ci_high",
        "reference",
        "tolerance",
        "verdict",
        "n_realisations",
        "fit_low",
        "fit_high",
    )
    assert len(set(CHECKS)) == len(CHECKS) == 9
