from __future__ import annotations

import numpy as np
import pytest
import pywt

from glasscade.cell import Cell
from glasscade.errors import ResolutionError
from glasscade.regularity import wavelets
from glasscade.regularity.wavelets import TAPS, WAVELET, wavelet_moments


@pytest.mark.parametrize(("dim", "n", "levels"), [(1, 256, 5), (2, 64, 3), (3, 32, 2)])
def test_known_coefficients_give_known_norms(
    dim: int, n: int, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A single coefficient stays single only at the origin it was made for.
    monkeypatch.setattr(wavelets, "TRANSLATIONS", 1)
    cell = Cell.cubic(3.0, dim)
    blocks = pywt.wavedecn(np.zeros((n,) * dim), WAVELET, mode="periodization", level=levels)
    for j in range(1, levels + 1):
        for part in blocks[-j].values():
            part.flat[0] = 5.0 * j
    values = pywt.waverecn(blocks, WAVELET, mode="periodization")
    q = np.array([1.0, 2.0, 3.0])
    moments = wavelet_moments(values, cell, levels, q)
    for j in range(1, levels + 1):
        count = (n // 2**j) ** dim
        expected = 2.0 ** (-0.5 * dim * j) * 5.0 * j * count ** (-1.0 / q)
        # The filters of the library are orthonormal to 1e-11.
        np.testing.assert_allclose(moments.norm[:, j - 1], expected, rtol=1e-8)
    np.testing.assert_allclose(moments.scale, 3.0 / n * 2.0 ** np.arange(1, levels + 1), rtol=1e-15)


def test_cubic_polynomials_are_the_first_to_be_seen() -> None:
    # Three vanishing moments: away from the jump at the boundary x² has no details, x³ has.
    x = np.arange(1024.0) / 1024.0
    details = [
        pywt.wavedec(x**p, WAVELET, mode="periodization", level=1)[1][10:-10] for p in (2, 3)
    ]
    assert np.abs(details[0]).max() < 1e-10  # accuracy of the library's filters
    assert np.abs(details[1]).min() > 1e-10
    assert pywt.Wavelet(WAVELET).dec_len == TAPS


def test_block_norms_of_white_noise_fall_as_the_square_root_of_the_volume() -> None:
    values = np.random.default_rng(3).standard_normal((512, 512))
    moments = wavelet_moments(values, Cell.cubic(512.0, 2), 4, np.array([2.0]))
    # Orthonormal coefficients of white noise are white: norm = 2^{-j}, scale = 2^j. The coarsest
    # level has 3072 of them, so its norm scatters by 1/√6144 = 0.013; four times that.
    np.testing.assert_allclose(moments.norm[0] * moments.scale, 1.0, atol=0.052)


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        (Cell.cubic(1.0, 2), (64, 128)),
        (Cell(np.diag([1.0, 2.0])), (64, 64)),
        (Cell.sheared(1.0, 2, 0.1), (64, 64)),
    ],
)
def test_cells_that_are_not_square_are_refused(
    cell: Cell, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    with pytest.raises(ResolutionError, match="equal orthogonal sides"):
        wavelet_moments(rng.standard_normal(shape), cell, 2, np.ones(1))


@pytest.mark.parametrize(("n", "levels"), [(100, 3), (64, 4), (64, 0)])
def test_sizes_that_do_not_hold_the_levels_are_refused(
    n: int, levels: int, rng: np.random.Generator
) -> None:
    with pytest.raises(ResolutionError, match=f"levels: {levels} levels need .* not {n};"):
        wavelet_moments(rng.standard_normal(n), Cell.cubic(1.0, 1), levels, np.ones(1))
