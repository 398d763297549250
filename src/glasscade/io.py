"""NetCDF files that are whole or absent, say where they come from, and are checked when read."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.errors import DataError, StorageError
from glasscade.provenance import attributes

CAUSES = {
    errno.ENOSPC: ("the disk is full", "make space"),
    errno.EDQUOT: ("the quota is used up", "make space"),
    errno.EFBIG: ("the file is larger than files may be", "raise that limit (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EACCES: ("permission is denied", "make the folder writable"),
    errno.EPERM: ("permission is denied", "make the folder writable"),
    errno.EIO: ("the disk fails", "see to the disk"),
}
"""What keeps a file from being written, and what to do, by the number of the system's error."""
MARK = b"\nglasscade sha256 "
"""Begins the last line of a sealed file, which tells the SHA-256 of all bytes before it."""
SEAL = len(MARK) + 64 + 1
"""Bytes of that line."""
CHUNK = 2**18
"""Bytes digested at a time; they stay in the processor's cache."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder, renamed to `path` when the block ends well.

    The name tells the machine and the process, so that two that write the same file do not meet;
    what processes that were killed left of theirs is removed.

    Raises
    ------
    StorageError
        If the file cannot be written, for a reason that the user can see to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        temporary = path.with_name(f"{_parts(path)}{os.getpid()}.part")
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in CAUSES:
            raise
        cause, remedy = CAUSES[error.errno]
        raise StorageError(
            f"{path}: cannot be written, {cause} ({_free(path)} MB are free there); {remedy} and "
            "start again, what is finished stays"
        ) from None


def sweep(path: Path) -> None:
    """Remove what processes of this machine that run no more left of writing `path`."""
    for part in path.parent.glob(f"{glob.escape(_parts(path))}*.part"):
        process = part.stem.removeprefix(_parts(path))
        if process.isdecimal() and not _runs(int(process)):
            part.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _parts(path: Path) -> str:
    """How the temporary names of a file begin on this machine.

    Containers may share its name and count their processes anew: they are told apart.
    """
    try:
        container = os.stat("/proc/self/ns/pid").st_ino
    except OSError:  # not Linux
        container = 0
    return f".{path.name}.{platform.node()}-{container}."


def _free(path: Path) -> int:
    """Megabytes that are free where a file is to lie."""
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    return shutil.disk_usage(folder).free // 10**6


def write_text(text: str, path: Path) -> None:
    """Write a text file atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_table(text: str, path: Path) -> None:
    """Write a text file atomically that a stage will read, and its checksum beside it, hidden.

    The checksum is as `sha256sum --check` wants it.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_text(f"{digest}  {path.name}\n", checksum_of(path))
    write_text(text, path)


def read_table(path: Path) -> str:
    """Read what `write_table` wrote; without a checksum beside it, as it is.

    Raises
    ------
    DataError
        If the file is missing, cannot be read or has changed since it was written.
    """
    beside = checksum_of(path)
    try:
        _require_file(path)
        _require_file(beside)
        whole = path.read_bytes()
        digest = hashlib.sha256(whole).hexdigest()
        if not beside.exists() or beside.read_text(encoding="utf-8").split()[:1] == [digest]:
            return whole.decode()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    raise DataError(
        f"{path}: truncated or corrupt, its checksum is not that in {checksum_of(path).name}; "
        "delete it, it will be computed again"
    )


def checksum_of(path: Path) -> Path:
    """Where the checksum of a text file is."""
    return path.with_name(f".{path.name}.sha256")


def write_dataset(
    dataset: xr.Dataset, path: Path, parameters: dict[str, Any], *modules: str
) -> None:
    """Write a dataset atomically as NetCDF4, with provenance, digests of its data and its bytes.

    Raises
    ------
    DataError
        If a variable lacks `units` or `long_name`.
    StorageError
        If the file cannot be written, for a reason that the user can see to.
    """
    for name, variable in dataset.data_vars.items():
        missing = {"units", "long_name"} - set(variable.attrs)
        if missing:
            raise DataError(f"{path}: variable {name} lacks the attribute {sorted(missing)[0]}")
    stamped = dataset.assign_attrs(
        attributes(parameters, *modules), data_digest=data_digest(dataset)
    )
    encoding = {
        name: {"zlib": True, "complevel": 1}
        for name, variable in dataset.data_vars.items()
        if variable.ndim > 0 and variable.dtype.kind == "f"
    }
    with atomic(path) as temporary:
        try:
            stamped.to_netcdf(temporary, format="NETCDF4", engine="netcdf4", encoding=encoding)
        except (OSError, RuntimeError):
            _require_space(temporary)
            raise
        seal(temporary)


def _require_space(temporary: Path) -> None:
    """Let the system say what is wrong where the library only says that something is."""
    with temporary.open("ab") as file:
        file.write(bytes(2**20))
        file.flush()
        os.fsync(file.fileno())


def seal(path: Path) -> None:
    """Append the line by which `is_whole` knows that every byte is what it was."""
    with path.open("r+b") as file:
        digest = _digest(file, path.stat().st_size)
        file.write(_seal(digest.hexdigest()))


class Content(NamedTuple):
    """How many bytes a file has, their SHA-256, and whether it ends with the seal of the others."""

    size: int
    sha256: str
    whole: bool


def content(path: Path) -> Content:
    """What there is to know of the bytes of a file, which is read once."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = _digest(file, size - SEAL)
        seal, last = _seal(digest.hexdigest()), file.read(SEAL)
    digest.update(last)
    return Content(size, digest.hexdigest(), last == seal)


