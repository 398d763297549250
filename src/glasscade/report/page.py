"""From everything known of a study to one document."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from math import isfinite
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from glasscade.config import Study
from glasscade.errors import DataError
from glasscade.figures import STUDY_TITLES, TITLES
from glasscade.limits.extrapolation import ACROSS, ORDERS, OUTER, PLAUSIBLE, POINTS, Limit
from glasscade.limits.power import POWER
from glasscade.limits.verdicts import CHECKS, TOGETHER, Verdict
from glasscade.paths import WHOLE_STUDY
from glasscade.regularity.exponents import (
    FEWEST_VALUES,
    LARGEST_CORRECTION,
    SHORTEST_DECADES,
)
from glasscade.regularity.scaling import CHANCE, PLATEAU
from glasscade.report import TEMPLATES, controls, labels, parameters, regions, rst
from glasscade.report.answers import SPLIT, Findings, Mark, questions
from glasscade.report.exponents import Exponent, exponent_rows
from glasscade.report.falsification import conditions
from glasscade.report.kinds import description, kind_of
from glasscade.report.numbers import measured, plain, window, would_decide

PNG = b"\x89PNG\r\n\x1a\n"
COUNTED: tuple[Mark, ...] = ("holds", "violated", "inconclusive")
URGENCY = ("violated", "inconclusive", "holds")
"""Order of rows in a table."""
FEW_MODELS, FEW_ROWS = 3, 6
"""Of more, figures and answers, and rows that hold, are folded up."""


@dataclass(frozen=True)
class Figure:
    """A figure as it was drawn.

    Attributes
    ----------
    name : str
    image : bytes
        PNG.
    caption : str
        The template of its caption, reStructuredText.
    data : str
        Path of its data, relative to the page.
    """

    name: str
    image: bytes
    caption: str
    data: str


@dataclass(frozen=True)
class Source:
    """A file behind the page and what it says of its origin."""

    name: str
    version: str
    digest: str
    commit: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Contents:
    """Everything that the page shows.

    Attributes
    ----------
    study : Study
    date : datetime
        When the newest of the data were written, UTC.
    verdicts : all rows
    limits : by model, then by name
        For φ = 1 and the first kernel; empty for a model without limits.
    exponents : by model, in order
        Those of order 3 by the estimator of the verdicts.
    figures : by model, in order
    study_figures : those of several models together
    sources : files behind the page
    """

    study: Study
    date: datetime
    verdicts: Sequence[Verdict]
    limits: Mapping[str, dict[str, Limit]]
    exponents: Mapping[str, Sequence[Exponent]]
    figures: Mapping[str, Sequence[Figure]]
    study_figures: Sequence[Figure]
    sources: Sequence[Source]


def render(contents: Contents) -> str:
    """The page as HTML, complete in itself.

    Raises
    ------
    DataError
        If a row belongs to no model of the study or no check, a figure is not a PNG, or a caption
        is not valid.
    """
    _check_rows(contents)
    environment = Environment(
        loader=PackageLoader(__package__ or "", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["typeset"] = labels.typeset
    return environment.get_template("page.html").render(
        **_head(contents), **_answers(contents), **_body(contents), **_provenance(contents)
    )


def _check_rows(contents: Contents) -> None:
    """Refuse what would fall between the tables."""
    for row in contents.verdicts:
        for what, name, known in (
            ("model", row.model, contents.study.models),
            ("check", row.check, CHECKS),
        ):
            if name not in known:
                raise DataError(
                    f"verdicts: {what} {name} is not in study {contents.study.study}; delete the "
                    "table, it will be computed again"
                )


def _head(contents: Contents) -> dict[str, Any]:
    study, first = contents.study, contents.sources[0]
    return {
        "study": study.study,
        "seed": study.seed,
        "symbols": labels.SYMBOLS,
        "date": f"{contents.date.day} {contents.date:%B %Y, %H:%M} UTC",
        "versions_of": {"glasscade": first.version, "commit": first.commit},
        "figures_total": _number_of_model_figures(contents) + len(contents.study_figures),
    }


def _answers(contents: Contents) -> dict[str, Any]:
    """Abstract and falsification."""
    findings = [
        Findings(
            name,
            kind_of(model.system),
            tuple(row for row in contents.verdicts if row.model == name),
            contents.limits.get(name, {}),
        )
        for name, model in contents.study.models.items()
    ]
    compared = [r for r in contents.verdicts if isfinite(r.reference) and r.region != TOGETHER]
    counts = {mark: sum(row.verdict == mark for row in compared) for mark in COUNTED}
    # A control that is violated is a fault, a part of the split that is none is a finding.
    anomalies = sum(
        (row.check, row.verdict) == ("commutation", "violated") and row.quantity in SPLIT
        for row in compared
    )
    return {
        "opening": _opening(contents, counts, anomalies),
        "counts": counts,
        "warning": controls.warning(contents.verdicts),
        "questions": questions(findings),
        "conditions": conditions(findings),
    }


def _opening(contents: Contents, counts: Mapping[Mark, int], anomalies: int) -> str:
    number, total = len(contents.study.models), sum(counts.values())
    models = "one model" if number == 1 else f"{number} models"
    found = f" ({anomalies} of them for an anomaly, a limit that is not zero)" if anomalies else ""
    return (
        f"This study follows the stress of {models} as the temperature T and the scale of "
        f"description ℓ go to zero, and compares {total} numbers, each with its interval, with "
        f"what was fixed beforehand, every region for itself: {counts['holds']} hold, "
        f"{counts['violated']} {'is' if counts['violated'] == 1 else 'are'} violated{found}, "
        f"{counts['inconclusive']} {'is' if counts['inconclusive'] == 1 else 'are'} inconclusive. "
        "Scales of dissipation and what is known by theorem or not asked stand beside them without "
        "a reference."
    )


def _body(contents: Contents) -> dict[str, Any]:
    study = contents.study
    return {
        "checks": [
            _check(name, rows, contents.limits)
            for name in CHECKS
            if (rows := [row for row in contents.verdicts if row.check == name])
        ],
        "methods": _methods(study),
        "estimator": study.exponents.verdict_estimator,
        "margins": parameters.of_section(study.margins),
        "models": _models(contents),
        "folded": len(study.models) > FEW_MODELS,
        "comparisons": _of_study(contents, bounds=False),
        "bounds": _of_study(contents, bounds=True),
    }


def _of_study(contents: Contents, bounds: bool) -> list[dict[str, Any]]:
    """The figures of several models: those of particles, or those of the bounds."""
    first = _number_of_model_figures(contents) + 1
    return [
        _figure(WHOLE_STUDY, figure, number)
        for number, figure in enumerate(contents.study_figures, start=first)
        if (figure.name != "comparison") == bounds
    ]


def _number_of_model_figures(contents: Contents) -> int:
    return sum(len(contents.figures.get(name, ())) for name in contents.study.models)


def _check(
    name: str, rows: Sequence[Verdict], limits: Mapping[str, Mapping[str, Limit]]
) -> dict[str, Any]:
    check = labels.CHECKS[name]
    shown = sorted(regions.of_box(rows), key=lambda row: URGENCY.index(row.verdict))
    hold = [row for row in shown if row.verdict == "holds"]
    folded = hold if len(hold) > FEW_ROWS else []
    return {
        "name": name,
        "title": check.title,
        "text": check.text,
        "counts": {mark: sum(row.verdict == mark for row in shown) for mark in COUNTED},
        "shown": [_row(row, limits) for row in shown if row not in folded],
        "folded": [_row(row, limits) for row in folded],
        "regions": regions.lines(rows),
    }


def _row(row: Verdict, limits: Mapping[str, Mapping[str, Limit]]) -> dict[str, str]:
    shown = measured(row.value, row.ci_low, row.ci_high)
    needed = would_decide(row.n_to_decide)
    relation = labels.relation(row.check, row.quantity)
    sign = "" if relation in {"=", ""} else f"{relation} "
    return {
        "model": row.model,
        "name": row.quantity,
        "region": row.region,
        "quantity": labels.quantity(row.quantity, row.region),
        "verdict": row.verdict,
        "value": shown.value,
        "interval": shown.interval,
        "reference": sign + plain(row.reference),
        "tolerance": plain(row.tolerance),
        "realisations": f"{row.n_realisations}; {needed}" if needed else str(row.n_realisations),
        "window": _window(row, limits.get(row.model, {})),
    }


def _window(row: Verdict, limits: Mapping[str, Limit]) -> str:
    """The fit window, both of a difference of a limit in ℓ and one in T."""
    shown = window(labels.fitted(row.quantity), row.fit_low, row.fit_high)
    athermal = limits.get("A")
    # That of particles is their own stress, for which no ℓ is needed.
    if row.quantity not in ACROSS or athermal is None or athermal.fit_low == 0.0:
        return shown
    return f"{shown}; {window('ℓ', athermal.fit_low, athermal.fit_high)}"


def _methods(study: Study) -> str:
    """The text on methods, with the numbers of this study."""
    particles = any(model.system.particles for model in study.models.values())
    source = (resources.files(__package__) / TEMPLATES / "methods.rst").read_text("utf-8")
    text = rst.fill(
        source,
        "methods.rst",
        particles=particles,
        measured=any(model.system.measured for model in study.models.values()),
        ito=r"[+I_\ell]" if particles else "",
        of_particles=(
            "; of particles, by closure, as the limit of the change of their microscopic stress"
            if particles
            else ""
        ),
        kernels=", ".join(labels.kernel_label(kernel) for kernel in study.kernels),
        bumps=study.test_functions.bumps,
        points=POINTS,
        order_low=plain(ORDERS[0]),
        order_high=plain(ORDERS[1]),
        outer_low=plain(OUTER[0]),
        outer_high=plain(OUTER[1]),
        plausible=plain(PLAUSIBLE),
        power=plain(100.0 * POWER),
        level=plain(100.0 * study.margins.level),
        exponent_level=plain(100.0 * study.margins.exponent_level),
        estimator=study.exponents.verdict_estimator,
        plateau=plain(PLATEAU),
        chance=plain(100.0 * CHANCE),
        correction=plain(LARGEST_CORRECTION),
        decades=plain(SHORTEST_DECADES),
        fewest=plain(FEWEST_VALUES),
        delta=plain(study.margins.delta),
    )
    return rst.to_html(text, "methods.rst", "methods-")


def _models(contents: Contents) -> list[dict[str, Any]]:
    """The models in the order of the configuration, their figures numbered throughout."""
    models, number = [], 1
    for name, model in contents.study.models.items():
        figures = contents.figures.get(name, ())
        models.append(
            {
                "name": name,
                "text": description(model.system),
                "parameters": parameters.of_model(model),
                "exponents": exponent_rows(contents.exponents.get(name, ())),
                "figures": [
                    _figure(name, figure, number + index) for index, figure in enumerate(figures)
                ],
            }
        )
        number += len(figures)
    return models


def _figure(model: str, figure: Figure, number: int) -> dict[str, Any]:
    width, height = size_of(figure.image, f"{model}/{figure.name}.png")
    anchor = f"figure-{model}-{figure.name}"
    return {
        "number": number,
        "anchor": anchor,
        "title": (TITLES | STUDY_TITLES).get(figure.name, figure.name),
        "image": base64.b64encode(figure.image).decode("ascii"),
        "width": width,
        "height": height,
        "caption": rst.caption(figure.caption, f"{figure.name}.rst", model, f"{anchor}-"),
        "data": figure.data,
    }


def size_of(image: bytes, name: str) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from its header.

    Raises
    ------
    DataError
        If it is not a PNG, or one that is truncated or corrupt.
    """
    if not image.startswith(PNG) or len(image) < 24:
        raise DataError(f"{name}: not a PNG; delete it, it will be drawn again")
    if not _is_whole(image):
        raise DataError(f"{name}: truncated or corrupt; delete it, it will be drawn again")
    return int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")


