"""What reads files of others: a good file of each kind, and what must hold whatever is in it.

A check gets a file. It returns whether the file was accepted, raises `GlasscadeError` for one that
is refused, and anything else if something is wrong.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st

import dumps
from glasscade import config, crate, estimate, jobs
from glasscade.cell import Cell
from glasscade.cli import cost_table
from glasscade.config.potentials import TabulatedKeys
from glasscade.errors import ConfigError, GlasscadeError
from glasscade.interop.frames import Choice, Frames
from glasscade.interop.reading import read
from glasscade.interop.run import Units, convert
from glasscade.io import read_dataset, write_dataset
from glasscade.limits.verdicts import CHECKS, Verdict
from glasscade.particles.dynamics import State
from glasscade.particles.trajectory import Trajectory, read_trajectory, write_trajectory
from glasscade.stages import compare as comparing
from glasscade.stages.checkpoint import Checkpoint, Progress
from glasscade.stages.verdicts import read_verdicts, table
from mutants import TABLE, files_of_configurations, mistaken_bytes

LONGEST = 400
"""Characters of a sentence about a file."""
NUMBER, FRAMES = 12, 3


@dataclass(frozen=True)
class Target:
    """A kind of file: its name, its contents with mistakes, and the check of what reads it."""

    name: str
    contents: st.SearchStrategy[bytes]
    check: Callable[[Path], None]


def judge(check: Callable[[Path], None], path: Path) -> bool:
    """Whether a file was accepted; one that is refused must be so in one sentence.

    Raises
    ------
    AssertionError, or whatever else escapes
        If something is wrong.
    """
    try:
        check(path)
    except GlasscadeError as error:
        text = str(error)
        assert str(path) in text, f"the file is not named: {text}"
        assert text.isprintable(), f"more than a line: {text!r}"
        assert len(text) < LONGEST + len(str(path)), f"too long: {text}"
        return False
    return True


# Configurations

POSITIVE = {
    "length", "width", "diameter", "cap", "reach", "density", "number_density", "contrast", "dt",
    "duration", "onset", "points", "number", "snapshots", "realisations", "block_size", "stride",
    "packing_fraction", "length_unit", "energy_unit", "shortest", "moved", "largest_strain",
    "bracket", "accuracy", "mass", "rate", "k_min", "k_max", "liquid_temperature", "level",
    "tolerance", "delta", "closure", "control", "events", "balance_from", "checkpoint_steps",
}  # fmt: skip
"""Keys whose numbers must be above zero, in whatever section."""
LABEL = re.compile(r"[a-z0-9_.+-]+", re.I)


def check_configuration(path: Path) -> None:
    """A study that is accepted is sound, comes back as it was, and has jobs and a cost."""
    study = config.load(path)
    plain = study.model_dump(mode="json")
    assert config.parse(json.loads(json.dumps(plain, allow_nan=False))) == study
    for key, value in leaves(plain):
        if isinstance(value, float):
            assert math.isfinite(value), key
        if key in POSITIVE and not isinstance(value, str) and value is not None:
            assert value > 0, (key, value)
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", study.study)
    for model in study.models:
        check_jobs(study, model)
    json.dumps([jobs.comparison(study), jobs.bounds(study), jobs.summary(study)], allow_nan=False)
    total = estimate.total(study).cost
    assert all(math.isfinite(x) and x > 0.0 for x in (total.seconds, total.memory))
    assert math.isfinite(estimate.wall_time(study, 2))
    cost_table(study, 2)


def check_jobs(study: config.Study, model: str) -> None:
    """Labels that are names of files, parameters that can be written down."""
    states, reductions = jobs.states(study, model), jobs.reductions(study, model)
    for labels in (states[0], states[-1], reductions[0], reductions[-1]):
        assert all(LABEL.fullmatch(label) for label in labels.values())
        assert len("_".join(labels.values())) < 240
    made = [jobs.simulate(study, **states[-1]), jobs.reduce(study, **reductions[-1])]
    made += [f(study, model) for f in (jobs.structure, jobs.exponents, jobs.limits, jobs.figures)]
    json.dumps(made, allow_nan=False)
    system = config.simulated(made[0]["system"])
    assert system.cell.volume > 0.0
    assert math.isfinite(system.smallest_scale("gaussian"))


def leaves(raw: Any, key: str = "") -> list[tuple[str, Any]]:
    """All values with the names of their keys."""
    if isinstance(raw, dict):
        return [leaf for name, value in raw.items() for leaf in leaves(value, name)]
    if isinstance(raw, list):
        return [leaf for value in raw for leaf in leaves(value, key)]
    return [(key, raw)]


# Trajectories of other programs

CELL = Cell.sheared(3.0, 2, 0.25)


def run(seed: int = 1) -> dict[str, Any]:
    """Particles that diffuse, as the writers in `dumps` take them."""
    rng = np.random.default_rng(seed)
    start = CELL.cartesian(rng.random((NUMBER, 2)))
    moves = 0.2 * rng.standard_normal((FRAMES, NUMBER, 2))
    types = np.arange(NUMBER) % 2
    return {
        "positions": start + np.cumsum(moves, axis=0),
        "steps": np.arange(FRAMES) * 10,
        "types": types,
        "cell": CELL,
    }


def made(path: Path) -> bytes:
    """The content of a good file of the kind that its suffix tells."""
    data = run()
    if path.suffix == ".gsd":
        dumps.write_gsd(path, **data)
    elif path.name.startswith("ours"):
        times = 0.1 * data["steps"]
        write_trajectory(
            path, Trajectory(data["positions"], times, data["steps"], data["types"], CELL)
        )
    elif path.suffix == ".nc":
        lengths = np.tile([3.0, CELL.matrix[1, 1], 1.0], (FRAMES, 1))
        dumps.write_amber(
            path,
            coordinates=dumps.columns(data["positions"]),
            velocities=dumps.columns(data["positions"]),
            time=0.1 * data["steps"],
            type=np.tile(data["types"], (FRAMES, 1)),
            cell_lengths=lengths,
            cell_angles=np.full((FRAMES, 3), 90.0),
        )
    else:
        wrapped = path.name.startswith("wrapped")
        text = dumps.lammps_text(
            **data, times=0.1 * data["steps"], wrapped=wrapped, digits=".6g", v=data["positions"]
        )
        dumps.write_text(path, text)
    return path.read_bytes()


def check_trajectory(path: Path) -> None:
    """Frames that are accepted are of one set of particles in boxes, and make a run."""
    frames = read(path, Choice())
    count = len(frames.each[0].types)
    for frame in frames.each:
        assert frame.positions.shape == (count, 3)
        assert np.all(np.isfinite(frame.positions))
        assert np.linalg.det(frame.cell) > 0.0
        assert frame.labels is None or np.all(np.diff(frame.labels) > 0)
        assert math.isfinite(frame.resolution)
    if ".dump" in path.name:
        compare(frames, path)
    species = {name: n % 2 for n, name in enumerate(sorted(set(frames.each[0].types.tolist())))}
    step = 0.1 if path.suffix == ".gsd" else None
    converted = convert(frames, 2, species, Units(2.0, 0.5, 3.0, step))
    assert converted.positions.shape == (len(frames.each), count, 2)
    assert np.all(np.diff(converted.times) > 0.0)
    for array in (converted.positions, converted.times, converted.velocities):
        assert array is None or np.all(np.isfinite(array))


def compare(frames: Frames, path: Path) -> None:
    """A dump with columns `xu yu zu` or `x y z ix iy iz`, read a second time in ten lines."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    starts = [match.start() for match in re.finditer(r"^ITEM: ATOMS", text, re.M)]
    assert len(starts) == len(frames.each)
    for start, frame in zip(starts, frames.each, strict=True):
        head, *rows = text[start:].splitlines()
        names = head.split()[2:]
        each = [row.split() for row in rows[: len(frame.types)]]
        each.sort(key=lambda row: float(row[names.index("id")]))
        kind = names.index("type" if "type" in names else "element")
        assert frame.types.tolist() == [row[kind] for row in each]
        if {"xu", "yu", "zu"} <= set(names):
            bounds = text[:start].rpartition("ITEM: BOX BOUNDS")[2].splitlines()
            if not bounds[0].startswith(" xy xz yz"):
                continue
            low = np.array([[float(x) for x in line.split()] for line in bounds[1:4]])
            xy, xz, yz = low[:, 2]
            corner = low[:, 0] - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
            columns = [names.index(name) for name in ("xu", "yu", "zu")]
            expected = np.array([[float(row[c]) for c in columns] for row in each]) - corner
            np.testing.assert_allclose(frame.positions, expected, rtol=1e-12, atol=1e-9)


