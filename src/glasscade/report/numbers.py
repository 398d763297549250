"""Numbers as a reader wants them: as many digits as the interval supports, no computer notation."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf, isfinite, log10

MISSING = "–"
PLAIN = (1e-4, 1e4)
"""Sizes that are written without a power of ten."""
DIGITS = 4
"""Significant digits of a number that has no interval of its own."""
MOST_DIGITS = 8
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Measured:
    """A value and its interval, in one power of ten and with common decimals.

    Attributes
    ----------
    value, interval : str
        Each complete in itself.
    both : str
        The two together, as in a sentence.
    """

    value: str
    interval: str
    both: str


def plain(x: float) -> str:
    """Four significant digits without trailing zeros: 0.3333, 5 × 10⁻⁴, ∞, – for NaN."""
    if not isfinite(x):
        return _not_finite(x)
    # Rounded first: 9999.9 with four digits is 10⁴.
    exponent = _exponent(abs(float(f"{x:.{DIGITS - 1}e}")))
    mantissa = f"{x / 10.0**exponent:.{DIGITS}g}"
    return _signed(mantissa) + _power(exponent)


def measured(value: float, low: float, high: float) -> Measured:
    """Digits down to the second one of the half-width of the interval, if there is one."""
    ends = [end for end in (value, low, high) if isfinite(end)]
    if not ends:
        return Measured(MISSING, MISSING, "no value")
    size = max(abs(end) for end in ends)
    exponent = _exponent(size)
    half = max((abs(end - value) for end in (low, high) if isfinite(end - value)), default=0.0)
    decimals = _decimals(half, size, exponent)

    def shown(x: float) -> str:
        if not isfinite(x):
            return _not_finite(x)
        return _signed(f"{x / 10.0**exponent:.{decimals}f}")

    power = _power(exponent)
    middle, range_ = shown(value), f"{shown(low)} to {shown(high)}"
    if low != low and high != high:
        return Measured(middle + power, MISSING, middle + power)
    interval = f"({range_}){power}" if power else range_
    return Measured(middle + power, interval, f"{middle} ({range_}){power}")


def window(symbol: str, low: float, high: float) -> str:
    """A range of what has a symbol, or nothing where there is none."""
    if not (isfinite(low) and isfinite(high)):
        return MISSING
    return f"{symbol} = {plain(low)}" + (f" to {plain(high)}" if high > low else "")


def would_decide(realisations: float) -> str:
    """How many realisations would decide what is inconclusive; nothing for NaN."""
    if isfinite(realisations):
        return f"{realisations:.0f} realisations would decide"
    return "no number of realisations would decide" if realisations > 0.0 else ""


def _exponent(size: float) -> int:
    """The power of ten to split off, zero for sizes that read well without one."""
    if size == 0.0 or PLAIN[0] <= size < PLAIN[1]:
        return 0
    return floor(log10(size))


def _decimals(half: float, size: float, exponent: int) -> int:
    leading = floor(log10(size)) if size > 0.0 else 0
    most = MOST_DIGITS - 1 - leading
    wanted = 1 - floor(log10(half)) if half > 0.0 else DIGITS - 1 - leading
    return max(0, min(wanted, most) + exponent)


def _power(exponent: int) -> str:
    return f" × 10{str(exponent).translate(SUPERSCRIPTS)}" if exponent else ""


def _signed(text: str) -> str:
    """With the minus sign of typography, and without the sign of a rounded zero."""
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace("-", "−")


def _not_finite(x: float) -> str:
    return {inf: "∞", -inf: "−∞"}.get(x, MISSING)
