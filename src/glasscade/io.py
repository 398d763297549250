"""NetCDF files that are whole or absent, say where they come from, and are checked when read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from glasscade.errors import DataError
from glasscade.provenance import attributes


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder, renamed to `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write a text file atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_dataset(
    dataset: xr.Dataset, path: Path, parameters: dict[str, Any], *modules: str
) -> None:
    """Write a dataset atomically as NetCDF4, with provenance.

    Raises
    ------
    DataError
        If a variable lacks `units` or `long_name`.
    """
    for name, variable in dataset.data_vars.items():
        missing = {"units", "long_name"} - set(variable.attrs)
        if missing:
            raise DataError(f"{path}: variable {name} lacks the attribute {sorted(missing)[0]}")
    stamped = dataset.assign_attrs(attributes(parameters, *modules))
    encoding = {
        name: {"zlib": True, "complevel": 1}
        for name, variable in dataset.data_vars.items()
        if variable.ndim > 0 and variable.dtype.kind == "f"
    }
    with atomic(path) as temporary:
        stamped.to_netcdf(temporary, format="NETCDF4", engine="netcdf4", encoding=encoding)


def read_dataset(
    path: Path,
    *variables: str,
    finite: bool = True,
    part: Callable[[xr.Dataset], xr.Dataset] = lambda whole: whole,
) -> xr.Dataset:
    """Read a dataset, or a part of it, into memory.

    Its variables must be there and, if `finite`, known.

    Raises
    ------
    DataError
        If the file is missing, truncated or corrupt, lacks one of the variables, or holds no
        finite number in one of them.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4") as dataset:
            loaded = part(dataset).load()
    except FileNotFoundError:
        raise DataError(f"{path}: this file is missing; run the stage that writes it") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{path}: truncated or not NetCDF ({error}); delete it, it will be computed again"
        ) from None
    for name in variables:
        if name not in loaded:
            raise DataError(f"{path}: variable {name} is missing; the file has {list(loaded)}")
        if (
            finite
            and loaded[name].dtype.kind == "f"
            and not np.any(np.isfinite(loaded[name].values))
        ):
            raise DataError(f"{path}: variable {name} holds no finite number")
    return loaded