def check_our_trajectory(path: Path) -> None:
    """What we wrote ourselves is whole or refused."""
    trajectory = read_trajectory(path)
    frames, number, dim = trajectory.positions.shape
    assert trajectory.species.shape == (number,)
    assert trajectory.times.shape == trajectory.steps.shape == (frames,)
    assert np.all(np.isfinite(trajectory.positions))
    assert trajectory.cell.dim == dim


# Tables, states, checkpoints, verdicts


def columns_text() -> bytes:
    pairs = zip(TABLE["distance"], TABLE["energy"], strict=True)
    return "".join(f"{r:.6g} {v:.8g}\n" for r, v in pairs).encode()


def check_table(path: Path) -> None:
    """A table that is accepted has the numbers of the file, and a potential is made of it."""
    try:
        keys = TabulatedKeys(kind="tabulated", file=str(path))
        potential = keys.mixture(100.0).table[0][0]
        assert np.all(np.isfinite(potential.parameters))
    except (ValueError, ConfigError) as error:  # the section is named by the one who reads it
        raise ConfigError(f"{path}: {str(error).splitlines()[0]}") from None
    words = [line.partition("#")[0].split() for line in path.read_text().splitlines()]
    numbers = np.array([[float(word) for word in row] for row in words if row])
    np.testing.assert_array_equal(numbers.T, [keys.distance, keys.energy])
    assert np.all(np.diff(keys.distance) > 0.0)


