"""What a disordered pattern of particles is compared with: gases, liquids, shuffled phases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.particles.dynamics import State, run
from glasscade.particles.pairs import PairTable
from glasscade.transforms import Modes, grid_to_modes

Real = npt.NDArray[np.float64]


def ideal_gas(species: npt.NDArray[np.int64], cell: Cell, rng: np.random.Generator) -> State:
    """As many particles of each species, independently and uniformly at random (Poisson points)."""
    return State(cell.cartesian(rng.random((species.size, cell.dim))), species)


def liquid(
    start: State,
    table: PairTable,
    cell: Cell,
    temperature: float,
    dt: float,
    duration: float,
    seed: int,
) -> Real:
    """Positions (N, d) after Brownian dynamics at one temperature: a liquid in equilibrium.

    Whether the duration has been enough is for the caller to see: at temperatures well above that
    of the glass, a few times the time in which a particle diffuses over its own diameter.

    Parameters
    ----------
    start : State
        Any state of the density wanted.
    table : PairTable
    cell : Cell
    temperature : float
        T in V0/k_B, above 0.
    dt, duration : float
        Time step and total time, in l0²/(mu V0).
    seed : int
        Of the noise.

    Raises
    ------
    ConfigError
        If the temperature is not above 0: that is a quench, and no liquid.
    """
    if not temperature > 0.0:
        raise ConfigError(f"temperature: a liquid needs one above 0, not {temperature:g}")
    frames = run(start, table, cell, temperature, dt, seed, [round(duration / dt)])
    return np.asarray(frames[-1])


def shuffled_phases(density: Modes, cell: Cell, rng: np.random.Generator) -> Modes:
    """The same modes with random phases: a field of the same structure factors, else Gaussian.

    Every wavevector gets one phase, that of white noise, for all species: partial structure
    factors stay, all correlations beyond those of pairs go. The mean stays.

    Parameters
    ----------
    density : (species, modes)
        Centred modes of real fields.
    cell : Cell
    rng : numpy.random.Generator
    """
    shape = density.shape[-cell.dim :]
    phase = grid_to_modes(rng.standard_normal(shape), cell)
    phase /= np.abs(phase)
    phase[tuple(n // 2 for n in shape)] = 1.0
    return np.asarray(density * phase)
