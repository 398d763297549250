"""The models of particles in one figure, and its data."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import comparison

with job_log(snakemake.log[0]):
    comparison.run(
        snakemake.params.job,
        limits=[Path(x) for x in snakemake.input.limits],
        exponents=[Path(x) for x in snakemake.input.exponents],
        verdicts=[Path(x) for x in snakemake.input.verdicts],
        stem=Path(snakemake.output.image).with_suffix(""),
    )
