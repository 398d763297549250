"""pyproject.toml, environment.yml, the locks and CITATION.cff name the same things."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import glasscade

ROOT = Path(__file__).parents[2]
LOCKS = {
    "requirements.lock": ["setup"],
    "requirements-cluster.lock": ["setup", "cluster"],
    "requirements-test.lock": ["setup", "docs", "interop", "test"],
}
"""What each lock holds beside the dependencies."""


def requirement_lines(requirements: list[str]) -> list[str]:
    """Sorted `name bound` lines, spelt in one way whatever the spelling of the source."""
    parsed = [Requirement(text) for text in requirements]
    return sorted(f"{canonicalize_name(r.name)} {r.specifier}".strip() for r in parsed)


def project_requirements(pyproject: str) -> list[str]:
    project = tomllib.loads(pyproject)["project"]
    return [f"python{project['requires-python']}", *project["dependencies"]]


def conda_requirements(environment: str) -> list[str]:
    """Those of conda and of its pip section, without pip itself."""
    entries = yaml.safe_load(environment)["dependencies"]
    from_pip = [text for entry in entries if isinstance(entry, dict) for text in entry["pip"]]
    return [text for text in entries if isinstance(text, str) and text != "pip"] + from_pip


def differences(pyproject: str, environment: str) -> str:
    """Unified diff of the requirements of the two files, empty when they agree."""
    ours = requirement_lines(project_requirements(pyproject))
    theirs = requirement_lines(conda_requirements(environment))
    return "\n".join(
        difflib.unified_diff(ours, theirs, "pyproject.toml", "environment.yml", lineterm="", n=0)
    )


def pins(lock: str) -> dict[str, set[str]]:
    """Versions of each package in a lock: more than one where they depend on the interpreter."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock, flags=re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def unmet(requirements: list[str], lock: str) -> list[str]:
    """Requirements that a lock does not name, or pins outside their bounds."""
    pinned = pins(lock)
    wanted = [Requirement(text) for text in requirements]
    return [
        f"{r} (locked: {', '.join(sorted(pinned.get(canonicalize_name(r.name), {'nothing'})))})"
        for r in wanted
        if not pinned.get(canonicalize_name(r.name))
        or not all(r.specifier.contains(v) for v in pinned[canonicalize_name(r.name)])
    ]


def hosts(lock: str) -> list[str]:
    """Lines that name a server or an index: anything but pins, hashes and comments on origin."""
    return [
        line
        for line in lock.splitlines()
        if re.search(r"://|--(extra-)?index|--find-links|--trusted|\S@\S+\.\S|\bwww\.", line)
    ]


def unhashed(lock: str) -> list[str]:
    """Entries of a lock without a hash."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return [entry.split()[0] for entry in entries if "==" in entry and "--hash=" not in entry]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_conda_environment_is_in_step() -> None:
    assert differences(read("pyproject.toml"), read("environment.yml")) == ""


def test_conda_environment_has_the_two_channels_in_order() -> None:
    assert yaml.safe_load(read("environment.yml"))["channels"] == ["conda-forge", "bioconda"]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_meets_every_requirement(name: str) -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = project["dependencies"] + [
        text for extra in LOCKS[name] for text in project["optional-dependencies"][extra]
    ]
    assert unmet(wanted, read(name)) == [], "run `make lock`"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_hashed_and_names_no_host(name: str) -> None:
    assert unhashed(read(name)) == []
    assert hosts(read(name)) == []


@pytest.mark.parametrize("name", LOCKS)
def test_all_run_on_the_versions_a_study_uses(name: str) -> None:
    run, other = pins(read("requirements.lock")), pins(read(name))
    assert {package: other.get(package) for package in run} == run


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("CORES=0", "CORES must be a positive number or all, not '0'"),
        ("PROFILE=moon", "there is no profile 'moon'"),
        ("CONFIG=my study.yaml", "paths must be without spaces"),
        ("OPTIONS=--quiet --config seed=2", "OPTIONS must not have --config"),
        ("OPTIONS=--configfile=other.yaml", "OPTIONS must not have --config"),
        ("OPTIONS=-C seed=2", "OPTIONS must not have --config"),
        ("OPTIONS=--default-resources slurm_account=me --conda-frontend conda", ""),
    ],
)
def test_make_refuses_variables_before_anything_is_installed(variable: str, says: str) -> None:
    command = ["make", "--no-print-directory", "asked", variable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == (says == "")
    assert says in done.stderr


def test_executors_are_installed_for_clusters_alone() -> None:
    """Every job of a local study would import them."""
    found = {name for name in LOCKS if "\nsnakemake-executor-plugin-" in read(name)}
    assert found == {"requirements-cluster.lock"}


def test_conda_is_told_of_the_packages_of_a_cluster() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    told = re.findall(r"^#   conda install '(.+)'$", read("environment.yml"), flags=re.MULTILINE)
    wanted = project["optional-dependencies"]["cluster"]
    assert requirement_lines(told) == requirement_lines(wanted)


def test_citation_names_this_version() -> None:
    assert yaml.safe_load(read("CITATION.cff"))["version"] == glasscade.__version__


# The checks themselves, each on a file with one fault.

PYPROJECT = '[project]\nrequires-python = ">=3.11"\ndependencies = ["PyYAML>=6", "numpy>=2,<3"]\n'
ENVIRONMENT = "dependencies: [python>=3.11, pip, 'numpy<3,>=2', {pip: [pyyaml>=6]}]\n"


def test_spelling_and_order_of_bounds_do_not_matter() -> None:
    assert differences(PYPROJECT, ENVIRONMENT) == ""


@pytest.mark.parametrize(
    ("fault", "replacement", "shown"),
    [
        (", {pip: [pyyaml>=6]}", "", "-pyyaml >=6"),
        ("numpy<3,>=2", "numpy>=2", "+numpy >=2"),
        ("pip,", "pip, scipy,", "+scipy"),
        ("python>=3.11", "python>=3.10", "+python >=3.10"),
    ],
)
def test_a_difference_is_shown(fault: str, replacement: str, shown: str) -> None:
    assert shown in differences(PYPROJECT, ENVIRONMENT.replace(fault, replacement)).splitlines()


def test_a_missing_pin_and_one_out_of_bounds_are_shown() -> None:
    lock = "numpy==1.26.4 ; python_version < '3.12' \\\n    --hash=sha256:00\n"
    assert unmet(["numpy>=2", "scipy"], lock) == [
        "numpy>=2 (locked: 1.26.4)",
        "scipy (locked: nothing)",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "--extra-index-url packages.example.org",
        "numpy @ file:///tmp/numpy.whl",
        "    # from user@host.example.org",
    ],
)
def test_a_host_is_found(line: str) -> None:
    assert hosts(f"numpy==2.0 \\\n    --hash=sha256:00\n{line}\n") == [line]


def test_an_entry_without_hash_is_found() -> None:
    assert unhashed("a==1 \\\n    --hash=sha256:00\n    # via b\nb==2\n") == ["b==2"]
