"""States out of the files of other programs, and what follows them through the stages."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from dumps import lammps_text, write_gsd, write_text
from glasscade.cell import Cell
from glasscade.config import SYSTEM
from glasscade.errors import DataError, GlasscadeError
from glasscade.io import read_dataset
from glasscade.particles.dynamics import State, run
from glasscade.particles.observables import find_bonds, forces
from glasscade.particles.pairs import PairTable
from glasscade.particles.trajectory import Trajectory, write_trajectory
from glasscade.stages import exponents, limits, reduce, simulate, structure

Real = npt.NDArray[np.float64]

COMPOSITION = {"kind": "binary_spheres", "packing_fraction": 0.9, "core": 0.1}
KEYS: dict[str, Any] = {
    "kind": "trajectory",
    "points": 128,
    "number": 16,
    "composition": COMPOSITION,
    "dynamics": "overdamped",
}
STEPS = np.array([0, 2, 4, 6, 8, 10])
DT = 0.02


class Quench:
    """A short descent in a tilted cell, as a program that knows Eq. 1 would write it."""

    def __init__(self, seed: int = 3, strain: float = 0.2) -> None:
        system = SYSTEM.validate_python(KEYS | {"file": "none"})
        self.cell = Cell.sheared(system.length, 2, strain)
        self.species = np.repeat([0, 1], 8)
        self.table = PairTable.from_mixture(system.mixture)
        start = self.cell.cartesian(np.random.default_rng(seed).random((16, 2)))
        state = State(start, self.species)
        self.positions = run(state, self.table, self.cell, 0.0, DT, 0, STEPS)
        self.forces = np.array(
            [-forces(find_bonds(x, self.species, self.table, self.cell)) for x in self.positions]
        )

    def dump(self, path: Path, **more: Any) -> Path:
        arguments: dict[str, Any] = {"types": self.species + 1, "f": self.forces} | more
        types = arguments.pop("types")
        text = lammps_text(self.positions, STEPS, types, self.cell, **arguments)
        return write_text(path, text)


@pytest.fixture(scope="module")
def quench() -> Quench:
    return Quench()


def state(folder: Path, path: Path, realisations: tuple[int, ...] = (0,), **keys: Any) -> Any:
    """The state file of a job."""
    system = KEYS | {"file": str(path), "dt": DT} | keys
    job = {"system": system, "seed": 1, "temperatures": [0.0], "realisations": list(realisations)}
    simulate.run(job, folder / "state.nc")
    return read_dataset(folder / "state.nc")


def refused(folder: Path, path: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as error:
        state(folder, path, **keys)
    assert str(error.value).startswith(f"{path}: ")
    assert not (folder / "state.nc").exists()
    return str(error.value)


def test_a_state_holds_what_the_file_does(tmp_path: Path, quench: Quench) -> None:
    path = quench.dump(tmp_path / "run.dump.gz", wrapped=True)
    found = state(tmp_path, path)
    # Six frames: the last goes, so that every second one ends with it.
    np.testing.assert_allclose(found["position"][0], quench.positions[:5], rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(found["time"], DT * STEPS[:5], rtol=1e-15)
    np.testing.assert_array_equal(found["species"], quench.species)
    np.testing.assert_allclose(found["cell"], quench.cell.matrix, rtol=1e-15, atol=1e-15)
    assert "velocity" not in found
    assert found.attrs["files"] == str(path)
    assert found.attrs["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_other_formats_give_the_same_state(tmp_path: Path, quench: Quench) -> None:
    dump = state(tmp_path, quench.dump(tmp_path / "run.dump"))
    arrays = quench.positions, STEPS, quench.species, quench.cell
    gsd = write_gsd(tmp_path / "run.gsd", *arrays, forces=quench.forces)
    names = {"A": 0, "B": 1}
    trajectory = Trajectory(quench.positions, DT * STEPS, STEPS, quench.species, quench.cell)
    write_trajectory(tmp_path / "run.nc", trajectory)
    others = {
        1e-6: state(tmp_path, gsd, species=names),  # single precision
        1e-15: state(tmp_path, tmp_path / "run.nc", species={"0": 0, "1": 1}, dt=0.0),
    }
    for rounding, found in others.items():
        for name in ("time", "species", "cell"):
            np.testing.assert_allclose(found[name], dump[name], rtol=0.0, atol=rounding)
        moved = quench.cell.minimum_image((found["position"] - dump["position"]).values)
        np.testing.assert_allclose(moved, 0.0, atol=max(rounding, 1e-13))


def test_velocities_are_measured_where_dynamics_are_others(tmp_path: Path, quench: Quench) -> None:
    path = quench.dump(tmp_path / "run.dump")
    found = state(tmp_path, path, dynamics="other")
    middle = 0.5 * (quench.positions[1:] + quench.positions[:-1])
    np.testing.assert_allclose(found["position"][0], middle, rtol=0.0, atol=1e-13)
    np.testing.assert_allclose(found["time"], DT * (STEPS[1:] - 1.0), rtol=1e-14)
    assert "half-way" in found["velocity"].attrs["long_name"]
    # Two Euler steps: the mean of the forces at the first and at the second of them.
    error = np.abs(found["velocity"][0].values - quench.forces[:-1]).max()
    assert error < 0.1 * np.abs(quench.forces).max()
    with_velocities = quench.dump(tmp_path / "with.dump", v=quench.forces)
    found = state(tmp_path, with_velocities, dynamics="other")
    np.testing.assert_allclose(found["velocity"][0], quench.forces[:5], rtol=1e-15)
    assert found["velocity"].attrs["long_name"] == "velocities, those of the file"


def test_each_realisation_has_a_file(tmp_path: Path, quench: Quench) -> None:
    for number, each in enumerate((quench, Quench(seed=4))):
        each.dump(tmp_path / f"T0_{number}.dump")
    found = state(tmp_path, tmp_path / "T{temperature}_{realisation}.dump", (0, 1))
    assert found["realisation"].values.tolist() == [0, 1]
    np.testing.assert_allclose(found["position"][0], quench.positions[:5], rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(
    ("strain", "keys", "expected"),
    [
        (0.1, {}, "its box vectors are not those of"),
        (0.2, {"times": 2.0 * DT * STEPS}, "its times are not those of"),
        (0.2, {"types": np.repeat([2, 1], 8)}, "its particles are not those of"),
    ],
)
def test_realisations_must_be_alike(
    tmp_path: Path, quench: Quench, strain: float, keys: dict[str, Any], expected: str
) -> None:
    quench.dump(tmp_path / "0.dump", times=DT * STEPS)
    other = Quench(seed=4, strain=strain)
    path = other.dump(tmp_path / "1.dump", **{"times": DT * STEPS} | keys)
    place = tmp_path / "{realisation}.dump"
    with pytest.raises(DataError, match=f"{path}: {expected}"):
        state(tmp_path, place, (0, 1), dt=0.0, forces="ignore")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"dt": 0.0}, "its times are missing, it counts steps at most; give system.dt"),
        ({"species": {"1": 0}}, "type 2 has no species; system.species knows 1"),
        ({"species": {"1": 0, "2": 0}}, "it holds (16, 0) particles of the species"),
        ({"number": 18}, "it holds (8, 8) particles of the species"),
        (
            {"composition": COMPOSITION | {"packing_fraction": 0.91}},
            "its box is as large as one of side 4.5",
        ),
        ({"length_unit": 1.1}, "system.composition makes 4.5"),
        ({"first": 4}, "2 frames are too few, there must be 3"),
        (
            {"composition": COMPOSITION | {"strength": 1.1}},
            "the forces of frame 0 of those chosen are not those of the potential",
        ),
        ({"energy_unit": 2.0}, "are not those of the potential"),
    ],
)
def test_a_file_that_is_not_the_configured_system(
    tmp_path: Path, quench: Quench, keys: dict[str, Any], expected: str
) -> None:
    assert expected in refused(tmp_path, quench.dump(tmp_path / "run.dump"), **keys)


def test_forces_may_be_ignored(tmp_path: Path, quench: Quench) -> None:
    path = quench.dump(tmp_path / "run.dump", f=2.0 * quench.forces)
    assert "are not those of the potential" in refused(tmp_path, path)
    assert "force" not in state(tmp_path, path, forces="ignore")


def test_particles_in_a_core_are_mentioned(
    tmp_path: Path, quench: Quench, caplog: pytest.LogCaptureFixture
) -> None:
    """Forces of a rounded core are not those of the program that knows none."""
    path = quench.dump(tmp_path / "run.dump")
    with caplog.at_level(logging.WARNING, "glasscade"):
        state(tmp_path, path)
        assert caplog.records == []
        state(tmp_path, path, composition=COMPOSITION | {"core": 0.9}, forces="ignore")
    assert "into the core 0.9 of the potential" in caplog.text


def test_a_check_of_the_configuration_reads_the_file(tmp_path: Path, quench: Quench) -> None:
    keys = KEYS | {"file": str(quench.dump(tmp_path / "run.dump"))}
    simulate.check_start(SYSTEM.validate_python(keys | {"dt": DT}), 0.0, 1)
    with pytest.raises(GlasscadeError, match="its times are missing"):
        simulate.check_start(SYSTEM.validate_python(keys), 0.0, 1)


REDUCTION = {
    "ell": [0.0, 0.3, 0.4, 0.5, 0.7, 1.0],
    "map_ell": [],
    "kernels": ["gaussian"],
    "bumps": 1,
    "sharpness": 1,
    "seed": 1,
}
MARGINS = {"level": 0.9, "exponent_level": 0.95, "delta": 0.05, "closure": 1e-12} | {
    "closure_particles": 0.02, "closure_time": 1e-3, "exponent": 0.03, "bound": 0.05
}  # fmt: skip


class Stages:
    """The stages behind the state of a trajectory; exponents are those at T = 0 for all."""

    def __init__(self, folder: Path, quench: Quench) -> None:
        self.folder, self.dump = folder, quench.dump(folder / "run.dump")
        self.job = self._simulated("state.nc", 0.0)
        nulls = {"liquid_temperature": 0.1, "liquid_duration": 1.0}
        keys = {"system": self.job["system"], "orders": [3.0], "seed": 1, "nulls": nulls}
        structure.run(keys, folder / "state.nc", folder / "structure.nc")
        fit = {"window": [0.1, 0.6], "level": 0.95, "deterministic": False, "seed": 1}
        exponents.run(
            fit | {"bumps": 1, "sharpness": 1, "temperatures": [0.0]},
            [folder / "structure.nc"],
            folder / "exponents.nc",
        )

    def _simulated(self, name: str, temperature: float, **keys: Any) -> dict[str, Any]:
        system = KEYS | {"file": str(self.dump), "dt": DT} | keys
        job = {"system": system, "seed": 1, "temperatures": [temperature], "realisations": [0]}
        simulate.run(job, self.folder / name)
        return job

    def verdicts(self, temperature: float, **keys: Any) -> tuple[xr.Dataset, str]:
        """Limits, and verdicts as text."""
        state, budget, output = (self.folder / f"{name}.nc" for name in ("own", "budget", "limits"))
        job = self._simulated("own.nc", temperature, **keys)
        reduce.run(REDUCTION | job, state, budget)
        names = {"model": "import", "estimator": "wavelets", "margins": MARGINS}
        limits.run(
            names | {"system": job["system"], "temperatures": [[temperature]]},
            [budget],
            self.folder / "exponents.nc",
            output,
            self.folder / "verdicts.csv",
        )
        return read_dataset(output, finite=False), (self.folder / "verdicts.csv").read_text()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory, quench: Quench) -> Stages:
    return Stages(tmp_path_factory.mktemp("stages"), quench)


def test_overdamped_trajectories_are_judged(stages: Stages) -> None:
    found, rows = stages.verdicts(0.0)
    assert found["term"].values.tolist() == ["W", "Q_flux", "Q_thermal", "Ito"]
    assert "limit" not in found
    assert "import,closure,instantaneous" in rows
    assert "import,closure,time_integrated" in rows
    assert "import,dissipation_scale,ell_half_T0" in rows
    assert "commutation" not in rows


def test_at_a_temperature_the_balance_leaves_a_martingale(stages: Stages) -> None:
    _, rows = stages.verdicts(0.01)
    assert "import,closure,martingale_mean_T0.01" in rows
    assert "time_integrated" not in rows


def test_other_dynamics_have_a_residual_and_no_closure(stages: Stages) -> None:
    found, rows = stages.verdicts(0.01, dynamics="other")
    assert found["term"].values.tolist() == ["W", "Q_flux", "Q_thermal", "residual"]
    assert "closure" not in rows
    assert "import,dissipation_scale,ell_half_T0.01" in rows
    # The terms add up to the change of stress, to the error of trapezoids through five times.
    left, change = (found[name].isel(kernel=0).sel(ell=0.5) for name in ("residual", "change"))
    assert float(np.abs(left).max()) < 0.05 * float(np.abs(change).max())


def test_exponents_of_a_tilted_cell_are_measured_in_a_cube(stages: Stages) -> None:
    measured = read_dataset(stages.folder / "structure.nc", finite=False)
    # There is no liquid beside a trajectory.
    assert measured["source"].values.tolist() == ["measured", "poisson", "shuffled"]
    chosen = measured["mean"].sel(source="measured", field="density", estimator="wavelets")
    assert np.all(np.isfinite(chosen.dropna("scale_index", how="all")))
    side = SYSTEM.validate_python(KEYS | {"file": "none"}).length
    np.testing.assert_allclose(measured["cell"], side * np.eye(2), rtol=1e-14)
