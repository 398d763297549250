"""At which scale a stress change is resolved: R(ℓ) = Δσ_ℓ / Δσ_{ℓ→0} and where it crosses x."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from glasscade.limits.extrapolation import Limit
from glasscade.regularity.fits import interval

Real = npt.NDArray[np.float64]


def crossing(ell: Real, resolved: Real, fraction: float) -> tuple[float, float]:
    """The smallest ℓ at which R falls through `fraction`, and what the spacing of ℓ leaves open.

    A cubic spline in ln ℓ gives the first; the second is its largest distance from the straight
    line between the scales on either side, as a distance in ℓ. (The difference of the two
    crossings would not do: it may vanish by symmetry, and does near R = 1/2.) NaN where R does
    not cross within the range of ℓ.

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
    x, right = np.log(ell), int(below[0])
    curve = CubicSpline(x, resolved)
    root = brentq(lambda u: float(curve(u)) - fraction, x[right - 1], x[right])
    between = np.linspace(x[right - 1], x[right], 33)
    distance = np.max(np.abs(curve(between) - np.interp(between, x, resolved)))
    steepness = (resolved[right - 1] - resolved[right]) / (x[right] - x[right - 1])
    return float(np.exp(root)), float(np.exp(root) * distance / steepness)


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
    spacing = float(np.mean(roots[:, 1]))
    scatter = 0.0 if deterministic else float(interval(roots[:, 0], level).half_width)
    window = float(ell[0]), float(ell[-1])
    return Limit.around(value, scatter, spacing, window, len(resolved))
