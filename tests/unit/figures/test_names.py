from __future__ import annotations

from pathlib import Path

import pytest

from glasscade.figures import STUDY_TITLES, TITLES, figure_names

CAPTIONS = Path(__file__).parents[3] / "workflow" / "report"
PLASTIC = {"shear", "events", "event_map"}
OF_SOLUTIONS = {"joint", "convergence"}  # of fields alone
OF_NO_FIGURE = {"overview", "summary", "verdicts", "bounds"}  # captions of pages and of tables


def test_stationary_states_have_no_time_and_no_scale_of_dissipation() -> None:
    names = figure_names("cluster", maps=True)
    missing = {"stress", "dissipation_scale", "recovery", "relaxation", *OF_SOLUTIONS}
    assert set(TITLES) - set(names) == missing | PLASTIC


def test_synthetic_densities_have_neither_dynamics_nor_temperature() -> None:
    expected = {"budget", "recovery", "structure", "exponents", "flux_exponent"}
    assert set(figure_names("synthetic", maps=False)) == expected


@pytest.mark.parametrize(("kind", "more"), [("field", set()), ("glass", OF_SOLUTIONS)])
def test_what_evolves_has_all_but_the_recovery_of_exponents(kind: str, more: set[str]) -> None:
    missing = {"recovery", "relaxation", *more}
    assert set(TITLES) - set(figure_names(kind, maps=True)) == missing | PLASTIC


def test_solutions_are_followed_where_there_are_limits() -> None:
    assert set(figure_names("field", maps=False)) >= OF_SOLUTIONS
    assert not set(figure_names("field", maps=False, limits=False)) & OF_SOLUTIONS


def test_shear_has_its_own_figures_and_no_others() -> None:
    assert figure_names("shear", maps=True) == ("shear", "events", "event_map")
    assert figure_names("shear", maps=False) == ("shear", "events")


def test_a_descent_at_zero_temperature_has_no_limits_to_show() -> None:
    names = figure_names("glass", maps=False, relaxation=True)
    assert set(names) == {"relaxation", "budget", "structure", "exponents", "flux_exponent"}


def test_maps_are_left_out_where_none_are_computed() -> None:
    with_maps, without = figure_names("field", maps=True), figure_names("field", maps=False)
    assert set(with_maps) - set(without) == {"maps", "local_exponents"}
    assert without == tuple(name for name in with_maps if name in without)


def test_names_keep_the_order_of_the_report() -> None:
    names = figure_names("glass", maps=True)
    assert list(names) == [name for name in TITLES if name in names]


def test_every_figure_has_a_caption_and_every_caption_a_figure() -> None:
    assert {path.stem for path in CAPTIONS.glob("*.rst")} - OF_NO_FIGURE == {
        *TITLES,
        *STUDY_TITLES,
    }


@pytest.mark.parametrize("name", [*TITLES, *STUDY_TITLES])
def test_caption_is_plain_text_for_both_reports(name: str) -> None:
    text = (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")
    assert "What to look for" in text
    # Neither templates nor directives: one source serves the page and Snakemake's report.
    assert not any(mark in text for mark in ("{{", "{%", "::", ".. "))


# Exponents and norms have no sign.
@pytest.mark.parametrize(
    "name", sorted({*TITLES, *STUDY_TITLES} - {"recovery", "structure", "exponents", "events"})
)
def test_caption_says_what_the_sign_means(name: str) -> None:
    text = (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")
    assert any(word in text.lower() for word in ("positive", "red", "sign"))
