"""glasscade: a parameter study of stress dissipation in soft amorphous solids.

    snakemake -c all --configfile config/config.yaml

simulate -> reduce -> limits -> verdicts -> summary -> record, with structure -> exponents beside
reduce.
"""

import os
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from glasscade import config as configuration
from glasscade import estimate, jobs
from glasscade.errors import GlasscadeError
from glasscade.paths import BATCH, Paths
from glasscade.provenance import code_digest

report: "workflow/report/overview.rst"

# Not the `configfile` directive: it would merge the default study into the user's.
DEFAULT = Path(workflow.basedir) / "config" / "config.yaml"
GIVEN = workflow.config_settings.configfiles
# From here, since a path that is part of the parameters must not move with the project.
FOLDER = Path(os.path.relpath(Path(GIVEN[-1]).parent)) if GIVEN else Path()


def given_study():
    """The study that Snakemake was given, or the default one."""
    if not (config or GIVEN):
        return configuration.load(DEFAULT)
    for path in GIVEN:
        configuration.read(Path(path))  # Snakemake's own reader lets a repeated key pass.
    try:
        return configuration.parse(config, FOLDER)
    except GlasscadeError as error:
        where = f"{GIVEN[-1]}: " if GIVEN else ""
        raise GlasscadeError(f"{where}{error}") from None


try:
    STUDY = given_study()
except GlasscadeError as error:
    raise WorkflowError(str(error)) from None

PATHS = Paths(Path("results") / STUDY.study)
MODELS = list(STUDY.models)
SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"

# One thread for each job unless its rule says otherwise: jobs share the cores. Of products of
# matrices always: the last bits depend on how many threads share one.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
for variable in ("NUMBA", "OMP"):
    os.environ.setdefault(f"{variable}_NUM_THREADS", "1")
# Keep freed memory instead of asking the system for it anew at every array (glibc; a tenth of
# the processor time of a reduction otherwise).
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**30))


def code(stage):
    """Digest of a stage and of all it imports, and of the script that calls it."""
    return code_digest(f"glasscade.stages.{stage}", scripts=(SCRIPTS / f"{stage}.py",))


@cache
def estimated(rule, **labels):
    """What a job costs, from its rule and the wildcards that matter for that."""
    return estimate.of_job(STUDY, rule, labels)


def cost(rule, model=None):
    """What a job of a rule costs, from its wildcards: the same for all blocks of realisations.

    `model` is that of a rule which has it in its name.
    """

    def of_wildcards(wildcards):
        labels = {key: label for key, label in wildcards.items() if key != "block"}
        return estimated(rule, **(labels | {"model": model} if model else labels))

    return of_wildcards


# Not a rule: if it were to run again, Snakemake would not look at the parameters of what comes
# after it, and with `ancient` between them would leave results of older code in place.
onstart:
    from glasscade import clock

    bear_outages()
    given = {Path(path) for job in workflow.dag.jobs for path in job.input}
    clock.settle({PATHS.root} | {path for path in given if PATHS.root not in path.parents})
    compile_kernels()
    follow()


wildcard_constraints:
    model="[a-z][a-z0-9_]*",
    temperature=BATCH,
    ell=BATCH,
    block="[0-9]+",


localrules:
    all,


rule all:
    input:
        PATHS.summary,
        PATHS.verdicts,
        PATHS.metadata,
    default_target: True


include: "workflow/rules/cluster.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/reduce.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/progress.smk"
