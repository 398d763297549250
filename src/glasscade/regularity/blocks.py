"""One large sample as several independent ones: blocks longer than its correlation length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glasscade.cell import Cell
from glasscade.regularity.moments import Moments
from glasscade.transforms import irfftn, rfftn

Real = npt.NDArray[np.float64]

UNCORRELATED = 0.1
"""Correlation coefficient below which, at all larger distances, values count as independent."""
LENGTHS = 2.0
"""Correlation lengths that a block must hold along each axis."""
FEWEST_REALISATIONS = 6
"""With fewer realisations than this, Student's t is wide and blocks are taken where they can be."""


def correlation_length(values: Real, cell: Cell) -> float:
    """The distance beyond which the correlation coefficient stays within ±`UNCORRELATED`.

    C(r) = <δf(x) δf(x+r)>/<δf²>, by Fourier transform, averaged over shells of one grid spacing.
    Infinite if no distance within half the cell is beyond it, as for fractional fields.

    Parameters
    ----------
    values : (n_1, ..., n_d)
        The field on the grid of the cell.
    cell : Cell
        Its periodic cell, straight or sheared.
    """
    power = np.abs(rfftn(values - values.mean())) ** 2
    correlation = irfftn(power.astype(np.complex128), values.shape)
    # The minimum image in fractional coordinates: near enough for cells that are not very oblique.
    steps = [np.fft.fftfreq(n) for n in values.shape]
    vectors = cell.cartesian(np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1))
    distance = np.linalg.norm(vectors, axis=-1).ravel()
    spacing = float(np.max(np.linalg.norm(cell.matrix, axis=0) / np.array(values.shape)))
    shell = np.rint(distance / spacing).astype(np.int64)
    reached = int(0.5 * cell.smallest_width / spacing) + 1
    total = np.bincount(shell, correlation.ravel())[:reached]
    mean = total / np.bincount(shell)[:reached] / correlation.ravel()[0]
    beyond = np.flatnonzero(np.abs(mean) > UNCORRELATED)[-1] + 1
    return float(beyond * spacing) if beyond < reached else np.inf


def blocks(moments: Moments, cell: Cell, length: float) -> list[Moments]:
    """The tiles of a sample, joined until each is `LENGTHS` correlation lengths wide.

    Parameters
    ----------
    moments : Moments
        With at least two tiles along each axis.
    cell : Cell
    length : float
        The correlation length.

    Returns
    -------
    list of Moments
        One for each block, or the whole sample where fewer than two blocks along each axis are
        wide enough.
    """
    tiles = moments.mean.shape[2:]
    count = tiles[0]
    while count > 1 and cell.smallest_width < LENGTHS * length * count:
        count = count // 2 if count % 2 == 0 else 1
    if count == 1:
        return [moments]
    positions = np.indices(tiles) * count // tiles[0]
    corners = np.ndindex(*(count,) * len(tiles))
    inside = (np.all(positions == np.reshape(c, (-1, *(1,) * len(tiles))), axis=0) for c in corners)
    return [moments.region(block.astype(np.float64)) for block in inside]


def independent(
    realisations: Sequence[Moments], cell: Cell, lengths: Sequence[float]
) -> list[Moments]:
    """The independent samples of an ensemble: its realisations, or the blocks of them if few.

    Parameters
    ----------
    realisations : sequence of Moments
    cell : Cell
    lengths : sequence of float
        The correlation length of each.
    """
    if len(realisations) >= FEWEST_REALISATIONS:
        return list(realisations)
    longest = max(lengths)
    return [block for each in realisations for block in blocks(each, cell, longest)]
