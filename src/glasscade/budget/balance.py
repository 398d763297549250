"""The stress balance at scale ℓ: currents put through the bilinear operator.

With ∂tρ̄_s = -∇·Σ_X j_s^X, every term of the balance is a current X in one of two places,

    ∂t σ^ni = Σ_X { -∂_k 𝒯_k[j^X] + 𝒮[j^X] },
    𝒯_k[j] = 2 Σ_ss' B^{ss'}[ρ̄_s, j_{s',k}],      𝒮[j] = 2 Σ_ss' Σ_k B^{ss'}[∂_kρ̄_s, j_{s',k}],

and smeared with φ a term is its source plus its transport, ∫φ𝒮 + ∫𝒯_k ∂_kφ.

===========  ============================  =====================================
term         current j_s                   meaning of its source
===========  ============================  =====================================
W            -ρ̄_s F̄_s                    resolved interaction (Eqs. 36, 39)
Q_flux       -τ_ℓ(ρ_s, F_s)                flux between scales (Eqs. 37, 40)
Q_thermal    -T ∇ρ̄_s                      thermal diffusion (Eqs. 18, 27)
N_ni         +ρ̄_s f̄_s                    resolved work of an external force (Eq. 41)
N_flux       +τ_ℓ(ρ_s, f_s)                its work below the scale (Eq. 41)
martingale   the noise of the particles    of zero mean, taken at the left point (Eq. 28)
residual     measured - all of the above   of a current that is not that of Eq. 1
shear_flux   +τ_ℓ(ρ_s, Γx)                 an affine flow below the scale
shear_ni     +ρ̄_s Γx                      the same above it: elastic stress
===========  ============================  =====================================

A mobility m multiplies every current but those of noise, which has it already, and flow.
The first three are always there, the others when a force, a noise, a measured current or a flow
is given. At ℓ = 0
the filter is one, τ vanishes and the rows are those of the fine-grained balance: W (Eq. 19),
Q_thermal (Eq. 18) and, as N_ni, the external source 𝓕^φ (Eq. 17).

The current of an affine flow Γx (traceless, as in simple shear) grows without bound and is no
field of the cell. Cell and test functions move with the flow, time derivatives are those at fixed
fractional coordinates, and of the resolved part only the stretching of every pair is left,
½∫dy (Γy)_k ∂_kW_ij(y) ∫_0^1 dλ ρ̄ρ̄, a source without transport.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade.budget.operator import (
    Form,
    VirialTable,
    affine_tensor,
    bilinear,
    bilinear_map,
    components,
)
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError
from glasscade.external import Drive
from glasscade.force import ForceField
from glasscade.jit import jit
from glasscade.potentials import Mixture
from glasscade.transforms import Modes, grid_to_modes, mode_counts, modes_to_grid, product

Real = npt.NDArray[np.float64]

TERMS = ("W", "Q_flux", "Q_thermal")
"""The terms of every balance."""
EXTERNAL = ("N_ni", "N_flux")
"""The terms of an external force."""
MARTINGALE = "martingale"
RESIDUAL = "residual"
"""The rest of a current that was measured."""
SHEAR = ("shear_flux", "shear_ni")
"""The terms of an affine flow; the second is none of the periodic currents."""
EQUATIONS = {
    "W": "Eqs. 19, 36, 39",
    "Q_flux": "Eqs. 37, 40",
    "Q_thermal": "Eqs. 18, 24, 27",
    "N_ni": "Eqs. 17, 41",
    "N_flux": "Eq. 41",
    MARTINGALE: "Eq. 28",
    RESIDUAL: "none: the measured current less the others",
    "shear_flux": "Eq. 41 with f = Γx",
    "shear_ni": "Eqs. 17, 41 with f = Γx",
}
"""Where the source paper defines the terms."""


@dataclass(frozen=True, eq=False)
class Flow:
    """An affine flow Γx that carries cell and test functions with it.

    Attributes
    ----------
    gradient : (d, d)
        Γ, traceless.
    filter_slope : modes
        Ĝ'(|p| ℓ), the derivative by the argument, times ℓ/|p|: ∂Ĝ/∂p_l = filter_slope p_l.
    """

    gradient: Real
    filter_slope: Real

    def __post_init__(self) -> None:
        if abs(np.trace(self.gradient)) > 1e-12 * np.max(np.abs(self.gradient)):
            raise ConfigError("flow: its gradient must be traceless")

    def sub_scale(self, density: Modes, p: Real) -> Modes:
        """τ_ℓ(ρ_s, Γx) = Γ_kl ∫G_ℓ(r) r_l ρ_s(x+r) dr, whose modes are -iΓ_kl ∂Ĝ/∂p_l ρ_hat."""
        moment = np.tensordot(self.gradient, self.filter_slope * p, axes=1)
        return np.asarray(-1j * moment * density[:, np.newaxis])


@dataclass(frozen=True, eq=False)
class Currents:
    """A coarse-grained density, the currents that move it, and their derivatives.

    Attributes
    ----------
    terms : names of the currents
    fields : (S, n, modes)
        ρ̄_s, ∂tρ̄_s, ∂_kρ̄_s, and j^X_{s,k} of term after term; but of Q_thermal, whose current is in
        proportion to the gradient, only if `temperature` is None.
    temperature : T, optional
    mobility : m
        For the thermal current -mT∇ρ̄; the others have it in them.
    affine : (d, d), optional
        Γ of a flow that carries the cell with it.
    """

    terms: tuple[str, ...]
    fields: Modes
    temperature: float | None = None
    affine: Real | None = None
    mobility: float = 1.0

    @classmethod
    def of(cls, terms: Sequence[str], density: Modes, current: Modes, p: Real) -> Currents:
        """For any density and currents.

        Parameters
        ----------
        terms : names
        density : (S, modes)
            ρ̄_s.
        current : (term, S, d, modes)
            j_s^X.
        p : (d, modes)
            The wavevectors of the modes.
        """
        fields = _empty(len(terms), *density.shape)
        fields[:, 0] = density
        _split(fields)[:] = np.moveaxis(current, 0, 1)
        _gradient(_flat(fields, 2), _flat(p, 1))
        _continuity(_flat(fields, 2), _flat(p, 1), 0.0)
        return cls(tuple(terms), fields)

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return self.fields.ndim - 2

    @property
    def density(self) -> Modes:
        """ρ̄_s, (S, modes)."""
        return self.fields[:, 0]

    @property
    def gradient(self) -> Modes:
        """∂_kρ̄_s, (S, d, modes)."""
        return self.fields[:, 2 : 2 + self.dim]

    @property
    def current(self) -> Modes:
        """j_s^X, (term, S, d, modes)."""
        return np.array([self.of_term(term) for term in self.terms])

    def of_term(self, term: str, where: tuple[Any, ...] = (...,)) -> Modes:
        """j_s of one term, (S, d, modes), at some modes or all."""
        first, factor = self._place(term)
        return np.asarray(
            factor * self.fields[(slice(None), slice(first, first + self.dim), *where)]
        )

    def source(self, term: str) -> tuple[Form, float]:
        """Σ_k B[∂_kρ̄, j_k] of a term as a form and the factor that makes it the source."""
        first, factor = self._place(term)
        return [(2 + k, first + k) for k in range(self.dim)], 2.0 * factor

    def flux(self, term: str) -> tuple[list[Form], float]:
        """B[ρ̄, j_k] of a term for each k and the factor that makes them its flux 𝒯_k."""
        first, factor = self._place(term)
        return [[(0, first + k)] for k in range(self.dim)], 2.0 * factor

    def _place(self, term: str) -> tuple[int, float]:
        """The first field of a current, and its factor."""
        number = self.terms.index(term)
        if self.temperature is None:
            return 2 + self.dim * (1 + number), 1.0
        thermal = self.terms.index("Q_thermal")
        if number == thermal:
            return 2, -self.mobility * self.temperature
        return 2 + self.dim * (1 + number - (number > thermal)), 1.0


STRESS: Form = [(0, 0)]
"""B[ρ̄, ρ̄], the stress itself, among the fields of `Currents`."""
RATE: Form = [(0, 1)]
"""B[ρ̄, ∂tρ̄], half its rate."""


def _empty(currents: int, species: int, *modes: int) -> Modes:
    return np.empty((species, 2 + len(modes) * (1 + currents), *modes), dtype=np.complex128)


def _flat(array: npt.NDArray[Any], lead: int) -> npt.NDArray[Any]:
    """All modes in one axis behind `lead` others."""
    return array.reshape(*array.shape[:lead], -1)


def _split(fields: Modes) -> Modes:
    """The stored j as (S, current, d, modes), a view."""
    dim = fields.ndim - 2
    return fields[:, 2 + dim :].reshape(len(fields), -1, dim, *fields.shape[2:])


def currents(
    density: Modes,
    force_density: Modes,
    filter_: Real,
    field: ForceField,
    temperature: float,
    drive: Drive | None = None,
    noise: Modes | None = None,
    flow: Flow | None = None,
    measured: Modes | None = None,
    mobility: float = 1.0,
) -> Currents:
    """Split the current of ρ̄ into resolved, sub-scale and thermal parts, and external ones.

    Parameters
    ----------
    density : (S, modes)
        ρ_s.
    force_density : (S, d, modes)
        ρ_s F_s, of a field by `ForceField.force_density`, of particles by a point sum of their
        forces: only this differs between the two.
    filter_ : modes
        Ĝ(|p| ℓ).
    field : ForceField
    temperature : T in units of V₀
    drive : Drive, optional
        An external force.
    noise : (S, d, modes), optional
        The current of the noise, Σ_a sqrt(2mT) (dB_a/dt) δ(x - x_a).
    flow : Flow, optional
        An affine flow.
    measured : (S, d, modes), optional
        The current that there was, Σ_a v_a δ(x - x_a), at fixed fractional coordinates. What the
        terms of Eq. 1 leave of it is the residual; all together then are no model, but the data.
    mobility : m
        Multiplies what F, T and f drive.
    """
    terms: tuple[str, ...] = TERMS
    terms += EXTERNAL if drive else ()
    terms += () if noise is None else (MARTINGALE,)
    terms += () if measured is None else (RESIDUAL,)
    terms += SHEAR[:1] if flow else ()
    fields = _empty(len(terms) - 1, *density.shape)
    np.multiply(density, filter_, out=fields[:, 0])
    current = _split(fields)
    field.force_density(fields[:, 0], out=current[:, 0])
    p = _flat(field.wavevectors, 1)
    _gradient(_flat(fields, 2), p)
    _interaction(_flat(fields, 2), _flat(force_density, 2), filter_.ravel())
    if drive:
        force = np.broadcast_to(drive.force * filter_, drive.current.shape)
        for s, (rho, f) in enumerate(zip(fields[:, 0], force, strict=True)):
            current[s, 2] = product(rho, f, field.cell)
        np.subtract(drive.current * filter_, current[:, 2], out=current[:, 3])
    if mobility != 1.0:
        current[:, : 4 if drive else 2] *= mobility
    if noise is not None:
        np.multiply(noise, filter_, out=current[:, terms.index(MARTINGALE) - 1])
    if measured is not None:
        place = terms.index(RESIDUAL) - 1  # Q_thermal, before it, is not stored
        thermal = mobility * temperature * fields[:, 2 : 2 + field.cell.dim]
        known = current[:, :place].sum(axis=1) - thermal
        np.subtract(measured * filter_, known, out=current[:, place])
    if flow:
        current[:, -1] = flow.sub_scale(density, field.wavevectors)
    _continuity(_flat(fields, 2), p, mobility * temperature)
    return Currents(terms, fields, temperature, flow.gradient if flow else None, mobility)


BLOCK = 1024
"""Modes that are worked on together, so that they stay in the processor's cache."""


