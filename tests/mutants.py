"""Configurations and files with something wrong in them, for the tests of what reads them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

import studies
from studies import Raw

CONFIGS = sorted((Path(__file__).parents[1] / "config").glob("*.yaml"))
TABLE = {
    "kind": "tabulated",
    "distance": [0.1 * n for n in range(11)],
    "energy": [(1.0 - 0.1 * n) ** 4 for n in range(10)] + [0.0],
}
GLASS: Raw = {
    "system": studies.GLASS
    | {
        "composition": {
            "kind": "pairs",
            "fractions": [0.5, 0.5],
            "number_density": 0.9,
            "potentials": [[{"kind": "gem", "width": 0.6}], [TABLE, {"kind": "hertzian"}]],
        },
        "preparation": {
            "kind": "cooled",
            "temperature": 0.1,
            "duration": 0.2,
            "rate": 0.5,
            "dt": 0.02,
        },
        "external": [
            {"kind": "kolmogorov", "amplitude": 0.1, "wave": [0, 1], "direction": [1, 0]},
            {
                "kind": "active",
                "amplitude": 0.1,
                "exponent": 0.3,
                "k_min": 2,
                "k_max": 9,
                "seed": 1,
            },
        ],
        "mobility": 2.0,
    },
    "sweep": {"temperature": [0, 0.01, 0.02, 0.03, 0.04], "ell": [[0, 0.5, 0.6, 0.7, 0.8, 1.0]]},
    "window": [0.12, 0.6],
}
TRAJECTORY: Raw = studies.TRAJECTORY | {
    "system": studies.TRAJECTORY["system"]
    | {"species": {1: 0, 2: 1}, "dt": 0.5, "length_unit": 2.0, "last": 20}
}
MODELS: dict[str, Raw] = {
    "point": studies.CLUSTER,
    "rough": studies.ROUGH,
    "smooth": studies.FIELD,
    "shear": studies.SHEAR,
    "glass": GLASS,
    "imported": TRAJECTORY,
}
"""Models of every kind, by name; `imported` needs a file run.dump beside its configuration."""


def bases() -> list[Raw]:
    """Valid studies of one model each: those of this module, and all that are committed."""
    made = [studies.study(**{name: model}) for name, model in MODELS.items()]
    for path in CONFIGS:
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        made += [whole | {"models": {name: model}} for name, model in whole["models"].items()]
    return made


BASES = bases()


def unshared(raw: Any) -> Any:
    """A copy in which no two places hold the same list or mapping."""
    if isinstance(raw, dict):
        return {key: unshared(value) for key, value in raw.items()}
    return [unshared(value) for value in raw] if isinstance(raw, list) else raw


NUMBERS = [
    0, -1, 1, 2, 3, 7, 1000, 2**31, 2**63, 2**64, 10**30, 10**400, -(10**18),
    0.0, -0.0, 0.5, -0.3, 1e-3, 5e-324, 1e-300, 1e-9, 1e9, 1e300, float("nan"), float("inf"),
]  # fmt: skip
WORDS = [
    "", "x", "1e-3", "nan", "-inf", "1_000", "0x10", "12:30", "010", "yes", "~", "=", "?1+1",
    "../../../etc/passwd", "/etc/passwd", "run.dump", ".", "a\nb", "a\x00b", "a/b", "\u0430bc",
    "$(touch owned)", "`touch owned`", "'; touch owned; '", "{model}", "{temperature}", "%s",
    "a" * 300,
    "cluster", "gaussian", "cone", "harmonic", "gem", "riesz", "active", "bumps", "shock", "cooled",
]  # fmt: skip
ODD = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.sampled_from([None, True, False, [], {}, [[]], [0, [1, 2]], {"kind": "gem"}, [0.1] * 50]),
    st.just(datetime.date(2020, 1, 1)),
    st.floats(),
    st.integers(),
    st.text(max_size=20),
    st.lists(st.floats(0.0, 10.0), max_size=6),
)


def places(raw: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within plain data."""
    items = raw.items() if isinstance(raw, dict) else enumerate(raw)
    found = []
    for key, value in items:
        found.append((*above, key))
        if isinstance(value, (dict, list)):
            found += places(value, (*above, key))
    return found


@st.composite
def studies_with_other_numbers(draw: st.DrawFn) -> Raw:
    """A valid study with other numbers, of the sign and about the size they had."""
    raw = unshared(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 4))):
        numbers = [place for place in places(raw) if type(_at(raw, place)) in (int, float)]
        place = draw(st.sampled_from(numbers))
        factor = draw(st.sampled_from([0.01, 0.1, 0.5, 0.9, 1.1, 2, 4, 16, 100, 10**4, 10**6]))
        changed = _at(raw, place) * factor
        whole = isinstance(_at(raw, place), int) and changed == round(changed)
        _at(raw, place[:-1])[place[-1]] = round(changed) if whole else changed
    return raw


