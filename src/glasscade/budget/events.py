"""Time integrals over a plastic event, from outputs along the path of its particles.

An event lasts from one state at rest to another, in principle for ever, and nothing happens most
of the time. In its path s = ∫|v|dt it is finite, and a rate that vanishes at rest,

    ∫ f dt = ∫ (f/|v|) ds,

has a density f/|v| that stays bounded. W_ℓ + Q^flux_ℓ is such a rate. W_ℓ and Q^flux_ℓ alone
are not: a packing at rest has both, equal and opposite, and their integrals grow with its rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]


def integral(rate: Real, path: Real, speed: Real) -> tuple[Real, Real]:
    """∫ f dt of a rate that vanishes at rest, and the estimated size of its error.

    The trapezoid rule for f/|v| against the path: contacts that open or close leave kinks, for
    which no rule has an order above 2. A third of the change from every second output is the error.

    Parameters
    ----------
    rate : (..., K + 1)
        f at the outputs; K is even.
    path, speed : (K + 1,)
        s and |v|, the latter positive.

    Returns
    -------
    (...), (...)
    """
    density = rate / speed
    value, coarse = (
        np.asarray(np.trapezoid(density[..., ::stride], path[::stride], axis=-1))
        for stride in (1, 2)
    )
    return value, np.abs(value - coarse) / 3.0
