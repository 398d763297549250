"""Besov exponents of a model."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import exponents

with job_log(snakemake.log[0]):
    exponents.run(
        snakemake.params.job, [Path(x) for x in snakemake.input], Path(snakemake.output[0])
    )
