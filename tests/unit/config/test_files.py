"""Files lie within the project, unless the study says from where else they may come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import studies
from glasscade.config import Study, parse
from glasscade.errors import ConfigError
from mutants import MODELS, TABLE

HERE = "lies outside of the folder of the configuration and of the one where you are"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a folder of configurations, beside another folder with the same files."""
    columns = zip(TABLE["distance"], TABLE["energy"], strict=True)
    table = "\n".join(f"{r} {v}" for r, v in columns)
    for folder in ("project/config", "project/data", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run.dump").write_text("content")
        (tmp_path / folder / "table.txt").write_text(table)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def trajectory(file: str, *outside: str) -> Any:
    model = MODELS["imported"]
    changed = studies.study(imported=model | {"system": model["system"] | {"file": file}})
    return changed | ({"outside_folders": list(outside)} if outside else {})


def table(file: str, *outside: str) -> Any:
    raw = studies.study(smooth=studies.FIELD)
    keys = {"kind": "tabulated", "file": file}
    raw["models"]["smooth"]["system"]["potential"] = keys
    return raw | ({"outside_folders": list(outside)} if outside else {})


MADE = {"run.dump": trajectory, "table.txt": table}
BOTH = pytest.mark.parametrize("name", sorted(MADE))


def of(project: Path, raw: Any) -> Study:
    """The study of a configuration in its folder, as seen from the project."""
    return parse(raw, Path("config"))


@BOTH
@pytest.mark.parametrize("place", ["{}", "./{}", "../config/{}", "../data/{}"])
def test_files_of_the_project_are_read(project: Path, name: str, place: str) -> None:
    of(project, MADE[name](place.format(name)))
    of(project, MADE[name](str(project / "data" / name)))


@BOTH
@pytest.mark.parametrize("place", ["../../elsewhere/{}", "../data/../../elsewhere/{}", "{root}/{}"])
def test_files_from_elsewhere_are_refused(project: Path, name: str, place: str) -> None:
    file = place.format(name, root=project.parent / "elsewhere")
    with pytest.raises(ConfigError, match=rf"^models\.\w+\.system\.(potential\.)?file: .*{HERE}"):
        of(project, MADE[name](file))


@BOTH
def test_a_job_takes_the_files_that_its_study_was_allowed(project: Path, name: str) -> None:
    """It runs where the study was started, and the configuration lies elsewhere, with its files."""
    folder = Path("../elsewhere")
    allowed = parse(MADE[name](name), folder)
    given = allowed.model_dump(mode="json")
    assert parse(given, known=True) == allowed
    if name == "run.dump":  # a table is read once, and its numbers handed on
        with pytest.raises(ConfigError, match=HERE):
            parse(given)


@BOTH
def test_a_link_leads_nowhere_else(project: Path, name: str) -> None:
    (project / "config" / "link").symlink_to(project.parent / "elsewhere")
    (project / "config" / f"linked_{name}").symlink_to(project.parent / "elsewhere" / name)
    for file in (f"link/{name}", f"linked_{name}"):
        with pytest.raises(ConfigError, match=HERE):
            of(project, MADE[name](file))
    (project / "config" / f"inside_{name}").symlink_to(project / "data" / name)
    of(project, MADE[name](f"inside_{name}"))


@BOTH
def test_a_study_may_name_other_folders(project: Path, name: str) -> None:
    file = f"../../elsewhere/{name}"
    for folder in ("../../elsewhere", str(project.parent / "elsewhere"), str(project.parent)):
        of(project, MADE[name](file, "unused", folder))
    with pytest.raises(ConfigError, match=HERE):
        of(project, MADE[name](file, "../../elsewhere/more"))
    with pytest.raises(ConfigError, match=HERE):
        of(project, MADE[name](file, "../../else"))  # a name that begins like it


@BOTH
@pytest.mark.parametrize("file", [5, 5.5, ["5"], {"5": 5}])
def test_the_name_of_a_file_is_text(project: Path, name: str, file: Any) -> None:
    """Else it would be made text where it is read, without having been looked at."""
    Path(str(file)).symlink_to(project.parent / "elsewhere" / name)
    with pytest.raises(ConfigError, match=r"file: .* a valid string"):
        of(project, MADE[name](file))


def test_a_table_is_a_file(project: Path) -> None:
    """A pipe would be waited for."""
    os.mkfifo("config/pipe")
    for place in ("pipe", "."):
        with pytest.raises(ConfigError, match=r"cannot be read as two columns .*it is no file"):
            of(project, table(place))


def test_a_link_behind_a_wildcard_leads_nowhere_else(project: Path) -> None:
    (project / "config" / "0.02").symlink_to(project.parent / "elsewhere")
    with pytest.raises(ConfigError, match=HERE):
        of(project, trajectory("{temperature}/run.dump"))
    of(project, trajectory("{temperature}/run.dump", "../../elsewhere"))


@BOTH
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a\0b", "is no path"),
        ("a\nb", "is no path"),
        ("x" * 5000, "is no path"),
        ("loop/x", "is no path"),
        ("/etc/passwd", HERE),
        ("$HOME/x", "missing|cannot be read"),
        ("~/x", "missing|cannot be read"),
        ("`touch owned`", "missing|cannot be read"),
        ("data", "missing|cannot be read"),
    ],
)
def test_names_that_no_file_has(project: Path, name: str, file: str, expected: str) -> None:
    (project / "config" / "loop").symlink_to("loop")
    (project / "config" / "data").mkdir()
    with pytest.raises(ConfigError, match=expected) as error:
        of(project, MADE[name](file))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("outside", ["/", [1], [["/"]], {"a": 1}, ["a\0b"], 5, True])
def test_folders_that_are_none(project: Path, outside: Any) -> None:
    raw = trajectory("../../elsewhere/run.dump") | {"outside_folders": outside}
    with pytest.raises(ConfigError):
        of(project, raw)


@pytest.mark.parametrize(
    "content", ["", "# r V\n", "1 2 3\n" * 9, "a b\n", "1 2\n3\n", "\0", "nan 1"]
)
def test_tables_that_are_none(project: Path, content: str) -> None:
    (project / "config" / "table.txt").write_text(content)
    with pytest.raises(ConfigError, match=r"^models\.smooth\.system") as error:
        of(project, table("table.txt"))
    assert "\n" not in str(error.value)
