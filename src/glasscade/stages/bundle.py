"""Beside the workflow: the results of a study as one archive for deposit, an RO-Crate.

The same results give the same archive, to the byte, where the same version of zlib packs it.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from glasscade import crate
from glasscade.crate import METADATA, Citation, File, Record
from glasscade.errors import DataError
from glasscade.inventory import PATHS
from glasscade.io import atomic
from glasscade.provenance import SOURCE
from glasscade.stages.record import citation as own_citation
from glasscade.stages.record import file_in
from glasscade.stages.verify import TOLD, verify

LARGE = tuple(pattern.split("{")[0] for pattern in (PATHS.state, PATHS.budget, PATHS.structure))
"""Folders of intermediate results, which can be computed again from the configuration."""
ARCHIVE = "source.tar"
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the archive: the first that a zip file can hold."""
PACKED = {".nc", ".png"}
"""Kinds of files that are compressed already."""


def run(folder: Path, output: Path, citation: Path | None = None, states: bool = False) -> Record:
    """Write the archive.

    Parameters
    ----------
    folder : Path
        That of a study, with its record.
    output : Path
        The archive.
    citation : Path, optional
        A file in the Citation File Format that names the authors and the licence of the deposit;
        by default that of the source.
    states : bool
        Whether the large intermediate results go along. Their digests do in any case.

    Returns
    -------
    Record
        What is in the archive, and what was left out.

    Raises
    ------
    DataError
        If the folder is not what its record says.
    """
    faults = [finding for finding in verify(folder) if finding.fault]
    if faults:
        raise DataError(
            f"{folder}: {faults[0].what} {faults[0].text}; a bundle must be of results as they "
            f"were recorded ({len(faults)} faults, see glasscade verify)"
        )
    named = Citation.read(citation) if citation else own_citation()
    recorded = crate.read(folder)
    with TemporaryDirectory() as scratch, atomic(output) as temporary:
        source = _source(commit_of(recorded), Path(scratch))
        files = [_chosen(x, folder, states) for x in recorded.files if x.path != ARCHIVE]
        record = replace(recorded, files=(*files, *source))
        with ZipFile(temporary, "w") as archive:
            _put(archive, METADATA, io.BytesIO(crate.to_json(record, named).encode()))
            for file in sorted(files, key=lambda file: file.path):
                if file.inside:
                    with (folder / file.path).open("rb") as stream:
                        _put(archive, file.path, stream)
            for file in source:
                with (Path(scratch) / file.path).open("rb") as stream:
                    _put(archive, file.path, stream)
    return record


def _chosen(file: File, folder: Path, states: bool) -> File:
    """The file as it will be recorded: in the archive or left out, logs as they are now."""
    if file.inside and file.path.startswith(TOLD):
        return file_in(folder, file.path)
    return file if states or not file.path.startswith(LARGE) else replace(file, inside=False)


def commit_of(record: Record) -> str:
    """The commit of the last job."""
    return record.installations[record.jobs[-1].installation].commit


def has_source(record: Record) -> bool:
    """Whether the source is in an archive."""
    return any(file.path == ARCHIVE and file.inside for file in record.files)


def _source(commit: str, scratch: Path) -> list[File]:
    """The source at a commit, archived; nothing if this is no clone with just that."""
    command = ["git", "archive", "--format=tar", f"--output={scratch / ARCHIVE}", commit]
    if commit.endswith("+") or not (SOURCE / ".git").exists():
        return []
    try:
        subprocess.run(command, cwd=SOURCE, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [file_in(scratch, ARCHIVE)]


def _put(archive: ZipFile, name: str, stream: BinaryIO) -> None:
    """Add a file without what would differ between two archives of the same."""
    entry = ZipInfo(name, EARLIEST)
    entry.compress_type = ZIP_STORED if Path(name).suffix in PACKED else ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever this is
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(stream, target, 2**20)
