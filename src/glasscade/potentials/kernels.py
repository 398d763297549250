"""Pair potentials as compiled scalar functions: V(r), V'(r) and V''(r), r >= 0.

A potential is an integer `kind` and a row of four parameters; the branch on `kind` sits inside
module-level functions because numba caches those on disk, unlike closures.
V'(0) is 0 by convention, also where V' jumps there: a particle exerts no force on itself.

===========  ==============================  ============================================
kind         parameters                      V(r)
===========  ==============================  ============================================
HARMONIC     strength, diameter, core radius strength/2 (1 - r/diameter)^2 for r < diameter;
                                             for r < core radius V' is linear in r
GAUSSIAN     strength, width                 strength exp(-(r/width)^2)
CONE         strength, period                strength (r - r^2/period)
===========  ==============================  ============================================
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasscade.jit import jit

HARMONIC = 0
GAUSSIAN = 1
CONE = 2

Parameters = npt.NDArray[np.float64]


@jit
def value(kind: int, r: float, p: Parameters) -> float:
    """V(r)."""
    if kind == HARMONIC:
        if r >= p[1]:
            return 0.0
        if r >= p[2]:
            return 0.5 * p[0] * (1.0 - r / p[1]) ** 2
        at_core = 0.5 * p[0] * (1.0 - p[2] / p[1]) ** 2
        stiffness = -p[0] / p[1] * (1.0 - p[2] / p[1]) / p[2]
        return at_core + 0.5 * stiffness * (r * r - p[2] * p[2])
    if kind == GAUSSIAN:
        return p[0] * math.exp(-((r / p[1]) ** 2))
    return p[0] * (r - r * r / p[1])


@jit
def slope(kind: int, r: float, p: Parameters) -> float:
    """V'(r), with V'(0) = 0."""
    if r == 0.0:
        return 0.0
    if kind == HARMONIC:
        if r >= p[1]:
            return 0.0
        if r >= p[2]:
            return -p[0] / p[1] * (1.0 - r / p[1])
        return -p[0] / p[1] * (1.0 - p[2] / p[1]) * (r / p[2])
    if kind == GAUSSIAN:
        return -2.0 * p[0] * r / (p[1] * p[1]) * math.exp(-((r / p[1]) ** 2))
    return p[0] * (1.0 - 2.0 * r / p[1])


@jit
def curvature(kind: int, r: float, p: Parameters) -> float:
    """V''(r), away from the kinks of V'."""
    if kind == HARMONIC:
        if r >= p[1]:
            return 0.0
        if r >= p[2]:
            return p[0] / (p[1] * p[1])
        return -p[0] / p[1] * (1.0 - p[2] / p[1]) / p[2]
    if kind == GAUSSIAN:
        u = (r / p[1]) ** 2
        return 2.0 * p[0] / (p[1] * p[1]) * (2.0 * u - 1.0) * math.exp(-u)
    return -2.0 * p[0] / p[1]
