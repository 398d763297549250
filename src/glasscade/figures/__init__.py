"""One function per figure; each returns the figure and the data frame of what it shows.

This module names the figures without importing a plotting library, so that a workflow can list
its outputs quickly.
"""

from __future__ import annotations

ORDER = (
    "stress",
    "budget",
    "plane",
    "limits",
    "kernels",
    "direct_terms",
    "dissipation_scale",
    "recovery",
    "structure",
    "exponents",
    "flux_exponent",
    "maps",
)
"""All figures in the order in which a report shows them."""

_STATIONARY = frozenset({"stress", "dissipation_scale"})
_ATHERMAL = frozenset({"stress", "plane", "limits", "kernels", "direct_terms", "dissipation_scale"})


def figure_names(kind: str, maps: bool) -> tuple[str, ...]:
    """Names of the figures of one model, in order.

    Parameters
    ----------
    kind : str
        `cluster` (stationary states), `synthetic` (no dynamics, no temperature, known exponents),
        or any kind of system that evolves.
    maps : bool
        Whether maps are computed, that is whether `map_ell` is not empty.
    """
    left_out = {"cluster": _STATIONARY | {"recovery"}, "synthetic": _ATHERMAL}.get(
        kind, frozenset({"recovery"})
    )
    return tuple(name for name in ORDER if name not in left_out and (maps or name != "maps"))
