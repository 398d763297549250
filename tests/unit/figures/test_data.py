from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import t as student

from figure_data import HURST, made_up_limits, results
from glasscade.figures.data import (
    Estimate,
    both,
    case_suffix,
    critical_exponent,
    direct,
    estimate,
    jackknife,
    one,
    thermal,
    without_self_pairs,
)


def test_estimate_is_the_mean_with_its_studentised_interval(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(6, 3))
    shown = estimate(samples, 0.9)
    half = student.ppf(0.95, 5) * samples.std(axis=0, ddof=1) / np.sqrt(6)
    # 1e-10: accuracy of Student's quantile by two algorithms.
    np.testing.assert_allclose(shown.value, samples.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(shown.high - shown.value, half, rtol=1e-10)
    np.testing.assert_allclose(shown.value - shown.low, half, rtol=1e-10)


def test_one_sample_has_no_interval() -> None:
    shown = estimate(np.array([[1.0, -2.0]]), 0.9)
    np.testing.assert_array_equal(shown.value, [1.0, -2.0])
    assert np.isnan(shown.low).all()
    assert shown.bars is None


def test_jackknife_of_a_mean_is_its_interval(rng: np.random.Generator) -> None:
    samples = rng.normal(size=(7, 2))
    by_jackknife = jackknife(lambda x: x.mean(axis=0), samples, 0.9)
    by_student = estimate(samples, 0.9)
    for found, expected in zip(by_jackknife.parts, by_student.parts, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)  # round-off of sums of seven


def test_magnitude_of_an_interval_that_holds_zero_reaches_down_to_zero() -> None:
    value, low, high = np.array([-2.0, 0.5, 3.0]), [-3.0, -1.0, 2.0], [-1.0, 2.0, 4.0]
    size = Estimate(value, np.array(low), np.array(high)).magnitude
    np.testing.assert_array_equal(size.value, [2.0, 0.5, 3.0])
    np.testing.assert_array_equal(size.low, [1.0, 0.0, 2.0])
    np.testing.assert_array_equal(size.high, [3.0, 2.0, 4.0])


def test_thermal_includes_the_ito_source_of_particles() -> None:
    glass, field = made_up_limits("glass"), made_up_limits("field")
    assert direct(glass) == ["Q_thermal", "Ito"]
    assert direct(field) == ["Q_thermal"]
    each = (glass["source"] + glass["transport"]).sel(phi="one").isel(kernel=0)
    expected = each.sel(term="Q_thermal", drop=True) + each.sel(term="Ito", drop=True)
    np.testing.assert_allclose(thermal(glass).values, expected.values, rtol=1e-12)  # round-off


@pytest.mark.parametrize(
    ("term", "sign"), [("W", -1.0), ("Q_flux", 1.0), ("Q_thermal", 0.0), ("Ito", 0.0)]
)
def test_self_pairs_leave_w_and_enter_the_flux(term: str, sign: float) -> None:
    limits = made_up_limits("glass")
    raw = (limits["source"] + limits["transport"]).sel(term=term, phi="one").isel(kernel=0)
    expected = raw + sign * limits["self_pair"].sel(phi="one").isel(kernel=0)
    found = one(without_self_pairs(limits)).sel(term=term)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-12)


def test_fields_have_no_self_pairs_to_leave_out() -> None:
    limits = made_up_limits("field")
    xr.testing.assert_identical(without_self_pairs(limits), both(limits))


def test_critical_exponent_is_that_of_order_three_at_zero_temperature() -> None:
    shown = results("glass")
    row = shown.exponents["value"].sel(
        source="measured", region="one", field="force", estimator="wavelets", order=3.0
    )
    np.testing.assert_array_equal(
        critical_exponent(shown, "force").value, row.sel(temperature=0.0).values
    )


def test_cases_select_their_realisations() -> None:
    shown = results("synthetic")
    assert case_suffix(shown, 1) == f"_H{HURST[1]:g}"
    chosen = shown.of_case(shown.limits["source"], 1)
    np.testing.assert_array_equal(chosen["hurst"].values, np.full(3, HURST[1]))
    assert case_suffix(results("field"), 0) == ""
