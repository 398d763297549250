"""What moments cost: structure functions against numpy and fluidsf, leaders against FFTs."""

from __future__ import annotations

import fluidsf
import numpy as np
import numpy.typing as npt
from budget import peak_memory
from rows import Row, alternating

from glasscade.cell import Cell
from glasscade.regularity.increments import grid_shifts, increment_moments, shift_means
from glasscade.regularity.leaders import leader_moments
from glasscade.transforms import rfftn

Real = npt.NDArray[np.float64]

N = 1024
CELL = Cell.cubic(float(N), 2)
FIELD = np.random.default_rng(1).standard_normal((N, N))
SEPARATIONS = np.geomspace(4.0, 500.0, 40)
"""Times eight directions: 320 shifts."""
ORDERS = np.arange(1.0, 7.0)
TRANSFORMS = 50
LEVELS = 7
RUNS = 5
THREADS = (1, 2)
"""The peers have no threads to use."""


def structure_functions() -> list[Row]:
    """S_q of q = 1..6 by 320 shifts, and S_2 along both axes for every separation."""
    return [
        *(against_numpy(threads) for threads in THREADS),
        against_plain_numpy(),
        *(against_fluidsf(threads) for threads in THREADS),
    ]


def against_numpy(threads: int) -> Row:
    shifts = np.concatenate([grid_shifts(r, CELL, FIELD.shape) for r in SEPARATIONS])
    ours, peer = alternating(
        lambda: increment_moments(FIELD, CELL, SEPARATIONS, ORDERS, threads=threads),
        lambda: rolled(FIELD, shifts),
        RUNS,
    )
    size = f"{N}^2, {len(shifts)} shifts, q = 1 ... 6, {threads} thread(s)"
    name = "np.roll, powers by multiplication (numpy)"
    return Row("structure-functions (ms)", size, threads, ours, peer, name, peer / ours, 30.0)


def against_plain_numpy() -> Row:
    """The same with |d|**q, as it is written before one thinks of time; a tenth of the shifts."""
    few = SEPARATIONS[::10]
    shifts = np.concatenate([grid_shifts(r, CELL, FIELD.shape) for r in few])

    def plain() -> list[list[float]]:
        each = (np.abs(np.roll(FIELD, tuple(-shift), (0, 1)) - FIELD) for shift in shifts)
        return [[float(np.mean(difference**q)) for q in ORDERS] for difference in each]

    ours, peer = alternating(lambda: increment_moments(FIELD, CELL, few, ORDERS), plain, 3)
    size = f"{N}^2, {len(shifts)} shifts, q = 1 ... 6"
    return Row(
        "structure-functions (ms)", size, 1, ours, peer, "np.roll, abs(d)**q", peer / ours, 30.0
    )


def rolled(field: Real, shifts: npt.NDArray[np.int64]) -> list[list[float]]:
    """<|f(x+r) - f(x)|^q> for q = 1..6 as one writes it down."""
    means = []
    for shift in shifts:
        difference = np.abs(np.roll(field, tuple(-shift), (0, 1)) - field)
        power, row = difference, [float(difference.mean())]
        for _ in ORDERS[1:]:
            power = power * difference
            row.append(float(power.mean()))
        means.append(row)
    return means


def against_fluidsf(threads: int) -> Row:
    """Its second-order structure function of a scalar has the separations 1 to n/2 - 1."""
    x, half = np.arange(float(N)), N // 2
    axes = [np.array([[0, r]]) for r in range(1, half)] + [
        np.array([[r, 0]]) for r in range(1, half)
    ]

    def along_axes() -> Real:
        q = np.array([2.0])
        return shift_means(FIELD, axes, q, order=1, tiles=1, threads=threads)[0].ravel()

    def theirs() -> Real:
        functions = fluidsf.generate_structure_functions_2d(
            None, None, x, x, sf_type=["SS"], scalar=FIELD, boundary="periodic-all"
        )
        return np.concatenate([functions["SF_SS_x"][1:], functions["SF_SS_y"][1:]])

    np.testing.assert_allclose(along_axes(), theirs(), rtol=1e-12)  # round-off
    ours, peer = alternating(along_axes, theirs, RUNS)
    size = f"{N}^2, {len(axes)} shifts along the axes, q = 2, {threads} thread(s)"
    return Row("structure-functions (ms)", size, threads, ours, peer, "fluidsf", peer / ours, 50.0)


def wavelet_leaders() -> list[Row]:
    """Moments of leaders of all levels that leave eight cubes, against real FFTs."""

    def transforms() -> None:
        for _ in range(TRANSFORMS):
            rfftn(FIELD)

    ours, peer = alternating(lambda: leader_moments(FIELD, CELL, LEVELS, ORDERS), transforms, RUNS)
    size, name = (
        f"{N}^2, {LEVELS} levels, q = 1 ... 6",
        f"{TRANSFORMS} real FFTs of the grid (ducc0)",
    )
    return [Row("wavelet-leaders (ms)", size, 1, ours, peer, name, peer / ours, 1.0)]


def memory() -> list[Row]:
    """Peak of what is allocated, in real fields of the grid, the result included."""
    peaks = {
        "increments, 1024^2, 320 shifts": peak_memory(
            lambda: increment_moments(FIELD, CELL, SEPARATIONS, ORDERS)
        ),
        "leaders, 1024^2": peak_memory(lambda: leader_moments(FIELD, CELL, LEVELS, ORDERS)),
    }
    fields = {size: peak / FIELD.nbytes for size, peak in peaks.items()}
    return [
        Row("regularity-memory (fields)", size, 1, peak, 12.0, "limit", 12.0 / peak, 1.0)
        for size, peak in fields.items()
    ]


BENCHMARKS = (structure_functions, wavelet_leaders, memory)
