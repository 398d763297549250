"""From a Dataset to the modes of ρ_s and ρ_s F_s: of particles, fields or measures.

Particles
    ===========  =========================  =====================================================
    `position`   (..., particle, axis)      wrapped or not
    `species`    (particle), optional       from 0, which is the default
    `weight`     (particle), optional       particles that a point stands for, 1 by default
    `force`      (..., particle, axis),     the *physical* force -∂U/∂x_a of the potential, as
                 optional                   simulation programs write it; neither external nor
                                            random forces are part of it. **The theory's F is its
                                            negative**; it is turned here, once.
    `velocity`   (..., particle, axis),     dx_a/dt, of whatever dynamics: what the terms of Eq. 1
                 optional                   leave of its current then is a term `residual`
    ===========  =========================  =====================================================

Fields
    `density` (..., [species,] x[, y[, z]]) at the fractional coordinates j/n along the box vectors.

Measures
    The variables of particles, where `weight` is there and has the attribute
    ``representation: measure``. The points then are lumps of a continuous density that has
    concentrated (`glasscade.fields.measures`), very many, each with the mass `weight`. They have no
    bonds, no noise and no self-pairs; at ℓ = 0 nothing is known. Forces are compared with those of
    the mixture at a few of the points.

All
    `cell` ([...,] row, vector): the matrix whose columns are the box vectors, with dimensions of
    its own where the cell changes.

The dimensions ... are any, in any order, and label the snapshots. A mixture gives forces by itself;
if the data have forces, those are used and compared with the mixture's, since ∇·σ = -Σρ_sF_s, and
with it the balance, holds for no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import AXES
from glasscade.analysis.checks import leading, require, require_numbers, require_units
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.external import (
    Drive,
    External,
    ExternalForce,
    each_species,
    external_density,
)
from glasscade.fields.measures import Force, Measure, direct_force, steepest
from glasscade.force import ForceField
from glasscade.particles.observables import Bonds, find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Mixture
from glasscade.transforms import Modes, grid_to_modes, point_modes, truncate

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Index = tuple[int, ...]

FORCES_AGREE = 1e-4
"""Largest difference of given forces from the mixture's, of the largest force: positions in single
precision leave 1e-5."""
REPRESENTATION, MEASURE = "representation", "measure"
"""Attribute of `weight`, and its value, by which points are lumps of a continuous density."""
CHECKED = 64
"""Points of a measure at which given forces are compared with those of all others."""
SUMS_AGREE = 1e-11
"""Difference of two ways to sum forces of many points, of the largest sum there could be: 100 times
the accuracy of point sums."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One configuration.

    Attributes
    ----------
    density : (S, modes)
    force_density : (S, d, modes)
    drive : Drive or None
        What an external force does.
    bonds : Bonds or None
        The pairs of particles that interact, with potentials times both weights; None for fields
        and measures.
    measured : (S, d, modes) or None
        The current of measured velocities.
    squares, cubes : (S, modes) or None
        Σ_a w_a² e^{-ip·x_a} and Σ_a w_a³ e^{-ip·x_a}: how many times the part of each point with
        itself occurs in what is quadratic and what is cubic in ρ. None for fields and measures.
    """

    density: Modes
    force_density: Modes
    drive: Drive | None = None
    bonds: Bonds | None = None
    measured: Modes | None = None
    squares: Modes | None = None
    cubes: Modes | None = None


class Snapshots:
    """The snapshots of a Dataset, each computed when it is asked for.

    Parameters
    ----------
    data : Dataset
        As above.
    mixture : Mixture
    external : ExternalForce or one for each species, optional
    forces_agree : float
        Largest difference of `force` from the mixture's, relative to the largest force.

    Raises
    ------
    DataError
        If a variable is missing or has wrong dimensions, species, units, or unknown values.
    """

    def __init__(
        self,
        data: xr.Dataset,
        mixture: Mixture,
        external: External = None,
        forces_agree: float = FORCES_AGREE,
    ) -> None:
        if not isinstance(mixture, Mixture):
            raise ConfigError("mixture: must be a Mixture, say Mixture.single(potential)")
        cells = _Cells(data)
        driving = each_species(external, mixture.species)
        if ("density" in data) == ("position" in data):
            raise DataError(
                "data: either `position` (particles) or `density` (fields) is needed; the Dataset "
                f"has {sorted(map(str, data))}"
            )
        self._cells = cells
        self.driven = driving is not None
        self._source: _Fields | _Points
        if "density" in data:
            self._source = _Fields(data, mixture, cells, driving)
        else:
            kind = _Measures if _is_measure(data) else _Points
            self._source = kind(data, mixture, cells, driving, forces_agree)
        self.lead = self._source.lead
        sizes = self._source.sizes
        if not set(cells.lead) <= set(self.lead):
            raise DataError(f"cell: its dimensions {cells.lead} must be among {self.lead}")
        self.shape: Index = tuple(sizes[dim] for dim in self.lead)
        self.coordinates = {
            name: array for name, array in data.coords.items() if set(array.dims) <= set(self.lead)
        }

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    def __iter__(self) -> Iterator[Index]:
        """Positions along the leading dimensions; those of one cell follow each other."""
        order = sorted(range(len(self.lead)), key=lambda n: self.lead[n] not in self._cells.lead)
        for permuted in np.ndindex(*(self.shape[n] for n in order)):
            yield tuple(permuted[order.index(n)] for n in range(len(order)))

    @property
    def are_points(self) -> bool:
        """Whether ρ is a sum of points, without a balance of smooth densities at ℓ = 0."""
        return isinstance(self._source, _Points)

    @property
    def are_particles(self) -> bool:
        """Whether the points are particles, with bonds, noise and self-pairs."""
        return self.are_points and not isinstance(self._source, _Measures)

    @property
    def weighted(self) -> bool:
        """Whether some point stands for more or less than one particle."""
        return isinstance(self._source, _Points) and self._source.weighted

    @property
    def measured(self) -> bool:
        """Whether there are velocities of points, hence a measured current."""
        return isinstance(self._source, _Points) and self._source.measured

    @property
    def counts(self) -> tuple[int, ...] | None:
        """Highest modes that a gridded density has; points have any."""
        return None if isinstance(self._source, _Points) else self._source.counts

    @property
    def lead_of_cells(self) -> tuple[str, ...]:
        """The dimensions along which the cell changes."""
        return self._cells.lead

    @property
    def shape_of_cells(self) -> Index:
        """Their sizes."""
        return self._cells.shape

    def cells(self) -> Iterator[Cell]:
        """All cells that occur, in the order of their dimensions."""
        for index in np.ndindex(*self._cells.shape):
            yield self._cells.at(dict(zip(self._cells.lead, index, strict=True)))

    def cell(self, index: Index) -> Cell:
        """The cell of one snapshot."""
        return self._cells.at(dict(zip(self.lead, index, strict=True)))

    def at(self, index: Index, counts: tuple[int, ...]) -> Snapshot:
        """One snapshot.

        Parameters
        ----------
        index : positions along the leading dimensions
        counts : (M_1, ..., M_d)
            Highest modes that are needed of points. Gridded densities keep all they have, since
            the product ρF mixes modes.

        Raises
        ------
        DataError
            If forces are not those of the mixture.
        ResolutionError
            If a grid cannot hold the external force.
        """
        return self._source.at(index, self.cell(index), counts)

    def density(self, index: Index, counts: tuple[int, ...]) -> Modes:
        """ρ_s of one snapshot alone, (S, modes), on the modes asked for.

        Raises
        ------
        ResolutionError
            If a grid holds fewer modes.
        """
        return self._source.density(index, self.cell(index), counts)

    def bonds(self, index: Index) -> Bonds:
        """The pairs of points that interact in one snapshot.

        Raises
        ------
        DataError
            If the data are not particles, or forces are not those of the mixture.
        """
        return self._points.bonds(index, self.cell(index))

    def driving_velocity(self, index: Index) -> Real | None:
        """f_s(x_a) of the external force at every point of one snapshot, (N, d)."""
        return self._points.velocity(index, self.cell(index))

    @property
    def _points(self) -> _Points:
        if isinstance(self._source, _Points):
            return self._source
        raise DataError("data: a gridded density has no points")


def refuse_changing_cell(series: Snapshots) -> None:
    """For what has no terms of a flow.

    Raises
    ------
    DataError
        If the cell changes in time.
    """
    if "time" in series.lead_of_cells:
        raise DataError(
            "cell: changes in time, but only `stress_balance` has the terms of a flow; choose a "
            "snapshot, data.isel(time=0), whose `rate` is then that without flow"
        )


class _Cells:
    """One cell, or one for each value of some dimensions."""

    def __init__(self, data: xr.Dataset) -> None:
        cell = require(data, "cell")
        self.lead = leading(cell, "cell", ("row", "vector"))
        require_units(cell, "cell", "l0")
        require_numbers(cell, "cell")
        cell = cell.transpose(*self.lead, "row", "vector")
        if cell.shape[-2] != cell.shape[-1] or cell.shape[-1] > 3:
            raise DataError(f"cell: must be a d×d matrix, d = 1, 2 or 3, not {cell.shape[-2:]}")
        self.shape: Index = cell.shape[:-2]
        self._matrices = cell.values
        self._made: dict[Index, Cell] = {}

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return int(self._matrices.shape[-1])

    def at(self, position: dict[str, int]) -> Cell:
        index = tuple(position[dim] for dim in self.lead)
        if index not in self._made:
            self._made[index] = Cell(self._matrices[index])
        return self._made[index]


class _Fields:
    """Densities on a grid."""

    def __init__(
        self,
        data: xr.Dataset,
        mixture: Mixture,
        cells: _Cells,
        driving: tuple[ExternalForce, ...] | None,
    ) -> None:
        density = data["density"]
        axes = AXES[: cells.dim]
        require_units(density, "density", "l0^-d", f"l0^-{cells.dim}")
        require_numbers(density, "density")
        if "species" not in density.dims:
            density = density.expand_dims("species")
        self.lead = leading(density, "density", ("species", *axes))
        surplus = [axis for axis in AXES[cells.dim :] if axis in self.lead]
        if surplus:
            raise DataError(f"density: has the axis {surplus[0]}, but the cell has {cells.dim}")
        self._density = density.transpose(*self.lead, "species", *axes)
        if density.sizes["species"] != mixture.species:
            raise DataError(
                f"density: has {density.sizes['species']} species, the mixture {mixture.species}"
            )
        self.sizes = density.sizes
        self.counts = tuple((density.sizes[axis] - 1) // 2 for axis in axes)
        self._mixture = mixture
        self._driving = driving
        self._field: ForceField | None = None

    def at(self, index: Index, cell: Cell, _: tuple[int, ...]) -> Snapshot:
        if self._field is None or self._field.cell is not cell:
            self._field = ForceField(self._mixture, cell, self.counts)
        density = grid_to_modes(self._density[index].values, cell)
        force_density = self._field.force_density(density)
        return Snapshot(density, force_density, self._drive(density, cell))

    def density(self, index: Index, cell: Cell, counts: tuple[int, ...]) -> Modes:
        return grid_to_modes(self._density[index].values, cell, counts)

    def _drive(self, density: Modes, cell: Cell) -> Drive | None:
        if self._driving is None:
            return None
        force = np.array([external.modes(cell, self.counts) for external in self._driving])
        return Drive(force, external_density(density, force, cell))


class _Points:
    """Points of several species, with forces that are sums over pairs; ∇V(0) = 0."""

    def __init__(
        self,
        data: xr.Dataset,
        mixture: Mixture,
        cells: _Cells,
        driving: tuple[ExternalForce, ...] | None,
        forces_agree: float,
    ) -> None:
        self._position = _vectors(data, "position", "l0", cells.dim)
        self.lead = leading(self._position, "position", ("particle", "axis"))
        self.sizes = self._position.sizes
        self._force = self._like_position(data, "force", "V0/l0")
        self._velocity = self._like_position(data, "velocity", "mu V0/l0")
        self.measured = self._velocity is not None
        self._species = _species(data, self.sizes["particle"], mixture.species)
        self._weight = _weights(data, self.sizes["particle"])
        self.weighted = not np.all(self._weight == 1.0)
        self._one_hot = self._species == np.arange(mixture.species)[:, np.newaxis]
        self._mixture = mixture
        self._table = PairTable.from_mixture(mixture)
        self._driving = driving
        self._forces_agree = forces_agree

    def _like_position(self, data: xr.Dataset, name: str, unit: str) -> xr.DataArray | None:
        """A vector of every particle in every snapshot, if the data have it."""
        if name not in data:
            return None
        array = _vectors(data, name, unit, self.sizes["axis"])
        if array.sizes != self.sizes:
            raise DataError(
                f"{name}: its sizes {dict(array.sizes)} differ from those of position, "
                f"{dict(self.sizes)}"
            )
        return array.transpose(*self._position.dims)

    def _at(self, index: Index) -> Real:
        return np.asarray(self._position[index].values, dtype=np.float64)

    def bonds(self, index: Index, cell: Cell) -> Bonds:
        """The pairs that interact, with potentials times both weights; forces must be theirs."""
        bonds = self._bonds(index, cell)
        self._forces(bonds, index)
        return bonds

    def _bonds(self, index: Index, cell: Cell) -> Bonds:
        bonds = find_bonds(self._at(index), self._species, self._table, cell)
        return _weighted(bonds, self._weight) if self.weighted else bonds

    def at(self, index: Index, cell: Cell, counts: tuple[int, ...]) -> Snapshot:
        bonds = self._bonds(index, cell)
        powers = [self._weight**2, self._weight**3] if self.weighted else []
        snapshot, sums = self._summed(index, cell, counts, self._forces(bonds, index), powers)
        squares, cubes = sums or (snapshot.density, snapshot.density)
        return replace(snapshot, bonds=bonds, squares=squares, cubes=cubes)

    def _summed(
        self,
        index: Index,
        cell: Cell,
        counts: tuple[int, ...],
        force: Real,
        others: Sequence[Real],
    ) -> tuple[Snapshot, list[Modes]]:
        """All that is a sum over points, with w_a F_a (N, d), and the sums of other numbers."""
        rows = [self._weight[np.newaxis], force.T]
        driven = self.velocity(index, cell)
        if driven is not None:
            rows.append(self._weight * driven.T)
        if self._velocity is not None:
            rows.append(self._weight * np.asarray(self._velocity[index].values).T)
        rows += [other[np.newaxis] for other in others]
        amounts = self._one_hot[:, np.newaxis] * np.concatenate(rows)
        modes = point_modes(self._at(index), amounts, cell, counts)
        dim, currents = cell.dim, 1 + cell.dim
        behind = currents + dim * (driven is not None)
        snapshot = Snapshot(
            density=modes[:, 0],
            force_density=np.ascontiguousarray(modes[:, 1:currents]),
            drive=self._drive(modes[:, currents : currents + dim], cell),
            measured=modes[:, behind : behind + dim] if self.measured else None,
        )
        return snapshot, [modes[:, n] for n in range(modes.shape[1] - len(others), modes.shape[1])]

    def _forces(self, bonds: Bonds, index: Index) -> Real:
        """w_a F_a = +∂U/∂x_a of every point, (N, d): minus the physical force."""
        exact = forces(bonds)
        if self._force is None:
            return exact
        physical = np.asarray(self._force[index].values, dtype=np.float64)
        given = -self._weight[:, np.newaxis] * physical
        self._require_agreement(given, exact, index)
        return given

    def _require_agreement(
        self, given: Real, exact: Real, index: Index, round_off: float = 0.0
    ) -> None:
        scale = max(_largest(given), _largest(exact))
        if _largest(given - exact) <= max(self._forces_agree * scale, round_off):
            return
        place = ", ".join(f"{dim} {n}" for dim, n in zip(self.lead, index, strict=True))
        reversed_ = _largest(given + exact) <= self._forces_agree * scale
        raise DataError(
            "force: the forces in the data are not those of the mixture"
            + (f" (snapshot {place})" if place else "")
            + f": largest relative difference {_largest(given - exact) / scale:.1e}, allowed is "
            + f"{self._forces_agree:.0e}"
            + ("; with the other sign, that of -∂U/∂x, they would be" if reversed_ else "")
            + "; without the variable force the mixture's are used"
        )

    def velocity(self, index: Index, cell: Cell) -> Real | None:
        """f_s(x_a) of every point, (N, d)."""
        if self._driving is None:
            return None
        position = self._at(index)
        result = np.zeros_like(position)
        for s, external in enumerate(self._driving):
            mine = self._species == s
            if np.any(mine):
                result[mine] = external.at(cell, position[mine])
        return result

    def density(self, index: Index, cell: Cell, counts: tuple[int, ...]) -> Modes:
        return point_modes(self._at(index), self._one_hot * self._weight, cell, counts)

    def _drive(self, current: Modes, cell: Cell) -> Drive | None:
        if self._driving is None:
            return None
        counts = tuple((n - 1) // 2 for n in current.shape[-cell.dim :])
        force = []
        for external in self._driving:
            pairs = zip(counts, external.counts(cell), strict=True)
            modes = external.modes(cell, tuple(max(pair) for pair in pairs))
            force.append(truncate(modes, cell.dim, counts))
        return Drive(np.array(force), current)


class _Measures(_Points):
    """Points that are lumps of a continuous density."""

    @cached_property
    def _round_off(self) -> float:
        """What two ways to sum forces may differ by."""
        slope = max(steepest(potential) for potential in self._mixture.distinct()[0])
        return SUMS_AGREE * slope * float(np.sum(self._weight))

    @cached_property
    def _law(self) -> Callable[[Cell], Force]:
        """The force of the mixture, made once for snapshots in one cell."""
        return lru_cache(maxsize=1)(partial(Force, self._mixture))

    def bonds(self, index: Index, cell: Cell) -> Bonds:
        raise DataError("weight: the points of a measure are no particles, and have no bonds")

    def at(self, index: Index, cell: Cell, counts: tuple[int, ...]) -> Snapshot:
        force = self._weight[:, np.newaxis] * self._force_at(index, cell)
        return self._summed(index, cell, counts, force, [])[0]

    def _force_at(self, index: Index, cell: Cell) -> Real:
        """F_s(x_a) of every point, (N, d): minus the physical force."""
        measure = Measure(self._at(index), self._species, self._weight)
        if self._force is None:
            return self._law(cell)(measure)
        given = -np.asarray(self._force[index].values, dtype=np.float64)
        some = np.unique(np.linspace(0, len(given) - 1, CHECKED).astype(np.int64))
        exact = direct_force(measure, self._mixture, cell, some)
        self._require_agreement(given[some], exact, index, self._round_off)
        return given


def _is_measure(data: xr.Dataset) -> bool:
    said = data["weight"].attrs.get(REPRESENTATION) if "weight" in data else None
    if said not in (None, MEASURE):
        raise DataError(
            f"weight: its attribute {REPRESENTATION} must be '{MEASURE}' or absent, not {said!r}"
        )
    return said is not None


def _vectors(data: xr.Dataset, name: str, unit: str, dim: int) -> xr.DataArray:
    """A vector for every particle, (..., particle, axis)."""
    array = require(data, name)
    lead = leading(array, name, ("particle", "axis"))
    if array.sizes["axis"] != dim:
        raise DataError(f"{name}: has {array.sizes['axis']} axes, but the cell has {dim}")
    require_units(array, name, unit)
    require_numbers(array, name)
    return array.transpose(*lead, "particle", "axis")


def _of_particles(data: xr.Dataset, name: str, number: int) -> Real:
    """A number for every particle."""
    array = data[name]
    if array.dims != ("particle",) or array.size != number:
        raise DataError(
            f"{name}: must have the one dimension particle, of size {number}, not "
            f"{dict(array.sizes)}"
        )
    require_units(array, name, "1")
    require_numbers(array, name)
    return np.asarray(array.values, dtype=np.float64)


def _species(data: xr.Dataset, number: int, most: int) -> Integers:
    if "species" not in data:
        return np.zeros(number, dtype=np.int64)
    species = _of_particles(data, "species", number)
    whole = species.astype(np.int64)
    if np.any(whole != species) or np.any(whole < 0) or np.any(whole >= most):
        raise DataError(
            f"species: must be whole numbers from 0 to {most - 1}, as the mixture has {most}; they "
            f"run from {species.min():g} to {species.max():g}"
        )
    return whole


def _largest(values: Real) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _weights(data: xr.Dataset, number: int) -> Real:
    if "weight" not in data:
        return np.ones(number)
    weight = _of_particles(data, "weight", number)
    if np.any(weight < 0.0):
        raise DataError(f"weight: must not be negative; the smallest is {weight.min():g}")
    return weight


def _weighted(bonds: Bonds, weight: Real) -> Bonds:
    """Every potential times the weights of both ends: what enters energy and stress."""
    factor = weight[bonds.first] * weight[bonds.second]
    return replace(
        bonds,
        value=factor * bonds.value,
        slope=factor * bonds.slope,
        curvature=factor * bonds.curvature,
        third=factor * bonds.third,
    )
