"""Test functions φ: smooth, periodic, and made of few Fourier modes, so that they are exact."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.transforms import Modes

Real = npt.NDArray[np.float64]
Integer = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TestFunctions:
    """A family of test functions φ(x) = Σ_q c(q) exp(i q·x), real.

    Attributes
    ----------
    names : labels, the first is "one" for φ = 1
    q : (n_q, d) integers
        One of each pair ±q; q[0] = 0.
    coefficients : (n_phi, n_q) complex
        c(q), doubled for q ≠ 0 so that the half of the modes kept stands for both.
    """

    __test__ = False  # not a test case, in spite of its name

    names: tuple[str, ...]
    q: Integer
    coefficients: Modes

    @classmethod
    def bumps(cls, dim: int, count: int, sharpness: int, seed: int) -> TestFunctions:
        """φ = 1 and `count` bumps at seeded random centres c.

        φ(x) = Π_i [(1 + cos 2π(s_i - c_i))/2]^m in fractional coordinates s, m = `sharpness`:
        a smooth bump of relative width sqrt(2/m)/2π with exactly 2m+1 modes per axis.
        """
        centres = np.random.default_rng(seed).random((count, dim))
        orders = np.arange(-sharpness, sharpness + 1)
        q = np.stack(np.meshgrid(*[orders] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
        q = q[len(q) // 2 :]  # lexicographic order: q = 0 first, then one of each pair
        binomial = np.array([comb(2 * sharpness, sharpness + k) for k in orders])
        amplitude = np.prod((binomial / 4.0**sharpness)[q + sharpness], axis=1)
        phases = np.exp(-2j * np.pi * centres @ q.T)
        twice = np.where(np.arange(len(q)) == 0, 1.0, 2.0)
        one = np.zeros((1, len(q)), dtype=np.complex128)
        one[0, 0] = 1.0
        names = ("one", *(f"bump{number + 1}" for number in range(count)))
        return cls(names, q, np.concatenate([one, amplitude * twice * phases]))

    def smear(self, modes: Modes) -> Real:
        """∫ φ B for modes B_hat(q) of shape (..., n_q, c); shape (..., n_phi, c)."""
        return np.einsum("fq,...qc->...fc", np.conj(self.coefficients), modes).real

    def smear_gradient(self, modes: Modes, cell: Cell) -> Real:
        """∫ 𝒯_k ∂_kφ for modes of a flux of shape (..., d, n_q, c); shape (..., n_phi, c)."""
        wavevectors = cell.reciprocal(self.q.T.astype(np.float64))
        weights = np.conj(1j * self.coefficients[:, np.newaxis, :] * wavevectors)
        return np.einsum("fkq,...kqc->...fc", weights, modes).real
