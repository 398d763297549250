"""Verdicts of the regions, one for each bump φ, in a line: they would flood a table."""

from __future__ import annotations

from collections.abc import Iterable

from glasscade.limits.verdicts import GLOBAL, TOGETHER, Verdict
from glasscade.report import labels
from glasscade.report.numbers import would_decide

OUTCOMES = ("holds", "violated", "inconclusive")


def of_box(rows: Iterable[Verdict]) -> list[Verdict]:
    """What is said of the whole: rows for φ = 1, and those of all φ together."""
    return [row for row in rows if row.region in {GLOBAL, TOGETHER}]


def counted(rows: Iterable[Verdict]) -> str:
    """3 of 4 regions hold, 1 inconclusive (bump2: 40 realisations would decide)."""
    local = [row for row in rows if row.region not in {GLOBAL, TOGETHER}]
    hold = sum(row.verdict == "holds" for row in local)
    parts = [f"{hold} of {len(local)} regions hold"]
    for outcome in OUTCOMES[1:]:
        found = [row for row in local if row.verdict == outcome]
        if found:
            parts.append(f"{len(found)} {outcome} ({'; '.join(map(_name, found))})")
    return ", ".join(parts)


def _name(row: Verdict) -> str:
    needed = would_decide(row.n_to_decide)
    return f"{row.region}: {needed}" if needed else row.region


def lines(rows: Iterable[Verdict]) -> list[tuple[str, str, str]]:
    """Model, quantity in words and the count, for everything of a check that has regions."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for row in rows:
        if row.region not in {GLOBAL, TOGETHER}:
            groups.setdefault((row.model, labels.subject(row.quantity)), []).append(row)
    return [(model, subject, counted(found)) for (model, subject), found in groups.items()]
