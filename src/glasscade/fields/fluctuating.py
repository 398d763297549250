"""The fluctuating Dean equation as a finite-volume SPDE that keeps mass and positivity.

    ∂t ρ_s = ∇·(ρ_s F_s) - ∇·(ρ_s f_s) + T ∇²ρ_s + ∇·(sqrt(2Tρ_s) η_s)                  (Eq. 6)

with F_s = Σ_s' ∇V_ss' * ρ_s' and space-time white vectors η_s. ρ_s is a number density: the noise
is that of N_s = ∫ρ_s particles. Densities live in the cells of a straight grid, currents on the
faces between them, along the axis of each face (Donev, Vanden-Eijnden, Garcia & Bell 2010):

    j = -T Gρ - ρ_f G(V*ρ) + ρ_f f - sqrt(2T ρ_n/(dV dt)) W ,      ∂t ρ = -Dj ,      D = -Gᵀ ,

G the difference across a face over dx, V*ρ by Fourier transforms, ρ_f the mean of the two cells and
ρ_n = ρ_f h(N) h(N') the same, damped where a cell holds less than one particle: h(N) = N between 0
and 1 (Kim, Nonaka, Bell, Garcia & Donev 2017). Diffusion, interaction and noise share one G, so
that the structure factor of the linear equation is 1/(1 + ρV_hat(k)/T) at every wavevector of the
grid. In time an explicit midpoint, of second weak order for noise of this form (Anderson &
Mattingly 2011), which leaves S(k) right to the third order of dt:

    ρ*     = ρ - ½dt D j(ρ; W₁, dt/2) ,
    ρ(+dt) = ρ - dt D [ -T Gρ* - ρ*_f G(V*ρ*) + ρ*_f f ] + sqrt(T dt/dV) D [ sqrt(ρ_n) W₁
             + sqrt((2ρ*_n - ρ_n)⁺) W₂ ] .

In both stages the outflow of a cell is cut to what the cell holds: the density is never negative,
and what leaves a cell enters its neighbour. docs/fluctuating.md says what this costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import External, each_species
from glasscade.force import MeanField
from glasscade.jit import jit
from glasscade.particles.noise import Normals, Words, check_counters, fill_normals
from glasscade.potentials import Mixture

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ACCURATE = 0.5
"""Largest dt·rate at the start. The structure factor of a mode of that rate is 2.5 % too high, and
0.25 % at half the rate: x³/(4(2 - 2x + x²)) to leading order, x = dt·rate."""
STABLE = 2.0
"""Largest dt·rate of a mode that does not grow in the explicit midpoint."""
FEWEST = 5.0
"""Least mean number of particles of a species in a cell: below, the cut of outflows and the damping
of the noise show in the structure factor (docs/fluctuating.md)."""
KEPT = 1e-14
"""What a cell that would lose everything keeps of it, so that round-off does not make it negative:
some ten additions."""
VOID = 1e-200
"""A density of which nothing is taken, since what is kept of it would not be a normal number."""


class _Stage(NamedTuple):
    """What a stage of a step has: its part of dt, whether it has W₂ (1 or 0), and dV."""

    part: float
    second: float
    volume: float


@jit
def _shift(values: Real, block: int, by: int, out: Real) -> None:
    """Move every block of cells by so many places towards its beginning, and what falls off behind.

    With the blocks of an axis, `by` its stride, a cell has then what the next one along it had.
    """
    for start in range(0, values.size, block):
        for i in range(start, start + block - by):
            out[i] = values[i + by]
        for i in range(start, start + by):
            out[i + block - by] = values[i]


@jit
def _damped(here: float, there: float, volume: float) -> float:
    """ρ_n of the face between two cells: their mean, times h(N) of each."""
    few = min(max(volume * here, 0.0), 1.0) * min(max(volume * there, 0.0), 1.0)
    return 0.5 * (here + there) * few


@jit
def _cross(
    cells: Real,
    ahead: Real,
    force: Real,
    noise: tuple[Normals, Normals],
    factors: Real,
    stage: _Stage,
    out: Real,
) -> None:
    """What crosses the face ahead of each cell along one axis in one stage.

    `cells` and `ahead` hold ρ of the step, ρ of the stage and V*ρ, in each cell and in the next;
    `factors` are of diffusion, drift, external force and noise.
    """
    old, now, field = cells
    old_ahead, now_ahead, field_ahead = ahead
    diffusion, drift, external, strength = factors
    one, two = noise
    # Two loops: with more arrays in one, the compiler gives up vectorising it.
    for i in range(out.size):
        slope = drift * (field_ahead[i] - field[i]) - external * force[i]
        steady = diffusion * (now_ahead[i] - now[i]) + 0.5 * (now[i] + now_ahead[i]) * slope
        out[i] = -stage.part * steady
    for i in range(out.size):
        first = _damped(old[i], old_ahead[i], stage.volume)
        later = max(2.0 * _damped(now[i], now_ahead[i], stage.volume) - first, 0.0)
        kick = math.sqrt(first) * one[i] + stage.second * math.sqrt(later) * two[i]
        out[i] -= strength * kick


@jit
def _cut(density: Real, crossing: Real, grid: Integers, share: Real, other: Real) -> int:
    """The share of its outflow that each cell holds, at most 1; return how many hold less."""
    share[:] = 0.0
    for a in range(len(grid)):
        flow, (block, stride) = crossing[a], grid[a]
        _shift(flow, block, block - stride, other)
        for i in range(share.size):
            share[i] += max(flow[i], 0.0) + max(-other[i], 0.0)
    cut = 0
    for i in range(share.size):
        if share[i] * (1.0 + KEPT) > density[i]:
            share[i] = (1.0 - KEPT) * density[i] / share[i] if density[i] > VOID else 0.0
            cut += 1
        else:
            share[i] = 1.0
    return cut


@jit
def _move(
    density: Real, crossing: Real, grid: Integers, share: Real, other: Real, out: Real
) -> int:
    """Move what crosses the faces, as far as there is as much; return how many cells had less."""
    cut = _cut(density, crossing, grid, share, other)
    out[:] = density
    for a in range(len(grid)):
        flow, (block, stride) = crossing[a], grid[a]
        if cut > 0:
            _shift(share, block, stride, other)
            for i in range(flow.size):
                flow[i] = max(flow[i], 0.0) * share[i] - max(-flow[i], 0.0) * other[i]
        _shift(flow, block, block - stride, other)
        for i in range(flow.size):
            out[i] += other[i] - flow[i]
    return cut


@jit
def _advance(
    cells: Real,
    force: Real,
    noise: Normals,
    grid: Integers,
    factors: Real,
    stage: _Stage,
    crossing: Real,
    ahead: Real,
    out: Real,
) -> int:
    """One stage: ρ of the step, moved by the currents of ρ of the stage; arrays are flat.

    `grid` has for each axis the cells of a block, within which it returns to its beginning, and
    the stride to the next cell.
    """
    for a in range(len(grid)):
        block, stride = grid[a]
        for row in range(3):
            _shift(cells[row], block, stride, ahead[row])
        both = (noise[0, a], noise[1, a])
        _cross(cells, ahead, force[a], both, factors[a], stage, crossing[a])
    return _move(cells[0], crossing, grid, ahead[0], ahead[1], out)


class FluctuatingDean:
    """The scheme on one grid, with one mixture, temperature, step and seed.

    Attributes
    ----------
    cut
        In how many cells, of all species, stages and steps so far, the outflow was cut.

    Raises
    ------
    ConfigError
        If the cell is not straight, or an argument does not fit it or is out of range.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        mixture: Mixture,
        cell: Cell,
        temperature: float,
        dt: float,
        seed: int,
        external: External = None,
    ) -> None:
        if np.any(cell.matrix != np.diag(np.diag(cell.matrix))):
            raise ConfigError("cell: the finite volumes need a straight cell, give a diagonal one")
        if len(shape) != cell.dim or min(shape) < 2:
            raise ConfigError(
                f"density: a grid of {cell.dim} axes of at least 2 points is needed, not {shape}"
            )
        for name, value in (("temperature", temperature), ("dt", dt)):
            if not 0.0 <= value < math.inf or (name == "dt" and value == 0.0):
                raise ConfigError(f"{name}: {value:g} must be finite and positive")
        check_counters(0, 0, seed, cell.dim)
        self.shape, self.temperature, self.dt, self.seed = shape, temperature, dt, seed
        self.spacing = np.diag(cell.matrix) / shape
        self.volume = float(np.prod(self.spacing))
        self.cut = 0
        species, cells = mixture.species, math.prod(shape)
        self.mean_field = MeanField(mixture, cell, shape)
        self._faces = np.arange(cell.dim * species * cells, dtype=np.uint32)
        self._words: Words = np.zeros((2, self._faces.size), dtype=np.uint32)
        self._normals: Normals = np.zeros((2, self._faces.size), dtype=np.float32)
        self.external = _on_faces(external, species, cell, shape)
        dx = self.spacing
        strength = np.sqrt(temperature * dt / self.volume) / dx
        self._factors = np.stack([temperature * dt / dx**2, dt / dx**2, dt / dx, strength], axis=1)
        ends = [math.prod(shape[axis:]) for axis in range(cell.dim + 1)]
        self._grid = np.array([*pairwise(ends)], dtype=np.int64)
        self._stages = _Stage(0.5, 0.0, self.volume), _Stage(1.0, 1.0, self.volume)
        self._cells, self._ahead = np.empty((2, 3, species * cells))
        self._crossing = np.empty((cell.dim, species * cells))

    def advance(self, density: Real, first: int, last: int) -> Real:
        """The density (S, *grid) at step `last`, from that at step `first`."""
        for step in range(first, last):
            density = self.step(density, self.noise(step))
        return density

    def noise(self, step: int) -> Normals:
        """W₁ and W₂ on the face ahead of each cell along each axis: (2, d, S * cells).

        A function of (seed, step, axis, species, cell) alone; valid until the next call.
        """
        if self.temperature > 0.0:
            fill_normals(self._faces, step, self.seed, self._words, self._normals)
        return self._normals.reshape(2, len(self.shape), -1)

    def step(self, density: Real, noise: Normals) -> Real:
        """One step with the given normals."""
        cells = self._cells
        cells[0] = cells[1] = density.ravel()
        for stage in self._stages:
            result = np.empty_like(density)
            cells[2] = self.mean_field(cells[1].reshape(density.shape)).ravel()
            force = self.external.reshape(self._crossing.shape)
            grid = (self._grid, self._factors, stage, self._crossing, self._ahead)
            self.cut += _advance(cells, force, noise, *grid, result.reshape(-1))
            cells[1] = result.ravel()
        return result

    def rate(self, density: Real) -> float:
        """The fastest rate of diffusion, interaction and transport at this density.

        max_k k̃²(T + ρ_max Σ_s'|V_hat_ss'|) + Σ_axes max|F|/dx, k̃ = 2 sin(k dx/2)/dx.
        """
        sides = self.spacing.reshape(-1, *[1] * len(self.shape))
        sines = np.sin(0.5 * self.mean_field.wavevectors * sides)
        squares = np.sum((2.0 * sines / sides) ** 2, axis=0)
        strengths = np.sum(np.abs(self.mean_field.potential), axis=1)
        relaxation = squares * (self.temperature + np.max(density) * strengths)
        field = self.mean_field(density)
        transport = 0.0
        for axis, dx in enumerate(self.spacing):
            force = (np.roll(field, -1, 1 + axis) - field) / dx - self.external[axis]
            transport += float(np.max(np.abs(force))) / dx
        return float(np.max(relaxation)) + transport


