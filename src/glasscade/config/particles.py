"""Systems that are particles."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from glasscade.cell import Cell
from glasscade.config.base import Positive
from glasscade.config.cells import SystemKeys
from glasscade.particles.schedule import log_spaced
from glasscade.particles.spheres import binary_spheres, side
from glasscade.potentials import Mixture


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