def is_whole(path: Path) -> bool:
    """Whether a file is, to the byte, what was sealed."""
    return content(path).whole


def _digest(file: BinaryIO, size: int) -> hashlib._Hash:
    """Of the next `size` bytes of a file; they are read."""
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(size, CHUNK))):
        digest.update(chunk)
        size -= len(chunk)
    return digest


def _seal(sha256: str) -> bytes:
    """The last line of a file with this digest of all that comes before it."""
    return MARK + sha256.encode() + b"\n"


def require_whole(path: Path) -> Content:
    """Refuse a NetCDF file of a stage that is not, to the byte, what was written.

    The library never sees such a file: of many it reads other numbers, without a word.

    Raises
    ------
    DataError
        If the file is missing, cannot be read, is truncated or has changed.
    """
    try:
        _require_file(path)
        found = content(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    if found.whole:
        return found
    if path.suffix != ".nc":
        raise DataError(f"{path}: this is no NetCDF file of a stage")
    raise DataError(
        f"{path}: truncated or corrupt, it does not end with the checksum of what comes "
        "before; delete it, it will be computed again"
    )


def _require_file(path: Path) -> None:
    """Refuse a pipe, which would be waited for, and a device, which may not end."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: this is a folder, a pipe or a device and must be a file")


def _unreadable(path: Path, error: Exception) -> DataError:
    """The sentence about a file that the system does not let be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: this file is missing; run the stage that writes it")
    return DataError(
        f"{path}: cannot be read ({error}); see to that, or delete it and it will be computed again"
    )


def data_digest(dataset: xr.Dataset) -> str:
    """SHA-256 of all variables and coordinates, with names, dimensions, types and attributes.

    It is the same for the same data, whatever wrote them and when: attributes of the dataset,
    which tell of that, are left out, and NaN are all alike.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        notes = {key: np.asarray(value).tolist() for key, value in variable.attrs.items()}
        kind, data = _canonical(variable.values)
        head = [name, variable.dims, variable.shape, kind, notes]
        digest.update(json.dumps(head, sort_keys=True).encode())
        digest.update(data)
    return digest.hexdigest()


def _canonical(values: npt.NDArray[Any]) -> tuple[str, bytes | memoryview]:
    """The type of an array and its bytes, both the same before it is written and once it is read.

    Strings have a length before and none behind, and a NaN loses its sign.
    """
    if values.dtype.kind in "OTU":
        return "text", json.dumps(values.tolist()).encode()
    if values.dtype.kind == "f" and np.any(unknown := np.isnan(values)):
        values = np.where(unknown, np.nan, values)
    return values.dtype.str, np.ascontiguousarray(values).data.cast("B")


def read_dataset(
    path: Path,
    *variables: str,
    finite: bool = True,
    part: Callable[[xr.Dataset], xr.Dataset] = lambda whole: whole,
) -> xr.Dataset:
    """Read a dataset, or a part of it, into memory.

    It is as it was written, its variables must be there and, if `finite`, known.

    Raises
    ------
    DataError
        If the file is missing, truncated or has changed in any byte, lacks one of the variables,
        or holds no finite number in one of them.
    """
    require_whole(path)
    try:
        with xr.open_dataset(path, engine="netcdf4") as dataset:
            loaded = part(dataset).load()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{path}: the file is as it was written, and yet cannot be read ({error}); give the "
            "job more memory"
        ) from None
    for name in variables:
        if name not in loaded:
            raise DataError(f"{path}: variable {name} is missing; the file has {list(loaded)}")
    if finite:
        require_known(loaded, path, *variables)
    return loaded


def require_known(dataset: xr.Dataset, path: Path, *variables: str) -> None:
    """Refuse variables of a file that hold no finite number.

    Raises
    ------
    DataError
        If there is one.
    """
    for name in variables:
        values = dataset[name].values
        if values.dtype.kind == "f" and not np.any(np.isfinite(values)):
            raise DataError(f"{path}: variable {name} holds no finite number")
