"""Stage 8: the summary page of a study."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from glasscade import config, jobs
from glasscade.errors import DataError
from glasscade.io import read_dataset, write_text
from glasscade.limits.extrapolation import Limit
from glasscade.paths import WHOLE_STUDY
from glasscade.regularity.exponents import CRITICAL_ORDER, FLAGS
from glasscade.report.exponents import Exponent
from glasscade.report.page import Contents, Figure, Source, render
from glasscade.stages.integrate import limit_in
from glasscade.stages.joint import limit_of, path_name
from glasscade.stages.verdicts import read_verdicts


def run(
    job: dict[str, Any],
    verdicts: Path,
    limits: list[Path],
    exponents: list[Path],
    figures: Path,
    captions: Path,
    output: Path,
) -> None:
    """Write the page.

    Parameters
    ----------
    job : dict
        `study`, the whole configuration, which the page shows; `figures`, the names of the figures
        of each model; `study_figures`, those of several models together.
    verdicts : Path
        The table of the study.
    limits, exponents : list of Path
        One file for each model, in the order of the configuration; of exponents for each whose
        roughness is measured.
    figures : Path
        Folder of `{model}/{name}.png` and `.csv`, with `paths.WHOLE_STUDY` for what shows several
        models; beside the page, which refers to the latter.
    captions : Path
        Folder of `{name}.rst`.
    output : Path
        The page.

    Raises
    ------
    DataError
        If an input is missing or is not what it should be.
    """
    study = config.parse(job["study"], known=True)
    datasets = {path: read_dataset(path) for path in (*limits, *exponents)}

    def drawn(model: str, names: list[str]) -> list[Figure]:
        return [
            _figure(figures / model / name, captions / f"{name}.rst", output.parent)
            for name in names
        ]

    contents = Contents(
        study=study,
        date=_newest(verdicts, *datasets),
        verdicts=read_verdicts(verdicts),
        limits={
            model: limits_of(datasets[path])
            for model, path in zip(study.models, limits, strict=True)
        },
        exponents={
            model: exponents_of(datasets[path], study.exponents.verdict_estimator)
            for model, path in zip(jobs.measured(study), exponents, strict=True)
        },
        figures={model: drawn(model, job["figures"][model]) for model in study.models},
        study_figures=drawn(WHOLE_STUDY, job["study_figures"]),
        sources=[_source(path, dataset) for path, dataset in datasets.items()],
    )
    write_text(render(contents), output)


def limits_of(dataset: xr.Dataset) -> dict[str, Limit]:
    """The limits for φ = 1 and the first kernel, iterated and along paths; of some models none."""
    if "limit" not in dataset:
        return {}
    table = dataset["limit"].sel(phi="one").isel(kernel=0)
    count = dataset.sizes["realisation"]
    found = {str(row["quantity"].values): limit_in(row, count) for row in table}
    if "along_limit" in dataset:
        for alpha, name in product(dataset["alpha"].values, dataset["followed"].values):
            key = f"{name}_{path_name(float(alpha))}"
            found[key] = limit_of(dataset, float(alpha), str(name))
    return found


def exponents_of(dataset: xr.Dataset, estimator: str) -> list[Exponent]:
    """ξ_3 over the whole cell of every temperature, case, source and field, T = 0 first."""
    third = dataset.sel(region="one", estimator=estimator, order=CRITICAL_ORDER)
    flags = list(FLAGS)
    names = {"value": "value", "low": "ci_low", "high": "ci_high", "raw": "raw"}
    found = []
    for t, case in np.ndindex(third.sizes["temperature"], third.sizes["case"]):
        for source, field in product(third["source"].values, third["field"].values):
            row = third.isel(temperature=t, case=case).sel(source=source, field=field)
            start, stop = map(float, row["window"].values)
            found.append(
                Exponent(
                    source=str(source),
                    field=str(field),
                    temperature=float(third["temperature"][t]),
                    known=float(row["hurst"]) if "hurst" in row.coords else np.nan,
                    **{name: float(row[variable]) for name, variable in names.items()},
                    flag=flags[int(row["flag"])],
                    start=start,
                    stop=stop,
                    samples=int(row["samples"]),
                )
            )
    return found


def _newest(*paths: Path) -> datetime:
    """When the newest of the files was written."""
    try:
        newest = max(path.stat().st_mtime for path in paths)
    except FileNotFoundError as error:
        raise _missing(Path(error.filename)) from None
    return datetime.fromtimestamp(newest, UTC)


def _figure(stem: Path, caption: Path, page: Path) -> Figure:
    """An image with its caption, and where its data lie, seen from the page."""
    data = stem.with_suffix(".csv")
    if not data.is_file():
        raise _missing(data)
    return Figure(
        name=stem.name,
        image=_read(stem.with_suffix(".png")),
        caption=_read(caption).decode("utf-8"),
        data=data.relative_to(page).as_posix(),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise _missing(path) from None


def _missing(path: Path) -> DataError:
    return DataError(f"{path}: this file is missing; run the stage that writes it")


def _source(path: Path, dataset: xr.Dataset) -> Source:
    """What a file says of its origin."""
    return Source(
        name="/".join(path.parts[-2:]),
        version=str(dataset.attrs["glasscade_version"]),
        digest=str(dataset.attrs["code_digest"]),
        commit=str(dataset.attrs["git_commit"]),
        packages=json.loads(dataset.attrs["versions"]),
    )
