"""Exact norms of Gaussian fields on a given grid: what estimators return on average.

A periodic field on a finite grid lacks the wavelengths beyond both, so that no estimator returns
the exponent of its spectrum exactly. For a Gaussian field the norms follow from the variances of
the linear quantities behind them, hence from its power spectrum, without sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gamma

from glasscade.cell import Cell
from glasscade.coarse import Kernel
from glasscade.errors import ConfigError
from glasscade.regularity.gradients import check_widths, wavevectors
from glasscade.regularity.increments import Shifts, check_separations, grid_shifts
from glasscade.regularity.powers import check_orders
from glasscade.regularity.scaling import Expected
from glasscade.regularity.wavelets import atom, check_levels
from glasscade.transforms import irfftn

Real = npt.NDArray[np.float64]

ANGLES = 64
"""Directions per half turn in averages over a sphere, where they converge exponentially."""
HURST = np.round(np.arange(-2.0, 2.61, 0.1), 10)
"""Exponents H between which norms of fractional fields are interpolated: their logarithms are
all but linear in H."""


def reference(
    estimator: str,
    shape: tuple[int, ...],
    cell: Cell,
    scales: int | Real,
    q: npt.ArrayLike,
    kernel: Kernel | None = None,
) -> Expected:
    """`expected_norm` of fractional fields for all of `HURST`: what exponents are corrected with.

    Parameters and errors are those of `expected_norm`.
    """
    norm = _norm_of_power(estimator, shape, cell, scales, q, kernel)
    return Expected(HURST, np.array([norm(fractional_power(shape, hurst)) for hurst in HURST]))


def fractional_power(shape: tuple[int, ...], hurst: float) -> Real:
    """Power of the periodic fractional field: ∝ |k|^{-2H-d}, none at k = 0, unit variance.

    Returns
    -------
    (n_1, ..., n_d//2 + 1)
        E|f_hat|²/N on the half-spectrum of `glasscade.transforms.rfftn`, N being the number of
        grid points; grid spacings are equal along all axes.
    """
    axes = [np.fft.fftfreq(n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1])]
    squared = np.asarray(sum(np.square(k) for k in np.ix_(*axes)))
    power = np.zeros(squared.shape)
    nonzero = squared > 0.0
    power[nonzero] = squared[nonzero] ** (-hurst - 0.5 * len(shape))
    return np.asarray(power / np.sum(power * _mode_weights(shape)))


def expected_norm(
    estimator: str,
    spectrum: float | Real,
    shape: tuple[int, ...],
    cell: Cell,
    scales: int | Real,
    q: npt.ArrayLike,
    kernel: Kernel | None = None,
) -> Real:
    """E[|.|^q]^{1/q} of a Gaussian field, exactly: what `Moments.norm` of many fields tends to.

    Increments and wavelet coefficients are Gaussian, ``E|x|^q = 2^{q/2} Γ((1+q)/2)/√π σ^q`` with
    σ² = (1/N) Σ_k P(k) |response(k)|² for each shift or orientation. The mollified gradient is a
    Gaussian vector g of covariance Σ, and E|g|^q = E[χ_d^q] <(u·Σu)^{q/2}> over directions u.

    Parameters
    ----------
    estimator : str
        `increments`, `second_increments`, `gradients` or `wavelets`; leaders are no linear
        functions of a field.
    spectrum : float, or (n_1, ..., n_d//2 + 1)
        The exponent H of `fractional_power`, or E|f_hat|²/N on the half-spectrum, its Nyquist
        modes included.
    shape : (n_1, ..., n_d)
        The grid.
    cell : Cell
        Its cell.
    scales : (n,), or int
        What the estimator is given: separations, filter widths, or the number of levels.
    q : (m,)
        Orders, from -1 to 9.
    kernel : glasscade.coarse.Kernel, optional
        The mollifier, for gradients.

    Returns
    -------
    (m, n)
        NaN where the moment does not exist.

    Raises
    ------
    ConfigError
        If there is no such norm for the estimator, or an order is not allowed.
    ResolutionError
        If the estimator refuses the scales on this grid.
    """
    norm = _norm_of_power(estimator, shape, cell, scales, q, kernel)
    return norm(spectrum if isinstance(spectrum, np.ndarray) else fractional_power(shape, spectrum))


def _norm_of_power(
    estimator: str,
    shape: tuple[int, ...],
    cell: Cell,
    scales: int | Real,
    q: npt.ArrayLike,
    kernel: Kernel | None,
) -> Callable[[Real], Real]:
    """`expected_norm` as a function of the power alone: all that does not depend on it is done."""
    orders = check_orders(q)
    if estimator == "gradients" and kernel is not None:
        widths = np.asarray(scales, dtype=np.float64)
        check_widths(widths, cell, shape, kernel)
        directions, weights = _sphere(cell.dim)
        of_gradients = _gradient_variances(shape, cell, widths, kernel, directions)
        return lambda power: _norms(of_gradients(power), weights, cell.dim, orders)
    if estimator in ("increments", "second_increments"):
        separations = check_separations(np.asarray(scales, dtype=np.float64), cell, shape)
        groups = [grid_shifts(length, cell, shape) for length in separations]
        first = estimator == "increments"
        return lambda power: _norms(
            _difference_variances(power, shape, groups, first), None, 1, orders
        )
    if estimator == "wavelets":
        levels = int(scales)
        check_levels(cell, shape, levels, 1, estimator)
        of_wavelets = _wavelet_variances(shape, levels)
        return lambda power: _norms(of_wavelets(power), None, 1, orders)
    raise ConfigError(
        "estimator: exact norms are known for increments, second_increments, wavelets and, with "
        f"a kernel, gradients, not for {estimator}"
    )


def _norms(variances: Iterable[Real], weights: Real | None, dim: int, q: Real) -> Real:
    """(E[χ_d^q] <σ^q>)^{1/q} for each array of variances, averaged over it, shape (m, n)."""
    norm = np.full((q.size, 0), np.nan)
    for variance in variances:
        column = np.full((q.size, 1), np.nan)
        for row in np.flatnonzero(q > -dim):
            order = q[row]
            if order == 0.0:
                spread = 0.5 * np.average(np.log(variance), weights=weights)
                column[row] = np.exp(0.5 * (digamma(0.5 * dim) + np.log(2.0)) + spread)
            else:
                chi = 2.0 ** (0.5 * order) * gamma(0.5 * (dim + order)) / gamma(0.5 * dim)
                mean = chi * np.average(variance ** (0.5 * order), weights=weights)
                column[row] = mean ** (1.0 / order)
        norm = np.hstack([norm, column])
    return norm


def _difference_variances(
    power: Real, shape: tuple[int, ...], groups: list[Shifts], first: bool
) -> Iterator[Real]:
    """2C(0) - 2C(r) or 6C(0) - 8C(r) + 2C(2r) for the shifts r of each group."""
    covariance = irfftn(power.astype(np.complex128), shape)
    origin = covariance[(0,) * len(shape)]
    for shifts in groups:
        once, twice = (covariance[tuple((n * shifts % shape).T)] for n in (1, 2))
        yield 2.0 * (origin - once) if first else 8.0 * (origin - once) - 2.0 * (origin - twice)


def _wavelet_variances(shape: tuple[int, ...], levels: int) -> Callable[[Real], Iterator[Real]]:
    """Variances of 2^{-j d/2} d for the orientations of levels j = 1, 2, ..., from the power."""
    n, dim = shape[0], len(shape)
    responses = [
        np.abs(np.fft.fft([atom(letter, level, n) for letter in "ad"])) ** 2
        for level in range(1, levels + 1)
    ]

    def variances(power: Real) -> Iterator[Real]:
        weighted = power * _mode_weights(shape)
        for level, both in enumerate(responses, start=1):
            # Axis after axis is replaced by the letters a and d; the first to go is the shortest.
            variance = weighted @ both[:, : n // 2 + 1].T
            for _ in range(dim - 1):
                variance = np.tensordot(both, variance, axes=(1, dim - 2))
            yield 2.0 ** (-dim * level) * variance.ravel()[1:]

    return variances


def _gradient_variances(
    shape: tuple[int, ...], cell: Cell, widths: Real, kernel: Kernel, directions: Real
) -> Callable[[Real], Iterator[Real]]:
    """u·Σu in all directions u for each filter width, Σ being the covariance of the gradient."""
    k = wavevectors(cell, shape).reshape(cell.dim, -1)
    magnitude = np.sqrt(np.sum(k**2, axis=0))
    responses = [kernel.transform(magnitude * width, cell.dim) ** 2 for width in widths]

    def variances(power: Real) -> Iterator[Real]:
        weighted = np.ravel(power * _mode_weights(shape))
        for response in responses:
            covariance = (k * (weighted * response)) @ k.T
            yield np.einsum("ui,ij,uj->u", directions, covariance, directions)

    return variances


def _mode_weights(shape: tuple[int, ...]) -> Real:
    """1/N for each mode of the full spectrum that an element of the half-spectrum stands for."""
    weights = np.full(shape[-1] // 2 + 1, 2.0)
    weights[0] = 1.0
    if shape[-1] % 2 == 0:
        weights[-1] = 1.0
    return weights / float(np.prod(shape))


def _sphere(dim: int) -> tuple[Real, Real]:
    """Directions (u, d) and weights for averages of even functions over the unit sphere."""
    if dim == 1:
        return np.ones((1, 1)), np.ones(1)
    angle = np.pi * np.arange(ANGLES) / ANGLES
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if dim == 2:
        return circle, np.ones(ANGLES)
    height, weight = np.polynomial.legendre.leggauss(ANGLES)
    around = np.sqrt(1.0 - height**2)[:, np.newaxis, np.newaxis] * circle
    upward = np.broadcast_to(height[:, np.newaxis, np.newaxis], (ANGLES, ANGLES, 1))
    directions = np.concatenate([around, upward], axis=2).reshape(-1, 3)
    return directions, np.repeat(weight, ANGLES)
