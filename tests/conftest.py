"""What holds for every test: floating-point errors raise, and nothing is left to chance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

# Read by the libraries when they are first imported. Two test processes share the machine, so
# no library may take all cores; two numba threads are what tests of thread independence need.
os.environ.setdefault("NUMBA_NUM_THREADS", "2")
for variable in ("DUCC0_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import hypothesis  # noqa: E402
import numba  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from xdist.scheduler import LoadScopeScheduling  # noqa: E402

WORKFLOW = "tests/workflow/"

# Of two threads one mostly waits for the other, and takes a processor for it. A test in which two
# are to work says so.
numba.set_num_threads(1)

# The same examples in every run, no record of earlier ones, and no limit on the time of one
# example: the first may have to wait for a compilation.
hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("fixed")


class ByModule(LoadScopeScheduling):
    """Of several test processes, one takes all tests of a module, which share fixtures.

    And one takes all that start Snakemake, which share a study.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return WORKFLOW if WORKFLOW in module else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest group, that of Snakemake."""
    items.sort(key=lambda item: WORKFLOW not in item.nodeid)


@pytest.fixture(autouse=True)
def _floating_point_errors_raise() -> Iterator[None]:
    """NaN, overflow and division by zero in numpy are errors; underflow to zero is not."""
    with np.errstate(invalid="raise", over="raise", divide="raise"):
        yield


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Whatever a test asks for ends with it."""
    yield
    numba.set_num_threads(1)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed, new for each test."""
    return np.random.default_rng(20250301)
