from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from figure_data import write
from glasscade.config import SYSTEM
from glasscade.errors import DataError
from glasscade.limits.extrapolation import Limit
from glasscade.stages import bounds
from made_up_norms import HURST, made_up_norms
from studies import ROUGH

MARGIN = 0.05


def system(order: float) -> dict[str, Any]:
    keys = ROUGH["system"] | {
        "potential": {"kind": "riesz", "order": order},
        "exponents": list(HURST),
    }
    return SYSTEM.validate_python(keys).model_dump(mode="json")


JOB = {
    "models": {"log": {"system": system(1.0)}, "cone": {"system": system(2.0)}},
    "names": ["flux_bounds", "phase_diagram"],
    "level": 0.9,
    "bound": MARGIN,
}


def written(tmp_path: Path) -> list[Path]:
    """The logarithm on 3H - 1, the cone on 2H with a gradient that has not saturated."""
    paths = [tmp_path / "log.nc", tmp_path / "cone.nc"]
    write(made_up_norms(flux=0.9, product=-0.1, gradient=-0.7, smeared=2.0), paths[0])
    write(made_up_norms(flux=2.0, product=0.5, gradient=-0.1, smeared=1.3), paths[1])
    return paths


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    tmp_path = tmp_path_factory.mktemp("bounds")
    limits, folder = written(tmp_path), tmp_path / "figures"
    bounds.run(JOB, limits, tmp_path / "bounds.csv", folder)
    names = {f"{name}.{suffix}" for name in JOB["names"] for suffix in ("png", "csv")}
    assert {path.name for path in folder.iterdir()} == names
    found = pd.read_csv(tmp_path / "bounds.csv")
    words = [name for name in found if name.startswith("attains")]
    return found.astype(dict.fromkeys(words, object)).fillna(dict.fromkeys(words, ""))


def row(table: pd.DataFrame, model: str, quantity: str) -> pd.Series:
    chosen = table[(table["model"] == model) & (table["quantity"] == quantity)]
    chosen = chosen[(chosen["H"] == HURST[0]) & ~(chosen["p"] > 1.0)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_there_is_a_row_for_every_model_exponent_quantity_and_order(table: pd.DataFrame) -> None:
    # two norms at two orders, and the smeared flux
    assert len(table) == 2 * len(HURST) * (2 * 2 + 1)
    assert set(table["n"]) == {3}


def test_the_table_says_who_attains_what(table: pd.DataFrame) -> None:
    log, cone = (row(table, model, "product") for model in ("log", "cone"))
    assert log["measured"] == pytest.approx(-0.1, abs=1e-5)  # six digits in the file
    assert log["attains 3xi-1"] == log["attains 2xi+xiF-1"] == "yes"
    assert cone["measured"] == pytest.approx(0.6, abs=1e-5)
    assert (cone["attains 3xi-1"], cone["attains 2xi+xiF-1"]) == ("no", "yes")
    assert cone["3xi-1"] == pytest.approx(-0.1)
    assert cone["2xi+xiF-1"] == cone["predicted"] == pytest.approx(0.6)
    flux = row(table, "log", "pointwise")
    assert (flux["predicted"], flux["attains 3xi-1"]) == (pytest.approx(0.9), "no")
    smeared = row(table, "cone", "smeared")
    assert smeared["attains xi+xiF"] == "yes"
    assert smeared["attains 3xi-1"] == log["attains xi+xiF"] == ""


@pytest.mark.parametrize(
    ("value", "half", "expected"),
    [
        (0.0, 0.04, "yes"),
        (0.02, 0.04, "undecided"),
        (0.2, 0.1, "no"),
        (-0.2, 0.1, "below"),
        (0.0, float("nan"), "undecided"),
    ],
)
def test_what_attained_means(value: float, half: float, expected: str) -> None:
    limit = Limit(value, value - half, value + half, 1.0, 2.0, 3)
    assert bounds.attained(limit, 0.0, MARGIN) == expected


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    limits = written(tmp_path)
    limits[1].unlink()
    with pytest.raises(DataError, match=r"cone\.nc: this file is missing"):
        bounds.run(JOB, limits, tmp_path / "bounds.csv", tmp_path / "figures")
    assert not (tmp_path / "bounds.csv").exists()
