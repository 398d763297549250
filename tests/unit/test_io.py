"""Files are whole or absent, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from glasscade.errors import DataError, StorageError
from glasscade.io import (
    SEAL,
    atomic,
    checksum_of,
    content,
    data_digest,
    is_whole,
    read_dataset,
    read_table,
    require_whole,
    write_dataset,
    write_table,
    write_text,
)
from glasscade.stages.record import origin_of
from small_disks import NAMESPACE, may_mount


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
    with pytest.raises(DataError, match=r"b\.nc: truncated or corrupt.*delete it") as caught:
        read_dataset(path)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.nc"
    path.write_text("not NetCDF", encoding="utf-8")
    with pytest.raises(DataError, match="truncated or corrupt"):
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


def labelled(
    dims: tuple[str, ...], values: object
) -> tuple[tuple[str, ...], object, dict[str, str]]:
    return dims, values, {"units": "1", "long_name": "made up"}


def of_every_kind(rng: np.random.Generator) -> xr.Dataset:
    """Compressed and plain, scalar, text, truth, NaN of either sign."""
    values = rng.standard_normal((3, 200))
    values[0, :2] = np.nan, -np.nan
    return xr.Dataset(
        {
            "float": labelled(("time", "place"), values),
            "integer": labelled(("place",), np.arange(200)),
            "truth": labelled(("time",), np.array([True, False, True])),
            "text": labelled(("time",), np.array(["a", "ℓ → 0", ""])),
            "scalar": labelled((), 1e-9),
        },
        coords={"time": ("time", [0.1, 0.2, 0.4], {"units": "t0", "valid": [0.0, 1.0]})},
    )


def spoiled(path: Path, rng: np.random.Generator) -> list[tuple[str, bytes]]:
    """Contents with a bit changed, spread over the file, and truncated to various lengths."""
    whole = path.read_bytes()
    places = {*np.linspace(0, len(whole) - 1, 300).astype(int), *rng.integers(len(whole), size=100)}
    places |= set(range(len(whole) - SEAL, len(whole)))
    found = []
    for place in sorted(places):
        changed = bytearray(whole)
        changed[place] ^= 1 << int(rng.integers(8))
        found.append((f"byte {place}", bytes(changed)))
    lengths = {0, *rng.integers(len(whole), size=60), *(len(whole) - n for n in range(1, SEAL + 9))}
    return found + [(f"length {n}", whole[:n]) for n in sorted(lengths)]


@pytest.mark.parametrize("part", [False, True])
def test_any_truncation_and_any_changed_byte_is_found(
    tmp_path: Path, rng: np.random.Generator, part: bool
) -> None:
    """Without the checksum the library reads two in five changed bytes as other data."""
    path = tmp_path / "b.nc"
    write_dataset(of_every_kind(rng), path, {"seed": 7}, "glasscade.io")
    how = {"part": lambda whole: whole.isel(time=[1])} if part else {}
    for case, spoilt in spoiled(path, rng):
        path.write_bytes(spoilt)
        with pytest.raises(DataError) as caught:
            pytest.fail(f"{case}: {read_dataset(path, **how)}")
        assert str(caught.value).startswith(f"{path}: truncated or corrupt, it does not end with")
        assert str(caught.value).endswith("delete it, it will be computed again")
        with pytest.raises(DataError, match="truncated or corrupt"):
            require_whole(path)


@pytest.mark.parametrize("read", [read_dataset, read_table, require_whole])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """A pipe has no end until somebody writes, a device may have none at all."""
    os.mkfifo(tmp_path / "b.nc")
    for path in (tmp_path / "b.nc", Path("/dev/zero"), tmp_path):
        with pytest.raises(DataError, match="is a folder, a pipe or a device and must be a file"):
            read(path)
    (tmp_path / "a.csv").write_text("a")
    os.mkfifo(checksum_of(tmp_path / "a.csv"))
    with pytest.raises(DataError, match=r"\.a\.csv\.sha256: this is a folder, a pipe"):
        read_table(tmp_path / "a.csv")


def test_a_file_is_known_from_one_reading(tmp_path: Path) -> None:
    path = written(tmp_path / "b.nc")
    whole = path.read_bytes()
    for text in (whole, whole[:-1], whole[1:], b"", b"a"):
        path.write_bytes(text)
        expected = (len(text), hashlib.sha256(text).hexdigest(), text == whole)
        assert content(path) == expected


def test_more_bytes_are_a_change(tmp_path: Path) -> None:
    path = written(tmp_path / "b.nc")
    path.write_bytes(path.read_bytes() + b"\n")
    assert not is_whole(path)


def digest(path: Path) -> str:
    """The one that a file was written with."""
    return origin_of(path).data


def test_the_digest_of_data_is_that_of_what_is_read(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    made = of_every_kind(rng)
    write_dataset(made, tmp_path / "a.nc", {"seed": 7}, "glasscade.io")
    write_dataset(made, tmp_path / "b.nc", {"seed": 8}, "glasscade.errors")
    read = read_dataset(tmp_path / "a.nc")
    assert data_digest(read) == data_digest(made) == digest(tmp_path / "a.nc")
    # Whatever wrote them, and with which parameters.
    assert digest(tmp_path / "a.nc") == digest(tmp_path / "b.nc")
    assert read.attrs != read_dataset(tmp_path / "b.nc").attrs


def test_the_digest_of_data_sees_every_bit_name_and_note(rng: np.random.Generator) -> None:
    made = of_every_kind(rng)
    others = [
        made.assign(float=made["float"].copy(data=np.nextafter(made["float"], 9.0))),
        made.rename(integer="other"),
        made.rename(place="elsewhere"),
        made.assign(integer=made["integer"].astype(np.int32)),
        made.assign(text=made["text"].copy(data=["a", "ℓ → 0", " "])),
        made.assign_coords(time=made["time"].assign_attrs(units="s")),
        made.drop_vars("scalar"),
    ]
    digests = [data_digest(other) for other in others]
    assert len({data_digest(made), *digests}) == 1 + len(others)


def test_a_table_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    write_table("check,value\nclosure,1\n", path)
    assert read_table(path) == "check,value\nclosure,1\n"
    whole = path.read_bytes()
    changed = [whole[:n] for n in range(len(whole))]
    changed += [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in range(len(whole))]
    for spoilt in changed:
        path.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"verdicts\.csv: truncated or corrupt.*delete it"):
            read_table(path)


def test_the_checksum_of_a_table_is_one_for_sha256sum(tmp_path: Path) -> None:
    write_table("check,value\n", tmp_path / "verdicts.csv")
    command = ["sha256sum", "--check", "--strict", ".verdicts.csv.sha256"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_a_file_beyond_the_limit_of_files_is_a_sentence(tmp_path: Path) -> None:
    """The library says `HDF error`; nothing is left of the file, and an older one stays."""
    path = written(tmp_path / "b.nc")
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        noise = np.random.default_rng(1).standard_normal(20_000)
        with pytest.raises(StorageError, match=r"b\.nc: cannot be written, the file is larger"):
            write_dataset(dataset(noise), path, {}, "glasscade.io")
        with pytest.raises(StorageError, match=r"b\.txt: cannot be written.*raise that limit"):
            write_text("a" * 60_000, tmp_path / "b.txt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


FULL = """
import sys
from pathlib import Path
import numpy as np
import xarray as xr
from glasscade.errors import StorageError
from glasscade.io import write_dataset, write_text
from small_disks import mount

