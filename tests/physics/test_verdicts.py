"""An anomaly and none are each called right, and too little data is called inconclusive.

Design, fixed on seeds that are not those below. Densities on a periodic line of 2^14 points at
T = 0 with the attractive cone V = |x| - x²/L, drawn anew in each of 100 repetitions; the chain is
that of the study: modes, force, budget, limit ℓ → 0, and the equivalence test with the margin
δ = 0.05 of max_ℓ |W_ℓ + Q^flux_ℓ|; ξ_3 by wavelets, s = 8 to 128 grid spacings.

anomaly
    Six point masses at random places, of masses (1 ± ¼)/6 at random; 12 realisations, ℓ = 4e-4 L
    and up by twos. Each is a cluster, so that Q^flux_ℓ → Σ_a m_a³/3 exactly, whatever the places:
    at ℓ → 0 the force of the others is smooth and has no cumulant. ξ_3 = -2/3 for points.
no anomaly
    1 + 0.5 times a fractional field of H = 0.7, far above 1/3, where the smeared flux must vanish
    as ℓ^{ξ + ξ^F} or faster; 10 realisations, ℓ = 1.6e-3 L and up by twos.
too little
    Two realisations of either, at four scales from 0.0128 L: for points these are those of their
    distances, for the field those of its largest waves.

On the seeds of the design 40 of 40 of either case came out right, 37 and 40 of 40 of too little
data inconclusive, and the other three right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from glasscade.analysis.balance import Reduction
from glasscade.analysis.snapshots import Snapshot
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.coarse import GAUSSIAN
from glasscade.config import Margins
from glasscade.force import ForceField
from glasscade.limits.extrapolation import Limit, extrapolate
from glasscade.limits.verdicts import CRITICAL, Outcome, at_most, equal
from glasscade.potentials import Cone, Mixture
from glasscade.regularity.expected import reference
from glasscade.regularity.exponents import DECISIVE, exponents
from glasscade.regularity.moments import Moments
from glasscade.regularity.synthetic import fractional
from glasscade.regularity.wavelets import wavelet_moments
from glasscade.transforms import grid_to_modes, modes_to_grid, point_modes

POINTS, LENGTH, MASSES = 2**14, 1.0, 6
REPETITIONS, NEEDED = 100, 95
MARGINS = Margins()
CELL = Cell.cubic(LENGTH, 1)
COUNTS = ((POINTS - 1) // 2,)
MIXTURE = Mixture.single(Cone(1.0, period=LENGTH))
WHOLE = TestFunctions(("one",), np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=complex))
FORCE = ForceField(MIXTURE, CELL, COUNTS)
REDUCTION = Reduction(MIXTURE, CELL, 0.0, (GAUSSIAN.name,), WHOLE, most=COUNTS, particles=False)
WINDOW = (8.0 * LENGTH / POINTS, 128.0 * LENGTH / POINTS)
LEVELS, THREE = 7, np.array([3.0])
KNOWN = reference("wavelets", (POINTS,), CELL, LEVELS, THREE)
COARSE = 0.0128 * 2.0 ** np.arange(4)
EXPECTED = MASSES * (1.0 + 0.25**2) / MASSES**3 / 3.0
"""E Σ m³/3 for masses even between 3/4 and 5/4 of 1/6: E m³ = 1 + 1/4² in these units."""


def clusters(places: np.ndarray, masses: np.ndarray) -> Snapshot:
    """Point masses, each with the exact force of all others: minus it, ∇V = sign(x) - 2x/L."""
    apart = CELL.minimum_image((places[:, np.newaxis] - places)[..., np.newaxis])[..., 0]
    force = (np.sign(apart) - 2.0 * apart / LENGTH) @ masses
    density, current = point_modes(
        places[:, np.newaxis], np.stack([masses, masses * force]), CELL, COUNTS
    )
    return Snapshot(density[np.newaxis], current[np.newaxis, np.newaxis])


def points(rng: np.random.Generator) -> Snapshot:
    """Clusters, whose flux has a limit."""
    return clusters(LENGTH * rng.random(MASSES), rng.uniform(0.75, 1.25, MASSES) / MASSES)


def rough(rng: np.random.Generator) -> Snapshot:
    """A density too smooth for a flux."""
    values = 1.0 + 0.5 * fractional((POINTS,), 0.7, rng)
    density = grid_to_modes(values[np.newaxis], CELL, COUNTS)
    return Snapshot(density, FORCE.force_density(density))


def moments(snapshot: Snapshot) -> Moments:
    values = modes_to_grid(snapshot.density[0], CELL, (POINTS,))
    return wavelet_moments(values, CELL, LEVELS, THREE)


def terms(snapshot: Snapshot, ells: np.ndarray) -> np.ndarray:
    """W_ℓ and Q^flux_ℓ, (ell, 2)."""
    rows = []
    for ell in ells:
        balance = REDUCTION.balance(snapshot, GAUSSIAN.name, ell)
        both = dict(zip(balance.terms, balance.source + balance.transport, strict=True))
        rows.append([float(both[name].item()) for name in ("W", "Q_flux")])
    return np.array(rows)


def judged(rows: np.ndarray, ells: np.ndarray) -> tuple[Outcome, Limit]:
    """Whether the flux vanishes, from (realisation, ell, term), and its limit."""
    limit = extrapolate(ells, rows[..., 1], MARGINS.level, deterministic=False)
    margin = MARGINS.delta * float(np.max(np.abs(rows.mean(axis=0).sum(axis=-1))))
    return equal(limit, 0.0, margin), limit


@dataclass
class Study:
    """One repetition: the verdicts on the flux and on ξ_3, and the limits behind them."""

    flux: Outcome
    limit: Limit
    rough_enough: Outcome
    few: Outcome


Draw = Callable[[np.random.Generator], Snapshot]


def study(draw: Draw, realisations: int, ells: np.ndarray, rng: np.random.Generator) -> Study:
    drawn = [draw(rng) for _ in range(realisations)]
    flux, limit = judged(np.array([terms(snapshot, ells) for snapshot in drawn]), ells)
    few, _ = judged(np.array([terms(snapshot, COARSE) for snapshot in drawn[:2]]), COARSE)
    level, volume = MARGINS.exponent_level, CELL.volume
    fit = exponents(list(map(moments, drawn)), WINDOW, level, volume, KNOWN)
    xi = Limit(fit.value[0], fit.ci_low[0], fit.ci_high[0], fit.low, fit.high, realisations)
    decided = fit.flag[0] in DECISIVE
    rough_enough = at_most(xi, CRITICAL, MARGINS.exponent) if decided else "inconclusive"
    return Study(flux, limit, rough_enough, few)


CASES: dict[str, tuple[Draw, int, np.ndarray]] = {
    "anomaly": (points, 12, 4e-4 * 2.0 ** np.arange(6)),
    "no anomaly": (rough, 10, 1.6e-3 * 2.0 ** np.arange(6)),
}


def repeated(name: str, seed: int, repetitions: int = REPETITIONS) -> list[Study]:
    rngs = np.random.default_rng(seed).spawn(repetitions)
    return [study(*CASES[name], rng) for rng in rngs]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, list[Study]]:
    return request.param, repeated(request.param, seed=20270301)


def test_each_case_is_called_right(case: tuple[str, list[Study]]) -> None:
    name, studies = case
    right, wrong = ("violated", "holds") if name == "anomaly" else ("holds", "violated")
    outcomes = [study.flux for study in studies]
    assert outcomes.count(right) >= NEEDED
    assert outcomes.count(wrong) == 0


def test_the_criterion_is_called_right(case: tuple[str, list[Study]]) -> None:
    """A flux with ξ_3 below 1/3, and none with ξ_3 above, of which it then demands nothing."""
    name, studies = case
    expected = "holds" if name == "anomaly" else "violated"
    assert [study.rough_enough for study in studies].count(expected) >= NEEDED


def test_intervals_cover_the_exact_limit(case: tuple[str, list[Study]]) -> None:
    name, studies = case
    exact = EXPECTED if name == "anomaly" else 0.0
    covered = sum(study.limit.low <= exact <= study.limit.high for study in studies)
    # at least nominal, 90 of 100 less three binomial standard deviations
    assert covered >= 81


def test_too_little_data_is_inconclusive(case: tuple[str, list[Study]]) -> None:
    name, studies = case
    outcomes = [study.few for study in studies]
    # 92 to 100 % in the design; two values close to each other by chance have a narrow t-interval
    assert outcomes.count("inconclusive") >= 85
    assert outcomes.count("holds" if name == "anomaly" else "violated") == 0


def test_the_flux_of_points_tends_to_that_of_clusters_apart() -> None:
    """No statistics: one density, and the limit that every interval above is compared with."""
    masses = np.array([0.8, 1.2, 1.0, 0.9, 1.1, 1.0]) / MASSES
    places = LENGTH * (np.arange(MASSES) + np.array([0.1, 0.3, 0.0, 0.2, 0.4, 0.1])) / MASSES
    ells = 2e-4 * 2.0 ** np.arange(6)
    flux = terms(clusters(places, masses), ells)[np.newaxis, :, 1]
    limit = extrapolate(ells, flux, MARGINS.level, deterministic=True)
    exact = float(np.sum(masses**3) / 3.0)
    # Until ℓ comes near the distances between points, 0.1 L, Q^flux_ℓ is a quadratic in ℓ, as of a
    # single cluster: round-off and what Ĝ leaves at the highest mode, amplified by some ten.
    assert limit.value == pytest.approx(exact, rel=1e-9)
    assert limit.low <= exact <= limit.high
