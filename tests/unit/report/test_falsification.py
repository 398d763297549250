from __future__ import annotations

import pytest

from glasscade.limits.verdicts import Outcome, Verdict
from glasscade.report import labels
from glasscade.report.answers import Findings
from glasscade.report.falsification import Condition, conditions
from glasscade.report.kinds import Kind
from report_data import row

CONTROL, CLOSURE, COMMUTATION, CRITERION, KERNEL, THEOREM = range(6)


def judged(place: int, *rows: Verdict) -> Condition:
    return conditions([Findings("m", Kind(), rows, {})])[place]


@pytest.mark.parametrize(
    ("place", "check", "quantity"),
    [
        (CONTROL, "control", "H"),
        (CONTROL, "exponent_recovery", "xi_3_H0.2"),
        (CLOSURE, "closure", "instantaneous"),
        (CRITERION, "criterion", "xi_3_with_flux"),
        (KERNEL, "kernel_independence", "lim_Q_flux_bump_minus_gaussian"),
        (THEOREM, "flux_bound", "pointwise_vs_3xi-1"),
        (THEOREM, "direct_terms_vanish", "slope_in_T_at_ell_1"),
    ],
)
@pytest.mark.parametrize(
    ("verdict", "word"),
    [("holds", "not seen in 1 rows"), ("violated", "seen"), ("inconclusive", "not decided")],
)
def test_each_condition_follows_its_checks(
    place: int, check: str, quantity: str, verdict: Outcome, word: str
) -> None:
    found = judged(place, row("m", check, quantity, verdict))
    assert (found.mark, found.word) == (verdict, word)
    assert found.where == (() if verdict == "holds" else (("m", labels.quantity(quantity)),))


@pytest.mark.parametrize("place", range(6))
def test_what_no_row_tests_is_said_to_be_untested(place: int) -> None:
    assert judged(place).word == "not tested in this study"


@pytest.mark.parametrize(
    ("closure", "kernel", "mark"),
    [
        ("holds", "holds", "violated"),
        ("violated", "holds", "inconclusive"),
        ("holds", "inconclusive", "violated"),
        ("inconclusive", "holds", "violated"),
        ("holds", "violated", "inconclusive"),
    ],
)
def test_limits_that_differ_count_where_the_numerics_hold(
    closure: Outcome, kernel: Outcome, mark: str
) -> None:
    rows = (
        row("m", "commutation", "A_minus_B", "violated"),
        row("m", "closure", "instantaneous", closure),
        row("m", "kernel_independence", "lim_Q_flux_bump_minus_gaussian", kernel),
    )
    found = judged(COMMUTATION, *rows)
    assert found.mark == mark
    assert found.where == (("m", "A − B"),)


def test_numerics_that_were_not_tested_do_not_hold() -> None:
    found = judged(COMMUTATION, row("m", "commutation", "A_minus_B", "violated"))
    assert found.word == "not decided: the numerics are suspect"


def test_an_anomaly_of_particles_falsifies_nothing() -> None:
    rows = (
        row("m", "commutation", "A_minus_B"),
        row("m", "commutation", "lim_Q_thermal", "violated"),
    )
    assert judged(COMMUTATION, *rows).mark == "holds"
