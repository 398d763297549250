"""From reStructuredText, the language of captions, to HTML, with formulas as MathML."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from docutils.core import publish_parts
from docutils.utils import SystemMessage
from jinja2 import Environment, StrictUndefined, TemplateError

from glasscade.errors import DataError

_SETTINGS: dict[str, Any] = {
    "math_output": "MathML",
    "doctitle_xform": False,
    "initial_header_level": 3,
    # A caption is text: it includes no files and no HTML of its own.
    "raw_enabled": False,
    "file_insertion_enabled": False,
    # Anything docutils would only warn of ends in a broken page, hence is an error.
    "report_level": 5,
    "halt_level": 2,
    "input_encoding": "unicode",
}
_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


def to_html(source: str, name: str, prefix: str) -> str:
    """A fragment of HTML.

    Parameters
    ----------
    source : str
    name : str
        What errors call the text.
    prefix : str
        Of identifiers, so that those of two fragments on one page differ.

    Raises
    ------
    DataError
        If the text is not valid reStructuredText.
    """
    try:
        parts = publish_parts(
            source, writer="html5", settings_overrides={**_SETTINGS, "id_prefix": prefix}
        )
    except SystemMessage as error:
        message = " ".join(str(error).split())
        raise DataError(f"{name}: not valid reStructuredText: {message}") from None
    # HTML knows where a formula begins; without the attribute the page names no address at all.
    body = str(parts["body"]).replace(_NAMESPACE, "")
    # A formula too wide for the screen scrolls, which must work with the keyboard as well.
    return body.replace('<math display="block"', '<math display="block" tabindex="0"')


def caption(source: str, name: str, model: str, prefix: str) -> str:
    """The caption of a figure: the template that Snakemake's report fills, filled the same way.

    Raises
    ------
    DataError
        If the template asks for anything but `snakemake.wildcards.model`, or is not valid.
    """
    job = SimpleNamespace(wildcards=SimpleNamespace(model=model))
    return to_html(fill(source, name, snakemake=job), name, prefix)


def fill(source: str, name: str, **values: Any) -> str:
    """A template of text with its values.

    Raises
    ------
    DataError
        If the template is broken or asks for a value that is not given.
    """
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        return environment.from_string(source).render(**values)
    except TemplateError as error:
        raise DataError(f"{name}: cannot be filled: {error}") from None
