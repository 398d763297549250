"""Every registered potential through the shared checks, and what each is by its own formula."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import gamma, jv, struve

from glasscade.errors import ConfigError
from glasscade.potentials import (
    GEM,
    POTENTIALS,
    Cone,
    FreeCone,
    Gaussian,
    Harmonic,
    Hertzian,
    InversePower,
    LennardJones,
    Potential,
    Riesz,
    Sampled,
    Tabulated,
    kernels,
    register,
)
from glasscade.potentials.line import FAR
from potential_invariants import CHECKS, K

EXAMPLES = [
    pytest.param(potential, id=f"{name}-{number}")
    for name, potential_class in POTENTIALS.items()
    for number, potential in enumerate(potential_class.examples())
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("potential", EXAMPLES)
def test_potential_holds(potential, check):
    check(potential)


def test_the_registry_has_every_kind():
    used = {potential.kind for potential in POTENTIALS.values()}
    assert used == set(kernels.LEAST)


# --- a new potential is one small class ------------------------------------------------------


@dataclass(frozen=True)
class Lens(Sampled):
    """V = strength (1 - r²/radius²)³, smooth to its edge."""

    name = "lens"
    radius: float

    @classmethod
    def examples(cls):
        return (cls(0.7, radius=1.2),)

    @property
    def cutoff(self):
        return self.radius

    def profile(self, r):
        return self.strength * (1.0 - (r / self.radius) ** 2) ** 3


@dataclass(frozen=True)
class WrongSlope(Lens):
    """V' larger than it is by one part in a million."""

    name = "wrong_slope"

    def slope(self, r):
        return super().slope(r) * (1.0 + 1e-6)


@dataclass(frozen=True)
class WrongCurvature(Lens):
    """The sign of V'' is that of another convention."""

    name = "wrong_curvature"

    def curvature(self, r):
        return -super().curvature(r)


@dataclass(frozen=True)
class WrongTransform(Lens):
    """The transform of W without its part along k."""

    name = "wrong_transform"

    def virial(self, k, dim):
        across, _ = super().virial(k, dim)
        return across, across


@dataclass(frozen=True)
class WrongRange(Lens):
    """A cutoff inside the range."""

    name = "wrong_range"
    cutoff = 1.0
    breaks = (1.0,)
    kinks = (1.2,)


@dataclass(frozen=True)
class UndeclaredJump(FreeCone):
    """A V' that jumps at the reach without saying so."""

    name = "undeclared_jump"
    jumps = ()


@dataclass(frozen=True)
class WrongJump(Gaussian):
    """A V' that is said to jump where it does not."""

    name = "wrong_jump"

    @property
    def jumps(self):
        return (self.cutoff,)


@contextmanager
def registered(potential) -> Iterator[None]:
    register(potential)
    try:
        yield
    finally:
        del POTENTIALS[potential.name]


@pytest.mark.parametrize("check", CHECKS)
def test_a_class_of_a_few_lines_is_a_potential(check):
    with registered(Lens):
        for potential in POTENTIALS["lens"].examples():
            check(potential)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (WrongSlope, "V' is not the derivative of V near"),
        (WrongCurvature, "V'' is not the derivative of V' near"),
        (WrongTransform, "L is not its integral over V'"),
        (WrongRange, "V' does not vanish at the cutoff"),
        (UndeclaredJump, "V' jumps, or not as it is said, at"),
        (WrongJump, "V' jumps, or not as it is said, at"),
    ],
)
def test_a_wrong_class_is_caught(wrong, message):
    potential = wrong.examples()[0]
    with registered(wrong), pytest.raises(AssertionError, match=message):
        check_all(potential)


def check_all(potential):
    for check in CHECKS:
        check(potential)


def test_a_name_is_given_once():
    with registered(Lens), pytest.raises(ConfigError, match="the name 'lens' is taken by Lens"):
        register(Lens)


