from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscade.errors import ConfigError, DataError
from glasscade.regularity.moments import (
    DOMAINS,
    VERDICT_ESTIMATOR,
    Moments,
    average,
    check_field,
    p_leader_domain,
)

Q = np.array([-0.5, 0.0, 1.0, 3.0])


def tiled(values: np.ndarray) -> Moments:
    """Moments at two scales of values that are the same within each tile (t_1, t_2)."""
    both = np.array([values, 2.0 * values])
    mean = np.array([np.log(both) if q == 0.0 else both**q for q in Q])
    square = np.array([np.ones(2) if q == 0.0 else np.mean(both ** (2 * q), (1, 2)) for q in Q])
    return Moments("wavelets", np.array([1.0, 2.0]), Q, mean, square, 0.0)


def test_norms_are_roots_of_means_over_the_cell() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    norm = tiled(values).norm
    expected = [
        np.mean(values**-0.5) ** -2.0,
        np.exp(np.mean(np.log(values))),
        2.5,
        25.0 ** (1 / 3),
    ]
    np.testing.assert_allclose(norm[:, 0], expected, rtol=1e-14)
    np.testing.assert_allclose(norm[:, 1], 2.0 * np.array(expected), rtol=1e-14)


def test_norms_of_tiles() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(tiled(values).tile_norm[:, 0], [values] * 4, rtol=1e-14)


def test_regions_are_weighted_averages_over_tiles() -> None:
    moments = tiled(np.array([[1.0, 2.0], [3.0, 4.0]]))
    whole, second, two = (
        moments.region(np.array(weights)).norm
        for weights in (np.ones((2, 2)), [[0.0, 2.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, 1.0]])
    )
    np.testing.assert_allclose(whole, moments.norm, rtol=1e-14)
    np.testing.assert_allclose(second[:, 0], 2.0, rtol=1e-14)
    np.testing.assert_allclose(two[2:, 0], [1.75, ((3.0 + 64.0) / 4.0) ** (1 / 3)], rtol=1e-14)


def test_regions_carry_their_averages_as_evenly_as_the_whole() -> None:
    moments = tiled(np.array([[1.0, 2.0], [3.0, 4.0]]))
    region = moments.region(np.array([[0.0, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(region.participation, moments.participation, rtol=1e-14)
    assert region.mean.shape[2:] == (1, 1)


def test_tiles_without_weight_have_no_say() -> None:
    moments = tiled(np.array([[1.0, 2.0], [3.0, 4.0]]))
    mean = moments.mean.copy()
    mean[0, :, 0, 0] = np.nan
    broken = replace(moments, mean=mean)
    assert np.all(np.isfinite(broken.region(np.array([[0.0, 1.0], [1.0, 1.0]])).norm))
    gone = [True, False, False, False]
    found = broken.region(np.array([[1.0, 1.0], [0.0, 0.0]])).norm
    np.testing.assert_array_equal(np.isnan(found[:, 0]), gone)
    np.testing.assert_array_equal(np.isnan(broken.norm[:, 0]), gone)


def test_participation_is_one_for_a_constant_and_small_for_a_spike() -> None:
    np.testing.assert_allclose(tiled(np.full((4, 4), 3.0)).participation, 1.0, rtol=1e-14)
    spike = np.full((16, 16), 1e-6)
    spike[3, 5] = 1.0
    # Beside one value the 255 others add 3e-4 to the mean of |.| and nothing to that of |.|³.
    participation = 256.0 * tiled(spike).participation[2:, 0]
    np.testing.assert_allclose(participation, [1.0, 1.0], rtol=1e-3)


def test_averages_are_those_of_powers() -> None:
    one, two = tiled(np.full((2, 2), 1.0)), tiled(np.full((2, 2), 3.0))
    both = average([one, two])
    expected = [((1.0 + 3.0**-0.5) / 2) ** -2.0, 3.0**0.5, 2.0, 14.0 ** (1 / 3)]
    np.testing.assert_allclose(both.norm[:, 0], expected, rtol=1e-14)
    # <|.|^3>² / <|.|^6> of the values 1 and 3.
    assert both.participation[3, 0] == pytest.approx(14.0**2 / 365.0, rel=1e-14)


def test_shapes_must_agree() -> None:
    with pytest.raises(DataError, match=r"\(2, 3\) and \(2, 4\) do not belong to 2 orders and 4"):
        Moments(
            "increments",
            np.arange(1.0, 5.0),
            np.array([1.0, 2.0]),
            np.ones((2, 3)),
            np.ones((2, 4)),
            0.0,
        )


@pytest.mark.parametrize("scale", [[1.0, 1.0, 2.0], [2.0, 1.0, 3.0], [0.0, 1.0, 2.0]])
def test_scales_must_increase(scale: list[float]) -> None:
    ones = np.ones((1, 3))
    with pytest.raises(DataError, match="positive, increasing and distinct"):
        Moments("increments", np.array(scale), np.ones(1), ones, ones, 0.0)


@pytest.mark.parametrize("mean", [0.0, -1.0, np.nan, np.inf])
def test_norms_must_have_a_logarithm(mean: float) -> None:
    scale, means = np.array([1.0, 2.0]), np.array([[1.0, mean]])
    with pytest.raises(DataError, match="ln norm has no slope"):
        Moments("increments", scale, np.ones(1), means, np.ones((1, 2)), 0.0)


def test_moments_that_do_not_exist_are_none() -> None:
    scale, means = np.array([1.0, 2.0]), np.full((2, 2), np.nan)
    moments = Moments("increments", scale, np.array([-1.0, 0.0]), means, means, 0.0)
    assert np.all(np.isnan(moments.norm))


def test_a_field_fits_its_cell() -> None:
    with pytest.raises(DataError, match="2 axes does not fit a 3D cell"):
        check_field(np.ones((4, 4)), 3, "increments")


def test_a_field_is_finite() -> None:
    with pytest.raises(DataError, match="not finite"):
        check_field(np.array([1.0, np.nan]), 1, "increments")


def test_a_constant_field_has_no_exponent() -> None:
    with pytest.raises(DataError, match="increments: the field is constant"):
        check_field(np.full((4, 4), 1.1), 2, "increments")


@pytest.mark.parametrize(
    ("estimator", "low", "high"),
    [
        ("increments", 0.0, 1.0),
        ("second_increments", 0.0, 2.0),
        ("gradients", -np.inf, 1.0),
        ("wavelets", -1.415, 3.0),
        ("leaders", 0.0, 3.0),
        ("p_leaders", -0.5, 3.0),
    ],
)
def test_domains_are_open_and_say_why(estimator: str, low: float, high: float) -> None:
    domain = DOMAINS[estimator]
    assert (domain.low, domain.high) == (low, high)
    assert [domain.holds(xi) for xi in (low, 0.4, high, np.nan)] == [False, True, False, False]
    assert domain.why


def test_the_domain_of_p_leaders_ends_where_sums_diverge() -> None:
    assert p_leader_domain(2.0, 2).low == -1.0
    assert p_leader_domain(1.0, 2).low == -1.415  # the smoothness of db3
    assert p_leader_domain(np.inf, 2).low == DOMAINS["leaders"].low
    with pytest.raises(ConfigError, match=r"p: p-leaders need a positive p, .* not -1"):
        p_leader_domain(-1.0, 2)


def test_the_estimator_of_verdicts_sees_both_sides_of_one_third() -> None:
    domain = DOMAINS[VERDICT_ESTIMATOR]
    assert domain.low < 0.0
    assert domain.high > 1.0
