"""Stage 3: moments of increments, gradients and wavelets of ρ and F against scale.

Taken at the last output time. Densities of points are first mollified at the smallest scale the
grid resolves, so that fits belong at scales well above it. Exponents do not depend on a linear map
of space: a cell that is no cube is looked at as the cube that is as large.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import cell_variable, last_snapshot, progress, variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.coarse import GAUSSIAN
from glasscade.config import SYSTEM, System
from glasscade.force import ForceField
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.blocks import correlation_length
from glasscade.regularity.expected import HURST, reference
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.increments import increment_moments
from glasscade.regularity.leaders import leader_moments
from glasscade.regularity.moments import Moments, average
from glasscade.regularity.scaling import Expected
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.stages.nulls import densities, sources
from glasscade.transforms import Modes, modes_to_grid

Real = npt.NDArray[np.float64]

ESTIMATORS = ("wavelets", "leaders", "gradients", "increments", "second_increments")
FIELDS = ("density", "force")
PER_OCTAVE = 2
"""Separations and filter widths per factor of two."""
TILES = {1: 8, 2: 8, 3: 4}
"""Tiles per axis for local exponents and blocks; the largest scale of wavelets fills one."""


def run(job: dict[str, Any], state: Path, output: Path) -> None:
    """Measure the moments of the last snapshot of every realisation.

    Parameters
    ----------
    job : dict
        `system`, `orders` and, for particles, `seed` and `nulls`.
    state, output : Path
        The state file and the structure file.
    """
    system = SYSTEM.validate_python(job["system"])
    write_dataset(structure(system, read_dataset(state, "cell"), job), output, job, __name__)


def structure(system: System, state: xr.Dataset, job: dict[str, Any]) -> xr.Dataset:
    """Moments of dimensions (realisation, source, field, estimator, order, scale, tiles)."""
    orders = np.array(job["orders"], dtype=np.float64)
    series = Snapshots(last_snapshot(state, system.cell), system.mixture)
    cell = next(series.cells())
    force = ForceField(system.mixture, cell, system.counts)
    smooth = (
        GAUSSIAN.filter(cell, system.counts, system.smallest_scale(GAUSSIAN.name))
        if series.are_points
        else np.ones(tuple(2 * m + 1 for m in system.counts))
    )
    rows, lengths = [], []
    for number in progress(range(state.sizes["realisation"]), "structure functions"):
        label = int(state["realisation"].values[number])
        fields = [
            _fields(system, force, density * smooth)
            for density in densities(system, series, number, label, job)
        ]
        rows.append([[_estimates(field, system, orders) for field in pair] for pair in fields])
        lengths.append([correlation_length(pair[0][0], system.cell) for pair in fields])
    return _label(rows, lengths, state, system, orders)


def _fields(system: System, force: ForceField, density: Modes) -> tuple[list[Real], list[Real]]:
    """On the grid: the total density, and the components of the forces on all species."""
    components = force.force(density).reshape(-1, *density.shape[1:])
    total = np.sum(density, axis=0, keepdims=True)
    density_values, force_values = (
        [modes_to_grid(each, system.cell, system.shape) for each in group]
        for group in (total, components)
    )
    return density_values, force_values


def _scales_of(system: System) -> tuple[int, Real, Real]:
    """Levels of wavelets, filter widths of gradients, separations of increments."""
    spacing = system.length / system.points
    top = system.length / 8.0
    levels = int(np.log2(system.points)) - 3
    widths = _scales(system.smallest_scale(GAUSSIAN.name), top)
    return levels, widths, _scales(spacing, 2.0 * top)


def _estimates(values: list[Real], system: System, q: Real) -> list[Moments]:
    """All estimators of one field; of a vector, averages run over its components too."""
    cell, tiles = system.cell, TILES[system.dimension]
    levels, widths, separations = _scales_of(system)
    return [
        average([wavelet_moments(f, cell, levels, q, tiles) for f in values]),
        average([leader_moments(f, cell, levels, q, tiles=tiles) for f in values]),
        average([gradient_moments(f, cell, widths, q, GAUSSIAN, tiles) for f in values]),
        average([increment_moments(f, cell, separations, q, 1, tiles) for f in values]),
        average([increment_moments(f, cell, separations, q, 2, tiles) for f in values]),
    ]


def _scales(low: float, high: float) -> Real:
    """Whole and half octaves from `low` upwards; first differences below 4 are whole multiples."""
    count = int(np.floor(PER_OCTAVE * np.log2(high / low))) + 1
    scales = low * 2.0 ** (np.arange(count) / PER_OCTAVE)
    return np.concatenate([scales[:4:PER_OCTAVE], scales[4:]])


def _label(
    rows: list[list[list[list[Moments]]]],
    lengths: list[list[float]],
    state: xr.Dataset,
    system: System,
    orders: Real,
) -> xr.Dataset:
    """Pad the scales of all estimators to one length with NaN."""
    first = rows[0][0][0]
    longest = max(m.scale.size for m in first)
    names = sources(system)
    lead = (len(rows), len(names), len(FIELDS))
    tiles = first[0].mean.shape[2:]
    mean = np.full((*lead, len(ESTIMATORS), orders.size, longest, *tiles), np.nan)
    square = np.full((*lead, len(ESTIMATORS), orders.size, longest), np.nan)
    scale = np.full((len(ESTIMATORS), longest), np.nan)
    for index in np.ndindex(*lead):
        for e, moments in enumerate(rows[index[0]][index[1]][index[2]]):
            mean[(*index, e)][:, : moments.scale.size] = moments.mean
            square[(*index, e)][:, : moments.scale.size] = moments.square
            scale[e, : moments.scale.size] = moments.scale
    dims = ("realisation", "source", "field", "estimator", "order", "scale_index")
    coordinates = {name: state[name] for name in ("realisation", "hurst") if name in state.coords}
    unit = "unit of the field (per l0 for gradients) to the power q"
    return xr.Dataset(
        {
            "mean": variable(
                (*dims, *(f"tile_{axis}" for axis in range(system.dimension))),
                mean,
                unit,
                "<|.|^q> over each tile, of increments, gradients or wavelets; <ln|.|> for q = 0",
                "before Eq. 45",
            ),
            "square": variable(dims, square, f"{unit}, squared", "<|.|^2q> over the cell"),
            "scale": variable(("estimator", "scale_index"), scale, "l0", "scale"),
            "offset": variable(
                ("estimator",), [m.offset for m in first], "1", "ξ = slope + offset"
            ),
            "expected": _expected(first, system, orders, longest),
            "correlation_length": variable(
                ("realisation", "source"), lengths, "l0", "beyond it ρ is uncorrelated"
            ),
            "cell": cell_variable(system.cell),
        },
        coords={
            **coordinates,
            "source": list(names),
            "field": list(FIELDS),
            "estimator": list(ESTIMATORS),
            "order": orders,
            "reference_hurst": HURST,
        },
    )


def _expected(estimates: list[Moments], system: System, orders: Real, longest: int) -> xr.Variable:
    """Exact norms of fractional fields on this grid, NaN for leaders, of which none are known."""
    norm = np.full((len(ESTIMATORS), HURST.size, orders.size, longest), np.nan)
    levels, widths, separations = _scales_of(system)
    scales: dict[str, int | Real] = {"wavelets": levels, "gradients": widths}
    for e, moments in enumerate(estimates):
        name = moments.estimator
        if name != "leaders":
            kernel = GAUSSIAN if name == "gradients" else None
            found = reference(
                name, system.shape, system.cell, scales.get(name, separations), orders, kernel
            )
            norm[e, :, :, : moments.scale.size] = found.norm
    return variable(
        ("estimator", "reference_hurst", "order", "scale_index"),
        norm,
        "1",
        "norm of a fractional field of exponent H and unit variance on this grid",
    )


def moments_of(dataset: xr.Dataset, realisation: int, **chosen: str) -> Moments:
    """The moments of one realisation in a structure file, by source, field and estimator."""
    row = dataset.isel(realisation=realisation).sel(chosen)
    known = np.isfinite(row["scale"].values)
    return Moments(
        chosen["estimator"],
        row["scale"].values[known],
        row["order"].values,
        row["mean"].values[:, known],
        row["square"].values[:, known],
        float(row["offset"]),
    )


def expected_of(dataset: xr.Dataset, estimator: str) -> Expected | None:
    """What corrects an estimator in a structure file, if it is known."""
    row = dataset.sel(estimator=estimator)
    known = np.isfinite(row["scale"].values)
    norm = row["expected"].transpose("reference_hurst", "order", "scale_index").values[..., known]
    # Orders of which there is no moment are unknown as well, and refused for that reason.
    return None if np.all(np.isnan(norm)) else Expected(row["reference_hurst"].values, norm)