def test_a_function_in_numpy_is_what_was_given():
    lens, r = Lens(0.7, radius=1.2), np.linspace(0.01, 1.3, 200)
    inside = np.maximum(1.0 - (r / 1.2) ** 2, 0.0)
    # a sixth-degree V by a spline to 1e-13, each derivative losing a factor of 1/h = 50 to 500
    for order, (computed, exact) in enumerate(
        [
            (lens.value(r), 0.7 * inside**3),
            (lens.slope(r), -0.7 * 6.0 * r / 1.2**2 * inside**2),
            (
                lens.curvature(r),
                0.7 * 6.0 / 1.2**2 * inside * (4.0 * (r / 1.2) ** 2 - inside) * (r < 1.2),
            ),
        ]
    ):
        np.testing.assert_allclose(computed, exact, rtol=0.0, atol=2e-13 * 500.0**order)


def test_a_function_that_is_not_smooth_is_refused():
    @dataclass(frozen=True)
    class Tent(Lens):
        name = "tent"

        def profile(self, r):
            return np.maximum(0.5 - r, 0.0)

    with pytest.raises(ConfigError, match=r"'tent': V\(r\) is not smooth between 0 and 1\.2"):
        _ = Tent(1.0, 1.2).parameters


def test_a_function_that_is_not_finite_is_refused():
    @dataclass(frozen=True)
    class Pole(Lens):
        name = "pole"

        def profile(self, r):
            with np.errstate(divide="ignore"):
                return 1.0 / r

    with pytest.raises(ConfigError, match=r"'pole': V\(r\) must be finite from 0"):
        _ = Pole(1.0, 1.2).parameters


# --- tables -------------------------------------------------------------------------------------


def bell(r):
    return np.exp(-4.0 * r * r) * (1.0 - (r / 1.5) ** 2) ** 3


def test_error_of_a_table_falls_with_the_sixth_power_of_its_spacing():
    r, sizes = np.linspace(0.0, 1.49, 500), np.array([40, 80, 160])
    errors = []
    for size in sizes:
        distance = np.linspace(0.0, 1.5, size + 1)
        table = Tabulated.from_arrays(distance, bell(distance))
        errors.append(np.max(np.abs(table.value(r) - bell(r))))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(orders - 6.0) < 0.4), orders  # 5.8 and 6.0, reaching 6 from below


def test_a_table_need_not_be_even_and_may_begin_at_a_cap():
    distance = 0.5 + 1.0 * np.linspace(0.0, 1.0, 121) ** 1.2
    table = Tabulated.from_arrays(distance, (1.0 / distance - 1.0 / 1.5) ** 3, strength=2.0)
    r = np.array([0.6, 0.9, 1.4])
    exact = -6.0 * (1.0 / r - 1.0 / 1.5) ** 2 / r**2
    # spacing 0.01 to the fifth power, times a sixth derivative of 1e5 and what splines make of it
    np.testing.assert_allclose(table.slope(r), exact, rtol=0.0, atol=1e-6)
    # V' is linear in r below the first distance
    core = table.slope(np.array([0.1, 0.25, 0.5 * (1.0 - 1e-15)]))
    np.testing.assert_allclose(core, core[-1] * np.array([0.2, 0.5, 1.0]), rtol=1e-13)


@pytest.mark.parametrize(
    ("distance", "energy", "message"),
    [
        (np.linspace(0.0, 1.5, 7), np.zeros(7), "its 7 entries must be at least 8"),
        (np.linspace(0.0, 1.5, 9), np.zeros(8), "its 9 entries must be .* as many as the 8"),
        (np.linspace(-0.1, 1.5, 50), np.zeros(50), "must increase, from 0 or above"),
        (np.zeros(50), np.zeros(50), "must increase, from 0 or above"),
        (np.linspace(0.0, 1.5, 50), np.full(50, np.nan), "every distance and energy must be fin"),
        (np.linspace(0.0, 1.5, 50), np.ones(50), "V must vanish at the last distance, .* is 1;"),
        (
            np.linspace(0.0, 1.5, 50),
            1.5 - np.linspace(0.0, 1.5, 50),
            "V' must vanish at the last distance, where it is -1; cut V smoothly",
        ),
    ],
)
def test_a_table_that_is_no_potential_is_refused(distance, energy, message):
    with pytest.raises(ConfigError, match=message):
        Tabulated.from_arrays(distance, energy)


