"""The stages of a study one after the other, without Snakemake: the same jobs, files and order.

For trying out, and for machines where the workflow cannot run. Nothing is skipped because it is
already there, and nothing runs in parallel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glasscade import jobs
from glasscade.config import Study
from glasscade.errors import ConfigError
from glasscade.jobs import Labels
from glasscade.paths import WHOLE_STUDY, Paths, number
from glasscade.provenance import SOURCE

LOG = logging.getLogger("glasscade")
CAPTIONS = SOURCE / "workflow" / "report"
"""Captions of the figures."""


@dataclass(frozen=True)
class Stage:
    """The wildcards of the jobs of a stage, and how one of them is run."""

    wildcards: Callable[[Study], list[Labels]]
    run: Callable[[Study, Paths, Labels], None]


def run(study: Study, stage: str, chosen: Labels, results: Path) -> None:
    """Run the jobs of one stage, or of all, in order.

    Parameters
    ----------
    study : Study
    stage : str
        One of `STAGES`, or `ALL`.
    chosen : dict
        Values of wildcards, any of model, temperature, ell, block; jobs with other values are
        left out. An ell stands for the batch that holds it. With `ALL` there is nothing to choose,
        since what comes last needs every job before it.
    results : Path
        The folder that holds the folder of the study.

    Raises
    ------
    ConfigError
        If there is no such stage, a wildcard is not one of it, or no job has the chosen values.
    """
    paths = Paths(results / study.study)
    if stage not in (*STAGES, ALL):
        raise ConfigError(f"there is no stage {stage}; it is one of {', '.join((*STAGES, ALL))}")
    names = list(STAGES) if stage == ALL else [stage]
    selected = {name: select(study, name, chosen) for name in names}
    if not any(selected.values()):
        raise ConfigError(f"the study {study.study} has no jobs of the stage {stage}")
    for name, found in selected.items():
        for count, labels in enumerate(found, start=1):
            LOG.info("%s: job %d of %d: %s", name, count, len(found), _title(labels))
            STAGES[name].run(study, paths, labels)


def select(study: Study, stage: str, chosen: Labels) -> list[Labels]:
    """The wildcards of the jobs of a stage that have the chosen values."""
    found = STAGES[stage].wildcards(study)
    if not found:
        return []
    for wildcard, value in chosen.items():
        if wildcard not in found[0]:
            raise ConfigError(f"--{wildcard}: jobs of the stage {stage} have no {wildcard}")
        known = list(dict.fromkeys(labels[wildcard] for labels in found))
        found = [labels for labels in found if _matches(wildcard, labels[wildcard], value)]
        if not found:
            raise ConfigError(f"--{wildcard}: there is no {value}; it is one of {', '.join(known)}")
    return found


def _matches(wildcard: str, label: str, value: str) -> bool:
    """Whether a label is the value, numbers being equal however they are written."""
    if wildcard not in ("temperature", "ell"):
        return label == value
    try:
        return number(float(value)) in label.split("_")
    except ValueError:
        raise ConfigError(f"--{wildcard}: {value} is not a number") from None


def _title(labels: Labels) -> str:
    return " ".join(f"{name} {value}" for name, value in labels.items()) or "the whole study"


def _once(study: Study) -> list[Labels]:
    return [{}]


def _if(stage: str) -> Callable[[Study], list[Labels]]:
    return lambda study: [{}] if stage in jobs.study_stages(study) else []


def _models(study: Study) -> list[Labels]:
    return [{"model": model} for model in study.models]


def _measured(study: Study) -> list[Labels]:
    return [{"model": model} for model in jobs.measured(study)]


def _each(of_model: Callable[[Study, str], list[Labels]]) -> Callable[[Study], list[Labels]]:
    return lambda study: [labels for model in study.models for labels in of_model(study, model)]


# Every stage imports what it needs when it runs: matplotlib and numba take long to load.


def _simulate(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import simulate

    simulate.run(jobs.simulate(study, **labels), Path(paths.state.format(**labels)))


def _reduce(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import reduce

    state, output = Path(paths.state.format(**labels)), Path(paths.budget.format(**labels))
    reduce.run(jobs.reduce(study, **labels), state, output)


def _structure(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import structure

    state, output = Path(paths.state.format(**labels)), Path(paths.structure.format(**labels))
    structure.run(jobs.structure(study, labels["model"]), state, output)


def _exponents(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import exponents

    model = labels["model"]
    inputs = [Path(paths.structure.format(**x)) for x in jobs.structures(study, model)]
    exponents.run(jobs.exponents(study, model), inputs, Path(paths.exponents.format(**labels)))


def _exponents_of(study: Study, paths: Paths, model: str) -> Path | None:
    """The exponents of a model, if they are measured."""
    return Path(paths.exponents.format(model=model)) if model in jobs.measured(study) else None


def _limits(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import limits

    model = labels["model"]
    limits.run(
        jobs.limits(study, model),
        budgets=[Path(paths.budget.format(**x)) for x in jobs.reductions(study, model)],
        exponents=_exponents_of(study, paths, model),
        output=Path(paths.limits.format(**labels)),
        verdicts=Path(paths.model_verdicts.format(**labels)),
        states=[Path(paths.state.format(**x)) for x in jobs.compared_states(study, model)],
    )


def _figures(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import figures

    figures.run(
        jobs.figures(study, labels["model"]),
        limits=Path(paths.limits.format(**labels)),
        exponents=_exponents_of(study, paths, labels["model"]),
        verdicts=Path(paths.model_verdicts.format(**labels)),
        folder=Path(paths.figure(labels["model"], "any", "png")).parent,
    )


def _verdicts(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import verdicts

    inputs = [Path(paths.model_verdicts.format(model=model)) for model in study.models]
    verdicts.run(inputs, Path(paths.verdicts))


def _comparison(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import comparison

    models = jobs.compared(study)
    comparison.run(
        jobs.comparison(study),
        limits=[Path(paths.limits.format(model=model)) for model in models],
        exponents=[Path(paths.exponents.format(model=model)) for model in models],
        verdicts=[Path(paths.model_verdicts.format(model=model)) for model in models],
        stem=Path(paths.figure(WHOLE_STUDY, "comparison", "png")).with_suffix(""),
    )


def _bounds(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import bounds

    bounds.run(
        jobs.bounds(study),
        limits=[Path(paths.limits.format(model=model)) for model in jobs.bounded(study)],
        table=Path(paths.bounds),
        folder=Path(paths.figure(WHOLE_STUDY, "any", "png")).parent,
    )


def _summary(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import summary

    summary.run(
        jobs.summary(study),
        verdicts=Path(paths.verdicts),
        limits=[Path(paths.limits.format(model=model)) for model in study.models],
        exponents=[Path(paths.exponents.format(model=model)) for model in jobs.measured(study)],
        figures=Path(paths.figure("any", "any", "png")).parents[1],
        captions=CAPTIONS,
        output=Path(paths.summary),
    )


def _record(study: Study, paths: Paths, labels: Labels) -> None:
    from glasscade.stages import record

    record.run(jobs.record(study), Path(paths.metadata).parent)


STAGES = {
    "simulate": Stage(_each(jobs.states), _simulate),
    "reduce": Stage(_each(jobs.reductions), _reduce),
    "structure": Stage(_each(jobs.structures), _structure),
    "exponents": Stage(_measured, _exponents),
    "limits": Stage(_models, _limits),
    "figures": Stage(_models, _figures),
    "verdicts": Stage(_once, _verdicts),
    "comparison": Stage(_if("comparison"), _comparison),
    "bounds": Stage(_if("bounds"), _bounds),
    "summary": Stage(_once, _summary),
    "record": Stage(_once, _record),
}
ALL = "all"
