"""Fields synthesised from wavelet coefficients on a dyadic tree: monofractal and cascades."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import gcd
from typing import ClassVar, Self

import numpy as np
import pywt

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic.base import Family, Real, check_range, register

WAVELET = "sym8"
"""The wavelet of synthesis, with eight vanishing moments: not the one fields are measured by."""
LEAST_LEVELS = 3
ROOTS = {1: 8, 2: 2, 3: 2}
"""The least number of cubes along an axis at the level at which a tree begins.

More make single fields scatter less, fewer leave more levels on which a cascade has forgotten how
it began.
"""


@dataclass(frozen=True)
class Tree(Family):
    """A field of wavelet coefficients whose moments are exact at every level.

    The coefficient of a cube of side 2^j spacings, per volume, is a product W_J … W_j of positive
    multipliers, one for the cube and for each of its ancestors, times a mark:

        f = Σ_j Σ_cubes 2^{jd/2} mark Π W ψ,   <|mark Π W|^q> = C_q 2^{jζ_q},   ζ_q = -log2 <W^q>,

    with ψ orthonormal on the grid and periodic. Its 2^d - 1 orientations share Π W and have marks
    of their own, by default random signs. The tree begins at cubes of 2^J spacings, all with Π W =
    1, of which at least `ROOTS` lie along the shortest axis: from a single one the moments of a
    field would be uncertain. The field holds nothing above. Its origin is a random point, so that
    no place of the grid is special.

    ζ_q is that of the Besov norm by wavelet coefficients, exact from 2 to 2^J spacings. Another
    wavelet mixes neighbouring levels and misses those beyond both ends: of the examples db3 reads
    ξ_3 low by 0.1 (1D) to 0.2 (3D) between 2 and 4 spacings, and right within 0.02 from there to
    2^{J-3}. Nearer to its roots a cascade still remembers how it began (docs/synthetic.md).

    Source: A. Arneodo, E. Bacry and J. F. Muzy, J. Math. Phys. 39, 4142 (1998).
    """

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        return 2.0, 2.0 ** self._levels(shape)

    def _levels(self, shape: tuple[int, ...]) -> int:
        """J, by halving all axes as long as they are even and leave the roots."""
        roots, common, levels = ROOTS[len(shape)], gcd(*shape), 0
        while common % 2 ** (levels + 1) == 0 and min(shape) >= roots * 2 ** (levels + 1):
            levels += 1
        if levels < LEAST_LEVELS:
            unit = 2**LEAST_LEVELS
            raise ConfigError(
                f"shape: '{self.name}' needs multiples of {unit}, best powers of two, of at least "
                f"{unit * roots} along every axis, not {shape}"
            )
        return levels

    def coefficients(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> list[Real | dict[str, Real]]:
        """What a field is made of, in the order of `pywt.waverecn`: the level J first, 1 last."""
        dim, levels = len(shape), self._levels(shape)
        orientations = ["".join(letters) for letters in product("ad", repeat=dim)][1:]
        coarsest = tuple(n // 2**levels for n in shape)
        coefficients: list[Real | dict[str, Real]] = [np.zeros(coarsest)]
        for j, size in zip(range(levels, 0, -1), self._products(coarsest, rng), strict=False):
            amplitude = 2.0 ** (0.5 * dim * j) * size
            coefficients.append(
                {word: amplitude * self._marks(size.shape, rng) for word in orientations}
            )
        return coefficients

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        values = pywt.waverecn(self.coefficients(shape, rng), WAVELET, mode="periodization")
        origin = tuple(rng.integers(shape).tolist())
        values = np.roll(values, origin, axis=tuple(range(len(shape))))
        return np.asarray(values - values.mean())  # a mean of round-off

    def _products(self, roots: tuple[int, ...], rng: np.random.Generator) -> Iterator[Real]:
        """Π W on the cubes of one level after the other, without end."""
        size = np.ones(roots)
        while True:
            yield size
            children = reduce(lambda array, axis: array.repeat(2, axis), range(size.ndim), size)
            size = children * self._multipliers(size.shape, rng)

    @abstractmethod
    def _multipliers(self, parents: tuple[int, ...], rng: np.random.Generator) -> Real:
        """W of the children of a grid of cubes, twice as many along every axis."""

    def _marks(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """Random signs."""
        return rng.choice(np.array([-1.0, 1.0]), size=shape)


@register
@dataclass(frozen=True)
class WaveletSeries(Tree):
    """Random wavelet series: independent Gaussian coefficients of variance 2^{2jH}, ξ_q = H.

    A `Tree` with W = 2^{-H} and Gaussian marks: monofractal like `Fractional`, but by another road,
    with places that are dyadic and with every level independent of all others.

    Parameters
    ----------
    hurst : float
        The exponent H, -2 < H < 2: the wavelet is twice differentiable.
    """

    name: ClassVar[str] = "wavelet_series"
    hurst: float

    def __post_init__(self) -> None:
        check_range("hurst", self.hurst, -2.0, 2.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(1.0 / 3.0), cls(0.6), cls(-0.2)

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        return cls(exponent)

    def _multipliers(self, parents: tuple[int, ...], rng: np.random.Generator) -> Real:
        return np.full([2 * n for n in parents], 2.0**-self.hurst)

    def _marks(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        return rng.standard_normal(shape)

    def _exponent(self, q: Real, dim: int) -> Real:
        return np.full_like(q, self.hurst)


@register
@dataclass(frozen=True)
class LogNormal(Tree):
    """Log-normal cascade: ζ_q = c1 q - c2 q²/2, exactly.

    A `Tree` with independent W, ln W of mean -c1 ln 2 and variance c2 ln 2, so that <W^q> =
    2^{-c1 q + c2 q²/2}. Moments of single fields follow ζ_q as long as they hold the cubes that
    make them: those of order q have the dimension d - c2 q²/2, which is 0 at q = (2d/c2)^{1/2}.
    From there on ζ_q of a field is linear, and ξ_q is not given; well below it rare cubes already
    make moments scatter.

    Parameters
    ----------
    c1 : float
        Mean exponent, between -2 and 2.
    c2 : float
        Intermittency, from 0 (monofractal) to below 1.
    """

    name: ClassVar[str] = "lognormal"
    c1: float
    c2: float = 0.04

    def __post_init__(self) -> None:
        check_range("c1", self.c1, -2.0, 2.0)
        if not 0.0 <= self.c2 < 1.0:
            raise ConfigError(f"c2: {self.c2:g} is outside [0, 1)")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.4), cls(0.6, 0.02)

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        return cls(exponent + 1.5 * cls.c2)

    def orders(self, dim: int) -> tuple[float, float]:
        """Above, to where a field has no more of the cubes that would make the moment."""
        critical = np.sqrt(2.0 * dim / self.c2) if self.c2 > 0.0 else np.inf
        return max(-1.0, -critical), float(critical)

    def _multipliers(self, parents: tuple[int, ...], rng: np.random.Generator) -> Real:
        normal = rng.standard_normal([2 * n for n in parents])
        return np.asarray(2.0**-self.c1 * np.exp(np.sqrt(self.c2 * np.log(2.0)) * normal))

    def _exponent(self, q: Real, dim: int) -> Real:
        return np.asarray(self.c1 - 0.5 * self.c2 * q)


@register
@dataclass(frozen=True)
class PModel(Tree):
    """Binomial cascade: ζ_q = q (first - 1) + 1 - log2(p^q + (1-p)^q), in every dimension.

    A `Tree` in which half of the 2^d children of each cube, drawn at random, get W = 2p 2^{-first}
    and the other half 2(1-p) 2^{-first}. Then <W^q> = 2^{-q first} 2^{q-1} [p^q + (1-p)^q] whatever
    d, and the sum over a level is this to the number of levels in every single draw, without
    scatter. ζ_1 = first.

    Source: C. Meneveau and K. R. Sreenivasan, Phys. Rev. Lett. 59, 1424 (1987), in 1D.

    Parameters
    ----------
    first : float
        ξ_1, between -2 and 2.
    p : float
        Share of the stronger half, from 1/2 (monofractal) to below 1.
    """

    name: ClassVar[str] = "p_model"
    first: float
    p: float = 0.6

    def __post_init__(self) -> None:
        check_range("first", self.first, -2.0, 2.0)
        if not 0.5 <= self.p < 1.0:
            raise ConfigError(f"p: {self.p:g} is outside [0.5, 1)")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.4), cls(0.6, 0.65)

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        return cls(exponent - float(_binomial(np.array(3.0), cls.p)))

    def _multipliers(self, parents: tuple[int, ...], rng: np.random.Generator) -> Real:
        dim = len(parents)
        halves = np.repeat([self.p, 1.0 - self.p], 2 ** (dim - 1))
        shuffled = rng.permuted(np.broadcast_to(halves, (*parents, halves.size)), axis=-1)
        # (n_1, .., n_d, 2, .., 2) to (n_1, 2, .., n_d, 2)
        apart = shuffled.reshape(*parents, *(2,) * dim)
        order = [
            axis for pair in zip(range(dim), range(dim, 2 * dim), strict=True) for axis in pair
        ]
        children = apart.transpose(order).reshape([2 * n for n in parents])
        return np.asarray(2.0 ** (1.0 - self.first) * children)

    def _exponent(self, q: Real, dim: int) -> Real:
        return self.first + _binomial(q, self.p)


def _binomial(q: Real, p: float) -> Real:
    """ξ_q for first = 0: -log2 of the mean of (2p)^q and (2(1-p))^q, over q; at q = 0 its limit."""
    if p == 0.5:
        return np.zeros_like(q)
    logarithms = np.log2([2.0 * p, 2.0 * (1.0 - p)])
    whole = np.where(q == 0.0, 1.0, q)
    powers = np.logaddexp2(whole * logarithms[0], whole * logarithms[1]) - 1.0
    return np.asarray(np.where(q == 0.0, -logarithms.mean(), -powers / whole))
