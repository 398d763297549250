"""One function per figure; each returns the figure and the data frame of what it shows.

This module names the figures without importing a plotting library, so that a workflow can list
its outputs quickly. A caption for each is `workflow/report/{name}.rst`.
"""

from __future__ import annotations

TITLES = {
    "shear": "Shear and its plastic events",
    "events": "Stress drops by scale",
    "event_map": "Map of the largest event",
    "relaxation": "Decay of the speed",
    "stress": "Stress against time",
    "budget": "Terms of the balance against scale",
    "plane": "Flux and thermal term over temperature and scale",
    "limits": "Iterated limits",
    "joint": "Joint paths of both limits",
    "convergence": "Convergence of the densities",
    "kernels": "Dependence on the kernel",
    "direct_terms": "Vanishing of the direct terms",
    "dissipation_scale": "Scale of dissipation",
    "recovery": "Recovery of known exponents",
    "structure": "Structure functions and local slopes",
    "exponents": "Exponents of density and force",
    "flux_exponent": "Exponent of the flux and its bounds",
    "maps": "Maps of density and flux",
    "local_exponents": "Local exponents and the flux",
}
"""All figures of a model with their titles, in the order in which a report shows them."""
STUDY_TITLES = {
    "comparison": "Dependence on N and dt",
    "flux_bounds": "Which kernel attains which bound",
    "phase_diagram": "Exponent of the flux over kernel and density",
}
"""Figures of several models together."""

_PLASTIC = frozenset({"shear", "events", "event_map"})
_MAPS = frozenset({"maps", "local_exponents", "event_map"})
_STATIONARY = frozenset({"stress", "dissipation_scale"})
_OF_SOLUTIONS = frozenset({"joint", "convergence"})
_OF_LIMITS = frozenset({"plane", "limits", "kernels", "direct_terms"})
_ATHERMAL = frozenset({"stress", "plane", "limits", "kernels", "direct_terms", "dissipation_scale"})


def figure_names(
    kind: str, maps: bool, limits: bool = True, relaxation: bool = False
) -> tuple[str, ...]:
    """Names of the figures of one model, in order.

    Parameters
    ----------
    kind : str
        `cluster` (stationary states), `synthetic` (no dynamics, no temperature, known exponents),
        `shear` (plastic events, no limits, no exponents), or any kind of system that evolves.
    maps : bool
        Whether maps are computed, that is whether `map_ell` is not empty.
    limits : bool
        Whether there are temperatures enough for the iterated limits.
    relaxation : bool
        Whether the model is a descent at T = 0 alone.
    """
    left_out = {"cluster": _STATIONARY | {"recovery"}, "synthetic": _ATHERMAL}.get(
        kind, frozenset({"recovery"}) if limits else _OF_LIMITS | {"recovery"}
    )
    # Only fields are followed along joint paths, and compared as they are at T > 0 and T = 0.
    left_out |= frozenset() if kind == "field" and limits else _OF_SOLUTIONS
    left_out |= _ATHERMAL if relaxation else {"relaxation"}
    left_out = frozenset(TITLES) - _PLASTIC if kind == "shear" else left_out | _PLASTIC
    return tuple(name for name in TITLES if name not in left_out and (maps or name not in _MAPS))
