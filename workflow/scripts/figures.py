"""The figures of a model and their data."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import figures

with job_log(snakemake.log[0]):
    figures.run(
        snakemake.params.job,
        limits=Path(snakemake.input.limits),
        exponents=next((Path(x) for x in snakemake.input.exponents), None),
        verdicts=Path(snakemake.input.verdicts),
        folder=Path(snakemake.output.images[0]).parent,
    )
