"""What the rows whose answer is known beforehand say of all others."""

from __future__ import annotations

from collections.abc import Iterable

from glasscade.limits.verdicts import Verdict
from glasscade.report import regions

CHECKS = ("control", "closure", "exponent_recovery")


def of(rows: Iterable[Verdict]) -> list[Verdict]:
    """The rows of these checks on the whole."""
    return [row for row in regions.of_box(rows) if row.check in CHECKS]


def warning(rows: Iterable[Verdict]) -> str:
    """What must be read before any answer: controls that are not right, or absent."""
    known = of(rows)
    if not known:
        return "This study holds no control and no closure: none of its answers is tested."
    failed = sum(row.verdict == "violated" for row in known)
    open_ = sum(row.verdict == "inconclusive" for row in known)
    if failed:
        return (
            f"{failed} of {len(known)} controls and closures fail: until they hold, the answers "
            "of this study should not be believed."
        )
    if open_:
        return (
            f"No control and no closure fails, but {open_} of {len(known)} are inconclusive: "
            "their intervals are wider than their margins, and answers that rest on them are not "
            "yet secured."
        )
    return ""
