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
from glasscade.jobs import Labels
from glasscade.paths import WHOLE_STUDY, Paths

PATHS = Paths(Path())


@dataclass(frozen=True)
class Task:
    """A job: its stage, its wildcards, what it was given, its files.

    A job that looks at all models has no wildcards. `reads` are its inputs by what they are to it;
    `files` lie outside the folder of the study: trajectories of other programs.
    """

    stage: str
    labels: Labels
    parameters: dict[str, Any]
    reads: dict[str, tuple[str, ...]]
    outputs: tuple[str, ...]
    files: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """Its model, empty for a job that looks at all."""
        return self.labels.get("model", "")

    @property
    def name(self) -> str:
        """Its name among the jobs of the stage, as its log has it."""
        signs = {"model": "", "temperature": "T", "ell": "ell", "block": "block"}
        parts = [sign + self.labels[key] for key, sign in signs.items() if key in self.labels]
        return "_".join(parts) or self.stage

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that it reads in the folder of the study."""
        return tuple(path for paths in self.reads.values() for path in paths)

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
    for x in jobs.states(study, model):
        files = tuple(jobs.simulate_files(study, **x))
        yield Task("simulate", x, jobs.simulate(study, **x), {}, _each(PATHS.state, [x]), files)
    for x in jobs.reductions(study, model):
        reads, job = {"state": _each(PATHS.state, [x])}, jobs.reduce(study, **x)
        yield Task("reduce", x, job, reads, _each(PATHS.budget, [x]))
    structures = jobs.structures(study, model)
    for x in structures:
        reads, job = {"state": _each(PATHS.state, [x])}, jobs.structure(study, model)
        yield Task("structure", x, job, reads, _each(PATHS.structure, [x]))
    only = {"model": model}
    exponents = _each(PATHS.exponents, [only] if model in jobs.measured(study) else [])
    if exponents:
        reads = {"structures": _each(PATHS.structure, structures)}
        yield Task("exponents", only, jobs.exponents(study, model), reads, exponents)
    limits, verdicts = _each(PATHS.limits, [only]), _each(PATHS.model_verdicts, [only])
    reads = {
        "budgets": _each(PATHS.budget, jobs.reductions(study, model)),
        "exponents": exponents,
        "states": _each(PATHS.state, jobs.compared_states(study, model)),
    }
    yield Task("limits", only, jobs.limits(study, model), reads, (*limits, *verdicts))
    reads = {"limits": limits, "exponents": exponents, "verdicts": verdicts}
    drawn = _drawn(model, jobs.figure_names(study, model))
    yield Task("figures", only, jobs.figures(study, model), reads, drawn)


def _of_study(study: Study) -> Iterator[Task]:
    models = list(study.models)
    reads = {"verdicts": _of(PATHS.model_verdicts, models)}
    yield Task("verdicts", {}, {}, reads, (PATHS.verdicts,))
    if compared := jobs.compared(study):
        patterns = {
            "limits": PATHS.limits,
            "exponents": PATHS.exponents,
            "verdicts": PATHS.model_verdicts,
        }
        reads = {name: _of(pattern, compared) for name, pattern in patterns.items()}
        drawn = _drawn(WHOLE_STUDY, ("comparison",))
        yield Task("comparison", {}, jobs.comparison(study), reads, drawn)
    if bounded := jobs.bounded(study):
        drawn = _drawn(WHOLE_STUDY, jobs.bounds_figures(study))
        reads = {"limits": _of(PATHS.limits, bounded)}
        yield Task("bounds", {}, jobs.bounds(study), reads, (PATHS.bounds, *drawn))
    shown = [path for m in models for path in _drawn(m, jobs.figure_names(study, m))]
    reads = {
        "verdicts": (PATHS.verdicts,),
        "limits": _of(PATHS.limits, models),
        "exponents": _of(PATHS.exponents, jobs.measured(study)),
        "figures": (*shown, *_drawn(WHOLE_STUDY, jobs.study_figures(study))),
    }
    yield Task("summary", {}, jobs.summary(study), reads, (PATHS.summary,))


def _each(pattern: str, found: list[Labels]) -> tuple[str, ...]:
    return tuple(pattern.format(**labels) for labels in found)


def _of(pattern: str, models: list[str]) -> tuple[str, ...]:
    return _each(pattern, [{"model": model} for model in models])


def _drawn(model: str, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(PATHS.figure(model, name, suffix) for name in names for suffix in ("png", "csv"))
