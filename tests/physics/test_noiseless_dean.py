"""The noiseless Dean equation of densities that concentrate, and its coarse-grained form.

    ∂tρ_s = ∇·(ρ_sF_s)  (Eq. 25),     ∂tρ̄_ℓ = ∇·(ρ̄_ℓF̄_ℓ + τ_ℓ(ρ,F))  (Eq. 29),

the second at every point, scale and kernel, also where the first has no density any more.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import CubicSpline

from glasscade.analysis import TestFunctions, smear_in_time, stress_balance
from glasscade.analysis.arrays import cell_variable
from glasscade.analysis.balance import Reduction
from glasscade.analysis.snapshots import Snapshots
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.errors import ResolutionError
from glasscade.fields import spectral
from glasscade.fields.cluster import plane_cluster, plane_dissipation, plane_flux
from glasscade.fields.initial import smooth_density
from glasscade.fields.measures import Measure, evolve, sampled
from glasscade.force import ForceField
from glasscade.potentials import GEM, FreeCone, Mixture
from glasscade.transforms import good_size, grid_to_modes, modes_to_grid

NAMES = tuple(KERNELS)
FUNCTIONS = TestFunctions.bumps(2, count=1, sharpness=1, seed=4)

# GEM-4 freezes into a solid of clusters: at T = 0 every one of them ends as a point.
SOLID, SMALL = Mixture.single(GEM(1.0, width=1.0)), Cell.cubic(4.0, 2)
DENSITY = smooth_density((80, 80), 1.0, 0.3, seed=3)[np.newaxis]
EARLY, LATE = 0.7, 1.4

# The cone in the plane: all mass is at one point in finite time.
CONE, LARGE = Mixture.single(FreeCone(1.0, reach=6.0)), Cell.cubic(12.0, 2)
MASS = 1.3
COLLAPSED = 2.0


def dataset(measure, cell, times, path):
    """What a user has of a run: positions and physical forces."""
    position, force = (np.array(part) for part in zip(*path, strict=True))
    dims = ("time", "particle", "axis")
    return xr.Dataset(
        {
            "position": (dims, position, {"units": "l0"}),
            "force": (dims, -force, {"units": "V0/l0"}),
            "species": ("particle", measure.species),
            "weight": ("particle", measure.weight, {"representation": "measure"}),
            "cell": cell_variable(cell),
        },
        coords={"time": times},
    )


def solid(times, per_axis=36, tolerance=1e-11):
    measure = sampled(DENSITY, SMALL, per_axis)
    return dataset(measure, SMALL, times, evolve(measure, SOLID, SMALL, times, tolerance))


def collapse(times, number=40, merge=1e-6):
    """A cloud of points in the middle of the cell, which collide one after the other."""
    rng = np.random.default_rng(7)
    weight = rng.uniform(0.5, 1.5, number)
    position = 6.0 + rng.normal(0.0, 0.5, (number, 2)) * [1.0, 0.7]
    measure = Measure(position, np.zeros(number, dtype=int), MASS * weight / weight.sum())
    return dataset(measure, LARGE, times, evolve(measure, CONE, LARGE, times, 1e-9, merge=merge))


def about(centre, steps):
    """Times of central differences about one, behind the start."""
    return np.array([0.0, *(centre - steps), centre, *(centre + steps[::-1])])


def require_coarse_equation(data, mixture, cell, kernel, ell):
    """max_x |Δρ̄/2h - ∇·(ρ̄F̄ + τ)| is of second order in h, and what is behind it round-off."""
    reduction = Reduction(mixture, cell, 0.0, (kernel,), TestFunctions.bumps(2, 0, 0, 0))
    series, counts = Snapshots(data, mixture), reduction.counts(kernel, ell)
    grid = tuple(good_size(2 * m + 1) for m in counts)
    filter_ = KERNELS[kernel].filter(cell, counts, ell)
    smeared = [filter_ * series.at((n,), counts).density for n in range(1, 8)]
    coarse = reduction.coarse_grain(series.at((4,), counts), kernel, ell)
    minus = coarse.of_term("W") + coarse.of_term("Q_flux")  # -ρ̄F̄ - τ
    divergence = -np.sum(1j * cell.wavevectors(counts) * minus, axis=1)
    steps = data["time"].values[4] - data["time"].values[1:4]
    left = [(smeared[6 - n] - smeared[n]) / (2.0 * h) for n, h in enumerate(steps)]
    fourth = (4.0 * left[2] - left[1]) / 3.0
    errors = [
        np.abs(modes_to_grid(each - divergence, cell, grid)).max() for each in (*left, fourth)
    ]
    scale = np.abs(modes_to_grid(divergence, cell, grid)).max()
    np.testing.assert_allclose(np.log2(errors[:2]) - np.log2(errors[1:3]), 2.0, rtol=0.0, atol=0.05)
    # of the fourth order: 1e-4 at the second order, squared, and a factor for the modes that move
    assert errors[3] < 1e-6 * scale


@pytest.fixture(scope="module", params=[EARLY, LATE], ids=["smooth", "concentrated"])
def differenced_solid(request):
    return solid(about(request.param, 0.01 / 2.0 ** np.arange(3)))


@pytest.mark.parametrize("kernel", NAMES)
@pytest.mark.parametrize("ell", [0.6, 1.2, 2.4])
def test_coarse_grained_equation_holds_at_every_point_of_a_solid(differenced_solid, kernel, ell):
    require_coarse_equation(differenced_solid, SOLID, SMALL, kernel, ell)


@pytest.fixture(scope="module", params=[0.4, 0.75], ids=["early", "late"])
def differenced_collapse(request):
    data = collapse(about(request.param, 4e-3 / 2.0 ** np.arange(3)))
    numbers = {len(np.unique(x, axis=0)) for x in data["position"].values[1:]}
    assert len(numbers) == 1  # no collision in between, where ρ̄ has a kink in time
    assert numbers.pop() < 36
    return data


@pytest.mark.parametrize("kernel", NAMES)
@pytest.mark.parametrize("ell", [0.6, 1.5])
def test_coarse_grained_equation_holds_at_every_point_of_a_collapse(
    differenced_collapse, kernel, ell
):
    require_coarse_equation(differenced_collapse, CONE, LARGE, kernel, ell)


# -- the cluster solid


@pytest.fixture(scope="module")
def gridded():
    """The density by the spectral solver as long as that resolves it."""
    counts = tuple((n - 1) // 2 for n in DENSITY.shape[1:])
    field = ForceField(SOLID, SMALL, counts)
    initial = grid_to_modes(DENSITY, SMALL, counts)
    return field, spectral.evolve(initial, field, 0.0, [0.0, EARLY], 1e-9)


@pytest.mark.parametrize("kernel", NAMES)
def test_measure_is_the_density_as_long_as_there_is_one(gridded, kernel):
    """ρ̄_ℓ(x) of the points and of the spectral solver."""
    series = Snapshots(solid([0.0, EARLY], per_axis=48), SOLID)
    counts = tuple((n - 1) // 2 for n in DENSITY.shape[1:])
    # the lattice of 48² points has waves of its own about 2π/h = 75, far beyond what is passed here
    filter_ = KERNELS[kernel].filter(SMALL, counts, KERNELS[kernel].band(2) / 25.0)
    for n, modes in enumerate(gridded[1]):
        difference = filter_ * (series.at((n,), counts).density - modes)
        # the solver errs by 1e-9 a step, of which there are tens
        assert np.abs(modes_to_grid(difference, SMALL, (80, 80))).max() < 1e-7


def test_density_is_no_function_of_the_grid_later(gridded):
    field, modes = gridded
    with pytest.raises(ResolutionError, match=r"^points: .* do not resolve the density"):
        spectral.evolve(modes[1], field, 0.0, [LATE - EARLY], 1e-6)


def test_budgets_of_a_solid_close_in_time_at_fourth_order():
    """Δσ_ℓ[φ] = Σ_X ∫(𝒮 + 𝒯·∇φ)dt, from the smooth density to the clusters."""
    times = np.array([0.0, *np.linspace(EARLY, LATE, 33)])
    data = solid(times, per_axis=28).isel(time=slice(1, None))
    balance = stress_balance(data, SOLID, 1.2, kernel=NAMES, functions=FUNCTIONS)
    smeared = [smear_in_time(balance.isel(time=slice(None, None, n))) for n in (4, 2, 1)]
    change = float(abs(smeared[-1]["boundary"]).max())
    residuals = np.array([abs(each["residual"]).max(("phi", "i", "j")) for each in smeared])
    assert change > 5e-3
    # splines are of fourth order; the coarsest, of eight intervals, is not there yet
    assert np.all(np.log2(residuals[1] / residuals[2]) > 3.8)
    assert residuals[-1].max() < 1.5 * float(smeared[-1]["quadrature_error"].max()) < 1e-4 * change


# -- the cone: one point in finite time


@pytest.fixture(scope="module")
def collapsed():
    times = np.linspace(0.0, COLLAPSED, 51)
    return collapse(times, merge=1e-4)


def test_centre_of_mass_rests_through_all_collisions(collapsed):
    centre = np.tensordot(collapsed["weight"].values, collapsed["position"].values, axes=(0, 1))
    assert len(np.unique(collapsed["position"].values[-1], axis=0)) == 1
    np.testing.assert_allclose(centre, centre[:1] * np.ones((51, 1)), rtol=0.0, atol=1e-12)


def test_budgets_close_through_the_collapse(collapsed):
    balance = stress_balance(collapsed, CONE, [0.7, 1.5], functions=FUNCTIONS)
    residuals = []
    for every in (5, 1):
        smeared = smear_in_time(balance.isel(time=slice(None, None, every)))
        change = float(abs(smeared["boundary"]).max())
        residuals.append(float(abs(smeared["residual"]).max()) / change)
    # every collision is a kink in time, which a spline of any order misses by h² times its jump
    assert residuals[0] > 4.0 * residuals[1]
    assert residuals[1] < 1e-3


@pytest.mark.parametrize("kernel", NAMES)
def test_after_the_collapse_two_terms_cancel_at_every_scale(collapsed, kernel):
    """W_ℓ + Q_flux = 0 for every φ, and the trace of each is that of a point, at every ℓ."""
    last, ells = collapsed.isel(time=[-1]), [0.65, 0.8]
    balance = stress_balance(last, CONE, ells, kernel=kernel, functions=FUNCTIONS)
    term = (balance["source"] + balance["transport"]).isel(time=0, kernel=0)
    w, flux = (term.sel(term=name) for name in ("W", "Q_flux"))
    # round-off
    np.testing.assert_allclose(w, -flux, rtol=0.0, atol=1e-13 * float(abs(flux).max()))
    np.testing.assert_allclose(balance["rate"].isel(time=0), 0.0, rtol=0.0, atol=1e-13)
    of_one = flux.sel(phi="one")
    trace = of_one.isel(i=0, j=0) + of_one.isel(i=1, j=1)
    # modes beyond the band enter in squares of 1e-6, and tails of the kernel beyond the reach
    np.testing.assert_allclose(trace, plane_flux(MASS, 1.0, KERNELS[kernel]), rtol=1e-9)


@pytest.mark.parametrize("temperature", [0.1, 0.2])
def test_dissipation_of_the_plane_cluster_is_the_same_at_every_temperature(temperature):
    """∫tr Q_thermal of its profile on a grid, and W takes as much away."""
    number = 300
    radius, profile = plane_cluster(MASS, 1.0, temperature)
    distance = np.linalg.norm(LARGE.grid((number, number)) - 6.0, axis=-1)
    inside = distance < radius[-1]  # 1e-16 of the maximum there
    logarithm = CubicSpline(radius, np.log(profile))
    density = np.where(inside, np.exp(logarithm(np.minimum(distance, radius[-1]))), 0.0)
    data = xr.Dataset({"density": (("x", "y"), density), "cell": cell_variable(LARGE)})
    balance = stress_balance(data, CONE, 0.0, temperature=temperature)
    source = balance["source"].isel(ell=0, kernel=0, phi=0)
    trace = source.isel(i=0, j=0) + source.isel(i=1, j=1)
    exact = plane_dissipation(MASS, 1.0)
    # the spline of the profile, (1/30)⁴ of its length, and its transform at the last mode
    assert float(trace.sel(term="Q_thermal")) == pytest.approx(exact, rel=1e-7)
    assert float(trace.sel(term="W")) == pytest.approx(-exact, rel=1e-7)
