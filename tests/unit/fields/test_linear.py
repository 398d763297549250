"""Growth rates and spinodals against closed forms and published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.cell import Cell
from glasscade.errors import ConfigError
from glasscade.fields.linear import normal_modes, spinodal
from glasscade.force import ForceField
from glasscade.potentials import GEM, Cone, Gaussian, Harmonic, Mixture

GEM4 = Mixture.single(GEM(1.0, width=1.0, exponent=4.0))
UNLIKE = Gaussian(0.6, width=0.7)
PAIR = Mixture(((Gaussian(1.0, width=0.8), UNLIKE), (UNLIKE, Gaussian(-0.5, width=0.9))))


def test_rate_of_one_species_is_that_of_the_transform():
    """V_hat = √π exp(-k²/4) on a line."""
    k = np.array([[0.5, 1.0], [2.0, 6.0]])
    modes = normal_modes(k, [2.0], Mixture.single(Gaussian(-0.7, width=1.0)), 0.3, 1)
    expected = -(k**2) * (0.3 - 1.4 * np.sqrt(np.pi) * np.exp(-(k**2) / 4.0))
    # V_hat by quadrature, to round-off
    np.testing.assert_allclose(modes.rates[..., 0], expected, rtol=1e-12)
    assert modes.rates.shape == (2, 2, 1)


def test_waves_of_a_mixture_are_eigenvectors_of_its_matrix():
    k, means, temperature, dim = 1.3, np.array([1.0, 0.4]), 0.2, 2
    v_hat = np.array([[-v.virial(np.array([k]), dim)[0][0] for v in row] for row in PAIR.table])
    matrix = -(k**2) * (temperature * np.eye(2) + means[:, np.newaxis] * v_hat)
    rates, amplitudes = normal_modes(np.array(k), means, PAIR, temperature, dim)
    assert rates[0] < rates[1]
    np.testing.assert_allclose(matrix @ amplitudes, rates * amplitudes, rtol=0.0, atol=1e-13)


@pytest.mark.parametrize(("dim", "height", "place"), [(2, 0.15684, 5.096), (3, 0.12704, 5.572)])
def test_spinodal_of_the_cluster_forming_fluid(dim, height, place):
    temperature, wavenumber = spinodal([3.0], GEM4, dim)
    # the digits of the published numbers
    assert temperature / 3.0 == pytest.approx(height, abs=6e-6)
    assert wavenumber == pytest.approx(place, abs=6e-4)


def test_no_wave_grows_above_the_spinodal_and_one_does_below():
    temperature, k = spinodal([1.0, 0.4], PAIR, 2)
    waves = np.linspace(0.01, 12.0, 400)
    assert normal_modes(waves, [1.0, 0.4], PAIR, 1.0001 * temperature, 2).rates.max() < 0.0
    assert normal_modes(np.array(k), [1.0, 0.4], PAIR, 0.9999 * temperature, 2).rates[-1] > 0.0


@pytest.mark.parametrize("potential", [Gaussian(1.0, width=1.0), Harmonic(1.0, diameter=1.0)])
def test_a_repulsion_without_negative_transform_is_stable_at_every_temperature(potential):
    assert spinodal([1.0], Mixture.single(potential), 2)[0] == 0.0


def test_a_cell_allows_its_own_waves_only():
    """The periodic cone: V_hat = -2g/k² at k = 2πm/L, so that T = 2gρ(L/2π)²."""
    field = ForceField(Mixture.single(Cone(1.0, period=6.0)), Cell.cubic(6.0, 1), (5,))
    k = field.wavevectors[0, 6:]
    temperature, wavenumber = spinodal([0.5], Mixture.single(Cone(1.0, period=6.0)), 1, k)
    assert wavenumber == k[0]
    assert temperature == pytest.approx(0.5 * 2.0 / k[0] ** 2, rel=1e-12)


@pytest.mark.parametrize("means", [[1.0], [1.0, -0.1], [1.0, np.nan]])
def test_means_must_be_positive_and_as_many_as_species(means):
    with pytest.raises(ConfigError, match=r"means: .* must be 2 positive densities"):
        spinodal(means, PAIR, 2)
