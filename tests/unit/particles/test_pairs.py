"""Pair tables: what they hold and refuse, the largest curvature, and the forces from them."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.dynamics import State, run
from glasscade.particles.pairs import PairTable, stiffness
from glasscade.particles.spheres import binary_spheres
from glasscade.particles.stability import stability_limit
from glasscade.potentials import (
    POTENTIALS,
    Gaussian,
    Harmonic,
    LennardJones,
    Mixture,
    Riesz,
    Tabulated,
    kernels,
)


def harmonic_arrays():
    """Valid kind, parameters and cutoff of two species."""
    table = PairTable.from_mixture(binary_spheres(0.1))
    return table.kind.copy(), table.parameters.copy(), table.cutoff.copy()


def test_table_holds_the_mixture():
    table = PairTable.from_mixture(binary_spheres(0.1, strength=2.0))
    assert table.species == 2
    assert table.reach == 1.4
    assert np.array_equal(table.kind, np.full((2, 2), kernels.HARMONIC))
    assert np.array_equal(table.cutoff, [[1.0, 1.2], [1.2, 1.4]])
    assert np.array_equal(table.parameters[0, 1], [2.0, 1.2, 0.1])


def test_shorter_rows_are_padded():
    bell = np.linspace(0.0, 1.5, 61)
    drawn = Tabulated.from_arrays(bell, (1.0 - (bell / 1.5) ** 2) ** 4)
    ball, core = Harmonic(1.0, 1.0, 0.1), LennardJones(1.0, 1.0, 0.8)
    table = PairTable.from_mixture(Mixture(((ball, drawn), (drawn, core))))
    assert table.parameters.shape == (2, 2, drawn.parameters.size)
    for a, b, potential in ((0, 0, ball), (0, 1, drawn), (1, 1, core)):
        row = np.zeros(drawn.parameters.size)
        row[: potential.parameters.size] = potential.parameters
        assert np.array_equal(table.parameters[a, b], row)


PAIRS = [
    pytest.param(potential, id=f"{name}-{number}")
    for name, potential_class in POTENTIALS.items()
    for number, potential in enumerate(potential_class.examples())
    if potential.bounded
]


@pytest.mark.parametrize("potential", PAIRS)
def test_a_step_of_the_engine_is_minus_the_slope(potential):
    """Isolated couples at many distances, half of them of another species: x moves by -V' dt."""
    dim = max(potential.dimensions)
    other = Harmonic(1.0, 0.9, 0.2)
    table = PairTable.from_mixture(Mixture(((other, potential), (potential, other))))
    apart = 3.0 * table.reach
    r = np.linspace(0.02, 1.1, 24) * potential.cutoff
    if dim == 1:  # the range of a line is half of it, and nothing may be farther
        r = r[r < potential.cutoff]
    direction = np.array([0.6, 0.0, 0.8])[:dim] if dim > 1 else np.ones(1)
    cell = Cell.cubic(apart * r.size, dim)
    first = np.zeros((r.size, dim))
    first[:, 0] = apart * np.arange(r.size)
    positions = np.concatenate([first, first + r[:, None] * direction])
    state = State(positions, np.repeat([0, 1], r.size))
    dt = 0.1 * stability_limit(positions, state.species, table, cell)
    moved = (run(state, table, cell, 0.0, dt, 0, [1])[0] - positions) / dt
    force = -potential.slope(r)[:, None] * direction
    # round-off of the positions over dt
    error = 1e-15 * apart * r.size / dt + 1e-13 * np.max(np.abs(force))
    np.testing.assert_allclose(moved[r.size :], force, rtol=0.0, atol=error)
    np.testing.assert_allclose(moved[: r.size], -force, rtol=0.0, atol=error)


def test_an_unbounded_potential_is_refused():
    message = "potential.kind: 'riesz' is not bounded, as particles need it to be; use it with dens"
    with pytest.raises(ConfigError, match=message):
        PairTable.from_mixture(Mixture.single(Riesz(1.0, 1.0, 5.0)))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (99, r"kind 99 is unknown, use one of \[0, 1, "),
        (kernels.LENNARD_JONES, "rows of 3 parameters are too short for kind 6, .* at least 14"),
    ],
)
def test_rows_that_compiled_code_would_misread_are_refused(kind, message):
    _, parameters, cutoff = harmonic_arrays()
    with pytest.raises(ConfigError, match=message):
        PairTable(np.full((2, 2), kind), parameters, cutoff)


@pytest.mark.parametrize(
    ("row", "entry", "value", "message"),
    [
        ("parameters", (0, 1, 0), 3.0, "must be symmetric"),
        ("cutoff", (0, 0), np.nan, "must be a finite number"),
        ("cutoff", (0, 0), -1.0, "cutoffs must be >= 0"),
        ("cutoff", (0, 0), 0.9, "at least its diameter"),
        ("parameters", (1, 1, 2), 1.5, "0 <= core radius < diameter"),
    ],
)
def test_impossible_entries_are_refused(row, entry, value, message):
    arrays = dict(zip(("kind", "parameters", "cutoff"), harmonic_arrays(), strict=True))
    arrays[row][entry] = value
    with pytest.raises(ConfigError, match=message):
        PairTable(**arrays)


def test_wrong_shapes_are_refused():
    kind, parameters, cutoff = harmonic_arrays()
    with pytest.raises(ConfigError, match=r"must have the shapes \(S, S\)"):
        PairTable(kind, parameters, cutoff[0])


def test_a_table_without_interaction_is_refused():
    kind, parameters, cutoff = harmonic_arrays()
    with pytest.raises(ConfigError, match="> 0 for at least one pair"):
        PairTable(kind, parameters, 0.0 * cutoff)


def test_too_many_species_are_refused():
    shape = (257, 257)
    with pytest.raises(ConfigError, match="257 species are more than the 256"):
        PairTable(np.full(shape, kernels.GAUSSIAN), np.zeros((*shape, 4)), np.ones(shape))


def test_stiffness_is_the_largest_positive_curvature():
    # V'' = strength/d^2 for spheres; V'' of exp(-r^2) is 4 exp(-3/2) at its maximum r^2 = 3/2; a
    # negative Gaussian is stiffest at its centre, V'' = 2. Sampled at 4096 points, the maximum of
    # a smooth function is low by (cutoff/8192)^2 V''''/2 < 1e-5.
    gauss = Mixture.single(Gaussian(1.0, 1.0))
    well = Mixture.single(Gaussian(-1.0, 1.0))
    steep = LennardJones(1.0, 1.0, 0.8)
    spheres = Mixture.single(Harmonic(3.0, 2.0, 0.1))
    assert stiffness(PairTable.from_mixture(spheres))[0, 0] == pytest.approx(0.75, rel=1e-14)
    assert stiffness(PairTable.from_mixture(gauss))[0, 0] == pytest.approx(4 * np.exp(-1.5), 1e-5)
    assert stiffness(PairTable.from_mixture(well))[0, 0] == pytest.approx(2.0, rel=1e-5)
    # the core's even polynomial is stiffest at the cap, where V'' is that of Lennard-Jones
    at_cap = 4.0 * (156.0 / 0.8**14 - 42.0 / 0.8**8)
    assert stiffness(PairTable.from_mixture(Mixture.single(steep)))[0, 0] == pytest.approx(
        at_cap, rel=0.01
    )  # V'' falls by 14/0.8 of the spacing 2.5/4096
