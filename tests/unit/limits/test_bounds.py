from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gamma, zeta

from glasscade.errors import ConfigError
from glasscade.limits.bounds import (
    BOUNDED,
    CONCENTRATED,
    competing,
    flux_bounds,
    flux_exponent,
    force_exponent,
    local_law,
    lowest_exponent,
    marginal_exponent,
    product_exponent,
    saturates,
    scaling_exponent,
    without_saturation,
)

# (ξ of ρ, ξ of F) and the three bounds, by hand
KNOWN = [
    # As rough as the criterion allows: 1/3 in both is where the flux need not vanish.
    ((1 / 3, 1 / 3), (0.0, 0.0, 2 / 3)),
    ((0.2, 0.9), (-0.4, 0.3, 1.1)),
    # A force as rough as the density makes the second bound the first.
    ((0.6, 0.6), (0.8, 0.8, 1.2)),
    # A particle: ρ is singular, F smooth.
    ((-1.0, 1.0), (-4.0, -2.0, 0.0)),
]


@pytest.mark.parametrize(("exponents", "expected"), KNOWN)
def test_bounds_are_those_of_the_formulas(
    exponents: tuple[float, float], expected: tuple[float, float, float]
) -> None:
    found = flux_bounds(*exponents)
    assert list(found) == ["3xi-1", "2xi+xiF-1", "xi+xiF"]
    # 1e-12: round-off
    np.testing.assert_allclose(list(found.values()), expected, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("rough", [0.3, 1.0])
def test_an_exponent_counts_up_to_one(rough: float) -> None:
    for smooth in (1.0, 1.2, 7.0):
        assert flux_bounds(smooth, rough) == flux_bounds(1.0, rough)
        assert flux_bounds(rough, smooth) == flux_bounds(rough, 1.0)


def test_arrays_are_taken_element_by_element_and_the_unknown_stays_unknown() -> None:
    xi, xi_force = np.array([0.2, np.nan, 2.0]), np.array([0.9, 0.9, 1.7])
    found = flux_bounds(xi, xi_force)
    for name, values in found.items():
        each = [flux_bounds(*pair)[name] for pair in zip(xi, xi_force, strict=True)]
        np.testing.assert_array_equal(values, each)
        assert np.isnan(values[1])


def test_every_bound_says_of_which_flux_it_is() -> None:
    assert BOUNDED == {"3xi-1": "pointwise", "2xi+xiF-1": "pointwise", "xi+xiF": "smeared"}


# (ξ, s) and ξ^F, the exponents of the product and of the flux, by hand
PREDICTED = [
    ((0.3, 1.0), (0.3, -0.1, 0.9)),  # the logarithm: F as rough as ρ, the product on 3ξ - 1
    ((0.3, 0.5), (-0.2, -0.6, -0.1)),  # the flux itself on 3ξ - 1, the product below
    ((0.3, 2.0), (1.0, 0.6, 2.0)),  # the cone: 2ξ, and a flux as of smooth fields
    ((-0.4, 2.0), (0.6, -1.2, 0.8)),
    ((-0.4, np.inf), (1.0, -0.8, 1.6)),
    ((0.8, 1.0), (0.8, 1.4, 2.0)),
]


@pytest.mark.parametrize(("where", "expected"), PREDICTED)
def test_predictions_are_those_of_the_formulas(
    where: tuple[float, float], expected: tuple[float, float, float]
) -> None:
    found = force_exponent(*where), product_exponent(*where), flux_exponent(*where)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12)  # round-off


def test_the_product_attains_its_own_bound_and_the_flux_stays_above_it() -> None:
    xi, s = np.meshgrid(np.linspace(-0.9, 0.95, 38), np.linspace(0.2, 2.9, 28))
    bounds = flux_bounds(xi, force_exponent(xi, s))
    np.testing.assert_allclose(product_exponent(xi, s), bounds["2xi+xiF-1"], atol=1e-12)
    assert np.all(flux_exponent(xi, s) >= bounds["2xi+xiF-1"])
    # Above the paper's bound wherever the kernel is no more singular than s = 1/2.
    assert np.all((flux_exponent(xi, s) >= bounds["3xi-1"] - 1e-12)[s >= 0.5])
    assert np.any((flux_exponent(xi, s) < bounds["3xi-1"])[s < 0.5])


