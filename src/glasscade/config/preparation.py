"""Keys of the state that particles start from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from glasscade.config.base import MOST_STEPS, Closed, Positive


class RandomKeys(Closed):
    """Positions uniformly at random, T = ∞."""

    kind: Literal["random"]

    @property
    def steps(self) -> float:
        """Time steps that the preparation takes."""
        return 0.0


class DynamicKeys(Closed):
    """What takes time steps."""

    @property
    def steps(self) -> float:
        """Time steps that the preparation takes."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _few(self) -> Self:
        if self.steps > MOST_STEPS:
            raise ValueError(f"it must take at most {MOST_STEPS:g} steps, not {self.steps:g}")
        return self


class LiquidKeys(DynamicKeys):
    """From random positions at a parent temperature, until the liquid is in equilibrium."""

    kind: Literal["liquid"]
    temperature: Positive = Field(description="the parent temperature")
    duration: Positive = Field(
        description="time spent at it, some diffusion times over a diameter; not checked"
    )
    dt: Positive = Field(description="time step of the preparation")

    @property
    def steps(self) -> float:
        return self.duration / self.dt


class CooledKeys(DynamicKeys):
    """A liquid as above, then cooled linearly in time: the slow quench."""

    kind: Literal["cooled"]
    temperature: Positive = Field(description="the parent temperature, at which cooling begins")
    duration: Positive = Field(description="time spent at it before")
    final_temperature: float = Field(0.0, ge=0.0, description="temperature at which cooling ends")
    rate: Positive = Field(description="by which temperature falls in time")
    dt: Positive = Field(description="time step of the preparation")

    @property
    def steps(self) -> float:
        return (self.duration + (self.temperature - self.final_temperature) / self.rate) / self.dt

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if not self.final_temperature < self.temperature:
            raise ValueError(
                f"final_temperature must be below temperature, {self.temperature:g}, not "
                f"{self.final_temperature:g}"
            )
        return self


PreparationKeys = Annotated[CooledKeys | LiquidKeys | RandomKeys, Field(discriminator="kind")]