# --- by their own formulas ----------------------------------------------------------------------


@pytest.mark.parametrize("core", [0.0, 0.25])
def test_spheres_are_their_power_of_the_gap(core):
    r = np.linspace(0.26, 1.5, 100)
    gap = np.maximum(1.0 - r / 1.4, 0.0)
    harmonic, hertzian = Harmonic(1.3, 1.4, core), Hertzian(1.3, 1.4, core)
    # a gap of 0.01 has a relative error of 1e-14
    np.testing.assert_allclose(harmonic.value(r), 0.65 * gap**2, rtol=1e-12)
    np.testing.assert_allclose(hertzian.value(r), 0.52 * gap**2.5, rtol=1e-12)
    if core > 0.0:
        r = np.linspace(0.0, core, 20)
        for sphere, at_core in ((harmonic, -(1.3 / 1.4)), (hertzian, -(1.3 / 1.4))):
            power = 1.0 if sphere is harmonic else 1.5
            expected = at_core * (1.0 - core / 1.4) ** power * r / core
            np.testing.assert_allclose(sphere.slope(r), expected, rtol=1e-13)


def test_gem_of_exponent_two_is_the_gaussian():
    r = np.linspace(0.0, 6.0, 200)
    gem, gaussian = GEM(0.8, 0.7, 2.0), Gaussian(0.8, 0.7)
    for name in ("value", "slope", "curvature", "third"):
        np.testing.assert_allclose(
            getattr(gem, name)(r), getattr(gaussian, name)(r), rtol=1e-12, atol=1e-300
        )
    for dim in (1, 2, 3):
        # a sum of 32 nodes against a closed form of order one
        np.testing.assert_allclose(
            gem.virial(K, dim), gaussian.virial(K, dim), rtol=0.0, atol=1e-13
        )


@pytest.mark.parametrize(
    ("dim", "at_zero", "where", "least"),
    [(2, 2.78416, 5.096, -0.15684), (3, 3.84976, 5.572, -0.12704)],
)
def test_transform_of_gem_four_has_its_published_minimum(dim, at_zero, where, least):
    k = np.linspace(0.0, 12.0, 12_001)
    transform = -GEM(1.0, 1.0, 4.0).virial(k, dim)[0]
    assert transform[0] == pytest.approx(at_zero, abs=5e-6)  # the digits printed
    assert transform.min() == pytest.approx(least, abs=5e-6)
    assert k[transform.argmin()] == pytest.approx(where, abs=1e-3)  # the spacing of k


def test_lennard_jones_is_cut_as_published():
    potential = LennardJones(0.5, diameter=0.8, cap=0.6)
    s = 0.8 / np.array([0.61, 0.9, 1.3, 1.59])
    bare = 2.0 * (s**12 - s**6)
    shift = potential.value(0.8 / s) - bare
    np.testing.assert_allclose(shift, shift[0], rtol=0.0, atol=1e-13 * bare.max())
    force = 2.0 * (12.0 * s**13 - 6.0 * s**7) / 0.8
    np.testing.assert_allclose(-potential.slope(0.8 / s), force, rtol=1e-13)
    inner, outer = (np.array([x * (1.0 - 1e-9), x * (1.0 + 1e-9)]) for x in (1.6, 2.0))
    for function in (potential.value, potential.slope, potential.curvature):
        below, above = function(inner)
        assert above == pytest.approx(below, rel=1e-6)  # 1e-9 times a derivative
        # V''' is about 1 at the end; the last three vanish there
        np.testing.assert_allclose(function(outer), 0.0, rtol=0.0, atol=1e-8)
    # by elimination: the quartic that joins them is unique
    x = 0.4
    rows = np.array(
        [[1, x, x**2, x**3, x**4], [0, 1, 2 * x, 3 * x**2, 4 * x**3], [0, 0, 2, 6 * x, 12 * x**2]]
    )
    half = 0.5  # diameter/r at the inner radius
    slope = 2.0 * (-12.0 * half**12 + 6.0 * half**6) / 1.6
    bend = 2.0 * (156.0 * half**12 - 42.0 * half**6) / 1.6**2
    unknown = np.linalg.solve(rows[:, [0, 3, 4]], -rows[:, 1] * slope - rows[:, 2] * bend / 2.0)
    quartic = [unknown[0], slope, bend / 2.0, unknown[1], unknown[2]]
    at = np.linspace(0.01, 0.39, 7)
    np.testing.assert_allclose(
        potential.value(1.6 + at), np.polynomial.polynomial.polyval(at, quartic), rtol=1e-10
    )


