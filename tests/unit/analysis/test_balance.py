"""Balances of a user's own data against direct use of the kernels below."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import glasscade.analysis
from glasscade.analysis import TestFunctions, stress_balance
from glasscade.analysis.arrays import cell_variable
from glasscade.analysis.balance import NOT_IN_PAPER, Reduction
from glasscade.budget.balance import EQUATIONS, Budget, Flow, currents
from glasscade.budget.operator import full_tensor
from glasscade.budget.self_pair import OneParticleBudget
from glasscade.cell import Cell
from glasscade.coarse import KERNELS
from glasscade.errors import ConfigError, DataError, ResolutionError
from glasscade.external import AffineFlow, Drive, Kolmogorov, external_density
from glasscade.particles.observables import find_bonds, forces, smeared_stress
from glasscade.particles.pairs import PairTable
from glasscade.potentials import Cone, Gaussian, Harmonic, Mixture
from glasscade.provenance import _closure
from glasscade.transforms import grid_to_modes, point_modes

CELL = Cell.sheared(4.0, 2, 0.3)
UNLIKE = Gaussian(0.7, width=0.2)
MIXTURE = Mixture(((Harmonic(1.3, 1.0, 0.1), UNLIKE), (UNLIKE, Harmonic(0.9, 1.2, 0.1))))
SPECIES = np.array([0, 1, 1, 0, 0, 1, 0, 0, 1])
FUNCTIONS = TestFunctions.bumps(2, count=1, sharpness=1, seed=5)
FORCE = Kolmogorov(0.6, (0, 1), (1.0, 0.0))
PARTS = ("stress", "rate", "source", "transport")
COUNTS = (18, 18)
T = 0.2


@pytest.fixture
def points(rng):
    """Nine particles at three times, with the force that a simulation program writes."""
    x = CELL.cartesian(rng.random((3, 9, 2)))
    table = PairTable.from_mixture(MIXTURE)
    physical = [-forces(find_bonds(frame, SPECIES, table, CELL)) for frame in x]
    return xr.Dataset(
        {
            "position": (("time", "particle", "axis"), x, {"units": "l0"}),
            "force": (("time", "particle", "axis"), physical, {"units": "V0/l0"}),
            "species": ("particle", SPECIES),
            "cell": (("row", "vector"), CELL.matrix),
        },
        coords={"time": [0.0, 0.1, 0.3], "step": ("time", [0, 1, 3])},
    )


@pytest.fixture
def fields(rng):
    """Smooth densities of two species, without leading dimension."""
    modes = grid_to_modes(rng.random((2, 9, 9)), CELL)
    padded = np.zeros((2, 31, 31), dtype=complex)
    padded[:, 11:20, 11:20] = modes
    density = np.fft.ifft2(np.fft.ifftshift(padded, axes=(1, 2))).real * 31**2 / CELL.volume
    return xr.Dataset({"density": (("species", "x", "y"), density), "cell": cell_variable(CELL)})


def direct(density, force_density, drive, ell, counts, cell=CELL, flow=None):
    """The balance of given modes, as tensors, and the budget."""
    budget = Budget(MIXTURE, cell, counts, FUNCTIONS)
    filter_ = KERNELS["wendland_c6"].filter(cell, counts, ell)
    if flow is not None:
        flow = Flow(flow.gradient, KERNELS["wendland_c6"].filter_slope(cell, counts, ell))
    balance = budget.balance(
        currents(density, force_density, filter_, budget.field, T, drive, flow=flow)
    )
    own = OneParticleBudget(budget, filter_, 2, T).of(density)
    return {part: full_tensor(getattr(balance, part), 2) for part in PARTS}, own


def sums(x, cell, amounts):
    """Point sums of each species."""
    return np.array(
        [point_modes(x[s == SPECIES], amounts[..., s == SPECIES], cell, COUNTS) for s in range(2)]
    )


def of_points(x, cell, ell, flow=None):
    """Expected balance of one frame, on more modes than the scale needs."""
    bonds = find_bonds(x, SPECIES, PairTable.from_mixture(MIXTURE), cell)
    density = sums(x, cell, np.ones(len(x)))
    drive = Drive(FORCE.modes(cell, COUNTS), sums(x, cell, FORCE.at(cell, x).T))
    force_density = sums(x, cell, forces(bonds).T)
    expected, own = direct(density, force_density, drive, ell, COUNTS, cell, flow)
    ito = full_tensor(own.ito, 2)
    expected["rate"] = expected["rate"] + ito
    expected["source"] = np.concatenate([expected["source"], ito[np.newaxis]])
    expected["transport"] = np.concatenate([expected["transport"], 0.0 * ito[np.newaxis]])
    return expected | {"self_pair": full_tensor(own.resolved, 2)}


def agree(found, expected, relative):
    for part, values in expected.items():
        scale = np.abs(values).max()
        assert scale > 0.0
        np.testing.assert_allclose(found[part], values, rtol=0.0, atol=relative * scale)


def of(points, ell=0.9, **changes):
    settings = {"temperature": T, "kernel": "wendland_c6", "functions": FUNCTIONS}
    return stress_balance(points, MIXTURE, ell, **settings | changes)


def test_balances_of_particles_are_those_of_the_kernels_below(points):
    result = of(points, [0.9, 1.5], external=FORCE)
    assert result["source"].dims == ("time", "ell", "kernel", "term", "phi", "i", "j")
    names = ["W", "Q_flux", "Q_thermal", "N_ni", "N_flux", "Ito"]
    assert list(result["term"].values) == names
    for time in range(3):
        for ell in (0.9, 1.5):
            expected = of_points(points["position"].values[time], CELL, ell)
            # modes beyond the band of the kernel, where Ĝ < 1e-6, are left out
            found = result.isel(time=time).sel(ell=ell, kernel="wendland_c6")
            agree(found, expected, 1e-6)


def test_the_external_terms_have_a_size(points):
    """What the comparison above would not see if it were zero."""
    source = abs(of(points, external=FORCE)["source"]).max(["time", "phi", "i", "j"]).squeeze()
    assert (source > 0.01 * source.max()).all()


def test_the_sign_of_the_forces_matters(points):
    """The same data with the theory's F in place of the physical force is refused, not reduced."""
    turned = points.assign(force=-points["force"])
    with pytest.raises(DataError, match=r"relative difference 2.0e\+00, .*-∂U/∂x"):
        of(turned)
    without = of(points.drop_vars("force"))
    xr.testing.assert_allclose(of(points), without, rtol=1e-12)