@jit
def _gradient(fields: Modes, p: Real) -> None:
    """∂_kρ̄ of every species."""
    for s in range(fields.shape[0]):
        density = fields[s, 0]
        for k in range(p.shape[0]):
            gradient, wave = fields[s, 2 + k], p[k]
            for i in range(wave.size):
                gradient[i] = complex(-wave[i] * density[i].imag, wave[i] * density[i].real)


@jit
def _interaction(fields: Modes, force_density: Modes, filter_: Real) -> None:
    """The currents -ρ̄F̄ and -τ(ρ,F) = ρ̄F̄ - (ρF)‾ from ρ̄F̄ in the place of the first."""
    dim = force_density.shape[1]
    for s in range(fields.shape[0]):
        for k in range(dim):
            w, q_flux = fields[s, 2 + dim + k], fields[s, 2 + 2 * dim + k]
            whole = force_density[s, k]
            for i in range(filter_.size):
                q_flux[i] = w[i] - filter_[i] * whole[i]
                w[i] = -w[i]


@jit
def _continuity(fields: Modes, p: Real, temperature: float) -> None:
    """∂tρ̄ = -∇·(Σ_X j^X - T∇ρ̄) of every species, with the currents that are stored."""
    dim = p.shape[0]
    re, im = np.empty(BLOCK), np.empty(BLOCK)
    for s in range(fields.shape[0]):
        for start in range(0, p.shape[1], BLOCK):
            rate = fields[s, 1, start : start + BLOCK]
            re[:], im[:] = 0.0, 0.0
            for row in range(2, fields.shape[1]):
                current = fields[s, row, start : start + BLOCK]
                wave = p[(row - 2) % dim, start : start + BLOCK]
                factor = 1.0 if row >= 2 + dim else -temperature  # the first rows are ∇ρ̄
                for i in range(rate.size):
                    re[i] += factor * wave[i] * current[i].imag
                    im[i] -= factor * wave[i] * current[i].real
            for i in range(rate.size):
                rate[i] = complex(re[i], im[i])


