"""What is generated from the configuration's models: the JSON schema and the table of keys.

Both are committed, for editors and for readers; a test fails when they are out of step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from glasscade.config import Study
from glasscade.errors import ConfigError
from glasscade.io import write_text
from glasscade.limits.extrapolation import POINTS

SCHEMA = Path("workflow/schemas/config.schema.json")
README = Path("config/README.md")

# The models of the configuration have no place for units: they stand here by key, by section and
# key where one key means different things, or by section where all its keys have the same.
UNITS = {
    "length": "ℓ₀",
    "ell": "ℓ₀",
    "map_ell": "ℓ₀",
    "window": "ℓ₀",
    "width": "ℓ₀",
    "diameter": "ℓ₀",
    "core": "ℓ₀",
    "cap": "ℓ₀",
    "reach": "ℓ₀",
    "temperature": "V₀/k_B",
    "exponent_temperature": "V₀/k_B",
    "liquid_temperature": "V₀/k_B",
    "liquid_duration": "ℓ₀²/(μV₀)",
    "duration": "ℓ₀²/(μV₀)",
    "dt": "ℓ₀²/(μV₀)",
    "onset": "ℓ₀²/(μV₀)",
    "strain_step": "1",
    "largest_strain": "1",
    "bracket": "1",
    "moved": "ℓ₀",
    "tolerance": "V₀/ℓ₀",
    "accuracy": "ℓ₀",
    "balance_from": "ℓ₀",
    "density": "ℓ₀⁻ᵈ",
    "number_density": "ℓ₀⁻ᵈ",
    "TrajectorySystem.dt": "the file's",
    "length_unit": "the file's",
    "energy_unit": "the file's",
    "mobility": "the file's",
    "distance": "ℓ₀",
    "energy": "V₀",
    "BinaryLennardJonesKeys.cap": "1",
    "fractions": "1",
    "strength": "V₀",
    "ConeKeys.strength": "V₀/ℓ₀",
    "FreeConeKeys.strength": "V₀/ℓ₀",
    "RieszKeys.strength": "V₀/ℓ₀ˢ⁻¹",
    "FieldSystem.tolerance": "1",
    "mass": "1",
    "centre": "1",
    "LayerKeys.width": "ℓ₀",
    "BumpKeys.width": "ℓ₀",
    "merge": "ℓ₀",
    "instants": "ℓ₀²/(μV₀)",
    "shortest": "ℓ₀",
    "power": "1",
    "packing_fraction": "1",
    "contrast": "1",
    "exponent": "1",
    "exponents": "1",
    "order": "1",
    "orders": "1",
    "GlassSystem.mobility": "μ",
    "shear_rate": "μV₀/ℓ₀²",
    "amplitude": "V₀/ℓ₀",
    "direction": "1",
    "phase": "1",
    "k_min": "1/ℓ₀",
    "k_max": "1/ℓ₀",
    "Margins": "1",
    "RelaxationKeys.window": "ℓ₀²/(μV₀)",
    "RelaxationKeys": "1",
    "final_temperature": "V₀/k_B",
    "rate": "μV₀²/(k_Bℓ₀²)",
}

INTRODUCTION = f"""\
# Configuration of a study

<!-- Written by `glasscade reference` from src/glasscade/config/: edit that, not this. -->

One YAML file describes a whole study: the models, the temperatures and scales at which they are
looked at, and the margins of the verdicts. Begin with a copy of one of these:

| file | what it is |
|---|---|
| `config.yaml` | the default study, some minutes on two cores |
| `smoke.yaml` | every stage in about a minute, to see that an installation works |
| `cluster.yaml` | the same models at the resolution and statistics of a publication |
| `bounds.yaml` | known densities under seven kernels of force: `docs/flux_bounds.md` |
| `beta.yaml` | how the speed of a descent decays: `docs/relaxation.md` |

```sh
glasscade check config/mine.yaml                      # is it valid, and what will it cost?
make study CONFIG=config/mine.yaml                    # results/<study>/summary.html
```

A key that is not listed below is an error, as is a value outside its range; nothing runs before
the whole file has been found valid. The same rules, for editors that read JSON schemas, are in
`workflow/schemas/config.schema.json`.

**Units.** All quantities are dimensionless: lengths in the range ℓ₀ of the potential, energies in
its strength V₀, times in ℓ₀²/(μV₀) with the mobility μ, and `temperature` is k_B T/V₀. The column
*unit* says what a number is counted in; 1 is a pure number, – no number of this kind.

**Jobs.** A model is simulated once for every entry of `sweep.temperature` and every block of
`block_size` realisations, and each of these states is reduced once for every entry of `sweep.ell`.
An entry is one scale or, in brackets, a batch of scales that share a job: `[[0, 0.1, 0.2], 0.4]` is
two jobs. A batch reads the state and starts Python only once, so small systems want one batch;
large systems want one scale in each job, which spreads over many cores. In the same way
temperatures share jobs, those of simulations and of reductions: `[0, [0.001, 0.002]]`, in systems
of kind `cluster` and `field`, but for 0 and what is in `exponent_temperature`. Results do not
depend on brackets. Numbers count to six significant digits.

