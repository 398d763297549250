"""Stage 2: the stress balance of every snapshot at a batch of scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.budget.balance import (
    TERMS,
    Balance,
    Budget,
    Currents,
    currents,
    flux_map,
    gradient_times_cumulant,
)
from glasscade.budget.operator import full_tensor
from glasscade.budget.self_pair import OneParticleBudget, SelfPairs
from glasscade.budget.smearing import TestFunctions
from glasscade.coarse import KERNELS
from glasscade.config import SYSTEM, System
from glasscade.io import read_dataset, write_dataset
from glasscade.particles.observables import Bonds, smeared_stress
from glasscade.stages.arrays import progress, variable
from glasscade.stages.simulate import AXES
from glasscade.stages.snapshots import Snapshot, Snapshots
from glasscade.transforms import good_size, modes_to_grid, truncate

Real = npt.NDArray[np.float64]

ITO = "Ito"
"""Name of the term that particles have besides the currents of `TERMS`."""
NORM_ORDERS = (1.0, 1.5, 2.0)
"""Orders q/3 of the pointwise norms of the flux, for q = 3, 4.5 and 6."""
RATE = "mu V0^2/l0^2"
"""Unit of a smeared source: energy over time."""


def run(job: dict[str, Any], state: Path, output: Path) -> None:
    """Reduce a state and write its budget.

    Parameters
    ----------
    job : dict
        `system`, `temperature`, `ell`, `kernels`, `bumps`, `sharpness`, `seed`, `map_ell`.
    state, output : Path
        The state file and the budget file.
    """
    system = SYSTEM.validate_python(job["system"])
    functions = TestFunctions.bumps(
        system.dimension, job["bumps"], job["sharpness"], seed=job["seed"]
    )
    reduction = Reduction(system, job["temperature"], job["kernels"], functions)
    loaded = read_dataset(state, "cell")
    dataset = reduction.balances(loaded, job["ell"]).merge(reduction.maps(loaded, job["map_ell"]))
    write_dataset(dataset, output, job, __name__)


class Reduction:
    """Everything that snapshots of one system at one temperature share."""

    def __init__(
        self,
        system: System,
        temperature: float,
        kernels: list[str],
        functions: TestFunctions,
    ) -> None:
        self.system = system
        self.cell = system.cell
        self.mixture = system.mixture
        self.temperature = temperature
        self.kernels = kernels
        self.functions = functions
        self._budgets: dict[tuple[int, ...], Budget] = {}
        self._filters: dict[tuple[str, float], Real] = {}
        self._one_particle: dict[tuple[str, float], OneParticleBudget] = {}

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms: of particles, the Itô source too."""
        return (*TERMS, ITO) if self.system.particles else TERMS

    def balances(self, state: xr.Dataset, ells: list[float]) -> xr.Dataset:
        """The balance of every realisation and time at every scale and kernel."""
        results = _Results(
            state.sizes["realisation"],
            state.sizes["time"],
            (len(ells), len(self.kernels)),
            (len(self.terms), len(self.functions.names)),
            self.cell.dim,
        )
        series = Snapshots(state, self.mixture, self._most_counts(ells))
        for snapshot in progress(series, "snapshots"):
            for e, ell in enumerate(ells):
                if ell > 0.0:
                    self._reduce(snapshot, e, ell, results)
                elif snapshot.bonds is None:
                    results.store(snapshot, (e, slice(None)), self._fine_grained(snapshot))
                elif self.system.particles:
                    results.stress(snapshot, e, self._microscopic(snapshot.bonds))
        return self._label(results, state, ells)

    def _reduce(self, snapshot: Snapshot, e: int, ell: float, results: _Results) -> None:
        """All kernels that the grid resolves at this scale."""
        for k, kernel in enumerate(self.kernels):
            if ell >= self.system.smallest_scale(kernel):
                coarse = self.coarse_grain(snapshot, kernel, ell)
                balance = self._budget(self._counts(kernel, ell)).balance(coarse)
                if self.system.particles:
                    own = self._self_pairs(snapshot, kernel, ell)
                    balance = _with_ito(balance, own)
                    results.self_pair[snapshot.realisation, snapshot.time, e, k] = full_tensor(
                        own.resolved, self.cell.dim
                    )
                results.store(snapshot, (e, k), balance)
                if k == 0 and self.cell.dim == 1 and snapshot.time == results.last:
                    results.store_norms(snapshot, e, *self._pointwise_norms(coarse))

    def _fine_grained(self, snapshot: Snapshot) -> Balance:
        """The balance at ℓ = 0, the same for every kernel."""
        budget = self._budget(self.system.counts)
        one = np.ones(snapshot.density.shape[1:])
        return budget.balance(
            currents(snapshot.density, snapshot.force_density, one, budget.field, self.temperature)
        )

    def _microscopic(self, bonds: Bonds) -> Real:
        """∫φ σ^ni of particles, (phi, d, d): the Irving-Kirkwood sum over bonds."""
        return smeared_stress(bonds, self.cell, self.functions.q, self.functions.coefficients)

    def _self_pairs(self, snapshot: Snapshot, kernel: str, ell: float) -> SelfPairs:
        """What particles contribute by their smeared interaction with themselves."""
        counts = self._counts(kernel, ell)
        if (kernel, ell) not in self._one_particle:
            self._one_particle[kernel, ell] = OneParticleBudget(
                self._budget(counts),
                self._filter(kernel, ell),
                self.mixture.species,
                self.temperature,
            )
        density = truncate(snapshot.density, self.cell.dim, counts)
        return self._one_particle[kernel, ell].of(density)

    def coarse_grain(self, snapshot: Snapshot, kernel: str, ell: float) -> Currents:
        """ρ̄ and its currents at one scale, on the modes that this scale needs."""
        counts = self._counts(kernel, ell)
        return currents(
            truncate(snapshot.density, self.cell.dim, counts),
            truncate(snapshot.force_density, self.cell.dim, counts),
            self._filter(kernel, ell),
            self._budget(counts).field,
            self.temperature,
        )

    def _counts(self, kernel: str, ell: float) -> tuple[int, ...]:
        """Modes that a scale needs: the cost of a reduction falls as ℓ grows."""
        needed = self.cell.counts_up_to(KERNELS[kernel].band(self.cell.dim) / ell)
        # Never fewer than φ has.
        least = int(np.max(np.abs(self.functions.q)))
        pairs = zip(needed, self.system.counts, strict=True)
        return tuple(min(max(n, least), m) for n, m in pairs)

    def _filter(self, kernel: str, ell: float) -> Real:
        """Ĝ(|p| ℓ) on the modes of this scale, computed at first use."""
        if (kernel, ell) not in self._filters:
            counts = self._counts(kernel, ell)
            self._filters[kernel, ell] = KERNELS[kernel].filter(self.cell, counts, ell)
        return self._filters[kernel, ell]

    def _most_counts(self, ells: list[float]) -> tuple[int, ...]:
        """Modes that the most demanding scale and kernel of a batch need."""
        used = [
            self._counts(kernel, ell)
            for ell in ells
            for kernel in self.kernels
            if ell >= self.system.smallest_scale(kernel)
        ]
        return tuple(int(m) for m in np.max(used, axis=0)) if used else (0,) * self.cell.dim

    def _budget(self, counts: tuple[int, ...]) -> Budget:
        """The tables for this number of modes, built at first use."""
        if counts not in self._budgets:
            self._budgets[counts] = Budget(self.mixture, self.cell, counts, self.functions)
        return self._budgets[counts]

    def _pointwise_norms(self, coarse: Currents) -> tuple[Real, Real]:
        """‖tr Q^flux_ℓ‖_p/d and ‖|∇ρ̄||τ|‖_p, volume-averaged, for the orders `NORM_ORDERS`."""
        shape = _map_shape(coarse, self.cell.dim)
        product = gradient_times_cumulant(coarse, self.cell, shape)
        return _norms(self._flux_map(coarse, shape)), _norms(product)

    def _flux_map(self, coarse: Currents, shape: tuple[int, ...]) -> Real:
        components = flux_map(coarse, self.mixture, self.cell, shape)
        tensor = full_tensor(np.moveaxis(components, 0, -1), self.cell.dim)
        return np.asarray(np.trace(tensor, axis1=-2, axis2=-1) / self.cell.dim)

    def maps(self, state: xr.Dataset, ells: list[float]) -> xr.Dataset:
        """Maps of ρ̄ and Q^flux of the first realisation at the last time, first kernel."""
        result = xr.Dataset()
        if not ells:
            return result
        series = Snapshots(state, self.mixture, self._counts(self.kernels[0], min(ells)))
        for ell in ells:
            snapshot = series.at(0, state.sizes["time"] - 1)
            coarse = self.coarse_grain(snapshot, self.kernels[0], ell)
            shape = _map_shape(coarse, self.cell.dim)
            density = np.sum(modes_to_grid(coarse.density, self.cell, shape), axis=0)
            dims = tuple(f"{axis}_{ell:g}" for axis in AXES[: self.cell.dim])
            flux = self._flux_map(coarse, shape)
            name = f"Q^flux_ℓ(x), trace/d, ℓ = {ell:g}"
            result[f"flux_map_{ell:g}"] = variable(dims, flux, f"{RATE} l0^-d", name, "Eq. 37")
            name = f"ρ̄_ℓ(x), ℓ = {ell:g}"
            result[f"density_map_{ell:g}"] = variable(dims, density, "l0^-d", name, "Eq. 23")
        return result

    def _label(self, results: _Results, state: xr.Dataset, ells: list[float]) -> xr.Dataset:
        lead = ("realisation", "time", "ell", "kernel")
        tail = ("phi", "i", "j")
        norm = ("realisation", "ell", "order")
        stress, rate, source, transport = results.balance
        variables = {
            "stress": variable((*lead, *tail), stress, "V0", "∫φ σ^ni_ℓ", "Eqs. 13, 30"),
            "rate": variable((*lead, *tail), rate, RATE, "∫φ ∂tσ^ni_ℓ from ∂tρ̄", "Eq. 31"),
            "source": variable(
                (*lead, "term", *tail), source, RATE, "∫φ 𝒮 of each current", "Eqs. 36-41"
            ),
            "transport": variable(
                (*lead, "term", *tail), transport, RATE, "∫𝒯_k ∂_kφ of each current", "Eq. 35"
            ),
        }
        if self.system.particles:
            variables["self_pair"] = variable(
                (*lead, *tail),
                results.self_pair,
                RATE,
                "W_ℓ of each particle with itself, with transport; Q^flux_ℓ has its negative",
            )
        if self.cell.dim == 1:
            unit = f"{RATE} l0^-d"
            variables["flux_norm"] = variable(
                norm,
                results.flux_norm,
                unit,
                "norm of Q^flux_ℓ(x), first kernel, last time",
                "Eq. 55",
            )
            variables["product_norm"] = variable(
                norm,
                results.product_norm,
                unit,
                "norm of |∇ρ̄||τ_ℓ|, first kernel, last time",
                "Eq. 49",
            )
        coordinates = {
            name: state[name] for name in ("realisation", "time", "hurst") if name in state
        }
        return xr.Dataset(
            variables,
            coords={
                **coordinates,
                "ell": ("ell", ells, {"units": "l0", "long_name": "scale ℓ"}),
                "kernel": self.kernels,
                "phi": list(self.functions.names),
                "term": list(self.terms),
                "order": list(NORM_ORDERS),
            },
        )


