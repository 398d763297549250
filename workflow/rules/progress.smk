RUN = []  # what follows the run, from its start on


def tell(text):
    """Say something where Snakemake says what it does: in the terminal and in its log file."""
    from snakemake.logging import logger

    logger.info(text)


def follow():
    """From now on, say every now and then how far the run is."""
    from snakemake.logging import logger

    from glasscade.progress import Progress

    others = sorted({path.name for path in (PATHS.root / "state").glob("*")} - set(MODELS))
    if others:
        tell(
            f"{PATHS.root} also holds {', '.join(others)}, of another configuration with this name of a "
            "study: `glasscade verify` will find that; give the study another name, or move them away"
        )

    planned = workflow.dag.needrun_jobs()
    costs = {job.jobid: cost(job.rule.name)(job.wildcards).seconds for job in planned}
    RUN.append(Progress(costs, tell))
    logger.addHandler(RUN[0])


def command_of_report():
    """What writes Snakemake's own report of this study."""
    given = ["--configfile", *map(os.path.relpath, GIVEN)] if GIVEN else []
    return " ".join(["snakemake", *given, "--report", PATHS.report])


onsuccess:
    from glasscade import outcome

    whole = any(job.rule.name == "all" for job in workflow.dag.jobs)
    tell(outcome.succeeded(PATHS, RUN[0], command_of_report() if whole else ""))


onerror:
    from glasscade import outcome

    tell(outcome.failed(RUN[0]))
