"""A study: its models, each a system and the sweep over it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from glasscade.config.base import Batch, Closed, Kernels, Name, Positive, distinct
from glasscade.config.densities import SyntheticSystem
from glasscade.config.evolution import FieldSystem
from glasscade.config.imports import PLACES, TrajectorySystem
from glasscade.config.particles import GlassSystem, ShearSystem
from glasscade.config.settings import ExponentKeys, Margins, NullKeys, TestFunctionKeys
from glasscade.config.systems import TaggedSystem
from glasscade.errors import ConfigError, ResolutionError
from glasscade.limits.extrapolation import POINTS
from glasscade.paths import batch_label

MOST_JOBS = 100_000
"""Reductions of a model: ten times a large sweep."""
LONGEST_NAME = 240
"""Characters of the name of a file; file systems allow 255, and Snakemake adds some."""
FEWEST_TIMES = 8
"""Output times within the window of a decay."""
MOST_NOISE = 0.3
"""Of the range of a pair, how far noise may move a particle in a step: over more of it nothing
that pairs do to each other is seen. Glasses take a hundredth."""
SHARING = ("cluster", "field")
"""Kinds of systems of which several temperatures may share a job: no checkpoints, no ensembles."""
Temperature = Annotated[float, Field(ge=0.0)]


class Sweep(Closed):
    """The two limits and the ensemble: what is varied, and how it is cut into jobs."""

    temperature: tuple[Temperature | tuple[Temperature, ...], ...] = Field(
        min_length=1,
        description="values of T_v; one job for each entry, an entry in brackets being several "
        "that share a job, in systems of kind `cluster` and `field`; 0, the athermal end, must be "
        "among them, but for trajectories, and outside brackets",
    )
    ell: tuple[float | tuple[float, ...], ...] = Field(
        min_length=1,
        description="scales ℓ in lengths; one job for each entry, an entry in brackets being "
        "several scales that share a job; 0 stands for the fine-grained balance",
    )
    map_ell: tuple[Positive, ...] = Field(
        (), description="scales of `ell` at which the flux map of one realisation is computed"
    )
    realisations: int = Field(1, ge=1, le=100_000, description="independent realisations")
    block_size: int = Field(1, ge=1, le=100_000, description="realisations in one job")

    # Made once: every one of thousands of jobs asks for them.

    @cached_property
    def temperature_batches(self) -> tuple[Batch, ...]:
        """The temperatures of each job."""
        return _batches(self.temperature)

    @cached_property
    def temperatures(self) -> Batch:
        """All temperatures in the order given."""
        return tuple(value for batch in self.temperature_batches for value in batch)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """The scales of each job."""
        return _batches(self.ell)

    @cached_property
    def labelled_temperatures(self) -> dict[str, Batch]:
        """The temperatures of each job by their label in paths."""
        return {batch_label(batch): batch for batch in self.temperature_batches}

    @cached_property
    def labelled_batches(self) -> dict[str, Batch]:
        """The scales of each job by their label in paths."""
        return {batch_label(batch): batch for batch in self.batches}

    @cached_property
    def scales(self) -> Batch:
        """All scales in increasing order."""
        return tuple(sorted(ell for batch in self.batches for ell in batch))

    @property
    def blocks(self) -> int:
        """Number of blocks of realisations."""
        return -(-self.realisations // self.block_size)

    def block(self, index: int) -> list[int]:
        """The realisations of one block."""
        start = index * self.block_size
        return list(range(start, min(start + self.block_size, self.realisations)))

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, batches in (("temperature", self.temperature_batches), ("ell", self.batches)):
            if not all(batches):
                raise ValueError(f"{key} must not hold empty brackets")
            distinct(key, tuple(value for batch in batches for value in batch))
        count = len(self.temperature_batches) * len(self.batches) * self.blocks
        if count > MOST_JOBS:
            raise ValueError(
                f"{count} reductions are more than {MOST_JOBS}; give a job several scales or "
                "temperatures, in brackets, or more realisations, with block_size"
            )
        if not set(self.map_ell) <= set(self.scales):
            raise ValueError("map_ell must be among the scales of ell")
        return self


def _batches(entries: tuple[float | Batch, ...]) -> tuple[Batch, ...]:
    """Every entry as a batch, be it in brackets or not."""
    return tuple(entry if isinstance(entry, tuple) else (entry,) for entry in entries)


class RelaxationKeys(Closed):
    """What the decay of the speed of a descent at T = 0 is held against."""

    window: tuple[Positive, Positive] = Field(
        description="times, from and to, between which the decay is a power: after contacts have "
        "come to balance, before the slowest elastic wave of the cell has relaxed"
    )
    beta: Positive = Field(0.92, description="exponent of the speed, <v²>^½ ~ t^-β")
    tolerance: Positive = Field(0.03, description="by which a measured β may differ from it")

    @field_validator("window")
    @classmethod
    def _increases(cls, window: tuple[float, float]) -> tuple[float, float]:
        if not window[0] < window[1]:
            raise ValueError(f"window must increase, not be [{window[0]:g}, {window[1]:g}]")
        return window


class Model(Closed):
    """A system, the sweep over it, and where its exponents are fitted."""

    system: TaggedSystem
    sweep: Sweep
    window: tuple[Positive, Positive] | None = Field(
        None,
        description="range of scales, in lengths, in which a scaling range is looked for; needed "
        "wherever exponents are measured, by all systems but `shear`",
    )
    kernels: Kernels = Field(
        (), description="kernels of this model alone; if none, those of the study"
    )
    exponent_temperature: tuple[float, ...] = Field(
        (0.0,),
        description="temperatures at which exponents are measured; the lowest of the sweep, 0 but "
        "for trajectories, must be among them",
    )
    relaxation: RelaxationKeys | None = Field(
        None,
        description="a descent at T = 0 alone, judged by how its speed decays; of a glass, which "
        "needs no other temperature then",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.system.measures_roughness:
            self._check_window()
        elif self.window is not None:
            raise ValueError("window must be left out: no exponents of this system are measured")
        if isinstance(self.system, TrajectorySystem):
            self._check_files(self.system)
        elif 0.0 not in self.sweep.temperatures:
            raise ValueError("sweep.temperature must contain 0, the athermal end of every limit")
        lowest, chosen = min(self.sweep.temperatures), set(self.exponent_temperatures)
        if lowest not in chosen or not chosen <= set(self.sweep.temperatures):
            raise ValueError(
                f"exponent_temperature must hold {lowest:g} and be among sweep.temperature"
            )
        self._check_shared_jobs()
        if isinstance(self.system, GlassSystem):
            self._check_noise(self.system)
        if isinstance(self.system, SyntheticSystem) and self.sweep.temperatures != (0.0,):
            raise ValueError("sweep.temperature must be [0]: a synthetic density has no dynamics")
        if sum(ell > 0.0 for ell in self.sweep.scales) < POINTS + 1:
            raise ValueError(f"sweep.ell must hold at least {POINTS + 1} scales above 0")
        if self.relaxation is not None:
            self._check_relaxation(self.relaxation)
        elif isinstance(self.system, ShearSystem):
            self._check_events(self.system)
        elif not isinstance(self.system, SyntheticSystem):
            self._check_limits()
        return self

    def _check_window(self) -> None:
        """What the estimators of exponents need."""
        if self.window is None:
            raise ValueError("window is missing: the range in which a scaling range is looked for")
        low, high = self.window
        spacing = self.system.length / self.system.points
        # The largest scale of the estimators is L/8.
        dyadic = spacing * 2.0 ** np.arange(1, round(np.log2(self.system.points)) - 2)
        if low < 2.0 * spacing or np.sum((low <= dyadic) & (dyadic <= high)) < 3:
            raise ValueError(
                f"window must be [low, high], low two grid spacings, {2.0 * spacing:.4g}, or more, "
                "with at least three of the dyadic scales "
                + ", ".join(f"{scale:.4g}" for scale in dyadic)
                + f" in it (got [{low:g}, {high:g}])"
            )

    def _check_noise(self, system: GlassSystem) -> None:
        """A temperature in other units than V₀/k_B, as in kelvin, moves particles too far."""
        shortest = min(pair.cutoff for row in system.mixture.table for pair in row)
        largest = (MOST_NOISE * shortest) ** 2 / (2.0 * system.mobility * system.dt)
        hottest = max(self.sweep.temperatures)
        if hottest > largest:
            raise ValueError(
                f"sweep.temperature must be at most {largest:.3g} V0/k_B with dt = "
                f"{system.dt:g}: noise would move particles by more than {MOST_NOISE:g} of the "
                f"range of their potential in a step (got {hottest:g})"
            )

    def _check_shared_jobs(self) -> None:
        """Which temperatures may stand in brackets."""
        shared = {t for batch in self.sweep.temperature_batches if len(batch) > 1 for t in batch}
        if shared and self.system.kind not in SHARING:
            raise ValueError(
                "sweep.temperature must not hold several values in brackets: systems of kind "
                f"{' and '.join(SHARING)} share jobs in this way, not those of kind "
                f"{self.system.kind}"
            )
        # A state at T = 0 may be of points, those above are of grids; exponents are of one state.
        for alone in sorted(shared & {0.0, *self.exponent_temperatures}):
            raise ValueError(
                f"sweep.temperature must hold {alone:g} outside brackets: 0 and what is in "
                "exponent_temperature have jobs of their own"
            )

    def _check_events(self, system: ShearSystem) -> None:
        """What the stress drops of events by scale need."""
        if self.sweep.temperatures != (0.0,):
            raise ValueError("sweep.temperature must be [0]: quasistatic shear is athermal")
        if 0.0 not in self.sweep.scales:
            raise ValueError("sweep.ell must hold 0, the stress drop itself")
        if self.sweep.scales[-1] < system.balance_from:
            raise ValueError(
                f"sweep.ell must hold a scale from balance_from, {system.balance_from:g}, upwards"
            )

    def _check_limits(self) -> None:
        """What the iterated limits need."""
        if self.system.deterministic and self.sweep.realisations > 1:
            raise ValueError("sweep.realisations must be 1: this system is deterministic")
        if not self.limited and not isinstance(self.system, TrajectorySystem):
            raise ValueError(f"sweep.temperature must hold 0 and at least {POINTS} values above")
        if 0.0 not in self.sweep.scales:
            raise ValueError("sweep.ell must hold 0, the fine-grained balance")
        if isinstance(self.system, FieldSystem):
            self._check_layers(self.system)

    def _check_layers(self, system: FieldSystem) -> None:
        """Every temperature needs a grid that resolves its layers."""
        try:
            for temperature in self.sweep.temperatures:
                system.solved_shape(temperature)
        except ResolutionError as error:
            raise ValueError(f"system.{error}") from None

    def _check_files(self, system: TrajectorySystem) -> None:
        """Every run of the sweep needs a file of its own."""
        sweep = self.sweep
        counts = {"temperature": len(sweep.temperatures), "realisations": sweep.realisations}
        for place, (key, count) in zip(PLACES, counts.items(), strict=True):
            if count > 1 and place not in system.file:
                raise ValueError(
                    f"system.file must hold {place} in its name, since sweep.{key} stands for "
                    f"{count} runs"
                )

    @property
    def exponent_temperatures(self) -> tuple[float, ...]:
        """Where exponents are measured: at the lowest temperature if none is chosen."""
        if self.exponent_temperature == (0.0,):
            return (min(self.sweep.temperatures),)
        return self.exponent_temperature

    @property
    def limited(self) -> bool:
        """Whether there are temperatures enough for the iterated limits."""
        return 0.0 in self.sweep.temperatures and len(self.sweep.temperatures) > POINTS

    def files(self, temperature: float, block: int) -> list[Path]:
        """The files that a simulation reads: one for each run of a trajectory, else none."""
        if not isinstance(self.system, TrajectorySystem):
            return []
        return [self.system.path(temperature, run) for run in self.sweep.block(block)]

    def _check_relaxation(self, keys: RelaxationKeys) -> None:
        """What a decay needs."""
        if not isinstance(self.system, GlassSystem) or self.sweep.temperatures != (0.0,):
            raise ValueError("relaxation: it is of a glass with sweep.temperature [0]")
        times = np.array(self.system.save_steps) * self.system.dt
        inside = np.sum((times >= keys.window[0]) & (times <= keys.window[1]))
        if inside < FEWEST_TIMES:
            raise ValueError(
                f"relaxation.window must hold at least {FEWEST_TIMES} output times, not {inside}"
            )

    def check_names(self, name: str) -> None:
        """Refuse batches whose labels make the name of a file longer than file systems allow."""
        sweep = self.sweep
        longest = [max(x, key=len) for x in (sweep.labelled_temperatures, sweep.labelled_batches)]
        length = len("{}_T{}_ell{}_block{}.log".format(name, *longest, sweep.blocks))
        if length > LONGEST_NAME:
            raise ConfigError(
                "sweep: the largest brackets of temperature and ell make the name of a log "
                f"{length} characters long, of at most {LONGEST_NAME}; make them smaller, or the "
                "name of the model shorter"
            )

    def check_scales(self, kernels: tuple[str, ...]) -> None:
        """Refuse a scale that is below the grid's resolution or above a quarter of the cell.

        The first kernel must be resolved at every scale; the others are left out wherever the
        grid does not resolve them.
        """
        low = self.system.smallest_scale(kernels[0])
        high = 0.25 * self.system.length
        for ell in self.sweep.scales:
            if ell != 0.0 and not low <= ell <= high:
                raise ConfigError(
                    f"sweep.ell: {ell:g} is outside the allowed range {low:.4g} <= ell <= "
                    f"{high:.4g} set by the grid of {self.system.points} points and by L/4; "
                    "change ell or points"
                )


class Study(Closed):
    """A whole study."""

    study: Name = Field(description="name of the study; results go to results/<study>")
    seed: int = Field(ge=0, lt=2**32, description="seed of everything random")
    kernels: Kernels = Field(
        ("gaussian", "wendland_c6", "bump"),
        min_length=2,
        description="coarse-graining kernels; the bump is used where k_max ℓ >= 55",
    )
    test_functions: TestFunctionKeys = TestFunctionKeys()
    exponents: ExponentKeys = ExponentKeys()
    nulls: NullKeys = NullKeys()
    margins: Margins = Margins()
    outside_folders: tuple[str, ...] = Field(
        (),
        description="folders, seen from the configuration, from which models may read files that "
        "lie neither beside it nor where the study is started, nor below",
    )
    models: dict[Name, Model] = Field(min_length=1, description="the models, by name")

    def kernels_of(self, model: str) -> tuple[str, ...]:
        """The kernels of a model."""
        return self.models[model].kernels or self.kernels
