"""Every registered family through the shared checks; wrong ones are caught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import FAMILIES, Fractional, LogNormal, density, register
from synthetic_invariants import CHECKS

EXAMPLES = [
    pytest.param(family, id=f"{name}-{number}")
    for name, family_class in FAMILIES.items()
    for number, family in enumerate(family_class.examples())
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("family", EXAMPLES)
def test_family_holds(family, check):
    check(family)


@contextmanager
def registered(family) -> Iterator[None]:
    register(family)
    try:
        yield
    finally:
        del FAMILIES[family.name]


@dataclass(frozen=True)
class Rougher(Fractional):
    """Exponents too small by 0.08."""

    name = "rougher"
    dimensions = (1,)

    @classmethod
    def examples(cls):
        return (cls(0.5),)

    @classmethod
    def with_exponent(cls, exponent):
        return cls(exponent + 0.08)

    def _exponent(self, q, dim):
        return super()._exponent(q, dim) - 0.08


@dataclass(frozen=True)
class Flat(Fractional):
    """The noise of a plane taken for that of a line."""

    name = "flat"
    dimensions = (2,)

    def _draw(self, shape, rng):
        return Fractional(self.hurst - 0.5)._draw(shape, rng)


@dataclass(frozen=True)
class Solid(Flat):
    """The same in space, for half of the difference."""

    name = "solid"
    dimensions = (3,)

    def _draw(self, shape, rng):
        return Fractional(self.hurst + 0.25)._draw(shape, rng)


@dataclass(frozen=True)
class TwiceAsCurved(LogNormal):
    """The formula without its half."""

    name = "twice_as_curved"
    dimensions = (1,)

    @classmethod
    def examples(cls):
        return (cls(0.4),)

    @classmethod
    def with_exponent(cls, exponent):
        return cls(exponent + 3.0 * cls.c2)

    def _exponent(self, q, dim):
        return self.c1 - self.c2 * q


@dataclass(frozen=True)
class Rising(Fractional):
    """No mean has such moments."""

    name = "rising"

    def _exponent(self, q, dim):
        return self.hurst + 0.01 * q


@dataclass(frozen=True)
class Walk(Fractional):
    """A random walk that does not come back."""

    name = "walk"
    dimensions = (1,)

    @classmethod
    def examples(cls):
        return (cls(0.5),)

    def _draw(self, shape, rng):
        values = np.cumsum(rng.standard_normal(shape))
        return values - values.mean()


@dataclass(frozen=True)
class Lifted(Fractional):
    """Its mean is not zero."""

    name = "lifted"

    def _draw(self, shape, rng):
        return super()._draw(shape, rng) + 1e-3


@dataclass(frozen=True)
class Unseeded(Fractional):
    """It brings its own randomness."""

    name = "unseeded"

    def _draw(self, shape, rng):
        return super()._draw(shape, np.random.default_rng())


@dataclass(frozen=True)
class Untrue(Fractional):
    """It gives another member than that asked for."""

    name = "untrue"

    @classmethod
    def with_exponent(cls, exponent):
        return cls(exponent + 0.1)


@dataclass(frozen=True)
class Anywhere(Fractional):
    """It does not keep to its dimensions."""

    name = "anywhere"
    dimensions = (1, 2)

    def check_dimension(self, dim):
        if dim not in (1, 2, 3):
            super().check_dimension(dim)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Rougher, "ζ_q is not what it is said to be in 1D"),
        (TwiceAsCurved, "ζ_q is not what it is said to be in 1D"),
        (Flat, "ζ_q is not what it is said to be in 2D"),
        (Solid, "ζ_q is not what it is said to be in 3D"),
        (Rising, "ξ_q increases with q"),
        (Walk, "increments across the edge are"),
        (Lifted, "its mean is"),
        (Unseeded, "one seed gave two fields"),
        (Untrue, r"with_exponent\(0\.2\) has ξ_3 = 0\.3"),
    ],
)
def test_a_wrong_family_is_caught(wrong, message):
    with registered(wrong), pytest.raises(AssertionError, match=message):
        check_all(wrong.examples()[0])


def test_a_family_that_refuses_no_dimension_is_caught():
    with registered(Anywhere), pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_all(Anywhere.examples()[0])


def check_all(family):
    for check in CHECKS:
        check(family)


def test_a_name_is_given_once():
    with pytest.raises(ConfigError, match="family: the name 'fractional' is taken by Fractional"):
        register(Fractional)


def test_a_density_has_mean_one_and_is_positive(rng):
    field = Fractional(0.4).sample((64, 64), rng)
    rho = density(field, 0.2)
    assert rho.mean() == pytest.approx(1.0, abs=1e-14)  # round-off of 4096 terms
    assert rho.std() == pytest.approx(0.2, rel=1e-13)
    assert rho.min() > 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_density_that_would_be_negative_is_refused(sign):
    field = np.array([-4.0, 1.0, 1.5, 1.5])
    density(sign * field, sign * 0.2499)
    with pytest.raises(ConfigError, match=r"contrast: .* negative; it must be below 0\.25 in magn"):
        density(sign * field, sign * 0.25)
