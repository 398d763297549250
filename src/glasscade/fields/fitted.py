"""Densities as Markov chains on volumes: exponentially fitted rates, steps that keep ρ >= 0; T > 0.

*In space.* In a constant drift the current between two neighbours is known exactly (Scharfetter and
Gummel, IEEE Trans. Electron Devices 16 (1969) 64):

    j/h = up ρ_here - down ρ_above,    up = B(v/T) T/h²,    down = B(-v/T) T/h²,

with v the rise of Φ + U and B(z) = z/(e^z - 1). up and down are rates: what hops between volumes is
a Markov chain A, and since down = up e^{v/T} each pair is in balance at ρ ∝ exp(-(Φ + U)/T). So
ξ = const is at rest to round-off, E falls, and vacuum costs nothing. The error is of second order
in h as long as layers are wider than h.

*In time.* ρ' = R(dt A) ρ with A at the mean of the old and new Φ. As V is even,

    E' - E = Σ_x h [½ (Φ + Φ')(ρ' - ρ) + U (ρ' - ρ) + T Δ(ρ ln ρ)],

which is what the chain does to its own free energy, and that falls in steps of any length. The new
Φ comes from a predictor. R(z) = [1 + s (1 + z/s)^{s+1}]/(s+1) = e^z + O(z³) is a mean of Euler
steps, each of them positive if dt/s times the fastest rate is below one. So diffusion is explicit;
but a stage is one pass over the volumes, without transforms. A layer of width w that moves at u
asks for steps dt ~ w/u anyway, and these are few stages long at h ~ w/4: fewer operations than an
implicit step of this order, which is not positive either (of linear methods only those of first
order are).
"""

from __future__ import annotations

from math import expm1

import numpy as np
import numpy.typing as npt

from glasscade.fields.free_energy import FreeEnergy, State
from glasscade.jit import jit

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]

COURANT = 0.8
"""Part of a density that may leave its volume in a stage. Below 1 for positivity with round-off,
and such that the roughest wave, multiplied by 1 - 2·COURANT per stage, dies out."""
SERIES = 0.5
"""Up to this |z| the series of `_even` is exact to round-off, and faster than an exponential."""


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
        # An increment, so that rounding is of what changes; it cannot exceed what there is.
        return density + (end - density) * (stages / (stages + 1))


def step(state: State, energy: FreeEnergy, dt: float) -> tuple[State, float, float]:
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
    return State.of(after, energy), error, dt


@jit
def _even(square: float) -> float:
    """B(z) + z/2 = 1 + z²/12 - z⁴/720 + ... up to z¹⁴; the next term is 5e-18 at z = 1/2."""
    tail = 1.0 / 47900160.0 - square * (691.0 / 1307674368000.0 - square / 74724249600.0)
    tail = 1.0 / 30240.0 - square * (1.0 / 1209600.0 - square * tail)
    return 1.0 + square * (1.0 / 12.0 - square * (1.0 / 720.0 - square * tail))


@jit
def rates(rise: Real, temperature: float, scale: Real, up: Real, down: Real) -> None:
    """up = B(v/T) T/h² and down = B(-v/T) T/h² for each v of `rise`, all (d, volumes); T > 0.

    `scale` is T/h² of each axis. Of the two the smaller is computed and |v| added to it, so that
    neither loses digits.
    """
    for a in range(rise.shape[0]):
        for i in range(rise.shape[1]):
            z = rise[a, i] / temperature
            if abs(z) < SERIES:
                mean = _even(z * z)
                up[a, i] = scale[a] * (mean - 0.5 * z)
                down[a, i] = scale[a] * (mean + 0.5 * z)
            else:
                small = abs(z) / expm1(abs(z))
                large = small + abs(z)
                up[a, i] = scale[a] * (small if z > 0.0 else large)
                down[a, i] = scale[a] * (large if z > 0.0 else small)


@jit
def fastest(up: Real, down: Real, blocks: Integer) -> float:
    """Largest total rate out of a volume; arguments as in `march`."""
    total = np.zeros(up.shape[1])
    for a in range(up.shape[0]):
        block, stride = blocks[a, 0], blocks[a, 1]
        _add(up[a], total)
        for start in range(0, total.size, block):
            end, last = start + block, start + block - stride
            _add(down[a, start:last], total[start + stride : end])
            _add(down[a, last:end], total[start : start + stride])
    return float(np.max(total))


@jit
def _add(values: Real, total: Real) -> None:
    for i in range(values.size):
        total[i] += values[i]


@jit
def march(
    density: Real, up: Real, down: Real, blocks: Integer, duration: float, steps: int
) -> Real:
    """(1 + duration·A)^steps ρ of the chain A, which keeps the sum of ρ to round-off.

    Parameters
    ----------
    density : (volumes,)
        The grid, flat.
    up, down : (d, volumes)
        Rates through the face above each volume along each axis: up out of it, down into it.
    blocks : (d, 2)
        How far apart lie, along each axis, the same volume in the next period and the next
        volume: n_a·stride and stride. The last volume of a period borders on the first.
    duration : float
        Of one Euler step; beyond 1/`fastest` densities may become negative.
    """
    old, new, flow = density.copy(), np.empty(density.size), np.empty(density.size)
    for _ in range(steps):
        new[:] = old
        for a in range(up.shape[0]):
            block, stride = blocks[a, 0], blocks[a, 1]
            for start in range(0, old.size, block):
                end, last = start + block, start + block - stride
                here, first, own = old[start:end], new[start:end], flow[start:end]
                left, right = up[a, start:last], down[a, start:last]
                _flow(here, here[stride:], left, right, duration, own)
                left, right = up[a, last:end], down[a, last:end]
                _flow(old[last:end], here, left, right, duration, flow[last:end])
                _exchange(flow[last:end], own, first[:stride])
                _exchange(own, own[stride:], first[stride:])
        old, new = new, old
    return old


@jit
def _flow(here: Real, above: Real, up: Real, down: Real, duration: float, flow: Real) -> None:
    """What goes up through each face in this time."""
    for i in range(up.size):
        flow[i] = duration * (up[i] * here[i] - down[i] * above[i])


@jit
def _exchange(into: Real, out: Real, density: Real) -> None:
    """Each flow is taken from one volume and given to the next."""
    for i in range(density.size):
        density[i] += into[i] - out[i]
