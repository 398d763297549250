"""Put the tables of benchmarks/*.csv into the pages that show them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parent / "docs"
PAGES = {
    "results": "performance.md",
    "scaling": "performance.md",
    "coverage": "exponents.md",
    "growth": "scale.md",
    "growth_fits": "scale.md",
}
"""The page of each table."""


def update() -> None:
    """Rewrite what stands between the markers of each table."""
    for name, file in PAGES.items():
        page = DOCS / file
        text = page.read_text(encoding="utf-8")
        block = f"<!-- {name} -->\n{table(FOLDER / f'{name}.csv')}<!-- end -->"
        pattern = rf"<!-- {name} -->\n.*?<!-- end -->"
        text = re.sub(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
        page.write_text(text, encoding="utf-8")


def table(path: Path) -> str:
    """A CSV file as a Markdown table."""
    with path.open(encoding="utf-8") as stream:
        head, *lines = csv.reader(stream)
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    update()
