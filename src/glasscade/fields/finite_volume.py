"""Evolution of densities that concentrate: positive, conservative, with decaying free energy.

The zero-response instanton on volumes of a straight periodic cell, in one to three dimensions:

    ∂t ρ_s = -∇·j_s,    j_s = -ρ_s F_s + ρ_s f_s - T ∇ρ_s                         (Eq. 11)

`density[s, j]` is the average of ρ_s over the volume centred at the grid point j/n.

*In space.* As in the scheme of Carrillo, Chertock and Huang (Commun. Comput. Phys. 17 (2015) 233)
the current through a face is -∂ξ, ξ = T ln ρ + Φ + U, times a mean of the densities on both sides.
Theirs is taken upwind, and their steps shrink where ln ρ jumps. Here it is the mean of Scharfetter
and Gummel, with which the current at given Φ is linear: a Markov chain A of the volumes in detailed
balance with exp(-(Φ + U)/T). Vacuum costs nothing, ξ = const is at rest to round-off, and the error
is of second order in h as long as layers are wider than h; others are refused.

*In time.* ρ' = R(dt A) ρ with A at the mean of the old and new Φ. As V is even,

    E' - E = Σ_x h [½ (Φ + Φ')(ρ' - ρ) + U (ρ' - ρ) + T Δ(ρ ln ρ)],

which is what the chain does to its own free energy, and that falls in steps of any length. The new
Φ comes from a predictor; a step with which E would rise by more than round-off is not taken.
R(z) = [1 + s (1 + z/s)^{s+1}]/(s+1) = e^z + O(z³/s) is a mean of Euler steps, each of them positive
if dt/s times the fastest rate is below one. So diffusion is explicit; but a stage is one pass over
the volumes, and without transforms. A layer of width h' that moves asks for steps dt ~ h'/u anyway,
which are few stages long at h ~ h'/4: fewer operations than an implicit step of the same order,
which is not positive either (of linear methods only those of first order are, unconditionally).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import ExternalForce
from glasscade.fields.fitted import fastest, march, rates
from glasscade.fields.free_energy import FreeEnergy
from glasscade.potentials import Mixture

Real = npt.NDArray[np.float64]

COURANT = 0.8
"""Part of a density that may leave its volume in a stage. Below 1 for positivity with round-off,
and such that the roughest wave, multiplied by 1 - 2·COURANT per stage, dies out."""
RESOLVED = 0.25
"""Largest mean jump Σ|Δρ|/Σρ between neighbours along an axis, 2hρ_max/M of a peak. For a layer of
the cone it is h/2T·gM/2, and the errors at 1/4 are 2 % of its height."""
SAFETY = 0.9
SHORTER, LONGER = 0.2, 4.0
"""Bounds of the change of a step."""
SMALLEST = 1e-12
"""Shortest step relative to the time of the run."""


def evolve(
    density: Real,
    mixture: Mixture,
    cell: Cell,
    temperature: float,
    times: Sequence[float],
    tolerance: float,
    external: Sequence[ExternalForce] | None = None,
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
        T > 0.
    times : increasing floats, the first may be 0
    tolerance : float
        Largest local error of a step: the part of the mass that it puts in a wrong place.
    external : S forces, optional

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
    _check(density, mixture, temperature, times, tolerance)
    energy = FreeEnergy(mixture, cell, density.shape[1:], temperature, external)
    state = State.of(np.array(density, dtype=np.float64), energy)
    require_resolved(state.density)
    saved, time = [], 0.0
    dt = Chain(energy, state.interaction).stage
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


class State(NamedTuple):
    """A density with what is known of it."""

    density: Real
    interaction: Real
    energy: float

    @classmethod
    def of(cls, density: Real, energy: FreeEnergy) -> State:
        """ρ, Φ and E."""
        interaction = energy.interaction(density)
        return cls(density, interaction, energy.value(density, interaction))


class Chain:
    """The Markov chain of each species at given Φ: ∂tρ = Aρ.

    Attributes
    ----------
    stage : float
        The longest Euler step allowed.
    """

    def __init__(self, energy: FreeEnergy, interaction: Real) -> None:
        rise = energy.rise(interaction)
        flat = rise.reshape(*rise.shape[:2], -1)
        self._up, self._down = np.empty(flat.shape), np.empty(flat.shape)
        scale = energy.temperature / energy.sides**2
        for own, up, down in zip(flat, self._up, self._down, strict=True):
            rates(own, energy.temperature, scale, up, down)
        strides = np.cumprod([1, *energy.shape[:0:-1]])[::-1]
        self._blocks = np.stack([strides * energy.shape, strides], axis=1).astype(np.int64)
        chains = zip(self._up, self._down, strict=True)
        self.stage = COURANT / max(fastest(up, down, self._blocks) for up, down in chains)

    def euler(self, density: Real, duration: float, steps: int) -> Real:
        """(1 + duration·A)^steps ρ."""
        rows = density.reshape(len(density), -1)
        chains = zip(rows, self._up, self._down, strict=True)
        ends = [march(rho, up, down, self._blocks, duration, steps) for rho, up, down in chains]
        return np.array(ends).reshape(density.shape)

    def after(self, density: Real, dt: float) -> Real:
        """R(dt·A) ρ."""
        stages = max(1, int(np.ceil(dt / self.stage)))
        end = self.euler(density, dt / stages, stages + 1)
        return (stages * end + density) / (stages + 1)


def step(state: State, energy: FreeEnergy, dt: float) -> tuple[State, float]:
    """One step, and its difference from two half steps of second order at predicted Φ.

    The predictor Φ + t Φ', Φ' = V * Aρ, and the steps of dt/2 err by other multiples of dt³ than
    the result, in Φ, in the commutator of A at two times and in R: their difference is a local
    error, as Σ|δρ|/2Σρ.
    """
    density, interaction, _ = state
    here = Chain(energy, interaction)
    moved = energy.interaction(here.euler(density, here.stage, 1))
    slope = (moved - interaction) / here.stage
    early = Chain(energy, interaction + 0.25 * dt * slope).after(density, 0.5 * dt)
    guess = Chain(energy, interaction + 0.75 * dt * slope).after(early, 0.5 * dt)
    mean = 0.5 * (interaction + energy.interaction(guess))
    after = Chain(energy, mean).after(density, dt)
    error = 0.5 * float(np.sum(np.abs(after - guess)) / np.sum(density))
    return State.of(after, energy), error


def _advance(
    state: State, energy: FreeEnergy, dt: float, tolerance: float, smallest: float
) -> tuple[State, float, float]:
    """Step by dt or less; the new state, the step taken and the one to try next."""
    while True:
        after, error = step(state, energy, dt)
        falls = after.energy <= state.energy + energy.round_off(*state[:2])
        change = SAFETY * (tolerance / max(error, 1e-3 * tolerance)) ** (1.0 / 3.0)
        if error <= tolerance and (falls or not energy.conservative):
            return after, dt, dt * min(change, LONGER)
        if dt < smallest:
            raise StabilityError(
                f"tolerance: {tolerance:g} needs steps below {dt:.3g}; allow at least {error:.1e}"
            )
        dt *= max(SHORTER, min(change, 0.5))


def require_resolved(density: Real) -> None:
    """Refuse densities that jump between neighbouring volumes.

    Raises
    ------
    ResolutionError
        If Σ|Δρ_s|/Σρ_s along an axis exceeds `RESOLVED` for a species.
    """
    for axis in range(1, density.ndim):
        change = np.abs(np.roll(density, -1, axis) - density)
        spatial = tuple(range(1, density.ndim))
        mass = np.maximum(np.sum(density, axis=spatial), np.finfo(float).tiny)
        jump = float(np.max(np.sum(change, axis=spatial) / mass))
        if jump > RESOLVED:
            n = density.shape[axis]
            raise ResolutionError(
                f"points: {n} volumes along axis {axis - 1} do not resolve the density, which "
                f"changes by {jump:.2g} of itself from one to the next, allowed is {RESOLVED:g}; "
                f"take at least {int(np.ceil(n * jump / RESOLVED))} points"
            )


def _check(
    density: Real, mixture: Mixture, temperature: float, times: Sequence[float], tolerance: float
) -> None:
    if len(density) != mixture.species:
        raise ConfigError(
            f"density: {len(density)} densities were given for {mixture.species} species"
        )
    if not np.all(np.isfinite(density)) or np.min(density) < 0.0:
        raise ConfigError(
            f"density: the averages must be finite and not negative, the smallest is "
            f"{np.min(density):.3g}"
        )
    if not 0.0 < temperature < np.inf:
        raise ConfigError(f"temperature: {temperature:g} must be finite and above 0")
    if not 0.0 < tolerance < 1.0:
        raise ConfigError(f"tolerance: {tolerance:g} must be between 0 and 1")
    if len(times) == 0 or times[0] < 0.0 or np.any(np.diff(times) <= 0.0):
        raise ConfigError(f"times: {list(times)} must increase from 0 or later")
