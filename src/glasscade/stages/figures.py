"""Stage 6: the figures of one model, each as an image and as the numbers it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from glasscade.figures import figure_names
from glasscade.figures.anomaly import kernels, limits
from glasscade.figures.budgets import budget, direct_terms, plane, stress
from glasscade.figures.data import Results, read_verdicts
from glasscade.figures.maps import maps
from glasscade.figures.regularity import exponents, flux_exponent, recovery, structure
from glasscade.figures.scales import dissipation_scale
from glasscade.figures.sheet import Drawn
from glasscade.figures.style import DPI, style
from glasscade.io import atomic, read_dataset

FIGURES: dict[str, Callable[[Results], Drawn]] = {
    "stress": stress,
    "budget": budget,
    "plane": plane,
    "limits": limits,
    "kernels": kernels,
    "direct_terms": direct_terms,
    "dissipation_scale": dissipation_scale,
    "recovery": recovery,
    "structure": structure,
    "exponents": exponents,
    "flux_exponent": flux_exponent,
    "maps": maps,
}


def run(job: dict[str, Any], limits: Path, exponents: Path, verdicts: Path, folder: Path) -> None:
    """Draw all figures of a model to `folder`/{name}.png and {name}.csv.

    Parameters
    ----------
    job : dict
        `kind`, `length` and `maps` (whether there are maps) of the model; `estimator`; `level`
        and `exponent`, two of the margins.
    limits, exponents, verdicts : Path
        Files of the model.
    folder : Path
        Where the figures go.
    """
    results = Results(
        job["kind"],
        job["estimator"],
        job["level"],
        job["exponent"],
        job["length"],
        read_dataset(limits, "source", "transport"),
        read_dataset(exponents, "value"),
        read_verdicts(verdicts),
    )
    for name in figure_names(job["kind"], job["maps"]):
        with style():
            write(*FIGURES[name](results), folder / name)


def write(figure: Figure, data: pd.DataFrame, stem: Path) -> None:
    """Write a figure and its data atomically."""
    with atomic(stem.with_suffix(".csv")) as temporary:
        data.to_csv(temporary, index=False, float_format="%.7g")
    with atomic(stem.with_suffix(".png")) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
