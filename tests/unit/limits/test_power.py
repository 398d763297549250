"""The number named is the one that decides: counted in simulations, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import nctdtr, stdtrit

from glasscade.limits.extrapolation import Limit
from glasscade.limits.power import MOST, POWER, chance, for_all, n_to_decide
from glasscade.limits.verdicts import at_least, at_most, equal
from glasscade.regularity.fits import interval

LEVEL = 0.9
TESTS = {"equal": equal, "at_least": at_least, "at_most": at_most}


def measured(value: float, scatter: float, systematic: float, count: int = 6) -> Limit:
    """What `count` realisations of this scatter would give on the average."""
    half = stdtrit(count - 1, 0.5 * (1.0 + LEVEL)) * scatter / np.sqrt(count)
    return Limit.around(value, float(half), systematic, (0.1, 0.8), count)


@pytest.mark.parametrize(
    ("value", "scatter", "systematic", "claim"),
    [
        (0.3, 1.0, 0.0, "equal"),
        (0.0, 1.0, 0.2, "equal"),  # both edges at the same distance
        (-0.8, 0.2, 0.05, "equal"),
        (1.5, 0.8, 0.1, "equal"),  # to be found violated
        (0.2, 1.0, 0.0, "at_most"),
        (1.4, 0.6, 0.1, "at_most"),
        (-0.5, 0.5, 0.2, "at_least"),
    ],
)
def test_as_many_realisations_decide_as_often_as_was_asked(value, scatter, systematic, claim, rng):
    """Against a reference of 0 and a margin of 1."""
    needed = n_to_decide(measured(value, scatter, systematic), 0.0, 1.0, LEVEL, claim)
    assert 2.0 < needed < 200.0
    studies = 1000
    mean = interval(value + scatter * rng.normal(size=(int(needed), studies)), LEVEL)
    decided = sum(
        TESTS[claim](Limit.around(v, half, systematic, (0.1, 0.8), 9), 0.0, 1.0) != "inconclusive"
        for v, half in zip(mean.value, mean.half_width, strict=True)
    )
    # three binomial standard deviations of 1000 studies, 0.028
    assert decided / studies >= POWER - 0.028
    # One realisation fewer would not do; near two a single one changes much.
    assert decided / studies <= POWER + 0.028 + 0.5 / needed


def test_without_a_systematic_part_it_is_the_noncentral_t():
    """P(mean + t s/√n <= edge) with edge δ above the mean: t distributed with the centre δ√n/σ."""
    for n, edge in ((4, 0.9), (12, 0.5)):
        t = stdtrit(n - 1, 0.5 * (1.0 + LEVEL))
        exact = 1.0 - nctdtr(n - 1, edge * np.sqrt(n), t)
        found = chance(n, np.array([-np.inf, edge]), 1.0, 0.0, LEVEL)
        # 64 quantiles of χ²: the midpoint rule, worst for few degrees; violated by chance: 1e-3
        assert found == pytest.approx(exact, abs=5e-3)


def test_more_realisations_are_needed_nearer_to_the_edge_and_with_more_scatter():
    def needed(value: float, scatter: float = 1.0, systematic: float = 0.1) -> float:
        return n_to_decide(measured(value, scatter, systematic), 0.0, 1.0, LEVEL)

    towards = [needed(value) for value in (0.0, 0.4, 0.6, 0.8)]
    assert towards == sorted(towards)
    assert len(set(towards)) == 4
    # four times as many for twice the scatter, once there are enough for a t of 1.7
    assert needed(0.7, 4.0) / needed(0.7, 2.0) == pytest.approx(4.0, rel=0.1)
    assert needed(0.7, 1.0, 0.2) > needed(0.7, 1.0, 0.1)


@pytest.mark.parametrize(
    "limit",
    [
        measured(0.8, 1.0, 0.2),  # the systematic part alone reaches the margin
        measured(1.0, 1.0, 0.0),  # on the edge
        measured(1.1, 1.0, 0.1),  # outside, and reaching back
        Limit.around(0.5, 0.0, 0.7, (0.1, 0.8), 1),  # nothing random
        Limit(0.5, np.nan, np.nan, 0.1, 0.8, 6),  # no interval, as outside a domain
        Limit(np.nan, np.nan, np.nan, np.nan, np.nan, 6),
        measured(1.0 - 1e-4, 1.0, 0.0),  # more than MOST
    ],
)
def test_where_no_number_decides(limit):
    assert n_to_decide(limit, 0.0, 1.0, LEVEL) == np.inf


def test_a_scatter_that_is_not_known_leaves_the_number_unknown():
    alone = Limit.around(0.5, np.inf, 0.1, (0.1, 0.8), 1)
    assert np.isnan(n_to_decide(alone, 0.0, 1.0, LEVEL))
    parts_unknown = Limit(0.5, -0.7, 1.7, 0.1, 0.8, 6)
    assert np.isnan(n_to_decide(parts_unknown, 0.0, 1.0, LEVEL))


def test_the_number_does_not_depend_on_how_many_there_were():
    few, many = (measured(0.5, 1.0, 0.1, count) for count in (3, 60))
    assert n_to_decide(few, 0.0, 1.0, LEVEL) == n_to_decide(many, 0.0, 1.0, LEVEL)
    assert n_to_decide(replace(few, realisations=60), 0.0, 1.0, LEVEL) <= MOST


def test_several_verdicts_need_the_most():
    assert for_all([3.0, 40.0]) == 40.0
    assert for_all([3.0, np.nan, np.inf]) == np.inf
    assert np.isnan(for_all([3.0, np.nan]))
