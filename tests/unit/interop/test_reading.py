"""Files of other programs come back in their precision, and bad ones say what is wrong."""

from __future__ import annotations

import builtins
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dumps import box, columns, lammps_text, write_amber, write_gsd, write_text
from glasscade.cell import Cell
from glasscade.errors import DataError
from glasscade.interop.frames import SINGLE, Choice, Frames
from glasscade.interop.reading import format_of, read
from glasscade.particles.trajectory import Trajectory, box_parameters, write_trajectory

Real = npt.NDArray[np.float64]
ALL = Choice()


@dataclass
class Data:
    """Particles that wander through a tilted cell, and further vectors."""

    cell: Cell
    positions: Real
    steps: npt.NDArray[np.int64]
    types: npt.NDArray[np.int64]
    v: Real
    f: Real

    @property
    def times(self) -> Real:
        return 0.25 * self.steps


@pytest.fixture(params=[2, 3])
def data(request: pytest.FixtureRequest, rng: np.random.Generator) -> Data:
    dim = request.param
    tilt = np.eye(dim)
    tilt[np.triu_indices(dim, 1)] = [-0.3, 0.2, 0.1][: dim * (dim - 1) // 2]
    cell = Cell(tilt @ np.diag([7.0, 5.0, 6.0][:dim]))
    start = cell.cartesian(rng.random((11, dim)))
    steps = rng.normal(scale=0.8, size=(5, 11, dim))
    vectors = rng.normal(size=(2, 5, 11, dim))
    numbers = np.array([0, 10, 20, 40, 80])
    return Data(cell, start + np.cumsum(steps, axis=0), numbers, np.arange(11) % 2, *vectors)


def close(found: Real | None, expected: Real, rounding: float) -> None:
    """Each number to its rounding, and nothing in the columns left over."""
    assert found is not None
    dim = expected.shape[-1]
    np.testing.assert_allclose(found[..., :dim], expected, rtol=0.0, atol=rounding)
    assert np.all(found[..., dim:] == 0.0)


def compare(frames: Frames, data: Data, rounding: float, chosen: slice = slice(None)) -> None:
    """Positions up to images of the cell, and everything else."""
    for frame, position, step in zip(
        frames.each, data.positions[chosen], data.steps[chosen], strict=True
    ):
        dim = data.cell.dim
        difference = data.cell.minimum_image(frame.positions[:, :dim] - position)
        close(difference, np.zeros_like(difference), rounding)
        close(frame.cell[:dim, :dim], data.cell.matrix, rounding)
        assert frame.step in (None, step)
        assert len(set(frame.types.tolist())) == 2
        assert np.array_equal(frame.types == frame.types[0], data.types == data.types[0])
        # What a reader says of its precision is what there is, within a factor of ten.
        assert np.abs(difference).max() <= max(frame.resolution, 1e-14) <= 10.0 * rounding


@pytest.mark.parametrize("name", ["run.lammpstrj", "run.dump.gz", "run.lammpstrj.gz"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_lammps_dump(tmp_path: Path, data: Data, name: str, wrapped: bool) -> None:
    text = lammps_text(
        data.positions, data.steps, data.types + 1, data.cell, corner=-2.5, wrapped=wrapped,
        times=data.times, v=data.v, f=data.f,
    )  # fmt: skip
    frames = read(write_text(tmp_path / name, text), ALL)
    # Seventeen digits, and the round-off of moving the corner and the images.
    compare(frames, data, 1e-14)
    assert [frame.time for frame in frames.each] == data.times.tolist()
    for n, frame in enumerate(frames.each):
        assert frame.unwrapped
        close(frame.positions, data.positions[n], 1e-14)
        close(frame.velocities, data.v[n], 0.0)
        close(frame.forces, data.f[n], 0.0)


def test_a_dump_of_six_digits_knows_its_precision(tmp_path: Path, data: Data) -> None:
    text = lammps_text(data.positions, data.steps, data.types, data.cell, digits="g", f=data.f)
    frames = read(write_text(tmp_path / "run.dump", text), ALL)
    compare(frames, data, 5e-5)  # half of the last of six digits of numbers between 10 and 100
    for frame, forces in zip(frames.each, data.f, strict=True):
        assert np.abs(frame.forces[:, : data.cell.dim] - forces).max() <= frame.force_resolution
        assert frame.force_resolution < 1e-5


@pytest.mark.parametrize("names", ["xs ys zs", "xsu ysu zsu", "x y z", "xs ys zs ix iy iz"])
def test_all_kinds_of_columns_mean_the_same(tmp_path: Path, data: Data, names: str) -> None:
    """Scaled or not, wrapped or not; without images a frame says that it is wrapped."""
    h, dim = box(data.cell), data.cell.dim
    scaled = columns(data.positions[0]) @ np.linalg.inv(h).T
    images = np.floor(scaled)
    shown = scaled - images if "su" not in names else scaled
    table = shown if "s" in names else shown @ h.T
    if "ix" in names:
        table = np.concatenate([table, images], axis=1)
    low = [min(0.0, h[0, 1], h[0, 2], h[0, 1] + h[0, 2]), min(0.0, h[1, 2]), 0.0]
    high = [max(0.0, h[0, 1], h[0, 2], h[0, 1] + h[0, 2]), max(0.0, h[1, 2]), 0.0]
    tilts = (h[0, 1], h[0, 2], h[1, 2])
    bounds = [f"{low[i]:.17g} {h[i, i] + high[i]:.17g} {tilts[i]:.17g}" for i in range(3)]
    rows = [f"{n + 1} B " + " ".join(map(repr, map(float, row))) for n, row in enumerate(table)]
    lines = ["ITEM: UNITS", "lj", "ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", "11"]
    lines += ["ITEM: BOX BOUNDS xy xz yz pp pp pp", *bounds, f"ITEM: ATOMS id element {names}"]
    (frame,) = read(write_text(tmp_path / "run.dump", "\n".join([*lines, *rows, ""])), ALL).each
    assert frame.unwrapped == ("ix" in names or "u" in names)
    difference = frame.positions[:, :dim] - data.positions[0]
    if not frame.unwrapped:
        difference = data.cell.minimum_image(difference)
    np.testing.assert_allclose(difference, 0.0, atol=1e-14)
    assert frame.types.tolist() == ["B"] * 11


def test_general_box_vectors(tmp_path: Path) -> None:
    lines = ["ITEM: TIMESTEP", "3", "ITEM: NUMBER OF ATOMS", "1"]
    lines += ["ITEM: BOX BOUNDS abc origin pp pp pp", "3 4 0 1", "-4 3 0 1", "0 0 2 0"]
    lines += ["ITEM: ATOMS id type x y z", "1 1 4 1 0.5", ""]
    (frame,) = read(write_text(tmp_path / "run.dump", "\n".join(lines)), ALL).each
    assert frame.cell.tolist() == [[3.0, -4.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.0]]
    assert frame.positions.tolist() == [[3.0, 0.0, 0.5]]


def test_a_gsd_file(tmp_path: Path, data: Data) -> None:
    path = write_gsd(
        tmp_path / "run.gsd", data.positions, data.steps, data.types, data.cell, data.v, data.f
    )
    frames = read(path, ALL)
    # Box vectors up to 9 in single precision, as often as a particle has crossed the cell.
    compare(frames, data, 32.0 * SINGLE)
    for n, frame in enumerate(frames.each):
        assert frame.unwrapped
        assert frame.time is None
        close(frame.positions[:, : data.cell.dim], data.positions[n], 32.0 * SINGLE)
        close(frame.velocities, data.v[n], 4.0 * SINGLE)
        close(frame.forces, data.f[n], 0.0)  # logged in double precision


@pytest.mark.parametrize(("code", "rounding"), [("f", SINGLE), ("d", 2.0**-53)])
def test_an_amber_trajectory(tmp_path: Path, data: Data, code: str, rounding: float) -> None:
    lengths, angles = box_parameters(data.cell)
    path = write_amber(
        tmp_path / "run.nc",
        code,
        20.455,
        coordinates=columns(data.positions),
        time=data.times,
        cell_lengths=np.tile(lengths, (5, 1)),
        cell_angles=np.tile(angles, (5, 1)),
        velocities=columns(data.v),
        forces=columns(data.f),
        type=np.tile(data.types, (5, 1)),
    )
    frames = read(path, ALL)
    # Box vectors up to 9. An angle near 90 degrees is rounded by (π/180) 64 = 1.1 units, and its
    # cosine there and back by about one each: 28 units in all.
    compare(frames, data, 32.0 * rounding)
    assert [frame.time for frame in frames.each] == data.times.tolist()
    for n, frame in enumerate(frames.each):
        close(frame.velocities, data.v[n], 8.0 * rounding)
        close(frame.forces, data.f[n], 4.0 * rounding)


def test_our_own_trajectories_come_back_to_the_bit(tmp_path: Path, data: Data) -> None:
    trajectory = Trajectory(data.positions, data.times, data.steps, data.types, data.cell)
    write_trajectory(tmp_path / "run.nc", trajectory)
    frames = read(tmp_path / "run.nc", ALL)
    for n, frame in enumerate(frames.each):
        close(frame.positions, data.positions[n], 0.0)
        close(frame.cell[: data.cell.dim, : data.cell.dim], data.cell.matrix, 0.0)
        assert (frame.step, frame.time) == (data.steps[n], data.times[n])
        assert frame.types.tolist() == [str(kind) for kind in data.types]


def test_mdanalysis_reads_the_same(tmp_path: Path, data: Data) -> None:
    """An independent reader of dumps, in single precision; it keeps wrapped what is wrapped."""
    from MDAnalysis.coordinates.LAMMPS import DumpReader

    text = lammps_text(
        data.positions, data.steps, data.types + 1, data.cell, corner=-2.5, v=data.v, f=data.f
    )
    path = write_text(tmp_path / "run.lammpstrj", text)
    ours = read(path, ALL)
    with DumpReader(str(path), dt=1.0) as reader:
        for theirs, frame in zip(reader, ours.each, strict=True):
            for name in ("positions", "velocities", "forces"):
                # Positions up to 16, from whose single precision the corner is subtracted.
                np.testing.assert_allclose(getattr(theirs, name), getattr(frame, name), atol=4e-6)
            vectors = theirs.triclinic_dimensions.T
            np.testing.assert_allclose(vectors, frame.cell, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Choice(1), slice(1, None)),
        (Choice(0, 2), slice(0, 3)),
        (Choice(1, 4, 2), slice(1, 5, 2)),
        (Choice(4, 100), slice(4, 5)),
    ],
)
@pytest.mark.parametrize("name", ["run.dump", "run.gsd", "run.nc"])
def test_frames_are_chosen(
    tmp_path: Path, data: Data, name: str, choice: Choice, chosen: slice
) -> None:
    compare(read(written(tmp_path / name, data), choice), data, 1e-6, chosen)


def written(path: Path, data: Data) -> Path:
    """The data in the format of the suffix."""
    if path.suffix == ".gsd":
        return write_gsd(path, data.positions, data.steps, data.types, data.cell)
    if path.suffix == ".nc":
        write_trajectory(
            path, Trajectory(data.positions, data.times, data.steps, data.types, data.cell)
        )
        return path
    return write_text(path, lammps_text(data.positions, data.steps, data.types, data.cell))


def refused(path: Path, choice: Choice = ALL) -> str:
    """What is said of a file, in one sentence that names it."""
    with pytest.raises(DataError) as error:
        read(path, choice)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["run.dump", "run.dump.gz", "run.gsd", "run.nc"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name) == "this file is missing"


@pytest.mark.parametrize("kept", [0.05, 0.3, 0.63, 0.97, 0.9999])
@pytest.mark.parametrize("name", ["run.dump", "run.dump.gz", "run.gsd", "run.nc"])
def test_a_truncated_file(tmp_path: Path, data: Data, name: str, kept: float) -> None:
    path = written(tmp_path / name, data)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    assert "truncated" in refused(path)


def test_a_dump_that_ends_with_a_frame_has_fewer_frames(tmp_path: Path, data: Data) -> None:
    text = written(tmp_path / "run.dump", data).read_text()
    whole = text[: text.rindex("ITEM: TIMESTEP")]
    assert len(read(write_text(tmp_path / "run.dump", whole), ALL).each) == 4


@pytest.mark.parametrize("name", ["run.dump", "run.gsd", "run.nc"])
def test_a_position_that_is_no_number(tmp_path: Path, data: Data, name: str) -> None:
    data.positions[2, 3, 0] = np.nan
    if name == "run.nc":  # ours would not be written
        lengths, angles = box_parameters(data.cell)
        write_amber(
            tmp_path / name,
            coordinates=columns(data.positions),
            cell_lengths=np.tile(lengths, (5, 1)),
            cell_angles=np.tile(angles, (5, 1)),
        )
    else:
        with np.errstate(invalid="ignore"):
            written(tmp_path / name, data)
    expected = "frame 2 of those chosen: a position is not a finite number"
    assert refused(tmp_path / name) == expected


def changed(old: str, new: str, count: int = -1) -> Any:
    return lambda text: text.replace(old, new, count)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed("pp pp pp", "pp ff pp"), "line 5: the box is not periodic along y"),
        (changed(" id ", " it "), "the column id is missing"),
        (changed(" type ", " mol "), "the column type is missing"),
        (changed("xu yu zu", "xa ya za"), "columns of positions, say x y z, are missing"),
        (changed("\n11\n", "\n-11\n", 1), "the number of atoms is -11"),
        (changed("\n11\n", "\n10\n"), "is not what a LAMMPS dump has here"),
        (changed("ITEM: BOX BOUNDS", "ITEM: BOUNDS"), "is not what a LAMMPS dump has here"),
        (changed("ITEM: NUMBER OF ATOMS\n11\n", ""), "the header lacks TIMESTEP, NUMBER OF ATOMS"),
        (changed("\n1 ", "\n2 "), "an id occurs twice"),
        (changed("\n1 ", "\n99 ", 1), "does not hold the particles and types of the first"),
        (changed("\n3 ", "\nthree "), "the column id holds something that is no number"),
        (changed("\n3 ", "\n3.5 "), "the column id holds something that is no whole number"),
        (changed("\n3 ", "\n1_1 "), "the column id holds something that is no number"),
        (changed("TIMESTEP\n", "TIMESTEP\nnan\n", 1), "the step is nan and must be a whole number"),
        (changed("\n11\n", "\n1e30\n", 1), "the number of atoms is 1e+30 and must be"),
        (changed("\n11\n", "\n11 12\n", 1), "'11 12' are not 1 numbers"),
        (changed("pp pp pp", "pp pq pp"), "describes no box of a LAMMPS dump"),
        (changed(" zu", " xu"), "a column occurs twice"),
        (changed("\n3 ", "\n3 " + "0" * 2**17, 1), "columns and not"),
        (lambda text: "hello\n" + text, "'hello' is not what a LAMMPS dump has here"),
    ],
)
def test_a_dump_that_is_wrong(tmp_path: Path, data: Data, change: Any, expected: str) -> None:
    text = lammps_text(data.positions, data.steps, data.types, data.cell)
    assert expected in refused(write_text(tmp_path / "run.dump", change(text)))


