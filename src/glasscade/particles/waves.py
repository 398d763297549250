"""External forces in the time loop: plane waves summed at the positions of a block of particles.

With θ_a = 2π (h^{-1}x)_a the wave of integer mode m is Π_a e^{i m_a θ_a}. Powers of e^{iθ_a} come
from one another by products, which vectorise over the particles, so that there is one sine and
cosine for each axis whatever the number of waves.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.external import External, each_species
from glasscade.jit import inner, jit

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TURN = 2.0 * math.pi


class Waves(NamedTuple):
    """f_s(x) = Σ_n {cosine_ns cos(p_n·x) + sine_ns sin(p_n·x)},  p_n = 2π h^{-T} m_n.

    `indices` (n, d) are the m_n, `cosine` and `sine` (n, S, d), `inverse` (d, d) is h^{-1} and
    `reach` (d,) the highest |m_a| of each axis.
    """

    indices: Integers
    cosine: Real
    sine: Real
    inverse: Real
    reach: Integers


def make_waves(external: External, species: int, cell: Cell) -> Waves:
    """The waves of an external force, one for all species or one for each; none without a force.

    Raises
    ------
    ConfigError
        If the force does not fit the cell or the number of species.
    ResolutionError
        If the cell has no wavevector of the force.
    """
    forces = each_species(external, species) or ()
    found = [force.waves(cell) for force in forces]
    every = [np.zeros((0, cell.dim), dtype=np.int64), *(indices for indices, _ in found)]
    indices = np.unique(np.concatenate(every), axis=0)
    rows = {tuple(m): n for n, m in enumerate(indices.tolist())}
    amplitude = np.zeros((len(indices), species, cell.dim), dtype=np.complex128)
    for s, (modes, values) in enumerate(found):
        where = [rows[tuple(m)] for m in modes.tolist()]
        # f(x) = 2 Re Σ f_hat e^{ip·x}/|Ω|; a wave may occur twice in a sum of forces.
        np.add.at(amplitude[:, s], where, 2.0 * values.T / cell.volume)
    return Waves(
        indices,
        np.ascontiguousarray(amplitude.real),
        np.ascontiguousarray(-amplitude.imag),
        np.ascontiguousarray(np.linalg.inv(cell.matrix)),
        np.max(np.abs(indices), axis=0, initial=0),
    )


@jit
def new_powers(waves: Waves, dim: int, lanes: int) -> Real:
    """Work space of `add_waves`: real and imaginary part, axis, power, lane; and the product."""
    number = waves.reach.max() + 1 if waves.indices.shape[0] > 0 else 0
    return np.empty((2, dim + 1, number, lanes))


@inner
def _fill_powers(own: Real, waves: Waves, powers: Real) -> None:
    """cos(mθ_a) and sin(mθ_a) of every lane for m = 1, ..., reach."""
    lanes, dim = own.shape
    for a in range(dim):
        if waves.reach[a] == 0:
            continue
        cosine, sine = powers[0, a], powers[1, a]
        for lane in range(lanes):
            s = 0.0
            for c in range(dim):
                s += waves.inverse[a, c] * own[lane, c]
            angle = _TURN * (s - math.floor(s))
            cosine[1, lane], sine[1, lane] = math.cos(angle), math.sin(angle)
        for m in range(2, waves.reach[a] + 1):
            for lane in range(lanes):
                x, y = cosine[m - 1, lane], sine[m - 1, lane]
                cosine[m, lane] = x * cosine[1, lane] - y * sine[1, lane]
                sine[m, lane] = x * sine[1, lane] + y * cosine[1, lane]


@inner
def add_waves(own: Real, species: Integers, waves: Waves, powers: Real, force: Real) -> None:
    """Add f at the positions `own` (lanes, d) to `force` (d, lanes)."""
    lanes, dim = own.shape
    _fill_powers(own, waves, powers)
    cosine, sine = powers[0, dim, 0], powers[1, dim, 0]
    for n in range(waves.indices.shape[0]):
        cosine[:lanes], sine[:lanes] = 1.0, 0.0
        for a in range(dim):
            m = waves.indices[n, a]
            if m == 0:
                continue
            turned = -1.0 if m < 0 else 1.0
            x, y = powers[0, a, abs(m)], powers[1, a, abs(m)]
            for lane in range(lanes):
                old, yy = cosine[lane], turned * y[lane]
                cosine[lane] = old * x[lane] - sine[lane] * yy
                sine[lane] = old * yy + sine[lane] * x[lane]
        for c in range(dim):
            for lane in range(lanes):
                s = species[lane]
                force[c, lane] += waves.cosine[n, s, c] * cosine[lane]
                force[c, lane] += waves.sine[n, s, c] * sine[lane]
