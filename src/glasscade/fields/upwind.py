"""The scheme of Carrillo, Chertock and Huang (Commun. Comput. Phys. 17 (2015) 233), T >= 0.

The current through a face is the velocity -∂ξ times the density of the side that it comes from,

    j = u⁺ ρ^E + u⁻ ρ^W,    u = -(ξ_above - ξ_here)/h,    ξ = T ln ρ + Φ + U,

with ρ^E, ρ^W of a reconstruction linear in each volume, whose slopes are limited so that neither is
negative. E falls at the rate Σ j ∂ξ <= 0, ξ = const is at rest, and the order is two, at T = 0 as
well. Steps are of the third order, strongly stable (SSPRK3), with Heun's of the second in them;
where a limiter switches on their way they are of the second as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.fields.free_energy import FreeEnergy, State

Real = npt.NDArray[np.float64]

COURANT, LATER = 0.8, 0.95
"""Part of a density that may leave its volume in the first stage, and in the later ones, which have
other velocities. Below 1 for positivity with round-off."""
VACUUM = 1e-300
"""What stands for no density in a logarithm."""


def step(state: State, energy: FreeEnergy, dt: float) -> tuple[State, float, float]:
    """One step of dt or the longest that is positive: the new state, its error and its length.

    The error is the difference from Heun's step, Σ|δρ|/2Σρ, or infinite if a later stage could be
    negative.
    """
    start = state.density
    change, longest = _change(start, state.interaction, energy)
    dt = min(dt, COURANT * longest)
    first = start + dt * change
    change, longest = _change(first, energy.interaction(first), energy)
    if dt > LATER * longest:
        return state, np.inf, dt
    second = first + dt * change
    # Increments, so that rounding is of what changes: weights that add up to 1 lose mass by it.
    middle = start + 0.25 * (second - start)
    change, longest = _change(middle, energy.interaction(middle), energy)
    if dt > LATER * longest:
        return state, np.inf, dt
    after = start + 2.0 / 3.0 * (middle + dt * change - start)
    heun = start + 0.5 * (second - start)
    error = 0.5 * float(np.sum(np.abs(after - heun)) / np.sum(start))
    return State.of(after, energy), error, dt


def _change(density: Real, interaction: Real, energy: FreeEnergy) -> tuple[Real, float]:
    """-∇·j, and the longest Euler step with which no density becomes negative.

    ρ^E + ρ^W = 2ρ, so that at most 2 max|u| ρ/h leaves through the two faces of an axis.
    """
    rise = energy.rise(interaction)
    if energy.temperature > 0.0:
        logarithm = energy.temperature * np.log(np.maximum(density, VACUUM))
    result, rate = np.zeros_like(density), 0.0
    for a, side in enumerate(energy.sides):
        axis = a + 1
        velocity = -rise[:, a] / side
        if energy.temperature > 0.0:
            velocity -= (np.roll(logarithm, -1, axis) - logarithm) / side
        lower, upper = faces(density, axis)
        current = np.maximum(velocity, 0.0) * upper
        current += np.minimum(velocity, 0.0) * np.roll(lower, -1, axis)
        result -= (current - np.roll(current, 1, axis)) / side
        rate += 2.0 * float(np.max(np.abs(velocity))) / side
    return result, 1.0 / rate if rate > 0.0 else np.inf


def faces(density: Real, axis: int) -> tuple[Real, Real]:
    """ρ^W and ρ^E at the lower and the upper face of each volume, neither negative.

    Half the slope is minmod(Δ⁻, Δ⁺, (Δ⁻ + Δ⁺)/4) of the differences to both neighbours: at most
    ρ, since a neighbour is not negative.
    """
    before = density - np.roll(density, 1, axis)
    after = np.roll(before, -1, axis)
    least = np.minimum(np.abs(before), np.abs(after))
    half = np.sign(before) * np.minimum(least, 0.25 * np.abs(before + after))
    half[before * after <= 0.0] = 0.0
    return density - half, density + half
