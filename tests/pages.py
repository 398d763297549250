"""What tests read on the pages of docs/: their blocks of code."""

from __future__ import annotations

import re
from pathlib import Path


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str = "python") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def all_blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of every block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