def _is_whole(image: bytes) -> bool:
    """Whether every chunk of a PNG (length, name, content, CRC) is what it was, to the last."""
    body, place = b"", len(PNG)
    while place < len(image):
        end = place + 12 + int.from_bytes(image[place : place + 4], "big")
        body = image[place + 4 : end - 4]
        if zlib.crc32(body) != int.from_bytes(image[end - 4 : end], "big"):
            return False
        place = end
    return body[:4] == b"IEND"


def _provenance(contents: Contents) -> dict[str, Any]:
    packages = _packages(contents.sources)
    commits = {source.commit for source in contents.sources}
    return {
        "sources": contents.sources,
        "clean": len(commits) == 1 and not any(c == "unknown" or c.endswith("+") for c in commits),
        "packages": packages,
        "packages_differ": any("," in versions for versions in packages.values()),
        "configuration": configuration(contents.study),
    }


def _packages(sources: Sequence[Source]) -> dict[str, str]:
    """Versions of each package, all that occur."""
    found: dict[str, dict[str, None]] = {}
    for source in sources:
        for name, version in source.packages.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(versions) for name, versions in found.items()}


def configuration(study: Study) -> str:
    """The configuration as YAML that can be run, defaults filled in."""
    return yaml.safe_dump(
        study.model_dump(mode="json"),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=68,
    )
