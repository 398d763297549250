"""The stress balance of a state at a batch of scales."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import reduce

with job_log(snakemake.log[0]):
    reduce.run(snakemake.params.job, Path(snakemake.input[0]), Path(snakemake.output[0]))
