"""What stress budgets cost, against real FFTs of the same grid and against a direct sum."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import ducc0
import numba
import numpy as np
import numpy.typing as npt
from rows import Row, alternating

from glasscade.budget.balance import Budget, Currents, currents, source_map
from glasscade.budget.operator import VirialTable, bilinear
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.force import ForceField
from glasscade.jit import pjit
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Harmonic, Mixture
from glasscade.transforms import grid_to_modes, point_modes, truncate

Real = npt.NDArray[np.float64]

MIXTURE = Mixture.single(Harmonic(1.0, diameter=1.0, core=0.2))
GAUSSIAN = KERNELS["gaussian"]
TEMPERATURE = 0.1
RUNS = 7


def transforms(dim: int, n: int, forward: int, backward: int) -> Callable[[], None]:
    """Real FFTs of as many different arrays, into memory that is there already."""
    axes, shape = tuple(range(dim)), (n,) * dim
    rng = np.random.default_rng(1)
    grids = [rng.random(shape) for _ in range(forward + backward)]
    halves = [ducc0.fft.r2c(grid, axes=axes) for grid in grids]

    def run() -> None:
        for grid, half in zip(grids[:forward], halves[:forward], strict=True):
            ducc0.fft.r2c(grid, axes=axes, out=half, nthreads=1)
        for grid, half in zip(grids[forward:], halves[forward:], strict=True):
            ducc0.fft.c2r(half, axes=axes, lastsize=n, forward=False, out=grid, nthreads=1)

    return run


class Snapshot:
    """A random density that fills the modes of a dealiased grid of n points per axis."""

    def __init__(self, dim: int, n: int, length: float = 20.0) -> None:
        self.dim, self.n = dim, n
        self.counts = ((n - 1) // 3,) * dim
        self.cell = Cell.cubic(length, dim)
        values = np.random.default_rng(2).random((1, *(n,) * dim))
        self.density = grid_to_modes(values, self.cell, self.counts)
        self.field = ForceField(MIXTURE, self.cell, self.counts)
        k_max = float(np.linalg.norm(self.cell.reciprocal(np.eye(dim)[0]))) * self.counts[0]
        self.ell = GAUSSIAN.band(dim) / k_max
        self.filter = GAUSSIAN.filter(self.cell, self.counts, self.ell)
        self.force_density = self.field.force_density(self.density)

    def state(self) -> Currents:
        return currents(self.density, self.force_density, self.filter, self.field, TEMPERATURE)

    def box_totals(self) -> Budget:
        """Budgets with φ = 1 alone."""
        functions = TestFunctions.bumps(self.dim, count=0, sharpness=0, seed=0)
        return Budget(MIXTURE, self.cell, self.counts, functions)


def totals() -> list[Row]:
    """Box totals of all terms at one scale, from ρ and ρF, against 2(2d+1) real FFTs."""
    return [totals_of(dim, n) for dim, n in ((2, 512), (2, 1024), (3, 96))]


def totals_of(dim: int, n: int) -> Row:
    snapshot = Snapshot(dim, n)
    budget = snapshot.box_totals()
    ours, peer = alternating(
        lambda: budget.balance(snapshot.state()),
        transforms(dim, n, forward=2 * dim, backward=2 * dim + 2),
        RUNS,
    )
    name = f"{2 * (2 * dim + 1)} real FFTs of the dealiased grid (ducc0)"
    return Row("budget-totals (ms)", f"{n}^{dim}", 1, ours, peer, name, peer / ours, 1.0)


def low_modes() -> list[Row]:
    """One bilinear form at 100 modes (50 and their conjugates) against 20 real FFTs."""
    return [low_modes_of(n) for n in (512, 1024)]


def low_modes_of(n: int) -> Row:
    snapshot = Snapshot(2, n)
    q = np.array([[i, j] for i in range(6) for j in range(-5, 6) if i > 0 or j > 0][:50])
    table = VirialTable.build(MIXTURE, snapshot.cell, snapshot.counts, q)
    fields = np.stack([snapshot.density, snapshot.force_density[:, 0]], axis=1)
    ours, peer = alternating(
        lambda: bilinear(fields, table, [[(0, 1)]]),
        transforms(2, n, forward=10, backward=10),
        RUNS,
    )
    name = "20 real FFTs of the dealiased grid (ducc0)"
    return Row("budget-modes (ms)", f"{n}^2, 100 modes", 1, ours, peer, name, peer / ours, 1.0)


@pjit
def direct_map(f: Real, g: Real, offsets: Any, weights: Real, out: Real) -> None:
    """Σ_y ½h²W(y) ∫dλ Σ_k f_k(x-λy) g_k(x+(1-λ)y) over grid offsets y.

    λ runs over as many midpoints as y has steps along its longer axis, each taken to the nearest
    grid point. The grid is a power of two.
    """
    n = f.shape[1]
    for x in numba.prange(n):
        pairs = np.empty(n)
        for m in range(offsets.shape[0]):
            a, b = offsets[m]
            steps = max(abs(a), abs(b))
            pairs[:] = 0.0
            for t in range(steps):
                i = int(np.rint((t + 0.5) / steps * a))
                j = int(np.rint((t + 0.5) / steps * b))
                for k in range(f.shape[0]):
                    first, second = f[k, (x - i) & (n - 1)], g[k, (x - i + a) & (n - 1)]
                    for y in range(n):
                        pairs[y] += first[(y - j) & (n - 1)] * second[(y - j + b) & (n - 1)]
            for c in range(out.shape[0]):
                factor = weights[c, m] / steps
                for y in range(n):
                    out[c, x, y] += factor * pairs[y]


def map_state(n: int, length: float, ell: float) -> tuple[Currents, Cell]:
    """Coarse-grained white noise with the modes that its scale needs, as everywhere."""
    cell = Cell.cubic(length, 2)
    counts = cell.counts_up_to(GAUSSIAN.band(2) / ell)
    density = grid_to_modes(np.random.default_rng(3).random((1, n, n)), cell, counts)
    field = ForceField(MIXTURE, cell, counts)
    filter_ = GAUSSIAN.filter(cell, counts, ell)
    return currents(density, field.force_density(density), filter_, field, TEMPERATURE), cell


def flux_map() -> list[Row]:
    """The map of Q_flux at 512², ℓ = r_c/4, L = 20 r_c, against the direct sum on two cores."""
    n, length, reach = 512, 20.0, 1.0
    state, cell = map_state(n, length, reach / 4.0)
    h = length / n
    steps = range(-int(reach / h), int(reach / h) + 1)
    offsets = np.array([(i, j) for i in steps for j in steps if 0 < np.hypot(i, j) * h < reach])
    y = offsets.T * h
    r = np.linalg.norm(y, axis=0)
    slope = MIXTURE.table[0][0].slope(r) / r
    weights = 0.5 * h**2 * slope * np.array([y[0] * y[0], y[0] * y[1], y[1] * y[1]])
    f, g = np.random.default_rng(4).random((2, 2, n, n))
    out = np.zeros((3, n, n))
    ours, peer = alternating(
        lambda: source_map(state, "Q_flux", MIXTURE, cell, (n, n)),
        lambda: direct_map(f, g, offsets, weights, out),
        5,
    )
    name = f"direct sum over {len(offsets)} grid offsets (numba, 2 threads)"
    return [Row("budget-map (ms)", "512^2, l = r_c/4", 1, ours, peer, name, peer / ours, 20.0)]


def all_scales() -> list[Row]:
    """All ℓ of a snapshot of particles, against 2.5 times its smallest ℓ: smeared, 2D."""
    number, length = 4096, 60.0
    cell = Cell.cubic(length, 2)
    positions = cell.cartesian(np.random.default_rng(5).random((number, 2)))
    species = np.zeros(number, dtype=np.int64)
    bonds = find_bonds(positions, species, PairTable.from_mixture(MIXTURE), cell)
    weights = np.concatenate([np.ones((1, number)), forces(bonds).T])
    functions = TestFunctions.bumps(2, count=4, sharpness=1, seed=1)
    ells = 0.3 * np.sqrt(2.0) ** np.arange(9)
    counts = [cell.counts_up_to(GAUSSIAN.band(2) / ell) for ell in ells]
    budgets = [Budget(MIXTURE, cell, count, functions) for count in counts]
    filters = [GAUSSIAN.filter(cell, count, ell) for count, ell in zip(counts, ells, strict=True)]

    def reduce(last: int) -> None:
        modes = point_modes(positions, weights, cell, counts[0])
        for count, budget, filter_ in zip(counts[:last], budgets, filters, strict=False):
            part = truncate(modes, 2, count)
            state = currents(part[:1], part[np.newaxis, 1:], filter_, budget.field, TEMPERATURE)
            budget.balance(state)

    ours, smallest = alternating(lambda: reduce(len(ells)), lambda: reduce(1), RUNS)
    peer = 2.5 * smallest
    size = f"N = {number}, {len(ells)} scales, l = {ells[0]:g} ... {ells[-1]:.3g}"
    name = "2.5 times the smallest scale"
    return [Row("budget-scales (ms)", size, 1, ours, peer, name, peer / ours, 1.0)]


def memory() -> list[Row]:
    """Peak memory of what is allocated on the way, in real fields of the grid in use."""
    n = 512
    state, cell = map_state(n, 20.0, 0.25)
    one_map = peak_memory(lambda: source_map(state, "Q_flux", MIXTURE, cell, (n, n)))
    peaks = {
        "totals, 512^2": totals_memory(2, 512),
        "totals, 64^3": totals_memory(3, 64),
        "map, 512^2": one_map / (8.0 * n**2),
    }
    return [
        Row("budget-memory (fields)", size, 1, peak, 12.0, "limit", 12.0 / peak, 1.0)
        for size, peak in peaks.items()
    ]


def totals_memory(dim: int, n: int) -> float:
    snapshot = Snapshot(dim, n)
    budget = snapshot.box_totals()
    return peak_memory(lambda: budget.balance(snapshot.state())) / (8.0 * n**dim)


def peak_memory(work: Callable[[], object]) -> float:
    """Bytes allocated by a second call at its peak."""
    work()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(peak)


BENCHMARKS = (totals, low_modes, flux_map, all_scales, memory)
