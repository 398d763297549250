"""Exponents of the flux beside their bounds: the table and the figures."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import bounds

with job_log(snakemake.log[0]):
    bounds.run(
        snakemake.params.job,
        limits=[Path(x) for x in snakemake.input.limits],
        table=Path(snakemake.output.table),
        folder=Path(snakemake.output.images[0]).parent,
    )