def test_a_changing_cell_gives_each_snapshot_the_balance_in_its_own(points):
    flow = AffineFlow.simple_shear(0.5, 2)
    cells = [flow.moved(CELL, time) for time in points["time"].values]
    matrices = (("time", "row", "vector"), [cell.matrix for cell in cells])
    data = points.drop_vars("force").assign(cell=matrices)
    result = of(data, external=FORCE, flow=flow)
    names = ["W", "Q_flux", "Q_thermal", "N_ni", "N_flux", "shear_flux", "shear_ni", "Ito"]
    assert list(result["term"].values) == names
    source = abs(result["source"]).max(["time", "phi", "i", "j"]).squeeze()
    assert (source > 0.01 * source.max()).all()
    for time, cell in enumerate(cells):
        expected = of_points(points["position"].values[time], cell, 0.9, flow)
        agree(result.isel(time=time, ell=0, kernel=0), expected, 1e-6)
    both = (result["source"] + result["transport"]).sum("term")
    assert float(abs(result["rate"] - both).max() / abs(both).max()) < 1e-12


def test_fields_in_a_changing_cell_have_the_balance_in_their_own(fields):
    cells = [Cell.sheared(4.0, 2, strain) for strain in (0.0, 0.4)]
    matrices = (("time", "row", "vector"), [cell.matrix for cell in cells])
    both = of(fields.assign(density=fields["density"].expand_dims(time=2), cell=matrices), 1.5)
    for time, cell in enumerate(cells):
        alone = of(fields.assign(cell=cell_variable(cell)), 1.5)
        xr.testing.assert_allclose(both.isel(time=time), alone, rtol=1e-12, atol=1e-16)
    change = abs(both["source"].diff("time")).max()
    assert float(change) > 0.05 * float(abs(both["source"]).max())


