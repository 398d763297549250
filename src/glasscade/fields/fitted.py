"""Compiled Markov chains of volumes: exponentially fitted rates, and steps that keep ρ >= 0.

In a constant drift the current between two neighbours is known exactly (Scharfetter and Gummel,
IEEE Trans. Electron Devices 16 (1969) 64):

    j/h = up ρ_here - down ρ_above,    up = B(v/T) T/h²,    down = B(-v/T) T/h²,

with v the rise of the energy and B(z) = z/(e^z - 1). up and down are rates: what hops between the
volumes is a Markov chain, and since down = up e^{v/T} each pair is in balance at ρ ∝ e^{-energy/T}.
"""

from __future__ import annotations

from math import expm1

import numpy as np
import numpy.typing as npt

from glasscade.jit import jit

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]

SERIES = 0.5
"""Up to this |z| the series of `_even` is exact to round-off, and faster than an exponential."""


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
        total += up[a]
        for start in range(0, total.size, block):
            own, entered = total[start : start + block], down[a, start : start + block]
            own[stride:] += entered[:-stride]
            own[:stride] += entered[-stride:]
    return float(np.max(total))


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
