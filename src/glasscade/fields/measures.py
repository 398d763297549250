"""Densities that concentrate, as points that carry their mass: the noiseless Dean equation.

At T = 0 (Eq. 25) a density may concentrate, in finite time where the force jumps at contact, and
no grid follows it. The measure it then is moves with the characteristics of the equation,

    dx_a/dt = -F_s(x_a) + f_s(x_a),      F_s(x) = Σ_s' Σ_b w_b ∇V_ss'(x - x_b),   ∇V(0) := 0,

of very many points a of species s and weight w_a = ρ dV. They are lumps of a continuous density and
no particles: a point exerts no force on itself, but the balance of its density takes none away.

Where the transform of ∇V is below round-off on few modes, forces are sums of modes, which cost as
much as the points and the modes are many; elsewhere they are direct sums over pairs.

Where V attracts with a force that jumps at contact, points collide, and an explicit scheme would
chatter about every collision. Points closer than a merging radius become one there, of the same
mass and centre of mass; the error is of first order in the radius.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.integrate import DOP853

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import External, each_species
from glasscade.force import ForceField
from glasscade.jit import jit
from glasscade.potentials import Mixture, Potential, kernels
from glasscade.transforms import (
    grid_to_modes,
    mode_counts,
    modes_at_points,
    modes_to_grid,
    point_modes,
    truncate,
)

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

VANISHING = 1e-14
"""Weight of a point, relative to the largest, below which the point is dropped."""
UNRESOLVED = 1e-8
"""Largest negative density that interpolation may leave, relative to the largest density."""
BAND = 1e-13
"""p V_hat beyond the modes, relative to its maximum: the accuracy of point sums."""
REACHES = (128.0, 256.0, 512.0, 1024.0)
"""Highest p times the range of V up to which a band is looked for."""
MOST_MODES = 4_000_000
"""Beyond this number of modes the direct sum is taken."""
SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
"""Factors of the next step: of what the error allows, and its range."""
APPROACH = 0.5
"""Part of its distance by which a pair may approach in a step."""
ROUND_OFF = 100.0 * float(np.finfo(np.float64).eps)
"""Of positions relative to the cell, and the least relative tolerance the integrator takes."""


@dataclass(frozen=True, eq=False)
class Measure:
    """Σ_a w_a δ(x - x_a) for each species.

    Attributes
    ----------
    position : (N, d)
        x_a, wrapped or not.
    species : (N,)
    weight : (N,)
        w_a > 0, the mass of the density that a point stands for.
    """

    position: Real
    species: Integers
    weight: Real


def sampled(density: Real, cell: Cell, per_axis: int) -> Measure:
    """The points of a uniform grid, each with the mass ρ_s dV about it.

    A density of no more modes than its grid and `per_axis` hold is interpolated exactly; its
    moments ∫φρ are those of the midpoint rule, which errs by modes beyond `per_axis` alone.

    Parameters
    ----------
    density : (S, n_1, ..., n_d)
        ρ_s >= 0 at the fractional coordinates j/n.
    cell : Cell
    per_axis : int
        Points along each axis, of each species. Those of vanishing weight are left out.

    Raises
    ------
    ConfigError
        If `per_axis` is not positive.
    ResolutionError
        If interpolation makes the density negative.
    """
    if per_axis < 1:
        raise ConfigError(f"per_axis: {per_axis} must be at least 1")
    dim = cell.dim
    shape = (per_axis,) * dim
    values = density if density.shape[1:] == shape else _interpolated(density, cell, shape)
    least, most = float(np.min(values)), float(np.max(values))
    if least < -UNRESOLVED * most:
        raise ResolutionError(
            f"per_axis: a grid of {per_axis} points per axis leaves a negative density, {least:.1e}"
            f" beside {most:.1e}; take more points"
        )
    kept = values > VANISHING * most
    where = np.nonzero(kept)
    fractional = np.stack(where[1:], axis=-1) / per_axis
    return Measure(
        position=cell.cartesian(fractional),
        species=np.asarray(where[0], dtype=np.int64),
        weight=values[kept] * (cell.volume / per_axis**dim),
    )


def _interpolated(density: Real, cell: Cell, shape: tuple[int, ...]) -> Real:
    modes = grid_to_modes(density, cell)
    most = mode_counts(modes, cell.dim)
    counts = tuple(min(m, (n - 1) // 2) for m, n in zip(most, shape, strict=True))
    return modes_to_grid(truncate(modes, cell.dim, counts), cell, shape)


def direct_force(
    measure: Measure, mixture: Mixture, cell: Cell, at: Integers | None = None
) -> Real:
    """F_s(x_a) of the points `at`, by default of all, (len(at), d): a sum over pairs and images."""
    at = np.arange(len(measure.weight)) if at is None else at
    points = _padded(cell.fractional(measure.position))
    matrix = _padded_matrix(cell)
    forces = np.zeros((len(at), 3))
    sources = [np.flatnonzero(measure.species == s) for s in range(mixture.species)]
    for a, b, potential in mixture.pairs():
        rows = np.flatnonzero(measure.species[at] == a)
        part = np.zeros((rows.size, 3))
        _add_forces(
            points[at[rows]],
            points[sources[b]],
            measure.weight[sources[b]],
            matrix,
            _padded(_images(cell, potential.cutoff)),
            potential.kind,
            potential.parameters,
            potential.cutoff,
            part,
        )
        forces[rows] += part
    return forces[:, : cell.dim]


def _padded(vectors: Real) -> Real:
    """Three components, so that one compiled loop serves all dimensions."""
    return np.pad(vectors, [(0, 0), (0, 3 - vectors.shape[1])])


def _padded_matrix(cell: Cell) -> Real:
    matrix = np.eye(3)
    matrix[: cell.dim, : cell.dim] = cell.matrix
    return matrix


def _images(cell: Cell, cutoff: float) -> Real:
    """Integers n for which h(s + n), |s_i| <= 1/2, may be shorter than the cutoff."""
    reaches = cutoff * np.linalg.norm(np.linalg.inv(cell.matrix), axis=1)
    # |s_i + n_i| < reach_i; the slack keeps a cutoff of half the width to one image.
    most = np.ceil(reaches - 0.5 - 1e-9).astype(np.int64)
    axes = [np.arange(-m, m + 1, dtype=np.float64) for m in most]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, cell.dim)


@jit
def _nearest(s: Real, t: Real) -> tuple[float, float, float]:
    """s - t in fractional coordinates, of the nearest image along each of them."""
    x, y, z = s[0] - t[0], s[1] - t[1], s[2] - t[2]
    return x - np.rint(x), y - np.rint(y), z - np.rint(z)


@jit
def _cartesian(matrix: Real, x: float, y: float, z: float) -> tuple[float, float, float]:
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z,
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z,
        matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z,
    )


@jit
def _add_forces(
    targets: Real,
    sources: Real,
    weight: Real,
    matrix: Real,
    images: Real,
    kind: int,
    row: Real,
    cutoff: float,
    forces: Real,
) -> None:
    """Add Σ_b w_b ∇V(x_a - x_b) to every target, with points in fractional coordinates."""
    for a in range(len(targets)):
        for n in range(len(images)):
            if kind == kernels.FREE_CONE:
                pull = _pull_of_cone(targets[a], sources, weight, matrix, images[n], row)
            else:
                pull = _pull(targets[a], sources, weight, matrix, images[n], kind, row, cutoff)
            for k in range(3):
                forces[a, k] += pull[k]


@jit
def _pull(
    target: Real,
    sources: Real,
    weight: Real,
    matrix: Real,
    image: Real,
    kind: int,
    row: Real,
    cutoff: float,
) -> tuple[float, float, float]:
    """Σ_b w_b ∇V of one image of every source."""
    fx, fy, fz = 0.0, 0.0, 0.0
    for b in range(len(sources)):
        u, v, w = _nearest(target, sources[b])
        x, y, z = _cartesian(matrix, u + image[0], v + image[1], w + image[2])
        r = np.sqrt(x * x + y * y + z * z)
        if 0.0 < r < cutoff:
            pull = weight[b] * kernels.slope(kind, r, row) / r
            fx += pull * x
            fy += pull * y
            fz += pull * z
    return fx, fy, fz


@jit
def _pull_of_cone(
    target: Real, sources: Real, weight: Real, matrix: Real, image: Real, row: Real
) -> tuple[float, float, float]:
    """`_pull` for a V' that is constant: without a call inside, the loop is four times as fast."""
    fx, fy, fz = 0.0, 0.0, 0.0
    for b in range(len(sources)):
        u, v, w = _nearest(target, sources[b])
        x, y, z = _cartesian(matrix, u + image[0], v + image[1], w + image[2])
        r = np.sqrt(x * x + y * y + z * z)
        if 0.0 < r < row[1]:
            pull = weight[b] / r
            fx += pull * x
            fy += pull * y
            fz += pull * z
    return row[0] * fx, row[0] * fy, row[0] * fz


