"""Keys of what drives particles from outside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from glasscade.config.base import Closed, NonZero, Positive
from glasscade.external import Active, ExternalForce, Kolmogorov, Sum


class KolmogorovKeys(Closed):
    """One plane wave of force, amplitude e sin(p·x + phase), p = 2π wave/side."""

    kind: Literal["kolmogorov"]
    amplitude: NonZero = Field(description="largest |f|, in V₀/ℓ₀")
    wave: tuple[Annotated[int, Field(ge=-(2**20), le=2**20)], ...] = Field(
        description="wavelengths along each axis, not all zero; the first 0 under shear"
    )
    direction: tuple[float, ...] = Field(description="along e; its length does not matter")
    phase: float = Field(0.0, description="in radians")

    @property
    def force(self) -> ExternalForce:
        return Kolmogorov(self.amplitude, self.wave, self.direction, self.phase)


class ActiveKeys(Closed):
    """A frozen Gaussian random force of Besov exponent ξ between two wavevectors."""

    kind: Literal["active"]
    amplitude: Positive = Field(description="root of the expected mean square of |f|, in V₀/ℓ₀")
    exponent: float = Field(
        ge=-8.0, le=8.0, description="ξ; at 0 and below the small scales carry the power"
    )
    k_min: Positive = Field(description="where the spectrum begins, in 1/ℓ₀")
    k_max: Positive = Field(description="where it ends")
    seed: int = Field(ge=0, lt=2**32, description="names the force, the same at every temperature")
    polarisation: Literal["gradient", "solenoidal", "isotropic"] = Field(
        "gradient", description="modes along their wavevector, across it, or with no preference"
    )

    @property
    def force(self) -> ExternalForce:
        return Active(
            self.amplitude, self.exponent, self.k_min, self.k_max, self.seed, self.polarisation
        )


ExternalKeys = Annotated[KolmogorovKeys | ActiveKeys, Field(discriminator="kind")]


def summed(forces: tuple[ExternalKeys, ...]) -> ExternalForce | None:
    """All forces together, if there are any."""
    return Sum(tuple(keys.force for keys in forces)) if forces else None
