"""Whether a Dataset is what it should be: each doubt ends in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from glasscade.errors import ConfigError, DataError

PURE = ("", "1", "dimensionless")
"""Names of the unit of a pure number, which every quantity in units of the potential is."""
SCALES = "lengths are in l0, the range of the potential, and energies in V0, its strength"


def require(data: xr.Dataset, name: str) -> xr.DataArray:
    """The variable of this name.

    Raises
    ------
    DataError
        If it is missing.
    """
    if name not in data:
        raise DataError(
            f"{name}: this variable is missing; the Dataset has {sorted(map(str, data))}"
        )
    return data[name]


def leading(array: xr.DataArray, name: str, last: Sequence[str]) -> tuple[str, ...]:
    """The dimensions of a variable besides those that it must have.

    Raises
    ------
    DataError
        If one of `last` is missing.
    """
    if any(dim not in array.dims for dim in last):
        raise DataError(f"{name}: needs the dimensions {tuple(last)}; it has {array.dims}")
    return tuple(str(dim) for dim in array.dims if dim not in last)


def require_numbers(array: xr.DataArray, name: str) -> None:
    """Real numbers, all finite.

    Raises
    ------
    DataError
        If one is not.
    """
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name}: its values must be real numbers, not of type {array.dtype}")
    unknown = int((~np.isfinite(array)).sum())
    if unknown:
        raise DataError(f"{name}: {unknown} of {array.size} values are NaN or infinite; drop them")


def require_units(array: xr.DataArray, name: str, *units: str) -> None:
    """The attribute `units`, where there is one: a pure number or one of `units`.

    Raises
    ------
    DataError
        If it is another.
    """
    found = str(array.attrs.get("units", ""))
    if found not in (*PURE, *units):
        raise DataError(f"{name}: wrong unit {found!r}, it must be {units[0]!r}: {SCALES}")


def require_temperature(temperature: float) -> None:
    """Refuse a temperature below zero, or none at all."""
    if not (np.isfinite(temperature) and temperature >= 0.0):
        raise ConfigError(f"temperature: {temperature} must be >= 0 and finite")


def require_mobility(mobility: float) -> None:
    """Refuse a mobility that moves nothing, or backwards."""
    if not 0.0 < mobility < np.inf:
        raise ConfigError(f"mobility: {mobility} must be > 0 and finite")
