"""Paths through a table over T and ℓ: where they run, what lies between scales, their limits."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.limits.extrapolation import POINTS, inherited, quadratic_limits
from glasscade.limits.joint import ORDER, between, limit_along, path

TEMPERATURES = 1e-3 * 2.0 ** np.arange(6)
ELLS = 0.01 * 2.0 ** np.arange(7)


def test_a_path_starts_at_the_smallest_of_both_and_ends_within_the_table():
    np.testing.assert_allclose(path(1.0, TEMPERATURES, ELLS), ELLS[:6], rtol=1e-14)
    root = path(0.5, TEMPERATURES, ELLS)
    np.testing.assert_allclose(root, 0.01 * 2.0 ** (0.5 * np.arange(6)), rtol=1e-14)
    steep = path(2.0, TEMPERATURES, ELLS)
    np.testing.assert_allclose(steep[:4], ELLS[::2], rtol=1e-14)
    assert np.isnan(steep[4:]).all()


def test_the_last_scale_of_a_table_is_within_it_whatever_round_off():
    third = 0.1 * (1.0 + 2.0 / 3.0)
    assert np.isfinite(path(1.0, np.array([0.3, 0.5]), np.array([0.1, third * (1 - 1e-15)]))[1])


def test_a_cubic_in_the_logarithm_is_interpolated_exactly():
    def cubic(ell):
        u = np.log(ell)
        return 1.0 + 2.0 * u - 0.3 * u**2 + 0.1 * u**3

    value, _ = between(ELLS, cubic(ELLS), 0.07)
    assert value == pytest.approx(cubic(0.07), rel=1e-12)  # round-off of a small linear system
    for scale in ELLS:
        found = between(ELLS, cubic(ELLS), float(scale))
        assert found[0] == pytest.approx(cubic(scale), rel=1e-12)


def crossover(ell):
    """The share of heat in a layer, which goes from one to zero about ℓ = 0.1."""
    return 1.0 / (1.0 + ell / 0.1)


def test_the_error_of_interpolation_falls_faster_than_its_estimate_relies_on():
    spacings = np.array([2.0, 2.0**0.5, 2.0**0.25])
    errors = []
    for spacing in spacings:
        ells = 0.001 * spacing ** np.arange(1 + round(np.log(1e4) / np.log(spacing)))
        middle = np.sqrt(ells[3:-3] * ells[2:-4])
        errors.append(
            max(abs(between(ells, crossover(ells), float(m))[0] - crossover(m)) for m in middle)
        )
    slopes = np.diff(np.log(errors)) / np.diff(np.log(np.log(spacings)))
    assert np.all(slopes > 3.7)  # fourth order, approached
    assert ORDER < 3.7


def steep(ell):
    """A share that falls as fast as that of a kernel without a tail may."""
    return np.exp(-ell / 0.1)


@pytest.mark.parametrize(
    ("shape", "held", "largest"), [(crossover, 1.0, 0.004), (steep, 0.95, 0.03)]
)
def test_the_interval_of_interpolation_holds_what_is_there(shape, held, largest):
    """In octaves that begin anywhere below and within the crossover."""
    found = []
    for smallest in np.geomspace(0.001, 1.0, 13):
        ells = smallest * 2.0 ** np.arange(8)
        for at in np.geomspace(ells[0], ells[-1], 23):
            value, error = between(ells, shape(ells), float(at))
            found.append(abs(value - shape(at)) <= error + 1e-5)  # a thousandth of the margins
            assert error < largest
    assert np.mean(found) >= held


def test_many_values_are_interpolated_as_each_alone():
    table = np.array([crossover(ELLS), steep(ELLS)])
    together = between(ELLS, table, 0.05)
    alone = np.transpose([between(ELLS, row, 0.05) for row in table])
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_what_hardly_changes_is_interpolated_without_complaint():
    value, error = between(ELLS, 1.0 + 1e-300 * ELLS + np.where(ELLS > 0.1, 1e-308, 0.0), 0.05)
    assert (value, error) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-15))
    value, error = between(ELLS, np.where(ELLS > 0.1, 1.0, 1e-310), 0.05)
    assert np.isfinite([value, error]).all()


def test_nothing_is_known_outside_the_scales_that_are_known():
    values = crossover(ELLS)
    values[0] = np.nan
    assert np.isnan(between(ELLS, values, 0.01)).all()
    assert np.isfinite(between(ELLS, values, 0.02)).all()
    assert np.isnan(between(ELLS, values, 1.0)).all()
    values[:3] = np.nan
    assert np.isnan(between(ELLS, values, 0.2)).all()  # four scales are too few


def test_the_limit_of_a_quadratic_is_its_constant_and_errors_widen_it():
    y = 2.0 - 3.0 * TEMPERATURES + 5.0 * TEMPERATURES**2
    exact = limit_along(TEMPERATURES, y, np.zeros(6), 0.9)
    assert exact.value == pytest.approx(2.0, abs=1e-12)
    errors = np.full(6, 0.01)
    wide = limit_along(TEMPERATURES, y, errors, 0.9)
    weights = quadratic_limits(TEMPERATURES, np.eye(POINTS))
    assert np.sum(weights) == pytest.approx(1.0)
    expected = 0.01 * np.sum(np.abs(weights))
    assert inherited(TEMPERATURES, errors) == pytest.approx(expected)
    assert wide.half_width == pytest.approx(np.hypot(exact.half_width, expected))


def test_what_errors_are_inherited_is_what_the_limit_moves_by_at_most():
    errors = np.array([0.3, 0.1, 0.2, 0.4])
    x = TEMPERATURES[:POINTS]
    moves = [quadratic_limits(x, np.array(signs) * errors) for signs in np.ndindex(2, 2, 2, 2)]
    moved = [2.0 * m - quadratic_limits(x, errors) for m in moves]  # signs 0, 1 to -1, 1
    assert inherited(x, errors) == pytest.approx(max(np.abs(moved)))


def test_a_path_that_leaves_the_table_too_soon_has_no_limit():
    y = np.append(np.ones(3), np.full(3, np.nan))
    limit = limit_along(TEMPERATURES, y, y, 0.9)
    assert np.isnan([limit.value, limit.low, limit.high]).all()
    window = limit_along(TEMPERATURES, np.append(np.nan, np.ones(5)), np.zeros(6), 0.9)
    assert (window.fit_low, window.fit_high) == (TEMPERATURES[1], TEMPERATURES[4])
