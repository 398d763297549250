"""Temperatures that share a job: their states and budgets in one file, and apart again.

Only then do variables have a leading dimension `temperature`; the file of a single temperature
looks as if there were no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from glasscade.io import read_dataset

READ = "files", "sha256"
"""Attributes of a state with what was read for it, separated by commas."""
TEMPERATURE = {"units": "V0/k_B", "long_name": "temperature"}


def together(parts: list[xr.Dataset], temperatures: list[float]) -> xr.Dataset:
    """One dataset of those of several temperatures, which differ in values and files alone.

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
    read = {
        name: ", ".join(part.attrs[name] for part in parts)
        for name in READ
        if name in parts[0].attrs
    }
    coordinate = ("temperature", temperatures, TEMPERATURE)
    return joined.assign_coords(temperature=coordinate).assign_attrs(read)


def apart(dataset: xr.Dataset, temperatures: list[float]) -> list[xr.Dataset]:
    """The datasets that `together` made one of: the same bits, in the order of `temperatures`."""
    if len(temperatures) == 1:
        return [dataset]
    return [dataset.sel(temperature=value, drop=True) for value in temperatures]


@dataclass(frozen=True)
class Place:
    """Where what belongs to one temperature is: in a file of those that share a job."""

    temperature: float
    path: Path
    held: tuple[float, ...]

    def read(self) -> xr.Dataset:
        """What the file has of this temperature; no more is loaded."""
        held, mine = list(self.held), self.held.index(self.temperature)
        return read_dataset(self.path, part=lambda whole: apart(whole, held)[mine])


def places(paths: list[Path], temperatures: list[list[float]]) -> list[Place]:
    """The place of every temperature, in their order.

    Parameters
    ----------
    paths : list of Path
    temperatures : list of list of float
        Those in each file.
    """
    found = [
        Place(temperature, path, tuple(held))
        for path, held in zip(paths, temperatures, strict=True)
        for temperature in held
    ]
    return sorted(found, key=lambda place: place.temperature)
