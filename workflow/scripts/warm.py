"""Compile the kernels."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import warm

with job_log(snakemake.log[0]):
    warm.run(Path(snakemake.output[0]))
