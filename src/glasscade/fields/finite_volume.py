"""Evolution of densities that concentrate: positive, conservative, with decaying free energy.

The zero-response instanton and, at T = 0, the noiseless Dean equation on the volumes of a straight
periodic cell, in one to three dimensions:

    ∂t ρ_s = -∇·j_s,    j_s = -ρ_s F_s + ρ_s f_s - T ∇ρ_s                  (Eqs. 11 and 25)

`density[s, j]` is the average of ρ_s over the volume centred at the grid point j/n and, to the
order of the scheme, its value there; sums over a layer at rest are exact beyond that order, as
those of a trapezoid rule. The current through a face is -∂ξ, ξ = T ln ρ + Φ + U, times a mean of
the densities on its two sides, and what mean that is decides what else the scheme can do:

* `fitted`: that of Scharfetter and Gummel, with which currents are linear in ρ at given Φ. Steps
  are limited by accuracy, not by positivity or vacuum. Of second order while volumes are shorter
  than T/|F|, as they must be to resolve a layer.
* `upwind`: that of Carrillo, Chertock and Huang, of second order at any T, zero as well. Steps
  shrink with the largest jump of ln ρ, which is immense where a layer borders on vacuum.

Each step uses the first where it is accurate. Both have an error estimate, and a step with which E
would rise by more than round-off is not taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import External
from glasscade.fields import fitted, upwind
from glasscade.fields.free_energy import FreeEnergy, State
from glasscade.potentials import Mixture

Real = npt.NDArray[np.float64]

RESOLVED = 0.25
"""Largest mean jump Σ|Δρ|/Σρ between neighbours along an axis, 2hρ_max/M of a peak. For a layer of
the cone with g M/2 = 1 that is h/2T: at h = T/2 its height errs by 0.6 % at rest, and by 1 % of its
mass after a way of 25 T; from there errors grow as h²."""
FITTED = 0.5
"""Largest mean rise |v|/T between neighbours for fitted rates: they diffuse as T (1 + v²/12T²)."""
SAFETY = 0.9
SHORTER, LONGER = 0.2, 2.0
"""Bounds of the change of a step. It does not become longer after one that was refused."""
LEAST = 4
"""Fewest volumes along an axis: with limited slopes a current depends on as many."""
FIRST, SMALLEST = 1e-6, 1e-12
"""The step tried first and the shortest one, relative to the time of the run."""


def evolve(
    density: Real,
    mixture: Mixture,
    cell: Cell,
    temperature: float,
    times: Sequence[float],
    tolerance: float,
    external: External = None,
) -> Real:
    """Integrate the averages over volumes and return them at the given times.

    Parameters
    ----------
    density : (S, *grid)
        Initial averages ρ_s >= 0, in 1/ℓ₀^d.
    mixture : Mixture
        V_ss' for the S species.
    cell : Cell
        With orthogonal box vectors along the axes.
    temperature : float
        T >= 0.
    times : increasing floats, the first may be 0
    tolerance : float
        Largest local error of a step: the part of the mass that it puts in a wrong place.
    external : ExternalForce or one for each species, optional

    Returns
    -------
    (len(times), S, *grid)

    Raises
    ------
    ConfigError
        If shapes, times, temperature or tolerance are out of range, a density is negative or the
        cell tilted.
    ResolutionError
        If neighbouring volumes differ too much, or an external force has too many waves.
    StabilityError
        If no step is short enough for the tolerance.
    """
    _check_density(density, mixture, cell)
    _check_numbers(temperature, times, tolerance)
    energy = FreeEnergy(mixture, cell, density.shape[1:], temperature, external)
    state = State.of(np.array(density, dtype=np.float64), energy)
    require_resolved(state.density)
    saved, time = [], 0.0
    dt = FIRST * times[-1]
    for target in times:
        while time < target:
            # A rest of less than a step is halved, so that no output leaves a tiny one behind.
            left = target - time
            dt = left if dt >= left else min(dt, 0.5 * left)
            state, taken, dt = _advance(state, energy, dt, tolerance, SMALLEST * times[-1])
            time = target if taken == left else time + taken
            require_resolved(state.density)
        saved.append(state.density)
    return np.array(saved)


def _advance(
    state: State, energy: FreeEnergy, dt: float, tolerance: float, smallest: float
) -> tuple[State, float, float]:
    """Step by dt or less; the new state, the step taken and the one to try next."""
    step = fitted.step if _is_mild(state, energy) else upwind.step
    longer = LONGER
    while True:
        after, error, dt = step(state, energy, dt)
        falls = after.energy <= state.energy + energy.round_off(*state[:2])
        change = SAFETY * (tolerance / max(error, 1e-3 * tolerance)) ** (1.0 / 3.0)
        if error <= tolerance and (falls or not energy.conservative):
            return after, dt, dt * min(change, longer)
        if dt < smallest:
            raise StabilityError(
                f"tolerance: {tolerance:g} needs steps below {dt:.3g}; allow at least {error:.1e}"
            )
        dt *= max(SHORTER, min(change, 0.5))
        longer = 1.0


def _is_mild(state: State, energy: FreeEnergy) -> bool:
    """Whether Φ + U rises by less than `FITTED` T between volumes, in the mean over the mass."""
    drift = np.abs(energy.rise(state.interaction)) * state.density[:, np.newaxis]
    spatial = tuple(range(1, state.density.ndim))
    mean = np.max(np.sum(drift, axis=tuple(a + 1 for a in spatial)), axis=1)
    limit = FITTED * energy.temperature * np.sum(state.density, axis=spatial)
    return bool(energy.temperature > 0.0 and np.all(mean <= limit))


def require_resolved(density: Real) -> None:
    """Refuse densities that jump between neighbouring volumes.

    Raises
    ------
    ResolutionError
        If Σ|Δρ_s|/Σρ_s along an axis exceeds `RESOLVED` for a species.
    """
    spatial = tuple(range(1, density.ndim))
    mass = np.maximum(np.sum(density, axis=spatial), np.finfo(float).tiny)
    for axis in spatial:
        change = np.abs(np.roll(density, -1, axis) - density)
        jump = float(np.max(np.sum(change, axis=spatial) / mass))
        if jump > RESOLVED:
            n = density.shape[axis]
            raise ResolutionError(
                f"points: {n} volumes along axis {axis - 1} do not resolve the density, which "
                f"changes by {jump:.3g} of itself from one to the next, allowed is {RESOLVED:g}; "
                f"take at least {int(np.ceil(n * jump / RESOLVED))} points"
            )


def _check_density(density: Real, mixture: Mixture, cell: Cell) -> None:
    if density.ndim != cell.dim + 1:
        sizes = ", ".join(f"n_{a + 1}" for a in range(cell.dim))
        raise ConfigError(f"density: the shape must be (S, {sizes}), not {density.shape}")
    if len(density) != mixture.species:
        raise ConfigError(
            f"density: {len(density)} densities were given for {mixture.species} species"
        )
    if min(density.shape[1:]) < LEAST:
        raise ConfigError(
            f"density: a grid of {density.shape[1:]} volumes must have at least {LEAST} each way"
        )
    if not np.all(np.isfinite(density)) or np.min(density) < 0.0:
        raise ConfigError(
            "density: the averages must be finite and not negative, the smallest is "
            f"{np.min(density):.3g}"
        )
    if not np.any(density):
        raise ConfigError("density: the averages hold no mass; one at least must be above 0")


def _check_numbers(temperature: float, times: Sequence[float], tolerance: float) -> None:
    if not 0.0 <= temperature < np.inf:
        raise ConfigError(f"temperature: {temperature:g} must be finite and not negative")
    if not 0.0 < tolerance < 1.0:
        raise ConfigError(f"tolerance: {tolerance:g} must be between 0 and 1")
    if len(times) == 0 or times[0] < 0.0 or np.any(np.diff(times) <= 0.0):
        raise ConfigError(f"times: {list(times)} must increase from 0 or later")
