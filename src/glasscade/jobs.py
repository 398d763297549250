"""The jobs of a study: their wildcards, and exactly what each needs of the configuration.

The workflow compares the parameters with those of the last run to decide what to compute again,
so a key must appear only where it changes the result. Wildcards are labels as they stand in
paths; the values behind them are looked up in the configuration.
"""

from __future__ import annotations

from typing import Any

from glasscade.config import UNSEEN, FieldSystem, GlassSystem, Model, Study, SyntheticSystem
from glasscade.figures import figure_names as names_of
from glasscade.paths import number

Job = dict[str, Any]
Labels = dict[str, str]


def temperatures(study: Study, model: str) -> list[str]:
    """Labels of the batches of temperatures of a model."""
    return list(study.models[model].sweep.labelled_temperatures)


def batches(study: Study, model: str) -> list[str]:
    """Labels of the batches of scales of a model."""
    return list(study.models[model].sweep.labelled_batches)


def blocks(study: Study, model: str) -> list[str]:
    """Labels of the blocks of realisations of a model."""
    return [str(block) for block in range(study.models[model].sweep.blocks)]


def states(study: Study, model: str) -> list[Labels]:
    """One simulation for every batch of temperatures and block."""
    return [
        {"model": model, "temperature": temperature, "block": block}
        for temperature in temperatures(study, model)
        for block in blocks(study, model)
    ]


def reductions(study: Study, model: str) -> list[Labels]:
    """One reduction for every simulation and batch of scales."""
    return [state | {"ell": ell} for state in states(study, model) for ell in batches(study, model)]


def measured(study: Study) -> list[str]:
    """The models whose exponents are measured."""
    return [model for model, keys in study.models.items() if keys.system.measures_roughness]


def structures(study: Study, model: str) -> list[Labels]:
    """One measurement of structure for every simulation at a temperature of the exponents."""
    if model not in measured(study):
        return []
    chosen = {number(t) for t in study.models[model].exponent_temperatures}
    return [state for state in states(study, model) if state["temperature"] in chosen]


def simulate(study: Study, model: str, temperature: str, block: str) -> Job:
    """Parameters of a simulation: the system, its temperatures, the realisations of one block.

    Of the system without what a simulation does not look at, so that a change there moves none.
    """
    keys = study.models[model]
    unseen = UNSEEN.get(keys.system.kind, {})
    return {
        "system": {key: value for key, value in _system(keys).items() if key not in unseen},
        "temperatures": _temperatures(keys, temperature),
        "realisations": keys.sweep.block(int(block)),
        "seed": study.seed,
    }


def simulate_files(study: Study, model: str, temperature: str, block: str) -> list[str]:
    """Paths of the files that a simulation reads, those of a trajectory."""
    keys = study.models[model]
    files = [keys.files(t, int(block)) for t in _temperatures(keys, temperature)]
    return [str(path) for paths in files for path in paths]


def reduce(study: Study, model: str, temperature: str, ell: str, block: str) -> Job:
    """Parameters of a reduction: the system, the temperatures of a state, one batch of scales.

    Maps are made for the first realisation at the lowest T, hence in one job alone.
    """
    keys = study.models[model]
    batch, chosen = keys.sweep.labelled_batches[ell], _temperatures(keys, temperature)
    first = block == "0" and chosen == [min(keys.sweep.temperatures)]
    return {
        "system": _system(keys),
        "temperatures": chosen,
        "ell": list(batch),
        "map_ell": [value for value in batch if value in keys.sweep.map_ell and first],
        "kernels": list(study.kernels_of(model)),
        "bumps": study.test_functions.bumps,
        "sharpness": study.test_functions.sharpness,
        "seed": study.seed,
    }


def structure(study: Study, model: str) -> Job:
    """Parameters of the moments from which exponents are fitted, with those of the nulls."""
    keys = study.models[model]
    random = {"seed": study.seed, "nulls": study.nulls.plain}
    return {
        "system": _system(keys),
        "orders": list(study.exponents.orders),
        **(random if keys.system.particles else {}),
    }


def exponents(study: Study, model: str) -> Job:
    """Parameters of the fits of exponents, with the temperature of every input."""
    keys = study.models[model]
    return {
        "temperatures": [
            t for x in structures(study, model) for t in _temperatures(keys, x["temperature"])
        ],
        "window": list(keys.window or ()),
        "level": study.margins.exponent_level,
        "deterministic": keys.system.deterministic,
        "bumps": study.test_functions.bumps,
        "sharpness": study.test_functions.sharpness,
        "seed": study.seed,
    }


