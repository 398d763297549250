from __future__ import annotations

import numpy as np
import pytest

from glasscade.limits.bounds import BOUNDED, flux_bounds

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
