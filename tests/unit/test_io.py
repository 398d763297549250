"""Files are whole or absent, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from glasscade.errors import DataError
from glasscade.io import atomic, read_dataset, write_dataset, write_text


def dataset(values: np.ndarray | None = None) -> xr.Dataset:
    attributes = {"units": "V0", "long_name": "stress"}
    data = np.arange(2000.0) if values is None else values
    return xr.Dataset({"stress": (("time",), data, attributes)})


def written(path: Path) -> Path:
    write_dataset(dataset(), path, {"seed": 7}, "glasscade.io")
    return path


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    loaded = read_dataset(written(tmp_path / "a" / "b.nc"), "stress")
    np.testing.assert_array_equal(loaded["stress"].values, np.arange(2000.0))
    assert loaded["stress"].attrs == {"units": "V0", "long_name": "stress"}


def test_a_part_is_read_without_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path / "b.nc")
    loaded = read_dataset(path, "stress", part=lambda whole: whole.isel(time=[3, 5]))
    np.testing.assert_array_equal(loaded["stress"].values, [3.0, 5.0])


def test_a_file_says_where_it_comes_from(tmp_path: Path) -> None:
    attributes = read_dataset(written(tmp_path / "b.nc")).attrs
    assert json.loads(attributes["parameters"]) == {"seed": 7}
    assert re.fullmatch("[0-9a-f]{12}", attributes["code_digest"])
    assert json.loads(attributes["versions"])["numpy"] == np.__version__
    assert {"glasscade_version", "git_commit"} <= set(attributes)
    machine = json.loads(attributes["machine"])
    assert set(machine) == {"system", "processor", "target", "features"}
    assert all(machine.values())


@pytest.mark.parametrize("attribute", ["units", "long_name"])
def test_a_variable_without_meaning_is_refused(tmp_path: Path, attribute: str) -> None:
    incomplete = dataset()
    del incomplete["stress"].attrs[attribute]
    with pytest.raises(DataError, match=f"stress lacks the attribute {attribute}"):
        write_dataset(incomplete, tmp_path / "b.nc", {}, "glasscade.io")
    assert list(tmp_path.iterdir()) == []


def test_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.nc: this file is missing; run the stage"):
        read_dataset(tmp_path / "absent.nc")


@pytest.mark.parametrize("size", [0, 1, 100, 0.5, 0.95])
def test_truncated_file_is_refused(tmp_path: Path, size: float) -> None:
    path = written(tmp_path / "b.nc")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(size if size >= 1 else size * len(whole))])
    with pytest.raises(DataError, match=r"b\.nc: truncated or not NetCDF.*delete it") as caught:
        read_dataset(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.nc"
    path.write_text("not NetCDF", encoding="utf-8")
    with pytest.raises(DataError, match="truncated or not NetCDF"):
        read_dataset(path)


def test_missing_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"variable rate is missing; the file has \['stress'\]"):
        read_dataset(written(tmp_path / "b.nc"), "stress", "rate")


def test_a_variable_without_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.nc"
    write_dataset(dataset(np.full(3, np.nan)), path, {}, "glasscade.io")
    with pytest.raises(DataError, match="variable stress holds no finite number"):
        read_dataset(path, "stress")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    write_text("old", path)

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half of the n", encoding="utf-8")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_netcdf_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path / "b.nc")
    before = path.read_bytes()
    unwritable = dataset().assign_attrs(broken=object())
    with pytest.raises(TypeError, match="Invalid value for attr"):
        write_dataset(unwritable, path, {}, "glasscade.io")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    with atomic(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text(encoding="utf-8") == "new"
