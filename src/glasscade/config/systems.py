"""All kinds of systems."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from glasscade.config.densities import ClusterSystem, SyntheticSystem
from glasscade.config.evolution import FieldSystem
from glasscade.config.imports import TrajectorySystem
from glasscade.config.particles import GlassSystem, ShearSystem

System = (
    ClusterSystem | FieldSystem | SyntheticSystem | GlassSystem | ShearSystem | TrajectorySystem
)
TaggedSystem = Annotated[System, Field(discriminator="kind")]
SYSTEM: TypeAdapter[System] = TypeAdapter(TaggedSystem)

UNSEEN: dict[str, dict[str, Any]] = {
    "glass": {"points": 128},
    "shear": {"points": 128, "balance_from": 1.0},
    "synthetic": {"potential": {"kind": "gaussian"}},
    "trajectory": {"points": 128},
}
"""Keys that the simulation of a kind of system does not look at, with something in their place."""


def simulated(raw: dict[str, Any]) -> System:
    """The system of a simulation, whose job leaves out what it does not look at."""
    return SYSTEM.validate_python(UNSEEN.get(str(raw["kind"]), {}) | raw)
