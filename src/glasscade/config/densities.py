"""Systems that are densities of known form: the exact cluster, synthetic fields."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from glasscade.cell import Cell
from glasscade.config.base import Positive, distinct
from glasscade.config.cells import SystemKeys
from glasscade.config.potentials import ConeKeys, PotentialKeys
from glasscade.errors import ConfigError
from glasscade.potentials import Mixture
from glasscade.regularity.synthetic import FAMILIES, Family, Shock, Step


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
    jumps: int = Field(16, ge=2, le=2**20, multiple_of=2, description="jumps of `step` and `shock`")
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
        distinct("exponents", exponents)
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