@dataclass(frozen=True, eq=False)
class BalanceModes:
    """Low modes of the balance before smearing.

    Attributes
    ----------
    terms : names of the terms
    stress, rate : (n_q, c)
        σ^ni and, directly from ∂tρ̄, ∂tσ^ni.
    source, transport : (term, n_q, c)
        𝒮 and -∂_k𝒯_k of each current.
    """

    terms: tuple[str, ...]
    stress: Modes
    rate: Modes
    source: Modes
    transport: Modes


@dataclass(frozen=True, eq=False)
class Balance:
    """Smeared terms of one snapshot at one scale; c runs over tensor components.

    Attributes
    ----------
    terms : names of the currents
    stress : (phi, c)
        ∫φ σ^ni_ℓ.
    rate : (phi, c)
        ∫φ ∂tσ^ni_ℓ, directly from ∂tρ̄ = -∇·j: the left side of the balance.
    source, transport : (term, phi, c)
        ∫φ 𝒮[j^X] and ∫𝒯_k[j^X] ∂_kφ: together the right side.
    ideal_stress : (phi,)
        -T Σ_s ∫φ ρ̄_s, which stands on the diagonal of σ besides σ^ni.
    ideal_transport : (term, phi)
        -T Σ_s ∫j_{s,k} ∂_kφ, what each current does to it; it has no source.
    """

    terms: tuple[str, ...]
    stress: Real
    rate: Real
    source: Real
    transport: Real
    ideal_stress: Real
    ideal_transport: Real

    @property
    def residual(self) -> Real:
        """Left minus right side, (phi, c): zero to round-off for any currents."""
        return np.asarray(self.rate - np.sum(self.source + self.transport, axis=0))


