"""What holds for every pair potential: the shared checks of registered and of new classes.

Each check takes one potential and fails with a sentence that says what is wrong with it.
"""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
from scipy.integrate import quad_vec
from scipy.special import j0, j1, spherical_jn

from glasscade.potentials import POTENTIALS, Mixture, kernels

SURFACE = {1: 2.0, 2: 2.0 * np.pi, 3: 4.0 * np.pi}
ISOTROPIC = {1: np.cos, 2: j0, 3: lambda z: np.sinc(z / np.pi)}
# of (y·e)² e^{-ik·y}/r² over directions, e across k (e = k in 1D), for z > 0
ACROSS = {
    1: lambda z: np.sinc(z / np.pi),
    2: lambda z: j1(z) / z,
    3: lambda z: spherical_jn(1, z) / z,
}
# Small, ordinary, large; the first two straddle the switch of the cone to its series.
K = 2.0 * np.pi / 5.0 * np.array([0.1, 0.2, 1.0, 4.0, 31.0])
NAMES = ("V", "V'", "V''", "V'''")


def is_periodic(potential):
    """Whether the range is half a periodic line, with nothing outside it."""
    return hasattr(potential, "period")


def derivative(potential, order, r):
    function = (potential.value, potential.slope, potential.curvature, potential.third)[order]
    return function(r)


def check_declaration(potential):
    """Name, dimensions and breaks are sound; equal instances are one key of a cache."""
    assert POTENTIALS[potential.name] is type(potential), "the class is not the registered one"
    assert potential.dimensions, "it is defined in no dimension"
    assert set(potential.dimensions) <= {1, 2, 3}, "dimensions are 1, 2 and 3"
    breaks = np.array(potential.breaks)
    assert np.all(np.diff([0.0, *breaks]) > 0.0), "breaks must increase from above 0"
    assert breaks[-1] == potential.cutoff, "the last break must be the cutoff"
    assert np.all(np.isfinite(potential.parameters)), "parameters must be finite"
    least = kernels.LEAST[potential.kind]
    assert potential.parameters.size >= least, "the row is shorter than its kind needs"
    copy = pickle.loads(pickle.dumps(potential))
    assert copy == potential, "a copy must be equal"
    assert hash(copy) == hash(potential), "a copy must have the same hash"
    assert Mixture.single(potential).cutoff == potential.cutoff


def check_derivatives(potential):
    """∫_a^b V^(n+1) dr = V^(n)(b) - V^(n)(a) on pieces of all sizes: force = -dV/dr to round-off.

    The integrals are by Gauss-Legendre, without the error of a difference quotient. The pieces
    shrink towards the breaks, which they do not touch since a derivative may be singular there.
    """
    node, weight = np.polynomial.legendre.leggauss(24)
    place = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, 41)[1:-1])
    a, b = np.concatenate(
        [
            np.array(list(pairwise(low + (high - low) * place)))
            for low, high in pairwise((0.0, *potential.breaks))
        ]
    ).T
    representable = a > 1e-60 * potential.cutoff  # powers of smaller ones overflow
    a, b = a[representable], b[representable]
    half = 0.5 * (b - a)
    r = 0.5 * (a + b) + np.outer(node, half)
    for order in range(3):
        inner = derivative(potential, order + 1, r)
        difference = derivative(potential, order, b) - derivative(potential, order, a)
        size = np.abs(derivative(potential, order, a)) + half * np.max(np.abs(inner), axis=0)
        # Round-off of a few operations and of r; the pieces of a spline meet in jumps of V^(5),
        # which Gauss-Legendre does not see, and their coefficients have round-off of V over h^n.
        far = np.max(size[a > 0.01 * potential.cutoff])
        tolerance = 1e-12 * size + 1e-13 * far + 1e-15 * b * np.max(np.abs(inner), axis=0)
        if potential.kind == kernels.TABULATED:
            tolerance = 10.0 ** (2 * order) * tolerance
        wrong = np.abs(half * (weight @ inner) - difference) > tolerance
        message = f"{NAMES[order + 1]} is not the derivative of {NAMES[order]}"
        assert not np.any(wrong), f"{message} near r = {a[wrong]}"


def check_continuity(potential):
    """V and V' are continuous at the breaks, and V' vanishes from the last of them on.

    Where it is said to jump, V' must jump, and V must not.
    """
    edges = np.array(potential.breaks)
    step = 1e-11 * edges
    said = np.isin(edges, potential.jumps)
    assert np.sum(said) == len(potential.jumps), "jumps must be among the breaks"
    inside = edges[edges > 0.01 * potential.cutoff]
    for order in range(2):
        above = derivative(potential, order, edges + step)
        below = derivative(potential, order, edges - step)
        steepest = np.abs([derivative(potential, order + 1, edges + n * step) for n in (-1, 1)])
        change = 2.0 * step * np.max(steepest, axis=0)
        far = np.max(np.abs(derivative(potential, order, inside * (1.0 - 1e-3))))
        # the step itself, and round-off
        tolerance = 1.5 * change + 1e-12 * np.abs(below) + 1e-11 * far
        jump = np.abs(above - below)
        wrong = (jump > tolerance) != (said & (order == 1))
        assert not np.any(wrong), f"{NAMES[order]} jumps, or not as it is said, at {edges[wrong]}"
    r = np.linspace(0.0, potential.cutoff, 201)[1:]
    slope = np.abs(potential.slope(r))
    assert slope[-1] <= 1e-12 * np.max(slope), "V' does not vanish at the cutoff"
    if not is_periodic(potential):
        outside = np.linspace(1.0, 2.0, 201) * potential.cutoff
        virial = np.max(outside * np.abs(potential.slope(outside)))
        assert virial <= 1e-15 * np.max(r * slope), "V' does not vanish beyond the cutoff"