**What is computed again.** Only what a change concerns. A new entry of `temperature` or `ell` or a
further block adds its own jobs, and those that gather their results; a temperature or scale added
*inside* a batch computes that batch again, so give a new one an entry of its own. A margin redoes
verdicts alone. Comments and layout redo nothing.

**Long runs.** A simulation of particles leaves a checkpoint beside its output every
`checkpoint_steps`; killed at whatever moment and started again, it goes on from there to the same
bits. If the environment variable GLASSCADE_WALL_TIME has the seconds that a job may take, or Slurm
says when its job ends, it stops by itself while there is time, with one sentence.

**Rules that tie keys together.** An error names the range that holds for the file at hand.

* Every ℓ > 0 lies between what the grid resolves, for the first of `kernels`, and a quarter of the
  cell; the other kernels are left out where the grid does not resolve them.
* `sweep.ell` holds at least {POINTS + 1} scales above 0. Models other than `synthetic` also need
  scale 0, temperature 0 and at least {POINTS} temperatures above it; a `synthetic` model and one
  with `relaxation` have temperature 0 alone. A `trajectory` may have any temperatures; without 0
  and as many above it no iterated limits are taken.
* `window` begins at two grid spacings or above and holds at least three of the dyadic scales: two
  grid spacings, four, and so on up to an eighth of the cell.
* A list holds no number twice.
* The range of a potential is at most half the cell.
"""


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of the names of keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema() -> dict[str, Any]:
    """The JSON schema of a study; closed, so that editors mark unknown keys."""
    generated = Study.model_json_schema(schema_generator=_Untitled)
    _close(generated)
    return {"$schema": GenerateJsonSchema.schema_dialect} | generated


def _close(node: Any) -> None:
    """Refuse names that no pattern allows; pydantic writes only the pattern."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node["additionalProperties"] = False
        for child in node.values():
            _close(child)
    elif isinstance(node, list):
        for child in node:
            _close(child)


