"""How often intervals of ξ_q hold the truth: writes benchmarks/coverage.csv, shown in the docs.

A study is an ensemble of `FIELDS` independent lines of `POINTS` points whose exponents are known,
fitted as glasscade fits its models: wavelets, a scaling range looked for within `WINDOW`, intervals
at 95 %. Of the families with an exponent to choose, every study has its own, 0.1 to 0.8.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import page

from glasscade.cell import Cell
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import Exponents, exponents
from glasscade.regularity.synthetic import Family, Fractional, LogNormal, Step
from glasscade.regularity.wavelets import wavelet_moments

RESULTS = Path(__file__).with_name("coverage.csv")
STUDIES, FIELDS, POINTS, LEVELS = 2000, 6, 2**14, 8
WINDOW = (8.0, 256.0)
LEVEL = 0.95
ORDERS = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
CELL = Cell.cubic(float(POINTS), 1)
REFERENCE = reference("wavelets", (POINTS,), CELL, LEVELS, ORDERS)
HEAD = ("fields", "q", "studies", "coverage", "standard error", "mean error", "median half-width")
FAMILIES: dict[str, Callable[[float], Family]] = {
    "fractional, H from 0.1 to 0.8": Fractional,
    "log-normal cascade, c2 = 0.02, c1 from 0.1 to 0.8": partial(LogNormal, c2=0.02),
    "steps": lambda _: Step(8),
}


def study(name: str, number: int) -> tuple[Exponents, np.ndarray]:
    """One ensemble, and its exact exponents."""
    rng = np.random.default_rng([list(FAMILIES).index(name), number])
    family = FAMILIES[name](rng.uniform(0.1, 0.8))
    samples = [
        wavelet_moments(family.sample((POINTS,), each), CELL, LEVELS, ORDERS)
        for each in rng.spawn(FIELDS)
    ]
    found = exponents(samples, WINDOW, LEVEL, CELL.volume, REFERENCE)
    return found, family.exponent(ORDERS, 1)


def rows(name: str, studies: int) -> list[list[str]]:
    """One line of the table for every order; exponents that are refused do not count."""
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(partial(study, name), range(studies), chunksize=20))
    lines = []
    for order, q in enumerate(ORDERS):
        given = [(e, x[order]) for e, x in results if np.isfinite(e.value[order])]
        inside = [e.ci_low[order] <= exact <= e.ci_high[order] for e, exact in given]
        error = [e.value[order] - exact for e, exact in given]
        half = [0.5 * (e.ci_high[order] - e.ci_low[order]) for e, _ in given]
        share, count = float(np.mean(inside)), len(given)
        scatter = np.sqrt(share * (1.0 - share) / count)
        numbers = (f"{100.0 * share:.1f} %", f"{100.0 * scatter:.1f} %")
        spread = (f"{np.mean(error):.4f}", f"{np.median(half):.4f}")
        lines.append([name, f"{q:g}", str(count), *numbers, *spread])
        print(*lines[-1], sep=", ", flush=True)
    return lines


def main(studies: int) -> None:
    """All families; with an argument, that many studies of each."""
    table = [line for name in FAMILIES for line in rows(name, studies)]
    with RESULTS.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEAD)
        writer.writerows(table)
    page.update()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES)
