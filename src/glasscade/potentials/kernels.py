"""Pair potentials as compiled scalar functions: V(r) and its first three derivatives, r >= 0.

A potential is an integer `kind` and a row of parameters; the branch on `kind` sits inside
module-level functions because numba caches those on disk, unlike closures. Rows of different
kinds have different lengths; in a table of pairs the short ones are padded with zeros at the end.
V'(0) = V'''(0) = 0 by convention, also where V' jumps there: a particle exerts no force on
itself.

=============  ============================================  ======================================
kind           row                                           V(r)
=============  ============================================  ======================================
HARMONIC       strength, diameter, core radius               strength/2 (1 - r/diameter)² inside the
                                                             diameter; V' is linear inside the core
GAUSSIAN       strength, width                               strength exp(-(r/width)²)
CONE           strength, period                              strength (r - r²/period)
TABULATED      number of segments; for each its end, pieces  a polynomial of degree 5 in the
               per length and the position of its            distance from the start of a piece
               coefficients; the coefficients
HERTZIAN       strength, diameter, core radius               2/5 strength (1 - r/diameter)^{5/2}
                                                             with a core like that of HARMONIC
GEM            strength, width, exponent                     strength exp(-(r/width)^exponent)
LENNARD_JONES  strength, diameter, cap, a₀, a₂, a₄,          4 strength (s¹² - s⁶) + shift, with
               inner radius, outer radius, shift, C₀ ... C₄  s = diameter/r; between the radii
                                                             C₀ + C₁x + ... + C₄x⁴, x = r - inner
INVERSE_POWER  strength, diameter, cap, a₀, a₂, a₄, reach,   strength (s^exponent + c₀ + c₂/s²
               exponent, c₀, c₂, c₄                          + c₄/s⁴), s = diameter/r
RIESZ          strength, order s, half period a              -strength (r^{s-1}/(s-1)
                                                             - r² a^{s-3}/2), or log r at s = 1
FREE_CONE      strength, reach                               strength (r - reach), 0 beyond the
                                                             reach
=============  ============================================  ======================================

Below their cap, LENNARD_JONES and INVERSE_POWER are a₀ + a₂r² + a₄r⁴.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasscade.jit import jit

HARMONIC = 0
GAUSSIAN = 1
CONE = 2
TABULATED = 3
HERTZIAN = 4
GEM = 5
LENNARD_JONES = 6
INVERSE_POWER = 7
RIESZ = 8
FREE_CONE = 9

LEAST = {
    HARMONIC: 3,
    GAUSSIAN: 2,
    CONE: 2,
    TABULATED: 10,
    HERTZIAN: 3,
    GEM: 3,
    LENNARD_JONES: 14,
    INVERSE_POWER: 11,
    RIESZ: 3,
    FREE_CONE: 2,
}
"""Entries that a row of each kind has at least; compiled code does not notice missing ones."""
DEGREE = 5
"""Of the pieces of a tabulated potential: three derivatives are continuous and one to spare."""

Parameters = npt.NDArray[np.float64]
Jet = tuple[float, float, float, float]


@jit
def value(kind: int, r: float, p: Parameters) -> float:
    """V(r)."""
    if kind == HARMONIC:
        return _harmonic(r, p)[0]
    if kind == GAUSSIAN:
        return _gaussian(r, p)[0]
    return _less_common(kind, r, p)[0]


@jit
def slope(kind: int, r: float, p: Parameters) -> float:
    """V'(r), with V'(0) = 0."""
    if r == 0.0:
        return 0.0
    if kind == HARMONIC:
        return _harmonic(r, p)[1]
    if kind == GAUSSIAN:
        return _gaussian(r, p)[1]
    return _less_common(kind, r, p)[1]


@jit
def curvature(kind: int, r: float, p: Parameters) -> float:
    """V''(r), away from the kinks of V'."""
    if kind == HARMONIC:
        return _harmonic(r, p)[2]
    if kind == GAUSSIAN:
        return _gaussian(r, p)[2]
    return _less_common(kind, r, p)[2]


@jit
def third(kind: int, r: float, p: Parameters) -> float:
    """V'''(r), away from the kinks of V' and V'', with V'''(0) = 0."""
    if r == 0.0:
        return 0.0
    if kind == HARMONIC:
        return _harmonic(r, p)[3]
    if kind == GAUSSIAN:
        return _gaussian(r, p)[3]
    return _less_common(kind, r, p)[3]