def simulate(
    density: Real,
    mixture: Mixture,
    cell: Cell,
    temperature: float,
    dt: float,
    steps: Sequence[int] | Integers,
    seed: int,
    external: External = None,
    *,
    first_step: int = 0,
) -> Iterator[Real]:
    """Iterate over the densities (S, *grid) at the given steps.

    Parameters
    ----------
    density : (S, *grid)
        ρ_s >= 0 in the cells at `first_step`, in particles per volume. With what an earlier run
        gave out at a step, and that step, the run goes on to the same bits.
    mixture : Mixture
        V_ss'.
    cell : Cell
        Straight; its sides may differ.
    temperature : float
        T >= 0; at T = 0 there is no noise.
    dt : float
        Time step, fixed.
    steps : increasing integers
        Numbers of the steps to give out, none before `first_step`.
    seed : int
        Names the realisation of the noise, in [0, 2^32).
    external : ExternalForce or one for each species, optional
        f.

    Raises
    ------
    ConfigError
        If an argument is out of range or the cell is not straight.
    ResolutionError
        If the grid is so fine that a cell holds fewer than `FEWEST` particles on average.
    StabilityError
        If dt·rate exceeds `ACCURATE` at the start or, in the iteration, `STABLE` at an output.
    """
    numbers = np.asarray(steps, dtype=np.int64)
    if numbers.ndim != 1 or numbers.size == 0 or np.any(np.diff(numbers) <= 0):
        raise ConfigError(f"steps: {list(steps)} must be increasing integers, at least one")
    if not 0 <= first_step <= numbers[0]:
        raise ConfigError(f"steps: {numbers[0]} must not be before first_step = {first_step} >= 0")
    check_counters(0, int(numbers[-1]), seed, cell.dim)
    start = np.array(density, dtype=np.float64, order="C")
    _check_density(start, mixture)
    scheme = FluctuatingDean(start.shape[1:], mixture, cell, temperature, dt, seed, external)
    if temperature > 0.0:
        require_occupied(start, scheme.volume)
    require_stable(scheme, start, ACCURATE)
    return _densities(scheme, start, first_step, numbers)


