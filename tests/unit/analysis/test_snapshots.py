"""Modes of ρ_s and ρ_sF_s of a user's Dataset, and a sentence for all that can be wrong with it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from glasscade.analysis.arrays import cell_variable
from glasscade.analysis.snapshots import Snapshots
from glasscade.cell import Cell
from glasscade.errors import ConfigError, DataError
from glasscade.external import Active, Kolmogorov, Sum, external_density
from glasscade.force import ForceField
from glasscade.potentials import Cone, Gaussian, Harmonic, Mixture
from glasscade.transforms import grid_to_modes, point_modes

CELL = Cell.sheared(3.0, 2, 0.3)
UNLIKE = Gaussian(0.7, width=0.2)
MIXTURE = Mixture(((Harmonic(1.3, 1.0, 0.1), UNLIKE), (UNLIKE, Harmonic(0.9, 1.2, 0.1))))
SPECIES = np.array([0, 1, 1, 0, 0, 1, 0])
COUNTS = (4, 5)
NUFFT = 1e-11
"""The tolerance of the point sums, 1e-13, of seven particles with forces of order one."""
P = CELL.wavevectors(COUNTS)


@pytest.fixture
def points(rng):
    """Seven particles of two species, three times two snapshots, some outside the cell."""
    positions = CELL.cartesian(rng.uniform(-1.0, 2.0, (2, 3, 7, 2)))
    return xr.Dataset(
        {
            "position": (("realisation", "time", "particle", "axis"), positions),
            "species": ("particle", SPECIES),
            "cell": cell_variable(CELL),
        }
    )


@pytest.fixture
def fields(rng):
    density = 1.0 + rng.random((2, 2, 10, 12))
    return xr.Dataset(
        {"density": (("time", "species", "x", "y"), density), "cell": cell_variable(CELL)}
    )


def pair_forces(x, weight, cell=CELL):
    """The physical force -Σ_b w_b ∇V on every particle, image by image."""
    images = cell.cartesian(np.array(list(itertools.product(range(-3, 4), repeat=2)), dtype=float))
    force = np.zeros_like(x)
    for a, b in itertools.product(range(len(x)), repeat=2):
        y = cell.minimum_image(x[a] - x[b]) + images
        r = np.linalg.norm(y, axis=1)
        y, r = y[r > 0.0], r[r > 0.0]
        slope = MIXTURE.table[SPECIES[a]][SPECIES[b]].slope(r)
        force[a] -= weight[b] * np.sum(slope[:, np.newaxis] * y / r[:, np.newaxis], axis=0)
    return force


def waves(x):
    return np.exp(-1j * np.tensordot(x, P, axes=1))


def with_forces(points, sign=1.0):
    position = points["position"].values
    force = np.array([[pair_forces(x, np.ones(7)) for x in row] for row in position])
    return points.assign(force=(points["position"].dims, sign * force))


def with_weights(points):
    return points.assign(weight=("particle", np.array([2.0, 0.5, 1.0, 3.0, 0.0, 1.5, 1.0])))


@pytest.mark.parametrize(
    "change", [lambda d: d, with_forces, with_weights, lambda d: d.transpose()]
)
def test_modes_of_particles_are_sums_of_plane_waves_and_of_pair_forces(points, change):
    """F is minus the force; both ways to it, and any order of dimensions."""
    data = change(points)
    series = Snapshots(data, MIXTURE)
    assert series.are_points
    assert len(series) == 6
    place = dict(zip(series.lead, (2, 1) if series.lead[0] == "time" else (1, 2), strict=True))
    snapshot = series.at(tuple(place.values()), COUNTS)
    x = points["position"].values[1, 2]
    weight = data["weight"].values if "weight" in data else np.ones(7)
    force = pair_forces(x, weight)
    assert np.abs(force).max() > 0.1
    for s in range(2):
        mine = s == SPECIES
        for found, amount in (
            (snapshot.density[s], weight),
            (snapshot.force_density[s, 0], -weight * force[:, 0]),
            (snapshot.force_density[s, 1], -weight * force[:, 1]),
            (snapshot.squares[s], weight**2),
            (snapshot.cubes[s], weight**3),
        ):
            expected = np.tensordot(amount[mine], waves(x)[mine], axes=1)
            # weights up to three, cubed
            np.testing.assert_allclose(found, expected, rtol=0.0, atol=30.0 * NUFFT)
    pairs = [weight[snapshot.bonds.first], weight[snapshot.bonds.second]]
    ends = SPECIES[snapshot.bonds.first], SPECIES[snapshot.bonds.second]
    bare = [MIXTURE.table[a][b] for a, b in zip(*ends, strict=True)]
    slopes = [v.slope(r) for v, r in zip(bare, snapshot.bonds.distance, strict=True)]
    np.testing.assert_allclose(snapshot.bonds.slope, np.prod([*pairs, slopes], axis=0), rtol=1e-12)


def test_forces_of_particles_add_up_to_zero(points):
    series = Snapshots(points, MIXTURE)
    for index in series:
        modes = series.at(index, COUNTS).force_density
        total = modes[(..., *COUNTS)].sum(axis=0)  # the mode k = 0 is the middle
        np.testing.assert_allclose(total, 0.0, rtol=0.0, atol=1e-12)


def test_given_forces_are_used_as_they_are(points):
    slightly = with_forces(points)
    slightly["force"] = slightly["force"] * (1.0 + 1e-6)  # within the tolerance
    given = Snapshots(slightly, MIXTURE).at((0, 0), COUNTS).force_density
    computed = Snapshots(points, MIXTURE).at((0, 0), COUNTS).force_density
    scale = np.abs(computed).max()
    np.testing.assert_allclose(given, (1.0 + 1e-6) * computed, rtol=0.0, atol=1e-9 * scale)
    assert np.abs(given - computed).max() > 0.5e-6 * scale


def test_the_theory_force_instead_of_the_physical_one_is_noticed(points):
    series = Snapshots(with_forces(points, sign=-1.0), MIXTURE)
    message = r"not those of the mixture .*realisation 1, time 0.* 2.0e\+00, allowed is 1e-04; with"
    with pytest.raises(DataError, match=message):
        series.at((1, 0), COUNTS)


def test_forces_of_another_mixture_are_noticed(points):
    other = Mixture(((UNLIKE, UNLIKE), (UNLIKE, UNLIKE)))
    with pytest.raises(DataError, match=r"allowed is 1e-04; without the variable force"):
        Snapshots(with_forces(points), other).at((0, 0), COUNTS)
    loose = Snapshots(with_forces(points), other, forces_agree=3.0)
    assert np.isfinite(loose.at((0, 0), COUNTS).force_density).all()


def test_a_single_heavy_point_feels_no_force():
    line = Cell.cubic(4.0, 1)
    alone = xr.Dataset(
        {
            "position": (("particle", "axis"), [[1.3]]),
            "weight": ("particle", [2.5]),
            "cell": cell_variable(line),
        }
    )
    series = Snapshots(alone, Mixture.single(Cone(1.0, period=4.0)))
    assert list(series) == [()]
    snapshot = series.at((), (6,))
    k = line.wavevectors((6,))[0]
    np.testing.assert_allclose(snapshot.density[0], 2.5 * np.exp(-1.3j * k), rtol=1e-12)
    # the sums of two weights share a transform: round-off of the other one
    np.testing.assert_allclose(snapshot.force_density, 0.0, rtol=0.0, atol=1e-13)


def test_gridded_densities_keep_all_their_modes(fields):
    series = Snapshots(fields, MIXTURE)
    assert not series.are_points
    assert series.counts == (4, 5)
    snapshot = series.at((1,), (1, 1))  # of points fewer modes would do
    modes = grid_to_modes(fields["density"].values[1], CELL)
    np.testing.assert_array_equal(snapshot.density, modes)
    expected = ForceField(MIXTURE, CELL, (4, 5)).force_density(modes)
    np.testing.assert_array_equal(snapshot.force_density, expected)
    assert snapshot.bonds is None


def test_one_species_needs_no_dimension_of_its_own(fields):
    one = fields.isel(species=0, time=0).transpose("y", "x", ...)
    snapshot = Snapshots(one, Mixture.single(UNLIKE)).at((), COUNTS)
    expected = grid_to_modes(fields["density"].values[0, :1], CELL)
    np.testing.assert_array_equal(snapshot.density, expected)


@pytest.fixture
def sheared(points):
    """The cell changes with time, not with the realisation."""
    cells = [Cell.sheared(3.0, 2, strain).matrix for strain in (0.0, 0.1, 0.2)]
    return points.assign(cell=(("time", "row", "vector"), cells))


def test_each_snapshot_has_its_own_cell_and_those_of_a_cell_come_together(sheared):
    series = Snapshots(sheared, MIXTURE)
    assert list(series) == [(r, t) for t in range(3) for r in range(2)]
    strains = [cell.matrix[0, 1] / 3.0 for cell in series.cells()]
    np.testing.assert_allclose(strains, [0.0, 0.1, 0.2], rtol=1e-12)
    assert series.cell((0, 2)) is series.cell((1, 2))
    cell, x = series.cell((1, 2)), sheared["position"].values[1, 2]
    density = series.at((1, 2), COUNTS).density
    expected = [point_modes(x[s == SPECIES], np.ones(n), cell, COUNTS) for s, n in ((0, 4), (1, 3))]
    np.testing.assert_allclose(density, expected, rtol=0.0, atol=NUFFT)


def test_external_currents_of_particles_are_sums_over_them(points):
    wave, none = Kolmogorov(1.0, (0, 6), (1.0, 0.0), phase=0.4), Sum(())  # beyond the modes kept
    driven = Snapshots(with_weights(points), MIXTURE, [none, wave]).at((0, 1), COUNTS).drive
    x, weight = points["position"].values[0, 1], with_weights(points)["weight"].values
    amount = (SPECIES == 1) * weight * np.sin(x @ CELL.reciprocal(np.array([0.0, 6.0])) + 0.4)
    expected = np.tensordot(amount, waves(x), axes=1)
    np.testing.assert_allclose(driven.current[1, 0], expected, rtol=0.0, atol=3.0 * NUFFT)
    np.testing.assert_allclose(driven.current[1, 1], 0.0, rtol=0.0, atol=3.0 * NUFFT)
    np.testing.assert_array_equal(driven.force, 0.0)
    # without force, but in a transform with another sum
    np.testing.assert_allclose(driven.current[0], 0.0, rtol=0.0, atol=3.0 * NUFFT)


def test_external_currents_of_fields_are_products(fields):
    force = Active(1.0, 0.3, 2.0, 6.0, seed=3)
    driven = Snapshots(fields, MIXTURE, force).at((1,), COUNTS).drive
    modes = force.modes(CELL, COUNTS)
    density = grid_to_modes(fields["density"].values[1], CELL)
    np.testing.assert_array_equal(driven.force, [modes, modes])
    np.testing.assert_array_equal(driven.current, external_density(density, modes, CELL))


def broken(name, **changes):
    """A change of one variable: other values, units or dimensions."""

    def change(data):
        array = data[name].copy(deep=True)
        if "at" in changes:
            array[changes["at"]] = changes["value"]
        if "units" in changes:
            array.attrs["units"] = changes["units"]
        return data.assign({name: array.astype(changes.get("dtype", array.dtype))})

    return change


WRONG_POINTS = {
    "no positions": (lambda d: d.drop_vars("position"), r"^data: either `position`.* is needed"),
    "both": (lambda d: d.assign(density=("x", [1.0])), r"^data: either `position`"),
    "no cell": (lambda d: d.drop_vars("cell"), r"^cell: this variable is missing; .*'species'"),
    "cell": (lambda d: d.isel(vector=[0]), r"^cell: must be a d×d matrix.*not \(2, 1\)"),
    "cell of points": (
        lambda d: d.assign(cell=d["cell"].expand_dims(particle=7)),
        r"^cell: its dimensions \('particle',\) must be among \('realisation', 'time'\)",
    ),
    "three axes": (
        lambda d: d.pad(axis=(0, 1), constant_values=0.0),
        r"^position: has 3 axes",
    ),
    "no particles": (
        lambda d: d.rename(particle="atom"),
        r"^position: needs the dimensions \('particle', 'axis'\); it has",
    ),
    "nan": (broken("position", at=(0, 0, 3), value=np.nan), r"^position: 2 of 84 values are NaN"),
    "complex": (broken("position", dtype=complex), r"^position: .* real numbers, .*complex128"),
    "nm": (broken("position", units="nm"), r"^position: wrong unit 'nm', it must be 'l0'"),
    "nm cell": (broken("cell", units="nm"), r"^cell: wrong unit 'nm', it must be 'l0'"),
    "species below": (broken("species", at=2, value=-1), r"^species: .* 0 to 1, .* from -1 to 1"),
    "species above": (broken("species", at=2, value=2), r"^species: .* 0 to 1, .* from 0 to 2"),
    "half species": (
        lambda d: d.assign(species=("particle", np.full(7, 0.5))),
        r"^species: must be whole numbers",
    ),
    "species in time": (
        lambda d: d.assign(species=d["species"].expand_dims(time=3)),
        r"^species: must have the one dimension particle, of size 7",
    ),
    "weight": (
        lambda d: d.assign(weight=("particle", np.full(7, -1.0))),
        r"^weight: must not be negative; the smallest is -1",
    ),
    "force": (
        lambda d: d.assign(force=d["position"].isel(time=0)),
        r"^force: its sizes .* differ from those of position",
    ),
    "newton": (
        lambda d: d.assign(force=d["position"].assign_attrs(units="N")),
        r"^force: wrong unit 'N', it must be 'V0/l0'",
    ),
}


@pytest.mark.parametrize(("change", "message"), WRONG_POINTS.values(), ids=WRONG_POINTS.keys())
def test_wrong_particles_are_refused_in_one_sentence(points, change, message):
    with pytest.raises(DataError, match=message):
        Snapshots(change(points), MIXTURE)


WRONG_FIELDS = {
    "species": (lambda d: d.isel(species=[0]), r"^density: has 1 species, the mixture 2"),
    "no y": (lambda d: d.isel(y=0), r"^density: needs the dimensions \('species', 'x', 'y'\)"),
    "z": (lambda d: d.expand_dims(z=4), r"^density: has the axis z, but the cell has 2"),
    "nan": (broken("density", at=(0, 0, 3, 2), value=np.inf), r"^density: 1 of 480 values are NaN"),
    "3d": (broken("density", units="l0^-3"), r"^density: wrong unit 'l0\^-3', it must be 'l0\^-d'"),
}


@pytest.mark.parametrize(("change", "message"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
def test_wrong_fields_are_refused_in_one_sentence(fields, change, message):
    data = change(fields[["density"]]).assign(cell=fields["cell"])
    with pytest.raises(DataError, match=message):
        Snapshots(data, MIXTURE)


def test_units_of_the_potential_and_pure_numbers_are_accepted(points, fields):
    named = broken("position", units="l0")(broken("cell", units="dimensionless")(points))
    assert len(Snapshots(named, MIXTURE)) == 6
    assert len(Snapshots(broken("density", units="l0^-2")(fields), MIXTURE)) == 2


def test_external_forces_are_one_for_all_or_one_for_each_species(points):
    wave = Kolmogorov(1.0, (0, 1), (1.0, 0.0))
    with pytest.raises(ConfigError, match=r"external: 3 forces were given for 2 species"):
        Snapshots(points, MIXTURE, [wave, wave, wave])
