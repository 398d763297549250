"""Which kernel of force attains which bound of the flux, on fields of known exponent.

Scales are octaves from the smallest that the grid resolves to 1/32 of what would be 11 % of the
box; fields are others than those on which window and correction were chosen.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from glasscade.analysis.balance import Reduction
from glasscade.analysis.snapshots import Snapshot
from glasscade.budget.balance import gradient_times_cumulant, source_map
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.force import ForceField
from glasscade.limits.bounds import (
    flux_exponent,
    product_exponent,
    saturates,
    scaling_exponent,
    without_saturation,
)
from glasscade.potentials import Harmonic, Mixture, Riesz
from glasscade.regularity.synthetic import fractional
from glasscade.transforms import good_size, grid_to_modes, mode_counts, modes_to_grid

LINE = Cell.cubic(1.0, 1)
LEVEL = 0.9
OCTAVES = 6
LOGARITHM, CONE = (Riesz(1.0, order=s, period=1.0) for s in (1.0, 2.0))
SPHERES = Harmonic(1.0, diameter=0.15)


@cache
def system(potential, points):
    """What all fields share."""
    counts = ((points - 1) // 2,)
    functions = TestFunctions.bumps(1, count=0, sharpness=0, seed=0)
    mixture = Mixture.single(potential)
    reduction = Reduction(mixture, LINE, 0.0, ("gaussian",), functions, most=counts)
    return reduction, ForceField(mixture, LINE, counts)


@cache
def norms(potential, hurst, points, fields, flux):
    """Scales, and (realisation, scale) means of |∇ρ̄||τ|, |∇F̄| and, if asked for, |Q^flux|."""
    reduction, force = system(potential, points)
    ells = 1.001 * reduction.smallest_scale("gaussian") * 2.0 ** np.arange(OCTAVES)
    found = np.empty((3, fields, OCTAVES))
    for field in range(fields):
        rng = np.random.default_rng([977, field, round(abs(hurst) * 1e6)])
        density = 1.0 + 0.2 * fractional((points,), hurst, rng)
        modes = grid_to_modes(density[np.newaxis], LINE)
        snapshot = Snapshot(modes, force.force_density(modes))
        for e, ell in enumerate(ells):
            found[:, field, e] = means(reduction, snapshot, ell, flux)
    return ells, found


def means(reduction, snapshot, ell, flux):
    coarse = reduction.coarse_grain(snapshot, "gaussian", ell)
    counts = mode_counts(coarse.density, 1)
    shape = (good_size(4 * counts[0] + 1),)
    force = reduction.coarse_force(coarse, "gaussian", ell)
    fields = [
        gradient_times_cumulant(coarse, LINE, shape),
        modes_to_grid(1j * LINE.wavevectors(counts) * force, LINE, shape),
        source_map(coarse, "Q_flux", reduction.mixture, LINE, shape) if flux else np.ones(1),
    ]
    return [np.mean(np.abs(field)) for field in fields]


def product_slope(potential, hurst, points=2**14, fields=24):
    """Exponent of the product, with its correction where the force has a bounded gradient."""
    ells, (product, gradient, _) = norms(potential, hurst, points, fields, flux=False)
    if saturates(hurst, potential.singularity):
        product = without_saturation(product, gradient)
    return scaling_exponent(ells, product, LEVEL).value


# 0.05: what is asked for. 24 fields leave 0.01; at H = 0.6 the box takes 0.02 from ∇ρ̄.
@pytest.mark.parametrize("hurst", [0.15, 0.3, 0.6])
def test_product_attains_the_bound_of_the_paper_under_the_logarithm(hurst):
    assert product_slope(LOGARITHM, hurst) == pytest.approx(3.0 * hurst - 1.0, abs=0.05)


# 0.07: what is asked for. 24 fields leave 0.01, 12 on half the grid 0.02; the correction leaves
# 0.01 to 0.02 of relative order (ℓ/L)^{2H}, with L = 0.15 for the spheres.
@pytest.mark.parametrize("hurst", [0.15, 0.3, 0.6])
@pytest.mark.parametrize(
    ("potential", "points", "fields"), [(CONE, 2**14, 24), (SPHERES, 2**13, 12)], ids=["cone", "V"]
)
def test_product_attains_twice_the_exponent_for_forces_of_bounded_variation(
    hurst, potential, points, fields
):
    found = product_slope(potential, hurst, points, fields)
    assert found == pytest.approx(2.0 * hurst, abs=0.07)


def test_the_correction_is_what_the_force_lacks():
    """Without it the cone at H = 0.15 lies lower by its share, -0.03, of many standard errors."""
    ells, (product, gradient, _) = norms(CONE, 0.15, 2**14, 24, flux=False)
    raw = scaling_exponent(ells, product, LEVEL).value
    share = scaling_exponent(ells, gradient, LEVEL)
    # c H (2πℓ/L)^{0.3} with c = 1 is 0.015 at the smallest scale and 0.05 at the largest
    assert -0.05 < share.value < -0.015
    assert share.half_width < 0.025
    assert product_slope(CONE, 0.15) == pytest.approx(raw - share.value, abs=1e-12)  # round-off


@pytest.mark.parametrize("hurst", [0.15, 0.3, 0.6])
def test_each_kernel_misses_the_bound_of_the_other(hurst):
    for potential, wrong in ((LOGARITHM, 2.0 * hurst), (CONE, 3.0 * hurst - 1.0)):
        assert abs(product_slope(potential, hurst) - wrong) > 0.3
    # and the bound of another density, by as little as 0.1 in H
    assert abs(product_slope(LOGARITHM, hurst) - (3.0 * (hurst + 0.1) - 1.0)) > 0.2


# Away from where two powers compete: 8 fields on 2^13 points leave 0.03 to 0.04; 0.1 is three of
# that. Kernel by kernel the values are apart by at least 0.4.
@pytest.mark.parametrize(("s", "hurst"), [(0.5, 0.3), (1.0, -0.4), (1.0, 0.3), (2.0, -0.4)])
def test_flux_itself_has_the_exponent_of_density_and_twice_the_force(s, hurst):
    kernel = Riesz(1.0, order=s, period=1.0)
    ells, (_, _, flux) = norms(kernel, hurst, 2**13, 8, flux=True)
    found = scaling_exponent(ells, flux, LEVEL).value
    assert found == pytest.approx(float(flux_exponent(hurst, s)), abs=0.1)
    assert found > float(product_exponent(hurst, s)) + 0.3
