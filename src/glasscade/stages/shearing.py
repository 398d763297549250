"""States of the kind `shear`: every output of every plastic event, and the catalogue of events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import TIME_UNIT, progress, variable
from glasscade.config import ShearSystem
from glasscade.errors import ConfigError
from glasscade.particles.pairs import PairTable
from glasscade.particles.plasticity import centre, d2_min, participation
from glasscade.particles.quasistatic import Event, Rest, Sheared
from glasscade.stages.preparing import prepared

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NEIGHBOURHOOD = 1.5
"""Radius within which D²_min looks at neighbours, in the largest range of the potentials."""


def sheared(system: ShearSystem, realisations: list[int], seed: int) -> xr.Dataset:
    """The events of one block of realisations, and their stress-strain curves.

    Raises
    ------
    ConfigError
        If there is no event at all.
    """
    found: list[tuple[int, Event]] = []
    curve: list[tuple[int, Rest]] = []
    table = PairTable.from_mixture(system.mixture)
    species = np.empty(0, dtype=np.int64)
    for realisation in progress(realisations, "sheared cells"):
        state = prepared(system, seed, realisation)
        species = state.species
        shear = Sheared(species, table, system.cell, system.protocol)
        start = shear.quenched(state.positions)
        for step in shear.run(start, system.largest_strain, system.events):
            if isinstance(step, Event):
                found.append((realisation, step))
            curve += [(realisation, rest) for rest in _rests(step)]
    if not found:
        raise ConfigError(
            f"largest_strain: up to {system.largest_strain:g} there is no plastic event in the "
            f"realisations {realisations}; use a larger one"
        )
    events = _events(found, species, NEIGHBOURHOOD * system.mixture.cutoff)
    return xr.merge([events, _curve(curve)])


def _rests(step: Rest | Event) -> Iterable[Rest]:
    """What a step adds to the curve: an event both its ends, at one strain."""
    if isinstance(step, Rest):
        return (step,)
    before = Rest(step.strain, step.before.positions, step.before.energy, step.before.stress)
    return (before, step.after)


def _events(found: list[tuple[int, Event]], species: Integers, radius: float) -> xr.Dataset:
    """States, and what the catalogue says of each event."""
    events = [event for _, event in found]
    descents = [event.descent for event in events]
    moved = [descent.positions[-1] - descent.positions[0] for descent in descents]
    maps = [
        d2_min(event.descent.positions[0], displacement, event.cell, radius)
        for event, displacement in zip(events, moved, strict=True)
    ]
    centres = [
        centre(event.descent.positions[0], weights, event.cell)
        for event, weights in zip(events, maps, strict=True)
    ]
    of_output, tensor = ("event", "output"), ("event", "i", "j")
    stress = np.array([[event.before.stress, event.after.stress] for event in events])

    def series(name: str, units: str, text: str) -> xr.Variable:
        return variable(of_output, np.array([getattr(d, name) for d in descents]), units, text)

    return xr.Dataset(
        {
            "position": variable(
                (*of_output, "particle", "axis"),
                np.array([descent.positions for descent in descents]),
                "l0",
                "unwrapped positions",
            ),
            "species": variable(("particle",), species, "1", "species, from 0"),
            "cell": variable(
                ("event", "row", "vector"),
                np.array([event.cell.matrix for event in events]),
                "l0",
                "box vectors at the strain of the event, one per column",
            ),
            "elapsed": series("time", TIME_UNIT, "time since the first output of the event"),
            "path": series("path", "l0", "length ∫|v|dt of the path of all particles"),
            "speed": series("speed", "mu V0/l0", "|v| = (Σ_a F_a²)^½"),
            "dissipated": series("dissipated", "V0", "∫ Σ_a F_a² dt"),
            "energy": series("energy", "V0", "energy of all pairs"),
            "strain": variable(
                ("event",), [event.strain for event in events], "1", "strain of the event"
            ),
            "stable_strain": variable(
                ("event",),
                [event.before.strain for event in events],
                "1",
                "last strain before the instability",
            ),
            "stress_drop": variable(
                tensor, stress[:, 1] - stress[:, 0], "V0", "Δσ^ni of the cell, tension positive"
            ),
            "energy_drop": variable(
                ("event",), [d.energy[0] - d.energy[-1] for d in descents], "V0", "energy lost"
            ),
            "d2_min": variable(
                ("event", "particle"),
                np.array(maps),
                "l0^2",
                f"D²_min per neighbour within {radius:.4g} l0 before the event",
            ),
            "centre": variable(
                ("event", "axis"), np.array(centres), "l0", "centre of D²_min in the periodic cell"
            ),
            "participation": variable(
                ("event",),
                [participation(displacement) for displacement in moved],
                "1",
                "(Σu²)²/(N Σu⁴) of the displacements u",
            ),
        },
        coords={
            "realisation": (
                "event",
                [realisation for realisation, _ in found],
                {"units": "1", "long_name": "realisation"},
            )
        },
    )


def _curve(curve: list[tuple[int, Rest]]) -> xr.Dataset:
    """Stress and energy at every strain at which particles were at rest, both ends of events."""
    rests = [rest for _, rest in curve]
    return xr.Dataset(
        {
            "curve_strain": variable(("state",), [r.strain for r in rests], "1", "strain"),
            "curve_stress": variable(
                ("state", "i", "j"), np.array([r.stress for r in rests]), "V0", "σ^ni of the cell"
            ),
            "curve_energy": variable(
                ("state",), [r.energy for r in rests], "V0", "energy of all pairs"
            ),
            "curve_realisation": variable(
                ("state",), [realisation for realisation, _ in curve], "1", "realisation"
            ),
        }
    )
