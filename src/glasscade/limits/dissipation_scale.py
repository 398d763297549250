"""At which scale a stress change is resolved: R(ℓ) = Δσ_ℓ / Δσ_{ℓ→0} and where it crosses x."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from glasscade.limits.extrapolation import Limit
from glasscade.regularity.fits import interval

Real = npt.NDArray[np.float64]


def crossing(ell: Real, resolved: Real, fraction: float) -> tuple[float, float]:
    """The smallest ℓ at which R falls through `fraction`, by two interpolations in ln ℓ.

    Monotone cubic and linear interpolation; their difference measures what the spacing of the
    scales leaves open. NaN where R does not cross within the range of ℓ.

    Parameters
    ----------
    ell : (n,)
        Positive, increasing.
    resolved : (n,)
        R(ℓ).
    """
    below = np.flatnonzero(resolved < fraction)
    if below.size == 0 or below[0] == 0:
        return np.nan, np.nan
    right = int(below[0])
    x = np.log(ell)
    linear = np.interp(fraction, resolved[[right, right - 1]], x[[right, right - 1]])
    cubic = PchipInterpolator(x, resolved)
    root = brentq(lambda u: float(cubic(u)) - fraction, x[right - 1], x[right])
    return float(np.exp(root)), float(np.exp(linear))


def dissipation_scale(
    ell: Real, resolved: Real, fraction: float, level: float, deterministic: bool
) -> Limit:
    """ℓ at which R = `fraction`, with an interval.

    Parameters
    ----------
    ell : (n,)
    resolved : (realisations, n)
    level : float
        Confidence level over realisations.
    deterministic : bool
        Whether there is nothing to average over.

    Returns
    -------
    Limit
        NaN if any realisation does not cross.
    """
    roots = np.array([crossing(ell, row, fraction) for row in resolved])
    value = float(np.mean(roots[:, 0]))
    half = float(np.abs(np.mean(roots[:, 0] - roots[:, 1])))
    if not deterministic:
        half = float(np.hypot(half, interval(roots[:, 0], level).half_width))
    low, high = float(ell[0]), float(ell[-1])
    return Limit(value, value - half, value + half, low, high, len(resolved))
