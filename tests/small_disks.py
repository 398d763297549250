"""File systems that are too small, or read-only: real ones, that vanish with their process."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAMESPACE = (
    ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
)
"""Begins a command whose mounts nobody else sees."""


def may_mount() -> bool:
    """Whether this user may mount, at least where nobody else sees it."""
    try:
        tried = subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


def mount(folder: Path, options: str) -> None:
    """Mount a file system in memory, with options such as `size=2m` or `ro`."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


def unmount(folder: Path) -> None:
    """Take it away, whatever is still open there."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
