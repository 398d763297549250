"""The stress balance of labelled data: every term, at every scale, smeared with every φ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import RATE, progress, variable
from glasscade.analysis.checks import require_mobility, require_temperature
from glasscade.analysis.snapshots import Index, Snapshot, Snapshots
from glasscade.budget.balance import (
    EQUATIONS,
    EXTERNAL,
    RESIDUAL,
    SHEAR,
    TERMS,
    Balance,
    Budget,
    Currents,
    Flow,
    currents,
)
from glasscade.budget.operator import full_tensor
from glasscade.budget.self_pair import OneParticleBudget, SelfPairs
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.errors import ConfigError, ResolutionError
from glasscade.external import AffineFlow, Drive, External
from glasscade.particles.observables import smeared_stress
from glasscade.potentials import Mixture
from glasscade.transforms import Modes, truncate

Real = npt.NDArray[np.float64]

ITO = "Ito"
"""Name of the term that particles have besides the currents."""
NOT_IN_PAPER = "none: see Traps in docs/theory.md"
MOST_GIGABYTES = 4.0
"""Most memory of one field: beyond it a scale is rather a mistake in units."""
SLACK = 1e-12
"""Round-off by which a scale may be below the smallest."""


def stress_balance(
    data: xr.Dataset,
    mixture: Mixture,
    ell: float | Sequence[float],
    *,
    temperature: float = 0.0,
    mobility: float = 1.0,
    kernel: str | Sequence[str] = "gaussian",
    functions: TestFunctions | None = None,
    external: External = None,
    flow: AffineFlow | None = None,
    counts: tuple[int, ...] | None = None,
) -> xr.Dataset:
    """Every term of the stress balance of every snapshot, at every scale and smeared with every φ.

        ∂t σ^ni_ℓ[φ] = Σ_X { ∫φ 𝒮[j^X] + ∫𝒯_k[j^X] ∂_kφ },      X one of the currents

    which closes to round-off at each time and scale (Eqs. 14-19 at ℓ = 0, 35-41 at ℓ > 0).
    Particles have a source `Ito` besides, that of their noise, whose martingale is not in `rate`.
    Measured velocities of particles, `velocity` in the data, take the place of the model: `rate` is
    theirs, a source `residual` is what the other currents leave of it, and there is no `Ito`.
    What each does to itself by being smeared is in `self_pair`: subtract it from the source plus
    transport of W, add it to that of Q_flux.

    Parameters
    ----------
    data : Dataset
        Particles, gridded densities or measures: `analysis.snapshots` says how.
    mixture : Mixture
        The potential of every pair of species.
    ell : float or several
        Scales ℓ >= 0 in l0. At ℓ = 0 a gridded density has its fine-grained balance, the same for
        every kernel; particles have the stress of their bonds, and nothing else is known there, of
        a measure not even this.
    temperature : float
        T = k_B T/V0.
    mobility : float
        m in units of μ: multiplies every term but those of the flow.
    kernel : str or several
        Names of the mollifiers, of `coarse.KERNELS`.
    functions : TestFunctions, optional
        The φ; by default φ = 1 alone, box totals.
    external : ExternalForce or one for each species, optional
        Adds the terms N_ni and N_flux.
    flow : AffineFlow, optional
        What carries the cell along from one snapshot to the next, of which each may have its own
        `cell`: adds shear_flux and shear_ni. Rates are then those at fixed fractional coordinates.
    counts : (M_1, ..., M_d), optional
        Of particles, the most modes to use: each scale needs its own number, which this bounds.

    Returns
    -------
    Dataset
        `stress`, `rate` (..., ell, kernel, phi, i, j), `source` and `transport`, with the dimension
        term behind kernel, and for particles `self_pair`; `equation` (term) is where the source
        paper has a term.

    Raises
    ------
    DataError
        If the data are not what they should be.
    ConfigError
        If a scale, the temperature, a kernel or the test functions are out of range.
    ResolutionError
        If a scale is below what the grid or `counts` resolve.
    """
    series = Snapshots(data, mixture, external)
    cell = next(series.cells())
    reduction = Reduction(
        mixture,
        cell,
        temperature,
        (kernel,) if isinstance(kernel, str) else tuple(kernel),
        functions or TestFunctions.bumps(cell.dim, count=0, sharpness=0, seed=0),
        most=modes_of(series, counts),
        particles=series.are_particles,
        flow=flow,
        measured=series.measured,
        mobility=mobility,
    )
    ells = tuple(float(value) for value in np.atleast_1d(np.asarray(ell, dtype=np.float64)))
    for each in series.cells():
        reduction.in_cell(each).require_resolved(ells)
    return balances(series, reduction, ells)


def modes_of(series: Snapshots, counts: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Highest modes that may be used: of a grid its own, of points those asked for, if any.

    Raises
    ------
    ConfigError
        If modes are asked of a grid.
    """
    if counts is not None and series.counts is not None:
        raise ConfigError(f"counts: a gridded density has its own modes, {series.counts}")
    return counts if series.counts is None else series.counts


