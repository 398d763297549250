"""Numbers in paths have one spelling, and no path can be read in two ways."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasscade.paths import BATCH, NUMBER, Paths, batch_label, number

positive = st.floats(min_value=1e-12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333"),
        (123456.0, "123456"),
        (1e6, "1e+06"),
    ],
)
def test_a_number_is_spelt_in_one_way(value: float, label: str) -> None:
    assert number(value) == label


@given(positive)
def test_a_spelling_reads_back_to_itself(value: float) -> None:
    label = number(value)
    assert re.fullmatch(NUMBER, label)
    assert number(float(label)) == label
    # six significant digits
    assert float(label) == pytest.approx(value, rel=5e-6)


@given(st.lists(positive, min_size=1, max_size=8))
def test_a_batch_reads_back_to_its_numbers(batch: list[float]) -> None:
    labels = batch_label(tuple(batch)).split("_")
    assert labels == [number(ell) for ell in batch]


# What the workflow allows for each wildcard.
WILDCARDS = {
    "model": "[a-z][a-z0-9_]*",
    "temperature": BATCH,
    "ell": BATCH,
    "block": "[0-9]+",
}


@given(
    st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True),
    st.lists(positive, min_size=1, max_size=4),
    st.lists(positive, min_size=1, max_size=4),
    st.integers(min_value=0, max_value=999),
)
def test_a_path_is_read_in_one_way(
    model: str, temperatures: list[float], batch: list[float], block: int
) -> None:
    values = {
        "model": model,
        "temperature": batch_label(tuple(temperatures)),
        "ell": batch_label(tuple(batch)),
        "block": str(block),
    }
    patterns = Paths(Path("results/small"))
    for pattern in (patterns.state, patterns.budget, patterns.structure, patterns.exponents):
        expression = re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{WILDCARDS[m[1]]})", pattern)
        matched = re.fullmatch(expression.replace(".nc", r"\.nc"), pattern.format(**values))
        assert matched
        assert matched.groupdict() == {k: values[k] for k in matched.groupdict()}


def test_no_two_patterns_make_the_same_path() -> None:
    paths = Paths(Path("results/small"))
    labels = {"model": "a", "temperature": "0", "ell": "0.1", "block": "0"}
    made = [
        pattern.format(**labels)
        for pattern in (
            paths.state,
            paths.budget,
            paths.structure,
            paths.exponents,
            paths.limits,
            paths.model_verdicts,
            paths.verdicts,
            paths.summary,
            paths.config,
            paths.metadata,
            paths.figure("a", "b", "png"),
            paths.figure("a", "b", "csv"),
            paths.log("limits", "{model}"),
            paths.benchmark("limits", "{model}"),
        )
    ]
    assert len(set(made)) == len(made)
    assert all(path.startswith("results/small/") for path in made)


def test_logs_of_different_stages_do_not_meet() -> None:
    paths = Paths(Path("results/small"))
    assert paths.log("reduce", "{model}") == "results/small/logs/reduce/{model}.log"
    assert paths.benchmark("reduce", "{model}") == "results/small/benchmarks/reduce/{model}.tsv"
