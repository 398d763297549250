"""Budgets made up from formulas, as the stage of reductions writes them and integrated in time."""

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
            off = 99.0 / (2 * len(TERMS))  # so that these components close too
        else:
            values, off = np.broadcast_to(formulas[name](*grids), grids[0].shape), 99.0
        variables[name] = (dims, tensor(values, dim, off), ATTRIBUTES)
    return xr.Dataset(variables, coords=coordinates)


def tensor(values: np.ndarray, dim: int, off: float) -> np.ndarray:
    """Tensors (..., d, d) with tr/d and off-diagonal components as given."""
    uneven = np.linspace(0.5, 1.5, dim) if dim > 1 else np.ones(1)
    return values[..., np.newaxis, np.newaxis] * np.diag(uneven) + off * (1.0 - np.eye(dim))


def write(dataset: xr.Dataset, path: Path) -> Path:
    """Write a budget as a stage does."""
    write_dataset(dataset, path, {}, "glasscade.io")
    return path


Array = xr.DataArray
Terms = dict[str, Callable[[Array, Array, Array, Array], Array]]
"""For every term its integral over time, from arrays T, ℓ, kernel and φ (numbers from 0)."""


def integrated(
    temperatures: list[float],
    ells: list[float],
    terms: Terms,
    change: Callable[[Array, Array, Array, Array], Array] | None = None,
    noise: np.ndarray | None = None,
) -> xr.Dataset:
    """What `integrate` returns; without `change` the balance closes.

    A fifth of every term is transport where φ is not one. `noise` (realisation, temperature, ell)
    is added to the change of stress: a martingale.
    """
    if noise is None:
        noise = np.zeros((1, len(temperatures), len(ells)))
    coordinates = {
        "temperature": temperatures,
        "realisation": np.arange(len(noise)),
        "ell": ells,
        "kernel": list(KERNELS),
        "phi": list(PHI),
    }
    template = Array(np.zeros([len(c) for c in coordinates.values()]), coordinates)
    numbers = {name: Array(np.arange(len(template[name])), dims=name) for name in ("kernel", "phi")}
    at = (template["temperature"], template["ell"], numbers["kernel"], numbers["phi"])
    each = [(template + formula(*at)).expand_dims(term=[name]) for name, formula in terms.items()]
    both = xr.concat(each, "term")
    share = xr.where(numbers["phi"] > 0, 0.2, 0.0)
    total = both.sum("term", skipna=False)
    martingale = Array(noise, dims=("realisation", "temperature", "ell"))
    moved = (total if change is None else template + change(*at)) + martingale
    size = np.abs(both).max(["term", "phi"])
    variables = {
        "source": (1.0 - share) * both,
        "transport": share * both,
        "change": moved,
        "residual": moved - total,
        "quadrature_error": 1e-7 * size + 0.0 * moved,
        "algebraic_residual": 1e-15 + 0.0 * total,
    }
    order = ("temperature", "realisation", "ell", "kernel", "term", "phi")
    return xr.Dataset(
        {
            name: array.transpose(*[d for d in order if d in array.dims]).assign_attrs(ATTRIBUTES)
            for name, array in variables.items()
        }
    )
