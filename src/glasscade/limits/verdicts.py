"""Three-valued verdicts on intervals: holds, violated, inconclusive."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from glasscade.limits.extrapolation import Limit

CRITICAL = 1.0 / 3.0
"""A flux that does not vanish demands ξ_3 of at most this."""
Outcome = Literal["holds", "violated", "inconclusive"]
CHECKS = (
    "control",
    "closure",
    "commutation",
    "kernel_independence",
    "direct_terms_vanish",
    "flux_bound",
    "criterion",
    "exponent_recovery",
    "dissipation_scale",
)


@dataclass(frozen=True)
class Verdict:
    """One row of `verdicts.csv`."""

    model: str
    check: str
    quantity: str
    value: float
    ci_low: float
    ci_high: float
    reference: float
    tolerance: float
    verdict: Outcome
    n_realisations: int
    fit_low: float
    fit_high: float


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
    mirrored = Limit(
        -limit.value,
        -limit.high,
        -limit.low,
        limit.fit_low,
        limit.fit_high,
        limit.realisations,
    )
    return at_least(mirrored, -reference, tolerance)
