"""Pair tables: which potential acts between which two species, and how stiff it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasscade.errors import ConfigError
from glasscade.jit import jit
from glasscade.potentials import Mixture, kernels

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Equal spheres that can touch one in d dimensions.
KISSING_NUMBER = {1: 2, 2: 6, 3: 12}
# Types of pairs are stored in 16 bits.
_MOST_SPECIES = 256
_SAMPLES = 4096


@dataclass(frozen=True, eq=False)
class PairTable:
    """The potential V_{ss'} of every pair of S species.

    Attributes
    ----------
    kind
        (S, S) integer kinds of `glasscade.potentials.kernels`.
    parameters
        (S, S, n) their rows of parameters, lengths in l0 and energies in V0; rows of kinds that
        need fewer than n are padded with zeros.
    cutoff
        (S, S) distance beyond which the pair does not interact; 0 for species that never do.

    Raises
    ------
    ConfigError
        If a shape is wrong, a kind is unknown or its rows are too short, an entry is not finite,
        the table is not symmetric, or a harmonic pair is cut inside its diameter.
    """

    kind: Integers
    parameters: Real
    cutoff: Real

    def __post_init__(self) -> None:
        kind = np.array(self.kind, dtype=np.int64, order="C")
        parameters = np.array(self.parameters, dtype=np.float64, order="C")
        cutoff = np.array(self.cutoff, dtype=np.float64, order="C")
        size = kind.shape[0] if kind.ndim == 2 else 0
        shapes = (kind.shape, parameters.shape, cutoff.shape)
        square, rows = (size, size), (size, size, *parameters.shape[2:3])
        if size == 0 or parameters.ndim != 3 or shapes != (square, rows, square):
            raise ConfigError(
                f"pairs: kind, parameters and cutoff must have the shapes (S, S), (S, S, n) and "
                f"(S, S), not {shapes[0]}, {shapes[1]} and {shapes[2]}"
            )
        _check_entries(kind, parameters, cutoff)
        for name, array in (("kind", kind), ("parameters", parameters), ("cutoff", cutoff)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def from_mixture(cls, mixture: Mixture) -> PairTable:
        """The table of the potentials that budgets use.

        Raises
        ------
        ConfigError
            If V or V' of a pair is not bounded.
        """
        pairs = list(mixture.pairs())
        for _, _, potential in pairs:
            if not potential.bounded:
                raise ConfigError(
                    f"potential.kind: '{potential.name}' is not bounded, as particles need it to "
                    "be; use it with densities"
                )
        shape = (mixture.species, mixture.species)
        length = max(potential.parameters.size for _, _, potential in pairs)
        kind, cutoff = np.empty(shape, np.int64), np.empty(shape)
        parameters = np.zeros((*shape, length))
        for a, b, potential in pairs:
            row = potential.parameters
            kind[a, b] = potential.kind
            parameters[a, b, : row.size] = row
            cutoff[a, b] = potential.cutoff
        return cls(kind, parameters, cutoff)

    @property
    def species(self) -> int:
        """Number of species S."""
        return int(self.kind.shape[0])

    @property
    def reach(self) -> float:
        """Largest cutoff of any pair."""
        return float(self.cutoff.max())


def _check_entries(kind: Integers, parameters: Real, cutoff: Real) -> None:
    """Refuse entries no pair potential can have."""
    if len(kind) > _MOST_SPECIES:
        raise ConfigError(f"pairs: {len(kind)} species are more than the {_MOST_SPECIES} possible")
    for each in np.unique(kind):
        least = kernels.LEAST.get(int(each))
        if least is None:
            raise ConfigError(f"pairs: kind {each} is unknown, use one of {sorted(kernels.LEAST)}")
        if parameters.shape[2] < least:
            raise ConfigError(
                f"pairs: rows of {parameters.shape[2]} parameters are too short for kind {each}, "
                f"which has at least {least}"
            )
    if not (np.all(np.isfinite(parameters)) and np.all(np.isfinite(cutoff))):
        raise ConfigError("pairs: every parameter and cutoff must be a finite number")
    symmetric = all(np.array_equal(a, np.swapaxes(a, 0, 1)) for a in (kind, parameters, cutoff))
    if not symmetric:
        raise ConfigError("pairs: the table must be symmetric, V_ab = V_ba")
    if np.any(cutoff < 0.0) or cutoff.max() == 0.0:
        raise ConfigError("pairs: cutoffs must be >= 0, and > 0 for at least one pair")
    active = (kind == kernels.HARMONIC) & (cutoff > 0.0)
    if not np.any(active):
        return
    diameter, core = parameters[active, 1], parameters[active, 2]
    if np.any(diameter <= 0.0) or np.any(core < 0.0) or np.any(core >= diameter):
        raise ConfigError("pairs: a harmonic pair needs 0 <= core radius < diameter")
    if np.any(cutoff[active] < diameter):
        raise ConfigError("pairs: the cutoff of a harmonic pair must be at least its diameter")


@jit
def _largest_curvature(kind: int, row: Real, cutoff: float, samples: int) -> float:
    """Maximum over 0 < r < cutoff of the eigenvalues V'' and V'/r of the Hessian of V, or 0."""
    largest = 0.0
    for k in range(samples):
        r = cutoff * (k + 0.5) / samples
        largest = max(largest, kernels.curvature(kind, r, row), kernels.slope(kind, r, row) / r)
    return largest


def stiffness(table: PairTable) -> Real:
    """Largest positive curvature κ_ab = max_r {V''(r), V'(r)/r, 0} of each pair, shape (S, S).

    The maximum is taken over 4096 distances. A potential that attracts with V'(0) ≠ 0 has none:
    the value then grows with the number of distances, and no step is stable.
    """
    out = np.zeros(table.cutoff.shape)
    for a, b in np.ndindex(out.shape):
        if table.cutoff[a, b] > 0.0:
            kind, cutoff = int(table.kind[a, b]), float(table.cutoff[a, b])
            out[a, b] = _largest_curvature(kind, table.parameters[a, b], cutoff, _SAMPLES)
    return out
