"""Deterministic evolution of densities, as long as they stay smooth.

The zero-response instanton and, at T = 0, the noiseless Dean equation:

    ∂t ρ_s = ∇·(ρ_s F_s) + T ∇²ρ_s                                        (Eqs. 11 and 25)

Pseudo-spectral in space, without aliasing; fourth-order Runge-Kutta in time with the diffusion
integrated exactly, so that only the interaction limits the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glasscade.errors import ResolutionError, StabilityError
from glasscade.force import ForceField
from glasscade.transforms import Modes, mode_counts, modes_to_grid

Real = npt.NDArray[np.float64]

STABLE = 2.6
"""Largest dt·rate: the stability region of fourth-order Runge-Kutta contains the left half disc
of this radius (it reaches 2.79 on the real and 2.83 on the imaginary axis)."""
TAIL = 1e-8
"""Largest amplitude allowed in the outer tenth of the modes, relative to the largest mode."""


def evolve(
    density: Modes, field: ForceField, temperature: float, dt: float, save_steps: Sequence[int]
) -> Modes:
    """Integrate the density and return it at the given numbers of steps.

    Parameters
    ----------
    density : (S, modes)
        Initial ρ_s.
    field : ForceField
        For the same cell and modes.
    temperature : float
        T >= 0.
    dt : float
        Time step, fixed.
    save_steps : increasing integers, the first may be 0

    Returns
    -------
    (len(save_steps), S, modes)

    Raises
    ------
    StabilityError
        If dt exceeds the stability limit, at the start or at an output time.
    ResolutionError
        If the spectrum does not decay before the highest mode.
    """
    require_stable(density, field, dt)
    half = np.exp(-0.5 * temperature * dt * np.sum(field.wavevectors**2, axis=0))
    saved = []
    step = 0
    for target in save_steps:
        while step < target:
            density = _step(density, field, half, dt)
            step += 1
        require_stable(density, field, dt)
        require_resolved(density, field.cell.dim)
        saved.append(density)
    return np.array(saved)


def _step(u: Modes, field: ForceField, half: Real, dt: float) -> Modes:
    """One step of Runge-Kutta 4 in the variables that diffuse with the exact factor `half`²."""
    first = _interaction(u, field)
    second = _interaction(half * (u + 0.5 * dt * first), field)
    third = _interaction(half * u + 0.5 * dt * second, field)
    fourth = _interaction(half * (half * u + dt * third), field)
    slopes = half * (half * first + 2.0 * (second + third)) + fourth
    return np.asarray(half * half * u + (dt / 6.0) * slopes)


def _interaction(density: Modes, field: ForceField) -> Modes:
    """∇·(ρ_s F_s)."""
    return np.sum(1j * field.wavevectors * field.force_density(density), axis=1)


def require_stable(density: Modes, field: ForceField, dt: float) -> None:
    """Refuse a step beyond the limit set by transport, k_max |F|, and by relaxation, k² ρ V_hat."""
    if not np.all(np.isfinite(density)):
        raise StabilityError(f"dt: {dt:g} let the density diverge; take a smaller dt")
    shape = tuple(2 * m + 1 for m in mode_counts(density, field.cell.dim))
    forces = modes_to_grid(field.force(density), field.cell, shape)
    rho = modes_to_grid(density, field.cell, shape)
    k = np.linalg.norm(field.wavevectors, axis=0)
    transport = float(k.max() * np.sqrt(np.max(np.sum(forces**2, axis=1))))
    rate = transport + float(np.max(np.abs(rho)) * field.largest_relaxation())
    if dt * rate > STABLE:
        raise StabilityError(
            f"dt: {dt:g} is beyond the stability limit of the solver; the allowed range is "
            f"0 < dt <= {STABLE / rate:.3g}"
        )


def require_resolved(density: Modes, dim: int) -> None:
    """Refuse a density whose spectrum has not decayed in the outer tenth of its modes."""
    counts = mode_counts(density, dim)
    axes = [np.abs(np.arange(-m, m + 1)) / m for m in counts]
    radius = np.max(np.array(np.meshgrid(*axes, indexing="ij")), axis=0)
    amplitude = np.abs(density)
    tail = float(np.max(amplitude[..., radius > 0.9]) / np.max(amplitude))
    if tail > TAIL:
        raise ResolutionError(
            f"points: {2 * counts[0] + 2} grid points do not resolve the density: its spectrum "
            f"ends at {tail:.1e} of its maximum, allowed is {TAIL:.0e}; double the points"
        )
