"""Output times evenly spaced in log time."""

from __future__ import annotations

import numpy as np
import pytest

from glasscade.particles.schedule import log_spaced


def test_steps_are_spaced_evenly_in_log_time():
    steps = np.array(log_spaced(100_000, 52, onset=10.0))
    assert steps[-1] == 100_000
    u = np.log1p(steps[steps > 100] / 10.0)
    # Rounding to whole steps moves each u by at most 0.5/100.
    assert np.diff(u) == pytest.approx(np.log1p(1e4) / 51, abs=0.01)


def test_early_steps_are_all_taken():
    assert log_spaced(100_000, 52, onset=1.0)[:4] == [0, 1, 2, 3]


def test_a_late_onset_is_even_in_time():
    # ln(1 + x) = x to first order: at x = 1e-3 steps move by less than one half.
    assert log_spaced(1000, 11, onset=1e6) == list(range(0, 1001, 100))


@pytest.mark.parametrize(("last", "count"), [(4, 5), (5, 5), (20, 17), (10_000, 17), (7, 2)])
def test_the_number_of_steps_is_as_asked(last, count):
    steps = log_spaced(last, count, onset=2.0)
    assert len(steps) == count
    assert (steps[0], steps[-1]) == (0, last)
    assert all(np.diff(steps) > 0)
