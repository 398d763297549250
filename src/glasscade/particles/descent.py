"""Steepest descent dx_a/dt = -F_a with a bound on its error: the T = 0 dynamics of plastic events.

The step is that of the Runge-Kutta-Chebyshev method of order 2 (Sommeijer, Shampine & Verwer 1997):
s stages are stable up to h ρ = 0.65 s², ρ the largest rate of relaxation, so that the slow ends
of an event cost few forces, while in between the error sets the step. The local error

    0.8 (x_n - x_{n+1}) - 0.4 h (F_n + F_{n+1})

stays below a tolerance for every coordinate. Along the descent dE/dt = -Σ_a |F_a|², and E falls
strictly, fast where particles are fast. Outputs follow the path s = ∫|v|dt, |v|² = Σ_a |F_a|², in
which an event is finite: rates per path stay bounded at rest, where rates per energy diverge and
rates per time last for ever. They lie where the path turns, as it does when contacts open or close,
and each is a state that a step has reached, not an interpolation.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles.listed import ListedForces
from glasscade.particles.stability import stability_limit

Real = npt.NDArray[np.float64]

_DAMPING = 2.0 / 13.0
_FEWEST, _MOST = 2, 250
"""Stages of a step; more would let round-off grow beyond that of the forces."""
_SAFETY, _SHRINK, _GROW = 0.8, 0.1, 5.0
_FIRST = 0.25
"""The first step, in 1/ρ."""
_SLOWEST = 1e-3
"""The least ρ that is reckoned with, in 1/time."""
_MOST_STEPS = 200_000


@dataclass(frozen=True, eq=False)
class Point:
    """Where a descent stands.

    Attributes
    ----------
    time, path, dissipated : float
        t, ∫|v|dt and ∫|v|²dt since the start, |v|² = Σ_a |F_a|².
    positions, force : (N, d)
        x_a and F_a.
    """

    time: float
    path: float
    dissipated: float
    positions: Real
    force: Real

    @property
    def speed(self) -> float:
        """|v| = (Σ_a |F_a|²)^{1/2}."""
        return float(np.linalg.norm(self.force))

    @property
    def largest_force(self) -> float:
        """max |F|, over particles and components."""
        return float(np.max(np.abs(self.force)))


@dataclass(frozen=True, eq=False)
class Descent:
    """The outputs of a descent.

    Attributes
    ----------
    time, path, dissipated, speed, energy : (K + 1,)
        t, ∫|v|dt, ∫|v|²dt, |v| and U.
    positions : (K + 1, N, d)
    """

    time: Real
    path: Real
    dissipated: Real
    speed: Real
    energy: Real
    positions: Real


class _Stages(NamedTuple):
    """Coefficients of s stages: of the first, and μ, ν, μ̃, γ̃ of all others, (s - 1, 4)."""

    first: float
    others: Real


@cache
def _stages(count: int) -> _Stages:
    """The coefficients of s stages, from T_j, T_j' and T_j'' at w₀ = 1 + ε/s²."""
    w0 = 1.0 + _DAMPING / count**2
    t, dt, ddt = np.ones(count + 1), np.zeros(count + 1), np.zeros(count + 1)
    t[1], dt[1] = w0, 1.0
    for j in range(2, count + 1):
        t[j] = 2.0 * w0 * t[j - 1] - t[j - 2]
        dt[j] = 2.0 * t[j - 1] + 2.0 * w0 * dt[j - 1] - dt[j - 2]
        ddt[j] = 4.0 * dt[j - 1] + 2.0 * w0 * ddt[j - 1] - ddt[j - 2]
    w1 = dt[count] / ddt[count]
    b = np.empty(count + 1)
    b[2:] = ddt[2:] / dt[2:] ** 2
    b[:2] = b[2]
    a = 1.0 - b * t
    now, before, first = b[2:], b[1:-1], b[:-2]
    mu, nu, slope = 2.0 * now * w0 / before, -now / first, 2.0 * now * w1 / before
    return _Stages(float(b[1] * w1), np.stack([mu, nu, slope, -a[1:-1] * slope], axis=1))


def _count(h_rate: float) -> int:
    """The fewest stages that are stable at this h ρ."""
    return max(_FEWEST, 1 + math.isqrt(int(1.0 + 1.54 * h_rate)))


def _step(at: Point, h: float, stages: int, forces: ListedForces) -> tuple[Point, float]:
    """The point a time h later, and the largest local error of a coordinate."""
    first, others = _stages(stages)
    x, f = at.positions, at.force
    before, now = x, x - (first * h) * f
    for mu, nu, slope, rest in others:
        ahead = (1.0 - mu - nu) * x + mu * now + nu * before
        ahead -= h * (slope * forces.forces(now) + rest * f)
        before, now = now, ahead
    moved, force = now - x, forces.forces(now)
    error = float(np.max(np.abs(-0.8 * moved - 0.4 * h * (f + force))))
    # Simpson's rule, with the velocity of Hermite's cubic in the middle.
    middle = 1.5 / h * moved + 0.25 * (f + force)
    squares = np.array([np.vdot(v, v) for v in (f, middle, force)])
    weights = h / 6.0 * np.array([1.0, 4.0, 1.0])
    path, dissipated = weights @ np.sqrt(squares), weights @ squares
    after = Point(at.time + h, at.path + float(path), at.dissipated + float(dissipated), now, force)
    return after, error