def schema_text() -> str:
    """The content of `SCHEMA`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def readme_text() -> str:
    """The content of `README`."""
    return "\n".join([INTRODUCTION, *_tables(schema())])


def write(root: Path) -> list[Path]:
    """Write both files below the root of the repository and return their paths."""
    written = [root / SCHEMA, root / README]
    for path, text in zip(written, (schema_text(), readme_text()), strict=True):
        write_text(text, path)
    return written


@dataclass(frozen=True)
class _Part:
    """A definition of the schema, with the heading of its table and what stands before its keys."""

    heading: str
    prefix: str
    name: str


@dataclass(frozen=True)
class _Row:
    """A line of a table."""

    key: str
    type: str
    unit: str
    allowed: str
    default: str
    meaning: str


def _tables(root: dict[str, Any]) -> Iterator[str]:
    """The study, a model, then each kind of system and of potential, every one as a table."""
    definitions = root["$defs"] | {root["title"]: root}
    pending = [_Part("## The study", "", root["title"])]
    for part in pending:  # grows as parts lead to others
        entries = list(_entries(part, definitions))
        met = {earlier.name for earlier in pending}
        pending += [x for x in entries if isinstance(x, _Part) and x.name not in met]
        rows = [x for x in entries if isinstance(x, _Row)]
        yield _table(part.heading, _meaning(definitions[part.name]), rows)


def _entries(part: _Part, definitions: dict[str, Any]) -> Iterator[_Row | _Part]:
    """The rows of a part, those of the sections in it, and the parts that it leads to."""
    node = definitions[part.name]
    for key, value in node["properties"].items():
        path = part.prefix + key
        if "$ref" in value:
            yield from _entries(_Part(part.heading, f"{path}.", _name(value["$ref"])), definitions)
        elif "patternProperties" in value:
            ((pattern, child),) = value["patternProperties"].items()
            yield _Row(path, "sections", "–", f"name: `{pattern}`", "required", _meaning(value))
            prefix = f"{path}.<name>."
            yield _Part("## A model", prefix, _name(child["$ref"]))
        elif optional := _optional_section(value):
            meaning = f"{_meaning(value)}; its keys have a table of their own"
            yield _Row(path, "section", "–", "", "absent", meaning)
            yield _Part(f"## The section `{key}` of a model", f"{path}.", optional)
        elif "discriminator" in value:
            kinds = value["discriminator"]["mapping"]
            allowed = ", ".join(f"`{kind}`" for kind in kinds)
            meaning = "decides which other keys there are, see below"
            yield _Row(f"{path}.kind", "text", "–", allowed, "required", meaning)
            for kind, reference in kinds.items():
                yield _Part(f"## A {key} of kind `{kind}`", f"{path}.", _name(reference))
        else:
            required = key in node.get("required", [])
            yield _row(path, key, value, part.name, required)
            yield from _kinds_in_lists(key, value)


def _optional_section(value: dict[str, Any]) -> str:
    """The definition of a section that may be absent, else nothing."""
    choices = value.get("anyOf", [])
    if {"type": "null"} not in choices:
        return ""
    return next((_name(choice["$ref"]) for choice in choices if "$ref" in choice), "")


def _kinds_in_lists(key: str, value: dict[str, Any]) -> Iterator[_Part]:
    """The parts that lists of potentials, forces or sections lead to."""
    while value.get("type") == "array" and "items" in value:
        value = value["items"]
    if "$ref" in value:
        yield _Part(f"## An entry of `{key}`", "", _name(value["$ref"]))
    for kind, reference in value.get("discriminator", {"mapping": {}})["mapping"].items():
        yield _Part(f"## A {_choice(value)} of kind `{kind}`", "", _name(reference))


def _row(path: str, key: str, value: dict[str, Any], section: str, required: bool) -> _Row:
    default = "required" if required else f"`{json.dumps(value['default'])}`"
    value = _given(value)
    meaning = _meaning(value) or f"{_allowed(value)} for the keys of this table"
    unit = _unit(key, value, section)
    return _Row(path, _type(value), unit, _allowed(value), default, meaning)


def _given(value: dict[str, Any]) -> dict[str, Any]:
    """What a key is where it is not left out: of anything or null, the former."""
    known = [x for x in value.get("anyOf", []) if x.get("type") != "null"]
    return value | known[0] if len(known) == 1 else value


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _meaning(value: dict[str, Any]) -> str:
    return " ".join(value.get("description", "").split())


def _choice(value: dict[str, Any]) -> str:
    """What the entries of a list are of which there are several kinds."""
    return "force" if "active" in value["discriminator"]["mapping"] else "potential"


def _type(value: dict[str, Any]) -> str:
    """The type in words."""
    if "discriminator" in value:
        return _choice(value)
    if "$ref" in value:
        return "section"
    if value["type"] != "array":
        names = {"string": "text", "number": "number", "integer": "whole number"}
        return (names | {"object": "whole numbers by name"})[value["type"]]
    if "prefixItems" in value:
        return f"list of {len(value['prefixItems'])} {_plural(_type(value['prefixItems'][0]))}"
    items = value["items"]
    return "list of " + " or ".join(_plural(_type(x)) for x in items.get("anyOf", [items]))


def _plural(kind: str) -> str:
    return f"lists{kind.removeprefix('list')}" if kind.startswith("list") else f"{kind}s"


def _unit(key: str, value: dict[str, Any], section: str) -> str:
    """The unit of a number; whole numbers are counts.

    Raises
    ------
    ConfigError
        If the key is not in `UNITS`.
    """
    kind = _type(value).replace("whole number", "count")
    if "number" not in kind:
        return "1" if "count" in kind else "–"
    for name in (f"{section}.{key}", section, key):
        if name in UNITS:
            return UNITS[name]
    raise ConfigError(f"{section}.{key}: this key has no unit in glasscade.reference.UNITS")


def _allowed(value: dict[str, Any]) -> str:
    """What a value may be, as far as the schema says."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if "pattern" in value:
        return f"`{value['pattern']}`"
    if value.get("type") == "array":
        return _allowed_list(value)
    if value.get("type") == "object":
        return f"each {_bounds(value['additionalProperties'])}"
    return _bounds(value)


def _allowed_list(value: dict[str, Any]) -> str:
    """Number of entries, and what each may be."""
    entry = value["prefixItems"][0] if "prefixItems" in value else value["items"]
    # Where several in brackets may stand for one, the same holds for each of them.
    each = _allowed(entry.get("anyOf", [entry])[0])
    parts = [] if each == "any" else [f"each {each}"]
    if "prefixItems" not in value and value.get("minItems", 0):
        parts.insert(0, f"at least {value['minItems']}")
    return ", ".join(parts) or "any"


def _bounds(value: dict[str, Any]) -> str:
    """The interval in which a number lies."""
    signs = (
        (">", "exclusiveMinimum"),
        ("≥", "minimum"),
        ("<", "exclusiveMaximum"),
        ("≤", "maximum"),
    )
    parts = [f"{sign} {value[name]:.10g}" for sign, name in signs if name in value]
    if "multipleOf" in value:
        parts.append(f"a multiple of {value['multipleOf']}")
    return ", ".join(parts) or "any"


def _table(heading: str, meaning: str, rows: list[_Row]) -> str:
    header = [entry.name for entry in fields(_Row)]
    lines = [header, ["---"] * len(header)]
    lines += [[f"`{row.key}`", *astuple(row)[1:]] for row in rows]
    text = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([heading, "", meaning, "", *text, ""])
