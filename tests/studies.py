"""Small studies, as plain data that a test may change."""

from __future__ import annotations

import copy
from typing import Any

Raw = dict[str, Any]

CLUSTER: Raw = {
    "system": {
        "kind": "cluster",
        "potential": {"kind": "cone", "strength": 1.0},
        "length": 1.0,
        "points": 1024,
    },
    "sweep": {
        "temperature": [0, 0.004, 0.005, 0.006, 0.008],
        "ell": [[0, 0.01, 0.02, 0.03, 0.04], 0.08],
        "map_ell": [0.02],
    },
    "window": [0.0078125, 0.0625],
}
ROUGH: Raw = {
    "system": {
        "kind": "synthetic",
        "dimensions": 1,
        "potential": {"kind": "harmonic", "diameter": 0.3},
        "length": 1.0,
        "points": 256,
        "exponents": [0.2, 0.6],
    },
    "sweep": {
        "temperature": [0],
        "ell": [[0.02, 0.03, 0.05, 0.08, 0.12]],
        "realisations": 4,
        "block_size": 2,
    },
    "window": [0.015625, 0.125],
}
FIELD: Raw = {
    "system": {
        "kind": "field",
        "potential": {"kind": "gaussian"},
        "length": 20.0,
        "points": 256,
        "duration": 0.4,
        "snapshots": 5,
    },
    "sweep": {
        "temperature": [0, 0.1, 0.2, 0.3, 0.4],
        "ell": [[0, 0.25, 0.5, 1, 2, 4]],
    },
    "window": [0.3125, 2.5],
}
GLASS: Raw = {
    "kind": "glass",
    "points": 128,
    "number": 16,
    "composition": {"kind": "binary_spheres", "packing_fraction": 0.9, "core": 0.1},
    "duration": 0.5,
    "dt": 0.02,
    "snapshots": 5,
}
"""The system alone."""
SHEAR: Raw = {
    "system": {
        "kind": "shear",
        "number": 36,
        "composition": {"kind": "binary_spheres", "packing_fraction": 0.95, "core": 0.2},
        "points": 256,
        "strain_step": 1e-3,
        "largest_strain": 0.2,
        "events": 1,
        "snapshots": 49,
        "balance_from": 0.3,
    },
    "sweep": {
        "temperature": [0],
        "ell": [[0, 0.08, 0.15], [0.3, 0.6, 1]],
        "map_ell": [0.6],
        "realisations": 3,
        "block_size": 2,
    },
}
TRAJECTORY: Raw = {
    "system": {
        "kind": "trajectory",
        "file": "run.dump",
        "points": 128,
        "number": 64,
        "composition": {"kind": "binary_spheres", "packing_fraction": 0.9, "core": 0.1},
        "dynamics": "overdamped",
    },
    "sweep": {"temperature": [0.02], "ell": [[0, 0.5, 0.6, 0.8, 1.0, 1.4]]},
    "window": [0.2, 1.2],
}


def study(**models: Raw) -> Raw:
    """A study of the given models, by default one of each kind, all independent of each other."""
    chosen = models or {"point": CLUSTER, "rough": ROUGH, "smooth": FIELD}
    return copy.deepcopy({"study": "small", "seed": 7, "models": chosen})


def changed(raw: Raw, key: str, value: object) -> Raw:
    """A copy with one value, at a dotted path, replaced; the path's sections must exist."""
    result = copy.deepcopy(raw)
    *sections, last = key.split(".")
    section = result
    for name in sections:
        section = section[name]
    section[last] = value
    return result
