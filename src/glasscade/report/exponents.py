"""The table of exponents of one model: what was measured, where, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, log10

from glasscade.regularity.exponents import ANSWERED, FLAGS, Flag
from glasscade.report.numbers import MISSING, measured, plain, window

SOURCES = {
    "measured": "measured",
    "poisson": "null: Poisson points",
    "liquid": "null: equilibrium liquid",
    "shuffled": "null: shuffled phases",
}
FIELDS = {"density": "ρ", "force": "F"}


@dataclass(frozen=True)
class Exponent:
    """ξ_3 of one source and field over the whole cell, by the estimator of the verdicts.

    Attributes
    ----------
    source, field : str
        Keys of `SOURCES` and `FIELDS`.
    temperature : float
    known : float
        The exponent of a synthetic density; NaN where none is known.
    value, low, high : float
        The exponent with its interval; NaN where it is refused.
    raw : float
        The slope as measured.
    flag : str
        A key of `FLAGS`.
    start, stop : float
        The scaling range; where there is none, the range searched.
    samples : int
        Number of independent samples.
    """

    source: str
    field: str
    temperature: float
    known: float
    value: float
    low: float
    high: float
    raw: float
    flag: Flag
    start: float
    stop: float
    samples: int


def exponent_rows(exponents: Iterable[Exponent]) -> list[dict[str, str]]:
    """What the page shows of each exponent, as words."""
    return [_row(each) for each in exponents]


def _row(each: Exponent) -> dict[str, str]:
    shown = measured(each.value, each.low, each.high)
    reason = FLAGS[each.flag]
    given, smooth = each.flag in ANSWERED, each.flag == "smooth"
    # That of a smooth field is 1 by definition, and rests on no range.
    ranged = not smooth and each.flag != "no_range"
    return {
        "source": _source(each),
        "field": FIELDS[each.field],
        "value": plain(each.value) if smooth else shown.value if given else MISSING,
        "interval": shown.interval if given and not smooth else MISSING,
        "known": reason if given else f"refused (slope {plain(round(each.raw, 2))}): {reason}",
        "range": window("r", each.start, each.stop) if ranged else MISSING,
        "decades": f"{log10(each.stop / each.start):.2f}" if ranged else MISSING,
        "samples": str(each.samples),
    }


def _source(each: Exponent) -> str:
    """The source with the exponent it was made with, or its temperature above 0."""
    if isfinite(each.known):
        return f"H = {plain(each.known)}"
    above = f", T = {plain(each.temperature)}" if each.temperature > 0.0 else ""
    return SOURCES[each.source] + above
