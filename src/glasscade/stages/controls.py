"""What theory knows of the anomalies of a system beforehand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.config import FieldSystem, System
from glasscade.fields import line
from glasscade.potentials import FreeCone
from glasscade.stages.batches import Place

Real = npt.NDArray[np.float64]

NEGLIGIBLE = 1e-6
"""Part of the mass that may lie beyond the reach, a thousand times less than is asked of limits."""
DISSIPATED = "exact_dissipation"
"""Variable of a file of limits: what heat and flux both tend to."""


def anomaly_is_open(system: System) -> bool:
    """Whether an anomaly is looked for, rather than known to be none at the scales of a study.

    Of particles, which are no control, and of fields whose potential collapses them: an anomaly
    needs mass that concentrates and a force that is not Lipschitz at contact. Of fields that are a
    measure at T = 0 as well: where only the force is Lipschitz the flux vanishes at scales and
    temperatures that a study need not reach.
    """
    potentials, _ = system.mixture.distinct()
    concentrates = isinstance(system, FieldSystem) and system.measure is not None
    return system.particles or concentrates or any(each.collapses for each in potentials)


def exact_dissipation(system: System, athermal: Place) -> xr.Dataset:
    """∫dt Σ g²m³/12 over the shocks of the cone on a line, from the measure at T = 0.

    That is lim Q^thermal and lim Q^flux for φ = 1; H = 0.

    Parameters
    ----------
    system : System
    athermal : Place
        Of the state at T = 0.

    Returns
    -------
    Dataset
        With the variable `DISSIPATED`; empty for all other systems.
    """
    if not (isinstance(system, FieldSystem) and system.dimension == 1 and not system.external):
        return xr.Dataset()
    [[potential]] = system.mixture.table
    if not (isinstance(potential, FreeCone) and potential.collapses):
        return xr.Dataset()
    state = athermal.read().isel(realisation=0)
    if "position" not in state:
        return xr.Dataset()
    position, weight = state["position"].isel(time=0, axis=0).values, state["weight"].values
    if _extent(position, weight) > potential.reach:  # within it the cone is that of the line
        return xr.Dataset()
    times = state["time"].values
    total = line.dissipated(position, weight, 2.0 * potential.strength, times[[-1]])[0]
    return xr.Dataset({DISSIPATED: variable((), total, "V0", "∫dt Σ g²m³/12 over all shocks")})


def _extent(position: Real, weight: Real) -> float:
    """Length that holds all mass but the outermost `NEGLIGIBLE` part on either side."""
    order = np.argsort(position)
    below = np.cumsum(weight[order]) / np.sum(weight)
    first, last = np.searchsorted(below, [NEGLIGIBLE, 1.0 - NEGLIGIBLE])
    return float(position[order][last] - position[order][first])