def check_centre(potential):
    """No self-force by convention, and V and V' are bounded at r = 0 if it is declared."""
    centre = np.zeros(1)
    assert potential.slope(centre) == 0.0, "V'(0) must be 0"
    assert potential.third(centre) == 0.0, "V'''(0) must be 0"
    near, nearer = np.abs(potential.slope(potential.cutoff * np.array([1e-6, 1e-12])))
    # a power of r below -0.05 would gain a factor of two
    assert (nearer <= 2.0 * near + 1e-9) == potential.bounded, "bounded is not what V' is"
    if potential.bounded:
        value = potential.value(potential.cutoff * np.array([0.0, 1e-12, 1e-3, 0.1, 0.5]))
        assert np.all(np.isfinite(value)), "V(0) must be finite"
        change = abs(value[1] - value[0])
        assert change <= 1e-10 * np.max(np.abs(value)), "V must be continuous at 0"


def integrate(potential, integrand):
    """∫ integrand(r) dr of an array, by adaptive Gauss-Kronrod quadrature between the breaks."""
    total = 0.0
    for low, high in pairwise((0.0, *potential.breaks)):
        # next to a singularity at 0 nothing but round-off is left of the integral
        goal = 5e-14 if high > 1e-12 * potential.cutoff else 1e-12
        total += quad_vec(integrand, low, high, epsabs=goal, epsrel=1e-14, norm="max", limit=400)[0]
    return total


def expected_transforms(potential, dim):
    """T, tr W_hat = (d-1) T + L, V_hat and S at `K`, all from their definitions."""
    edge = potential.value(np.array([potential.cutoff])).item()  # a constant exerts no force

    def integrand(r):
        z = K * r
        at = np.array([r])
        slope, value = potential.slope(at).item(), potential.value(at).item() - edge
        angular = r ** (dim - 1) * np.array(
            [r * slope * ACROSS[dim](z), r * slope * ISOTROPIC[dim](z), value * ISOTROPIC[dim](z)]
        )
        along = slope * r ** (dim - 1) * np.sin(z)
        return np.vstack([SURFACE[dim] * angular, along])

    return integrate(potential, integrand)


def check_transforms(potential):
    """Virial and directional transforms against adaptive quadrature of V' and of V."""
    for dim in potential.dimensions:
        across, trace, value, along = expected_transforms(potential, dim)
        T, L = potential.virial(K, dim)
        pairs = {
            "T is not its integral over V'": (T, across),
            "L is not its integral over V'": ((dim - 1) * T + L, trace),
            "V_hat is not -T": (-T, value),
        }
        largest = np.max(np.abs([across, trace]))
        for message, (computed, expected) in pairs.items():
            # both quadratures: round-off of a sum of some hundred terms; a spline's jumps of
            # V^(5) cost 3e-13
            error = np.max(np.abs(computed - expected))
            assert error <= 1e-12 * largest, f"{message} in {dim}D"
        error = np.max(np.abs(potential.directional(K, dim) - along))
        assert error <= 1e-12 * np.max(np.abs(along)), f"S is not its integral in {dim}D"
        error = np.max(np.abs(potential.directional(-K, dim) + along))
        assert error <= 1e-12 * np.max(np.abs(along)), f"S is not odd in {dim}D"


def check_affine(potential):
    """dT/dk and dL/dk against differences of T and L, and T' = (L - T)/k."""
    for dim in potential.dimensions:
        reach = potential.cutoff
        k, h = np.linspace(0.3, 40.0, 60) / reach, 4e-3 / reach
        shifted = [np.array(potential.virial(k + n * h, dim)) for n in (-2, -1, 1, 2)]
        expected = (8.0 * (shifted[2] - shifted[1]) - (shifted[3] - shifted[0])) / (12.0 * h)
        T, L = potential.virial(k, dim)
        affine = np.array(potential.affine(k, dim))
        largest = reach * np.max(np.abs([T, L]))
        # (h reach)⁴/30 = 9e-12, and round-off 1e-15 over h reach
        error = np.max(np.abs(affine - expected))
        assert error <= 2e-11 * largest, f"affine is not the derivative of virial in {dim}D"
        error = np.max(np.abs(k * affine[0] - (L - T)))
        assert error <= 1e-12 * largest / reach, f"dT/dk is not (L - T)/k in {dim}D"
        zero = np.zeros(1)
        assert np.all(np.array(potential.affine(zero, dim)) == 0.0), "affine must vanish at k = 0"
        T, L = potential.virial(zero, dim)
        assert abs(T - L) <= 1e-12 * largest / reach, f"T(0) is not L(0) in {dim}D"


def check_tables(potential):
    """The tables for many wavevectors equal the quadrature for few."""
    for dim in potential.dimensions:
        k = np.random.default_rng(7).uniform(0.0, 30.0 / potential.cutoff, 400)
        for name in ("virial", "affine", "directional"):
            transform = getattr(potential, name)
            few = np.concatenate(
                [np.array(transform(part, dim)).reshape(-1, part.size) for part in np.split(k, 4)],
                axis=-1,
            )
            many = np.array(transform(k, dim)).reshape(-1, k.size)
            # the spline of the table, 1e-13 of the largest value
            error = np.max(np.abs(many - few))
            assert error <= 2e-13 * np.max(np.abs(few)), f"the table of {name} in {dim}D is wrong"
        many = potential.directional(-k, dim)
        assert np.array_equal(many, -potential.directional(k, dim)), "the table of S is not odd"


CHECKS = (
    check_declaration,
    check_derivatives,
    check_continuity,
    check_centre,
    check_transforms,
    check_affine,
    check_tables,
)