def _densities(
    scheme: FluctuatingDean, density: Real, step: int, numbers: Integers
) -> Iterator[Real]:
    for number in numbers.tolist():
        density = scheme.advance(density, step, number)
        step = number
        require_stable(scheme, density, STABLE)
        yield density.copy()


def require_stable(scheme: FluctuatingDean, density: Real, limit: float) -> None:
    """Refuse a step with dt·rate above a limit."""
    rate = scheme.rate(density)
    if not scheme.dt * rate <= limit:
        rounded = 0.995 * ACCURATE / rate  # to three digits, it is not more than what is allowed
        raise StabilityError(
            f"dt: {scheme.dt:g} is too large for rates of {rate:.4g} on this grid; the allowed "
            f"range is 0 < dt <= {rounded:.3g}"
        )


def require_occupied(density: Real, volume: float) -> None:
    """Refuse a grid that leaves fewer than `FEWEST` particles of a species in a cell."""
    means = density.reshape(len(density), -1).mean(axis=1) * volume
    fewest = float(means.min())
    if fewest < FEWEST:
        shape, dim = density.shape[1:], density.ndim - 1
        factor = (fewest / FEWEST) ** (1.0 / dim)
        raise ResolutionError(
            f"points: a grid of {shape} leaves {fewest:.3g} particles of species "
            f"{int(means.argmin())} in a cell, at least {FEWEST:g} are needed; take at most "
            f"{tuple(int(n * factor) for n in shape)} points"
        )


def _check_density(density: Real, mixture: Mixture) -> None:
    """Refuse densities that are none, or are not those of the mixture."""
    if density.ndim < 2 or len(density) != mixture.species:
        raise ConfigError(
            f"density: the shape must be (S, *grid) with S = {mixture.species} species, not "
            f"{density.shape}"
        )
    if not np.all(np.isfinite(density)) or np.min(density) < 0.0:
        raise ConfigError("density: every value must be a finite number and not negative")


def _on_faces(external: External, species: int, cell: Cell, shape: tuple[int, ...]) -> Real:
    """Each component of f at the centres of the faces it crosses, (d, S, *grid)."""
    result = np.zeros((cell.dim, species, *shape))
    forces = each_species(external, species)
    if forces is not None:
        for axis in range(cell.dim):
            faces = cell.grid(shape).reshape(-1, cell.dim)
            faces[:, axis] += 0.5 * cell.matrix[axis, axis] / shape[axis]
            for s, force in enumerate(forces):
                result[axis, s] = force.at(cell, faces)[:, axis].reshape(shape)
    return result
