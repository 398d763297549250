"""The plain data of a YAML file, whoever wrote it.

Of YAML only what a configuration needs is read: mappings with keys of text or whole numbers,
lists, text, numbers, truth values, anchors and merges. Whatever else a loader would do with a
file, make objects of tags, expand an alias of aliases for ever, take 1:30 for 90, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NoReturn

from yaml import MappingNode, Node, ScalarNode, SequenceNode, YAMLError
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from glasscade.errors import ConfigError, one_line

LARGEST = 2**19
"""Bytes of a file: a thousand times a small study; C reads them in a second."""
DEEPEST = 32
"""Brackets and indents within each other; the schema has ten."""
MOST_NODES = 100_000
"""Entries of a file with its aliases written out; the largest of our studies has 2000."""
EVALUATED = "__use_yte__"
"""Key by which a file asks Snakemake, which reads it too, to evaluate expressions in it."""

NO_TOKEN = "found character that cannot start any token"
"""What the parser says of a tab in front of a key."""

UNDER_WAY = -1
_MERGE = "tag:yaml.org,2002:merge"
_DOUBTFUL = re.compile(r"[-+]?(0[0-9_]*[0-9]|[0-9][0-9_]*(:[0-9.]+)+)$")
"""Numbers that YAML 1.1 takes for octal ones, or for ones to the base 60."""


def read(path: Path) -> object:
    """The plain data of a configuration file, before validation.

    Raises
    ------
    ConfigError
        If the file cannot be read, is too large, is not YAML or more than plain data, gives a key
        twice, or asks Snakemake to evaluate what is in it.
    """
    try:
        raw = _Loader(_text(path)).get_single_data()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read, {(error.strerror or '').lower()}") from None
    except (UnicodeDecodeError, YAMLError) as error:
        detail = str(error).replace(' in "<unicode string>",', " at")
        detail = detail.replace(NO_TOKEN, f"{NO_TOKEN}, maybe a tab; indent with blanks")
        raise ConfigError(f"{path}: cannot be read as YAML ({one_line(detail, 200)})") from None
    if isinstance(raw, dict) and EVALUATED in raw:
        raise ConfigError(
            f"{path}: {EVALUATED}: Snakemake would run what is in this file as Python; leave it out"
        )
    return raw


def _text(path: Path) -> str:
    """What is in a file, of a size that a configuration has."""
    if path.exists() and not path.is_file():
        raise YAMLError("it is no file")
    with path.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise YAMLError(f"it has more than {LARGEST} bytes; long tables have files of their own")
    return content.decode("utf-8-sig")


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """Plain data of bounded size and depth; two keys that are the same are an error."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """A node of the file, which may be no deeper than `DEEPEST` and has no tag."""
        event = self.peek_event()
        tag = getattr(event, "tag", None)
        if tag is not None:
            _refuse(f"the tag {tag} is not read, values are plain", event)
        self._depth += 1
        if self._depth > DEEPEST:
            _refuse(f"more than {DEEPEST} levels within each other", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_document(self) -> Node | None:
        """The whole file, which must not be too long when its aliases are written out."""
        node = super().compose_document()
        if node is not None:
            _size(node, {})
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping without repeated keys, those of merged sections apart."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != _MERGE:
                name = self._name(key)
                if name in seen:
                    _refuse(f"the key {name} stands twice", key)
                seen.add(name)
        return super().construct_mapping(node, deep)

    def _name(self, key: Any) -> str:
        """A key as text: 1 and '1' are the same."""
        value = self.construct_object(key)
        if type(value) not in (str, int):
            _refuse("a key must be text or a whole number", key)
        if not (isinstance(value, int) or value.isprintable()):
            _refuse(f"the key {value!r} must be printable", key)
        return str(value)

    def construct_number(self, node: ScalarNode) -> float:
        """A number that everybody reads in the same way."""
        if _DOUBTFUL.match(node.value):
            _refuse(f"the number {node.value} may be octal or of base 60, write it plainly", node)
        try:
            if node.tag.endswith("int"):
                return self.construct_yaml_int(node)
            return self.construct_yaml_float(node)
        except ValueError:  # of thousands of digits
            _refuse(f"{node.value[:20]!r}... is no number", node)


_Loader.yaml_implicit_resolvers = {  # dates stay text
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith("timestamp")]
    for first, known in Resolver.yaml_implicit_resolvers.items()
}
for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)  # type: ignore[type-var]


def _size(node: Node, known: dict[int, int]) -> int:
    """Nodes of a tree in which every alias is a copy of what it stands for."""
    size = known.get(id(node))
    if size == UNDER_WAY:
        _refuse("an alias stands within what it stands for", node)
    if size is None:
        known[id(node)] = UNDER_WAY
        size = 1 + sum(_size(part, known) for part in _parts(node))
        if size > MOST_NODES:
            _refuse(f"more than {MOST_NODES} entries, aliases written out", node)
        known[id(node)] = size
    return size


def _parts(node: Node) -> list[Node]:
    """The nodes directly within a node."""
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, SequenceNode) else []


def _refuse(what: str, place: Any) -> NoReturn:
    line = place.start_mark.line + 1
    raise YAMLError(f"line {line}: {one_line(what, 120)}")
