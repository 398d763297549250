"""The summary page of a study: verdicts, figures and provenance as one document without links out.

Every function takes plain data that has been read already; `glasscade.stages.summary` reads it.
"""

from __future__ import annotations

import hashlib
from importlib import resources

TEMPLATES = "templates"


def template_digest() -> str:
    """Twelve hexadecimal digits of the templates, which the digest of the code does not cover."""
    digest = hashlib.sha256()
    folder = resources.files(__package__) / TEMPLATES
    for template in sorted(folder.iterdir(), key=lambda entry: entry.name):
        digest.update(template.name.encode())
        digest.update(template.read_bytes())
    return digest.hexdigest()[:12]
