"""Soft cores, for which particles may overlap: spheres that touch, and smooth bells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from glasscade.errors import ConfigError
from glasscade.potentials import kernels
from glasscade.potentials.base import Potential, Real, check_range, register
from glasscade.potentials.line import Cone
from glasscade.radial import graded

NEGLIGIBLE = 6.5**2
"""exp(-42.25) = 4.5e-19: the bells are cut where their exponential is this small."""
ROUND_OFF = 1e-16


@dataclass(frozen=True)
class _Sphere(Potential):
    """A sphere of a diameter, beyond which V is zero, with a rounded core.

    Inside `core`, V' is linear in r, so that it is continuous at contact with itself: without
    this the smeared interaction of every particle with itself leaves a plateau in the budgets.
    """

    diameter: float
    core: float = 0.0

    def __post_init__(self) -> None:
        check_range("diameter", self.diameter, 0.0)
        if not 0.0 <= self.core < self.diameter:
            raise ConfigError(
                f"potential.core: {self.core} must lie between 0 and the diameter {self.diameter}"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(1.3, diameter=1.4), cls(1.3, diameter=1.4, core=0.3), cls(-0.5, 1.0, 0.1)

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.diameter, self.core])

    @property
    def core_radius(self) -> float:
        return self.core

    @property
    def cutoff(self) -> float:
        return self.diameter

    @property
    def singularity(self) -> float:
        """V' jumps at r = 0, or with a core V'' at its radius."""
        return 2.0 if self.core == 0.0 else 3.0


@register
@dataclass(frozen=True)
class Harmonic(_Sphere):
    """Soft spheres, V = strength/2 (1 - r/diameter)² inside the diameter, with a rounded core."""

    name: ClassVar[str] = "harmonic"
    kind: ClassVar[int] = kernels.HARMONIC

    @property
    def breaks(self) -> tuple[float, ...]:
        return (self.core, self.diameter) if self.core > 0.0 else (self.diameter,)

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """As for every potential; on a line without a core that of a cone of the same range."""
        if dim == 1 and self.core == 0.0:
            return self._cone.virial(k, dim)
        return super().virial(k, dim)

    def directional(self, s: Real, dim: int) -> Real:
        """S as for every potential; on a line without a core that of a cone of the same range."""
        if dim == 1 and self.core == 0.0:
            return self._cone.directional(s, dim)
        return super().directional(s, dim)

    @property
    def _cone(self) -> Cone:
        """The cone of the same V', -(strength/diameter) (1 - r/diameter) up to its half period."""
        return Cone(-self.strength / self.diameter, period=2.0 * self.diameter)


@register
@dataclass(frozen=True)
class Hertzian(_Sphere):
    """Elastic spheres, V = 2/5 strength (1 - r/diameter)^{5/2} inside the diameter, rounded core.

    V'' is continuous at contact and V''' diverges there.
    """

    name: ClassVar[str] = "hertzian"
    kind: ClassVar[int] = kernels.HERTZIAN

    @property
    def breaks(self) -> tuple[float, ...]:
        """Panels shrink towards contact until the integral of V' ~ gap^{3/2} is round-off."""
        least = (self.diameter - self.core) * ROUND_OFF ** (1.0 / 2.5)
        panels = graded(self.diameter, self.core, least)
        return (*((self.core,) if self.core > 0.0 else ()), *panels, self.diameter)


@register
@dataclass(frozen=True)
class Gaussian(Potential):
    """The Gaussian core, V = strength exp(-(r/width)²): smooth at every distance."""

    name: ClassVar[str] = "gaussian"
    kind: ClassVar[int] = kernels.GAUSSIAN
    width: float

    def __post_init__(self) -> None:
        check_range("width", self.width, 0.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.8, width=0.7), cls(-2.0, width=1.1)

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.width])

    @property
    def cutoff(self) -> float:
        """r² exp(-r²) is 5e-18 of its maximum at 6.5 widths."""
        return float(np.sqrt(NEGLIGIBLE) * self.width)

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """T = -V_hat, L = -(V_hat + k V_hat'), V_hat = strength (√π width)^d e^{-(k width)²/4}."""
        self.check_dimension(dim)
        u = 0.25 * (k * self.width) ** 2
        with np.errstate(under="ignore"):
            transform = self.strength * (np.sqrt(np.pi) * self.width) ** dim * np.exp(-u)
            return -transform, -transform * (1.0 - 2.0 * u)

    def directional(self, s: Real, dim: int) -> Real:
        """S as for every potential: T = 2S/k on a line."""
        if dim != 1:
            return super().directional(s, dim)
        return 0.5 * s * self.virial(s, dim)[0]


@register
@dataclass(frozen=True)
class GEM(Potential):
    """The generalised exponential model, V = strength exp(-(r/width)^exponent), exponent >= 2.

    Above 2 its transform takes either sign, so that a dense fluid freezes into a crystal of
    clusters. It is the Gaussian core at 2, and a penetrable sphere for a large exponent.
    """

    name: ClassVar[str] = "gem"
    kind: ClassVar[int] = kernels.GEM
    width: float
    exponent: float = 4.0

    def __post_init__(self) -> None:
        check_range("width", self.width, 0.0)
        if not 2.0 <= self.exponent <= MOST_STEEP:
            raise ConfigError(
                f"potential.exponent: {self.exponent:g} must lie between 2 and {MOST_STEEP:g}"
            )

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return tuple(cls(1.0, width=0.9, exponent=n) for n in (2.0, 2.5, 4.0, 7.0, MOST_STEEP))

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.width, self.exponent])

    @property
    def cutoff(self) -> float:
        return float(self.width * NEGLIGIBLE ** (1.0 / self.exponent))

    @property
    def breaks(self) -> tuple[float, ...]:
        """Panels as narrow as the step, and shrinking to 0 where r^exponent is not analytic."""
        count = int(np.ceil(self.exponent / 4.0))
        panels = set(np.linspace(0.0, self.cutoff, count + 1)[1:].tolist())
        if self.exponent % 2.0 != 0.0:
            least = self.cutoff * ROUND_OFF ** (1.0 / (self.exponent + 1.0))
            panels |= set(graded(0.0, self.cutoff, least))
        return tuple(sorted(panels))


MOST_STEEP = 64.0
"""Largest exponent of GEM: a step of width 1/64."""
