"""The common form of all estimators: moments against scale, and what each estimator can see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError, DataError

Real = npt.NDArray[np.float64]

VERDICT_ESTIMATOR = "wavelets"
"""The default estimator for verdicts: the least biased near 1/3 on fields of known exponent."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of one field against scale: ``xi_q = d ln norm / d ln scale + offset``.

    `mean` and `square` are averages, so those of several realisations, or of the components of
    a vector, are the averages of these arrays (`average`).

    Attributes
    ----------
    estimator : str
        A key of `DOMAINS`.
    scale : (n,)
        Increasing lengths (in l0): separation r, filter width ell or wavelet scale.
    q : (m,)
        Orders, from -1 to 9.
    mean : (m, n, t_1, ..., t_d)
        Averages of |.|^q over each tile of an even partition of the cell, of ln|.| for q = 0;
        NaN where the moment does not exist.
    square : (m, n)
        Averages of |.|^{2q} over the whole cell; 1 for q = 0.
    offset : float
        What is added to the slope: 1 for gradients, 0 otherwise.

    Raises
    ------
    DataError
        If shapes disagree, scales do not increase, or a moment of positive order over the cell
        is not positive and finite (a constant field has no exponent).
    """

    estimator: str
    scale: Real
    q: Real
    mean: Real
    square: Real
    offset: float

    def __post_init__(self) -> None:
        shape = (self.q.size, self.scale.size)
        if self.mean.shape[:2] != shape or self.square.shape != shape:
            raise DataError(
                f"{self.estimator}: moments of shapes {self.mean.shape} and {self.square.shape} "
                f"do not belong to {shape[0]} orders and {shape[1]} scales"
            )
        if np.any(self.scale <= 0.0) or np.any(np.diff(self.scale) <= 0.0):
            raise DataError(
                f"{self.estimator}: the scales {self.scale} must be positive, increasing and "
                "distinct on this grid; space them more widely"
            )
        positive = self._cell_mean[self.q > 0.0]
        if not np.all(np.isfinite(positive)) or np.any(positive <= 0.0):
            raise DataError(
                f"{self.estimator}: a norm is zero or not finite, so ln norm has no slope; "
                "check that the field is finite and not constant"
            )

    @property
    def norm(self) -> Real:
        """<|.|^q>^{1/q} over the whole cell, exp<ln|.|> for q = 0, shape (m, n)."""
        return _roots(self._cell_mean, self.q)

    @property
    def tile_norm(self) -> Real:
        """<|.|^q>^{1/q} over each tile, shape (m, n, t_1, ..., t_d); 0 where |.| is."""
        return _roots(self.mean, self.q)

    @property
    def dim(self) -> int:
        """Dimension d."""
        return self.mean.ndim - 2

    def region(self, weights: Real) -> Moments:
        """Moments whose averages are weighted over tiles, in a single tile.

        Parameters
        ----------
        weights : (t_1, ..., t_d)
            Weight of each tile, not negative, not all zero; tiles of no weight have no say even
            where their moment does not exist.

        How evenly an average is carried (`participation`) is taken to be as in the whole cell.
        """
        share = weights / weights.sum()
        weighted = np.where(share > 0.0, self.mean, 0.0) * share
        mean = np.sum(weighted, axis=tuple(range(2, self.mean.ndim)), keepdims=True)
        ratio = mean.reshape(self.square.shape) / self._cell_mean
        square = np.where(self.q[:, np.newaxis] == 0.0, 1.0, self.square * ratio**2)
        return replace(self, mean=mean, square=square)

    @property
    def participation(self) -> Real:
        """<|.|^q>²/<|.|^{2q}> in (0, 1]: how evenly the average is carried, shape (m, n).

        It is about 1/N when one of N values dominates, and the moment then not resolved by the
        sample; 1 for a constant magnitude, and at q = 0 by convention.
        """
        share = np.square(self._cell_mean) / self.square
        share[self.q == 0.0] = 1.0
        return np.asarray(share)

    @property
    def _cell_mean(self) -> Real:
        """Averages over the whole cell: tiles are of equal size."""
        return np.mean(self.mean, axis=tuple(range(2, self.mean.ndim)))


def average(moments: Sequence[Moments]) -> Moments:
    """Moments of several fields together: realisations, or components of a vector.

    Parameters
    ----------
    moments : sequence of Moments
        Of one estimator, with the same scales, orders and tiles.
    """
    mean = np.mean([m.mean for m in moments], axis=0)
    square = np.mean([m.square for m in moments], axis=0)
    return replace(moments[0], mean=mean, square=square)


def _roots(mean: Real, q: Real) -> Real:
    """Means (m, ...) to the power 1/q, their exponential for q = 0."""
    rows = [np.exp(row) if o == 0.0 else row ** (1.0 / o) for row, o in zip(mean, q, strict=True)]
    return np.array(rows)


@dataclass(frozen=True)
class Domain:
    """The exponents an estimator can see, ends excluded; beyond, it saturates or diverges.

    Attributes
    ----------
    low, high : float
        The ends.
    why : str
        What sets them, as a clause that a refusal can quote.
    """

    low: float
    high: float
    why: str

    def holds(self, xi: float) -> bool:
        """Whether an exponent lies inside."""
        return self.low < xi < self.high


VANISHING = 3.0
"""Vanishing moments of db3: a field smoother than that looks no smoother."""
SMOOTHNESS = 1.415
"""Sobolev exponent of db3: it must exceed -xi or the finest scales leak into all levels."""


def p_leader_domain(p: float, dim: int) -> Domain:
    """Domain of p-leaders: sums over finer scales converge for xi > -d/p.

    Raises
    ------
    ConfigError
        If p is not positive; it may be infinite, which means leaders.
    """
    if not p > 0.0:
        raise ConfigError(f"p: p-leaders need a positive p, infinity for leaders, not {p}")
    low = max(-dim / p, -SMOOTHNESS)
    why = (
        f"p-leaders collect the coefficients of all finer scales, a sum that converges above "
        f"-d/p = {-dim / p:.4g} for p = {p:.4g}, and db3 has three vanishing moments"
    )
    return Domain(low, VANISHING, why)


DOMAINS: dict[str, Domain] = {
    "increments": Domain(
        0.0, 1.0, "first differences f(x+r) - f(x) neither grow as r falls nor fall faster than r"
    ),
    "second_increments": Domain(
        0.0, 2.0, "second differences neither grow as r falls nor fall faster than r²"
    ),
    "gradients": Domain(
        -np.inf, 1.0, "the gradient of a mollified field does not fall as its scale falls"
    ),
    "wavelets": Domain(
        -SMOOTHNESS,
        VANISHING,
        "db3 has three vanishing moments and a Sobolev smoothness of 1.415",
    ),
    "leaders": Domain(
        0.0,
        VANISHING,
        "leaders are maxima over all finer scales, which must fall towards them, and db3 has "
        "three vanishing moments",
    ),
    # For p = 2 on a line, the narrowest; other p and dimensions by `p_leader_domain`.
    "p_leaders": p_leader_domain(2.0, 1),
}


def check_field(values: Real, dim: int, estimator: str) -> Real:
    """The field as a contiguous array, refused unless finite, varying and of the dimension.

    Raises
    ------
    DataError
        If the number of axes is not that of the cell, a value is not finite, or all are equal.
    """
    if values.ndim != dim:
        raise DataError(f"{estimator}: a field with {values.ndim} axes does not fit a {dim}D cell")
    if not np.all(np.isfinite(values)):
        raise DataError(f"{estimator}: the field holds values that are not finite")
    if np.all(values == values.flat[0]):
        raise DataError(f"{estimator}: the field is constant, and a constant has no exponent")
    return np.ascontiguousarray(values, dtype=np.float64)
