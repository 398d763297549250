"""The cone on a line, exactly solvable: Burgers above T = 0, sticky particles at T = 0.

With V = g|x|/2, `potentials.FreeCone` of strength g/2 on a density narrower than its reach, and
the mass m(x) below x out of M,

    F = w = ∂x(V*ρ) = g (m - M/2),     ∂x w = gρ,     ∂t w = w ∂x w + T ∂x²w,

so that u = -w obeys Burgers' equation ∂t u + u ∂x u = T ∂x²u: T is the viscosity, an attraction
(g > 0) makes shocks of masses m, a repulsion (g < 0) rarefactions. The budgets follow from
B[f,h] = g/4 (f_< h_> + f_> h_<), with f_< and f_> the integrals of f below and above x:

    σ = gM²/8 - w²/2g,   Q^thermal = Tgρ²,   Q^flux_ℓ = ½ρ̄_ℓ τ_ℓ(w,w),   W = ½ρ (w² - g²M²/4),

all local, and in total Q = g²m³/12 for each shock, at every T and every ℓ, and W = -g²M³/12.
On a periodic line of length L, `potentials.Cone`, V = g/2 (|x| - x²/L) adds -(gM/L)(x - centre) to
F. At T = 0 that is the same problem in the variables x e^{-at}, (1 - e^{-at})/a with a = gM/L, as
long as the mass leaves a gap. The other closed forms hold on the line alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import erf, ndtr

from glasscade.errors import ConfigError, ConvergenceError, ResolutionError
from glasscade.jit import jit

Real = npt.NDArray[np.float64]

ACCURACY = 1e-10
"""Relative change of ρ and w at which halving the step of the quadrature ends."""
WORST = 1e-6
"""Largest round-off of the weights that is not refused."""
MARGIN = 9.0
"""Standard deviations of exp(-z²/2) kept on either side: it is 3e-18 there."""
HALVINGS = 6
NEGLIGIBLE = 1e-20
"""Fraction of the largest density gM²/8T of a shock below which errors of ρ do not count."""
MOST_NODES = 1 << 20
"""Nodes between places that share them: at short times many lie between two places."""
LEAST = -60.0
"""Logarithm of the smallest weight that is summed, relative to the largest."""
LONGEST = 600.0
"""Largest exponent of growth on a periodic line: by then the points are one, or extend over L."""
BISECTIONS = 80
"""Halvings of the interval of a quantile, from some hundred widths to round-off."""


@dataclass(frozen=True)
class Bumps:
    """A density of Gaussian bumps, whose mass and potential are known in closed form.

    Attributes
    ----------
    centre, width, mass : one number for each bump
        Of ρ = Σ_i mass_i N(x; centre_i, width_i²).

    Raises
    ------
    ConfigError
        If they differ in number, or a width or mass is not above zero.
    """

    centre: tuple[float, ...]
    width: tuple[float, ...]
    mass: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.centre) == len(self.width) == len(self.mass):
            raise ConfigError(
                f"centre: its {len(self.centre)} bumps must be at least one and as many as the "
                f"{len(self.width)} of width and the {len(self.mass)} of mass"
            )
        for key in ("centre", "width", "mass"):
            least = -np.inf if key == "centre" else 0.0
            wrong = [value for value in getattr(self, key) if not least < value < np.inf]
            if wrong:
                raise ConfigError(f"{key}: {wrong[0]:g} is outside ({least:g}, inf)")

    @property
    def total(self) -> float:
        """M."""
        return float(np.sum(self.mass))

    def density(self, x: Real) -> Real:
        """ρ(x)."""
        total = np.zeros(np.shape(x))
        for z, width, mass in self._bumps(x):
            total += mass / (np.sqrt(2.0 * np.pi) * width) * np.exp(-0.5 * z * z)
        return total

    def below(self, x: Real) -> Real:
        """m(x), the mass below x."""
        total = np.zeros(np.shape(x))
        for z, _, mass in self._bumps(x):
            total += mass * ndtr(z)
        return total

    def field(self, x: Real) -> Real:
        """w/g = m - M/2, odd about the centre of a single bump to its last digit."""
        total = np.zeros(np.shape(x))
        for z, _, mass in self._bumps(x):
            total += 0.5 * mass * erf(z / np.sqrt(2.0))
        return total

    def potential(self, x: Real) -> Real:
        """V*ρ/g = ½∫|x - x'| ρ(x') dx', the integral of `field`."""
        total = np.zeros(np.shape(x))
        for z, width, mass in self._bumps(x):
            tail = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * z * z)
            total += 0.5 * mass * width * (z * erf(z / np.sqrt(2.0)) + tail)
        return total

    def diffused(self, time: float, temperature: float) -> Bumps:
        """The same after free diffusion, ∂tρ = T∂x²ρ: every width² grows by 2Tt."""
        widths = tuple(float(np.sqrt(s * s + 2.0 * temperature * time)) for s in self.width)
        return Bumps(self.centre, widths, self.mass)

    def _bumps(self, x: Real) -> Iterator[tuple[Real, float, float]]:
        for centre, width, mass in zip(self.centre, self.width, self.mass, strict=True):
            yield (np.asarray(x) - centre) / width, width, mass


