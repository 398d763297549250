"""Keys that hold for all models of a study."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from glasscade.config.base import Closed, Fraction, Positive
from glasscade.regularity.powers import HIGHEST, LOWEST


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
