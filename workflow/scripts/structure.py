"""Norms of the density and the force of a state against scale."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import structure

with job_log(snakemake.log[0]):
    structure.run(snakemake.params.job, Path(snakemake.input[0]), Path(snakemake.output[0]))
