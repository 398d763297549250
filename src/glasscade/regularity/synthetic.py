"""Seeded random fields whose Besov exponents are known exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.transforms import irfftn, rfftn

Real = npt.NDArray[np.float64]


def fractional(shape: tuple[int, ...], hurst: float, rng: np.random.Generator) -> Real:
    """Periodic fractional Brownian field: Gaussian, with spectrum |k|^{-2H-d}.

    White noise is multiplied by |k|^{-(H + d/2)}, k = 0 dropped. Grid spacings are equal along
    all axes, so the field is isotropic for any shape, odd sizes and rectangles included. H may
    be negative: the field is then a distribution cut off at the grid.

    Parameters
    ----------
    shape : (n_1, ..., n_d)
        Grid of dimension d = 1, 2 or 3.
    hurst : float
        The exponent H; see `fractional_exponent`.
    rng : numpy.random.Generator
        Source of the white noise.

    Returns
    -------
    (n_1, ..., n_d)
        Real values with zero mean and unit variance over the grid.

    Raises
    ------
    ConfigError
        If the shape is not that of a 1D, 2D or 3D grid of at least two points per axis.
    """
    if len(shape) not in (1, 2, 3) or min(shape) < 2:
        raise ConfigError(f"shape: a grid needs 1 to 3 axes of at least 2 points, not {shape}")
    axes = [np.fft.fftfreq(n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1])]
    squared = sum(np.square(k) for k in np.ix_(*axes))
    amplitude = np.zeros(np.shape(squared))
    nonzero = squared > 0.0
    amplitude[nonzero] = squared[nonzero] ** (-0.5 * (hurst + 0.5 * len(shape)))
    values = irfftn(rfftn(rng.standard_normal(shape)) * amplitude, shape)
    return values / values.std()


def fractional_exponent(q: Real, hurst: float) -> Real:
    """xi_q = H for every q: increments of a Gaussian field are Gaussian at every scale."""
    return np.full_like(q, hurst)


def step(n: int, jumps: int, rng: np.random.Generator) -> Real:
    """1D periodic telegraph field: plateaus of alternating sign between `jumps` random places.

    Each jump is placed at random in the first half of its own interval of n/jumps points, so
    that plateaus are at least n/(2 jumps) long; below that separation
    ``<|f(x+r)-f(x)|^q> ∝ r`` exactly.

    Returns
    -------
    (n,)
        Values with zero mean and unit variance over the grid.

    Raises
    ------
    ConfigError
        If `jumps` is odd (the field could not be periodic), below 2 or above n/4.
    """
    if jumps < 2 or jumps % 2 or 4 * jumps > n:
        raise ConfigError(f"jumps: must be even and from 2 to {n // 4} on {n} points, not {jumps}")
    places = ((np.arange(jumps) + 0.5 * rng.random(jumps)) * (n / jumps)).astype(np.int64)
    sign = np.where(np.searchsorted(places, np.arange(n), side="right") % 2, 1.0, -1.0)
    values = sign - sign.mean()
    return np.asarray(values / values.std())


def step_exponent(q: Real) -> Real:
    """xi_q = 1/q: a fraction ∝ r of all increments sees the same finite jump."""
    return np.asarray(1.0 / q)
