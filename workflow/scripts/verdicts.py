"""The verdicts of all models."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import verdicts

with job_log(snakemake.log[0]):
    verdicts.run([Path(x) for x in snakemake.input], Path(snakemake.output[0]))
