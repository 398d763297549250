"""What every family of synthetic fields provides, and the registry of them by name.

A family is a small frozen class. It declares its name, the dimensions it has, how a field is
drawn, its exponents, the orders and the scales for which they hold, and a few examples of itself;
`register` enters it into `FAMILIES`, and the shared tests put the examples of every entry through
all invariants, the exponents among them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError

Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Family(ABC):
    """Random periodic fields with ``<|δ_r f|^q> ∝ r^ζ_q`` and ζ_q = q ξ_q known exactly.

    δ_r f is an increment over r or a wavelet coefficient of scale r, per volume (divided by
    r^{d/2} if the wavelets have unit L² norm); the mean is over places and draws. Grid spacings are
    equal along all axes.
    """

    name: ClassVar[str]
    """The word by which configurations and `FAMILIES` know it."""
    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)
    """Dimensions of space in which it is defined."""

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Self, ...]:
        """A few representative instances, which the shared tests look at."""

    @classmethod
    def with_exponent(cls, exponent: float) -> Self:
        """The member of the family with ξ_3 = exponent, its other parameters at their defaults.

        Raises
        ------
        ConfigError
            If ξ_3 is the same in the whole family, or does not exist.
        """
        raise ConfigError(f"family: '{cls.name}' has no parameter that sets ξ_3; leave it out")

    @abstractmethod
    def scales(self, shape: tuple[int, ...]) -> tuple[float, float]:
        """Scales r, in grid spacings, from the least to the largest at which the law is built in.

        Raises
        ------
        ConfigError
            If the grid cannot hold the family.
        """

    def orders(self, dim: int) -> tuple[float, float]:
        """The open interval of the orders q for which ξ_q exists.

        By default q > -1: δ_r f has a probability density that is finite at 0.
        """
        return -1.0, np.inf

    def exponent(self, q: Real, dim: int) -> Real:
        """ξ_q = ζ_q/q exactly, NaN outside `orders`.

        Raises
        ------
        ConfigError
            If the family does not exist in this dimension.
        """
        self.check_dimension(dim)
        low, high = self.orders(dim)
        exponents = np.full(np.shape(q), np.nan)
        inside = (q > low) & (q < high)
        exponents[inside] = self._exponent(q[inside], dim)
        return exponents

    def sample(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """One field with zero mean and unit variance over the grid.

        Parameters
        ----------
        shape : (n_1, ..., n_d)
            The grid.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        (n_1, ..., n_d)

        Raises
        ------
        ConfigError
            If the grid cannot hold the family.
        """
        values = self.draw(shape, rng)
        return np.asarray(values / values.std())

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """The field of `sample` before its variance is set to one.

        Moments pooled over draws obey the law without the correlation between a field and its
        own standard deviation. Errors are those of `sample`.
        """
        self.check_dimension(len(shape))
        if min(shape) < 2:
            raise ConfigError(f"shape: every axis needs at least 2 points, not {shape}")
        self.scales(shape)
        return self._draw(shape, rng)

    def check_dimension(self, dim: int) -> None:
        """Refuse a dimension in which the family is not defined."""
        if dim not in self.dimensions:
            allowed = " or ".join(map(str, self.dimensions))
            raise ConfigError(f"shape: '{self.name}' needs a grid of {allowed} axes, not of {dim}")

    @abstractmethod
    def _draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Real:
        """A field of zero mean on a grid that has been checked."""

    @abstractmethod
    def _exponent(self, q: Real, dim: int) -> Real:
        """ξ_q of orders inside `orders`."""


Kind = TypeVar("Kind", bound=type[Family])

FAMILIES: dict[str, type[Family]] = {}
"""The families by name."""


def register(family: Kind) -> Kind:
    """Class decorator that enters a family into `FAMILIES`.

    Raises
    ------
    ConfigError
        If the name is taken.
    """
    if family.name in FAMILIES:
        taken = FAMILIES[family.name].__qualname__
        raise ConfigError(f"family: the name '{family.name}' is taken by {taken}")
    FAMILIES[family.name] = family
    return family


def density(field: Real, contrast: float) -> Real:
    """The density 1 + contrast × field, which has the exponents of the field.

    Raises
    ------
    ConfigError
        If it is not positive everywhere.
    """
    values = 1.0 + contrast * field
    if not values.min() > 0.0:
        extreme = -field.min() if contrast > 0.0 else field.max()
        raise ConfigError(
            f"contrast: {contrast:g} makes this density negative; it must be below "
            f"{1.0 / extreme:.3g} in magnitude"
        )
    return np.asarray(values)


def check_range(key: str, value: float, low: float, high: float = np.inf) -> None:
    """Refuse a parameter outside low < value < high.

    Raises
    ------
    ConfigError
        One sentence that names the key.
    """
    if not low < value < high:
        raise ConfigError(f"{key}: {value:g} is outside ({low:g}, {high:g})")
