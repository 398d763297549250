"""The site: `make docs` builds it into docs/_build/html, to be read without a network.

Its sources are the pages of the whole repository, README and config/README.md included, so that a
link between two files leads to the same place here and wherever Markdown is shown.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from glasscade import __version__, analysis

LOG = logging.getLogger(__name__)
HERE = Path(__file__).parent
VERBATIM = re.compile(r" {4}|=+ +=")
"""How a block of a docstring begins that is a formula or a table."""
KEPT = re.compile(r"(``.+?``|`[^`]+`|(?<![\w*')])\*\w[^*]*?[\w.]\*(?!\w))")
"""What is markup in a docstring: names, and words between stars."""
SYMBOL = re.compile(r"[|\\]|_(?=\W|$)|\*(?=\S)")
"""What is none: bars, names that end in an underscore, stars that convolve."""
SECTION = re.compile(r"^-+$", re.MULTILINE)
"""The line under the head of a section of a docstring."""

project = "glasscade"
author = "The glasscade authors"
project_copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "config/README.md",
    "results/README.md",
    "docs/**.md",
    "docs/reference/generated/*.rst",
]
# Folders that are not even looked into.
exclude_patterns = [".*", "build", "dist", "docs/_*", "results/*/**", "src", "tests"]
templates_path = [str(HERE / "_templates")]

# --- pages: Markdown as it is elsewhere, with formulas in fences of the language `math` ---------

source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
highlight_language = "text"
nitpicky = True

# --- API: docstrings are plain text with `names` and indented formulas --------------------------

# Names of this package are loaded at their first use, and are no members before.
vars(analysis).update({name: getattr(analysis, name) for name in analysis.__all__})
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {
    name: name for name in ("Complex", "Indices", "Integer", "Integers", "Modes", "Real", "Words")
}
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
default_role = "py:obj"
# Names in backticks are also keys, columns and files, and types those of other packages.
nitpick_ignore_regex = [(r"py:.*", r".*")]
suppress_warnings = ["ref.python"]  # a name that several objects have

# --- HTML: no address of another machine is read ------------------------------------------------

html_theme = "furo"
html_title = f"glasscade {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
# The front page lies where the sources are; this sends there whoever opens the folder.
html_additional_pages = {"index": "redirect.html"}


def as_markup(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make a docstring reStructuredText: formulas and tables as they stand, symbols no markup."""
    blocks = "\n".join(lines).split("\n\n")
    sections = next((n for n, block in enumerate(blocks) if SECTION.search(block)), len(blocks))
    text = "\n\n".join(
        literal(block) if n < sections and VERBATIM.match(block) else without_markup(block)
        for n, block in enumerate(blocks)
    )
    # Of a constant napoleon would take the first line for a type, if it has a colon.
    lines[:] = ["", *text.splitlines()] if what in ("attribute", "data") else text.splitlines()


def literal(block: str) -> str:
    """A block that is shown as it stands."""
    return "::\n\n" + "\n".join(f"    {line}" for line in block.splitlines())


def without_markup(block: str) -> str:
    """A block in which symbols are no markup, unless in backticks."""
    parts = KEPT.split(block)
    parts[::2] = [SYMBOL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def visit_math(translator: HTML5Translator, node: nodes.Node) -> None:
    """A formula as MathML, as in summary.html."""
    block = isinstance(node, nodes.math_block)
    try:
        mathml = tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        LOG.warning("%s", error, location=node)
        raise nodes.SkipNode from None
    translator.body.append(f'<div class="formula">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.add_lexer("lammps", TextLexer)
    app.connect("autodoc-process-docstring", as_markup, priority=400)
