"""The stress balance of point particles themselves: what the balances at scale ℓ tend to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import RATE, progress, variable
from glasscade.analysis.checks import require_mobility, require_temperature
from glasscade.analysis.snapshots import Snapshots, refuse_changing_cell
from glasscade.budget.smearing import TestFunctions
from glasscade.errors import DataError
from glasscade.external import External
from glasscade.particles.microscopic import TERMS, microscopic_balance
from glasscade.potentials import Mixture

Real = npt.NDArray[np.float64]

EXTERNAL = "N_ni"
EQUATIONS = {"W": "Eq. 19", "Q_thermal": "Eq. 20, third line", EXTERNAL: "Eq. 17"}
"""Where the source paper has the terms, here smeared as in Eq. 20."""


def point_balance(
    data: xr.Dataset,
    mixture: Mixture,
    *,
    temperature: float = 0.0,
    mobility: float = 1.0,
    functions: TestFunctions | None = None,
    external: External = None,
) -> xr.Dataset:
    """The microscopic balance of every snapshot of points, without a scale, smeared with every φ.

        ∂t σ^ni[φ] = W + Q_thermal (+ N_ni),      σ^ni[φ] = Σ_{a<b} W_ij(y) ∫_0^1 φ(x_a + λy) dλ

    No point pairs with itself: Q_thermal = T Σ_a ∂_a² σ^ni[φ] is the distribution of Eq. 20, which
    Q_thermal and Ito of `stress_balance` tend to together as ℓ → 0, as W and Q_flux do to W.

    Parameters
    ----------
    data, mixture, temperature, mobility, functions, external
        As for `stress_balance`, of particles that all weigh 1.

    Returns
    -------
    Dataset
        `stress`, `rate` (..., phi, i, j), `source` and `transport` (..., term, phi, i, j).

    Raises
    ------
    DataError
        If the data are not particles, or not what they should be.
    ConfigError
        If T > 0 and V'' of a potential jumps inside its range: the distribution then has a part
        that only pairs at exactly this distance have.
    """
    require_temperature(temperature)
    require_mobility(mobility)
    series = Snapshots(data, mixture, external)
    if not series.are_particles or series.weighted:
        raise DataError("data: particles that all weigh 1 are needed, `position` without `weight`")
    refuse_changing_cell(series)
    dim = next(series.cells()).dim
    chosen = functions or TestFunctions.bumps(dim, count=0, sharpness=0, seed=0)
    terms = (*TERMS, *((EXTERNAL,) if series.driven else ()))
    tail = (len(chosen.names), dim, dim)
    shapes = {name: (*series.shape, *tail) for name in ("stress", "rate")}
    shapes |= {name: (*series.shape, len(terms), *tail) for name in ("source", "transport")}
    found = {name: np.empty(shape) for name, shape in shapes.items()}
    for index in progress(series, "snapshots"):
        velocity = series.driving_velocity(index)
        balance = microscopic_balance(
            series.bonds(index),
            mixture,
            temperature,
            series.cell(index),
            chosen.q,
            chosen.coefficients,
            None if velocity is None else {EXTERNAL: velocity},
        )
        for name, array in found.items():
            array[index] = getattr(balance, name) * (1.0 if name == "stress" else mobility)
    return _label(found, series, chosen, terms)


def _label(
    found: dict[str, Real], series: Snapshots, functions: TestFunctions, terms: tuple[str, ...]
) -> xr.Dataset:
    lead, tail = series.lead, ("phi", "i", "j")
    behind = (*lead, "term", *tail)
    text = "∫φ ∂tσ^ni, mean over the noise"
    return xr.Dataset(
        {
            "stress": variable(
                (*lead, *tail), found["stress"], "V0", "∫φ σ^ni of the bonds", "Eq. 13"
            ),
            "rate": variable((*lead, *tail), found["rate"], RATE, text, "Eqs. 14, 20"),
            "source": variable(behind, found["source"], RATE, "∫φ 𝒮 of each current", "Eqs. 17-20"),
            "transport": variable(
                behind, found["transport"], RATE, "∫𝒯_k ∂_kφ of each current", "Eq. 20"
            ),
        },
        coords={
            **series.coordinates,
            "phi": list(functions.names),
            "term": list(terms),
            "equation": variable(
                ("term",), [EQUATIONS[t] for t in terms], "1", "where the source paper has the term"
            ),
        },
    )
