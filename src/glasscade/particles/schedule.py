"""Output times evenly spaced in the logarithm of time, as slow relaxation asks for."""

from __future__ import annotations

import math


def log_spaced(last: int, count: int, onset: float) -> list[int]:
    """`count` distinct steps from 0 to `last`, evenly spaced in ln(1 + step/onset).

    That is linear well below the onset and logarithmic above it. Where the series is denser than
    the steps, at its beginning, every step is taken.

    Parameters
    ----------
    last : int
        The last step, at least count - 1.
    count : int
        How many steps, at least 2.
    onset : float
        Steps below which the spacing is even in time, positive.
    """
    span = math.log1p(last / onset) / (count - 1)
    steps = [0]
    for position in range(1, count):
        steps.append(max(round(onset * math.expm1(span * position)), steps[-1] + 1))
    steps[-1] = last
    return steps