# --- T > 0 --------------------------------------------------------------------------------------


def cole_hopf(x: Real, t: float, start: Bumps, g: float, temperature: float) -> tuple[Real, Real]:
    """Density and force that have evolved from `start` on the line at T > 0.

    With w = 2T ∂x ln θ Burgers' equation becomes ∂tθ = T∂x²θ, hence

        w(x,t) = <w₀>,     ρ(x,t) = <ρ₀> + (<w₀²> - <w₀>²)/(2Tg),

    averages over y with the weight exp[((V*ρ₀)(y) - (x-y)²/2t)/2T]. For g > 0 both terms of ρ are
    positive and nothing cancels. The averages are trapezoid sums over all y that can matter, in
    steps that are halved until they do not change, of weights relative to the largest.

    Parameters
    ----------
    x : array
        Places.
    t : float
        Time >= 0.
    start : Bumps
        ρ at t = 0.
    g : float
        Twice the strength of the cone: attractive above zero.
    temperature : float
        T > 0.

    Returns
    -------
    (ρ, w)
        Of the shape of x. Errors are below 1e-10 of the larger term of ρ and of gM, or at the
        round-off of the exponents, 1e-15 gM|x|/4T, where that is more.

    Raises
    ------
    ConfigError
        If the time is negative, T not above zero, or g zero.
    ResolutionError
        If T is so low that the exponents lose more than `WORST`.
    ConvergenceError
        If halving the step does not end.
    """
    _require_time("t", t)
    _require("temperature", temperature, 0.0)
    _require_coupling(g)
    x = np.asarray(x, dtype=np.float64)
    if t == 0.0 or not x.size:
        return start.density(x), g * start.field(x)
    flat, step = x.ravel(), _first_step(start, g, temperature, t)
    accuracy = _accuracy(flat, t, start, g, temperature)
    result, left = np.empty((2, flat.size)), np.arange(flat.size)
    for _ in range(HALVINGS):
        fine, coarse, size = _averages(flat[left], step, start, g, temperature, t)
        result[:, left] = fine
        left = left[np.any(np.abs(fine - coarse) > accuracy * size, axis=0)]
        if not left.size:
            return result[0].reshape(x.shape), result[1].reshape(x.shape)
        step *= 0.5
    raise ConvergenceError(
        f"temperature: at {temperature:g} the averages over y in steps of {2.0 * step:.1e} change "
        f"by more than {accuracy:.1e} at x = {flat[left[0]]:g}; raise T or use `sticky`"
    )


def _accuracy(x: Real, t: float, start: Bumps, g: float, temperature: float) -> float:
    """`ACCURACY`, or the round-off of the exponents, which may lose but so many digits."""
    furthest = np.max(np.abs(x), initial=0.0) + 0.5 * t * abs(g) * start.total
    exponent = abs(g) * float(start.potential(furthest)) / (2.0 * temperature)
    accuracy = max(ACCURACY, 4.0 * np.finfo(float).eps * exponent)
    if accuracy > WORST:
        lowest = temperature * accuracy / WORST
        raise ResolutionError(
            f"temperature: {temperature:g} is too low for double precision at |x| = {furthest:g}, "
            f"T must be at least {lowest:.2g}; at T = 0 use `sticky`"
        )
    return accuracy