full, fixed = (Path(sys.argv[1]) / name for name in ("full", "fixed"))
for folder, options in ((full, "size=400k"), (fixed, "ro")):
    folder.mkdir()
    mount(folder, options)
noise = np.random.default_rng(1).standard_normal(100_000)
dataset = xr.Dataset({"x": (("i",), noise, {"units": "1", "long_name": "noise"})})
for write in (
    lambda: write_dataset(dataset, full / "a.nc", {}, "glasscade.io"),
    lambda: write_text("a" * 500_000, full / "a.txt"),
    lambda: write_dataset(dataset, fixed / "b.nc", {}, "glasscade.io"),
    lambda: write_text("a", fixed / "new" / "b.txt"),
):
    try:
        write()
    except StorageError as error:
        print(error)
print([*full.iterdir(), *fixed.iterdir()])
"""


@pytest.mark.skipif(not may_mount(), reason="no file system may be mounted here")
def test_a_full_or_a_read_only_disk_is_a_sentence(tmp_path: Path) -> None:
    """Real ones; the library knows neither, and says `HDF error` or worse."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", FULL, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    full = "cannot be written, the disk is full (0 MB are free there); make space and start again"
    fixed = "cannot be written, the file system is read-only"
    lines = done.stdout.splitlines()
    expected = [("a.nc", full), ("a.txt", full), ("b.nc", fixed), ("b.txt", fixed)]
    assert len(lines) == 5, done.stderr
    for line, (name, sentence) in zip(lines, expected, strict=False):
        assert f"{name}: {sentence}" in line
    assert lines[-1] == "[]"
    assert done.stderr == ""


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """Not what one that runs is writing, nor one of another machine or container."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = f"{platform.node()}-{os.stat('/proc/self/ns/pid').st_ino}"
    left = tmp_path / f".b.nc.{here}.{gone.pid}.part"
    kept = [
        tmp_path / f".b.nc.{here}.{os.getppid()}.part",
        tmp_path / f".b.nc.{here}1.{gone.pid}.part",
        tmp_path / f".b.nc.{platform.node()}-1.{gone.pid}.part",
        tmp_path / f".b.nc.{here}.cluster.{gone.pid}.part",
        tmp_path / f".c.nc.{here}.{gone.pid}.part",
    ]
    for part in (left, *kept):
        part.touch()
    path = written(tmp_path / "b.nc")
    assert set(tmp_path.iterdir()) == {path, *kept}
