"""Smooth, positive initial densities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.transforms import modes_to_grid

Real = npt.NDArray[np.float64]

HIGHEST_WAVE = 3.0
"""Highest wavevector of disorder in units of 2π/shortest, where its amplitude is exp(-9/2)."""


def smooth_density(shape: tuple[int, ...], mean: float, contrast: float, seed: int) -> Real:
    """ρ(x) ∝ exp(Σ_i a_i(s_i)) with a_i a seeded sum of the three longest waves along axis i.

    Analytic and positive; the mean over the grid is `mean` exactly, and `contrast` is the
    standard deviation of the exponent.
    """
    generator = np.random.default_rng(seed)
    exponent = np.zeros(shape)
    s = [np.arange(n) / n for n in shape]
    for axis, coordinate in enumerate(s):
        for harmonic in (1, 2, 3):
            amplitude, phase = generator.standard_normal(), generator.random()
            wave = amplitude / harmonic * np.cos(2.0 * np.pi * (harmonic * coordinate + phase))
            exponent += wave.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return _exponential(exponent, mean, contrast)


def _exponential(exponent: Real, mean: float, contrast: float) -> Real:
    """exp of the exponent, which gets the deviation `contrast`, with this mean over the grid."""
    density = np.exp(contrast * exponent / np.std(exponent))
    return np.asarray(mean * density / np.mean(density))


def disordered_density(
    shape: tuple[int, ...], cell: Cell, mean: float, contrast: float, shortest: float, seed: int
) -> Real:
    """ρ(x) ∝ exp(a(x)), a a Gaussian random field of the spectrum exp(-(k shortest/2π)²).

    White above the wavelength `shortest`, and smooth: no order of any kind to start from. The mean
    over the grid is `mean` exactly, and `contrast` the standard deviation of a. The same function
    on every grid that holds its modes, which reach to a third of that wavelength.

    Raises
    ------
    ResolutionError
        If the grid does not.
    """
    lengths = np.linalg.norm(cell.matrix, axis=0)
    counts = tuple(math.ceil(HIGHEST_WAVE * length / shortest) for length in lengths)
    generator = np.random.default_rng(seed)
    draws = generator.standard_normal((2, *(2 * m + 1 for m in counts)))
    waves = draws[0] + 1j * draws[1]
    squares = np.sum(cell.wavevectors(counts) ** 2, axis=0)
    waves = waves * np.exp(-0.5 * squares * (shortest / (2.0 * math.pi)) ** 2)
    waves[counts] = 0.0  # the mean
    exponent = modes_to_grid(waves + np.conj(np.flip(waves)), cell, shape)
    return _exponential(exponent, mean, contrast)


@dataclass(frozen=True)
class Bump:
    """mass (2π width²)^{-d/2} exp(-|x - centre|²/2 width²) and its periodic images.

    Attributes
    ----------
    centre : (d,)
        Fractional coordinates.
    width, mass : float
        Standard deviation along every axis; ∫ over the cell.
    """

    centre: tuple[float, ...]
    width: float
    mass: float


def bumps_density(shape: tuple[int, ...], cell: Cell, bumps: Iterable[Bump]) -> Real:
    """The sum of the bumps on a grid, of which the nearest images of each are counted.

    For bumps narrower than about an eighth of the cell.
    """
    axes = [np.arange(n) / n for n in shape]
    s = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    density = np.zeros(shape)
    for bump in bumps:
        nearest = s - np.array(bump.centre)
        nearest -= np.round(nearest)
        scale = bump.mass / (2.0 * math.pi * bump.width**2) ** (0.5 * cell.dim)
        for image in itertools.product((-1.0, 0.0, 1.0), repeat=cell.dim):
            separation = cell.cartesian(nearest + np.array(image))
            squares = np.sum(separation**2, axis=-1)
            density += scale * np.exp(-0.5 * squares / bump.width**2)
    return density
