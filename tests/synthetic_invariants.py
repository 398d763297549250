"""What holds for every family of synthetic fields: the shared checks of registered and new ones.

Each check takes one instance and fails with a sentence that says what is wrong with it.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import pywt

from glasscade.errors import ConfigError
from glasscade.regularity.synthetic import FAMILIES

SHAPES = {1: [(512,), (4096,)], 2: [(64, 64), (64, 128)], 3: [(32, 32, 32), (64, 32, 32)]}
ORDERS = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0])


def shapes(family):
    return [shape for dim in family.dimensions for shape in SHAPES[dim]]


def check_declaration(family):
    """It is found by its name; a copy is equal."""
    assert FAMILIES[family.name] is type(family), "the class is not the registered one"
    assert family.dimensions, "it is defined in no dimension"
    assert set(family.dimensions) <= {1, 2, 3}, "dimensions are 1, 2 and 3"
    copy = pickle.loads(pickle.dumps(family))
    assert copy == family, "a copy must be equal"
    assert hash(copy) == hash(family), "a copy must have the same hash"


def check_normalised(family):
    """Real, finite, of the shape asked for, with mean 0 and variance 1."""
    for shape in shapes(family):
        values = family.sample(shape, np.random.default_rng(3))
        assert values.shape == shape, f"a field of {shape} has the shape {values.shape}"
        assert values.dtype == np.float64, f"it is of type {values.dtype}"
        assert np.all(np.isfinite(values)), "it is not finite"
        # round-off of sums of 1e5 terms, stable ones of up to 100
        assert abs(values.mean()) <= 1e-12, f"its mean is {values.mean():g}"
        assert abs(values.std() - 1.0) <= 1e-12, f"its standard deviation is {values.std():g}"


def check_seeded(family):
    """The generator decides, and nothing else; a sample is the draw but for a factor."""
    for shape in shapes(family):
        field, again, other = (
            family.sample(shape, np.random.default_rng(seed)) for seed in (1, 1, 2)
        )
        assert np.array_equal(field, again), "one seed gave two fields"
        assert np.max(np.abs(field - other)) > 0.1, "two seeds gave one field"
        draw = family.draw(shape, np.random.default_rng(1))
        assert np.array_equal(draw / draw.std(), field), "the sample is not the draw normalised"


def check_refusals(family):
    """Grids of other dimensions and of one point are refused, by a sentence."""
    for dim in {0, 1, 2, 3, 4} - set(family.dimensions):
        with pytest.raises(ConfigError, match="needs a grid of"):
            family.sample((64,) * dim, np.random.default_rng(0))
    for dim in family.dimensions:
        with pytest.raises(ConfigError, match=r"^shape: "):
            family.sample((64,) * (dim - 1) + (1,), np.random.default_rng(0))
    with pytest.raises(ConfigError, match="needs a grid of"):
        family.exponent(ORDERS, 4)


def check_exponents(family):
    """ξ_q does not increase with q, as Jensen demands of a mean; NaN where there is no moment."""
    q = np.linspace(-2.0, 12.0, 141)
    for dim in family.dimensions:
        low, high = family.orders(dim)
        exponent = family.exponent(q, dim)
        assert exponent.shape == q.shape, "ξ_q has another shape than q"
        inside = (q > low) & (q < high)
        assert np.array_equal(np.isfinite(exponent), inside), "ξ_q is not NaN outside its orders"
        steps = np.diff(exponent[inside])
        assert np.all(steps <= 1e-12), f"ξ_q increases with q in {dim}D"  # round-off


def check_typical(family):
    """The member with a given ξ_3 has it, or it is refused."""
    try:
        typical = type(family).with_exponent(0.2)
    except ConfigError as error:
        assert "has no parameter that sets ξ_3" in str(error)  # noqa: PT017
        return
    for dim in family.dimensions:
        exponent = typical.exponent(np.array([3.0]), dim)[0]
        assert abs(exponent - 0.2) <= 1e-14, f"with_exponent(0.2) has ξ_3 = {exponent:g}"


def check_periodic(family):
    """Increments across the edge of the grid are not larger than elsewhere."""
    for shape in [SHAPES[dim][0] for dim in family.dimensions]:
        edge, inside = 0.0, 0.0
        for rng in np.random.default_rng(4).spawn(64 // len(shape) ** 2):
            values = family.sample(shape, rng)
            increments = np.abs(values - np.roll(values, 1, axis=0))
            edge, inside = edge + increments[0].mean(), inside + increments[1:].mean()
        # A path that is not closed has 512^{1/2} = 23 times the increment there for H = 1/2. A few
        # jumps in all draws are at the edge, where there are up to twice as many of them.
        assert edge <= 6.0 * inside, f"increments across the edge are {edge / inside:.1f} times"


# --- the exponents are there ----------------------------------------------------------------------

WINDOWS = {
    # shape, draws, levels from and to, away from the ends of spectra and trees; largest bias of
    # ξ_q there for orders 1 to 4, measured with 500, 60 and 40 other fields: in 3D, two levels
    # below the roots, that of the p-model, half as much in others
    1: ((4096,), 48, 3, 5, 0.01),
    2: ((256, 256), 8, 2, 3, 0.02),
    3: ((64, 64, 64), 6, 2, 3, 0.04),
}


ORIGINS = [(0, 0, 0), (5, 18, 11), (18, 11, 5), (11, 5, 18)]
"""All remainders modulo 4 along each axis, and odd and even in all combinations in a plane."""


def first(values, r):
    """|f(x+r) - f(x)| along all axes."""
    return np.abs([np.roll(values, -r, axis) - values for axis in range(values.ndim)])


def second(values, r):
    """|f(x+r) - 2f(x) + f(x-r)| along all axes."""
    return np.abs(
        [
            np.roll(values, r, axis) + np.roll(values, -r, axis) - 2.0 * values
            for axis in range(values.ndim)
        ]
    )


def coefficients(values, low, high):
    """Wavelet coefficients per volume of the levels from low to high, for four origins."""
    found = [[] for _ in range(low, high + 1)]
    for origin in ORIGINS:
        smooth = np.roll(values, origin[: values.ndim], axis=tuple(range(values.ndim)))
        for level in range(1, high + 1):
            parts = pywt.dwtn(smooth, "db3", mode="periodization")
            smooth = parts.pop("a" * values.ndim)
            if level >= low:
                volume = 2.0 ** (0.5 * values.ndim * level)
                found[level - low] += [np.abs(part).ravel() / volume for part in parts.values()]
    return [np.concatenate(parts) for parts in found]


def magnitudes(family, values, low, high):
    """|δ_r f| at two scales that are apart by 2^(high - low).

    Increments where they are exact and wavelets are not: of jumps, those of second order where
    there are ramps. On a line, waves with wavelengths of a power of two meet wavelets of such a
    spacing always at one phase, whereas increments go to every point.
    """
    if family.name == "step":  # as short as can be: balls are curved
        return [first(values, 1), first(values, 2 ** (high - low))]
    if family.name == "shock" or (family.name == "weierstrass" and values.ndim == 1):
        r = 3 * 2 ** (low - 1)
        return [second(values, r), second(values, r * 2 ** (high - low))]
    levels = coefficients(values, low, high)
    return [levels[0], levels[-1]]


def mean_powers(magnitude, q):
    """<|δ_r f|^q> for every order."""
    return np.array([np.mean(magnitude**order) for order in q])


def jackknifed(moments, octaves):
    """The slope of log2 of moments pooled over draws, shape (draws, 2, q), and its error."""

    def slope(pooled):
        return np.log2(pooled[..., 1, :] / pooled[..., 0, :]) / octaves

    draws = len(moments)
    without = slope((moments.sum(axis=0) - moments) / (draws - 1))
    error = np.sqrt((draws - 1) * np.var(without, axis=0))
    return slope(moments.mean(axis=0)), error


def check_measured(family):
    """ζ_q of pooled moments of increments or wavelet coefficients, in every dimension.

    Orders are those for which the moment has a variance and draws are likely to hold what makes
    it, below half of the largest.
    """
    for dim in family.dimensions:
        shape, draws, low, high, bias = WINDOWS[dim]
        highest = family.orders(dim)[1]
        q = np.array([order for order in ORDERS if order < 0.5 * highest])
        # Below 1 first increments of a shock are those of its ramps, which second ones do not see.
        q = q[q >= 1.0] if family.name == "shock" else q
        moments = []
        for rng in np.random.default_rng(5).spawn(draws):
            values = family.draw(shape, rng)
            moments.append([mean_powers(m, q) for m in magnitudes(family, values, low, high)])
        slope, error = jackknifed(np.array(moments), high - low)
        exact = q * family.exponent(q, dim)
        # a bias of ξ_q, below order 1 of ζ_q, and four standard errors
        wrong = np.abs(slope - exact) > bias * np.maximum(q, 1.0) + 4.0 * error
        assert not np.any(wrong), (
            f"ζ_q is not what it is said to be in {dim}D: {slope[wrong]} ± {error[wrong]} and not "
            f"{exact[wrong]} at q = {q[wrong]}"
        )


CHECKS = (
    check_declaration,
    check_normalised,
    check_seeded,
    check_refusals,
    check_exponents,
    check_typical,
    check_periodic,
    check_measured,
)
