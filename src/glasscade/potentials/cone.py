"""The cone without a background, for densities that occupy a part of the cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from glasscade.potentials import kernels
from glasscade.potentials.base import Potential, Real, check_range, register


@register
@dataclass(frozen=True)
class FreeCone(Potential):
    """V = strength (r - reach) below the reach and 0 beyond: V' jumps at r = 0 and at the reach.

    A positive strength attracts. Where no two points of a density are further apart than the reach
    it is the cone of unbounded space up to a constant, which exerts no force; on a line that is
    V = g|x|/2 with g = 2 strength, exactly solvable (`glasscade.fields.line`).
    """

    name: ClassVar[str] = "free_cone"
    kind: ClassVar[int] = kernels.FREE_CONE
    reach: float

    def __post_init__(self) -> None:
        check_range("reach", self.reach, 0.0)

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return cls(0.5, reach=1.3), cls(-2.0, reach=0.7)

    @property
    def parameters(self) -> Real:
        return np.array([self.strength, self.reach])

    @property
    def cutoff(self) -> float:
        return self.reach

    @property
    def jumps(self) -> tuple[float, ...]:
        return (self.reach,)

    @property
    def singularity(self) -> float:
        return 2.0

    def virial(self, k: Real, dim: int) -> tuple[Real, Real]:
        """As for every potential; on a line in closed form.

        With z = k reach and c = sin(z/2)/(z/2):
        T = strength reach² c²,  L = strength reach² (2 sin z/z - c²).
        """
        if dim != 1:
            return super().virial(k, dim)
        z = k * self.reach
        scale = self.strength * self.reach**2
        across = np.sinc(0.5 * z / np.pi) ** 2
        return scale * across, scale * (2.0 * np.sinc(z / np.pi) - across)

    def directional(self, s: Real, dim: int) -> Real:
        """S as for every potential: T = 2S/k on a line."""
        if dim != 1:
            return super().directional(s, dim)
        return 0.5 * s * self.virial(s, dim)[0]