def test_images_are_whole_numbers(tmp_path: Path, data: Data) -> None:
    text = lammps_text(data.positions, data.steps, data.types, data.cell, wrapped=True)
    head, _, rows = text.partition("iz\n")
    first, _, rest = rows.partition("\n")
    words = first.split()
    words[5] = "0.5"
    wrong = f"{head}iz\n{' '.join(words)}\n{rest}"
    expected = "the column ix holds something that is no whole number"
    assert expected in refused(write_text(tmp_path / "run.dump", wrong))


@pytest.mark.parametrize("side", [0.0, 1e308])
def test_a_box_without_volume(tmp_path: Path, data: Data, side: float) -> None:
    """Of one that is too large it is no number."""
    text = lammps_text(data.positions, data.steps, data.types, data.cell).splitlines()
    low, _, tilt = text[6].split()
    text[6] = f"{low} {float(low) + side} {tilt}"
    assert "span no box" in refused(write_text(tmp_path / "run.dump", "\n".join(text) + "\n"))


@pytest.mark.parametrize("name", ["run.dump", "run.gsd"])
def test_frames_with_other_particles(tmp_path: Path, data: Data, name: str) -> None:
    """Types of a GSD and numbers of particles may change; of AMBER neither can."""
    if name == "run.gsd":
        import gsd.hoomd

        written(tmp_path / name, data)
        with gsd.hoomd.open(str(tmp_path / name), "r+") as file:
            frame = file[4]
            frame.particles.typeid = 1 - frame.particles.typeid
            file.append(frame)
        assert "frame 5 of those chosen does not hold the particles" in refused(tmp_path / name)
        return
    fewer = lammps_text(data.positions[:1, :10], data.steps[:1], data.types[:10], data.cell)
    text = lammps_text(data.positions, data.steps, data.types, data.cell) + fewer
    assert "frame 5 of those chosen has 10 particles, the first has 11" in refused(
        write_text(tmp_path / name, text)
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("vy", "has no velocities, unlike the first"),
        ("fz", "has no forces, unlike the first"),
        ("iz", "has no unwrapped positions, unlike the first"),
    ],
)
def test_what_the_first_frame_has_all_have(
    tmp_path: Path, data: Data, column: str, expected: str
) -> None:
    """Forces of a single frame, or its velocities, would not be missed, and the rest not read."""
    vectors = {"v": data.v, "f": data.f}
    text = lammps_text(data.positions, data.steps, data.types, data.cell, wrapped=True, **vectors)
    head, _, last = text.rpartition(f" {column}")
    wrong = f"{head} {column}_{last}"
    found = refused(write_text(tmp_path / "run.dump", wrong))
    assert found == f"frame 4 of those chosen {expected}"


