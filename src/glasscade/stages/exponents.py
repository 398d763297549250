"""Stage 4: Besov exponents of ρ and F with intervals, in the whole cell, in regions, in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from glasscade.analysis.arrays import cell_of, variable
from glasscade.budget.smearing import TestFunctions
from glasscade.cell import Cell
from glasscade.io import read_dataset, write_dataset
from glasscade.regularity.blocks import independent
from glasscade.regularity.exponents import CRITICAL_ORDER, DECISIVE, FLAGS, Exponents, exponents
from glasscade.regularity.moments import Moments, average
from glasscade.regularity.scaling import Expected, curves
from glasscade.stages.batches import TEMPERATURE
from glasscade.stages.structure import expected_of, moments_of

Real = npt.NDArray[np.float64]

NUMBERS = {
    "value": "Besov exponent ξ_q",
    "ci_low": "lower end of the interval",
    "ci_high": "upper end of the interval",
    "statistical": "half-width from the scatter of the samples",
    "systematic": "half-width from the change over the scaling range",
    "raw": "slope over the scaling range, plus the offset, before the correction",
    "correction": "what grid and box add to the slope of a fractional field",
}


def run(job: dict[str, Any], inputs: list[Path], output: Path) -> None:
    """Fit exponents over the realisations of all blocks.

    Parameters
    ----------
    job : dict
        `window`, `level`, `deterministic`, `bumps`, `sharpness`, `seed`, and `temperatures`, one
        for each input file.
    inputs, output : Path
        Structure files and the file of exponents.
    """
    blocks: dict[float, list[xr.Dataset]] = {}
    for path, temperature in zip(inputs, job["temperatures"], strict=True):
        # Moments that do not exist are not numbers, and so is the padding of the scales.
        dataset = read_dataset(path, "mean", "scale", finite=False)
        blocks.setdefault(temperature, []).append(dataset)
    rows = [
        _temperature(
            xr.concat(
                blocks[temperature],
                dim="realisation",
                data_vars="minimal",
                coords="minimal",
                compat="override",
            ),
            job,
        )
        for temperature in sorted(blocks)
    ]
    dataset = xr.concat(rows, dim="temperature", data_vars="all").assign_coords(
        temperature=("temperature", sorted(blocks), TEMPERATURE)
    )
    write_dataset(dataset, output, job, __name__)


def _temperature(structure: xr.Dataset, job: dict[str, Any]) -> xr.Dataset:
    """Exponents at one temperature, along a dimension `case` for systems of known exponent."""
    if "hurst" not in structure.coords:
        return _case(structure, job).expand_dims("case")
    groups = list(structure.groupby("hurst"))
    cases = xr.concat([_case(group, job) for _, group in groups], dim="case")
    return cases.assign_coords(hurst=("case", [float(hurst) for hurst, _ in groups]))


def _case(structure: xr.Dataset, job: dict[str, Any]) -> xr.Dataset:
    """All sources, fields, estimators and regions of one ensemble."""
    cell = cell_of(structure)
    tiles = structure["mean"].shape[6:]
    functions = TestFunctions.bumps(cell.dim, job["bumps"], job["sharpness"], job["seed"])
    weights = functions.values(np.stack(np.meshgrid(*_centres(tiles), indexing="ij"), axis=-1))
    axes = ("source", "field", "estimator")
    parts: list[xr.Dataset] = []
    for labels in _labels(structure, axes):
        ensemble = _Ensemble(structure, cell, labels, job)
        regions = [ensemble.whole(), *(ensemble.region(weight) for weight in weights[1:])]
        parts.append(_label(regions, functions.names, ensemble).assign_coords(labels))
    combined = _unflatten(parts, {axis: structure[axis].values for axis in axes})
    combined["scale"] = structure["scale"]
    return combined


def _centres(tiles: tuple[int, ...]) -> Iterator[Real]:
    """Fractional coordinates of the centres of the tiles, axis by axis."""
    return ((np.arange(count) + 0.5) / count for count in tiles)


def _labels(structure: xr.Dataset, axes: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """All combinations of the labels of some dimensions, the last running fastest."""
    for index in np.ndindex(*(structure.sizes[axis] for axis in axes)):
        yield {a: str(structure[a].values[i]) for a, i in zip(axes, index, strict=True)}


class _Ensemble:
    """One source, field and estimator: its realisations and what they are fitted with."""

    def __init__(
        self, structure: xr.Dataset, cell: Cell, labels: dict[str, str], job: dict[str, Any]
    ) -> None:
        count = structure.sizes["realisation"]
        self.realisations = [moments_of(structure, number, **labels) for number in range(count)]
        self.expected: Expected | None = expected_of(structure, labels["estimator"])
        self.lengths = structure["correlation_length"].sel(source=labels["source"]).values
        self.cell, self.job = cell, job
        self.longest = structure.sizes["scale_index"]

    def whole(self) -> Exponents:
        """Exponents of the whole cell, from blocks of it where realisations are few."""
        samples = self.realisations
        if not self.job["deterministic"]:
            # A block must also be wide against the scales at which averages are taken in it.
            samples = independent(samples, self.cell, [*self.lengths, self.job["window"][1]])
        return self._fit(samples, self.cell.volume * len(self.realisations) / len(samples))

    def region(self, weight: Real) -> Exponents:
        """Exponents of averages weighted with a test function φ, (t_1, ..., t_d)."""
        share = float(np.mean(weight) / np.max(weight))
        return self._fit([m.region(weight) for m in self.realisations], self.cell.volume * share)

    def _fit(self, samples: list[Moments], volume: float) -> Exponents:
        window, level = tuple(self.job["window"]), self.job["level"]
        return exponents(samples, window, level, volume, self.expected, self.job["deterministic"])

    def map(self, whole: Exponents) -> Real:
        """ξ_3 of every tile of the first realisation, over the range of the whole cell."""
        first = self.realisations[0]
        order = int(np.flatnonzero(first.q == CRITICAL_ORDER)[0])
        x = first.scale
        chosen = slice(
            int(np.searchsorted(x, whole.low * (1.0 - 1e-9))),
            int(np.searchsorted(x, whole.high * (1.0 + 1e-9))),
        )
        norm = first.tile_norm[order]
        with np.errstate(divide="ignore"):
            tiles = np.moveaxis(np.log(norm), 0, -1) + first.offset * np.log(x)
        curve = curves([first], chosen, None)[order].of(tiles.reshape(-1, x.size))
        slopes = curve.slopes(chosen) - whole.correction[order]
        return np.asarray(np.where(np.isfinite(slopes), slopes, np.nan).reshape(norm.shape[1:]))

    def mean_norm(self) -> Real:
        """Norms of all realisations together, (order, scale)."""
        return average(self.realisations).norm


def _label(regions: list[Exponents], names: tuple[str, ...], ensemble: _Ensemble) -> xr.Dataset:
    """The exponents of one source, field and estimator; scales padded to one length with NaN."""
    whole = regions[0]
    longest = ensemble.longest

    def padded(array: Real, length: int) -> Real:
        missing = [(0, 0)] * (array.ndim - 1) + [(0, length - array.shape[-1])]
        return np.pad(array, missing, constant_values=np.nan)

    dims = ("region", "order")
    order = {
        name: variable(dims, [getattr(r, name) for r in regions], "1", long_name, "before Eq. 45")
        for name, long_name in NUMBERS.items()
    }
    flags = list(FLAGS)
    codes = np.array([[flags.index(flag) for flag in r.flag] for r in regions], dtype=np.int8)
    flag = variable(dims, codes, "1", "what is known of the exponent")
    flag.attrs |= {
        "flag_values": np.arange(len(flags), dtype=np.int8),
        "flag_meanings": " ".join(flags),
    }
    local = {
        name: variable(
            ("order", "between"), padded(getattr(whole, name), longest - 1), "1", long_name
        )
        for name, long_name in {
            "local": "corrected slopes between neighbouring scales",
            "local_half": "half-widths of the local slopes",
        }.items()
    }
    tile_map = ensemble.map(whole)
    return xr.Dataset(
        {
            **order,
            **local,
            "flag": flag,
            "decisive": variable(
                dims,
                np.array([[f in DECISIVE for f in r.flag] for r in regions], dtype=np.int8),
                "1",
                "1 where a verdict may rest on the exponent",
            ),
            "window": variable(
                ("region", "end"), [[r.low, r.high] for r in regions], "l0", "scaling range"
            ),
            "samples": variable(("region",), [r.samples for r in regions], "1", "sample size"),
            "middle": variable(
                ("between",), padded(whole.middle, longest - 1), "l0", "scale of local slopes"
            ),
            "mean_norm": variable(
                ("order", "scale_index"),
                padded(ensemble.mean_norm(), longest),
                "unit of the field (per l0 for gradients)",
                "norms of all realisations together",
            ),
            "tile_exponent": variable(
                tuple(f"tile_{axis}" for axis in range(tile_map.ndim)),
                tile_map,
                "1",
                "slope of the norms of order 3 in each tile, first realisation",
            ),
        },
        coords={"region": list(names), "order": whole.q},
    )


def _unflatten(parts: list[xr.Dataset], axes: dict[str, npt.NDArray[np.str_]]) -> xr.Dataset:
    """Datasets of all combinations of labels as one with these dimensions."""
    shape = tuple(values.size for values in axes.values())
    joined: dict[str, xr.Variable] = {}
    for name, first in parts[0].data_vars.items():
        array = np.stack([part[name].values for part in parts])
        joined[str(name)] = xr.Variable(
            (*axes, *first.dims), array.reshape(*shape, *first.shape), first.attrs
        )
    return xr.Dataset(joined, coords={**axes, **{n: parts[0][n] for n in ("region", "order")}})
