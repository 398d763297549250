from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from figure_data import LENGTH, LEVEL, made_up_exponents, made_up_limits, made_up_verdicts, write
from glasscade.errors import DataError
from glasscade.stages import comparison
from glasscade.stages.verdicts import table

KEYS = {"length": LENGTH, "estimator": "wavelets", "level": LEVEL, "exponent": 0.03}
JOB = {
    "models": {
        "coarse": KEYS | {"number": 500, "dt": 0.005},
        "fine": KEYS | {"number": 500, "dt": 0.0025},
    },
    "refinements": [["fine", "coarse"]],
}
LABELS = ("coarse (N = 500, dt = 0.005)", "fine (N = 500, dt = 0.0025)")


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    """Files of two made-up glasses; the second has one realisation less."""
    paths: dict[str, list[Path]] = {"limits": [], "exponents": [], "verdicts": []}
    for count, model in ((6, "coarse"), (5, "fine")):
        for kind, suffix in (("limits", "nc"), ("exponents", "nc"), ("verdicts", "csv")):
            paths[kind].append(tmp_path / f"{model}_{kind}.{suffix}")
        write(made_up_limits("glass").isel(realisation=slice(count)), paths["limits"][-1])
        write(made_up_exponents("glass"), paths["exponents"][-1])
        paths["verdicts"][-1].write_text(table(made_up_verdicts("glass")), encoding="utf-8")
    return paths


def test_the_figure_comes_with_its_data(inputs: dict[str, Any], tmp_path: Path) -> None:
    stem = tmp_path / "_study" / "comparison"
    comparison.run(JOB, **inputs, stem=stem)
    assert {path.name for path in stem.parent.iterdir()} == {"comparison.png", "comparison.csv"}
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    data = pd.read_csv(stem.with_suffix(".csv"))
    assert set(data[data["panel"].str.startswith("(b)")]["series"]) == set(LABELS)
    # The same numbers in both files: over the five realisations that both have no difference.
    pair = data[
        (data["series"] == f"{LABELS[1]} / {LABELS[0]}") & data["panel"].str.startswith("(e)")
    ]
    assert len(pair) == 5
    assert set(pair["y"]) == {0.0}


def test_models_keep_their_files(inputs: dict[str, Any], tmp_path: Path) -> None:
    """The crossings of the second model are those of its own file."""
    shifted = made_up_limits("glass")
    shifted["scale"] = shifted["scale"] + 1.0
    write(shifted, inputs["limits"][1])
    comparison.run(JOB, **inputs, stem=tmp_path / "comparison")
    data = pd.read_csv(tmp_path / "comparison.csv")
    coarse, fine = (
        data[data["panel"].str.startswith("(b)") & (data["series"] == label)]["y"].to_numpy()
        for label in LABELS
    )
    # The file keeps seven digits.
    assert fine == pytest.approx(coarse + 1.0, abs=1e-6)


def test_a_missing_file_is_one_sentence(inputs: dict[str, Any], tmp_path: Path) -> None:
    inputs["verdicts"][1].unlink()
    with pytest.raises(DataError, match=r"fine_verdicts\.csv: this file is missing"):
        comparison.run(JOB, **inputs, stem=tmp_path / "new" / "comparison")
    assert not (tmp_path / "new").exists()