@dataclass(frozen=True, eq=False)
class Reduction:
    """What all snapshots of one system in one cell share.

    Attributes
    ----------
    mixture, cell, temperature
    kernels : names
    functions : TestFunctions
    most : (M_1, ..., M_d), optional
        Highest modes there are; by default any.
    particles : bool
        Whether points are particles, with noise and self-pairs, rather than lumps of a density.
    flow : AffineFlow, optional
        What moves the cell.
    measured : bool
        Whether particles have velocities of their own, and a residual for the noise of Eq. 1.
    mobility : float
        m, which multiplies what forces and temperature drive.

    Raises
    ------
    ConfigError
        If the temperature is negative, the mobility not above zero, a kernel unknown, or φ, `most`
        or the flow of another dimension.
    ResolutionError
        If φ has modes that the data lack.
    """

    mixture: Mixture
    cell: Cell
    temperature: float
    kernels: tuple[str, ...]
    functions: TestFunctions
    most: tuple[int, ...] | None = None
    particles: bool = False
    flow: AffineFlow | None = None
    measured: bool = False
    mobility: float = 1.0
    _budgets: dict[tuple[int, ...], Budget] = field(default_factory=dict, init=False, repr=False)
    _filters: dict[tuple[str, float], Real] = field(default_factory=dict, init=False, repr=False)
    _one_particle: dict[tuple[str, float], OneParticleBudget] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        require_temperature(self.temperature)
        require_mobility(self.mobility)
        for _, _, potential in self.mixture.pairs():
            period, side = getattr(potential, "period", None), self.cell.matrix[0, 0]
            if period is not None and abs(period - side) > 1e-9 * side:
                raise ConfigError(
                    f"potential.period: {period:g} must be the length of the cell, {side:g}"
                )
        unknown = [name for name in self.kernels if name not in KERNELS]
        if unknown or not self.kernels:
            raise ConfigError(f"kernel: {unknown} must be one or more of {', '.join(KERNELS)}")
        dim = self.cell.dim
        sizes = {"functions": self.functions.q.shape[1], "counts": len(self._most)}
        if self.flow is not None:
            sizes["flow"] = len(self.flow.gradient)
        for name, size in sizes.items():
            if size != dim:
                raise ConfigError(f"{name}: of dimension {size}, but the cell has {dim}")
        if min(self._most) < self._least:
            raise ResolutionError(
                f"functions: φ has modes up to {self._least}, beyond those of the data, {self.most}"
            )

    @property
    def _most(self) -> tuple[float, ...]:
        return (np.inf,) * self.cell.dim if self.most is None else self.most

    @property
    def _least(self) -> int:
        """Highest mode of φ, which no scale may lack."""
        return int(np.max(np.abs(self.functions.q)))

    def in_cell(self, cell: Cell) -> Reduction:
        """The same system in another cell; itself, if that is no other."""
        if np.array_equal(cell.matrix, self.cell.matrix):
            return self
        return replace(self, cell=cell)

    def terms(self, driven: bool) -> tuple[str, ...]:
        """Names of the terms: with a force or a flow theirs, of particles the Itô source."""
        external, shear = EXTERNAL if driven else (), SHEAR if self.flow else ()
        residual = (RESIDUAL,) if self.measured else ()
        return (*TERMS, *external, *residual, *shear, *((ITO,) if self.noisy else ()))

    @property
    def noisy(self) -> bool:
        """Whether particles have the Itô source of their noise; measured velocities hold it all."""
        return self.particles and not self.measured

    def smallest_scale(self, kernel: str) -> float:
        """The smallest ℓ at which the modes hold all that the kernel lets pass.

        They hold every |p| <= 2π M_i/|h_i|, with h_i the box vectors.
        """
        lengths = np.linalg.norm(self.cell.matrix, axis=0)
        k_max = float(np.min(2.0 * np.pi * np.array(self._most) / lengths))
        return KERNELS[kernel].band(self.cell.dim) / k_max if k_max > 0.0 else np.inf

    def resolves(self, kernel: str, ell: float) -> bool:
        """Whether the modes hold all that the kernel lets pass."""
        return ell >= (1.0 - SLACK) * self.smallest_scale(kernel)

    def require_resolved(self, ells: Iterable[float]) -> None:
        """Scales that are known and resolved by every kernel, or exactly zero.

        Raises
        ------
        ConfigError
            If a scale is negative or not finite.
        ResolutionError
            If it is too small.
        """
        for ell in ells:
            if not (np.isfinite(ell) and ell >= 0.0):
                raise ConfigError(f"ell: {ell} must be >= 0 and finite")
            for kernel in self.kernels:
                if ell > 0.0 and not self.resolves(kernel, ell):
                    raise ResolutionError(
                        f"ell: {ell:g} is not resolved by modes up to {self.most}; with the kernel "
                        f"{kernel} the smallest scale is {self.smallest_scale(kernel):.4g}"
                    )

    def counts(self, kernel: str, ell: float) -> tuple[int, ...]:
        """Modes that a scale needs: the cost of a reduction falls as ℓ grows."""
        if ell == 0.0 and self.most is not None:
            return self.most
        needed = self.cell.counts_up_to(KERNELS[kernel].band(self.cell.dim) / ell)
        pairs = zip(needed, self._most, strict=True)
        chosen = tuple(int(min(max(n, self._least), m)) for n, m in pairs)
        gigabytes = 16e-9 * float(np.prod([2.0 * m + 1.0 for m in chosen]))
        if gigabytes > MOST_GIGABYTES:
            raise ResolutionError(
                f"ell: {ell:g} needs modes up to {chosen}, {gigabytes:.3g} GB for each field, more "
                f"than the {MOST_GIGABYTES:g} GB allowed; take a larger scale, or fewer `counts`"
            )
        return chosen

    def most_counts(self, ells: Iterable[float]) -> tuple[int, ...]:
        """Modes that the most demanding scale and kernel need."""
        used = [
            self.counts(kernel, ell)
            for ell in ells
            for kernel in self.kernels
            if ell > 0.0 and self.resolves(kernel, ell)
        ]
        return tuple(int(m) for m in np.max(used, axis=0)) if used else (0,) * self.cell.dim

    def balance(self, snapshot: Snapshot, kernel: str, ell: float) -> Balance:
        """The terms of all currents at one scale."""
        coarse = self.coarse_grain(snapshot, kernel, ell)
        return self._budget(self.counts(kernel, ell)).balance(coarse)

    def coarse_grain(self, snapshot: Snapshot, kernel: str, ell: float) -> Currents:
        """ρ̄ and its currents at one scale, on the modes that this scale needs; ℓ = 0: all."""
        counts = self.counts(kernel, ell)
        drive, flow, dim = None, None, self.cell.dim
        if self.flow is not None:
            slope = KERNELS[kernel].filter_slope(self.cell, counts, ell)
            flow = Flow(self.flow.gradient, slope)
        if snapshot.drive is not None:
            drive = Drive(
                truncate(snapshot.drive.force, dim, counts),
                truncate(snapshot.drive.current, dim, counts),
            )
        measured = snapshot.measured if self.measured else None
        if measured is not None:
            measured = truncate(measured, dim, counts)
        return currents(
            truncate(snapshot.density, dim, counts),
            truncate(snapshot.force_density, dim, counts),
            self._filter(kernel, ell),
            self._budget(counts).field,
            self.temperature,
            drive=drive,
            flow=flow,
            measured=measured,
            mobility=self.mobility,
        )

    def coarse_force(self, coarse: Currents, kernel: str, ell: float) -> Modes:
        """F̄_s of what `coarse_grain` made at this scale, (S, d, modes)."""
        return self._budget(self.counts(kernel, ell)).field.force(coarse.density)

    def microscopic_stress(self, snapshot: Snapshot) -> Real:
        """∫φ σ^ni of points, (phi, d, d): the Irving-Kirkwood sum over bonds."""
        if snapshot.bonds is None:
            raise ConfigError("ell: a gridded density has no bonds")
        functions = self.functions
        return smeared_stress(snapshot.bonds, self.cell, functions.q, functions.coefficients)

    def self_pairs(self, snapshot: Snapshot, kernel: str, ell: float) -> SelfPairs:
        """What points contribute by their smeared interaction with themselves."""
        if snapshot.squares is None or snapshot.cubes is None:
            raise ConfigError("data: a gridded density has no self-pairs")
        counts = self.counts(kernel, ell)
        if (kernel, ell) not in self._one_particle:
            self._one_particle[kernel, ell] = OneParticleBudget(
                self._budget(counts),
                self._filter(kernel, ell),
                self.mixture.species,
                self.temperature,
                self.mobility,
            )
        one = self._one_particle[kernel, ell]
        # W_ℓ is cubic in the density, the Itô source quadratic.
        pairs = one.of(truncate(snapshot.cubes, self.cell.dim, counts))
        if snapshot.squares is snapshot.cubes:
            return pairs
        return replace(pairs, ito=one.of(truncate(snapshot.squares, self.cell.dim, counts)).ito)

    def _filter(self, kernel: str, ell: float) -> Real:
        """Ĝ(|p| ℓ) on the modes of this scale, computed at first use."""
        if (kernel, ell) not in self._filters:
            counts = self.counts(kernel, ell)
            self._filters[kernel, ell] = KERNELS[kernel].filter(self.cell, counts, ell)
        return self._filters[kernel, ell]

    def _budget(self, counts: tuple[int, ...]) -> Budget:
        """The tables for this number of modes, built at first use."""
        if counts not in self._budgets:
            self._budgets[counts] = Budget(self.mixture, self.cell, counts, self.functions)
        return self._budgets[counts]


