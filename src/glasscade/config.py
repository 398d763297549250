"""The study configuration: a closed schema with ranges, read from one YAML file.

Every model of the package is frozen and refuses unknown keys; the JSON schema and the table of
keys in `config/README.md` are generated from it. All quantities are dimensionless: lengths in the
range of the potential, energies in its strength V₀, times in length²/(mobility V₀).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.errors import ConfigError
from glasscade.limits.extrapolation import POINTS
from glasscade.particles.schedule import log_spaced
from glasscade.particles.spheres import binary_spheres, side
from glasscade.paths import number
from glasscade.potentials import (
    GEM,
    Cone,
    Gaussian,
    Harmonic,
    Hertzian,
    InversePower,
    LennardJones,
    Mixture,
    Potential,
    Riesz,
)
from glasscade.regularity.powers import HIGHEST, LOWEST
from glasscade.regularity.synthetic import FAMILIES, Family, Shock, Step

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


def _not_zero(value: float) -> float:
    if value == 0.0:
        raise ValueError("it must not be zero")
    return value


NonZero = Annotated[float, AfterValidator(_not_zero)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Batch = tuple[float, ...]


def _check_kernel(name: str) -> str:
    if name not in KERNELS:
        raise ValueError(f"it must be one of {', '.join(KERNELS)}, not '{name}'")
    return name


def _check_kernels(kernels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(kernels)) < len(kernels):
        raise ValueError("kernels must be distinct")
    if kernels and not {"gaussian", "wendland_c6"} <= set(kernels):
        raise ValueError("kernels must contain gaussian and wendland_c6")
    return kernels


KernelName = Annotated[
    str, AfterValidator(_check_kernel), Field(json_schema_extra={"enum": list(KERNELS)})
]
Kernels = Annotated[tuple[KernelName, ...], AfterValidator(_check_kernels)]


def _flat(value: Any) -> Iterator[Any]:
    """The entries of nested lists."""
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _flat(entry)
    else:
        yield value


class Closed(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values(cls, raw: Any) -> Any:
        """Python takes true for 1, and so would every number below."""
        for key, value in raw.items() if isinstance(raw, dict) else ():
            if any(isinstance(entry, bool) for entry in _flat(value)):
                raise ValueError(f"{key} must not be true or false")
        return raw


class TestFunctionKeys(Closed):
    """The smooth test functions φ with which every budget is smeared, besides φ = 1."""

    bumps: int = Field(4, ge=1, le=16, description="number of bumps at seeded random centres")
    sharpness: int = Field(
        1, ge=1, le=8, description="m in Π_i [(1 + cos)/2]^m; the relative width is sqrt(2/m)/2π"
    )


class Margins(Closed):
    """Margins of the verdicts, fixed before results are seen."""

    level: Fraction = Field(0.90, description="confidence level of the intervals of the limits")
    delta: Fraction = Field(
        0.05,
        description="equivalence margin of a vanishing flux or thermal limit, as a fraction of "
        "max_ℓ |∫(W_ℓ + Q^flux_ℓ)dt| at T = 0, or of max_ℓ |∫Q^flux_ℓ dt| where the sum vanishes",
    )
    closure: Fraction = Field(
        1e-12, description="largest relative residual of the instantaneous balance (round-off)"
    )
    closure_time: Fraction = Field(
        1e-3, description="largest relative residual of the time-integrated balance"
    )
    closure_particles: Fraction = Field(
        0.02,
        description="the same for particles, as a fraction of the scale of delta, below which it "
        "must be since it enters the limits: Euler steps leave an error in proportion to dt, the "
        "spacing of the output one to its square",
    )
    control: Fraction = Field(0.01, description="relative tolerance of the exact controls")
    exponent: Fraction = Field(0.03, description="tolerance of a recovered Besov exponent")
    slope: Fraction = Field(0.1, description="tolerance of the slope in T of the thermal term")
    bound: Fraction = Field(
        0.05, description="how far a flux exponent may lie below its bound, besides its interval"
    )
    exponent_level: Fraction = Field(0.95, description="confidence level of exponents")


class ExponentKeys(Closed):
    """How Besov exponents are measured."""

    orders: tuple[float, ...] = Field(
        (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
        min_length=1,
        description="orders q of the moments, from -1 to 9; 3 must be among them. Where a moment "
        "does not exist, as for increments at -1, none is given",
    )
    verdict_estimator: Literal["wavelets", "gradients"] = Field(
        "wavelets", description="the one estimator that enters verdicts; all others are shown"
    )

    @field_validator("orders")
    @classmethod
    def _has_three(cls, orders: tuple[float, ...]) -> tuple[float, ...]:
        inside = all(LOWEST <= order <= HIGHEST for order in orders)
        if 3.0 not in orders or not inside or len(set(orders)) < len(orders):
            raise ValueError(
                f"orders must be distinct, between {LOWEST} and {HIGHEST}, and contain 3"
            )
        return tuple(sorted(orders))


class NullKeys(Closed):
    """The liquid beside which every exponent of a particle model is shown.

    It is simulated from random positions, at the density and with the time step of the model;
    Poisson points and the same density with random phases have no keys.
    """

    liquid_temperature: Positive = Field(
        0.1, description="temperature of the liquid, well above the glass"
    )
    liquid_duration: Positive = Field(
        50.0, description="time to reach equilibrium, some diffusion times over a diameter"
    )


class ConeKeys(Closed):
    """V = strength (|x| - x²/L) on a periodic line; strength > 0 attracts."""

    kind: Literal["cone"]
    strength: NonZero = Field(description="g, in units of V₀ per length; its sign is the physics")

    def mixture(self, length: float) -> Mixture:
        """The potential for a cell of this length."""
        return Mixture.single(Cone(self.strength, length))


class GaussianKeys(Closed):
    """V = strength exp(-(r/width)²), smooth; strength > 0 repels."""

    kind: Literal["gaussian"]
    strength: NonZero = Field(1.0, description="V(0), in units of V₀")
    width: Positive = Field(1.0, description="width, in lengths")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Gaussian(self.strength, self.width), length))


class HarmonicKeys(Closed):
    """V = strength/2 (1 - r/diameter)² for r < diameter, with V' linear inside the core."""

    kind: Literal["harmonic"]
    strength: NonZero = Field(1.0, description="in units of V₀")
    diameter: Positive = Field(1.0, description="range, in lengths")
    core: float = Field(0.0, ge=0.0, description="radius of the rounded core, below the diameter")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Harmonic(self.strength, self.diameter, self.core), length))


