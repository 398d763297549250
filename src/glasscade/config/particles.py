"""Systems that are particles."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from glasscade.cell import Cell
from glasscade.config.base import MOST_STEPS, Positive
from glasscade.config.cells import SystemKeys
from glasscade.config.compositions import CompositionKeys
from glasscade.config.driving import ExternalKeys, summed
from glasscade.config.preparation import PreparationKeys, RandomKeys
from glasscade.errors import ConfigError, ResolutionError
from glasscade.particles.dynamics import Integrator, Motion, static_waves
from glasscade.particles.pairs import PairTable
from glasscade.particles.quasistatic import Protocol
from glasscade.particles.schedule import log_spaced
from glasscade.potentials import Mixture

MOST_STRAIN = 4
"""Of a whole run: the test functions are drawn out with the flow, and the tilt costs modes."""


class PackingSystem(SystemKeys):
    """What all systems of particles at random positions in a cube have."""

    evolves: ClassVar[bool] = True
    deterministic: ClassVar[bool] = False
    particles: ClassVar[bool] = True

    dimensions: Literal[2, 3] = Field(2, description="dimension of space")
    number: int = Field(ge=16, le=1_000_000, description="particles")
    composition: CompositionKeys

    @property
    def dimension(self) -> int:
        return self.dimensions

    @property
    def length(self) -> float:
        """Side of the periodic cell."""
        return self.composition.length(self.number, self.dimensions)

    @property
    def cell(self) -> Cell:
        return Cell.cubic(self.length, self.dimension)

    @property
    def counts_of_species(self) -> tuple[int, ...]:
        """Particles of each species."""
        return self.composition.counts(self.number)

    @property
    def mixture(self) -> Mixture:
        """The potentials of all pairs of species."""
        return self.composition.mixture

    @property
    def extrapolates_below(self) -> float:
        """The core: only below it have smeared points reached their asymptotic form."""
        return self.composition.smallest_core

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self._check_composition()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if 2.0 * self.mixture.cutoff > self.length:
            raise ValueError(
                f"number must be larger: the range {self.mixture.cutoff:g} of the potential must "
                f"not exceed half the side {self.length:g} of the cell"
            )
        return self

    def _check_composition(self) -> None:
        """Refuse numbers that make no whole particles, and potentials unfit for particles."""
        self.composition.counts(self.number)
        PairTable.from_mixture(self.mixture)
        for _, _, potential in self.mixture.pairs():
            potential.check_dimension(self.dimension)


class PreparedSystem(PackingSystem):
    """Particles that we set up ourselves."""

    preparation: PreparationKeys = RandomKeys(kind="random")


class GlassSystem(PreparedSystem):
    """Particles quenched from random positions or a liquid: Eq. 1 at every temperature.

    Every temperature starts from the same positions and meets the same noise.
    """

    kind: Literal["glass"]
    duration: Positive = Field(description="final time")
    dt: Positive = Field(description="time step; checked against the stability limit")
    snapshots: int = Field(
        ge=5, le=2001, description="output times, even in ln(1 + t/onset), ends included; odd"
    )
    onset: Positive = Field(
        0.2, description="time of the fastest relaxation, from which output is logarithmic in time"
    )
    integrator: Integrator = Field(
        "euler-maruyama",
        description="of first order, for trajectories; the other one for stationary averages, "
        "which it has to second order",
    )
    mobility: Positive = Field(1.0, description="in units of μ; multiplies all forces, and T")
    external: tuple[ExternalKeys, ...] = Field((), description="external forces, which add up")
    shear_rate: float = Field(
        0.0,
        description="of a simple shear that carries the cell along; shear_rate · duration must be "
        f"whole and at most {MOST_STRAIN}, so that the last cell is a straight one again",
    )
    checkpoint_steps: int = Field(
        100_000,
        ge=1,
        le=10**9,
        description="steps from one checkpoint to the next; the last bits depend on it",
    )

    @property
    def motion(self) -> Motion:
        """How particles move, besides temperature and step."""
        return Motion(self.mobility, self.integrator, summed(self.external), self.shear_rate)

    def smallest_scale(self, kernel: str) -> float:
        """That of the most tilted cell of a run, whose second box vector is the longest."""
        strain = self.shear_rate * self.duration
        return super().smallest_scale(kernel) * math.sqrt(1.0 + strain**2)

    @property
    def save_steps(self) -> list[int]:
        """Numbers of steps at the output times."""
        return log_spaced(round(self.duration / self.dt), self.snapshots, self.onset / self.dt)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.snapshots % 2 == 0:
            raise ValueError("snapshots must be odd, so that every second one spans the duration")
        steps = self.duration / self.dt
        if steps > MOST_STEPS:
            raise ValueError(f"duration/dt must be at most {MOST_STEPS:g} steps, not {steps:g}")
        if abs(steps - round(steps)) > 1e-6 * steps or round(steps) < self.snapshots:
            raise ValueError(
                f"duration/dt must be a whole number of steps and no less than the number of "
                f"snapshots, {self.snapshots} (it is {steps:g})"
            )
        strain = self.shear_rate * self.duration
        if abs(strain - round(strain)) > 1e-9 or abs(strain) > MOST_STRAIN:
            raise ValueError(
                f"shear_rate times duration must be a whole number up to {MOST_STRAIN}, not "
                f"{strain:g}"
            )
        try:
            static_waves(self.motion, len(self.counts_of_species), self.cell)
        except (ConfigError, ResolutionError) as error:
            raise ValueError(str(error)) from None
        return self


class ShearSystem(PreparedSystem):
    """Particles quenched at once from where they start, and sheared quasistatically, without noise.

    Between two plastic events they stay in the minimum that moves with the strain. Where it
    vanishes they descend, at that strain, to another: the event, of which every output is kept.
    """

    measures_roughness: ClassVar[bool] = False

    kind: Literal["shear"]
    strain_step: float = Field(
        2e-4, ge=1e-6, le=1e-2, description="strain between two states at rest"
    )
    largest_strain: float = Field(gt=0.0, le=1.0, description="strain at which shear ends")
    events: int = Field(
        ge=1, le=10**6, description="number of events after which shear ends, if before"
    )
    bracket: float = Field(
        1e-6, ge=1e-9, le=1e-3, description="strain to which an instability is bracketed"
    )
    moved: Positive = Field(
        0.01,
        description="the least distance by which some particle must miss its place when the strain "
        "is taken back, for an event",
    )
    tolerance: float = Field(
        1e-8, ge=1e-13, le=1e-4, description="largest force at the end of an event"
    )
    accuracy: float = Field(
        1e-7, ge=1e-10, le=1e-3, description="largest local error of a coordinate in a step"
    )
    snapshots: int = Field(
        65, ge=9, le=2001, description="outputs of an event, where its path turns; odd"
    )
    balance_from: Positive = Field(
        description="least scale of the balance of events; below it only what is resolved of their "
        "stress drop, which needs no more than both ends"
    )

    @property
    def protocol(self) -> Protocol:
        """How the cell is sheared."""
        return Protocol(
            step=self.strain_step,
            width=self.bracket,
            moved=self.moved,
            tolerance=self.tolerance,
            accuracy=self.accuracy,
            intervals=self.snapshots - 1,
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.snapshots % 2 == 0:
            raise ValueError("snapshots must be odd, so that every second one spans an event")
        if not self.bracket < self.strain_step <= self.largest_strain:
            raise ValueError(
                f"strain_step must be above the bracket, {self.bracket:g}, and no larger than "
                f"largest_strain, {self.largest_strain:g}, not {self.strain_step:g}"
            )
        return self