class Budget:
    """The balance of a system in a cell, for a set of modes and a family of test functions."""

    def __init__(
        self, mixture: Mixture, cell: Cell, counts: tuple[int, ...], functions: TestFunctions
    ) -> None:
        if np.any(np.abs(functions.q) > np.array(counts)):
            most = tuple(int(m) for m in np.max(np.abs(functions.q), axis=0))
            raise ResolutionError(f"functions: φ has modes up to {most}, the fields up to {counts}")
        self.cell = cell
        self.functions = functions
        self.field = ForceField(mixture, cell, counts)
        self._mixture = mixture
        self._table = VirialTable.build(mixture, cell, counts, functions.q)
        self._stretching: dict[bytes, VirialTable] = {}

    def balance(self, state: Currents) -> Balance:
        """All terms of the stress balance, smeared with every φ."""
        modes, smear = self.modes(state), self.functions.smear
        ideal = self._ideal_part(state, modes.terms)
        return Balance(
            terms=modes.terms,
            stress=smear(modes.stress),
            rate=smear(modes.rate),
            source=smear(modes.source),
            transport=smear(modes.transport),
            ideal_stress=ideal[0],
            ideal_transport=ideal[1],
        )

    def _ideal_part(self, state: Currents, terms: Sequence[str]) -> tuple[Real, Real]:
        """-T Σ_s ∫φ ρ̄_s and, of each current, -T Σ_s ∫j_{s,k} ∂_kφ = T Σ_s ∫φ ∂_kj_{s,k}."""
        smear = self.functions.smear
        where = tuple((self.functions.q + np.array(self._table.counts)).T)
        density = np.sum(state.density[(slice(None), *where)], axis=0)
        q = self.cell.reciprocal(self.functions.q.T.astype(np.float64))
        divergence = np.zeros((len(terms), len(self.functions.q)), dtype=np.complex128)
        # The terms that a flow adds behind the currents have no part.
        for row, term in zip(divergence, state.terms, strict=False):
            row[:] = np.sum(1j * q * state.of_term(term, where).sum(axis=0), axis=0)
        temperature = state.temperature or 0.0
        stress = smear(density[:, np.newaxis])[:, 0]
        transport = smear(divergence[..., np.newaxis])[..., 0]
        return -temperature * stress, temperature * transport

    def modes(self, state: Currents) -> BalanceModes:
        """All terms of the stress balance at the modes of the test functions."""
        forms, factors = zip(*map(state.source, state.terms), strict=True)
        stress, growth, *sources = bilinear(state.fields, self._table, [STRESS, RATE, *forms])
        modes = BalanceModes(
            terms=state.terms,
            stress=stress,
            rate=2.0 * growth,
            source=np.array([f * source for f, source in zip(factors, sources, strict=True)]),
            transport=self._transport(state),
        )
        return modes if state.affine is None else self._stretched(modes, state, state.affine)

    def _transport(self, state: Currents) -> Modes:
        """-∂_k𝒯_k of each current, (term, n_q, c)."""
        lead, tail = len(state.terms), len(components(self.cell.dim))
        q = self.cell.reciprocal(self.functions.q.T.astype(np.float64))
        if not np.any(q):  # the box total of a divergence
            return np.zeros((lead, len(self.functions.q), tail), dtype=np.complex128)
        forms, factors = zip(*map(state.flux, state.terms), strict=True)
        # q_k 𝒯_k needs no flux along an axis where q_k = 0.
        wanted = np.tile(q.T != 0.0, (1, lead))
        flux = bilinear(
            state.fields, self._table, [form for each in forms for form in each], wanted
        )
        flux = flux.reshape(lead, self.cell.dim, *flux.shape[1:])
        return np.asarray(-1.0j * np.einsum("t,kq,tkqc->tqc", factors, q, flux))

    def _stretched(self, modes: BalanceModes, state: Currents, gradient: Real) -> BalanceModes:
        """Add the source of the resolved affine flow, to both sides of the balance."""
        source = bilinear(state.fields, self._stretching_table(gradient), [STRESS])
        return BalanceModes(
            terms=(*modes.terms, SHEAR[1]),
            stress=modes.stress,
            rate=modes.rate + source[0],
            source=np.concatenate([modes.source, source]),
            transport=np.concatenate([modes.transport, np.zeros_like(source)]),
        )

    def _stretching_table(self, gradient: Real) -> VirialTable:
        """½(Γy)_k ∂_kW_ij for a flow, made at first use."""
        key = gradient.tobytes()
        if key not in self._stretching:
            tensor = partial(affine_tensor, gradient=gradient)
            counts, q = self._table.counts, self.functions.q
            self._stretching[key] = VirialTable.build(self._mixture, self.cell, counts, q, tensor)
        return self._stretching[key]


