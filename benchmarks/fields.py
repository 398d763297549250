"""What solving the equation of a density costs at equal error: spectral codes in numpy as peers.

Both have the same grid and the same result to `ERROR`, and each the coarsest setting, of those it
is offered, that reaches it. The peers transform with numpy.fft on the grid itself, without padding,
which is what one writes where the spectrum decays.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from rows import Row, alternating
from scipy.integrate import solve_ivp

from glasscade.cell import Cell
from glasscade.fields.initial import smooth_density
from glasscade.fields.spectral import evolve
from glasscade.force import ForceField, potential_hat
from glasscade.potentials import GEM, Cone, Mixture, Potential
from glasscade.transforms import grid_to_modes, modes_to_grid

Real = npt.NDArray[np.float64]
Half = npt.NDArray[np.complex128]

ERROR = 1e-6
"""Largest error of the density at the end, relative to its maximum."""
TOLERANCES = tuple(10.0 ** (-0.25 * i) for i in range(8, 40))
STEPS = tuple(round(10 * 2.0 ** (0.25 * i)) for i in range(0, 32))
"""A quarter of a decade and of an octave apart."""
RUNS = 3


@dataclass(frozen=True)
class Problem:
    """A density to evolve from `start` until `time`."""

    name: str
    potential: Potential
    cell: Cell
    temperature: float
    start: Real
    time: float


def freezing(points: int) -> Problem:
    """A dense fluid below its spinodal, from smooth data to the first clusters."""
    start = smooth_density((points, points), 1.0, 0.3, 1)
    gem = GEM(1.0, width=1.0, exponent=4.0)
    return Problem(f"GEM-4, {points}^2", gem, Cell.cubic(8.0, 2), 0.1, start, 2.0)


def collapse(points: int) -> Problem:
    """A line under the attractive cone: half of the mass has gathered in a cluster."""
    start = smooth_density((points,), 1.0 / 6.0, 0.5, 1)
    cone = Cone(1.0, period=6.0)
    return Problem(f"cone, {points}", cone, Cell.cubic(6.0, 1), 0.06, start, 10.0)


class Ours:
    """The solver of the package; the transform of the potential is made beforehand."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.modes = grid_to_modes(problem.start[np.newaxis], problem.cell)
        counts = tuple((n - 1) // 2 for n in problem.start.shape)
        self.field = ForceField(Mixture.single(problem.potential), problem.cell, counts)

    def evolve(self, tolerance: float) -> Real:
        problem = self.problem
        times = [problem.time]
        final = evolve(self.modes, self.field, problem.temperature, times, tolerance)[0, 0]
        return modes_to_grid(final, problem.cell, problem.start.shape)


class Plain:
    """The equation with numpy.fft: ρ on the grid, half spectra, F by multiplication."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        shape, (length, *_) = problem.start.shape, np.diag(problem.cell.matrix)
        axes = [2.0 * np.pi * np.fft.fftfreq(n, length / n) for n in shape[:-1]]
        axes.append(2.0 * np.pi * np.fft.rfftfreq(shape[-1], length / shape[-1]))
        self.k = np.array(np.meshgrid(*axes, indexing="ij"))
        self.squares = np.sum(self.k**2, axis=0)
        self.force = 1j * self.k * potential_hat(problem.potential, self.k)
        self.axes = tuple(range(len(shape)))

    def interaction(self, modes: Half) -> Half:
        """∇·(ρF)."""
        rho = np.fft.irfftn(modes, self.problem.start.shape, axes=self.axes)
        result = np.zeros_like(modes)
        for k, force in zip(self.k, self.force, strict=True):
            component = np.fft.irfftn(force * modes, self.problem.start.shape, axes=self.axes)
            result += 1j * k * np.fft.rfftn(rho * component)
        return result

    def solve_ivp(self, method: str, tolerance: float) -> Real:
        """Scipy's adaptive methods on the values of the density."""
        shape, temperature = self.problem.start.shape, self.problem.temperature

        def rate(_: float, values: Real) -> Real:
            modes = np.fft.rfftn(values.reshape(shape))
            change = self.interaction(modes) - temperature * self.squares * modes
            return np.fft.irfftn(change, shape, axes=self.axes).ravel()

        span, start = (0.0, self.problem.time), self.problem.start.ravel()
        bounds = {"rtol": tolerance, "atol": 1e-2 * tolerance}
        return solve_ivp(rate, span, start, method=method, **bounds).y[:, -1].reshape(shape)

    def etdrk4(self, steps: float) -> Real:
        """Fixed steps of Cox & Matthews (2002), coefficients after Kassam & Trefethen (2005)."""
        h = self.problem.time / steps
        z = -self.problem.temperature * self.squares * h
        circle = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32.0)
        whole, half = np.exp(z), np.exp(0.5 * z)
        q, first, middle, last = (np.zeros_like(z) for _ in range(4))
        for point in circle:
            r = z + point
            q += ((np.exp(0.5 * r) - 1.0) / r).real / 32.0
            first += ((-4.0 - r + np.exp(r) * (4.0 - 3.0 * r + r**2)) / r**3).real / 32.0
            middle += ((2.0 + r + np.exp(r) * (r - 2.0)) / r**3).real / 32.0
            last += ((-4.0 - 3.0 * r - r**2 + np.exp(r) * (4.0 - r)) / r**3).real / 32.0
        u = np.fft.rfftn(self.problem.start)
        for _ in range(int(steps)):
            n_u = self.interaction(u)
            a = half * u + h * q * n_u
            n_a = self.interaction(a)
            n_b = self.interaction(half * u + h * q * n_a)
            n_c = self.interaction(half * a + h * q * (2.0 * n_b - n_u))
            u = whole * u + h * (first * n_u + 2.0 * middle * (n_a + n_b) + last * n_c)
        return np.fft.irfftn(u, self.problem.start.shape, axes=self.axes)


def coarsest(run: Callable[[float], Real], settings: tuple[float, ...], exact: Real) -> float:
    """The first of the settings by which a solver reaches `ERROR`, by bisection.

    The last must reach it; with a coarse one it may diverge.
    """

    def reaches(setting: float) -> bool:
        with np.errstate(all="ignore"):
            return bool(np.max(np.abs(run(setting) - exact)) <= ERROR * np.max(exact))

    return settings[bisect_left(settings, True, hi=len(settings) - 1, key=reaches)]


def solvers() -> list[Row]:
    """Against scipy's explicit method of order 8, and exponential time differencing.

    The latter with a step that only the exact solution can tell to be the longest good one: it is
    shown for comparison, and to be no slower than that is the goal.
    """
    rows = []
    for problem in (freezing(128), freezing(256), collapse(256)):
        ours, plain = Ours(problem), Plain(problem)
        exact = ours.evolve(1e-12)
        tolerance = coarsest(ours.evolve, TOLERANCES, exact)
        for name, run, settings, goal in (
            ("DOP853 of scipy", partial(plain.solve_ivp, "DOP853"), TOLERANCES, 3.0),
            ("ETDRK4, the best fixed step", plain.etdrk4, STEPS, 1.0),
        ):
            setting = coarsest(run, settings, exact)
            mine, other = alternating(partial(ours.evolve, tolerance), partial(run, setting), RUNS)
            size = f"{problem.name}, error {ERROR:.0e}, {name.split()[0].rstrip(',')}"
            peer = f"numpy.fft, {name}"
            rows.append(Row("field-solver (ms)", size, 1, mine, other, peer, other / mine, goal))
    return rows


BENCHMARKS = (solvers,)
