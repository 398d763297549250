"""Simulate one block of realisations at the temperatures of a job."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import simulate

with job_log(snakemake.log[0]):
    simulate.run(snakemake.params.job, Path(snakemake.output[0]))