def _with_ito(balance: Balance, own: SelfPairs) -> Balance:
    """Add the Itô source, which has no transport, to both sides of the balance."""
    return Balance(
        terms=(*balance.terms, ITO),
        stress=balance.stress,
        rate=balance.rate + own.ito,
        source=np.concatenate([balance.source, own.ito[np.newaxis]]),
        transport=np.concatenate([balance.transport, np.zeros_like(own.ito[np.newaxis])]),
        ideal_stress=balance.ideal_stress,
        ideal_transport=np.pad(balance.ideal_transport, [(0, 1), (0, 0)]),
    )


def balances(series: Snapshots, reduction: Reduction, ells: Sequence[float]) -> xr.Dataset:
    """The balance of every snapshot at every scale and kernel; NaN where one is not resolved."""
    results = _Results(series.shape, len(ells), reduction, reduction.terms(series.driven))
    for index in progress(series, "snapshots"):
        reduction = reduction.in_cell(series.cell(index))
        snapshot = series.at(index, reduction.most_counts(ells))
        for e, ell in enumerate(ells):
            if ell > 0.0:
                _fill(results, reduction, snapshot, index, e, ell)
            elif not series.are_points:
                balance = reduction.balance(snapshot, reduction.kernels[0], 0.0)
                results.store((*index, e, slice(None)), balance)
            elif reduction.particles:
                results.stress[(*index, e)] = reduction.microscopic_stress(snapshot)
    return _label(results, series, reduction, ells)


