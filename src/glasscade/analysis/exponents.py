"""Besov exponents of one's own densities and patterns of particles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import cell_of, progress, variable
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.errors import ConfigError, DataError
from glasscade.regularity.blocks import correlation_length, independent
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import FLAGS, Exponents, exponents
from glasscade.regularity.gradients import gradient_moments
from glasscade.regularity.moments import VERDICT_ESTIMATOR, Moments
from glasscade.regularity.scaling import Expected
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.transforms import modes_to_grid, point_modes

Real = npt.NDArray[np.float64]

TILES = 8
"""Tiles per axis: blocks of a single snapshot, if it is large enough."""
PER_OCTAVE = 2
"""Filter widths of gradients per factor of two."""
ESTIMATORS = ("wavelets", "gradients")


def besov_exponents(
    data: xr.Dataset,
    *,
    window: tuple[float, float],
    points: int | None = None,
    orders: Sequence[float] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    estimator: str = VERDICT_ESTIMATOR,
    level: float = 0.95,
) -> xr.Dataset:
    """ξ_q of the density, ‖ρ(x+r) - ρ(x)‖_q ~ r^ξ_q, over a range of scales that is looked for.

    Every snapshot counts as one independent sample: choose realisations, or times further apart
    than the system remembers. Fewer than six are cut into blocks, if these are wide against the
    correlation length and the window.

    Parameters
    ----------
    data : Dataset
        `density` ([...,] [species,] x[, y[, z]]) on an even grid, or `position` ([...,] particle,
        axis) with, if need be, `weight` (particle); and one `cell` (row, vector). Species are
        added up.
    window : (low, high)
        Where a scaling range is looked for, in the unit of lengths. Of particles, above the scale
        at which they are smeared, a few grid spacings.
    points : int, optional
        For particles, grid points along each side; for wavelets a multiple of a high power of two.
    orders : sequence of float
        q from -1 to 9, 3 among them.
    estimator : {"wavelets", "gradients"}
        Wavelets need a cubic cell and as many points along each side. Gradients take any cell and
        see exponents below 1, but need larger corrections.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    Dataset
        By `order`: `value` with `ci_low` and `ci_high`, `raw`, `correction`, and `flag`, a word
        that says what is known (`glasscade.regularity.exponents.FLAGS`); by order and scale `local`
        slopes; attributes with the scaling range found and the number of samples.

    Raises
    ------
    DataError
        If there is neither `density` nor `position`, or the data are not finite.
    ConfigError
        If the estimator is unknown, `points` is missing, or the window holds too few scales.
    ResolutionError
        If the grid or the cell does not suit the estimator.
    """
    if estimator not in ESTIMATORS:
        raise ConfigError(f"estimator: it must be {' or '.join(ESTIMATORS)}, not '{estimator}'")
    cell, q = cell_of(data), np.array(orders, dtype=np.float64)
    fields = _densities(data, cell, points)
    levels, widths = _scales(fields[0].shape, cell)
    moments: list[Moments] = []
    for field in progress(fields, "snapshots"):
        if estimator == "wavelets":
            moments.append(wavelet_moments(field, cell, levels, q, TILES))
        else:
            moments.append(gradient_moments(field, cell, widths, q, GAUSSIAN, TILES))
    scales = levels if estimator == "wavelets" else widths
    known: Expected = reference(estimator, fields[0].shape, cell, scales, q, GAUSSIAN)
    lengths = [correlation_length(field, cell) for field in fields]
    samples = independent(moments, cell, [*lengths, window[1]])
    volume = cell.volume * len(moments) / len(samples)
    return _label(exponents(samples, window, level, volume, known), q)


def _densities(data: xr.Dataset, cell: Cell, points: int | None) -> list[Real]:
    """The density of every snapshot on a grid."""
    if "density" in data:
        axes = ("x", "y", "z")[: cell.dim]
        density = data["density"]
        density = density.sum("species") if "species" in density.dims else density
        values = density.transpose(..., *axes).values
        return list(values.reshape(-1, *values.shape[values.ndim - cell.dim :]))
    if "position" not in data:
        raise DataError(
            f"data: `density` or `position` is needed; there is {sorted(map(str, data))}"
        )
    if points is None:
        raise ConfigError("points: for particles, say on how many grid points along each side")
    position = data["position"].transpose(..., "particle", "axis").values
    weight = data["weight"].values if "weight" in data else np.ones(position.shape[-2])
    return [
        _smeared(each, weight, cell, points) for each in position.reshape(-1, *position.shape[-2:])
    ]


def _smeared(position: Real, weight: Real, cell: Cell, points: int) -> Real:
    """The density of particles, mollified at the smallest scale that the grid resolves."""
    counts = ((points - 1) // 2,) * cell.dim
    modes = point_modes(position, weight[np.newaxis], cell, counts)[0]
    smooth = GAUSSIAN.filter(cell, counts, _smallest_width((points,) * cell.dim, cell))
    return modes_to_grid(modes * smooth, cell, (points,) * cell.dim)


def _smallest_width(shape: tuple[int, ...], cell: Cell) -> float:
    """The smallest ℓ at which the grid holds all that the kernel lets pass."""
    k_max = float(np.min(np.pi * np.array(shape) / np.linalg.norm(cell.matrix, axis=0)))
    return GAUSSIAN.band(cell.dim) / k_max


def _scales(shape: tuple[int, ...], cell: Cell) -> tuple[int, Real]:
    """Levels of wavelets and filter widths of gradients, up to an eighth of the cell."""
    levels = int(np.log2(min(shape) / TILES))
    low, high = _smallest_width(shape, cell), cell.smallest_width / 8.0
    count = int(np.floor(PER_OCTAVE * np.log2(high / low))) + 1
    return levels, low * 2.0 ** (np.arange(max(count, 1)) / PER_OCTAVE)


def _label(found: Exponents, q: Real) -> xr.Dataset:
    names = {
        "value": "Besov exponent ξ_q",
        "ci_low": "lower end of the interval",
        "ci_high": "upper end of the interval",
        "raw": "slope before the correction",
        "correction": "what grid and box add to the slope of a fractional field",
    }
    local = variable(("order", "middle"), found.local, "1", "slopes between neighbouring scales")
    return xr.Dataset(
        {
            **{k: variable(("order",), getattr(found, k), "1", v) for k, v in names.items()},
            "flag": variable(("order",), list(found.flag), "1", "what is known of the exponent"),
            "local": local,
        },
        coords={"order": q, "middle": variable(("middle",), found.middle, "l0", "scale")},
        attrs={
            "estimator": found.estimator,
            "range": [found.low, found.high],
            "decades": found.decades,
            "samples": found.samples,
            "flags": "; ".join(f"{flag}: {FLAGS[flag]}" for flag in dict.fromkeys(found.flag)),
        },
    )
