"""Stage 7: the figures of one model, each as an image and as the numbers it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from glasscade.figures.anomaly import kernels, limits
from glasscade.figures.budgets import budget, direct_terms, plane, stress
from glasscade.figures.data import Results
from glasscade.figures.joint import convergence, joint
from glasscade.figures.local_exponents import local_exponents
from glasscade.figures.maps import maps
from glasscade.figures.plastic import event_map, events, shear
from glasscade.figures.regularity import exponents, flux_exponent, recovery, structure
from glasscade.figures.relaxation import relaxation
from glasscade.figures.scales import dissipation_scale
from glasscade.figures.sheet import Drawn
from glasscade.figures.style import DPI, style
from glasscade.io import atomic, read_dataset
from glasscade.stages.verdicts import read_verdicts

FIGURES: dict[str, Callable[[Results], Drawn]] = {
    "shear": shear,
    "events": events,
    "event_map": event_map,
    "relaxation": relaxation,
    "stress": stress,
    "budget": budget,
    "plane": plane,
    "limits": limits,
    "joint": joint,
    "convergence": convergence,
    "kernels": kernels,
    "direct_terms": direct_terms,
    "dissipation_scale": dissipation_scale,
    "recovery": recovery,
    "structure": structure,
    "exponents": exponents,
    "flux_exponent": flux_exponent,
    "maps": maps,
    "local_exponents": local_exponents,
}


def run(
    job: dict[str, Any], limits: Path, exponents: Path | None, verdicts: Path, folder: Path
) -> None:
    """Draw all figures of a model to `folder`/{name}.png and {name}.csv.

    Parameters
    ----------
    job : dict
        `names` of the figures; `length` of the cell; `estimator` of the verdicts; `level` and
        `exponent`, two of the margins.
    limits, exponents, verdicts : Path
        Files of the model; no exponents where they are not measured.
    folder : Path
        Where the figures go.
    """
    shown = results(job, limits, exponents, verdicts)
    for name in job["names"]:
        with style():
            write(*FIGURES[name](shown), folder / name)


def results(job: dict[str, Any], limits: Path, exponents: Path | None, verdicts: Path) -> Results:
    """What is known about a model, from its files; exponents only where they are measured."""
    return Results(
        job["estimator"],
        job["level"],
        job["exponent"],
        job["length"],
        read_dataset(limits, *(("source", "transport") if exponents else ("change",))),
        read_dataset(exponents, "raw") if exponents else xr.Dataset(),
        read_verdicts(verdicts),
    )


def write(figure: Figure, data: pd.DataFrame, stem: Path) -> None:
    """Write a figure and its data atomically."""
    with atomic(stem.with_suffix(".csv")) as temporary:
        data.to_csv(temporary, index=False, float_format="%.7g")
    with atomic(stem.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
