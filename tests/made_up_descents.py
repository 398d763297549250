"""Descents whose speed decays as a known power, as the stage of limits reads them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.stages import relaxation

BETA, NUMBER = 0.92, 50
WINDOW = {"window": [20.0, 2000.0], "beta": BETA, "tolerance": 0.03}


def descents(noise=0.0, beta=BETA, count=6):
    """A budget with <v²> = t^{-2β} beyond t = 20 and U - U_∞ its integral, with scatter."""
    rng = np.random.default_rng(5)
    t = np.append(0.0, np.geomspace(0.1, 4000.0, 60))
    speed = (1.0 + t / 0.01) ** -beta
    # ∫ of (1 + t/τ)^{-2β}, and any energy that is never lost.
    energies = 7.0 + NUMBER * 0.01 / (2.0 * beta - 1.0) * (1.0 + t / 0.01) ** (1.0 - 2.0 * beta)
    # One factor t^ε for each realisation: exponents scatter by ε, energies as well as speeds.
    spread = noise * rng.standard_normal((count, 1))
    series = {
        "speed": speed * (1.0 + t) ** spread,
        "mean_speed": 0.5 * speed * np.ones_like(spread),
        "largest_force": 3.0 * speed * np.ones_like(spread),
        "energy": energies * np.ones_like(spread),
    }
    return xr.Dataset(
        {
            name: variable(("realisation", "time"), values, *relaxation.SERIES[name])
            for name, values in series.items()
        },
        coords={"realisation": np.arange(count), "time": t},
    )
