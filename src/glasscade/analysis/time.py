"""Balances smeared in time, with their boundary terms: Eqs. 20 and 41."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import variable
from glasscade.analysis.balance import NOT_IN_PAPER
from glasscade.analysis.checks import require, require_numbers
from glasscade.budget.windows import TimeWindows, every_second, quadrature_weights
from glasscade.errors import DataError

Real = npt.NDArray[np.float64]

SPACE_TIME = "Eqs. 20, 41"
RICHARDSON = 15.0
"""2⁴ - 1: the difference to every second snapshot, in errors of a rule of fourth order."""


def smear_in_time(balance: xr.Dataset, windows: TimeWindows | None = None) -> xr.Dataset:
    """A balance smeared with φ(x)ψ(t) over the run, from the first snapshot to the last.

        ψσ |_{t0}^{t1} - ∫ψ̇ σ dt = Σ_X { ∫ψ ∫φ 𝒮 dt + ∫ψ ∫𝒯_k ∂_kφ dt } + residual

    Integrals are those of cubic splines through the snapshots, at any spacing: where the run is
    smooth the error falls with the fourth power of the spacing. Of particles at T > 0 the residual
    holds the martingale besides, and neither it nor its error falls that way.

    Parameters
    ----------
    balance : Dataset
        From `stress_balance`, with the dimension time and its coordinate, in any even or uneven
        steps.
    windows : TimeWindows, optional
        The ψ; by default ψ = 1 alone.

    Returns
    -------
    Dataset
        With the dimension window in place of time: `boundary` and `displacement`, the two terms on
        the left, `source` and `transport` (and `self_pair`), `residual`, and `quadrature_error`:
        the error of the residual estimated from every second snapshot.

    Raises
    ------
    DataError
        If there are fewer than three times, or they do not increase.
    ConfigError
        If a window has no time in common with the run.
    """
    windows = windows or TimeWindows.bumps()
    times = _times(balance)
    fine = _smeared(balance, windows, times)
    second = every_second(len(times))
    coarse = _smeared(balance.isel(time=second), windows, times[second])
    error = abs(fine["residual"] - coarse["residual"]) / RICHARDSON
    texts = {
        "boundary": ("ψσ^ni_ℓ[φ] at the last time minus that at the first", SPACE_TIME),
        "displacement": ("-∫ψ̇ σ^ni_ℓ[φ] dt", SPACE_TIME),
        "source": ("∫ψ ∫φ 𝒮 dt of each current", SPACE_TIME),
        "transport": ("∫ψ ∫𝒯_k ∂_kφ dt of each current", SPACE_TIME),
        "self_pair": ("∫ψ dt of W_ℓ of each particle with itself; Q^flux: -", NOT_IN_PAPER),
        "residual": ("boundary plus displacement minus all terms", SPACE_TIME),
        "quadrature_error": ("estimated error of the residual", SPACE_TIME),
    }
    kept = {name: array for name, array in balance.coords.items() if "time" not in array.dims}
    result = xr.Dataset(coords={**kept, "window": list(windows.names)})
    # The dimensions of the balance, with windows in place of times.
    order = ["window" if dim == "time" else str(dim) for dim in balance["source"].dims]
    for name, array in {**fine, "quadrature_error": error}.items():
        dims = tuple(dim for dim in order if dim in array.dims)
        result[name] = variable(dims, array.transpose(*dims).values, "V0", *texts[name])
    return result


def _times(balance: xr.Dataset) -> Real:
    """The times of the snapshots."""
    if "time" not in balance.dims or "time" not in balance.coords:
        raise DataError(
            f"time: the balance needs this dimension and coordinate; it has {dict(balance.sizes)}"
        )
    for name in ("stress", "source", "transport"):
        require(balance, name)
    require_numbers(balance["time"], "time")
    times = np.asarray(balance["time"].values, dtype=np.float64)
    if times.size < 3 or np.any(np.diff(times) <= 0.0):
        raise DataError("time: three times or more are needed, each later than the one before")
    return times


def _smeared(balance: xr.Dataset, windows: TimeWindows, times: Real) -> dict[str, xr.DataArray]:
    """Every part of the smeared balance from these snapshots."""
    weighted, moving = map(_over_time, quadrature_weights(windows, times))
    stress = balance["stress"]
    ends = _over_time(windows.values(times)) * stress
    parts = {
        "boundary": ends.isel(time=-1) - ends.isel(time=0),
        "displacement": -_sum(moving, stress),
        "source": _sum(weighted, balance["source"]),
        "transport": _sum(weighted, balance["transport"]),
    }
    if "self_pair" in balance:
        parts["self_pair"] = _sum(weighted, balance["self_pair"])
    terms = (parts["source"] + parts["transport"]).sum("term", skipna=False)
    parts["residual"] = parts["boundary"] + parts["displacement"] - terms
    return parts


def _over_time(values: Real) -> xr.DataArray:
    return xr.DataArray(values, dims=("window", "time"))


def _sum(weights: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
    """Σ_t w_t f_t, for every window."""
    return xr.dot(weights, values, dim="time")