@pytest.mark.parametrize("ell", [0.0, 1.5])
def test_balances_of_fields_are_those_of_the_kernels_below(fields, ell):
    result = of(fields, ell, external=FORCE).squeeze(["ell", "kernel"])
    counts = (15, 15)
    density = grid_to_modes(fields["density"].values, CELL)
    budget = Budget(MIXTURE, CELL, counts, FUNCTIONS)
    force = FORCE.modes(CELL, counts)
    drive = Drive(force, external_density(density, force, CELL))
    expected, _ = direct(density, budget.field.force_density(density), drive, ell, counts)
    agree(result, expected, 1e-6 if ell else 1e-13)
    assert "Ito" not in result["term"]
    assert "self_pair" not in result


@pytest.mark.parametrize("kind", ["points", "fields"])
def test_balances_close_and_say_what_they_are(kind, request):
    data = request.getfixturevalue(kind)
    result = of(data, [1.5, 2.0], external=FORCE, kernel=["gaussian", "wendland_c6"])
    both = result["source"] + result["transport"]
    residual = abs(result["rate"] - both.sum("term", skipna=False))
    # round-off of up to 37² modes, relative to the largest term
    assert float((residual / abs(both).max()).max()) < 1e-12
    for name, array in result.data_vars.items():
        assert set(array.attrs) == {"units", "long_name", "equation"}, name
    for term, equation in zip(result["term"].values, result["equation"].values, strict=True):
        assert equation == EQUATIONS.get(str(term), NOT_IN_PAPER)
    assert result["ell"].attrs["units"] == "l0"
    if kind == "points":
        np.testing.assert_array_equal(result["time"], points_times := [0.0, 0.1, 0.3])
        assert result["step"].size == len(points_times)


def test_particles_at_scale_zero_have_the_stress_of_their_bonds_alone(points):
    result = of(points, [0.0, 1.5]).sel(ell=0.0).squeeze("kernel")
    bonds = find_bonds(points["position"].values[1], SPECIES, PairTable.from_mixture(MIXTURE), CELL)
    expected = smeared_stress(bonds, CELL, FUNCTIONS.q, FUNCTIONS.coefficients)
    np.testing.assert_array_equal(result["stress"].isel(time=1), expected)
    assert np.isnan(result["source"]).all()


def test_a_point_of_weight_two_is_two_points_but_for_what_each_does_to_itself(points):
    """Stress and rate count pairs; between two at one place ∇V is zero, but not once smeared."""
    cold = points.drop_vars("force").isel(time=0)
    heavy = cold.assign(weight=("particle", np.where(np.arange(9) == 4, 2.0, 1.0)))
    double = xr.concat([cold, cold.isel(particle=[4])], "particle", data_vars="minimal")
    one, two = (of(data, temperature=0.0) for data in (heavy, double))
    for part in PARTS:
        np.testing.assert_allclose(one[part], two[part], rtol=1e-9, atol=1e-12)
    # cubic: 2³ times the part of particle 4 with itself, instead of twice
    alone = of(cold.isel(particle=[4]), temperature=0.0)["self_pair"]
    difference = one["self_pair"] - two["self_pair"]
    np.testing.assert_allclose(difference, 6.0 * alone, rtol=0.0, atol=1e-9 * float(alone.std()))
    # quadratic: 2² times its Itô source, instead of twice
    warm = [of(data)["source"].sel(term="Ito") for data in (heavy, double, cold.isel(particle=[4]))]
    np.testing.assert_allclose(
        warm[0] - warm[1], 2.0 * warm[2], rtol=0.0, atol=1e-9 * float(abs(warm[2]).max())
    )