@jit
def sample(order: int, kind: int, r: Parameters, p: Parameters) -> Parameters:
    """The derivative of V of an order from 0 to 3 at the distances r (n,)."""
    out = np.empty_like(r)
    for k in range(r.size):
        if order == 0:
            out[k] = value(kind, r[k], p)
        elif order == 1:
            out[k] = slope(kind, r[k], p)
        elif order == 2:
            out[k] = curvature(kind, r[k], p)
        else:
            out[k] = third(kind, r[k], p)
    return out


@jit
def _less_common(kind: int, r: float, p: Parameters) -> Jet:
    """(V, V', V'', V''') of the other kinds, apart so that the four above stay short.

    Only short functions are inlined, and what their caller drops is then not computed.
    """
    if kind == CONE:
        return _cone(r, p)
    if kind == TABULATED:
        return _tabulated(r, p)
    if kind == HERTZIAN:
        return _hertzian(r, p)
    if kind == GEM:
        return _gem(r, p)
    if kind == LENNARD_JONES:
        return _lennard_jones(r, p)
    if kind == INVERSE_POWER:
        return _inverse_power(r, p)
    if kind == FREE_CONE:
        return _free_cone(r, p)
    return _riesz(r, p)


@jit
def _harmonic(r: float, p: Parameters) -> Jet:
    strength, diameter, core = p[0], p[1], p[2]
    if r >= diameter:
        return 0.0, 0.0, 0.0, 0.0
    if r >= core:
        gap = 1.0 - r / diameter
        stiffness = strength / (diameter * diameter)
        return 0.5 * strength * gap**2, -strength / diameter * gap, stiffness, 0.0
    gap = 1.0 - core / diameter
    return _linear_core(r, core, 0.5 * strength * gap**2, -strength / diameter * gap)


@jit
def _hertzian(r: float, p: Parameters) -> Jet:
    strength, diameter, core = p[0], p[1], p[2]
    if r >= diameter:
        return 0.0, 0.0, 0.0, 0.0
    gap = 1.0 - max(r, core) / diameter
    root = math.sqrt(gap)
    v0, v1 = 0.4 * strength * gap * gap * root, -strength / diameter * gap * root
    if r < core:
        return _linear_core(r, core, v0, v1)
    return v0, v1, 1.5 * strength / diameter**2 * root, -0.75 * strength / diameter**3 / root


@jit
def _linear_core(r: float, core: float, at_core: float, slope_at_core: float) -> Jet:
    """V' linear in r inside the core radius, with V and V' continuous there."""
    stiffness = slope_at_core / core
    return at_core + 0.5 * stiffness * (r * r - core * core), stiffness * r, stiffness, 0.0


@jit
def _gaussian(r: float, p: Parameters) -> Jet:
    strength, width = p[0], p[1]
    u = (r / width) ** 2
    v0 = strength * math.exp(-u)
    unit = 2.0 * v0 / (width * width)
    return v0, -unit * r, unit * (2.0 * u - 1.0), 2.0 * unit * r / (width * width) * (3.0 - 2.0 * u)


@jit
def _gem(r: float, p: Parameters) -> Jet:
    """With y = (r/width)^n: V' = -V n y/r, V'' = V n y (n y - n + 1)/r²; y/r² is finite at 0."""
    strength, width, n = p[0], p[1], p[2]
    x = r / width
    y = x**n
    v0 = strength * math.exp(-y)
    v1 = -v0 * n * x ** (n - 1.0) / width
    v2 = v0 * n * x ** (n - 2.0) * (n * y - n + 1.0) / width**2
    polynomial = -((n * y) ** 2) + 3.0 * n * (n - 1.0) * y - (n - 1.0) * (n - 2.0)
    return v0, v1, v2, v0 * n * x ** (n - 3.0) * polynomial / width**3


@jit
def _cone(r: float, p: Parameters) -> Jet:
    strength, period = p[0], p[1]
    return (
        strength * (r - r * r / period),
        strength * (1.0 - 2.0 * r / period),
        -2.0 * strength / period,
        0.0,
    )