class Force:
    """F_s at the points of a measure, by modes where few of them hold ∇V, otherwise by pairs.

    Attributes
    ----------
    counts : (M_1, ..., M_d) or None
        The modes that are used.
    """

    def __init__(self, mixture: Mixture, cell: Cell) -> None:
        self.counts = smooth_counts(mixture, cell)
        self._mixture, self._cell = mixture, cell
        self._field = None if self.counts is None else ForceField(mixture, cell, self.counts)

    def __call__(self, measure: Measure) -> Real:
        """F_s(x_a) of every point, (N, d)."""
        if self.counts is None or self._field is None:
            return direct_force(measure, self._mixture, self._cell)
        mine = [measure.species == s for s in range(self._mixture.species)]
        x, w = measure.position, measure.weight
        density = np.array([point_modes(x[m], w[m], self._cell, self.counts) for m in mine])
        forces = np.empty_like(x)
        for m, modes in zip(mine, self._field.force(density), strict=True):
            forces[m] = modes_at_points(modes, x[m], self._cell).T
        return forces


def smooth_counts(mixture: Mixture, cell: Cell) -> tuple[int, ...] | None:
    """The modes beyond which p V_hat(p) of all pairs is round-off; None if they were too many."""
    bands = [_band(potential, cell.dim) for potential in mixture.distinct()[0]]
    counts = cell.counts_up_to(max(bands)) if np.all(np.isfinite(bands)) else None
    if counts is None or np.prod([2.0 * m + 1.0 for m in counts]) > MOST_MODES:
        return None
    return counts


