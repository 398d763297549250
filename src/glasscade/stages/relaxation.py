"""The descent of particles to a minimum: speeds and energy in time, and how they decay.

At T = 0 dx/dt = -F, so that the mean square speed is the rate at which energy is lost,
dU/dt = -Σ_a |F_a|². A decay <v²>^{1/2} ~ t^{-β} therefore is one of U - U_∞ ~ t^{-(2β-1)}
(Nishikawa et al., Phys. Rev. X 12, 021001, 2022: β = 0.92 from T = ∞ in 2D).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import TIME_UNIT, variable
from glasscade.cell import Cell
from glasscade.particles.listed import ListedForces
from glasscade.particles.observables import approach_of_cores, find_bonds
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Mixture
from glasscade.regularity.fits import jackknife

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SPEED = "mu V0/l0"
APPROACH = "core_approach"
SERIES = {
    "speed": (SPEED, "root mean square of |F_a|, at T = 0 the speed"),
    "mean_speed": (SPEED, "mean of |F_a|"),
    "largest_force": ("V0/l0", "largest |F_a|"),
    "energy": ("V0", "energy of all pairs"),
    APPROACH: ("1", "smallest distance of a pair over the radius of its core"),
}
"""What is kept of every snapshot of particles, with units."""
ROUTES = ("speed", "energy", "mean_speed")
"""Whose decay is fitted."""
JUDGED = ("speed", "energy")
"""Those that have one exponent by the balance of energy. A mean of |v| need not have it, since
motion at late times is that of few particles."""


def series_of(positions: Real, species: Integers, mixture: Mixture, cell: Cell) -> Real:
    """`SERIES` of positions (time, N, d), shape (series, time)."""
    table = PairTable.from_mixture(mixture)
    listed = ListedForces(species, table, cell)
    rows = []
    for snapshot in positions:
        size = np.linalg.norm(listed.forces(snapshot), axis=1)
        rms = np.sqrt(np.mean(size**2))
        nearest = approach_of_cores(find_bonds(snapshot, species, table, cell), species, mixture)
        rows.append([rms, size.mean(), size.max(), listed.energy(snapshot), nearest])
    return np.transpose(rows)


def labelled(series: Real) -> dict[str, xr.Variable]:
    """Variables from `series_of` every realisation, (realisation, series, time)."""
    return {
        name: variable(("realisation", "time"), series[:, k], *SERIES[name])
        for k, name in enumerate(SERIES)
    }


def known_series(state: xr.Dataset) -> dict[str, xr.Variable]:
    """The series of a state, none of densities."""
    return {name: state[name].variable for name in SERIES if name in state}


def decay(budget: xr.Dataset, number: int, keys: dict[str, Any], level: float) -> xr.Dataset:
    """β by `ROUTES` with the interval of the jackknife over realisations.

    Of <v²>, <v> and U averaged over realisations as over particles: late in a descent few of
    either move, and a mean of logarithms would fall faster than the mean.

    Parameters
    ----------
    budget : xarray.Dataset
        That at T = 0, with `SERIES` over (realisation, time).
    number : int
        N.
    keys : dict
        `window` of times.
    level : float
        Confidence of the interval.

    Returns
    -------
    xarray.Dataset
        The series; `beta` and `beta_half_width` (route); and `loss`, the rate at which energy
        falls between two outputs, per particle, at their geometric mean `loss_time`.
    """
    known = budget[[name for name in SERIES if name in budget]].transpose("realisation", "time")
    time = budget["time"].values
    beta, half_width = np.empty(len(ROUTES)), np.empty(len(ROUTES))
    for k, route in enumerate(ROUTES):
        exponent = partial(_exponent, time, route, keys["window"])
        beta[k] = exponent(known[route].values)
        several = known.sizes["realisation"] > 1
        half_width[k] = jackknife(exponent, known[route].values, level) if several else np.inf
    loss = -np.diff(known["energy"].values, axis=1) / np.diff(time) / number
    return xr.Dataset(
        {
            **{name: array.variable for name, array in known.items()},
            "beta": variable(("route",), beta, "1", "β"),
            "beta_half_width": variable(("route",), half_width, "1", "of its interval"),
            "loss": variable(
                ("realisation", "loss_time"), loss, "mu V0^2/l0^2", "-dU/dt per particle"
            ),
            "decay_window": variable(("edge",), list(keys["window"]), TIME_UNIT, "times fitted"),
        },
        coords={
            "time": budget["time"],
            "route": list(ROUTES),
            "loss_time": np.sqrt(time[1:] * time[:-1]),
        },
    )


def _exponent(time: Real, route: str, window: tuple[float, float], samples: Real) -> float:
    """β of samples (realisation, time): minus the slope of ln v, by least squares in ln t.

    Of the energy ΔU ~ t^{1-2β} between outputs whose times have one ratio, in which U_∞ has no
    part.
    """
    inside = (window[0] <= time) & (time <= window[1])
    t, y = np.log(time[inside]), samples[:, inside]
    if route == "energy":
        lost = -np.diff(y.mean(axis=0))
        return 0.5 * (1.0 - float(np.polyfit(0.5 * (t[1:] + t[:-1]), np.log(lost), 1)[0]))
    mean = np.sqrt(np.mean(y**2, axis=0)) if route == "speed" else y.mean(axis=0)
    return -float(np.polyfit(t, np.log(mean), 1)[0])
