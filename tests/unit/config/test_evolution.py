"""Keys of evolving densities: what they build, how the grid follows the layers, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydantic import ValidationError

from glasscade.config import SYSTEM
from glasscade.errors import ResolutionError
from glasscade.external import Kolmogorov, Sum
from glasscade.fields.initial import smooth_density
from studies import FIELD, Raw

PLANE: Raw = FIELD["system"] | {
    "dimensions": 2,
    "start": {
        "kind": "bumps",
        "bumps": [
            {"centre": [0.25, 0.5], "width": 1.0, "mass": 2.0},
            {"centre": [0.95, 0.5], "width": 1.5, "mass": 1.0},
        ],
    },
}


def system(**changes):
    return SYSTEM.validate_python(FIELD["system"] | changes)


def test_waves_are_the_start_unless_something_else_is_asked_for():
    field = system(start={"kind": "waves", "density": 0.7, "contrast": 0.2})
    values = field.start.on_grid((64,), field.cell, 3)
    np.testing.assert_array_equal(values, smooth_density((64,), 0.7, 0.2, 3))
    assert field.start.mass(field.cell) == pytest.approx(0.7 * 20.0, rel=1e-14)
    assert system().start.density == 1.0


def test_bumps_have_their_masses_centres_and_widths_and_their_images():
    field = SYSTEM.validate_python(PLANE)
    n, length = 128, 20.0
    density = field.start.on_grid((n, n), field.cell, 0)
    spacing = length / n
    # sums of Gaussians six spacings wide over a grid are integrals to round-off
    assert density.sum() * spacing**2 == pytest.approx(3.0, rel=1e-13)
    assert field.start.mass(field.cell) == 3.0
    # at x = 0: the second bump a width of the cell on, at -1, and the first five of its widths away
    assert density[0, 64] == pytest.approx(
        1.0 / (2.0 * np.pi * 2.25) * np.exp(-0.5 / 2.25)
        + 2.0 / (2.0 * np.pi) * np.exp(-0.5 * 25.0),
        rel=1e-6,
    )


def test_external_forces_add_up():
    waves = [{"kind": "kolmogorov", "amplitude": a, "wave": [1], "direction": [1]} for a in (1, 2)]
    field = system(external=waves)
    force = field.drive
    assert isinstance(force, Sum)
    single = Kolmogorov(3.0, (1,), (1.0,)).modes(field.cell, (4,))
    np.testing.assert_allclose(force.modes(field.cell, (4,)), single, rtol=1e-14)


@pytest.mark.parametrize(
    ("power", "temperature", "points"),
    # 20/(2 T^p/8) = 80 T^-p points: 800 and 2530 at T = 0.1, 0.001 with p = 1 and 1/2, and a little
    # more where a transform of so many is slow
    [(1.0, 0.1, 800), (0.5, 0.001, 2560), (0.5, 100.0, 128), (1.0, 0.0, 4096)],
)
def test_the_grid_follows_the_width_of_layers(power, temperature, points):
    field = system(points=4096, layer={"width": 2.0, "power": power, "points": 8})
    assert field.solved_shape(temperature) == (points,)


def test_a_layer_that_needs_more_points_than_there_are_is_refused():
    field = system(points=4096, layer={"width": 2.0, "power": 1, "points": 8})
    with pytest.raises(ResolutionError, match=r"points: 4096 .* at T = 0\.01 .*; take 8\d\d\d, or"):
        field.solved_shape(0.01)


def test_output_times_span_the_duration():
    np.testing.assert_allclose(system().times, [0.0, 0.1, 0.2, 0.3, 0.4], rtol=1e-15)


def test_output_times_crowd_about_an_instant():
    times = system(instants=[0.17]).times
    np.testing.assert_array_equal(np.diff(times) > 0.0, True)
    # four spacings down to a 64th of one, by the fourth root of 2
    nearest = np.sort(np.abs(times - 0.17))[:2]
    np.testing.assert_allclose(nearest, 0.4 / 256, rtol=1e-9)
    ratios = np.diff(np.log2(times[times > 0.171][:10] - 0.17))
    np.testing.assert_allclose(ratios, 0.25, rtol=1e-6)
    # times that round-off alone keeps apart are one: 0.15 ± 0.05 are even times too
    same = system(duration=0.3, snapshots=7, instants=[0.15]).times
    assert np.diff(same).min() > 1e-4
    assert system(instants=[0.0]).times.size == 5 + 33 - 3  # 0.1, 0.2 and 0.4 are even ones


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"snapshots": 6}, "snapshots must be odd"),
        ({"measure": {"points": 8}}, "greater than or equal to 16"),
        ({"start": {"kind": "bumps", "bumps": []}}, "at least 1 item"),
        (
            {"start": {"kind": "bumps", "bumps": [{"centre": [0.5, 0.5], "width": 1.0}]}},
            "centre must have 1 numbers, one for each axis, not 2",
        ),
        (
            {"start": {"kind": "bumps", "bumps": [{"centre": [0.5], "width": 4.0}]}},
            "width 4 must be at most 1.65, for a bump to vanish within the cell",
        ),
        (
            {"external": [{"kind": "kolmogorov", "amplitude": 1, "wave": [200], "direction": [1]}]},
            "cannot hold a force with modes up to",
        ),
        ({"instants": [0.5]}, "instants: 0.5 must be no later than duration, 0.4"),
        ({"layer": {"width": 1.0, "power": 2}}, "less than or equal to 1"),
    ],
)
def test_bad_keys_are_one_sentence(changes, expected):
    with pytest.raises(ValidationError) as caught:
        system(**changes)
    assert re.search(re.escape(expected), str(caught.value)), caught.value


def test_limits_are_of_one_phase():
    """GEM-4 in the plane: the uniform state of density one is unstable below T = 0.15684."""
    freezing = PLANE | {
        "potential": {"kind": "gem"},
        "start": {"kind": "disordered", "density": 1.0},
    }
    # the waves of a cell of side 20 come within 2 % of the most unstable one, where V_hat is flat
    cold = SYSTEM.validate_python(freezing).extrapolates_cold
    assert cold == pytest.approx(0.15684, rel=2e-3)
    assert cold < 0.15684 * (1.0 + 1e-4)
    twice = freezing | {"start": {"kind": "disordered", "density": 2.0}}
    assert SYSTEM.validate_python(twice).extrapolates_cold == pytest.approx(2.0 * cold, rel=1e-12)
    assert system().extrapolates_cold == np.inf  # a Gaussian core repels all waves
    # layers of 2T are as wide as ℓ = 0.1 at T = 0.05
    layered = system(layer={"width": 2.0, "power": 1})
    assert layered.extrapolates_cold_at(0.1) == pytest.approx(0.05, rel=1e-14)
    assert layered.extrapolates_cold_at(0.0) == np.inf
