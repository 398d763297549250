"""Every path of a study and the one canonical format of numbers in them.

Wildcards: model; temperature and ell, a batch of temperatures or scales joined by '_'; block.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WHOLE_STUDY = "_study"
"""Stands for the model in paths of what shows several; the name of a model begins with a letter."""
NUMBER = r"[0-9.e+-]+"
"""What `number` can produce, as a regular expression."""
BATCH = f"{NUMBER}(_{NUMBER})*"
"""What `batch_label` can produce."""


def number(value: float) -> str:
    """Six significant digits, no trailing zeros: 0.001, 1e-05, 12."""
    return f"{value:.6g}"


def batch_label(batch: tuple[float, ...]) -> str:
    """A batch of scales or temperatures: 0.1_0.2_0.4."""
    return "_".join(number(value) for value in batch)


@dataclass(frozen=True)
class Paths:
    """Path patterns below results/<study>, with wildcards in braces."""

    root: Path

    def _pattern(self, *parts: str) -> str:
        return str(self.root.joinpath(*parts))

    @property
    def state(self) -> str:
        """Densities or particles at the output times."""
        return self._pattern("state", "{model}", "T{temperature}", "block{block}.nc")

    @property
    def budget(self) -> str:
        """Terms of the stress balance."""
        return self._pattern("budget", "{model}", "T{temperature}", "ell{ell}", "block{block}.nc")

    @property
    def structure(self) -> str:
        """Norms of increments, gradients and wavelet blocks against scale."""
        return self._pattern("structure", "{model}", "T{temperature}", "block{block}.nc")

    @property
    def exponents(self) -> str:
        """Besov exponents with intervals."""
        return self._pattern("exponents", "{model}.nc")

    @property
    def limits(self) -> str:
        """Integrated terms, limits, dissipation scale and verdicts of a model."""
        return self._pattern("limits", "{model}.nc")

    @property
    def model_verdicts(self) -> str:
        """Verdicts of a model."""
        return self._pattern("limits", "{model}.csv")

    @property
    def verdicts(self) -> str:
        """Verdicts of the study."""
        return self._pattern("verdicts.csv")

    @property
    def bounds(self) -> str:
        """Exponents of the flux beside their bounds, for every kernel of force."""
        return self._pattern("bounds.csv")

    @property
    def summary(self) -> str:
        """The page that reads like a paper."""
        return self._pattern("summary.html")

    @property
    def config(self) -> str:
        """The configuration as it was validated, with every default."""
        return self._pattern("config.yaml")

    @property
    def metadata(self) -> str:
        """Where everything comes from: the metadata of an RO-Crate."""
        return self._pattern("ro-crate-metadata.json")

    @property
    def report(self) -> str:
        """Snakemake's own report of the jobs."""
        return self._pattern("report.html")

    def figure(self, model: str, name: str, suffix: str) -> str:
        """A figure (png) or its data (csv)."""
        return self._pattern("figures", model, f"{name}.{suffix}")

    def log(self, stage: str, wildcards: str) -> str:
        """Log of a job."""
        return self._pattern("logs", stage, f"{wildcards}.log")

    def benchmark(self, stage: str, wildcards: str) -> str:
        """Wall time and memory of a job."""
        return self._pattern("benchmarks", stage, f"{wildcards}.tsv")


def checkpoint(output: Path) -> Path:
    """Where a job under way leaves what it goes on from: beside its output, no output itself."""
    return output.with_name(f".{output.stem}.checkpoint.npz")
