"""Stage 7, of the whole study: which kernel of force attains which bound of the flux."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from glasscade.config import SyntheticSystem
from glasscade.figures.bounds import exponents_and_bounds, phase_diagram
from glasscade.figures.style import style
from glasscade.io import read_dataset, write_text
from glasscade.limits.bounds import (
    flux_bounds,
    flux_exponent,
    force_exponent,
    product_exponent,
)
from glasscade.limits.extrapolation import Limit
from glasscade.limits.verdicts import equal
from glasscade.stages.figures import write
from glasscade.stages.flux import NORMS, SMEARED, norm_exponent, smeared_exponent

OWN = {
    "3xi-1": ("pointwise", "product"),
    "2xi+xiF-1": ("pointwise", "product"),
    "xi+xiF": ("smeared",),
}
"""The quantities that each bound is of."""
PREDICTED = {"product": product_exponent, "pointwise": flux_exponent}
FIGURES = {"flux_bounds": exponents_and_bounds, "phase_diagram": phase_diagram}


def run(job: dict[str, Any], limits: list[Path], table: Path, folder: Path) -> None:
    """Write the table and draw the figures to `folder`/{name}.png and {name}.csv.

    Parameters
    ----------
    job : dict
        `models`, by name the `system` of each; `names` of the figures; `level` and `bound`, two of
        the margins.
    limits : list of Path
        One file for each model, in the order of `models`.
    table : Path
        Where the table goes.
    folder : Path
        Where the figures go.
    """
    rows: list[dict[str, Any]] = []
    for (model, keys), path in zip(job["models"].items(), limits, strict=True):
        system = SyntheticSystem.model_validate(keys["system"])
        dataset = read_dataset(path, *NORMS.values(), finite=False)
        rows.extend(_rows(model, system, dataset, job["level"], job["bound"]))
    frame = pd.DataFrame(rows)
    write_text(frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"), table)
    for name in job["names"]:
        with style():
            write(*FIGURES[name](frame, job["bound"]), folder / name)


def _rows(
    model: str, system: SyntheticSystem, limits: xr.Dataset, level: float, margin: float
) -> Iterator[dict[str, Any]]:
    """The rows of one model: every exponent, quantity and order."""
    s = system.singularity
    for hurst in system.exponents:
        measured = [
            (quantity, float(order), norm_exponent(limits, quantity, place, hurst, s, level))
            for quantity in NORMS
            for place, order in enumerate(limits["order"].values)
        ]
        measured.append((SMEARED, np.nan, smeared_exponent(limits, hurst, level)))
        bounds = {
            name: float(bound)
            for name, bound in flux_bounds(hurst, force_exponent(hurst, s)).items()
        }
        for quantity, order, limit in measured:
            predicted = PREDICTED[quantity](hurst, s) if quantity in PREDICTED else np.nan
            yield {
                "model": model,
                "kernel": system.potential.kind,
                "s": s,
                "H": hurst,
                "quantity": quantity,
                "p": order,
                "measured": limit.value,
                "ci_low": limit.low,
                "ci_high": limit.high,
                "predicted": float(predicted),
                **bounds,
                **{
                    f"attains {name}": attained(limit, bound, margin)
                    if quantity in OWN[name]
                    else ""
                    for name, bound in bounds.items()
                },
                "fit_low": limit.fit_low,
                "fit_high": limit.fit_high,
                "n": limit.realisations,
            }


def attained(limit: Limit, bound: float, margin: float) -> str:
    """`yes` within the margin, `no` above it, `below` it, or `undecided`."""
    outcome = equal(limit, bound, margin)
    if outcome == "violated":
        return "no" if limit.low > bound else "below"
    return {"holds": "yes", "inconclusive": "undecided"}[outcome]
