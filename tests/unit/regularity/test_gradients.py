from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.coarse import BUMP, GAUSSIAN, WENDLAND, Kernel
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
