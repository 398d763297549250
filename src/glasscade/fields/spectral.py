"""Deterministic evolution of densities while they are smooth: the zero-response instanton.

    ∂t ρ_s = ∇·(ρ_s F_s) - ∇·(ρ_s f_s) + T ∇²ρ_s                           (Eq. 11)

with F_s minus the force of all densities and f_s a static external force; at T = 0 this is the
noiseless Dean equation (Eq. 25). In space a Galerkin method on the modes of a cell, straight or
sheared: products are free of aliasing, mass is conserved exactly. In time the pair of orders 5 and
4 by Dormand & Prince (1980) in the variables exp(T p² t) ρ_hat(p), so that diffusion is exact and
only the interaction limits the step. No factor of a stage exceeds one, since the nodes of the pair
do not decrease; the last stage of a step is the first of the next.

The step follows from the error. Of the two solutions the one of order 5 goes on, and their
difference, of order dt^5, is kept below the tolerance *per step*, not per unit of time, so that
results do not depend on how long a run goes on; steps of dt^5 ~ tolerance leave at a given time an
error dt^5 to dt^4, nearly proportional to the tolerance. Output times are reached by steps of their
own, since an interpolation between the nodes would need growing factors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, ResolutionError, StabilityError
from glasscade.external import modes_of_each
from glasscade.force import ForceField, differentiate, multiply
from glasscade.jit import jit
from glasscade.transforms import Modes, PaddedGrid, mode_counts, modes_to_grid

Real = npt.NDArray[np.float64]

TAIL = 1e-8
"""Largest amplitude allowed in the outer tenth of the modes, relative to the largest mode."""
TOLERANCES = (1e-13, 1e-2)
"""Allowed tolerances: the lower is a thousand roundings of the largest amplitude."""

NODES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
"""c_i of the pair."""
_GAPS = np.diff(NODES)[:-1]
"""Between the nodes, but for the last two, which are the same."""
STAGES = (
    np.array([1 / 5]),
    np.array([3 / 40, 9 / 40]),
    np.array([44 / 45, -56 / 15, 32 / 9]),
    np.array([19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]),
    np.array([9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]),
    np.array([35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]),
)
"""a_ij of stages 2 to 7; the last row is the solution of order 5."""
EMBEDDED = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
"""Weights of the solution of order 5 less those of the solution of order 4."""

_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0
_FIRST = 0.3
"""The first step in units of tolerance^(1/5)/rate: the control begins from either side."""
_STRETCH = 0.1
"""By how much of a step those that end at an output may be longer, which the safety allows."""
_PRESENT, _PAST = 0.7 / 5.0, 0.4 / 5.0
"""Exponents of a proportional-integral controller (Gustafsson 1991) for an error ~ dt^5."""
_QUIET = 0.1
"""Largest error of a step in the outer tenth of the modes, in units of `TAIL`."""
_LEAST = 1e-10
"""Smallest error, in units of the tolerance, that the controller reckons with."""
_BLOCK = 1024
"""Numbers worked on at a time, so that they stay in the fastest cache."""


def evolve(
    density: Modes,
    field: ForceField,
    temperature: float,
    times: Sequence[float],
    tolerance: float,
    drive: Modes | None = None,
) -> Modes:
    """Integrate the density from t = 0 and return it at the given times.

    Parameters
    ----------
    density : (S, modes)
        Initial ρ_s >= 0.
    field : ForceField
        For the same cell and modes.
    temperature : float
        T >= 0.
    times : increasing numbers, the first may be 0
        In ℓ₀²/(μV₀).
    tolerance : float
        Largest root mean square over the cell of the error of ρ_s in one step, in units of the
        largest amplitude max|ρ_hat| over the volume, the highest mean density. Within
        `TOLERANCES`.
    drive : (d, modes) or (S, d, modes), optional
        External force f, one for all species or one for each.

    Returns
    -------
    (len(times), S, modes)

    Raises
    ------
    ConfigError
        If an argument is out of its range or has another shape than the modes of the field, or
        the initial density is negative somewhere.
    ResolutionError
        If the spectrum does not decay before the highest mode, at the start or after a step.
    StabilityError
        If the step underflows, or the density becomes negative by more than its truncation.
    """
    _check(density, field, temperature, times, tolerance)
    own = None if drive is None else modes_of_each(drive, density, field.cell.dim)
    run = _Run(density, field, temperature, tolerance, own)
    require_resolved(density, field.cell.dim, 0.0)
    lowest, allowed = _lowest(density, field)
    if lowest < -allowed:
        raise ConfigError(
            f"density: the initial density falls to {lowest:.1e} of its maximum; it must not be "
            "negative"
        )
    shortest = float(np.finfo(np.float64).eps * times[-1])
    saved = np.empty((len(times), *density.shape), dtype=np.complex128)
    for target, state in zip(times, saved, strict=True):
        run.advance(float(target), shortest)
        state[:] = run.density
        lowest, allowed = _lowest(state, field)
        if lowest < -allowed:
            raise StabilityError(
                f"tolerance: {tolerance:.1e} let the density fall to {lowest:.1e} of its maximum "
                f"at time {target:g}, allowed is {-allowed:.1e}; take a tolerance <= "
                f"{tolerance * allowed / -lowest:.1e}"
            )
    return saved


class Scheme:
    """One step of the pair for half of the modes of S densities, on buffers of its own.

    Parameters
    ----------
    field : ForceField
    temperature : float
    drive : (S, d, modes), optional
        f_s.
    """

    def __init__(self, field: ForceField, temperature: float, drive: Modes | None = None) -> None:
        dim, species = field.cell.dim, len(field.potential)
        counts = tuple((size - 1) // 2 for size in field.wavevectors.shape[1:])
        self.grid = PaddedGrid(field.cell, counts)
        last = counts[-1]
        self._waves = field.wavevectors[..., last:].reshape(dim, -1)
        self._potential = np.ascontiguousarray(field.potential[..., last:]).reshape(
            species, species, -1
        )
        self._drive = None if drive is None else drive[..., last:].reshape(species, dim, -1)
        squares = np.sum(self._waves**2, axis=0)
        # For the real and for the imaginary part, which then need no distinction.
        self._rates = temperature * np.repeat(squares, 2)
        self._factors = np.empty((_GAPS.size if temperature > 0.0 else 0, self._rates.size))
        self._dt = 0.0
        shape = (species, *self.grid.half_shape)
        self._slopes = np.empty((len(NODES), *shape), dtype=np.complex128)
        self._stage, self._zero = np.empty(shape, np.complex128), np.zeros(shape, np.complex128)
        self._row = np.empty(self.grid.half_shape, dtype=np.complex128)
        self._mean_field = np.empty(self._row.size, dtype=np.complex128)
        self._rho, self._values = np.empty(self.grid.shape), np.empty(self.grid.shape)

    @property
    def slope(self) -> Modes:
        """∂tρ without diffusion at the start of the step, (S, half)."""
        return np.asarray(self._slopes[0])

    def start(self, density: Modes) -> None:
        """Evaluate the first stage of the next step."""
        self._interaction(density, self._slopes[0])

    def step(self, density: Modes, dt: float) -> tuple[Modes, Modes]:
        """The density a time dt later and the estimate of its error, both new and (S, half).

        The first stage is that of the last call of `start` or `accept`.
        """
        self._set_factors(dt)
        for stage, weights in enumerate(STAGES[:-1], start=1):
            self._combine(density, dt * weights, self._stage)
            self._interaction(self._stage, self._slopes[stage])
        final, error = np.empty_like(self._stage), np.empty_like(self._stage)
        self._combine(density, dt * STAGES[-1], final)
        self._interaction(final, self._slopes[-1])
        self._combine(self._zero, dt * EMBEDDED, error)
        return final, error

    def accept(self) -> None:
        """Make the last stage of the last step the first of the next."""
        self._slopes[0] = self._slopes[-1]

    def _combine(self, start: Modes, weights: Real, out: Modes) -> None:
        slopes = self._slopes.view(np.float64).reshape(len(NODES), len(start), -1)
        begin, end = (modes.view(np.float64).reshape(len(start), -1) for modes in (start, out))
        _combine(begin, slopes, weights, self._factors, end)

    def _set_factors(self, dt: float) -> None:
        """exp(-T p² (c_{i+1} - c_i) dt), once for steps of equal length."""
        if dt != self._dt:
            for gap, row in zip(_GAPS, self._factors, strict=False):
                np.multiply(self._rates, -gap * dt, out=row)
                np.exp(row, out=row)
        self._dt = dt

    def _interaction(self, density: Modes, out: Modes) -> None:
        """∇·(ρ_s (F_s - f_s)) by 1 + 2d transforms for each species."""
        flat, slope, row = density.reshape(len(density), -1), out.reshape(len(out), -1), self._row
        slope[:] = 0.0
        for s, rho in enumerate(density):
            self.grid.to_grid(rho, self._rho)
            multiply(self._potential[s], flat, self._mean_field)
            for k, wave in enumerate(self._waves):
                differentiate(self._mean_field, wave, row.reshape(-1))
                if self._drive is not None:
                    row -= self._drive[s, k].reshape(row.shape)
                self.grid.to_grid(row, self._values)
                self._values *= self._rho
                self.grid.to_modes(self._values, row)
                _add_derivative(row.reshape(-1), wave, self.grid.scale, slope[s])


@jit
def _combine(start: Real, slopes: Real, weights: Real, factors: Real, out: Real) -> None:
    """(…((u + w_1 k_1) e_1 + w_2 k_2) e_2 + …), with factors e_i of one beyond those given.

    What starts at node c_1 arrives at c_{n+1}, each slope k_i joining at its own node. Arrays are
    (S, n), those of slopes (stages, S, n), of factors (fewer, n).
    """
    for s in range(len(start)):
        for first in range(0, start.shape[1], _BLOCK):
            block = slice(first, first + _BLOCK)
            begin, end = start[s, block], out[s, block]
            end[:] = begin
            for j in range(len(weights)):
                weight, slope = weights[j], slopes[j, s, block]
                if j < len(factors):
                    factor = factors[j, block]
                    for i in range(end.size):
                        end[i] = (end[i] + weight * slope[i]) * factor[i]
                else:
                    for i in range(end.size):
                        end[i] += weight * slope[i]


@jit
def _add_derivative(current: Modes, wave: Real, scale: float, out: Modes) -> None:
    """Add i p_k j_k(p)."""
    for i in range(wave.size):
        factor = scale * wave[i]
        out[i] += complex(-factor * current[i].imag, factor * current[i].real)


class _Run:
    """An integration: where it stands, and the control of its step."""

    def __init__(
        self,
        density: Modes,
        field: ForceField,
        temperature: float,
        tolerance: float,
        drive: Modes | None,
    ) -> None:
        self._scheme = Scheme(field, temperature, drive)
        self._half = self._scheme.grid.halved(density)
        self._time = 0.0
        self._tolerance = tolerance
        self._scale = float(np.max(np.abs(density)))
        self._dim = field.cell.dim
        counts = self._scheme.grid.counts
        self._outer = _outer(counts)[..., counts[-1] :]
        with np.errstate(over="ignore", invalid="ignore"):
            self._scheme.start(self._half)
            self._dt = self._first()
        self._past = 1.0

    @property
    def density(self) -> Modes:
        """ρ_s at present, (S, modes)."""
        return self._scheme.grid.mirrored(self._half)

    def advance(self, target: float, shortest: float) -> None:
        """Step until `target`, in equal parts of what is left, about as long as the control's.

        Raises
        ------
        StabilityError
            If a step below `shortest` is asked for.
        ResolutionError
            After a step whose spectrum does not decay.
        """
        while self._time < target:
            if not self._dt >= shortest:
                raise StabilityError(
                    f"tolerance: at time {self._time:g} even a step of {self._dt:.1e} does not "
                    f"meet {self._tolerance:.1e}, since the density or its force diverges; start "
                    "from a density that is smaller or smoother"
                )
            left = target - self._time
            parts = max(1, math.ceil(left / self._dt - _STRETCH))
            self._attempt(left / parts, target if parts == 1 else None)

    def _first(self) -> float:
        """The first step, from the tolerance and the rate of change at the start."""
        rate = self._mean_square(self._scheme.slope)
        return math.inf if rate == 0.0 else _FIRST * self._tolerance**0.2 / rate

    def _attempt(self, dt: float, target: float | None) -> None:
        """One step, kept if its error is small enough; `target` is the time it ends at, if known.

        A step of part of the usual length, made to end at an output, does not shorten the next.
        """
        # Of a step that is much too long the numbers may overflow; it is not kept.
        with np.errstate(over="ignore", invalid="ignore"):
            half, estimate = self._scheme.step(self._half, dt)
            error = self._error(estimate)
        if not error <= 1.0:
            self._dt = dt * max(_SHRINK, _SAFETY * error**-0.2 if math.isfinite(error) else 0.0)
            return
        error = max(error, _LEAST)
        change = _SAFETY * error**-_PRESENT * self._past**_PAST
        following = dt * min(_GROW, max(_SHRINK, change))
        self._dt = following if target is None else max(following, self._dt)
        self._past = error
        self._time = self._time + dt if target is None else target
        self._half = half
        self._scheme.accept()
        if not _tail(half, self._outer) <= TAIL:
            require_resolved(self.density, self._dim, self._time)

    def _error(self, estimate: Modes) -> float:
        """The error of a step in units of what is allowed.

        Waves that an unstable step amplifies first are those of the outer modes: there the error
        is to stay below what `require_resolved` looks for, whatever the tolerance.
        """
        outer = float(np.max(np.abs(estimate[..., self._outer]))) / (_QUIET * TAIL * self._scale)
        return max(self._mean_square(estimate) / self._tolerance, outer)

    def _mean_square(self, half: Modes) -> float:
        """The largest root mean square of a species over the cell, in units of the scale."""
        squares = [2.0 * _square(rows) - _square(rows[..., 0]) for rows in half]
        return math.sqrt(max(squares)) / self._scale


def _square(modes: Modes) -> float:
    """Σ_p |f_hat(p)|²."""
    return float(np.vdot(modes, modes).real)


def _tail(modes: Modes, outer: npt.NDArray[np.bool_]) -> float:
    """The largest amplitude of the outer modes by the largest of all."""
    return float(np.max(np.abs(modes[..., outer])) / np.max(np.abs(modes)))


def require_resolved(density: Modes, dim: int, time: float | None = None) -> None:
    """Refuse a density whose spectrum has not decayed in the outer tenth of its modes.

    Parameters
    ----------
    density : (S, modes)
    dim : int
        Dimension of space.
    time : float, optional
        For the message.

    Raises
    ------
    ResolutionError
        Which says how many points would do, the next power of two, if the spectrum went on to
        decay as it does in the outer half of the modes.
    """
    counts = mode_counts(density, dim)
    tail = _tail(density, _outer(counts))
    if tail <= TAIL:
        return
    amplitude = np.max(np.abs(density), axis=0)
    points = 2 * max(counts) + 2
    finer = _sufficient(amplitude / np.max(amplitude), points)
    remedy = "no grid would, since it does not decay" if finer is None else f"{finer} would"
    when = "" if time is None else f" at time {time:g}"
    raise ResolutionError(
        f"points: {points} grid points do not resolve the density{when}: its spectrum ends at "
        f"{tail:.1e} of its maximum, allowed is {TAIL:.0e}; {remedy}"
    )


@lru_cache(maxsize=8)
def _radius(counts: tuple[int, ...]) -> Real:
    """max_i |m_i|/M_i of every mode."""
    axes = [np.abs(np.arange(-m, m + 1)) / max(m, 1) for m in counts]
    return np.max(np.array(np.meshgrid(*axes, indexing="ij")), axis=0)


@lru_cache(maxsize=8)
def _outer(counts: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The outer tenth of the modes."""
    return _radius(counts) > 0.9


