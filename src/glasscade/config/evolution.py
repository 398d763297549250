"""A density that evolves: what it starts from, how it is solved, how finely it is resolved."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from glasscade.cell import Cell
from glasscade.config.base import Closed, Positive
from glasscade.config.densities import BoxKeys
from glasscade.config.driving import ExternalKeys, summed
from glasscade.errors import ConfigError, ResolutionError
from glasscade.external import ExternalForce
from glasscade.fields.initial import (
    Bump,
    bumps_density,
    disordered_density,
    smooth_density,
)
from glasscade.fields.linear import spinodal
from glasscade.particles.dynamics import Motion
from glasscade.transforms import good_size

Real = npt.NDArray[np.float64]

CROWDED = 4.0 * 2.0 ** (-0.25 * np.arange(33))
"""Distances of output times on either side of an instant, in units of the spacing of even ones."""
WAVES = 32
"""Highest wave along a side among which the most unstable one is looked for."""
CLOSEST = 1e-6
"""Least distance of output times, in units of the spacing of the even ones."""
FEWEST_POINTS = 128
"""Grid points along a side of any temperature."""
SMOOTHEST = 1e-8
"""Largest start at the far side of the cell, relative to its peak: a bump must fit its cell."""


class WavesKeys(Closed):
    """ρ ∝ exp of the three longest waves along every axis, of random phases and amplitudes."""

    kind: Literal["waves"]
    density: Positive = Field(1.0, description="mean density")
    contrast: Positive = Field(0.5, le=3.0, description="standard deviation of ln ρ")

    def on_grid(self, shape: tuple[int, ...], cell: Cell, seed: int) -> Real:
        """ρ at the points of a grid."""
        return smooth_density(shape, self.density, self.contrast, seed)

    def mass(self, cell: Cell) -> float:
        """∫ρ over the cell."""
        return self.density * cell.volume


class DisorderedKeys(Closed):
    """ρ ∝ exp of a Gaussian random field, white down to a shortest wavelength."""

    kind: Literal["disordered"]
    density: Positive = Field(1.0, description="mean density")
    contrast: Positive = Field(0.5, le=3.0, description="standard deviation of ln ρ")
    shortest: Positive = Field(
        1.0, description="wavelength at which the spectrum has fallen to 1/e; modes reach a third"
    )

    def on_grid(self, shape: tuple[int, ...], cell: Cell, seed: int) -> Real:
        """ρ at the points of a grid."""
        return disordered_density(shape, cell, self.density, self.contrast, self.shortest, seed)

    def mass(self, cell: Cell) -> float:
        """∫ρ over the cell."""
        return self.density * cell.volume


class BumpKeys(Closed):
    """A Gaussian, mass (2π width²)^{-d/2} exp(-|x - centre|²/2 width²), with its images."""

    centre: tuple[float, ...] = Field(description="in units of the side, one number for each axis")
    width: Positive = Field(description="standard deviation along every axis")
    mass: Positive = Field(1.0, description="∫ρ")


class BumpsKeys(Closed):
    """A sum of Gaussian bumps, and nothing between them."""

    kind: Literal["bumps"]
    bumps: tuple[BumpKeys, ...] = Field(min_length=1, description="the bumps")

    def on_grid(self, shape: tuple[int, ...], cell: Cell, seed: int) -> Real:
        """ρ at the points of a grid; nothing in it is random."""
        bumps = [Bump(keys.centre, keys.width, keys.mass) for keys in self.bumps]
        return bumps_density(shape, cell, bumps)

    def mass(self, cell: Cell) -> float:
        """∫ρ over the cell."""
        return math.fsum(keys.mass for keys in self.bumps)


StartKeys = Annotated[WavesKeys | DisorderedKeys | BumpsKeys, Field(discriminator="kind")]


class LayerKeys(Closed):
    """How thin the solution becomes: its layers have width · T^power, and so many points."""

    width: Positive = Field(description="of a layer at T = 1; of the cone 4/(gM), whose power is 1")
    power: float = Field(
        gt=0.0, le=1.0, description="1 for a kink of V, 0.5 in a smooth well, where width is 1/√V''"
    )
    points: int = Field(8, ge=4, le=64, description="grid points in a layer")


class MeasureKeys(Closed):
    """At T = 0 points with weights in place of a grid, for a density that concentrates."""

    points: int = Field(
        ge=16,
        le=2**17,
        description="points along each axis; where there is no mass they are left out",
    )
    merge: float = Field(
        0.0,
        ge=0.0,
        description="distance below which points become one; needed where they attract with a "
        "force that jumps at contact, but not of cones on a line, which are solved exactly",
    )


class FieldSystem(BoxKeys):
    """A density that evolves by the noiseless equations, at T > 0 (Eq. 11) and T = 0 (Eq. 25).

    At T = 0 it may concentrate: then it is a measure, of points with weights.
    """

    evolves: ClassVar[bool] = True

    kind: Literal["field"]
    dimensions: Literal[1, 2, 3] = Field(1, description="dimension of space")
    start: StartKeys = WavesKeys(kind="waves")
    external: tuple[ExternalKeys, ...] = Field((), description="external forces, which add up")
    duration: Positive = Field(description="final time")
    snapshots: int = Field(
        ge=5, le=2001, description="equidistant output times, ends included; odd"
    )
    instants: tuple[Annotated[float, Field(ge=0.0)], ...] = Field(
        (),
        description="times about which further output times crowd: of collisions, at which rates "
        "jump, or 0, where they may change fast",
    )
    scheme: Literal["spectral", "finite_volume"] = Field(
        "spectral",
        description="for what stays smooth, or, of second order, for densities that stay positive "
        "however they concentrate",
    )
    tolerance: float = Field(
        1e-8,
        ge=1e-12,
        le=1e-2,
        description="largest local error of a step, relative to the largest density",
    )
    layer: LayerKeys | None = Field(
        None,
        description="the grid on which a temperature is solved follows the width of its layers; "
        "without it, all have `points`, which none may exceed",
    )
    measure: MeasureKeys | None = Field(
        None, description="how T = 0 is solved if not on a grid like all other temperatures"
    )

    @property
    def dimension(self) -> int:
        return self.dimensions

    @cached_property
    def extrapolates_cold(self) -> float:
        """The spinodal of the mean density in the cell, if it has one: a limit is of one phase.

        Above it the uniform state is stable, below it clusters form.
        """
        mean = self.start.mass(self.cell) / self.cell.volume
        return spinodal([mean], self.mixture, self.dimension, self._waves).temperature or math.inf

    def extrapolates_cold_at(self, ell: float) -> float:
        """Where layers have the width ℓ, if that is known and colder."""
        if self.layer is None or ell == 0.0:
            return self.extrapolates_cold
        as_wide = (ell / self.layer.width) ** (1.0 / self.layer.power)
        return min(self.extrapolates_cold, as_wide)

    @property
    def _waves(self) -> Real:
        """The wavenumbers of the cell, up to `WAVES` along each side."""
        k = np.linalg.norm(self.cell.wavevectors((WAVES,) * self.dimension), axis=0)
        return np.unique(k[k > 0.0])

    @property
    def drive(self) -> ExternalForce | None:
        """The external force."""
        return summed(self.external)

    @property
    def motion(self) -> Motion:
        return Motion(external=self.drive)

    @property
    def times(self) -> Real:
        """Output times: even ones, and about each instant closer and closer ones."""
        even = np.linspace(0.0, self.duration, self.snapshots)
        distances = even[1] * CROWDED
        crowds = [t + sign * distances for t in self.instants for sign in (-1.0, 1.0)]
        times = np.sort(np.concatenate([even, *crowds]))
        times = times[(times >= 0.0) & (times <= self.duration)]
        return times[np.diff(times, prepend=-np.inf) > CLOSEST * even[1]]

    def solved_shape(self, temperature: float) -> tuple[int, ...]:
        """Shape of the grid on which a temperature is solved.

        Raises
        ------
        ResolutionError
            If its layers need more than `points`.
        """
        if self.layer is None or temperature == 0.0:
            return self.shape
        width = self.layer.width * temperature**self.layer.power
        needed = self.length * self.layer.points / width
        # The next size that is fast to transform is far from no number.
        points = max(FEWEST_POINTS, good_size(math.ceil(min(needed, 2.0 * self.points))))
        if points > self.points:
            raise ResolutionError(
                f"points: {self.points} do not resolve layers of {width:.3g} at T = "
                f"{temperature:g} with layer.points = {self.layer.points} each; take {needed:.6g}, "
                "or leave out the lowest temperatures"
            )
        return (points,) * self.dimension

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.snapshots % 2 == 0:
            raise ValueError("snapshots must be odd, so that every second one spans the duration")
        if max(self.instants, default=0.0) > self.duration:
            raise ValueError(
                f"instants: {max(self.instants):g} must be no later than duration, "
                f"{self.duration:g}"
            )
        if isinstance(self.start, BumpsKeys):
            self._check_bumps(self.start)
        try:
            if self.drive is not None:
                self.drive.modes(self.cell, self.counts)
        except (ConfigError, ResolutionError) as error:
            raise ValueError(str(error)) from None
        return self

    def _check_bumps(self, start: BumpsKeys) -> None:
        # Half a side away a bump has to be nothing, or its image would be seen as a kink.
        widest = 0.5 * self.length / math.sqrt(-2.0 * math.log(SMOOTHEST))
        for keys in start.bumps:
            if len(keys.centre) != self.dimension:
                raise ValueError(
                    f"start.bumps: centre must have {self.dimension} numbers, one for each axis, "
                    f"not {len(keys.centre)}"
                )
            if keys.width > widest:
                raise ValueError(
                    f"start.bumps: width {keys.width:g} must be at most {widest:.3g}, for a bump "
                    "to vanish within the cell"
                )