def _fill(
    results: _Results,
    reduction: Reduction,
    snapshot: Snapshot,
    index: Index,
    e: int,
    ell: float,
) -> None:
    """All kernels that resolve this scale."""
    for k, kernel in enumerate(reduction.kernels):
        if reduction.resolves(kernel, ell):
            balance = reduction.balance(snapshot, kernel, ell)
            if reduction.particles:
                own = reduction.self_pairs(snapshot, kernel, ell)
                balance = _with_ito(balance, own) if reduction.noisy else balance
                results.self_pair[(*index, e, k)] = full_tensor(own.resolved, reduction.cell.dim)
            results.store((*index, e, k), balance)


class _Results:
    """Arrays to be filled; they stay NaN where a kernel does not apply."""

    def __init__(
        self, lead: Index, scales: int, reduction: Reduction, terms: tuple[str, ...]
    ) -> None:
        self.terms = terms
        self._dim = reduction.cell.dim
        lead = (*lead, scales, len(reduction.kernels))
        tail = (len(reduction.functions.names), self._dim, self._dim)
        self.stress = np.full((*lead, *tail), np.nan)
        self.rate = self.stress.copy()
        self.self_pair = self.stress.copy()
        self.source = np.full((*lead, len(terms), *tail), np.nan)
        self.transport = self.source.copy()
        self.ideal_stress = np.full((*lead, tail[0]), np.nan)
        self.ideal_transport = np.full((*lead, len(terms), tail[0]), np.nan)

    def store(self, place: tuple[int | slice, ...], balance: Balance) -> None:
        """File a balance under its snapshot, scale and kernel (or all kernels)."""
        for name in ("stress", "rate", "source", "transport"):
            getattr(self, name)[place] = full_tensor(getattr(balance, name), self._dim)
        self.ideal_stress[place] = balance.ideal_stress
        self.ideal_transport[place] = balance.ideal_transport


