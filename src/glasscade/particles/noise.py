"""Stateless normal noise: a function of (seed, particle, step) and of nothing else.

Philox2x32-10 (Salmon, Moraes, Dror & Shaw, SC'11) turns the counter (particle, step) under the key
`seed` into two words, Box-Muller turns those into two normals. Nothing is carried from one call
to the next, so the realisation is the same at every temperature, for any number of threads, in
any order of the particles and after a restart.

The normals are computed in single precision by polynomials, because the loops then vectorise:
the rounding, 1e-7 relative, is far below anything a distribution shows. |normal| <= 6.66, a bound
that true normals exceed once in 4e10 draws.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.jit import inner, jit

WORD_LIMIT = 2**32

Word = int | np.uint64
Words = npt.NDArray[np.uint32]
Normals = npt.NDArray[np.float32]

_MULTIPLIER = np.uint64(0xD256D193)
_WEYL = np.uint64(0x9E3779B9)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ROUNDS = 10

# ln x = exponent ln 2 + 2 artanh f with f = (m - 1)/(m + 1), m the mantissa in [0.7, 1.4]:
# four terms of the series are exact to 3e-8.
_LN2 = np.float32(math.log(2.0))
_ATANH = tuple(np.float32(2.0 / (2 * k + 1)) for k in range(4))
# Taylor series of sin and cos, exact to 6e-8 on [-pi/2, pi/2].
_SIN = tuple(np.float32((-1.0) ** k / math.factorial(2 * k + 1)) for k in range(6))
_COS = tuple(np.float32((-1.0) ** k / math.factorial(2 * k)) for k in range(7))
_ANGLE = np.float32(math.pi * 2.0**-32)
_ONE = np.float32(1.0)
_ROUNDING = np.float32(0.5)
_UNIT = np.float32(2.0**-31)
_MINUS_TWO = np.float32(-2.0)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x007FFFFF)
_MANTISSA_BITS = np.int32(23)
_SIGN_BIT = np.uint32(31)


@jit
def philox(first: Word, second: Word, key: Word) -> tuple[np.uint64, np.uint64]:
    """Philox2x32-10 of the counter (first, second) under `key`, all below 2^32."""
    c0, c1, k = np.uint64(first), np.uint64(second), np.uint64(key)
    for _ in range(_ROUNDS):
        product = _MULTIPLIER * c0
        c0 = (product >> _HALF) ^ k ^ c1
        c1 = product & _LOW
        k = (k + _WEYL) & _LOW
    return c0, c1


@jit
def _log(x: np.float32) -> np.float32:
    """ln x of a positive single-precision number."""
    bits = np.float32(x).view(np.int32)  # numba views only what it sees a numpy type made of
    exponent = (bits - _SQRT_HALF_BITS) >> _MANTISSA_BITS
    mantissa = np.int32(bits - np.int32(exponent << _MANTISSA_BITS)).view(np.float32)
    f = (mantissa - _ONE) / (mantissa + _ONE)
    f2 = f * f
    series = f * (_ATANH[0] + f2 * (_ATANH[1] + f2 * (_ATANH[2] + f2 * _ATANH[3])))
    return np.float32(exponent) * _LN2 + series


@jit
def _sin(a: np.float32) -> np.float32:
    """Sine on [-pi/2, pi/2]."""
    a2 = a * a
    low = _SIN[0] + a2 * (_SIN[1] + a2 * _SIN[2])
    return a * (low + a2 * a2 * a2 * (_SIN[3] + a2 * (_SIN[4] + a2 * _SIN[5])))


@jit
def _cos(a: np.float32) -> np.float32:
    """Cosine on [-pi/2, pi/2]."""
    a2 = a * a
    low = _COS[0] + a2 * (_COS[1] + a2 * _COS[2])
    high = _COS[3] + a2 * (_COS[4] + a2 * (_COS[5] + a2 * _COS[6]))
    return low + a2 * a2 * a2 * high


@jit
def box_muller(word: np.uint32, other: np.uint32) -> tuple[np.float32, np.float32]:
    """Two independent normals of two words: sqrt(-2 ln u) (cos a, sin a).

    The top 31 bits of `word` make u in (0, 1], so that the radius keeps its full relative
    precision in the tail, and its last bit the sign; `other` makes a in [-pi/2, pi/2).
    """
    u = (np.float32(np.int32(word >> np.uint32(1))) + _ROUNDING) * _UNIT
    radius = np.float32(math.sqrt(_MINUS_TWO * _log(u)))
    sign_bit = np.uint32(word << _SIGN_BIT)
    signed = np.uint32(radius.view(np.uint32) ^ sign_bit).view(np.float32)
    angle = np.float32(np.int32(other)) * _ANGLE
    return signed * _cos(angle), signed * _sin(angle)


@inner
def fill_normals(
    particles: npt.NDArray[np.uint32], step: int, seed: int, words: Words, normals: Normals
) -> None:
    """Fill `normals` for `particles` (n,) at `step`; `words` (2, n) is scratch space.

    `normals` has the shape (2p, n): normals come in pairs, in 3D the fourth row is not used.
    Two loops, since the integer one works four lanes at a time and the real one eight.
    """
    number = particles.size
    pairs = normals.shape[0] // 2
    for pair in range(pairs):
        for lane in range(number):
            counter = np.uint64(particles[lane]) * np.uint64(pairs) + np.uint64(pair)
            first, second = philox(counter, step, seed)
            words[0, lane] = np.uint32(first)
            words[1, lane] = np.uint32(second)
        for lane in range(number):
            cosine, sine = box_muller(words[0, lane], words[1, lane])
            normals[2 * pair, lane] = cosine
            normals[2 * pair + 1, lane] = sine


def normals(particles: npt.ArrayLike, step: int, seed: int, dim: int) -> Normals:
    """Standard normals of `particles` at `step`, shape (len(particles), dim).

    Raises
    ------
    ConfigError
        If a counter or the seed does not fit in 32 bits.
    """
    index = np.atleast_1d(np.asarray(particles, dtype=np.int64))
    check_counters(int(index.max(initial=0)) + 1, step, seed, dim)
    out = np.empty((2 * ((dim + 1) // 2), index.size), dtype=np.float32)
    words = np.empty((2, index.size), dtype=np.uint32)
    fill_normals(index.astype(np.uint32), step, seed, words, out)
    return np.ascontiguousarray(out[:dim].T)


def check_counters(number: int, last_step: int, seed: int, dim: int) -> None:
    """Refuse particle numbers, steps and seeds that would wrap around 2^32 and repeat the noise."""
    if not 0 <= seed < WORD_LIMIT:
        raise ConfigError(f"seed: {seed} is outside [0, 2^32), choose a seed in that range")
    if not 0 <= last_step < WORD_LIMIT:
        raise ConfigError(f"steps: {last_step} is outside [0, 2^32), use fewer or longer steps")
    if number * ((dim + 1) // 2) > WORD_LIMIT:
        raise ConfigError(f"particles: {number} in {dim}D exceed the 2^32 streams of the noise")
