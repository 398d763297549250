"""The periodic cell, straight or sheared, in one, two or three dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cell:
    """A periodic cell given by a d×d matrix h whose columns are the box vectors.

    A point has Cartesian coordinates x = h s with fractional coordinates s; wavevectors are
    p = 2π h^{-T} m, m integer, so that a sheared cell has the reciprocal lattice of its strain.
    """

    matrix: Real

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape not in ((1, 1), (2, 2), (3, 3)):
            raise ConfigError(f"cell: the matrix must be d×d, d = 1, 2 or 3, not {matrix.shape}")
        if not np.all(np.isfinite(matrix)) or np.linalg.det(matrix) <= 0.0:
            raise ConfigError("cell: the box vectors must be finite and right-handed (det h > 0)")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def cubic(cls, length: float, dim: int) -> Cell:
        """The straight cell of side `length`."""
        return cls(length * np.eye(dim))

    @classmethod
    def sheared(cls, length: float, dim: int, strain: float) -> Cell:
        """The cell of side `length` in simple shear: x displaced by strain·y."""
        if dim == 1:
            raise ConfigError("cell: a cell in one dimension cannot be sheared")
        matrix = length * np.eye(dim)
        matrix[0, 1] = strain * length
        return cls(matrix)

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return int(self.matrix.shape[0])

    @property
    def volume(self) -> float:
        """Length, area or volume |Ω| = det h."""
        return float(np.linalg.det(self.matrix))

    @property
    def smallest_width(self) -> float:
        """Smallest distance between opposite faces: the largest range with one image is half."""
        return float(1.0 / np.max(np.linalg.norm(np.linalg.inv(self.matrix), axis=1)))

    @property
    def is_cubic(self) -> bool:
        """Whether all sides are equal and orthogonal."""
        return bool(np.allclose(self.matrix, self.matrix[0, 0] * np.eye(self.dim), rtol=1e-14))

    def fractional(self, x: Real) -> Real:
        """s = h^{-1} x for points of shape (..., d)."""
        return np.asarray(x @ np.linalg.inv(self.matrix).T)

    def cartesian(self, s: Real) -> Real:
        """x = h s for points of shape (..., d)."""
        return np.asarray(s @ self.matrix.T)

    def wrap(self, x: Real) -> Real:
        """The image of each point inside the cell, 0 <= s < 1."""
        s = self.fractional(x)
        s = s - np.floor(s)
        return self.cartesian(np.where(s < 1.0, s, 0.0))  # -1e-18 would round up to 1

    def minimum_image(self, dx: Real) -> Real:
        """The image with |s_i| <= 1/2: the nearest one where |dx| is below `smallest_width`/2."""
        s = self.fractional(dx)
        return self.cartesian(s - np.rint(s))

    def wavevectors(self, counts: tuple[int, ...]) -> Real:
        """p = 2π h^{-T} m for m_i = -M_i..M_i, shape (d, 2M_1+1, ..., 2M_d+1)."""
        axes = [np.arange(-m, m + 1, dtype=np.float64) for m in counts]
        indices = np.array(np.meshgrid(*axes, indexing="ij"))
        return self.reciprocal(indices)

    def reciprocal(self, indices: Real) -> Real:
        """p = 2π h^{-T} m for integer m of shape (d, ...)."""
        inverse_transpose = np.linalg.inv(self.matrix).T
        return np.asarray(2.0 * np.pi * np.tensordot(inverse_transpose, indices, axes=1))

    def grid(self, shape: tuple[int, ...]) -> Real:
        """Cartesian coordinates of the grid points, shape (n_1, ..., n_d, d)."""
        axes = [np.arange(n) / n for n in shape]
        return self.cartesian(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))

    def counts_up_to(self, k_max: float) -> tuple[int, ...]:
        """M_i such that the modes hold every wavevector with |p| <= k_max.

        m_i = (h^T p)_i / 2π, so |m_i| <= |p| |column i of h| / 2π.
        """
        lengths = np.linalg.norm(self.matrix, axis=0)
        return tuple(int(np.ceil(k_max * length / (2.0 * np.pi))) for length in lengths)
