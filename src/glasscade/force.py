"""The force field of a density and the interaction current.

    F_s(x) = Σ_s' ∫ ∇V_ss'(x - x') ρ_s'(x') dx',

minus the force on a particle of species s; the current it drives is -ρ_s F_s.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.jit import jit
from glasscade.potentials import Mixture, Potential
from glasscade.transforms import Modes, irfftn, products, rfftn

Real = npt.NDArray[np.float64]


def potential_hat(potential: Potential, k: Real) -> Real:
    """V_hat(k) for wavevectors of shape (d, ...): minus the transverse part of W_hat."""
    return -potential.virial(np.linalg.norm(k, axis=0), k.shape[0])[0]


def pair_transforms(mixture: Mixture, k: Real) -> Real:
    """V_hat_ss'(k) of all pairs for wavevectors of shape (d, ...), (S, S, ...)."""
    potentials, which = mixture.distinct()
    return np.array([potential_hat(potential, k) for potential in potentials])[which]


class MeanField:
    """Φ_s = Σ_s' V_ss' * ρ_s' of densities on a grid, with V_hat at the modes of the grid.

    Attributes
    ----------
    wavevectors : (d, *half)
        Of the half spectrum of the grid.
    potential : (S, S, *half)
        V_hat_ss' there.
    """

    def __init__(self, mixture: Mixture, cell: Cell, shape: tuple[int, ...]) -> None:
        axes = [np.fft.fftfreq(n, 1.0 / n) for n in shape[:-1]]
        axes.append(np.fft.rfftfreq(shape[-1], 1.0 / shape[-1]))
        self.wavevectors = cell.reciprocal(np.array(np.meshgrid(*axes, indexing="ij")))
        self.potential = pair_transforms(mixture, self.wavevectors)
        self._shape = shape

    def __call__(self, density: Real) -> Real:
        """Φ_s of ρ_s, both (S, *grid)."""
        half = rfftn(density, len(self._shape))
        return irfftn(np.einsum("st...,t...->s...", self.potential, half), self._shape)


@jit
def multiply(potential: Real, density: Modes, field: Modes) -> None:
    """Σ_s' V_hat_ss'(p) ρ_hat_s'(p), potential and density (S, modes)."""
    field[:] = 0.0
    for t in range(density.shape[0]):
        factor, other = potential[t], density[t]
        for i in range(field.size):
            field[i] += factor[i] * other[i]


@jit
def differentiate(field: Modes, wave: Real, component: Modes) -> None:
    """i p_k f_hat(p)."""
    for i in range(wave.size):
        component[i] = complex(-wave[i] * field[i].imag, wave[i] * field[i].real)


class ForceField:
    """ρ_s -> F_s on the modes of a cell: a multiplication by i p V_hat_ss'(p)."""

    def __init__(self, mixture: Mixture, cell: Cell, counts: tuple[int, ...]) -> None:
        self.cell = cell
        self.wavevectors = cell.wavevectors(counts)
        self.potential = pair_transforms(mixture, self.wavevectors)

    def force(self, density: Modes) -> Modes:
        """F_s from ρ_s: (S, modes) to (S, d, modes)."""
        forces = np.empty((len(density), *self.wavevectors.shape), dtype=np.complex128)
        for s, rows in enumerate(forces):
            for _ in self._components(density, s, rows):
                pass
        return forces

    def force_density(self, density: Modes, out: Modes | None = None) -> Modes:
        """ρ_s F_s free of aliasing: (S, modes) to (S, d, modes), the latter in `out` if given.

        Raises
        ------
        ValueError
            If the modes of a component do not lie one behind the other in `out`.
        """
        result = out
        if result is not None and not result[0, 0].flags.c_contiguous:
            raise ValueError("force_density: modes must be contiguous in out")
        if result is None:
            result = np.empty((len(density), *self.wavevectors.shape), dtype=np.complex128)
        for s, rows in enumerate(result):
            products(density[s], self._components(density, s, rows), self.cell, rows)
        return result

    def _components(self, density: Modes, s: int, rows: Modes) -> Iterator[Modes]:
        """F_{s,k}, one k after the other into a row, just before it is needed."""
        field = np.empty(density[s].shape, dtype=np.complex128)
        flat = density.reshape(len(density), -1)
        multiply(self.potential[s].reshape(flat.shape), flat, field.ravel())
        for wave, row in zip(self.wavevectors, rows, strict=True):
            differentiate(field.ravel(), wave.ravel(), row.reshape(-1))
            yield row
