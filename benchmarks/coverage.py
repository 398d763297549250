"""How often intervals of ξ_q hold the truth: benchmarks/coverage.csv, shown in docs/exponents.md.

Each study is an ensemble of `FIELDS` independent lines of `POINTS` points whose exponents are
known, fitted as a study of glasscade fits them: wavelets, the scaling range looked for in `WINDOW`,
intervals at 95 %. Of fractional fields every study has its own H, between 0.1 and 0.8.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import page

from glasscade.cell import Cell
from glasscade.regularity.expected import expected_of
from glasscade.regularity.exponents import Exponents, exponents
from glasscade.regularity.synthetic import fractional, step
from glasscade.regularity.wavelets import wavelet_moments

RESULTS = Path(__file__).with_name("coverage.csv")
STUDIES, FIELDS, POINTS, LEVELS = 2000, 6, 2**14, 8
WINDOW = (4.0, 256.0)
ORDERS = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
CELL = Cell.cubic(float(POINTS), 1)
