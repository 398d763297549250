from __future__ import annotations

from dataclasses import replace
from math import inf, nan

import pytest

from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import Outcome, Verdict
from glasscade.report.answers import (
    Findings,
    anomaly,
    commutation,
    outcome_of,
    questions,
    roughness,
    scale,
)
from glasscade.report.kinds import Kind
from report_data import limit, row

MARGIN = 0.5  # of every row of report_data


def findings(*rows: Verdict, kind: Kind | None = None, **split: Limit) -> Findings:
    return Findings("m", kind or Kind(), rows, split)


def text(answer: object) -> str:
    return " ".join(answer.sentences)  # type: ignore[attr-defined]


def ell_half(temperature: str, value: float, verdict: Outcome = "holds") -> Verdict:
    return row("m", "dissipation_scale", f"ell_half_T{temperature}", verdict, value, 0.1)


def test_every_model_answers_every_question() -> None:
    asked = questions([findings(), findings()])
    assert [len(question.answers) for question in asked] == [2, 2, 2]


@pytest.mark.parametrize("answer", [scale, commutation, roughness])
def test_without_a_row_nothing_is_claimed(answer) -> None:  # type: ignore[no-untyped-def]
    found = answer(findings())
    assert (found.mark, found.word) == ("none", "no answer")
    assert text(found) == "No run of this study decides."


def test_the_worst_verdict_counts() -> None:
    rows = [row("m", "control", "H", verdict) for verdict in ("holds", "inconclusive", "violated")]  # type: ignore[arg-type]
    assert outcome_of(rows) == "violated"
    assert outcome_of(rows[:2]) == "inconclusive"
    assert outcome_of(rows[:1]) == "holds"


# Joint paths


def joint(alpha: str, verdict: Outcome = "holds") -> Verdict:
    return row("m", "commutation", f"A_minus_joint_{alpha}", verdict, 0.01, 0.02)


def test_paths_say_what_all_terms_tend_to_and_how_heat_and_flux_share_it() -> None:
    split = {
        "Q_thermal_joint_1": limit(0.3, 0.01),
        "Q_flux_joint_1": limit(0.7, 0.02),
        "sum_joint_1": limit(-1.0, 0.1),
    }
    rows = [row("m", "commutation", "A_minus_B", "holds", 0.0, 0.1), joint("0.5"), joint("1")]
    found = text(commutation(findings(*rows, **split)))
    assert "Along ℓ ∝ T^{0.5} all terms together tend to A as well, A − their limit = 0.01" in found
    assert (
        "Q^{thermal}_{ℓ} to 0.300 (0.290 to 0.310) and Q^{flux}_{ℓ} to 0.700 (0.680 to 0.720)"
        in found
    )
    assert "T^{0.5}" in found.split("there")[0]
    assert found.count("there") == 1  # nothing is known of the shares along the other path


@pytest.mark.parametrize(
    ("verdict", "words"),
    [("violated", "do not tend to A"), ("inconclusive", "it is undecided whether")],
)
def test_a_path_that_misses_is_named(verdict: Outcome, words: str) -> None:
    rows = [row("m", "commutation", "A_minus_B", "holds", 0.0, 0.1), joint("1", verdict)]
    answer = commutation(findings(*rows))
    assert words in text(answer)
    assert answer.word == "commute"  # which is said of A and B alone


# 1. The scale


def test_scales_are_given_with_intervals_for_every_temperature() -> None:
    found = scale(findings(ell_half("0", 2.0), ell_half("0.1", 2.5)))
    assert (found.mark, found.word) == ("holds", "measured")
    assert "2.00 (1.90 to 2.10) at T = 0, 2.50 (2.40 to 2.60) at T = 0.1" in text(found)


@pytest.mark.parametrize(
    ("hot", "says"),
    [
        (2.5, "It grows with T"),
        (1.5, "It shrinks with T"),
        (2.15, "The intervals at T = 0 and T = 0.1 overlap"),
    ],
)
def test_a_trend_is_claimed_only_beyond_the_intervals(hot: float, says: str) -> None:
    assert says in text(scale(findings(ell_half("0", 2.0), ell_half("0.1", hot))))