def test_a_gsd_file_that_starts_at_rest_has_velocities(tmp_path: Path, data: Data) -> None:
    data.v[0] = 0.0
    path = tmp_path / "run.gsd"
    write_gsd(path, data.positions, data.steps, data.types, data.cell, data.v)
    frames = read(path, ALL).each
    for frame, velocities in zip(frames, data.v, strict=True):
        close(frame.velocities, velocities, 1e-6)  # of single precision, up to about 4


def test_an_amber_file_without_a_box(tmp_path: Path, data: Data) -> None:
    write_amber(tmp_path / "run.nc", coordinates=columns(data.positions))
    assert "variable cell_lengths is missing" in refused(tmp_path / "run.nc")


@pytest.mark.parametrize("name", ["run.nc", "run.gsd"])
def test_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    assert "or no" in refused(tmp_path / name)


def test_a_gzip_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "run.dump.gz").write_bytes(b"ITEM: TIMESTEP\n")
    assert "no LAMMPS dump" in refused(tmp_path / "run.dump.gz")
    (tmp_path / "run.dump").write_bytes(gzip.compress(b"ITEM: TIMESTEP\n"))
    assert "no LAMMPS dump" in refused(tmp_path / "run.dump")


def test_a_choice_of_nothing(tmp_path: Path, data: Data) -> None:
    expected = "no frame is left by first, last and stride"
    assert refused(written(tmp_path / "run.dump", data), Choice(9)) == expected


def test_a_suffix_that_says_nothing(tmp_path: Path) -> None:
    assert "its suffix '.xyz' does not tell the format" in refused(tmp_path / "run.xyz.gz")
    assert format_of(Path("a/b.lammpstrj.gz")) == "lammps"


def test_a_missing_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("gsd"):
            raise ImportError(name)
        return whole(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert refused(tmp_path / "run.gsd").endswith("pip install 'glasscade[interop]'")
