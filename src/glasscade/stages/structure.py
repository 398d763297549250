"""Stage 3: norms of increments, gradients and wavelet blocks of ρ and F against scale.

Taken at the last output time. Densities of points are first mollified at the smallest scale the
grid resolves, so that fits belong at scales well above it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import progress, variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.coarse import GAUSSIAN
from glasscade.config import SYSTEM, System
from glasscade.force import ForceField
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.moments import Moments, average
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.transforms import modes_to_grid

Real = npt.NDArray[np.float64]

ESTIMATORS = ("wavelets", "gradients", "increments")
FIELDS = ("density", "force")
PER_OCTAVE = 2
"""Separations and filter widths per factor of two."""


def run(job: dict[str, Any], state: Path, output: Path) -> None:
    """Measure the norms of the last snapshot of every realisation.

    Parameters
    ----------
    job : dict
        `system`, `orders`.
    state, output : Path
        The state file and the structure file.
    """
    system = SYSTEM.validate_python(job["system"])
    dataset = structure(system, read_dataset(state, "cell"), np.array(job["orders"], dtype=float))
    write_dataset(dataset, output, job, __name__)


def structure(system: System, state: xr.Dataset, orders: Real) -> xr.Dataset:
    """Norms of dimensions (realisation, field, estimator, order, scale)."""
    series = Snapshots(state, system.mixture)
    force = ForceField(system.mixture, system.cell, system.counts)
    smooth = (
        GAUSSIAN.filter(system.cell, system.counts, system.smallest_scale(GAUSSIAN.name))
        if series.are_points
        else np.ones(tuple(2 * m + 1 for m in system.counts))
    )
    rows = []
    for realisation in progress(range(state.sizes["realisation"]), "structure functions"):
        last = series.at((realisation, state.sizes["time"] - 1), system.counts)
        density = last.density * smooth
        components = force.force(density).reshape(-1, *density.shape[1:])
        fields = (np.sum(density, axis=0, keepdims=True), components)
        rows.append([_estimates(field, system, orders) for field in fields])
    return _label(rows, state, orders)


def _estimates(components: npt.NDArray[np.complex128], system: System, q: Real) -> list[Moments]:
    """All estimators of one field; of a vector, the norms of its components are averaged."""
    cell = system.cell
    values = [modes_to_grid(component, cell, system.shape) for component in components]
    spacing = system.length / system.points
    top = system.length / 8.0
    widths = _scales(system.smallest_scale(GAUSSIAN.name), top)
    separations = _scales(spacing, 2.0 * top)
    levels = int(np.log2(system.points)) - 3
    return [
        average([wavelet_moments(f, cell, levels, q) for f in values]),
        average([gradient_moments(f, cell, widths, q, GAUSSIAN) for f in values]),
        average([increment_moments(f, cell, separations, q) for f in values]),
    ]


def _scales(low: float, high: float) -> Real:
    """Whole and half octaves from `low` upwards; first differences below 4 are whole multiples."""
    count = int(np.floor(PER_OCTAVE * np.log2(high / low))) + 1
    scales = low * 2.0 ** (np.arange(count) / PER_OCTAVE)
    return np.concatenate([scales[:4:PER_OCTAVE], scales[4:]])


def _label(rows: list[list[list[Moments]]], state: xr.Dataset, orders: Real) -> xr.Dataset:
    """Pad the scales of all estimators to one length with NaN."""
    longest = max(m.scale.size for m in rows[0][0])
    norm = np.full((len(rows), len(FIELDS), len(ESTIMATORS), orders.size, longest), np.nan)
    scale = np.full((len(ESTIMATORS), longest), np.nan)
    for r, fields in enumerate(rows):
        for f, estimates in enumerate(fields):
            for e, moments in enumerate(estimates):
                norm[r, f, e, :, : moments.scale.size] = moments.norm
                scale[e, : moments.scale.size] = moments.scale
    coordinates = {name: state[name] for name in ("realisation", "hurst") if name in state.coords}
    return xr.Dataset(
        {
            "norm": variable(
                ("realisation", "field", "estimator", "order", "scale_index"),
                norm,
                "unit of the field (per l0 for gradients)",
                "<|.|^q>^{1/q} of increments, gradients or wavelet blocks",
                "before Eq. 45",
            ),
            "scale": variable(("estimator", "scale_index"), scale, "l0", "scale"),
            "offset": variable(
                ("estimator",), [m.offset for m in rows[0][0]], "1", "ξ = slope + offset"
            ),
        },
        coords={
            **coordinates,
            "field": list(FIELDS),
            "estimator": list(ESTIMATORS),
            "order": orders,
        },
    )


def moments_of(dataset: xr.Dataset, realisation: int, field: str, estimator: str) -> Moments:
    """The moments of one realisation in a structure file."""
    row = dataset.isel(realisation=realisation).sel(field=field, estimator=estimator)
    known = np.isfinite(row["scale"].values)
    mean = row["norm"].values[:, known] ** row["order"].values[:, np.newaxis]
    return Moments(
        estimator,
        row["scale"].values[known],
        row["order"].values,
        mean,
        np.full_like(mean, np.nan),
        float(row["offset"]),
    )
