"""Pair tables: what is refused, and the largest curvature."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.errors import ConfigError
from glasscade.particles.pairs import PairTable, stiffness
from glasscade.particles.spheres import binary_spheres
from glasscade.potentials import Gaussian, Harmonic, Mixture, kernels


def harmonic_arrays():
    """Valid kind, parameters and cutoff of two species."""
    table = PairTable.from_mixture(binary_spheres(0.1))
    return table.kind.copy(), table.parameters.copy(), table.cutoff.copy()


def test_table_holds_the_mixture():
    table = PairTable.from_mixture(binary_spheres(0.1, strength=2.0))
    assert table.species == 2
    assert table.reach == 1.4
    assert np.array_equal(table.kind, np.full((2, 2), kernels.HARMONIC))
    assert np.array_equal(table.cutoff, [[1.0, 1.2], [1.2, 1.4]])
    assert np.array_equal(table.parameters[0, 1], [2.0, 1.2, 0.1, 0.0])


@pytest.mark.parametrize(
    ("row", "entry", "value", "message"),
    [
        ("parameters", (0, 1, 0), 3.0, "must be symmetric"),
        ("cutoff", (0, 0), np.nan, "must be a finite number"),
        ("cutoff", (0, 0), -1.0, "cutoffs must be >= 0"),
        ("cutoff", (0, 0), 0.9, "at least its diameter"),
        ("parameters", (1, 1, 2), 1.5, "0 <= core radius < diameter"),
    ],
)
def test_impossible_entries_are_refused(row, entry, value, message):
    arrays = dict(zip(("kind", "parameters", "cutoff"), harmonic_arrays(), strict=True))
    arrays[row][entry] = value
    with pytest.raises(ConfigError, match=message):
        PairTable(**arrays)


def test_wrong_shapes_are_refused():
    kind, parameters, cutoff = harmonic_arrays()
    with pytest.raises(ConfigError, match=r"must have the shapes \(S, S\)"):
        PairTable(kind, parameters, cutoff[0])


def test_a_table_without_interaction_is_refused():
    kind, parameters, cutoff = harmonic_arrays()
    with pytest.raises(ConfigError, match="> 0 for at least one pair"):
        PairTable(kind, parameters, 0.0 * cutoff)


def test_too_many_species_are_refused():
    shape = (257, 257)
    with pytest.raises(ConfigError, match="257 species are more than the 256"):
        PairTable(np.full(shape, kernels.GAUSSIAN), np.zeros((*shape, 4)), np.ones(shape))


def test_stiffness_is_the_largest_positive_curvature():
    # V'' = strength/d^2 for spheres; V'' of exp(-r^2) is 4 exp(-3/2) at its maximum r^2 = 3/2; a
    # negative Gaussian is stiffest at its centre, V'' = 2. Sampled at 4096 points, the maximum of
    # a smooth function is low by (cutoff/8192)^2 V''''/2 < 1e-5.
    gauss = Mixture.single(Gaussian(1.0, 1.0))
    well = Mixture.single(Gaussian(-1.0, 1.0))
    spheres = Mixture.single(Harmonic(3.0, 2.0, 0.1))
    assert stiffness(PairTable.from_mixture(spheres))[0, 0] == pytest.approx(0.75, rel=1e-14)
    assert stiffness(PairTable.from_mixture(gauss))[0, 0] == pytest.approx(4 * np.exp(-1.5), 1e-5)
    assert stiffness(PairTable.from_mixture(well))[0, 0] == pytest.approx(2.0, rel=1e-5)
