"""Keys of the potentials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from glasscade.config.base import Closed, NonZero, Positive
from glasscade.config.files import FILE
from glasscade.errors import ConfigError, one_line
from glasscade.potentials import (
    GEM,
    Cone,
    FreeCone,
    Gaussian,
    Harmonic,
    Hertzian,
    InversePower,
    LennardJones,
    Mixture,
    Potential,
    Riesz,
    Tabulated,
)

LARGEST_TABLE = 2**20
"""Characters of a file with a table: twenty thousand rows, more than any spline needs."""


class ConeKeys(Closed):
    """V = strength (|x| - x²/L) on a periodic line; strength > 0 attracts."""

    kind: Literal["cone"]
    strength: NonZero = Field(description="g, in units of V₀ per length; its sign is the physics")

    def mixture(self, length: float) -> Mixture:
        """The potential for a cell of this length."""
        return Mixture.single(Cone(self.strength, length))


class FreeConeKeys(Closed):
    """V = strength (r - reach) for r < reach, 0 beyond; strength > 0 attracts.

    The cone of unbounded space for densities no two points of which are further apart than the
    reach; on a line V = g|x|/2 with g = 2 strength.
    """

    kind: Literal["free_cone"]
    strength: NonZero = Field(description="V', in units of V₀ per length; its sign is the physics")
    reach: Positive = Field(description="range, in lengths; at most half the cell")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(FreeCone(self.strength, self.reach), length))


class GaussianKeys(Closed):
    """V = strength exp(-(r/width)²), smooth; strength > 0 repels."""

    kind: Literal["gaussian"]
    strength: NonZero = Field(1.0, description="V(0), in units of V₀")
    width: Positive = Field(1.0, description="width, in lengths")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Gaussian(self.strength, self.width), length))


class HarmonicKeys(Closed):
    """V = strength/2 (1 - r/diameter)² for r < diameter, with V' linear inside the core."""

    kind: Literal["harmonic"]
    strength: NonZero = Field(1.0, description="in units of V₀")
    diameter: Positive = Field(1.0, description="range, in lengths")
    core: float = Field(0.0, ge=0.0, description="radius of the rounded core, below the diameter")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Harmonic(self.strength, self.diameter, self.core), length))


class HertzianKeys(Closed):
    """V = 2/5 strength (1 - r/diameter)^{5/2} for r < diameter, with V' linear inside the core."""

    kind: Literal["hertzian"]
    strength: NonZero = Field(1.0, description="in units of V₀")
    diameter: Positive = Field(1.0, description="range, in lengths")
    core: float = Field(0.0, ge=0.0, description="radius of the rounded core, below the diameter")

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(Hertzian(self.strength, self.diameter, self.core), length))


