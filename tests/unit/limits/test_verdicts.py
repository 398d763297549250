"""Every test on an interval can come out in all three ways, and never by accident."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import (
    CHECKS,
    COLUMNS,
    at_least,
    at_most,
    equal,
    one_of,
    together,
)
from glasscade.regularity.fits import interval as mean_of


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
        "region",
        "value",
        "ci_low",
        "ci_high",
        "reference",
        "tolerance",
        "verdict",
        "n_realisations",
        "fit_low",
        "fit_high",
        "n_to_decide",
    )
    assert len(set(CHECKS)) == len(CHECKS) == 10


@pytest.mark.parametrize(
    ("alone", "corrected", "expected"),
    [
        (("holds", "holds"), ("holds", "inconclusive"), "holds"),
        (("holds", "violated"), ("holds", "violated"), "violated"),
        (("holds", "violated"), ("holds", "inconclusive"), "inconclusive"),
        (("holds", "inconclusive"), ("holds", "inconclusive"), "inconclusive"),
        (("violated", "inconclusive"), ("violated", "inconclusive"), "violated"),
    ],
)
def test_all_must_hold_and_one_violated_beyond_chance_is_enough(alone, corrected, expected):
    assert together(alone, corrected) == expected


def test_one_of_several_comparisons_has_the_interval_of_a_higher_level():
    samples = np.array([0.3, 0.1, 0.4, 0.2, 0.7])
    for comparisons in (1, 5):
        alone, wide = (mean_of(samples, 1.0 - 0.1 / m) for m in (1, comparisons))
        limit = Limit.around(0.34, float(alone.half_width), 0.05, (0.1, 0.8), 5)
        corrected = one_of(limit, comparisons, 0.9)
        assert corrected.statistical == pytest.approx(float(wide.half_width))
        assert corrected.systematic == limit.systematic
        assert corrected.half_width == pytest.approx(np.hypot(wide.half_width, 0.05))
        # parts not known apart are all taken for scatter
        plain = Limit(0.34, 0.34 - alone.half_width, 0.34 + alone.half_width, 0.1, 0.8, 5)
        assert one_of(plain, comparisons, 0.9).half_width == pytest.approx(float(wide.half_width))
    still = Limit.around(0.34, 0.0, 0.05, (0.1, 0.8), 1)
    assert one_of(still, 5, 0.9) == still


def test_many_regions_raise_no_more_false_alarms_than_one(rng):
    """Five quantities on the edge of the margin: each alone violates it in 5 % of all studies."""
    studies, regions = 1000, 5
    alarms = {"alone": 0, "together": 0}
    for _ in range(studies):
        mean = mean_of(1.0 + rng.normal(size=(6, regions)), 0.9)
        limits = [
            Limit.around(v, h, 0.0, (0.1, 0.8), 6)
            for v, h in zip(mean.value, mean.half_width, strict=True)
        ]
        alone = [equal(limit, 0.0, 1.0) for limit in limits]
        corrected = [equal(one_of(limit, regions, 0.9), 0.0, 1.0) for limit in limits]
        alarms["alone"] += "violated" in alone
        alarms["together"] += together(alone, corrected) == "violated"
    # 1 - 0.95⁵ = 0.226 uncorrected; 0.05 corrected; three binomial standard deviations
    assert alarms["alone"] / studies == pytest.approx(0.226, abs=0.040)
    assert alarms["together"] / studies <= 0.05 + 0.021
