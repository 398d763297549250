"""Stage 4: Besov exponents of ρ and F with intervals, per temperature and per known exponent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.fits import Exponents, exponents
from glasscade.stages.structure import ESTIMATORS, FIELDS, moments_of

PARTS = ("value", "ci_low", "ci_high")


def run(job: dict[str, Any], inputs: list[Path], output: Path) -> None:
    """Fit exponents over the realisations of all blocks.

    Parameters
    ----------
    job : dict
        `window`, `level`, `deterministic`, and `temperatures`, one for each input file.
    inputs, output : Path
        Structure files and the file of exponents.
    """
    blocks: dict[float, list[xr.Dataset]] = {}
    for path, temperature in zip(inputs, job["temperatures"], strict=True):
        blocks.setdefault(temperature, []).append(read_dataset(path, "norm", "scale"))
    rows = [
        _temperature(
            xr.concat(
                blocks[temperature],
                dim="realisation",
                data_vars="minimal",
                coords="minimal",
                compat="override",
            ),
            job,
        )
        for temperature in sorted(blocks)
    ]
    dataset = xr.concat(rows, dim="temperature", data_vars="all").assign_coords(
        temperature=("temperature", sorted(blocks), {"units": "V0/k_B"})
    )
    write_dataset(dataset, output, job, __name__)


def _temperature(structure: xr.Dataset, job: dict[str, Any]) -> xr.Dataset:
    """Exponents at one temperature, along a dimension `case` for systems of known exponent."""
    if "hurst" not in structure.coords:
        return _case(structure, job).expand_dims("case")
    groups = list(structure.groupby("hurst"))
    cases = xr.concat([_case(group, job) for _, group in groups], dim="case")
    return cases.assign_coords(hurst=("case", [float(hurst) for hurst, _ in groups]))


def _case(structure: xr.Dataset, job: dict[str, Any]) -> xr.Dataset:
    """All fields and estimators of one ensemble."""
    shape = (len(FIELDS), len(ESTIMATORS), structure.sizes["order"])
    arrays = {name: np.full(shape, np.nan) for name in PARTS}
    trusted = np.zeros(shape, dtype=np.int8)
    window = np.full((len(ESTIMATORS), 2), np.nan)
    for f, field in enumerate(FIELDS):
        for e, estimator in enumerate(ESTIMATORS):
            fit = _fit(structure, field, estimator, job)
            half = fit.systematic if job["deterministic"] else fit.ci_high - fit.value
            arrays["value"][f, e] = fit.value
            arrays["ci_low"][f, e] = fit.value - half
            arrays["ci_high"][f, e] = fit.value + half
            trusted[f, e] = [flag == "inside" for flag in fit.flag]
            window[e] = fit.low, fit.high
    return _label(arrays, trusted, window, structure)


def _fit(structure: xr.Dataset, field: str, estimator: str, job: dict[str, Any]) -> Exponents:
    realisations = [
        moments_of(structure, number, field, estimator)
        for number in range(structure.sizes["realisation"])
    ]
    return exponents(realisations, tuple(job["window"]), job["level"])


def _label(
    arrays: dict[str, np.ndarray], trusted: np.ndarray, window: np.ndarray, structure: xr.Dataset
) -> xr.Dataset:
    dims = ("field", "estimator", "order")
    names = {"value": "Besov exponent ξ_q", "ci_low": "lower end", "ci_high": "upper end"}
    mean_norm: xr.DataArray = xr.apply_ufunc(
        lambda norm: np.exp(np.log(norm).mean(axis=-1)),
        structure["norm"],
        input_core_dims=[["realisation"]],
    )
    return xr.Dataset(
        {
            **{
                name: variable(dims, array, "1", names[name], "before Eq. 45")
                for name, array in arrays.items()
            },
            "trusted": variable(dims, trusted, "1", "1 where the estimator is unbiased"),
            "window": variable(("estimator", "end"), window, "l0", "window of the fit"),
            "mean_norm": variable(
                (*dims, "scale_index"),
                mean_norm.transpose(*dims, "scale_index").values,
                structure["norm"].attrs["units"],
                "geometric mean of the norms over realisations",
            ),
            "scale": variable(
                ("estimator", "scale_index"), structure["scale"].values, "l0", "scale"
            ),
            "realisations": variable((), structure.sizes["realisation"], "1", "sample size"),
        },
        coords={name: structure[name] for name in dims},
    )
