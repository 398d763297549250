"""Stage 7, of the whole study: the models of particles in one figure, to see what N and dt do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glasscade.figures.comparison import comparison
from glasscade.figures.style import style
from glasscade.stages.figures import results, write


def run(
    job: dict[str, Any],
    limits: list[Path],
    exponents: list[Path],
    verdicts: list[Path],
    stem: Path,
) -> None:
    """Draw the figure to `stem`.png and `stem`.csv.

    Parameters
    ----------
    job : dict
        `models`, by name the parameters of the figures of each, its `number` of particles and
        its `dt`; `refinements`, pairs of names of models, [finer, coarser], that differ in dt
        alone.
    limits, exponents, verdicts : list of Path
        One file for each model, in the order of `models`.
    stem : Path
        The figure without its suffix.
    """
    names = {
        name: f"{name} (N = {keys['number']}, dt = {keys['dt']:g})"
        for name, keys in job["models"].items()
    }
    files = zip(limits, exponents, verdicts, strict=True)
    models = {
        names[name]: results(keys, *paths)
        for (name, keys), paths in zip(job["models"].items(), files, strict=True)
    }
    refinements = [(names[finer], names[coarser]) for finer, coarser in job["refinements"]]
    with style():
        write(*comparison(models, refinements), stem)