MAPS = ("stress", "rate", "source", "transport", "flux")
"""What there are maps of."""


def balance_maps(
    state: Currents,
    mixture: Mixture,
    cell: Cell,
    shape: tuple[int, ...],
    parts: Sequence[str] = MAPS,
    terms: Sequence[str] | None = None,
) -> dict[str, Real]:
    """The balance at every point of a grid, of at least 4M+1 points per axis.

    Parameters
    ----------
    parts : names of `MAPS`
        All in one pass over the directions of `bilinear_map`.
    terms : names, optional
        The currents that sources, transports and fluxes are wanted of; by default all.

    Returns
    -------
    dict
        `stress` and `rate` (of all currents together) (c, n_1, ...); `source` 𝒮 and `transport`
        -∂_k𝒯_k (term, c, n_1, ...); `flux` 𝒯_k (term, d, c, n_1, ...).

    Raises
    ------
    ConfigError
        If a part or term is unknown, or the rate is asked for with an affine flow.
    """
    wanted = state.terms if terms is None else tuple(terms)
    if state.affine is not None and "rate" in parts:
        raise ConfigError("parts: there is no map of the rate with a flow, which adds a stretching")
    for name, given, known in (("parts", parts, MAPS), ("terms", wanted, state.terms)):
        if not set(given) <= set(known):
            raise ConfigError(f"{name}: must be among {', '.join(known)}, not {list(given)}")
    forms: list[Form] = []
    factors: list[float] = []
    places: dict[str, slice] = {}
    for part, some in _map_forms(state, parts, wanted).items():
        places[part] = slice(len(forms), len(forms) + len(some))
        forms.extend(form for form, _ in some)
        factors.extend(factor for _, factor in some)
    maps = np.empty((0, len(components(cell.dim)), *shape))
    if forms:
        maps = bilinear_map(state.fields, mixture, cell, shape, forms)
        maps *= np.array(factors).reshape(-1, *[1] * (cell.dim + 1))
    found: dict[str, Real] = {part: maps[place] for part, place in places.items()}
    if "flux" in found:
        found["flux"] = found["flux"].reshape(len(wanted), cell.dim, *maps.shape[1:])
    if "transport" in parts:
        each = [-divergence(flux, cell) for flux in found["flux"]]
        found["transport"] = np.array(each).reshape(-1, *maps.shape[1:])
    return {part: found[part][0] if part in MAPS[:2] else found[part] for part in parts}


