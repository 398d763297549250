"""What the stage of exponents writes, by numbers given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from budget_data import PHI
from glasscade.regularity.exponents import ANSWERED, DECISIVE, FLAGS, Flag

ATTRIBUTES = {"units": "1", "long_name": "made up"}
HALF = 0.01
"""Half-width of every interval, all of it scatter."""
WINDOW, SAMPLES = (0.02, 0.3), 4
DIMS = ("temperature", "case", "source", "field", "estimator", "region", "order")
COORDINATES = {
    "temperature": [0.0],
    "source": ["measured", "poisson"],
    "field": ["density", "force"],
    "estimator": ["wavelets", "gradients"],
    "region": list(PHI),
    "order": [1.0, 3.0],
}


def made_up_exponents(
    xi: Sequence[tuple[float, float]],
    local: Sequence[float] | None = None,
    flag: Flag = "trusted",
    hurst: Sequence[float] | None = None,
) -> xr.Dataset:
    """ξ_3 ± `HALF` of ρ and of F in every case by wavelets; of all else numbers that are far off.

    Parameters
    ----------
    xi : pairs of floats
        Of ρ and of F, in all regions.
    local : floats, optional
        Of ρ in every region, for all cases.
    flag : str
        Of all exponents; one that is not answered has no value.
    hurst : floats, optional
        The known exponent of each case.
    """
    sizes = {"temperature": 1, "case": len(xi)}
    sizes |= {name: len(labels) for name, labels in COORDINATES.items()}
    value = xr.DataArray(np.full([sizes[d] for d in DIMS], -5.0), COORDINATES, DIMS)
    of_measured = {"source": "measured", "estimator": "wavelets", "order": 3.0}
    for case, pair in enumerate(xi):
        for field, number in zip(COORDINATES["field"], pair, strict=True):
            value.loc[{"case": case, "field": field, **of_measured}] = number
    if local is not None:
        value.loc[{"field": "density", **of_measured}] = np.array(local)
    if flag not in ANSWERED:
        value[:] = np.nan
    dims = DIMS[:-1]
    shape = [sizes[d] for d in dims]
    variables = {
        "value": value.variable,
        "raw": value.fillna(-5.0).variable,
        "ci_low": (value - HALF).variable,
        "ci_high": (value + HALF).variable,
        "statistical": (0.0 * value + HALF).variable,
        "systematic": (0.0 * value).variable,
        "flag": (DIMS, np.full(value.shape, list(FLAGS).index(flag), dtype=np.int8)),
        "decisive": (DIMS, np.full(value.shape, flag in DECISIVE, dtype=np.int8)),
        "window": ((*dims, "end"), np.broadcast_to(WINDOW, (*shape, 2))),
        "samples": (dims, np.full(shape, SAMPLES)),
    }
    dataset = xr.Dataset(variables, COORDINATES)
    for variable in dataset.data_vars.values():
        variable.attrs |= ATTRIBUTES
    return dataset if hurst is None else dataset.assign_coords(hurst=("case", list(hurst)))
