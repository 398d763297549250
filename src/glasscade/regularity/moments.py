"""The common form of all estimators: L^q norms against scale, and where they can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, DataError

Real = npt.NDArray[np.float64]
Flag = Literal["inside", "edge", "outside"]

VERDICT_ESTIMATOR = "wavelets"
"""The default estimator for verdicts: the least biased near 1/3 on fields of known exponent."""


@dataclass(frozen=True, eq=False)
class Moments:
    """L^q norms of one field against scale: ``xi_q = d ln norm / d ln scale + offset``.

    Attributes
    ----------
    estimator : str
        A key of `DOMAINS`.
    scale : (n,)
        Increasing lengths (in l0): separation r, filter width ell or wavelet scale.
    q : (m,)
        Orders of the norms.
    norm : (m, n)
        Volume-averaged norms <|.|^q>^{1/q}.
    offset : float
        What is added to the slope: 1 for gradients, 0 otherwise.

    Raises
    ------
    DataError
        If shapes disagree, scales do not increase, or a norm is not positive and finite (a
        constant field has no exponent).
    """

    estimator: str
    scale: Real
    q: Real
    norm: Real
    offset: float

    def __post_init__(self) -> None:
        if self.norm.shape != (self.q.size, self.scale.size):
            raise DataError(
                f"{self.estimator}: norms of shape {self.norm.shape} do not belong to "
                f"{self.q.size} orders and {self.scale.size} scales"
            )
        if np.any(self.scale <= 0.0) or np.any(np.diff(self.scale) <= 0.0):
            raise DataError(
                f"{self.estimator}: the scales {self.scale} must be positive, increasing and "
                "distinct on this grid; space them more widely"
            )
        if not np.all(np.isfinite(self.norm)) or np.any(self.norm <= 0.0):
            raise DataError(
                f"{self.estimator}: a norm is zero or not finite, so ln norm has no slope; "
                "check that the field is finite and not constant"
            )


@dataclass(frozen=True)
class Domain:
    """Where an estimator works: exponents it can represent, and those it returns unbiased.

    Attributes
    ----------
    low, high : float
        Exponents the estimator can see, exclusive; beyond, it saturates or drifts.
    trusted_low, trusted_high : float
        Estimates at which fractional fields (512², q = 3, window 4..32 grid spacings, 32
        fields) were returned within 0.03 of their exponent. Between these and `low`, `high`
        the estimate is biased; windows nearer to the grid or the box shrink the range.
    """

    low: float
    high: float
    trusted_low: float
    trusted_high: float

    def flag(self, xi: float) -> Flag:
        """Whether an estimate is `inside` the trusted range, at the `edge`, or `outside`."""
        if self.trusted_low <= xi <= self.trusted_high:
            return "inside"
        return "edge" if self.low < xi < self.high else "outside"


DOMAINS: dict[str, Domain] = {
    "increments": Domain(0.0, 1.0, 0.42, 0.64),
    "second_increments": Domain(0.0, 2.0, 0.5, 1.2),
    # No lower limit but that of measurement. The upper one is low because a filter of width ell
    # mixes wavelengths up to many ell, and the box ends them.
    "gradients": Domain(-np.inf, 1.0, -2.0, 0.3),
    # Above: the three vanishing moments of db3. Below: its smoothness (Sobolev exponent 1.415),
    # which must exceed -xi or the finest scales leak into all levels.
    "wavelets": Domain(-1.415, 3.0, -1.2, 2.5),
}


def check_orders(q: Sequence[float] | Real) -> Real:
    """The orders q as an array, refused unless each is finite and at least 1.

    Raises
    ------
    ConfigError
        If an order is below 1, where <|.|^q>^{1/q} is no norm.
    """
    orders = np.array(q, dtype=np.float64).reshape(-1)
    if orders.size == 0 or not np.all(np.isfinite(orders)) or np.any(orders < 1.0):
        raise ConfigError(f"q: orders must be finite and at least 1, not {orders.tolist()}")
    return orders


def check_field(values: Real, dim: int, estimator: str) -> Real:
    """The field as a contiguous array, refused unless finite and of the cell's dimension.

    Raises
    ------
    DataError
        If the number of axes is not that of the cell, or a value is not finite.
    """
    if values.ndim != dim:
        raise DataError(f"{estimator}: a field with {values.ndim} axes does not fit a {dim}D cell")
    if not np.all(np.isfinite(values)):
        raise DataError(f"{estimator}: the field holds values that are not finite")
    return np.ascontiguousarray(values, dtype=np.float64)


def norms(magnitude: Real, q: Real) -> Real:
    """Volume-averaged norms <|f|^q>^{1/q} of non-negative values, shape (m,).

    Whole orders are reached by multiplication: `pow` would cost more than the transforms.
    """
    means = np.empty(q.size)
    power = np.ones_like(magnitude)
    for whole in range(1, int(q.max()) + 1):
        power *= magnitude
        means[q == whole] = power.mean()
    for index in np.flatnonzero(q != np.rint(q)):
        means[index] = np.mean(magnitude ** q[index])
    return np.asarray(means ** (1.0 / q))
