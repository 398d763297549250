"""A small study with everything a summary page shows, made up."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from math import inf, nan

from glasscade.config import Study, parse
from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import CHECKS, Outcome, Verdict
from glasscade.report.exponents import Exponent
from glasscade.report.page import PNG, Contents, Figure, Source
from studies import Raw, study

SIZE = (32, 24)


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG: length, name, content, CRC."""
    body = name + content
    return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


HEADER = b"".join(side.to_bytes(4, "big") for side in SIZE) + bytes([1, 0, 0, 0, 0])
PIXELS = zlib.compress(bytes(SIZE[1] * (1 + (SIZE[0] + 7) // 8)))
IMAGE = PNG + chunk(b"IHDR", HEADER) + chunk(b"IDAT", PIXELS) + chunk(b"IEND", b"")
"""A black picture."""
CAPTION = "What is plotted for :math:`\\ell`.\n\n*What to look for:* a line."
FIGURES = {"point": ("budget", "limits"), "rough": ("recovery",), "smooth": ("stress", "budget")}

GLASS: Raw = {
    "system": {
        "kind": "glass",
        "number": 64,
        "composition": {"kind": "binary_spheres", "packing_fraction": 0.95, "core": 0.2},
        "points": 128,
        "duration": 1.0,
        "dt": 0.01,
        "snapshots": 5,
    },
    "sweep": {"temperature": [0, 0.1, 0.2, 0.3, 0.4], "ell": [[0, 0.8, 1, 1.2, 1.4, 1.6]]},
    "window": [0.25, 1.4],
}


def row(
    model: str,
    check: str,
    quantity: str,
    verdict: Outcome = "holds",
    value: float = 0.25,
    half: float = 0.05,
    region: str = "one",
) -> Verdict:
    """A verdict with reference 0, tolerance 0.5 and a window from 1 to 2."""
    ends = (value - half, value + half)
    return Verdict(model, check, quantity, region, value, *ends, 0.0, 0.5, verdict, 1, 1.0, 2.0)


def limit(value: float, half: float = 0.05) -> Limit:
    """A limit with an interval."""
    return Limit(value, value - half, value + half, 1.0, 2.0, 1)


def exponent(source: str = "measured", field: str = "density") -> Exponent:
    """An exponent over two decades, on which a verdict may rest."""
    return Exponent(source, field, 0.0, nan, 0.3, 0.28, 0.32, 0.31, "trusted", 0.01, 1.0, 6)


def made_up_rows() -> list[Verdict]:
    """Rows of every check, and of every outcome."""
    return [
        row("point", "control", "lim_Q_flux"),
        row("point", "closure", "instantaneous", value=2e-15, half=0.0),
        row("point", "commutation", "A_minus_B"),
        row("point", "commutation", "A_minus_B", region="bump1"),
        replace(
            row("point", "commutation", "A_minus_B", "inconclusive", region="bump2"), n_to_decide=40
        ),
        replace(
            row("point", "commutation", "A_minus_B", "inconclusive", region="all"), n_to_decide=inf
        ),
        row("point", "kernel_independence", "lim_Q_flux_wendland_c6_minus_gaussian"),
        row("point", "direct_terms_vanish", "slope_in_T_at_ell_0.08", "violated"),
        row("point", "flux_bound", "pointwise_vs_3xi-1", "inconclusive"),
        row("point", "criterion", "xi_3_with_flux"),
        row("rough", "exponent_recovery", "xi_3_H0.2"),
        row("smooth", "dissipation_scale", "ell_half_T0"),
        replace(row("smooth", "dissipation_scale", "ell_half_T0.1"), ci_high=inf),
    ]


def many_rows(models: Iterable[str]) -> list[Verdict]:
    """Six rows of every check of every model, with the longest names and numbers there are."""
    quantities = ("pointwise_vs_2xi+xiF-1_H0.333333", "lim_Q_flux_wendland_c6_minus_gaussian")
    rows = []
    for model, check, index in product(models, CHECKS, range(6)):
        outcomes: tuple[Outcome, ...] = ("holds", "holds", "inconclusive", "violated")
        outcome = outcomes[index % 4]
        value = (-1.2345678e-13, 0.3333333, -123456.789)[index % 3]
        made = row(model, check, quantities[index % 2], outcome, value, abs(value) * 1e-5)
        needed = inf if outcome == "inconclusive" else nan
        rows.append(replace(made, region=("one", "all")[index % 2], n_to_decide=needed))
    return rows


def small_study() -> Study:
    """The models `point`, `rough` and `smooth`."""
    return parse(study())


def contents() -> Contents:
    """Everything on one page."""
    figures = {
        model: [Figure(name, IMAGE, CAPTION, f"figures/{model}/{name}.csv") for name in names]
        for model, names in FIGURES.items()
    }
    packages = {"numpy": "2.0"}
    return Contents(
        study=small_study(),
        date=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        verdicts=made_up_rows(),
        limits={"point": {"lim_Q_thermal": limit(1.0), "lim_Q_flux": limit(1.0), "H": limit(0.0)}},
        exponents={"point": [exponent(), exponent(field="force")]},
        figures=figures,
        study_figures=[],
        sources=[Source("limits/point.nc", "0.1", "abcdef", "0123456789ab", packages)],
    )
