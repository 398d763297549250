"""What figures are made of: results of one model, selections of terms, estimates with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.limits.verdicts import GLOBAL, Verdict
from glasscade.paths import number
from glasscade.regularity import fits
from glasscade.regularity.exponents import FLAGS
from glasscade.regularity.fits import interval

Real = npt.NDArray[np.float64]

FIELDS = ("density", "force")
SELF_PAIR_SIGN = {"W": 1.0, "Q_flux": -1.0}
"""Sign with which the self-pair part of W enters each term."""
MEASURED = "measured"
"""The density of the model itself among the sources of exponents."""
WHOLE_CELL = "one"
"""The region that is the whole cell, φ = 1."""
CRITICAL_ORDER = 3.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """Values with the ends of their intervals; the ends are NaN where there is no interval."""

    value: Real
    low: Real
    high: Real

    @classmethod
    def exact(cls, value: npt.ArrayLike) -> Estimate:
        """Values without an interval."""
        array = np.asarray(value, dtype=np.float64)
        return cls(array, np.full(array.shape, np.nan), np.full(array.shape, np.nan))

    def __getitem__(self, index: Any) -> Estimate:
        return Estimate(self.value[index], self.low[index], self.high[index])

    @property
    def parts(self) -> tuple[Real, Real, Real]:
        """Value and ends."""
        return self.value, self.low, self.high

    @property
    def with_gap(self) -> Estimate:
        """A gap after the first value."""
        return Estimate(*(np.insert(part, 1, np.nan) for part in self.parts))

    @property
    def magnitude(self) -> Estimate:
        """|y|: an interval that holds zero reaches down to zero."""
        ends = np.sort(np.abs([self.low, self.high]), axis=0)
        straddles = (self.low < 0.0) & (self.high > 0.0)
        return Estimate(np.abs(self.value), np.where(straddles, 0.0, ends[0]), ends[1])

    @property
    def bars(self) -> Real | None:
        """Lengths of error bars downwards and upwards, None where there are none at all."""
        if not np.isfinite(self.low).any():
            return None
        return np.array([self.value - self.low, self.high - self.value])


@dataclass(frozen=True, eq=False)
class Known:
    """Exponents along one dimension and what is known of them.

    Attributes
    ----------
    shown : Estimate
        Where an exponent is refused the slope as measured, without an interval.
    given, decisive : (n,)
        Whether there is an exponent, and whether a verdict may rest on it.
    """

    shown: Estimate
    given: npt.NDArray[np.bool_]
    decisive: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, row: xr.Dataset) -> Known:
        """From variables of a file of exponents."""
        value, low, high = (row[name].values for name in ("value", "ci_low", "ci_high"))
        given = np.isfinite(value)
        # One sample alone leaves an infinite interval, which cannot be drawn.
        bounded = given & np.isfinite(low) & np.isfinite(high)
        ends = (np.where(bounded, end, np.nan) for end in (low, high))
        shown = Estimate(np.where(given, value, row["raw"].values), *ends)
        return cls(shown, given, row["decisive"].values == 1)

    def __sub__(self, other: Real) -> Known:
        return replace(self, shown=Estimate(*(part - other for part in self.shown.parts)))


@dataclass(frozen=True, eq=False)
class Results:
    """Everything known about one model.

    Attributes
    ----------
    estimator : str
        The one estimator of exponents that enters verdicts.
    level : float
        Confidence level of intervals over realisations.
    tolerance : float
        Margin of a recovered exponent.
    length : float
        Side of the periodic cell, l0.
    limits, exponents : Dataset
        As their stages write them.
    verdicts : list of Verdict
    """

    estimator: str
    level: float
    tolerance: float
    length: float
    limits: xr.Dataset
    exponents: xr.Dataset
    verdicts: list[Verdict]

    @property
    def evolves(self) -> bool:
        """Whether terms are integrals over time, rather than those of stationary states."""
        return self.limits.sizes["time"] > 1

    @property
    def temperatures(self) -> Real:
        """All temperatures, 0 first."""
        return np.asarray(self.limits["temperature"].values, dtype=np.float64)

    @property
    def ells(self) -> Real:
        """All scales, increasing."""
        return np.asarray(self.limits["ell"].values, dtype=np.float64)

    @property
    def kernels(self) -> list[str]:
        """Names of the kernels; the first is the one shown where only one is."""
        return [str(name) for name in self.limits["kernel"].values]

    @property
    def estimators(self) -> list[str]:
        """Names of the estimators of exponents."""
        return [str(name) for name in self.exponents["estimator"].values]

    @property
    def measured(self) -> xr.Dataset:
        """Exponents of the model itself, over the whole cell."""
        return self.exponents.sel(source=MEASURED, region=WHOLE_CELL)

    @property
    def nulls(self) -> list[str]:
        """Names of the densities that particles are compared with; none of other models."""
        return [str(name) for name in self.exponents["source"].values if name != MEASURED]

    @property
    def known(self) -> Real | None:
        """The exponents H of a synthetic model, one for each case."""
        if "hurst" not in self.exponents.coords:
            return None
        return np.asarray(self.exponents["hurst"].values, dtype=np.float64)

    def of_case(self, array: xr.DataArray, case: int) -> xr.DataArray:
        """The realisations that belong to one known exponent; all where none is known."""
        if self.known is None:
            return array
        chosen = np.flatnonzero(array["hurst"].values == self.known[case])
        return array.isel(realisation=chosen)

    def rows(self, check: str) -> dict[str, Verdict]:
        """Verdicts of one check for φ = 1, by quantity."""
        return {
            row.quantity: row
            for row in self.verdicts
            if row.check == check and row.region == GLOBAL
        }

    def mean(self, array: xr.DataArray) -> Estimate:
        """Mean over realisations with its studentised interval; other dimensions are kept."""
        return estimate(array.transpose("realisation", ...).values, self.level)

    def geometric_mean(self, array: xr.DataArray) -> Estimate:
        """As `mean`, of the logarithms."""
        logarithms = estimate(np.log(array.transpose("realisation", ...).values), self.level)
        return Estimate(*(np.exp(part) for part in logarithms.parts))


def estimate(samples: Real, level: float) -> Estimate:
    """Mean over the first axis with a studentised interval, without one for a single sample."""
    if len(samples) == 1:
        return Estimate.exact(samples[0])
    mean = interval(samples, level)
    return Estimate(mean.value, mean.value - mean.half_width, mean.value + mean.half_width)


def jackknife(statistic: Callable[[Real], Real], samples: Real, level: float) -> Estimate:
    """A function of means over the first axis, with the studentised interval of its jackknife.

    For ratios and logarithms of means: a mean that nearly vanishes in one realisation does not
    spoil them, as it would a mean of ratios.
    """
    value = statistic(samples)
    if len(samples) == 1:
        return Estimate.exact(value)
    half = fits.jackknife(statistic, samples, level)
    return Estimate(value, value - half, value + half)


def both(limits: xr.Dataset) -> xr.DataArray:
    """Source plus transport of every term: what the paper calls the term."""
    return limits["source"] + limits["transport"]


def terms(limits: xr.Dataset) -> xr.DataArray:
    """Source plus transport of every term, for φ = 1 and the first kernel."""
    return one(both(limits))


def direct(limits: xr.Dataset) -> list[str]:
    """Names of the terms that stem from noise: for particles the Itô source is one.

    It cancels the one-particle part of Q_thermal, so that only their sum is of interest.
    """
    return [name for name in ("Q_thermal", "Ito") if name in limits["term"].values]


def thermal(limits: xr.Dataset) -> xr.DataArray:
    """The sum of the direct terms, for φ = 1 and the first kernel."""
    return terms(limits).sel(term=direct(limits)).sum("term", skipna=False)


def without_self_pairs(limits: xr.Dataset) -> xr.DataArray:
    """As `both`; W and Q_flux of particles less what each contributes by acting on itself.

    Limits, exponents and verdicts are those of these terms.
    """
    if "self_pair" not in limits:
        return both(limits)
    sign = [SELF_PAIR_SIGN.get(str(term), 0.0) for term in limits["term"].values]
    return both(limits) - xr.DataArray(sign, dims="term") * limits["self_pair"]


def one(array: xr.DataArray) -> xr.DataArray:
    """φ = 1 and the first kernel."""
    return array.sel(phi="one").isel(kernel=0)


def critical_exponent(results: Results, field: str) -> Estimate:
    """ξ_3 at T = 0 by the estimator of the verdicts, one for each case; NaN where refused."""
    row = results.measured.sel(field=field, estimator=results.estimator, order=CRITICAL_ORDER).isel(
        temperature=0
    )
    return Estimate(*(row[name].values for name in ("value", "ci_low", "ci_high")))


def flag_of(row: xr.Dataset) -> str:
    """What is known of one exponent, a key of `FLAGS`."""
    return list(FLAGS)[int(row["flag"])]


def case_suffix(results: Results, case: int) -> str:
    """How quantities of a case end in the table of verdicts."""
    return "" if results.known is None else f"_H{number(float(results.known[case]))}"