def _sufficient(amplitude: Real, points: int) -> int | None:
    """The power of two that would hold the spectrum, None if it does not decay.

    The largest amplitude at and beyond a radius r falls as A exp(-a r) in the outer half of the
    modes, by least squares; the tail is allowed where that is `TAIL`. A spectrum that falls there
    by less than a factor e is noise or that of a jump or a point.
    """
    radius = _radius(tuple((n - 1) // 2 for n in amplitude.shape))
    levels = np.linspace(0.5, 0.9, 17)
    beyond = np.array([np.max(amplitude[radius >= level]) for level in levels])
    slope, height = np.polynomial.polynomial.polyfit(levels, np.log(beyond), 1)[::-1]
    if slope > -2.0:
        return None
    ratio = max((math.log(TAIL) - height) / slope, 1.0) / 0.9
    return int(2 ** math.ceil(math.log2(ratio * points)))


def _lowest(density: Modes, field: ForceField) -> tuple[float, float]:
    """The lowest density, and how far below zero truncation explains, relative to the highest.

    What lies beyond the modes is about as large as the outer tenth of them.
    """
    counts = mode_counts(density, field.cell.dim)
    shape = tuple(2 * m + 1 for m in counts)
    values = modes_to_grid(density, field.cell, shape)
    highest = float(np.max(values))
    outer = np.sum(np.abs(density[..., _outer(counts)]), axis=-1) / field.cell.volume
    return float(np.min(values)) / highest, TAIL + float(np.max(outer)) / highest


def _check(
    density: Modes,
    field: ForceField,
    temperature: float,
    times: Sequence[float],
    tolerance: float,
) -> None:
    """Refuse arguments that no run can have."""
    expected = (len(field.potential), *field.wavevectors.shape[1:])
    if density.shape != expected:
        raise ConfigError(
            f"density: modes of shape {density.shape} must be of shape {expected}, those of the "
            f"field with its {expected[0]} species"
        )
    if not np.all(np.isfinite(density)) or not np.any(density):
        raise ConfigError("density: it must be finite and not zero everywhere")
    if not 0.0 <= temperature < math.inf:
        raise ConfigError(f"temperature: {temperature:g} must be finite and not negative")
    if not TOLERANCES[0] <= tolerance <= TOLERANCES[1]:
        raise ConfigError(
            f"tolerance: {tolerance:g} is outside [{TOLERANCES[0]:g}, {TOLERANCES[1]:g}]"
        )
    steps = np.diff(np.array(times, dtype=np.float64), prepend=0.0)
    if len(steps) == 0 or not np.all(np.isfinite(steps)):
        raise ConfigError("times: at least one is needed, and all must be finite")
    if steps[0] < 0.0 or np.any(steps[1:] <= 0.0):
        raise ConfigError("times: they must increase, the first not below 0")