def test_low_modes_of_the_stress_are_smeared_with_waves(fields):
    """Re and -Im of σ_hat(q), from the map of the stress on a grid."""
    waves = TestFunctions.waves(2, 1)
    smeared = of(fields, 1.5, functions=waves)["stress"].squeeze(["ell", "kernel"])
    whole = glasscade.analysis.stress_maps(
        fields, MIXTURE, 1.5, kernel="wendland_c6", parts=["stress"]
    )
    modes = grid_to_modes(whole["stress"].transpose("i", "j", "x", "y").values, CELL)
    centre = np.array(modes.shape[2:]) // 2
    for q in waves.q[1:]:
        value = modes[(slice(None), slice(None), *(centre + q))]
        label = ",".join(map(str, q))
        scale = float(abs(smeared).max())
        for name, expected in ((f"cos({label})", value.real), (f"sin({label})", -value.imag)):
            # both quadratures have converged to 1e-13
            np.testing.assert_allclose(
                smeared.sel(phi=name), expected, rtol=0.0, atol=1e-12 * scale
            )
    assert float(abs(smeared.sel(phi="sin(1,0)")).max()) > 1e-4 * scale


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ell": 0.5}, ResolutionError, r"^ell: 0.5 is not resolved .*\(15, 15\); .* 0\.518$"),
        ({"ell": [1.5, -1.0]}, ConfigError, r"^ell: -1.0 must be >= 0"),
        ({"ell": np.nan}, ConfigError, r"^ell: nan must be >= 0"),
        ({"temperature": -0.1}, ConfigError, r"^temperature: -0.1 must be >= 0"),
        ({"kernel": "box"}, ConfigError, r"^kernel: \['box'\] must be .*gaussian, wendland_c6"),
        ({"functions": TestFunctions.waves(1, 2)}, ConfigError, r"^functions: of dimension 1"),
        ({"functions": TestFunctions.waves(2, 16)}, ResolutionError, r"^functions: .* up to 16"),
        ({"flow": AffineFlow.simple_shear(1.0, 3)}, ConfigError, r"^flow: of dimension 3, .* 2"),
        ({"counts": (9, 9)}, ConfigError, r"^counts: .* has its own modes, \(15, 15\)"),
        ({"external": Kolmogorov(1.0, (0, 16), (1.0, 0.0))}, ResolutionError, r"^external: modes"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_sentence(fields, changes, error, message):
    with pytest.raises(error, match=message):
        of(fields, **{"ell": 1.5} | changes)


def test_particles_have_as_many_modes_as_a_scale_needs_or_as_are_allowed(points):
    frame = points.isel(time=0)
    assert np.isfinite(of(frame, 0.3)["source"]).all()
    with pytest.raises(ResolutionError, match=r"^ell: 0.3 .* modes up to \(20, 20\)"):
        of(frame, 0.3, counts=(20, 20))
    # the scale alone needs 5 modes, φ has 8
    assert np.isfinite(of(frame, 3.0, functions=TestFunctions.waves(2, 8))["source"]).all()
    with pytest.raises(ConfigError, match=r"^counts: of dimension 1"):
        of(frame, 0.9, counts=(20,))


def test_the_smallest_scale_named_is_allowed(fields):
    with pytest.raises(ResolutionError, match=r"smallest scale is") as caught:
        of(fields, 0.1)
    smallest = float(str(caught.value).split()[-1])
    assert np.isfinite(of(fields, 1.001 * smallest)["source"]).all()


def test_the_smallest_scale_is_that_of_the_shortest_wave_in_all_directions():
    """In a sheared cell, with other modes along x than along y."""
    cell, most = Cell.sheared(4.0, 2, 0.8), (15, 40)
    reduction = Reduction(MIXTURE, cell, 0.0, ("gaussian",), FUNCTIONS, most=most)
    p = cell.wavevectors((16, 41))
    missing = np.ones(p.shape[1:], dtype=bool)
    missing[1:-1, 1:-1] = False
    lowest = np.linalg.norm(p[:, missing], axis=0).min()
    # 16/15 since the planes of the first modes that are missing are not those of the last kept
    exact = KERNELS["gaussian"].band(2) / lowest
    assert exact < reduction.smallest_scale("gaussian") < 1.07 * exact


def test_names_of_the_package_exist_and_none_is_loaded_before_it_is_used():
    for name in glasscade.analysis.__all__:
        assert getattr(glasscade.analysis, name).__name__ == name
    with pytest.raises(AttributeError, match=r"has no attribute 'stress'"):
        _ = glasscade.analysis.stress
    behind = _closure(("glasscade.analysis.snapshots",))
    assert "glasscade.particles.observables" in behind
    assert "glasscade.budget.balance" not in behind


def test_what_cannot_be_meant_is_refused(points):
    with pytest.raises(ConfigError, match="mixture: must be a Mixture"):
        stress_balance(points, UNLIKE, 1.0)
    with pytest.raises(ResolutionError, match=r"ell: 1e-05 needs modes up to .* GB for each field"):
        stress_balance(points, MIXTURE, 1e-5)
    line = xr.Dataset({"density": ("x", np.ones(64)), "cell": cell_variable(Cell.cubic(6.0, 1))})
    with pytest.raises(
        ConfigError, match=r"potential\.period: 5 must be the length of the cell, 6"
    ):
        stress_balance(line, Mixture.single(Cone(1.0, period=5.0)), 1.0)
