"""Tables of potentials, one for each pair of species."""

from __future__ import annotations

import pytest

from glasscade.errors import ConfigError
from glasscade.potentials import Gaussian, Harmonic, Mixture

SMALL, LARGE, CROSS = (Harmonic(1.0, diameter=d) for d in (1.0, 1.4, 1.2))


def test_pairs_are_ordered_and_the_cutoff_is_the_longest():
    mixture = Mixture(((SMALL, CROSS), (CROSS, LARGE)))
    assert mixture.species == 2
    assert list(mixture.pairs()) == [
        (0, 0, SMALL),
        (0, 1, CROSS),
        (1, 0, CROSS),
        (1, 1, LARGE),
    ]
    assert mixture.cutoff == 1.4
    assert Mixture.single(CROSS).cutoff == 1.2
    assert Mixture.single(CROSS).species == 1


def test_a_table_that_is_not_square_is_refused():
    with pytest.raises(ConfigError, match="must be square"):
        Mixture(((SMALL, CROSS),))


def test_a_table_that_is_not_symmetric_is_refused():
    with pytest.raises(ConfigError, match="the same for a pair of species in either order"):
        Mixture(((SMALL, CROSS), (Gaussian(1.0, 1.2), LARGE)))
