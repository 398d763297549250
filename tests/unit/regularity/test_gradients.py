from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import BUMP, GAUSSIAN, WENDLAND, Kernel, mollify
from glasscade.errors import ResolutionError
from glasscade.regularity.gradients import gradient_moments


@pytest.mark.parametrize("kernel", [GAUSSIAN, WENDLAND])
@pytest.mark.parametrize(
    ("cell", "shape", "m"),
    [
        (Cell.cubic(5.0, 1), (64,), (3,)),
        (Cell.cubic(5.0, 2), (48, 45), (2, -3)),
        (Cell.sheared(5.0, 2, 0.4), (48, 48), (2, 1)),
        (Cell.cubic(5.0, 3), (30, 32, 30), (1, 2, -1)),
    ],
)
def test_plane_waves_are_exact(
    kernel: Kernel, cell: Cell, shape: tuple[int, ...], m: tuple[int, ...]
) -> None:
    p = cell.reciprocal(np.array(m, dtype=np.float64))
    wave = 3.0 * np.cos(cell.grid(shape) @ p)
    ell = np.array([0.8, 1.0])
    moments = gradient_moments(wave, cell, ell, np.array([2.0, 4.0]), kernel)
    k = np.linalg.norm(p)
    amplitude = 3.0 * k * kernel.transform(k * ell, cell.dim)
    # <sin²> = 1/2 and <sin⁴> = 3/8 are exact on a grid that resolves the fourth harmonic; the
    # tolerance is round-off relative to a wave that the filter has made up to 10^4 smaller.
    np.testing.assert_allclose(moments.norm[0], amplitude * 0.5**0.5, rtol=1e-11)
    np.testing.assert_allclose(moments.norm[1], amplitude * 0.375**0.25, rtol=1e-11)
    np.testing.assert_array_equal(moments.scale, ell)
    assert moments.offset == 1.0


def test_norms_do_not_depend_on_the_unit_of_length(rng: np.random.Generator) -> None:
    values = rng.standard_normal((32, 32))
    q = np.array([1.0, 3.0])
    one = gradient_moments(values, Cell.cubic(1.0, 2), np.array([0.1, 0.2]), q, GAUSSIAN)
    ten = gradient_moments(values, Cell.cubic(10.0, 2), np.array([1.0, 2.0]), q, GAUSSIAN)
    np.testing.assert_allclose(ten.norm, one.norm / 10.0, rtol=1e-12)  # round-off


@pytest.mark.parametrize("cell", [Cell.cubic(20.0, 2), Cell.sheared(20.0, 2, 0.3)])
def test_moments_of_tiles_are_those_of_the_gradient_there(
    cell: Cell, rng: np.random.Generator
) -> None:
    values, width = rng.standard_normal((48, 36)), 4.0
    q = np.array([-1.0, 0.0, 1.0, 2.5, 9.0])
    moments = gradient_moments(values, cell, np.array([width]), q, GAUSSIAN, tiles=3)
    smooth = mollify(values, GAUSSIAN, width, cell)
    # Derivatives of a smooth periodic function along the axes of the grid, by Fourier series.
    along = []
    for axis, n in enumerate(values.shape):
        m = np.fft.fftfreq(n, 1.0 / n).reshape([-1 if a == axis else 1 for a in range(2)])
        along.append(np.fft.ifft(2j * np.pi * m * np.fft.fft(smooth, axis=axis), axis=axis).real)
    gradient = np.einsum("ij,i...->j...", np.linalg.inv(cell.matrix), np.array(along))
    length = np.linalg.norm(gradient, axis=0)
    for row, order in enumerate(q):
        power = np.log(length) if order == 0.0 else length**order
        expected = power.reshape(3, 16, 3, 12).mean(axis=(1, 3))
        # Modes at the edge of the grid, where one of the two drops them, pass the filter to 1e-6
        # in amplitude; a point near a zero of the gradient raises that by ten for q = -1.
        np.testing.assert_allclose(moments.mean[row, 0], expected, rtol=1e-5 if order > 0 else 1e-4)
    whole = gradient_moments(values, cell, np.array([width]), q, GAUSSIAN)
    np.testing.assert_allclose(moments.norm, whole.norm, rtol=1e-12)  # round-off
    np.testing.assert_allclose(moments.square, whole.square, rtol=1e-12)


@pytest.mark.parametrize(("dim", "exists"), [(1, [False, True, True]), (2, [True] * 3)])
def test_negative_orders_exist_above_minus_the_dimension(
    dim: int, exists: list[bool], rng: np.random.Generator
) -> None:
    q = np.array([-1.0, -0.75, 1.0])
    values = rng.standard_normal((32,) * dim)
    moments = gradient_moments(values, Cell.cubic(32.0, dim), np.array([8.0]), q, GAUSSIAN)
    np.testing.assert_array_equal(np.isfinite(moments.norm[:, 0]), exists)


@pytest.mark.parametrize("kernel", [GAUSSIAN, WENDLAND, BUMP])
def test_unresolved_filters_are_refused(kernel: Kernel, rng: np.random.Generator) -> None:
    values = rng.standard_normal(64)
    cell = Cell.cubic(64.0, 1)
    smallest = kernel.band(1) / np.pi
    gradient_moments(values, cell, np.array([1.001 * smallest]), np.ones(1), kernel)
    with pytest.raises(ResolutionError, match=r"ell: .* use a larger ell or a finer grid"):
        gradient_moments(values, cell, np.array([0.999 * smallest, 30.0]), np.ones(1), kernel)


def test_resolution_counts_the_coarsest_axis(rng: np.random.Generator) -> None:
    cell, ell = Cell.cubic(64.0, 2), np.array([3.0])
    gradient_moments(rng.standard_normal((64, 64)), cell, ell, np.ones(1), GAUSSIAN)
    with pytest.raises(ResolutionError, match=r"a grid of shape \(64, 32\)"):
        gradient_moments(rng.standard_normal((64, 32)), cell, ell, np.ones(1), GAUSSIAN)
