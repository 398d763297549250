"""The moving cell of Lees and Edwards (J. Phys. C 5, 1921 (1972)): simple shear at constant rate.

    h(n) = (1 + γ_n e_x e_y) h_0,      γ_n = rate · dt · n,

with n the number of the step: like the noise, the strain is a function of the step alone. The same
lattice of images has many cells, h_y minus any multiple of h_x; neighbours are searched for in the
most upright one, whose tilt, the x of h_y over |h_x|, is within [-1/2, 1/2].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MovingCell:
    """A cell in simple shear, at rest if `strain_step` is zero.

    Attributes
    ----------
    rest
        h_0, the cell at step 0.
    strain_step
        rate · dt, the strain of one step.

    Raises
    ------
    ConfigError
        If the cell is sheared and has one dimension, or vectors h_x and h_z with a component along
        y, which would change as well.
    """

    rest: Cell
    strain_step: float = 0.0

    def __post_init__(self) -> None:
        if self.strain_step == 0.0:
            return
        if self.rest.dim == 1:
            raise ConfigError("shear_rate: there is no shear in one dimension, it must be 0")
        matrix = self.rest.matrix
        if np.any(np.delete(matrix[1], 1) != 0.0) or np.any(matrix[1:, 0] != 0.0):
            raise ConfigError(
                "cell: to be sheared it needs its first box vector along x, and y in the second "
                "box vector alone"
            )

    def strain(self, step: int) -> float:
        """γ at a step."""
        return self.strain_step * step

    def turns(self, step: int) -> int:
        """How often h_x is taken off h_y at a step for the tilt to be within [-1/2, 1/2]."""
        if self.strain_step == 0.0:
            return 0
        h = self.rest.matrix
        return int(np.rint((h[0, 1] + self.strain(step) * h[1, 1]) / h[0, 0]))

    def matrix(self, step: int, turns: int = 0) -> Real:
        """h at a step with h_x taken off h_y a number of times; 0: moved without a break."""
        h = self.rest.matrix.copy()
        if self.strain_step != 0.0:
            h[0, 1] += self.strain(step) * h[1, 1] - turns * h[0, 0]
        return h