def _at(raw: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        raw = raw[key]
    return raw


@st.composite
def studies_with_mistakes(draw: st.DrawFn) -> Raw:
    """A valid study in which a few values, keys or sections are not what they were."""
    raw = unshared(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        known = places(raw)
        if known:
            _change(draw, raw, draw(st.sampled_from(known)))
    return raw


def _change(draw: st.DrawFn, raw: Any, place: tuple[Any, ...]) -> None:
    """One mistake at a place."""
    section = _at(raw, place[:-1])
    last, value = place[-1], section[place[-1]]
    what = draw(
        st.sampled_from(
            ["scale", "scale", "scale", "replace", "replace", "delete", "rename", "add"]
        )
    )
    if what == "scale" and isinstance(value, (int, float)):
        factor = draw(st.sampled_from([0.5, 1.1, 2, -1, 10, 1000, 1e-3, 1e-9, 1e9, 1e200]))
        # Whole numbers may be larger than a float can be.
        section[last] = value * (int(factor) if abs(value) > 1e300 else factor)
    elif what == "delete":
        del section[last]
    elif what == "rename" and isinstance(section, dict):
        section[draw(st.one_of(st.sampled_from(WORDS), st.integers(), st.just(None)))] = value
        del section[last]
    elif what == "add":
        extra = unshared(draw(ODD))
        if isinstance(section, list):
            section.insert(last, unshared(section[last]) if draw(st.booleans()) else extra)
        else:
            section[draw(st.sampled_from(KEYS))] = extra
    else:
        section[last] = unshared(draw(ODD))


def _known_keys() -> list[str]:
    """Keys of all studies."""
    return sorted({str(place[-1]) for raw in BASES for place in places(raw)})


KEYS = _known_keys()


@st.composite
def texts_with_mistakes(draw: st.DrawFn) -> bytes:
    """The file of a valid study in which some characters or lines are not what they were."""
    raw = unshared(draw(st.sampled_from(BASES)))
    text = yaml.safe_dump(raw, default_flow_style=draw(st.sampled_from([None, True, False])))
    return draw(mistaken_bytes(text.encode()))


JUNK = [
    b"\x00", b"\xff", b"\n", b"\t", b" ", b"{", b"}", b"[", b"]", b":", b": ", b"- ", b"&a ", b"*a",
    b"<<: *a", b"!!python/object/apply:os.system [touch owned]", b"!!binary aaa", b"!!timestamp x",
    b"!!int x", b"!!set {a}", b"#", b"'", b'"', b"|", b">", b"%", b"@", b"`", b"?", b"---", b"...",
    b"nan", b".nan", b".inf", b"1e999", b"-", b"0", b"9" * 30, b"e", b".", b"1:30", b"\xef\xbb\xbf",
    b"[" * 40, b"{a: " * 40, b"true", b"~", b"2020-13-45", b"1e-3", b"__use_yte__: true\n",
]  # fmt: skip


def mistaken_bytes(whole: bytes, junk: list[bytes] = JUNK) -> st.SearchStrategy[bytes]:
    """The content of a file with a few bytes or lines changed, left out, doubled or swapped."""

    @st.composite
    def strategy(draw: st.DrawFn) -> bytes:
        content = whole
        for _ in range(draw(st.sampled_from([1, 1, 2, 4]))):
            content = _damaged(draw, content, junk)
        return content

    return strategy()


def _damaged(draw: st.DrawFn, content: bytes, junk: list[bytes]) -> bytes:
    """One change of bytes."""
    start = draw(st.integers(0, len(content)))
    what = draw(st.sampled_from(["flip", "cut", "truncate", "insert", "insert", "line", "swap"]))
    if what == "flip" and start < len(content):
        flipped = content[start] ^ (1 << draw(st.integers(0, 7)))
        return content[:start] + bytes([flipped]) + content[start + 1 :]
    if what == "cut":
        return content[:start] + content[start + draw(st.integers(1, 40)) :]
    if what == "truncate":
        return content[:start]
    if what == "insert":
        word = draw(st.one_of(st.sampled_from(junk), st.binary(max_size=8)))
        return content[:start] + word + content[start + draw(st.sampled_from([0, len(word)])) :]
    lines = content.split(b"\n")
    first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    if what == "swap":
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines.insert(first, lines[second])
    return b"\n".join(lines)


YAML_WORDS = st.sampled_from([*(word.decode("latin-1") for word in JUNK), *KEYS, *WORDS])


def files_of_configurations() -> st.SearchStrategy[bytes]:
    """Contents of configuration files: with mistakes in data or text, at random, or no text."""
    data = st.one_of(studies_with_other_numbers(), studies_with_mistakes())
    return st.one_of(
        *[data.map(lambda raw: yaml.safe_dump(raw).encode())] * 3,
        data.map(lambda raw: yaml.safe_dump(raw, allow_unicode=True).encode()),
        texts_with_mistakes(),
        st.lists(st.one_of(YAML_WORDS, st.text(max_size=5)), max_size=40).map(
            lambda words: "".join(words).encode("utf-8", "replace")
        ),
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-16")),
    )