class _Results:
    """Arrays to be filled; they stay NaN where a kernel does not apply."""

    def __init__(
        self,
        realisations: int,
        times: int,
        scales: tuple[int, int],
        terms_and_functions: tuple[int, int],
        dim: int,
    ) -> None:
        self.last = times - 1
        self._dim = dim
        terms, functions = terms_and_functions
        lead = (realisations, times, *scales)
        tail = (functions, dim, dim)
        shapes = ((*lead, *tail), (*lead, *tail), *2 * ((*lead, terms, *tail),))
        self.balance = [np.full(shape, np.nan) for shape in shapes]
        self.self_pair = np.full((*lead, *tail), np.nan)
        self.flux_norm = np.full((realisations, scales[0], len(NORM_ORDERS)), np.nan)
        self.product_norm = self.flux_norm.copy()

    def store(self, snapshot: Snapshot, scale: tuple[int, int | slice], balance: Balance) -> None:
        """File a balance under its realisation, time, scale and kernel (or all kernels)."""
        parts = (balance.stress, balance.rate, balance.source, balance.transport)
        for array, part in zip(self.balance, parts, strict=True):
            array[(snapshot.realisation, snapshot.time, *scale)] = full_tensor(part, self._dim)

    def stress(self, snapshot: Snapshot, ell: int, stress: Real) -> None:
        """File a microscopic stress, the same for every kernel; it has no balance of its own."""
        self.balance[0][snapshot.realisation, snapshot.time, ell] = stress

    def store_norms(self, snapshot: Snapshot, ell: int, flux: Real, product: Real) -> None:
        """File the pointwise norms under realisation and scale."""
        self.flux_norm[snapshot.realisation, ell] = flux
        self.product_norm[snapshot.realisation, ell] = product


def _with_ito(balance: Balance, own: SelfPairs) -> Balance:
    """Add the Itô source, which has no transport, to both sides of the balance."""
    return Balance(
        stress=balance.stress,
        rate=balance.rate + own.ito,
        source=np.concatenate([balance.source, own.ito[np.newaxis]]),
        transport=np.concatenate([balance.transport, np.zeros_like(own.ito[np.newaxis])]),
    )


def _map_shape(coarse: Currents, dim: int) -> tuple[int, ...]:
    """A grid that holds products of the coarse-grained fields."""
    return tuple(good_size(2 * size - 1) for size in coarse.density.shape[-dim:])


def _norms(field: Real) -> Real:
    """Volume-averaged norms <|f|^p>^{1/p}."""
    return np.array([np.mean(np.abs(field) ** p) ** (1.0 / p) for p in NORM_ORDERS])
