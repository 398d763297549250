"""Which reader a file needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from glasscade.errors import DataError
from glasscade.interop import amber, hoomd, lammps
from glasscade.interop.frames import Choice, Frames

FORMATS: dict[str, Callable[[Path, Choice], Frames]] = {
    "lammps": lammps.read,
    "gsd": hoomd.read,
    "amber": amber.read,
}
"""Readers by the name of their format."""
SUFFIXES = {
    ".lammpstrj": "lammps",
    ".lammpsdump": "lammps",
    ".dump": "lammps",
    ".gsd": "gsd",
    ".nc": "amber",
    ".ncdf": "amber",
}
"""Formats by suffix; a further `.gz` is passed over."""


def format_of(path: Path) -> str:
    """The format that the suffix of a file stands for.

    Raises
    ------
    DataError
        If it is none of those known.
    """
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix not in SUFFIXES:
        raise DataError(
            f"{path}: its suffix {plain.suffix!r} does not tell the format, it is none of "
            f"{', '.join(SUFFIXES)}; give system.format, one of {', '.join(FORMATS)}"
        )
    return SUFFIXES[plain.suffix]


def read(path: Path, choice: Choice, kind: str = "auto") -> Frames:
    """The wanted frames of a file.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    # What is not finite is found afterwards, wherever it came from.
    with np.errstate(all="ignore"):
        return FORMATS[format_of(path) if kind == "auto" else kind](path, choice)