def test_inverse_power_has_its_published_coefficients():
    potential = InversePower(1.0, diameter=1.0, cap=0.7, reach=1.25)
    r = np.array([0.8, 1.0, 1.2])
    expected = r**-12 - 28.0 / 1.25**12 + 48.0 / 1.25**14 * r**2 - 21.0 / 1.25**16 * r**4
    np.testing.assert_allclose(potential.value(r), expected, rtol=1e-12)
    edge = np.array([1.25 * (1.0 - 1e-9)])
    for function in (potential.value, potential.slope, potential.curvature):
        assert function(edge) == pytest.approx(0.0, abs=2e-6)  # V''' = -170 times 1e-9


@pytest.mark.parametrize(
    "potential", [LennardJones(1.0, 1.0, 0.8), InversePower(1.0, 1.0, 0.7, 1.25)]
)
def test_a_cap_is_bounded_repulsive_and_twice_differentiable(potential):
    cap = potential.cap
    below, above = np.array([cap * (1.0 - 1e-9)]), np.array([cap * (1.0 + 1e-9)])
    for function in (potential.value, potential.slope, potential.curvature):
        assert function(below) == pytest.approx(function(above), rel=1e-6)  # 1e-9 times a slope
    r = np.linspace(0.0, cap, 400)
    assert np.all(potential.slope(r[1:]) < 0.0)
    # (n + 4)/2 x - (n + 2)/2 x³ of the slope at the cap, at most 3.4 times it for n = 12, and
    # with the attraction of Lennard-Jones a little more
    assert np.max(np.abs(potential.slope(r))) < 4.0 * abs(potential.slope(above))
    assert np.isfinite(potential.value(np.zeros(1)))


