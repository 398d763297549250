"""What a sheared system needs of its configuration."""

from __future__ import annotations

import pytest

from glasscade import jobs
from glasscade.config import parse
from glasscade.errors import ConfigError
from studies import GLASS, SHEAR, changed, study


def test_keys_become_the_protocol() -> None:
    system = parse(study(shear=SHEAR)).models["shear"].system
    protocol = system.protocol
    assert (protocol.step, protocol.width, protocol.intervals) == (1e-3, 1e-6, 48)
    assert (protocol.tolerance, protocol.accuracy, protocol.moved) == (1e-8, 1e-7, 0.01)


def test_exponents_are_neither_measured_nor_compared() -> None:
    parsed = parse(study(shear=SHEAR, other=changed(SHEAR, "system.events", 2)))
    assert jobs.measured(parsed) == []
    assert jobs.structures(parsed, "shear") == []
    assert jobs.compared(parsed) == []


def test_a_simulation_does_not_look_at_the_scales_of_the_balance() -> None:
    other = changed(SHEAR, "system.balance_from", 0.6)
    first, second = (jobs.simulate(parse(study(s=raw)), "s", "0", "0") for raw in (SHEAR, other))
    assert first == second


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("system.snapshots", 48, "snapshots must be odd, so that every second one spans an event"),
        ("system.strain_step", 1e-6, "strain_step must be above the bracket, 1e-06"),
        ("system.largest_strain", 1e-4, "no larger than largest_strain, 0.0001"),
        ("system.number", 37, "number: 37 must be even"),
        ("system.balance_from", 2.0, "sweep.ell must hold a scale from balance_from, 2, upwards"),
        ("sweep.temperature", [0, 0.1], r"sweep.temperature must be \[0\]"),
        ("sweep.ell", [[0.1, 0.2, 0.3, 0.4, 0.6]], "sweep.ell must hold 0, the stress drop"),
        ("window", [0.2, 1.5], "window must be left out"),
    ],
)
def test_what_cannot_be_sheared_is_refused(key: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(study(shear=changed(SHEAR, key, value)))


def test_other_systems_need_a_window() -> None:
    sweep = {"temperature": [0, 0.1, 0.2, 0.3, 0.4], "ell": [[0, 0.5, 0.6, 0.7, 0.8, 0.9]]}
    with pytest.raises(ConfigError, match="window is missing"):
        parse(study(glass={"system": GLASS, "sweep": sweep}))
