from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import Shock, Step, step, step_exponent


def test_step_increments_grow_with_separation_exactly(rng: np.random.Generator) -> None:
    values = step(1000, 10, rng)
    height = np.ptp(values)
    for r in (1, 7, 50):  # plateaus are at least 50 long
        increments = np.abs(np.roll(values, -r) - values)
        assert np.count_nonzero(increments > 0.5 * height) == 10 * r
    assert values.mean() == pytest.approx(0.0, abs=1e-14)
    assert values.std() == pytest.approx(1.0, rel=1e-14)
    assert np.unique(values).size == 2


def test_step_puts_its_jumps_where_it_always_has() -> None:
    n, jumps = 4096, 32
    places = (np.arange(jumps) + 0.5 * np.random.default_rng(9).random(jumps)) * (n / jumps)
    values = step(n, jumps, np.random.default_rng(9))
    jumped = np.flatnonzero(np.diff(values, prepend=values[-1]))
    np.testing.assert_array_equal(jumped, np.floor(places))
    assert values[0] < 0.0 or jumped[0] == 0


@pytest.mark.parametrize("jumps", [0, 3, 26])
def test_step_refuses_impossible_numbers_of_jumps(jumps: int) -> None:
    with pytest.raises(ConfigError, match="jumps: must be even and from 2 to 25 on 100 points"):
        step(100, jumps, np.random.default_rng(0))


def test_exponent_of_steps() -> None:
    q = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(step_exponent(q), [1.0, 1.0 / 2.0, 1.0 / 3.0])
    np.testing.assert_array_equal(Step(2).exponent(np.array([-1.0, 0.0, 3.0]), 2)[2:], 1.0 / 3.0)


def between(radius: float, r: np.ndarray, dim: int) -> np.ndarray:
    """The volume that belongs to one but not to both of two balls at a distance r."""
    u = 0.5 * r / radius
    if dim == 2:
        common = 2.0 * radius**2 * (np.arccos(u) - u * np.sqrt(1.0 - u * u))
        return 2.0 * (np.pi * radius**2 - common)
    common = np.pi / 12.0 * (4.0 * radius + r) * (2.0 * radius - r) ** 2
    return 2.0 * (4.0 / 3.0 * np.pi * radius**3 - common)


@pytest.mark.parametrize(("shape", "jumps"), [((128, 128), 8), ((64, 96, 64), 4)])
def test_increments_of_balls_are_their_overlap(shape: tuple[int, ...], jumps: int) -> None:
    dim, side = len(shape), 32
    r = np.array([1, 2, 4, 8])  # the gaps are at least 8 wide
    balls = np.prod([n // side for n in shape])
    found = []
    for rng in np.random.default_rng(6).spawn(40):
        values = Step(jumps).draw(shape, rng)
        found.append([np.mean(np.roll(values, -s, 0) != values) for s in r])
    # Centres are uniform over a whole number of spacings, 8: the mean count of points is a volume.
    expected = balls * between(8.0, r, dim) / np.prod(shape)
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - expected) <= 4.0 * error)
    # what is said of the curvature, in 2D up to (r/R)⁴/640 = 0.0016
    law = 1.0 - (r / 8.0) ** 2 / {2: 24.0, 3: 12.0}[dim]
    linear = between(8.0, np.array(1e-4), dim) / 1e-4
    np.testing.assert_allclose(between(8.0, r, dim) / (linear * r), law, rtol=2e-3)


@pytest.mark.parametrize(("shape", "jumps"), [((64,), 18), ((64, 64), 10), ((64, 16, 64), 4)])
def test_step_needs_points_for_its_jumps(shape: tuple[int, ...], jumps: int) -> None:
    with pytest.raises(ConfigError, match=f"jumps: {jumps} need more points than"):
        Step(jumps).sample(shape, np.random.default_rng(0))


@pytest.mark.parametrize("jumps", [0, 3])
def test_jumps_of_a_step_are_even(jumps: int) -> None:
    with pytest.raises(ConfigError, match="jumps: must be even and at least 2"):
        Step(jumps)


def test_moments_of_shocks_are_those_of_their_formula() -> None:
    n, jumps = 2048, 8
    values = Shock(jumps).draw((n,), np.random.default_rng(3))
    difference = np.diff(values, prepend=values[-1])
    height = 1.0 - difference[difference < 0.0]
    assert height.size == jumps
    assert height.sum() == pytest.approx(n, rel=1e-13)  # the period is closed, at slope 1
    r = np.array([1, 16, 128])  # as close as jumps may be
    for q in (-0.5, 0.5, 1.0, 2.0, 3.0, 6.0):
        measured = [np.mean(np.abs(np.roll(values, -s) - values) ** q) for s in r]
        ramps = (1.0 - jumps * r / n) * r**q
        falls = (r / n) * np.sum(np.abs(height[:, np.newaxis] - r) ** q, axis=0)
        np.testing.assert_allclose(measured, ramps + falls, rtol=1e-10)  # round-off of 2048 terms


@pytest.mark.parametrize("q", [-0.5, 0.25, 0.5, 2.0, 3.0])
def test_exponents_of_shocks_are_approached_as_said(q: float) -> None:
    n, jumps = 2**16, 2
    values = Shock(jumps).draw((n,), np.random.default_rng(3))
    r = 2 ** np.arange(8)
    moments = [np.mean(np.abs(np.roll(values, -s) - values) ** q) for s in r]
    slopes = np.diff(np.log2(moments))
    exact = q * Shock(jumps).exponent(np.array([q]), 1)[0]
    # the larger of the two fractions at twice r, heights being within three of their mean
    left = 3.0 * (2.0 * r[:-1] * jumps / n) ** min(abs(q - 1.0), 1.0)
    assert np.all(np.abs(slopes - exact) <= left)
    assert left[0] < 0.03


def test_shocks_refuse_numbers_of_jumps() -> None:
    with pytest.raises(ConfigError, match="jumps: must be at least 1, not 0"):
        Shock(0)
    with pytest.raises(ConfigError, match="jumps: 20 need more points than 64, which hold 16"):
        Shock(20).sample((64,), np.random.default_rng(0))
