"""Budget files against the balance of the whole density, and what is left unknown in them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import studies
from glasscade.analysis.arrays import cell_variable, variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.budget.balance import TERMS, Budget, currents, source_map
from glasscade.budget.operator import full_tensor
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.budget.smearing import TestFunctions
from glasscade.coarse import KERNELS
from glasscade.config import SYSTEM
from glasscade.fields.initial import smooth_density
from glasscade.io import read_dataset, write_dataset
from glasscade.particles.observables import find_bonds, smeared_stress, virial_stress
from glasscade.particles.pairs import PairTable
from glasscade.stages.reduce import NORM_ORDERS, balances, maps, reduction_of, run
from glasscade.stages.simulate import simulate
from glasscade.transforms import modes_to_grid, truncate

KERNEL_NAMES = ["gaussian", "wendland_c6", "bump"]
FUNCTIONS = {dim: TestFunctions.bumps(dim, count=2, sharpness=1, seed=5) for dim in (1, 2)}
LINE = SYSTEM.validate_python(studies.FIELD["system"])
PLANE = SYSTEM.validate_python(
    studies.ROUGH["system"]
    | {"kind": "synthetic", "dimensions": 2, "points": 128, "exponents": [0.5], "length": 2.0}
)
GLASS = SYSTEM.validate_python(studies.GLASS)
T = 0.07


def reduction(system, kernels=KERNEL_NAMES):
    return reduction_of(system, T, kernels, FUNCTIONS[system.dimension])


def smooth_state(system, times=1):
    """Smooth densities with different seeds at different times."""
    values = [smooth_density(system.shape, 1.0, 0.3, seed) for seed in range(times)]
    axes = ("x", "y")[: system.dimension]
    return xr.Dataset(
        {
            "density": variable(
                ("realisation", "time", "species", *axes),
                np.array(values)[np.newaxis, :, np.newaxis],
                "l0^-d",
                "density",
            ),
            "cell": cell_variable(system.cell),
        },
        coords={"realisation": [4], "time": np.arange(times) * 0.5},
    )


def whole_balance(system, snapshot, filter_):
    """The balance on all modes, as tensors."""
    budget = Budget(system.mixture, system.cell, system.counts, FUNCTIONS[system.dimension])
    state = currents(snapshot.density, snapshot.force_density, filter_, budget.field, T)
    balance = budget.balance(state)
    names = ("stress", "rate", "source", "transport")
    return {name: full_tensor(getattr(balance, name), system.dimension) for name in names}


@pytest.mark.parametrize("system", [LINE, PLANE], ids=["1d", "2d"])
def test_balances_are_those_of_all_modes_at_every_scale_and_kernel(system):
    state = smooth_state(system, times=2)
    ells = [2.0 * system.smallest_scale("wendland_c6"), 0.0, 0.2 * system.length]
    result = balances(reduction(system), state, ells)
    np.testing.assert_array_equal(result["ell"], ells)
    snapshots = Snapshots(state, system.mixture)
    for time in range(2):
        for ell in ells:
            for name in ("gaussian", "wendland_c6"):
                filter_ = KERNELS[name].filter(system.cell, system.counts, ell)
                expected = whole_balance(system, snapshots.at((0, time), system.counts), filter_)
                found = result.isel(realisation=0, time=time).sel(ell=ell, kernel=name)
                assert list(found["term"].values) == list(TERMS)
                for part, values in expected.items():
                    # modes are dropped where Ĝ < 1e-6 of the kernel, beyond its band by a quarter,
                    # and for the fine-grained balance not at all
                    scale = np.abs(values).max()
                    tolerance = 1e-7 if ell else 1e-13
                    np.testing.assert_allclose(
                        found[part], values, rtol=0.0, atol=tolerance * scale
                    )


def test_a_kernel_is_left_out_where_the_grid_does_not_resolve_it():
    low, high = (LINE.smallest_scale(name) for name in ("wendland_c6", "bump"))
    ells = [0.5 * (low + high), 1.01 * high, 0.0]
    result = balances(reduction(LINE), smooth_state(LINE), ells)
    for part in ("stress", "rate", "source", "transport"):
        known = np.isfinite(result[part]).all(["phi", "i", "j", "realisation", "time"])
        if "term" in known.dims:
            known = known.all("term")
        expected = [[True, True, False], [True, True, True], [True, True, True]]
        np.testing.assert_array_equal(known.transpose("ell", "kernel"), expected)


def test_the_fine_grained_balance_is_the_same_for_every_kernel_and_has_no_flux():
    result = balances(reduction(LINE), smooth_state(LINE), [0.0])
    for part in ("stress", "source", "transport"):
        first, *others = (result[part].sel(kernel=name) for name in KERNEL_NAMES)
        for other in others:
            np.testing.assert_array_equal(first, other)
    flux = result["source"].sel(term="Q_flux")
    np.testing.assert_array_equal(np.abs(flux), 0.0)


def test_balances_close_at_every_scale():
    result = balances(reduction(LINE), smooth_state(LINE), [0.0, 1.0, 2.0])
    both = result["source"] + result["transport"]
    residual = np.abs(result["rate"] - both.sum("term", skipna=False))
    # round-off of 255 modes, relative to the largest term
    assert float((residual / np.abs(both).max("term")).max()) < 1e-12


def test_pointwise_norms_are_those_of_the_flux_at_the_last_time_in_one_dimension():
    state = smooth_state(LINE, times=2)
    made = reduction(LINE)
    result = balances(made, state, [0.0, 1.0])
    assert result["flux_norm"].dims == ("realisation", "ell", "order")
    assert np.isnan(result["flux_norm"].sel(ell=0.0)).all()
    snapshot = Snapshots(state, LINE.mixture).at((0, 1), LINE.counts)
    coarse = made.coarse_grain(snapshot, "gaussian", 1.0)
    shape = (4 * coarse.density.shape[-1],)
    flux = source_map(coarse, "Q_flux", LINE.mixture, LINE.cell, shape)[0]
    expected = [np.mean(np.abs(flux) ** p) ** (1.0 / p) for p in NORM_ORDERS]
    # means over different grids of a function with kinks where the flux changes sign
    np.testing.assert_allclose(result["flux_norm"].sel(ell=1.0)[0], expected, rtol=1e-3)
    # |∇ρ̄||τ| has the same dimension and one kink fewer: compared with its definition elsewhere
    assert (result["product_norm"].sel(ell=1.0) > 0.0).all()
    assert (result["force_gradient_norm"].sel(ell=1.0) > 0.0).all()


def test_norms_of_one_wave_are_known():
    """ρ = 1 + a cos κx: F̄ = -κ V_hat Ĝ a sin κx, and ∇F̄ = -κ² V_hat Ĝ a cos κx."""
    x = np.arange(LINE.points) / LINE.points
    kappa, a, ell = 2.0 * np.pi * 3.0 / LINE.length, 0.3, 1.0
    state = smooth_state(LINE)
    state["density"][:] = 1.0 + a * np.cos(2.0 * np.pi * 3.0 * x)
    result = balances(reduction(LINE), state, [ell])
    _, _, potential = next(LINE.mixture.pairs())
    hat = -potential.virial(np.array([kappa]), 1)[0].item() * np.exp(-0.5 * (kappa * ell) ** 2)
    root_mean_square = result["force_gradient_norm"].sel(order=2.0, ell=ell).item()
    expected = kappa**2 * abs(hat) * a / np.sqrt(2.0)
    assert root_mean_square == pytest.approx(expected, rel=1e-10)  # round-off of a few transforms
    assert "flux_norm" not in balances(reduction(PLANE), smooth_state(PLANE), [0.4])


def test_maps_integrate_to_the_totals():
    ell = 0.3
    state, made = smooth_state(PLANE), reduction(PLANE)
    found, smeared = maps(made, state, [ell]), balances(made, state, [ell])
    assert set(found) == {"flux_map_0.3", "density_map_0.3"}
    source = smeared["source"].sel(term="Q_flux", phi="one", kernel="gaussian").squeeze()
    total = float(found["flux_map_0.3"].mean()) * PLANE.cell.volume
    # the mean over a grid that holds all modes is exact; quadratures to 1e-13
    assert total == pytest.approx(float(np.trace(source)) / 2.0, rel=1e-9)
    density = state["density"].values
    assert float(found["density_map_0.3"].mean()) == pytest.approx(density.mean(), rel=1e-12)
    assert found["density_map_0.3"].std() < density.std()
    assert not set(maps(made, state, []))


@pytest.fixture(scope="module")
def glass():
    state = simulate(GLASS, T, [0, 1], seed=2)
    return state, balances(reduction(GLASS), state, [0.0, 0.4, 0.8])


def test_particles_have_their_microscopic_stress_at_scale_zero_and_nothing_else_there(glass):
    state, result = glass
    zero = result.sel(ell=0.0)
    for part in ("rate", "source", "transport", "self_pair"):
        assert np.isnan(zero[part]).all()
    table, functions = PairTable.from_mixture(GLASS.mixture), FUNCTIONS[2]
    for r, t in np.ndindex(2, 5):
        position = state["position"].values[r, t]
        bonds = find_bonds(position, state["species"].values, table, GLASS.cell)
        expected = smeared_stress(bonds, GLASS.cell, functions.q, functions.coefficients)
        for kernel in KERNEL_NAMES:
            found = zero["stress"].isel(realisation=r, time=t).sel(kernel=kernel)
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(expected[0], virial_stress(bonds), rtol=0.0, atol=1e-12)


def test_particles_have_an_ito_source_and_self_pairs(glass):
    state, result = glass
    assert list(result["term"].values) == [*TERMS, "Ito"]
    snapshot = Snapshots(state, GLASS.mixture).at((1, 2), GLASS.counts)
    for ell in (0.4, 0.8):
        filter_ = KERNELS["gaussian"].filter(GLASS.cell, GLASS.counts, ell)
        budget = Budget(GLASS.mixture, GLASS.cell, GLASS.counts, FUNCTIONS[2])
        own = OneParticleBudget(budget, filter_, 2, T).of(snapshot.density)
        found = result.isel(realisation=1, time=2).sel(ell=ell, kernel="gaussian")
        # modes are dropped where Ĝ < 1e-9, relative to terms of 16 particles
        for name, expected in (("self_pair", own.resolved), ("source", own.ito)):
            values = found[name].sel(term="Ito") if name == "source" else found[name]
            tensor = full_tensor(expected, 2)
            assert np.abs(tensor).max() > 1e-3
            np.testing.assert_allclose(values, tensor, rtol=0.0, atol=1e-8 * np.abs(tensor).max())
        np.testing.assert_array_equal(found["transport"].sel(term="Ito"), 0.0)


def test_balances_of_particles_close_with_the_ito_source(glass):
    _, result = glass
    known = result.sel(ell=[0.4, 0.8])
    both = known["source"] + known["transport"]
    residual = np.abs(known["rate"] - both.sum("term", skipna=False))
    assert float((residual / np.abs(both).max("term")).max()) < 1e-10  # a few components are small


def test_a_point_cluster_has_no_balance_at_scale_zero():
    system = SYSTEM.validate_python(studies.CLUSTER["system"])
    state = simulate(system, 0.0, [0], seed=1)
    cold = reduction_of(system, 0.0, KERNEL_NAMES, FUNCTIONS[1])
    result = balances(cold, state, [0.0, 0.04])
    for part in ("stress", "rate", "source", "transport"):
        assert np.isnan(result[part].sel(ell=0.0)).all()
        assert np.isfinite(result[part].sel(ell=0.04, kernel="gaussian")).all()
    assert "Ito" not in result["term"]


def test_run_writes_balances_and_maps(tmp_path):
    state = smooth_state(LINE)
    write_dataset(state, tmp_path / "state.nc", {}, "glasscade.io")
    job = {
        "system": LINE.model_dump(mode="json"),
        "temperatures": [T],
        "ell": [1.0, 0.0],
        "map_ell": [1.0],
        "kernels": KERNEL_NAMES,
        "bumps": 2,
        "sharpness": 1,
        "seed": 5,
    }
    run(job, tmp_path / "state.nc", tmp_path / "budget.nc")
    written = read_dataset(tmp_path / "budget.nc", "stress", "rate", "source", "flux_map_1")
    direct = balances(reduction(LINE), state, [1.0, 0.0])
    for part in ("stress", "source", "transport", "flux_norm"):
        np.testing.assert_array_equal(written[part], direct[part])
    np.testing.assert_array_equal(written["realisation"], [4])
    np.testing.assert_array_equal(written["phi"], FUNCTIONS[1].names)
    assert all({"units", "long_name"} <= set(v.attrs) for v in written.data_vars.values())


def test_truncated_modes_are_enough_for_the_density_at_a_scale():
    """ρ̄ on the modes kept and on all modes: the difference is what the kernel lets pass beyond."""
    state, made = smooth_state(PLANE), reduction(PLANE)
    snapshot = Snapshots(state, PLANE.mixture).at((0, 0), PLANE.counts)
    for name in ("gaussian", "wendland_c6"):
        coarse = made.coarse_grain(snapshot, name, 0.3)
        counts = tuple((n - 1) // 2 for n in coarse.density.shape[1:])
        assert counts < PLANE.counts  # the cost falls as ℓ grows
        filter_ = KERNELS[name].filter(PLANE.cell, PLANE.counts, 0.3)
        everything = snapshot.density * filter_
        np.testing.assert_array_equal(truncate(everything, 2, counts), coarse.density)
        rho = modes_to_grid(everything, PLANE.cell, PLANE.shape)
        kept = modes_to_grid(coarse.density, PLANE.cell, PLANE.shape)
        assert np.abs(rho - kept).max() < 1e-6 * np.abs(rho).max()


def test_a_scale_never_has_fewer_modes_than_the_test_functions():
    """At ℓ = L/4 a Gaussian keeps 5 modes; test functions of sharpness 8 have 8."""
    sharp = TestFunctions.bumps(2, count=1, sharpness=8, seed=5)
    state = simulate(GLASS, T, [0], 3)
    scale = 0.25 * GLASS.length
    budgets = balances(reduction_of(GLASS, T, ["gaussian"], sharp), state, [scale])
    assert np.isfinite(budgets["source"]).all()
