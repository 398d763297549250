"""States of densities on a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import AXES, TIME, cell_variable, variable
from glasscade.config import System

Real = npt.NDArray[np.float64]


def on_grid(system: System, density: Real, realisations: list[int], times: Real) -> xr.Dataset:
    """A state of gridded densities of shape (realisation, time, species, grid)."""
    axes = AXES[: system.dimension]
    coordinates = {
        axis: (axis, np.arange(n) * system.length / n, {"units": "l0", "long_name": axis})
        for axis, n in zip(axes, system.shape, strict=True)
    }
    return xr.Dataset(
        {
            "density": variable(
                ("realisation", "time", "species", *axes), density, "l0^-d", "density", "Eq. 6"
            ),
            "cell": cell_variable(system.cell),
        },
        coords={
            "realisation": realisations,
            "time": ("time", times, TIME),
            **coordinates,
        },
    )
