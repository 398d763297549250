"""YAML of whatever kind is plain data, or one sentence at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from glasscade.config.plain import DEEPEST, LARGEST, MOST_NODES, read
from glasscade.errors import ConfigError
from mutants import BASES


def refused(path: Path, content: bytes | str) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as error:
        read(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert len(text) < 400
    return text.removeprefix(f"{path}: ")


def bomb(levels: int, entry: str, above: str) -> str:
    """Aliases of aliases: ten times as many entries with every level."""
    lines = [f"a0: &a0 {entry}"]
    for n in range(1, levels):
        lines.append(f"a{n}: &a{n} {above.replace('*', ', '.join([f'*a{n - 1}'] * 10))}")
    return "\n".join(lines)


CALL = "!!python/object/apply:os.system [touch owned]"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"seed: {CALL}", "line 1: the tag .*os.system is not read, values are plain"),
        ("seed: !!python/name:os.system", "the tag .* is not read"),
        ("a: 1\nseed: !!int x", "line 2: the tag"),
        ("seed: !!timestamp x", "the tag"),
        ("seed: !!binary aaa", "the tag"),
        ("seed: !own 1", "the tag !own is not read"),
        ("a: {!!str b: 1}", "the tag"),
        (bomb(20, "[x, x]", "[*]"), f"more than {MOST_NODES} entries, aliases written out"),
        (bomb(20, "{x: 1}", "{<<: [*]}"), f"more than {MOST_NODES} entries, aliases written out"),
        ("a: &a [1, *a]", "an alias stands within what it stands for"),
        ("a: &a {b: *a}", "an alias stands within what it stands for"),
        ("a: &a {<<: *a}", "an alias stands within what it stands for"),
        ("a: *b", "undefined alias"),
        ("[" * 5000 + "]" * 5000, f"line 1: more than {DEEPEST} levels within each other"),
        ("{a: " * 5000 + "1" + "}" * 5000, "levels within each other"),
        ("".join(f"{' ' * n}a:\n" for n in range(200)), "levels within each other"),
        ("a: 1\nb: 2\na: 3", "line 3: the key a stands twice"),
        ("species: {1: 0, '1': 1}", "the key 1 stands twice"),
        ("species: {1: 0, 0x1: 1}", "the key 1 stands twice"),
        ("1.5: 0", "line 1: a key must be text or a whole number"),
        ("true: 0", "a key must be text or a whole number"),
        ("~: 0", "a key must be text"),
        ("[a, b]: 0", "a key must be text"),
        ("{a: 1}: 0", "a key must be text"),
        ('"a\\nb": 0', r"the key 'a\\nb' must be printable"),
        ("dt: 1:30", "the number 1:30 may be octal or of base 60, write it plainly"),
        ("dt: 1:30.5", "the number 1:30.5 may be"),
        ("number: 0500", "the number 0500 may be octal"),
        ("number: -010", "the number -010 may be octal"),
        (f"seed: {'9' * 5000}", "'999.* is no number"),
        (b"\xff\xfea\x00", "utf-8"),
        ("study: a".encode("utf-16"), "utf-8"),
        (bytes(range(256)), "utf-8"),
        ("a\0b: 1", "control characters are not allowed"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ("a: [1, 2", "cannot be read as YAML"),
        ("#" * (LARGEST + 1), f"more than {LARGEST} bytes; long tables have files of their own"),
        ("__use_yte__: true\na: ?1+1", "__use_yte__: Snakemake would run what is in this file"),
        ("__use_yte__: false", "__use_yte__: Snakemake would run"),
    ],
    ids=lambda x: repr(x)[:30],
)
def test_what_is_no_plain_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.search(expected, refused(tmp_path / "study.yaml", content))
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", None),
        (b"# nothing\n", None),
        (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
        (b"a: 1\r\nb: [2]\r\n", {"a": 1, "b": [2]}),
        ("ä: 'µ'".encode(), {"ä": "µ"}),
        (b"a: 0\nb: 0.5\nc: -0\nd: 1_000\ne: 0x1F\nf: 1.e+3\n",
         {"a": 0, "b": 0.5, "c": 0, "d": 1000, "e": 31, "f": 1000.0}),
        (b"a: 2020-01-01", {"a": "2020-01-01"}),
        (b"a: '010'\nb: '1:30'", {"a": "010", "b": "1:30"}),
        (b"a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        (b"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}),
        (b'{"a": [1, 2.5, null, "x"]}', {"a": [1, 2.5, None, "x"]}),
        (b"species: {1: 0, A: 1}", {"species": {1: 0, "A": 1}}),
    ],
    ids=lambda x: repr(x)[:30],
)  # fmt: skip
def test_plain_data_is_read(tmp_path: Path, content: bytes, expected: object) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    assert read(path) == expected


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    """As another loader reads it, for studies with and without aliases."""
    path = tmp_path / "study.yaml"
    for raw in BASES:
        path.write_text(yaml.safe_dump(raw))
        assert read(path) == yaml.safe_load(path.read_text()) == raw


@pytest.mark.parametrize("name", [".", "pipe", "/dev/zero"])
def test_what_is_no_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(ConfigError, match="it is no file"):
        read(Path(name))
