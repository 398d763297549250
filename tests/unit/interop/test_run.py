"""Frames become runs in units of the potential; what cannot be one is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dumps import box, columns
from glasscade.cell import Cell
from glasscade.errors import DataError
from glasscade.interop.frames import Frame, Frames
from glasscade.interop.run import Run, Units, convert, odd, require_forces, with_velocities
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres

Real = npt.NDArray[np.float64]
SPECIES = {"A": 0, "B": 1}
CELL = Cell.sheared(6.0, 2, 0.25)
TABLE = PairTable.from_mixture(binary_spheres(0.1))
PATH = Path("run.dump")


def frames(count: int = 4, number: int = 20, seed: int = 5, **changes: Any) -> Frames:
    """Wrapped positions of particles that move by at most a fifth of the cell between frames."""
    random = np.random.default_rng(seed)
    moves = random.uniform(-0.9, 0.9, (count, number, 2))
    moves[0] = CELL.cartesian(random.random((number, 2)))
    paths = np.cumsum(moves, axis=0)
    first = Frame(
        positions=columns(CELL.wrap(paths[0])),
        types=np.array(["A", "B"] * (number // 2)),
        cell=box(CELL),
        step=0,
        time=0.0,
        velocities=None,
        forces=None,
        unwrapped=False,
        resolution=0.0,
    )
    first = replace(first, **changes)
    each = [
        replace(first, positions=columns(CELL.wrap(path)), step=10 * n, time=0.5 * n)
        for n, path in enumerate(paths)
    ]
    return Frames(PATH, tuple(each))


def changed(whole: Frames, number: int, **changes: Any) -> Frames:
    """With one frame changed."""
    each = list(whole.each)
    each[number] = replace(each[number], **changes)
    return Frames(PATH, tuple(each))


def refused(whole: Frames, **keys: Any) -> str:
    arguments = {"dim": 2, "species": SPECIES, "units": Units()} | keys
    with pytest.raises(DataError) as error:
        convert(whole, **arguments)
    text = str(error.value)
    assert text.startswith("run.dump: ")
    assert "\n" not in text
    return text


def test_positions_are_unwrapped() -> None:
    run = convert(frames(), 2, SPECIES, Units())
    steps = np.diff(run.positions, axis=0)
    assert np.abs(steps).max() < 0.9
    assert np.abs(run.positions).max() > 0.0
    inside = CELL.minimum_image(run.positions - frames().each[0].positions[:, :2])
    assert run.positions.shape == (4, 20, 2)
    np.testing.assert_allclose(inside[0], 0.0, atol=1e-15)
    assert run.species.tolist() == [0, 1] * 10


def test_units_make_equation_one_the_law() -> None:
    """dx/dt = μ f in units of the file becomes dx/dt = f: each by dimension."""
    vectors = np.ones((20, 3))
    whole = frames(velocities=vectors, forces=vectors, resolution=1e-3, force_resolution=1e-2)
    run = convert(whole, 2, SPECIES, Units(length=2.0, energy=3.0, mobility=0.5))
    plain = convert(whole, 2, SPECIES, Units())
    unit_of_time = 2.0**2 / (0.5 * 3.0)
    np.testing.assert_allclose(run.positions, plain.positions / 2.0, rtol=1e-15)
    np.testing.assert_allclose(run.times, 0.5 * np.arange(4) / unit_of_time, rtol=1e-15)
    np.testing.assert_allclose(run.cell.matrix, CELL.matrix / 2.0, rtol=1e-15)
    np.testing.assert_allclose(run.velocities, unit_of_time / 2.0, rtol=1e-15)
    np.testing.assert_allclose(run.forces, 2.0 / 3.0, rtol=1e-15)
    # v = μ f stays true: 0.5 of the file's force is the file's velocity.
    np.testing.assert_allclose(run.velocities * 0.5, run.forces, rtol=1e-15)
    assert run.resolution == pytest.approx(1e-3 / 2.0)
    assert run.force_resolution == pytest.approx(1e-2 * 2.0 / 3.0)


def test_times_are_those_of_the_file_or_of_its_steps() -> None:
    whole = frames()
    assert convert(whole, 2, SPECIES, Units()).times.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert convert(whole, 2, SPECIES, Units(step=0.01)).times.tolist() == [0.0, 0.1, 0.2, 0.3]
    timeless = Frames(PATH, tuple(replace(frame, time=None) for frame in whole.each))
    assert "its times are missing" in refused(timeless)
    stepless = Frames(PATH, tuple(replace(frame, step=None) for frame in whole.each))
    assert "it counts no steps" in refused(stepless, units=Units(step=0.01))
    assert "must increase from frame to frame" in refused(changed(whole, 2, time=0.5))


def test_what_is_no_run_is_refused() -> None:
    whole = frames()
    assert "type B has no species; system.species knows A" in refused(whole, species={"A": 0})
    tilted = box(CELL)
    tilted[0, 2] = 0.5
    assert "tilted out of the plane" in refused(changed(whole, 0, cell=tilted))
    wider = box(CELL) * 1.01
    assert "the box of frame 3 of those chosen is not that of the first" in refused(
        changed(whole, 3, cell=wider)
    )
    rounded = changed(whole, 3, cell=box(CELL) * (1.0 + 1e-7))
    assert convert(rounded, 2, SPECIES, Units()).cell.matrix.tolist() == CELL.matrix.tolist()
    raised = whole.each[1].positions.copy()
    raised[3, 2] = 0.1
    assert "z spreads over 0.1" in refused(changed(whole, 1, positions=raised))
    shifted = [
        replace(frame, positions=frame.positions + np.array([0.0, 0.0, 0.5]))
        for frame in whole.each
    ]
    assert convert(Frames(PATH, tuple(shifted)), 2, SPECIES, Units()).cell.dim == 2


def test_an_even_number_of_frames_loses_the_last() -> None:
    run = convert(frames(count=4), 2, SPECIES, Units())
    assert odd(run).times.tolist() == [0.0, 0.5, 1.0]
    assert odd(run).positions.shape[0] == 3
    assert odd(odd(run)) is not run
    assert odd(convert(frames(count=5), 2, SPECIES, Units())).times.size == 5


def test_velocities_of_a_file_are_kept() -> None:
    run = convert(frames(velocities=np.ones((20, 3))), 2, SPECIES, Units())
    assert with_velocities(run) is run


def test_differences_lie_half_way() -> None:
    run = convert(frames(), 2, SPECIES, Units())
    measured = with_velocities(run)
    assert measured.velocities is not None
    assert measured.times.tolist() == [0.25, 0.75, 1.25]
    half_later = measured.positions + 0.25 * measured.velocities
    np.testing.assert_allclose(half_later, run.positions[1:], rtol=0.0, atol=1e-14)
    single = convert(frames(count=1), 2, SPECIES, Units())
    with pytest.raises(
        DataError, match="there are no velocities, and one frame has no differences"
    ):
        with_velocities(single)


def with_forces(factor: float = 1.0, digits: int = 17, moved: float = 0.0) -> Run:
    """Forces of the potential, rounded, of positions that differ by a rounding themselves."""
    run = convert(frames(), 2, SPECIES, Units())
    exact = [-forces(find_bonds(x, run.species, TABLE, run.cell)) for x in run.positions]
    random = np.random.default_rng(6)
    given = np.array([[[float(f"{f:.{digits}g}") for f in row] for row in x] for x in exact])
    wrong = run.positions + moved * random.choice([-1.0, 1.0], run.positions.shape)
    largest = 10.0 ** np.ceil(np.log10(np.abs(given).max()))
    rounding = 0.5 * largest * 10.0**-digits
    return replace(
        run, positions=wrong, forces=factor * given, resolution=moved, force_resolution=rounding
    )


@pytest.mark.parametrize(("digits", "moved"), [(17, 0.0), (6, 0.0), (17, 1e-5), (6, 1e-5)])
def test_forces_agree_to_the_precision_of_the_file(digits: int, moved: float) -> None:
    require_forces(with_forces(1.0, digits, moved), TABLE)
    # Not by a wide margin: four times what the rounding makes at most is noticed.
    change = 1.0 + 1e-9 + 20.0 * (10.0**-digits + 4.0 * moved)
    with pytest.raises(DataError, match="are not those of the potential"):
        require_forces(with_forces(change, digits, moved), TABLE)


def test_forces_of_another_potential_are_refused() -> None:
    other = PairTable.from_mixture(binary_spheres(0.1, strength=1.01))
    with pytest.raises(DataError) as error:
        require_forces(with_forces(), other)
    assert str(error.value).startswith("run.dump: the forces of frame 0 of those chosen are not")
    assert "system.forces: ignore" in str(error.value)
    require_forces(convert(frames(), 2, SPECIES, Units()), other)  # there are none
