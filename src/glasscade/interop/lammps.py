"""LAMMPS dumps as text, compressed or not, in double precision.

Read are `ITEM: TIMESTEP`, `TIME`, `NUMBER OF ATOMS`, `BOX BOUNDS` (straight, tilted, or general
vectors `abc origin`) and `ATOMS` with the columns `id`, `type` (or `element`), positions `xu`,
`xsu`, `x` or `xs`, images `ix`, velocities `vx` and forces `fx`; anything else is passed over.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import numpy.typing as npt

from glasscade.errors import DataError, one_line
from glasscade.interop.frames import Choice, Frame, Frames

Real = npt.NDArray[np.float64]
Table = npt.NDArray[np.str_]

LONGEST_LINE = 2**16
"""Characters of a line, of which particles have a few hundred; files without line ends exist."""
LARGEST = 2.0**53
"""Up to here every whole number is one in double precision."""
_AXES = "xyz"
_POSITIONS = ("{}u", "{}su", "{}", "{}s")
"""Names of the columns of positions, the most welcome first: unwrapped before wrapped."""


class _Lines:
    """Lines of the file, counted, where an end that comes too early is an error."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self.path, self.frame = path, 0
        self._stream, self._number = stream, 0

    def next(self) -> str:
        """The next line, empty at the end of the file."""
        line = self._stream.readline(LONGEST_LINE)
        self._number += 1
        return line

    def numbers(self, count: int) -> list[float]:
        """The next line, which must hold so many numbers."""
        line = self.next()
        words = line.split()
        if len(words) < count and not line.endswith("\n"):
            raise self.truncated(f"{count} numbers are missing")
        try:
            found = [_number(word) for word in words]
        except ValueError:
            found = []
        if len(found) != count:
            raise self.error(f"'{one_line(line, 40)}' are not {count} numbers")
        return found

    def count(self, what: str) -> int:
        """The next line, a whole number >= 0."""
        [value] = self.numbers(1)
        if not 0.0 <= value <= LARGEST or value != int(value):
            raise self.error(f"{what} is {value:g} and must be a whole number >= 0")
        return int(value)

    def table(self, rows: int, columns: int) -> Table:
        """The next lines as words."""
        lines = list(islice(self._rest(), rows))
        self._number += len(lines)
        self._require_rows(len(lines), rows, lines[-1] if lines else "")
        words = [line.split() for line in lines]
        wrong = next((n for n, row in enumerate(words) if len(row) != columns), None)
        if wrong is not None:
            raise self.error(
                f"particle {wrong + 1} has {len(words[wrong])} columns and not {columns}"
            )
        return np.array(words).reshape(rows, columns)

    def skip(self, rows: int) -> None:
        """Pass over the particles of a frame that is not wanted."""
        found, last = 0, ""
        for line in islice(self._rest(), rows):
            found, last = found + 1, line
        self._number += found
        self._require_rows(found, rows, last)

    def _rest(self) -> Iterator[str]:
        """The lines that follow, in pieces should one have no end."""
        return iter(lambda: self._stream.readline(LONGEST_LINE), "")

    def _require_rows(self, found: int, rows: int, last: str) -> None:
        """All are there, and the last of them to its end."""
        if found < rows:
            raise self.truncated(f"{found} of {rows} particles are there")
        if rows > 0 and not last.endswith("\n"):
            raise self.truncated(f"the last of {rows} particles is cut off")

    def error(self, what: str) -> DataError:
        """A sentence about this place."""
        return DataError(f"{self.path}: frame {self.frame}, line {self._number}: {what}")

    def truncated(self, what: str) -> DataError:
        """The file ends inside a frame."""
        return DataError(f"{self.path}: truncated in frame {self.frame}: {what}")


