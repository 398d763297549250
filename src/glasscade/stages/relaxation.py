"""The descent of particles to a minimum: speeds and energy in time, and how they decay.

At T = 0 dx/dt = -F, so that the mean square speed is the rate at which energy is lost,
dU/dt = -Σ_a |F_a|². A decay <v²>^{1/2} ~ t^{-β} therefore is one of U - U_∞ ~ t^{-(2β-1)}
(Nishikawa et al., Phys. Rev. X 12, 021001, 2022: β = 0.92 from T = ∞ in 2D).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.cell import Cell
from glasscade.particles.listed import ListedForces
from glasscade.particles.pairs import PairTable

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SPEED = "mu V0/l0"
SERIES = {
    "speed": (SPEED, "root mean square of |F_a|, at T = 0 the speed"),
    "mean_speed": (SPEED, "mean of |F_a|"),
    "largest_force": ("V0/l0", "largest |F_a|"),
    "energy": ("V0", "energy of all pairs"),
}
"""What is kept of every snapshot of particles, with units."""


def series_of(positions: Real, species: Integers, table: PairTable, cell: Cell) -> Real:
    """`SERIES` of positions (time, N, d), shape (series, time)."""
    listed = ListedForces(species, table, cell)
    rows = []
    for snapshot in positions:
        size = np.linalg.norm(listed.forces(snapshot), axis=1)
        rms = np.sqrt(np.mean(size**2))
        rows.append([rms, size.mean(), size.max(), listed.energy(snapshot)])
    return np.transpose(rows)


def labelled(series: Real) -> dict[str, xr.Variable]:
    """Variables from `series_of` every realisation, (realisation, series, time)."""
    return {
        name: variable(("realisation", "time"), series[:, k], *SERIES[name])
        for k, name in enumerate(SERIES)
    }
