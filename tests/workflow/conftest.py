"""A clone of the repository in which a small study has run, for dry runs with one thing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from clones import Clone, copy_of_repository, small


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The clone in which the small study has run; to be left as it was found."""
    made = copy_of_repository(tmp_path_factory.mktemp("clone"))
    outcome = made.snakemake(small())
    assert outcome.code == 0, outcome.output
    return made


@pytest.fixture
def own_clone(clone: Clone, tmp_path: Path) -> Clone:
    """A copy of the clone with its results, in which anything may be done."""
    return clone.copied(tmp_path / "clone")
