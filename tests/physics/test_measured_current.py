"""A measured current is the one that changes the stress, whatever the dynamics are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from glasscade.analysis import stress_balance, stress_maps
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.interop.run import Run, with_velocities
from glasscade.particles.dynamics import run
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.prepare import random_mixture
from glasscade.particles.spheres import binary_spheres

Real = npt.NDArray[np.float64]

MIXTURE = binary_spheres(0.3)
TABLE = PairTable.from_mixture(MIXTURE)
TEMPERATURE = 0.02
ELL = [0.4, 1.0]


class System:
    """Forty particles in a tilted cell, somewhat relaxed, that fall freely: m d²x/dt² = -F."""

    def __init__(self) -> None:
        start, cell = random_mixture(40, 0.9, 2, seed=4, realisation=0)
        self.cell = Cell(np.array([[1.0, 0.25], [0.0, 1.0]]) @ cell.matrix)
        self.species = start.species
        state = type(start)(self.cell.cartesian(cell.fractional(start.positions)), start.species)
        self.start = run(state, TABLE, self.cell, 0.0, 0.05, 1, [20])[0]
        self.functions = TestFunctions.bumps(2, count=2, sharpness=1, seed=3)

    def force(self, positions: Real) -> Real:
        """F, minus the force."""
        return forces(find_bonds(positions, self.species, TABLE, self.cell))

    def fall(self, dt: float, steps: int) -> tuple[Real, Real]:
        """Positions and velocities, (steps, N, d), by leapfrog from random velocities."""
        positions, velocities = (
            [self.start],
            [np.random.default_rng(8).normal(size=self.start.shape)],
        )
        for _ in range(steps - 1):
            half = velocities[-1] - 0.5 * dt * self.force(positions[-1])
            positions.append(positions[-1] + dt * half)
            velocities.append(half - 0.5 * dt * self.force(positions[-1]))
        return np.array(positions), np.array(velocities)

    def balance(self, positions: Real, velocities: Real | None = None) -> xr.Dataset:
        data = xr.Dataset({"species": ("particle", self.species)})
        data["cell"] = (("row", "vector"), self.cell.matrix)
        data["position"] = (("time", "particle", "axis"), positions)
        if velocities is not None:
            data["velocity"] = (("time", "particle", "axis"), velocities)
        return stress_balance(data, MIXTURE, ELL, temperature=TEMPERATURE, functions=self.functions)


@pytest.fixture(scope="module")
def system() -> System:
    return System()


def test_the_rate_is_that_of_the_stress(system: System) -> None:
    """Against central differences, whose error falls as dt²: particles fall, which is not Eq. 1."""
    errors = []
    for dt in (0.02, 0.01):
        positions, velocities = system.fall(dt, 3)
        found = system.balance(positions, velocities)
        stress = found["stress"].values
        rate = found["rate"].values[1]
        differences = (stress[2] - stress[0]) / (2.0 * dt)
        errors.append(np.abs(differences - rate).max() / np.abs(rate).max())
    assert errors[1] < 1e-3
    # Contacts open and close meanwhile, where V'' jumps: not quite the fourth part.
    assert 3.0 < errors[0] / errors[1] < 5.0


def test_differences_give_the_same_to_second_order(system: System) -> None:
    """Velocities at the middle of two frames from positions alone, as a trajectory has them."""
    errors = []
    for dt in (0.04, 0.02):
        positions, velocities = system.fall(dt / 2.0, 3)
        frames = Run(
            None, positions[::2], np.array([0.0, dt]), system.species, system.cell, None, None,
            0.0, 0.0,
        )  # fmt: skip
        measured = with_velocities(frames)
        assert measured.times.tolist() == [0.5 * dt]
        assert "half-way" in measured.velocities_from
        found = system.balance(measured.positions, measured.velocities)["rate"].values[0]
        exact = system.balance(positions[1:2], velocities[1:2])["rate"].values[0]
        errors.append(np.abs(found - exact).max() / np.abs(exact).max())
    assert errors[1] < 1e-3
    assert 3.0 < errors[0] / errors[1] < 5.0


def test_terms_are_those_of_the_model_and_the_residual_is_the_rest(system: System) -> None:
    positions, velocities = system.fall(0.02, 2)
    model, found = system.balance(positions), system.balance(positions, velocities)
    assert found["term"].values.tolist() == ["W", "Q_flux", "Q_thermal", "residual"]
    assert model["term"].values.tolist() == ["W", "Q_flux", "Q_thermal", "Ito"]
    # Round-off of the sums over points, made together for all currents, and over modes.
    scale = float(np.abs(found["source"]).max())
    for part in ("source", "transport"):
        ours, theirs = (each[part].isel(term=slice(0, 3)) for each in (found, model))
        np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-13 * scale)
    total = (found["source"] + found["transport"]).sum("term")
    np.testing.assert_allclose(found["rate"], total, rtol=0.0, atol=1e-13 * scale)


def test_overdamped_velocities_leave_nothing(system: System) -> None:
    """v = -F at T = 0: the residual is round-off; at T > 0 it takes the thermal term away."""
    positions = system.start[np.newaxis]
    velocities = -np.array([system.force(positions[0])])
    found = system.balance(positions, velocities)
    both = found["source"] + found["transport"]
    scale = float(np.abs(both).max())
    thermal, residual = both.sel(term="Q_thermal").values, both.sel(term="residual").values
    assert np.abs(thermal).max() > 1e-2 * scale
    np.testing.assert_allclose(residual, -thermal, rtol=0.0, atol=1e-12 * scale)


def test_the_map_of_the_residual_has_the_mean_of_the_total(system: System) -> None:
    positions, velocities = system.fall(0.02, 2)
    data = xr.Dataset({"species": ("particle", system.species)})
    data["cell"] = (("row", "vector"), system.cell.matrix)
    data["position"] = (("particle", "axis"), positions[1])
    data["velocity"] = (("particle", "axis"), velocities[1])
    found = stress_maps(data, MIXTURE, 1.0, terms="all", parts="source", temperature=TEMPERATURE)
    assert found["term"].values.tolist() == ["W", "Q_flux", "Q_thermal", "residual"]
    totals = system.balance(positions, velocities).isel(time=1, phi=0, kernel=0).sel(ell=1.0)
    mean = found["source"].mean(["x", "y"]) * system.cell.volume
    scale = float(np.abs(totals["source"]).max())
    np.testing.assert_allclose(mean, totals["source"], rtol=0.0, atol=1e-12 * scale)
