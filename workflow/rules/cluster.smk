import os
import sys

from glasscade.jit import WARM

SHORT = 120.0
"""Seconds, as estimated, up to which a job shares its submission to a cluster with others."""


def resources(cost):
    """Memory in megabytes and wall time in minutes to ask for.

    `cost` is estimated from the wildcards. A job that failed is given more of both, since either
    may be what it lacked.
    """
    return {
        "mem_mb": lambda w, attempt: attempt * cost(w).asked["mem_mb"],
        "runtime": lambda w, attempt: attempt * cost(w).asked["runtime"],
    }


def short(stage, cost, model=None):
    """The group of those jobs of a stage and model that are short; None for others.

    Jobs that follow one another in a group must agree on the cost. Jobs of a group share
    submissions, of as many as the profile says under `group-components`. Profiles that say
    nothing, and dry runs of theirs, have no groups.
    """

    def group(wildcards):
        if stage not in workflow.group_settings.group_components or cost(wildcards).seconds > SHORT:
            return None
        name = f"{stage}_{model or wildcards.model}"
        # By this Snakemake finds the number for a group whose name has wildcards in it.
        workflow.parent_groupids[name] = stage
        return name

    return group


def compile_kernels():
    """Compile what jobs call, unless that has been done for the processor of this computer."""
    if not WARM.exists():
        from glasscade.stages import warm

        print("Compiling kernels, once; this takes about a minute", file=sys.stderr)
        warm.once()


def bear_outages():
    """Have the executor for Slurm bear that Slurm does not answer, and refuse what it cannot do."""
    if workflow.executor_plugin.name != "slurm":
        return
    import snakemake_executor_plugin_slurm as plugin

    from glasscade import slurm

    slurm.require_plain(os.getcwd())
    plugin.query_job_status = slurm.patient(plugin.query_job_status)
    plugin.Executor.run_job = slurm.once_it_answers(plugin.Executor.run_job)


def leave_records():
    """A job writes down what it was made from; the main process may be gone when it ends.

    Its files would count as finished all the same, and no change of their parameters would be seen.
    """
    from snakemake.persistence import PersistenceBase
    from snakemake_interface_executor_plugins.settings import ExecMode

    finished, settings = PersistenceBase.finished, workflow.workflow_settings
    mode = settings.exec_mode

    async def recorded(persistence, job):
        settings.exec_mode = ExecMode.DEFAULT  # of a main process, which alone would do it
        try:
            await finished(persistence, job)
        finally:
            settings.exec_mode = mode

    PersistenceBase.finished = recorded


# A job on a cluster may find itself on another processor than the process that submitted it.
if not workflow.is_main_process:
    compile_kernels()
if workflow.remote_exec:
    leave_records()
