"""Fields made of plane waves or of filtered noise: Gaussian, stable and lacunary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Self

import numpy as np

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic.base import Family, Real, check_range, register
from glasscade.transforms import irfftn, rfftn


def fractional(shape: tuple[int, ...], hurst: float, rng: np.random.Generator) -> Real:
    """A sample of `Fractional`: zero mean and unit variance over the grid.

    Raises
    ------
    ConfigError
        If the shape is not that of a 1D, 2D or 3D grid of at least two points per axis.
    """
    if len(shape) not in (1, 2, 3) or min(shape) < 2:
        raise ConfigError(f"shape: a grid needs 1 to 3 axes of at least 2 points, not {shape}")
    return Fractional(hurst).sample(shape, rng)


def fractional_exponent(q: Real, hurst: float) -> Real:
    """xi_q = H for every q: increments of a Gaussian field are Gaussian at every scale."""
    return np.full_like(q, hurst)


@register
@dataclass(frozen=True)
class Fractional(Family):
    """Periodic fractional Brownian field: Gaussian, with spectrum |k|^{-2H-d}, ξ_q = H.

    White noise is multiplied by |k|^{-(H + d/2)}, k = 0 dropped. The field is isotropic for any
    shape, odd sizes and rectangles included. H may be negative: the field is then a distribution
    cut off at the grid. δ_r f is Gaussian, of a variance ∫|k|^{-2H-d} |ŵ(kr)|² dk ∝ r^{2H}, hence
    ``<|δ_r f|^q> ∝ r^{qH}`` for q > -1. Its wavelengths reach from two spacings to the box, and
    the law is that of scales well inside; increments, unlike wavelets, see both ends from afar.

    Source: B. B. Mandelbrot and J. W. Van Ness, SIAM Rev. 10, 422 (1968).
    """

    name: ClassVar[str] = "fractional"
    hurst: float

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.2), cls(1.0 / 3.0), cls(0.7), cls(-0.3)

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        return cls(exponent)

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        return 2.0, float(min(shape))

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        return _integrated(rng.standard_normal(shape), self.hurst + 0.5 * len(shape))

    def _exponent(self, q: Real, dim: int) -> Real:
        return fractional_exponent(q, self.hurst)


@register
@dataclass(frozen=True)
class Stable(Family):
    """Periodic fractional stable field, ξ_q = H for q < α and no moments beyond.

    Independent symmetric α-stable numbers on the grid, multiplied by |k|^{-(H + d - d/α)}. The
    noise of a volume ε^d is ε^{d/α} times a standard one and the kernel of the filter is
    homogeneous of degree H - d/α, so that f(εx) is ε^H f(x) in law: ``<|δ_r f|^q> ∝ r^{qH}`` where
    the moment exists, -1 < q < α, at scales well between two spacings and the box. In 1D, H = 1/α
    is the exponent of Lévy motion.

    A single sample has moments of every order, but from α on they are those of its strongest
    spikes, |x|^{H - d/α}: its ζ_q stops growing, at 1 up to logarithms for H = 1/α in 1D, and falls
    where spikes are sharper.

    The variance over draws is infinite; that over the grid is set to one as in other families,
    by a factor which the strongest spikes decide.

    Source: G. Samorodnitsky and M. S. Taqqu, Stable Non-Gaussian Random Processes (1994), chapter
    7; J. M. Chambers, C. L. Mallows and B. W. Stuck, J. Am. Stat. Assoc. 71, 340 (1976).

    Parameters
    ----------
    alpha : float
        The index, 1 < α < 2.
    hurst : float
        The exponent H, 0 < H < 1.
    """

    name: ClassVar[str] = "stable"
    alpha: float
    hurst: float

    def __post_init__(self) -> None:
        check_range("alpha", self.alpha, 1.0, 2.0)
        check_range("hurst", self.hurst, 0.0, 1.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(1.5, 1.0 / 1.5), cls(1.8, 0.3)

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        return 2.0, float(min(shape))

    def orders(self, dim: int) -> tuple[float, float]:
        return -1.0, self.alpha

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        dim = len(shape)
        return _integrated(
            stable_noise(shape, self.alpha, rng), self.hurst + dim - dim / self.alpha
        )

    def _exponent(self, q: Real, dim: int) -> Real:
        return np.full_like(q, self.hurst)


@register
@dataclass(frozen=True)
class Weierstrass(Family):
    """Lacunary series Σ_j |k_j|^{-H} cos(k_j·x + φ_j), |k_j| ≈ ratio^j, ξ_q = H.

    Phases are random, and in 2D and 3D so are the directions of the `waves` wavevectors of each
    j; wavevectors are rounded to those of the box. From one j to the next the law of k_j is only
    rescaled, so that ``<|δ_r f|^q> ∝ r^{qH}`` exactly between r that are apart by powers of the
    ratio, with a log-periodic modulation between them. The ends of the series, at the box and at
    two spacings, are felt in the variance of increments as fractions ratio^{-2m(1-H)} and
    ratio^{-2mH}, m terms away. For a single sample it is the theorem that all L^q norms of a
    lacunary series are equivalent.

    Source: A. Zygmund, Trigonometric Series (1959), chapter V.

    Parameters
    ----------
    hurst : float
        The exponent H, 0 < H < 1.
    ratio : float
        Of successive wavenumbers, from 1.5 to 8.
    waves : int
        Waves for each j in 2D and 3D.
    """

    name: ClassVar[str] = "weierstrass"
    hurst: float
    ratio: float = 2.0
    waves: int = 8

    def __post_init__(self) -> None:
        check_range("hurst", self.hurst, 0.0, 1.0)
        if not 1.5 <= self.ratio <= 8.0:
            raise ConfigError(f"ratio: {self.ratio:g} must lie between 1.5 and 8")
        if self.waves < 1:
            raise ConfigError(f"waves: {self.waves} must be at least 1")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.3), cls(0.6)

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        return cls(exponent)

    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        least = min(shape)
        wavenumbers = self._wavenumbers(least)
        if wavenumbers.size < 2:
            needed = 2 * int(np.ceil(self.ratio)) + 2
            raise ConfigError(
                f"shape: '{self.name}' of ratio {self.ratio:g} needs at least {needed} points "
                f"along every axis, not {shape}"
            )
        return float(least / wavenumbers[-1]), float(least)

    def _wavenumbers(self, points: int) -> Real:
        """Powers of the ratio that fit, rounded or not, below half of the number of points."""
        powers = self.ratio ** np.arange(np.log(points) / np.log(self.ratio))
        return np.asarray(powers[powers < 0.5 * (points - 1)])

    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        dim, least = len(shape), min(shape)
        waves = 1 if dim == 1 else self.waves  # those of a line are one wave
        wavenumbers = np.repeat(self._wavenumbers(least), waves)
        direction = rng.standard_normal((wavenumbers.size, dim))
        direction *= (wavenumbers / np.linalg.norm(direction, axis=1))[:, np.newaxis]
        frequency = np.rint(direction * np.array(shape) / least) / np.array(shape)
        amplitude = np.linalg.norm(frequency * least, axis=1) ** -self.hurst
        phase = np.exp(2j * np.pi * rng.random(wavenumbers.size))
        values = np.zeros(shape)
        for k, factor in zip(frequency, amplitude * phase, strict=True):
            axes = [
                np.exp(2j * np.pi * k_i * np.arange(n)) for k_i, n in zip(k, shape, strict=True)
            ]
            values += reduce(np.multiply.outer, axes, factor).real
        return values

    def _exponent(self, q: Real, dim: int) -> Real:
        return np.full_like(q, self.hurst)


def _integrated(noise: Real, order: float) -> Real:
    """Noise with its modes multiplied by |k|^{-order}, k = 0 dropped."""
    shape = noise.shape
    axes = [np.fft.fftfreq(n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1])]
    squared = sum(np.square(k) for k in np.ix_(*axes))
    amplitude = np.zeros(np.shape(squared))
    nonzero = squared > 0.0
    amplitude[nonzero] = squared[nonzero] ** (-0.5 * order)
    return irfftn(rfftn(noise) * amplitude, shape)


def stable_noise(shape: tuple[int, ...], alpha: float, rng: np.random.Generator) -> Real:
    """Independent symmetric stable numbers, <e^{isX}> = exp(-|s|^α), by Chambers et al."""
    angle = np.pi * (rng.random(shape) - 0.5)
    rate = np.cos((1.0 - alpha) * angle) / rng.standard_exponential(shape)
    tail = np.cos(angle) ** (-1.0 / alpha)
    return np.asarray(np.sin(alpha * angle) * tail * rate ** (1.0 / alpha - 1.0))