@pytest.mark.parametrize(("middle", "hot"), [(2.9, 2.5), (1.1, 1.5)])
def test_a_scale_that_turns_is_not_said_to_grow_or_shrink(middle: float, hot: float) -> None:
    rows = (ell_half("0", 2.0), ell_half("0.01", middle), ell_half("0.1", hot))
    assert "It goes up and down with T: the intervals at T = 0 and T = 0.1" in text(
        scale(findings(*rows))
    )


def test_one_temperature_is_no_trend() -> None:
    assert "T:" not in text(scale(findings(ell_half("0", 2.0))))
    assert "resolved." not in text(scale(findings(ell_half("0", 2.0))))


def test_a_scale_that_is_not_reached_is_not_decided() -> None:
    missing = replace(ell_half("0.1", nan, "inconclusive"), ci_low=nan, ci_high=nan)
    some, none = scale(findings(ell_half("0", 2.0), missing)), scale(findings(missing))
    assert (some.mark, some.word) == ("inconclusive", "measured in part")
    assert (none.mark, none.word) == ("inconclusive", "not decided")
    says = "At T = 0.1 no run of this study decides: R(ℓ) does not cross one half between ℓ = 1"
    assert says in text(some)
    assert says in text(none)
    assert "Half of" not in text(none)


# 2. Commutation


@pytest.mark.parametrize(
    ("verdict", "word", "says"),
    [
        ("holds", "commute", "is zero within the margin ±0.5"),
        ("violated", "do not commute", "is not zero: the interval lies outside the margin ±0.5"),
        ("inconclusive", "undecided", "is undecided: the interval reaches across the margin ±0.5"),
    ],
)
def test_commutation_in_words(verdict: Outcome, word: str, says: str) -> None:
    found = commutation(findings(row("m", "commutation", "A_minus_B", verdict)))
    assert (found.mark, found.word) == (verdict, word)
    assert text(found) == f"A − B = 0.250 (0.200 to 0.300) {says}."


def test_one_bump_that_fails_is_enough() -> None:
    rows = (
        row("m", "commutation", "A_minus_B"),
        row("m", "commutation", "A_minus_B", "violated", region="bump1"),
        row("m", "commutation", "A_minus_B", "violated", region="all"),
    )
    found = commutation(findings(*rows))
    assert found.word == "do not commute"
    assert "Also A − B, worst region = 0.250 (0.200 to 0.300) is not zero" in text(found)


def test_a_bump_alone_is_judged_with_all_others() -> None:
    """One of many intervals misses by chance; what counts is the row on all together."""
    rows = (
        row("m", "commutation", "A_minus_B"),
        row("m", "commutation", "A_minus_B", "violated", region="bump1"),
        row("m", "commutation", "A_minus_B", "inconclusive", region="all"),
    )
    assert commutation(findings(*rows)).word == "undecided"


@pytest.mark.parametrize(
    ("needed", "says"),
    [
        (40.0, ", and 40 realisations would decide."),
        (inf, ", and no number of realisations would decide."),
        (nan, "the margin ±0.5."),
    ],
)
def test_what_is_undecided_says_what_would_decide(needed: float, says: str) -> None:
    open_ = replace(row("m", "commutation", "A_minus_B", "inconclusive"), n_to_decide=needed)
    assert text(commutation(findings(open_))).endswith(says)


def test_the_criterion_is_counted_region_by_region() -> None:
    def judged(verdict: Outcome, region: str) -> Verdict:
        return row("m", "criterion", "xi_3_with_flux", verdict, 0.1, region=region)

    rows = [judged("holds", "one"), judged("holds", "bump1"), judged("violated", "bump2")]
    found = roughness(findings(*rows, judged("violated", "all")))
    assert (found.mark, found.word) == ("violated", "contradicted")
    assert text(found).endswith("Region by region, 1 of 2 regions hold, 1 violated (bump2).")
    assert text(found).count("ξ_{3} = 0.100") == 1


def test_an_anomaly_of_particles_is_not_a_failure_to_commute() -> None:
    rows = (
        row("m", "commutation", "A_minus_B"),
        row("m", "commutation", "lim_Q_thermal", "violated"),
    )
    assert commutation(findings(*rows)).mark == "holds"


def test_an_infinite_interval_is_undecided() -> None:
    endless = replace(row("m", "commutation", "A_minus_B", "inconclusive"), ci_high=inf)
    assert "there is no finite interval" in text(commutation(findings(endless)))


