"""The noise: Philox against its published vectors, and what a normal distribution demands."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from glasscade.errors import ConfigError
from glasscade.particles.noise import box_muller, check_counters, normals, philox

# Random123, kat_vectors: philox2x32 10, counter, key -> words.
KNOWN = [
    ((0x00000000, 0x00000000), 0x00000000, (0xFF1DAE59, 0x6CD10DF2)),
    ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
    ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_words(counter, key, expected):
    assert tuple(int(word) for word in philox(*counter, key)) == expected


def test_box_muller_follows_the_formula_in_single_precision(rng):
    words = rng.integers(0, 2**32, (5000, 2), dtype=np.uint32)
    found = np.array([box_muller(word, other) for word, other in words])
    u = ((words[:, 0] >> 1) + 0.5) * 2.0**-31
    radius = np.sqrt(-2.0 * np.log(u))
    angle = np.pi * words[:, 1].view(np.int32) * 2.0**-32
    sign = np.where(words[:, 0] & 1, -1.0, 1.0)
    expected = sign * radius * np.stack([np.cos(angle), np.sin(angle)])
    # u is rounded to 2^-24, which moves r by 2^-25/(u r) next to u = 1; the rest are a few
    # roundings of 2^-24 relative.
    tolerance = 8 * 2.0**-24 * (1.0 + radius) + 2.0**-24 / radius
    assert np.all(np.abs(found.T - expected) < tolerance)


@pytest.mark.parametrize("word", [0, 1, 2**31, 2**32 - 2, 2**32 - 1])
@pytest.mark.parametrize("other", [0, 2**31 - 1, 2**31, 2**32 - 1])
def test_extreme_words_give_bounded_normals(word, other):
    pair = np.array(box_muller(np.uint32(word), np.uint32(other)))
    # sqrt(2 · 32 ln 2) = 6.661 is the radius of the smallest u, 2^-32.
    assert np.all(np.isfinite(pair))
    assert np.hypot(*pair) < 6.662


@pytest.fixture(scope="module")
def sample():
    """Normals of 10,000 particles at 50 steps, (step, particle, component)."""
    return np.stack([normals(np.arange(10_000), step, 17, 3) for step in range(50)]).astype(float)


def test_moments_are_those_of_a_normal(sample):
    n = sample.size
    # Four standard errors of each moment of n independent normals.
    assert abs(np.mean(sample)) < 4.0 / np.sqrt(n)
    assert abs(np.var(sample) - 1.0) < 4.0 * np.sqrt(2.0 / n)
    assert abs(stats.skew(sample, axis=None)) < 4.0 * np.sqrt(6.0 / n)
    assert abs(stats.kurtosis(sample, axis=None)) < 4.0 * np.sqrt(24.0 / n)


def test_distribution_passes_kolmogorov_smirnov(sample):
    assert stats.kstest(sample.ravel(), "norm").pvalue > 0.001


def test_particles_steps_components_and_seeds_are_uncorrelated(sample):
    other_seed = np.stack([normals(np.arange(10_000), s, 18, 3) for s in range(50)]).astype(float)
    pairs = {
        "particles": (sample[:, 1:], sample[:, :-1]),
        "distant particles": (sample[:, 4096:], sample[:, :-4096]),
        "steps": (sample[1:], sample[:-1]),
        "components": (sample[..., 1:], sample[..., :-1]),
        "first and last component": (sample[..., 0], sample[..., 2]),
        "squares of a pair": (sample[..., 0] ** 2 - 1.0, sample[..., 1] ** 2 - 1.0),
        "seeds": (sample, other_seed),
    }
    for name, (a, b) in pairs.items():
        # Products of independent normals have variance 1, those of the centred squares 4.
        error = np.std(a) * np.std(b) / np.sqrt(a.size)
        assert abs(np.mean(a * b)) < 4.0 * error, name


def test_noise_of_a_particle_depends_on_nothing_but_its_counters():
    everyone = normals(np.arange(1000), 5, 3, 2)
    assert np.array_equal(normals([999, 7, 500], 5, 3, 2), everyone[[999, 7, 500]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10, 5, -1, 2), "seed: -1 is outside"),
        ((10, 5, 2**32, 2), "seed: 4294967296 is outside"),
        ((10, 2**32, 0, 2), "steps: 4294967296 is outside"),
        ((2**31 + 1, 5, 0, 3), "exceed the 2\\^32 streams"),
    ],
)
def test_counters_that_would_wrap_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        check_counters(*arguments)
