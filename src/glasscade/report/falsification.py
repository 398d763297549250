"""What would falsify the claims of a study, and whether it happened in this run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from glasscade.limits.verdicts import Verdict
from glasscade.report import labels
from glasscade.report.answers import Findings, Mark, outcome_of


@dataclass(frozen=True)
class Condition:
    """One way to be wrong.

    Attributes
    ----------
    text : str
        What would have to be seen.
    mark, word : str
        Whether it was.
    where : tuple of (model, quantity in words)
        The rows that show it, or leave it open.
    """

    text: str
    mark: Mark
    word: str
    where: tuple[tuple[str, str], ...]


def conditions(findings: Iterable[Findings]) -> tuple[Condition, ...]:
    """All conditions, in the order in which a sceptic would look at them."""
    known = tuple(findings)

    def rows(*checks: str) -> list[Verdict]:
        return [row for f in known for check in checks for row in f.of(check)]

    return (
        _condition(
            "A control fails: an exact answer is missed, an anomaly appears where everything is "
            "smooth, or a known exponent is not recovered.",
            rows("control", "exponent_recovery"),
        ),
        _condition(
            "The balance does not close: a residual above round-off at one time, or above the "
            "error of the time integral.",
            rows("closure"),
        ),
        _commutation(known),
        _condition(
            "A flux without roughness: lim Q^{flux}_{ℓ} is not zero while the interval of ξ_{3} "
            "lies above 1/3.",
            rows("criterion"),
        ),
        _condition(
            "The limit of the flux by one kernel differs from that by another.",
            rows("kernel_independence"),
        ),
        _condition(
            "A theorem is contradicted: the flux falls more slowly with ℓ than the measured "
            "regularity allows, or the thermal term at fixed ℓ does not vanish in proportion to T.",
            rows("flux_bound", "direct_terms_vanish"),
        ),
    )


def _commutation(findings: tuple[Findings, ...]) -> Condition:
    """A ≠ B, which counts only where the numerics of the same model are beyond suspicion."""
    text = (
        "A − B excludes zero by more than its margin while the time step, the number of particles "
        "and the kernel change nothing. Closure and the kernel are checked with it; time step and "
        "number of particles by models or studies that differ in them."
    )
    seen = _condition(text, [row for f in findings for row in f.commutation])
    if seen.mark != "violated":
        return seen
    convicted = [
        f
        for f in findings
        if f.commutation and outcome_of(f.commutation) == "violated" and _sound(f)
    ]
    if convicted:
        return seen
    return Condition(text, "inconclusive", "not decided: the numerics are suspect", seen.where)


def _sound(findings: Findings) -> bool:
    """Whether closure was tested, and neither it nor independence of the kernel is violated."""
    closure, kernels = findings.of("closure"), findings.of("kernel_independence")
    return bool(closure) and outcome_of(closure + kernels) != "violated"


def _condition(text: str, rows: list[Verdict]) -> Condition:
    if not rows:
        return Condition(text, "none", "not tested in this study", ())
    outcome = outcome_of(rows)
    where = tuple(
        (row.model, labels.quantity(row.quantity, row.region))
        for row in rows
        if row.verdict == outcome
    )
    if outcome == "holds":
        return Condition(text, "holds", f"not seen in {len(rows)} rows", ())
    word = "seen" if outcome == "violated" else "not decided"
    return Condition(text, outcome, word, where)