def _label(
    results: _Results, series: Snapshots, reduction: Reduction, ells: Sequence[float]
) -> xr.Dataset:
    lead = (*series.lead, "ell", "kernel")
    tail = ("phi", "i", "j")
    self_stress = "∫φ σ^ni_ℓ" + (", each particle's own part in it" * reduction.particles)
    variables = {
        "stress": variable((*lead, *tail), results.stress, "V0", self_stress, "Eqs. 13, 30"),
        "rate": variable((*lead, *tail), results.rate, RATE, "∫φ ∂tσ^ni_ℓ from ∂tρ̄", "Eqs. 14, 31"),
        "source": variable(
            (*lead, "term", *tail),
            results.source,
            RATE,
            "∫φ 𝒮 of each current",
            "Eqs. 17-19, 36-41",
        ),
        "transport": variable(
            (*lead, "term", *tail),
            results.transport,
            RATE,
            "∫𝒯_k ∂_kφ of each current",
            "Eqs. 16, 35",
        ),
        "ideal_stress": variable(
            (*lead, "phi"), results.ideal_stress, "V0", "-T ∫φ ρ̄, on the diagonal of σ", "Eq. 13"
        ),
        "ideal_transport": variable(
            (*lead, "term", "phi"),
            results.ideal_transport,
            RATE,
            "-T ∫j_k ∂_kφ of each current, on the diagonal",
            "Eq. 15",
        ),
    }
    if reduction.particles:
        variables["self_pair"] = variable(
            (*lead, *tail),
            results.self_pair,
            RATE,
            "W_ℓ of each particle with itself, with transport; Q^flux_ℓ has its negative",
            NOT_IN_PAPER,
        )
    return xr.Dataset(
        variables,
        coords={
            **series.coordinates,
            "ell": ("ell", list(ells), {"units": "l0", "long_name": "scale ℓ"}),
            "kernel": list(reduction.kernels),
            "phi": list(reduction.functions.names),
            "term": list(results.terms),
            "equation": equations(results.terms),
        },
    )


def equations(terms: Sequence[str]) -> xr.Variable:
    """The coordinate that says where the source paper has each term."""
    found = [EQUATIONS.get(term, NOT_IN_PAPER) for term in terms]
    return variable(("term",), found, "1", "where the source paper has the term")
