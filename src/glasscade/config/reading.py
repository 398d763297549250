"""From a YAML file to a study, or to one sentence about what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from glasscade.config.files import Reach, located
from glasscade.config.plain import read
from glasscade.config.study import Model, Study
from glasscade.errors import ConfigError, one_line

LONGEST = 64
"""Characters of a key or a value of the file that a sentence about it shows."""


PLAIN = {"tuple": "list", "dictionary": "mapping of keys", " or instance of Study": ""}
"""Words of the library, and those of a file."""
OURS = {
    "float_parsing": "must be a number alone, whose unit is that of config/README.md",
    "int_parsing": "must be a whole number alone, whose unit is that of config/README.md",
    "string_pattern_mismatch": (
        "must be lower case letters, digits and underscores, beginning with a letter"
    ),
    "too_short": "must have {min_length} or more entries",
}
"""What we say of a kind of error in place of the library."""


def parse(raw: object, folder: Path = Path(), known: bool = False) -> Study:
    """Validate a configuration given as plain data.

    Parameters
    ----------
    raw
        What is in the file.
    folder
        Where the configuration lies: files of trajectories are found from there.
    known
        Whether it is a study that was validated, as a job is given it: its files, seen from here,
        were allowed where its configuration lies, which nothing tells any more.

    Raises
    ------
    ConfigError
        One sentence that names the first offending key, its value and what is allowed.
    """
    try:
        study = Study.model_validate(raw if known else located(raw, folder))
    except ValidationError as error:
        raise ConfigError(_sentence(_most_telling(error.errors()))) from None
    for name, model in study.models.items():
        try:
            model.system.mixture.species  # noqa: B018  # the potential checks itself when built
        except ConfigError as error:
            raise ConfigError(f"models.{name}.system.{error}") from None
        try:
            model.check_scales(study.kernels_of(name))
            model.check_names(name)
        except ConfigError as error:
            raise ConfigError(f"models.{name}.{error}") from None
        if not known:
            _require_files(name, model, Reach(folder, map(Path, study.outside_folders)))
    return study


def _require_files(name: str, model: Model, reach: Reach) -> None:
    """What a job would miss, or find elsewhere, only after others had run is missed now."""
    key = f"models.{name}.system.file"
    for temperature in model.sweep.temperatures:
        for block in range(model.sweep.blocks):
            for path in model.files(temperature, block):
                reach.require(key, path)
                if not path.is_file():
                    raise ConfigError(f"{key}: {path}: this file is missing")


def load(path: Path) -> Study:
    """Read and validate a configuration file."""
    raw = read(path)
    try:
        return parse(raw, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _most_telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """The error that says most of what is wrong, of those that come of one mistake."""
    # A misspelt key is unknown and leaves another missing: the first says more.
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    # A batch in brackets is refused for being no number as well: what is wrong inside says more.
    place = first["loc"][:-1]
    if not (isinstance(first["input"], list) and place and isinstance(place[-1], int)):
        return first
    inside = [error for error in errors if error["loc"][: len(place)] == place]
    return max(inside, key=lambda error: len(error["loc"]))


def _sentence(error: ErrorDetails) -> str:
    """One sentence from the first validation error."""
    location = list(_without_tags([str(part) for part in error["loc"]]))
    key = ".".join(one_line(part, LONGEST) for part in location) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(location)}"
    if error["type"] == "missing":
        return f"{key}: this key is missing"
    message = error["msg"].removeprefix("Value error, ")
    for word, plain in PLAIN.items():
        message = message.replace(word, plain)
    if error["type"] in OURS:
        message = OURS[error["type"]].format(**error.get("ctx", {}))
    value = error["input"]
    if error["type"] == "union_tag_invalid":
        key, value = f"{key}.kind", error["ctx"]["tag"]
        message = f"must be one of {error['ctx']['expected_tags']}"
    got = "nothing" if value is None else one_line(repr(value), LONGEST)
    shown = "" if isinstance(value, dict) else f" (got {got})"
    return f"{key}: {message[0].lower()}{message[1:]}{shown}"


TAGS = {"float", "[key]"}


def _without_tags(location: list[str]) -> Iterator[str]:
    """The keys of an error's location, without pydantic's names of variants.

    Those follow the key whose value has variants: `system`, `composition` and `potential` by
    kind, an entry of a table of potentials too, a scale of `ell` by its type.
    """
    before = ""
    for part in location:
        varies = before in ("system", "composition", "potential") or before.isdigit()
        variant = varies and not part.isdigit() and part not in _known_keys()
        if not (variant or part in TAGS or part.startswith("tuple[")):
            yield part
        before = part


def _suggestion(location: list[str]) -> str:
    """The nearest known key, if any is near."""
    close = difflib.get_close_matches(location[-1][:LONGEST], sorted(_known_keys()), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


@cache
def _known_keys() -> frozenset[str]:
    """The keys of all sections of the schema, which takes a while to make."""
    keys: set[str] = set()
    pending: list[Any] = [Study.model_json_schema()]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            keys |= set(node.get("properties", {}))
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return frozenset(keys)
