"""Names of checks and quantities in words; `typeset` turns them into HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from glasscade.coarse import KERNELS
from glasscade.limits.verdicts import GLOBAL, TOGETHER
from glasscade.paths import NUMBER
from glasscade.report.numbers import plain

SYMBOLS = {"holds": "✓", "violated": "✗", "inconclusive": "?", "none": "–"}


@dataclass(frozen=True)
class Check:
    """How a check is introduced, and how its reference is compared: `=`, `≥`, `≤` or not."""

    title: str
    text: str
    relation: str = "="


CHECKS: dict[str, Check] = {
    "control": Check(
        "Controls",
        "Cases whose answer is known exactly. If one of these is missed, nothing else on this page "
        "should be believed; β, by which the speed of a descent decays, is known from others' runs "
        "of larger systems. The forms are largest relative deviations from the exact "
        "expressions over all T or all ℓ.",
    ),
    "closure": Check(
        "Closure of the balance",
        "The change of stress minus all its terms, relative to the largest term: at one time, "
        "where only round-off may remain, and integrated over time, where the spacing of the "
        "output limits it. The interval of the latter is the error of the time integral. At T > 0 "
        "the balance of particles leaves a martingale, the work of the noise: its mean over "
        "realisations is zero but for the error of Euler steps, which the margin allows for; with "
        "few realisations the interval of the mean may be wider than the margin. Of a plastic "
        "event it is the change of shear stress, relative to the largest over scales, at the scale "
        "where residual and error reach furthest; the energy lost is the worst of all events.",
    ),
    "commutation": Check(
        "Commutation of the limits",
        "A − B for φ = 1 and in every region, that is for every bump φ; all together hold if each "
        "does, and are violated if one is with the wider interval of one of several comparisons "
        "(Bonferroni). A − B vanishes unless the "
        "limit T → 0 selects another solution than the run at T = 0. Of fields A is held against "
        "the limits of all terms along ℓ ∝ T^{α} as well, which are the same whatever the path. "
        "For particles, and for fields that collapse without an exact answer, the parts, "
        "lim Q^{flux}_{ℓ}, lim Q^{thermal} and H, are listed beside it: each holds where it cannot "
        "be told from zero, and one that is violated is an anomaly.",
    ),
    "convergence": Check(
        "Convergence of the densities",
        "Limit T → 0 of the norm ‖ρ^{T} − ρ‖_{p}, the largest over the output times, which must be "
        "zero within a fraction of ‖ρ‖_{p}, and its power of T, which must be positive. Where the "
        "density at T = 0 is a measure, both are coarse-grained first, at the smallest and at the "
        "largest scale.",
    ),
    "kernel_independence": Check(
        "Independence of the kernel",
        "Limit ℓ → 0 of the difference between Q^{flux}_{ℓ} by another kernel and by the first, "
        "over the scales that both resolve.",
    ),
    "direct_terms_vanish": Check(
        "Direct terms vanish",
        "At fixed ℓ the thermal term must vanish in proportion to T: d ln|Q^{thermal}_{ℓ}| / "
        "d ln T is 1.",
    ),
    "flux_bound": Check(
        "Bounds of the flux",
        "The measured exponent of Q^{flux}_{ℓ} in ℓ beside what the regularity of density and "
        "force implies; it must not lie below. The tolerance holds the uncertainty of the bound "
        "itself. Besov exponents count up to 1.",
        "≥",
    ),
    "criterion": Check(
        "Criterion of roughness",
        "A flux that does not vanish demands ξ_{3} ≤ 1/3. The criterion is one-way: where the "
        "flux vanishes it claims nothing and holds whatever ξ_{3} is. It is local: the flux "
        "smeared with a bump is judged with the ξ_{3} of the same region.",
        "≤",
    ),
    "exponent_recovery": Check(
        "Recovery of known exponents",
        "ξ_{3} of synthetic densities whose exponent H is known, by the one estimator that enters "
        "verdicts.",
    ),
    "dissipation_scale": Check(
        "Dissipation scale",
        "ℓ_{½}, where the resolved fraction R(ℓ) of the change of stress falls through one half. "
        "It holds where R crosses one half within the scales studied; there is no reference.",
        "",
    ),
}

_QUANTITIES: tuple[tuple[str, str], ...] = (
    (r"A_minus_B", "A − B"),
    (r"A_minus_B_(?P<x>\w+)", "A − B ({x})"),
    (rf"A_minus_joint_(?P<x>{NUMBER})", "A − limit along ℓ ∝ T^{{x}}"),
    (rf"norm_(?P<x>\d)(_at_ell_(?P<l>{NUMBER}))?", "lim ‖ρ^{T} − ρ‖_{{x}}{l}"),
    (rf"exponent_(?P<x>\d)(_at_ell_(?P<l>{NUMBER}))?", "power of T of ‖ρ^{T} − ρ‖_{{x}}{l}"),
    (r"lim_Q_thermal", "lim Q^{thermal}"),
    (r"lim_Q_flux", "lim Q^{flux}_{ℓ}"),
    (r"lim_Q_flux_zero_by_theorem", "lim Q^{flux}_{ℓ}, zero by theorem"),
    (
        r"lim_Q_flux_(?P<x>\w+)_minus_(?P<y>\w+)",
        "lim Q^{flux}_{ℓ}, {x} minus {y}",
    ),
    (r"H", "H"),
    (r"closest_approach_over_core", "closest pair over its core radius"),
    (r"beta_from_speed", "β of the speed"),
    (r"beta_from_energy", "β of the energy"),
    (r"Q_thermal_form", "form of Q^{thermal}(T)"),
    (r"Q_flux_form", "form of Q^{flux}_{ℓ}"),
    (r"instantaneous", "at one time"),
    (r"time_integrated", "integrated over time"),
    (rf"stress_drop_event(?P<x>{NUMBER})", "stress drop of event {x}"),
    (r"energy_drop", "energy lost in an event, against ∫Σv² dt"),
    (rf"martingale_mean_T(?P<x>{NUMBER})", "mean martingale at T = {x}"),
    (rf"slope_in_T_at_ell_(?P<x>{NUMBER})", "slope in T at ℓ = {x}"),
    (rf"pointwise_vs_3xi-1(_H(?P<h>{NUMBER}))?", "pointwise, against 3ξ_{3}−1{h}"),
    (
        rf"(?P<x>pointwise|product)_vs_2xi\+xiF-1(_H(?P<h>{NUMBER}))?",
        "{x}, against 2ξ_{3}+ξ_{3}^{F}−1{h}",
    ),
    (rf"smeared_vs_xi\+xiF(_H(?P<h>{NUMBER}))?", "smeared, against ξ_{3}+ξ_{3}^{F}{h}"),
    (r"xi_3_with_flux", "ξ_{3}, flux not excluded"),
    (r"xi_3_no_flux", "ξ_{3}, no flux"),
    (rf"xi_3_H(?P<x>{NUMBER})", "ξ_{3} for H = {x}"),
    (rf"ell_half_T(?P<x>{NUMBER})", "ℓ_{½} at T = {x}"),
)


_FITTED = (
    (r"A_minus|H$|lim_Q_thermal|Q_thermal_form|norm|exponent|slope_in_T", "T"),
    (r"closest_approach|beta", "t"),
    (r"xi_3", "r"),
)
"""How names of quantities begin whose fit windows are not of ℓ."""


ADDITIONS = {"h": "H", "l": "ℓ"}
"""Groups of the patterns that are followed by what they are the value of."""


def quantity(name: str, region: str = GLOBAL) -> str:
    """A quantity of `verdicts.csv` in words, its own name where there are none."""
    where = {GLOBAL: "", TOGETHER: ", worst region"}.get(region, f", {region}")
    return _words(name) + where


def relation(check: str, name: str) -> str:
    """How a quantity is held against its reference, in a check of equality maybe from one side."""
    one_sided = name.startswith(("closest_approach", "exponent_"))
    return "≥" if one_sided else CHECKS[check].relation


def fitted(name: str) -> str:
    """Symbol of what a fit window of a quantity is a range of."""
    return next((symbol for begin, symbol in _FITTED if re.match(begin, name)), "ℓ")


def subject(name: str) -> str:
    """The same without what is known of it in one region and not in another."""
    return "ξ_{3}" if name.startswith(("xi_3_no", "xi_3_with")) else _words(name)


def _words(name: str) -> str:
    for pattern, words in _QUANTITIES:
        match = re.fullmatch(pattern, name)
        if match:
            for key, found in match.groupdict().items():
                words = words.replace(f"{{{key}}}", _found(key, found))
            return words
    return name


def _found(key: str, found: str | None) -> str:
    """What a pattern found, numbers as elsewhere on the page; H and ℓ are additions."""
    if found is None:
        return ""
    shown = plain(float(found)) if re.fullmatch(NUMBER, found) else kernel_label(found)
    return f", {ADDITIONS[key]} = {shown}" if key in ADDITIONS else shown


def typeset(text: str) -> str:
    """HTML of a text in which _{...} and ^{...} are indices; everything else is escaped.

    Lines do not break around the signs of formulas.
    """
    tags = {"_": "sub", "^": "sup"}

    def index(match: re.Match[str]) -> str:
        tag = tags[match.group(1)]
        return f"<{tag}>{match.group(2)}</{tag}>"

    unbroken = re.sub(r" ([=×≤≥−→]|&[lg]t;) ", "\u00a0\\1\u00a0", html.escape(text))
    return re.sub(r"([_^])\{([^{}]*)\}", index, unbroken)


def kernel_label(name: str) -> str:
    """A kernel in words; what is no kernel as it is."""
    return KERNELS[name].label if name in KERNELS else name
