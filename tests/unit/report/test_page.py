from __future__ import annotations

import base64
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from glasscade import report
from glasscade.config import parse
from glasscade.errors import DataError
from glasscade.limits.verdicts import Outcome
from glasscade.report import TEMPLATES, template_digest
from glasscade.report.page import FEW_MODELS, FEW_ROWS, Figure, configuration, render, size_of
from report_data import (
    CAPTION,
    FIGURES,
    GLASS,
    IMAGE,
    SIZE,
    contents,
    limit,
    made_up_rows,
    row,
    small_study,
)
from studies import study

VOID = {"meta", "img", "br", "hr", "col", "wbr"}


class Reader(HTMLParser):
    """All tags with their attributes; fails where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str, **having: str) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.found
            if name == tag and having.items() <= attributes.items()
        ]


@pytest.fixture(scope="module")
def page() -> str:
    return render(contents())


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def text(page: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).replace("\u00a0", " ").split())


def section(page: str, start: str, end: str) -> str:
    """The page from an identifier to the next of something."""
    first = page.index(f'id="{start}"')
    return page[first : page.index(end, first)]


WHOLE = [row for row in made_up_rows() if row.region in ("one", "all")]


def test_every_verdict_on_the_whole_is_shown_exactly_once(read: Reader) -> None:
    shown = [
        tuple(tag[f"data-{name}"] for name in ("model", "check", "quantity", "region"))
        for tag in read.all("tr")
        if tag.get("class") == "verdict"
    ]
    assert sorted(shown) == sorted((r.model, r.check, r.quantity, r.region) for r in WHOLE)


def test_what_is_wrong_comes_first_and_many_rows_that_hold_are_folded_up() -> None:
    made = contents()
    more = [row("rough", "closure", f"case{n}") for n in range(FEW_ROWS)]
    wrong = [
        row("rough", "closure", "open", "inconclusive"),
        row("smooth", "closure", "bad", "violated"),
    ]
    few, many = (
        section(render(replace(made, verdicts=[*rows, *wrong])), "check-closure", "</section>")
        for rows in (more, [*more, *made.verdicts])
    )
    names = [f"case{n}" for n in range(FEW_ROWS)]
    assert re.findall(r'data-quantity="(\w+)"', few) == ["bad", "open", *names]
    assert "<details>" not in few
    folded = many[many.index("<details>") :]
    assert f"<summary>{FEW_ROWS + 1} rows that hold</summary>" in folded
    assert re.findall(r'data-quantity="(\w+)"', folded)[: FEW_ROWS + 1] == [*names, "instantaneous"]
    assert re.findall(r'data-quantity="(\w+)"', many)[:2] == ["bad", "open"]


def test_rows_of_each_check_are_counted_before_the_tables(page: str) -> None:
    counted = section(page, "verdicts-title", "</table>")
    assert "Commutation of the limits 1 – 1" in text(counted)
    assert "Direct terms vanish – 1 –" in text(counted)
    outcomes = [row.verdict for row in WHOLE]
    totals = [str(outcomes.count(name)) for name in ("holds", "violated", "inconclusive")]
    assert f"all {' '.join(totals)}" in text(counted)


def test_answers_are_a_table_in_words_before_the_sentences(page: str) -> None:
    glance = section(page, "abstract-title", "</table>")
    for answer in re.findall(r'<dt><a href="#model-(\w+)">\w+</a> (.*?)</dt>', page):
        model, badge = answer
        assert badge in glance[glance.index(f'href="#model-{model}"') :]


def test_answers_and_figures_of_many_models_are_folded_up(page: str) -> None:
    assert page.count("<details open>") == 3 + len(FIGURES)
    systems = study()["models"]
    more = parse(study(**systems, again=systems["rough"]))
    many = render(replace(contents(), study=more))
    assert len(more.models) == FEW_MODELS + 1
    assert "<details open>" not in many


def test_regions_are_counted_in_a_line(page: str) -> None:
    assert page.count('<ul class="regions"') == 1
    start = page.index('<ul class="regions"')
    says = (
        "point, A − B: 1 of 2 regions hold, 1 inconclusive (bump2: 40 realisations would decide)."
    )
    assert text(page[start : page.index("</ul>", start)]).endswith(says)


def test_an_inconclusive_row_says_how_many_realisations_would_decide(page: str) -> None:
    start = page.index('data-quantity="A_minus_B" data-region="all"')
    shown = text(page[start : page.index("</tr>", start)])
    assert "1; no number of realisations would decide" in shown
    start = page.index('data-quantity="A_minus_B" data-region="one"')
    assert "would decide" not in page[start : page.index("</tr>", start)]


def test_a_verdict_is_told_by_word_and_symbol_not_by_colour_alone(page: str) -> None:
    for word, symbol in (("holds", "✓"), ("violated", "✗"), ("inconclusive", "?")):
        badge = f'<span class="badge {word}"><span aria-hidden="true">{symbol}</span> {word}</span>'
        expected = sum(r.verdict == word for r in WHOLE)
        tables = page[page.index('id="verdicts"') : page.index('id="methods"')]
        assert tables.count(badge) == expected


def test_a_row_shows_its_numbers(page: str) -> None:
    start = page.index('data-quantity="pointwise_vs_3xi-1"')
    shown = text(page[start : page.index("</tr>", start)])
    assert shown.endswith("0.250 0.200 to 0.300 ≥ 0 0.5 1 ℓ = 1 to 2")


@pytest.mark.parametrize(("ell", "shown"), [(0.25, "; ℓ = 0.25 to 0.5"), (0.0, "")])
def test_a_difference_of_limits_in_both_shows_both_windows(ell: float, shown: str) -> None:
    athermal = replace(limit(0.0), fit_low=ell, fit_high=2.0 * ell)
    page = render(replace(contents(), limits={"point": {"A": athermal}}))
    start = page.index('data-quantity="A_minus_B" data-region="one"')
    assert text(page[start : page.index("</tr>", start)]).endswith(f"T = 1 to 2{shown}")


def test_exponents_of_a_model_are_a_table_of_it(page: str, read: Reader) -> None:
    start = page.index('<table class="exponents cards">')
    assert page.index('id="model-point"') < start < page.index('id="model-rough"')
    assert page.count('<table class="exponents cards">') == 1
    shown = text(page[start : page.index("</table>", start)])
    assert "of point over the whole cell, by wavelets" in shown
    assert "measured ρ 0.300 0.280 to 0.320 measured over a scaling range" in shown
    assert read.all("div", **{"aria-label": "Exponents of point"})


def test_every_figure_is_shown_once_with_number_caption_and_data(page: str, read: Reader) -> None:
    names = [(model, name) for model, all_names in FIGURES.items() for name in all_names]
    assert [tag["id"] for tag in read.all("figure")] == [f"figure-{m}-{n}" for m, n in names]
    assert page.count("What is plotted for") == page.count("a line.") == len(names)
    assert re.findall(r"Figure (\d+)\.", page) == [str(n + 1) for n in range(len(names))]
    links = [tag["href"] for tag in read.all("a") if "download" in tag]
    assert links == [f"figures/{m}/{n}.csv" for m, n in names]


def test_what_compares_models_follows_them_in_a_section_of_its_own() -> None:
    data = "figures/_study/comparison.csv"
    figure = Figure("comparison", IMAGE, CAPTION, data)
    shown = render(replace(contents(), study_figures=[figure]))
    read = Reader(shown)
    start = shown.index('<section id="dependence"')
    assert shown.index('<section id="models"') < start < shown.index('<section id="provenance"')
    section = shown[start : shown.index('<section id="provenance"')]
    number = sum(len(names) for names in FIGURES.values()) + 1
    assert f"Figure {number}. Dependence on N and dt, models of particles." in text(section)
    assert section.count("What is plotted for") == section.count("<img ") == 1
    assert [tag["href"] for tag in read.all("a") if "download" in tag][-1] == data
    assert len(read.all("a", href="#dependence")) == 1
    assert f"{number} figures" in text(shown)


def test_bounds_have_a_section_of_their_own_behind_the_comparison() -> None:
    figures = [
        Figure(name, IMAGE, CAPTION, f"figures/_study/{name}.csv")
        for name in ("comparison", "flux_bounds", "phase_diagram")
    ]
    shown = render(replace(contents(), study_figures=figures))
    first, second = (shown.index(f'<section id="{name}"') for name in ("dependence", "bounds"))
    assert first < second
    section = shown[second : shown.index('<section id="provenance"')]
    number = sum(len(names) for names in FIGURES.values()) + 2
    assert f"Figure {number}. Which kernel attains which bound" in text(section)
    assert section.count("<img ") == 2
    assert 'href="bounds.csv"' in section
    assert shown[first:second].count("<img ") == 1
    assert len(Reader(shown).all("a", href="#bounds")) == 1


def test_without_a_comparison_there_is_no_section_of_it(page: str) -> None:
    assert '"dependence"' not in page
    assert '"bounds"' not in page
    assert "#dependence" not in page


def test_images_are_inside_the_page_and_have_a_text(read: Reader) -> None:
    encoded = base64.b64encode(IMAGE).decode()
    for tag in read.all("img"):
        assert tag["src"] == f"data:image/png;base64,{encoded}"
        assert (tag["width"], tag["height"]) == tuple(map(str, SIZE))
        assert tag["alt"]


def test_nothing_is_loaded_from_elsewhere(page: str, read: Reader) -> None:
    references = [
        tag[name] for _, tag in read.found for name in ("src", "href", "srcset") if name in tag
    ]
    assert references
    assert not [r for r in references if re.match(r"[a-z]+:(?!image/png;base64,)|//", r)]
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in read.found}
    assert "url(" not in page
    assert "@import" not in page


def test_every_link_inside_the_page_has_its_target_and_no_name_is_given_twice(read: Reader) -> None:
    names = [tag["id"] for _, tag in read.found if "id" in tag]
    assert len(names) == len(set(names))
    inner = [tag["href"][1:] for tag in read.all("a") if tag["href"].startswith("#")]
    assert {"abstract", "verdicts", "methods", "models", "provenance"} <= set(inner)
    assert set(inner) <= set(names)
    labelled = [tag["aria-labelledby"] for _, tag in read.found if "aria-labelledby" in tag]
    assert set(labelled) <= set(names)


def test_the_sections_come_in_the_order_of_a_paper(page: str) -> None:
    ids = ["abstract", "falsification", "verdicts", "methods", "models", "provenance"]
    places = [page.index(f'<section id="{name}"') for name in ids]
    assert places == sorted(places)


def test_what_is_not_ours_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    made = contents()
    source = replace(made.sources[0], commit=evil, packages={evil: evil})
    rows = [*made.verdicts, row("point", "control", evil)]
    shown = render(replace(made, sources=[source], verdicts=rows))
    Reader(shown)
    assert evil not in shown
    assert shown.count("&lt;script&gt;") >= 5


def test_the_abstract_counts_verdicts(page: str) -> None:
    # what all regions say together is no number of its own
    assert "compares 12 numbers" in text(page)
    assert "9 hold, 1 is violated, 2 are inconclusive." in text(page)


def test_the_abstract_says_which_of_the_violated_are_anomalies() -> None:
    made = contents()
    found = [row("point", check, "H", "violated") for check in ("commutation", "control")]
    shown = text(render(replace(made, verdicts=[*made.verdicts, *found])))
    assert "3 are violated (1 of them for an anomaly, a limit that is not zero), 2 are" in shown


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        ("violated", "1 of 3 controls and closures fail"),
        ("inconclusive", "No control and no closure fails, but 1 of 3 are inconclusive"),
    ],
)
def test_a_control_that_is_not_right_is_said_first(verdict: Outcome, says: str) -> None:
    made = contents()
    rows = [replace(r, verdict=verdict) if r.check == "control" else r for r in made.verdicts]
    shown = text(render(replace(made, verdicts=rows)))
    assert shown.index(says) < shown.index("1. At which scale is stress dissipated?")


def test_no_warning_where_controls_hold_and_one_where_there_are_none(page: str) -> None:
    assert 'class="warning"' not in page
    assert "none of its answers is tested" in text(
        render(replace(contents(), verdicts=[], limits={}))
    )


def test_the_methods_name_what_the_study_uses(page: str) -> None:
    shown = text(page[page.index('id="methods"') : page.index('id="models"')])
    assert "Gaussian, Wendland C⁶, smooth bump" in shown
    assert "with 4 smooth bumps" in shown
    assert "studentised 90 % scatter" in shown
    assert "δ = 0.05" in shown
    assert "lies within 0.03 of the common slope" in shown
    assert "with 99 % probability" in shown
    assert "moves the slope by more than 0.02" in shown
    assert "fewer than 10 values" in shown
    assert "martingale" not in shown  # no particles in this study
    assert "nulls" not in shown


def test_the_methods_explain_what_only_particles_have() -> None:
    made = replace(contents(), study=parse(study(glass=GLASS)), verdicts=[], figures={}, limits={})
    shown = text(render(made))
    assert "Itô source of particles" in shown
    assert "leaves a martingale of zero mean" in shown
    assert "limit of the change of their microscopic stress" in shown
    assert "stand beside those of three nulls" in shown


def test_the_page_says_how_to_repeat_the_study(page: str) -> None:
    assert "git checkout 0123456789ab\nsnakemake --workflow-profile" in page
    assert "--configfile config/small.yaml" in page
    assert "Data of 1 March 2026, 12:30 UTC" in page


@pytest.mark.parametrize("commit", ["0123456789ab+", "unknown"])
def test_a_commit_that_does_not_identify_the_code_is_not_recommended(commit: str) -> None:
    made = contents()
    shown = render(replace(made, sources=[replace(made.sources[0], commit=commit)]))
    assert "git checkout" not in shown
    assert "only the digests identify the code" in text(shown)


def test_versions_that_differ_between_files_are_all_shown(page: str) -> None:
    made = contents()
    other = replace(made.sources[0], packages={"numpy": "1.9"})
    shown = text(render(replace(made, sources=[*made.sources, other])))
    assert "several where the files differ" in shown
    assert "numpy 2.0, 1.9" in shown
    assert "several where" not in text(page)


def test_the_configuration_shown_is_the_study() -> None:
    assert parse(yaml.safe_load(configuration(small_study()))) == small_study()


def test_rows_that_would_fall_between_the_tables_are_refused() -> None:
    made = contents()
    with pytest.raises(DataError, match="verdicts: model other is not in study small"):
        render(replace(made, verdicts=[row("other", "control", "H")]))
    with pytest.raises(DataError, match="verdicts: check guess is not in study small"):
        render(replace(made, verdicts=[row("point", "guess", "H")]))


def test_size_of_an_image_and_what_is_none() -> None:
    assert size_of(IMAGE, "a.png") == SIZE
    for wrong in (b"", IMAGE[:20], b"GIF89a" + IMAGE):
        with pytest.raises(DataError, match=r"a\.png: not a PNG"):
            size_of(wrong, "a.png")


def test_an_image_is_refused_for_any_truncation_and_any_changed_byte() -> None:
    for size in range(24, len(IMAGE)):
        with pytest.raises(DataError, match=r"a\.png: truncated or corrupt; delete it"):
            size_of(IMAGE[:size], "a.png")
    for place in range(len(IMAGE)):
        changed = bytearray(IMAGE)
        changed[place] ^= 4
        with pytest.raises(DataError, match=r"a\.png: (not a PNG|truncated or corrupt); delete it"):
            size_of(bytes(changed), "a.png")


def test_the_digest_follows_the_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = template_digest()
    assert re.fullmatch("[0-9a-f]{12}", before)
    copy = shutil.copytree(Path(report.__file__).parent / TEMPLATES, tmp_path / TEMPLATES)
    monkeypatch.setattr(report.resources, "files", lambda _: tmp_path)
    assert template_digest() == before
    with (copy / "page.css").open("a", encoding="utf-8") as style:
        style.write("p { color: red; }")
    assert template_digest() != before
