"""Smooth, positive, seeded initial densities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]


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
    density = np.exp(contrast * exponent / np.std(exponent))
    return np.asarray(mean * density / np.mean(density))
