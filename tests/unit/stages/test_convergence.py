"""Norms of ρ^T - ρ from states: gridded densities, and measures against them."""

from __future__ import annotations

import numpy as np
import pytest

import studies
from glasscade.analysis.arrays import cell_variable, variable
from glasscade.config import SYSTEM
from glasscade.errors import DataError
from glasscade.io import write_dataset
from glasscade.stages.batches import places, together
from glasscade.stages.convergence import EXTENTS, NORM_ORDERS, convergence
from glasscade.stages.gridded import on_grid

FIELD = SYSTEM.validate_python(studies.FIELD["system"])
X = np.arange(FIELD.points) * FIELD.length / FIELD.points
TIMES = np.array([0.0, 1.0, 2.0])
WARM = [0.01, 0.02, 0.04, 0.08]
ELLS = [0.0, 0.25, 0.5, 1.0, 2.0]
LEVEL = 0.9


def gridded(rows, times=TIMES):
    return on_grid(FIELD, np.array(rows)[np.newaxis, :, np.newaxis], [0], times)


def found(states, temperatures, folder):
    """Norms of states, of which several may share a file."""
    paths = []
    for number, (held, parts) in enumerate(zip(temperatures, states, strict=True)):
        paths.append(folder / f"{number}.nc")
        write_dataset(together(parts, held), paths[-1], {}, "glasscade.io")
    return convergence(places(paths, temperatures), FIELD, "gaussian", ELLS, LEVEL)


WAVE = np.cos(2.0 * np.pi * X / FIELD.length)
AT = np.array([0.0, 1.0, 0.4])
"""Size of what heat adds at each time: the largest is not the final one."""


def evolved(temperature, power):
    return gridded([1.0 + 0.3 * WAVE + temperature**power * a * WAVE for a in AT])


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_norms_of_gridded_densities_are_those_of_their_difference(tmp_path, power):
    """<|cos|> = 2/π, <cos²> = 1/2, <|cos|³> = 4/3π; the states above T = 0 share a file."""
    states = [[evolved(0.0, power)], [evolved(t, power) for t in WARM]]
    result = found(states, [[0.0], WARM], tmp_path)
    np.testing.assert_array_equal(result["compared_ell"], [0.0])
    means = np.array([2.0 / np.pi, 0.5**0.5, (4.0 / (3.0 * np.pi)) ** (1.0 / 3.0)])
    for extent, size in zip(EXTENTS, (1.0, 0.4), strict=True):
        row = result["distance"].isel(compared_ell=0).sel(extent=extent).transpose("warm", "p")
        expected = size * np.outer(np.array(WARM) ** power, means)
        # |cos| and |cos|³ have kinks, of which the trapezoid rule leaves 2/n²
        np.testing.assert_allclose(row, expected, rtol=1e-3)
    root = np.sqrt(1.0 + 0.5 * 0.3**2)
    assert float(result["size"].sel(p=2, extent="final")[0]) == pytest.approx(root, rel=1e-12)
    for p in NORM_ORDERS:
        limit = result["distance_limit"].isel(compared_ell=0).sel(p=p, extent="largest")
        assert limit.sel(end="low") - 1e-12 <= 0.0 <= limit.sel(end="high") + 1e-12
        exponent = result["distance_exponent"].isel(compared_ell=0).sel(p=p, extent="final")
        assert float(exponent.sel(end="value")) == pytest.approx(power, rel=1e-9)
        np.testing.assert_array_equal(exponent.sel(end=["fit_low", "fit_high"]), [0.01, 0.08])


MIDDLE = 0.5 * FIELD.length


def point(mass):
    position = np.full((1, TIMES.size, 2, 1), MIDDLE)
    points = {
        "position": variable(("realisation", "time", "particle", "axis"), position, "l0", "x"),
        "species": variable(("particle",), [0, 0], "1", "species"),
        "weight": variable(("particle",), [0.4 * mass, 0.6 * mass], "1", "weight"),
        "cell": cell_variable(FIELD.cell),
    }
    state = gridded([np.ones_like(X)] * TIMES.size).drop_vars(["density", "cell", "x"])
    return state.assign(points)


def normal(variance):
    return np.exp(-0.5 * (X - MIDDLE) ** 2 / variance) / np.sqrt(2.0 * np.pi * variance)


def test_a_measure_is_compared_through_the_kernel_at_every_scale_the_grid_resolves(tmp_path):
    """A point and Gaussians of variance 20T: with the kernel's ℓ² both are normal densities.

    ∫(g_a - g_b)² = [1/a + 1/b - 2√2/√(a² + b²)]/(2√π) of widths a and b.
    """
    mass = 2.0
    rows = {t: [mass * normal(20.0 * t)] * TIMES.size for t in WARM}
    result = found(
        [[point(mass)], *([gridded(rows[t])] for t in WARM)],
        [[0.0], *([t] for t in WARM)],
        tmp_path,
    )
    ells = result["compared_ell"].values
    smallest = FIELD.smallest_scale("gaussian")
    np.testing.assert_array_equal(ells, [ell for ell in ELLS if ell >= smallest])
    assert 0 < ells.size < len(ELLS)
    for ell in ells:
        a, b = ell, np.sqrt(ell**2 + 20.0 * np.array(WARM))
        square = (1.0 / a + 1.0 / b - 2.0 * np.sqrt(2.0 / (a**2 + b**2))) / (2.0 * np.sqrt(np.pi))
        exact = mass * np.sqrt(square / FIELD.length)
        row = result["distance"].sel(compared_ell=ell, p=2, extent="final")
        np.testing.assert_allclose(row, exact, rtol=1e-5)  # the kernel is cut at 1e-6
    powers = result["distance_exponent"].sel(p=2, extent="final", end="value").values
    assert np.all(np.diff(powers) > 0.0)  # the larger the scale, the nearer to one
    assert 0.85 < powers[-1] < 1.0


def test_equal_densities_have_no_power(tmp_path):
    same = [[evolved(0.0, 1.0)]] * 5
    result = found(same, [[t] for t in (0.0, *WARM)], tmp_path)
    assert np.isnan(result["distance_exponent"]).all()
    assert (result["distance_limit"].sel(end="high") < 1e-12).all()


def test_states_at_other_times_are_refused(tmp_path):
    states = [[evolved(t, 1.0)] for t in (0.0, *WARM)]
    late = gridded([np.ones_like(X)] * 3, TIMES * 1.01)
    with pytest.raises(DataError, match=r"4\.nc: its output times differ from those at T = 0"):
        found([*states[:-1], [late]], [[t] for t in (0.0, *WARM)], tmp_path)
