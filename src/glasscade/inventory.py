"""Every job of a study with the files that it reads and writes, as the workflow has them.

Paths are seen from the folder of the study.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glasscade import jobs
from glasscade.config import Study
from glasscade.paths import WHOLE_STUDY, Paths

PATHS = Paths(Path())


@dataclass(frozen=True)
class Task:
    """A job: its stage, its name among those of the stage, what it was given, its files.

    `model` is empty for a job that looks at all. `files` lie outside the folder of the study:
    trajectories of other programs.
    """

    stage: str
    model: str
    name: str
    parameters: dict[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    files: tuple[str, ...] = ()

    @property
    def log(self) -> str:
        """Where its messages are."""
        return PATHS.log(self.stage, self.name)

    @property
    def benchmark(self) -> str:
        """Where the workflow leaves what it cost."""
        return PATHS.benchmark(self.stage, self.name)


def tasks(study: Study) -> list[Task]:
    """The jobs of a study in the order in which they run, without the one that records it."""
    models = [task for model in study.models for task in _of_model(study, model)]
    return [*models, *_of_study(study)]


def _of_model(study: Study, model: str) -> Iterator[Task]:
    exponents = [PATHS.exponents.format(model=model)] if model in jobs.measured(study) else []
    limits = PATHS.limits.format(model=model)
    verdicts = PATHS.model_verdicts.format(model=model)

    def task(
        stage: str, name: str, job: dict[str, Any], inputs: list[str], *outputs: str, **more: Any
    ) -> Task:
        return Task(stage, model, name, job, tuple(inputs), outputs, **more)

    for x in jobs.states(study, model):
        name, files = _name(x, "T{temperature}", "block{block}"), jobs.simulate_files(study, **x)
        job, output = jobs.simulate(study, **x), PATHS.state.format(**x)
        yield task("simulate", name, job, [], output, files=tuple(files))
    for x in jobs.reductions(study, model):
        name = _name(x, "T{temperature}", "ell{ell}", "block{block}")
        states, output = [PATHS.state.format(**x)], PATHS.budget.format(**x)
        yield task("reduce", name, jobs.reduce(study, **x), states, output)
    for x in jobs.structures(study, model):
        name = _name(x, "T{temperature}", "block{block}")
        states, output = [PATHS.state.format(**x)], PATHS.structure.format(**x)
        yield task("structure", name, jobs.structure(study, model), states, output)
    if exponents:
        measured = [PATHS.structure.format(**x) for x in jobs.structures(study, model)]
        yield task("exponents", model, jobs.exponents(study, model), measured, *exponents)
    reduced = [PATHS.budget.format(**x) for x in jobs.reductions(study, model)]
    compared = [PATHS.state.format(**x) for x in jobs.compared_states(study, model)]
    inputs = [*reduced, *exponents, *compared]
    yield task("limits", model, jobs.limits(study, model), inputs, limits, verdicts)
    drawn = _drawn(model, jobs.figure_names(study, model))
    inputs = [limits, *exponents, verdicts]
    yield task("figures", model, jobs.figures(study, model), inputs, *drawn)


def _of_study(study: Study) -> Iterator[Task]:
    def each(pattern: str, models: list[str]) -> list[str]:
        return [pattern.format(model=model) for model in models]

    models, measured = list(study.models), jobs.measured(study)
    tables = each(PATHS.model_verdicts, models)
    yield Task("verdicts", "", "verdicts", {}, tuple(tables), (PATHS.verdicts,))
    if compared := jobs.compared(study):
        patterns = (PATHS.limits, PATHS.exponents, PATHS.model_verdicts)
        inputs = [path for pattern in patterns for path in each(pattern, compared)]
        drawn = _drawn(WHOLE_STUDY, ("comparison",))
        yield Task("comparison", "", "comparison", jobs.comparison(study), tuple(inputs), drawn)
    if bounded := jobs.bounded(study):
        drawn = _drawn(WHOLE_STUDY, jobs.bounds_figures(study))
        inputs, outputs = each(PATHS.limits, bounded), (PATHS.bounds, *drawn)
        yield Task("bounds", "", "bounds", jobs.bounds(study), tuple(inputs), outputs)
    shown = [path for m in models for path in _drawn(m, jobs.figure_names(study, m))]
    shown += _drawn(WHOLE_STUDY, jobs.study_figures(study))
    inputs = [PATHS.verdicts, *each(PATHS.limits, models), *each(PATHS.exponents, measured), *shown]
    yield Task("summary", "", "summary", jobs.summary(study), tuple(inputs), (PATHS.summary,))


def _name(labels: dict[str, str], *parts: str) -> str:
    """The name of a job, as its log has it."""
    return "_".join([labels["model"], *(part.format(**labels) for part in parts)])


def _drawn(model: str, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(PATHS.figure(model, name, suffix) for name in names for suffix in ("png", "csv"))
