"""Minima of U, to prepare states: FIRE 2.0 and conjugate gradients.

Both stop at max_a |F_a| < tolerance. Neither is the dynamics of this theory: from one start they
reach other minima than steepest descent does, which is `dynamics.run` at T = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles.listed import ListedForces
from glasscade.particles.observables import find_bonds

Real = npt.NDArray[np.float64]

MOST = 200_000
"""Evaluations of all forces after which a minimiser gives up."""
ROUND_OFF = 1e-12
"""Relative error granted to U, a sum over all pairs, where a line search compares two."""

# FIRE 2.0: the defaults of Guénolé et al. 2020, times in the step of the start.
_GROWTH, _CUT = 1.1, 0.5
_MIXING, _MIXING_DECAY = 0.25, 0.99
_DELAY = 20
_LARGEST_STEP, _SMALLEST_STEP = 10.0, 0.02
# Half of the largest step at which motion in the stiffest direction is stable, 2/ω.
_STABLE = 1.0
# Evaluations between two looks at how stiff the contacts have become.
_LOOK = 500

# Line search: sufficient decrease, and the share of the slope that may be left.
_DECREASE, _LEFT = 0.1, 0.4
_EXPANSION = 5.0
# No particle goes further in one search, in the largest cutoff.
_FARTHEST = 0.1
_TRIALS = 60
# Lower bound on beta of Hager and Zhang.
_ETA = 0.01


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a minimiser stopped.

    Attributes
    ----------
    positions
        (N, d).
    force
        max_a |F_a|, in V0/l0, below the tolerance.
    evaluations
        How often the forces on all particles were computed.
    """

    positions: Real
    force: float
    evaluations: int


def largest_force(forces: Real) -> float:
    """max_a |F_a| of forces (N, d)."""
    return math.sqrt(float(np.max(np.einsum("ai,ai->a", forces, forces))))


def stiffest(listed: ListedForces, positions: Real) -> float:
    """A bound on the largest eigenvalue of the Hessian of U at `positions`.

    Each pair's Hessian is at most κ = max(V'', V'/r, 0) times that of |x_a - x_b|²/2, and the
    Laplacian of the contacts with weights κ at most max_ab (k_a + k_b), k_a = Σ_b κ_ab (Anderson
    and Morley 1985).
    """
    bonds = find_bonds(positions, listed.species, listed.table, listed.cell)
    largest = np.maximum(bonds.curvature, bonds.slope_over_distance)
    # Where all pairs bend downwards, as those of a bell do at its top, their size has to serve.
    kappa = np.maximum(largest, 0.0) if np.any(largest > 0.0) else np.abs(largest)
    ends = np.concatenate([bonds.first, bonds.second])
    degree = np.bincount(ends, np.tile(kappa, 2), minlength=bonds.number)
    return float(np.max(degree[bonds.first] + degree[bonds.second], initial=0.0))


def fire(listed: ListedForces, positions: Real, tolerance: float, most: int = MOST) -> Minimum:
    """Fast inertial relaxation engine, FIRE 2.0 (Guénolé et al., Comput. Mater. Sci. 175, 2020).

    Particles of mass one move by v -> v - F dt, v -> (1-α)v - α|v| F/|F|, x -> x + v dt. While
    they move downhill, -F·v > 0, dt grows and α falls; else half a step is taken back, v = 0,
    and dt is halved. dt is bounded by the stiffness of the present contacts.

    Parameters
    ----------
    listed : ListedForces
    positions : (N, d)
        Start.
    tolerance : float
        Stops at max_a |F_a| below this, in V0/l0.
    most : int
        Evaluations of all forces after which it gives up.

    Raises
    ------
    ConfigError
        If the tolerance is not positive.
    ConvergenceError
        If the forces have not fallen below the tolerance by then.
    """
    _check(tolerance)
    x = np.array(positions, dtype=np.float64)
    v = np.zeros_like(x)
    gradient = listed.forces(x)
    alpha, downhill, dt = _MIXING, 0, 0.0
    for evaluations in range(1, most + 1):
        force = largest_force(gradient)
        if force < tolerance:
            return Minimum(x, force, evaluations)
        if evaluations % _LOOK == 1:
            longest = _STABLE / math.sqrt(stiffest(listed, x))
            dt = min(max(dt, longest / _LARGEST_STEP), longest)
        if _dot(gradient, v) < 0.0:
            downhill += 1
            if downhill > _DELAY:
                dt = min(_GROWTH * dt, longest)
                alpha *= _MIXING_DECAY
        else:
            downhill = 0
            # Not before the first steps have had a chance.
            if evaluations > _DELAY:
                dt = max(_CUT * dt, _SMALLEST_STEP * longest / _LARGEST_STEP)
                alpha = _MIXING
            x -= 0.5 * dt * v
            v[:] = 0.0
        v -= dt * gradient
        speed = _norm(v) / _norm(gradient)
        v *= 1.0 - alpha
        v -= alpha * speed * gradient
        x += dt * v
        gradient = listed.forces(x)
    raise _not_converged("fire", largest_force(gradient), tolerance, most)


