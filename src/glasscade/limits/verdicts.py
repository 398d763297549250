"""Three-valued verdicts on intervals: holds, violated, inconclusive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from glasscade.limits.extrapolation import Limit

CRITICAL = 1.0 / 3.0
"""A flux that does not vanish demands ξ_3 of at most this."""
Outcome = Literal["holds", "violated", "inconclusive"]
CHECKS = (
    "control",
    "closure",
    "commutation",
    "convergence",
    "kernel_independence",
    "direct_terms_vanish",
    "flux_bound",
    "criterion",
    "exponent_recovery",
    "dissipation_scale",
)


GLOBAL, TOGETHER = "one", "all"
"""Regions of a verdict that are no bump: φ = 1, and what all test functions say together."""


@dataclass(frozen=True)
class Verdict:
    """One row of `verdicts.csv`.

    `region` is the name of the test function: `GLOBAL` for φ = 1, else a bump; `TOGETHER` for the
    combination of all. `n_to_decide` is how many realisations would decide what is inconclusive,
    infinite if no number would, NaN where the question does not arise.
    """

    model: str
    check: str
    quantity: str
    region: str
    value: float
    ci_low: float
    ci_high: float
    reference: float
    tolerance: float
    verdict: Outcome
    n_realisations: int
    fit_low: float
    fit_high: float
    n_to_decide: float = np.nan

    @classmethod
    def of(
        cls,
        model: str,
        check: str,
        quantity: str,
        limit: Limit,
        reference: float,
        tolerance: float,
        outcome: Outcome,
        region: str = GLOBAL,
        n_to_decide: float = np.nan,
    ) -> Verdict:
        """The row of a limit and what has been made of it."""
        return cls(
            model,
            check,
            quantity,
            region,
            limit.value,
            limit.low,
            limit.high,
            reference,
            tolerance,
            outcome,
            limit.realisations,
            limit.fit_low,
            limit.fit_high,
            n_to_decide,
        )


COLUMNS = tuple(field.name for field in fields(Verdict))


def equal(limit: Limit, reference: float, tolerance: float) -> Outcome:
    """Equivalence test: the interval inside reference ± tolerance holds, outside is violated."""
    low, high = limit.low - reference, limit.high - reference
    if not (np.isfinite(low) and np.isfinite(high)):
        return "inconclusive"
    if -tolerance <= low and high <= tolerance:
        return "holds"
    return "violated" if low > tolerance or high < -tolerance else "inconclusive"


def at_least(limit: Limit, reference: float, tolerance: float) -> Outcome:
    """value >= reference - tolerance: holds for the whole interval, for none of it, or for part."""
    if not (np.isfinite(limit.low) and np.isfinite(limit.high)):
        return "inconclusive"
    if limit.low >= reference - tolerance:
        return "holds"
    return "violated" if limit.high < reference - tolerance else "inconclusive"


def at_most(limit: Limit, reference: float, tolerance: float) -> Outcome:
    """The claim value <= reference."""
    mirrored = replace(limit, value=-limit.value, low=-limit.high, high=-limit.low)
    return at_least(mirrored, -reference, tolerance)


def one_of(limit: Limit, comparisons: int, level: float) -> Limit:
    """The interval of a limit that is one of several to be judged together, by Bonferroni.

    The statistical part is taken at the level 1 - (1 - level)/comparisons, the systematic part as
    it is. Where the two are not known apart all is taken for statistical.
    """
    if comparisons == 1 or limit.realisations < 2:
        return limit
    degrees = limit.realisations - 1
    wide, narrow = (
        float(stdtrit(degrees, 1.0 - 0.5 * (1.0 - level) / number)) for number in (comparisons, 1)
    )
    apart = np.isfinite(limit.statistical) and np.isfinite(limit.systematic)
    statistical = limit.statistical if apart else limit.half_width
    more = statistical * float(np.sqrt((wide / narrow) ** 2 - 1.0))
    return limit.widened(statistical=more)


def together(alone: Iterable[Outcome], corrected: Iterable[Outcome]) -> Outcome:
    """The verdict on a claim that is made for every region.

    Violated if any region violates it with the interval of `one_of`, so that the chance of a false
    alarm anywhere is that of a single test (the first step of Holm's procedure is the same). Holds
    if every region holds alone, which needs no correction: the claim is the intersection of theirs,
    and fails to be seen false no more often than the weakest test allows. Else inconclusive.
    """
    if "violated" in corrected:
        return "violated"
    return "holds" if set(alone) == {"holds"} else "inconclusive"
