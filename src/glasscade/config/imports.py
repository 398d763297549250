"""Systems that come out of a file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from glasscade.config.base import Positive
from glasscade.config.particles import PackingSystem
from glasscade.interop.frames import Choice
from glasscade.interop.run import Units
from glasscade.paths import number as label

MOST_FRAMES = 10**9
PLACES = ("{temperature}", "{realisation}")
"""What stands in the name of a file for the labels of a job."""


class TrajectorySystem(PackingSystem):
    """A trajectory of another program: a LAMMPS dump, GSD of HOOMD, or AMBER NetCDF.

    Forces are those of the composition, at the positions in the file. A run that declares
    overdamped dynamics is judged as our own are; any other gets the current of its measured
    velocities, with a term `residual` for what Eq. 1 does not account for, and no verdict on
    closure.
    """

    kind: Literal["trajectory"]
    file: str = Field(
        min_length=1,
        description="path of the file, seen from the configuration; {temperature} and "
        "{realisation} in it stand for those of the sweep, where each has a file of its own",
    )
    format: Literal["auto", "lammps", "gsd", "amber"] = Field(
        "auto", description="format of the file; by default its suffix tells"
    )
    number: int = Field(ge=2, le=10_000_000, description="particles in the file")
    species: dict[str, Annotated[int, Field(ge=0, strict=True)]] = Field(
        {"1": 0, "2": 1},
        min_length=1,
        description="number of the species, from 0, of each type in the file",
    )
    dynamics: Literal["overdamped", "other"] = Field(
        description="overdamped: Eq. 1 at the temperature of the sweep, velocities are not looked "
        "at; other: currents are those of the velocities in the file or, if it has none, of "
        "differences of positions half-way between two frames"
    )
    dt: float = Field(
        0.0,
        ge=0.0,
        description="time of one step in units of the file, where this counts steps alone; 0 for "
        "its own times",
    )
    length_unit: Positive = Field(1.0, description="ℓ₀ in units of the file")
    energy_unit: Positive = Field(1.0, description="V₀ in units of the file")
    mobility: Positive = Field(
        1.0, description="μ in units of the file; times are counted in ℓ₀²/(μV₀)"
    )
    first: int = Field(
        0, ge=0, le=MOST_FRAMES, description="number of the first frame that is used, from 0"
    )
    last: int = Field(
        -1, ge=-1, le=MOST_FRAMES, description="number of the last; -1 for all that follow"
    )
    stride: int = Field(1, ge=1, le=MOST_FRAMES, description="of so many frames one is used")
    forces: Literal["compare", "ignore"] = Field(
        "compare",
        description="whether forces in the file must be those of the composition, to the precision "
        "of the file",
    )

    @field_validator("species", mode="before")
    @classmethod
    def _names_are_text(cls, species: Any) -> Any:
        """In YAML a type 1 is a number."""
        if not isinstance(species, dict):
            return species
        return {str(name): number for name, number in species.items()}

    @property
    def measured(self) -> bool:
        return self.dynamics == "other"

    @property
    def choice(self) -> Choice:
        """Which frames are used."""
        return Choice(self.first, self.last if self.last >= 0 else None, self.stride)

    @property
    def units(self) -> Units:
        """Those of the file."""
        return Units(self.length_unit, self.energy_unit, self.mobility, self.dt or None)

    def path(self, temperature: float, realisation: int) -> Path:
        """The file of one run."""
        labels = (label(temperature), str(realisation))
        name = self.file
        for place, text in zip(PLACES, labels, strict=True):
            name = name.replace(place, text)
        return Path(name)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        most = self.mixture.species - 1
        if not set(self.species.values()) <= set(range(most + 1)):
            raise ValueError(f"species must be numbers from 0 to {most}, as in the composition")
        if 0 <= self.last < self.first:
            raise ValueError(f"last must not be below first, {self.first}")
        return self