def test_riesz_of_order_two_is_the_repulsive_cone():
    r, cone, riesz = np.linspace(0.0, 2.5, 50), Cone(-0.7, 5.0), Riesz(0.7, 2.0, 5.0)
    for name in ("value", "slope", "curvature", "third"):
        computed, expected = getattr(riesz, name)(r[1:]), getattr(cone, name)(r[1:])
        np.testing.assert_allclose(computed, expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(riesz.virial(K, 1), cone.virial(K, 1), rtol=0.0, atol=1e-14)


@pytest.mark.parametrize("order", [0.1, 0.5, 1.0, 1.6, 2.0, 2.7])
def test_transform_of_riesz_is_a_power_on_the_reciprocal_vectors(order):
    """V_hat = c k^{-s} + 2 cos(ka) (-V'''(a)/k⁴ + V^(5)(a)/k⁶ - ...), a = L/2 the far side."""
    period, n = 5.0, np.array([20.0, 21.0, 60.0, 61.0])
    a, k = 0.5 * period, 2.0 * np.pi * n / period
    computed = -Riesz(1.0, order, period).virial(k, 1)[0]
    reflected = np.pi if order == 1.0 else -2.0 * np.cos(0.5 * np.pi * order) * gamma(order - 1.0)

    def derivative(m):
        """V^(m) = -(s-2)(s-3)...(s-m) a^{s-1-m} for m > 2, where the background has ended."""
        return -np.prod(order - 2.0 - np.arange(m - 1)) * a ** (order - 1.0 - m)

    far = sum((-1) ** (j + 1) * derivative(2 * j + 3) / k ** (2 * j + 4) for j in range(6))
    expected = reflected * k**-order + 2.0 * np.cos(k * a) * far
    assert np.all(computed > 0.0)  # repulsive at every order
    # round-off of the quadrature, 1e-15 of ∫|V'| r dr, which grows as 1/s
    np.testing.assert_allclose(computed, expected, rtol=0.0, atol=1e-14 * a**order / order)


def test_transforms_of_the_free_cone_are_closed():
    """With z = k reach: elementary on a line and in space, and in the plane by

    ∫_0^z x J1 dx = (πz/2) (J1 H0 - J0 H1) and ∫_0^z x² J0 dx = z² J1 - ∫_0^z x J1 dx.
    """
    strength, reach = 0.7, 1.3
    cone, z = FreeCone(strength, reach), np.array([1.0, 3.0, 40.0, 1000.0, 20000.0])
    plane = 0.5 * np.pi * z * (jv(1, z) * struve(0, z) - jv(0, z) * struve(1, z))
    space = 2.0 - 2.0 * np.cos(z) - z * np.sin(z)
    T = {
        1: 2.0 * (1.0 - np.cos(z)) / z**2,
        2: 2.0 * np.pi * plane / z**3,
        3: 4.0 * np.pi * space / z**4,
    }
    L = {
        1: 2.0 * (z * np.sin(z) + np.cos(z) - 1.0) / z**2,
        2: 2.0 * np.pi * (z**2 * jv(1, z) - 2.0 * plane) / z**3,
        3: 4.0 * np.pi * (4.0 * z * np.sin(z) - (z**2 - 6.0) * np.cos(z) - 6.0) / z**4,
    }
    for dim in (1, 2, 3):
        scale = strength * reach ** (dim + 1)
        across, along = cone.virial(z / reach, dim)
        # the quadrature, and round-off of the forms, some 1e-15 times 4π 6/z⁴
        np.testing.assert_allclose(across, scale * T[dim], rtol=0.0, atol=1e-13 * scale)
        np.testing.assert_allclose(along, scale * L[dim], rtol=0.0, atol=1e-13 * scale)


def test_free_cone_is_the_cone_without_its_background():
    """Below the reach, and up to a constant, which exerts no force."""
    r = np.linspace(0.1, 1.2, 20)
    free, wide = FreeCone(0.7, reach=1.3), Cone(0.7, period=1e9)
    # the background, 2 r/period, and round-off of a difference of values
    np.testing.assert_allclose(free.slope(r), wide.slope(r), rtol=1e-8)
    constant = free.value(r) - wide.value(r)
    np.testing.assert_allclose(constant, -0.7 * 1.3, rtol=1e-8)


def test_gaussian_is_negligible_beyond_its_cutoff():
    potential = Gaussian(1.0, width=0.7)
    r = np.linspace(0.0, 2.0, 2001) * potential.cutoff
    virial = np.abs(r * potential.slope(r))
    assert virial[r >= potential.cutoff].max() < 1e-16 * virial.max()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_affine_and_directional_of_the_gaussian_are_closed(dim):
    gaussian, a = Gaussian(0.8, 0.7), 0.7
    V = 0.8 * (np.sqrt(np.pi) * a) ** dim * np.exp(-0.25 * (K * a) ** 2)
    b = 0.5 * a * a * K  # V_hat' = -b V_hat
    across, along = gaussian.affine(K, dim)
    # T = -V and L = -V (1 - k b), with db/dk = b/k
    np.testing.assert_allclose(across, b * V, rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(along, V * (b * (1.0 - K * b) + 2.0 * b), rtol=0.0, atol=1e-13)
    if dim == 1:
        # ∫_0^∞ V' sin(rs) dr = -s ∫_0^∞ V cos(rs) dr = -s V_hat(s)/2
        np.testing.assert_allclose(gaussian.directional(K, 1), -0.5 * K * V, rtol=0.0, atol=1e-13)


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Harmonic(1.0, 1.4, core=1.4), r"potential\.core: 1\.4 must lie between 0 and the"),
        (lambda: Harmonic(1.0, 1.4, core=-0.1), r"potential\.core: -0\.1 must lie between"),
        (lambda: Hertzian(1.0, 1.4, core=1.5), r"potential\.core: 1\.5 must lie between"),
        (lambda: Harmonic(1.0, 0.0), r"potential\.diameter: 0 is outside \(0, inf\)"),
        (lambda: Gaussian(1.0, -1.0), r"potential\.width: -1 is outside \(0, inf\)"),
        (lambda: GEM(1.0, 1.0, 1.5), r"potential\.exponent: 1\.5 must lie between 2 and 64"),
        (lambda: LennardJones(-1.0, 1.0, 0.8), r"potential\.strength: -1 is outside \(0, inf\)"),
        (lambda: LennardJones(1.0, 1.0, 1.0), r"potential\.cap: 1 is outside \(0, 1\)"),
        (
            lambda: InversePower(1.0, 1.0, 1.3, 1.25),
            r"potential\.cap: 1\.3 is outside \(0, 1\.25\)",
        ),
        (lambda: Riesz(1.0, 3.0, 5.0), r"potential\.order: 3 must be at least 0\.1 and below 3"),
        (lambda: FreeCone(1.0, 0.0), r"potential\.reach: 0 is outside \(0, inf\)"),
        (lambda: Riesz(1.0, 1.0, 0.0), r"potential\.period: 0 is outside \(0, inf\)"),
    ],
)
def test_parameters_out_of_range_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize("transform", ["virial", "affine", "directional"])
@pytest.mark.parametrize("potential", [Cone(1.0, 5.0), Riesz(1.0, 1.0, 5.0)])
def test_a_line_beyond_one_dimension_is_refused(potential, transform):
    message = f"potential.kind: '{potential.name}' is defined in one dimension only"
    with pytest.raises(ConfigError, match=message):
        getattr(potential, transform)(K, 2)


