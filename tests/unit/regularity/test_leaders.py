from __future__ import annotations

import itertools

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError, ResolutionError
from glasscade.regularity.leaders import leader_moments, leaders, p_leaders
from glasscade.regularity.wavelets import coefficients


def made_up(dim: int, sizes: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.standard_normal((2**dim - 1, *(n,) * dim)) for n in sizes]


def near(blocks: list[np.ndarray], level: int, cube: tuple[int, ...]) -> list[np.ndarray]:
    """The definition: coefficients of levels j' <= j in a cube and its neighbours, by level."""
    found = []
    for finer, block in enumerate(blocks[: level + 1]):
        ratio, n = 2 ** (level - finer), block.shape[-1]
        sides = [(np.arange((k - 1) * ratio, (k + 2) * ratio)) % n for k in cube]
        found.append(block[np.ix_(np.arange(len(block)), *sides)])
    return found


@pytest.mark.parametrize(("dim", "sizes"), [(1, [24, 12, 6]), (2, [12, 6]), (3, [12, 6])])
def test_leaders_are_what_they_are_defined_to_be(
    dim: int, sizes: list[int], rng: np.random.Generator
) -> None:
    blocks = made_up(dim, sizes, rng)
    p = 1.5
    suprema, sums = list(leaders(blocks)), list(p_leaders(blocks, p))
    for level, n in enumerate(sizes):
        for cube in itertools.islice(itertools.product(range(n), repeat=dim), 40):
            inside = near(blocks, level, cube)
            assert suprema[level][cube] == max(np.abs(part).max() for part in inside)
            weights = 2.0 ** (dim * (np.arange(level + 1) - level))
            total = np.sum(
                [w * np.sum(np.abs(c) ** p) for w, c in zip(weights, inside, strict=True)]
            )
            assert sums[level][cube] == pytest.approx(total ** (1.0 / p), rel=1e-12)  # round-off


def test_leaders_never_fall_towards_coarser_cubes(rng: np.random.Generator) -> None:
    blocks = made_up(2, [48, 24, 12, 6], rng)
    found = list(leaders(blocks))
    for block, leader in zip(blocks, found, strict=True):
        assert np.all(leader >= np.abs(block).max(axis=0))
    for finer, coarser in itertools.pairwise(found):
        # Children lie in the middle of 3λ, and their own neighbours within it.
        assert np.all(np.repeat(np.repeat(coarser, 2, 0), 2, 1) >= finer)


def test_p_leaders_tend_to_leaders(rng: np.random.Generator) -> None:
    blocks = made_up(1, [64, 32, 16], rng)
    for some, all_ in zip(p_leaders(blocks, 400.0), leaders(blocks), strict=True):
        # (Σ |c|^p 2^{j'-j})^{1/p} of at most 21 values lies between 2^{-2/p} and 21^{1/p}.
        np.testing.assert_allclose(some, all_, rtol=1e-2)


@pytest.mark.parametrize("p", [np.inf, 2.0])
def test_moments_are_those_of_the_leaders(p: float, rng: np.random.Generator) -> None:
    values, cell = rng.standard_normal((64, 64)), Cell.cubic(3.0, 2)
    q = np.array([-1.0, -0.5, 0.0, 1.0, 3.0, 7.0])
    moments = leader_moments(values, cell, 3, q, p)
    blocks = coefficients(values, 3)
    found = leaders(blocks) if np.isinf(p) else p_leaders(blocks, p)
    for j, leader in enumerate(found):
        expected = [
            np.exp(np.mean(np.log(leader))) if o == 0.0 else np.mean(leader**o) ** (1.0 / o)
            for o in q
        ]
        np.testing.assert_allclose(moments.norm[:, j], expected, rtol=1e-12)  # round-off
    assert moments.estimator == ("leaders" if np.isinf(p) else "p_leaders")
    np.testing.assert_allclose(moments.scale, 3.0 / 64.0 * 2.0 ** np.arange(1, 4), rtol=1e-15)
    parts = leader_moments(values, cell, 3, q, p, tiles=4)
    np.testing.assert_allclose(parts.norm, moments.norm, rtol=1e-12)


def test_tiles_hold_the_leaders_of_what_is_in_them() -> None:
    n = 128
    x = np.arange(n) - 80.0
    bump = np.exp(-0.5 * (x[:, None] ** 2 + (x - 32.0)[None, :] ** 2))
    moments = leader_moments(bump, Cell.cubic(1.0, 2), 4, np.array([2.0]), tiles=4)
    for level in range(4):
        # (80, 112) lies in the middle of the tile (2, 3).
        assert np.argmax(moments.mean[0, level]) == 2 * 4 + 3


def test_leaders_of_a_cusp_grow_with_its_exponent() -> None:
    n, levels, hurst = 2**12, 7, 0.6
    logarithms = []
    for place in range(0, 2**levels, 2):  # places of the cusp within a cube of the coarsest level
        x = np.abs((np.arange(n) - n // 2 - place + 0.3 + n / 2) % n - n / 2)
        found = leaders(coefficients(x**hurst, levels))
        # Away from the opposite point, where the periodic function has a kink.
        middle = [leader[leader.size // 4 : 3 * leader.size // 4] for leader in found]
        logarithms.append([np.log2(leader.max()) for leader in middle])
    slopes = np.diff(np.mean(logarithms, axis=0))
    # From eight spacings on. Logarithms scatter by 0.65 with the place within the cube, those of 64
    # places evenly spread by a tenth of the 0.08 that as many random ones would.
    assert np.mean(slopes[2:]) == pytest.approx(hurst, abs=0.02)


@pytest.mark.parametrize("p", [0.0, -2.0, np.nan])
def test_other_p_are_refused(p: float, rng: np.random.Generator) -> None:
    with pytest.raises(ConfigError, match="p: p-leaders need a positive p"):
        leader_moments(rng.standard_normal(64), Cell.cubic(1.0, 1), 2, np.ones(1), p)


def test_grids_and_fields_are_checked(rng: np.random.Generator) -> None:
    values = rng.standard_normal((64, 64))
    with pytest.raises(ResolutionError, match=r"leaders: .* equal orthogonal sides"):
        leader_moments(values, Cell.sheared(1.0, 2, 0.1), 2, np.ones(1))
    with pytest.raises(ResolutionError, match="levels: 4 levels need"):
        leader_moments(values, Cell.cubic(1.0, 2), 4, np.ones(1))
    with pytest.raises(DataError, match="p_leaders: the field is constant"):
        leader_moments(np.full((64, 64), 0.1), Cell.cubic(1.0, 2), 2, np.ones(1), 2.0)
