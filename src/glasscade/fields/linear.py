"""Small waves about uniform densities: how fast they grow or decay, and below which T they grow.

Around means ρ_s a wave of small amplitudes a_s at wavevector k obeys, by Eqs. 11 and 25,

    da_s/dt = -k² Σ_s' (T δ_ss' + ρ_s V_hat_ss'(k)) a_s',

for one species at the rate σ(k) = -k² (T + ρ V_hat(k)). With a_s = ρ_s^½ b_s the matrix is
symmetric, so that the rates are real. The uniform state is unstable below the spinodal
temperature, the largest eigenvalue over all k of -(ρ_s ρ_s')^½ V_hat_ss'(k).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from glasscade.errors import ConfigError
from glasscade.potentials import Mixture

Real = npt.NDArray[np.float64]

SAMPLES_PER_RANGE = 64
"""Wavenumbers per 2π/cutoff at which the spinodal is first looked for: V_hat oscillates no faster
than cos(k·cutoff)."""
WAVES_IN_RANGE = 10
"""The search ends at k = 2π·10/cutoff: the extremes of V_hat shrink with k."""


ROUND_OFF = 1e-12
"""Of V_hat, relative to its largest value: less attraction than this is none."""


class NormalModes(NamedTuple):
    """The S waves at each of the given wavenumbers.

    Attributes
    ----------
    rates : (..., S)
        σ, the largest last.
    amplitudes : (..., S, S)
        a_s of each wave in the columns, of any length.
    """

    rates: Real
    amplitudes: Real


class Spinodal(NamedTuple):
    """Where the uniform state becomes unstable.

    Attributes
    ----------
    temperature : float
        Zero if it is stable at every T > 0.
    wavenumber : float
        Of the wave that grows first; NaN if none does.
    """

    temperature: float
    wavenumber: float


def normal_modes(
    k: Real, means: Sequence[float], mixture: Mixture, temperature: float, dim: int
) -> NormalModes:
    """Growth rates σ(k) of small waves about uniform densities, and their amplitudes.

    Parameters
    ----------
    k : (...)
        Wavenumbers |k|, in 1/ℓ₀.
    means : (S,)
        ρ_s > 0, in ℓ₀^-d.
    mixture : Mixture
    temperature : float
        T >= 0.
    dim : int
        Dimension of space.

    Raises
    ------
    ConfigError
        If a mean density is not positive, or there are not as many as species.
    """
    wavenumbers = np.asarray(k, dtype=np.float64)
    roots = _roots(means, mixture)
    symmetric = _coupling(wavenumbers, roots, mixture, dim) + temperature * np.eye(len(roots))
    rates, vectors = np.linalg.eigh(-(wavenumbers[..., None, None] ** 2) * symmetric)
    return NormalModes(rates, roots[:, np.newaxis] * vectors)


def spinodal(means: Sequence[float], mixture: Mixture, dim: int, k: Real | None = None) -> Spinodal:
    """The temperature max_k max eig[-(ρ_s ρ_s')^½ V_hat_ss'(k)].

    Parameters
    ----------
    means : (S,)
        ρ_s > 0, in ℓ₀^-d.
    mixture : Mixture
    dim : int
        Dimension of space.
    k : (n,), optional
        The wavenumbers of a cell, without zero, to which waves are confined; by default all, as
        in an infinite system. Potentials with a period have no others than those of their cell.

    Raises
    ------
    ConfigError
        If a mean density is not positive, or there are not as many as species.
    """
    roots = _roots(means, mixture)

    def attraction(k: Real) -> Real:
        return np.asarray(-np.linalg.eigvalsh(_coupling(k, roots, mixture, dim))[..., 0])

    spacing = 2.0 * np.pi / (SAMPLES_PER_RANGE * mixture.cutoff)
    everywhere = spacing * np.arange(1.0, SAMPLES_PER_RANGE * WAVES_IN_RANGE + 1.0)
    samples = np.asarray(everywhere if k is None else k, dtype=np.float64)
    values = attraction(samples)
    best = float(samples[np.argmax(values)])
    if k is None:
        best = minimize_scalar(
            lambda x: -float(attraction(np.array([x]))[0]),
            bounds=(best - spacing, best + spacing),
            method="bounded",
            options={"xatol": 1e-8 * best},
        ).x
    temperature = float(attraction(np.array([best]))[0])
    if temperature <= ROUND_OFF * np.max(np.abs(values)):
        return Spinodal(0.0, float("nan"))
    return Spinodal(temperature, float(best))


def _roots(means: Sequence[float], mixture: Mixture) -> Real:
    """ρ_s^½."""
    values = np.array(means, dtype=np.float64)
    if values.shape != (mixture.species,) or not np.all(values > 0.0):
        raise ConfigError(
            f"means: {values.tolist()} must be {mixture.species} positive densities, one for each "
            "species"
        )
    return np.sqrt(values)


def _coupling(k: Real, roots: Real, mixture: Mixture, dim: int) -> Real:
    """(ρ_s ρ_s')^½ V_hat_ss'(k), (..., S, S)."""
    coupling = np.empty((*k.shape, len(roots), len(roots)))
    for a, b, potential in mixture.pairs():
        coupling[..., a, b] = -roots[a] * roots[b] * potential.virial(k, dim)[0]
    return coupling