@pytest.mark.parametrize(("entries", "power"), [(21, 4), (41, 5), (61, 6), (121, 6)])
def test_smooth_tables_are_taken_as_they_are(entries, power):
    """Their splines wave a little before the end, where V and V' are zero all the same."""
    r = np.linspace(0.0, 1.5, entries)
    potential = Tabulated.from_arrays(r, (1.0 - (r / 1.5) ** 2) ** power)
    assert np.all(np.isfinite(potential.parameters))
    ends = [potential.value(np.array([1.5])), potential.slope(np.array([1.5 * (1.0 - 1e-15)]))]
    np.testing.assert_allclose(ends, 0.0, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("potential", Riesz.examples(), ids=repr)
def test_closed_form_of_riesz_continues_the_quadrature(potential):
    """On both sides of the |k| a from which it is used, where quadrature still serves."""
    k = np.linspace(0.8, 4.0, 33) * FAR / potential.cutoff
    for name in ("virial", "directional"):
        found = np.array(getattr(potential, name)(k, 1))
        expected = np.array(getattr(Potential, name)(potential, k, 1))
        # quadrature over panels graded towards 0: round-off of its largest value, at k = 0
        near = np.array(getattr(Potential, name)(potential, np.linspace(0.0, 5.0, 20), 1))
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-13 * np.abs(near).max())


@pytest.mark.parametrize(
    "potential",
    [
        *(Riesz(1.0, order=s, period=2.0) for s in (0.5, 1.5)),
        Cone(1.0, period=2.0),
        FreeCone(1.0, reach=0.7),
        Harmonic(1.0, 1.0),
        Harmonic(1.0, 1.0, core=0.3),
        Gaussian(1.0, width=0.3),
    ],
    ids=repr,
)
def test_singularity_is_the_power_of_the_transform(potential):
    """The largest of |V_hat| k^s over some oscillations is the same two octaves further."""
    places = [k + np.linspace(0.0, 130.0, 1000) for k in (400.0, 1600.0)]
    transforms = [np.abs(potential.virial(k, 1)[0]) for k in places]
    if np.isinf(potential.singularity):
        assert np.max(transforms) < 1e-100
        return
    pairs = zip(places, transforms, strict=True)
    near, far = (np.max(values * k**potential.singularity) for k, values in pairs)
    # 0.02: the spacing of the samples; a power wrong by 0.1 makes 0.15
    assert far == pytest.approx(near, rel=0.02)
