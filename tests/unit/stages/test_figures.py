from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from figure_data import LENGTH, LEVEL, made_up_exponents, made_up_limits, made_up_verdicts, write
from glasscade.errors import DataError
from glasscade.figures import figure_names
from glasscade.stages import figures
from glasscade.stages.verdicts import table

NAMES = list(figure_names("cluster", maps=True))
JOB = {"names": NAMES, "length": LENGTH, "estimator": "wavelets", "level": LEVEL, "exponent": 0.03}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """Files of a made-up cluster."""
    paths = {name: tmp_path / f"{name}.nc" for name in ("limits", "exponents")}
    write(made_up_limits("cluster"), paths["limits"])
    write(made_up_exponents("cluster"), paths["exponents"])
    verdicts = tmp_path / "verdicts.csv"
    verdicts.write_text(table(made_up_verdicts("cluster")), encoding="utf-8")
    return {**paths, "verdicts": verdicts}


def test_every_figure_comes_with_its_data(inputs: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    figures.run(JOB, **inputs, folder=folder)
    expected = {f"{name}.{suffix}" for name in NAMES for suffix in ("png", "csv")}
    assert {path.name for path in folder.iterdir()} == expected
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.glob("*.png"))
    data = pd.read_csv(folder / "budget.csv")
    _, drawn = figures.FIGURES["budget"](figures.results(JOB, **inputs))
    # The file keeps seven digits.
    pd.testing.assert_frame_equal(data, drawn, check_exact=False, rtol=1e-6)


def test_missing_verdicts_are_one_sentence(inputs: dict[str, Path], tmp_path: Path) -> None:
    inputs["verdicts"].unlink()
    with pytest.raises(DataError, match=r"verdicts\.csv: this file is missing"):
        figures.run(JOB, **inputs, folder=tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
