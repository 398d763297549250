"""External forces of the time loop against those of `external`, and the moving cell."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.external import Active, AffineFlow, Kolmogorov, Sum
from glasscade.particles.shear import MovingCell
from glasscade.particles.waves import add_waves, make_waves, new_powers

CELLS = {
    1: Cell.cubic(7.0, 1),
    2: Cell.sheared(7.0, 2, 0.3),
    3: Cell(np.array([[5.0, 1.5, -1.0], [0.0, 4.5, 1.0], [0.0, 0.0, 5.0]])),
}


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_waves_are_the_force_at_the_positions(dim, rng):
    cell = CELLS[dim]
    twice = Kolmogorov(0.3, (-2,) * dim, (1.0,) * dim, 0.4)
    active = Active(0.7, -0.2, 0.8, 4.0, seed=2, kind="gradient")
    external = (Sum((active, twice, twice)), Sum(()), twice)
    x = cell.cartesian(6.0 * rng.random((37, dim)) - 3.0)
    species = rng.integers(0, 3, 37)
    waves = make_waves(external, 3, cell)
    force = np.ones((dim, 64))
    add_waves(x, species, waves, new_powers(waves, dim, 64), force)
    found, rest = force[:, :37].T, force[:, 37:]
    expected = 1.0 + np.choose(species[:, None], [f.at(cell, x) for f in external])
    # Powers up to the sixth and a hundred waves of order one; the other route has 1e-13.
    assert found == pytest.approx(expected, abs=1e-12)
    assert np.all(rest == 1.0)


def test_no_force_has_no_waves():
    assert make_waves(None, 2, CELLS[2]).indices.shape == (0, 2)


@pytest.mark.parametrize("rate", [0.7, -0.7])
def test_the_cell_of_a_step_is_that_of_the_flow_and_upright(rate):
    rest = Cell(np.array([[5.0, 1.5, -1.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]]))
    moving = MovingCell(rest, rate * 0.1)
    for step in (0, 3, 40):
        moved = AffineFlow.simple_shear(rate, 3).moved(rest, 0.1 * step).matrix
        assert moving.matrix(step) == pytest.approx(moved, abs=1e-13)  # round-off of exp(Γt)
        turns = moving.turns(step)
        upright = moving.matrix(step, turns)
        assert abs(upright[0, 1]) <= 2.5
        assert upright[:, 1] + turns * upright[:, 0] == pytest.approx(moved[:, 1], abs=1e-13)
