"""The summary page of a study."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import summary

with job_log(snakemake.log[0]):
    summary.run(
        snakemake.params.job,
        verdicts=Path(snakemake.input.verdicts),
        limits=[Path(x) for x in snakemake.input.limits],
        exponents=[Path(x) for x in snakemake.input.exponents],
        figures=Path(snakemake.input.images[0]).parents[1],
        captions=Path(snakemake.input.captions[0]).parent,
        output=Path(snakemake.output[0]),
    )
