"""What systems of particles are made of: potentials, species, densities, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import studies
from glasscade.config import SYSTEM, parse
from glasscade.errors import ConfigError
from glasscade.potentials import Gaussian, Harmonic, Hertzian, LennardJones, Tabulated

GAUSSIAN = {"kind": "gaussian", "width": 0.5}
HARMONIC = {"kind": "harmonic", "diameter": 1.2, "core": 0.1}
HERTZIAN = {"kind": "hertzian", "core": 0.2}


def system(composition: dict[str, Any], **keys: Any) -> Any:
    return SYSTEM.validate_python(studies.GLASS | {"number": 64, "composition": composition} | keys)


def refused(composition: dict[str, Any], **keys: Any) -> str:
    glass = studies.GLASS | {"number": 64, "composition": composition} | keys
    sweep = {"temperature": [0, 0.1, 0.2, 0.3, 0.4], "ell": [[0, 0.8, 1, 1.2, 1.4, 1.6]]}
    with pytest.raises(ConfigError) as error:
        parse(studies.study(a={"system": glass, "sweep": sweep, "window": [0.25, 1.4]}))
    return str(error.value)


def test_the_lennard_jones_glass_is_the_published_one() -> None:
    glass = system({"kind": "binary_lennard_jones"}, number=10_000, points=512)
    assert glass.length == pytest.approx(98.8045, rel=1e-12)
    large, small = glass.counts_of_species
    # The nearest whole numbers to (1 + √5)/4.
    assert abs(large / small - 0.25 * (1.0 + np.sqrt(5.0))) < 1e-4
    (ll, ls), (sl, ss) = glass.mixture.table
    assert ls == sl == LennardJones(1.0, 1.0, 0.75)
    assert (ll.strength, ss.strength) == (0.5, 0.5)
    # sqrt((5 - √5)/2) and (√5 - 1)/2
    assert ll.diameter == pytest.approx(1.17557050458, rel=1e-11)
    assert ss.diameter == pytest.approx(0.61803398875, rel=1e-11)
    assert glass.extrapolates_below == pytest.approx(0.75 * ss.diameter)


def test_any_table_of_pairs() -> None:
    keys = {
        "kind": "pairs",
        "potentials": [[GAUSSIAN], [HERTZIAN, HARMONIC]],
        "fractions": [0.3, 0.7],
        "number_density": 0.8,
    }
    glass = system(keys, dimensions=3, number=1000)
    assert glass.counts_of_species == (300, 700)
    assert glass.cell.volume == pytest.approx(1000 / 0.8)
    (aa, ab), (ba, bb) = glass.mixture.table
    assert aa == Gaussian(1.0, 0.5)
    assert ab == ba == Hertzian(1.0, 1.0, 0.2)
    assert bb == Harmonic(1.0, 1.2, 0.1)
    assert glass.extrapolates_below == 0.1


def test_shares_that_are_no_whole_numbers_add_up() -> None:
    keys = {
        "kind": "pairs",
        "potentials": [[GAUSSIAN], [GAUSSIAN] * 2, [GAUSSIAN] * 3],
        "fractions": [1 / 3, 1 / 3, 1 / 3],
        "number_density": 1.0,
    }
    counts = system(keys, number=100).counts_of_species
    assert sum(counts) == 100
    assert max(counts) - min(counts) == 1


def test_a_table_is_read_once_and_its_values_are_the_parameters(tmp_path: Path) -> None:
    r = np.linspace(0.0, 1.0, 33)
    path = tmp_path / "bell.txt"
    np.savetxt(path, np.stack([r, (1.0 - r**2) ** 3], axis=1), header="r V")
    table = {"kind": "tabulated", "file": str(path)}
    glass = system({"kind": "pairs", "potentials": [[table]], "number_density": 1.0})
    potential = glass.mixture.table[0][0]
    assert isinstance(potential, Tabulated)
    assert potential.distance == pytest.approx(r)
    dumped = glass.model_dump(mode="json")
    path.unlink()
    assert SYSTEM.validate_python(dumped) == glass


def single(potential: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "pairs", "potentials": [[potential]], "number_density": 1.0}


@pytest.mark.parametrize(
    ("composition", "keys", "message"),
    [
        (studies.GLASS["composition"], {"number": 63}, r"number: 63 must be even"),
        (single(GAUSSIAN) | {"fractions": [0.5, 0.5]}, {}, "potentials must have 2 rows"),
        (single(GAUSSIAN) | {"fractions": [0.9]}, {}, "fractions must have the sum 1, not 0.9"),
        (
            single({"kind": "cone", "strength": 1.0}),
            {},
            "potentials.0.0.kind: must be one of 'gaussian', 'gem', ",
        ),
        (single({"kind": "tabulated", "file": "no_such.txt"}), {}, "no_such.txt cannot be read"),
        (single({"kind": "tabulated"}), {}, "its 0 entries must be at least 8"),
        (single(GAUSSIAN | {"width": 3.0}), {}, "must not exceed half the side 8 of the cell"),
        (single({"kind": "harmonic", "core": -1.0}), {}, "potentials.0.0.core: "),
        ({"kind": "binary_lennard_jones", "cap": 1.0}, {}, "composition.cap: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_compositions_are_one_sentence(
    composition: dict[str, Any], keys: dict[str, Any], message: str
) -> None:
    found = refused(composition, **keys)
    assert message in found
    assert found.startswith("models.a.system")
    assert "\n" not in found