def _band(potential: Potential, dim: int) -> float:
    """The p beyond which p V_hat(p) is round-off, infinite if none is found."""
    for reach in REACHES:
        p = np.linspace(0.0, reach / potential.cutoff, 257)
        amplitude = p * np.abs(potential.virial(p, dim)[0])  # V_hat is minus the transverse part
        last = int(np.flatnonzero(amplitude >= BAND * np.max(amplitude))[-1])
        if last < 192:  # a quarter of what was looked at lies beyond
            return float(p[last + 1])
    return np.inf


def steepest(potential: Potential) -> float:
    """Largest |V'|, of a thousand distances within the range."""
    return float(np.max(np.abs(potential.slope(np.linspace(0.0, potential.cutoff, 1001)[1:]))))


def evolve(
    measure: Measure,
    mixture: Mixture,
    cell: Cell,
    times: Sequence[float],
    tolerance: float,
    *,
    external: External = None,
    merge: float | None = None,
) -> Iterator[tuple[Real, Real]]:
    """Yield position and force of all points at each time, dx_a/dt = -F_s(x_a) + f_s(x_a).

    Without merging by the Runge-Kutta pair of order 8(5,3), with it by that of order 3(2), whose
    steps are no longer than half the time in which the closest pair would meet.

    Parameters
    ----------
    measure : Measure
        At the first of the times.
    times : increasing
    tolerance : float
        Largest root-mean-square error of coordinates in one step, in l0.
    external : ExternalForce or one for each species, optional
    merge : float, optional
        Distance in l0 below which points of a single species become one. They stay in the output,
        all at the same place and with weights of their own.

    Yields
    ------
    position, force : (N, d)
        x_a, not wrapped, and F_s(x_a), minus the physical force.

    Raises
    ------
    ConfigError
        If V attracts with a force that jumps at contact and there is no merging radius, if points
        of several species shall merge, or tolerance or radius are below round-off.
    StabilityError
        If the step falls below round-off of the time.
    """
    for key, value in (("tolerance", tolerance), ("merge", merge)):
        least = ROUND_OFF * cell.smallest_width
        if value is not None and not value >= least:
            raise ConfigError(f"{key}: {value:g} must be at least {least:.2g}, the round-off")
    law = _Velocity(mixture, cell, external)
    if merge is None:
        _require_no_collisions(mixture)
        return _smooth(measure, law, times, tolerance)
    if mixture.species > 1:
        raise ConfigError(f"merge: points of {mixture.species} species cannot merge, only of one")
    return _merging(measure, law, times, tolerance, merge)


