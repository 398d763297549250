"""Fields that are smooth but for jumps: plateaus, and the ramps of Burgers' equation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Self

import numpy as np

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic.base import Family, Real, register


def step(n: int, jumps: int, rng: np.random.Generator) -> Real:
    """A sample of `Step` in 1D: (n,) values with zero mean and unit variance over the grid.

    Raises
    ------
    ConfigError
        If `jumps` is odd (the field could not be periodic), below 2 or above n/4.
    """
    if jumps < 2 or jumps % 2 or 4 * jumps > n:
        raise ConfigError(f"jumps: must be even and from 2 to {n // 4} on {n} points, not {jumps}")
    return Step(jumps).sample((n,), rng)


def step_exponent(q: Real) -> Real:
    """xi_q = 1/q: a fraction ∝ r of all increments sees the same finite jump."""
    return np.asarray(1.0 / q)


@register
@dataclass(frozen=True)
class Step(Family):
    """Two plateaus with sharp edges: ζ_q = 1, that is ξ_q = 1/q, for q > 0.

    In 1D a telegraph field: plateaus of alternating sign between `jumps` random places, each in
    the first half of its own interval of n/jumps points, so that plateaus are at least n/(2 jumps)
    long. Below that separation ``<|f(x+r)-f(x)|^q> ∝ r`` exactly, in every draw.

    In 2D and 3D disjoint balls: jumps/2 of them along the shortest axis, of radius R = a/4, each
    at a random place of its own cell of side a, with gaps of at least a/4 between them. Below that
    separation increments are those of balls alone, the volumes between a ball and its copy moved
    by r: ``<|f(x+r)-f(x)|^q> ∝ r (1 - (r/R)²/24)`` in 2D, up to (r/R)⁴, and ``∝ r (1 -
    (r/R)²/12)`` in 3D exactly, in the mean over draws.

    Parameters
    ----------
    jumps : int
        Even, at least 2, and at most a quarter (2D, 3D: an eighth) of the points along an axis.
    """

    name: ClassVar[str] = "step"
    jumps: int

    def __post_init__(self) -> None:
        if self.jumps < 2 or self.jumps % 2:
            raise ConfigError(f"jumps: must be even and at least 2, not {self.jumps}")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(2), cls(4)

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        least = min(shape)
        most = least // (4 if len(shape) == 1 else 8)
        if self.jumps > most:
            raise ConfigError(
                f"jumps: {self.jumps} need more points than {shape}, which hold {most}"
            )
        return 1.0, 0.5 * least / self.jumps

    def orders(self, dim: int) -> tuple[float, float]:
        return 0.0, np.inf

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        if len(shape) == 1:
            places = _places(shape[0], self.jumps, rng)
            odd = np.searchsorted(places, np.arange(shape[0]), side="right") % 2 == 1
        else:
            odd = self._balls(shape, rng)
        sign = np.where(odd, 1.0, -1.0)
        return np.asarray(sign - sign.mean())

    def _balls(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Whether a point lies in a ball; each lies in its own cell, whose points are looked at."""
        side = 2.0 * min(shape) / self.jumps
        cells = [int(n / side) for n in shape]
        edges = [np.linspace(0.0, n, m + 1) for n, m in zip(shape, cells, strict=True)]
        inside = np.zeros(shape, dtype=bool)
        for cell in product(*map(range, cells)):
            ends = [(edge[i], edge[i + 1]) for edge, i in zip(edges, cell, strict=True)]
            centre = [0.5 * (low + high) for low, high in ends]
            centre += 0.25 * side * (rng.random(len(shape)) - 0.5)
            axes = [np.arange(int(np.ceil(low)), int(np.ceil(high))) for low, high in ends]
            offsets = np.ix_(*[axis - middle for axis, middle in zip(axes, centre, strict=True)])
            inside[np.ix_(*axes)] = sum(np.square(x) for x in offsets) < (0.25 * side) ** 2
        return inside

    def _exponent(self, q: Real, dim: int) -> Real:
        return step_exponent(q)


@register
@dataclass(frozen=True)
class Shock(Family):
    """Burgers' sawtooth: ramps of one slope between random downward jumps, ζ_q = min(q, 1).

    Jumps lie as those of `Step` in 1D; their heights h are random between a half and three halves
    of the mean, with a sum that closes the period. With s the slope and N jumps on a length L,

        <|δ_r f|^q> = (1 - Nr/L) (sr)^q + (r/L) Σ |h - sr|^q       for r <= L/(2N),

    so that ξ_q = 1 for q <= 1 and 1/q above, up to fractions (rN/L)^{|q-1|} of the other power and
    q rN/L of either. Second differences and wavelets do not see ramps and read ζ_q = 1 without
    such a correction; orders below 1, where only ramps count, they therefore do not read right.

    Source: U. Frisch and J. Bec, in New Trends in Turbulence (2001), section 4.

    Parameters
    ----------
    jumps : int
        At least 1, and at most a quarter of the points.
    """

    name: ClassVar[str] = "shock"
    dimensions: ClassVar[tuple[int, ...]] = (1,)
    jumps: int

    def __post_init__(self) -> None:
        if self.jumps < 1:
            raise ConfigError(f"jumps: must be at least 1, not {self.jumps}")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(3), cls(8)

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        (n,) = shape
        if 4 * self.jumps > n:
            raise ConfigError(f"jumps: {self.jumps} need more points than {n}, which hold {n // 4}")
        return 1.0, 0.5 * n / self.jumps

    def orders(self, dim: int) -> tuple[float, float]:
        return -np.inf, np.inf

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        (n,) = shape
        places = _places(n, self.jumps, rng)
        height = 0.5 + rng.random(self.jumps)
        fall = np.concatenate([[0.0], np.cumsum(height * (n / height.sum()))])
        x = np.arange(n)
        values = x - fall[np.searchsorted(places, x, side="right")]
        return np.asarray(values - values.mean())

    def _exponent(self, q: Real, dim: int) -> Real:
        return np.asarray(1.0 / np.maximum(q, 1.0))


def _places(n: int, jumps: int, rng: np.random.Generator) -> np.ndarray:
    """Increasing grid points, at least n/(2 jumps) apart."""
    return ((np.arange(jumps) + 0.5 * rng.random(jumps)) * (n / jumps)).astype(np.int64)