JOB = {"seed": 1}


def state() -> xr.Dataset:
    values = np.random.default_rng(3).standard_normal((2, 3, 40))
    names = ("realisation", "time", "particle")
    attributes = {"units": "l0", "long_name": "position"}
    return xr.Dataset({"position": (names, values, attributes)}, coords={"time": [0.0, 1.0, 2.0]})


def state_bytes(path: Path) -> bytes:
    write_dataset(state(), path, JOB, "glasscade.cell")
    return path.read_bytes()


def check_state(path: Path) -> None:
    """A state that is accepted is what was written, to the bit."""
    found = read_dataset(path, "position")
    np.testing.assert_array_equal(found["position"], state()["position"])


def checkpoint_bytes(path: Path) -> bytes:
    saved = Checkpoint(path.with_name("block0.nc"), JOB, "glasscade.cell")
    positions = np.random.default_rng(2).random((NUMBER, 2))
    where = State(positions, np.arange(NUMBER) % 2, 7, np.zeros((NUMBER, 2), dtype=np.int64))
    saved.save(Progress([], [positions], where))
    saved.path.rename(path)
    return path.read_bytes()


def check_checkpoint(path: Path) -> None:
    """A checkpoint is what it was or nothing at all."""
    kept = Checkpoint(path.with_name("block0.nc"), JOB, "glasscade.cell")
    path.rename(kept.path)
    found = kept.load()
    kept.path.rename(path)
    if found.state is None:
        raise ConfigError(f"{path}: another start")
    positions = np.random.default_rng(2).random((NUMBER, 2))
    np.testing.assert_array_equal(found.state.positions, positions)
    np.testing.assert_array_equal(found.frames, [positions])
    assert found.state.step == 7


def verdict_bytes() -> bytes:
    row = Verdict(
        "glass", "closure", "sum", "one", 1e-3, -1e-3, 2e-3, 0.0, 0.05, "holds", 4, 0.1, 0.4
    )
    return table([row] * 3).encode()


def check_verdicts(path: Path) -> None:
    """Rows that are accepted are verdicts, and those of the file."""
    rows = read_verdicts(path)
    lines = list(filter(None, csv.reader(io.StringIO(path.read_text()))))
    assert len(rows) == len(lines) - 1
    for row in rows:
        assert row.check in CHECKS
        assert row.verdict in ("holds", "violated", "inconclusive")


CITATION = crate.Citation("Title", (("A. Author", ""),), "CC-BY-4.0")


def record_bytes() -> bytes:
    """The metadata of one job."""
    made_by = crate.Installation(
        "0123456789ab", {"glasscade": "0.1.0"}, "Linux", "A", "haswell", ""
    )
    usage = crate.Usage(3.5, 2.25, 219.0)
    job = crate.Job("limits", "a", "0a", "1b", ("b.nc",), ("c.nc",), "2026-01-01", 0, usage)
    files = [crate.File(name, 12, "f" * 64, "e" * 64) for name in ("config.yaml", "b.nc", "c.nc")]
    whole = crate.Record("small", 7, "2026-01-01", "d" * 64, (*files,), (job,), (made_by,))
    return crate.to_json(whole, CITATION).encode()


