"""Athermal quasistatic simple shear: small strains, each followed by relaxation at rest.

Between two instabilities the minimum of the energy moves with the strain, and moves back with it.
A step after which it does not come back is halved until the strain at which the minimum vanishes is
bracketed. The state just beyond is an event: the particles descend at fixed strain, in the cell of
that strain, by the overdamped dynamics, and no external work enters.

Strain is γ of the cell (L, γL; 0, L): x is displaced by γy. Stress is σ^ni of the whole cell, in
V0, tension positive; divided by the volume it is the stress that the cell feels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.errors import ConfigError, ConvergenceError
from glasscade.particles.descent import Descent, outputs, walk
from glasscade.particles.listed import ListedForces
from glasscade.particles.minimise import fire
from glasscade.particles.pairs import PairTable

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_REST = 1e-2
"""Force that is left of a state at rest, in the tolerance of events."""
_TIGHTER = 3
"""How often a descent that has not come to a minimum is tried with a tenth of the tolerance."""
_QUENCHED, _QUENCH_ACCURACY = 1e-4, 1e-3
"""Tolerance and accuracy of the descent from random positions, in whose end a minimum is found."""


@dataclass(frozen=True)
class Protocol:
    """How a cell is sheared.

    Attributes
    ----------
    step : float
        Δγ between two states on an elastic branch.
    width : float
        Δγ to which an instability is bracketed.
    moved : float
        A step is reversible if, after the strain is taken back, no particle is further from where
        it was than this, in l0; rearrangements of smaller moves are not told from elasticity.
    tolerance : float
        Of the largest component of F at rest.
    accuracy : float
        Local error of a coordinate in one step of an event (`descent.walk`), in l0.
    intervals : int
        K, so that an event has K + 1 outputs.

    Raises
    ------
    ConfigError
        If a number is not positive, or the width not below the step.
    """

    step: float = 2e-4
    width: float = 1e-6
    moved: float = 1e-2
    tolerance: float = 1e-8
    accuracy: float = 1e-7
    intervals: int = 64

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 < value < np.inf:
                raise ConfigError(f"{name}: {value:g} is outside (0, inf)")
        if not self.width < self.step:
            raise ConfigError(f"width: {self.width:g} must be below the step, {self.step:g}")


@dataclass(frozen=True, eq=False)
class Rest:
    """Particles at rest at one strain.

    Attributes
    ----------
    strain : float
        γ.
    positions : (N, d)
        Unwrapped, in l0.
    energy : float
        U, in V0.
    stress : (d, d)
        σ^ni of the whole cell, in V0.
    """

    strain: float
    positions: Real
    energy: float
    stress: Real


@dataclass(frozen=True, eq=False)
class Event:
    """A plastic event.

    Attributes
    ----------
    before : Rest
        The last state at rest before the instability.
    strain : float
        γ just beyond the instability, `before.strain` and a width or less.
    cell : Cell
        That of this strain.
    descent : Descent
        In this cell, from where `before` has all but come to rest in it, to rest.
    after : Rest
    """

    before: Rest
    strain: float
    cell: Cell
    descent: Descent
    after: Rest


class Sheared:
    """A cube of particles under simple shear.

    Parameters
    ----------
    species : (N,)
    table : PairTable
    cell : Cell
        Unstrained.
    protocol : Protocol

    Raises
    ------
    ConfigError
        If the cell has one dimension or is tilted already.
    """

    def __init__(self, species: Integers, table: PairTable, cell: Cell, protocol: Protocol) -> None:
        if cell.dim == 1 or not cell.is_cubic:
            raise ConfigError("cell: shear starts from a square or cubic cell")
        self.protocol = protocol
        self._side = float(cell.matrix[0, 0])
        self._forces = ListedForces(species, table, cell)

    def cell(self, strain: float) -> Cell:
        """The cell at a strain."""
        return Cell.sheared(self._side, self._forces.cell.dim, strain)

    def quenched(self, positions: Real) -> Rest:
        """The minimum into which `positions` descend without strain: the instantaneous quench."""
        self._enter(0.0)
        *_, last = walk(positions, self._forces, _QUENCHED, _QUENCH_ACCURACY)
        return self._rest(last.positions, 0.0)

    def sheared(self, state: Rest, strain: float) -> Rest:
        """The minimum after an affine strain."""
        moved = self._moved(state, strain)
        self._enter(strain)
        return self._rest(moved, strain)

    def is_elastic(self, state: Rest, after: Rest) -> bool:
        """Whether the minimum comes back with the strain.

        Where no particle has moved by half of `moved` against the affine strain it is not tried.
        """
        limit = self.protocol.moved
        if _furthest(after.positions - self._moved(state, after.strain)) < 0.5 * limit:
            return True
        back = self.sheared(after, state.strain)
        return _furthest(back.positions - state.positions) < limit

    def event(self, state: Rest, after: Rest) -> Event | Rest:
        """The event between a state and one that a step from it does not reach reversibly.

        The bracket is halved until it is no wider than `width`. Minimisers can miss a minimum
        that is still there; what counts is where the descent goes. If that comes back there is no
        event, and the state it has come to is returned.
        """
        width, beyond = after.strain - state.strain, after.strain
        while width > self.protocol.width:
            width *= 0.5
            after = self.sheared(state, state.strain + width)
            if self.is_elastic(state, after):
                state = after
            else:
                beyond = after.strain
        return self._plastic(state, beyond)

    def _plastic(self, state: Rest, strain: float) -> Event | Rest:
        """The descent at a strain at which a state seems no longer stable."""
        start, p, tolerance = self._moved(state, strain), self.protocol, self.protocol.tolerance
        self._enter(strain)
        for _ in range(_TIGHTER):
            points = list(walk(start, self._forces, tolerance, p.accuracy))
            after = self._rest(points[-1].positions, strain)
            if _furthest(after.positions - points[-1].positions) < 0.1 * p.moved:
                if self.is_elastic(state, after):
                    return after
                self._enter(strain)
                found = outputs(points, self._forces, p.intervals)
                return Event(state, strain, self.cell(strain), found, after)
            # Just beyond an instability forces almost vanish where the minimum has been.
            tolerance *= 0.1
        raise ConvergenceError(
            f"tolerance: at the strain {strain:.6g} a descent stops at forces below "
            f"{tolerance:.0e} where there is no minimum; use a larger width"
        )

    def run(self, start: Rest, largest: float, events: int) -> Iterator[Rest | Event]:
        """States at rest a step apart, the start first, and events between them.

        The strain ends at `largest`, or with the last of so many events.
        """
        state, found = start, 0
        yield state
        while found < events:
            strain = state.strain + self.protocol.step
            if strain > largest * (1.0 + 1e-12):
                return
            after = self.sheared(state, strain)
            step = after if self.is_elastic(state, after) else self.event(state, after)
            yield step
            found += isinstance(step, Event)
            state = step.after if isinstance(step, Event) else step

    def _enter(self, strain: float) -> None:
        self._forces = ListedForces(self._forces.species, self._forces.table, self.cell(strain))

    def _moved(self, state: Rest, strain: float) -> Real:
        """Positions after the affine strain, at the same fractional coordinates."""
        return self.cell(strain).cartesian(self.cell(state.strain).fractional(state.positions))

    def _rest(self, positions: Real, strain: float) -> Rest:
        """The minimum near `positions`, in the present cell."""
        least = _REST * self.protocol.tolerance
        found = fire(self._forces, positions, least).positions
        energy, stress = self._forces.energy_and_virial(found)
        return Rest(strain, found, energy, stress)


def _furthest(displacement: Real) -> float:
    """The largest distance by which a particle is displaced."""
    return float(np.sqrt(np.max(np.sum(displacement**2, axis=-1))))
