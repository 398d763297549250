from __future__ import annotations

from pathlib import Path

import pytest

from glasscade.errors import DataError
from glasscade.figures import TITLES
from glasscade.report import rst

CAPTIONS = Path(__file__).parents[3] / "workflow" / "report"


def test_formulas_become_mathml_that_names_no_address() -> None:
    shown = rst.to_html("With :math:`\\ell^2`.", "a.rst", "a-")
    assert "<msup>" in shown
    assert "://" not in shown


def test_markup_is_kept_and_html_is_escaped() -> None:
    shown = rst.to_html("*look* at <script>", "a.rst", "a-")
    assert shown.strip() == "<p><em>look</em> at &lt;script&gt;</p>"


def test_identifiers_differ_between_fragments() -> None:
    source = "Title\n-----\n\nText.\n\nOther\n-----\n\nText."
    assert 'id="a-title"' in rst.to_html(source, "a.rst", "a-")
    assert 'id="b-title"' in rst.to_html(source, "b.rst", "b-")


@pytest.mark.parametrize(
    "source", ["*open", "``open", ":nothing:`x`", ".. nothing::", "Title text\n-----\n"], ids=repr
)
def test_broken_text_is_one_sentence_that_names_it(source: str) -> None:
    with pytest.raises(DataError, match=r"a\.rst: not valid reStructuredText") as caught:
        rst.to_html(source, "a.rst", "a-")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [".. raw:: html\n\n   <b>", ".. include:: /etc/hostname"])
def test_a_caption_brings_no_html_and_no_file(source: str) -> None:
    with pytest.raises(DataError, match="not valid"):
        rst.to_html(source, "a.rst", "a-")


def test_a_caption_knows_its_model_as_in_snakemake() -> None:
    shown = rst.caption("Of {{ snakemake.wildcards.model }}.", "a.rst", "glass", "a-")
    assert "Of glass." in shown


@pytest.mark.parametrize("source", ["{{ snakemake.params.seed }}", "{% if %}", "{{ missing }}"])
def test_a_caption_that_cannot_be_filled_is_one_sentence(source: str) -> None:
    with pytest.raises(DataError, match=r"a\.rst: cannot be filled: "):
        rst.caption(source, "a.rst", "glass", "a-")


@pytest.mark.parametrize("path", sorted(CAPTIONS.glob("*.rst")), ids=lambda path: path.stem)
def test_texts_of_the_report_are_valid(path: Path) -> None:
    assert len(rst.caption(path.read_text("utf-8"), path.name, "glass", "a-")) > 100


@pytest.mark.parametrize("name", TITLES)
def test_every_figure_has_a_caption(name: str) -> None:
    assert (CAPTIONS / f"{name}.rst").is_file()