def limits(study: Study, model: str) -> Job:
    """Parameters of the limits and verdicts, with the temperatures of every budget and state."""
    keys = study.models[model]
    decay, compared = keys.relaxation, compared_states(study, model)
    of_states = [_temperatures(keys, x["temperature"]) for x in compared]
    return {
        **({"relaxation": decay.plain} if decay else {}),
        **({"state_temperatures": of_states} if compared else {}),
        "model": model,
        "system": _system(keys),
        "temperatures": [_temperatures(keys, x["temperature"]) for x in reductions(study, model)],
        "estimator": study.exponents.verdict_estimator,
        "margins": study.margins.plain,
    }


def compared_states(study: Study, model: str) -> list[Labels]:
    """The states whose densities are compared over temperatures: of fields with limits."""
    keys = study.models[model]
    if not (isinstance(keys.system, FieldSystem) and keys.system.deterministic and keys.limited):
        return []
    return states(study, model)


def figure_names(study: Study, model: str) -> tuple[str, ...]:
    """Names of the figures of a model, in the order of the report."""
    keys = study.models[model]
    return names_of(
        keys.system.kind,
        maps=bool(keys.sweep.map_ell),
        limits=keys.limited,
        relaxation=keys.relaxation is not None,
    )


def figures(study: Study, model: str) -> Job:
    """Parameters of the figures of a model."""
    keys = study.models[model]
    return {
        "names": list(figure_names(study, model)),
        "length": keys.system.length,
        "estimator": study.exponents.verdict_estimator,
        "level": study.margins.level,
        "exponent": study.margins.exponent,
    }


def compared(study: Study) -> list[str]:
    """The models that one figure compares: those of the glass, where there are several."""
    found = [model for model, keys in study.models.items() if isinstance(keys.system, GlassSystem)]
    return found if len(found) > 1 else []


def comparison(study: Study) -> Job:
    """Parameters of the figure that compares models of particles.

    A refinement is a pair of models that differ in dt alone, [finer, coarser].
    """
    systems = {model: _system(study.models[model]) for model in compared(study)}
    return {
        "models": {
            model: figures(study, model) | {key: system[key] for key in ("number", "dt")}
            for model, system in systems.items()
        },
        "refinements": [
            [finer, coarser]
            for finer, fine in systems.items()
            for coarser, coarse in systems.items()
            if fine["dt"] < coarse["dt"] and fine | {"dt": coarse["dt"]} == coarse
        ],
    }


def bounded(study: Study) -> list[str]:
    """The models whose flux is set beside its bounds: known densities on a line, if several."""
    found = [
        model
        for model, keys in study.models.items()
        if isinstance(keys.system, SyntheticSystem) and keys.system.dimension == 1
    ]
    return found if len(found) > 1 else []


def bounds(study: Study) -> Job:
    """Parameters of the table and the figures of the bounds of the flux."""
    return {
        "models": {model: {"system": _system(study.models[model])} for model in bounded(study)},
        "names": bounds_figures(study),
        "level": study.margins.level,
        "bound": study.margins.bound,
    }


def bounds_figures(study: Study) -> list[str]:
    """Names of the figures of the bounds; a phase diagram needs two orders of Riesz kernels."""
    potentials = (_system(study.models[model])["potential"] for model in bounded(study))
    orders = {keys["order"] for keys in potentials if keys["kind"] == "riesz"}
    several = ["flux_bounds", "phase_diagram"] if len(orders) > 1 else ["flux_bounds"]
    return several if bounded(study) else []


def study_stages(study: Study) -> list[str]:
    """Stages that look at several models together."""
    found = {"comparison": compared(study), "bounds": bounded(study)}
    return [stage for stage, models in found.items() if models]


def study_figures(study: Study) -> list[str]:
    """Names of the figures of several models together."""
    return [*(["comparison"] if compared(study) else []), *bounds_figures(study)]


def summary(study: Study) -> Job:
    """Parameters of the summary page, which shows the whole configuration."""
    return {
        "study": study.model_dump(mode="json"),
        "figures": {model: list(figure_names(study, model)) for model in study.models},
        "study_figures": study_figures(study),
    }


def record(study: Study) -> Job:
    """Parameters of the record of a study, which holds the whole configuration."""
    return {"study": study.model_dump(mode="json")}


def _system(keys: Model) -> Job:
    return keys.system.plain


def _temperatures(keys: Model, label: str) -> list[float]:
    return list(keys.sweep.labelled_temperatures[label])