def _require_no_collisions(mixture: Mixture) -> None:
    for potential in mixture.distinct()[0]:
        if potential.collapses:
            raise ConfigError(
                f"merge: a merging radius is needed, since points that attract by "
                f"'{potential.name}' collide"
            )


class _Velocity:
    """dx_a/dt of all points, beside F_s(x_a)."""

    def __init__(self, mixture: Mixture, cell: Cell, external: External) -> None:
        self.cell = cell
        self._force = Force(mixture, cell)
        self._driving = each_species(external, mixture.species)

    def __call__(self, measure: Measure) -> tuple[Real, Real]:
        force = self._force(measure)
        velocity = -force
        for s, external in enumerate(self._driving or ()):
            mine = measure.species == s
            velocity[mine] += external.at(self.cell, measure.position[mine])
        return velocity, force


def _smooth(
    measure: Measure, law: _Velocity, times: Sequence[float], tolerance: float
) -> Iterator[tuple[Real, Real]]:
    shape = measure.position.shape

    def at(flat: Real) -> Measure:
        return replace(measure, position=flat.reshape(shape))

    solver = DOP853(
        lambda _, flat: law(at(flat))[0].ravel(),
        float(times[0]),
        measure.position.ravel(),
        float(times[-1]),
        rtol=ROUND_OFF,
        atol=tolerance,
    )
    for time in times:
        while solver.t < time:
            solver.step()
            if solver.status == "failed":
                raise _lost(solver.t, tolerance)
        flat = solver.y if solver.t == time else solver.dense_output()(time)
        yield flat.reshape(shape), law(at(flat))[1]


def _lost(time: float, tolerance: float) -> StabilityError:
    return StabilityError(
        f"tolerance: {tolerance:g} cannot be met at the time {time:g}, where the step falls below "
        "the round-off of time; count time from zero, or take a larger tolerance"
    )


