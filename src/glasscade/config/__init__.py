"""The study configuration: a closed schema with ranges, read from one YAML file.

Every model of the package is frozen and refuses unknown keys; the JSON schema and the table of
keys in `config/README.md` are generated from it. All quantities are dimensionless: lengths in the
range of the potential, energies in its strength V₀, times in length²/(mobility V₀).
"""

from glasscade.config.base import Batch
from glasscade.config.densities import ClusterSystem, SyntheticSystem
from glasscade.config.evolution import FieldSystem
from glasscade.config.imports import TrajectorySystem
from glasscade.config.particles import GlassSystem, PackingSystem, PreparedSystem, ShearSystem
from glasscade.config.plain import read
from glasscade.config.reading import load, parse
from glasscade.config.settings import Margins
from glasscade.config.study import Model, Study
from glasscade.config.systems import SYSTEM, UNSEEN, System, simulated

__all__ = [
    "SYSTEM",
    "UNSEEN",
    "Batch",
    "ClusterSystem",
    "FieldSystem",
    "GlassSystem",
    "Margins",
    "Model",
    "PackingSystem",
    "PreparedSystem",
    "ShearSystem",
    "Study",
    "SyntheticSystem",
    "System",
    "TrajectorySystem",
    "load",
    "parse",
    "read",
    "simulated",
]