@pytest.mark.parametrize(
    ("value", "half", "says"),
    [
        (1.0, 0.1, "an anomaly"),
        (-1.0, 0.1, "an anomaly"),
        (0.5, 0.1, "an anomaly that may be smaller than the margin"),
        (0.2, 0.1, "not zero but smaller than the margin: negligible"),
        (0.0, 0.1, "no anomaly"),
        (0.2, 0.4, "undecided: zero and more than the margin are possible"),
        (0.2, inf, "undecided: it has no finite interval"),
        (nan, nan, "undecided: it has no finite interval"),
    ],
)
def test_an_anomaly_excludes_zero(value: float, half: float, says: str) -> None:
    assert anomaly(limit(value, half), MARGIN) == says


def test_the_split_is_reported_part_by_part() -> None:
    parts = {"lim_Q_thermal": limit(1.0), "lim_Q_flux": limit(0.0), "H": limit(1.0)}
    says = text(commutation(findings(row("m", "commutation", "A_minus_B"), **parts)))
    assert "lim Q^{thermal} = 1.000 (0.950 to 1.050), an anomaly; " in says
    assert "lim Q^{flux}_{ℓ} = 0.000 (−0.050 to 0.050), no anomaly; " in says
    assert says.endswith("H = 1.000 (0.950 to 1.050), an anomaly.")


def test_a_flux_that_vanishes_by_theorem_is_no_finding() -> None:
    rows = row("m", "commutation", "A_minus_B"), row("m", "criterion", "xi_3_with_flux")
    known = findings(*rows, kind=Kind(flux_theorem="zero by theorem"), lim_Q_flux=limit(1.0))
    assert "lim Q^{flux}_{ℓ} is zero by theorem; the extrapolation gives 1.000" in text(
        commutation(known)
    )
    assert (roughness(known).mark, roughness(known).word) == ("none", "nothing demanded")
    assert "zero by theorem" in text(roughness(known))


# 3. Roughness


@pytest.mark.parametrize(
    ("verdict", "value", "word", "says"),
    [
        ("holds", 0.1, "rough enough", "ξ_{3} = 0.100 (0.050 to 0.150), below 1/3"),
        ("violated", 0.9, "contradicted", "contradicts the criterion: ξ_{3} = 0.900"),
        ("inconclusive", 0.35, "undecided", "is undecided: ξ_{3} = 0.350 (0.300 to 0.400), not to"),
    ],
)
def test_roughness_in_words(verdict: Outcome, value: float, word: str, says: str) -> None:
    found = roughness(findings(row("m", "criterion", "xi_3_with_flux", verdict, value)))
    assert (found.mark, found.word) == (verdict, word)
    assert says in text(found)


def test_without_a_flux_nothing_is_demanded() -> None:
    found = roughness(findings(row("m", "criterion", "xi_3_no_flux", "holds", 0.9)))
    assert (found.mark, found.word) == ("none", "nothing demanded")
    says = "demands nothing of the density; ξ_{3} = 0.900 (0.850 to 0.950), above 1/3."
    assert text(found).endswith(says)


def test_a_flux_is_asserted_only_where_its_limit_is_beyond_the_margin() -> None:
    rows = row("m", "commutation", "A_minus_B"), row("m", "criterion", "xi_3_with_flux")
    assert text(roughness(findings(*rows, lim_Q_flux=limit(1.0)))).startswith(
        "The flux does not vanish"
    )
    for unsure in (findings(*rows), findings(*rows, lim_Q_flux=limit(0.5))):
        assert text(roughness(unsure)).startswith("The flux is not shown to vanish")


@pytest.mark.parametrize(
    ("second", "says"),
    [("holds", "2 of 2 known exponents"), ("violated", "1 of 2 known exponents")],
)
def test_known_exponents_say_what_the_estimator_is_worth(second: Outcome, says: str) -> None:
    rows = (
        row("m", "exponent_recovery", "xi_3_H0.2"),
        row("m", "exponent_recovery", "xi_3_H0.8", second),
    )
    found = roughness(findings(*rows))
    assert found.mark == "none"
    assert says in text(found)
    assert ("cannot yet be trusted" in text(found)) == (second != "holds")
