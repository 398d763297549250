"""Stress balances of one's own data, labelled: xarray in, xarray out.

>>> from glasscade.analysis import TestFunctions, TimeWindows, smear_in_time, stress_balance
>>> functions = TestFunctions.waves(dim=2, most=2)
>>> balance = stress_balance(data, mixture, ell=[0.5, 1.0], temperature=0.1, functions=functions)
>>> smear_in_time(balance, TimeWindows.bumps(centres=[1.0, 2.0], widths=[1.0, 1.0]))

The `data` are a Dataset of particles or of gridded densities, see `analysis.snapshots`; neither a
configuration nor a workflow is needed. Everything is in units of the potential: lengths in its
range l0, energies in its strength V0, times in l0^2/(mu V0).

A name is loaded at its first use: who needs only one module does not import, and does not depend
on, all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Snapshots": "glasscade.analysis.snapshots",
    "TestFunctions": "glasscade.budget.smearing",
    "TimeWindows": "glasscade.budget.windows",
    "besov_exponents": "glasscade.analysis.exponents",
    "point_balance": "glasscade.analysis.points",
    "smear_in_time": "glasscade.analysis.time",
    "stress_balance": "glasscade.analysis.balance",
    "stress_maps": "glasscade.analysis.maps",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