def _first_step(start: Bumps, g: float, temperature: float, t: float) -> float:
    """0.4 standard deviations of the sharpest weight there can be, or a quarter of a bump.

    The second derivative of the exponent is at most 1/2Tt in size, with a repulsion |g| max ρ₀/2T
    more. The trapezoid rule with steps h errs by 2 exp(-2π²(σ/h)²) for a Gaussian weight: 8e-14 at
    twice this step. No bump falls between the nodes.
    """
    densest = np.sum(np.array(start.mass) / start.width) / np.sqrt(2.0 * np.pi)
    sharpness = 1.0 / t + max(0.0, -g) * densest
    return float(min(0.4 * np.sqrt(2.0 * temperature / sharpness), 0.25 * min(start.width)))


def _averages(x: Real, step: float, start: Bumps, g: float, temperature: float, t: float) -> Real:
    """(ρ, w) by nodes in steps of `step`, by every second of them, and their sizes, (3, 2, n)."""
    block = (x - np.min(x)) // (MOST_NODES * step)
    result = np.empty((3, 2, x.size))
    for some in (block == number for number in np.unique(block)):
        result[:, :, some] = _averages_of_block(x[some], step, start, g, temperature, t)
    return result


def _averages_of_block(
    x: Real, step: float, start: Bumps, g: float, temperature: float, t: float
) -> tuple[Real, Real, Real]:
    """The same for places so close to each other that they can share the nodes.

    No characteristic is faster than |g|M/2; where y is further from x by e the weight has fallen
    by exp(-e²/4Tt) at least.
    """
    reach = 0.5 * t * abs(g) * start.total + MARGIN * np.sqrt(2.0 * temperature * t)
    nodes = np.arange(np.min(x) - reach, np.max(x) + reach + 2.0 * step, step)
    fields = np.array(
        [
            g * start.potential(nodes) / (2.0 * temperature),
            start.density(nodes),
            g * start.field(nodes),
        ]
    )
    sums = np.empty((x.size, 2, 5))
    _sum_weights(x, nodes, fields, reach, 0.25 / (temperature * t), sums)
    total, density, force, square, middle = np.moveaxis(sums, -1, 0)
    mean, background = force / total, density / total
    variance = square / total - mean**2
    shocked = variance / (2.0 * temperature * g)
    both = np.array([background + shocked, middle + mean])
    largest = np.full(x.shape, abs(g) * start.total)
    size = np.array([np.max(np.abs([background, shocked]), axis=0)[:, 0], largest])
    size[0] += NEGLIGIBLE / ACCURACY * largest * start.total / temperature
    return both[:, :, 0], both[:, :, 1], size


@jit
def _sum_weights(
    x: Real, nodes: Real, fields: Real, reach: float, narrowness: float, sums: Real
) -> None:
    """Σ weight, Σ weight ρ₀, Σ weight (w₀ - c), Σ weight (w₀ - c)² and c, of all and of even nodes.

    The weight is exp[exponent(y) - narrowness (x-y)²] over its largest value, with the exponent,
    ρ₀ and w₀ at the nodes in `fields`; c is w₀ where it is largest, so that the variance of w₀ does
    not cancel where w₀ hardly changes.
    """
    exponent, density, force = fields
    step = nodes[1] - nodes[0]
    for i in range(x.size):
        first = max(0, int((x[i] - reach - nodes[0]) / step))
        last = min(nodes.size, int((x[i] + reach - nodes[0]) / step) + 2)
        largest, centre = -np.inf, 0.0
        for j in range(first, last):
            value = exponent[j] - narrowness * (x[i] - nodes[j]) ** 2
            if value > largest:
                largest, centre = value, force[j]
        sums[i] = 0.0
        sums[i, :, 4] = centre
        for j in range(first, last):
            value = exponent[j] - narrowness * (x[i] - nodes[j]) ** 2 - largest
            if value < LEAST:
                continue
            weight, w = math.exp(value), force[j] - centre
            for grid in range(2 - j % 2):
                sums[i, grid, 0] += weight
                sums[i, grid, 1] += weight * density[j]
                sums[i, grid, 2] += weight * w
                sums[i, grid, 3] += weight * w * w


