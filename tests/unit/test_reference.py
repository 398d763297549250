"""The committed reference and schema are what the generator writes, and say what the models say."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # comes with Snakemake
import pytest
import yaml

from glasscade import config, reference
from glasscade.errors import ConfigError
from studies import changed, study

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))


def difference(path: Path, expected: str) -> str:
    committed = (ROOT / path).read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        committed.splitlines(), expected.splitlines(), str(path), "generated", lineterm="", n=1
    )
    return "\n".join(lines)


def test_reference_is_up_to_date() -> None:
    assert difference(reference.README, reference.readme_text()) == "", "run `glasscade reference`"


def test_schema_is_up_to_date() -> None:
    assert difference(reference.SCHEMA, reference.schema_text()) == "", "run `glasscade reference`"


def test_both_files_are_written(tmp_path: Path) -> None:
    assert reference.write(tmp_path) == [tmp_path / reference.SCHEMA, tmp_path / reference.README]
    text = (tmp_path / reference.README).read_text(encoding="utf-8")
    assert text == reference.readme_text()
    assert json.loads((tmp_path / reference.SCHEMA).read_text("utf-8")) == reference.schema()


def keys(raw: Any, prefix: str = "") -> set[str]:
    """Dotted paths of all values of a configuration, with names of models left open."""
    if not isinstance(raw, dict):
        return {prefix}
    found: set[str] = set()
    for name, value in raw.items():
        part = "<name>" if prefix == "models" else name
        found |= keys(value, f"{prefix}.{part}" if prefix else part)
    return found


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_key_of_a_study_is_listed(path: Path) -> None:
    """With all defaults filled in, so that no key that exists is missing from the tables."""
    listed = set(re.findall(r"^\| `([^`]+)` \|", reference.readme_text(), flags=re.MULTILINE))
    assert keys(config.load(path).model_dump(mode="json")) - listed == set()


def row(key: str, table: str = "") -> list[str]:
    """Cells of the first row of a key, in the first table or that of a heading."""
    text = reference.readme_text()
    text = text[text.index(table) :]
    line = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@pytest.mark.parametrize(
    ("key", "table", "expected"),
    [
        ("seed", "", ["whole number", "1", "≥ 0, < 4294967296", "required"]),
        ("margins.delta", "", ["number", "1", "> 0, < 1", "`0.05`"]),
        (
            "exponents.verdict_estimator",
            "",
            ["text", "–", "`wavelets`, `gradients`", '`"wavelets"`'],
        ),
        (
            "models.<name>.sweep.temperature",
            "",
            [
                "list of numbers or lists of numbers",
                "V₀/k_B",
                "at least 1, each ≥ 0",
                "required",
            ],
        ),
        (
            "models.<name>.sweep.ell",
            "",
            ["list of numbers or lists of numbers", "ℓ₀", "at least 1", "required"],
        ),
        ("models.<name>.window", "", ["list of 2 numbers", "ℓ₀", "each > 0", "`null`"]),
        (
            "models.<name>.system.potential.strength",
            "potential of kind `cone`",
            ["number", "V₀/ℓ₀", "any", "required"],
        ),
        (
            "models.<name>.system.potential.strength",
            "potential of kind `gaussian`",
            ["number", "V₀", "any", "`1.0`"],
        ),
        (
            "models.<name>.system.dimensions",
            "system of kind `synthetic`",
            ["whole number", "1", "`1`, `2`", "`2`"],
        ),
    ],
)
def test_a_row_says_type_unit_range_and_default(key: str, table: str, expected: list[str]) -> None:
    assert row(key, table)[1:5] == expected


def test_every_row_has_a_meaning() -> None:
    rows = [x for x in reference.readme_text().splitlines() if x.startswith("| `")]
    meanings = [re.split(r"(?<!\\)\|", x)[-2].strip() for x in rows if x.count("|") > 4]
    assert len(meanings) > 40
    assert all(meanings)


def test_a_key_without_unit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(reference.UNITS, "duration")
    with pytest.raises(ConfigError, match=r"FieldSystem\.duration: this key has no unit"):
        reference.readme_text()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_schema_accepts_every_committed_configuration(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), reference.schema())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sed", 1),
        ("models.point.sweep.temprature", [0]),
        ("models.point.system.potential.width", 1.0),
        ("models.Point", {}),
        ("models.point.sweep.temperature", [0, -1]),
        ("margins", {"delta": 2}),
    ],
)
def test_schema_refuses_what_the_models_refuse(key: str, value: object) -> None:
    raw = changed(study(), key, value)
    with pytest.raises(ConfigError):
        config.parse(raw)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, reference.schema())


def test_schema_is_a_schema_and_describes_every_key() -> None:
    schema = reference.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    undescribed = [
        f"{name}.{key}"
        for name, node in schema["$defs"].items()
        for key, value in node["properties"].items()
        # a section and a choice of kinds are described where they are defined
        if not {"description", "$ref", "discriminator", "const"} & set(value)
    ]
    assert undescribed == []
