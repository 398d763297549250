"""Budgets made up from formulas, of the shape that the stage of reductions writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from glasscade.io import write_dataset

TERMS = ("W", "Q_flux", "Q_thermal")
PHI = ("one", "bump1", "bump2")
KERNELS = ("gaussian", "wendland_c6")
ATTRIBUTES = {"units": "1", "long_name": "made up"}

Formula = Callable[..., object]
"""A function of arrays realisation, time, ell, kernel and phi (numbers from 0), and of term."""


def budget(
    times: np.ndarray,
    ells: list[float],
    formulas: dict[str, Formula],
    realisations: tuple[int, ...] = (0,),
    dim: int = 2,
) -> xr.Dataset:
    """One budget file: `stress`, `rate`, `source` and `transport`, isotropic part by formula.

    The two diagonal components differ and the others are far off, so that only tr/d is right.
    """
    coordinates = {
        "realisation": np.array(realisations),
        "time": times,
        "ell": np.array(ells),
        "kernel": list(KERNELS),
        "phi": list(PHI),
        "term": list(TERMS),
    }
    axes = [*(coordinates[name] for name in ("realisation", "time", "ell")), np.arange(2.0)]
    grids = np.meshgrid(*axes, np.arange(3.0), indexing="ij")
    variables = {}
    for name in ("stress", "rate", "source", "transport"):
        dims = ["realisation", "time", "ell", "kernel", "phi", "i", "j"]
        if name in ("source", "transport"):
            dims.insert(4, "term")
            rows = [formulas[name](*grids, number) for number in range(len(TERMS))]
            values = np.stack([np.broadcast_to(row, grids[0].shape) for row in rows], axis=4)
        else:
            values = np.broadcast_to(formulas[name](*grids), grids[0].shape)
        variables[name] = (dims, tensor(values, dim), ATTRIBUTES)
    return xr.Dataset(variables, coords=coordinates)


def tensor(values: np.ndarray, dim: int) -> np.ndarray:
    """Tensors (..., d, d) with tr/d as given."""
    uneven = np.linspace(0.5, 1.5, dim) if dim > 1 else np.ones(1)
    return values[..., np.newaxis, np.newaxis] * np.diag(uneven) + 99.0 * (1.0 - np.eye(dim))


def write(dataset: xr.Dataset, path: Path) -> Path:
    """Write a budget as a stage does."""
    write_dataset(dataset, path, {}, "glasscade.io")
    return path
