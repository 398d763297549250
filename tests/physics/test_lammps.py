"""The same configurations and runs in LAMMPS: an independent program gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from glasscade.cell import Cell
from glasscade.particles.dynamics import State, run
from glasscade.particles.lennard_jones import binary_lennard_jones
from glasscade.particles.observables import (
    Bonds,
    closest_approach,
    energy,
    find_bonds,
    forces,
    virial_stress,
)
from glasscade.particles.pairs import PairTable
from glasscade.particles.spheres import binary_spheres
from glasscade.particles.spheres import side as spheres_side
from glasscade.potentials import Mixture
from lammps_runs import Lammps

Real = npt.NDArray[np.float64]
Start = Callable[[State, Cell, Mixture], Lammps]

SPHERES = binary_spheres(0.0)
LENNARD_JONES = binary_lennard_jones(0.75)
_LARGE, _SMALL = (LENNARD_JONES.table[s][s].diameter for s in range(2))
MIXTURES = {"harmonic": SPHERES, "lennard_jones": LENNARD_JONES}
DENSITY = {2: 0.95, 3: 0.9}
"""Of Lennard-Jones particles, in sigma^-d."""


@pytest.fixture
def lammps() -> Iterator[Start]:
    """LAMMPS with the given particles; closed afterwards."""
    started: list[Lammps] = []

    def start(state: State, cell: Cell, mixture: Mixture) -> Lammps:
        started.append(Lammps(state.positions, state.species, cell, mixture))
        return started[-1]

    yield start
    for each in started:
        each.close()


def particles(kind: str, dim: int, shape: str, per_side: int) -> tuple[State, Cell]:
    """Particles at random; those of steep cores on a lattice, moved by a twentieth."""
    random, species = np.random.default_rng(9), np.arange(per_side**dim) % 2
    if kind == "harmonic":
        fractional = random.random((species.size, dim))
        side = spheres_side(species.size, 0.95 if dim == 2 else 0.7, dim)
    else:
        side = (species.size / DENSITY[dim]) ** (1.0 / dim)
        fractional = Cell.cubic(1.0, dim).grid((per_side,) * dim).reshape(-1, dim)
        fractional = fractional + random.uniform(-0.05, 0.05, fractional.shape) / side
    cell = Cell(side * strain(dim, shape))
    return State(cell.cartesian(fractional), random.permutation(species)), cell


def strain(dim: int, shape: str) -> Real:
    """None, or shear in every plane."""
    matrix = np.eye(dim)
    if shape == "tilted":
        matrix[np.triu_indices(dim, 1)] = [0.3, -0.2, 0.1][: dim * (dim - 1) // 2]
    return matrix


@pytest.mark.parametrize("shape", ["straight", "tilted"])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("kind", MIXTURES)
def test_energy_virial_and_every_force_agree(
    lammps: Start, kind: str, dim: int, shape: str
) -> None:
    state, cell = particles(kind, dim, shape, 20 if dim == 2 else 8)
    bonds = find_bonds(state.positions, state.species, PairTable.from_mixture(MIXTURES[kind]), cell)
    if kind == "lennard_jones":
        assert closest_approach(bonds) > 0.75 * _LARGE  # no pair is in a cap, which LAMMPS lacks
        # Every piece of the potential is met.
        assert np.any(bonds.distance < 2.0 * _SMALL)
        assert np.any(bonds.distance > 2.0 * _LARGE)
    theirs = lammps(state, cell, MIXTURES[kind])
    theirs.run_to(0)
    # The bound that the project sets itself.
    assert theirs.energy() == pytest.approx(energy(bonds), rel=1e-10)
    np.testing.assert_allclose(-theirs.virial(), virial_stress(bonds), rtol=1e-10)
    # A component is a sum that may cancel: to one part in 1e8 for one of 1500 components here.
    # What is round-off is relative to the sizes of the summands: 1e-15 of r for positions of order
    # 10, times the 13 powers of the steepest core.
    error = np.abs(theirs.forces() + forces(bonds))
    assert np.all(error <= 1e-12 * summands(bonds)[:, np.newaxis])


def summands(bonds: Bonds) -> Real:
    """Σ_b |V'(r_ab)|, the sum of the sizes of the forces on every particle, (N,)."""
    ends = np.concatenate([bonds.first, bonds.second])
    return np.bincount(ends, np.tile(np.abs(bonds.slope), 2), minlength=bonds.number)


@pytest.mark.parametrize("shape", ["straight", "tilted"])
@pytest.mark.parametrize(
    ("kind", "dt", "last"), [("harmonic", 0.04, 2000), ("lennard_jones", 1e-6, 500)]
)
def test_descent_goes_the_same_way(
    lammps: Start, kind: str, dt: float, last: int, shape: str
) -> None:
    """Euler steps at T = 0 part no further than our own do after a change of the last bits."""
    state, cell = particles(kind, 2, shape, 10)
    table, steps = PairTable.from_mixture(MIXTURES[kind]), [50, last]
    ours = run(state, table, cell, 0.0, dt, 0, steps)
    # LAMMPS keeps positions inside the box, where the last bit is up to 4e-15.
    nudge = 4e-15 * np.random.default_rng(2).choice([-1.0, 1.0], state.positions.shape)
    nudged = run(State(state.positions + nudge, state.species), table, cell, 0.0, dt, 0, steps)
    theirs = lammps(state, cell, MIXTURES[kind])
    theirs.brownian(dt)
    for step, own, other in zip(steps, ours, nudged, strict=True):
        theirs.run_to(step)
        parted = np.abs(cell.minimum_image(theirs.positions() - own)).max()
        # The nudge is one rounding, grown; of those of all steps, the sum is random.
        assert parted < np.sqrt(step) * np.abs(other - own).max() < 1e-10
    # Far enough for the forces to have changed: of a core by a half.
    assert np.abs(ours[-1] - state.positions).max() > 0.05


def test_the_stationary_pressure_is_the_same(lammps: Start) -> None:
    """A liquid at T > 0: independent noise, one stationary state, the bias of dt included."""
    temperature, dt = 0.1, 0.05
    state, cell = particles("harmonic", 2, "straight", 20)
    # 100 units of time, some times what a particle needs to diffuse over its diameter, then 500.
    times = np.arange(2000, 12001, 50)
    table = PairTable.from_mixture(SPHERES)
    frames = run(state, table, cell, temperature, dt, 5, times)
    bonds = (find_bonds(x, state.species, table, cell) for x in frames)
    theirs = lammps(state, cell, SPHERES)
    theirs.brownian(dt, temperature, seed=6)
    own, error = block_mean(np.array([-np.trace(virial_stress(b)) for b in bonds])[1:])
    other, their_error = block_mean(np.array([np.trace(x) for x in theirs.virials(times)])[1:])
    # A test of two parts in a thousand: ten blocks of a liquid whose samples are independent.
    assert max(error, their_error) < 3e-3 * own
    # Three and a half standard errors, of 18 degrees of freedom together: 1 in 400 by chance.
    assert abs(own - other) < 3.5 * np.hypot(error, their_error)


def block_mean(samples: Real) -> tuple[float, float]:
    """Mean and its standard error from ten blocks, each much longer than the samples remember."""
    blocks = samples.reshape(10, -1).mean(axis=1)
    return float(blocks.mean()), float(blocks.std(ddof=1) / np.sqrt(len(blocks)))
