from __future__ import annotations

import pytest

from glasscade.limits.verdicts import CHECKS
from glasscade.report import labels


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_introduced(name: str) -> None:
    assert labels.CHECKS[name].title
    assert labels.CHECKS[name].text.endswith(".")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("A_minus_B_xy", "A − B (xy)"),
        (
            "lim_Q_flux_bump_minus_gaussian",
            "lim Q^{flux}_{ℓ}, smooth bump minus Gaussian",
        ),
        ("slope_in_T_at_ell_0.04", "slope in T at ℓ = 0.04"),
        ("pointwise_vs_3xi-1", "pointwise, against 3ξ_{3}−1"),
        ("pointwise_vs_2xi+xiF-1", "pointwise, against 2ξ_{3}+ξ_{3}^{F}−1"),
        ("product_vs_2xi+xiF-1", "product, against 2ξ_{3}+ξ_{3}^{F}−1"),
        ("smeared_vs_xi+xiF_H0.333333", "smeared, against ξ_{3}+ξ_{3}^{F}, H = 0.3333"),
        ("ell_half_T1e-05", "ℓ_{½} at T = 1 × 10⁻⁵"),
        ("A_minus_joint_0.5", "A − limit along ℓ ∝ T^{0.5}"),
        ("norm_2", "lim ‖ρ^{T} − ρ‖_{2}"),
        ("exponent_3_at_ell_0.01", "power of T of ‖ρ^{T} − ρ‖_{3}, ℓ = 0.01"),
        ("something_new", "something_new"),
    ],
)
def test_quantities_are_put_in_words(name: str, words: str) -> None:
    assert labels.quantity(name) == words


def test_a_bound_in_a_check_of_equality_is_shown_as_one() -> None:
    assert labels.relation("control", "closest_approach_over_core") == "≥"
    assert labels.relation("convergence", "exponent_2_at_ell_0.1") == "≥"
    assert labels.relation("convergence", "norm_2") == labels.relation("control", "H") == "="
    assert labels.relation("criterion", "xi_3_with_flux") == "≤"


@pytest.mark.parametrize(
    ("symbol", "names"),
    [
        ("T", "A_minus_B H lim_Q_thermal A_minus_joint_0.5 norm_2 slope_in_T_at_ell_0.04"),
        ("ℓ", "lim_Q_flux lim_Q_flux_bump_minus_gaussian pointwise_vs_3xi-1 ell_half_T0.1"),
        ("ℓ", "Q_flux_form time_integrated martingale_mean_T0.1 stress_drop_event2"),
        ("r", "xi_3_H0.2 xi_3_no_flux"),
        ("t", "beta_from_speed closest_approach_over_core"),
    ],
)
def test_a_fit_window_has_a_symbol(symbol: str, names: str) -> None:
    assert {labels.fitted(name) for name in names.split()} == {symbol}


def test_a_quantity_says_of_which_region_it_is() -> None:
    assert labels.quantity("H", "one") == labels.subject("H") == "H"
    assert labels.quantity("H", "bump2") == "H, bump2"
    assert labels.quantity("H", "all") == "H, worst region"
    both = {labels.subject(name) for name in ("xi_3_no_flux", "xi_3_with_flux")}
    assert both == {"ξ_{3}"}
    assert labels.subject("xi_3_H0.2") == "ξ_{3} for H = 0.2"


def test_indices_are_set_and_everything_else_is_escaped() -> None:
    shown = labels.typeset("Q^{flux}_{ℓ} <b>&</b>")
    assert shown == "Q<sup>flux</sup><sub>ℓ</sub> &lt;b&gt;&amp;&lt;/b&gt;"


def test_formulas_do_not_break_at_their_signs() -> None:
    assert labels.typeset("at T = 0 and T > 0") == ("at T\u00a0=\u00a00 and T\u00a0&gt;\u00a00")


def test_names_with_underscores_are_no_indices() -> None:
    assert labels.typeset("cone1d_repulsive") == "cone1d_repulsive"
