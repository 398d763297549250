"""Limits, dissipation scale and verdicts of a model."""

from pathlib import Path

from glasscade.logs import job_log
from glasscade.stages import limits

with job_log(snakemake.log[0]):
    limits.run(
        snakemake.params.job,
        budgets=[Path(x) for x in snakemake.input.budgets],
        exponents=next((Path(x) for x in snakemake.input.exponents), None),
        output=Path(snakemake.output.limits),
        verdicts=Path(snakemake.output.verdicts),
        states=[Path(x) for x in snakemake.input.states],
    )
