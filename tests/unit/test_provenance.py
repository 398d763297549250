"""The digest of code changes with what the code does, through imports, and with nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from glasscade import provenance
from glasscade.provenance import code_digest, imported_modules

TOP = '''"""Top."""

from __future__ import annotations

from glasscade.middle import double
from glasscade import other as renamed


def top(x: float) -> float:
    """Twice x."""
    return double(x)  # a comment
'''
MIDDLE = (
    "import glasscade.low.deep\n\n\ndef double(x):\n    return 2 * glasscade.low.deep.same(x)\n"
)
FILES = {
    "__init__.py": "",
    "top.py": TOP,
    "middle.py": MIDDLE,
    "other.py": "VALUE = 1\n",
    "low/__init__.py": "LOW = 1\n",
    "low/deep.py": "def same(x):\n    return x\n",
    "unrelated.py": "VALUE = 1\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package in the place of this one."""
    root = tmp_path / "glasscade"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(provenance, "ROOT", root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return root


def digest(*scripts: Path) -> str:
    """The digest of `top` as a new process would find it."""
    provenance._syntax.cache_clear()
    return code_digest("glasscade.top", scripts=scripts)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment", "# another comment"),
        ('"""Twice x."""', '"""Two times x, in other words."""'),
        ('    """Twice x."""\n', ""),
        ('"""Top."""', '"""The\n\ntop."""'),
        ("return double(x)", "return double(\n        x,\n    )"),
        ("from glasscade.middle", "\n\nfrom glasscade.middle"),
    ],
)
def test_cosmetic_edit_does_not_matter(package: Path, old: str, new: str) -> None:
    before = digest()
    edit(package / "top.py", old, new)
    assert digest() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("top.py", "return double(x)", "return double(-x)"),
        ("middle.py", "2 *", "3 *"),
        ("low/deep.py", "return x", "return x + 1"),
        # a package is imported before the modules in it
        ("low/__init__.py", "LOW = 1", "LOW = 2"),
        # `from package import module`
        ("other.py", "VALUE = 1", "VALUE = 2"),
    ],
)
def test_edit_of_code_that_is_used_matters(package: Path, name: str, old: str, new: str) -> None:
    before = digest()
    edit(package / name, old, new)
    assert digest() != before


def test_edit_of_unrelated_code_does_not_matter(package: Path) -> None:
    before = digest()
    edit(package / "unrelated.py", "1", "2")
    assert digest() == before


def test_an_import_inside_a_function_counts(package: Path) -> None:
    edit(
        package / "top.py", "    return double", "    import glasscade.unrelated\n    return double"
    )
    before = digest()
    edit(package / "unrelated.py", "1", "2")
    assert digest() != before


def test_a_string_that_is_not_a_docstring_counts(package: Path) -> None:
    edit(package / "other.py", "VALUE = 1", 'VALUE = "a"')
    before = digest()
    edit(package / "other.py", '"a"', '"b"')
    assert digest() != before


def test_what_was_parsed_before_is_not_parsed_again(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest()
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "_parse", lambda _: pytest.fail("parsed again"))
        assert digest() == before
    for kept in (package.parent / "cache" / "glasscade" / "syntax").iterdir():
        kept.write_text('["cut off', encoding="utf-8")
    assert digest() == before


def test_a_cache_that_cannot_be_written_to_does_no_harm(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest()
    monkeypatch.setenv("XDG_CACHE_HOME", str(package / "top.py"))
    assert digest() == before


def test_a_script_counts_without_its_comments(package: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("run(1)\n", encoding="utf-8")
    before = digest(script)
    assert before != digest()
    script.write_text("# runs\nrun(1)\n", encoding="utf-8")
    assert digest(script) == before
    script.write_text("run(2)\n", encoding="utf-8")
    assert digest(script) != before


def test_imports_of_this_package_are_found() -> None:
    found = imported_modules("glasscade.io")
    assert {"glasscade", "glasscade.errors", "glasscade.provenance"} == found


def test_every_stage_depends_on_what_it_computes_with() -> None:
    """Through the real imports: a digest is that of the closure."""
    assert "glasscade.cell" in provenance._closure(("glasscade.stages.simulate",))
    assert "glasscade.limits.extrapolation" in provenance._closure(("glasscade.stages.limits",))
    assert "glasscade.figures.maps" not in provenance._closure(("glasscade.stages.limits",))


def test_a_module_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        code_digest("glasscade.absent")


def test_no_module_imports_relatively() -> None:
    """The digest follows absolute imports alone."""
    relative = [
        str(path)
        for path in provenance.ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []
