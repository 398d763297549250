"""How solutions of a deterministic field come together: ‖ρ^T - ρ‖_p against T."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import progress, variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.config import System
from glasscade.errors import DataError
from glasscade.limits.extrapolation import ENDS, POINTS, Limit, extrapolate, slope, unknown
from glasscade.stages.batches import Place
from glasscade.stages.integrate import believed, written
from glasscade.transforms import Modes, good_size, modes_to_grid, truncate

Real = npt.NDArray[np.float64]

NORM_ORDERS = (1, 2, 3)
EXTENTS = ("largest", "final")
"""Over all output times, and at the last of them."""
SAME_TIME = 1e-9
"""Round-off in output times, relative to the last."""
SLACK = 1e-9
"""Round-off in scales that are just resolved."""


def convergence(
    states: list[Place],
    system: System,
    kernel: str,
    ells: list[float],
    level: float,
) -> xr.Dataset:
    """Norms of ρ̄^T_ℓ - ρ̄_ℓ, their limits T → 0 and their exponents in T.

    Norms are averages over the cell, <Σ_s|·|^p>^{1/p}. Gridded densities are compared as they are,
    at ℓ = 0; where that at T = 0 is a measure, which has no norm, both are coarse-grained first, at
    every ℓ > 0 that the grid resolves.

    Parameters
    ----------
    states : list of Place
        In the order of temperature: 0 and at least `POINTS` above.
    system : System
    kernel : str
    ells : list of float
        Scales of the sweep.
    level : float
        Of the interval of the exponents, whose degrees of freedom are those of a straight line.

    Returns
    -------
    Dataset
        `distance` against T and `size`, the norm at T = 0, both the largest over the output times
        and the final one; `distance_limit` and `distance_exponent`, with the fields of `Limit`.

    Raises
    ------
    DataError
        If two states differ in their output times.
    """
    first, *others = states
    cold = _snapshots(first, system)
    resolved = [
        ell for ell in ells if ell >= (1.0 - SLACK) * system.smallest_scale(kernel) and ell > 0.0
    ]
    scales = [Scale.of(system, kernel, ell) for ell in (resolved if cold.are_points else [0.0])]
    most = tuple(int(m) for m in np.max([scale.counts for scale in scales], axis=0))
    athermal = list(_densities(cold, most))
    rows, size = [], _extents(athermal, scales, system)
    for place in progress(others, "temperatures"):
        warm = _snapshots(place, system)
        _require_same_times(place.path, cold, warm)
        pairs = zip(_densities(warm, most), athermal, strict=True)
        rows.append(_extents((each - other for each, other in pairs), scales, system))
    warm_ones = np.array([place.temperature for place in others])
    return labelled(
        warm_ones,
        np.array(rows),
        size,
        scales,
        level,
        [system.extrapolates_cold_at(scale.ell) for scale in scales],
    )


@dataclass(frozen=True, eq=False)
class Scale:
    """A filter on the modes it needs, and the grid on which norms are taken."""

    ell: float
    counts: tuple[int, ...]
    filter: Real
    shape: tuple[int, ...]

    @classmethod
    def of(cls, system: System, kernel: str, ell: float) -> Scale:
        """ℓ = 0 is no filter, on the grid of the states; else |ρ̄| is sampled twice as finely."""
        cell, counts = system.cell, system.counts
        if ell == 0.0:
            return cls(ell, counts, np.ones(1), tuple(good_size(2 * m + 1) for m in counts))
        needed = cell.counts_up_to(KERNELS[kernel].band(cell.dim) / ell)
        counts = tuple(min(pair) for pair in zip(needed, counts, strict=True))
        shape = tuple(good_size(4 * m + 1) for m in counts)
        return cls(ell, counts, KERNELS[kernel].filter(cell, counts, ell), shape)


def _snapshots(place: Place, system: System) -> Snapshots:
    """The states of the one realisation there is."""
    return Snapshots(place.read().isel(realisation=0), system.mixture)


def _require_same_times(path: Path, cold: Snapshots, warm: Snapshots) -> None:
    times, others = (series.coordinates["time"].values for series in (cold, warm))
    if times.shape != others.shape or np.max(np.abs(others - times)) > SAME_TIME * times[-1]:
        raise DataError(f"{path}: its output times differ from those at T = 0; delete both states")


def _densities(series: Snapshots, counts: tuple[int, ...]) -> Iterator[Modes]:
    """ρ_s at one time after the other, (S, modes)."""
    return (series.density(index, counts) for index in series)


def _extents(densities: Iterable[Modes], scales: list[Scale], system: System) -> Real:
    """Norms of densities (S, modes), or differences of some, over time: (scale, order, extent)."""
    norms = np.array(
        [[_norms(modes, scale, system.cell) for scale in scales] for modes in densities]
    )
    return np.stack([norms.max(axis=0), norms[-1]], axis=-1)


def _norms(modes: Modes, scale: Scale, cell: Cell) -> Real:
    """<Σ_s|ρ̄|^p>^{1/p} for every p."""
    smooth = truncate(modes, cell.dim, scale.counts) * scale.filter
    size = np.abs(modes_to_grid(smooth, cell, scale.shape))
    return np.array([np.mean(np.sum(size**p, axis=0)) ** (1.0 / p) for p in NORM_ORDERS])


def labelled(
    temperature: Real,
    distance: Real,
    size: Real,
    scales: list[Scale],
    level: float,
    below: Sequence[float] = (),
) -> xr.Dataset:
    """Everything as a dataset, with what is fitted to the distances (temperature, ...).

    What is fitted has no interval unless its temperatures are below those that `below` has for each
    scale; by default any are.
    """
    limits = np.full((*size.shape, len(ENDS)), np.nan)
    exponents = limits.copy()
    for index in np.ndindex(size.shape):
        values = distance[(slice(None), *index)]
        limit = extrapolate(temperature, values[np.newaxis], level, True)
        coldest = below[index[0]] if below else np.inf
        limits[index] = written(believed(limit, coldest))
        exponents[index] = written(believed(_exponent(temperature, values, level), coldest))
    lead, text = ("compared_ell", "p", "extent"), "norm of ρ̄^T - ρ̄, averaged over the cell"
    variables = {
        "distance": variable(("warm", *lead), distance, "l0^-d", text),
        "size": variable(lead, size, "l0^-d", "norm of ρ̄ at T = 0, averaged over the cell"),
        "distance_limit": variable((*lead, "end"), limits, "l0^-d", "limit T → 0 of distance"),
        "distance_exponent": variable((*lead, "end"), exponents, "1", "a of distance ~ T^a"),
    }
    coordinates = {
        "warm": ("warm", temperature, {"units": "V0/k_B", "long_name": "temperatures above 0"}),
        "compared_ell": [scale.ell for scale in scales],
        "p": list(NORM_ORDERS),
        "extent": list(EXTENTS),
        "end": list(ENDS),
    }
    return xr.Dataset(variables, coords=coordinates)


def _exponent(temperature: Real, values: Real, level: float) -> Limit:
    """a of values ~ T^a at the `POINTS` smallest T; none where densities are the same."""
    if not np.all(values[:POINTS] > 0.0):
        return unknown(1)
    return slope(temperature[:POINTS], values[:POINTS], level)