def _merging(
    measure: Measure, law: _Velocity, times: Sequence[float], tolerance: float, radius: float
) -> Iterator[tuple[Real, Real]]:
    """Steps of Bogacki and Shampine; after each the points that have come close become one."""
    time = float(times[0])
    measure, lump = _merged(measure, law.cell, radius)
    velocity, force = law(measure)
    allowed = np.inf
    for target in times:
        while time < target:
            step = min(allowed, APPROACH * _time_to_meet(measure, velocity, law.cell))
            step, last = (target - time, True) if time + step >= target else (step, False)
            if time + step == time:
                raise _lost(time, tolerance)
            moved, end, error = _step(measure, velocity, law, step)
            factor = SAFETY * (tolerance / max(error, 1e-300)) ** (1.0 / 3.0)
            allowed = step * min(max(factor, SHRINK), GROW)
            if error > tolerance:
                continue
            time = float(target) if last else time + step
            measure, into = _merged(moved, law.cell, radius)
            lump = into[lump]
            velocity, force = end if len(measure.weight) == len(moved.weight) else law(measure)
        yield measure.position[lump], force[lump]


def _step(
    measure: Measure, first: Real, law: _Velocity, step: float
) -> tuple[Measure, tuple[Real, Real], float]:
    """The measure after a step, velocity and force there, and the error of the step."""
    x = measure.position
    second = law(replace(measure, position=x + 0.5 * step * first))[0]
    third = law(replace(measure, position=x + 0.75 * step * second))[0]
    slopes = (2.0 * first + 3.0 * second + 4.0 * third) / 9.0
    moved = replace(measure, position=x + step * slopes)
    fourth, force = law(moved)
    embedded = (7.0 * first + 6.0 * second + 8.0 * third + 3.0 * fourth) / 24.0
    error = step * float(np.sqrt(np.mean((slopes - embedded) ** 2)))
    return moved, (fourth, force), error


def _time_to_meet(measure: Measure, velocity: Real, cell: Cell) -> float:
    """min r²/(-r·v) over all pairs that approach: none halves its distance in half of it."""
    points = _padded(cell.fractional(measure.position))
    return _meeting(points, _padded(velocity), _padded_matrix(cell))


@jit
def _meeting(points: Real, velocity: Real, matrix: Real) -> float:
    least = np.inf
    for a in range(len(points)):
        for b in range(a):
            u, v, w = _nearest(points[a], points[b])
            x, y, z = _cartesian(matrix, u, v, w)
            closing = (
                x * (velocity[b, 0] - velocity[a, 0])
                + y * (velocity[b, 1] - velocity[a, 1])
                + z * (velocity[b, 2] - velocity[a, 2])
            )
            square = x * x + y * y + z * z
            if square < least * closing:
                least = square / closing
    return least


def _merged(measure: Measure, cell: Cell, radius: float) -> tuple[Measure, Integers]:
    """The measure with no two points closer than the radius, and where each point has gone."""
    points = _padded(cell.fractional(measure.position))
    weight, into = measure.weight.copy(), np.arange(len(measure.weight))
    while _merge(points, weight, into, _padded_matrix(cell), radius):
        pass
    kept = np.flatnonzero(into == np.arange(len(into)))
    if kept.size == into.size:
        return measure, into
    number = np.empty(len(into), dtype=np.int64)
    number[kept] = np.arange(kept.size)
    fewer = Measure(cell.cartesian(points[kept, : cell.dim]), measure.species[kept], weight[kept])
    return fewer, number[_roots(into)]


@jit
def _merge(points: Real, weight: Real, into: Integers, matrix: Real, radius: float) -> bool:
    """Move every point that is close to an earlier one into it; whether there was any."""
    any_ = False
    for a in range(len(points)):
        for b in range(a + 1, len(points)):
            if into[a] != a or into[b] != b:
                continue
            u, v, w = _nearest(points[b], points[a])
            x, y, z = _cartesian(matrix, u, v, w)
            if x * x + y * y + z * z < radius * radius:
                part = weight[b] / (weight[a] + weight[b])
                points[a, 0] += part * u
                points[a, 1] += part * v
                points[a, 2] += part * w
                weight[a] += weight[b]
                into[b] = a
                any_ = True
    return any_


@jit
def _roots(into: Integers) -> Integers:
    """Where each point has gone in the end, which is always an earlier one."""
    roots = into.copy()
    for b in range(len(roots)):
        roots[b] = roots[into[b]]
    return roots
