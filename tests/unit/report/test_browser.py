"""The page in a real browser: what is measured there at several widths and in print."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from pypdf import PdfReader

from browser import Browser, browser, found
from glasscade.config import parse
from glasscade.figures import TITLES
from glasscade.report.page import Figure, render
from report_data import contents, exponent, many_rows
from studies import study

CAPTIONS = Path(__file__).parents[3] / "workflow" / "report"
LONG_NAME = "glass_of_two_thousand_disks_at_half_the_time_step"
PHONE, DESKTOP = (390, 844), (1280, 900)
WIDTHS = {"narrowest": (320, 640), "phone": PHONE, "tablet": (768, 1024), "desktop": DESKTOP}
PAPER = 718
"""Pixels of A4 between margins of 0.4 inches."""
LEAST_TEXT, LEAST_INDEX = 11, 10
"""Pixels of a line of text, and of an index in a formula."""
LEAST_CONTRAST = 4.5
"""Of text and what is behind it (WCAG 2, level AA)."""

pytestmark = pytest.mark.skipif(
    found() is None,
    reason="no browser is found; install chromium to have the page looked at",
)

OPEN = "document.querySelectorAll('details').forEach(part => part.open = true)"
# Elements that stick out of the window and are in nothing that scrolls.
WIDE = """[...document.body.querySelectorAll('*')].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || (box.left > -1 && box.right < innerWidth + 1)) return false;
    for (let outer = element.parentElement; outer; outer = outer.parentElement)
        if (['auto', 'scroll'].includes(getComputedStyle(outer).overflowX)) return false;
    return true;
}).map(element => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`)"""
# Visible text with its size in pixels and its contrast to the next background behind it.
TEXT = """(() => {
    const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const known = new Map();
    const rgba = colour => {
        if (!known.has(colour)) {
            paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
            known.set(colour, paint.getImageData(0, 0, 1, 1).data);
        }
        return known.get(colour);
    };
    const light = colour => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const c = rgba(colour)[i] / 255;
        return sum + weight * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    }, 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (rgba(colour)[3] === 255) return colour;
        }
        return 'white';
    };
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement, style = getComputedStyle(element);
        if (!walk.currentNode.textContent.trim() || !element.checkVisibility()) continue;
        const [a, b] = [light(style.color), light(behind(element))].sort((x, y) => x - y);
        found.push([walk.currentNode.textContent.trim().slice(0, 40), parseFloat(style.fontSize),
            (b + 0.05) / (a + 0.05), element.closest('math') !== null]);
    }
    return found;
})()"""
IMAGES = """[...document.images].map(image =>
    [image.naturalWidth, image.getBoundingClientRect().width, image.alt])"""


def picture() -> bytes:
    """A PNG of the size of a figure."""
    stream = io.BytesIO()
    matplotlib.image.imsave(stream, np.add.outer(np.arange(900) % 97, np.arange(1400) % 89))
    return stream.getvalue()


def large() -> str:
    """A page of five models, hundreds of rows and all captions."""
    raw = study()
    raw["models"] |= {LONG_NAME: raw["models"]["smooth"], "again": raw["models"]["rough"]}
    parsed, image = parse(raw), picture()
    figures = [
        Figure(name, image, (CAPTIONS / f"{name}.rst").read_text("utf-8"), f"figures/{name}.csv")
        for name in TITLES
    ]
    return render(
        replace(
            contents(),
            study=parsed,
            verdicts=many_rows(parsed.models),
            exponents={LONG_NAME: [exponent(), exponent("poisson", "force")]},
            figures={LONG_NAME: figures, "again": figures[:1]},
        )
    )


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = found()
    assert path is not None
    with browser(path, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "summary.html"
    path.write_text(large(), encoding="utf-8")
    return path


def requested(tab: Browser) -> set[str]:
    """Schemes of all addresses the page asked for."""
    asked = [e["params"]["request"]["url"] for e in tab.happened("Network.requestWillBeSent")]
    return {address.partition(":")[0] for address in asked}


def complaints(tab: Browser) -> list[Any]:
    kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    return [event for kind in kinds for event in tab.happened(kind)]


def test_the_browser_tells_what_this_test_listens_for(tab: Browser, tmp_path: Path) -> None:
    """Faults of every kind, so that their absence below means something."""
    path = tmp_path / "faulty.html"
    path.write_text(
        "<!DOCTYPE html><p style='width: 2000px; font-size: 9px; color: #bbb'>wide</p>"
        "<img src='missing.png' alt=''><img src='https://example.invalid/a.png' alt=''>"
        "<script>console.error('x')</script>",
        encoding="utf-8",
    )
    tab.open(path, *DESKTOP)
    assert len(tab.evaluate(WIDE)) == 1
    [[words, size, contrast, _]] = tab.evaluate(TEXT)
    assert (words, size) == ("wide", 9)
    assert contrast < LEAST_CONTRAST
    assert [width for width, _, _ in tab.evaluate(IMAGES)] == [0, 0]
    assert requested(tab) == {"file", "https"}
    assert complaints(tab)


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS)
def test_nothing_sticks_out_and_all_is_legible(
    tab: Browser, page: Path, size: tuple[int, int]
) -> None:
    tab.open(page, *size)
    assert tab.evaluate("document.querySelectorAll('tr.verdict').length") == 300
    folded = tab.evaluate("document.documentElement.scrollHeight")
    tab.evaluate(OPEN)
    assert tab.evaluate("document.documentElement.scrollHeight") > 2.0 * folded
    assert tab.evaluate(WIDE) == []
    assert tab.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [size[0]] * 2
    shown = tab.evaluate(TEXT)
    assert len(shown) > 2500
    small = [x for x in shown if x[1] < (LEAST_INDEX if x[3] else LEAST_TEXT)]
    assert small == []
    images = tab.evaluate(IMAGES)
    assert len(images) == len(TITLES) + 1
    assert all(natural == 1400 and width > 250 and alt for natural, width, alt in images)
    assert requested(tab) == {"file", "data"}
    assert complaints(tab) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(tab: Browser, page: Path, scheme: str) -> None:
    tab.emulate("screen", scheme)
    tab.open(page, *DESKTOP)
    tab.evaluate(OPEN)
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert [x for x in tab.evaluate(TEXT) if x[2] < LEAST_CONTRAST] == []
    tab.emulate("screen", "light")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_picture_of_the_page_is_not_blank(
    tab: Browser, page: Path, size: tuple[int, int]
) -> None:
    """Of its beginning, where answers and the first verdicts are."""
    tab.open(page, *size)
    height = 6 * size[1]
    assert height < tab.evaluate("document.documentElement.scrollHeight")
    pixels = matplotlib.image.imread(io.BytesIO(tab.screenshot(height)))
    assert pixels.shape[:2] == (height, size[0])
    # Every window of it has writing: where there is none, all pixels are alike.
    for part in np.split(pixels[..., :3], 6):
        assert part.std() > 0.02


def test_a_link_to_what_is_folded_up_opens_it(tab: Browser, page: Path) -> None:
    tab.open(page, *DESKTOP)
    anchor = f"figure-{LONG_NAME}-budget"
    seen = f"document.getElementById('{anchor}').checkVisibility()"
    assert not tab.evaluate(seen)
    tab.evaluate(f"location.hash = '#{anchor}'")
    assert tab.evaluate(seen)


def test_on_a_desk_no_answer_is_out_of_sight(tab: Browser, page: Path) -> None:
    tab.open(page, *DESKTOP)
    hidden = """(table => table.scrollWidth - table.clientWidth)(
        document.querySelector('[aria-label="The answers in a table"]'))"""
    assert tab.evaluate(hidden) == 0


def test_on_narrow_screens_every_number_of_a_row_is_in_sight(tab: Browser, page: Path) -> None:
    tab.open(page, *PHONE)
    cells = tab.evaluate("""[...document.querySelector('tr.verdict').children].map(cell =>
        [cell.getBoundingClientRect().right <= innerWidth, cell.dataset.label || ''])""")
    assert len(cells) == 9
    assert all(inside for inside, _ in cells)
    assert [label for _, label in cells][-1] == "fit window"


def test_print_shows_everything_in_the_width_of_the_paper(tab: Browser, page: Path) -> None:
    tab.emulate("print", "light")
    tab.open(page, PAPER, 1000)
    assert tab.evaluate("document.documentElement.scrollWidth") == PAPER
    wide = """[...document.querySelectorAll('th, td, img, pre, math')].filter(element =>
        element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML)"""
    assert tab.evaluate(wide) == []
    tab.emulate("", "light")  # as it is: a medium that is named holds for what is printed too
    tab.open(page, *DESKTOP)
    pages = PdfReader(io.BytesIO(tab.pdf())).pages
    # Six rows of ten checks for five models, and twenty figures, fill more than a dozen pages.
    assert 12 < len(pages) < 100
    words = " ".join(re.sub(r"\s+", " ", sheet.extract_text()) for sheet in pages)
    assert words.count("1 to 2") >= 300  # the last column of every row, folded up or not
    assert "Contents" not in words
    assert "Figure 1." in words