class HertzianKeys(Closed):
    """V = 2/5 strength (1 - r/diameter)^{5/2} for r < diameter, with V' linear inside the core."""

    kind: Literal["hertzian"]
    strength: NonZero = Field(1.0, description="in units of V₀")
    diameter: Positive = Field(1.0, description="range, in lengths")
    core: float = Field(0.0, ge=0.0, description="radius of the rounded core, below the diameter")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Hertzian(self.strength, self.diameter, self.core), length))


class GEMKeys(Closed):
    """V = strength exp(-(r/width)^exponent); strength > 0 repels."""

    kind: Literal["gem"]
    strength: NonZero = Field(1.0, description="V(0), in units of V₀")
    width: Positive = Field(1.0, description="width, in lengths")
    exponent: float = Field(
        4.0, ge=2.0, le=64.0, description="n of GEM-n; above 2 V_hat takes either sign"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(GEM(self.strength, self.width, self.exponent), length))


class LennardJonesKeys(Closed):
    """V = 4 strength (s¹² - s⁶), s = diameter/r, cut smoothly from 2 to 2.5 diameters.

    Below the cap it is a bounded even polynomial of degree 4 in r.
    """

    kind: Literal["lennard_jones"]
    strength: Positive = Field(1.0, description="depth of the well, in units of V₀")
    diameter: Positive = Field(1.0, description="where V = 0 before it is cut, in lengths")
    cap: Positive = Field(
        0.8, description="radius of the capped core, below the diameter and any approach"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        potential = LennardJones(self.strength, self.diameter, self.cap)
        return Mixture.single(_in_cell(potential, length))


class InversePowerKeys(Closed):
    """V = strength (diameter/r)^exponent, cut smoothly at the reach; strength > 0 repels.

    Below the cap it is a bounded even polynomial of degree 4 in r.
    """

    kind: Literal["inverse_power"]
    strength: NonZero = Field(1.0, description="V(diameter) before it is cut, in units of V₀")
    diameter: Positive = Field(1.0, description="diameter, in lengths")
    exponent: Positive = Field(12.0, le=64.0, description="power of diameter/r")
    reach: Positive = Field(1.25, description="range, at which V, V' and V'' vanish")
    cap: Positive = Field(
        0.7, description="radius of the capped core, below the reach and any approach"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        potential = InversePower(self.strength, self.diameter, self.cap, self.reach, self.exponent)
        return Mixture.single(_in_cell(potential, length))


class RieszKeys(Closed):
    """V' = -strength (r^{s-2} - r (L/2)^{s-3}), s = order, on a periodic line; V_hat ~ k^{-s}.

    The logarithm at s = 1, the cone at s = 2; strength > 0 repels at every order.
    """

    kind: Literal["riesz"]
    strength: NonZero = Field(1.0, description="in units of V₀ per length^{order - 1}")
    order: float = Field(1.0, ge=0.1, lt=3.0, description="exponent s of V_hat ~ k^{-s}")

    def mixture(self, length: float) -> Mixture:
        """The potential for a cell of this length."""
        return Mixture.single(Riesz(self.strength, self.order, length))


PotentialKeys = Annotated[
    ConeKeys
    | GaussianKeys
    | GEMKeys
    | HarmonicKeys
    | HertzianKeys
    | InversePowerKeys
    | LennardJonesKeys
    | RieszKeys,
    Field(discriminator="kind"),
]


def _in_cell(potential: Potential, length: float) -> Potential:
    if potential.cutoff > 0.5 * length:
        raise ConfigError(
            f"potential: its range {potential.cutoff:g} must not exceed half the length {length:g}"
        )
    return potential


class SystemKeys(Closed):
    """What every system has: a periodic cell and a grid in it."""

    evolves: ClassVar[bool] = False
    """Whether the system has dynamics, hence a time-integrated balance."""
    deterministic: ClassVar[bool] = True
    """Whether one realisation is all there is, so that intervals have no statistical part."""
    particles: ClassVar[bool] = False
    """Whether states are particles, whose σ_ℓ has an Itô source and self-pairs."""

    points: int = Field(ge=128, le=2**20, description="grid points along each side, a power of two")

    @field_validator("points")
    @classmethod
    def _power_of_two(cls, points: int) -> int:
        if points & (points - 1):
            raise ValueError("points must be a power of two, for the wavelets")
        return points

    @property
    def dimension(self) -> int:
        """Dimension of space."""
        return 1

    @property
    def cell(self) -> Cell:
        """The periodic cell."""
        raise NotImplementedError

    @property
    def extrapolates_below(self) -> float:
        """Scale below which a window of ℓ must lie for its limit ℓ → 0 to be believed."""
        return math.inf

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid."""
        return (self.points,) * self.dimension

    @property
    def counts(self) -> tuple[int, ...]:
        """Highest mode along each axis."""
        return ((self.points - 1) // 2,) * self.dimension

    def smallest_scale(self, kernel: str) -> float:
        """The smallest ℓ at which the grid holds all that the kernel lets pass."""
        k_max = float(np.linalg.norm(self.cell.reciprocal(np.eye(self.dimension)[0])))
        return KERNELS[kernel].band(self.dimension) / (k_max * self.counts[0])


class BoxKeys(SystemKeys):
    """A system whose cell and potential are given as they are."""

    length: Positive = Field(description="side of the periodic cell")
    potential: PotentialKeys

    @property
    def cell(self) -> Cell:
        return Cell.cubic(self.length, self.dimension)

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        mixture = self.potential.mixture(self.length)
        for _, _, potential in mixture.pairs():
            potential.check_dimension(self.dimension)
        return mixture


class ClusterSystem(BoxKeys):
    """The exactly solvable cluster on a periodic line: thermal profiles and the athermal point."""

    kind: Literal["cluster"]
    potential: ConeKeys
    mass: Positive = Field(1.0, description="mass M of the cluster")

    @model_validator(mode="after")
    def _attracts(self) -> Self:
        if self.potential.strength <= 0.0:
            raise ValueError("potential.strength must be positive: only attraction makes a cluster")
        return self


class FieldSystem(BoxKeys):
    """A density that evolves from smooth data by the noiseless equations, at T > 0 and T = 0."""

    evolves: ClassVar[bool] = True

    kind: Literal["field"]
    dimensions: Literal[1, 2, 3] = Field(1, description="dimension of space")
    density: Positive = Field(1.0, description="mean density")
    contrast: Positive = Field(
        0.5, le=3.0, description="standard deviation of ln ρ of the initial density"
    )
    duration: Positive = Field(description="final time")
    dt: Positive = Field(description="time step; checked against the stability limit")
    snapshots: int = Field(
        ge=5, le=2001, description="equidistant output times, ends included; odd"
    )

    @property
    def dimension(self) -> int:
        return self.dimensions

    @property
    def save_steps(self) -> list[int]:
        """Numbers of steps at the output times."""
        stride = round(self.duration / self.dt / (self.snapshots - 1))
        return [stride * index for index in range(self.snapshots)]

    @model_validator(mode="after")
    def _commensurate(self) -> Self:
        stride = self.duration / self.dt / (self.snapshots - 1)
        if stride < 0.5 or abs(stride - round(stride)) > 1e-6 * stride:
            raise ValueError(
                f"duration/dt/(snapshots - 1) must be a whole number of steps, not {stride:g}"
            )
        if self.snapshots % 2 == 0:
            raise ValueError("snapshots must be odd, so that every second one spans the duration")
        return self


class SyntheticSystem(BoxKeys):
    """Random densities of known Besov exponent; no dynamics."""

    deterministic: ClassVar[bool] = False

    kind: Literal["synthetic"]
    dimensions: Literal[1, 2] = Field(2, description="dimension of space")
    family: str = Field(
        "fractional",
        json_schema_extra={"enum": list(FAMILIES)},
        description="kind of random field (docs/synthetic.md)",
    )
    exponents: tuple[float, ...] = Field(
        min_length=1,
        description="exact ξ_3 of the fields, for `fractional` that of every order; a density of "
        "ξ_3 <= 0 is a signed field, cut off at the grid; steps and shocks have 1/3",
    )
    jumps: int = Field(16, ge=2, multiple_of=2, description="jumps of `step` and `shock`")
    contrast: Positive = Field(
        0.2, le=0.3, description="standard deviation of ρ relative to its mean, which is 1"
    )

    @property
    def dimension(self) -> int:
        return self.dimensions

    def member(self, exponent: float) -> Family:
        """The member of the family with this ξ_3."""
        if self.family in (Step.name, Shock.name):
            return FAMILIES[self.family](self.jumps)  # type: ignore[call-arg]
        return FAMILIES[self.family].with_exponent(exponent)

    @field_validator("family")
    @classmethod
    def _known(cls, family: str) -> str:
        if family not in FAMILIES:
            raise ValueError(f"it must be one of {', '.join(FAMILIES)}")
        return family

    @field_validator("exponents")
    @classmethod
    def _in_domain(cls, exponents: tuple[float, ...]) -> tuple[float, ...]:
        if any(not -1.0 < h < 1.0 for h in exponents):
            raise ValueError("exponents must lie between -1 and 1")
        _distinct("exponents", exponents)
        return exponents

    @model_validator(mode="after")
    def _exists(self) -> Self:
        three = np.array([3.0])
        for exponent in self.exponents:
            try:
                member = self.member(exponent)
                member.check_dimension(self.dimensions)
                member.scales(self.shape)
            except ConfigError as error:
                raise ValueError(str(error)) from None
            exact = float(member.exponent(three, self.dimensions)[0])
            if not abs(exact - exponent) < 1e-6:
                raise ValueError(f"exponents must be [{exact:.16g}] for the family {self.family}")
        return self

    @property
    def singularity(self) -> float:
        """s of V_hat ~ k^{-s} at large k."""
        return self.mixture.table[0][0].singularity


class GlassSystem(SystemKeys):
    """A 50:50 mixture of soft spheres of diameters 1 and 1.4, quenched from random positions.

    V_ab = strength/2 (1 - r/d_ab)² for r < d_ab = (d_a + d_b)/2, with V' linear inside the core.
    Every temperature starts from the same positions and meets the same noise.
    """

    evolves: ClassVar[bool] = True
    deterministic: ClassVar[bool] = False
    particles: ClassVar[bool] = True

    kind: Literal["glass"]
    dimensions: Literal[2, 3] = Field(2, description="dimension of space")
    number: int = Field(
        ge=16, le=1_000_000, multiple_of=2, description="particles, half of each size"
    )
    packing_fraction: float = Field(
        gt=0.0, le=2.0, description="volume of all spheres over that of the cell, overlaps twice"
    )
    core: float = Field(
        gt=0.0,
        lt=1.0,
        description="radius of the rounded core; below the closest approach of a relaxed packing",
    )
    strength: Positive = Field(1.0, description="in units of V₀")
    duration: Positive = Field(description="final time")
    dt: Positive = Field(description="time step; checked against the stability limit")
    snapshots: int = Field(
        ge=5, le=2001, description="output times, even in ln(1 + t/onset), ends included; odd"
    )
    onset: Positive = Field(
        0.2, description="time of the fastest relaxation, from which output is logarithmic in time"
    )

    @property
    def dimension(self) -> int:
        return self.dimensions

    @property
    def length(self) -> float:
        """Side of the periodic cell."""
        return side(self.number, self.packing_fraction, self.dimensions)

    @property
    def cell(self) -> Cell:
        return Cell.cubic(self.length, self.dimension)

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        return binary_spheres(self.core, self.strength)

    @property
    def extrapolates_below(self) -> float:
        """The core: only below it have smeared points reached their asymptotic form."""
        return self.core

    @property
    def save_steps(self) -> list[int]:
        """Numbers of steps at the output times."""
        return log_spaced(round(self.duration / self.dt), self.snapshots, self.onset / self.dt)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.snapshots % 2 == 0:
            raise ValueError("snapshots must be odd, so that every second one spans the duration")
        steps = self.duration / self.dt
        if abs(steps - round(steps)) > 1e-6 * steps or round(steps) < self.snapshots:
            raise ValueError(
                f"duration/dt must be a whole number of steps, not {steps:g}, and no fewer than "
                f"the {self.snapshots} snapshots"
            )
        if 2.0 * self.mixture.cutoff > self.length:
            raise ValueError(
                f"number must be larger: the range {self.mixture.cutoff:g} of the potential must "
                f"not exceed half the side {self.length:g} of the cell"
            )
        return self


System = ClusterSystem | FieldSystem | SyntheticSystem | GlassSystem
TaggedSystem = Annotated[System, Field(discriminator="kind")]
SYSTEM: TypeAdapter[System] = TypeAdapter(TaggedSystem)

UNSEEN: dict[str, dict[str, Any]] = {
    "glass": {"points": 128},
    "synthetic": {"potential": {"kind": "gaussian"}},
}
"""Keys that the simulation of a kind of system does not look at, with something in their place."""


def simulated(raw: dict[str, Any]) -> System:
    """The system of a simulation, whose job leaves out what it does not look at."""
    return SYSTEM.validate_python(UNSEEN.get(str(raw["kind"]), {}) | raw)


class Sweep(Closed):
    """The two limits and the ensemble: what is varied, and how it is cut into jobs."""

    temperature: tuple[Annotated[float, Field(ge=0.0)], ...] = Field(
        min_length=1, description="values of T_v; 0, the athermal end, must be among them"
    )
    ell: tuple[float | tuple[float, ...], ...] = Field(
        min_length=1,
        description="scales ℓ in lengths; one job for each entry, an entry in brackets being "
        "several scales that share a job; 0 stands for the fine-grained balance",
    )
    map_ell: tuple[Positive, ...] = Field(
        (), description="scales of `ell` at which the flux map of one realisation is computed"
    )
    realisations: int = Field(1, ge=1, description="independent realisations")
    block_size: int = Field(1, ge=1, description="realisations in one job")

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The scales of each job."""
        return tuple(entry if isinstance(entry, tuple) else (entry,) for entry in self.ell)

    @property
    def scales(self) -> Batch:
        """All scales in increasing order."""
        return tuple(sorted(ell for batch in self.batches for ell in batch))

    @property
    def blocks(self) -> int:
        """Number of blocks of realisations."""
        return -(-self.realisations // self.block_size)

    def block(self, index: int) -> list[int]:
        """The realisations of one block."""
        start = index * self.block_size
        return list(range(start, min(start + self.block_size, self.realisations)))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 0.0 not in self.temperature:
            raise ValueError("temperature must contain 0, the athermal end of every limit")
        _distinct("temperature", self.temperature)
        if not all(self.batches):
            raise ValueError("ell must not hold empty brackets")
        _distinct("ell", self.scales)
        if not set(self.map_ell) <= set(self.scales):
            raise ValueError("map_ell must be among the scales of ell")
        return self


class Model(Closed):
    """A system, the sweep over it, and where its exponents are fitted."""

    system: TaggedSystem
    sweep: Sweep
    window: tuple[Positive, Positive] = Field(
        description="range of scales, in lengths, in which a scaling range is looked for"
    )
    kernels: Kernels = Field(
        (), description="kernels of this model alone; if none, those of the study"
    )
    exponent_temperature: tuple[float, ...] = Field(
        (0.0,), description="temperatures at which exponents are measured; 0 must be among them"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.window
        spacing = self.system.length / self.system.points
        # The largest scale of the estimators is L/8.
        dyadic = spacing * 2.0 ** np.arange(1, round(np.log2(self.system.points)) - 2)
        if low < 2.0 * spacing or np.sum((low <= dyadic) & (dyadic <= high)) < 3:
            raise ValueError(
                f"window must be [low, high], low two grid spacings, {2.0 * spacing:.4g}, or more, "
                "with at least three of the dyadic scales "
                + ", ".join(f"{scale:.4g}" for scale in dyadic)
                + f" in it (got [{low:g}, {high:g}])"
            )
        if 0.0 not in self.exponent_temperature or not (
            set(self.exponent_temperature) <= set(self.sweep.temperature)
        ):
            raise ValueError("exponent_temperature must hold 0 and be among sweep.temperature")
        if isinstance(self.system, SyntheticSystem) and self.sweep.temperature != (0.0,):
            raise ValueError("sweep.temperature must be [0]: a synthetic density has no dynamics")
        if sum(ell > 0.0 for ell in self.sweep.scales) < POINTS + 1:
            raise ValueError(f"sweep.ell must hold at least {POINTS + 1} scales above 0")
        if not isinstance(self.system, SyntheticSystem):
            self._check_limits()
        return self

    def _check_limits(self) -> None:
        """What the iterated limits need."""
        if self.system.deterministic and self.sweep.realisations > 1:
            raise ValueError("sweep.realisations must be 1: this system is deterministic")
        if len(self.sweep.temperature) < POINTS + 1:
            raise ValueError(f"sweep.temperature must hold 0 and at least {POINTS} values above")
        if 0.0 not in self.sweep.scales:
            raise ValueError("sweep.ell must hold 0, the fine-grained balance")

    def check_scales(self, kernels: tuple[str, ...]) -> None:
        """Refuse a scale that is below the grid's resolution or above a quarter of the cell.

        The first kernel must be resolved at every scale; the others are left out wherever the
        grid does not resolve them.
        """
        low = self.system.smallest_scale(kernels[0])
        high = 0.25 * self.system.length
        for ell in self.sweep.scales:
            if ell != 0.0 and not low <= ell <= high:
                raise ConfigError(
                    f"sweep.ell: {ell:g} is outside the allowed range {low:.4g} <= ell <= "
                    f"{high:.4g} set by the grid of {self.system.points} points and by L/4; "
                    "change ell or points"
                )


class Study(Closed):
    """A whole study."""

    study: Name = Field(description="name of the study; results go to results/<study>")
    seed: int = Field(ge=0, lt=2**32, description="seed of everything random")
    kernels: Kernels = Field(
        ("gaussian", "wendland_c6", "bump"),
        min_length=2,
        description="coarse-graining kernels; the bump is used where k_max ℓ >= 55",
    )
    test_functions: TestFunctionKeys = TestFunctionKeys()
    exponents: ExponentKeys = ExponentKeys()
    nulls: NullKeys = NullKeys()
    margins: Margins = Margins()
    models: dict[Name, Model] = Field(min_length=1, description="the models, by name")

    def kernels_of(self, model: str) -> tuple[str, ...]:
        """The kernels of a model."""
        return self.models[model].kernels or self.kernels


def _distinct(key: str, values: tuple[float, ...]) -> None:
    labels = [number(value + 0.0) for value in values]  # -0.0 is 0
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"{key} holds {label} twice (six significant digits are kept)")


def parse(raw: object) -> Study:
    """Validate a configuration given as plain data.

    Raises
    ------
    ConfigError
        One sentence that names the first offending key, its value and what is allowed.
    """
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        # A misspelt key is unknown and leaves another missing: the first says more.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise ConfigError(_sentence(first)) from None
    for name, model in study.models.items():
        try:
            model.system.mixture.species  # noqa: B018  # the potential checks itself when built
        except ConfigError as error:
            raise ConfigError(f"models.{name}.system.{error}") from None
        try:
            model.check_scales(study.kernels_of(name))
        except ConfigError as error:
            raise ConfigError(f"models.{name}.{error}") from None
    return study


def load(path: Path) -> Study:
    """Read and validate a configuration file."""
    raw = read(path)
    try:
        return parse(raw)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


class _UniqueKeys(yaml.SafeLoader):
    """YAML as usual, but a key given twice is an error instead of the last one winning."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"the key {key} stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


def read(path: Path) -> object:
    """The plain data of a configuration file, before validation.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML, or gives a key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = " ".join(str(error).split())
        raise ConfigError(f"{path}: cannot be read as YAML ({detail})") from None


def _sentence(error: ErrorDetails) -> str:
    """One sentence from the first validation error."""
    location = list(_without_tags([str(part) for part in error["loc"]]))
    key = ".".join(location) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(location)}"
    if error["type"] == "missing":
        return f"{key}: this key is missing"
    message = error["msg"].removeprefix("Value error, ")
    for word, plain in (("tuple", "list"), ("dictionary", "mapping of keys")):
        message = message.replace(word, plain)
    value = error["input"]
    shown = "" if isinstance(value, dict) else f" (got {value!r})"
    return f"{key}: {message[0].lower()}{message[1:]}{shown}"


TAGS = {"float", "[key]"}


def _without_tags(location: list[str]) -> Iterator[str]:
    """The keys of an error's location, without pydantic's names of variants.

    Those follow the key whose value has variants: `system` and `potential` by kind, a scale of
    `ell` by its type.
    """
    before = ""
    for part in location:
        variant = before in ("system", "potential") and part not in _known_keys()
        if not (variant or part in TAGS or part.startswith("tuple[")):
            yield part
        before = part


def _suggestion(location: list[str]) -> str:
    """The nearest known key, if any is near."""
    close = difflib.get_close_matches(location[-1], sorted(_known_keys()), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _known_keys() -> set[str]:
    keys: set[str] = set()
    pending: list[Any] = [Study.model_json_schema()]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            keys |= set(node.get("properties", {}))
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return keys