def _map_forms(
    state: Currents, parts: Sequence[str], terms: Sequence[str]
) -> dict[str, list[tuple[Form, float]]]:
    """The forms of each part with their factors; a transport needs the flux."""
    fluxes = [state.flux(term) for term in terms]
    every: dict[str, list[tuple[Form, float]]] = {
        "stress": [(STRESS, 1.0)],
        "rate": [(RATE, 2.0)],
        "source": [state.source(term) for term in terms],
        "flux": [(form, factor) for forms, factor in fluxes for form in forms],
    }
    needed = {*parts, "flux"} if "transport" in parts else set(parts)
    return {part: some for part, some in every.items() if part in needed}


def divergence(flux: Real, cell: Cell) -> Real:
    """∂_k𝒯_k of a flux (..., d, c, n_1, ...) on a grid."""
    modes = grid_to_modes(flux, cell)
    p = cell.wavevectors(mode_counts(modes, cell.dim))
    total = np.sum(1j * p[:, np.newaxis] * modes, axis=-2 - cell.dim)
    return modes_to_grid(total, cell, flux.shape[-cell.dim :])


def source_map(
    state: Currents, term: str, mixture: Mixture, cell: Cell, shape: tuple[int, ...]
) -> Real:
    """The field 𝒮_ij(x) of one term, for Q_flux the flux between scales, (c, n_1, ..., n_d)."""
    return np.asarray(balance_maps(state, mixture, cell, shape, ["source"], [term])["source"][0])


def gradient_times_cumulant(state: Currents, cell: Cell, shape: tuple[int, ...]) -> Real:
    """Σ_s |∇ρ̄_s| |τ_ℓ(ρ_s, F_s)| on a grid: the local product that bounds the flux (Eq. 49)."""
    gradient = modes_to_grid(state.gradient, cell, shape)
    cumulant = modes_to_grid(state.of_term("Q_flux"), cell, shape)
    norms = np.linalg.norm(gradient, axis=1) * np.linalg.norm(cumulant, axis=1)
    return np.asarray(np.sum(norms, axis=0))