@jit
def _free_cone(r: float, p: Parameters) -> Jet:
    strength, reach = p[0], p[1]
    if r >= reach:
        return 0.0, 0.0, 0.0, 0.0
    return strength * (r - reach), strength, 0.0, 0.0


@jit
def _riesz(r: float, p: Parameters) -> Jet:
    strength, s, a = p[0], p[1], p[2]
    background = a ** (s - 3.0)
    bare = math.log(r) if s == 1.0 else r ** (s - 1.0) / (s - 1.0)
    return (
        -strength * (bare - 0.5 * background * r * r),
        -strength * (r ** (s - 2.0) - background * r),
        -strength * ((s - 2.0) * r ** (s - 3.0) - background),
        -strength * (s - 2.0) * (s - 3.0) * r ** (s - 4.0),
    )


@jit
def _lennard_jones(r: float, p: Parameters) -> Jet:
    strength, diameter = p[0], p[1]
    if r >= p[7]:
        return 0.0, 0.0, 0.0, 0.0
    if r < p[2]:
        return _even_core(r, p)
    if r > p[6]:
        x = r - p[6]
        return (
            p[9] + x * (p[10] + x * (p[11] + x * (p[12] + x * p[13]))),
            p[10] + x * (2.0 * p[11] + x * (3.0 * p[12] + x * 4.0 * p[13])),
            2.0 * p[11] + x * (6.0 * p[12] + x * 12.0 * p[13]),
            6.0 * p[12] + x * 24.0 * p[13],
        )
    attraction = 4.0 * strength * (diameter / r) ** 6
    repulsion = attraction * (diameter / r) ** 6
    return (
        repulsion - attraction + p[8],
        (-12.0 * repulsion + 6.0 * attraction) / r,
        (156.0 * repulsion - 42.0 * attraction) / r**2,
        (-2184.0 * repulsion + 336.0 * attraction) / r**3,
    )


@jit
def _inverse_power(r: float, p: Parameters) -> Jet:
    strength, diameter, n = p[0], p[1], p[7]
    if r >= p[6]:
        return 0.0, 0.0, 0.0, 0.0
    if r < p[2]:
        return _even_core(r, p)
    x = r / diameter
    u, power = x * x, strength * x ** (-n)
    return (
        power + strength * (p[8] + u * (p[9] + u * p[10])),
        (-n * power + strength * u * (2.0 * p[9] + u * 4.0 * p[10])) / r,
        (n * (n + 1.0) * power + strength * u * (2.0 * p[9] + u * 12.0 * p[10])) / r**2,
        (-n * (n + 1.0) * (n + 2.0) * power + strength * u * u * 24.0 * p[10]) / r**3,
    )


@jit
def _even_core(r: float, p: Parameters) -> Jet:
    """a₀ + a₂r² + a₄r⁴ below a cap: bounded, and with V' and V'' continuous."""
    u, a2, a4 = r * r, p[4], p[5]
    return (
        p[3] + u * (a2 + u * a4),
        r * (2.0 * a2 + u * 4.0 * a4),
        2.0 * a2 + u * 12.0 * a4,
        r * 24.0 * a4,
    )


@jit
def _tabulated(r: float, p: Parameters) -> Jet:
    """Pieces of equal length in each segment, so that finding the piece is one product."""
    segments = int(p[0])
    start, segment = 0.0, 0
    while segment < segments and r >= p[1 + 3 * segment]:
        start = p[1 + 3 * segment]
        segment += 1
    if segment == segments:
        return 0.0, 0.0, 0.0, 0.0
    end, density, position = p[1 + 3 * segment], p[2 + 3 * segment], int(p[3 + 3 * segment])
    # Round-off of the product must lead neither below the first piece nor beyond the last.
    pieces = int((end - start) * density + 0.5)
    piece = min(int((r - start) * density), pieces - 1)
    x = r - (start + piece / density)
    c = p[position + (DEGREE + 1) * piece : position + (DEGREE + 1) * (piece + 1)]
    return (
        c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * (c[4] + x * c[5])))),
        c[1] + x * (2.0 * c[2] + x * (3.0 * c[3] + x * (4.0 * c[4] + x * 5.0 * c[5]))),
        2.0 * c[2] + x * (6.0 * c[3] + x * (12.0 * c[4] + x * 20.0 * c[5])),
        6.0 * c[3] + x * (24.0 * c[4] + x * 60.0 * c[5]),
    )
