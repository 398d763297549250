"""The abstract: what each model answers to the three questions, in words made from verdicts.

No sentence claims more than the rows behind it: an interval across its margin is undecided, and a
question without a row has no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, isnan
from typing import Literal

from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import CRITICAL, GLOBAL, Outcome, Verdict
from glasscade.report import labels, regions
from glasscade.report.kinds import Kind
from glasscade.report.numbers import measured, plain, would_decide

Mark = Literal["holds", "violated", "inconclusive", "none"]

ANOMALY = "an anomaly"
JOINT = "A_minus_joint_"
"""How quantities of the joint paths begin."""
SPLIT = {
    "lim_Q_thermal": "lim Q^{thermal}",
    "lim_Q_flux": "lim Q^{flux}_{ℓ}",
    "H": "H",
}


@dataclass(frozen=True)
class Findings:
    """What is known of one model.

    Attributes
    ----------
    model : str
    kind : Kind
    rows : verdicts of the model
    split : limits by name
        For φ = 1 and the first kernel; empty for a model without limits.
    """

    model: str
    kind: Kind
    rows: tuple[Verdict, ...]
    split: dict[str, Limit]

    def of(self, check: str) -> list[Verdict]:
        """The rows of one check on the whole: φ = 1, and all φ together."""
        return [row for row in regions.of_box(self.rows) if row.check == check]

    def local(self, check: str) -> list[Verdict]:
        """Those of single regions."""
        whole = self.of(check)
        return [row for row in self.rows if row.check == check and row not in whole]

    @property
    def commutation(self) -> list[Verdict]:
        """The rows on A − B alone."""
        return [row for row in self.of("commutation") if row.quantity.startswith("A_minus_B")]


@dataclass(frozen=True)
class Answer:
    """What one model answers to one question: a word for the impatient, then sentences."""

    model: str
    mark: Mark
    word: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """One of the three questions with the answers of all models."""

    title: str
    answers: tuple[Answer, ...]


def questions(findings: Iterable[Findings]) -> tuple[Question, ...]:
    """The three questions, answered by every model."""
    known = tuple(findings)
    return (
        Question("At which scale is stress dissipated?", tuple(scale(f) for f in known)),
        Question("Do the limits T → 0 and ℓ → 0 commute?", tuple(commutation(f) for f in known)),
        Question("How rough must the density be?", tuple(roughness(f) for f in known)),
    )


def outcome_of(rows: Iterable[Verdict]) -> Outcome:
    """The worst of several verdicts: violated, then inconclusive, then holds."""
    verdicts = {row.verdict for row in rows}
    worst: tuple[Outcome, ...] = ("violated", "inconclusive", "holds")
    return next(verdict for verdict in worst if verdict in verdicts)


def scale(findings: Findings) -> Answer:
    """ℓ_½ with its interval for every T, and whether it moves with T."""
    rows = findings.of("dissipation_scale")
    decided = [row for row in rows if row.verdict == "holds"]
    if not rows:
        return Answer(findings.model, "none", "no answer", (_sentence(findings.kind.no_scale),))
    sentences = []
    if decided:
        values = ", ".join(f"{_both(row)} at {_condition(row)}" for row in decided)
        sentences.append(f"Half of a change of stress is resolved at ℓ_{{½}} = {values}.")
        sentences += _trend(decided)
    missing = [row for row in rows if row.verdict != "holds"]
    if missing:
        places = ", ".join(_condition(row) for row in missing)
        sentences.append(
            f"At {places} no run of this study decides: R(ℓ) does not cross one half between "
            f"ℓ = {plain(missing[0].fit_low)} and {plain(missing[0].fit_high)} in every "
            "realisation."
        )
    word = "measured" if not missing else "measured in part" if decided else "not decided"
    return Answer(findings.model, "inconclusive" if missing else "holds", word, tuple(sentences))


def _condition(row: Verdict) -> str:
    """T = 0.1, out of the name of a scale."""
    match = re.fullmatch(r"ell_half_(?:(.*)_)?T(.+)", row.quantity)
    if match is None:
        return row.quantity
    return f"T = {match.group(2)}" + (f" ({match.group(1)})" if match.group(1) else "")


def _trend(rows: list[Verdict]) -> list[str]:
    """Whether the scales of the lowest and the highest T differ by more than their intervals."""
    if len(rows) < 2:
        return []
    cold, hot = rows[0], rows[-1]
    if cold.ci_low <= hot.ci_high and hot.ci_low <= cold.ci_high:
        return [f"The intervals at {_condition(cold)} and {_condition(hot)} overlap."]
    grows = hot.value > cold.value
    back = any(
        (after.ci_high < before.ci_low) if grows else (after.ci_low > before.ci_high)
        for before, after in combinations(rows, 2)
    )
    moves = "goes up and down" if back else "grows" if grows else "shrinks"
    return [f"It {moves} with T: the intervals at {_condition(cold)} and {_condition(hot)} differ."]


def commutation(findings: Findings) -> Answer:
    """A − B against its margin, and the split into thermal limit, flux limit and H."""
    rows = findings.commutation
    if not rows:
        return Answer(findings.model, "none", "no answer", (_sentence(findings.kind.no_limits),))
    outcome = outcome_of(rows)
    word = {"holds": "commute", "violated": "do not commute", "inconclusive": "undecided"}[outcome]
    first, *others = (_difference(row) for row in rows)
    sentences = [f"{first[0].upper()}{first[1:]}.", *(f"Also {text}." for text in others)]
    margin = next(row.tolerance for row in rows)
    split = [
        _part(name, findings.split[name], margin, findings.kind)
        for name in SPLIT
        if name in findings.split
    ]
    if split:
        sentences.append("; ".join(split) + ".")
    sentences += _paths(findings)
    return Answer(findings.model, outcome, word, tuple(sentences))


def _paths(findings: Findings) -> list[str]:
    """What the joint paths say: whether all terms tend to A, and how heat and flux share them."""
    rows = [
        row
        for row in findings.of("commutation")
        if row.quantity.startswith(JOINT) and row.region == GLOBAL
    ]
    sentences = []
    for row in rows:
        alpha = row.quantity.removeprefix(JOINT)
        says = {
            "holds": "all terms together tend to A as well",
            "violated": "all terms together do not tend to A",
            "inconclusive": "it is undecided whether all terms together tend to A",
        }[row.verdict]
        text = f"Along ℓ ∝ T^{{{alpha}}} {says}, A − their limit = {_both(row)}"
        if share := _share(findings.split, alpha):
            text += f"; {share}"
        sentences.append(f"{text}.")
    return sentences


def _share(split: dict[str, Limit], alpha: str) -> str:
    """The limits of the thermal term and of the flux along a path, which depend on the path."""
    names = {"Q_thermal": "Q^{thermal}_{ℓ}", "Q_flux": "Q^{flux}_{ℓ}"}
    parts = {name: split.get(f"{name}_joint_{alpha}") for name in names}
    shown = [
        f"{names[name]} to {measured(limit.value, limit.low, limit.high).both}"
        for name, limit in parts.items()
        if limit is not None and isfinite(limit.value)
    ]
    return f"{' and '.join(shown)} there" if shown else ""


def _difference(row: Verdict) -> str:
    """One row on A − B."""
    name, margin = labels.quantity(row.quantity, row.region), f"±{plain(row.tolerance)}"
    says = {
        "holds": f"is zero within the margin {margin}",
        "violated": f"is not zero: the interval lies outside the margin {margin}",
        "inconclusive": f"is undecided: the interval reaches across the margin {margin}",
    }[row.verdict]
    if not isfinite(row.ci_low) or not isfinite(row.ci_high):
        says = f"is undecided: there is no finite interval to compare with the margin {margin}"
    needed = would_decide(row.n_to_decide)
    return f"{name} = {_both(row)} {says}" + (f", and {needed}" if needed else "")


def _part(name: str, limit: Limit, margin: float, kind: Kind) -> str:
    """One part of the split; an anomaly is one whose interval excludes zero."""
    both = measured(limit.value, limit.low, limit.high).both
    if name == "lim_Q_flux" and kind.flux_theorem:
        found = "decides nothing" if isnan(limit.low) else f"gives {both}"
        return f"{SPLIT[name]} is {kind.flux_theorem}; the extrapolation {found}"
    return f"{SPLIT[name]} = {both}, {anomaly(limit, margin)}"


def anomaly(limit: Limit, margin: float) -> str:
    """Whether a limit is an anomaly, with what the margin adds to that."""
    if not (isfinite(limit.low) and isfinite(limit.high)):
        return "undecided: it has no finite interval"
    within = -margin <= limit.low and limit.high <= margin
    if limit.low <= 0.0 <= limit.high:
        return "no anomaly" if within else "undecided: zero and more than the margin are possible"
    if within:
        return "not zero but smaller than the margin: negligible"
    beyond = limit.low > margin or limit.high < -margin
    return ANOMALY if beyond else "an anomaly that may be smaller than the margin"


def roughness(findings: Findings) -> Answer:
    """ξ_3 against 1/3, and whether there is a flux that demands anything of it."""
    rows = findings.of("criterion")
    if not rows:
        return _estimators(findings)
    worst = outcome_of(rows)
    parts = [(row.verdict, _criterion(row, findings)) for row in rows]
    mark, word = next(part[:2] for verdict, part in parts if verdict == worst)
    sentences = [_criterion(row, findings)[2] for row in rows if row.region == GLOBAL]
    if local := findings.local("criterion"):
        sentences.append(f"Region by region, {regions.counted(local)}.")
    return Answer(findings.model, mark, word, tuple(sentences))


def _estimators(findings: Findings) -> Answer:
    """A model without a limit of the flux, which may still say what ξ_3 is worth."""
    sentences = [_sentence(findings.kind.no_criterion)]
    rows = findings.of("exponent_recovery")
    if rows:
        good = sum(row.verdict == "holds" for row in rows)
        trusted = "can" if good == len(rows) else "cannot yet"
        sentences.append(
            f"{good} of {len(rows)} known exponents are recovered within "
            f"{plain(rows[0].tolerance)}: ξ_{{3}} {trusted} be trusted where it was tested."
        )
    return Answer(findings.model, "none", "no answer", tuple(sentences))


def _criterion(row: Verdict, findings: Findings) -> tuple[Mark, str, str]:
    """Mark, word and sentence of one row."""
    value = "has no value" if isnan(row.value) else f"= {_both(row)}"
    xi = f"ξ_{{3}} {value}, {_against_critical(row)}"
    demands_nothing = "the one-way criterion demands nothing of the density"
    if findings.kind.flux_theorem and row.verdict != "violated":
        text = f"The limit of the flux is zero by theorem, so {demands_nothing}; {xi}."
        return "none", "nothing demanded", text
    if row.quantity.startswith("xi_3_no_flux"):
        return "none", "nothing demanded", f"The flux vanishes, so {demands_nothing}; {xi}."
    if row.verdict == "violated":
        text = (
            "The flux does not vanish although the density is too smooth for it, which contradicts "
            f"the criterion: {xi}."
        )
        return "violated", "contradicted", text
    if row.verdict == "inconclusive":
        needed = would_decide(row.n_to_decide)
        more = f"; {needed}" if needed else ""
        text = f"Whether the density is as rough as a flux demands is undecided: {xi}{more}."
        return "inconclusive", "undecided", text
    text = (
        f"{_flux(findings)}, and the density is as rough as the criterion demands of a flux, "
        f"ξ_{{3}} ≤ 1/3: {xi}. Roughness alone would not prove a flux."
    )
    return "holds", "rough enough", text


def _flux(findings: Findings) -> str:
    """Whether the limit of the flux is known not to vanish."""
    rows, limit = findings.commutation, findings.split.get("lim_Q_flux")
    if rows and limit is not None and anomaly(limit, rows[0].tolerance) == ANOMALY:
        return "The flux does not vanish"
    return "The flux is not shown to vanish"


def _against_critical(row: Verdict) -> str:
    if not (isfinite(row.ci_low) and isfinite(row.ci_high)):
        return "outside the domain of the estimator and not used"
    if row.ci_high < CRITICAL:
        return "below 1/3"
    return "above 1/3" if row.ci_low > CRITICAL else "not to be told from 1/3"


def _both(row: Verdict) -> str:
    return measured(row.value, row.ci_low, row.ci_high).both


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
