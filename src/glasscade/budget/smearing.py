"""Test functions φ: smooth, periodic, and made of few Fourier modes, so that they are exact."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
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

    @classmethod
    def waves(cls, dim: int, most: int) -> TestFunctions:
        """φ = 1 and cos(q·x), sin(q·x), q = 2π h^{-T} m, for one of each pair ±m, |m_i| <= `most`.

        Smeared with them, a field gives its low modes: ∫φB = Re B_hat(q) and -Im B_hat(q). Names
        hold the integers m: "cos(1,0)", "sin(1,0)".
        """
        orders = np.arange(-most, most + 1)
        m = np.stack(np.meshgrid(*[orders] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
        m = m[len(m) // 2 :]  # lexicographic order: m = 0 first, then one of each pair
        # Re Σ c exp(iq·x) is the cosine for c = 1, the sine for c = -i.
        each = np.eye(len(m), dtype=np.complex128)[1:]
        both = np.stack([each, -1j * each], axis=1).reshape(-1, len(m))
        labels = [",".join(map(str, row)) for row in m[1:]]
        names = ("one", *(f"{wave}({label})" for label in labels for wave in ("cos", "sin")))
        one = np.eye(1, len(m), dtype=np.complex128)
        return cls(names, m, np.concatenate([one, both]))

    @classmethod
    def union(cls, *families: TestFunctions) -> TestFunctions:
        """All functions of some families, φ = 1 once.

        Raises
        ------
        ConfigError
            If a name other than "one" occurs twice, or the dimensions differ.
        """
        if len({family.q.shape[1] for family in families}) != 1:
            raise ConfigError("functions: families to be united must be of one dimension")
        names = ["one", *(name for family in families for name in family.names[1:])]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"functions: the name {twice[0]} would stand for two of them")
        known: dict[tuple[int, ...], int] = {(0,) * families[0].q.shape[1]: 0}
        for row in np.concatenate([family.q for family in families]):
            known.setdefault(_representative(row), len(known))
        coefficients = np.zeros((len(names), len(known)), dtype=np.complex128)
        coefficients[0, 0] = 1.0
        first = 1
        for family in families:
            block = coefficients[first : first + len(family.names) - 1]
            for row, column in zip(family.q, family.coefficients[1:].T, strict=True):
                same = _representative(row) == tuple(row)
                block[:, known[_representative(row)]] = column if same else np.conj(column)
            first += len(block)
        return cls(tuple(names), np.array(list(known), dtype=np.int64), coefficients)

    def values(self, fractional: Real) -> Real:
        """φ at fractional coordinates (..., d); shape (n_phi, ...)."""
        waves = np.exp(2j * np.pi * fractional @ self.q.T)
        return np.asarray(np.moveaxis((waves @ self.coefficients.T).real, -1, 0))

    def smear(self, modes: Modes) -> Real:
        """∫ φ B for modes B_hat(q) of shape (..., n_q, c); shape (..., n_phi, c)."""
        return np.einsum("fq,...qc->...fc", np.conj(self.coefficients), modes).real


def _representative(q: Integer) -> tuple[int, ...]:
    """That of the pair ±q whose first component other than zero is positive."""
    row = tuple(int(component) for component in q)
    opposite = tuple(-component for component in row)
    return max(row, opposite)
