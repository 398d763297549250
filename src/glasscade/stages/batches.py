"""Temperatures that share a job: their states and budgets in one file, and apart again.

Only then do variables have a leading dimension `temperature`; the file of a single temperature
looks as if there were no others.
"""

from __future__ import annotations

import xarray as xr

TEMPERATURE = {"units": "V0/k_B", "long_name": "temperature"}


def together(parts: list[xr.Dataset], temperatures: list[float]) -> xr.Dataset:
    """One dataset of those of several temperatures, which differ in values alone.

    Parameters
    ----------
    parts : list of Dataset
        With the same variables, dimensions and coordinates.
    temperatures : list of float
        One for each, in units of V0/k_B.
    """
    if len(parts) == 1:
        return parts[0]
    joined = xr.concat(
        parts,
        dim="temperature",
        data_vars="all",
        coords="minimal",
        compat="equals",
        join="exact",
    )
    return joined.assign_coords(temperature=("temperature", temperatures, TEMPERATURE))


def apart(dataset: xr.Dataset, temperatures: list[float]) -> list[xr.Dataset]:
    """The datasets that `together` made one of: the same bits, in the order of `temperatures`."""
    if len(temperatures) == 1:
        return [dataset]
    return [dataset.sel(temperature=value, drop=True) for value in temperatures]
