"""Keys that every system has: its periodic cell and the grid in it."""

from __future__ import annotations

import math
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.config.base import Closed
from glasscade.particles.dynamics import Motion

MOST_POINTS = 2**36
"""Of a whole grid: half a terabyte."""


class SystemKeys(Closed):
    """What every system has: a periodic cell and a grid in it."""

    evolves: ClassVar[bool] = False
    """Whether the system has dynamics, hence a time-integrated balance."""
    deterministic: ClassVar[bool] = True
    """Whether one realisation is all there is, so that intervals have no statistical part."""
    particles: ClassVar[bool] = False
    """Whether states are particles, whose σ_ℓ has an Itô source and self-pairs."""
    measures_roughness: ClassVar[bool] = True
    """Whether exponents of the density and of the force are measured."""

    points: int = Field(ge=128, le=2**20, description="grid points along each side, a power of two")

    @field_validator("points")
    @classmethod
    def _power_of_two(cls, points: int) -> int:
        if points & (points - 1):
            raise ValueError("points must be a power of two, for the wavelets")
        return points

    @model_validator(mode="after")
    def _fits_memory(self) -> Self:
        if self.points**self.dimension > MOST_POINTS:
            raise ValueError(
                f"points: {self.points} along each of {self.dimension} sides are more than the "
                f"{MOST_POINTS} that any memory holds"
            )
        return self

    @property
    def dimension(self) -> int:
        """Dimension of space."""
        return 1

    @property
    def cell(self) -> Cell:
        """The periodic cell."""
        raise NotImplementedError

    @property
    def motion(self) -> Motion:
        """Mobility, external force and flow, which enter the balance."""
        return Motion()

    @property
    def measured(self) -> bool:
        """Whether currents are those of measured velocities, rather than of Eq. 1."""
        return False

    @property
    def extrapolates_below(self) -> float:
        """Scale below which a window of ℓ must lie for its limit ℓ → 0 to be believed."""
        return math.inf

    @property
    def extrapolates_cold(self) -> float:
        """Temperature below which a window of T must lie for its limit T → 0 to be believed."""
        return math.inf

    def extrapolates_cold_at(self, ell: float) -> float:
        """The same for densities coarse-grained at ℓ, which must be wider than what T makes."""
        return self.extrapolates_cold

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
