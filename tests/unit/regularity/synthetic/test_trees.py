"""Moments of the coefficients of trees are exact at every level, and the field holds them."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import FAMILIES, LogNormal, PModel, Tree, WaveletSeries
from glasscade.regularity.synthetic.trees import WAVELET
from synthetic_invariants import jackknifed, mean_powers

TREES = [
    *(
        tree
        for family in FAMILIES.values()
        if issubclass(family, Tree)
        for tree in family.examples()
    ),
    PModel(0.3, 0.85),
    LogNormal(0.1, 0.0),
]
ORDERS = np.arange(1.0, 7.0)
GRIDS = [((1024,), 200), ((48, 96), 60), ((32, 32, 32), 30)]


def magnitudes(coefficients, dim):
    """|coefficient| per volume of every level, from the finest."""
    return [
        np.abs(np.stack(list(level.values()))) / 2.0 ** (0.5 * dim * (j + 1))
        for j, level in enumerate(coefficients[:0:-1])
    ]


@pytest.mark.parametrize(("shape", "draws"), GRIDS, ids=["1D", "2D", "3D"])
@pytest.mark.parametrize("tree", TREES, ids=str)
def test_moments_of_every_level_are_exact(tree, shape, draws):
    dim = len(shape)
    inside = ORDERS[np.isfinite(tree.exponent(ORDERS, dim))]
    moments = np.array(
        [
            [mean_powers(size, inside) for size in magnitudes(tree.coefficients(shape, rng), dim)]
            for rng in np.random.default_rng(8).spawn(draws)
        ]
    )
    levels = moments.shape[1]
    assert 2.0**levels == tree.scales(shape)[1]
    for j in range(levels - 1):
        slope, error = jackknifed(moments[:, j : j + 2], 1)
        exact = inside * tree.exponent(inside, dim)
        # four standard errors; round-off where a cascade has no scatter at all
        assert np.all(np.abs(slope - exact) <= 4.0 * error + 1e-13), (j + 1, slope, exact, error)


def test_moments_of_the_p_model_do_not_scatter(rng):
    tree, q = PModel(0.4, 0.7), np.array([-0.5, 1.0, 3.0, 6.0])
    for shape in [(256,), (64, 64), (32, 32, 32)]:
        sizes = magnitudes(tree.coefficients(shape, rng), len(shape))
        moments = np.array([mean_powers(size, q) for size in sizes])
        exact = q * tree.exponent(q, len(shape))
        np.testing.assert_allclose(
            np.diff(np.log2(moments), axis=0), [exact] * (len(sizes) - 1), rtol=1e-12
        )


@pytest.mark.parametrize("shape", [(128,), (48, 96), (16, 32, 16)])
@pytest.mark.parametrize("tree", TREES[::2], ids=str)
def test_the_field_holds_its_coefficients(tree, shape):
    dim, rng = len(shape), np.random.default_rng(2)
    coefficients = tree.coefficients(shape, rng)
    origin = rng.integers(shape)
    smooth = np.roll(tree.draw(shape, np.random.default_rng(2)), -origin, axis=tuple(range(dim)))
    for level in coefficients[:0:-1]:  # the coarsest are shorter than the filter, and wrap
        parts = pywt.dwtn(smooth, WAVELET, mode="periodization")
        smooth = parts.pop("a" * dim)
        assert parts.keys() == level.keys()
        for word, part in parts.items():
            # round-off of sums of 16^3 terms, over all levels
            np.testing.assert_allclose(part, level[word], rtol=0.0, atol=1e-10)
    np.testing.assert_allclose(smooth, 0.0, atol=1e-10)


def test_orientations_share_their_product_and_not_their_marks(rng):
    levels = LogNormal(0.4).coefficients((64, 64), rng)[1:]
    for level in levels:
        sizes = np.abs(list(level.values()))
        np.testing.assert_array_equal(sizes, [sizes[0]] * 3)
    signs = np.sign(list(levels[-1].values())).reshape(3, -1)
    # 1024 independent pairs: four standard errors
    assert np.all(np.abs(signs @ signs.T / 1024 - np.eye(3)) <= 4.0 / 32.0)


def test_a_cascade_multiplies_down_the_tree(rng):
    """The W of a child is independent of its parent, which a product of the marks would not be."""
    levels = [
        np.log(np.abs(level["d"]) / 2.0 ** (0.5 * j))
        for level, j in zip(
            LogNormal(0.4, 0.04).coefficients((2**16,), rng)[1:], range(13, 0, -1), strict=True
        )
    ]
    parent, child = levels[-2], levels[-1].reshape(-1, 2)
    W = child - parent[:, np.newaxis]
    # 2^15 independent numbers, of mean -c1 ln 2 and variance c2 ln 2: four standard errors
    assert abs(W.mean() + 0.4 * np.log(2.0)) <= 4.0 * W.std() / 2.0**7.5
    assert W.var() == pytest.approx(0.04 * np.log(2.0), rel=4.0 * np.sqrt(2.0) / 2.0**7.5)
    assert abs(np.corrcoef(W[:, 0], W[:, 1])[0, 1]) <= 4.0 / 2.0**7
    assert abs(np.corrcoef(W[:, 0], parent)[0, 1]) <= 4.0 / 2.0**7


def test_exponents_of_cascades():
    q = np.array([-0.5, 0.0, 1.0, 3.0, 6.0])
    exact = 0.4 - 0.02 * q
    np.testing.assert_allclose(LogNormal(0.4, 0.04).exponent(q, 1), exact, rtol=1e-14)
    p, first = 0.7, 0.3
    zeta = q * (first - 1.0) + 1.0 - np.log2(p**q + (1.0 - p) ** q)
    np.testing.assert_allclose(q * PModel(first, p).exponent(q, 3), zeta, rtol=1e-13, atol=1e-15)
    assert PModel(first, p).exponent(np.array([1.0]), 2)[0] == pytest.approx(first, abs=1e-15)
    # at q = 0 the limit, not a hole
    near = PModel(first, p).exponent(np.array([-1e-6, 0.0, 1e-6]), 1)
    assert near[1] == pytest.approx(0.5 * (near[0] + near[2]), abs=1e-9)
    np.testing.assert_array_equal(PModel(first, 0.5).exponent(q, 1), np.full(5, first))


def test_orders_of_the_log_normal_end_where_its_cubes_do():
    for dim, end in ((1, 5.0), (2, np.sqrt(50.0))):
        exponent = LogNormal(0.4, 0.08).exponent(np.array([end - 1e-6, end + 1e-6]), dim)
        np.testing.assert_array_equal(np.isnan(exponent), [False, True])


@pytest.mark.parametrize(
    ("shape", "levels"),
    [((64,), 3), ((4096,), 9), ((96, 160), 5), ((24, 48), 3), ((16, 16, 48), 3)],
)
def test_trees_begin_as_high_as_their_roots_let_them(shape, levels):
    assert WaveletSeries(0.5).scales(shape) == (2.0, 2.0**levels)


@pytest.mark.parametrize(
    ("shape", "least"),
    [((100,), 64), ((32,), 64), ((64, 36), 16), ((8, 64), 16), ((8, 16, 16), 16)],
)
def test_trees_need_sizes_that_can_be_halved(shape, least):
    message = (
        f"shape: 'wavelet_series' needs multiples of 8, best powers of two, of at least {least} "
    )
    with pytest.raises(ConfigError, match=message):
        WaveletSeries(0.5).sample(shape, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WaveletSeries(2.0), r"hurst: 2 is outside \(-2, 2\)"),
        (lambda: LogNormal(3.0), r"c1: 3 is outside \(-2, 2\)"),
        (lambda: LogNormal(0.3, -0.1), r"c2: -0\.1 is outside \[0, 1\)"),
        (lambda: PModel(np.nan), r"first: nan is outside \(-2, 2\)"),
        (lambda: PModel(0.3, 1.0), r"p: 1 is outside \[0\.5, 1\)"),
    ],
)
def test_parameters_outside_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