def walk(
    positions: Real,
    forces: ListedForces,
    tolerance: float,
    accuracy: float,
) -> Iterator[Point]:
    """Every step of the descent from `positions`, the start first, until max |F| < `tolerance`.

    Parameters
    ----------
    positions : (N, d)
    forces : ListedForces
    tolerance : float
        Of the largest component of F, in V0/l0.
    accuracy : float
        Largest local error of a coordinate in one step, in l0.

    Raises
    ------
    ConfigError
        If the tolerance or the accuracy is not positive.
    ConvergenceError
        If forces are still too large after 200 000 steps.
    """
    for name, value in (("tolerance", tolerance), ("accuracy", accuracy)):
        if not 0.0 < value < math.inf:
            raise ConfigError(f"{name}: {value:g} is outside (0, inf)")
    # The steps then depend on nothing evaluated before.
    forces.renew(positions)
    at = Point(0.0, 0.0, 0.0, positions, forces.forces(positions))
    yield at
    fastest = _Rate(forces)
    h = _FIRST / fastest.bound(at.positions)
    for _ in range(_MOST_STEPS):
        if at.largest_force < tolerance:
            return
        rate = fastest.bound(at.positions)
        stages = min(_count(h * rate), _MOST)
        h = min(h, _longest(stages) / rate)
        after, error = _step(at, h, stages, forces)
        h *= _change(error / accuracy)
        if error <= accuracy:
            at = after
            yield at
    raise ConvergenceError(
        f"tolerance: forces are still {at.largest_force:.1e} after {_MOST_STEPS} steps of the "
        f"descent, above {tolerance:g}; use a larger one"
    )


class _Rate:
    """A bound on the fastest rate of relaxation, renewed with the neighbour list."""

    def __init__(self, forces: ListedForces) -> None:
        self._forces = forces
        self._renewals = -1
        self._bound = 0.0

    def bound(self, positions: Real) -> float:
        """ρ, from the contacts at the last renewal: see `stability.stability_limit`."""
        if self._renewals != self._forces.renewals:
            known = self._forces
            limit = stability_limit(positions, known.species, known.table, known.cell)
            # Where nothing relaxes, as far from any minimum, the error sets the step.
            self._renewals, self._bound = known.renewals, max(2.0 / limit, _SLOWEST)
        return self._bound


def _longest(stages: int) -> float:
    """The longest stable h ρ of so many stages."""
    return float((stages**2 - 1) / 1.54)


def _change(error: float) -> float:
    """The factor by which the next step changes, from an error relative to its bound."""
    if not math.isfinite(error):
        return _SHRINK
    return min(_GROW, max(_SHRINK, _SAFETY * max(error, 1e-9) ** (-1.0 / 3.0)))


def descend(
    positions: Real, forces: ListedForces, tolerance: float, accuracy: float, intervals: int
) -> Descent:
    """The descent from `positions` with K + 1 outputs: `walk` and `outputs` in one."""
    return outputs(list(walk(positions, forces, tolerance, accuracy)), forces, intervals)


def outputs(points: list[Point], forces: ListedForces, intervals: int) -> Descent:
    """K + 1 of all steps of a descent, the ends included.

    An interval of the path, between the states at two steps, is represented the better the smaller

        |x_1 - x_0 - (s_1 - s_0)(v_0/|v_0| + v_1/|v_1|)/2|,

    the error of the trapezoid rule for its own displacement. The worst is divided until there are
    K. Where the descent first slows down and becomes faster again, as beside a minimum that has
    just vanished, the outputs begin where it is slowest: what comes before is a relaxation of its
    own.

    Parameters
    ----------
    points
        All of `walk`.
    forces : ListedForces
    intervals : int
        K, at least 1.

    Raises
    ------
    ConfigError
        If there are no intervals.
    ConvergenceError
        If there are fewer steps than intervals.
    """
    if intervals < 1:
        raise ConfigError(f"intervals: {intervals} must be at least 1")
    points = points[_slowest(points) :]
    if len(points) <= intervals:
        raise ConvergenceError(
            f"accuracy: the descent has {len(points) - 1} steps, fewer than the {intervals} "
            "intervals asked for; use a smaller accuracy"
        )
    first, chosen = points[0], [points[k] for k in _divided(points, intervals)]
    return Descent(
        np.array([point.time - first.time for point in chosen]),
        np.array([point.path - first.path for point in chosen]),
        np.array([point.dissipated - first.dissipated for point in chosen]),
        np.array([point.speed for point in chosen]),
        np.array([forces.energy(point.positions) for point in chosen]),
        np.array([point.positions for point in chosen]),
    )


def _slowest(points: list[Point]) -> int:
    """The first step after which particles become faster, if they then are faster than ever."""
    speed = np.array([point.speed for point in points])
    rises = np.flatnonzero(np.diff(speed) > 0.0)
    return int(rises[0]) if rises.size and np.argmax(speed) > rises[0] else 0


def _divided(points: list[Point], intervals: int) -> list[int]:
    """Numbers of the steps between which the intervals lie."""

    def interval(start: int, end: int) -> tuple[float, int, int]:
        if end - start == 1:
            return 0.0, start, end
        a, b = points[start], points[end]
        mean = 0.5 * (b.path - a.path) * (a.force / a.speed + b.force / b.speed)
        # Negative, since the heap gives its smallest first; at rest there is no direction.
        return -float(np.linalg.norm(b.positions - a.positions + mean)), start, end

    path = np.array([point.path for point in points])
    heap = [interval(0, len(points) - 1)]
    while len(heap) < intervals:
        _, start, end = heapq.heappop(heap)
        middle = int(np.searchsorted(path, 0.5 * (path[start] + path[end])))
        middle = min(max(middle, start + 1), end - 1)
        heapq.heappush(heap, interval(start, middle))
        heapq.heappush(heap, interval(middle, end))
    return [0, *sorted(end for _, _, end in heap)]