def test_the_exact_cone_lies_where_the_exponent_vanishes() -> None:
    s, xi = CONCENTRATED
    values = flux_exponent(xi, s), local_law(force_exponent(xi, s)), marginal_exponent(s) - xi
    np.testing.assert_allclose(values, 0.0, atol=1e-12)
    assert force_exponent(xi, s) == pytest.approx(1.0 / 3.0)
    orders = np.linspace(0.3, 2.9, 27)
    np.testing.assert_allclose(flux_exponent(marginal_exponent(orders), orders), 0.0, atol=1e-12)


def test_local_law_is_the_flux_of_the_cone_where_the_force_is_rough() -> None:
    xi = np.linspace(-0.9, -0.01, 20)
    expected = local_law(force_exponent(xi, 2.0))
    np.testing.assert_allclose(flux_exponent(xi, 2.0), expected, atol=1e-12)
    assert saturates(0.1, 2.0)
    assert not saturates(-0.1, 2.0)


def test_two_powers_compete_where_either_could_lead() -> None:
    places = [(0.0, 2.0), (0.6, 1.0), (0.3, 2.0), (-0.4, 1.0), (0.3, np.inf)]
    found = competing(*np.array(places).T)
    np.testing.assert_allclose(found, [0.0, 0.2, 0.3, 1.4, np.inf], atol=1e-12)  # round-off
    assert lowest_exponent(2.0) == -1.25
    assert CONCENTRATED[1] > lowest_exponent(CONCENTRATED[0])


@pytest.mark.parametrize("xi", [0.15, 0.3, 0.6])
def test_saturation_of_the_gradient_of_the_force_is_as_derived(xi: float) -> None:
    """∇F is ρ under the cone: Σ_k k^{-1-2ξ} e^{-(2πkℓ/L)²} against the form in the docstring."""
    k = np.arange(1.0, 2e6)
    ell = np.array([1e-4, 4e-4, 1.6e-3])
    power = [np.sum(k ** (-1.0 - 2.0 * xi) * np.exp(-((2.0 * np.pi * k * x) ** 2))) for x in ell]
    c = -gamma(-xi) * (2.0 * np.pi) ** (2.0 * xi) / (2.0 * zeta(1.0 + 2.0 * xi))
    expected = zeta(1.0 + 2.0 * xi) * (1.0 - c * ell ** (2.0 * xi))
    # the next term is of order (2πℓ)²
    np.testing.assert_allclose(power, expected, rtol=2e-4)


@pytest.mark.parametrize("xi", [0.15, 0.6])
def test_correction_restores_the_exponent_that_saturation_hides(xi: float) -> None:
    ell = 1e-4 * 2.0 ** np.arange(6)
    gradient = np.sqrt(1.0 - 0.9 * (5.0 * ell) ** (2.0 * xi))
    product = 3.0 * ell ** (2.0 * xi) * gradient
    corrected = without_saturation(product, gradient)
    slope = scaling_exponent(ell, np.array([corrected, 2.0 * corrected]), 0.9)
    assert slope.value == pytest.approx(2.0 * xi, abs=1e-12)  # round-off
    assert slope.half_width < 1e-10
    raw = scaling_exponent(ell, np.array([product, 2.0 * product]), 0.9)
    assert raw.value < 2.0 * xi - 5e-4


def test_exponent_has_the_scatter_of_realisations_and_the_curvature_of_the_line() -> None:
    ell = 2.0 ** np.arange(7)
    straight = np.array([ell**0.5, ell**0.7])
    limit = scaling_exponent(ell, straight, 0.9)
    assert limit.value == pytest.approx(0.6)
    # Student's 6.314 for two samples, whose standard error is half their distance
    assert limit.half_width == pytest.approx(6.314 * 0.1, rel=1e-3)
    assert (limit.fit_low, limit.fit_high, limit.realisations) == (1.0, 64.0, 2)
    x = np.log(ell)
    bent = np.exp(0.6 * x + 0.1 * x**2)[np.newaxis].repeat(2, axis=0)
    # local slopes 0.6 + 0.2 x: means of the halves differ by 0.2 times three octaves
    assert scaling_exponent(ell, bent, 0.9).half_width == pytest.approx(0.3 * np.log(2.0))


def test_a_norm_that_vanishes_has_no_exponent() -> None:
    with pytest.raises(ConfigError, match="only positive norms"):
        scaling_exponent(np.arange(1.0, 5.0), np.array([[1.0, 0.0, 1.0, 1.0]]), 0.9)