def shock(x: Real, mass: float, g: float, temperature: float) -> tuple[Real, Real]:
    """Density and force of a mass at rest about x = 0: what becomes of any start with g > 0.

    ρ = (gM²/8T) sech²(gMx/4T),   w = (gM/2) tanh(gMx/4T).

    Raises
    ------
    ConfigError
        If g, T or the mass is not above zero.
    """
    for key, value in (("mass", mass), ("g", g), ("temperature", temperature)):
        _require(key, value, 0.0)
    decay = np.exp(-np.abs(x) * (g * mass / (2.0 * temperature)))  # sech² = 4e/(1+e)²
    density = g * mass**2 / (2.0 * temperature) * decay / (1.0 + decay) ** 2
    return density, 0.5 * g * mass * np.sign(x) * (1.0 - decay) / (1.0 + decay)


# --- T = 0 --------------------------------------------------------------------------------------


def quantiles(start: Bumps, count: int, rule: str = "equal") -> tuple[Real, Real]:
    """Points that stand for a smooth density: where the mass below is m_i, and their weights.

    Parameters
    ----------
    start : Bumps
    count : int
        N, the number of points.
    rule : "equal" or "gauss"
        Equal weights, m_i = (i + ½)M/N; or the nodes and weights of Gauss-Legendre on 0 < m < M,
        with which moments converge faster.

    Returns
    -------
    (position, weight)
        Each (N,), positions increasing.

    Raises
    ------
    ConfigError
        If the rule is unknown or the count below one.
    """
    _require("count", count, 0.0)
    if rule not in ("equal", "gauss"):
        raise ConfigError(f"rule: '{rule}' is unknown, use 'equal' or 'gauss'")
    if rule == "equal":
        mass = (np.arange(count) + 0.5) / count * start.total
        weight = np.full(count, start.total / count)
    else:
        node, weight = np.polynomial.legendre.leggauss(count)
        mass, weight = 0.5 * (1.0 + node) * start.total, 0.5 * weight * start.total
    reach = 40.0 * np.array(start.width)  # beyond it nothing is left of a bump
    low = np.full(count, np.min(start.centre - reach))
    high = np.full(count, np.max(start.centre + reach))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        above = start.below(middle) < mass
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return 0.5 * (low + high), weight


def sticky(
    position: Real, weight: Real, g: float, times: Sequence[float] | Real, period: float = np.inf
) -> Real:
    """Positions of point masses at T = 0, exact: those that meet stay together.

    Between collisions each moves with the velocity it began with, v = -g(m - M/2) with m the mass
    below plus half its own; after them a cluster has the mean velocity of its points. The positions
    are then the nondecreasing projection of the free motion in L²(dm) (Hopf-Lax, the lower convex
    hull of ∫(x + tv) dm), which looks at no collision. A repulsion lets nothing meet; points in one
    place are then driven apart in the order in which they are given.

    Parameters
    ----------
    position, weight : (N,)
        Weights above zero. On a periodic line the positions are not wrapped: the line is cut where
        no mass is.
    g : float
        Twice the strength of the cone: attractive above zero.
    times : increasing or not, all >= 0
    period : float
        L of a periodic line, V = g/2 (|x| - x²/L); by default the infinite line.

    Returns
    -------
    (len(times), N)
        Clusters have equal positions, to the last digit.

    Raises
    ------
    ConfigError
        If the arrays do not fit or a weight or time is out of range.
    ResolutionError
        If the mass covers a period, at the start or later: the gap has closed.
    """
    x, m = _points(position, weight)
    _require_coupling(g)
    order = np.argsort(x, kind="stable")
    x, m = x[order], m[order]
    centre = np.average(x, weights=m)
    velocity = -g * (np.cumsum(m) - 0.5 * m - 0.5 * np.sum(m))
    rate = g * float(np.sum(m)) / period
    result = np.empty((len(times), x.size))
    for row, t in zip(result, times, strict=True):
        _require_time("times", t)
        exponent = min(rate * t, LONGEST)
        growth, elapsed = np.exp(exponent), np.expm1(exponent) / rate if rate else t
        held = isotonic_regression(growth * (x - centre) + elapsed * velocity, weights=m).x
        # The centre stays, but growth would carry off its round-off.
        held = held - np.average(held, weights=m) if held[0] < held[-1] else np.zeros_like(held)
        _require_gap(held, period, t)
        row[order] = centre + held
    return result