def read(path: Path, choice: Choice) -> Frames:
    """The wanted frames of a dump.

    Raises
    ------
    DataError
        If the file is missing, truncated or no dump, a needed column is not there, a number is
        none, the box is not periodic, or frames hold different particles.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            return Frames(path, tuple(_frames(_Lines(path, stream), choice)))
    except FileNotFoundError:
        raise DataError(f"{path}: this file is missing") from None
    except (EOFError, OSError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{path}: truncated, or no LAMMPS dump ({error})") from None


def _frames(lines: _Lines, choice: Choice) -> Iterator[Frame]:
    """Frame by frame; a header is what stands between two tables of particles."""
    while not choice.ended(lines.frame):
        header = _header(lines)
        if header is None:
            return
        if choice.holds(lines.frame):
            yield _frame(lines, header)
        else:
            lines.skip(header.number)
        lines.frame += 1


class _Header(NamedTuple):
    """What stands before the particles: box vectors as columns, and the corner of the box."""

    step: int
    number: int
    time: float | None
    box: Real
    corner: Real
    names: list[str]


def _header(lines: _Lines) -> _Header | None:
    """Step, number of particles, time, box vectors, origin and columns; None at the end."""
    step = number = time = box = None
    line = lines.next()
    if not line:
        return None
    while True:
        item = line.removeprefix("ITEM:").strip()
        if not line.startswith("ITEM:"):
            if not line:
                raise lines.truncated("its header ends too early")
            raise lines.error(f"{line.strip()[:40]!r} is not what a LAMMPS dump has here")
        if item == "TIMESTEP":
            step = lines.count("the step")
        elif item == "TIME":
            time = lines.numbers(1)[0]
        elif item == "NUMBER OF ATOMS":
            number = lines.count("the number of atoms")
        elif item.startswith("BOX BOUNDS"):
            box = _box(lines, item.split()[2:])
        elif item.startswith("ATOMS"):
            break
        else:
            lines.next()  # of UNITS, or of an item that later versions may have
        line = lines.next()
    if step is None or number is None or box is None:
        raise lines.error("the header lacks TIMESTEP, NUMBER OF ATOMS or BOX BOUNDS")
    return _Header(step, number, time, *box, item.split()[1:])


def _box(lines: _Lines, words: list[str]) -> tuple[Real, Real]:
    """Box vectors as columns, and the corner where the box begins."""
    general, tilted = words[:2] == ["abc", "origin"], words[:3] == ["xy", "xz", "yz"]
    flags = words[2:] if general else words[3:] if tilted else words
    known = all(len(flag) == 2 and set(flag) <= set("pfsm") for flag in flags)
    if len(flags) not in (0, 3) or not known:
        raise lines.error(f"'{one_line(' '.join(words), 40)}' describes no box of a LAMMPS dump")
    open_axes = [axis for axis, flag in zip(_AXES, flags, strict=False) if flag != "pp"]
    if open_axes:
        raise lines.error(f"the box is not periodic along {', '.join(open_axes)}")
    if general:
        rows = np.array([lines.numbers(4) for _ in range(3)])
        return rows[:, :3].T.copy(), rows[:, 3].copy()
    rows = np.array([lines.numbers(3 if tilted else 2) for _ in range(3)])
    low, high = rows[:, 0].copy(), rows[:, 1].copy()
    xy, xz, yz = rows[:, 2] if tilted else (0.0, 0.0, 0.0)
    # Of a tilted box the bounds are those of the smallest straight box around it.
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    x, y, z = high - low
    return np.array([[x, xy, xz], [0.0, y, yz], [0.0, 0.0, z]]), low


def _frame(lines: _Lines, header: _Header) -> Frame:
    """The particles of a frame in the order of their ids."""
    names, box = header.names, header.box
    table = lines.table(header.number, len(names))
    if "id" not in names:
        raise lines.error("the column id is missing, without which particles are not told apart")
    if len(set(names)) < len(names):
        raise lines.error("a column occurs twice")
    kind = next((name for name in ("type", "element") if name in names), None)
    if kind is None:
        raise lines.error(f"the column type is missing; there are {', '.join(names)}")
    ids = _whole(lines, table, names, "id").astype(np.int64)
    if np.unique(ids).size < ids.size:
        raise lines.error("an id occurs twice")
    table = table[np.argsort(ids)]
    pattern = next((p for p in _POSITIONS if _vector_names(p) <= set(names)), None)
    if pattern is None:
        raise lines.error(f"columns of positions, say x y z, are missing; there are {names}")
    positions, resolution = _vector(lines, table, names, pattern)
    if "s" in pattern:
        positions, resolution = positions @ box.T, resolution * float(np.abs(box).max())
    else:
        positions = positions - header.corner
    unwrapped = pattern.endswith("u")
    if not unwrapped and _vector_names("i{}") <= set(names):
        images = [_whole(lines, table, names, f"i{axis}") for axis in _AXES]
        positions = positions + np.stack(images, axis=1) @ box.T
        unwrapped = True
    velocities, forces = (
        _vector(lines, table, names, p) if _vector_names(p) <= set(names) else (None, 0.0)
        for p in ("v{}", "f{}")
    )
    return Frame(
        positions=positions,
        types=table[:, names.index(kind)],
        cell=box,
        step=header.step,
        time=header.time,
        velocities=velocities[0],
        forces=forces[0],
        unwrapped=unwrapped,
        resolution=resolution,
        force_resolution=forces[1],
        labels=np.sort(ids),
    )


def _vector_names(pattern: str) -> set[str]:
    """The three columns of a vector."""
    return {pattern.format(axis) for axis in _AXES}


def _vector(lines: _Lines, table: Table, names: list[str], pattern: str) -> tuple[Real, float]:
    """Three columns, and the largest rounding of a printed number in them."""
    columns = [pattern.format(axis) for axis in _AXES]
    values = np.stack([_column(lines, table, names, name) for name in columns], axis=1)
    words = np.concatenate([table[:, names.index(name)] for name in columns])
    return values, _rounding(words)


def _column(lines: _Lines, table: Table, names: list[str], name: str) -> Real:
    words = table[:, names.index(name)]
    try:
        if "_" in "".join(words.tolist()):  # 1_000 is a number of Python alone
            raise ValueError
        return words.astype(np.float64)
    except ValueError:
        raise lines.error(f"the column {name} holds something that is no number") from None


def _whole(lines: _Lines, table: Table, names: list[str], name: str) -> Real:
    """A column of whole numbers."""
    values = _column(lines, table, names, name)
    if not np.all((np.abs(values) <= LARGEST) & (values == np.rint(values))):
        raise lines.error(f"the column {name} holds something that is no whole number")
    return values


def _number(word: str) -> float:
    """A number as LAMMPS writes it."""
    if "_" in word:
        raise ValueError(word)
    return float(word)


def _rounding(words: Table) -> float:
    """Half a unit of the last digit kept, of the largest number that has as many as any.

    Trailing zeros are not printed by LAMMPS: what has most digits says how many were kept.
    """
    digits, size = 0, 0.0
    for word in words:
        mantissa = word.lower().partition("e")[0].lstrip("+-").replace(".", "").lstrip("0")
        digits, size = max(digits, len(mantissa)), max(size, abs(float(word)))
    if not np.isfinite(size) or size == 0.0:
        return 0.0
    return float(0.5 * 10.0 ** (np.floor(np.log10(size)) + 1 - digits))
