"""Systems that are particles."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from glasscade.cell import Cell
from glasscade.config.base import Positive
from glasscade.config.cells import SystemKeys
from glasscade.config.compositions import CompositionKeys
from glasscade.errors import ConfigError
from glasscade.particles.pairs import PairTable
from glasscade.particles.schedule import log_spaced
from glasscade.potentials import Mixture


class GlassSystem(SystemKeys):
    """Particles at random positions, quenched: the overdamped dynamics at every temperature.

    Every temperature starts from the same positions and meets the same noise.
    """

    evolves: ClassVar[bool] = True
    deterministic: ClassVar[bool] = False
    particles: ClassVar[bool] = True

    kind: Literal["glass"]
    dimensions: Literal[2, 3] = Field(2, description="dimension of space")
    number: int = Field(ge=16, le=1_000_000, description="particles")
    composition: CompositionKeys
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
