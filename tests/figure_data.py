"""Small results of four kinds of model, made up but of the shape that the stages write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from glasscade.figures.data import Results
from glasscade.io import seal
from glasscade.limits.extrapolation import ENDS
from glasscade.limits.verdicts import Verdict
from glasscade.regularity.exponents import ANSWERED, DECISIVE, FLAGS
from glasscade.stages.joint import FOLLOWED

KINDS = ("cluster", "field", "synthetic", "glass")
KERNELS = ["gaussian", "bump"]
PHI = ["one", "bump1", "bump2"]
ESTIMATORS = ["wavelets", "leaders", "gradients", "increments", "second_increments"]
SOURCES = ["measured", "poisson", "liquid", "shuffled"]
"""Of particles; other models have the first alone."""
ORDERS = [-1.0, 1.0, 2.0, 3.0]
SCALES = 0.01 * 2.0 ** np.arange(7)
RANGE = (0.02, 0.16)
"""The scaling range of every exponent that has one."""
QUANTITIES = ["A", "B", "lim_Q_thermal", "lim_Q_flux", "lim_W_ell", "lim_W_T", "H", "A_minus_B"]
HURST = [0.2, 0.6]
DISTANCE = ("compared_ell", "p", "extent")
LEVEL = 0.9
LENGTH = 2.0


def write(dataset: xr.Dataset, path: Path) -> None:
    """Write made-up data, sealed as those of a stage are, but without units or provenance."""
    dataset.to_netcdf(path)
    seal(path)


def results(kind: str) -> Results:
    """Results of a model of one kind."""
    limits = made_up_limits(kind)
    return Results(
        "wavelets", LEVEL, 0.03, LENGTH, limits, made_up_exponents(kind), made_up_verdicts(kind)
    )


def made_up_limits(kind: str) -> xr.Dataset:
    """What the stage of limits writes: every number different, some of them unknown."""
    rng = np.random.default_rng(7)
    evolves, random = kind in ("field", "glass"), kind in ("synthetic", "glass")
    temperature = [0.0] if kind == "synthetic" else [0.0, 0.001, 0.002, 0.004, 0.008]
    ell = [0.05, 0.1, 0.2, 0.4, 0.8] if kind == "synthetic" else [0.0, 0.05, 0.1, 0.2, 0.4, 0.8]
    term = ["W", "Q_flux", "Q_thermal"] + ["Ito"] * (kind == "glass")
    time = {"field": np.linspace(0.0, 1.0, 5), "glass": np.append(0.0, np.geomspace(0.01, 1.0, 6))}
    coordinates = {
        "temperature": temperature,
        "realisation": np.arange(6 if random else 1),
        "ell": ell,
        "kernel": KERNELS,
        "term": term,
        "phi": PHI,
        "time": time.get(kind, np.array([0.0])),
    }
    lead = ("temperature", "realisation", "ell", "kernel")

    def values(*dims: str) -> xr.DataArray:
        shape = tuple(len(coordinates[dim]) for dim in dims)
        array = rng.uniform(0.5, 1.0, shape)
        return xr.DataArray(array, {dim: coordinates[dim] for dim in dims}, dims)

    sign = xr.DataArray([-1.0, 0.3, 0.2, -0.1][: len(term)], {"term": term}, "term")
    limits = xr.Dataset(
        {
            "source": values(*lead, "term", "phi") * sign,
            "transport": 0.1 * values(*lead, "term", "phi"),
            "change": -values(*lead, "phi"),
            "series": values("temperature", "realisation", "ell", "time"),
        }
    )
    # The second kernel does not resolve the smallest scale.
    unknown = (limits["kernel"] == KERNELS[1]) & (limits["ell"] == 0.05)
    if kind == "cluster":  # a point has no fine-grained balance
        unknown = unknown | ((limits["ell"] == 0.0) & (limits["temperature"] == 0.0))
    if kind == "glass":  # only the stress of particles is known without smearing
        unknown = unknown | (limits["ell"] == 0.0)
        limits["self_pair"] = 0.2 * values(*lead, "phi").where(limits["ell"] > 0.0)
    for name in ("source", "transport"):
        limits[name] = limits[name].where(~unknown)
    if kind == "synthetic":
        limits = limits.assign_coords(hurst=("realisation", np.repeat(HURST, 3)))
    else:
        limits["limit"] = _made_up_limit(rng)
    if evolves:
        limits = limits.merge(_made_up_scales(temperature, len(coordinates["realisation"]), rng))
    if kind in ("cluster", "field"):
        norm = values("realisation", "ell").where(limits["ell"] > 0.0)
        limits["flux_norm"] = norm.expand_dims(order=[1.0, 2.0], axis=-1)
        limits["product_norm"] = 3.0 * limits["flux_norm"]
    if kind == "field":
        limits = limits.merge(_made_up_paths(temperature, rng)).merge(made_up_distances())
    for name in ("flux_map_0.1", "density_map_0.1"):
        shape = (6,) if kind in ("cluster", "field") else (6, 8)
        limits[name] = xr.DataArray(rng.normal(size=shape), dims=("x", "y")[: len(shape)])
    limits["residual"] = 1e-3 * values(*lead, "phi")
    return limits


def _made_up_limit(rng: np.random.Generator) -> xr.DataArray:
    shape = (len(QUANTITIES), len(KERNELS), len(PHI))
    value = rng.normal(size=shape)
    window = np.stack([np.full(shape, 0.05), np.full(shape, 0.4)])
    window[:, :, 1] *= 2.0  # the second kernel takes its limits from larger scales
    parts = _ends(value, value - 0.1, value + 0.1, *window)
    coordinates = {"quantity": QUANTITIES, "kernel": KERNELS, "phi": PHI, "end": list(ENDS)}
    return xr.DataArray(parts, coordinates, tuple(coordinates))


def _ends(*known: np.ndarray) -> np.ndarray:
    """Value, interval and window of limits of which no more is known."""
    unknown = [np.full_like(known[0], np.nan)] * (len(ENDS) - len(known))
    return np.stack([*known, *unknown], axis=-1)


def _made_up_paths(temperature: list[float], rng: np.random.Generator) -> xr.Dataset:
    """Terms along two paths, the second of which leaves the table before the last temperature."""
    lead = ("alpha", "followed", "kernel", "phi")
    shape = (2, len(FOLLOWED), len(KERNELS), len(PHI))
    ell = 0.05 * (np.array(temperature) / 0.001) ** np.array([[0.5], [1.0]])
    ell[:, 0], ell[1, -1] = np.nan, np.nan
    known = np.isfinite(ell)[:, None, None, None, :]
    value = np.where(known, rng.normal(size=(*shape, len(temperature))), np.nan)
    limit = rng.normal(size=shape)
    window = np.full(shape, 0.001), np.full(shape, 0.008)
    return xr.Dataset(
        {
            "path_ell": (("alpha", "temperature"), ell),
            "along": ((*lead, "temperature"), value),
            "along_error": ((*lead, "temperature"), np.where(known, 0.05, np.nan) + 0.0 * value),
            "along_limit": ((*lead, "end"), _ends(limit, limit - 0.1, limit + 0.1, *window)),
        },
        coords={"alpha": [0.5, 1.0], "followed": list(FOLLOWED), "end": list(ENDS)},
    )


def made_up_distances(ells: tuple[float, ...] = (0.0,)) -> xr.Dataset:
    """Norms of ρ^T - ρ of gridded densities, or of coarse-grained ones at some scales."""
    warm, lead = np.array([0.001, 0.002, 0.004, 0.008]), (len(ells), 3, 2)
    power = np.broadcast_to([[[[1.0, 0.9, 1.1, warm[0], warm[-1]]]]], (*lead, 5))
    return xr.Dataset(
        {
            "distance": (("warm", *DISTANCE), warm[:, None, None, None] * np.ones(lead)),
            "size": (DISTANCE, np.linspace(1.0, 2.0, 6 * len(ells)).reshape(lead)),
            "distance_exponent": ((*DISTANCE, "end"), _ends(*np.moveaxis(power, -1, 0))),
        },
        coords={
            "warm": warm,
            "compared_ell": list(ells),
            "p": [1, 2, 3],
            "extent": ["largest", "final"],
            "end": list(ENDS),
        },
    )


def _made_up_scales(temperature: list[float], count: int, rng: np.random.Generator) -> xr.Dataset:
    ell = [0.05, 0.1, 0.2, 0.4, 0.8]
    resolved = np.sort(rng.uniform(size=(len(temperature), count, len(ell))))[..., ::-1]
    middle = rng.uniform(0.1, 0.3, (len(temperature), 3))
    scale = _ends(middle, middle - 0.02, middle + 0.03, *2 * [middle])
    scale[0, 2] = np.nan  # no crossing within the scales
    return xr.Dataset(
        {
            "resolved_fraction": (("temperature", "realisation", "resolved_ell"), resolved),
            "scale": (("temperature", "fraction", "end"), scale),
        },
        coords={"fraction": [0.9, 0.5, 0.1], "end": list(ENDS), "resolved_ell": ell},
    )


def made_up_exponents(kind: str) -> xr.Dataset:
    """What the stage of exponents writes, with exponents of every flag.

    The wavelets of the density and force have exponents of order 3 at T = 0.
    """
    rng = np.random.default_rng(11)
    temperature = [0.0, 0.004] if kind == "glass" else [0.0]
    source = SOURCES if kind == "glass" else SOURCES[:1]
    tiles = (2,) if kind in ("cluster", "field") else (2, 4)
    cases = len(HURST) if kind == "synthetic" else 1
    lead = (len(temperature), cases, len(source), 2, len(ESTIMATORS))
    shape = (*lead, len(PHI), len(ORDERS))
    raw, correction = rng.uniform(0.1, 0.9, shape), rng.uniform(-0.01, 0.01, shape)
    flag = rng.integers(0, len(FLAGS), shape)
    flag[:, :, 0, :, 0, 0, -1] = list(FLAGS).index("trusted")
    flag[-1, 0, -1, 0, 0, 0, 0] = list(FLAGS).index("biased")
    correction[flag == list(FLAGS).index("biased")] = 0.1
    names = np.array(list(FLAGS))[flag]
    value = np.where(np.isin(names, list(ANSWERED)), raw - correction, np.nan)
    half = np.where(names == "smooth", 0.0, 0.05)
    value = np.where(names == "smooth", 1.0, value)
    scale = np.broadcast_to(SCALES, (*lead[:2], len(ESTIMATORS), 7)).copy()
    scale[..., -1] = np.nan  # padding
    norm = rng.uniform(0.5, 1.0, (*lead, len(ORDERS), 7)) * SCALES**0.5
    norm[..., -1] = np.nan
    local = rng.uniform(0.0, 1.0, (*lead, len(ORDERS), 6))
    local[..., -1] = np.nan
    tile = rng.uniform(0.0, 0.6, (*lead, *tiles))
    tile[..., -1] = np.where(rng.uniform(size=tile.shape[:-1]) < 0.5, np.nan, tile[..., -1])
    dims = ("temperature", "case", "source", "field", "estimator")
    fitted = (*dims, "region", "order")
    middle = np.append(np.sqrt(SCALES[1:-1] * SCALES[:-2]), np.nan)
    dataset = xr.Dataset(
        {
            "value": (fitted, value),
            "ci_low": (fitted, value - half),
            "ci_high": (fitted, value + half),
            "raw": (fitted, raw),
            "correction": (fitted, correction),
            "flag": (fitted, flag.astype(np.int8)),
            "decisive": (fitted, np.isin(names, list(DECISIVE)).astype(np.int8)),
            "window": (
                (*dims, "region", "end"),
                np.broadcast_to(RANGE, (*lead, len(PHI), 2)),
            ),
            "samples": ((*dims, "region"), np.full((*lead, len(PHI)), 6)),
            "middle": ((*dims, "between"), np.broadcast_to(middle, (*lead, 6))),
            "local": ((*dims, "order", "between"), local),
            "local_half": ((*dims, "order", "between"), np.full(local.shape, 0.04)),
            "mean_norm": ((*dims, "order", "scale_index"), norm),
            "scale": (("temperature", "case", "estimator", "scale_index"), scale),
            "tile_exponent": ((*dims, *(f"tile_{a}" for a in range(len(tiles)))), tile),
        },
        coords={
            "temperature": temperature,
            "source": source,
            "field": ["density", "force"],
            "estimator": ESTIMATORS,
            "region": PHI,
            "order": ORDERS,
        },
    )
    return dataset.assign_coords(hurst=("case", HURST)) if kind == "synthetic" else dataset


def made_up_verdicts(kind: str) -> list[Verdict]:
    """Rows of the checks that figures look at."""
    if kind == "synthetic":
        return [
            row("flux_bound", f"smeared_vs_xi+xiF_H{h:g}", 1.5 + h, fit=(0.05, 0.4)) for h in HURST
        ]
    rows = [row("commutation", "A_minus_B", 0.01)]
    rows += [row("commutation", "A_minus_B", 0.02, region=phi) for phi in ("bump1", "bump2", "all")]
    check = "commutation" if kind == "glass" else "control"
    rows += [row(check, "lim_Q_thermal", 0.3, reference=0.25), row(check, "H", -0.1)]
    rows += [row("kernel_independence", "lim_Q_flux_bump_minus_gaussian", 0.0)]
    rows += [row("direct_terms_vanish", "slope_in_T_at_ell_0.8", 0.98, reference=1.0)]
    if kind != "glass":
        rows += [row("flux_bound", "pointwise_vs_3xi-1", 0.4, fit=(0.07, 0.35))]
    return [*rows, row("flux_bound", "smeared_vs_xi+xiF", 1.9, fit=(0.07, 0.35))]


def row(
    check: str,
    quantity: str,
    value: float,
    reference: float = 0.0,
    fit: tuple[float, float] = (0.0, 1.0),
    region: str = "one",
) -> Verdict:
    """A verdict with an interval of ±0.1 and a margin of 0.2."""
    ends = (round(value - 0.1, 9), round(value + 0.1, 9))  # tables keep ten digits
    window = (*fit, 40.0)  # of which the last is how many would decide
    return Verdict(
        "made_up", check, quantity, region, value, *ends, reference, 0.2, "holds", 6, *window
    )
