"""Initial densities: positive, smooth, seeded, with the mean and the contrast asked for."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.fields.initial import disordered_density, smooth_density

SHAPES = [(64,), (32, 40), (12, 14, 16)]


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{len(shape)}d")
def shape(request):
    return request.param


def test_mean_and_contrast_are_those_asked_for(shape):
    density = smooth_density(shape, mean=0.7, contrast=0.4, seed=5)
    assert density.shape == shape
    assert density.min() > 0.0
    # sums over at most 2688 points
    assert density.mean() == pytest.approx(0.7, rel=1e-14)
    assert np.std(np.log(density)) == pytest.approx(0.4, rel=1e-13)


def test_logarithm_holds_the_three_longest_waves_along_each_axis_alone(shape):
    spectrum = np.abs(np.fft.fftn(np.log(smooth_density(shape, 1.0, 0.4, seed=5))))
    orders = np.meshgrid(*[np.abs(np.fft.fftfreq(n, 1.0 / n)) for n in shape], indexing="ij")
    along_one_axis = np.sum(np.array(orders) > 0.0, axis=0) == 1
    allowed = along_one_axis & (np.max(orders, axis=0) <= 3.0)
    present = spectrum > 1e-12 * spectrum.max()
    present[(0,) * len(shape)] = False  # the mean
    np.testing.assert_array_equal(present, allowed)


def test_seed_decides_the_density_and_the_shape_only_samples_it():
    first = smooth_density((32, 40), 1.0, 0.4, seed=5)
    np.testing.assert_array_equal(first, smooth_density((32, 40), 1.0, 0.4, seed=5))
    assert np.abs(first - smooth_density((32, 40), 1.0, 0.4, seed=6)).max() > 0.1
    # on a finer grid the same function: means over either grid are exact for few waves
    finer = smooth_density((64, 80), 1.0, 0.4, seed=5)
    np.testing.assert_allclose(finer[::2, ::2], first, rtol=1e-12)


def test_disorder_is_the_same_function_on_every_grid_with_its_mean_and_contrast():
    cell = Cell.sheared(6.0, 2, 0.3)
    coarse, fine = (disordered_density((n, n), cell, 0.7, 0.4, 1.5, seed=5) for n in (32, 64))
    assert coarse.min() > 0.0
    for density in (coarse, fine):
        assert density.mean() == pytest.approx(0.7, rel=1e-14)
        assert np.std(np.log(density)) == pytest.approx(0.4, rel=1e-13)
    # ln ρ is a sum of waves that both grids hold; its mean over a grid enters through that of ρ
    difference = np.log(fine[::2, ::2]) - np.log(coarse)
    np.testing.assert_allclose(difference, difference[0, 0], rtol=0.0, atol=1e-12)
    with pytest.raises(ResolutionError):
        disordered_density((16, 16), cell, 0.7, 0.4, 1.5, seed=5)


def test_disorder_is_isotropic_with_its_spectrum():
    """Mean squares of waves over seeds: exp(-(k shortest/2π)²), to a common factor."""
    cell, shape, shortest = Cell.cubic(8.0, 2), (48, 48), 2.0
    power = np.zeros(shape)
    for seed in range(400):
        power += (
            np.abs(np.fft.fft2(np.log(disordered_density(shape, cell, 1.0, 1.0, shortest, seed))))
            ** 2
        )
    m = np.meshgrid(np.fft.fftfreq(48, 1 / 48), np.fft.fftfreq(48, 1 / 48), indexing="ij")
    squares = m[0] ** 2 + m[1] ** 2
    expected = np.exp(-squares * (shortest / 8.0) ** 2)
    rings = [(squares > 0.0) & (squares < 9.0), (squares >= 16.0) & (squares < 36.0)]
    inner, outer = (np.mean(power[ring] / expected[ring]) for ring in rings)
    # 14 and 30 independent waves, 400 times each: relative errors of 1.3 and 0.9 %, and the norm
    # by the deviation of each field adds as much again
    assert outer / inner == pytest.approx(1.0, abs=0.08)
