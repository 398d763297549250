from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from os import utime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from figure_data import HURST, RANGE, SOURCES, made_up_exponents, made_up_limits
from glasscade import jobs
from glasscade.errors import DataError
from glasscade.io import write_dataset
from glasscade.regularity.exponents import FLAGS
from glasscade.stages import summary
from glasscade.stages.verdicts import table
from report_data import CAPTION, IMAGE, made_up_rows, small_study

KINDS = {"point": "cluster", "rough": "synthetic", "smooth": "field"}
JOB = jobs.summary(small_study())


def write(dataset: xr.Dataset, path: Path) -> None:
    """With provenance, hence with units."""
    for variable in dataset.data_vars.values():
        variable.attrs |= {"units": "1", "long_name": "made up"}
    write_dataset(dataset, path, {}, "glasscade.errors")


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    """All arguments of the stage but the job; files of a made-up study."""
    root, captions = tmp_path / "small", tmp_path / "captions"
    for folder in ("limits", "exponents"):
        (root / folder).mkdir(parents=True)
    captions.mkdir()
    for model, kind in KINDS.items():
        write(made_up_limits(kind), root / "limits" / f"{model}.nc")
        write(made_up_exponents(kind), root / "exponents" / f"{model}.nc")
        (root / "figures" / model).mkdir(parents=True)
        for name in JOB["figures"][model]:
            (root / "figures" / model / f"{name}.png").write_bytes(IMAGE)
            (root / "figures" / model / f"{name}.csv").write_text("x\n", encoding="utf-8")
            (captions / f"{name}.rst").write_text(CAPTION, encoding="utf-8")
    (root / "verdicts.csv").write_text(table(made_up_rows()), encoding="utf-8")
    return {
        "verdicts": root / "verdicts.csv",
        "limits": [root / "limits" / f"{model}.nc" for model in KINDS],
        "exponents": [root / "exponents" / f"{model}.nc" for model in KINDS],
        "figures": root / "figures",
        "captions": captions,
        "output": root / "summary.html",
    }


def test_the_page_is_written_with_all_figures_and_verdicts(inputs: dict[str, Any]) -> None:
    summary.run(JOB, **inputs)
    page = inputs["output"].read_text(encoding="utf-8")
    assert page.count("<figure ") == sum(len(names) for names in JOB["figures"].values())
    whole = [row for row in made_up_rows() if row.region in ("one", "all")]
    assert page.count('<tr class="verdict"') == len(whole)
    assert page.count('<table class="exponents cards">') == len(KINDS)
    for path in re.findall(r'href="([^"#]+)"', page):
        assert (inputs["output"].parent / path).is_file()


def test_figures_of_several_models_are_taken_from_the_folder_of_the_study(
    inputs: dict[str, Any],
) -> None:
    folder = inputs["figures"] / "_study"
    folder.mkdir()
    (folder / "comparison.png").write_bytes(IMAGE)
    (folder / "comparison.csv").write_text("x\n", encoding="utf-8")
    (inputs["captions"] / "comparison.rst").write_text(CAPTION, encoding="utf-8")
    summary.run(JOB | {"study_figures": ["comparison"]}, **inputs)
    page = inputs["output"].read_text(encoding="utf-8")
    assert page.count('href="figures/_study/comparison.csv"') == 1
    summary.run(JOB, **inputs)
    assert "_study" not in inputs["output"].read_text(encoding="utf-8")


def test_nothing_but_the_page_is_left_beside_it(inputs: dict[str, Any]) -> None:
    before = set(inputs["output"].parent.iterdir())
    summary.run(JOB, **inputs)
    assert set(inputs["output"].parent.iterdir()) - before == {inputs["output"]}


def test_the_date_is_that_of_the_newest_data(inputs: dict[str, Any]) -> None:
    when = datetime(2031, 5, 6, 7, 8, tzinfo=UTC).timestamp()
    utime(inputs["limits"][1], (when, when))
    summary.run(JOB, **inputs)
    assert "Data of 6 May 2031, 07:08 UTC" in inputs["output"].read_text(encoding="utf-8")


def test_files_say_where_they_come_from(inputs: dict[str, Any]) -> None:
    summary.run(JOB, **inputs)
    page = inputs["output"].read_text(encoding="utf-8")
    for folder in ("limits", "exponents"):
        for model in KINDS:
            assert page.count(f"<code>{folder}/{model}.nc</code>") == 1


def test_limits_are_those_of_the_whole_cell_and_the_first_kernel() -> None:
    dataset = made_up_limits("cluster")
    expected = dataset["limit"].sel(quantity="H", phi="one", kernel="gaussian")
    found = summary.limits_of(dataset)["H"]
    ends = (found.value, found.low, found.high, found.fit_low, found.fit_high)
    np.testing.assert_array_equal(ends, expected.values[: len(ends)])
    assert summary.limits_of(made_up_limits("synthetic")) == {}


@pytest.mark.parametrize(("kind", "cases"), [("synthetic", HURST), ("glass", [np.nan])])
def test_exponents_are_those_of_order_three_by_the_estimator_of_the_verdicts(
    kind: str, cases: list[float]
) -> None:
    dataset = made_up_exponents(kind)
    found = summary.exponents_of(dataset, "gradients")
    sources = SOURCES if kind == "glass" else SOURCES[:1]
    temperatures = dataset["temperature"].values
    labels = product(temperatures, range(len(cases)), sources, ("density", "force"))
    for each, (temperature, case, source, field) in zip(found, labels, strict=True):
        row = dataset.sel(temperature=temperature, source=source, field=field, region="one")
        row = row.sel(estimator="gradients", order=3.0).isel(case=case)
        assert (each.temperature, each.source, each.field) == (temperature, source, field)
        numbers = (each.known, each.value, each.low, each.high, each.raw, each.start, each.stop)
        parts = (float(row[name]) for name in ("value", "ci_low", "ci_high", "raw"))
        np.testing.assert_array_equal(numbers, [cases[case], *parts, *RANGE])
        assert (list(FLAGS).index(each.flag), each.samples) == (int(row["flag"]), 6)


@pytest.mark.parametrize(
    "missing",
    [
        "small/verdicts.csv",
        "small/limits/rough.nc",
        "small/exponents/point.nc",
        "small/figures/smooth/stress.png",
        "small/figures/smooth/stress.csv",
        "captions/budget.rst",
    ],
)
def test_a_missing_input_is_one_sentence_and_the_earlier_page_stays(
    inputs: dict[str, Any], tmp_path: Path, missing: str
) -> None:
    inputs["output"].write_text("earlier", encoding="utf-8")
    (tmp_path / missing).unlink()
    with pytest.raises(DataError, match=rf"{re.escape(missing)}: this file is missing"):
        summary.run(JOB, **inputs)
    assert inputs["output"].read_text(encoding="utf-8") == "earlier"
    assert not list(inputs["output"].parent.glob(".*"))


def test_a_broken_image_keeps_the_earlier_page(inputs: dict[str, Any]) -> None:
    inputs["output"].write_text("earlier", encoding="utf-8")
    (inputs["figures"] / "smooth" / "stress.png").write_bytes(b"half")
    with pytest.raises(DataError, match=r"smooth/stress\.png: not a PNG"):
        summary.run(JOB, **inputs)
    assert inputs["output"].read_text(encoding="utf-8") == "earlier"


def test_a_file_that_no_stage_wrote_is_refused(inputs: dict[str, Any]) -> None:
    made_up_limits("field").to_netcdf(inputs["limits"][2])
    with pytest.raises(DataError, match=r"smooth\.nc: truncated or corrupt"):
        summary.run(JOB, **inputs)
