"""The stages of a study one after the other, without Snakemake: the same jobs, files and order.

For trying out, and for machines where the workflow cannot run. Nothing is skipped because it is
already there, and nothing runs in parallel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from glasscade import inventory, jobs
from glasscade.config import Study
from glasscade.errors import ConfigError
from glasscade.inventory import Task
from glasscade.jobs import Labels
from glasscade.paths import number
from glasscade.provenance import SOURCE

LOG = logging.getLogger("glasscade")
CAPTIONS = SOURCE / "workflow" / "report"
"""Captions of the figures."""


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
    if stage not in (*STAGES, ALL):
        raise ConfigError(f"there is no stage {stage}; it is one of {', '.join((*STAGES, ALL))}")
    names = list(STAGES) if stage == ALL else [stage]
    tasks = _tasks(study)
    selected = {name: _chosen(tasks, name, chosen) for name in names}
    if not any(selected.values()):
        raise ConfigError(f"the study {study.study} has no jobs of the stage {stage}")
    for name, found in selected.items():
        for count, task in enumerate(found, start=1):
            LOG.info("%s: job %d of %d: %s", name, count, len(found), _title(task))
            STAGES[name](task, results / study.study)


def select(study: Study, stage: str, chosen: Labels) -> list[Task]:
    """The jobs of a stage whose wildcards have the chosen values."""
    return _chosen(_tasks(study), stage, chosen)


def _tasks(study: Study) -> list[Task]:
    """The jobs of a study with the last one, which records all others."""
    return [*inventory.tasks(study), Task("record", {}, jobs.record(study), {}, ())]


def _chosen(tasks: list[Task], stage: str, chosen: Labels) -> list[Task]:
    found = [task for task in tasks if task.stage == stage]
    if not found:
        return []
    for wildcard, value in chosen.items():
        if wildcard not in found[0].labels:
            raise ConfigError(f"--{wildcard}: jobs of the stage {stage} have no {wildcard}")
        known = list(dict.fromkeys(task.labels[wildcard] for task in found))
        found = [task for task in found if _matches(wildcard, task.labels[wildcard], value)]
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


def _title(task: Task) -> str:
    return " ".join(f"{name} {value}" for name, value in task.labels.items()) or "the whole study"


def _inputs(task: Task, folder: Path, name: str) -> list[Path]:
    return [folder / path for path in task.reads[name]]


def _input(task: Task, folder: Path, name: str) -> Path:
    [path] = _inputs(task, folder, name)
    return path


def _exponents_of(task: Task, folder: Path) -> Path | None:
    """The exponents of a model, if they are measured."""
    return next(iter(_inputs(task, folder, "exponents")), None)


# Every stage imports what it needs when it runs: matplotlib and numba take long to load.


def _simulate(task: Task, folder: Path) -> None:
    from glasscade.stages import simulate

    simulate.run(task.parameters, folder / task.outputs[0])


def _reduce(task: Task, folder: Path) -> None:
    from glasscade.stages import reduce

    reduce.run(task.parameters, _input(task, folder, "state"), folder / task.outputs[0])


def _structure(task: Task, folder: Path) -> None:
    from glasscade.stages import structure

    structure.run(task.parameters, _input(task, folder, "state"), folder / task.outputs[0])


def _exponents(task: Task, folder: Path) -> None:
    from glasscade.stages import exponents

    exponents.run(task.parameters, _inputs(task, folder, "structures"), folder / task.outputs[0])


def _limits(task: Task, folder: Path) -> None:
    from glasscade.stages import limits

    output, verdicts = (folder / path for path in task.outputs)
    limits.run(
        task.parameters,
        budgets=_inputs(task, folder, "budgets"),
        exponents=_exponents_of(task, folder),
        output=output,
        verdicts=verdicts,
        states=_inputs(task, folder, "states"),
    )


def _figures(task: Task, folder: Path) -> None:
    from glasscade.stages import figures

    figures.run(
        task.parameters,
        limits=_input(task, folder, "limits"),
        exponents=_exponents_of(task, folder),
        verdicts=_input(task, folder, "verdicts"),
        folder=(folder / task.outputs[0]).parent,
    )


def _verdicts(task: Task, folder: Path) -> None:
    from glasscade.stages import verdicts

    verdicts.run(_inputs(task, folder, "verdicts"), folder / task.outputs[0])


def _comparison(task: Task, folder: Path) -> None:
    from glasscade.stages import comparison

    comparison.run(
        task.parameters,
        limits=_inputs(task, folder, "limits"),
        exponents=_inputs(task, folder, "exponents"),
        verdicts=_inputs(task, folder, "verdicts"),
        stem=(folder / task.outputs[0]).with_suffix(""),
    )


def _bounds(task: Task, folder: Path) -> None:
    from glasscade.stages import bounds

    table, figure, *_ = (folder / path for path in task.outputs)
    limits = _inputs(task, folder, "limits")
    bounds.run(task.parameters, limits=limits, table=table, folder=figure.parent)


def _summary(task: Task, folder: Path) -> None:
    from glasscade.stages import summary

    summary.run(
        task.parameters,
        verdicts=_input(task, folder, "verdicts"),
        limits=_inputs(task, folder, "limits"),
        exponents=_inputs(task, folder, "exponents"),
        figures=_inputs(task, folder, "figures")[0].parents[1],
        captions=CAPTIONS,
        output=folder / task.outputs[0],
    )


def _record(task: Task, folder: Path) -> None:
    from glasscade.stages import record

    record.run(task.parameters, folder)


STAGES: dict[str, Callable[[Task, Path], None]] = {
    "simulate": _simulate,
    "reduce": _reduce,
    "structure": _structure,
    "exponents": _exponents,
    "limits": _limits,
    "figures": _figures,
    "verdicts": _verdicts,
    "comparison": _comparison,
    "bounds": _bounds,
    "summary": _summary,
    "record": _record,
}
"""What runs a job of a stage in the folder of its study, in the order of the stages."""
ALL = "all"
"""Every stage."""
