"""Where the results of a study come from."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import record

with job_log(snakemake.log[0]):
    record.run(snakemake.params.job, Path(snakemake.output.metadata).parent)
