"""Initial densities: positive, smooth, seeded, with the mean and the contrast asked for."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.fields.initial import smooth_density

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