def conjugate_gradients(
    listed: ListedForces, positions: Real, tolerance: float, most: int = MOST
) -> Minimum:
    """Nonlinear conjugate gradients of Hager and Zhang (SIAM J. Optim. 16, 170, 2005).

    With g = F and y its change, d -> -g + β d, β = (y - 2 d |y|²/(d·y))·g/(d·y), bounded from
    below. Along each d a line search finds the approximate Wolfe conditions: these rest on slopes,
    which keep their digits at a minimum, where differences of U have none left.

    Parameters, errors: as for `fire`.
    """
    _check(tolerance)
    x = np.array(positions, dtype=np.float64)
    line = _Line(listed, most)
    gradient = line.gradient(x)
    direction, step = -gradient, math.nan
    while (force := largest_force(gradient)) >= tolerance:
        slope = _dot(gradient, direction)
        if not slope < 0.0:
            direction, slope, step = -gradient, -_dot(gradient, gradient), math.nan
        if math.isnan(step):
            step = 1.0 / stiffest(listed, x)
        found = line.search(x, direction, slope, step)
        if found is None:
            raise _not_converged("conjugate gradients", force, tolerance, line.evaluations)
        step, x, new = found
        direction = _conjugate(direction, gradient, new)
        gradient = new
        # Curvature changes slowly: the minimum of a parabola lies at a distance ~ its slope.
        after = _dot(gradient, direction)
        step = step * slope / after if after < 0.0 else math.nan
    return Minimum(x, force, line.evaluations)


def _conjugate(direction: Real, old: Real, new: Real) -> Real:
    """The next direction, from the last one and the gradients before and after."""
    change = new - old
    curvature = _dot(direction, change)
    if curvature <= 0.0:
        return -new
    beta = (
        _dot(change, new) - 2.0 * _dot(direction, new) * _dot(change, change) / curvature
    ) / curvature
    least = -1.0 / (_norm(direction) * min(_ETA, _norm(old)))
    return np.asarray(max(beta, least) * direction - new)


class _Line:
    """Searches along lines, with the evaluations they have taken."""

    def __init__(self, listed: ListedForces, most: int) -> None:
        self._listed = listed
        self._most = most
        self.evaluations = 0

    def gradient(self, x: Real) -> Real:
        """F at x, counted."""
        self.evaluations += 1
        return self._listed.forces(x)

    def search(
        self, x: Real, direction: Real, slope: float, step: float
    ) -> tuple[float, Real, Real] | None:
        """A step along `direction`, where it leads, and F there; none if there is no such step.

        With φ(s) = U(x + s d): φ' between _LEFT φ'(0) and -(1 - 2 _DECREASE) φ'(0), φ no larger
        than at 0. Between `low`, where φ falls, and `high` lies a minimum; secants of φ', or
        halves where these do not shrink the bracket, close in on it.
        """
        farthest = _FARTHEST * self._listed.table.reach / largest_force(direction)
        step = min(step, farthest)
        low, low_slope = 0.0, slope
        high, high_slope = math.inf, math.nan
        for trial in range(_TRIALS):
            if self.evaluations >= self._most:
                return None
            moved = x + step * direction
            gradient = self.gradient(moved)
            here = _dot(gradient, direction)
            # Slopes that stay between those of a fall and its mirror image have met no barrier.
            near = abs(here) <= (1.0 - 2.0 * _DECREASE) * abs(slope)
            above = not near and self._rises(x, moved)
            falls_on = step == farthest and here < 0.0 and not above
            if falls_on or (near and here >= _LEFT * slope):
                return step, moved, gradient
            if here < 0.0 and not above:
                low, low_slope = step, here
            else:
                # Beyond a barrier the slope says nothing of the minimum before it.
                high, high_slope = step, math.nan if above else here
            step = _inside(low, low_slope, high, high_slope, halve=trial % 3 == 2)
            step = min(step, farthest)
        return None

    def _rises(self, start: Real, end: Real) -> bool:
        """Whether U at `end` is above that at `start`, by more than round-off."""
        before, after = self._listed.energy(start), self._listed.energy(end)
        return after > before + ROUND_OFF * abs(before)


def _inside(low: float, low_slope: float, high: float, high_slope: float, halve: bool) -> float:
    """The next trial: beyond `low` while nothing bounds it, else a secant or the middle."""
    if math.isinf(high):
        return _EXPANSION * max(low, np.finfo(float).tiny)
    if halve or math.isnan(high_slope):
        return 0.5 * (low + high)
    return low + (high - low) * low_slope / (low_slope - high_slope)


def _dot(a: Real, b: Real) -> float:
    return float(np.vdot(a, b))


def _norm(a: Real) -> float:
    return math.sqrt(_dot(a, a))


def _check(tolerance: float) -> None:
    if not tolerance > 0.0:
        raise ConfigError(f"tolerance: {tolerance:g} is outside (0, inf)")


def _not_converged(
    method: str, force: float, tolerance: float, evaluations: int
) -> ConvergenceError:
    return ConvergenceError(
        f"tolerance: {method} has come to forces of {force:.3g} after {evaluations} evaluations, "
        f"not below {tolerance:g}; allow more evaluations or a larger tolerance"
    )
