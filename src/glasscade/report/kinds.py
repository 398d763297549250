"""What a reader must know of each kind of system before the numbers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from glasscade.config import System


@dataclass(frozen=True)
class Kind:
    """Texts on one kind of system.

    Attributes
    ----------
    text : str
        What the model is and what it is in the study for; empty for the docstring of its class.
    no_scale, no_limits, no_criterion : str
        Why there is no row of a check, as the end of a sentence.
    flux_theorem : str
        Why the limit of the flux is zero whatever is measured; empty where nothing is known.
    """

    text: str = ""
    no_scale: str = "no run of this study decides"
    no_limits: str = "no run of this study decides"
    no_criterion: str = "no run of this study decides"
    flux_theorem: str = ""


KINDS: dict[str, Kind] = {
    "cluster": Kind(
        text="An exactly solvable anomaly, in the study as a control. On a periodic line the "
        "attractive cone V = g(|x| − x²/L) gathers a mass M into a cluster: of width 2T/(gM) at "
        "T > 0, a point at T = 0. Its states are stationary, so every term is a rate. The thermal "
        "term tends to g²M³/3 as T → 0, the flux at T = 0 to the same as ℓ → 0, and H = 0. The "
        "density concentrates, which is outside the class for which the flux must vanish.",
        no_scale="no run of this study decides: the states are stationary and no stress changes",
    ),
    "field": Kind(
        text="A density that evolves without noise, at every temperature from the same initial "
        "state: the zero-response instanton at T > 0, the noiseless Dean equation at T = 0, whose "
        "solution is a measure of points with weights where it concentrates. Where the density "
        "stays smooth, or ∇V is Lipschitz, no term may survive either limit, which makes it a "
        "negative control; an attractive cone is where one may.",
    ),
    "synthetic": Kind(
        text="Random densities whose Besov exponent H is known, on both sides of 1/3, without "
        "dynamics: a control of the estimators of exponents and of the bounds of the flux.",
        no_scale="no run of this study decides: the densities have no dynamics",
        no_limits="no run of this study decides: the densities have neither temperature nor "
        "dynamics",
        no_criterion="no run of this study decides: the densities have no limit of the flux",
    ),
    "glass": Kind(
        text="Soft spheres of two sizes, diameters 1 and 1.4, half of each, quenched from random "
        "positions: the model glass. Every temperature starts from the same positions and meets "
        "the same noise, at the same time step. Pairs repel with V = ½ε(1 − r/d)² inside their "
        "mean diameter d; inside the core radius the force is rounded to a linear one, below the "
        "closest approach of a relaxed packing.",
        flux_theorem="zero by theorem, since the rounded core makes the force Lipschitz: not a "
        "finding. What is open, and shown, is the finite range of ℓ",
    ),
    "shear": Kind(
        text="Particles quenched at once from random positions and sheared quasistatically: small "
        "affine steps, each followed by relaxation. Where the minimum of the energy vanishes, "
        "which is bracketed by bisection, they descend by the overdamped dynamics without noise, "
        "at fixed strain and in the cell of that strain: a plastic event, in which no external "
        "work enters. The stress drop of every event is decomposed by scale.",
        no_limits="no run of this study decides: quasistatic shear is athermal, and an event is "
        "looked at scale by scale",
        no_criterion="no run of this study decides: the roughness of sheared packings is not "
        "measured",
    ),
    "trajectory": Kind(
        text="A trajectory that another program made, with forces recomputed from the potential "
        "of the configuration. If it declares overdamped dynamics its balance is judged as that of "
        "our own runs; else the currents are those of its velocities, a residual stands for what "
        "overdamped dynamics leave of them, and closure has no verdict.",
        no_limits="no run of this study decides: the trajectories are not those of T = 0 and of "
        "several temperatures above it",
        no_criterion="no run of this study decides: the trajectories have no limits",
        flux_theorem="zero by theorem, where the core of the potential makes the force Lipschitz: "
        "not a finding. What is open, and shown, is the finite range of ℓ",
    ),
}


def kind_of(system: System) -> Kind:
    """Texts of a system; a kind without any of its own is described by its class."""
    return KINDS.get(system.kind, Kind())


def description(system: System) -> str:
    """What the model is."""
    return kind_of(system).text or " ".join((inspect.getdoc(type(system)) or "").split())