def force(position: Real, weight: Real, g: float, period: float = np.inf) -> Real:
    """F_a = Σ_b w_b V'(x_a - x_b) with V'(0) = 0, (N,), from the order of the points.

    Parameters
    ----------
    position, weight, g, period
        As for `sticky`.

    Raises
    ------
    ConfigError, ResolutionError
        As for `sticky`.
    """
    x, m = _points(position, weight)
    _require_gap(x, period, 0.0)
    order = np.argsort(x)
    ranked = x[order]
    below = np.concatenate([[0.0], np.cumsum(m[order])])
    total = below[-1]
    left = below[np.searchsorted(ranked, x, side="left")]
    right = total - below[np.searchsorted(ranked, x, side="right")]
    background = g * total / period * (x - np.average(x, weights=m))
    return np.asarray(0.5 * g * (left - right) - background)


def clusters(position: Real, weight: Real) -> tuple[Real, Real]:
    """Points in one place as one: positions, increasing, and their masses."""
    x, m = _points(position, weight)
    merged, member = np.unique(x, return_inverse=True)
    return merged, np.asarray(np.bincount(member, weights=m), dtype=np.float64)


def dissipation(position: Real, weight: Real, g: float) -> float:
    """∫Q dx = Σ g²m³/12 over clusters at T = 0, the limit of Q^flux_ℓ and of Q^thermal.

    Points that stand for a smooth density count as clusters too: N equal ones as g²M³/12N².
    """
    return float(np.sum(g * g * clusters(position, weight)[1] ** 3) / 12.0)


def dissipated(position: Real, weight: Real, g: float, times: Sequence[float] | Real) -> Real:
    """∫∫Q dx dt from 0 to each of the times at T = 0 on the line, exact for the points.

    By the balance ∂t∫σ = ∫W + ∫Q with ∫W = -g²M³/12 at all times.
    """
    total = float(np.sum(weight))
    path = sticky(position, weight, g, [0.0, *times])
    stress = np.array([stress_total(x, weight, g) for x in path])
    return np.asarray(stress[1:] - stress[0] + g * g * total**3 / 12.0 * np.asarray(times))


def stress_total(position: Real, weight: Real, g: float) -> float:
    """∫σ dx = ½ΣΣ w_a w_b r V'(r) = g/2 ∫m(M - m) dx, with m(x) the mass below x, on the line."""
    x, m = clusters(position, weight)
    below = np.cumsum(m)[:-1]
    return float(0.5 * g * np.sum(np.diff(x) * below * (np.sum(m) - below)))


# --- refusals -----------------------------------------------------------------------------------


def _points(position: Any, weight: Any) -> tuple[Real, Real]:
    x, m = (np.asarray(array, dtype=np.float64) for array in (position, weight))
    if x.ndim != 1 or x.shape != m.shape or not x.size:
        raise ConfigError(
            f"position: its shape {x.shape} must be (N,) with N > 0, and that of weight, {m.shape}"
        )
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(m)) and np.all(m > 0.0)):
        raise ConfigError("weight: weights must be above zero, and positions finite")
    return x, m


def _require(key: str, value: float, low: float) -> None:
    if not low < value < np.inf:
        raise ConfigError(f"{key}: {value:g} is outside ({low:g}, inf)")


def _require_time(key: str, t: float) -> None:
    if not 0.0 <= t < np.inf:
        raise ConfigError(f"{key}: {t:g} must be a time >= 0")


def _require_coupling(g: float) -> None:
    if g == 0.0 or not np.isfinite(g):
        raise ConfigError(f"g: {g:g} must be a finite number other than zero")


def _require_gap(x: Real, period: float, t: float) -> None:
    extent = float(np.ptp(x))
    if extent >= period:
        raise ResolutionError(
            f"position: at time {t:g} the points extend over {extent:g}, which leaves no gap in "
            f"the period {period:g}; cut the line in its widest gap, or stop before it closes"
        )
