"""The files that a configuration names: where they lie, and that this is within the project.

A configuration may come from somebody else, and what it reads goes into results and reports. Its
files lie in its own folder or below, or in the folder where the run is started or below, after
all symbolic links; others only if the configuration says from which folders.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from glasscade.errors import ConfigError, one_line

OUTSIDE = "outside_folders"
"""Key of a study with the folders from which files may come as well."""
FILE = "file"
"""Key of every section that names a file."""
UNFINDABLE = (OSError, RuntimeError, ValueError)
"""What is raised of names that no file can have, and of links in a circle."""


class Reach:
    """The folders, as seen from here, in which files may lie, or below them."""

    def __init__(self, folder: Path, outside: Iterable[Path]) -> None:
        self._roots = [_resolved(path) for path in (folder, Path(), *outside)]

    def require(self, key: str, path: Path) -> None:
        """Refuse a file from elsewhere.

        Raises
        ------
        ConfigError
            One sentence that begins with the key.
        """
        try:
            found = _resolved(path)
            found.exists()  # of names that are too long nothing else can tell
        except UNFINDABLE as error:
            detail = one_line(str(error), 100)
            raise ConfigError(f"{key}: {_shown(path)} is no path ({detail})") from None
        if not any(found.is_relative_to(root) for root in self._roots):
            raise ConfigError(
                f"{key}: {_shown(path)} lies outside of the folder of the configuration and of the "
                f"one where you are; move it there, or name its folder in {OUTSIDE}"
            )


def located(raw: Any, folder: Path) -> Any:
    """The plain data of a study with its files and folders as seen from here.

    They are given as seen from the configuration, which lies in `folder`.

    Raises
    ------
    ConfigError
        If a file lies outside of the project and of the folders that the study names.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("models"), dict):
        return raw
    given = raw.get(OUTSIDE, [])
    folders = [folder / x for x in given if isinstance(x, str)] if isinstance(given, list) else []
    try:
        reach = Reach(folder, folders)
    except UNFINDABLE as error:
        raise ConfigError(f"{OUTSIDE}: {one_line(str(error), 100)}") from None
    models = {
        name: _located(model, folder, reach, f"models.{one_line(str(name), 64)}")
        for name, model in raw["models"].items()
    }
    outside = {OUTSIDE: list(map(str, folders))} if folders and len(folders) == len(given) else {}
    return raw | {"models": models} | outside


def _located(part: Any, folder: Path, reach: Reach, key: str) -> Any:
    """A part of a model, whose files are found at whatever depth."""
    if isinstance(part, list):
        return [_located(each, folder, reach, f"{key}.{n}") for n, each in enumerate(part)]
    if not isinstance(part, dict):
        return part
    found = {name: _located(each, folder, reach, f"{key}.{name}") for name, each in part.items()}
    if isinstance(part.get(FILE), str) and part[FILE]:
        path = folder / part[FILE]
        reach.require(f"{key}.{FILE}", path)
        found[FILE] = str(path)
    return found


def _resolved(path: Path) -> Path:
    """The absolute path behind all links."""
    if not str(path).isprintable():
        raise ValueError("it holds what cannot be printed")
    return path.resolve()


def _shown(path: Path) -> str:
    return one_line(str(path), 120)
