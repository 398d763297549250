"""The keys of a configuration as a table: name, value, meaning."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from pydantic import BaseModel

from glasscade.config import Model
from glasscade.report.numbers import plain


@dataclass(frozen=True)
class Parameter:
    """One key: its path, its value in words, its description."""

    name: str
    value: str
    text: str


def of_model(model: Model) -> list[Parameter]:
    """All keys of a model, with what follows from them."""
    return [*of_section(model), *_derived(model)]


def of_section(section: BaseModel, prefix: str = "") -> list[Parameter]:
    """All keys of a section and of those inside it.

    The kind of a section stands for the whole section and is described by its class.
    """
    rows = []
    for key, field in type(section).model_fields.items():
        value, name = getattr(section, key), f"{prefix}.{key}" if prefix else key
        if isinstance(value, BaseModel):
            rows += of_section(value, name)
        elif key == "kind":
            rows.insert(0, Parameter(prefix, str(value), _first_paragraph(section)))
        else:
            text = (field.description or "").replace("`", "")
            rows.append(Parameter(name, shown(value), text))
    return rows


def _derived(model: Model) -> list[Parameter]:
    """What the keys imply."""
    system = model.system
    rows = [
        Parameter("dimension", str(system.dimension), "dimension of space"),
        Parameter("spacing", plain(system.length / system.points), "distance of grid points"),
    ]
    if "length" not in type(system).model_fields:
        rows.insert(0, Parameter("length", plain(system.length), "side of the periodic cell"))
    return rows


def shown(value: object) -> str:
    """A value of the configuration in words; brackets show what shares a job."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, tuple):
        entries = [f"[{shown(x)}]" if isinstance(x, tuple) else shown(x) for x in value]
        return ", ".join(entries) or "none"
    return str(value)


def _first_paragraph(section: BaseModel) -> str:
    text = inspect.getdoc(type(section)) or ""
    return " ".join(text.split("\n\n")[0].split())