def check_record(path: Path) -> None:
    """A record that is accepted can be written again, and then reads back as it was."""
    found = crate.read(path.parent)
    path.write_text(crate.to_json(found, CITATION), encoding="utf-8")
    assert repr(crate.read(path.parent)) == repr(found)  # NaN is not equal to itself


CITED = b"""title: A deposit
license: CC-BY-4.0
repository-code: https://example.org/code
authors:
  - {family-names: Carberry, given-names: Josiah, orcid: 'https://orcid.org/0000-0002-1825-0097'}
  - name: Somebody
references:
  - {title: Of something, authors: [{name: A. Person}], year: 2020, doi: 10.1000/1}
"""


def check_citation(path: Path) -> None:
    """With what is accepted a record can be written, in which every entity has its own name."""
    (path.parent / crate.METADATA).write_bytes(record_bytes())
    text = crate.to_json(crate.read(path.parent), crate.Citation.read(path))
    names = [entity["@id"] for entity in json.loads(text)["@graph"]]
    assert len({*names}) == len(names)


def check_figure(path: Path) -> None:
    """Points that are accepted are those of the file, and are as they are."""
    rows = comparing.points(path)
    with path.open(encoding="utf-8", newline="") as stream:
        assert len(rows) == len(list(filter(None, csv.reader(stream)))) - 1
    for chaotic in (False, True):
        assert comparing.figure(rows, rows, chaotic) == ""


FIGURE = b"""panel,series,x_name,y_name,x,y,y_low,y_high
"(a) W, smeared",T = 0,ell [l0],W [1],0.1,0.003234763,0.0005800511,0.005889474
"(a) W, smeared",T = 0,ell [l0],W [1],0.2,-1e-17,,
"""

WORDS = [
    b"nan", b"inf", b"-1", b"0", b"1e300", b"1e-300", b"9" * 25, b"1_0", b"x", b"", b" ", b"\n",
    b"ITEM: ATOMS id type x y z\n", b"ITEM: TIMESTEP\n", b"pp", b"ff", b"1.5", b"-", b",", b"\x00",
    b"\xff\xff\xff\xff", b"\x7f\xf0\x00\x00", b"\x00\x00\x00\x00", b"\x80", b"holds", b'"',
]  # fmt: skip


def targets(folder: Path) -> list[Target]:
    """All kinds of files, with good ones made in a folder."""
    gz = folder / "run.dump.gz"
    plain = made(folder / "run.dump")
    packed = mistaken_bytes(plain, WORDS).map(lambda text: gzip.compress(text, mtime=0))
    broken = mistaken_bytes(gzip.compress(plain, mtime=0), WORDS)
    return [
        Target("study.yaml", files_of_configurations(), check_configuration),
        Target("run.dump", mistaken_bytes(plain, WORDS), check_trajectory),
        Target(
            "wrapped.dump",
            mistaken_bytes(made(folder / "wrapped.dump"), WORDS),
            check_trajectory,
        ),
        Target(gz.name, st.one_of(packed, broken), check_trajectory),
        Target("run.gsd", mistaken_bytes(made(folder / "run.gsd"), WORDS), check_trajectory),
        Target("run.nc", mistaken_bytes(made(folder / "run.nc"), WORDS), check_trajectory),
        Target("ours.nc", mistaken_bytes(made(folder / "ours.nc"), WORDS), check_our_trajectory),
        Target("table.txt", mistaken_bytes(columns_text(), WORDS), check_table),
        Target("state.nc", mistaken_bytes(state_bytes(folder / "state.nc"), WORDS), check_state),
        Target(
            "checkpoint.npz",
            mistaken_bytes(checkpoint_bytes(folder / "checkpoint.npz"), WORDS),
            check_checkpoint,
        ),
        Target("verdicts.csv", mistaken_bytes(verdict_bytes(), WORDS), check_verdicts),
        Target(crate.METADATA, mistaken_bytes(record_bytes(), WORDS), check_record),
        Target("figure.csv", mistaken_bytes(FIGURE, WORDS), check_figure),
        Target("CITATION.cff", mistaken_bytes(CITED, WORDS), check_citation),
    ]
