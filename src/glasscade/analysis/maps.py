"""Full maps of the terms of the stress balance, on a grid in the cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import AXES, RATE, progress, variable
from glasscade.analysis.balance import ITO, Reduction, equations, modes_of
from glasscade.analysis.snapshots import (
    Index,
    Snapshot,
    Snapshots,
    refuse_changing_cell,
)
from glasscade.budget.balance import MAPS, Currents, balance_maps, source_map
from glasscade.budget.operator import components, full_tensor
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.external import External
from glasscade.potentials import Mixture
from glasscade.transforms import good_size, grid_to_modes, modes_to_grid, truncate

Real = npt.NDArray[np.float64]
Counts = tuple[int, ...]

PARTS = ("density", "stress", "rate", "source", "transport", "flux")
ONCE = ("stress", "rate")
"""Parts that terms do not have each for themselves."""


def stress_maps(
    data: xr.Dataset,
    mixture: Mixture,
    ell: float,
    *,
    temperature: float = 0.0,
    mobility: float = 1.0,
    kernel: str = "gaussian",
    terms: str | Sequence[str] = ("Q_flux",),
    parts: str | Sequence[str] = ("density", "stress", "source"),
    points: int | tuple[int, ...] | None = None,
    external: External = None,
    counts: Counts | None = None,
) -> xr.Dataset:
    """The balance of every snapshot at one scale as full fields, ∂tσ_ij = Σ_X (-∂_k𝒯_k + 𝒮)(x).

    Snapshots are worked on one after the other; their maps are kept, 8 d² bytes for each point of
    the grid and each term of each part (d times this for `flux`), and the work needs about as much
    again for one of them. Choose snapshots beforehand, ``data.isel(time=[0, -1])``.

    Parameters
    ----------
    data, mixture, temperature, mobility, kernel, external, counts
        As for `stress_balance`.
    ell : float
        One scale, of particles ℓ > 0. The grid must resolve it: its size goes as 1/ℓ.
    terms : name, names or "all"
        The terms of which there shall be maps.
    parts : name, names or "all"
        Of `density` ρ̄_s, `stress` σ_ij, `rate` ∂tσ_ij of all terms together, and for each term
        `source` 𝒮_ij, `flux` 𝒯_k,ij and `transport` -∂_k𝒯_k,ij.
    points : int or (n_1, ...), optional
        Grid points per axis, at least four per highest mode, since products reach twice the modes;
        by default as few as possible.

    Returns
    -------
    Dataset
        (..., [term, [k,]] x[, y[, z]], i, j), `density` (..., species, x, ...). The coordinates x,
        y, z are fractional, along the box vectors; `cartesian_x`, ... are the points themselves.

    Raises
    ------
    DataError, ConfigError, ResolutionError
        As for `stress_balance`; ConfigError if a term or part is unknown, ResolutionError if the
        grid is too coarse.
    """
    series = Snapshots(data, mixture, external)
    refuse_changing_cell(series)
    cell = next(series.cells())
    reduction = Reduction(
        mixture,
        cell,
        temperature,
        (kernel,),
        TestFunctions.bumps(cell.dim, count=0, sharpness=0, seed=0),
        most=modes_of(series, counts),
        particles=series.are_particles,
        measured=series.measured,
        mobility=mobility,
    )
    for each in series.cells():
        reduction.in_cell(each).require_resolved((ell,))
    if ell == 0.0 and series.are_points:
        raise ConfigError("ell: points have maps at ell > 0 alone, since ρ is a sum of them")
    chosen = _known("terms", terms, reduction.terms(series.driven))
    return maps(series, reduction, ell, chosen, _known("parts", parts, PARTS), points)


def _known(key: str, names: str | Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
    if names == "all":
        return tuple(allowed)
    chosen = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in chosen if name not in allowed]
    if unknown:
        raise ConfigError(f"{key}: {unknown} must be among {', '.join(allowed)}")
    return chosen


def maps(
    series: Snapshots,
    reduction: Reduction,
    ell: float,
    terms: tuple[str, ...],
    parts: tuple[str, ...],
    points: int | Counts | None = None,
) -> xr.Dataset:
    """Maps of all snapshots, with the first kernel."""
    shape = _shape(series, reduction, ell, points)
    results: dict[str, Real] = {}
    for index in progress(series, "maps"):
        reduction = reduction.in_cell(series.cell(index))
        for part, values in _of_one(series, index, reduction, ell, terms, parts, shape).items():
            if part not in results:
                results[part] = np.empty((*series.shape, *values.shape))
            results[part][index] = values
    return _label(results, series, ell, reduction.kernels[0], terms, shape)


def _shape(
    series: Snapshots, reduction: Reduction, ell: float, points: int | Counts | None
) -> Counts:
    """A grid for products of coarse-grained fields, the same in all cells."""
    if isinstance(points, int):
        return (points,) * reduction.cell.dim
    if points is not None:
        return points
    kernel = reduction.kernels[0]
    counts = [reduction.in_cell(cell).counts(kernel, ell) for cell in series.cells()]
    return tuple(good_size(4 * int(m) + 1) for m in np.max(counts, axis=0))


def _of_one(
    series: Snapshots,
    index: Index,
    reduction: Reduction,
    ell: float,
    terms: tuple[str, ...],
    parts: tuple[str, ...],
    shape: Counts,
) -> dict[str, Real]:
    """The maps of one snapshot, tensor components last."""
    kernel, cell = reduction.kernels[0], reduction.cell
    # The Itô source of points, a product, has twice the modes.
    snapshot = series.at(index, tuple(2 * m for m in reduction.counts(kernel, ell)))
    coarse = reduction.coarse_grain(snapshot, kernel, ell)
    found = _of_currents(coarse, reduction.mixture, cell, shape, terms, parts)
    if reduction.noisy and (ITO in terms or "rate" in parts):
        found = _with_ito(found, ito_map(reduction, snapshot, ell, shape), terms)
    tensors = {
        part: full_tensor(np.moveaxis(found[part], -1 - cell.dim, -1), cell.dim)
        for part in parts
        if part != "density"
    }
    if "density" in parts:
        tensors["density"] = modes_to_grid(coarse.density, cell, shape)
    return tensors


def _of_currents(
    coarse: Currents,
    mixture: Mixture,
    cell: Cell,
    shape: Counts,
    terms: tuple[str, ...],
    parts: tuple[str, ...],
) -> dict[str, Real]:
    """All that comes out of B in one pass, (c, n_1, ...) behind the axes of terms and of k."""
    of_b = [part for part in MAPS if part in parts]
    if not of_b:
        return {}
    currents = [term for term in terms if term != ITO]
    return balance_maps(coarse, mixture, cell, shape, of_b, currents)


def _with_ito(found: dict[str, Real], ito: Real, terms: tuple[str, ...]) -> dict[str, Real]:
    """Add the Itô source, which has no flux, to the rate and where it stands among the terms."""
    result = dict(found)
    if "rate" in found:
        result["rate"] = found["rate"] + ito
    if ITO in terms:
        place = terms.index(ITO)
        for part, values in (("source", ito), ("transport", 0.0), ("flux", 0.0)):
            if part in found:
                result[part] = np.insert(found[part], place, values, axis=0)
    return result


def ito_map(reduction: Reduction, snapshot: Snapshot, ell: float, shape: Counts) -> Real:
    """I_ℓ(x) = 2T Σ_a w_a² Σ_k B[∂_kG_a, ∂_kG_a](x) of points, (c, n_1, ...).

    For one point it is minus the source of the thermal term; the others are the same elsewhere.
    """
    kernel, cell = reduction.kernels[0], reduction.cell
    counts = reduction.counts(kernel, ell)
    twice = tuple(2 * m for m in counts)
    if snapshot.squares is None:
        raise ConfigError("data: a gridded density has no Itô source")
    sums = truncate(snapshot.squares, cell.dim, twice)
    total = np.zeros((len(components(cell.dim)), *sums.shape[1:]), dtype=np.complex128)
    for s, phases in enumerate(sums):
        density = np.zeros((len(sums), *(2 * m + 1 for m in counts)), dtype=np.complex128)
        density[s] = 1.0
        no_force = np.zeros((len(sums), cell.dim, *density.shape[1:]), dtype=np.complex128)
        one = reduction.coarse_grain(Snapshot(density, no_force), kernel, ell)
        source = source_map(one, "Q_thermal", reduction.mixture, cell, shape)
        total -= phases * grid_to_modes(source, cell, twice)
    return modes_to_grid(total, cell, shape)


def _label(
    results: dict[str, Real],
    series: Snapshots,
    ell: float,
    kernel: str,
    terms: tuple[str, ...],
    shape: Counts,
) -> xr.Dataset:
    axes = AXES[: len(shape)]
    tail = (*axes, "i", "j")
    per = "l0^-d"
    layout = {
        "density": (("species", *axes), per, "ρ̄_ℓ", "Eq. 23"),
        "stress": (tail, f"V0 {per}", "σ^ni_ℓ", "Eqs. 13, 30"),
        "rate": (tail, f"{RATE} {per}", "∂tσ^ni_ℓ from ∂tρ̄", "Eqs. 14, 31"),
        "source": (("term", *tail), f"{RATE} {per}", "𝒮 of each current", "Eqs. 17-19, 36-41"),
        "transport": (("term", *tail), f"{RATE} {per}", "-∂_k𝒯_k of each current", "Eqs. 15, 35"),
        "flux": (("term", "k", *tail), f"mu V0^2/l0 {per}", "𝒯_k of each current", "Eqs. 16, 35"),
    }
    result = xr.Dataset(
        {
            name: variable((*series.lead, *layout[name][0]), values, *layout[name][1:])
            for name, values in results.items()
        },
        coords={
            **series.coordinates,
            "ell": ((), ell, {"units": "l0", "long_name": "scale ℓ"}),
            "kernel": kernel,
            **_positions(series, shape),
        },
    )
    if "term" in result.dims:
        result = result.assign_coords(term=list(terms), equation=equations(terms))
    return result


def _positions(series: Snapshots, shape: Counts) -> dict[str, xr.Variable]:
    """Fractional coordinates along the box vectors, and the Cartesian ones of every point."""
    axes = AXES[: len(shape)]
    found = {
        axis: variable((axis,), np.arange(n) / n, "1", f"fraction of box vector {number}")
        for number, (axis, n) in enumerate(zip(axes, shape, strict=True))
    }
    grids = np.array([cell.grid(shape) for cell in series.cells()])
    grids = grids.reshape(*series.shape_of_cells, *shape, len(shape))
    for number, axis in enumerate(axes):
        dims = (*series.lead_of_cells, *axes)
        found[f"cartesian_{axis}"] = variable(dims, grids[..., number], "l0", axis)
    return found