class GEMKeys(Closed):
    """V = strength exp(-(r/width)^exponent); strength > 0 repels."""

    kind: Literal["gem"]
    strength: NonZero = Field(1.0, description="V(0), in units of V₀")
    width: Positive = Field(1.0, description="width, in lengths")
    exponent: float = Field(
        4.0, ge=2.0, le=64.0, description="n of GEM-n; above 2 V_hat takes either sign"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        return Mixture.single(_in_cell(GEM(self.strength, self.width, self.exponent), length))


class LennardJonesKeys(Closed):
    """V = 4 strength (s¹² - s⁶), s = diameter/r, cut smoothly from 2 to 2.5 diameters.

    Below the cap it is a bounded even polynomial of degree 4 in r.
    """

    kind: Literal["lennard_jones"]
    strength: Positive = Field(1.0, description="depth of the well, in units of V₀")
    diameter: Positive = Field(1.0, description="where V = 0 before it is cut, in lengths")
    cap: Positive = Field(
        0.8, description="radius of the capped core, below the diameter and any approach"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        potential = LennardJones(self.strength, self.diameter, self.cap)
        return Mixture.single(_in_cell(potential, length))


class InversePowerKeys(Closed):
    """V = strength (diameter/r)^exponent, cut smoothly at the reach; strength > 0 repels.

    Below the cap it is a bounded even polynomial of degree 4 in r.
    """

    kind: Literal["inverse_power"]
    strength: NonZero = Field(1.0, description="V(diameter) before it is cut, in units of V₀")
    diameter: Positive = Field(1.0, description="diameter, in lengths")
    exponent: Positive = Field(12.0, le=64.0, description="power of diameter/r")
    reach: Positive = Field(1.25, description="range, at which V, V' and V'' vanish")
    cap: Positive = Field(
        0.7, description="radius of the capped core, below the reach and any approach"
    )

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        potential = InversePower(self.strength, self.diameter, self.cap, self.reach, self.exponent)
        return Mixture.single(_in_cell(potential, length))


class RieszKeys(Closed):
    """V' = -strength (r^{s-2} - r (L/2)^{s-3}), s = order, on a periodic line; V_hat ~ k^{-s}.

    The logarithm at s = 1, the cone at s = 2; strength > 0 repels at every order.
    """

    kind: Literal["riesz"]
    strength: NonZero = Field(1.0, description="in units of V₀ per length^{order - 1}")
    order: float = Field(1.0, ge=0.1, lt=3.0, description="exponent s of V_hat ~ k^{-s}")

    def mixture(self, length: float) -> Mixture:
        """The potential for a cell of this length."""
        return Mixture.single(Riesz(self.strength, self.order, length))


class TabulatedKeys(Closed):
    """V = strength times the spline of degree 5 through a table of distances and energies.

    Either a file of two columns, r and V, or the two lists themselves. Below the first distance
    V' is linear in r; V and V' must vanish at the last.
    """

    kind: Literal["tabulated"]
    strength: NonZero = Field(1.0, description="factor of the energies, in units of V₀")
    file: str = Field(
        "",
        description="text file of two columns, r and V, seen from the configuration; it is read "
        "once",
    )
    distance: tuple[float, ...] = Field((), description="distances r, in lengths, increasing")
    energy: tuple[float, ...] = Field((), description="V at these distances")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, raw: Any) -> Any:
        """The table in place of the name of its file, so that an edit of the file is noticed."""
        if not (isinstance(raw, dict) and isinstance(raw.get(FILE), str) and raw[FILE]):
            return raw
        if {"distance", "energy"} & set(raw):
            raise ValueError("file must stand alone, or distance and energy without it")
        distance, energy = _columns(Path(raw[FILE]))
        return raw | {FILE: "", "distance": distance, "energy": energy}

    def mixture(self, length: float) -> Mixture:
        """The potential; its range must fit half the cell."""
        potential = Tabulated(self.strength, self.distance, self.energy)
        return Mixture.single(_in_cell(potential, length))


def _columns(path: Path) -> list[list[float]]:
    """The two columns of a text file; what follows # is a comment."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")
        with path.open(encoding="utf-8") as stream:
            text = stream.read(LARGEST_TABLE + 1)
        if len(text) > LARGEST_TABLE:
            raise ValueError(f"it has more than {LARGEST_TABLE} characters")
        lines = [line for line in text.splitlines() if line.partition("#")[0].strip()]
        table = np.loadtxt(lines, ndmin=2) if lines else np.empty((0, 0))
    except (OSError, ValueError) as error:
        detail = one_line(str(error), 100)
        raise ValueError(f"{path} cannot be read as two columns of numbers ({detail})") from None
    if table.shape[1] != 2:
        raise ValueError(f"{path} must have two columns, r and V, not {table.shape[1]}")
    return table.T.tolist()


RadialKeys = (
    GaussianKeys
    | GEMKeys
    | HarmonicKeys
    | HertzianKeys
    | InversePowerKeys
    | LennardJonesKeys
    | TabulatedKeys
)
"""Potentials of finite range in any dimension, as particles need them."""
PotentialKeys = Annotated[
    ConeKeys | FreeConeKeys | RieszKeys | RadialKeys, Field(discriminator="kind")
]
PairPotentialKeys = Annotated[RadialKeys, Field(discriminator="kind")]


def smooth_below(keys: RadialKeys) -> float:
    """Radius below which V is smooth and all but parabolic: of its core, or its own width."""
    if isinstance(keys, GaussianKeys | GEMKeys):
        return keys.width
    if isinstance(keys, TabulatedKeys):
        return keys.distance[0] or keys.distance[1]
    return keys.mixture(np.inf).table[0][0].core_radius


def _in_cell(potential: Potential, length: float) -> Potential:
    if potential.cutoff > 0.5 * length:
        raise ConfigError(
            f"potential: its range {potential.cutoff:g} must not exceed half the length {length:g}"
        )
    return potential
