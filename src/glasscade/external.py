"""External forces f(x): what drives the system from outside, and flows that deform its cell.

A force moves each particle of species s by +f_s(x_a) dt and adds the current +ρ_s f_s to its
density. Coarse-grained, the current is in two parts, +ρ̄_s f̄_s (𝒩^ni) and +τ_ℓ(ρ_s, f_s)
(𝒩^flux, Eq. 41). Forces are in units of V₀/ℓ₀, wavevectors of 1/ℓ₀.

* `Kolmogorov`: one sine wave; smooth, so that ∫𝒩^flux falls as ℓ².
* `Active`: a frozen Gaussian random force of Besov exponent ξ, rough between two wavelengths.
* `Sum`: several at once; none at all is no force.
* `AffineFlow`: f = Γx, which is not periodic and is a motion of the cell instead.

Periodic forces are finite sums of plane waves, one set for each cell: in a sheared cell the
integer modes stay and the wavevectors follow the strain.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from numbers import Integral
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import expm

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ResolutionError
from glasscade.transforms import Modes, modes_at_points, product

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]
Kind = Literal["gradient", "solenoidal", "isotropic"]

KINDS: tuple[Kind, ...] = ("gradient", "solenoidal", "isotropic")

MOST_WAVES = 2**20
"""Of a random force, whose making then takes a second."""
TRACELESS = 1e-12
"""Largest |tr Γ| in units of the largest rate: round-off of rates that were computed."""


@dataclass(frozen=True)
class ExternalForce(ABC):
    """A periodic force field f(x) = Σ_p f_hat(p) exp(ip·x)/|Ω|, real and without mean."""

    @abstractmethod
    def waves(self, cell: Cell) -> tuple[Integer, Modes]:
        """Integer modes m, (n, d), and f_hat, (d, n): m ≠ 0, and f_hat(-p)* is implied at -m."""

    def counts(self, cell: Cell) -> tuple[int, ...]:
        """The fewest modes that hold the force, M_i = max |m_i|."""
        return _reach(self.waves(cell)[0])

    def modes(self, cell: Cell, counts: tuple[int, ...]) -> Modes:
        """f_hat on the modes of a cell, (d, 2M_1+1, ..., 2M_d+1).

        Raises
        ------
        ResolutionError
            If the force has modes beyond `counts`.
        ConfigError
            If the force has another dimension than the cell.
        """
        indices, values = self.waves(cell)
        needed = _reach(indices)
        if any(m < n for m, n in zip(counts, needed, strict=True)):
            raise ResolutionError(
                f"external: modes up to {counts} cannot hold a force with modes up to {needed}; "
                "keep more modes or force at longer wavelengths"
            )
        one_sided = np.zeros((cell.dim, *(2 * m + 1 for m in counts)), dtype=np.complex128)
        np.add.at(one_sided, (slice(None), *(indices + np.array(counts)).T), values)
        # Added once and mirrored as a whole: f_hat(-p) = f_hat(p)* holds to the last bit.
        return one_sided + np.conj(np.flip(one_sided, axis=tuple(range(1, cell.dim + 1))))

    def at(self, cell: Cell, positions: Real) -> Real:
        """f at points of shape (N, d), wrapped into the cell or not; shape (N, d)."""
        modes = self.modes(cell, self.counts(cell))
        return np.ascontiguousarray(modes_at_points(modes, positions, cell).T)


@dataclass(frozen=True)
class Kolmogorov(ExternalForce):
    """f(x) = amplitude e sin(p·x + phase), p = 2π h^{-T} m: one plane wave.

    With e across p it is the classic flow, solenoidal; with e along p it compresses, as it
    always does in one dimension. Which of the two a strained cell has depends on its strain.

    Attributes
    ----------
    amplitude : float
        Largest |f|, in V₀/ℓ₀.
    wave : (m_1, ..., m_d) integers
        Wavelengths per box vector, not all zero.
    direction : (d,)
        Along e; its length does not matter and is made 1.
    phase : float
        In radians.

    Raises
    ------
    ConfigError
        If a number is not finite, `wave` or `direction` is zero, or their lengths differ.
    """

    amplitude: float
    wave: tuple[int, ...]
    direction: tuple[float, ...]
    phase: float = 0.0

    def __post_init__(self) -> None:
        _check_finite(amplitude=self.amplitude, phase=self.phase)
        integers = all(isinstance(m, Integral) for m in self.wave)
        if len(self.wave) != len(self.direction) or not integers or not any(self.wave):
            raise ConfigError(
                f"external.wave: {self.wave} must be integers, not all zero, as many as the "
                f"direction {self.direction} has components"
            )
        length = float(np.linalg.norm(self.direction))
        if not 0.0 < length < np.inf:
            raise ConfigError(f"external.direction: {self.direction} must be finite and not zero")
        unit = tuple(float(component / length) for component in self.direction)
        object.__setattr__(self, "direction", unit)

    def waves(self, cell: Cell) -> tuple[Integer, Modes]:
        """f_hat(p) = amplitude |Ω| e exp(i phase)/2i."""
        self._check(cell)
        value = -0.5j * self.amplitude * cell.volume * np.exp(1j * self.phase)
        return np.array([self.wave], dtype=np.int64), value * np.array([self.direction]).T

    def at(self, cell: Cell, positions: Real) -> Real:
        self._check(cell)
        p = cell.reciprocal(np.array(self.wave, dtype=np.float64))
        sine = self.amplitude * np.sin(positions @ p + self.phase)
        return np.asarray(sine[:, np.newaxis] * np.array(self.direction))

    def _check(self, cell: Cell) -> None:
        if len(self.wave) != cell.dim:
            raise ConfigError(
                f"external.wave: {self.wave} must have {cell.dim} components, as the cell has"
            )


@dataclass(frozen=True)
class Active(ExternalForce):
    """A frozen random force of active matter: Gaussian, with Besov exponent ξ.

        E|f_hat(p)|² ∝ |p|^{-(d + 2ξ)}     for k_min <= |p| <= k_max,    E<|f|²> = amplitude²,

    with < > the mean over the cell. Modes are independent and only their variance is set, so that
    the amplitude holds in expectation, not for each seed. The random numbers belong to the seed
    and the integer mode: neither a finer grid, a larger k_max nor a strain of the cell draws
    others. ξ may be negative, ξ = -d/2 is white noise; for ξ <= 0 the small scales carry the power.

    Attributes
    ----------
    amplitude : float
        Root of the expected mean square of |f|, in V₀/ℓ₀.
    exponent : float
        ξ.
    k_min, k_max : float
        Ends of the spectrum, in 1/ℓ₀.
    seed : int
        Not negative.
    kind : str
        "gradient": f_hat along p; "solenoidal": across p, in two or three dimensions;
        "isotropic": components independent.

    Raises
    ------
    ConfigError
        If a number is out of its range, or the kind is unknown.
    """

    amplitude: float
    exponent: float
    k_min: float
    k_max: float
    seed: int
    kind: Kind = "gradient"

    def __post_init__(self) -> None:
        _check_finite(amplitude=self.amplitude, exponent=self.exponent)
        if self.amplitude < 0.0:
            raise ConfigError(f"external.amplitude: {self.amplitude} must not be negative")
        if not 0.0 < self.k_min <= self.k_max < np.inf:
            raise ConfigError(
                f"external.k_min: {self.k_min} must be above 0 and not above k_max = {self.k_max}, "
                "which must be finite"
            )
        if self.seed < 0:
            raise ConfigError(f"external.seed: {self.seed} must not be negative")
        if self.kind not in KINDS:
            raise ConfigError(f"external.kind: {self.kind!r} must be one of {', '.join(KINDS)}")

    def waves(self, cell: Cell) -> tuple[Integer, Modes]:
        """One of each pair ±p between k_min and k_max.

        Raises
        ------
        ResolutionError
            If the cell has no wavevector there.
        ConfigError
            If a solenoidal force is asked of a cell in one dimension.
        """
        return _random_waves(self, cell)


@lru_cache(maxsize=8)
def _random_waves(force: Active, cell: Cell) -> tuple[Integer, Modes]:
    """The waves of `force`, kept since a simulation asks for the same ones at every step."""
    reach = max(cell.counts_up_to(force.k_max))
    if (2 * reach + 1) ** cell.dim > MOST_WAVES:
        raise ResolutionError(
            f"external: the cell has modes up to {reach} below k_max = {force.k_max}, more than "
            f"{MOST_WAVES} of them; lower k_max or take a smaller cell"
        )
    indices, normals = _normals(force.seed, reach, cell.dim)
    p = cell.reciprocal(indices.T.astype(np.float64))
    k = np.linalg.norm(p, axis=0)
    # The ends often are wavevectors of the cell themselves: round-off must not drop them.
    inside = (k >= force.k_min * (1.0 - 1e-9)) & (k <= force.k_max * (1.0 + 1e-9))
    if not np.any(inside):
        raise ResolutionError(
            f"external: the cell has no wavevector between k_min = {force.k_min} and k_max = "
            f"{force.k_max}; widen the range or the cell"
        )
    indices, p, k = indices[inside], p[:, inside], k[inside]
    vectors = _polarised(normals[inside].T, p / k, force.kind)
    # Relative to k_min: a steep spectrum of large wavevectors would underflow. Of ±p one is here.
    with np.errstate(over="ignore"):
        power = (k / force.k_min) ** -(cell.dim + 2.0 * force.exponent)
    if not 0.0 < np.sum(power) < np.inf:
        raise ConfigError(
            f"external.k_min: {force.k_min} is too far from the wavevectors of the cell for an "
            f"exponent of {force.exponent}; take one of them"
        )
    scale = force.amplitude * cell.volume * np.sqrt(power / (2.0 * np.sum(power)))
    values = scale * vectors
    for array in (indices, values):
        array.setflags(write=False)  # shared by all callers
    return indices, values


def _normals(seed: int, reach: int, dim: int) -> tuple[Integer, Modes]:
    """One of each pair ±m with max|m_i| <= reach, and d complex normals E|z|² = 1 for each.

    Shell by shell of max|m_i|, and lexicographically within a shell: a larger reach appends
    modes to the sequence and leaves the numbers of those before as they are.
    """
    axes = [np.arange(-reach, reach + 1)] * dim
    indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    indices = indices[len(indices) // 2 + 1 :]  # lexicographic order: behind m = 0, one of a pair
    indices = indices[np.argsort(np.max(np.abs(indices), axis=1), kind="stable")]
    pairs = np.random.default_rng(seed).standard_normal((len(indices), dim, 2))
    return indices, np.sqrt(0.5) * (pairs[..., 0] + 1j * pairs[..., 1])


def _polarised(vectors: Modes, unit: Real, kind: Kind) -> Modes:
    """The part of vectors (d, n) that `kind` allows, with E|.|² = 1; `unit` is p/|p|."""
    dim = len(unit)
    if kind == "isotropic":
        return vectors / np.sqrt(dim)
    along = unit * np.sum(unit * vectors, axis=0)
    if kind == "gradient":
        return along
    if dim == 1:
        raise ConfigError("external.kind: a 'solenoidal' force needs two or three dimensions")
    return (vectors - along) / np.sqrt(dim - 1.0)


@dataclass(frozen=True)
class Sum(ExternalForce):
    """Several forces at once; `Sum(())` is no force, for a species that feels none."""

    forces: tuple[ExternalForce, ...]

    def waves(self, cell: Cell) -> tuple[Integer, Modes]:
        indices = [np.zeros((0, cell.dim), dtype=np.int64)]
        values = [np.zeros((cell.dim, 0), dtype=np.complex128)]
        for force in self.forces:
            more, their_values = force.waves(cell)
            indices.append(more)
            values.append(their_values)
        return np.concatenate(indices), np.concatenate(values, axis=1)

    def at(self, cell: Cell, positions: Real) -> Real:
        return np.asarray(sum((f.at(cell, positions) for f in self.forces), 0.0 * positions))


External = ExternalForce | Sequence[ExternalForce] | None
"""One force for all species, one for each, or none."""


def each_species(external: External, species: int) -> tuple[ExternalForce, ...] | None:
    """One external force for each species.

    Raises
    ------
    ConfigError
        If there are several forces, but not as many as species.
    """
    if external is None:
        return None
    if isinstance(external, ExternalForce):
        return (external,) * species
    if len(external) != species:
        raise ConfigError(f"external: {len(external)} forces were given for {species} species")
    return tuple(external)


@dataclass(frozen=True, eq=False)
class Drive:
    """An external force f^φ and the current it drives, neither filtered.

    Attributes
    ----------
    force : (d, modes) or (S, d, modes)
        f, one for all species or one for each.
    current : (S, d, modes)
        ρ_s f: of a field the product, of particles a point sum of f at their positions.
    """

    force: Modes
    current: Modes


def modes_of_each(force: Modes, density: Modes, dim: int) -> Modes:
    """The external force on every species, (S, d, modes), from one for all or one for each.

    Raises
    ------
    ConfigError
        If the force has another shape.
    """
    space = density.shape[1:]
    if force.shape not in ((dim, *space), (len(density), dim, *space)):
        raise ConfigError(
            f"external: a force of shape {force.shape} belongs neither to all nor to each of the "
            f"{len(density)} species with modes {space} in {dim}D"
        )
    return np.broadcast_to(force, (len(density), dim, *space))


def external_density(density: Modes, force: Modes, cell: Cell) -> Modes:
    """ρ_s f_s free of aliasing, the current that external forces drive.

    Of particles it is a point sum instead, exact on any modes; with x the positions of a species
    it is ``point_modes(x, f.at(cell, x).T, cell, counts)``, of shape (d, modes).

    Parameters
    ----------
    density : (S, modes)
        ρ_s.
    force : (d, modes) or (S, d, modes)
        One force for all species, or one for each.

    Returns
    -------
    (S, d, modes)

    Raises
    ------
    ConfigError
        If the force has another shape.
    """
    own = modes_of_each(force, density, cell.dim)
    return np.array([product(rho, f, cell) for rho, f in zip(density, own, strict=True)])


@dataclass(frozen=True, eq=False)
class AffineFlow:
    """f = Γx with Γ traceless: a flow that is not periodic, and moves the box vectors with it.

    Attributes
    ----------
    gradient : (d, d)
        Γ_ij = ∂_j f_i, in 1/time.

    Raises
    ------
    ConfigError
        If Γ is not square of dimension 1 to 3, finite and traceless to `TRACELESS`.
    """

    gradient: Real

    def __post_init__(self) -> None:
        gradient = np.array(self.gradient, dtype=np.float64)
        if gradient.shape not in ((1, 1), (2, 2), (3, 3)):
            raise ConfigError(
                f"external.gradient: the matrix must be d×d, d = 1, 2 or 3, not {gradient.shape}"
            )
        if not np.all(np.isfinite(gradient)):
            raise ConfigError("external.gradient: the rates must be finite")
        if abs(np.trace(gradient)) > TRACELESS * np.max(np.abs(gradient)):
            raise ConfigError(
                f"external.gradient: the trace {np.trace(gradient):.6g} must be zero, since a flow "
                "that keeps the volume is assumed"
            )
        gradient.setflags(write=False)
        object.__setattr__(self, "gradient", gradient)

    @classmethod
    def simple_shear(cls, rate: float, dim: int) -> AffineFlow:
        """Γ = rate e_x e_y: x moves at rate·y."""
        if dim == 1:
            raise ConfigError("external.gradient: there is no shear in one dimension")
        gradient = np.zeros((dim, dim))
        gradient[0, 1] = rate
        return cls(gradient)

    def moved(self, cell: Cell, time: float) -> Cell:
        """The cell carried along for `time`: h(t) = exp(Γt) h."""
        return Cell(expm(self.gradient * time) @ cell.matrix)


def _reach(indices: Integer) -> tuple[int, ...]:
    return tuple(int(m) for m in np.max(np.abs(indices), axis=0, initial=0))


def _check_finite(**numbers: float) -> None:
    for name, number in numbers.items():
        if not isfinite(number):
            raise ConfigError(f"external.{name}: {number} must be finite")
